"""Whatever bytes arrive, a simulated vendor refuses them in its own words, and never with an error of this library."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from agora_tencent_analytics.simulator import SimulatedAgora, running_in_thread
from tests.support.simulator_requests import (
    END,
    NOW,
    agora,
    basic,
    code_of,
    now_get,
    now_post,
    reach,
    signed,
    small_world,
    tencent,
)

WORLD = small_world()
NO_TEXT = "\udcff\udcfe"
"""Two bytes that are not UTF-8, as a server reads them from a header."""
DEEP = b"[" * 100_000
ARABIC = str(END).translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
LONG = "9" * 5_000


def answered(server: Any, url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    _, _, answer = asyncio.run(server.answer("POST", url, headers, body))
    return dict(json.loads(answer))


def test_credentials_that_are_no_text_are_wrong_credentials() -> None:
    assert 401 == answered(agora(WORLD), "/beta/insight/usage/aggregation", {"Authorization": NO_TEXT}, b"")["code"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Authorization", "AuthFailure.InvalidAuthorization"),
        ("X-TC-Timestamp", "AuthFailure.InvalidAuthorization"),
        ("X-TC-Token", "AuthFailure.TokenFailure"),
        ("Host", "AuthFailure.SignatureFailure"),
        ("X-TC-Action", "InvalidAction"),
    ],
)
def test_a_header_that_is_no_text_is_a_wrong_one(name: str, code: str) -> None:
    server = tencent(WORLD, token="token")
    headers = signed(server, "DescribeRoomInfo", b"{}", more={"X-TC-Token": "token"})
    assert code == code_of(answered(server, "/", {**headers, name: NO_TEXT}, b"{}")["Response"])


def test_json_that_is_too_deep_to_read_is_no_object() -> None:
    server = agora(WORLD)
    headers = {**basic(server), "Content-Type": "application/json"}
    url = f"/beta/insight/usage/aggregation?appid={server.credentials['app_id']}"
    assert "Bad request, the body is not a JSON object" == answered(server, url, headers, DEEP)["message"]
    other = tencent(WORLD)
    refused = answered(other, "/", signed(other, "DescribeRoomInfo", DEEP), DEEP)["Response"]
    assert "InvalidParameter.BodyParamsError" == code_of(refused)


@pytest.mark.parametrize("number", [ARABIC, "²", LONG], ids=["arabic", "superscript", "long"])
def test_a_number_is_made_of_a_few_digits_from_0_to_9(number: str) -> None:
    server = agora(WORLD)
    for name in ("page_no", "page_size", "end_ts"):
        code = now_get(server, "call/sessions", **{"call_id": "c", name: number})["code"]
        assert (500 if (name, number) == ("end_ts", LONG) else 400) == code
    other = tencent(WORLD)
    assert "InvalidParameterValue" == code_of(now_post(other, "DescribeTRTCRealTimeScaleData", SdkAppId=number))
    headers = {**signed(other, "DescribeRoomInfo", b"{}"), "X-TC-Timestamp": number}
    refused = answered(other, "/", headers, b"{}")["Response"]
    assert "AuthFailure.InvalidAuthorization" == code_of(refused)


@pytest.mark.parametrize("uid", ["\u0667", "²"])
def test_a_user_id_is_made_of_digits_from_0_to_9(uid: str) -> None:
    window = {"startTs": int(NOW) - 400, "endTs": int(NOW) - 200}
    asked: dict[str, Any] = {**window, "metric": "networkDelay", "productType": "Native", "cname": "a", "uids": uid}
    answer = reach(agora(WORLD), "realtime/quality/by_time_20sec", **asked)
    assert (400, "Bad request, parameter : uids is not a list of numbers") == (answer["code"], answer["message"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /beta/analytics/call/lists HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\xfe\r\n", b"200"),
        (b"GET //[ HTTP/1.1\r\nHost: x\r\n", b"404"),
    ],
)
def test_no_request_is_answered_with_a_server_error(sent: bytes, status: bytes) -> None:
    with (
        running_in_thread(SimulatedAgora(WORLD, plan="unlimited", clock=lambda: NOW)) as server,
        socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port or 0), timeout=10) as connection,
    ):
        connection.sendall(sent + b"Connection: close\r\n\r\n")
        assert status == connection.recv(1_000).split()[1]
