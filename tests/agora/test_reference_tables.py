"""Agora's reference tables, against what the vendor's pages print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora import reference_tables as tables
from agora_tencent_analytics.agora.codes import MESSAGES_300
from agora_tencent_analytics.agora.reference_tables import (
    DIMENSIONS,
    EXPERIENCES,
    FACTORS,
    FREEZE_BUCKETS,
    PRODUCT_TYPE_REQUIRED,
    STATUS_CODES,
    describe_experience,
    describe_factor,
    describe_status,
    dimension_spellings,
    freeze_bounds,
    metric_spellings,
    question_metric,
)
from tests.support.in_turn import in_turn

FACTOR_IDS = [*range(1, 4), *range(8, 18), *range(21, 26), *range(29, 48)]
CODES = [200, 300, 400, 401, 403, 404, 500]
RATES = ["joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate", "networkDelay"]
SHORT = {"country", "region", "net", "sdk", "os", "device"}
REALTIME = [f"/beta/realtime/{a}/{b}" for a in ("usage", "quality") for b in ("by_time_20sec", "dimension/top20")]


def test_factors_have_the_vendors_ids_and_gaps() -> None:
    assert 37 == len(FACTOR_IDS)
    assert FACTOR_IDS == sorted(FACTORS)
    assert len(FACTORS) == len(set(FACTORS.values()))


@in_turn(
    ("factor_id", "words"),
    [
        *[(8, "Video down"), (9, "Audio down"), (12, "stopped audio"), (13, "stopped video")],
        *[(14, "audio off"), (15, "video off"), (16, "Remote stopped audio"), (17, "Remote stopped video")],
        *[(21, "Video lost up"), (22, "Audio lost up"), (23, "Video lost down"), (24, "Audio lost down")],
        *[(42, "Video up"), (43, "Audio up"), (44, "Video jittered up"), (45, "Audio jittered up")],
        *[(46, "Video jittered down"), (47, "Audio jittered down"), (34, "token expired"), (36, "timed out")],
    ],
)
def test_a_factor_names_its_medium_and_direction(factor_id: int, words: str) -> None:
    told = describe_factor(factor_id).replace("'", " ").split()
    assert [] == [word for word in words.split() if word not in told]


def test_the_factor_that_only_a_sample_has_is_told_as_unknown() -> None:
    assert {18} == tables.FACTORS_UNEXPLAINED
    assert set() == tables.FACTORS_UNEXPLAINED & FACTORS.keys()
    assert "Unknown factor 18 (remote user 44361248)" == describe_factor(18, "44361248")


def test_experiences_have_the_vendors_ids() -> None:
    assert [4, 5, 6] == sorted(EXPERIENCES)
    assert ("Video froze", "Audio froze") == (describe_experience(4), describe_experience(5))
    assert "Unknown experience 1" == describe_experience(1)


def test_status_codes_are_the_vendors_and_300_has_its_eight_messages() -> None:
    assert CODES == sorted(STATUS_CODES)
    assert [300] == [code for code, row in STATUS_CODES.items() if row.messages]
    assert 8 == len(STATUS_CODES[300].messages)
    assert set(MESSAGES_300) == set(STATUS_CODES[300].messages)
    assert "Parameters not valid" == describe_status(400)
    assert "Unknown code 299" == describe_status(299)


def test_usage_metrics_are_counts_and_minutes() -> None:
    counts = {"userCount", "sessionCount", "channelCount", "peakConcurrentChannels", "peakConcurrentUsers"}
    minutes = {"totalDuration", "totalVideoDuration", "totalAudioDuration"}
    units = {name: metric.unit for name, metric in tables.USAGE_METRICS.items()}
    assert {**dict.fromkeys(counts, ""), **dict.fromkeys(minutes, "min")} == units


def test_quality_metrics_are_ratios_with_what_weighs_them() -> None:
    assert RATES == list(tables.QUALITY_METRICS)
    assert {"ratio"} == {metric.unit for metric in tables.QUALITY_METRICS.values()}
    weights = ["join attempts", "join attempts", "audio min", "video min", "total min"]
    assert weights == [metric.weighed_by for metric in tables.QUALITY_METRICS.values()]


@pytest.mark.parametrize("thing", ["Channels", "Users"])
def test_a_peak_is_known_by_both_its_spellings(thing: str) -> None:
    both = (f"peakConcurrent{thing}", f"peakCurrent{thing}")
    assert [both, both] == [metric_spellings(name) for name in both]
    assert question_metric(both[0]) is question_metric(both[1])
    assert question_metric(both[0]) is not None


def test_product_types_are_required_by_quality_and_by_all_realtime_questions() -> None:
    assert ["Native", "WebRTC"] == list(tables.PRODUCT_TYPES)
    insight = {"/beta/insight/quality/by_time", "/beta/insight/quality/aggregation"}
    assert insight | set(REALTIME) == PRODUCT_TYPE_REQUIRED


@pytest.mark.parametrize("path", ["/beta/analytics/call/statistics", *REALTIME])
def test_most_paths_take_the_short_names_of_dimensions(path: str) -> None:
    assert SHORT == {name for (name,) in DIMENSIONS[path].values()}


def test_aggregations_take_other_names_of_dimensions() -> None:
    usage, quality = "/beta/insight/usage/aggregation", "/beta/insight/quality/aggregation"
    assert ("sdk", "sdkVersion") == dimension_spellings(usage, "sdk_version")
    assert ("sdkVersion", "sdk") == dimension_spellings(quality, "sdk_version")
    assert ("network", "net") == dimension_spellings(quality, "net")
    assert ("channelSize",) == dimension_spellings(quality, "channel_size")
    assert ("channel_size",) == dimension_spellings(usage, "channel_size")
    assert set() == {"/beta/insight/usage/by_time", "/beta/insight/quality/by_time"} & DIMENSIONS.keys()
    assert (20, 50) == (tables.TOP_VALUES, tables.TOP_DEVICES)


def test_granularities_last_an_hour_and_a_day() -> None:
    assert {"1h": 3_600, "1d": 86_400} == tables.GRANULARITIES


def test_freeze_buckets_join_without_a_gap_from_nothing_to_all() -> None:
    bounds = list(FREEZE_BUCKETS.values())
    assert (0.0, 1.0) == (bounds[0][0], bounds[-1][1])
    assert [low for low, _ in bounds[1:]] == [high for _, high in bounds[:-1]]
    printed = [f"[{low * 100:g}%,{high * 100:g}%)" for low, high in bounds]
    assert printed == list(FREEZE_BUCKETS)
    assert ((0.03, 0.05), (0.03, 0.05)) == (freeze_bounds("[3%,5%)"), freeze_bounds("[3%, 5%)"))
    assert freeze_bounds("[100%,200%)") is None


@given(st.integers(), st.text())
def test_what_no_table_has_passes_through(number: int, name: str) -> None:
    if number not in FACTORS:
        assert f"Unknown factor {number}" == describe_factor(number)
    if number not in STATUS_CODES:
        assert f"Unknown code {number}" == describe_status(number)
    if question_metric(name) is None:
        assert (name,) == metric_spellings(name)
    assert (name,) == dimension_spellings("/no/such/path", name)


def test_every_name_that_the_tables_pass_on_is_there() -> None:
    assert [] == [name for name in tables.__all__ if not hasattr(tables, name)]
