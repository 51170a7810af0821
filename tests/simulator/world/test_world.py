from __future__ import annotations

import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import get_args

import pytest

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import Call, Kind, Session, Truth, World
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.catalogue import (
    AGORA,
    AGORA_DUAL_STREAM,
    AGORA_WEB,
    TENCENT,
    TENCENT_2021,
)
from tests.support.in_turn import in_turn
from tests.support.simulator_requests import END, START, small_world

VENDORS: tuple[Vendor, ...] = get_args(Vendor)
SEEDS = (0, 1, 2, 99, 2**40)


def told(world: World, vendor: Vendor) -> list[tuple[Call, Session, str, str, tuple[tuple[int, float | None], ...]]]:
    return [
        (call, stay, series.metric.name, series.peer_id, tuple(world.points(stay, series)))
        for call in world.calls(vendor)
        for stay in world.sessions(call)[:3]
        for series in world.series(stay)[::9]
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_same_arguments_make_the_same_world(vendor: Vendor) -> None:
    assert told(small_world(), vendor) == told(small_world(), vendor)


@pytest.mark.parametrize("vendor", VENDORS)
def test_another_seed_makes_another_world(vendor: Vendor) -> None:
    first, second = ({call.call_id for call in small_world(seed=seed).calls(vendor)} for seed in (1, 2))
    assert not first & second


def test_a_world_may_be_bounded_by_datetimes() -> None:
    start, end = (datetime.fromtimestamp(second, UTC) for second in (START, END))
    assert told(World(calls=12, start=START, end=END), "agora") == told(World(calls=12, start=start, end=end), "agora")
    with pytest.raises(BadInput, match="no time zone"):
        World(start=start.replace(tzinfo=None), end=end)


def test_the_vendors_have_calls_of_their_own() -> None:
    world = small_world()
    ids, channels = (
        [{getattr(call, name) for call in world.calls(vendor)} for vendor in VENDORS] for name in ("call_id", "channel")
    )
    assert not ids[0] & ids[1]
    assert not channels[0] & channels[1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_world_holds_every_sort_of_call(vendor: Vendor, seed: int) -> None:
    world = World(seed=seed, calls=12, start=START, end=END)
    calls = list(world.calls(vendor))
    seconds = [call.destroyed_ts - call.created_ts for call in calls]
    users = [Counter(stay.user_id for stay in world.sessions(call)) for call in calls]
    assert any(10 <= length <= 90 for length in seconds)
    assert any(5 * MINUTE <= length <= 40 * MINUTE for length in seconds)
    assert any(length > 6 * HOUR for length in seconds)
    assert sum(not call.finished for call in calls) >= 2
    assert any(sum(there.values()) > 100 for there in users)
    assert any(20 < sum(there.values()) <= 30 and len(there) > 6 for there in users)
    assert any(len(there) == 1 for there in users)
    assert any(3 in there.values() for there in users)
    assert any(call.created_ts < START + 6 * HOUR < call.destroyed_ts for call in calls)
    assert Counter(call.channel for call in calls).most_common(1)[0][1] == 3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_calls_of_one_channel_follow_each_other(vendor: Vendor, seed: int) -> None:
    world = World(seed=seed, calls=200, start=START, end=END)
    by_channel: dict[str, list[Call]] = {}
    for call in world.calls(vendor):
        by_channel.setdefault(call.channel, []).append(call)
    assert sum(len(calls) > 1 for calls in by_channel.values()) > 5
    for calls in by_channel.values():
        assert all(one.destroyed_ts < other.created_ts for one, other in pairwise(calls))


@pytest.mark.parametrize("span", [60, 600, 2 * HOUR, 8 * HOUR, 40 * HOUR])
@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_happens_outside_the_world(vendor: Vendor, span: int) -> None:
    world = World(seed=5, calls=60, start=END - span, end=END)
    for call in world.calls(vendor):
        assert world.start <= call.created_ts < call.destroyed_ts <= world.end
        assert call.finished is (call.destroyed_ts < world.end)
        stays = world.sessions(call)
        assert call.created_ts == min(stay.join_ts for stay in stays)
        assert call.destroyed_ts == max(stay.leave_ts for stay in stays)
        for stay in stays[:4]:
            assert call.created_ts <= stay.join_ts <= stay.leave_ts <= call.destroyed_ts
            assert stay.finished is (call.finished or stay.leave_ts < world.end)
            for series in world.series(stay)[::11]:
                times = [instant for instant, _ in world.points(stay, series)]
                assert times == sorted(set(times))
                assert all(stay.join_ts <= instant < stay.leave_ts for instant in times)


@pytest.mark.parametrize("vendor", VENDORS)
def test_stays_of_one_user_do_not_overlap(vendor: Vendor) -> None:
    world = small_world()
    returned = 0
    for call in world.calls(vendor):
        last: dict[str, int] = {}
        for stay in sorted(world.sessions(call), key=lambda stay: stay.join_ts):
            assert last.get(stay.user_id, -1) < stay.join_ts
            returned += stay.user_id in last
            last[stay.user_id] = stay.leave_ts
    assert returned >= 3


@pytest.mark.parametrize("vendor", VENDORS)
def test_ids_are_unique_and_found_again(vendor: Vendor) -> None:
    world = small_world(calls=3_000)
    calls = list(world.calls(vendor))
    assert len(calls) == len({call.call_id for call in calls})
    assert calls == [world.find_call(vendor, call.call_id) for call in calls]
    stays = [stay.session_id for call in calls[:200] for stay in world.sessions(call)]
    assert len(stays) == len(set(stays))


@in_turn("wrong", ["", "abc", "1_2", "0" * 24, "1400000000_x_1", "1400000000_30011_1", "é" * 24])
@in_turn("vendor", VENDORS)
def test_an_id_of_no_call_finds_none(vendor: Vendor, wrong: str) -> None:
    assert None is small_world().find_call(vendor, wrong)


def test_users_have_numbers_and_names() -> None:
    world = small_world()
    agora = [stay for call in world.calls("agora") for stay in world.sessions(call)]
    tencent = [stay for call in world.calls("tencent") for stay in world.sessions(call)]
    assert {True, False} == {bool(stay.account) for stay in agora}
    assert all(0 < stay.uid < 2**32 and stay.user_id == str(stay.uid) for stay in agora)
    assert {True, False} == {stay.user_id.isdecimal() for stay in tencent}
    assert {True, False} == {call.channel.isdecimal() for call in world.calls("tencent")}


@pytest.mark.parametrize("vendor", VENDORS)
def test_quality_varies(vendor: Vendor) -> None:
    world = small_world(calls=40)
    levels = Counter(stay.level for call in world.calls(vendor) for stay in world.sessions(call))
    assert levels[0] > levels[1] > levels[2] > 5


@pytest.mark.parametrize("vendor", VENDORS)
def test_values_are_whole_fractional_and_now_and_then_missing(vendor: Vendor) -> None:
    world = small_world()
    call = next(call for call in world.calls(vendor) if call.kind is Kind.LONG)
    stay = world.sessions(call)[0]
    kinds = {type(value) for series in world.series(stay) for _, value in world.points(stay, series)}
    assert {int, float, type(None)} == kinds


def test_every_known_metric_occurs() -> None:
    mids = {*range(20001, 20012), *range(20015, 20029), *range(20030, 20041)}
    assert {str(mid) for mid in mids} == {metric.name for metric in AGORA + AGORA_DUAL_STREAM + AGORA_WEB}
    assert 24 == len(AGORA)
    assert (17, 13) == (len({metric.name for metric in TENCENT}), len(TENCENT_2021))
    world = small_world(calls=60)
    for vendor, known in (("agora", {str(mid) for mid in mids}), ("tencent", {metric.name for metric in TENCENT})):
        seen = {
            series.metric.name
            for call in world.calls(vendor)  # type: ignore[arg-type]  # both are vendors
            for stay in world.sessions(call)
            for series in world.series(stay)
        }
        assert known == seen


@pytest.mark.parametrize("vendor", VENDORS)
def test_sizes_are_as_ordered(vendor: Vendor) -> None:
    world = World(
        calls=2,
        start=START,
        end=END,
        sessions_per_call=30,
        metrics_per_session=20,
        points_per_series=900,
        call_seconds=1_900,
    )
    for call in world.calls(vendor):
        stays = world.sessions(call)
        assert (1_900, 30) == (call.destroyed_ts - call.created_ts, len(stays))
        for stay in stays:
            series = world.series(stay)
            assert 20 == len({(one.metric.name, one.peer_id) for one in series})
            assert min(900, stay.leave_ts - stay.join_ts) == len(list(world.points(stay, series[7])))
    bare = World(calls=2, start=START, end=END, points_per_series=0)
    assert [()] == list({bare.series(stay) for call in bare.calls(vendor) for stay in bare.sessions(call)})


def test_the_default_world_needs_few_requests() -> None:
    for seed in range(6):
        world = World(seed=seed, start=START, end=END)
        agora = tencent = 2
        for call in world.calls("agora"):
            sessions = sum(not stay.server for stay in world.sessions(call))
            windows = -(-(call.destroyed_ts - call.created_ts + 1) // (6 * HOUR))
            agora += windows * (-(-sessions // 100) + -(-sessions // 20))
        for call in world.calls("tencent"):
            stays, users = world.sessions(call), {stay.user_id for stay in world.sessions(call)}
            seconds = call.destroyed_ts - call.created_ts
            tencent += -(-seconds // (4 * HOUR)) * -(-len(stays) // 100) + -(-seconds // HOUR) * -(-len(users) // 6)
        assert agora <= 100, seed
        assert tencent <= 150, seed


@pytest.mark.long
def test_twenty_thousand_calls_are_listed_in_little_memory() -> None:
    world = World(calls=20_000, start=START, end=END, sessions_per_call=2, points_per_series=0)
    tracemalloc.start()
    try:
        assert 20_000 == len(world.listing("agora", START, END))
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()
    assert Truth(calls=20_000, sessions=40_000, series=0, points=0) == world.truth("agora", START, END)


def test_a_world_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match="at least 60 seconds"):
        World(start=START, end=START + 59)
    with pytest.raises(BadInput, match="negative"):
        World(start=START, end=END, calls=-1)
    with pytest.raises(BadInput, match="at least one session"):
        World(start=START, end=END, sessions_per_call=0)


def test_a_world_of_no_calls_is_empty() -> None:
    world = World(start=START, end=END, calls=0)
    assert [] == [*world.calls("agora"), *world.listing("tencent", START, END)]
    assert 0 == world.truth("agora", START, END).calls
