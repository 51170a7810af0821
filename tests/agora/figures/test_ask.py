"""From neutral names to Agora's rows and parameters, for every generation; and from windows to whole buckets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.figures.ask import ask_figures, those_had, whole_buckets
from agora_tencent_analytics.agora.plans import PLANS
from agora_tencent_analytics.endpoint import check_params
from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.limits import DAY, Limits
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.figures import Figures, join_figures
from agora_tencent_analytics.paging.clip import cover
from agora_tencent_analytics.provider import QUALITY, USAGE
from agora_tencent_analytics.timerange import TimeRange
from tests.support.in_turn import in_turn

HOUR = 3_600
START = 1_789_948_800
BOTH = ("Native", "WebRTC")


def asked(generation: str, question: str, metrics: Any, **narrowed: Any) -> dict[str, list[dict[str, Any]]]:
    found = ask_figures(GENERATION_ENDPOINTS[generation], question, metrics, **narrowed)
    for row, all_params in found:
        assert generation == row.generation
        for params in all_params:
            assert params == check_params(row, params)
    return {row.name: params for row, params in found}


@pytest.mark.parametrize("generation", ["2024", "2022", "2021-07"])
def test_usage_is_a_request_for_each_metric(generation: str) -> None:
    expected = [{"metric": name, "aggregateGranularity": "1d"} for name in ("userCount", "channelCount")]
    assert {"insight/usage/by_time": expected} == asked(generation, "usage", USAGE, every="day")


def test_usage_of_march_2021_is_one_request_for_all_metrics() -> None:
    expected = [{"metric": ["userCount", "channelCount"]}]
    assert {"insight/usage/by_time": expected} == asked("2021-03", "usage", USAGE, every="day")


def test_a_metric_named_twice_is_asked_once() -> None:
    (params,) = asked("2024", "usage", ["users", "users"], every="hour").values()
    assert [{"metric": "userCount", "aggregateGranularity": "1h"}] == params


@pytest.mark.parametrize("generation", ["2024", "2022", "2021-07"])
def test_quality_is_a_request_for_each_metric_and_product(generation: str) -> None:
    (params,) = asked(generation, "quality", QUALITY, every="hour").values()
    assert 10 == len(params)
    assert {("audioFreezeRate", product, "1h") for product in BOTH} == {
        (one["metric"], one["productType"], one["aggregateGranularity"])
        for one in params
        if one["metric"].startswith("audio")
    }
    (params,) = asked(generation, "quality", ["network_delay"], every="day", product="WebRTC").values()
    assert [{"metric": "networkDelay", "aggregateGranularity": "1d", "productType": "WebRTC"}] == params


@pytest.mark.parametrize("generation", ["2024", "2022"])
def test_real_time_questions_may_be_about_one_channel(generation: str) -> None:
    (params,) = asked(generation, "realtime_usage", ["users"], channel="room").values()
    assert [{"metric": "userCount", "cname": "room", "productType": product} for product in BOTH] == params
    (params,) = asked(generation, "realtime_quality", QUALITY).values()
    assert 10 == len(params)


def test_real_time_quality_of_march_2021_is_two_questions() -> None:
    expected = {
        "live/experience/by_time": [{"metric": ["joinSuccess5SecsRate", "videoFreezeRate"]}],
        "live/net/by_time": [{"metric": ["audioEnd2EndExcellentTransRate"]}],
    }
    metrics = ["join_success_in_5s", "audio_end_to_end_good", "video_freeze"]
    assert expected == asked("2021-03", "realtime_quality", metrics)
    assert {"live/scale/by_time": [{"metric": ["pcu", "pcc"]}]} == asked("2021-03", "realtime_usage", USAGE)


@in_turn(
    ("generation", "question", "metrics", "narrowed"),
    [
        ("2021-03", "quality", QUALITY, {"every": "day"}),
        ("2021-07", "realtime_usage", USAGE, {}),
        ("2021-07", "realtime_quality", QUALITY, {}),
        ("2021-03", "realtime_quality", QUALITY, {}),  # it has no network_delay
        ("2024", "usage", ["network_delay"], {"every": "day"}),
        ("2024", "quality", ["users"], {"every": "day"}),
        ("2024", "realtime_usage", ["sessions"], {}),
        ("2024", "realtime_quality", ["audio_uplink_good"], {}),
        ("2021-03", "usage", ["duration"], {"every": "day"}),
        ("2022", "usage", USAGE, {"every": "hour"}),
        ("2021-07", "usage", USAGE, {"every": "hour"}),
        ("2021-03", "usage", USAGE, {"every": "hour"}),
        ("2021-03", "realtime_usage", USAGE, {"channel": "room"}),
        ("2021-03", "realtime_usage", USAGE, {"product": "Native"}),
    ],
)
def test_what_a_generation_lacks_is_not_offered(generation: str, question: str, metrics: Any, narrowed: Any) -> None:
    with pytest.raises(NotOffered) as caught:
        asked(generation, question, metrics, **narrowed)
    assert caught.value.endpoint


@pytest.mark.parametrize(
    ("metrics", "narrowed"),
    [
        (["bitrate"], {}),
        (["userCount"], {}),
        ("users", {}),
        ([], {}),
        ([7], {}),
        (None, {}),
        (["network_delay"], {"every": "minute"}),
        (["network_delay"], {"product": "native"}),
        (["network_delay"], {"product": ""}),
    ],
)
def test_what_nobody_knows_is_bad_input(metrics: Any, narrowed: Any) -> None:
    with pytest.raises(BadInput):
        asked("2024", "quality", metrics, **{"every": "day", **narrowed})


# --- whole buckets ----------------------------------------------------------------------------------------

PREMIUM = PLANS["premium"].rows["insight/usage/by_time"]


def windows(over: TimeRange, grid: int, limits: Limits) -> list[TimeRange]:
    whole = whole_buckets(over, grid, limits)
    return list(
        cover([whole] if whole else [], limits, bounds=GENERATION_ENDPOINTS["2024"]["insight/usage/by_time"].bounds)
    )


@pytest.mark.parametrize(("days", "requests"), [(1, 1), (3, 1), (4, 2), (6, 2), (9, 3), (12, 4)])
def test_three_days_are_one_request_where_a_request_must_be_shorter_than_three_days(days: int, requests: int) -> None:
    assert requests == len(windows(TimeRange(START, START + days * DAY), HOUR, PREMIUM))


def test_a_range_without_the_beginning_of_a_bucket_is_not_asked() -> None:
    assert whole_buckets(TimeRange(START + 1, START + HOUR), HOUR, PREMIUM) is None
    assert TimeRange(START + HOUR, START + 2 * HOUR) == whole_buckets(
        TimeRange(START + 1, START + HOUR + 1), HOUR, PREMIUM
    )


@given(
    st.integers(0, 5 * DAY),
    st.integers(1, 20 * DAY),
    st.sampled_from([1, 20, HOUR, DAY]),
    st.integers(2, 4 * DAY),
)
def test_every_bucket_begins_in_exactly_one_window_and_none_outside(
    offset: int, length: int, grid: int, span_s: int
) -> None:
    limits = msgspec.structs.replace(PREMIUM, span_s=max(span_s, grid))
    over = TimeRange(START + offset, START + offset + length)
    begins = range(-(-over.start // grid) * grid, over.end, grid)
    asked_for = windows(over, grid, limits)
    found = [
        begin
        for window in asked_for
        for begin in range(-(-window.start // grid) * grid, window.end, grid)
        if begin in window
    ]
    assert list(begins) == found
    assert all(window.seconds < limits.span_s for window in asked_for)
    longest = max(1, limits.span_s - 1)
    assert len(asked_for) <= 1 + length // longest


# --- joining ----------------------------------------------------------------------------------------------


def piece(times: list[int], values: list[float], **more: Any) -> Figures:
    columns = Columns.of(times, values)
    named = {"metric": "users", "vendor_metric": "userCount"}
    return Figures(vendor="agora", columns=columns, **{**named, **more})


def test_what_lies_beyond_the_range_is_what_lies_beyond_its_last_window() -> None:
    (whole,) = join_figures(
        [piece([10, 20], [1, 2], beyond=Columns.of([30], [3])), piece([30], [3], beyond=Columns.of([40], [4]))],
        provisional_from=None,
    )
    assert ([10, 20, 30], [40]) == (list(whole.times), list(whole.beyond.times))


def test_pieces_of_one_figure_are_joined_and_others_kept_apart() -> None:
    pieces = [
        piece([10, 20], [1, 2], extra={"zone": {"10": "x"}}),
        piece([20, 30], [9, 3], extra={"zone": {"30": "y"}, "new": 1}),
        piece([10], [5], user_id="7"),
        piece([10], [6], product="WebRTC"),
    ]
    whole, user, product = join_figures(pieces, provisional_from=25)
    assert ([10, 20, 30], [1.0, 2.0, 3.0]) == (list(whole.times), list(whole.values))
    assert ({"zone": {"10": "x", "30": "y"}, "new": 1}, 25) == (whole.extra, whole.provisional_from)
    assert (("7", [5.0]), ("WebRTC", [6.0])) == ((user.user_id, list(user.values)), (product.product, [6.0]))


def test_a_peak_spelt_in_two_ways_is_one_figure_and_unknown_metrics_are_several() -> None:
    peaks = [piece([10 * n], [n], metric="peak_users", vendor_metric=name) for n, name in enumerate(["a", "b"])]
    (peak,) = join_figures(peaks, provisional_from=None)
    assert [0, 10] == list(peak.times)
    unknown = [piece([10], [1], metric="", vendor_metric=name) for name in ("a", "b")]
    assert ["a", "b"] == [one.vendor_metric for one in join_figures(unknown, provisional_from=None)]


def test_what_nobody_named_is_narrowed_to_what_a_generation_has() -> None:
    old, new = GENERATION_ENDPOINTS["2021-03"], GENERATION_ENDPOINTS["2024"]
    assert [*QUALITY[:-1]] == those_had(old, "realtime_quality", QUALITY)
    assert [*QUALITY] == those_had(new, "realtime_quality", QUALITY)
    assert [*QUALITY] == those_had(old, "quality", QUALITY)  # it has none: the refusal names what was asked
