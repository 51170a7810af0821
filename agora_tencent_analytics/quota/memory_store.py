"""The quota in memory: forgotten when the process ends, and shared by nobody outside of it.

Holds `MemoryStore`. The file (`sqlite_store.py`) and Redis (`redis_store.py`) keep the same contract elsewhere.
"""

from __future__ import annotations

import threading

import attrs

from agora_tencent_analytics.quota.store import (
    LEASE_S,
    SLOTS_KEPT_S,
    STEP_TOLERATED_S,
    Claim,
    CounterKey,
    Refused,
    Standing,
    judge,
)

_SLOTS_BEFORE_A_SWEEP = 64


@attrs.define
class _Day:
    used: int = 0
    spent_at: int = 0

    @property
    def charged(self) -> int:
        return max(self.used, self.spent_at)


@attrs.define
class _Book:
    """What is known of one counter."""

    days: dict[int, _Day] = attrs.field(factory=dict)
    slots: dict[str, dict[str, float]] = attrs.field(factory=dict)
    """When each slot ends, by owner and claim."""
    takes_to_sweep: int = _SLOTS_BEFORE_A_SWEEP
    granted_at: float = float("-inf")
    held_until: float = float("-inf")
    refusals: int = 0
    refused_at: float = 0.0
    refused_sent_at: float = 0.0
    refused_period_s: int | None = None

    def held_s(self, now: float) -> float:
        """For how long everybody is held; a refusal from before the clock was set back holds nobody."""
        return 0.0 if self.refused_at > now + STEP_TOLERATED_S else max(0.0, self.held_until - now)

    def refused(self, now: float) -> Refused | None:
        return Refused.seen_from(now, self.refusals, self.refused_at, self.refused_sent_at, self.refused_period_s)


class MemoryStore:
    """A store for one process: several quotas, loops and threads of it may share one.

    Args:
        lease_s: how long a slot is kept for a `Quota` that says nothing, seconds.
    """

    def __init__(self, *, lease_s: float = LEASE_S) -> None:
        self.lease_s = lease_s
        self._lock = threading.Lock()
        self._books: dict[CounterKey, _Book] = {}

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> Standing:
        """See `QuotaStore.reserve`."""
        with self._lock:
            book = self._book(key)
            days = [book.days.setdefault(day, _Day()) for day in claim.days]
            standing = judge(
                claim,
                now,
                used=tuple(day.charged for day in days),
                others=self._others(book, claim.owner, now),
                granted_at=book.granted_at,
                held_s=book.held_s(now),
                refused=book.refused(now),
            )
            if standing.why is None:
                self._take(book, claim, days, now)
            return standing

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        """See `QuotaStore.answered`."""
        with self._lock:
            book = self._book(key)
            for day in late_days:
                book.days.setdefault(day, _Day()).used += 1
            if claim.windows:
                book.slots.setdefault(claim.owner, {})[claim.id] = now - ago_s
            else:
                book.slots.get(claim.owner, {}).pop(claim.id, None)

    async def refund(self, key: CounterKey, claim: Claim) -> None:
        """See `QuotaStore.refund`."""
        with self._lock:
            book = self._book(key)
            if book.slots.get(claim.owner, {}).pop(claim.id, None) is not None:
                for day in claim.days:
                    book.days[day].used -= 1

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        """See `QuotaStore.renew`."""
        with self._lock:
            self._book(key).slots.setdefault(claim.owner, {})[claim.id] = now + self.lease_s

    async def refused(
        self, key: CounterKey, now: float, *, ago_s: float, hold_s: float, sent_ago_s: float, period_s: int | None
    ) -> None:
        """See `QuotaStore.refused`."""
        with self._lock:
            book = self._book(key)
            at = now - ago_s
            book.held_until = max(now + book.held_s(now), at + hold_s)
            book.refusals += 1
            book.refused_at, book.refused_sent_at, book.refused_period_s = at, at - sent_ago_s, period_s

    async def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""
        with self._lock:
            found = self._book(key).days.setdefault(day, _Day())
            found.spent_at = max(found.spent_at, limit)

    async def look(self, key: CounterKey, owner: str, days: tuple[int, ...], now: float) -> Standing:
        """See `QuotaStore.look`."""
        with self._lock:
            book = self._book(key)
            return Standing(
                after_s=book.held_s(now),
                used=tuple(book.days.get(day, _Day()).charged for day in days),
                others=self._others(book, owner, now),
                refused=book.refused(now),
            )

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`; nothing is open."""

    def _book(self, key: CounterKey) -> _Book:
        return self._books.setdefault(key, _Book())

    def _take(self, book: _Book, claim: Claim, days: list[_Day], now: float) -> None:
        book.takes_to_sweep -= 1
        if book.takes_to_sweep <= 0:
            _sweep(book, now - max(claim.longest_rest_s, SLOTS_KEPT_S))
        book.slots.setdefault(claim.owner, {})[claim.id] = now + self.lease_s
        book.granted_at = now
        for day in days:
            day.used += 1

    def _others(self, book: _Book, owner: str, now: float) -> tuple[float, ...]:
        latest = now + self.lease_s + STEP_TOLERATED_S
        ends = (end for whose, own in book.slots.items() if whose != owner for end in own.values())
        return tuple(max(0.0, now - end) for end in ends if end <= latest)


def _sweep(book: _Book, over: float) -> None:
    """Forgets the slots that no window remembers, of all owners: most of them may be gone."""
    kept = {whose: {name: end for name, end in own.items() if end > over} for whose, own in book.slots.items()}
    book.slots = {whose: own for whose, own in kept.items() if own}
    book.takes_to_sweep = max(_SLOTS_BEFORE_A_SWEEP, sum(map(len, kept.values())))
