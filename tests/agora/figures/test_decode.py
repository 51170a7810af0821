"""Agora's figures over time in every shape that its pages show or hint at, and in those that experience adds."""

from __future__ import annotations

import json
from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.figures.names import NEUTRAL, metrics_taken
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import UnreadableReply
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models.figures import FIGURES, Breakdown, Figures
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, decoded
from tests.support.agora_answers import PRINTED
from tests.support.in_turn import in_turn

VENDOR = AgoraVendor()
ROWS = [row for rows in GENERATION_ENDPOINTS.values() for row in rows.values() if row.model in (Figures, Breakdown)]
HOUR = 3_600
START = 1625097600


def read(
    row: Endpoint[Any], data: Any, params: dict[str, Any], window: tuple[int, int] = (START, START + 86_400)
) -> list[Any]:
    body = json.dumps({"code": 200, "message": "success", "data": data}).encode()
    asked = Asked(window=TimeRange(*window), params=params)
    response = Response(status=200, headers={}, body=body)
    return list(decoded(VENDOR, row, response, VENDOR.unwrap(row, response), asked).items)


def row_of(name: str, generation: str = "2024") -> Endpoint[Any]:
    return GENERATION_ENDPOINTS[generation][name]


def printed(name: str, generation: str = "2024") -> list[Any]:
    page = PRINTED[generation, name]
    return read(row_of(name, generation), page.answer["data"], dict(page.params), page.window)


def points(figures: Figures) -> dict[int, float]:
    return dict(zip(figures.times, figures.values, strict=True))


HOURLY = {"metric": "userCount", "aggregateGranularity": "1h"}


# --- over time --------------------------------------------------------------------------------------------


def test_usage_by_day_keeps_the_vendors_own_midnight() -> None:
    (users,) = printed("insight/usage/by_time")
    assert ("users", "userCount", "count", 86_400) == (users.metric, users.vendor_metric, users.unit, users.bucket_s)
    assert {1625155200: 42.0, 1625241600: 37.0} == points(users)


def test_quality_by_hour_leaves_out_the_hour_that_begins_at_the_end() -> None:
    (delay,) = printed("insight/quality/by_time")
    assert ("network_delay", "ratio", "Native", HOUR) == (delay.metric, delay.unit, delay.product, delay.bucket_s)
    assert {1625097600: 0.064762, 1625101200: 0.028156} == points(delay)
    assert 1 == delay.columns.outside
    assert ([1625184000], 1) == (list(delay.beyond.times), len(delay.beyond)), "the last of 25 rows for 24 hours"


def test_statistics_of_a_call_over_time_say_which_call() -> None:
    for figures in printed("call/statistics/time"):
        assert PRINTED["2024", "call/statistics/time"].params["call_id"] == figures.call_id != ""
    (users,) = printed("insight/usage/by_time")
    assert "" == users.call_id


def test_the_window_in_which_a_real_time_question_begins_is_kept() -> None:
    (users,) = printed("realtime/usage/by_time_20sec", "2022")
    assert {1631837400: 112.0, 1631837420: 113.0, 1631837440: 114.0} == points(users)
    assert 20 == users.bucket_s


def test_real_time_figures_of_users_are_told_apart() -> None:
    one, other = printed("realtime/quality/by_time_20sec")
    assert ("2303692334", "2963430861") == (one.user_id, other.user_id)
    assert ("network_delay", "Native", "demoChannel") == (one.metric, one.product, one.channel)
    assert {1631837400: 0.389, 1631837420: 0.389, 1631837440: 0.389} == points(one)


def test_real_time_figures_by_dimension_are_told_apart() -> None:
    old, new = printed("realtime/usage/by_time_20sec")
    assert [("sdk", "3.6.1.1"), ("sdk", "4.1.1")] == [(one.dimension, one.dimension_value) for one in (old, new)]
    assert {1631837400: 112.0, 1631837420: 113.0} == points(old)
    assert {1631837400: 7.0} == points(new)


@pytest.mark.parametrize("asked", ["net", "network"])
@pytest.mark.parametrize("answered", ["net", "network"])
def test_a_dimension_is_found_under_any_of_its_spellings(asked: str, answered: str) -> None:
    params = {"productType": "Native", "metric": "userCount", "dimension": asked}
    data = [{"userCount": 1, "ts": START, answered: "4G"}]
    (found,) = read(row_of("realtime/usage/by_time_20sec"), data, params)
    assert (asked, "4G", {}) == (found.dimension, found.dimension_value, found.extra)
    (part,) = read(row_of("realtime/usage/dimension/top20"), {"list": data}, params)
    assert (asked, "4G") == (part.dimension, part.dimension_value)


def test_statistics_of_a_call_over_time_are_sorted() -> None:
    (users,) = printed("call/statistics/time")
    assert ("users", "user_count", None) == (users.metric, users.vendor_metric, users.bucket_s)
    assert [1548665340, 1548665460] == list(users.times)
    assert [3.0, 5.0] == list(users.values)


def test_a_metric_without_a_neutral_name_keeps_the_vendors() -> None:
    params = {"call_id": "c", "metric": "audio_freeze_user_count"}
    (found,) = read(row_of("call/statistics/time"), [{"ts": START, "value": 2}], params)
    assert ("", "audio_freeze_user_count", "") == (found.metric, found.vendor_metric, found.unit)
    (new,) = read(row_of("insight/usage/by_time"), [{"ts": START, "robotCount": 2}], {"metric": "robotCount"})
    assert ("", "robotCount", {START: 2.0}, {}) == (new.metric, new.vendor_metric, points(new), new.extra)


@pytest.mark.parametrize("sent", ["peakConcurrentUsers", "peakCurrentUsers"])
@pytest.mark.parametrize("came", ["peakConcurrentUsers", "peakCurrentUsers"])
def test_a_peak_is_found_under_both_spellings(sent: str, came: str) -> None:
    (peak,) = read(row_of("insight/usage/by_time"), [{came: 9, "ts": START}], {**HOURLY, "metric": sent})
    assert ("peak_users", came, {START: 9.0}) == (peak.metric, peak.vendor_metric, points(peak))


def test_several_metrics_in_one_answer_are_several_figures() -> None:
    users, sessions = printed("insight/usage/by_time", "2021-03")
    assert [("users", 86_400), ("sessions", 86_400)] == [(one.metric, one.bucket_s) for one in (users, sessions)]
    assert ({1570752000: 42.0}, {1570752000: 50.0}) == (points(users), points(sessions))


@pytest.mark.parametrize("name", ["live/experience/by_time", "live/net/by_time"])
def test_percentages_of_the_live_questions_become_ratios(name: str) -> None:
    (rate,) = printed(name, "2021-03")
    assert ([0.42], "ratio", 60) == (list(rate.values), rate.unit, rate.bucket_s)


def test_counts_of_the_live_questions_stay_counts() -> None:
    users, channels = printed("live/scale/by_time", "2021-03")
    assert (("users", [102.0]), ("channels", [42.0])) == tuple(
        (one.metric, list(one.values)) for one in (users, channels)
    )


def test_the_same_name_is_a_ratio_everywhere_else() -> None:
    params = {"metric": "joinSuccessRate", "aggregateGranularity": "1h", "productType": "WebRTC"}
    (rate,) = read(row_of("insight/quality/by_time"), [{"joinSuccessRate": 1, "ts": START}], params)
    assert {START: 1.0} == points(rate)


@pytest.mark.parametrize("data", [None, [], {}, {"list": None}, {"list": []}])
def test_an_answer_without_rows_has_no_figures(data: Any) -> None:
    for row in ROWS:
        assert [] == read(row, data, {"metric": "userCount", "call_id": "c"})


def test_rows_in_any_order_and_numbers_as_text_are_read() -> None:
    data = [
        {"userCount": "7", "ts": str(START + HOUR)},
        {"userCount": None, "ts": START + 2 * HOUR},
        {"userCount": "many", "ts": START + 3 * HOUR},
        {"ts": START + 4 * HOUR},
        {"userCount": 5, "ts": float(START)},
        {"userCount": 5},
        {"userCount": 6, "ts": START},
    ]
    (users,) = read(row_of("insight/usage/by_time"), data, HOURLY)
    assert [START + hour * HOUR for hour in range(5)] == list(users.times)
    assert [5.0, 7.0, nan, nan, nan] == pytest.approx(list(users.values), nan_ok=True)
    assert (4, 1) == (users.columns.odd, users.columns.contradicted), "5 at the first hour, and 6"


def test_unknown_fields_are_kept_with_their_time() -> None:
    data = [{"userCount": 1, "ts": START, "zone": "x"}, {"userCount": 2, "ts": START + HOUR, "zone": "y"}]
    (users,) = read(row_of("insight/usage/by_time"), data, HOURLY)
    assert {"zone": {str(START): "x", str(START + HOUR): "y"}} == users.extra
    user = {"uid": 7, "values": [{"networkDelay": 0.1, "ts": START}], "account": "ann"}
    (delay,) = read(row_of("realtime/quality/by_time_20sec"), [user], {"metric": "networkDelay"})
    assert {"account": "ann"} == delay.extra


@pytest.mark.parametrize("uid", [7, "7", 7.0])
def test_a_user_is_text_in_both_places_of_an_answer(uid: object) -> None:
    for data in ([{"uid": uid, "values": [{"networkDelay": 0.1, "ts": START}]}], [{"uid": uid, "ts": START}]):
        (delay,) = read(row_of("realtime/quality/by_time_20sec"), data, {"metric": "networkDelay"})
        assert "7" == delay.user_id


# --- names ------------------------------------------------------------------------------------------------


def test_every_neutral_name_is_in_the_vocabulary() -> None:
    assert set(FIGURES) == set(NEUTRAL.values())


@in_turn("row", ROWS)
def test_what_a_question_takes_is_what_its_answer_is_read_as(row: Endpoint[Any]) -> None:
    taken = metrics_taken(row)
    assert bool(taken) == any(param.name == "metric" for param in row.params)
    page = PRINTED[row.generation, row.name]
    asked = page.params["metric"]
    several = isinstance(asked, list)
    shown = asked[0] if several else asked
    for neutral, name in taken.items():
        data = json.loads(json.dumps(page.answer["data"]).replace(f'"{shown}"', f'"{name}"'))
        found = read(row, data, {**page.params, "metric": [name] if several else name}, page.window)
        assert (neutral, name) in {(one.metric, one.vendor_metric) for one in found}


def test_peaks_are_spelt_as_the_page_of_the_time_spells_them() -> None:
    spelt = {
        generation: metrics_taken(row_of("insight/usage/by_time", generation)).get("peak_users")
        for generation in GENERATION_ENDPOINTS
    }
    assert {
        "2021-03": None,
        "2021-07": "peakCurrentUsers",
        "2022": "peakCurrentUsers",
        "2024": "peakConcurrentUsers",
    } == spelt


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
NAMES = st.sampled_from(
    ["ts", "uid", "values", "list", "value", "userCount", "country", "bucket", "refUsage", "user_count", "new"]
)
SHAPES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=10
)


@given(st.sampled_from(ROWS), SHAPES)
def test_any_inside_of_the_envelope_is_read_or_refused_as_unreadable(row: Endpoint[Any], data: Any) -> None:
    try:
        items = read(row, data, {"metric": "userCount", "dimension": "country", "call_id": "c"})
    except UnreadableReply:
        return
    for item in items:
        assert isinstance(item, row.model)
        if isinstance(item, Figures):
            assert len(item.times) == len(item.values)
            assert list(item.times) == sorted(set(item.times))
            assert item.columns.odd >= sum(map(isnan, item.values))
