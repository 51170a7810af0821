"""`QuotaState`: how one counter of an account stands, as a value for reports.

The facts are those of the moment when they were looked at, and promise nothing: slots are granted by `quota.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from agora_tencent_analytics.context import Priority


@attrs.frozen(kw_only=True)
class QuotaState:
    """How one counter stands at this moment."""

    counter: str
    """Name of the counter; merged counters are joined by `+`."""
    used_today: int
    """Requests charged to the vendor's current UTC day, by all who share the store; 0 if no day is counted."""
    left_today: int | None
    """Requests that may still be sent in it, or None if the day is unlimited."""
    resets_at: float
    """The vendor's next midnight UTC, epoch seconds."""
    next_free_s: float
    """The least that one more request of normal priority would wait from now on, seconds; the day aside."""
    reserved: Mapping[Priority, int] = attrs.field(factory=dict)
    """Requests of each day that only these priorities may use; the others are refused when no more than that is
    left."""
    waiting: int = 0
    """Requests of this process that wait for a slot."""
    granted: int = 0
    """Slots granted by this object."""
    refused: int = 0
    """Requests that the vendor refused for their rate or the day."""
    refunded: int = 0
    """Slots given back because nothing was sent."""
    waited_s: float = 0.0
    """Seconds that granted requests waited, together."""
