"""The right to send one request, from the moment it is granted until the answer, or nothing, came of it.

Holds `Slot`, which the sender keeps informed, and the `async with` that waits for it and settles it however the block
is left. What the sender tells is noted at once and takes effect in this process at once; the store hears it, together
with how long ago it was, when the block is left, or of a usual answer with the next claim (`outbox.py`). Decisions are
made in `counter.py`.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal

from agora_tencent_analytics.errors import Per
from agora_tencent_analytics.limits import MINUTE, SECOND
from agora_tencent_analytics.quota.clock import VendorClock
from agora_tencent_analytics.quota.counter import Counter, Grant
from agora_tencent_analytics.quota.outbox import recorded
from agora_tencent_analytics.quota.queue import Bounds
from agora_tencent_analytics.quota.shield import uninterrupted

_PERIOD_S = {"second": SECOND, "minute": MINUTE, "unknown": None}


class Slot:
    """The right to send one request, between `async with quota.slot(...)` and its end."""

    _state: Literal["granted", "sent", "over"] = "granted"
    _answered_at: float
    _late_days: tuple[int, ...] = ()
    _never_sent = False
    _refused_at: float
    _held_s = 0.0
    _period_s: int | None = None
    _spent_day: int | None = None
    was_read: bool = False
    """Set it once an answer was read to its end: of what is broken off, the vendor may still be at work on it."""

    def __init__(self, counter: Counter, grant: Grant) -> None:
        self._counter = counter
        self._grant = grant
        self.waited_s: float = grant.waited_s
        """Seconds waited for it."""
        self.left_today: int | None = grant.left_today
        """Requests left in the vendor's UTC day after this one; None if days are not counted."""

    @property
    def resets_at(self) -> float:
        """The vendor's next midnight UTC, epoch seconds."""
        return self._counter.clock.next_midnight()

    def sent(self) -> None:
        """Marks the request as handed to the transport; call it just before. From here on it is charged."""
        if self._state == "granted":
            self._state = "sent"

    def not_sent(self) -> None:
        """Takes `sent` back, if the answer is not there: it is certain that no byte of the request has left."""
        if self._state == "sent":
            self._state = "granted"

    def answered(self) -> None:
        """Marks the answer's headers, or an exception, as arrived: from here on the slot rests. Idempotent.

        Where requests under way at the same time are limited, it rests from the end of the block on.
        """
        if self._state != "over" and not self._counter.bucket.at_once:
            self._end()

    def _end(self, later_s: float = 0.0) -> None:
        self._state = "over"
        self._answered_at = self._counter.clock.clock.monotonic() + later_s
        self._late_days = self._counter.day.late(self._grant.claim.days)
        self._counter.answered(self._answered_at)

    def refused(self, per: Per, retry_after_s: float | None = None) -> None:
        """Marks the answer as a refusal for too many requests; everybody on the account heeds it.

        Args:
            per: the window that the vendor calls full, by name or in seconds. `"day"` marks the day as spent; anything
                else holds the counter for one window and then slows it.
            retry_after_s: seconds that the vendor asked to wait, or None.
        """
        self.answered()
        if per == "day":
            self._spent_day = self._counter.day_refused(self._grant)
        else:
            self._refused_at = self._counter.clock.clock.monotonic()
            self._period_s = per if isinstance(per, int) else _PERIOD_S[per]
            self._held_s = self._counter.refused(self._grant, period_s=self._period_s, retry_after_s=retry_after_s)

    def _leave(self, *, broken: bool, at_once: bool) -> bool:
        """Settles what is left in this process; True if the store need not be told at once."""
        counter, claim = self._counter, self._grant.claim
        if self._state == "granted":
            self._state, self._never_sent = "over", True
            counter.refunded_one(self._grant)
        elif self._state == "sent":
            # The vendor may still be at work on what was broken off: where places are limited, it has one.
            self._end(counter.store.lease_s if broken and counter.bucket.at_once else 0.0)
        news = self._never_sent or self._late_days or self._held_s or self._spent_day is not None
        if counter.outbox is None or at_once or news or claim.long or not claim.windows or counter.bucket.at_once:
            return False
        counter.outbox.put(claim, self._answered_at)
        return True

    async def _tell(self, renewing: asyncio.Task[None] | None) -> None:
        """Tells the store what became of the request, after the renewal that is under way."""
        if renewing is not None:
            await asyncio.wait([renewing])
        counter, grant = self._counter, self._grant
        store, key, claim, clock = counter.store, counter.key, grant.claim, counter.clock.clock
        if self._never_sent:
            await store.refund(key, claim)
            return
        wall, now = clock.wall(), clock.monotonic()
        try:
            await store.answered(key, claim, wall, ago_s=now - self._answered_at, late_days=self._late_days)
        finally:  # a refusal is told all the same: others would go on sending
            if self._held_s:
                await store.refused(
                    key,
                    wall,
                    ago_s=now - self._refused_at,
                    hold_s=self._held_s,
                    sent_ago_s=self._refused_at - grant.at,
                    period_s=self._period_s,
                )
            if self._spent_day is not None and counter.day.rate is not None:
                await store.spend(key, self._spent_day, counter.day.limit)


class Waiting:
    """What `async with` enters: waits for the slot, and settles it however the block is left."""

    def __init__(self, counter: Counter, bounds: Bounds) -> None:
        self._counter, self._bounds = counter, bounds

    def expected_s(self, *, first: bool = False) -> float:
        """The least that entering takes from now on, seconds; the day aside.

        Args:
            first: once it is at the head of the queue.
        """
        return self._counter.next_free_s(None if first else self._bounds.priority)

    async def __aenter__(self) -> Slot:
        counter = self._counter
        grant = await counter.acquire(self._bounds)
        self._slot = Slot(counter, grant)
        if grant.claim.windows:
            counter.leases.begin(grant.claim, grant.at)
        return self._slot

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        slot = self._slot
        renewing = self._counter.leases.end(slot._grant.claim)
        if not slot._leave(broken=kind is not None and not slot.was_read, at_once=renewing is not None):
            # The block may be left because it was cancelled; what was spent is written down all the same.
            await uninterrupted(recorded(slot._tell(renewing)))


class Free(Slot):
    """The slot of requests that nothing counts, and what `async with` enters to get it: at once, and every time.

    Args:
        clock: the vendor's.
    """

    _state = "over"  # so nothing is charged

    def __init__(self, clock: VendorClock) -> None:
        self._clock = clock
        self.waited_s: float = 0.0
        self.left_today: int | None = None

    @property
    def resets_at(self) -> float:
        """See `Slot.resets_at`."""
        return self._clock.next_midnight()

    def expected_s(self, *, first: bool = False) -> float:
        """Nothing is waited for; see `Waiting.expected_s`."""
        return 0.0

    async def __aenter__(self) -> Slot:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to settle."""

    def refused(self, per: Per, retry_after_s: float | None = None) -> None:
        """Nothing is held."""
