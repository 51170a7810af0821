"""The neutral questions beyond a call scan, asked of a simulated Tencent and held against its world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from agora_tencent_analytics import BadInput, Last, NotFound, NotOffered, TencentProvider, TimeRange
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.simulator import Kind, World
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.tencent.endpoints import (
    ACCELERATION_USAGE,
    AI_USAGE,
    ENDPOINTS,
    MODERATION_USAGE,
    RECORD_STATISTIC,
    RECORDING_USAGE,
    ROOM_USAGE,
    SCALE_INFO,
    TRANSCODE_TIME,
    TRTC_USAGE,
)
from tests.support.in_turn import in_turn
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

END = int(EPOCH) - HOUR
WORLD = World(seed=5, calls=14, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
EAST = 8 * HOUR
TODAY = (int(EPOCH) + EAST) // DAY * DAY - EAST
T = TypeVar("T")
Points = list[tuple[int, float]]


def ask(stage: Stage, question: Callable[[TencentProvider], Awaitable[T]], **options: Any) -> T:
    async def scenario() -> T:
        return await question(stage.provider(region="ap-guangzhou", **options))

    return run(scenario)


def sent(stage: Stage, action: str) -> list[dict[str, Any]]:
    return [dict(arrival.facts) for arrival in stage.server.arrivals if arrival.endpoint == action]


def points(figures: Figures) -> Points:
    return list(zip(figures.times, figures.values, strict=True))


def true(metric: str, buckets: range, scale: float = 1.0) -> Points:
    found = [WORLD.figure("tencent", metric, bucket, buckets.step) for bucket in buckets]
    return [(bucket, round((value or 0) / scale, 4)) for bucket, value in zip(buckets, found, strict=True)]


# --- events -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.GROUP, Kind.REJOIN, Kind.SINGLE], ids=lambda kind: kind.name)
def test_every_event_of_a_call_is_read_once_and_each_user_costs_one_request(kind: Kind) -> None:
    call = next(call for call in WORLD.calls("tencent") if call.kind is kind)
    stage = Stage("tencent", WORLD, plan="basic")

    async def question(provider: TencentProvider) -> list[Any]:
        listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}[call.call_id]
        return await provider.events(listed, await provider.sessions(listed).collect()).collect()

    found = ask(stage, question)
    expected = [
        (stay.user_id, event.peer_id, event.instant_ms, event.event_id, event.stream, event.param_one, event.param_two)
        for stay in WORLD.sessions(call)
        for event in WORLD.events(stay)
    ]
    assert sorted(expected) == sorted(
        (one.user_id, one.peer_id, one.time_ms, one.event_id, one.stream_type, one.param_one, one.param_two)
        for one in found
    )
    assert all(one.text and one.call_id == call.call_id for one in found)
    users = [facts["UserId"] for facts in sent(stage, "DescribeUserEvent")]
    assert sorted({stay.user_id for stay in WORLD.sessions(call)}) == sorted(users)


def test_events_of_a_part_of_a_call_lie_in_that_part() -> None:
    call = next(call for call in WORLD.calls("tencent") if call.kind is Kind.GROUP)
    part = TimeRange(call.created_ts + 60, call.created_ts + 600)

    async def question(provider: TencentProvider) -> tuple[list[Any], list[Any]]:
        listed = {one.call_id: one for one in await provider.calls(WHOLE).collect()}[call.call_id]
        sessions = await provider.sessions(listed).collect()
        return (
            await provider.events(listed, sessions).collect(),
            await provider.events(listed, sessions, over=part).collect(),
        )

    everything, some = ask(Stage("tencent", WORLD), question)
    # Only those whose stay reaches into the part are asked for, and nobody has events outside the stay.
    assert sorted(one.time_ms for one in everything if one.ts in part) == sorted(one.time_ms for one in some)
    assert 0 < len(some) < len(everything)


# --- bad moments --------------------------------------------------------------------------------------------


def moments(found: Any) -> list[Any]:
    return sorted(
        (one.channel, one.user_id, one.ts, one.experience_id, [(it.cause_id, it.peer_id) for it in one.causes])
        for one in found
    )


@pytest.mark.parametrize("room", [False, True])
def test_every_bad_moment_is_read_once_though_an_answer_holds_twenty(room: bool) -> None:
    busy = World(seed=5, calls=60, start=END - 4 * HOUR, end=END)
    over = TimeRange(END - 3 * HOUR, END - HOUR)
    everything = busy.experiences("tencent", over.start, over.end)
    channel = everything[0].channel if room else None
    stage = Stage("tencent", busy, plan="free")
    found = ask(stage, lambda provider: provider.abnormal_experiences(over, channel=channel).collect())
    expected = sorted(
        (one.channel, one.user_id, one.instant, one.kind_id, [(it.cause_id, it.peer_id) for it in one.causes])
        for one in everything
        if channel in (None, one.channel)
    )
    assert len(everything) > 40, "the world must hold more than the answers of two hours do"
    assert expected == [one for one in moments(found) if one[2] in over]
    assert all(one.experience and all(cause.text for cause in one.causes) for one in found)
    assert {channel} == {facts.get("RoomId") for facts in sent(stage, "DescribeUnusualEvent")}


# --- usage and quality ------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", ["day", "hour"])
def test_usage_is_the_worlds_by_day_or_hour(every: Any) -> None:
    step = {"day": DAY, "hour": HOUR}[every]
    over = TimeRange(TODAY - 2 * DAY, int(EPOCH))
    stage = Stage("tencent", WORLD, plan="basic")
    metrics = ["peak_channels", "users", "channels", "peak_users"]
    found = ask(stage, lambda provider: provider.usage(over, metrics=metrics, every=every).collect())
    assert metrics == [one.metric for one in found]
    for figures in found:
        buckets = range(over.start, min(over.end, int(EPOCH) - 2), step)
        assert true(figures.vendor_metric, buckets) == points(figures)
        assert max(figures.values) > 0
        assert (step, "count", "tencent") == (figures.bucket_s, figures.unit, figures.vendor)
    (facts,) = sent(stage, "DescribeTRTCMarketScaleData")
    assert ({"day": "d", "hour": "h"}[every], str(WORLD.sdk_app_id)) == (facts["Period"], facts["SdkAppId"])


def test_quality_is_the_worlds_as_ratios_with_decimals() -> None:
    over = TimeRange(TODAY - DAY, int(EPOCH))
    stage = Stage("tencent", WORLD, plan="advanced")
    found = ask(stage, lambda provider: provider.quality(over, every="hour").collect())
    names = ["join_success", "join_success_in_5s", "audio_freeze", "video_freeze", "network_delay"]
    assert names == [one.metric for one in found]
    buckets = range(over.start, min(over.end, int(EPOCH) - 2), HOUR)
    for figures in found:
        told = true(figures.vendor_metric, buckets)
        assert [bucket for bucket, _ in told] == list(figures.times)
        assert pytest.approx([value for _, value in told]) == list(figures.values)
        assert 0 < max(figures.values) <= 1
    (facts,) = sent(stage, "DescribeTRTCMarketQualityData")
    assert facts["IsFloat"] is True


@pytest.mark.parametrize(("start", "end"), [(TODAY - DAY + 1, TODAY + 1), (TODAY - DAY - HOUR, TODAY - HOUR)])
def test_days_that_begin_outside_the_range_are_dropped(start: int, end: int) -> None:
    (users, _) = ask(Stage("tencent", WORLD), lambda provider: provider.usage(TimeRange(start, end)).collect())
    assert [day for day in (TODAY - DAY, TODAY) if start <= day < end] == list(users.times)


def test_the_last_days_are_those_before_the_vendors_now() -> None:
    (users, _) = ask(
        Stage("tencent", WORLD, client_skew_s=300.0), lambda provider: provider.usage(Last(days=3)).collect()
    )
    assert [TODAY - 2 * DAY, TODAY - DAY, TODAY] == list(users.times)


def test_a_question_may_be_asked_twice() -> None:
    async def question(provider: TencentProvider) -> tuple[list[Figures], list[Figures]]:
        listing = provider.usage(Last(days=2))
        return await listing.collect(), await listing.collect()

    first, again = ask(Stage("tencent", WORLD), question)
    assert first == again != []


@pytest.mark.parametrize("room", [False, True])
def test_the_figures_of_the_moment_are_the_worlds(room: bool) -> None:
    now = int(EPOCH)
    live = World(seed=5, calls=30, start=now - 3 * HOUR, end=now - 60)
    over = TimeRange(now - 1_807, now - 600)
    channel = next(iter(live.stays("tencent", over.start, over.end))).channel if room else None
    stage = Stage("tencent", live, plan="basic")

    async def question(provider: TencentProvider) -> tuple[list[Figures], list[Figures]]:
        usage = await provider.realtime_usage(over, channel=channel).collect()
        return usage, await provider.realtime_quality(over, channel=channel).collect()

    usage, quality = ask(stage, question)
    assert ["users", "channels"] == [one.metric for one in usage]
    assert ["audio_freeze", "video_freeze"] == [one.metric for one in quality]
    first = -(-over.start // 10) * 10
    for figures in (*usage, *quality):
        times = range(first, over.end, 10)
        name, scale = figures.vendor_metric, 100 if figures.unit == "ratio" else 1
        told = [live.figure("tencent", name, time, 10, Chosen(channel=channel)) or 0 for time in times]
        assert list(times) == list(figures.times)
        assert pytest.approx([round(scale * value) / scale for value in told]) == list(figures.values)
        assert (channel or "") == figures.channel
    assert max(usage[0].values) > 0
    assert room or 0 < max(quality[0].values) <= 1
    assert 2 == stage.asked


# --- what is refused before any request -------------------------------------------------------------------


@in_turn("plan", ["free", "premium", "flagship"])
@in_turn("name", ["usage", "quality", "realtime_usage", "realtime_quality"])
def test_a_plan_without_the_dashboard_is_told_before_any_request(plan: str, name: str) -> None:
    stage = Stage("tencent", WORLD, plan=plan)
    method = getattr(stage.provider(), name)
    if name.startswith("realtime") and plan != "free":
        method(Last(hours=1))
    else:
        with pytest.raises(NotOffered, match=plan):
            method(Last(hours=1))
    assert 0 == stage.asked


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("usage", {"metrics": ["usres"]}, BadInput),
        ("usage", {"metrics": "users"}, BadInput),
        ("usage", {"metrics": ["join_success"]}, NotOffered),
        ("usage", {"every": "minute"}, BadInput),
        ("quality", {"metrics": ["audio_uplink_good"]}, NotOffered),
        ("quality", {"product": "Native"}, NotOffered),
        ("realtime_usage", {"metrics": ["peak_users"]}, NotOffered),
        ("realtime_usage", {"product": "WebRTC"}, NotOffered),
        ("realtime_quality", {"metrics": ["network_delay"]}, NotOffered),
        ("realtime_quality", {"channel": ""}, BadInput),
        ("abnormal_experiences", {"channel": ""}, BadInput),
    ],
)
def test_what_cannot_be_answered_is_refused_before_any_request(
    name: str, given: dict[str, Any], error: type[Exception]
) -> None:
    stage = Stage("tencent", WORLD)
    with pytest.raises(error):
        getattr(stage.provider(), name)(Last(hours=1), **given)
    with pytest.raises(BadInput, match="a range must be"):
        getattr(stage.provider(), name)(3_600)
    assert 0 == stage.asked


# --- rows without a method --------------------------------------------------------------------------------


def test_a_day_of_scale_is_listed_once_it_is_over() -> None:
    over = TimeRange(TODAY - 2 * DAY, TODAY + HOUR)
    found = ask(Stage("tencent", WORLD, plan="free"), lambda provider: provider.ask(SCALE_INFO, over).collect())
    assert {"users", "sessions", "channels"} == {one.metric for one in found}
    for figures in found:
        assert true(figures.vendor_metric, range(over.start, TODAY, DAY)) == points(figures)


def test_thirty_two_days_of_usage_are_two_requests_and_no_bucket_is_doubled() -> None:
    over = TimeRange(TODAY - 31 * DAY, TODAY + DAY)
    stage = Stage("tencent", WORLD, plan="free")
    found = ask(stage, lambda provider: provider.ask(TRTC_USAGE, over).collect())
    spelt = [(facts["StartTime"], facts["EndTime"]) for facts in sent(stage, "DescribeTrtcUsage")]
    assert 2 == len(spelt)
    assert spelt[1][0] == spelt[1][1]
    audio = [one for one in found if one.vendor_metric == "Audio"]
    assert [(DAY, 31), (300, len(range(TODAY, int(EPOCH) - 2, 300)))] == [(one.bucket_s, len(one)) for one in audio]
    assert audio[1].times[0] == audio[0].times[-1] + DAY == TODAY
    assert {"minutes"} == {one.unit for one in found}
    assert {""} == {arrival.code for arrival in stage.server.arrivals}


@pytest.mark.parametrize("mixed", ["single", "multi"])
def test_recordings_are_asked_by_their_mix(mixed: str) -> None:
    stage = Stage("tencent", WORLD, plan="free")
    over = TimeRange(TODAY - 2 * DAY, TODAY)
    found = ask(stage, lambda provider: provider.ask(RECORDING_USAGE, over, MixType=mixed).collect())
    assert 6 == len(found)
    assert [mixed] == [facts["MixType"] for facts in sent(stage, "DescribeRecordingUsage")]


def test_rooms_are_told_with_the_window_they_were_used_in() -> None:
    stage = Stage("tencent", WORLD, plan="free")
    over = TimeRange(WHOLE.start + 30, WHOLE.end - 30)
    found = ask(stage, lambda provider: provider.ask(ROOM_USAGE, over).collect())
    start, end = over.start // 60 * 60, -(-over.end // 60) * 60
    rooms = sorted({stay.channel for stay in WORLD.stays("tencent", start, end)})
    assert rooms == sorted(room.channel for room in found)
    assert {(start, end, ("Audio", "SD", "hd", "FullHD", "2K", "4K"))} == {
        (room.start, room.end, tuple(room.seconds)) for room in found
    }
    assert sum(sum(room.seconds.values()) for room in found) > 0


def test_a_question_about_rooms_does_not_reach_over_the_vendors_midnight() -> None:
    stage = Stage("tencent", WORLD, plan="free")
    start = TODAY - DAY + 21 * HOUR + 600
    ask(stage, lambda provider: provider.ask(ROOM_USAGE, TimeRange(start, start + DAY)).collect())
    spelt = [(facts["StartTime"], facts["EndTime"]) for facts in sent(stage, "DescribeTrtcRoomUsage")]
    assert [("21:10", "00:00"), ("00:00", "21:10")] == [(first[-5:], last[-5:]) for first, last in spelt]
    assert spelt[0][1] == spelt[1][0]


SERVICES: list[tuple[Any, dict[str, Any], str, list[str]]] = [
    (AI_USAGE, {"AuType": ["tts", "conversation"]}, "ai", ["Tts", "Conversation"]),
    (ACCELERATION_USAGE, {}, "acceleration", ["Time"]),
    (MODERATION_USAGE, {"Type": "picture", "Business": 1}, "moderation", ["Picture"]),
    (RECORD_STATISTIC, {}, "recording", ["Class1VideoTime", "Class2VideoTime", "Class3VideoTime", "AudioTime"]),
    (TRANSCODE_TIME, {}, "relay-transcoding", ["AudioTime", "VideoTimeSd", "VideoTimeHd", "VideoTimeFhd"]),
]
every_service = pytest.mark.parametrize(("row", "given", "service", "keys"), SERVICES, ids=lambda value: str(value)[:9])


@every_service
@pytest.mark.parametrize("days", [1, 3])
def test_services_are_asked_and_answered_by_whole_days(
    row: Any, given: dict[str, Any], service: Any, keys: list[str], days: int
) -> None:
    stage = Stage("tencent", WORLD, plan="free")
    over = TimeRange(TODAY - days * DAY + 3 * HOUR, TODAY - 5 * HOUR)
    found = ask(stage, lambda provider: provider.ask(row, over, **given).collect())
    step = DAY if days > 1 else 300
    by_name = {one.vendor_metric: points(one) for one in found}
    for key in keys:
        spent = [(at, float(WORLD.usage(service, at, step)[key])) for at in range(TODAY - days * DAY, TODAY, step)]
        assert spent == by_name[key]
    assert 1 == stage.asked


@every_service
def test_thirty_two_days_of_a_service_are_two_requests_that_share_no_day(
    row: Any, given: dict[str, Any], service: Any, keys: list[str]
) -> None:
    stage = Stage("tencent", WORLD, plan="free")
    over = TimeRange(TODAY - 32 * DAY, TODAY)
    found = ask(stage, lambda provider: provider.ask(row, over, **given).collect())
    days, last_day = (one for one in found if one.vendor_metric == keys[0])
    assert list(range(over.start, TODAY - DAY, DAY)) == list(days.times)
    assert list(range(TODAY - DAY, TODAY, 300)) == list(last_day.times)
    assert ["", ""] == [arrival.code for arrival in stage.server.arrivals]


@in_turn("name", [name for name, row in ENDPOINTS.items() if row.retired != "DescribeCallDetailInfo"])
def test_a_question_that_is_gone_costs_one_request_and_names_its_successor(name: str) -> None:
    row = ENDPOINTS[name]
    if not row.retired:
        return
    given: dict[str, Any] = {
        param.name: ["x"] if param.kind == "list" else "d" for param in row.params if param.required
    }
    stage = Stage("tencent", WORLD, plan="advanced")

    async def question(provider: TencentProvider) -> str:
        with pytest.raises(NotFound) as refused:
            await provider.ask(row, TimeRange(END - HOUR, END), **given).first()
        return str(refused.value)

    assert f"ask {row.retired} instead" in ask(stage, question)
    assert 1 == stage.asked
