"""`Grant`: the right to send one request, as the counter gave it and the slot keeps it.

Holds the value alone. What becomes of it is `slot.py`.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.quota.store import Claim


@attrs.frozen(kw_only=True, eq=False)
class Grant:
    """The right to send one request."""

    claim: Claim
    """What the store granted."""
    at: float
    """When it was granted, monotonic seconds."""
    waited_s: float
    """Seconds that it was waited for."""
    left_today: int | None
    """Requests left in the vendor's day after it; None if no day is counted."""
