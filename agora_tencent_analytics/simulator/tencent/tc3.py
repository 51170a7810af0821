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

import attrs

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/,\s]*)/(?P<day>[^/]*)/(?P<service>[^/]*)/tc3_request, ?"
    r"SignedHeaders=(?P<signed>[^,\s]*), ?Signature=(?P<signature>[0-9a-f]*)"
)
_STAMP = re.compile("[0-9]{1,18}")
_TOLERANCE_S = 300


@attrs.frozen
class Forgery:
    """Why a request is not believed: a code of the vendor's and its message."""

    code: str
    """Such as `AuthFailure.SignatureFailure`."""
    message: str
    """The vendor's words."""


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


def check(
    method: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret_id: str,
    secret_key: str,
    token: str | None,
    service: str,
    now: float,
) -> Forgery | None:
    """None if whoever sent this holds the secret key and a right clock, else what is wrong.

    Args:
        method: of the request.
        query: as it was sent, without the question mark.
        headers: values by lower-case name, as they arrived.
        body: the exact bytes.
        secret_id: the one id that is known.
        secret_key: its key.
        token: the STS token that has to come along, or None.
        service: `"trtc"`.
        now: the vendor's clock, epoch seconds.
    """
    told = _AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    stamp = headers.get("x-tc-timestamp", "")
    if told is None or not _STAMP.fullmatch(stamp):
        return Forgery("AuthFailure.InvalidAuthorization", "The Authorization header is missing or not understood.")
    names = told["signed"].split(";")
    if not {"content-type", "host"} <= set(names) or names != sorted(names) or any(n not in headers for n in names):
        return Forgery(
            "AuthFailure.InvalidAuthorization", "SignedHeaders must be sorted, sent, and name content-type and host."
        )
    if told["id"] != secret_id:
        return Forgery("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure that it is correct.")
    if abs(now - int(stamp)) > _TOLERANCE_S:
        return Forgery(
            "AuthFailure.SignatureExpire",
            "The provided credentials could not be validated because of exceeding request timestamp.",
        )
    if token is not None and not hmac.compare_digest(
        headers.get("x-tc-token", "").encode(errors="replace"), token.encode()
    ):
        return Forgery("AuthFailure.TokenFailure", "The token is invalid or has expired.")
    day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
    unsigned = headers.get("x-tc-content-sha256") == "UNSIGNED-PAYLOAD"
    if told["day"] == day and told["service"] == service:
        for spelling in _spellings(headers):
            canonical = canonical_request(
                method, query, spelling, told["signed"], b"UNSIGNED-PAYLOAD" if unsigned else body
            )
            wanted = signature(secret_key, timestamp=stamp, day=day, service=service, canonical=canonical)
            if hmac.compare_digest(wanted, told["signature"]):
                return None
    return Forgery(
        "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.",
    )


def _spellings(headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    # The vendor's pages lower the case of signed values, its SDK leaves them as they are; the vendor takes both.
    yield {name: value.lower() for name, value in headers.items()}
    yield dict(headers)
    yield {name: value.lower() if name == "x-tc-action" else value for name, value in headers.items()}
