"""Agora's figures by dimension, its diagnoses and the series of `call/details`, in every shape of its pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models.figures import Breakdown
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, Reply, decoded
from tests.support.agora_answers import PRINTED

VENDOR = AgoraVendor()
START = 1625097600


def reply_to(row: Endpoint[Any], body: Any, params: dict[str, Any], window: tuple[int, int]) -> Reply[Any]:
    response = Response(status=200, headers={}, body=json.dumps(body).encode())
    return VENDOR.decode(row, VENDOR.unwrap(row, response), Asked(window=TimeRange(*window), params=params))


def read(
    row: Endpoint[Any], data: Any, params: dict[str, Any], window: tuple[int, int] = (START, START + 86_400)
) -> list[Any]:
    return list(reply_to(row, {"code": 200, "message": None, "data": data}, params, window).items)


def row_of(name: str, generation: str = "2024") -> Endpoint[Any]:
    return GENERATION_ENDPOINTS[generation][name]


def printed(name: str, generation: str = "2024") -> list[Any]:
    page = PRINTED[generation, name]
    return read(row_of(name, generation), page.answer["data"], dict(page.params), page.window)


# --- by dimension -----------------------------------------------------------------------------------------


def test_statistics_of_a_call_say_how_many_users_are_behind_them() -> None:
    china, japan = printed("call/statistics")
    assert ("audio_freeze", "audio_freeze_rate", "ratio") == (china.metric, china.vendor_metric, china.unit)
    assert [("country", "China", 0.02, 3), ("country", "Japan", 0.0, 1)] == [
        (part.dimension, part.dimension_value, part.value, part.users) for part in (china, japan)
    ]
    assert (1548665345, 1548670821) == (china.start, china.end)


BROKEN_DOWN = [row for row in GENERATION_ENDPOINTS["2024"].values() if row.model is Breakdown]


@pytest.mark.parametrize("row", BROKEN_DOWN, ids=lambda row: row.name)
def test_a_breakdown_says_of_which_product_and_call_it_is(row: Endpoint[Any]) -> None:
    page = PRINTED["2024", row.name]
    named = {param.name for param in row.params}
    for product in ("Native", "WebRTC"):
        params = {**page.params, "productType": product, "call_id": "c"}
        params = {name: value for name, value in params.items() if name in named}
        for part in read(row, page.answer["data"], params):
            assert (product if "productType" in named else "", "c" if "call_id" in named else "") == (
                *(part.product, part.call_id),
            )


def test_freeze_buckets_are_a_dimension_of_users() -> None:
    assert [("bucket", "[10%,100%)", None, 1), ("bucket", "[0%,3%)", None, 12)] == [
        (part.dimension, part.dimension_value, part.value, part.users) for part in printed("call/freeze/bucket")
    ]


def test_aggregated_usage_is_a_value_for_each_part() -> None:
    assert [("users", "region", "Shanghai", 42.0, None), ("users", "region", "Beijing", 37.0, None)] == [
        (part.metric, part.dimension, part.dimension_value, part.value, part.users)
        for part in printed("insight/usage/aggregation")
    ]


def test_aggregated_quality_says_what_it_was_measured_on() -> None:
    china, _ = printed("insight/quality/aggregation")
    assert ("China", 0.0017, 231234.0) == (china.dimension_value, china.value, china.reference)


@pytest.mark.parametrize(
    "data",
    [[{"userCount": 42}], {"userCount": 42}, {"list": [{"userCount": "42"}]}, [{"value": 42}]],
    ids=str,
)
def test_without_a_dimension_the_app_as_a_whole_is_read_in_any_shape(data: Any) -> None:
    (whole,) = read(row_of("insight/usage/aggregation"), data, {"metric": "userCount"})
    assert ("users", "", "", 42.0) == (whole.metric, whole.dimension, whole.dimension_value, whole.value)
    assert (START, START + 86_400) == (whole.start, whole.end)


def test_the_top_of_a_dimension_covers_twenty_seconds_from_its_instant() -> None:
    top, _ = printed("realtime/usage/dimension/top20")
    assert ("3.6.1.1", 236.0, 1631837410, 1631837430) == (top.dimension_value, top.value, top.start, top.end)
    (bare,) = read(row_of("realtime/usage/dimension/top20"), [{"userCount": 1}], {"metric": "userCount"}, (50, 55))
    assert (50, 70) == (bare.start, bare.end)


def test_what_was_not_asked_for_is_kept() -> None:
    data = [{"country": "China", "userCount": 4, "channelCount": 2, "new": 1}]
    (part,) = read(row_of("insight/usage/aggregation"), data, {"metric": "userCount", "dimension": "country"})
    assert (4.0, {"channelCount": 2, "new": 1}) == (part.value, part.extra)


def test_the_extra_metric_of_a_top_is_its_users() -> None:
    (phone,) = printed("realtime/quality/dimension/top20")
    assert ("ldn-al00", 0.050833333333333335, 2, {}) == (phone.dimension_value, phone.value, phone.users, phone.extra)


# --- bad moments ------------------------------------------------------------------------------------------


def test_a_diagnosis_is_worded() -> None:
    (moment,) = printed("live/diagnosis", "2021-03")
    assert ("C148474015", "83817682", 4, "Video froze", 1548668575) == (
        moment.channel,
        moment.user_id,
        moment.experience_id,
        moment.experience,
        moment.ts,
    )
    assert [(18, "44361248"), (23, ""), (18, "")] == [(cause.cause_id, cause.peer_id) for cause in moment.causes]
    assert "Video packets lost on the way down" == moment.causes[1].text
    assert "Unknown factor 18" in moment.describe()


@pytest.mark.parametrize("tags", [None, []])
def test_a_diagnosis_may_have_no_cause(tags: Any) -> None:
    data = [{"user": 7, "exp_id": "9", "cname": "c", "cause_tags": tags, "ts": str(START), "new": 1}]
    (moment,) = read(row_of("live/diagnosis", "2021-03"), data, {})
    assert ("7", 9, (), {"new": 1}) == (moment.user_id, moment.experience_id, moment.causes, moment.extra)


def test_two_diagnoses_of_one_second_are_told_apart_by_their_causes() -> None:
    row = row_of("live/diagnosis", "2021-03")
    (first,) = PRINTED["2021-03", "live/diagnosis"].answer["data"]
    second = {**first, "cause_tags": first["cause_tags"][:1]}
    ids = reply_to(row, {"code": 200, "data": [first, second, first]}, {}, (START, START + 60)).ids
    assert (2, ids[0]) == (len(set(ids)), ids[2])


@pytest.mark.parametrize(
    ("generation", "name", "metric"),
    [
        ("2021-03", "call/details with metrics", "video_send_bitrate"),
        ("2021-07", "call/metrics", "low_video_send_bitrate"),
        ("2024", "call/metrics", "low_video_send_bitrate"),
    ],
)
def test_the_bitrate_of_the_only_video_stream_became_that_of_the_low_one(
    generation: str, name: str, metric: str
) -> None:
    answer = {"code": 200, "metrics": [{"sid": "s", "data": [{"mid": 20006, "kvs": [[START, 5]], "peer_uid": 0}]}]}
    (series,) = reply_to(row_of(name, generation), answer, {"call_id": "c"}, (START, START + 60)).items
    assert (metric, "20006", "kbps") == (series.metric, series.vendor_metric, series.unit)


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "inside"])
def test_the_series_of_call_details_know_their_user_and_their_sessions(inside: bool) -> None:
    page = PRINTED["2021-03", "call/details with metrics"]
    answer = dict(page.answer)
    if inside:  # as the page's prose has it
        answer["call_info"] = [{**answer["call_info"][0], "metrics": answer.pop("metrics")}]
    reply = reply_to(row_of("call/details with metrics", "2021-03"), answer, dict(page.params), page.window)
    (series,) = reply.items
    assert ("630985881", 3, ["EDB224CCF4FB4F99815C24302BDF3301"]) == (series.user_id, len(series), list(reply.ids))
    assert {} == reply.extra


def test_series_inside_sessions_are_read_though_one_session_cannot_be() -> None:
    page = PRINTED["2021-03", "call/details with metrics"]
    answer = dict(page.answer)
    answer["call_info"] = [{"sid": None}, {**answer["call_info"][0], "metrics": answer.pop("metrics")}]
    answer["call_info"][0]["metrics"] = []
    row = row_of("call/details with metrics", "2021-03")
    asked = Asked(window=TimeRange(*page.window), params=dict(page.params))
    body = json.dumps(answer).encode()
    response = Response(status=200, headers={}, body=body)
    reply = decoded(AgoraVendor(), row, response, AgoraVendor().unwrap(row, response), asked)
    assert (1, 1) == (len(reply.items), len(reply.flaws.rows))
