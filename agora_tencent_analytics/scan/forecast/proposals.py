"""What would fit where a scan does not: less time, less depth, worse calls only, one channel only.

Each proposal gives up one thing and keeps the rest. It is searched for by halving, since less never costs more; what is
proposed leaves room for another probe and, where figures are guessed, for a tenth more than the most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import attrs
import msgspec

from agora_tencent_analytics.scan.forecast.allowance import Allowance, losses
from agora_tencent_analytics.scan.forecast.cost import Pricer
from agora_tencent_analytics.scan.forecast.forecast import Proposal
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
        pricer: prices it, and knows what was asked for.
        allowance: what there is, less what finding out again would cost.
    """

    pricer: Pricer
    allowance: Allowance

    def __iter__(self) -> Iterator[Proposal]:
        kinds = ((1, self._shorter()), (1, self._shallower()), (1, self._worse()), (_CHANNELS, self._channels()))
        for most, offers in kinds:
            yield from islice((one for one in offers if one is not None), most)

    def _offer(self, why: str, **changed: Any) -> Proposal | None:
        """What is asked for with one thing changed, if it fits."""
        over = changed.pop("over", self.pricer.over)
        options = msgspec.structs.replace(self.pricer.options, **changed)
        price = self.pricer.price(over, options)
        if losses(over, price, self.allowance, reserve=1.0 if price.total.exact else _RESERVE):
            return None
        return Proposal(
            over=over,
            depth=options.depth,
            channel=options.channel,
            only=options.only,
            requests=price.total,
            calls=price.calls,
            why=why,
        )

    def _most(self, why: str, changed: str, growing: Sequence[Any]) -> Proposal | None:
        """The last of these values, each of which asks for more than the one before, that fits; found by halving."""

        def offer(value: Any) -> Proposal | None:
            return self._offer(f"{why} {value}", **{changed: value})

        fitting = bisect_left(growing, True, key=lambda value: offer(value) is None)
        return offer(growing[fitting - 1]) if fitting else None

    def _shorter(self) -> Iterator[Proposal | None]:
        """The oldest part that can be read, if the day is the end; else all but what is forgotten meanwhile."""
        over, allowance = self.pricer.over, self.allowance
        finest = max(_FINEST_S, over.seconds // _FINEST_PART)
        whole = [one.takes_s(one.left_today or 0, waits=True) for one in allowance.counters]
        meanwhile = 0.0 if allowance.waits else max(whole, default=0.0)
        first = max(over.start, int(allowance.now + meanwhile - allowance.history_s) + 2 * _FINEST_S)
        lengths = range(finest, over.end - first + finest, finest)
        if len(lengths) < 2:
            return
        if not allowance.waits or allowance.budget is not None:
            oldest = [TimeRange(first, min(over.end, first + length)) for length in lengths]
            yield self._most("only the oldest part,", "over", oldest)
        newest = [TimeRange(max(first, over.end - length), over.end) for length in lengths]
        yield self._most("only the newest part,", "over", newest)

    def _shallower(self) -> Iterator[Proposal | None]:
        for depth in _SHALLOWER[self.pricer.options.depth]:
            yield self._offer(f"only to depth {depth!r}", depth=depth)

    def _worse(self) -> Iterator[Proposal | None]:
        """Only the calls that froze most, if the listing tells."""
        if self.pricer.options.depth != "calls" and self.pricer.options.only is None:
            known = {freeze_ratio(one.call) for one in self.pricer.population.seen}
            yield self._most("only calls", "only", [FreezeFrom(at) for at in sorted(filter(None, known), reverse=True)])

    def _channels(self) -> Iterator[Proposal | None]:
        """The busiest channels, of those that were seen."""
        calls: Counter[str] = Counter()
        for one in self.pricer.population.seen if self.pricer.options.channel is None else ():
            calls[one.call.channel] += one.times
        for channel, _ in calls.most_common(_TRIED):
            if channel:
                yield self._offer(f"only channel {channel}", channel=channel)
