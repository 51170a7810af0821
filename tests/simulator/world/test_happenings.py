"""What a world holds beside its calls: events, bad experiences, figures, bursts."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import Burst, Chosen, Experience, Session, World
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.events import UNKNOWN_EVENT
from agora_tencent_analytics.simulator.world.experiences import UNKNOWN_CAUSE
from agora_tencent_analytics.simulator.world.figures import RATES
from agora_tencent_analytics.simulator.world.traits import REGIONS, trait
from tests.simulator.world.test_world import VENDORS
from tests.support.simulator_requests import END, START, small_world

WORLD = small_world()


def stays_of(vendor: Vendor, world: World = WORLD) -> list[Session]:
    return [stay for call in world.calls(vendor) for stay in world.sessions(call) if not stay.server]


def test_events_lie_within_the_stay_and_in_order() -> None:
    for stay in stays_of("tencent"):
        times = [event.instant_ms for event in WORLD.events(stay)]
        assert times == sorted(times)
        assert stay.join_ts * 1_000 <= times[0] <= times[-1] <= stay.leave_ts * 1_000
        assert {event.peer_id for event in WORLD.events(stay)} <= {stay.user_id, *stay.peers}


def test_events_are_the_same_every_time() -> None:
    stays = stays_of("tencent")
    assert [WORLD.events(stay) for stay in stays] == [small_world().events(stay) for stay in stays]


def test_clients_report_events_of_their_own_kind_and_now_and_then_one_that_nobody_knows() -> None:
    world = small_world(calls=60)
    by_web: dict[bool, set[int]] = {True: set(), False: set()}
    for stay in stays_of("tencent", world):
        by_web[stay.platform == "Web"] |= {event.event_id for event in world.events(stay)}
    assert all(32_768 <= event_id <= 32_793 for event_id in by_web[True] - {UNKNOWN_EVENT})
    assert all(1_001 <= event_id <= 7_001 for event_id in by_web[False] - {UNKNOWN_EVENT})
    assert UNKNOWN_EVENT in by_web[True] & by_web[False]
    assert {4003, 4007, 5003, 7000, 7001, 3001} <= by_web[False]


def test_whoever_stays_has_not_left() -> None:
    left = {7001, 5008, 32_789}
    world = small_world(calls=200)
    stays = stays_of("tencent", world)
    assert 4 == len({(stay.platform == "Web", stay.finished) for stay in stays})
    for stay in stays:
        assert stay.finished is bool(left & {event.event_id for event in world.events(stay)})


def test_agora_tells_no_events() -> None:
    assert {()} == {WORLD.events(stay) for stay in stays_of("agora")}


@pytest.mark.parametrize("vendor", VENDORS)
def test_experiences_happen_to_users_during_their_calls(vendor: Vendor) -> None:
    found = WORLD.experiences(vendor, START, END)
    there: dict[tuple[str, str], list[Session]] = {}
    for stay in stays_of(vendor):
        there.setdefault((stay.channel, stay.user_id), []).append(stay)
    assert len(found) > 20
    for one in found:
        stays = there[one.channel, one.user_id]
        assert any(stay.join_ts <= one.instant <= stay.leave_ts for stay in stays)
        assert 1 <= len(one.causes) <= 3
    assert list(found) == sorted(found, key=lambda one: one.instant)


@pytest.mark.parametrize("vendor", VENDORS)
def test_windows_of_experiences_join_without_loss(vendor: Vendor) -> None:
    instant = WORLD.experiences(vendor, START, END)[1].instant
    cuts = sorted([START - DAY, instant, START + HOUR, START + 3 * HOUR + 1, END - 1, END + DAY])
    pieces = [WORLD.experiences(vendor, *pair) for pair in pairwise(cuts)]
    whole = WORLD.experiences(vendor, START - DAY, END + DAY)
    assert whole == tuple(one for piece in pieces for one in piece)
    assert whole == small_world().experiences(vendor, START, END)
    assert () == WORLD.experiences(vendor, START, START)


def test_some_hours_are_quiet() -> None:
    world = small_world(start=END - 40 * HOUR, calls=80)
    per_hour = [len(world.experiences("agora", hour, hour + HOUR)) for hour in range(world.start, END, HOUR)]
    assert 0 in per_hour
    assert max(per_hour) > 20


def key_of(one: Experience) -> tuple[int, str, str, int]:
    return one.instant, one.channel, one.user_id, one.kind_id


@pytest.mark.parametrize("vendor", VENDORS)
def test_experiences_come_as_ordered(vendor: Vendor) -> None:
    burst = Burst(count=1_000, start=START + 4 * HOUR + 100)
    world = small_world(experiences_per_hour=0, experience_burst=burst)
    found = world.experiences(vendor, START, END)
    assert 1_000 == len(found) == len({key_of(one) for one in found})
    assert all(burst.start <= one.instant < burst.start + HOUR for one in found)
    steady = small_world(experiences_per_hour=7)
    hours = range(START, END, HOUR)
    assert {7} == {len(steady.experiences(vendor, hour, hour + HOUR)) for hour in hours}
    causes = {cause.cause_id for one in found for cause in one.causes}
    assert UNKNOWN_CAUSE[vendor] in causes
    assert {"agora": 6, "tencent": 5}[vendor] == max(one.kind_id for one in found)


def test_experiences_of_one_channel() -> None:
    channel, count = Counter(one.channel for one in WORLD.experiences("tencent", START, END)).most_common(1)[0]
    found = WORLD.experiences("tencent", START, END, channel=channel)
    assert (count, {channel}) == (len(found), {one.channel for one in found})


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_burst_of_calls_leaves_the_others_alone(vendor: Vendor) -> None:
    burst = Burst(count=1_000, start=END - 2 * HOUR)
    world = small_world(call_burst=burst)
    calls = list(world.calls(vendor))
    assert list(WORLD.calls(vendor)) == calls[:14]
    begun = [call for call in calls if burst.start <= call.created_ts < burst.start + HOUR]
    assert len(begun) >= 1_000
    assert len(calls) == len({call.call_id for call in calls}) == 1_014
    assert all(call.finished and call.destroyed_ts < END for call in calls[14:])
    assert calls[700] == world.find_call(vendor, calls[700].call_id)


def test_a_burst_fits_into_one_second_and_into_the_last() -> None:
    second = small_world(call_burst=Burst(count=200, start=END - HOUR, seconds=1))
    assert {END - HOUR} == {call.created_ts for call in list(second.calls("agora"))[14:]}
    late = small_world(call_burst=Burst(count=50, start=END - 1, seconds=HOUR))
    assert all(call.destroyed_ts < END for call in list(late.calls("agora"))[14:])


def test_a_burst_outside_the_world_is_refused() -> None:
    for option in ("call_burst", "experience_burst"):
        with pytest.raises(BadInput, match="outside the simulated world"):
            small_world(**{option: Burst(count=1, start=END)})
    with pytest.raises(BadInput, match="negative"):
        small_world(experiences_per_hour=-1)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("start", "seconds"), [(START, 8 * HOUR), (START + HOUR + 7, HOUR), (END - 400, 20)])
def test_counts_are_counted_and_minutes_added(vendor: Vendor, start: int, seconds: int) -> None:
    end = start + seconds
    there = [stay for stay in stays_of(vendor) if stay.overlaps(start, end)]
    moments = sorted({start, *(stay.join_ts for stay in there if start <= stay.join_ts < end)})
    present = [[stay for stay in there if stay.join_ts <= moment < stay.leave_ts] for moment in moments]
    minutes = sum(min(stay.leave_ts, end) - max(stay.join_ts, start) for stay in there) / 60
    expected = {
        "userCount": len({(stay.channel, stay.user_id) for stay in there}),
        "sessionCount": sum(start <= stay.join_ts < end for stay in there),
        "channelCount": len({stay.call_id for stay in there}),
        "peakCurrentUsers": max(map(len, present)),
        "peakConcurrentChannels": max(len({stay.call_id for stay in stays}) for stays in present),
    }
    assert expected == {name: WORLD.figure(vendor, name, start, seconds) for name in expected}
    total = WORLD.figure(vendor, "totalDuration", start, seconds)
    assert total == pytest.approx(minutes, abs=1)
    parts = [WORLD.figure(vendor, f"total{kind}Duration", start, seconds) for kind in ("Video", "Audio")]
    assert total == sum(part or 0 for part in parts)


@pytest.mark.parametrize("metric", sorted(RATES))
def test_rates_are_between_nothing_and_all_and_unknown_without_anybody(metric: str) -> None:
    rates = [WORLD.figure("agora", metric, hour, HOUR) for hour in range(START, END, HOUR)]
    assert all(rate is None or 0 <= rate <= 1 for rate in rates)
    assert len(set(rates)) > 3
    assert None is WORLD.figure("agora", metric, START - DAY, HOUR)
    assert 0 == WORLD.weight("agora", metric, START - DAY, HOUR)


def test_video_is_measured_on_those_who_had_video() -> None:
    whole = (START, END - START)
    assert WORLD.figure("agora", "totalVideoDuration", *whole) == WORLD.weight("agora", "videoFreezeRate", *whole)
    minutes = WORLD.figure("agora", "totalDuration", *whole)
    assert minutes == pytest.approx(WORLD.weight("agora", "audioFreezeRate", *whole), abs=1)
    silent = 0
    for stay in stays_of("agora"):
        about = (stay.join_ts, stay.leave_ts - stay.join_ts, Chosen(channel=stay.channel, user_id=stay.user_id))
        if about[1] >= 60:
            video = WORLD.figure("agora", "totalVideoDuration", *about)
            silent += not video
            assert bool(video) is (WORLD.figure("agora", "videoFreezeRate", *about) is not None)
            assert None is not WORLD.figure("agora", "audioFreezeRate", *about)
    assert silent > 5


def test_whoever_joins_in_the_first_second_is_counted_and_in_the_last_is_not() -> None:
    stay = stays_of("agora")[0]
    chosen = Chosen(channel=stay.channel, user_id=stay.user_id)
    figures = [WORLD.figure("agora", "sessionCount", stay.join_ts - 10 + shift, 10, chosen) for shift in (0, 1, 10, 11)]
    assert [0, 1, 1, 0] == figures


def test_more_attempts_than_joins_and_fewer_fast_ones() -> None:
    whole = (START, END - START)
    joins, fast = (WORLD.figure("agora", f"joinSuccess{kind}Rate", *whole) for kind in ("", "In5s"))
    attempts = WORLD.weight("agora", "joinSuccessRate", *whole)
    assert fast is not None
    assert joins is not None
    assert 0 < fast < joins < 1
    assert round(joins * attempts) == WORLD.figure("agora", "sessionCount", *whole)


def test_chosen_sessions_add_up_to_all() -> None:
    whole = (START, END - START)

    def joins(chosen: Chosen) -> float:
        return WORLD.figure("agora", "sessionCount", *whole, chosen) or 0

    everybody = joins(Chosen())
    assert everybody == len(stays_of("agora"))
    assert everybody == sum(joins(Chosen(product=product)) for product in ("Native", "WebRTC"))
    assert everybody == sum(joins(Chosen(channel=name)) for name in {call.channel for call in WORLD.calls("agora")})
    assert everybody == sum(joins(Chosen(where=(("country", country),))) for country in REGIONS)


def test_traits_are_many_enough_to_fill_every_ranking() -> None:
    stays = stays_of("agora", small_world(calls=120))
    found = {name: Counter(trait(stay, name) for stay in stays) for name in ("country", "region", "device", "net")}
    assert (True, True) == (len(found["country"]) > 20, len(found["device"]) > 50)
    assert "" not in found["net"]
    assert all(trait(stay, "region") in REGIONS[trait(stay, "country")] for stay in stays)


def test_usage_of_all_services_is_part_of_the_time_spent() -> None:
    whole = (START, END - START)
    spent = sum(stay.leave_ts - stay.join_ts for stay in stays_of("tencent"))
    assert spent == sum(WORLD.usage("interaction", *whole).values())
    assert 0 < sum(WORLD.usage("recording-single", *whole).values()) < spent
    assert ["Bandwidth"] == list(WORLD.usage("relay", *whole))


def test_nothing_of_this_moves_when_it_is_asked_for_in_another_order() -> None:
    one, other = small_world(), small_world()
    one.figure("agora", "userCount", START, DAY)
    late = one.experiences("agora", START + 5 * HOUR, END)
    assert late == other.experiences("agora", START + 5 * HOUR, END)
    assert list(one.calls("agora")) == list(other.calls("agora"))
