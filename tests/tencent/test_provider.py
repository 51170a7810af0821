"""Tencent from rooms to points: packed as the vendor allows, every point with the stay that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import isnan
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import BadInput, MetricSeries, NotAuthenticated, NotFound, TencentCredentials, TimeRange
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import Kind, World
from agora_tencent_analytics.simulator import Session as Stay
from agora_tencent_analytics.tencent.endpoints import (
    CALL_DETAIL,
    CALL_DETAIL_2021,
    CALL_DETAIL_METRICS,
    CALL_DETAIL_METRICS_2021,
)
from agora_tencent_analytics.tencent.metrics import TENCENT_METRICS
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

END = int(EPOCH) - HOUR
WORLD = World(seed=5, calls=14, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
Key = tuple[str, str, str]
Points = tuple[list[int], list[float | None]]
DETAIL = "DescribeCallDetailInfo"


def call_of(kind: Kind) -> Any:
    return next(call for call in WORLD.calls("tencent") if call.kind is kind)


def expected(stays: Iterable[Stay], start: int = WORLD.start, end: int = END) -> dict[Key, Points]:
    """Every series of these stays that has points in `[start, end)`, from the world itself, in neutral units."""
    found: dict[Key, Points] = {}
    for stay in stays:
        for series in WORLD.series(stay):
            points = list(WORLD.points(stay, series, start, end))
            scale = TENCENT_METRICS[series.metric.name].scale
            if points:
                key = (stay.session_id, series.metric.name, series.peer_id)
                values = [None if value is None else value * scale for _, value in points]
                found[key] = [time for time, _ in points], values
    return found


def actual(all_series: list[MetricSeries]) -> dict[Key, Points]:
    found: dict[Key, Points] = {}
    seen: set[Key] = set()
    for series in all_series:
        key = (series.session_id, series.vendor_metric, series.peer_id)
        assert key not in seen, "each series once"
        seen.add(key)
        assert list(series.times) == sorted(set(series.times)), "in time order, no time twice"
        if len(series):
            found[key] = list(series.times), [None if isnan(value) else value for value in series.values]
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


def asked(stage: Stage, action: str) -> list[dict[str, Any]]:
    return [dict(arrival.facts) for arrival in stage.server.arrivals if arrival.endpoint == action]


@pytest.mark.parametrize(
    ("plan", "kind"),
    [  # a plan changes how far back and how often may be asked, and not how
        *(("advanced", kind) for kind in (Kind.LONG, Kind.LONG_RUNNING, Kind.REJOIN, Kind.GROUP)),
        *(pytest.param(plan, Kind.LONG, marks=pytest.mark.long) for plan in ("basic", "flagship", "intl-standard")),
        ("unlimited", Kind.LONG),
    ],
    ids=str,
)
def test_every_point_of_a_call_is_read_once_and_lies_in_its_stay(plan: str, kind: Kind) -> None:
    stage = Stage("tencent", WORLD, plan=plan)
    call = call_of(kind)
    found, certificate = metrics(stage, call)
    assert expected(WORLD.sessions(call)) == actual(found)
    assert 0 == sum(series.outside for series in found)
    assert certificate.complete
    assert {""} == {arrival.code for arrival in stage.server.arrivals}
    windows = [facts["EndTime"] - facts["StartTime"] for facts in asked(stage, DETAIL)]
    assert max(windows) < HOUR, "a whole hour may be answered with null, as if there were nothing"
    assert max(facts["EndTime"] - facts["StartTime"] for facts in asked(stage, "DescribeUserInfo")) <= 4 * HOUR


def test_one_who_returns_has_points_in_each_stay() -> None:
    call = call_of(Kind.REJOIN)
    returned = {stay.user_id for stay in WORLD.sessions(call)}
    assert len(returned) < len(WORLD.sessions(call)), "the world must hold one for this test to mean anything"
    found, _ = metrics(Stage("tencent", WORLD), call)
    for series in found:
        stay = next(one for one in WORLD.sessions(call) if one.session_id == series.session_id)
        assert (stay.user_id, "tencent", call.call_id) == (series.user_id, series.vendor, series.call_id)
        assert all(stay.join_ts <= time <= stay.leave_ts for time in series.times)


@pytest.mark.parametrize("slip", ["far_leave", "zero_leave", "missing_leave", "strangers"])
def test_points_belong_to_their_stay_whatever_else_is_said(slip: str) -> None:
    world = World(seed=5, calls=14, start=WORLD.start, end=END, impolite={slip: 1.0})
    call = call_of(Kind.REJOIN)
    found, _ = metrics(Stage("tencent", world), call)
    assert expected(WORLD.sessions(call)) == actual(found)


def test_stays_whose_beginnings_nobody_knows_are_parted_by_their_ends() -> None:
    world = World(seed=5, calls=14, start=WORLD.start, end=END, impolite={"zero_begin": 1.0})
    call = call_of(Kind.REJOIN)
    found, certificate = metrics(Stage("tencent", world), call)
    ends = {f"{stay.user_id}@0-{stay.leave_ts}": stay.session_id for stay in WORLD.sessions(call)}
    assert len(ends) == len(WORLD.sessions(call))
    found = [attrs.evolve(series, session_id=ends[series.session_id]) for series in found]
    assert expected(WORLD.sessions(call)) == actual(found)
    assert certificate.complete


def test_points_of_a_stay_that_was_not_asked_for_are_counted_as_outside() -> None:
    call = call_of(Kind.REJOIN)
    stays = sorted(WORLD.sessions(call), key=lambda stay: (stay.user_id, stay.join_ts))
    user = next(one.user_id for one, other in pairwise(stays) if one.user_id == other.user_id)
    mine = [stay for stay in stays if stay.user_id == user]
    outer = {mine[0].session_id, mine[-1].session_id}
    assert len(mine) == 3, "the middle one is left out"
    stage = Stage("tencent", WORLD)
    found, _ = metrics(stage, call, lambda sessions: [one for one in sessions if one.session_id in outer])
    assert expected([mine[0], mine[2]]) == actual(found)
    windows = [(facts["StartTime"], facts["EndTime"]) for facts in asked(stage, DETAIL)]
    missing = sum(len(times) for start, end in windows for times, _ in expected([mine[1]], start, end).values())
    assert missing == sum(series.outside for series in found)
    assert missing > 0


@pytest.mark.parametrize(("count", "packets"), [(1, [1]), (6, [6]), (7, [6, 1]), (13, [6, 6, 1])])
def test_users_are_packed_six_to_a_request(count: int, packets: list[int]) -> None:
    stage = Stage("tencent", WORLD)
    call = call_of(Kind.GROUP)
    chosen: list[str] = []

    def some(sessions: list[Any]) -> list[Any]:
        chosen.extend(list(dict.fromkeys(one.user_id for one in sessions))[:count])
        return [one for one in sessions if one.user_id in chosen]

    found, _ = metrics(stage, call, some)
    first_pages = [facts["UserIds"] for facts in asked(stage, DETAIL) if facts["PageNumber"] == 0]
    assert packets == [len(users) for users in first_pages]
    assert sorted(chosen) == sorted(user for users in first_pages for user in users)
    assert expected(stay for stay in WORLD.sessions(call) if stay.user_id in chosen) == actual(found)


def test_a_part_of_a_call_gives_the_points_of_that_part() -> None:
    call = call_of(Kind.LONG)
    part = TimeRange(call.created_ts + 1_000, call.created_ts + 2 * HOUR + 1_001)
    found, _ = metrics(Stage("tencent", WORLD), call, over=part)
    assert expected(WORLD.sessions(call), part.start, part.end) == actual(found)


def test_all_sessions_of_a_crowd_are_read_once_and_users_are_packed_by_the_hundred() -> None:
    call = call_of(Kind.CROWD)
    everybody = list(dict.fromkeys(stay.user_id for stay in WORLD.sessions(call)))
    for users in (None, everybody):
        stage = Stage("tencent", WORLD)

        async def scenario(stage: Stage = stage, users: list[str] | None = users) -> list[str]:
            provider = stage.provider()
            listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}
            found = await provider.sessions(listed[call.call_id], users=users).collect()
            return sorted(one.session_id for one in found)

        assert sorted(stay.session_id for stay in WORLD.sessions(call)) == run(scenario)
    assert len(everybody) > 90
    assert max(len(facts["UserIds"]) for facts in asked(stage, "DescribeUserInfo")) <= 100


def test_a_session_that_goes_on_has_no_end() -> None:
    call = call_of(Kind.LONG_RUNNING)
    stage = Stage("tencent", WORLD)

    async def scenario() -> dict[str, int | None]:
        provider = stage.provider()
        listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}
        assert listed[call.call_id].destroyed_ts is None
        return {one.session_id: one.leave_ts async for one in provider.sessions(listed[call.call_id])}

    ends = {stay.session_id: stay.leave_ts if stay.finished else None for stay in WORLD.sessions(call)}
    assert ends == run(scenario)


@pytest.mark.parametrize("row", [CALL_DETAIL_METRICS, CALL_DETAIL_METRICS_2021], ids=lambda row: row.name)
def test_a_page_of_series_has_the_stays_of_its_users_beside_them(row: Any) -> None:
    stage = Stage("tencent", WORLD)
    call = call_of(Kind.REJOIN)

    async def scenario() -> tuple[list[Any], list[Any], list[Any]]:
        provider = stage.provider()
        listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}
        sessions = await provider.sessions(listed[call.call_id]).collect()
        pages = [page async for page in provider.metrics(listed[call.call_id], sessions).pages()]
        life = TimeRange(call.created_ts, call.destroyed_ts + 1)
        asking = provider.ask(row, life, CommId=call.call_id, DataType=["all"])
        return sessions, pages, [page async for page in asking.pages()]

    sessions, pages, raw = run(scenario)
    for read in (pages, raw):
        assert all(isinstance(series, MetricSeries) for page in read for series in page.items)
        beside = {one.session_id: one for page in read for one in page.sessions}
        assert {one.session_id: one for one in sessions} == beside
        assert all("UserList" not in page.extra for page in read)


# --- rows beside the neutral questions --------------------------------------------------------------------


def test_a_retired_question_names_its_successor() -> None:
    stage = Stage("tencent", WORLD, retired=True)
    call = call_of(Kind.ORDINARY)

    async def scenario() -> NotFound:
        with pytest.raises(NotFound) as refused:
            await stage.provider().ask(CALL_DETAIL_METRICS_2021, WHOLE, CommId=call.call_id, DataType=["all"]).first()
        return refused.value

    refused = run(scenario)
    assert ("ActionOffline", 1) == (refused.code, stage.asked)
    assert "DescribeCallDetailInfo" in str(refused)


def test_the_question_of_2021_is_asked_as_its_page_spells_it() -> None:
    stage = Stage("tencent", WORLD)
    call = call_of(Kind.SINGLE)

    async def scenario() -> list[MetricSeries]:
        life = TimeRange(call.created_ts, call.destroyed_ts + 1)
        found: list[MetricSeries] = (
            await stage.provider().ask(CALL_DETAIL_METRICS_2021, life, CommId=call.call_id, DataType=["all"]).collect()
        )
        return found

    found = run(scenario)
    facts = asked(stage, "DescribeCallDetail")[0]
    assert (str(WORLD.sdk_app_id), "0", "6") == (facts["SdkAppId"], facts["PageNumber"], facts["PageSize"])
    assert {"appCpu", "aBit"} <= {series.vendor_metric for series in found}


def test_the_users_of_2021_are_asked_without_metrics_and_by_the_hundred() -> None:
    stage = Stage("tencent", WORLD)
    call = call_of(Kind.GROUP)
    life = TimeRange(call.created_ts, call.destroyed_ts + 1)

    async def scenario() -> list[str]:
        provider = stage.provider()
        with pytest.raises(BadInput, match="needs the parameter 'DataType'"):
            provider.ask(CALL_DETAIL_METRICS_2021, life, CommId=call.call_id)
        with pytest.raises(BadInput, match="no parameter 'UserIds'"):  # with them a page holds six
            provider.ask(CALL_DETAIL_2021, life, CommId=call.call_id, UserIds=["1"])
        return [one.session_id for one in await provider.ask(CALL_DETAIL_2021, life, CommId=call.call_id).collect()]

    assert sorted(stay.session_id for stay in WORLD.sessions(call)) == sorted(run(scenario))
    sent = asked(stage, "DescribeCallDetail")
    assert {"100"} == {facts["PageSize"] for facts in sent}
    assert {""} == {arrival.code for arrival in stage.server.arrivals}
    assert max(facts["EndTime"] - facts["StartTime"] for facts in sent) <= HOUR


def test_both_rows_of_the_detail_action_are_asked_on_one_counter() -> None:
    stage = Stage("tencent", WORLD)
    call = call_of(Kind.GROUP)
    life = TimeRange(call.created_ts, call.destroyed_ts + 1)

    async def scenario() -> tuple[list[Any], list[Any]]:
        provider = stage.provider()
        users = await provider.ask(CALL_DETAIL, life, CommId=call.call_id).collect()
        series = await provider.ask(
            CALL_DETAIL_METRICS, life, CommId=call.call_id, DataType=["rtt"], UserIds=[users[0].user_id]
        ).collect()
        return users, series

    users, series = run(scenario)
    assert sorted(stay.session_id for stay in WORLD.sessions(call)) == sorted(one.session_id for one in users)
    assert {"rtt"} == {one.vendor_metric for one in series}
    assert CALL_DETAIL.counter == CALL_DETAIL_METRICS.counter


def test_keys_that_rotate_are_fetched_for_every_attempt() -> None:
    stage = Stage("tencent", WORLD, token="second")
    known = stage.server.credentials
    tokens = iter(["first", "second", "second"])

    async def keys() -> TencentCredentials:
        return TencentCredentials(secret_id=known["secret_id"], secret_key=known["secret_key"], token=next(tokens))

    fixed: dict[str, Any] = dict.fromkeys(("secret_id", "secret_key", "token"))

    async def scenario() -> int:
        return len(await stage.provider(**fixed, credentials=keys, account="sts").calls(WHOLE).collect())

    assert 14 == run(scenario)
    assert ["AuthFailure.TokenFailure", "", ""] == [arrival.code for arrival in stage.server.arrivals]


def test_a_region_that_the_vendor_does_not_serve_is_refused_once() -> None:
    stage = Stage("tencent", WORLD)

    async def scenario() -> str:
        with pytest.raises(Exception, match="region=") as refused:
            await stage.provider(region="eu-moon").calls(WHOLE).first()
        assert not isinstance(refused.value, NotAuthenticated)
        return str(refused.value)

    assert "eu-moon" in run(scenario)
    assert 1 == stage.asked
