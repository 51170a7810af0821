from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.simulator import Kind, Truth, World
from agora_tencent_analytics.simulator.world.calls import Vendor
from tests.simulator.world.test_world import VENDORS
from tests.support.simulator_requests import END, START

WORLDS = (
    World(seed=8, calls=13, start=END - 3_000, end=END),
    World(seed=9, calls=5, start=END - 3_000, end=END, points_per_series=70, metrics_per_session=6),
    World(seed=9, calls=5, start=END - 3_000, end=END, points_per_series=0),
)


def brute_force(world: World, vendor: Vendor, start: int, end: int, **only: Any) -> Truth:
    """Every second of every thing looked at on its own."""
    found: dict[str, set[Any]] = {"calls": set(), "sessions": set(), "series": set()}
    points = 0
    for call in world.calls(vendor):
        seconds = range(call.created_ts, max(call.destroyed_ts, call.created_ts + 1))
        if not any(start <= second < end for second in seconds):
            continue
        if only.get("call_id", call.call_id) != call.call_id or only.get("channel", call.channel) != call.channel:
            continue
        if "user_id" not in only:
            found["calls"].add(call.call_id)
        for stay in world.sessions(call):
            seconds = range(stay.join_ts, max(stay.leave_ts, stay.join_ts + 1))
            if not any(start <= second < end for second in seconds):
                continue
            if only.get("user_id", stay.user_id) != stay.user_id:
                continue
            found["calls"].add(call.call_id)
            found["sessions"].add(stay.session_id)
            for series in world.series(stay):
                inside = [instant for instant, _ in world.points(stay, series) if start <= instant < end]
                points += len(inside)
                if inside:
                    found["series"].add((stay.session_id, series.metric.name, series.peer_id))
    return Truth(**{name: len(ids) for name, ids in found.items()}, points=points)


@pytest.mark.parametrize("world", WORLDS, ids=["natural", "counted", "bare"])
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("window", [(0, 3_000), (0, 1), (2_999, 3_000), (700, 1_501), (-50, 4_000), (3_000, 3_600)])
def test_the_truth_is_what_brute_force_finds(world: World, vendor: Vendor, window: tuple[int, int]) -> None:
    start, end = world.start + window[0], world.start + window[1]
    assert brute_force(world, vendor, start, end) == world.truth(vendor, start, end)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_truth_about_one_call_channel_or_user(vendor: Vendor) -> None:
    world = WORLDS[0]
    calls = list(world.calls(vendor))
    user = world.sessions(calls[3])[0].user_id
    window = (world.start + 100, world.end - 100)
    chosen: list[dict[str, Any]] = [
        {"call_id": calls[2].call_id},
        {"channel": calls[8].channel},
        {"user_id": user},
    ]
    for only in chosen:
        truth = world.truth(vendor, *window, **only)
        assert brute_force(world, vendor, *window, **only) == truth
        assert truth.calls < len(calls)
    assert Truth(calls=0, sessions=0, series=0, points=0) == world.truth(vendor, *window, call_id="nothing")
    assert Truth(calls=0, sessions=0, series=0, points=0) == world.truth(vendor, *window, user_id="nobody")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_stay_of_no_length_lies_in_the_second_it_begins(vendor: Vendor) -> None:
    world = WORLDS[0]
    call = next(call for call in world.calls(vendor) if call.kind is Kind.CROWD)
    stay = next(stay for stay in world.sessions(call) if stay.join_ts == stay.leave_ts)
    found = [
        world.truth(vendor, start, end, user_id=stay.user_id).sessions
        for start, end in ((stay.join_ts - 9, stay.join_ts), (stay.join_ts, stay.join_ts + 1), (stay.join_ts + 1, END))
    ]
    assert [0, 1, 0] == found


def test_server_users_are_counted_unless_left_out() -> None:
    world = WORLDS[0]
    hidden = sum(stay.server for call in world.calls("agora") for stay in world.sessions(call))
    without, with_them = (
        world.truth("agora", world.start, world.end, server_users=asked).sessions for asked in (False, True)
    )
    assert hidden == with_them - without > 0


@given(cut=st.integers(1, 2_999), world=st.sampled_from(WORLDS), vendor=st.sampled_from(VENDORS))
def test_two_halves_hold_all_points_once(cut: int, world: World, vendor: Vendor) -> None:
    middle = world.start + cut
    halves = world.truth(vendor, world.start, middle).points + world.truth(vendor, middle, world.end).points
    assert world.truth(vendor, world.start, world.end).points == halves


@given(
    bounds=st.tuples(st.integers(START - 90, END + 90), st.integers(1, 9 * 3_600)),
    vendor=st.sampled_from(VENDORS),
    pick=st.integers(0, 10_000),
)
def test_any_window_of_a_series_is_a_piece_of_the_whole(bounds: tuple[int, int], vendor: Vendor, pick: int) -> None:
    start, end = bounds[0], bounds[0] + bounds[1]
    call = WHOLE.call_at(vendor, pick % 13)
    stay = WHOLE.sessions(call)[pick % len(WHOLE.sessions(call))]
    for series in WHOLE.series(stay)[pick % 7 :: 9]:
        expected = [point for point in WHOLE.points(stay, series) if start <= point[0] < end]
        assert expected == list(WHOLE.points(stay, series, start, end))


WHOLE = World(seed=8, calls=13, start=START, end=END)
