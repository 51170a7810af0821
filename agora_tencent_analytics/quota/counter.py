"""One counter of a vendor: its windows, its day, and the queue of those who want to use it, on one event loop.

Holds the step that grants a request (all windows, all days and the slot in the store, or nothing) and the queue in
front of it. Accounts, plans and merged endpoints belong to `quota.py`; what a window allows is `limiter.py`, who is
next is `queue.py`, what others have sent (other processes, and other loops of this one) is in the store.

**The queue.** Only the head of the queue waits for time: for the windows, then for the pace, then for the store's
consent. Everybody else waits to become the head. So there is one timer, not one per waiter, and one question to the
store at a time. The store says "not yet" together with what it knows of the others, so that the head waits as long as
it must, and does not poll. While the store is asked, nobody overtakes.

**Nobody waits forever**, because of one invariant: *the head of the queue has either re-checked since it became
head, or has a wake-up pending.* Whoever joins checks at once; whoever leaves (by success, failure or cancellation), and
whoever the store told "not yet" (others of a higher priority may have joined meanwhile), wakes the head: at once, or,
after a grant, when the pace allows the next. An answer wakes it only where that may refuse it, or free a place: else
it sleeps until a window has room, and no answer makes that sooner.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio
import msgspec

from agora_tencent_analytics.context import Priority, earlier
from agora_tencent_analytics.errors import WouldExceedQuota
from agora_tencent_analytics.limits import HOUR, Rate
from agora_tencent_analytics.log import extra
from agora_tencent_analytics.quota.clock import VendorClock
from agora_tencent_analytics.quota.day import Day
from agora_tencent_analytics.quota.leases import Leases
from agora_tencent_analytics.quota.limiter import Bucket
from agora_tencent_analytics.quota.outbox import Outbox
from agora_tencent_analytics.quota.queue import Bounds, Queue, Waiter
from agora_tencent_analytics.quota.store import (
    Claim,
    CounterKey,
    CounterState,
    LatestRefusal,
    QuotaStore,
    Room,
)

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter

_STORE_MOMENT_S = 0.25
"""Seconds that a store gets to answer a caller who does not want to wait: others may have it locked just now."""
_LATELY_S = float(HOUR)
_LEAST_WAIT_S = 0.001
"""Before the store is asked again, whatever was computed: its clock and ours differ in the last digits."""


_log = logging.getLogger("agora_tencent_analytics")


class Grant(msgspec.Struct, kw_only=True, frozen=True, eq=False):
    """The right to send one request."""

    claim: Claim
    """What the store granted."""
    at: float
    """When it was granted, monotonic seconds."""
    waited_s: float
    """Seconds waited for it."""
    left_today: int | None
    """Requests left in the vendor's day after it; None if no day is counted."""


class Totals(msgspec.Struct, kw_only=True):
    """What became of the requests for slots."""

    granted: int = 0
    refused: int = 0
    """Refused by the vendor, for the rate or the day."""
    refunded: int = 0
    waited_s: float = 0.0

    def add(self, other: Totals) -> None:
        """Adds another tally."""
        self.granted += other.granted
        self.refused += other.refused
        self.refunded += other.refunded
        self.waited_s += other.waited_s


class Refusals:
    """The rate-limit refusals of a counter: its own, and those of other processes.

    Args:
        name: the counter's name, for the log.
        expected: True if the settings invite refusals, so that they are not news.
    """

    def __init__(self, name: str, *, expected: bool) -> None:
        self._name = name
        self._told = expected
        self._heard: int | None = None
        self._unheard_own = 0

    def met(self, lost_ago_s: float | None) -> None:
        """Records that a request of this process was refused; the first is logged.

        Args:
            lost_ago_s: how long ago the store was found empty or had lost data, seconds; None if it does not say.
        """
        self._unheard_own += 1
        if self._told:
            return
        self._told = True
        lately = ""
        if lost_ago_s is not None and lost_ago_s < _LATELY_S:
            lately = (
                f"The quota store was found empty, or had lost data, {lost_ago_s:.0f} s ago, and may not know of all "
                "that was sent before; or"
            )
        _log.warning(
            "%s: the vendor refused a request for its rate although this library kept the limit of the plan. %s "
            "another client uses this account: leave room for it with a part of the plan, Plan.share(0.5), or let it "
            "share this quota's store",
            self._name,
            lately or "Most likely",
            extra=extra("refused_within_limit", counter=self._name),
        )

    def fresh(self, last: LatestRefusal | None) -> LatestRefusal | None:
        """The last refusal that the store knows of, if another process met one since this was asked before.

        Args:
            last: what the store says.
        """
        number = 0 if last is None else last.number
        heard, self._heard = self._heard, number
        if last is None or heard is None:
            return None
        since = number - heard if number >= heard else number  # a store that lost its data counts anew
        own = min(self._unheard_own, since)
        self._unheard_own -= own
        return last if since > own else None


class Counter:
    """All rates that one counter of the vendor keeps, for all who use it on this event loop.

    Args:
        name: the counter's name, for messages.
        key: what the store knows it by.
        owner: what the store knows this loop's part of the quota by.
        clock: the vendor's clock.
        store: where days and slots are remembered.
        strict: use N - 1 of each of the vendor's N.
        reserve: shares of each day that only these priorities may use.
        cold_start: hold everything in a store that was found empty, for as long as its windows are.
    """

    def __init__(
        self,
        *,
        name: str,
        key: CounterKey,
        owner: str,
        clock: VendorClock,
        store: QuotaStore,
        strict: bool,
        reserve: Mapping[Priority, float],
        cold_start: bool,
    ) -> None:
        self.name: str = name
        self.key: CounterKey = key
        self.owner: str = owner
        self.store: QuotaStore = store
        self.clock: VendorClock = clock
        self.bucket: Bucket = Bucket(strict=strict)
        self.day: Day = Day(name=name, clock=clock, strict=strict, reserve=reserve)
        self.totals: Totals = Totals()
        self.outbox: Outbox | None = None
        """What the store has yet to hear; None if it is told of each answer as it comes."""
        if getattr(store, "takes_along", False):
            self.outbox = Outbox(key, store, clock.clock)
        self.leases: Leases = Leases(key, store, clock.clock)
        self._queue = Queue()
        self._pace: AsyncLimiter | None = None
        self._rates: frozenset[Rate] = frozenset()
        self._adopted: tuple[Rate, ...] = ()
        self._ask_at = float("-inf")
        self._cold_start = cold_start
        self._lost_at: float | None = None
        self._refusals = Refusals(name, expected=not strict)

    def adopt(self, rates: tuple[Rate, ...]) -> None:
        """Adds these rates; of two over the same period the smaller holds."""
        if rates is self._adopted:  # as nearly always: no rate is hashed
            return
        self._adopted = rates
        if self._rates.issuperset(rates):
            return
        self._rates = self._rates.union(rates)
        self.bucket.add(rates)
        self.day.adopt(rates)

    async def acquire(self, bounds: Bounds) -> Grant:
        """Waits for the right to send one request.

        Raises:
            DailyQuotaExhausted: the day is spent.
            WouldExceedQuota: it takes longer than its bounds allow.
            QuotaUnavailable: the store cannot be had.
        """
        began = self.clock.clock.monotonic()
        waiter = Waiter(bounds, began)
        self.refuse_if_spent(waiter.priority)
        ahead = self._queue.join(waiter)
        free_in_s = 0.0
        try:
            grant = await self._take_turn(waiter, began, ahead)
            free_in_s = self.bucket.pace_s or 0.0
            return grant
        finally:
            self._queue.leave(waiter, free_in_s)

    def refuse_if_spent(self, priority: Priority) -> None:
        """Raises `DailyQuotaExhausted` if the day is known to be spent for this priority."""
        self.day.refuse_if_spent(priority, self.totals.granted)

    async def _take_turn(self, waiter: Waiter, began: float, ahead: int) -> Grant:
        while True:
            claim: Claim | None = None
            now = self.clock.clock.monotonic()
            wait, paced = math.inf, False
            if self._queue.head() is waiter:
                ahead = 0
                if waiter.as_head_s is not None:
                    waiter.deadline, waiter.as_head_s = earlier(waiter.deadline, now + waiter.as_head_s), None
                self.refuse_if_spent(waiter.priority)
                wait = max(self.bucket.wait(now), self._ask_at - now)
                if paced := wait <= 0 and self._is_paced():
                    wait = max(self.bucket.paced(now), _LEAST_WAIT_S)
                if wait <= 0:
                    claim = self._claim(now, waiter.priority)
                    self._queue.acting = waiter
            if claim is None:
                self._refuse_if_late(waiter, now, ahead=ahead, wait=wait)
            waiter.arm()
            ahead = min(ahead, 1)
            left = math.inf if waiter.deadline is None else max(0.0, waiter.deadline - now)
            if claim is None:
                await waiter.wait(wait, left, yields=not paced)
                continue
            state = await self._reserve(claim, left)
            if state.why is None and self._pace is not None:
                await self._pace.acquire()  # at once: nobody but the head takes any
            grant = self._decide(waiter, claim, state, began)
            if grant is not None:
                return grant
            self._queue.ring_head()

    def _is_paced(self) -> bool:
        """True if another request would come too soon after the last."""
        pace_s = self.bucket.pace_s
        if pace_s is None:
            self._pace = None
        elif self._pace is None or self._pace.time_period != pace_s:
            # Here, since who has no rates needs none: it brings `importlib.metadata`, a fifth of all our own imports.
            from aiolimiter import AsyncLimiter

            self._pace = AsyncLimiter(1, pace_s)
        return self._pace is not None and not self._pace.has_capacity()

    async def _reserve(self, claim: Claim, patience_s: float) -> CounterState:
        """Asks the store; one that is slow, or locked, is asked for no longer than a slot is waited for.

        What a store needs to take the question back comes on top: it bounds that by itself.
        """
        state = CounterState(why="store")
        try:
            asked = self.store.reserve(self.key, claim, self.clock.clock.wall())
            if patience_s == math.inf:
                state = await asked
            else:
                with anyio.move_on_after(max(patience_s, _STORE_MOMENT_S)):
                    state = await asked
        finally:
            if self.outbox is not None:
                self.outbox.sent(claim, heard=state.why != "store" and not state.alone)
        return state

    def answered(self, at: float) -> None:
        """The headers of an answer, or an exception, arrived at `at`: the slot rests from then on."""
        self.bucket.answered(at)
        self._queue.ring_head(0.0 if self.bucket.at_once else math.inf)

    def refunded_one(self, grant: Grant) -> None:
        """Gives everything back: the request was never sent."""
        self.totals.refunded += 1
        self.bucket.refund()
        self.day.given_back(grant.claim.days)
        self._queue.ring_head()

    def refused(self, grant: Grant, *, period_s: int | None, retry_after_s: float | None) -> float:
        """The vendor refused an answered request for its rate: hold everything for a window, then slow down.

        Returns:
            For how long everything is held, seconds.
        """
        self.totals.refused += 1
        now = self.clock.clock.monotonic()
        self._refusals.met(None if self._lost_at is None else now - self._lost_at)
        self.bucket.refused(now, grant.at, period_s=period_s, retry_after_s=retry_after_s)
        self._queue.ring_the_impatient()
        self._queue.ring_head()
        return self.bucket.held_until - now

    def day_refused(self, grant: Grant) -> int:
        """The vendor says that the day is spent; says which one it means: the day the request was sent in."""
        self.totals.refused += 1
        day = self.day.mark_spent(grant.claim.days)
        self._queue.ring_head()
        return day

    async def look(self) -> CounterState:
        """The state of the counter, for all who share the store."""
        state = await self.store.look(self.key, self.owner, self.day.today(), self.clock.clock.wall())
        now = self.clock.clock.monotonic()
        self.bucket.others(now - ended_ago for ended_ago in state.others)
        self.bucket.hold(now + state.after_s)
        self._hear(state, now)
        return state

    def _hear(self, state: CounterState, now: float) -> None:
        """Slows down after another process was refused."""
        refused = self._refusals.fresh(state.refused)
        if refused is not None:
            self.bucket.refused(now - refused.ago_s, now - refused.sent_ago_s, period_s=refused.period_s)

    def next_free_s(self, priority: Priority | None = "normal") -> float:
        """The least that one more request would wait from now on, seconds; the day aside.

        Args:
            priority: of the request; None if it is the head of the queue.
        """
        now = self.clock.clock.monotonic()
        expected = self.bucket.expected_wait(now, ahead=0 if priority is None else self._queue.ahead(priority))
        return max(expected, self._ask_at - now)

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot."""
        return len(self._queue)

    def _claim(self, now: float, priority: Priority) -> Claim:
        days = self.day.to_charge()
        windows: list[Room] = []
        long: list[Room] = []
        for one in self.bucket.windows:
            room = Room(limit=one.limit, free=one.room(now), period_s=one.rate.period_s, rest_s=one.rest_s)
            (windows if room.period_s <= HOUR else long).append(room)
        return Claim(
            id=os.urandom(8).hex(),
            owner=self.owner,
            windows=tuple(windows),
            long=tuple(long),
            pace_s=self.bucket.pace_s or 0.0,
            days=days,
            day_limit=self.day.limit_for(priority),
            seen=self.day.seen(days),
            cold_start=self._cold_start,
            steady=self.clock.clock.wall() - now,
            ended=() if self.outbox is None else self.outbox.send_along(now),
        )

    def _decide(self, waiter: Waiter, claim: Claim, state: CounterState, began: float) -> Grant | None:
        self._queue.acting = None
        now = self.clock.clock.monotonic()
        self.day.learn(claim.days, state.used)
        self._hear(state, now)
        if state.lost_ago_s is not None:
            self._lost_at = now - state.lost_ago_s
        if state.why is not None:
            self.bucket.others(now - ended_ago for ended_ago in state.others)
            if state.why != "day":
                waiter.refused = True
                self._ask_at = now + max(state.after_s, _LEAST_WAIT_S)
            return None
        self._queue.granted(waiter)
        self.totals.granted += 1
        self.totals.waited_s += now - began
        self.bucket.take(now)
        if state.steps or state.granted_as:
            claim = msgspec.structs.replace(claim, steps=state.steps, id=state.granted_as or claim.id)
        return Grant(claim=claim, at=now, waited_s=now - began, left_today=self.day.left_today())

    def _refuse_if_late(self, waiter: Waiter, now: float, *, ahead: int, wait: float) -> None:
        if waiter.deadline is None:
            return
        expected = max(self.bucket.expected_wait(now, ahead=ahead), self._ask_at - now, wait if wait < math.inf else 0)
        is_waited_for = waiter.queues and ahead  # it is not its turn to be refused before its time ends
        if now < waiter.deadline and (is_waited_for or now + expected <= waiter.deadline):
            return
        raise WouldExceedQuota(
            f"no request to {self.name} can be sent in the time allowed; one may be possible in {expected:.3g} s",
            retry_at=self.clock.clock.wall() + expected,
        )
