"""What would fit where a scan does not: less time, less depth, worse calls only, one channel only.

Each proposal gives up one thing and keeps the rest. It is searched for by halving, since less never costs more; what is
proposed leaves room for another probe and, where figures are guessed, for a tenth more than the most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import attrs

from agora_tencent_analytics.scan.forecast.allowance import Allowance, losses
from agora_tencent_analytics.scan.forecast.cost import Pricer
from agora_tencent_analytics.scan.forecast.forecast import Proposal
from agora_tencent_analytics.scan.forecast.population import PlannedScan
from agora_tencent_analytics.scan.options import Depth, FreezeFrom, freeze_ratio
from agora_tencent_analytics.timerange import TimeRange

_FINEST_S = 60
_FINEST_PART = 200
"""A range is proposed to a minute, or to this part of it."""
_CHANNELS = 3
_TRIED = 12
_RESERVE = 1.1
_SHALLOWER: dict[Depth, tuple[Depth, ...]] = {"metrics": ("sessions", "calls"), "sessions": ("calls",), "calls": ()}


@attrs.frozen
class Proposals:
    """What would fit, each giving up one thing.

    Args:
        pricer: prices it.
        allowance: what there is, less what finding out again would cost.
        asked: what does not fit.
    """

    pricer: Pricer
    allowance: Allowance
    asked: PlannedScan

    def __iter__(self) -> Iterator[Proposal]:
        asked = self.asked
        yield from _first(1, [self._shorter()])
        yield from _first(
            1, (self._offer(f"only to depth {depth!r}", depth=depth) for depth in _SHALLOWER[asked.depth])
        )
        if asked.depth != "calls" and asked.only is None:
            yield from _first(1, [self._worse()])
        if asked.channel is None:
            yield from _first(_CHANNELS, self._channels())

    def _offer(self, why: str, **changed: Any) -> Proposal | None:
        """What is asked for with one thing changed, if it fits."""
        asked = attrs.evolve(self.asked, **changed)
        price = self.pricer.price(asked)
        reserve = 1.0 if price.total.exact else _RESERVE
        if losses(asked.over, price, self.allowance, reserve=reserve):
            return None
        return Proposal(
            over=asked.over,
            depth=asked.depth,
            channel=asked.channel,
            only=asked.only,
            requests=price.total,
            calls=price.calls,
            why=why,
        )

    def _shorter(self) -> Proposal | None:
        """The oldest part that can be read, if the day is the end; else all but what is forgotten meanwhile."""
        over, allowance = self.asked.over, self.allowance
        finest = max(_FINEST_S, over.seconds // _FINEST_PART)
        whole = [one.takes_s(one.left_today or 0, waits=True) or 0.0 for one in allowance.counters.values()]
        meanwhile = 0.0 if allowance.waits else max(whole, default=0.0)
        first = max(over.start, int(allowance.now + meanwhile - allowance.history_s) + 2 * _FINEST_S)
        steps = -(-(over.end - first) // finest)
        if steps < 2:
            return None

        def oldest(number: int) -> Proposal | None:
            part = TimeRange(first, min(over.end, first + number * finest))
            return self._offer(f"only the oldest part, {part}", over=part)

        def newest(number: int) -> Proposal | None:
            part = TimeRange(max(first, over.end - number * finest), over.end)
            return self._offer(f"only the newest part, {part}", over=part)

        found = None
        if not allowance.waits or allowance.budget is not None:
            found = _most(steps, oldest)
        return found or _most(steps, newest)

    def _worse(self) -> Proposal | None:
        """Only the calls that froze most, if the listing tells."""
        known = {freeze_ratio(one.call) for one in self.pricer.population.seen}
        filters = [FreezeFrom(ratio) for ratio in sorted((ratio for ratio in known if ratio), reverse=True)]
        return _most(
            len(filters), lambda number: self._offer(f"only calls {filters[number - 1]}", only=filters[number - 1])
        )

    def _channels(self) -> Iterator[Proposal | None]:
        """The busiest channels, of those that were seen."""
        calls: Counter[str] = Counter()
        for one in self.pricer.population.seen:
            calls[one.call.channel] += one.times
        return (
            self._offer(f"only channel {channel}", channel=channel)
            for channel, _ in calls.most_common(_TRIED)
            if channel
        )


def _first(most: int, offers: Iterable[Proposal | None]) -> Iterator[Proposal]:
    """The first offers that fit."""
    return islice((one for one in offers if one is not None), most)


def _most(steps: int, offer: Callable[[int], Proposal | None]) -> Proposal | None:
    """The offer of the highest number from 1 to `steps` that fits, found by halving."""
    low, high, best = 0, steps + 1, None
    while high - low > 1:
        middle = (low + high) // 2
        found = offer(middle)
        low, high, best = (low, middle, best) if found is None else (middle, high, found)
    return best
