"""What there is to spend, how long a scan takes, and what of it would not be read. Plain arithmetic.

**The theory.** A slot is out for its window, the margin and one round trip (`quota/limiter.py`), so in the long run
one of L requests can be sent every (W + margin + round trip) / L seconds, or every pace, whichever is longer; the rates
of a row hold at once, so the slowest decides. The day is an account that is filled at midnight UTC: what is left of it
today, and from then on the plan's own figure (less one, as everywhere) each day, is the most that can be sent.

A scan reads the windows of the listing oldest first, and each with the calls in it. So what it has sent when a window
is done is the sum of the windows up to there, counter by counter, and the slowest counter says when that is. What is
not read when the day or the budget ends is lost from the start of its window on. Of a window that is done after t
seconds, everything is lost that the vendor has forgotten by then: what is older than the history that is shortest of
all the questions asked. All of it is reckoned with the most that the scan may cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from agora_tencent_analytics.limits import DAY, Rate
from agora_tencent_analytics.paging.clip import HISTORY_MARGIN_S
from agora_tencent_analytics.quota.limiter import Window, safe_limit
from agora_tencent_analytics.scan.forecast.cost import Price, WindowPrice
from agora_tencent_analytics.scan.forecast.forecast import Loss
from agora_tencent_analytics.timerange import TimeRange

ROUND_TRIP_S = 0.1
"""From a request to its answer, as it is reckoned with; what the vendors need is not documented."""
AT_ONCE = 16
"""Requests that are on their way at the same time where no rate forbids it."""
_HALVINGS = 12


def each_s(rates: Iterable[Rate]) -> float:
    """Seconds for each request of many, the day left aside."""
    slowest = ROUND_TRIP_S / AT_ONCE
    for rate in rates:
        if not rate.is_daily:
            window = Window(rate)
            slowest = max(slowest, (window.rest_s + ROUND_TRIP_S) / window.limit, window.pace_s or 0.0)
    return slowest


@attrs.frozen(kw_only=True)
class CounterAllowance:
    """What one counter of a vendor has to spend, from now on."""

    rates: tuple[Rate, ...]
    """All of them hold at once."""
    left_today: int | None
    """Requests left of the vendor's UTC day, beside what is reserved; None if days are not counted."""
    resets_at: float
    """The vendor's next midnight UTC."""
    now: float
    """The vendor's now."""
    reserved: int = 0
    """Requests of each day that are reserved for others."""
    part: float = 1.0
    """The part of the rates, and of the days after this one, that is there: others draw on the counter as well."""

    @property
    def a_day(self) -> int | None:
        """Requests of a whole day; None if days are not counted."""
        daily = [rate.limit for rate in self.rates if rate.is_daily]
        return max(1, safe_limit(min(daily), strict=True) - self.reserved) if daily else None

    def takes_s(self, requests: float, *, waits: bool) -> float | None:
        """Seconds from now until so many requests are answered; None if they never are.

        Args:
            requests: how many.
            waits: a spent day is waited for; otherwise it is the end.
        """
        each = each_s(self.rates) / self.part
        if self.a_day is None or self.left_today is None:
            return requests * each
        until_midnight = max(0.0, self.resets_at - self.now)
        today = min(self.left_today, math.ceil(until_midnight / each))
        if requests <= today:
            return requests * each
        whole, in_a_day = self.a_day * self.part, DAY / each
        days = max(0, math.ceil((requests - today) / min(whole, in_a_day)) - 1)
        if not waits and (self.left_today <= today or (days and whole <= in_a_day)):
            return None
        return until_midnight + days * DAY + (requests - today - days * min(whole, in_a_day)) * each


@attrs.frozen(kw_only=True)
class Allowance:
    """What a scan of one provider can spend, and until when."""

    counters: Mapping[str, CounterAllowance]
    """By name."""
    counter_of: Mapping[str, str]
    """The counter of each of the vendor's rows, by name."""
    history_s: int
    """How far back the shortest memory of these rows reaches, seconds."""
    budget: int | None = None
    """The most requests; None if there is no end."""
    waits: bool
    """A spent day is waited for; otherwise it is the end."""
    now: float
    """The vendor's now, epoch seconds."""

    def reduced(self, *, part: float = 1.0, spent: int = 0) -> Allowance:
        """Such a part of the counters, and what is left after so many requests on each and of the budget."""
        counters = {
            name: attrs.evolve(
                one,
                left_today=None if one.left_today is None else max(0, math.floor(one.left_today * part) - spent),
                part=one.part * part,
            )
            for name, one in self.counters.items()
        }
        budget = None if self.budget is None else max(0, self.budget - spent)
        return attrs.evolve(self, counters=counters, budget=budget)

    def takes_s(self, requests: Mapping[str, float]) -> float | None:
        """Seconds until all of it, by the name of the vendor's row, is answered; None if the day ends it."""
        spent = _sum(*({self.counter_of[name]: figure} for name, figure in requests.items()))
        took = [self.counters[counter].takes_s(figure, waits=self.waits) for counter, figure in spent.items()]
        return None if None in took else max((one for one in took if one is not None), default=0.0)

    def ends(self, requests: Mapping[str, float]) -> Literal["", "budget", "quota"]:
        """What is at an end before all of it is answered; `""` if nothing is."""
        if self.budget is not None and sum(requests.values()) > self.budget:
            return "budget"
        return "quota" if self.takes_s(requests) is None else ""


def losses(over: TimeRange, price: Price, allowance: Allowance, *, reserve: float = 1.0) -> tuple[Loss, ...]:
    """What of `over` is not read, oldest first.

    Args:
        over: the range asked for.
        price: what it costs.
        allowance: what there is.
        reserve: the most that it may cost is multiplied by this.
    """
    found = []
    oldest = math.ceil(allowance.now - allowance.history_s) + HISTORY_MARGIN_S
    if over.start < oldest:
        found.append(Loss(over=TimeRange(over.start, min(over.end, oldest)), calls=None, reason="history"))
    expected = _sum(*(window.requests for window in price.windows))
    dear = {name: reserve * price.rows[name].most / figure for name, figure in expected.items() if figure}
    spent: dict[str, float] = {}
    for at, window in enumerate(price.windows):
        own = {name: figure * dear.get(name, 0.0) for name, figure in window.requests.items()}
        done = _sum(spent, own)
        reason = allowance.ends(done)
        if reason:
            low, high = 0.0, 1.0  # how much of the window can be read
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                part = {name: middle * figure for name, figure in own.items()}
                low, high = (low, middle) if allowance.ends(_sum(spent, part)) else (middle, high)
            calls = (1 - low) * _begun([window], over) + _begun(price.windows[at + 1 :], over)
            found.append(Loss(over=TimeRange(window.over.start, over.end), calls=math.ceil(calls), reason=reason))
            break
        spent = done
        forgotten = math.ceil(allowance.now + (allowance.takes_s(spent) or 0.0) - allowance.history_s)
        if forgotten > window.over.start:
            gone = TimeRange(window.over.start, min(window.over.end, forgotten))
            found.append(Loss(over=gone, calls=math.ceil(_begun([window], gone)), reason="history"))
    return tuple(found)


def _sum(*requests: Mapping[str, float]) -> dict[str, float]:
    names = dict.fromkeys(name for some in requests for name in some)
    return {name: sum(some.get(name, 0.0) for some in requests) for name in names}


def _begun(windows: Iterable[WindowPrice], over: TimeRange) -> float:
    """About how many calls first listed in these windows begin before the end of `over`."""
    return sum(calls for window in windows for begun, calls in window.begins if begun < over.end)
