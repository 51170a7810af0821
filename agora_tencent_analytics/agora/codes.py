"""Agora's codes and messages, and which failure each of them is.

Codes are spelt like HTTP statuses, and here is what differs from what those mean everywhere. Code 300 stands for
throttling, for a bad window and for missing entitlement alike, and only the message tells them apart. A code that is
not here is a plain `Refusal`.

Source: https://docs.agora.io/en/agora-analytics/reference/api#response-status-codes (read 2026-09-14) and
its Chinese counterpart, which has two messages more.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.errors import NotAuthenticated, NotPermitted, RateLimited, VendorFault, WindowRefused
from agora_tencent_analytics.refusals import BY_STATUS, Made

MESSAGES_300: Mapping[str, Made] = {
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

CODES: Mapping[int | str, Made] = {
    **BY_STATUS,
    401: (NotAuthenticated, {"hint": "check customer_id and customer_secret"}),
    403: (NotAuthenticated, {"hint": "check customer_id and customer_secret, and that they belong to this app"}),
    500: (VendorFault, {"hint": "Agora answers so to malformed questions too"}),
}
"""What each code says, but for 300."""
