"""TC3-HMAC-SHA256 against every published vector, and against the vendor's own client."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.tencent import sign as module
from agora_tencent_analytics.tencent.endpoints import CALL_DETAIL_METRICS, ENDPOINTS
from agora_tencent_analytics.tencent.sign import TencentCredentials, canonical_hash, derive_key, sign
from agora_tencent_analytics.tencent.wire import TencentVendor
from tests.support.in_turn import in_turn

# The vendor's documented example: 2019-02-25, service cvm.
BODY = rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
PLAIN = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
ACTION = {**PLAIN, "x-tc-action": "DescribeInstances"}
TIMESTAMP = 1551113065
EXAMPLE = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
HALF_STARS = "Gu5t9xGARNpq86cd98joQYCN3*******"
STARS = "*" * 32
# Never a word that stands in a log by itself: the watch over the tests looks for every key that one of them was given.
KEYS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"])).map(lambda drawn: f"{drawn}+a-drawn-key")


def credentials(key: str = EXAMPLE, who: str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE") -> TencentCredentials:
    return TencentCredentials(secret_id=who, secret_key=key)


@pytest.mark.parametrize(
    ("headers", "hashed", "names"),
    [
        (PLAIN, "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031", "content-type;host"),
        (ACTION, "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84", "content-type;host;x-tc-action"),
    ],
)
def test_the_canonical_request_is_the_published_one(headers: dict[str, str], hashed: str, names: str) -> None:
    assert (hashed, names) == canonical_hash(headers, BODY)
    backwards = dict(reversed(headers.items()))
    assert (hashed, names) == canonical_hash(backwards, BODY)
    loud = {name: f" {value.upper()} " for name, value in headers.items()}
    assert (hashed, names) == canonical_hash(loud, BODY)


@pytest.mark.parametrize(
    ("key", "headers", "signature"),
    [
        (EXAMPLE, PLAIN, "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"),
        (HALF_STARS, PLAIN, "2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c"),
        (STARS, ACTION, "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"),
        (HALF_STARS, ACTION, "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3"),
        (EXAMPLE, ACTION, "644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26"),
    ],
)
def test_the_signature_is_the_published_one(key: str, headers: dict[str, str], signature: str) -> None:
    found = sign(credentials(key), headers=headers, body=BODY, service="cvm", timestamp=TIMESTAMP)
    expected = (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
    )
    assert expected == found.reveal()


@pytest.mark.parametrize(
    ("key", "derived"),
    [
        (EXAMPLE, "ac658d5dde49e9bfdd14e04e062f66b05d9f637d44b8a8d845327d4a77f666b1"),
        (STARS, "b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af"),
    ],
)
def test_the_derived_key_is_the_published_one_each_time(key: str, derived: str) -> None:
    assert [derived] * 2 == [derive_key(Secret(key), "2019-02-25", "cvm").reveal().hex() for _ in range(2)]


def test_the_day_in_the_scope_is_the_utc_day_of_the_timestamp() -> None:
    midnight = 1551139200  # 2019-02-26T00:00:00Z
    before, after = (
        sign(credentials(), headers=PLAIN, body=b"", service="trtc", timestamp=moment).reveal()
        for moment in (midnight - 1, midnight)
    )
    assert "/2019-02-25/trtc/tc3_request," in before
    assert "/2019-02-26/trtc/tc3_request," in after


def test_any_other_byte_key_service_or_moment_is_another_signature() -> None:
    asked: dict[str, Any] = {"headers": ACTION, "body": BODY, "service": "cvm", "timestamp": TIMESTAMP}
    changes: list[dict[str, Any]] = [
        {},
        {"body": BODY + b" "},
        {"service": "trtc"},
        {"timestamp": TIMESTAMP + 1},
        {"headers": {**ACTION, "host": "trtc.tencentcloudapi.com"}},
        {"headers": {**ACTION, "x-tc-action": "DescribeRoomInfo"}},
    ]
    found = {sign(credentials(), **{**asked, **change}).reveal().rpartition("=")[2] for change in changes}
    assert len(changes) == len(found)
    assert sign(credentials(STARS), **asked) != sign(credentials(EXAMPLE), **asked)


def test_the_memory_of_keys_is_small_and_holds_no_secret() -> None:
    secrets = [f"HUSH{number:028}" for number in range(40)]
    for secret in secrets:
        derive_key(Secret(secret), "2026-09-14", "trtc")
    assert 16 >= len(module._keys)
    held = repr(module._keys).encode() + b"".join(place[0] for place in module._keys)
    assert b"HUSH" not in held


def as_the_vendors_client_signs(key: str, host: str, content_type: str, body: bytes, timestamp: int, day: str) -> str:
    """Asks the SDK itself, on the very same bytes and headers."""
    client = pytest.importorskip("tencentcloud.common.abstract_client", reason="the vendor's SDK is not installed")
    header = {"Content-Type": content_type, "Host": host, "X-TC-Timestamp": str(timestamp)}
    request = SimpleNamespace(method="POST", uri="/", data=body, header=header)
    signed: str = client.AbstractClient._get_tc3_signature(None, {}, request, day, "trtc", key)
    return signed


@pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")
@given(st.binary(max_size=200), KEYS)
def test_the_vendors_own_client_signs_the_same_bytes_alike(body: bytes, key: str) -> None:
    host, kind = "trtc.tencentcloudapi.com", "application/json"
    theirs = as_the_vendors_client_signs(key, host, kind, body, 1590066000, "2020-05-21")
    headers = {"content-type": kind, "host": host}
    ours = sign(credentials(key, "AKIDEXAMPLE"), headers=headers, body=body, service="trtc", timestamp=1590066000)
    assert f"SignedHeaders=content-type;host, Signature={theirs}" == ours.reveal().partition(", ")[2]


@in_turn("row", ENDPOINTS.values())
def test_a_request_carries_the_headers_that_its_signature_covers(row: Any) -> None:
    vendor = TencentVendor("ap-guangzhou")
    asked = vendor.request(row, "https://trtc.tencentcloudapi.com", {"SdkAppId": 1})
    signed = vendor.authenticate(asked, row, credentials(), now=1590066000.9)
    headers = {"content-type": "application/json", "host": "trtc.tencentcloudapi.com", "x-tc-action": row.action}
    expected = sign(credentials(), headers=headers, body=asked.body, service="trtc", timestamp=1590066000)
    assert {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": expected.reveal(),
        "X-TC-Action": row.action,
        "X-TC-Version": "2019-07-22",
        "X-TC-Timestamp": "1590066000",
        "X-TC-Region": "ap-guangzhou",
        "X-TC-Language": "en-US",
    } == signed.revealed().headers
    assert (asked.url, asked.body) == (signed.url, signed.body)
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://trtc.intl.tencentcloudapi.com", "trtc.intl.tencentcloudapi.com"),
        ("https://TRTC.tencentcloudapi.com:443", "trtc.tencentcloudapi.com"),
        ("https://trtc.tencentcloudapi.com:8443", "trtc.tencentcloudapi.com:8443"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_host_is_signed_as_http_clients_send_it(base_url: str, host: str) -> None:
    vendor, row = TencentVendor("ap-guangzhou"), CALL_DETAIL_METRICS
    signed = vendor.authenticate(vendor.request(row, base_url, {}), row, credentials(), now=1590066000)
    headers = {"content-type": "application/json", "host": host, "x-tc-action": row.action}
    expected = sign(credentials(), headers=headers, body=b"{}", service="trtc", timestamp=1590066000)
    assert expected == signed.secrets["Authorization"]


def test_a_temporary_key_sends_its_token_beside_the_signature() -> None:
    vendor, row = TencentVendor("ap-guangzhou"), CALL_DETAIL_METRICS
    asked = vendor.request(row, "https://trtc.tencentcloudapi.com", {})
    plain = vendor.authenticate(asked, row, credentials(), now=1590066000)
    with_token = TencentCredentials(secret_id="AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", secret_key=EXAMPLE, token="STS")
    token = vendor.authenticate(asked, row, with_token, now=1590066000)
    assert {**plain.revealed().headers, "X-TC-Token": "STS"} == token.revealed().headers


@in_turn("name", ["secret_id", "secret_key", "token"])
@in_turn("value", ["", 7, b"x", "a b", "a\n", "ü", "HUSH\x00"])
def test_what_cannot_be_a_credential_is_refused_by_name_and_not_shown(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name) as caught:
        TencentCredentials(**{"secret_id": "i", "secret_key": "k", name: value})
    assert "HUSH" not in str(caught.value)


def test_credentials_show_themselves_nowhere() -> None:
    hidden = TencentCredentials(secret_id="WHO", secret_key="HUSH", token="STS")
    assert not [secret for secret in ("WHO", "HUSH", "STS") if secret in f"{hidden}{hidden!r}"]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(hidden)
