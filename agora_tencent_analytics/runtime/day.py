"""The vendor's day of one counter: an exact count in UTC, kept in the store.

Holds which days a request is charged to and which are known to be spent. Refuses to wait for midnight: a
spent day is an error that says when it ends. Its owner's lock guards it.

A request near midnight may be counted by the vendor on either side of it, so within the uncertainty of the
vendor's clock (at least one second) both days are charged, and a day in which only the answer was read is
charged too. That costs a few requests a day and never exceeds one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from agora_tencent_analytics.errors import DailyQuotaExhausted
from agora_tencent_analytics.limits import DAY, Rate
from agora_tencent_analytics.runtime.clock import VendorClock
from agora_tencent_analytics.runtime.limiter import safe_limit
from agora_tencent_analytics.runtime.store import CounterKey, QuotaStore

__all__ = ["Day"]

_LEAST_MARGIN_S = 1.0
_ANY_NUMBER = 2**62


class Day:
    """The daily rate of a counter, if it has one, and what is left of the day.

    Args:
        name: the counter's name, for messages.
        key: what the store knows the counter by.
        clock: the vendor's clock.
        store: where days are counted.
        strict: use M - 1 of the vendor's M.
    """

    def __init__(self, *, name: str, key: CounterKey, clock: VendorClock, store: QuotaStore, strict: bool) -> None:
        self.rate: Rate | None = None
        self._name, self._key = name, key
        self._clock, self._store, self._strict = clock, store, strict
        self._spent: set[int] = set()

    def adopt(self, rates: Iterable[Rate]) -> None:
        """Obeys the daily rate among these, unless a smaller one is known."""
        for rate in rates:
            if rate.is_daily and (self.rate is None or rate.limit < self.rate.limit):
                self.rate = rate

    @property
    def limit(self) -> int:
        """The most requests in a day that the store may count."""
        return _ANY_NUMBER if self.rate is None else safe_limit(self.rate.limit, strict=self._strict)

    def used(self) -> int:
        """Requests charged to the current vendor day by all who share the store; 0 if days are not counted."""
        return 0 if self.rate is None else self._store.used(self._key, math.floor(self._clock.now() / DAY))

    def left(self) -> int | None:
        """Requests that may still be sent in the current vendor day; None if days are not counted."""
        return None if self.rate is None else max(0, self.limit - self.used())

    def to_charge(self) -> tuple[int, ...]:
        """The days that a request sent now is charged to: one, two near midnight, none if days are not counted."""
        return () if self.rate is None else self._around_now()

    def answered(self, charged: tuple[int, ...]) -> None:
        """Charges the day in which the answer was read, if it is later than those charged before the send."""
        late = tuple(day for day in self._around_now() if day > charged[-1]) if charged else ()
        if late:
            self._store.reserve(self._key, late, _ANY_NUMBER)

    def mark_spent(self, charged: tuple[int, ...]) -> None:
        """Believes the vendor that the day is spent: the day that the refused request was sent in.

        Near midnight that is the earlier of two. If the vendor meant the later one, its next refusal says so; a
        wrong guess the other way would cost a whole day.
        """
        day = charged[0] if charged else math.floor(self._clock.now() / DAY)
        self._spent.add(day)
        if self.rate is not None:
            self._store.spend(self._key, day, self.limit)

    def look(self, days: tuple[int, ...]) -> None:
        """Reads from the store which of `days` are spent."""
        self._spent.update(day for day in days if self._store.used(self._key, day) >= self.limit)

    def refuse_if_spent(self, granted: int) -> None:
        """Raises if the current vendor day is known to be spent.

        Args:
            granted: requests granted so far; said instead of the limit if the vendor states none.

        Raises:
            DailyQuotaExhausted: it is.
        """
        if not self._spent:
            return
        today = self._around_now()
        self._spent = {day for day in self._spent if day >= today[0]}
        spent = self._spent.intersection(today)
        if not spent:
            return
        resets_at = (max(spent) + 1) * float(DAY)
        if resets_at <= self._clock.now():
            # Midnight has passed by this clock, but perhaps not by the vendor's.
            resets_at += self._margin_s()
        limit = granted if self.rate is None else self.rate.limit
        raise DailyQuotaExhausted(endpoint=self._name, limit=limit, resets_at=resets_at)

    def _margin_s(self) -> float:
        return max(_LEAST_MARGIN_S, self._clock.uncertainty_s)

    def _around_now(self) -> tuple[int, ...]:
        now, margin = self._clock.now(), self._margin_s()
        return tuple(range(math.floor((now - margin) / DAY), math.floor((now + margin) / DAY) + 1))
