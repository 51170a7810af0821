"""Every generation of Agora's API asked through the neutral questions, against a simulated vendor that speaks it."""

from __future__ import annotations

from math import isnan
from typing import Any

import pytest

from agora_tencent_analytics import BadInput, Last, NothingToAsk, TimeRange
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.provider import QUALITY
from agora_tencent_analytics.simulator import World
from agora_tencent_analytics.simulator.world.attendance import Chosen
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
END = NOW - HOUR
WORLD = World(seed=5, calls=60, start=END - 10 * DAY, end=END)
RECENT = World(seed=7, calls=30, start=NOW - 2 * HOUR, end=NOW)
MIDNIGHT = NOW // DAY * DAY


def stage_of(api: str, world: World = WORLD, **options: Any) -> Stage:
    return Stage("agora", world, **{"plan": "enterprise", "api": api, **options})


def collect(stage: Stage, question: str, *given: Any, api: str, **options: Any) -> tuple[list[Any], Any]:
    async def scenario() -> tuple[list[Any], Any]:
        paginator = getattr(stage.provider(api=api), question)(*given, **options)
        found = await paginator.collect()
        return found, paginator.certificate

    found, certificate = run(scenario)
    assert 0 == stage.server.refused
    assert {"200"} >= {arrival.code for arrival in stage.server.arrivals}
    return found, certificate


def points(figures: Figures) -> dict[int, float]:
    assert 0 == figures.columns.odd
    return dict(zip(figures.times, figures.values, strict=True))


def truth(
    world: World, metric: str, stamps: range, seconds: int, chosen: Chosen | None = None, *, nothing: float = 0
) -> dict[int, float]:
    found = {stamp: world.figure("agora", metric, stamp, seconds, chosen) for stamp in stamps}
    return {stamp: nothing if value is None else float(value) for stamp, value in found.items()}


# --- usage and quality ------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", ["premium", "enterprise", "unlimited"])
@pytest.mark.parametrize("days", [1, 3, 7, 8])
def test_hours_of_usage_are_joined_without_seams(plan: str, days: int) -> None:
    over = TimeRange(MIDNIGHT - (days + 1) * DAY, MIDNIGHT - DAY)
    stage = stage_of("2024", plan=plan)
    (users,), certificate = collect(stage, "usage", over, api="2024", metrics=["users"], every="hour")
    assert truth(WORLD, "userCount", range(over.start, over.end, HOUR), HOUR) == points(users)
    assert ("users", "", HOUR) == (users.metric, users.product, users.bucket_s)
    assert certificate.complete
    span = stage.server.plan.rows["insight/usage/by_time"].span_s
    assert -(-over.seconds // span) == stage.asked, "not one request more than the span demands"


@pytest.mark.parametrize(("start", "end"), [(1, 1), (1_800, 1_800), (HOUR - 1, HOUR - 1), (0, 0)])
def test_an_hour_belongs_to_the_range_in_which_it_begins(start: int, end: int) -> None:
    over = TimeRange(MIDNIGHT - 5 * DAY + start, MIDNIGHT - DAY + end)
    (users,), _ = collect(stage_of("2024", plan="premium"), "usage", over, api="2024", metrics=["users"], every="hour")
    stamps = range(-(-over.start // HOUR) * HOUR, over.end, HOUR)
    assert truth(WORLD, "userCount", stamps, HOUR) == points(users)


@pytest.mark.parametrize("api", ["2024", "2022", "2021-07"])
@pytest.mark.parametrize("midnight", ["utc", "utc+8"])
def test_days_of_usage_are_the_vendors_days(api: str, midnight: str) -> None:
    # July 2021 reached back three days, showed nothing of the last, and took less than a day at a time.
    july = TimeRange(MIDNIGHT - 2 * DAY, MIDNIGHT - 12 * HOUR)
    over = july if api == "2021-07" else TimeRange(MIDNIGHT - 9 * DAY, MIDNIGHT - DAY)
    stage = stage_of(api, plan="premium", midnight=midnight)
    found, _ = collect(stage, "usage", over, api=api)
    first = over.start if midnight == "utc" else over.start + 16 * HOUR
    assert [
        ("users", truth(WORLD, "userCount", range(first, over.end, DAY), DAY)),
        ("channels", truth(WORLD, "channelCount", range(first, over.end, DAY), DAY)),
    ] == [(one.metric, points(one)) for one in found]
    assert {"users": DAY, "channels": DAY} == {one.metric: one.bucket_s for one in found}


def test_days_of_march_2021_come_in_one_request_for_all_metrics() -> None:
    over = TimeRange(MIDNIGHT - 5 * DAY, MIDNIGHT - DAY)
    stage = stage_of("2021-03")
    found, _ = collect(stage, "usage", over, api="2021-03", metrics=["users", "sessions", "channels"])
    stamps = range(over.start, over.end, DAY)
    assert [
        (metric, truth(WORLD, name, stamps, DAY))
        for metric, name in (("users", "userCount"), ("sessions", "sessionCount"), ("channels", "channelCount"))
    ] == [(one.metric, points(one)) for one in found]
    assert 1 == stage.asked


@pytest.mark.parametrize("hours", [1, 12, 24])
def test_a_part_of_a_day_of_march_2021_is_asked_as_the_whole_day(hours: int) -> None:
    over = TimeRange(MIDNIGHT - 3 * DAY, MIDNIGHT - 3 * DAY + hours * HOUR)
    (users,), _ = collect(stage_of("2021-03"), "usage", over, api="2021-03", metrics=["users"])
    assert truth(WORLD, "userCount", range(over.start, over.start + 1), DAY) == points(users)


@pytest.mark.parametrize(
    "over", [TimeRange(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY - 1), Last(hours=6)], ids=["a second less", "six hours"]
)
def test_less_than_a_day_of_march_2021_is_refused_before_it_is_sent(over: Any) -> None:
    stage, row = stage_of("2021-03"), GENERATION_ENDPOINTS["2021-03"]["insight/usage/by_time"]
    with pytest.raises(BadInput, match="answers nothing about less than 86400 s"):
        stage.provider(api="2021-03").ask(row, over, metric=["userCount"])
    found, _ = collect(
        stage, "ask", row, TimeRange(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY), api="2021-03", metric=["userCount"]
    )
    assert (1, 1) == (len(found), stage.asked)


def test_the_last_day_can_be_asked_for_in_march_2021() -> None:
    stage, row = stage_of("2021-03"), GENERATION_ENDPOINTS["2021-03"]["insight/usage/by_time"]
    _, certificate = collect(stage, "ask", row, Last(days=1), api="2021-03", metric=["userCount"])
    assert (1, True) == (stage.asked, certificate.complete)


def test_what_is_left_of_a_day_of_march_2021_is_not_asked_for_and_that_is_told() -> None:
    stage, row = stage_of("2021-03"), GENERATION_ENDPOINTS["2021-03"]["insight/usage/by_time"]
    over = TimeRange(NOW - DAY // 2, NOW + DAY // 2)
    with pytest.raises(NothingToAsk) as caught:
        collect(stage, "ask", row, over, api="2021-03", metric=["userCount"])
    assert over.seconds == sum(piece.over.seconds for piece in caught.value.clipped)
    assert {"lag"} == {piece.reason for piece in caught.value.clipped}


def test_every_neutral_metric_of_usage_is_had() -> None:
    over = TimeRange(MIDNIGHT - 3 * DAY, MIDNIGHT - 2 * DAY)
    names = ["sessions", "peak_users", "peak_channels", "duration", "audio_duration", "video_duration"]
    found, _ = collect(stage_of("2024"), "usage", over, api="2024", metrics=names, every="hour")
    assert names == [one.metric for one in found]
    assert ["count"] * 3 + ["minutes"] * 3 == [one.unit for one in found]
    for one in found:
        assert truth(WORLD, one.vendor_metric, range(over.start, over.end, HOUR), HOUR) == points(one)


@pytest.mark.parametrize("api", ["2024", "2022", "2021-07"])
def test_quality_is_a_figure_for_each_metric_and_product(api: str) -> None:
    over = TimeRange(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY)
    found, certificate = collect(stage_of(api, plan="unlimited"), "quality", over, api=api, every="hour")
    assert [(metric, product) for metric in QUALITY for product in ("Native", "WebRTC")] == [
        (one.metric, one.product) for one in found
    ]
    for one in found:
        chosen = Chosen(product=one.product)
        assert "ratio" == one.unit
        assert truth(WORLD, one.vendor_metric, range(over.start, over.end, HOUR), HOUR, chosen) == points(one)
    assert certificate.complete


def test_one_product_is_half_the_requests() -> None:
    over = TimeRange(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY)
    stage = stage_of("2024", plan="unlimited")
    found, _ = collect(stage, "quality", over, api="2024", product="WebRTC")
    assert 5 == stage.asked == len(found)
    assert {"WebRTC"} == {one.product for one in found}


def test_an_hour_with_nothing_to_measure_is_missing_or_not_a_number() -> None:
    over = TimeRange(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY)
    given: dict[str, Any] = {"api": "2024", "metrics": ["join_success"], "every": "hour", "product": "WebRTC"}
    (null,), _ = collect(stage_of("2024", empty="null"), "quality", over, **given)
    (omitted,), _ = collect(stage_of("2024", empty="omit"), "quality", over, **given)
    assert 24 == len(null)
    assert null.columns.odd == sum(map(isnan, null.values)) == 24 - len(omitted) > 0


def test_the_last_two_days_of_insight_are_provisional_and_real_time_is_not() -> None:
    (users,), _ = collect(stage_of("2024"), "usage", Last(days=3), api="2024", metrics=["users"])
    assert users.provisional_from == pytest.approx(NOW - 2 * DAY, abs=60)
    found, _ = collect(stage_of("2024", RECENT), "realtime_usage", Last(minutes=10), api="2024")
    assert {None} == {one.provisional_from for one in found}


def test_what_the_vendor_has_not_computed_yet_is_clipped_and_reported() -> None:
    (users,), certificate = collect(
        stage_of("2024"), "usage", Last(hours=12), api="2024", metrics=["users"], every="hour"
    )
    assert 0 < len(users) <= 6
    assert ["lag"] == [piece.reason for piece in certificate.clipped]


def test_a_range_in_which_no_hour_begins_costs_no_request() -> None:
    stage = stage_of("2024")
    over = TimeRange(MIDNIGHT - 3 * DAY + 1, MIDNIGHT - 3 * DAY + HOUR)
    found, _ = collect(stage, "usage", over, api="2024", every="hour")
    assert ([], 0) == (found, stage.asked)


# --- real time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["2024", "2022"])
@pytest.mark.parametrize("offset", [0, 7, 19])
@pytest.mark.parametrize("channel", [None, "busiest"])
def test_real_time_figures_are_those_of_the_windows_that_begin_in_the_range(
    api: str, offset: int, channel: str | None
) -> None:
    if channel:
        calls = [call for call in RECENT.calls("agora") if call.destroyed_ts > NOW - 1_500 > call.created_ts]
        channel = max(calls, key=lambda call: len(RECENT.sessions(call))).channel
    begin = NOW // 20 * 20 - 1_500
    over = TimeRange(begin + offset, begin + 600 + offset)
    found, _ = collect(stage_of(api, RECENT, plan="unlimited"), "realtime_usage", over, api=api, channel=channel)
    assert [(metric, product) for metric in ("users", "channels") for product in ("Native", "WebRTC")] == [
        (one.metric, one.product) for one in found
    ]
    stamps = range(begin + (20 if offset else 0), over.end, 20)
    for one in found:
        chosen = Chosen(channel=channel, product=one.product)
        assert truth(RECENT, one.vendor_metric, stamps, 20, chosen) == points(one)
        assert (channel or "", 20) == (one.channel, one.bucket_s)


@pytest.mark.parametrize("api", ["2024", "2022"])
def test_the_whole_reach_of_real_time_quality_is_one_request_for_each_figure(api: str) -> None:
    stage = stage_of(api, RECENT, plan="unlimited")
    found, certificate = collect(stage, "realtime_quality", Last(minutes=60), api=api)
    assert 10 == stage.asked == len(found)
    assert all(170 < len(one) < 180 for one in found)
    assert {"history", "lag"} == {piece.reason for piece in certificate.clipped}


def test_live_figures_of_march_2021_are_ratios_by_the_vendors_minutes() -> None:
    over = TimeRange(NOW - 2_000 + 7, NOW - 1_000 + 41)
    stage = stage_of("2021-03", RECENT)
    metrics = ["join_success", "audio_freeze", "video_end_to_end_good"]
    found, _ = collect(stage, "realtime_quality", over, api="2021-03", metrics=metrics)
    assert (metrics, 2) == ([one.metric for one in found], stage.asked)
    for one in found:
        assert {60} == {after - before for before, after in zip(one.times, one.times[1:], strict=False)}
        expected = truth(RECENT, one.vendor_metric, range(one.times[0], over.end, 60), 60)
        assert list(expected) == list(one.times)
        assert list(expected.values()) == pytest.approx(list(one.values), abs=0.0001)
        assert over.start <= one.times[0] < over.start + 60
        assert over.end - 60 <= one.times[-1] < over.end
    users, channels = collect(stage, "realtime_usage", over, api="2021-03")[0]
    assert truth(RECENT, "pcu", range(users.times[0], over.end, 60), 60) == points(users)
    assert truth(RECENT, "pcc", range(users.times[0], over.end, 60), 60) == points(channels)


# --- rows without a neutral question ------------------------------------------------------------------------


def ask(stage: Stage, name: str, over: TimeRange, **params: Any) -> list[Any]:
    found, _ = collect(stage, "ask", GENERATION_ENDPOINTS["2024"][name], over, api="2024", **params)
    return found


def test_figures_of_single_users_come_by_user() -> None:
    calls = [call for call in RECENT.calls("agora") if call.destroyed_ts > NOW - 1_500 > call.created_ts]
    call = max(calls, key=lambda call: len(RECENT.sessions(call)))
    users = sorted({stay.user_id for stay in RECENT.sessions(call) if stay.overlaps(NOW - 1_500, NOW - 600)})[:10]
    params = {"productType": "Native", "metric": "networkDelay", "cname": call.channel, "uids": users}
    found = ask(stage_of("2024", RECENT), "realtime/quality/by_time_20sec", TimeRange(NOW - 1_500, NOW - 600), **params)
    assert found
    assert {one.user_id for one in found} <= set(users)
    assert {(call.channel, "network_delay")} == {(one.channel, one.metric) for one in found}


def test_a_top_twenty_is_asked_for_every_twenty_seconds() -> None:
    stage = stage_of("2024", RECENT)
    params = {"productType": "Native", "metric": "userCount", "dimension": "country"}
    found = ask(stage, "realtime/usage/dimension/top20", TimeRange(NOW - 1_000, NOW - 940), **params)
    assert 3 == stage.asked
    assert {(NOW - 1_000 + 20 * n, NOW - 980 + 20 * n) for n in range(3)} == {(one.start, one.end) for one in found}


def test_aggregated_figures_are_posted_and_sum_up() -> None:
    over = TimeRange(MIDNIGHT - 3 * DAY, MIDNIGHT - DAY)
    (whole,) = ask(stage_of("2024"), "insight/usage/aggregation", over, metric="sessionCount")
    parts = ask(stage_of("2024"), "insight/usage/aggregation", over, metric="sessionCount", dimension="os")
    assert whole.value == sum(part.value for part in parts) > 0
    quality = {"metric": "audioFreezeRate", "productType": "Native", "dimension": "channelSize"}
    for part in ask(stage_of("2024"), "insight/quality/aggregation", over, **quality):
        assert part.reference is not None
        assert 0 <= part.value <= 1


def test_statistics_of_a_call_are_had_row_by_row() -> None:
    stage = stage_of("2024")
    call = max(WORLD.calls("agora"), key=lambda call: len(WORLD.sessions(call)))
    over = TimeRange(call.created_ts, min(call.destroyed_ts + 1, call.created_ts + 6 * HOUR - 1))
    common = {"call_id": call.call_id, "metric": "audio_freeze_rate"}
    countries = ask(stage, "call/statistics", over, dimension="country", **common)
    buckets = ask(stage, "call/freeze/bucket", over, **common)
    (minutes,) = ask(stage, "call/statistics/time", over, **common)
    assert {"country"} == {part.dimension for part in countries}
    assert {part.dimension_value for part in buckets} <= {"[0%,3%)", "[3%,5%)", "[5%,10%)", "[10%,100%)"}
    assert all(part.users > 0 for part in (*countries, *buckets))
    assert list(minutes.times) == sorted(minutes.times)
    assert len(minutes) >= (over.seconds - 60) // 60 > 0
