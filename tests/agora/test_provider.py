"""Agora from calls to points: packed as the vendor allows, and equal to the simulated world to the last point."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import isnan
from typing import Any

import pytest

from agora_tencent_analytics import MetricSeries, TimeRange
from agora_tencent_analytics.agora.endpoints import CALL_METRICS_2024
from agora_tencent_analytics.agora.metrics import AGORA_METRICS
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import Kind, World
from agora_tencent_analytics.simulator import Session as Stay
from tests.support.long_runs import by_turns
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

END = int(EPOCH) - HOUR
WORLD = World(seed=5, calls=14, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
PLANS = ("standard", "premium", "enterprise", "unlimited")
Key = tuple[str, str, str]
Points = tuple[list[int], list[float | None]]


def call_of(kind: Kind) -> Any:
    return next(call for call in WORLD.calls("agora") if call.kind is kind)


def expected(stays: Iterable[Stay], start: int = WORLD.start, end: int = END) -> dict[Key, Points]:
    """Every series of these stays that has points in `[start, end)`, from the world itself."""
    found: dict[Key, Points] = {}
    for stay in stays:
        for series in WORLD.series(stay):
            points = list(WORLD.points(stay, series, start, end))
            if points:
                key = (stay.session_id, series.metric.name, series.peer_id)
                found[key] = [time for time, _ in points], [value for _, value in points]
    return found


def actual(all_series: list[MetricSeries]) -> dict[Key, Points]:
    found: dict[Key, Points] = {}
    for series in all_series:
        key = (series.session_id, series.vendor_metric, series.peer_id)
        assert key not in found, "each series once"
        assert list(series.times) == sorted(set(series.times)), "in time order, no time twice"
        values = [None if isnan(value) else value for value in series.values]
        if len(series):
            found[key] = list(series.times), values
    return found


def metrics(stage: Stage, call: Any, keep: Any = None, **options: Any) -> tuple[list[MetricSeries], Any]:
    async def scenario() -> tuple[list[MetricSeries], Any]:
        provider = stage.provider()
        listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}
        sessions = await provider.sessions(listed[call.call_id]).collect()
        if keep is not None:
            sessions = keep(sessions)
        listing = provider.metrics(listed[call.call_id], sessions, **options)
        found = await listing.collect()
        return found, listing.certificate

    return run(scenario)


def asked(stage: Stage, endpoint: str) -> list[dict[str, Any]]:
    return [dict(arrival.facts) for arrival in stage.server.arrivals if arrival.endpoint == endpoint]


@pytest.mark.parametrize(
    ("plan", "kind"), by_turns(4, PLANS, [Kind.LONG, Kind.LONG_RUNNING, Kind.REJOIN, Kind.GROUP]), ids=str
)
def test_every_point_of_a_call_is_read_once_on_every_plan(plan: str, kind: Kind) -> None:
    stage = Stage("agora", WORLD, plan=plan)
    call = call_of(kind)
    found, certificate = metrics(stage, call)
    assert expected(WORLD.sessions(call)) == actual(found)
    assert certificate.complete
    assert 0 == stage.server.refused
    assert {"200"} == {arrival.code for arrival in stage.server.arrivals}
    span = stage.server.plan.rows[CALL_METRICS_2024.limits].span_s
    windows = [int(facts["end_ts"]) - int(facts["start_ts"]) for facts in asked(stage, "call/metrics")]
    assert max(windows) < span, "strictly shorter than the span"
    needed = -(-(call.destroyed_ts - call.created_ts) // (span - 1))
    packets = -(-len(WORLD.sessions(call)) // 20)
    assert len(windows) <= packets * (needed + 1)


def test_a_series_wears_its_neutral_name_unit_and_user() -> None:
    call = call_of(Kind.REJOIN)
    found, _ = metrics(Stage("agora", WORLD), call)
    users = {stay.session_id: stay.user_id for stay in WORLD.sessions(call)}
    for series in found:
        known = AGORA_METRICS.get(series.vendor_metric)
        assert users[series.session_id] == series.user_id
        assert ("agora", call.call_id) == (series.vendor, series.call_id)
        assert isinstance(series.times, array)
        if known is not None:
            assert known.of(series.peer_id) == series.metric


@pytest.mark.parametrize(("count", "packets"), [(1, [1]), (20, [20]), (21, [20, 1]), (24, [20, 4])])
def test_sessions_are_packed_twenty_to_a_request(count: int, packets: list[int]) -> None:
    stage = Stage("agora", WORLD)
    call = call_of(Kind.GROUP)
    found, _ = metrics(stage, call, lambda sessions: sessions[:count])
    sids = [facts["sids"].split(",") for facts in asked(stage, "call/metrics")]
    assert packets == [len(one) for one in sids]
    assert count == len({sid for one in sids for sid in one})
    chosen = {sid for one in sids for sid in one}
    stays = [stay for stay in WORLD.sessions(call) if stay.session_id in chosen]
    assert expected(stays) == actual(found)


def test_a_session_handed_in_twice_is_asked_and_given_once() -> None:
    stage = Stage("agora", WORLD)
    call = call_of(Kind.REJOIN)
    found, _ = metrics(stage, call, lambda sessions: sessions + sessions)
    assert expected(WORLD.sessions(call)) == actual(found)
    assert len(WORLD.sessions(call)) == len(asked(stage, "call/metrics")[0]["sids"].split(","))


@pytest.mark.parametrize("plan", ["standard", "enterprise"])
def test_a_part_of_a_call_gives_the_points_of_that_part(plan: str) -> None:
    call = call_of(Kind.LONG)
    part = TimeRange(call.created_ts + 1_000, call.created_ts + 2 * HOUR + 1_001)
    found, _ = metrics(Stage("agora", WORLD, plan=plan), call, over=part)
    assert expected(WORLD.sessions(call), part.start, part.end) == actual(found)


def test_only_the_stay_is_asked_for_and_not_the_whole_call() -> None:
    stage = Stage("agora", WORLD, plan="standard")
    call = call_of(Kind.REJOIN)
    metrics(stage, call, lambda sessions: sorted(sessions, key=lambda one: one.join_ts)[:1])
    first = min(WORLD.sessions(call), key=lambda stay: (stay.join_ts, stay.session_id))
    seconds = sum(int(facts["end_ts"]) - int(facts["start_ts"]) for facts in asked(stage, "call/metrics"))
    assert seconds <= first.leave_ts - first.join_ts + 61


# --- sessions ---------------------------------------------------------------------------------------------


def sessions(stage: Stage, call: Any, **options: Any) -> list[Any]:
    async def scenario() -> list[Any]:
        provider = stage.provider(**options.pop("provider", {}))
        listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}
        found: list[Any] = await provider.sessions(listed[call.call_id], **options).collect()
        return found

    return run(scenario)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("kind", [Kind.CROWD, Kind.LONG], ids=lambda kind: kind.name)
def test_all_sessions_of_a_call_are_read_once(plan: str, kind: Kind) -> None:
    stage = Stage("agora", WORLD, plan=plan)
    call = call_of(kind)
    found = sessions(stage, call)
    assert sorted(stay.session_id for stay in WORLD.sessions(call)) == sorted(one.session_id for one in found)


def test_eleven_users_are_two_requests_and_ten_are_one() -> None:
    call = call_of(Kind.CROWD)
    users = list(dict.fromkeys(stay.user_id for stay in WORLD.sessions(call)))
    for count, packets in ((10, [10]), (11, [10, 1])):
        stage = Stage("agora", WORLD)
        found = sessions(stage, call, users=users[:count] + users[:1])
        assert packets == [len(facts["uids"].split(",")) for facts in asked(stage, "call/sessions")]
        wanted = [stay.session_id for stay in WORLD.sessions(call) if stay.user_id in users[:count]]
        assert sorted(wanted) == sorted(one.session_id for one in found)


@pytest.mark.parametrize("server_users", [True, False])
def test_the_vendors_servers_are_shown_unless_unwanted(server_users: bool) -> None:
    call = call_of(Kind.GROUP)
    found = sessions(Stage("agora", WORLD), call, provider={"server_users": server_users})
    wanted = [stay.session_id for stay in WORLD.sessions(call) if server_users or not stay.server]
    assert sorted(wanted) == sorted(one.session_id for one in found)
    assert any(stay.server for stay in WORLD.sessions(call)), "the world must hold one for this test to mean anything"


def test_a_session_that_goes_on_has_no_end() -> None:
    call = call_of(Kind.LONG_RUNNING)
    ends = {one.session_id: one.leave_ts for one in sessions(Stage("agora", WORLD), call)}
    assert {stay.session_id: stay.leave_ts if stay.finished else None for stay in WORLD.sessions(call)} == ends


def test_a_channel_is_asked_for_by_its_name() -> None:
    stage = Stage("agora", WORLD)
    call = call_of(Kind.SERIES)

    async def scenario() -> list[str]:
        found = await stage.provider().calls(WHOLE, channel=call.channel).collect()
        return sorted(one.call_id for one in found)

    assert sorted(one.call_id for one in WORLD.calls("agora") if one.channel == call.channel) == run(scenario)
    assert [call.channel] == [facts["cname"] for facts in asked(stage, "call/lists")]
