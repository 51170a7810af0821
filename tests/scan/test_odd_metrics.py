"""Answers with metrics that are about something else than what was asked: nothing is missing without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import VendorReport
from agora_tencent_analytics.simulator import World
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
FEW: dict[str, Any] = {"calls": 3, "start": NOW - 6 * HOUR, "end": NOW - HOUR, "sessions_per_call": 3}


def world_of(sessions: int) -> World:
    return World(**{**FEW, "sessions_per_call": sessions}, seed=9, metrics_per_session=2, points_per_series=20)


WORLD = world_of(3)
VENDORS = [("agora", {}), ("agora", {"api": "2021-03"}), ("tencent", {})]
every_vendor = pytest.mark.parametrize(("vendor", "options"), VENDORS, ids=["agora", "agora of 2021-03", "tencent"])
SERIES = {"agora": "metrics", "tencent": "Data"}


@attrs.frozen
class Read:
    points: int
    requests: int
    report: VendorReport


def read(
    vendor: str, options: dict[str, Any], spoil: dict[str, Callable[[Rows], None]], world: World = WORLD, **more: Any
) -> Read:
    stage = Stage(vendor, world, **options)

    async def scenario() -> Any:
        async with (
            stage.provider(transport=Spoilt(stage.server, spoil), **options) as provider,
            scan(provider, over=TimeRange(world.start, world.end), depth="metrics", **more) as records,
        ):
            points = sum([record.points async for record in records])
            return points, records.report.vendors[vendor]

    points, report = run(scenario)
    return Read(points, stage.asked, report)


def lists_of_points(vendor: str, rows: Rows) -> list[list[Any]]:
    if vendor == "agora":
        return [series["kvs"] for session in rows for series in session["data"]]
    return [series["Content"] for series in rows]


def retimed(vendor: str, at: Callable[[int], Any]) -> dict[str, Callable[[Rows], None]]:
    """The same points at other times."""

    def spoil(rows: Rows) -> None:
        for points in lists_of_points(vendor, rows):
            for point in points:
                name: Any = 0 if vendor == "agora" else "Time"
                point[name] = at(point[name])

    return {SERIES[vendor]: spoil}


@every_vendor
@pytest.mark.parametrize("unit", [1_000, 10**6])
def test_points_in_milliseconds_are_read(vendor: str, options: dict[str, Any], unit: int) -> None:
    polite = read(vendor, options, {})
    found = read(vendor, options, retimed(vendor, lambda second: second * unit))
    assert polite.points > 0
    assert (polite.points, polite.requests, True) == (found.points, found.requests, found.report.complete)


@every_vendor
@pytest.mark.parametrize(
    "at",
    [lambda second: second - 8 * HOUR, lambda second: second // 60, lambda second: "soon", lambda second: None],
    ids=["of another zone", "in minutes", "words", "nulls"],
)
def test_series_without_a_point_that_was_asked_for_are_told(
    vendor: str, options: dict[str, Any], at: Callable[[int], Any]
) -> None:
    found = read(vendor, options, retimed(vendor, at))
    assert (0, False) == (found.points, found.report.complete)
    calls = {call.call_id for call in WORLD.calls(vendor)}  # type: ignore[arg-type]  # a literal in the table above
    told = [doubt for doubt in found.report.doubts if "none of a second that was asked for" in doubt]
    assert calls == {call_id for call_id in calls if any(call_id in doubt for doubt in told)}


@every_vendor
def test_an_answer_without_its_series_is_a_failure(vendor: str, options: dict[str, Any]) -> None:
    def spoil(whole: Rows) -> None:
        whole[0].pop(SERIES[vendor], None)

    found = read(vendor, options, {"": spoil})
    assert (0, False) == (found.points, found.report.complete)
    assert 3 == found.report.failures_by_kind["UnreadableReply"]


@pytest.mark.parametrize("sessions", [3, 6, 14])
@every_vendor
def test_series_of_others_in_the_place_of_those_asked_for_are_doubted(
    vendor: str, options: dict[str, Any], sessions: int
) -> None:
    def spoil(rows: Rows) -> None:
        for number, row in enumerate(rows):
            row["sid" if vendor == "agora" else "UserId"] = f"stranger{number}"

    found = read(vendor, options, {SERIES[vendor]: spoil}, world_of(sessions))
    assert (0, False) == (found.points, found.report.complete)
    assert any("are not in the answer, but others are" in doubt for doubt in found.report.doubts)


@pytest.mark.parametrize("place", [0, 1])
def test_a_session_that_cannot_be_read_beside_its_series_is_told(place: int) -> None:
    def spoil(rows: Rows) -> None:
        rows[place]["join_ts"] = None

    options = {"api": "2021-03"}
    polite, found = read("agora", options, {}), read("agora", options, {"call_info": spoil})
    assert polite.report.complete
    assert not found.report.complete
    assert found.report.failures_by_kind["UnreadableRow"] >= 3
    assert 0 < found.points < polite.points


def test_sessions_beside_their_series_are_read_however_much_they_hold() -> None:
    def spoil(rows: Rows) -> None:
        for row in rows:
            row["tags"] = "x" * 200_000

    options = {"api": "2021-03"}
    polite, found = read("agora", options, {}), read("agora", options, {"call_info": spoil})
    assert (polite.points, polite.requests, True) == (found.points, found.requests, found.report.complete)


def test_a_session_without_an_id_beside_its_series_is_lost() -> None:
    def spoil(rows: Rows) -> None:
        rows[0]["sid"] = ""

    found = read("agora", {"api": "2021-03"}, {"call_info": spoil})
    assert (False, True) == (found.report.complete, found.report.failures_by_kind["UnreadableRow"] >= 3)


def test_series_without_the_sessions_that_stand_beside_them_cost_no_session() -> None:
    options = {"api": "2021-03"}
    seen = 0

    def spoil(whole: Rows) -> None:
        nonlocal seen
        if "metrics" in whole[0]:  # every answer that should have both
            seen += 1
            whole[0].pop("call_info", None)

    polite, found = read("agora", options, {}), read("agora", options, {"": spoil})
    assert seen
    assert (polite.points, True) == (found.points, found.report.complete)


@pytest.mark.parametrize("users", [2, 6])
def test_a_series_that_is_none_is_told_where_the_sessions_are_listed_after_all_too(users: int) -> None:
    """Six users fill the page, and to list them costs as much as to ask for another."""

    def spoil(rows: list[Any]) -> None:
        rows[0] = 7

    found = read("tencent", {}, {"Data": spoil}, world_of(users))
    assert 3 * 20 * (2 * users - 1) == found.points
    assert not found.report.complete
    assert 3 == sum("Data[0] is a number, where an object was expected" in doubt for doubt in found.report.doubts)


def test_two_sessions_beside_their_series_that_share_an_id_are_doubted() -> None:
    def spoil(rows: Rows) -> None:
        rows[1]["sid"] = rows[0]["sid"]

    found = read("agora", {"api": "2021-03"}, {"call_info": spoil, "metrics": spoil})
    assert not found.report.complete
    assert 3 == sum("share the id" in doubt for doubt in found.report.doubts)


@pytest.mark.parametrize("nothing", [None, ""])
@every_vendor
def test_a_series_that_does_not_say_whose_it_is_is_doubted(
    vendor: str, options: dict[str, Any], nothing: str | None
) -> None:
    def spoil(rows: Rows) -> None:
        if vendor == "agora":
            rows.append({"sid": nothing, "data": [rows[0]["data"].pop()]})
        else:
            rows[0]["UserId"] = nothing

    found = read(vendor, options, {SERIES[vendor]: spoil})
    assert (3 * 5 * 20, False) == (found.points, found.report.complete)
    assert any("does not say of which" in doubt for doubt in found.report.doubts)


@pytest.mark.parametrize("nothing", [None, ""])
@every_vendor
def test_series_that_do_not_say_which_metric_they_are_are_doubted(
    vendor: str, options: dict[str, Any], nothing: str | None
) -> None:
    """They are taken for pieces of one, and of two values of one second only one is kept."""

    def spoil(rows: Rows) -> None:
        for series in [series for one in rows for series in one["data"]] if vendor == "agora" else rows:
            series["mid" if vendor == "agora" else "DataType"] = nothing

    found = read(vendor, options, {SERIES[vendor]: spoil})
    assert not found.report.complete
    assert any("does not say which metric" in doubt for doubt in found.report.doubts)


@pytest.mark.parametrize("users", [6, 7])
def test_a_user_who_was_shown_and_is_not_listed_is_read_all_the_same(users: int) -> None:
    """Six users fill the page, and to list them costs as much as to ask for another."""

    def spoil(whole: Rows) -> None:
        if "Data" not in whole[0] and whole[0].get("UserList"):
            whole[0]["UserList"].pop(0)
            whole[0]["Total"] -= 1

    polite, found = read("tencent", {}, {}, world_of(users)), read("tencent", {}, {"": spoil}, world_of(users))
    assert (3 * users, polite.points) == (found.report.sessions, found.points)


@pytest.mark.parametrize("vendor", ["agora of 2021-03", "tencent"])
def test_points_of_another_time_are_told_by_the_next_scan_on_a_ledger_too(vendor: str, tmp_path: Path) -> None:
    options = {} if vendor == "tencent" else {"api": "2021-03"}
    vendor, world = vendor.split()[0], World(**{**FEW, "calls": 1}, seed=9, metrics_per_session=2, points_per_series=20)
    spoil = retimed(vendor, lambda second: second - 8 * HOUR)
    for _ in range(2):
        found = read(vendor, options, spoil, world, ledger=tmp_path / "ledger")
        assert (0, False) == (found.points, found.report.complete)
        assert any("none of a second that was asked for" in doubt for doubt in found.report.doubts)


@every_vendor
def test_columns_are_decoded_when_somebody_reads_them_and_what_is_odd_in_them_is_told_then(
    vendor: str, options: dict[str, Any]
) -> None:
    def spoil(rows: Rows) -> None:
        for points in lists_of_points(vendor, rows):
            value: Any = 1 if vendor == "agora" else "Value"
            points[2][value] = None
            points[3] = points[4]  # twice the same moment
            if vendor == "agora":  # somewhere between those asked for stands one of another day
                points[5][0] -= 100_000

    stage = Stage(vendor, WORLD, **options)

    async def scenario() -> Any:
        async with (
            stage.provider(transport=Spoilt(stage.server, {SERIES[vendor]: spoil}), **options) as provider,
            scan(provider, over=TimeRange(WORLD.start, WORLD.end), depth="metrics") as records,
        ):
            return [record async for record in records], records.report.vendors[vendor]

    records, report = run(scenario)
    series = [one for record in records for one in record.series]
    sent = 20 * len(series)
    assert (sent, 0) == (report.points, report.odd_values)
    assert not any(one.columns.is_read for one in series)
    lost = 2 if vendor == "agora" else 1
    assert sent - lost * len(series) == sum(map(len, series)) == report.points
    assert len(series) <= sum(one.odd for one in series) == report.odd_values


@pytest.mark.parametrize("same", [True, False], ids=["the same points", "other values"])
@every_vendor
def test_two_series_of_one_user_and_metric_lose_no_point_in_silence(
    vendor: str, options: dict[str, Any], same: bool
) -> None:
    """Of two values of one second one is kept; a series that stands there twice, to the letter, loses nothing."""
    ours, text, points = ("mid", 99_999, "kvs") if vendor == "agora" else ("DataType", "aNewMetric", "Content")
    value: Any = 1 if vendor == "agora" else "Value"
    odd = 0

    def spoil(rows: Rows) -> None:
        nonlocal odd
        for series in [one["data"] for one in rows] if vendor == "agora" else by_user(rows):
            for one in series:
                one[ours] = text
            if same:
                series[1][points] = series[0][points]
            both = zip(*([point[value] for point in one[points]] for one in series), strict=True)
            odd += sum(
                first is other is None or (first != other and None not in (first, other)) for first, other in both
            )

    found, polite = read(vendor, options, {SERIES[vendor]: spoil}), read(vendor, options, {})
    assert (polite.points // 2, odd, same) == (found.points, found.report.odd_values, found.report.complete)
    assert same == (odd < 9)
    assert same == (not any("another value" in doubt for doubt in found.report.doubts))


def by_user(rows: Rows) -> list[Rows]:
    users: dict[str, Rows] = {}
    for row in rows:
        users.setdefault(row["UserId"], []).append(row)
    return list(users.values())
