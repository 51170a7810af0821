"""Agora's reference tables, against what the vendor's pages print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora import reference_tables as tables
from agora_tencent_analytics.agora.codes import MESSAGES_300
from agora_tencent_analytics.agora.endpoints import ENDPOINTS
from agora_tencent_analytics.agora.figures.names import QUALITY_METRICS, metric_spellings
from agora_tencent_analytics.agora.reference_tables import (
    DIMENSIONS,
    EXPERIENCES,
    FACTORS,
    STATUS_CODES,
    describe_experience,
    describe_factor,
    describe_status,
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
    assert "Unknown factor 18 (remote user 44361248)" == describe_factor(18, "44361248")


def test_experiences_have_the_vendors_ids() -> None:
    assert [4, 5, 6] == sorted(EXPERIENCES)
    assert ("Video froze", "Audio froze") == (describe_experience(4), describe_experience(5))
    assert "Unknown experience 1" == describe_experience(1)


def test_status_codes_are_the_vendors_and_300_has_its_eight_messages() -> None:
    assert CODES == sorted(STATUS_CODES)
    assert 8 == len(MESSAGES_300)
    assert "Parameters not valid" == describe_status(400)
    assert "Unknown code 299" == describe_status(299)


def test_quality_metrics_are_the_five_rates() -> None:
    assert tuple(RATES) == QUALITY_METRICS


@pytest.mark.parametrize("thing", ["Channels", "Users"])
def test_a_peak_is_known_by_both_its_spellings(thing: str) -> None:
    both = (f"peakConcurrent{thing}", f"peakCurrent{thing}")
    assert [both, both] == [metric_spellings(name) for name in both]


def test_product_types_are_required_by_quality_and_by_all_realtime_questions() -> None:
    assert ["Native", "WebRTC"] == list(tables.PRODUCT_TYPES)
    insight = {"/beta/insight/quality/by_time", "/beta/insight/quality/aggregation"}
    takes = {row.path for row in ENDPOINTS.values() for param in row.params if param.name == "productType"}
    assert insight | set(REALTIME) == takes


@pytest.mark.parametrize("path", ["/beta/analytics/call/statistics", *REALTIME])
def test_most_paths_take_the_short_names_of_dimensions(path: str) -> None:
    assert SHORT == {name for (name,) in DIMENSIONS[path].values()}


def test_aggregations_take_other_names_of_dimensions() -> None:
    usage, quality = (DIMENSIONS[f"/beta/insight/{of}/aggregation"] for of in ("usage", "quality"))
    assert ("sdk", "sdkVersion") == usage["sdk_version"]
    assert ("sdkVersion", "sdk") == quality["sdk_version"]
    assert ("network", "net") == quality["network"]
    assert ("channelSize",) == quality["channel_size"]
    assert "channel_size" not in usage
    assert set() == {"/beta/insight/usage/by_time", "/beta/insight/quality/by_time"} & DIMENSIONS.keys()


def test_granularities_last_an_hour_and_a_day() -> None:
    assert {"1h": 3_600, "1d": 86_400} == tables.GRANULARITIES


@given(st.integers(), st.text())
def test_what_no_table_has_passes_through(number: int, name: str) -> None:
    if number not in FACTORS:
        assert f"Unknown factor {number}" == describe_factor(number)
    if number not in STATUS_CODES:
        assert f"Unknown code {number}" == describe_status(number)
    if "Concurrent" not in name and "Current" not in name:
        assert (name,) == metric_spellings(name)
