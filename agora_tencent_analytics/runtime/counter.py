"""One counter of a vendor: its windows, its day, and the queue of those who want to use it.

Holds the step that grants a request (all windows, all days and the slot in the store, or nothing) and the
first-come-first-served queue in front of it. Refuses to know accounts, plans and merged endpoints: that is
`quota.py`; what a window allows is `limiter.py`.

**The queue.** Only the head of the queue waits for time: for the windows, then for the pace. Everybody else
waits to become the head. So there is one timer, not one per waiter; nobody overtakes; and whoever leaves,
by success, failure or cancellation, wakes the next. Between the pace's consent and the grant nothing is
awaited, so a cancelled waiter has taken nothing. Waiters may live on several event loops in several
threads; the grant is made under one lock, and the loops wake each other.
"""

from __future__ import annotations

import asyncio
import math
import threading
import weakref

import anyio
import attrs
from aiolimiter import AsyncLimiter

from agora_tencent_analytics.errors import WouldExceedQuota
from agora_tencent_analytics.limits import Rate
from agora_tencent_analytics.runtime.clock import VendorClock
from agora_tencent_analytics.runtime.day import Day
from agora_tencent_analytics.runtime.limiter import Bucket
from agora_tencent_analytics.runtime.store import Claim, CounterKey, Outcome, QuotaStore
from agora_tencent_analytics.runtime.turns import Ticket, Turns

__all__ = ["Counter", "Grant"]

_FOREIGN_POLL_S = 0.001


@attrs.frozen(kw_only=True, eq=False)
class Grant:
    """The right to send one request."""

    claim: Claim | None
    """The slot it holds in the store; None where there are no windows."""
    days: tuple[int, ...]
    """The vendor days it was charged to; empty where no day is counted."""
    at: float
    """When it was granted, monotonic seconds."""


class Counter:
    """All rates that one counter of the vendor keeps, for all who use it in this process.

    Args:
        name: the counter's name, for messages.
        key: what the store knows it by.
        owner: what the store knows this process by.
        clock: the vendor's clock.
        store: where days and slots are remembered.
        strict: use N - 1 of each of the vendor's N.
    """

    def __init__(
        self, *, name: str, key: CounterKey, owner: str, clock: VendorClock, store: QuotaStore, strict: bool
    ) -> None:
        self.name = name
        self.bucket = Bucket(strict=strict)
        self.day = Day(name=name, key=key, clock=clock, store=store, strict=strict)
        self.granted = self.refused_count = self.refunded = 0
        self.waited_s = 0.0
        self._key, self._owner = key, owner
        self._clock, self._store = clock, store
        self._lock = threading.Lock()
        self._turns = Turns()
        self._pacers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncLimiter] = weakref.WeakKeyDictionary()
        self._rates: frozenset[Rate] = frozenset()
        self._number = 0

    def adopt(self, rates: tuple[Rate, ...], *, cold_since: float | None = None) -> None:
        """Obeys these rates from now on, beside those known; of two over one period the smaller.

        Args:
            rates: the vendor's figures.
            cold_since: hold new rates of a second for one period from this monotonic second; None: do not.
        """
        if self._rates.issuperset(rates):
            return
        with self._lock:
            fresh = not self._rates
            self._rates = self._rates.union(rates)
            self.bucket.add(rates)
            self.day.adopt(rates)
            if cold_since is not None:
                paced = (window.rest_s for window in self.bucket.windows if window.pace_s is not None)
                self.bucket.hold(cold_since + max(paced, default=0.0))
            if fresh:
                self._look_at_others(restart=True)

    async def acquire(self, max_wait: float | None) -> Grant:
        """Waits for the right to send one request.

        Args:
            max_wait: seconds; None waits for as long as it takes.

        Raises:
            DailyQuotaExhausted: the day is spent.
            WouldExceedQuota: it takes longer than `max_wait`.
        """
        began = self._clock.clock.monotonic()
        ticket = Ticket(None if max_wait is None else began + max_wait)
        with self._lock:
            self.day.refuse_if_spent(self.granted)
            ahead = len(self._turns)
            self._turns.join(ticket)
        try:
            return await self._take_turn(ticket, began, ahead)
        finally:
            with self._lock:
                self._turns.leave(ticket)
            self._ring_head()

    async def _take_turn(self, ticket: Ticket, began: float, ahead: int) -> Grant:
        paced = False
        while True:
            pacer: AsyncLimiter | None = None
            with self._lock:
                now = self._clock.clock.monotonic()
                if self._turns.head() is ticket:
                    ahead = 0
                    self.day.refuse_if_spent(self.granted)
                    wait = self.bucket.wait(now)
                    if wait <= 0:
                        pacer = None if paced else self._pacer(ticket.loop)
                        if pacer is None:
                            grant = self._grant(now)
                            if grant is not None:
                                self.waited_s += now - began
                                return grant
                            wait = max(self.bucket.wait(now), _FOREIGN_POLL_S)
                else:
                    wait = math.inf
                if pacer is None or not pacer.has_capacity():
                    self._refuse_if_late(ticket, now, ahead=ahead, wait=wait)
                ticket.arm()
            ahead = min(ahead, 1)
            left = math.inf if ticket.deadline is None else max(0.0, ticket.deadline - now)
            if pacer is None:
                await ticket.wait(min(wait, left))
            elif pacer.has_capacity():
                await pacer.acquire()
                paced = True
            else:
                with anyio.move_on_after(left):
                    await pacer.acquire()
                    paced = True

    def answered(self, grant: Grant) -> None:
        """The headers of the answer, or an exception, arrived: the slot rests from now on."""
        try:
            with self._lock:
                self.bucket.answered(self._clock.clock.monotonic())
                if grant.claim is not None:
                    self._store.answered(self._key, grant.claim, self._clock.clock.wall())
                self.day.answered(grant.days)
        finally:
            self._ring_head()

    def refund(self, grant: Grant) -> None:
        """The request was never sent: everything is given back."""
        try:
            with self._lock:
                self.refunded += 1
                self.bucket.refund()
                self._store.refund(self._key, grant.days, grant.claim)
        finally:
            self._ring_head()

    def refused(self, grant: Grant, *, period_s: int | None, retry_after_s: float | None) -> None:
        """The vendor refused an answered request for its rate: hold everything for a window, then slow down."""
        with self._lock:
            self.refused_count += 1
            now = self._clock.clock.monotonic()
            self.bucket.refused(now, grant.at, period_s=period_s, retry_after_s=retry_after_s)
            impatient = self._turns.impatient()
        for ticket in impatient:
            ticket.ring()
        self._ring_head()

    def day_refused(self, grant: Grant) -> None:
        """The vendor says that the day is spent. It means the day the request was sent in."""
        with self._lock:
            self.refused_count += 1
            self.day.mark_spent(grant.days)
        self._ring_head()

    def next_free_s(self) -> float:
        """The least that one more request would wait from now on, seconds; the day aside."""
        with self._lock:
            return self.bucket.expected_wait(self._clock.clock.monotonic(), ahead=len(self._turns))

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._turns)

    def _grant(self, now: float) -> Grant | None:
        days = self.day.to_charge()
        claim = self._claim(now)
        outcome = self._store.reserve(self._key, days, self.day.limit, claim) if days or claim else Outcome.GRANTED
        if outcome is Outcome.DAY_SPENT:
            self.day.look(days)
            self.day.refuse_if_spent(self.granted)
        if outcome is not Outcome.GRANTED:
            self._look_at_others(restart=False)
            return None
        self.granted += 1
        self.bucket.take(now)
        return Grant(claim=claim, days=days, at=now)

    def _claim(self, now: float) -> Claim | None:
        if not self.bucket.windows:
            return None
        self._number += 1
        return Claim(
            owner=self._owner,
            number=self._number,
            now=self._clock.clock.wall(),
            windows=tuple((window.room(now), window.rest_s) for window in self.bucket.windows),
        )

    def _look_at_others(self, *, restart: bool) -> None:
        wall, now = self._clock.clock.wall(), self._clock.clock.monotonic()
        answered = self._store.load(self._key, self._owner, wall, restart=restart)
        here = [now + at - wall for at in answered]
        for window in self.bucket.windows:
            window.others(here)

    def _refuse_if_late(self, ticket: Ticket, now: float, *, ahead: int, wait: float) -> None:
        if ticket.deadline is None:
            return
        expected = self.bucket.expected_wait(now, ahead=ahead)
        if wait < math.inf:
            expected = max(expected, wait)
        if now < ticket.deadline and now + expected <= ticket.deadline:
            return
        raise WouldExceedQuota(
            f"no request to {self.name} can be sent in the time allowed; one is expected to be possible "
            f"in {expected:.3g} s",
            retry_at=self._clock.clock.wall() + expected,
        )

    def _pacer(self, loop: asyncio.AbstractEventLoop) -> AsyncLimiter | None:
        pace = self.bucket.pace_s
        if pace is None:
            return None
        pacer = self._pacers.get(loop)
        if pacer is None or pacer.time_period != pace:
            pacer = self._pacers[loop] = AsyncLimiter(1, pace)
        return pacer

    def _ring_head(self) -> None:
        with self._lock:
            head = self._turns.head()
        if head is not None:
            head.ring()
