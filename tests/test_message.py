"""What crosses the wire shows no secret."""

from __future__ import annotations

import pytest

from agora_tencent_analytics.message import Request, Response

ASKED = Request(
    method="GET",
    url="https://api.agora.io/x?appid=APPSECRET",
    headers={"Authorization": "Basic HUSH", "Accept": "application/json"},
    body=b"HUSH",
)


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_a_request_names_its_headers_and_hides_values_query_and_body(show: object) -> None:
    shown = show(ASKED)  # type: ignore[operator]
    assert "<Request GET https://api.agora.io/x headers=[Accept, Authorization] body=4 bytes>" == shown


def test_a_response_shows_its_kind_and_size_only() -> None:
    headers = {"content-type": "application/json", "set-cookie": "HUSH"}
    assert "<Response 200 application/json 4 bytes>" == repr(Response(status=200, headers=headers, body=b"HUSH"))
    assert "<Response 200 ? 0 bytes>" == repr(Response(status=200, headers={}, body=b""))


def test_headers_are_added_to_a_copy() -> None:
    signed = ASKED.with_headers({"Authorization": "new", "X-Extra": "1"})
    assert {"Authorization": "new", "Accept": "application/json", "X-Extra": "1"} == signed.headers
    assert "Basic HUSH" == ASKED.headers["Authorization"]
    assert (ASKED.url, ASKED.body, ASKED.method) == (signed.url, signed.body, signed.method)
