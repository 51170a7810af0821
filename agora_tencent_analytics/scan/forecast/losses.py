"""What of a scan will not be read: where the day, the budget or the vendor's memory ends before it. Plain arithmetic.

**The theory.** A scan reads the windows of the listing oldest first, and each with the calls in it. So what it has sent
when a window is done is the sum of the shares up to there, counter by counter, and the slowest counter says when that
is. What is not read when the day or the budget ends is lost from the start of its window on. Of a window that is done
after t seconds, everything is lost that the vendor has forgotten by then: what is older than the history that is
shortest of all the questions asked. All of it is reckoned with the most that the scan may cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs

from agora_tencent_analytics.paging.clip import HISTORY_MARGIN_S
from agora_tencent_analytics.scan.forecast.affordable import Purse
from agora_tencent_analytics.scan.forecast.cost import Priced, Share
from agora_tencent_analytics.scan.forecast.proposal import Loss
from agora_tencent_analytics.timerange import TimeRange

_HALVINGS = 12


@attrs.frozen(kw_only=True)
class Means:
    """What a scan of one provider can spend, and until when."""

    purses: Mapping[str, Purse]
    """By counter."""
    counters: Mapping[str, str]
    """The counter of each of the vendor's rows, by name."""
    history_s: int
    """How far back the shortest memory of these rows reaches, seconds."""
    budget: int | None
    """The most requests; None if there is no end."""
    waits: bool
    """A spent day is waited for; otherwise it is the end."""
    now: float
    """The vendor's now, epoch seconds."""

    def part_of(self, part: float) -> Means:
        """What is there for one of several that draw on the same counters."""
        return attrs.evolve(self, purses={name: purse.part_of(part) for name, purse in self.purses.items()})

    def less(self, requests: int) -> Means:
        """What is left after so many requests on each counter."""
        purses = {name: purse.less(requests) for name, purse in self.purses.items()}
        return attrs.evolve(self, purses=purses, budget=None if self.budget is None else max(0, self.budget - requests))

    def takes_s(self, bill: Mapping[str, float]) -> float | None:
        """Seconds until all of it is answered; None if the day ends it."""
        spent: dict[str, float] = {}
        for name, requests in bill.items():
            spent[self.counters[name]] = spent.get(self.counters[name], 0.0) + requests
        took = [self.purses[counter].takes_s(requests, waits=self.waits) for counter, requests in spent.items()]
        return None if None in took else max((one for one in took if one is not None), default=0.0)

    def ends(self, bill: Mapping[str, float]) -> Literal["", "budget", "quota"]:
        """What is at an end before all of it is answered; `""` if nothing is."""
        if self.budget is not None and sum(bill.values()) > self.budget:
            return "budget"
        return "quota" if self.takes_s(bill) is None else ""


def losses(over: TimeRange, priced: Priced, means: Means, *, reserve: float = 1.0) -> tuple[Loss, ...]:
    """What of `over` is not read, oldest first.

    Args:
        over: the range asked for.
        priced: what it costs.
        means: what there is.
        reserve: the most that it may cost is multiplied by this.
    """
    found = []
    oldest = math.ceil(means.now - means.history_s) + HISTORY_MARGIN_S
    if over.start < oldest:
        found.append(Loss(over=TimeRange(over.start, min(over.end, oldest)), calls=None, reason="history"))
    dear = {name: reserve * rows.most / rows.likely for name, rows in priced.rows.items() if rows.likely}
    spent: dict[str, float] = {}
    for at, share in enumerate(priced.shares):
        own = {name: requests * dear.get(name, reserve) for name, requests in share.bill.items()}
        reason = means.ends(_sum(spent, own, 1.0))
        if reason:
            unread = 1.0 - _readable(means, spent, own)
            calls = unread * _begun([share], over) + _begun(priced.shares[at + 1 :], over)
            rest = TimeRange(share.window.start, over.end)
            found.append(Loss(over=rest, calls=math.ceil(calls), reason=reason))
            break
        spent = _sum(spent, own, 1.0)
        forgotten = math.ceil(means.now + (means.takes_s(spent) or 0.0) - means.history_s)
        if forgotten > share.window.start:
            gone = TimeRange(share.window.start, min(share.window.end, forgotten))
            found.append(Loss(over=gone, calls=math.ceil(_begun([share], gone)), reason="history"))
    return tuple(found)


def _readable(means: Means, spent: Mapping[str, float], own: Mapping[str, float]) -> float:
    """How much of a window can be read before the means are at an end, from 0 to 1."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if means.ends(_sum(spent, own, middle)) else (middle, high)
    return low


def _sum(spent: Mapping[str, float], own: Mapping[str, float], part: float) -> dict[str, float]:
    return {name: spent.get(name, 0.0) + part * own.get(name, 0.0) for name in {**spent, **own}}


def _begun(shares: Iterable[Share], over: TimeRange) -> float:
    """About how many calls first listed in these windows begin before the end of `over`."""
    return sum(calls for share in shares for begun, calls in share.begins if begun < over.end)
