"""Calls, sessions, series and bad moments through each generation of Agora's API, equal to the simulated world."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import BadInput, TimeRange
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import Kind, World
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

GENERATIONS = tuple(GENERATION_ENDPOINTS)
END = int(EPOCH) - HOUR
WORLD = World(seed=5, calls=140, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
LIVE = World(seed=9, calls=60, start=int(EPOCH) - 2 * HOUR, end=int(EPOCH), experiences_per_hour=90)
every_generation = pytest.mark.parametrize("api", GENERATIONS)


def stage_of(api: str, world: World = WORLD) -> Stage:
    return Stage("agora", world, plan="unlimited", api=api)


def call_of(kind: Kind) -> Any:
    return next(call for call in WORLD.calls("agora") if call.kind is kind)


def listed(stage: Stage, api: str, **options: Any) -> tuple[list[Any], Any]:
    async def scenario() -> tuple[list[Any], Any]:
        paginator = stage.provider(api=api).calls(WHOLE, **options)
        found = await paginator.collect()
        return found, paginator.certificate

    return run(scenario)


def detailed(stage: Stage, api: str, call: Any, **options: Any) -> tuple[list[Any], list[Any], Any]:
    async def scenario() -> tuple[list[Any], list[Any], Any]:
        provider = stage.provider(api=api)
        (one,) = [one for one in await provider.calls(WHOLE).collect() if one.call_id == call.call_id]
        sessions = await provider.sessions(one, **options).collect()
        series = provider.metrics(one, sessions)
        return sessions, await series.collect(), series.certificate

    found = run(scenario)
    assert 0 == stage.server.refused
    assert {"200"} == {arrival.code for arrival in stage.server.arrivals}
    return found


@every_generation
def test_every_call_is_listed_once(api: str) -> None:
    stage = stage_of(api)
    found, certificate = listed(stage, api)
    assert sorted(call.call_id for call in WORLD.calls("agora")) == sorted(call.call_id for call in found)
    assert certificate.complete
    most = {"2021-03": 10, "2021-07": 100}.get(api)
    if most:
        assert stage.asked <= 1.3 * len(found) / most + 2, "newest first, without asking again for what was seen"


@every_generation
def test_calls_of_one_channel_are_listed(api: str) -> None:
    channel = call_of(Kind.GROUP).channel
    found, _ = listed(stage_of(api), api, channel=channel)
    wanted = [call.call_id for call in WORLD.calls("agora") if call.channel == channel]
    assert sorted(wanted) == sorted(call.call_id for call in found)


@pytest.mark.parametrize("api", ["2021-03", "2021-07"])
def test_an_answer_without_pages_has_no_page_size(api: str) -> None:
    with pytest.raises(BadInput, match="no pages"):
        stage_of(api).provider(api=api).calls(WHOLE, page_size=10)


@every_generation
@pytest.mark.parametrize("kind", [Kind.GROUP, Kind.CROWD, Kind.LONG, Kind.REJOIN], ids=lambda kind: kind.name)
def test_every_session_of_a_call_is_read_once(api: str, kind: Kind) -> None:
    call = call_of(kind)

    async def scenario() -> list[Any]:
        provider = stage_of(api).provider(api=api)
        (one,) = [one for one in await provider.calls(WHOLE).collect() if one.call_id == call.call_id]
        found: list[Any] = await provider.sessions(one).collect()
        return found

    found = run(scenario)
    assert sorted(stay.session_id for stay in WORLD.sessions(call)) == sorted(one.session_id for one in found)


@every_generation
def test_sessions_of_some_users_are_theirs_alone(api: str) -> None:
    call = call_of(Kind.REJOIN)
    user = WORLD.sessions(call)[0].user_id
    sessions, series, _ = detailed(stage_of(api), api, call, users=[user])
    wanted = {stay.session_id for stay in WORLD.sessions(call) if stay.user_id == user}
    assert wanted == {one.session_id for one in sessions}
    assert {(user, sid) for sid in wanted} == {(one.user_id, one.session_id) for one in series if len(one)}


@every_generation
@pytest.mark.parametrize("kind", [Kind.LONG, Kind.REJOIN], ids=lambda kind: kind.name)
def test_every_point_of_a_call_of_a_few_is_read_once(api: str, kind: Kind) -> None:
    call = call_of(kind)
    _, series, certificate = detailed(stage_of(api), api, call)
    expected = {
        (stay.session_id, one.metric.name, one.peer_id): [time for time, _ in WORLD.points(stay, one, 0, END)]
        for stay in WORLD.sessions(call)
        for one in WORLD.series(stay)
    }
    newest_mid = {"2021-03": 20020, "2021-07": 20028, "2022": 20028}.get(api, 30_000)
    expected = {key: times for key, times in expected.items() if times and int(key[1]) <= newest_mid}
    actual = {(one.session_id, one.vendor_metric, one.peer_id): list(one.times) for one in series if len(one)}
    assert expected == actual
    assert certificate.complete


def test_call_details_of_a_crowd_say_that_series_are_missing() -> None:
    call = call_of(Kind.CROWD)
    stage = stage_of("2021-03")
    sessions, series, certificate = detailed(stage, "2021-03", call)
    assert len(sessions) > 10
    assert not certificate.complete
    details = [dict(one.facts) for one in stage.server.arrivals if one.endpoint == "call/details"]
    assert len([one for one in details if one.get("exclude_metrics_info") != "true"]) <= 25, "the day is not burnt"
    shown = {one.session_id for one in series if len(one)}
    last = sorted(sessions, key=lambda one: (-one.join_ts, one.session_id))[:10]
    assert {one.session_id for one in last} <= shown
    keys = [(one.session_id, one.vendor_metric, one.peer_id) for one in series]
    assert len(keys) == len(set(keys))


def test_every_bad_moment_is_read_once() -> None:
    over = TimeRange(int(EPOCH) - 55 * MINUTE, int(EPOCH) - 5 * MINUTE)
    expected = LIVE.experiences("agora", over.start, over.end)
    stage = stage_of("2021-03", LIVE)

    async def scenario() -> tuple[list[Any], Any]:
        paginator = stage.provider(api="2021-03").abnormal_experiences(over)
        return await paginator.collect(), paginator.certificate

    found, certificate = run(scenario)
    assert certificate.complete
    assert sorted((one.instant, one.user_id, one.kind_id, one.channel) for one in expected) == sorted(
        (one.ts, one.user_id, one.experience_id, one.channel) for one in found
    )
    assert len(expected) > 50
    assert stage.asked <= 3 * len(expected) / 10
    channel = expected[0].channel
    here = run(lambda: stage.provider(api="2021-03").abnormal_experiences(over, channel=channel).collect())
    assert len([one for one in expected if one.channel == channel]) == len(here) > 0
    assert {channel} == {one.channel for one in here}
