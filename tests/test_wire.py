"""What all vendors have in common on the wire: quoting, statuses, base URLs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.errors import (
    BadInput,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    Refusal,
    UnreadableReply,
    VendorFault,
)
from agora_tencent_analytics.http.hosts import check_base_url
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.refusals import parse_object, unreadable
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, Vendor, row_ids
from tests.support.in_turn import in_turn

ASKED = Asked(window=TimeRange(0, 10), params={})


def answer(status: int, body: bytes = b"{}", **headers: str) -> Response:
    return Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body)


class Acme(Vendor):
    name = "acme"
    authentication = "bearer"
    codes: ClassVar[Mapping[int | str, Any]] = {"300": (RateLimited, {"per": "day"})}
    request_id_key = "id"


def judged(answered: Response) -> Refusal | UnreadableReply:
    with pytest.raises((Refusal, UnreadableReply)) as caught:
        Acme().unwrap(CALL_LISTS_2024, answered)
    return caught.value  # type: ignore[return-value]  # one of the two


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_an_answer_is_good_by_its_status(status: int) -> None:
    assert {} == Acme().unwrap(CALL_LISTS_2024, answer(status))


@in_turn(
    ("status", "kind"),
    [(400, InvalidRequest), (401, NotAuthenticated), (403, NotPermitted), (404, NotFound), (418, Refusal)],
)
def test_a_refusal_without_a_code_is_what_its_status_is(status: int, kind: type[Refusal]) -> None:
    assert kind is type(judged(answer(status)))


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 399])
def test_a_redirect_is_no_answer(status: int) -> None:
    found = judged(answer(status, location="https://evil.example"))
    assert isinstance(found, UnreadableReply)
    assert "redirect" in str(found)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_server_error_is_the_vendors_fault(status: int) -> None:
    found = judged(answer(status, b"<html>"))
    assert isinstance(found, VendorFault)
    assert ("acme", str(status), "call/lists", status) == (found.vendor, found.code, found.endpoint, found.status)


@in_turn(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 0 "}, 0.0),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "1.5"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": "9" * 400}, 999_999_999_999.0),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:27:30 GMT"}, 30.0),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 -0000", "date": "Wed, 21 Oct 2015 07:27:30 GMT"}, 30.0),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:29:30 GMT"}, 0.0),
        ({"retry_after": "Wed, 21 Oct 99999 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:29:30 GMT"}, None),
    ],
)
def test_too_many_requests_wait_as_long_as_the_vendor_asks(headers: dict[str, str], seconds: float | None) -> None:
    found = judged(answer(429, b"", **headers))
    assert isinstance(found, RateLimited)
    assert ("unknown", seconds, "429", 429) == (found.per, found.retry_after_s, found.code, found.status)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_breaks_the_reading(value: str, date: str) -> None:
    found = judged(answer(429, b"", retry_after=value, date=date))
    assert isinstance(found, RateLimited)
    assert found.retry_after_s is None or found.retry_after_s >= 0


def test_a_code_in_the_body_says_more_than_the_status() -> None:
    said = b'{"code": "300", "message": "qpd limit error", "id": "b4"}'
    found = judged(answer(429, said, retry_after="7"))
    assert isinstance(found, RateLimited)
    assert ("day", 7.0, "qpd limit error", "b4") == (found.per, found.retry_after_s, found.message, found.request_id)


def test_an_unknown_code_in_the_body_is_quoted_under_what_the_status_means() -> None:
    found = judged(answer(503, b'{"code": "777", "message": "odd", "id": "b4"}'))
    assert isinstance(found, VendorFault)
    assert ("777", "odd", "b4", 503) == (found.code, found.message, found.request_id, found.status)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_no_channel_name_escapes_its_parameter(name: str) -> None:
    wire = {"appid": "app", "cname": name, "page_no": 1}
    request = AgoraVendor().request(CALL_LISTS_2024, "https://api.agora.io", wire)
    parts = urlsplit(request.url)
    assert ("https", "api.agora.io", CALL_LISTS_2024.path, "") == (
        parts.scheme,
        parts.netloc,
        parts.path,
        parts.fragment,
    )
    assert request.url.isascii()
    expected = [("appid", "app"), ("cname", name), ("page_no", "1")]
    assert expected == parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("a&appid=other", "a%26appid%3Dother"),
        ("50%", "50%25"),
        ("a+b c", "a%2Bb%20c"),
        ("#x?y", "%23x%3Fy"),
        ("房间", "%E6%88%BF%E9%97%B4"),
        ("../../x", "..%2F..%2Fx"),
        ("a\r\nHost: evil", "a%0D%0AHost%3A%20evil"),
        ("%2F", "%252F"),
        ("~-._", "~-._"),
    ],
)
def test_a_hostile_name_is_quoted(name: str, quoted: str) -> None:
    request = AgoraVendor().request(CALL_LISTS_2024, "https://api.agora.io/", {"cname": name})
    assert f"https://api.agora.io/beta/analytics/call/lists?cname={quoted}" == request.url
    assert ("GET", b"", {"Accept": "application/json"}) == (request.method, request.body, request.headers)


def test_flags_and_lists_are_spelt_in_a_query() -> None:
    request = AgoraVendor().request(CALL_LISTS_2024, "https://x.example", {"a": True, "b": False, "c": ["1", "ü"]})
    assert "a=true&b=false&c=1%2C%C3%BC" == request.url.partition("?")[2]


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**63 - 1) | st.booleans()))
def test_a_post_carries_its_parameters_as_a_json_object(wire: dict[str, Any]) -> None:
    request = TencentVendor("ap-guangzhou").request(ROOM_INFO, "https://trtc.tencentcloudapi.com", wire)
    assert wire == json.loads(request.body)
    assert ("POST", "https://trtc.tencentcloudapi.com/") == (request.method, request.url)
    assert "application/json" == request.headers["Content-Type"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.agora.io", "https://api.agora.io"),
        ("https://api.agora.io/", "https://api.agora.io"),
        ("https://api.agora.io:8443", "https://api.agora.io:8443"),
        ("HTTPS://API.agora.io", "HTTPS://API.agora.io"),
        ("https://gateway.example/agora/", "https://gateway.example/agora"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.255.0.9", "http://127.255.0.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_that_credentials_may_go_to_is_kept(given: str, kept: str) -> None:
    assert kept == check_base_url(given)


@in_turn(
    "bad",
    [
        None,
        "",
        443,
        b"https://api.agora.io",
        "api.agora.io",
        "//api.agora.io",
        "https://",
        "https:///path",
        "http://api.agora.io",
        "http://10.0.0.1",
        "http://127.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0",
        "http://[::2]",
        "ftp://localhost",
        "ws://localhost",
        "file:///etc/passwd",
        "https://user@api.agora.io",
        "https://user:word@api.agora.io",
        "https://@api.agora.io",
        "https://api.agora.io?x=1",
        "https://api.agora.io?",
        "https://api.agora.io#x",
        "https://api.agora.io#",
        "https://api.agora.io\\@evil.example",
        "https://api.agora.io\n.evil.example",
        "https://api.agora.io .evil.example",
        " https://api.agora.io",
        "https://[::1",
        "http://[::ffff:127.0.0.1]",
        "http://[::1%25eth0]",
        "http://[::127.0.0.1]",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://localhost.",
        "http://",
        "https://api.agora.io%2f.evil.example",
        "https://api.agora.io%40evil.example",
        "https://api.agora.io;evil.example",
        "https://api.agora.io,evil.example",
        "https://api.agora.io&evil.example",
        "https://*.agora.io",
        "https://.",
        "https://-",
        "https://:443",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:api.agora.io",
        "https//api.agora.io",
        "http+unix://localhost",
        "https://api.agora.io\t",
        "https://api.agora.io\x00",
        "https://api.agora.io\r\nX: y",
        "https://api.agora.io:99999",
        "https://api.agora.io:port",
        "https://ägora.example",
    ],
)
def test_any_other_base_url_is_refused(bad: Any) -> None:
    with pytest.raises(BadInput, match="base_url"):
        check_base_url(bad)


@given(st.text(max_size=40), st.sampled_from(["https://", "http://", "http://localhost", "https://api.agora.io", ""]))
def test_what_a_base_url_is_kept_for_is_where_a_request_goes(rest: str, begin: str) -> None:
    try:
        kept = check_base_url(begin + rest)
    except BadInput:
        return
    parts = urlsplit(AgoraVendor().request(CALL_LISTS_2024, kept, {"cname": "x"}).url)
    host = parts.hostname or ""
    assert parts.scheme == "https" or host in ("localhost", "::1") or host.startswith("127.")
    assert re.fullmatch(r"[a-z0-9_.-]+|[0-9a-f:.]+", host)
    assert parts.netloc.lower() in (host, f"{host}:{parts.port}", f"{host}:", f"[{host}]", f"[{host}]:{parts.port}")
    assert ("cname=x", "") == (parts.query, parts.fragment)


def test_a_refused_base_url_is_not_quoted_with_its_password() -> None:
    with pytest.raises(BadInput) as caught:
        check_base_url("http://user:HUSH@api.agora.io")
    assert "HUSH" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff", b"<html>", b"[" * 100_000])
def test_what_is_no_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableReply):
        parse_object(CALL_LISTS_2024, answer(200, body))


def test_an_excerpt_is_short_and_printable() -> None:
    error = unreadable(CALL_LISTS_2024, answer(502, b"a\x00\r\n\x1b[31m" + b"\xff" + b"x" * 500), "odd")
    assert error.excerpt.isprintable()
    assert 120 >= len(error.excerpt)


class Plain(Vendor):
    """A third party's vendor: it overrides nothing but what it must."""

    name = "acme"
    structure = AgoraVendor.structure

    def authenticate(self, request: Any, row: Any, credentials: Any, *, now: float) -> Any:
        return request

    def unwrap(self, row: Any, response: Response) -> Any:
        return parse_object(row, response)


def test_a_plain_vendor_decodes_rows_by_its_table_of_names() -> None:
    body = {"call_lists": [{"call_id": "a", "cname": "b", "created_ts": 1, "odd": 2}]}
    reply = Plain().decode(CALL_LISTS_2024, body, ASKED)
    expected = Call(vendor="acme", call_id="a", channel="b", created_ts=1, extra={"odd": 2})
    assert ([expected], ["a"]) == (reply.items, reply.ids)
    assert [] == Plain().decode(CALL_LISTS_2024, {"call_lists": None}, ASKED).items


def test_a_row_without_an_identity_is_an_error_and_not_a_duplicate() -> None:
    with pytest.raises(ValueError, match="empty call_id"):
        row_ids(CALL_LISTS_2024, [Call(vendor="acme", call_id="", created_ts=1)])


@pytest.mark.parametrize(
    ("told", "total"), [(3, 3), ("3", 3), (0, 0), (-1, None), ("-1", None), (None, None), ([], None)]
)
def test_a_total_below_zero_tells_nothing_of_any_vendor_s(told: object, total: int | None) -> None:
    row = msgspec.structs.replace(CALL_LISTS_2024, total_key="rows.total")
    assert total == Plain().reply(row, {"rows": {"total": told}}, []).total
