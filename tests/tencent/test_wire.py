"""Tencent's answers, as its pages print them and as they come: judged from status and body, and decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import (
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    Refusal,
    UnreadableReply,
    VendorFault,
)
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.tencent.endpoints import (
    CALL_DETAIL,
    CALL_DETAIL_2021,
    CALL_DETAIL_METRICS,
    CALL_DETAIL_METRICS_2021,
    ENDPOINTS,
    ROOM_INFO,
    USER_INFO,
)
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, Reply, decoded
from tests.support.in_turn import in_turn

VENDOR = TencentVendor("ap-guangzhou")
ROWS: list[Endpoint[Any]] = list(ENDPOINTS.values())
METRICS = [CALL_DETAIL_METRICS, CALL_DETAIL_METRICS_2021]
USERS = [USER_INFO, CALL_DETAIL, CALL_DETAIL_2021]
OVER = TimeRange(1590065777, 1590067700)
COMM_ID = "1400353843_218695_1590065777"
REQUEST_ID = "2e12e365-43e8-4efd-902d-906303e2ee4a"
all_rows = in_turn("row", ROWS)
# An answer is unwrapped in two ways: one with series by columns, any other as an object. Of the row itself `unwrap`
# takes its name, that of its payload, and what replaces it if it is retired, which `all_rows` show.
both_ways = pytest.mark.parametrize("row", [ROOM_INFO, CALL_DETAIL_METRICS], ids=["object", "series"])

# As DescribeCallDetail printed them in 2021; DescribeCallDetailInfo prints the same.
USER = {
    "RoomStr": "218695",
    "UserId": "1716",
    "JoinTs": 1590065777,
    "LeaveTs": 1590067658,
    "Finished": True,
    "DeviceType": "",
    "SdkVersion": "4.3.14",
    "ClientIp": "10.4.1.13",
}
POINTS = [{"Time": 1590065779 + 2 * step, "Value": 0} for step in range(6)]
SERIES = {"Content": POINTS, "PeerId": "", "UserId": "1716", "DataType": "bigvCapFps"}
ROOM = {
    "CommId": "1400188366_563398783_1587959355",
    "RoomString": "113a730673fee2d86e93e26cddb25b7d",
    "CreateTime": 1587959355,
    "DestroyTime": 1587960000,
    "IsFinished": True,
    "UserId": "ann",
}
SESSION = Session(
    vendor="tencent",
    call_id=COMM_ID,
    session_id="1716@1590065777",
    user_id="1716",
    channel="218695",
    join_ts=1590065777,
    leave_ts=1590067658,
    sdk_version="4.3.14",
    client_ip="10.4.1.13",
)


def response(body: Any, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=raw)


def read(row: Endpoint[Any], inside: dict[str, Any], users: list[str] | None = None) -> Reply[Any]:
    params = {"CommId": COMM_ID, "UserId": "1716", **({"UserIds": users} if users else {})}
    asked = Asked(window=OVER, params=params)
    body = {"Response": {"RequestId": REQUEST_ID, **inside}}
    return VENDOR.decode(row, VENDOR.unwrap(row, response(body)), asked)


def test_a_printed_list_of_rooms_decodes() -> None:
    reply = read(ROOM_INFO, {"Total": 1, "RoomList": [{**ROOM, "New": [1]}]})
    expected = Call(
        vendor="tencent",
        call_id="1400188366_563398783_1587959355",
        channel="113a730673fee2d86e93e26cddb25b7d",
        created_ts=1587959355,
        destroyed_ts=1587960000,
        creator_id="ann",
        extra={"New": [1]},
    )
    assert [expected] == reply.items
    assert (["1400188366_563398783_1587959355"], 1, None, REQUEST_ID, {}) == (
        reply.ids,
        reply.total,
        reply.has_more,
        reply.request_id,
        reply.extra,
    )


@pytest.mark.parametrize("row", USERS, ids=lambda row: row.name)
def test_a_printed_list_of_users_decodes_though_its_total_is_too_small(row: Endpoint[Any]) -> None:
    second = {**USER, "JoinTs": 1590067690, "LeaveTs": 1590067699}
    reply = read(row, {"Total": 1, "UserList": [USER, second]})
    assert SESSION == reply.items[0]
    assert ["1716@1590065777", "1716@1590067690"] == reply.ids
    assert (1, REQUEST_ID) == (reply.total, reply.request_id)


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_the_printed_call_detail_decodes(row: Endpoint[Any]) -> None:
    reply = read(row, {"Total": 1, "UserList": [USER], "Data": [SERIES]})
    (series,) = reply.items
    assert ("tencent", COMM_ID, "1716", "", "video_capture_fps", "bigvCapFps", "fps") == (
        series.vendor,
        series.call_id,
        series.user_id,
        series.peer_id,
        series.metric,
        series.vendor_metric,
        series.unit,
    )
    assert [point["Time"] for point in POINTS] == list(series.times)
    assert [0.0] * 6 == list(series.values)
    assert (1, REQUEST_ID, ["1716@1590065777"]) == (reply.total, reply.request_id, reply.ids)


@pytest.mark.parametrize(("peer", "metric"), [("", "audio_send_bitrate"), ("1717", "audio_receive_bitrate")])
def test_a_bitrate_is_in_kilobits_and_named_by_its_direction(peer: str, metric: str) -> None:
    entry = {**SERIES, "DataType": "aBit", "PeerId": peer, "Content": [{"Time": 1590065779, "Value": 48_500}]}
    (series,) = read(CALL_DETAIL_METRICS, {"UserList": [USER], "Data": [entry]}).items
    assert (metric, "aBit", "kbps", peer) == (series.metric, series.vendor_metric, series.unit, series.peer_id)
    assert pytest.approx([48.5]) == list(series.values)


def test_an_unknown_metric_keeps_the_vendors_name() -> None:
    (series,) = read(CALL_DETAIL_METRICS, {"Data": [{**SERIES, "DataType": "abit", "New": 1}]}).items
    assert ("", "abit", "", {"New": 1}) == (series.metric, series.vendor_metric, series.unit, series.extra)


@pytest.mark.parametrize(("users", "is_last"), [(None, False), (["1716"], True), (["1716", "1717"], False)])
def test_a_detail_of_every_user_asked_for_is_the_last_page(users: list[str] | None, is_last: bool) -> None:
    assert is_last == read(CALL_DETAIL_METRICS, {"UserList": [USER], "Data": [SERIES]}, users).is_last


@pytest.mark.parametrize("finished", [False, 0, "false", "FALSE"])
def test_now_is_no_end_of_what_goes_on(finished: object) -> None:
    (call,) = read(ROOM_INFO, {"RoomList": [{**ROOM, "IsFinished": finished}]}).items
    (stay,) = read(USER_INFO, {"UserList": [{**USER, "Finished": finished}]}).items
    assert (False, None, False, None) == (call.finished, call.destroyed_ts, stay.finished, stay.leave_ts)


@all_rows
def test_null_lists_are_empty(row: Endpoint[Any]) -> None:
    assert [] == read(row, {row.payload: None}).items


@all_rows
def test_an_answer_without_its_list_is_no_answer(row: Endpoint[Any]) -> None:
    answer = response({"Response": {"Total": 0, "RequestId": REQUEST_ID}})
    with pytest.raises(UnreadableReply, match=f"no {row.payload!r} in the answer"):
        decoded(VENDOR, row, answer, VENDOR.unwrap(row, answer), Asked(window=OVER, params={"CommId": COMM_ID}))


@all_rows
def test_a_warning_of_retirement_and_unknown_fields_are_kept(row: Endpoint[Any]) -> None:
    reply = read(row, {"DeprecatedWarning": "soon offline", "New": {"a": 1}, row.payload: None})
    assert {"DeprecatedWarning": "soon offline", "New": {"a": 1}} == reply.extra
    assert ("soon offline", "") == (reply.warning, read(row, {row.payload: None}).warning)


@both_ways
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/html", ""])
@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_an_error_in_the_envelope_is_a_refusal_whatever_status_and_content_type(
    row: Endpoint[Any], kind: str, status: int
) -> None:
    said = {"Code": "RequestLimitExceeded", "Message": "slow down"}
    body = {"Response": {"Error": said, "RequestId": REQUEST_ID}}
    with pytest.raises(RateLimited) as caught:
        VENDOR.unwrap(row, response(body, status, content_type=kind))
    assert ("RequestLimitExceeded", "slow down", REQUEST_ID, row.name, "second", status) == (
        caught.value.code,
        caught.value.message,
        caught.value.request_id,
        caught.value.endpoint,
        caught.value.per,
        caught.value.status,
    )


@both_ways
@pytest.mark.parametrize("error", [{}, {"Code": None}, {"Code": 7}, "went wrong", [], 0, False], ids=str)
def test_an_odd_error_is_still_a_refusal(row: Endpoint[Any], error: object) -> None:
    with pytest.raises(Refusal, match=r"\(no code\)"):
        VENDOR.unwrap(row, response({"Response": {"Error": error, "RequestId": REQUEST_ID}}))


@all_rows
def test_an_error_of_null_is_none(row: Endpoint[Any]) -> None:
    assert [] == read(row, {"Error": None, row.payload: None}).items


@all_rows
def test_a_refusal_names_the_question_and_what_replaces_a_retired_one(row: Endpoint[Any]) -> None:
    body = {"Response": {"Error": {"Code": "ActionOffline", "Message": "deprecated"}, "RequestId": REQUEST_ID}}
    with pytest.raises(NotFound) as caught:
        VENDOR.unwrap(row, response(body))
    assert (row.name, REQUEST_ID) == (caught.value.endpoint, caught.value.request_id)
    assert bool(row.retired) == (f"ask {row.retired} instead" in str(caught.value))
    with pytest.raises(UnreadableReply) as unreadable:
        VENDOR.unwrap(row, response({"Response": {}}))
    assert row.name == unreadable.value.endpoint


@both_ways
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, InvalidRequest),
        (400, InvalidRequest),
        (401, NotAuthenticated),
        (403, NotPermitted),
        (404, NotFound),
        (429, RateLimited),
        (500, VendorFault),
        (502, VendorFault),
    ],
)
def test_another_status_than_200_is_a_gateways_and_no_success(
    row: Endpoint[Any], status: int, kind: type[Refusal]
) -> None:
    for body in (b"<html>gateway</html>", b"", b"[]", b'{"Response":{"RequestId":"r"}}'):
        with pytest.raises(Refusal) as caught:
            VENDOR.unwrap(row, response(body, status))
        assert (kind, status, str(status)) == (type(caught.value), caught.value.status, caught.value.code), body


@both_ways
@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"<html>", b"{}", b'{"Response":null}', b'{"Response":[]}'], ids=str
)
def test_what_is_no_answer_is_unreadable(row: Endpoint[Any], body: bytes) -> None:
    with pytest.raises(UnreadableReply):
        VENDOR.unwrap(row, response(body))


@pytest.mark.parametrize(("said", "total"), [(3, 3), ("3", 3), (3.0, 3), (-1, None), (None, None), ("many", None)])
def test_a_total_is_read_however_it_is_spelt(said: object, total: int | None) -> None:
    assert total == read(ROOM_INFO, {"Total": said, "RoomList": []}).total


@pytest.mark.parametrize("missing", ["UserId", "JoinTs"])
def test_a_stay_without_user_or_moment_has_no_identity(missing: str) -> None:
    row = {name: value for name, value in USER.items() if name != missing}
    for broken in (row, {**row, missing: None}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            read(USER_INFO, {"UserList": [broken]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Response",
                    "Error",
                    "Code",
                    "Message",
                    "RequestId",
                    "Total",
                    "RoomList",
                    "UserList",
                    "Data",
                    "Content",
                    "UserId",
                    "PeerId",
                    "DataType",
                    "Time",
                    "Value",
                    "JoinTs",
                    "Finished",
                    "CommId",
                    "CreateTime",
                    *("Series", "Columns", "Values", "RowValue", "ScaleList", "UsageKey", "UsageList", "UsageValue"),
                    *("SdkAppIdUsages", "Usages", "SdkAppIdTranscodeTimeUsages", "SdkAppId", "AudioTime"),
                    *("TimeKey", "EventId", "AbnormalExperienceList", "AbnormalEventList", "AbnormalEventId"),
                    "X",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(list(ENDPOINTS.values())),
    st.sampled_from([200, 200, 200, 204, 302, 401, 429, 500]),
    JSON | st.builds(lambda inside: {"Response": inside}, JSON) | st.binary(max_size=20),
)
def test_any_answer_becomes_a_reply_a_refusal_or_a_known_error(row: Endpoint[Any], status: int, body: Any) -> None:
    asked = Asked(window=OVER, params={"CommId": COMM_ID, "UserId": "1716"})
    try:
        inside = VENDOR.unwrap(row, response(body, status))
    except (Refusal, UnreadableReply):
        return
    assert 200 == status
    try:
        reply = VENDOR.decode(row, inside, asked)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return
    for item in reply.items:
        assert isinstance(item, row.model)
        assert not isinstance(item, MetricSeries) or len(item.times) == len(item.values)
