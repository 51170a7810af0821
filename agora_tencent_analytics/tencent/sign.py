"""TC3-HMAC-SHA256: Tencent Cloud's request signature, over the exact bytes that are sent.

Pure: the instant is an argument. Signs `content-type`, `host` and `x-tc-action`, as the vendor's current
examples do. The key derived from the secret is valid for a UTC day and remembered for as long.

Source: https://www.tencentcloud.com/document/product/647/34266 (signature v3, read 2026-08-21).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

import attrs

from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.secret import Secret, Unpicklable, key_validator, secret

ALGORITHM = "TC3-HMAC-SHA256"
_CACHED_KEYS = 16
_keys: dict[tuple[bytes, str, str], Secret[bytes]] = {}
_is_key = key_validator("Tencent Cloud console, Access Management, API keys")


@attrs.frozen(kw_only=True)
class TencentCredentials(Unpicklable):
    """A secret id, its key, and the token that temporary (STS) keys come with.

    Raises:
        BadInput: missing or malformed.
    """

    secret_id: str = attrs.field(validator=_is_key, repr=False)
    """SecretId from the Tencent Cloud console."""
    secret_key: Secret[str] = attrs.field(converter=secret, validator=_is_key, repr=False)
    """SecretKey, as a `Secret`. Never shown and never sent."""
    token: Secret[str] | None = attrs.field(
        default=None, converter=secret, validator=attrs.validators.optional(_is_key), repr=False
    )
    """Token of temporary credentials, as a `Secret`. Never shown."""


def canonical_hash(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """SHA-256 of the canonical POST request, and the list of signed headers.

    Args:
        headers: the headers to sign, names in lower case. Of the values the lower-case form is signed.
        body: the exact bytes to be sent.
    """
    canonical, signed = _without_body(tuple(headers.items()))
    return sha256(f"{canonical}{sha256(body).hexdigest()}".encode()).hexdigest(), signed


@lru_cache(maxsize=256)  # the same for all requests of an action: to make it anew takes as long as to hash the body
def _without_body(headers: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    lines = "".join(f"{name}:{value.strip().lower()}\n" for name, value in sorted(headers))
    signed = ";".join(sorted(name for name, _ in headers))
    return f"POST\n/\n\n{lines}\n{signed}\n", signed


def derive_key(secret_key: Secret[str], date: str, service: str) -> Secret[bytes]:
    """The signing key of one UTC day (`YYYY-MM-DD`) and service."""
    # Remembered under a digest, so that the cache holds no secret in clear.
    place = (sha256(secret_key.reveal().encode()).digest(), date, service)
    key = _keys.get(place)
    if key is None:
        key = Secret(b"TC3" + secret_key.reveal().encode())
        for part in (date, service, "tc3_request"):
            key = Secret(hmac.digest(key.reveal(), part.encode(), "sha256"))
        while len(_keys) >= _CACHED_KEYS:
            _keys.pop(next(iter(_keys)), None)
        _keys[place] = key
    return key


def sign(
    credentials: TencentCredentials, *, headers: Mapping[str, str], body: bytes, service: str, timestamp: int
) -> Secret[str]:
    """The value of the `Authorization` header.

    Args:
        credentials: whose signature it is.
        headers: the headers to sign, names in lower case.
        body: the exact bytes to be sent.
        service: first label of the vendor's host (`"trtc"`).
        timestamp: whole epoch seconds, the same as in `X-TC-Timestamp`.
    """
    date = _date(timestamp // DAY)
    scope = f"{date}/{service}/tc3_request"
    hashed, signed = canonical_hash(headers, body)
    text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashed}"
    mac = hmac.digest(derive_key(credentials.secret_key, date, service).reveal(), text.encode(), "sha256")
    return Secret(
        f"{ALGORITHM} Credential={credentials.secret_id}/{scope}, SignedHeaders={signed}, Signature={mac.hex()}"
    )


@lru_cache(maxsize=4)
def _date(day: int) -> str:
    """`YYYY-MM-DD` of a UTC day, counted from 1970."""
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")
