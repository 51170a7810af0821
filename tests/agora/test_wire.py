"""Agora's answers, as its pages print them and as they come: judged from status and body, and decoded."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.endpoints import (
    CALL_LISTS_2024,
    CALL_METRICS_2024,
    CALL_SESSIONS_2024,
    ENDPOINTS,
    GENERATION_ENDPOINTS,
)
from agora_tencent_analytics.agora.wire import AgoraVendor
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
    WindowRefused,
)
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, Reply, decoded
from tests.support.agora_answers import CALL, SESSION, SID
from tests.support.in_turn import in_turn

VENDOR = AgoraVendor()
ROWS: list[Endpoint[Any]] = [*ENDPOINTS.values(), *GENERATION_ENDPOINTS["2021-03"].values()]
ASKED = Asked(window=TimeRange(1548665345, 1548670821), params={"call_id": "cxx", "sids": ["EDB2"]})
all_rows = in_turn("row", ROWS)
# An answer is unwrapped in two ways: one with series by columns, any other as an object. Of the row itself `unwrap`
# takes its name and that of its payload, which `all_rows` show.
both_ways = pytest.mark.parametrize("row", [CALL_LISTS_2024, CALL_METRICS_2024], ids=["object", "series"])

# The examples of the pages of 2022; those of July 2021 lack requestId and pages, and have their typos mended here.
ENVELOPE_2022: dict[str, Any] = {"code": 200, "message": "", "requestId": "bxxxxxxxxxxxxxxxxxx4"}
ENVELOPE_2021: dict[str, Any] = {"code": 200, "message": ""}
PAGED: dict[str, Any] = {"total_size": 101, "page_no": 1, "page_size": 20}
SERIES = {"mid": 20003, "kvs": [[1548670255, 215], [1548670257, 129], [1548670259, 121]], "peer_uid": 0}


def response(body: Any, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=raw)


def read(row: Endpoint[Any], body: Any, status: int = 200) -> Reply[Any]:
    return VENDOR.decode(row, VENDOR.unwrap(row, response(body, status)), ASKED)


@pytest.mark.parametrize(
    ("envelope", "request_id", "total", "has_more"),
    [
        ({**ENVELOPE_2022, **PAGED, "has_more": False}, "bxxxxxxxxxxxxxxxxxx4", 101, False),
        ({**ENVELOPE_2022, **PAGED, "has_more": True}, "bxxxxxxxxxxxxxxxxxx4", 101, True),
        ({**ENVELOPE_2021, "has_more": False}, "", None, False),
    ],
)
def test_the_printed_lists_of_calls_decode(
    envelope: dict[str, Any], request_id: str, total: int | None, has_more: bool
) -> None:
    reply = read(CALL_LISTS_2024, {**envelope, "call_lists": [CALL]})
    expected = Call(
        vendor="agora",
        call_id="cxxxxxxxxxxxxxxxxxxxx",
        channel="cname1",
        created_ts=1547448383,
        destroyed_ts=1547448483,
        finished=True,
    )
    assert [expected] == reply.items
    assert ["cxxxxxxxxxxxxxxxxxxxx"] == reply.ids
    assert (request_id, total, has_more, {}) == (reply.request_id, reply.total, reply.has_more, reply.extra)


@in_turn(
    ("told", "has_more"),
    [("true", True), ("True", True), (1, True), ("false", False), ("False", False), (0, False), (None, None)],
)
def test_whether_more_exists_is_read_in_every_spelling(told: object, has_more: bool | None) -> None:
    assert has_more is read(CALL_LISTS_2024, {**ENVELOPE_2022, "has_more": told, "call_lists": [CALL]}).has_more


@pytest.mark.parametrize("row", [CALL_SESSIONS_2024, CALL_METRICS_2024], ids=lambda row: row.name)
def test_an_answer_about_another_call_is_not_taken(row: Endpoint[Any]) -> None:
    body = {"code": 200, "call_info": [SESSION], "metrics": []}
    assert read(row, {**body, "call_id": "CXX"}) == read(row, body)
    with pytest.raises(ValueError, match="about call 'cyy', which was not asked for"):
        read(row, {**body, "call_id": "cyy"})


def test_the_newest_fields_of_a_call_are_read() -> None:
    newest = {"call_pcu": 3, "call_acu": 9, "call_audio_freeze_rate": 0.064762, "call_video_freeze_rate": 0}
    (call,) = read(CALL_LISTS_2024, {**ENVELOPE_2022, "call_lists": [{**CALL, **newest, "new": 1}]}).items
    assert (3, 9, 0.064762, 0.0) == (
        call.peak_users,
        call.accumulated_users,
        call.audio_freeze_ratio,
        call.video_freeze_ratio,
    )
    assert {"new": 1} == call.extra


@pytest.mark.parametrize("envelope", [{**ENVELOPE_2022, **PAGED}, {**ENVELOPE_2021, **PAGED}])
def test_the_printed_lists_of_sessions_decode(envelope: dict[str, Any]) -> None:
    reply = read(CALL_SESSIONS_2024, {**envelope, "call_info": [SESSION]})
    expected = Session(
        vendor="agora",
        call_id="cxx",
        session_id=SID,
        user_id="630985881",
        channel="15056678066620",
        join_ts=1548670251,
        leave_ts=1548670815,
        platform="Android",
        device_type="Android (6.0)",
        network="Wi-Fi",
        sdk_version="2.2.0.07_14",
        speaker=True,
    )
    assert ([expected], [SID], 101, None) == (reply.items, reply.ids, reply.total, reply.has_more)


@pytest.mark.parametrize("uid", [1234567, "1234567"])
@pytest.mark.parametrize("roles", [["SPEAKER", "SCREEN_SHARER"], "Host"])
def test_the_newest_fields_of_a_session_are_read(uid: object, roles: Any) -> None:
    newest = {"account": "ann", "roles": roles, "user_audio_freeze_rate": 0.1, "user_video_freeze_rate": None}
    (stay,) = read(CALL_SESSIONS_2024, {**ENVELOPE_2022, "call_info": [{**SESSION, **newest, "uid": uid}]}).items
    expected = ("1234567", "ann", 0.1, None)
    assert expected == (stay.user_id, stay.account, stay.audio_freeze_ratio, stay.video_freeze_ratio)
    assert (("Host",) if roles == "Host" else tuple(roles)) == stay.roles


@pytest.mark.parametrize("envelope", [ENVELOPE_2022, ENVELOPE_2021])
def test_the_printed_metrics_decode(envelope: dict[str, Any]) -> None:
    reply = read(CALL_METRICS_2024, {**envelope, "metrics": [{"sid": SID, "data": [SERIES]}]})
    (series,) = reply.items
    assert ("agora", "cxx", SID, "", "audio_send_bitrate", "20003", "kbps") == (
        series.vendor,
        series.call_id,
        series.session_id,
        series.peer_id,
        series.metric,
        series.vendor_metric,
        series.unit,
    )
    assert [1548670255, 1548670257, 1548670259] == list(series.times)
    assert [215.0, 129.0, 121.0] == list(series.values)
    assert envelope.get("requestId", "") == reply.request_id


def test_a_series_from_a_peer_and_one_of_an_unknown_metric_keep_their_ids() -> None:
    data = [{**SERIES, "peer_uid": 77}, {**SERIES, "mid": 29999, "new": 1}]
    one, other = read(CALL_METRICS_2024, {**ENVELOPE_2022, "metrics": [{"sid": SID, "data": data}]}).items
    assert ("77", "audio_send_bitrate") == (one.peer_id, one.metric)
    assert ("29999", "", "", {"new": 1}) == (other.vendor_metric, other.metric, other.unit, other.extra)


@pytest.mark.parametrize("finished", [False, 0, "false", "FALSE"])
def test_what_is_printed_as_the_end_of_something_unfinished_is_no_end(finished: object) -> None:
    (call,) = read(CALL_LISTS_2024, {**ENVELOPE_2022, "call_lists": [{**CALL, "finished": finished}]}).items
    (stay,) = read(CALL_SESSIONS_2024, {**ENVELOPE_2022, "call_info": [{**SESSION, "finished": finished}]}).items
    assert (False, None, False, None) == (call.finished, call.destroyed_ts, stay.finished, stay.leave_ts)


@both_ways
@pytest.mark.parametrize("code", [200, "200", 200.0, None, "absent"])
def test_success_is_no_code_or_200_whatever_the_message(row: Endpoint[Any], code: object) -> None:
    for message in ("", "success", "Success request: /beta/x", "null", None, 7):
        body = {"message": message, "code": code, row.payload: None, "new": {"a": 1}}
        if code == "absent":
            del body["code"]
        reply = read(row, body)
        assert ([], {"a": 1}) == (reply.items, reply.extra["new"]), message


@all_rows
def test_an_answer_without_its_list_is_no_answer(row: Endpoint[Any]) -> None:
    answer = response(ENVELOPE_2022)
    with pytest.raises(UnreadableReply, match=f"no {row.payload!r} in the answer"):
        decoded(VENDOR, row, answer, VENDOR.unwrap(row, answer), ASKED)


@all_rows
def test_null_is_an_empty_list(row: Endpoint[Any]) -> None:
    reply = read(row, {row.payload: None, "new": {"a": 1}})
    assert ([], {"a": 1}) == (reply.items, reply.extra["new"])


@all_rows
def test_a_refusal_names_the_question_whichever_it_is(row: Endpoint[Any]) -> None:
    with pytest.raises(RateLimited) as caught:
        VENDOR.unwrap(row, response({"code": 300, "message": "qps limit error", "requestId": "b4", "data": None}))
    assert (row.name, "second", "b4") == (caught.value.endpoint, caught.value.per, caught.value.request_id)
    with pytest.raises(UnreadableReply) as unreadable:
        VENDOR.unwrap(row, response({"requestId": "b4"}))
    assert row.name == unreadable.value.endpoint


MESSAGES: list[tuple[str, type[Refusal], dict[str, Any]]] = [
    ("qps limit error", RateLimited, {"per": "second"}),
    ("qpm limit error", RateLimited, {"per": "minute"}),
    ("qpd limit error", RateLimited, {"per": "day"}),
    ("query latency limit error", WindowRefused, {"kind": "too_recent"}),
    ("query time range limit error", WindowRefused, {"kind": "too_old"}),
    ("query duration limit error", WindowRefused, {"kind": "too_long"}),
    ("query time length limit error", WindowRefused, {"kind": "too_much"}),
    (
        "you have no auth to access this service, please buy or upgrade your service package",
        NotPermitted,
        {},
    ),
    ("no auth", NotPermitted, {}),
    ("QPS Limit Error!", RateLimited, {"per": "second"}),
    ("a limit nobody has heard of", Refusal, {}),
    ("", Refusal, {}),
]


@both_ways
@pytest.mark.parametrize(("message", "kind", "facts"), MESSAGES, ids=str)
def test_code_300_is_told_apart_by_its_message(
    row: Endpoint[Any], message: str, kind: type[Refusal], facts: dict[str, Any]
) -> None:
    body = {"code": 300, "message": message, "requestId": "b4", "data": None}
    for status in (200, 400, 429, 500):
        with pytest.raises(Refusal) as caught:
            VENDOR.unwrap(row, response(body, status))
        by_status = {429: RateLimited, 500: VendorFault}.get(status, kind)  # of a refusal that nobody has heard of
        assert (by_status if kind is Refusal else kind) is type(caught.value), status
        assert facts == {name: getattr(caught.value, name) for name in facts}, status
        assert ("agora", "300", "b4", row.name, status) == (
            caught.value.vendor,
            caught.value.code,
            caught.value.request_id,
            caught.value.endpoint,
            caught.value.status,
        )


CODES: list[tuple[Any, type[Refusal]]] = [
    (400, InvalidRequest),
    (401, NotAuthenticated),
    (403, NotAuthenticated),
    (404, NotFound),
    (500, VendorFault),
    (0, Refusal),  # the placeholder of the pages: success has no code, or 200
    (201, Refusal),
    (-1, Refusal),
    ("400", InvalidRequest),
    ("²", Refusal),
    ("9" * 5_000, Refusal),
    ("OK", Refusal),
    (300.5, Refusal),
    (True, Refusal),
    ([], Refusal),
    ({"code": 200}, Refusal),
]


@both_ways
@pytest.mark.parametrize(("code", "kind"), CODES, ids=lambda value: str(value)[:20])
def test_any_other_code_under_200_is_a_refusal(row: Endpoint[Any], code: Any, kind: type[Refusal]) -> None:
    with pytest.raises(Refusal) as caught:
        VENDOR.unwrap(row, response({"code": code, "message": "Bad request", "data": None}))
    assert kind is type(caught.value)
    assert caught.value.code.startswith(str(code)[:2])
    assert "Bad request" == caught.value.message


@both_ways
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, NotAuthenticated),
        (403, NotAuthenticated),
        (404, NotFound),
        (418, Refusal),
        (429, RateLimited),
        (500, VendorFault),
        (502, VendorFault),
        (504, VendorFault),
    ],
)
def test_without_a_code_the_status_decides_and_is_never_a_success(
    row: Endpoint[Any], status: int, kind: type[Refusal]
) -> None:
    for body in (b'{"message":"Invalid credentials"}', b'{"code":200}', b"<html>no</html>", b"", b"[]"):
        with pytest.raises(Refusal) as caught:
            VENDOR.unwrap(row, response(body, status))
        assert (kind, status, str(status)) == (type(caught.value), caught.value.status, caught.value.code), body
        if b"Invalid" in body:
            assert "Invalid credentials" == caught.value.message


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 422])
def test_a_code_that_nobody_knows_is_a_plain_refusal_whatever_the_status(status: int) -> None:
    with pytest.raises(Refusal) as caught:
        VENDOR.unwrap(CALL_LISTS_2024, response({"code": 4711, "message": "go away"}, status))
    assert (Refusal, "4711", "go away") == (type(caught.value), caught.value.code, caught.value.message)


def test_a_429_with_a_retry_after_says_when() -> None:
    with pytest.raises(RateLimited) as caught:
        VENDOR.unwrap(CALL_LISTS_2024, response(b"slow down", 429, retry_after="7"))
    assert ("unknown", 7.0) == (caught.value.per, caught.value.retry_after_s)


@both_ways
@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"<html>", b'{"code":200', b'"x"'], ids=str)
def test_what_is_no_answer_is_unreadable(row: Endpoint[Any], status: int, body: bytes) -> None:
    with pytest.raises(UnreadableReply):
        VENDOR.unwrap(row, response(body, status))


@both_ways
@pytest.mark.parametrize("status", [301, 302, 304])
def test_a_redirect_is_not_followed(row: Endpoint[Any], status: int) -> None:
    with pytest.raises(UnreadableReply, match="redirect"):
        VENDOR.unwrap(row, response(b"", status))


@pytest.mark.parametrize(("said", "total"), [(101, 101), ("101", 101), (101.0, 101), (-1, None), (None, None)])
def test_a_total_is_read_however_it_is_spelt(said: object, total: int | None) -> None:
    assert total == read(CALL_LISTS_2024, {**ENVELOPE_2022, "total_size": said, "call_lists": []}).total


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "code",
                    "message",
                    "requestId",
                    "call_lists",
                    "call_info",
                    "metrics",
                    "data",
                    "sid",
                    "mid",
                    "kvs",
                    "uid",
                    "peer_uid",
                    "call_id",
                    "created_ts",
                    "join_ts",
                    "finished",
                    "total_size",
                    "has_more",
                    "x",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(ROWS),
    st.sampled_from([200, 200, 200, 204, 302, 401, 429, 500]),
    JSON | st.binary(max_size=20),
)
def test_any_answer_becomes_a_reply_a_refusal_or_a_known_error(row: Endpoint[Any], status: int, body: Any) -> None:
    try:
        inside = VENDOR.unwrap(row, response(body, status))
    except (Refusal, UnreadableReply):
        return
    assert 200 <= status < 300
    try:
        reply = VENDOR.decode(row, inside, ASKED)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return
    for item in reply.items:
        assert isinstance(item, row.model)
        assert row is not CALL_METRICS_2024 or len(item.times) == len(item.values)


def test_credentials_travel_in_the_authorization_header_only() -> None:
    credentials = AgoraCredentials(customer_id="ann", customer_secret="HUSH:1")
    asked = VENDOR.request(CALL_LISTS_2024, "https://api.agora.io", {"appid": "app"})
    signed = VENDOR.authenticate(asked, CALL_LISTS_2024, credentials, now=0.0)
    assert "Basic " + base64.b64encode(b"ann:HUSH:1").decode() == signed.revealed().headers["Authorization"]
    assert "HUSH" not in signed.url + repr(signed) + str(asked.headers)
