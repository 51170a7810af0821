from __future__ import annotations

import asyncio
import json

import pytest

from agora_tencent_analytics.simulator import SimulatedTencent
from agora_tencent_analytics.simulator.tencent.tc3 import canonical_request, signature
from tests.support.simulator_requests import NOW, Hand, signed, tencent, tencent_payload

BODY = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "host": "cvm.tencentcloudapi.com",
    "x-tc-action": "describeinstances",
}
SHORT = "content-type;host"
LONG = "content-type;host;x-tc-action"


@pytest.mark.parametrize(
    ("key", "names", "expected"),
    [
        (
            "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            SHORT,
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        ),
        (
            "Gu5t9xGARNpq86cd98joQYCN3*******",
            SHORT,
            "2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c",
        ),
        ("*" * 32, LONG, "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"),
        (
            "Gu5t9xGARNpq86cd98joQYCN3*******",
            LONG,
            "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3",
        ),
    ],
)
def test_published_signatures_are_reproduced(key: str, names: str, expected: str) -> None:
    canonical = canonical_request("POST", "", HEADERS, names, BODY)
    found = signature(key, timestamp="1551113065", day="2019-02-25", service="cvm", canonical=canonical)
    assert expected == found


def ask(server: SimulatedTencent, headers: dict[str, str], body: bytes, sent: bytes | None = None) -> str:
    _, _, answer = asyncio.run(server.answer("POST", "/", headers, body if sent is None else sent))
    return str(json.loads(answer)["Response"].get("Error", {}).get("Code", ""))


def body_of(server: SimulatedTencent) -> bytes:
    return json.dumps(tencent_payload(server)).encode()


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize(
    "names",
    [
        ("content-type", "host"),
        ("content-type", "host", "x-tc-action"),
        ("content-type", "host", "x-tc-action", "x-tc-region", "x-tc-timestamp", "x-tc-version"),
    ],
)
def test_any_sufficient_set_of_headers_may_be_signed(names: tuple[str, ...], lower: bool) -> None:
    server = tencent()
    body = body_of(server)
    assert "" == ask(server, signed(server, "DescribeRoomInfo", body, sign=names, lower=lower), body)


def test_signed_headers_must_be_sorted() -> None:
    server = tencent()
    body = body_of(server)
    headers = signed(server, "DescribeRoomInfo", body)
    headers["Authorization"] = headers["Authorization"].replace("content-type;host", "host;content-type")
    assert "AuthFailure.InvalidAuthorization" == ask(server, headers, body)


def test_too_few_signed_headers_are_refused() -> None:
    server = tencent()
    body = body_of(server)
    headers = signed(server, "DescribeRoomInfo", body, sign=["host"])
    assert "AuthFailure.InvalidAuthorization" == ask(server, headers, body)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"secret_key": "another"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "another"}, "AuthFailure.SecretIdNotFound"),
        ({"at": NOW - 302}, "AuthFailure.SignatureExpire"),
        ({"at": NOW + 302}, "AuthFailure.SignatureExpire"),
        ({"at": NOW - 299}, ""),
        ({"at": NOW + 299}, ""),
    ],
)
def test_a_wrong_key_id_or_clock_is_told_apart(change: dict[str, object], expected: str) -> None:
    server = tencent()
    body = body_of(server)
    headers = signed(server, "DescribeRoomInfo", body, **change)  # type: ignore[arg-type]
    assert expected == ask(server, headers, body)


@pytest.mark.parametrize("name", ["Content-Type", "Host"])
def test_a_signed_header_that_was_changed_on_the_way_is_noticed(name: str) -> None:
    server = tencent()
    body = body_of(server)
    headers = {**signed(server, "DescribeRoomInfo", body), name: "something.else"}
    assert "AuthFailure.SignatureFailure" == ask(server, headers, body)


def test_one_changed_byte_of_the_body_is_noticed() -> None:
    server = tencent()
    body = body_of(server)
    headers = signed(server, "DescribeRoomInfo", body)
    assert "AuthFailure.SignatureFailure" == ask(server, headers, body, body.replace(b": ", b":", 1))


def test_the_day_in_the_scope_is_the_day_of_the_timestamp() -> None:
    server = tencent()
    body = body_of(server)
    headers = signed(server, "DescribeRoomInfo", body)
    scope, _, rest = headers["Authorization"].partition("/")
    headers["Authorization"] = f"{scope}/2019-02-25/{rest.partition('/')[2]}"
    assert "AuthFailure.SignatureFailure" == ask(server, headers, body)


@pytest.mark.parametrize("missing", ["Authorization", "X-TC-Timestamp", "Host"])
def test_a_missing_header_is_refused(missing: str) -> None:
    server = tencent()
    body = body_of(server)
    headers = signed(server, "DescribeRoomInfo", body)
    del headers[missing]
    assert "AuthFailure.InvalidAuthorization" == ask(server, headers, body)


@pytest.mark.parametrize(("sent", "expected"), [("right", ""), ("wrong", "AuthFailure.TokenFailure")])
def test_a_token_is_wanted_when_there_is_one(sent: str, expected: str) -> None:
    server = tencent(token="right")
    body = body_of(server)
    assert "right" == server.credentials["token"]
    assert expected == ask(server, signed(server, "DescribeRoomInfo", body, more={"X-TC-Token": sent}), body)
    assert "AuthFailure.TokenFailure" == ask(server, signed(server, "DescribeRoomInfo", body), body)


def test_the_vendors_clock_decides_and_its_date_is_told() -> None:
    server = tencent(hand=Hand(1_790_000_400.0), skew_s=3_600)
    body = body_of(server)
    assert "AuthFailure.SignatureExpire" == ask(
        server, signed(server, "DescribeRoomInfo", body, at=1_790_000_400), body
    )
    headers = signed(server, "DescribeRoomInfo", body)
    _, answered, _ = asyncio.run(server.answer("POST", "/", headers, body))
    assert "Mon, 21 Sep 2026 15:20:00 GMT" == answered["Date"]
    assert "" == ask(server, headers, body)
