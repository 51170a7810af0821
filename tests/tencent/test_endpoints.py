"""Every row of Tencent's table: asked as its page spells it, type by type, and offered where the plan says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agora_tencent_analytics import BadInput, Limits, NotFound, NotOffered, Response, TencentProvider, TimeRange
from agora_tencent_analytics.endpoint import AnyOf, Endpoint, check_params, spell
from agora_tencent_analytics.limits import DAY, HOUR, Rate
from agora_tencent_analytics.tencent.endpoints import (
    ENDPOINTS,
    MARKET_QUALITY,
    TRTC_USAGE,
    UNUSUAL_EVENT,
    USER_EVENT,
)
from agora_tencent_analytics.tencent.plans import PLANS, find
from agora_tencent_analytics.tencent.wire import HOST, HOST_INTL, HOSTS, REGIONS, REGIONS_OF_USAGE, TencentVendor
from tests.support.in_turn import in_turn

APP = 1400353843
COMM_ID = "1400353843_218695_1590065777"
# 2023-09-20T00:00 to 2023-09-24T00:00, both at UTC+8.
OVER = TimeRange(1695139200, 1695484800)
SECONDS = {"StartTime": 1695139200, "EndTime": 1695484800}
DAYS = {"StartTime": "2023-09-20", "EndTime": "2023-09-23"}
MINUTES = {"StartTime": "2023-09-20 00:00", "EndTime": "2023-09-24 00:00"}
MIDNIGHTS = {"StartTime": "2023-09-20 00:00:00", "EndTime": "2023-09-24 00:00:00"}
NUMBER, TEXT = {"SdkAppId": APP}, {"SdkAppId": "1400353843"}
USER = {"CommId": COMM_ID, "UserId": "1716", "RoomId": "218695"}
ROOM = {"RoomId": "218695"}

# Row, parameters given, exactly what is sent. Rows with a choice of parameters are asked with all and with none.
SPELT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("DescribeRoomInfo", {}, {**NUMBER, **SECONDS, "PageNumber": 0, "PageSize": 9}),
    ("DescribeRoomInfo", ROOM, {**NUMBER, **SECONDS, **ROOM, "PageNumber": 0, "PageSize": 9}),
    (
        "DescribeUserInfo",
        {"CommId": COMM_ID, "UserIds": ["1716"]},
        {**NUMBER, **SECONDS, "CommId": COMM_ID, "UserIds": ["1716"], "PageNumber": 0, "PageSize": 9},
    ),
    (
        "DescribeCallDetailInfo with DataType",
        {"CommId": COMM_ID, "DataType": ["all"]},
        {**NUMBER, **SECONDS, "CommId": COMM_ID, "DataType": ["all"], "PageNumber": 0, "PageSize": 9},
    ),
    (
        "DescribeCallDetailInfo without DataType",
        {"CommId": COMM_ID},
        {**NUMBER, **SECONDS, "CommId": COMM_ID, "PageNumber": 0, "PageSize": 9},
    ),
    ("DescribeUserEvent", USER, {**NUMBER, **SECONDS, **USER}),
    ("DescribeUnusualEvent", {}, {**NUMBER, **SECONDS}),
    ("DescribeUnusualEvent", ROOM, {**NUMBER, **SECONDS, **ROOM}),
    ("DescribeScaleInfo", {}, {**NUMBER, **SECONDS}),
    ("DescribeTRTCRealTimeScaleData", {}, {**TEXT, **SECONDS}),
    ("DescribeTRTCRealTimeScaleData", ROOM, {**TEXT, **SECONDS, **ROOM}),
    ("DescribeTRTCRealTimeQualityData", {"RoomId": None}, {**TEXT, **SECONDS}),
    ("DescribeTRTCRealTimeQualityData", ROOM, {**TEXT, **SECONDS, **ROOM}),
    ("DescribeTRTCMarketScaleData", {"Period": "d"}, {**TEXT, **DAYS, "Period": "d"}),
    ("DescribeTRTCMarketQualityData", {"Period": "h"}, {**TEXT, **DAYS, "Period": "h"}),
    (
        "DescribeTRTCMarketQualityData",
        {"Period": "h", "IsFloat": True},
        {**TEXT, **DAYS, "Period": "h", "IsFloat": True},
    ),
    ("DescribeTrtcUsage", {}, {**NUMBER, **DAYS}),
    ("DescribeRecordingUsage", {"MixType": "single"}, {**NUMBER, **DAYS, "MixType": "single"}),
    ("DescribeMixTranscodingUsage", {}, {**NUMBER, **DAYS}),
    ("DescribeRelayUsage", {}, {**NUMBER, **DAYS}),
    ("DescribeTrtcRoomUsage", {}, {"SdkAppid": APP, **MINUTES}),
    ("DescribeRecordStatistic", {}, {**NUMBER, **DAYS}),
    ("DescribeTrtcMcuTranscodeTime", {}, {**NUMBER, **DAYS}),
    ("DescribeTRTCAIRecognitionUsage", {"AuType": ["asr", "tts"]}, {**TEXT, **MIDNIGHTS, "AuType": ["asr", "tts"]}),
    ("DescribeTRTCDedicatedCloudAccUsage", {}, {**NUMBER, **MIDNIGHTS}),
    (
        "DescribeTRTCSegmentModerationUsage",
        {"Type": "picture", "Business": 0},
        {**NUMBER, **MIDNIGHTS, "Type": "picture", "Business": 0},
    ),
    ("DescribeRoomInformation", ROOM, {**TEXT, **SECONDS, **ROOM, "PageNumber": "0", "PageSize": "9"}),
    (
        "DescribeUserInformation",
        {"CommId": COMM_ID},
        {**TEXT, **SECONDS, "CommId": COMM_ID, "PageNumber": "0", "PageSize": "9"},
    ),
    (
        "DescribeCallDetail with DataType",
        {"CommId": COMM_ID, "UserIds": ["1716"], "DataType": ["all"]},
        {
            **TEXT,
            **SECONDS,
            "CommId": COMM_ID,
            "UserIds": ["1716"],
            "DataType": ["all"],
            "PageNumber": "0",
            "PageSize": "9",
        },
    ),
    (
        "DescribeCallDetail without DataType",
        {"CommId": COMM_ID},
        {**TEXT, **SECONDS, "CommId": COMM_ID, "PageNumber": "0", "PageSize": "9"},
    ),
    (
        "DescribeCallDetail without DataType of users",
        {"CommId": COMM_ID, "UserIds": ["1716"]},
        {**TEXT, **SECONDS, "CommId": COMM_ID, "UserIds": ["1716"], "PageNumber": "0", "PageSize": "9"},
    ),
    ("DescribeDetailEvent", USER, {**SECONDS, **USER}),
    ("DescribeAbnormalEvent", ROOM, {**TEXT, **SECONDS, **ROOM}),
    ("DescribeHistoryScale", {}, {**TEXT, **SECONDS}),
    ("DescribeTRTCRealTimeScaleMetricData", ROOM, {**TEXT, **SECONDS, **ROOM}),
    ("DescribeTRTCRealTimeQualityMetricData", {}, {**TEXT, **SECONDS}),
    ("DescribeTRTCMarketScaleMetricData", {"Period": "d"}, {**TEXT, **DAYS, "Period": "d"}),
    ("DescribeTRTCMarketQualityMetricData", {"Period": "d"}, {**TEXT, **DAYS, "Period": "d"}),
]
SUCCESSORS = {
    "DescribeRoomInformation": "DescribeRoomInfo",
    "DescribeUserInformation": "DescribeUserInfo",
    "DescribeCallDetail with DataType": "DescribeCallDetailInfo",
    "DescribeCallDetail without DataType": "DescribeCallDetailInfo",
    "DescribeCallDetail without DataType of users": "DescribeCallDetailInfo",
    "DescribeDetailEvent": "DescribeUserEvent",
    "DescribeAbnormalEvent": "DescribeUnusualEvent",
    "DescribeHistoryScale": "DescribeScaleInfo",
    "DescribeTRTCRealTimeScaleMetricData": "DescribeTRTCRealTimeScaleData",
    "DescribeTRTCRealTimeQualityMetricData": "DescribeTRTCRealTimeQualityData",
    "DescribeTRTCMarketScaleMetricData": "DescribeTRTCMarketScaleData",
    "DescribeTRTCMarketQualityMetricData": "DescribeTRTCMarketQualityData",
}
rows = in_turn("row", ENDPOINTS.values())


def test_the_walk_over_the_rows_leaves_none_out() -> None:
    assert {name for name, *_ in SPELT} == set(ENDPOINTS)


@in_turn(("name", "given", "wire"), SPELT)
def test_a_question_is_asked_as_its_page_spells_it(name: str, given: dict[str, Any], wire: dict[str, Any]) -> None:
    row = ENDPOINTS[name]
    sent = spell(row, APP, OVER, check_params(row, given), page=0, size=9)
    request = TencentVendor("ap-guangzhou").request(row, HOST, sent)
    body = json.loads(request.body)
    assert ("POST", f"{HOST}/") == (request.method, request.url)
    assert wire == body
    assert {name: type(value) for name, value in wire.items()} == {name: type(value) for name, value in body.items()}


@rows
def test_a_row_names_its_action_page_and_day(row: Endpoint[Any]) -> None:
    assert row.action == row.name.partition(" ")[0] == row.counter
    assert row.source.startswith("https://")
    assert row.read_on in ("2026-08-21", "2021-10-27")
    assert ("tencent", "POST", "/") == (row.vendor, row.method, row.path)


@rows
def test_every_plan_but_the_smaller_ones_offers_the_question(row: Endpoint[Any]) -> None:
    for plan in ("advanced", "intl-standard", "intl-premium", "unlimited"):
        assert isinstance(PLANS[plan].limits(row.limits), Limits)


def test_a_sample_is_a_sample_of_twenty() -> None:
    assert AnyOf(most=20, at="ts") == UNUSUAL_EVENT.paging == ENDPOINTS["DescribeAbnormalEvent"].paging


MARKETS = {"basic": 30, "advanced": 60, "intl-standard": 30, "intl-premium": 30}
REALTIMES = {"basic": 3, "advanced": 12, "premium": 3, "flagship": 12, "intl-standard": 3, "intl-premium": 12}


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan != "unlimited"])
def test_a_plan_has_the_vendors_figures_for_what_is_no_call(plan: str) -> None:
    def limits(name: str) -> tuple[tuple[Rate, ...], int, int] | None:
        try:
            found = PLANS[plan].limits(ENDPOINTS[name].limits)
        except NotOffered:
            return None
        return found.rates, found.history_s, found.span_s

    market, realtime = MARKETS.get(plan), REALTIMES.get(plan)
    twenty = (Rate(20, 1),)
    for name in ("DescribeTRTCMarketScaleData", "DescribeTRTCMarketQualityMetricData"):
        assert (twenty, market * DAY, market * DAY) == limits(name) if market else limits(name) is None
    for name in ("DescribeTRTCRealTimeQualityData", "DescribeTRTCRealTimeScaleMetricData"):
        assert (twenty, realtime * HOUR, realtime * HOUR) == limits(name) if realtime else limits(name) is None
    assert (twenty, 14 * DAY, 14 * DAY) == limits("DescribeUserEvent") == limits("DescribeDetailEvent")
    assert (twenty, 14 * DAY, HOUR) == limits("DescribeUnusualEvent") == limits("DescribeAbnormalEvent")
    assert (twenty, 14 * DAY, 14 * DAY) == limits("DescribeScaleInfo") == limits("DescribeHistoryScale")
    for name in ("DescribeTrtcUsage", "DescribeRecordingUsage", "DescribeMixTranscodingUsage", "DescribeRelayUsage"):
        assert ((Rate(5, 1),), 366 * DAY, 31 * DAY) == limits(name)
    assert ((Rate(1, 15),), 90 * DAY, DAY) == limits("DescribeTrtcRoomUsage")


def provider(plan: str) -> TencentProvider:
    keys: dict[str, Any] = {"secret_id": "id", "secret_key": "key", "account": plan}
    return TencentProvider(sdk_app_id=APP, plan=find(plan), region="ap-guangzhou", store=":memory:", **keys)


@in_turn("name", [name for name, row in ENDPOINTS.items() if "TRTC" in name or "Room" in name])
def test_the_free_plan_is_told_before_any_request(name: str) -> None:
    row = ENDPOINTS[name]
    if row.limits in ("DescribeTrtcRoomUsage", "Describe*Usage of services"):
        listed = {param.name: param.values[0] for param in row.params}
        given: dict[str, Any] = {param.name: [listed[param.name]] for param in row.params if param.kind == "list"}
        provider("free").ask(row, OVER, **{**listed, **given})
        return
    with pytest.raises(NotOffered, match="on the tencent plan 'free'"):
        provider("free").ask(row, OVER)


@pytest.mark.parametrize(
    ("row", "given", "why"),
    [
        (USER_EVENT, {"CommId": COMM_ID, "UserId": "1716"}, "needs the parameter 'RoomId'"),
        (USER_EVENT, {**USER, "UserIds": ["1716"]}, "no parameter 'UserIds'"),
        (MARKET_QUALITY, {}, "needs the parameter 'Period'"),
        (MARKET_QUALITY, {"Period": "d", "IsFloat": 1}, "takes True or False"),
        (ENDPOINTS["DescribeRecordingUsage"], {}, "needs the parameter 'MixType'"),
        (ENDPOINTS["DescribeTRTCMarketQualityMetricData"], {"Period": "d", "IsFloat": True}, "no parameter 'IsFloat'"),
        (TRTC_USAGE, {"page_size": 5}, "has no pages"),
    ],
)
def test_what_a_row_forbids_is_refused_before_any_request(row: Endpoint[Any], given: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        provider("advanced").ask(row, OVER, **given)


def test_exactly_the_retired_rows_name_a_successor() -> None:
    assert SUCCESSORS == {name: row.retired for name, row in ENDPOINTS.items() if row.retired}
    actions = {row.action for row in ENDPOINTS.values() if not row.retired}
    assert set(SUCCESSORS.values()) <= actions


@in_turn(("name", "successor"), SUCCESSORS.items())
@in_turn("code", ["ActionOffline", "InvalidAction"])
def test_the_refusal_of_a_retired_action_names_its_successor(name: str, successor: str, code: str) -> None:
    said = {"Response": {"Error": {"Code": code, "Message": "This API has been deprecated."}, "RequestId": "r"}}
    answer = Response(status=200, headers={}, body=json.dumps(said).encode())
    with pytest.raises(NotFound, match=f"ask {successor} instead"):
        TencentVendor("ap-guangzhou").unwrap(ENDPOINTS[name], answer)


def test_hosts_are_known_by_name() -> None:
    assert (HOST, HOST_INTL) == (HOSTS["mainland"], HOSTS["international"])
    assert "https://trtc.na-siliconvalley.tencentcloudapi.com" == HOSTS["na-siliconvalley"]
    assert 18 == len(set(HOSTS.values()))
    assert set(REGIONS_OF_USAGE) <= set(REGIONS)
    assert {"ap-mumbai", "na-toronto"}.isdisjoint(HOSTS), "regions without a host of their own"
