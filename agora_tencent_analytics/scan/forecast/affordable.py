"""How long requests take, and on how many days: plain arithmetic over rates, days and midnights.

Holds no clock: instants are arguments, epoch seconds in the vendor's time.

**The theory.** A slot is out for its window, the margin and one round trip (`quota/limiter.py`), so in the long run
one of L requests can be sent every (W + margin + round trip) / L seconds, or every pace, whichever is longer; the rates
of a row hold at once, so the slowest decides. The day is an account that is filled at midnight UTC: what is left of it
today, and from then on the plan's own figure (less one, as everywhere) each day, is the most that can be sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs

from agora_tencent_analytics.limits import DAY, Rate
from agora_tencent_analytics.quota.limiter import Window, safe_limit

ROUND_TRIP_S = 0.1
"""From a request to its answer, as it is reckoned with; what the vendors need is not documented."""
AT_ONCE = 16
"""Requests that are on their way at the same time where no rate forbids it."""


def each_s(rates: Iterable[Rate]) -> float:
    """Seconds for each request of many, the day left aside."""
    slowest = ROUND_TRIP_S / AT_ONCE
    for rate in rates:
        if not rate.is_daily:
            window = Window(rate)
            slowest = max(slowest, (window.rest_s + ROUND_TRIP_S) / window.limit, window.pace_s or 0.0)
    return slowest


@attrs.frozen(kw_only=True)
class Purse:
    """What one counter of a vendor has to spend, from now on."""

    rates: tuple[Rate, ...]
    """All of them hold at once."""
    left_today: int | None
    """Requests left of the vendor's UTC day, beside what is reserved; None if days are not counted."""
    resets_at: float
    """The vendor's next midnight UTC."""
    now: float
    """The vendor's now."""
    kept: int = 0
    """Requests of each day that are reserved for others."""
    part: float = 1.0
    """The part of the rates, and of the days after this one, that is there: others draw on the counter as well."""

    @property
    def a_day(self) -> int | None:
        """Requests of a whole day; None if days are not counted."""
        daily = [rate.limit for rate in self.rates if rate.is_daily]
        return max(1, safe_limit(min(daily), strict=True) - self.kept) if daily else None

    def part_of(self, part: float) -> Purse:
        """Such a part of it."""
        left = None if self.left_today is None else math.floor(self.left_today * part)
        return attrs.evolve(self, left_today=left, part=part)

    def less(self, requests: int) -> Purse:
        """What is left of it after so many requests."""
        return attrs.evolve(self, left_today=None if self.left_today is None else max(0, self.left_today - requests))

    def takes_s(self, requests: float, *, waits: bool) -> float | None:
        """Seconds from now until so many requests are answered; None if they never are.

        Args:
            requests: how many.
            waits: a spent day is waited for; otherwise it is the end.
        """
        each, a_day = each_s(self.rates) / self.part, self.a_day
        if a_day is None or self.left_today is None:
            return requests * each
        whole = a_day * self.part
        until_midnight = max(0.0, self.resets_at - self.now)
        today = min(self.left_today, math.ceil(until_midnight / each))
        if requests <= today:
            return requests * each
        if self.left_today <= today and not waits:
            return None
        return self._later_s(requests - today, until_midnight, whole, each, waits=waits)

    def _later_s(self, requests: float, before_s: float, whole: float, each: float, *, waits: bool) -> float | None:
        a_day = min(whole, DAY / each)
        days = max(0, math.ceil(requests / a_day) - 1)
        if days and whole <= DAY / each and not waits:
            return None
        return before_s + days * DAY + (requests - days * a_day) * each
