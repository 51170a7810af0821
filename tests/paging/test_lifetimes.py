"""How long a call and its stays last, where their rows cannot be believed: every session and point is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Certificate, TimeRange, scan
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import World
from tests.support.long_runs import by_turns
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
LONG_S = 110 * MINUTE
FEW: dict[str, Any] = {
    "seed": 1,
    "calls": 1,
    "start": NOW - 9 * HOUR,
    "end": NOW - 5 * HOUR,
    "sessions_per_call": 4,
    "metrics_per_session": 2,
}
# Nearly two hours: two windows of Agora's standard plan, and of Tencent's metrics.
LONG = World(call_seconds=LONG_S, points_per_series=110, **FEW)
BRIEF = World(call_seconds=20, points_per_series=10, **FEW)
WORLDS = {"brief": BRIEF, "long": LONG}
SPELT = {
    "agora": ("call_lists", "created_ts", "destroyed_ts", "call_info", "join_ts", "leave_ts"),
    "tencent": ("RoomList", "CreateTime", "DestroyTime", "UserList", "JoinTs", "LeaveTs"),
}
VENDORS = [*(("agora", {"api": api}) for api in GENERATION_ENDPOINTS), ("tencent", {})]
every_vendor = pytest.mark.parametrize(("vendor", "options"), VENDORS, ids=lambda value: str(value))
Spoil = dict[str, Callable[[Rows], None]]


def ends(vendor: str, end: Callable[[int, int], int | None], *, of: str) -> Spoil:
    """Rows of calls or sessions whose end is made of their beginning and end; one of None is left out."""
    calls, created, destroyed, sessions, join, leave = SPELT[vendor]
    rows, first, last = (calls, created, destroyed) if of == "calls" else (sessions, join, leave)

    def spoil(found: Rows) -> None:
        for row in found:
            row[last] = end(row[first], row[last])
            if row[last] is None:
                del row[last]

    return {rows: spoil}


@attrs.frozen
class Read:
    sessions: list[str]
    points: int
    requests: int
    doubts: tuple[str, ...]
    complete: bool


def read(vendor: str, options: dict[str, Any], world: World, spoil: Spoil, plan: str = "", **asked: Any) -> Read:
    """One call of a spoilt vendor, read to its points."""
    stage = Stage(vendor, world, plan=plan or ("standard" if vendor == "agora" else "basic"), **options)

    async def scenario() -> tuple[Any, Any, list[Certificate]]:
        async with stage.provider(transport=Spoilt(stage.server, spoil), **options) as provider:
            (call,) = await provider.calls(TimeRange(world.start, world.end)).collect()
            listing = provider.sessions(call, **asked)
            sessions = await listing.collect()
            metrics = provider.metrics(call, sessions, **asked)
            series = await metrics.collect()
            return sessions, series, [listing.certificate, metrics.certificate]

    sessions, series, certificates = run(scenario)
    assert 0 == stage.server.refused
    return Read(
        sorted(one.session_id for one in sessions),
        sum(len(one) for one in series),
        stage.asked,
        tuple(doubt for one in certificates for doubt in one.doubts),
        all(one.complete for one in certificates),
    )


@cache
def read_politely(vendor: str, api: str, world: World) -> Read:
    """What a sound vendor shows of the call; with it each spoilt one is compared."""
    return read(vendor, {"api": api} if api else {}, world, {})


@every_vendor
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_a_polite_call_is_read_whole(vendor: str, options: dict[str, Any], world: World) -> None:
    polite = read_politely(vendor, options.get("api", ""), world)
    (call,) = world.calls(vendor)  # type: ignore[arg-type]  # a literal in the table above
    stays = world.sessions(call)
    points = sum(1 for stay in stays for series in world.series(stay) for _ in world.points(stay, series))
    assert sorted(stay.session_id for stay in stays) == polite.sessions
    assert (4, (), True) == (len(stays), polite.doubts, polite.complete)
    if options.get("api", "2024") == "2024":  # older clients reported fewer metrics
        assert points == polite.points
    windows = 1 if world is BRIEF else 2
    # Calls (of Tencent's a second page, since its total counts the page), sessions, points.
    spent = {"2021-03": (1, 1, 1), "tencent": (2, 1, windows)}.get(options.get("api", vendor), (1, windows, windows))
    assert sum(spent) == polite.requests


NO_END: dict[str, Callable[[int, int], int | None]] = {
    "zero": lambda begun, ended: 0,
    "negative": lambda begun, ended: -1,
    "a second before its beginning": lambda begun, ended: begun - 1,
    "its beginning": lambda begun, ended: begun,
    "missing": lambda begun, ended: None,
}
no_end = pytest.mark.parametrize("end", NO_END.values(), ids=NO_END)


@pytest.mark.parametrize(("of", "length", "ended"), by_turns(2, VENDORS, WORLDS, NO_END), ids=str)
def test_a_call_whose_end_cannot_be_lasts_as_long_as_its_sessions(
    of: tuple[str, dict[str, Any]], length: str, ended: str
) -> None:
    (vendor, options), world, end = of, WORLDS[length], NO_END[ended]
    polite = read_politely(vendor, options.get("api", ""), world)
    found = read(vendor, options, world, ends(vendor, end, of="calls"))
    assert (polite.sessions, polite.points) == (found.sessions, found.points)
    assert ((), True) == (found.doubts, found.complete), "where everybody has left, the call is over"
    assert polite.requests >= found.requests, "a window as long as it may be costs what a short one does"


@every_vendor
def test_a_session_that_outlasts_its_call_is_read_to_its_end(vendor: str, options: dict[str, Any]) -> None:
    polite = read_politely(vendor, options.get("api", ""), LONG)
    found = read(vendor, options, LONG, ends(vendor, lambda begun, ended: ended - 500, of="calls"))
    assert (polite.sessions, polite.points) == (found.sessions, found.points)
    assert ((), True) == (found.doubts, found.complete)
    assert polite.requests + 1 >= found.requests, "one more window of the listing, to see who came after that"


@every_vendor
def test_whoever_came_after_the_end_of_a_call_is_found(vendor: str, options: dict[str, Any]) -> None:
    polite = read_politely(vendor, options.get("api", ""), LONG)
    found = read(vendor, options, LONG, ends(vendor, lambda begun, ended: begun + 60, of="calls"))
    assert (polite.sessions, polite.points) == (found.sessions, found.points)
    assert found.complete


@every_vendor
@no_end
def test_a_session_whose_end_cannot_be_is_read_to_the_end_of_its_call(
    vendor: str, options: dict[str, Any], end: Callable[[int, int], int | None]
) -> None:
    polite = read_politely(vendor, options.get("api", ""), LONG)
    found = read(vendor, options, LONG, ends(vendor, end, of="sessions"))
    assert (polite.sessions, polite.points) == (found.sessions, found.points)
    assert ((), True) == (found.doubts, found.complete)
    assert polite.requests + 2 >= found.requests, (
        "a window more of the listing, and of the points, shows that it is over"
    )


@every_vendor
@no_end
def test_where_neither_call_nor_session_has_an_end_points_are_followed_and_the_rest_is_doubted(
    vendor: str, options: dict[str, Any], end: Callable[[int, int], int | None]
) -> None:
    spoil = ends(vendor, end, of="calls") | ends(vendor, end, of="sessions")
    polite = read_politely(vendor, options.get("api", ""), LONG)
    found = read(vendor, options, LONG, spoil)
    assert (polite.sessions, polite.points) == (found.sessions, found.points)
    assert not found.complete
    assert "ended is not known" in found.doubts[-1]
    assert polite.requests + 3 >= found.requests


@every_vendor
def test_a_scan_reads_every_point_of_what_has_no_end_and_its_report_says_what_is_in_doubt(
    vendor: str, options: dict[str, Any]
) -> None:
    zero = NO_END["zero"]
    spoil = ends(vendor, zero, of="calls") | ends(vendor, zero, of="sessions")
    polite = read_politely(vendor, options.get("api", ""), LONG)
    stage = Stage(vendor, LONG, plan="standard" if vendor == "agora" else "basic", **options)

    async def scenario() -> tuple[int, int, Any]:
        async with stage.provider(transport=Spoilt(stage.server, spoil), **options) as provider:
            async with scan(provider, over=TimeRange(LONG.start, NOW), depth="metrics") as records:
                (record,) = [record async for record in records]
            return len(record.sessions), record.points, records.report.vendors[vendor]

    sessions, points, report = run(scenario)
    assert (len(polite.sessions), polite.points) == (sessions, points)
    assert (False, 0, 0) == (report.complete, len(report.failures), report.points_outside)
    assert [doubt for doubt in report.doubts if "ended is not known" in doubt]


IMPOLITE = {  # what a slip may cost beside what the same polite world does, in requests for each call
    **dict.fromkeys(("zero_end", "negative_end", "early_end", "instant_end", "missing_end", "end_in_ms", "far_end"), 0),
    "outlasted": 1,
    "odd_flag": 0,
    **dict.fromkeys(("zero_leave", "early_leave", "instant_leave", "leave_in_ms", "far_leave"), 3),
    **dict.fromkeys(("missing_leave", "unfinished_stay"), 4),
}


REPAIRED = ("end_in_ms", "leave_in_ms", "odd_flag")
"""Fields that cannot be read as they were sent, which is a doubt whatever is made of them."""


@cache
def scanned(vendor: str, slip: str) -> tuple[set[Any], int, Any]:
    """The points of a world that slips so, the requests that they cost, and the report."""
    options: dict[str, Any] = next(options for name, options in VENDORS[-2:] if name == vendor)
    world = World(
        seed=7,
        calls=20,
        start=NOW - 9 * HOUR,
        end=NOW - 2 * HOUR,
        sessions_per_call=6,
        metrics_per_session=2,
        points_per_series=30,
        impolite={slip: 0.4} if slip else {},
    )
    stage = Stage(vendor, world, plan="standard" if vendor == "agora" else "basic", **options)

    async def scenario() -> tuple[set[Any], Any]:
        found: set[Any] = set()
        async with stage.provider(**options) as provider:
            async with scan(provider, over=TimeRange(world.start, NOW - HOUR), depth="metrics") as records:
                async for record in records:
                    for one in record.series:
                        key = (record.call.call_id, one.session_id, one.vendor_metric, one.peer_id)
                        found.update((*key, at) for at in one.times)
            return found, records.report.vendors[vendor]

    found, report = run(scenario)
    return found, stage.asked, report


@pytest.mark.parametrize(("vendor", "slip"), by_turns(2, ["agora", "tencent"], IMPOLITE))
def test_lives_that_contradict_themselves_hide_nothing_and_cost_little(vendor: str, slip: str) -> None:
    everything, requests, _ = scanned(vendor, "")
    found, spent, report = scanned(vendor, slip)
    assert everything == found
    assert (0, 0) == (len(report.failures), report.points_outside)
    assert all("cannot be read as it was sent" in doubt for doubt in report.doubts)
    assert (slip in REPAIRED) == bool(report.doubts) == (not report.complete)
    listing = vendor == "tencent"  # of sessions, which a polite call is spared: its answers with metrics name the users
    assert spent <= requests + (IMPOLITE[slip] + listing) * report.calls


def test_events_of_a_session_without_an_end_are_read_too() -> None:
    def events(spoil: Spoil) -> list[tuple[int, int]]:
        stage = Stage("tencent", LONG, plan="basic")

        async def scenario() -> list[Any]:
            async with stage.provider(transport=Spoilt(stage.server, spoil)) as provider:
                (call,) = await provider.calls(TimeRange(LONG.start, LONG.end)).collect()
                sessions = await provider.sessions(call).collect()
                return await provider.events(call, sessions).collect()  # type: ignore[no-any-return]

        return sorted((one.time_ms, one.event_id) for one in run(scenario))

    zero = NO_END["zero"]
    polite = events({})
    assert len(polite) > 8
    assert polite == events(ends("tencent", zero, of="sessions"))
    assert polite == events(ends("tencent", zero, of="sessions") | ends("tencent", zero, of="calls"))


@every_vendor
@pytest.mark.parametrize("said", ["an end before it", "a beginning after it"])
def test_a_call_that_is_listed_in_a_range_was_in_it_whatever_its_row_says(
    vendor: str, options: dict[str, Any], said: str
) -> None:
    (call,) = LONG.calls(vendor)  # type: ignore[arg-type]  # a literal in the table above
    over = TimeRange(call.created_ts + 1_000, call.created_ts + 2_000)
    calls, created, destroyed, *_ = SPELT[vendor]

    def spoil(rows: Rows) -> None:
        for row in rows:
            row.update({destroyed: over.start - 500} if said == "an end before it" else {created: over.end + 10})

    def scanned(spoils: Spoil) -> tuple[int, int, bool]:
        stage = Stage(vendor, LONG, **options)

        async def scenario() -> tuple[int, int, bool]:
            async with (
                stage.provider(transport=Spoilt(stage.server, spoils), **options) as provider,
                scan(provider, over=over, depth="metrics") as records,
            ):
                found = [record async for record in records]
            sessions, points = sum(len(one.sessions) for one in found), sum(one.points for one in found)
            return sessions, points, records.report.complete

        return run(scenario)

    sessions, points, complete = scanned({})
    assert points > 0
    assert (sessions, points, complete) == scanned({calls: spoil})


@no_end
@every_vendor
def test_a_stay_without_an_end_that_began_before_the_range_is_followed_in_it(
    vendor: str, options: dict[str, Any], end: Callable[[int, int], int | None]
) -> None:
    world = World(call_seconds=LONG_S, points_per_series=110, **{**FEW, "sessions_per_call": 1})
    (call,) = world.calls(vendor)  # type: ignore[arg-type]  # a literal in the table above
    over = TimeRange(call.created_ts + 1_000, call.created_ts + 4_000)

    def scanned(spoils: Spoil) -> tuple[int, bool]:
        stage = Stage(vendor, world, **options)

        async def scenario() -> tuple[int, bool]:
            async with (
                stage.provider(transport=Spoilt(stage.server, spoils), **options) as provider,
                scan(provider, over=over, depth="metrics") as records,
            ):
                return sum([one.points async for one in records]), records.report.complete

        return run(scenario)

    points, complete = scanned({})
    assert (True, True) == (points > 0, complete)
    assert (points, complete) == scanned(ends(vendor, end, of="sessions"))
