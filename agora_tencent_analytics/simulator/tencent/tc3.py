"""Checks TC3-HMAC-SHA256 signatures over the exact bytes that arrived.

This is the vendor's side of the signature, written from its description alone: the client's signer is never imported,
so a mistake in either of the two shows as a refusal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from agora_tencent_analytics.simulator.http.exchange import Ask, Refused

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/,\s]*)/(?P<day>[^/]*)/(?P<service>[^/]*)/tc3_request, ?"
    r"SignedHeaders=(?P<signed>[^,\s]*), ?Signature=(?P<signature>[0-9a-f]*)"
)
_STAMP = re.compile("[0-9]{1,18}")
_TOLERANCE_S = 300
_SERVICE = "trtc"


def canonical_request(method: str, query: str, headers: Mapping[str, str], signed: str, payload: bytes) -> str:
    """What is hashed and signed.

    Args:
        method: `"POST"` or `"GET"`.
        query: the query as it was sent, without the question mark.
        headers: values by lower-case name, already in the case in which they are signed.
        signed: names of the signed headers, separated by semicolons.
        payload: the exact bytes of the body.
    """
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed.split(";"))
    return f"{method}\n/\n{query}\n{lines}\n{signed}\n{hashlib.sha256(payload).hexdigest()}"


def signature(secret_key: str, *, timestamp: str, day: str, service: str, canonical: str) -> str:
    """The hexadecimal signature that the holder of this key puts under this request."""
    digest = hashlib.sha256(canonical.encode(errors="replace")).hexdigest()
    to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{day}/{service}/tc3_request\n{digest}"
    key = f"TC3{secret_key}".encode()
    for step in (day, service, "tc3_request", to_sign):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key.hex()


def check(ask: Ask, known: Mapping[str, Any], *, now: float) -> None:
    """Believes whoever holds the secret key and a right clock.

    Args:
        ask: the request.
        known: the one `secret_id` that is known, its `secret_key`, and the STS `token` if one has to come along.
        now: the vendor's clock, epoch seconds.

    Raises:
        Refused: all others.
    """
    headers = ask.headers
    told = _AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    stamp = headers.get("x-tc-timestamp", "")
    if told is None or not _STAMP.fullmatch(stamp):
        raise Refused("AuthFailure.InvalidAuthorization", "The Authorization header is missing or not understood.")
    names = told["signed"].split(";")
    if not {"content-type", "host"} <= set(names) or names != sorted(names) or any(n not in headers for n in names):
        raise Refused(
            "AuthFailure.InvalidAuthorization", "SignedHeaders must be sorted, sent, and name content-type and host."
        )
    if told["id"] != known["secret_id"]:
        raise Refused("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure that it is correct.")
    if abs(now - int(stamp)) > _TOLERANCE_S:
        raise Refused(
            "AuthFailure.SignatureExpire",
            "The provided credentials could not be validated because of exceeding request timestamp.",
        )
    token = headers.get("x-tc-token", "").encode(errors="replace")
    if "token" in known and not hmac.compare_digest(token, known["token"].encode()):
        raise Refused("AuthFailure.TokenFailure", "The token is invalid or has expired.")
    day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
    payload = b"UNSIGNED-PAYLOAD" if headers.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD" else ask.body
    for spelling in _spellings(headers) if (told["day"], told["service"]) == (day, _SERVICE) else ():
        canonical = canonical_request(ask.method, ask.query, spelling, told["signed"], payload)
        wanted = signature(known["secret_key"], timestamp=stamp, day=day, service=_SERVICE, canonical=canonical)
        if hmac.compare_digest(wanted, told["signature"]):
            return
    raise Refused(
        "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.",
    )


def _spellings(headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    # The vendor's pages lower the case of signed values, its SDK leaves them as they are; the vendor takes both.
    yield {name: value.lower() for name, value in headers.items()}
    yield dict(headers)
    yield {name: value.lower() if name == "x-tc-action" else value for name, value in headers.items()}
