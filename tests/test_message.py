"""What crosses the wire shows no secret, and nothing that steers a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.message import SHOWN_HEADERS, Request, Response
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.tencent.wire import TencentVendor

ASKED = Request(
    method="GET",
    url="https://user:HUSH@api.agora.io/x?appid=HUSH&start_ts=7&cname=HUSH&page_no=1#HUSH",
    headers={"Authorization": "Basic HUSH", "Accept": "application/json", "X-New": "HUSH"},
    body=b"HUSH",
    shown=frozenset({"start_ts", "page_no", "metric"}),
)


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_a_request_shows_what_the_allow_list_names_and_hides_the_rest(show: object) -> None:
    shown = show(ASKED)  # type: ignore[operator]
    expected = (
        "<Request GET https://api.agora.io/x?appid=***&start_ts=7&cname=***&page_no=1 "
        "headers={'Accept': 'application/json', 'Authorization': ***, 'X-New': ***} body=4 bytes>"
    )
    assert expected == shown


def test_a_response_shows_its_kind_and_size_only() -> None:
    headers = {"content-type": "application/json", "set-cookie": "HUSH"}
    expected = "<Response 200 headers={'content-type': 'application/json', 'set-cookie': ***} body=4 bytes>"
    assert expected == repr(Response(status=200, headers=headers, body=b"HUSH"))
    assert "<Response 200 headers={} body=0 bytes>" == repr(Response(status=200, headers={}, body=b""))


def test_a_value_that_says_it_is_a_secret_is_hidden_even_under_an_allowed_name() -> None:
    assert "HUSH" not in repr(ASKED.with_headers({"Accept": Secret("HUSH")}))


def test_no_credential_is_on_the_allow_list() -> None:
    shown = SHOWN_HEADERS | AgoraVendor.shown | TencentVendor.shown
    assert not shown & {"authorization", "x-tc-token", "cookie", "set-cookie", "proxy-authorization"}
    assert not shown & {"appid", "cname", "uids", "sids", "call_id"}


def test_what_common_code_shows_is_of_no_vendor() -> None:
    assert not [name for name in SHOWN_HEADERS if name.startswith(("x-tc", "x-agora"))]
    assert "start_ts=***" in repr(Request(method="GET", url="https://toy.test/?start_ts=7"))


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text(), max_size=4), st.integers())
def test_no_text_steers_the_terminal_that_shows_a_request_or_a_response(
    url: str, value: str, headers: dict[str, str], status: int
) -> None:
    headers = {**headers, "Accept": value, "date": value}
    url = f"https://api.agora.io/{url}?metric={value}"
    for shown in (
        repr(Request(method="GET", url=url, headers=headers, shown=ASKED.shown)),
        repr(Response(status=status, headers=headers, body=b"")),
    ):
        assert shown.isprintable()


def test_headers_are_added_to_a_copy() -> None:
    signed = ASKED.with_headers({"Authorization": "new", "X-Extra": "1"})
    assert {**ASKED.headers, "Authorization": "new", "X-Extra": "1"} == signed.headers
    assert "Basic HUSH" == ASKED.headers["Authorization"]
    assert (ASKED.url, ASKED.body, ASKED.method) == (signed.url, signed.body, signed.method)
