"""What there is to spend, how long a scan takes, and what of it would not be read. Plain arithmetic.

**The theory.** A slot is out for its window, the margin and one round trip (`quota/limiter.py`), so in the long run one
of L requests can be sent every (W + margin + round trip) / L seconds, or every pace, whichever is longer; the rates of
a row hold at once, so the slowest decides. Of a window of more than an hour only those wait that find it full. The day
is an account that is filled at midnight UTC: what is left of it today, and from then on the plan's own figure (less
one, as everywhere) each day, is the most that can be sent.

A scan reads the windows of the listing oldest first, and each with the calls in it. So what it has sent when a window
is done is the sum of the windows up to there, counter by counter, and the slowest counter says when that is. What is
not read when the day or the budget ends is lost from the start of its window on. Of a window that is done after t
seconds, everything is lost that the vendor has forgotten by then: what is older than the history that is shortest of
all the questions asked. All of it is reckoned with the most that the scan may cost.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import attrs

from agora_tencent_analytics.limits import DAY, HOUR, Rate
from agora_tencent_analytics.paging.clip import HISTORY_MARGIN_S
from agora_tencent_analytics.quota.limiter import Window, safe_limit
from agora_tencent_analytics.scan.forecast.cost import Price, WindowPrice
from agora_tencent_analytics.scan.forecast.forecast import Loss
from agora_tencent_analytics.timerange import TimeRange

ROUND_TRIP_S = 0.1
"""From a request to its answer, as it is reckoned with; what the vendors need is not documented."""
AT_ONCE = 16
"""Requests that are on their way at the same time where no rate forbids it."""
_PARTS = 4096
"""Of a window that cannot be read whole, what can be is found to such a part."""


def each_s(rates: Iterable[Rate]) -> float:
    """Seconds for each request of many, days and other windows of more than an hour left aside."""
    slowest = ROUND_TRIP_S / AT_ONCE
    for rate in rates:
        if rate.period_s <= HOUR:
            window = Window(rate)
            slowest = max(slowest, (window.rest_s + ROUND_TRIP_S) / window.limit, window.pace_s or 0.0)
    return slowest


@attrs.frozen(kw_only=True)
class CounterAllowance:
    """What one counter of a vendor has to spend, from now on."""

    counter: str
    """The counter, as the quota names it."""
    endpoints: tuple[str, ...]
    """The names of the vendor's rows that draw on it."""
    each_s: float
    """Seconds for each request of many, the day left aside."""
    a_day: int | None
    """Requests of a whole day, beside what is reserved; None if days are not counted."""
    left_today: int | None
    """Requests left of the vendor's UTC day, beside what is reserved; None if days are not counted."""
    resets_at: float
    """The vendor's next midnight UTC."""
    now: float
    """The vendor's now."""
    part: float = 1.0
    """The part of the days after this one that is there: others draw on the counter as well."""
    long: Sequence[Rate] = ()
    """What windows of more than an hour hold, the day left aside: no scan waits for one that it does not fill."""

    def takes_s(self, requests: float, *, waits: bool) -> float:
        """Seconds from now until so many requests are answered; infinite if they never are.

        Args:
            requests: how many.
            waits: a spent day is waited for; otherwise it is the end.
        """
        turns = [(math.ceil(requests / safe_limit(rate.limit, strict=True)), rate.period_s) for rate in self.long]
        full = max(((turn - 1) * period_s for turn, period_s in turns), default=0)
        return max(full, self._by_days_s(requests, waits=waits))

    def _by_days_s(self, requests: float, *, waits: bool) -> float:
        each = self.each_s
        if self.a_day is None or self.left_today is None:
            return requests * each
        until_midnight = max(0.0, self.resets_at - self.now)
        today = min(self.left_today, math.ceil(until_midnight / each))
        if requests <= today:
            return requests * each
        whole, in_a_day = self.a_day * self.part, DAY / each
        days = max(0, math.ceil((requests - today) / min(whole, in_a_day)) - 1)
        if not waits and (self.left_today <= today or (days and whole <= in_a_day)):
            return math.inf
        return until_midnight + days * DAY + (requests - today - days * min(whole, in_a_day)) * each


@attrs.frozen(kw_only=True)
class Allowance:
    """What a scan of one provider can spend, and until when."""

    counters: Sequence[CounterAllowance]
    """Each once."""
    history_s: int
    """How far back the shortest memory of the rows reaches, seconds."""
    budget: int | None
    """The most requests; None if there is no end."""
    waits: bool
    """A spent day is waited for; otherwise it is the end."""
    now: float
    """The vendor's now, epoch seconds."""

    def less(self, spent: int) -> Allowance:
        """What is left after so many requests on each counter, and of the budget."""

        def left(figure: int | None) -> int | None:
            return None if figure is None else max(0, figure - spent)

        counters = [attrs.evolve(one, left_today=left(one.left_today)) for one in self.counters]
        return attrs.evolve(self, counters=counters, budget=left(self.budget))

    def takes_s(self, requests: Mapping[str, float]) -> float:
        """Seconds until all of it, by the name of the vendor's row, is answered; infinite if the day ends it."""
        spent = ((one, sum(requests.get(name, 0.0) for name in one.endpoints)) for one in self.counters)
        return max((one.takes_s(figure, waits=self.waits) for one, figure in spent), default=0.0)

    def ends(self, requests: Mapping[str, float]) -> Literal["", "budget", "quota"]:
        """What is at an end before all of it is answered; `""` if nothing is."""
        if self.budget is not None and sum(requests.values()) > self.budget:
            return "budget"
        return "quota" if math.isinf(self.takes_s(requests)) else ""


def losses(over: TimeRange, price: Price, allowance: Allowance, *, reserve: float = 1.0) -> tuple[Loss, ...]:
    """What of `over` is not read, oldest first.

    Args:
        over: the range asked for.
        price: what it costs.
        allowance: what there is.
        reserve: the most that it may cost is multiplied by this.
    """
    found = list[Loss]()
    oldest = math.ceil(allowance.now - allowance.history_s) + HISTORY_MARGIN_S
    if over.start < oldest:
        found.append(Loss(over=TimeRange(over.start, min(over.end, oldest)), calls=None, reason="history"))
    spent: dict[str, float] = {}
    for at, window in enumerate(price.windows):
        done = _after(spent, window, reserve)
        if reason := allowance.ends(done):
            left = bisect_left(
                range(1, _PARTS),
                True,
                key=lambda parts: bool(allowance.ends(_after(spent, window, reserve * parts / _PARTS))),
            )
            calls = (1 - left / _PARTS) * _begun([window], over) + _begun(price.windows[at + 1 :], over)
            found.append(Loss(over=TimeRange(window.over.start, over.end), calls=math.ceil(calls), reason=reason))
            break
        spent = done
        forgotten = math.ceil(allowance.now + allowance.takes_s(spent) - allowance.history_s)
        if forgotten > window.over.start:
            gone = TimeRange(window.over.start, min(window.over.end, forgotten))
            found.append(Loss(over=gone, calls=math.ceil(_begun([window], gone)), reason="history"))
    return tuple(found)


def _after(spent: Mapping[str, float], window: WindowPrice, share: float) -> dict[str, float]:
    """What is spent when this share of a window is read as well."""
    own = window.requests
    return {name: spent.get(name, 0.0) + share * own.get(name, 0.0) for name in (*spent, *own)}


def _begun(windows: Iterable[WindowPrice], over: TimeRange) -> float:
    """About how many calls first listed in these windows begin before the end of `over`."""
    return sum(calls for window in windows for begun, calls in window.begins if begun < over.end)
