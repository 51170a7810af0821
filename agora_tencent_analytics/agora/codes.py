"""Agora's codes and messages, and which failure each of them is.

One table. Code 300 stands for throttling, for a bad window and for missing entitlement alike, and only the
message tells them apart. A code that is not here is a plain `Refusal`.

Source: https://docs.agora.io/en/agora-analytics/reference/api#response-status-codes (read 2026-09-14) and
its Chinese counterpart, which has two messages more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.errors import (
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    Refusal,
    VendorFault,
    WindowRefused,
)

_Make = tuple[type[Refusal], Mapping[str, Any]]

MESSAGES_300: Mapping[str, _Make] = {
    "qps limit error": (RateLimited, {"per": "second"}),
    "qpm limit error": (RateLimited, {"per": "minute"}),
    "qpd limit error": (RateLimited, {"per": "day"}),
    "query latency limit error": (WindowRefused, {"kind": "too_recent"}),
    "query time range limit error": (WindowRefused, {"kind": "too_old"}),
    "query duration limit error": (WindowRefused, {"kind": "too_long"}),
    "query time length limit error": (WindowRefused, {"kind": "too_much"}),
    "no auth": (NotPermitted, {"hint": "the account's plan does not include this API; buy or upgrade the plan"}),
}
"""What a code 300 says, by a part of its message (lower case)."""

_CODES: Mapping[int, _Make] = {
    400: (InvalidRequest, {}),
    401: (NotAuthenticated, {"hint": "check customer_id and customer_secret"}),
    403: (NotAuthenticated, {"hint": "check customer_id and customer_secret, and that they belong to this app"}),
    404: (NotFound, {}),
    500: (VendorFault, {"hint": "Agora answers so to malformed questions too"}),
}


def refusal(*, code: int | str, message: str, request_id: str, endpoint: str, status: int) -> Refusal:
    """The failure that a code and its message stand for; the code is text where the vendor sent no whole number."""
    made, more = _CODES.get(code, (Refusal, {})) if isinstance(code, int) else (Refusal, {})
    if code == 300:
        told = message.lower()
        made, more = next((entry for part, entry in MESSAGES_300.items() if part in told), (Refusal, {}))
    facts = {"vendor": "agora", "code": str(code), "message": message, "request_id": request_id}
    return made(**facts, endpoint=endpoint, status=status, **more)
