"""What would fit where a scan does not: less time, less depth, worse calls only, one channel only.

Each proposal gives up one thing and keeps the rest. It is searched for by halving, since less never costs more; what is
proposed leaves room for another probe and, where figures are guessed, for a tenth more than the most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from agora_tencent_analytics.scan.filters import FreezeFrom, freeze_ratio
from agora_tencent_analytics.scan.forecast.cost import Priced, Pricer
from agora_tencent_analytics.scan.forecast.losses import Means, losses
from agora_tencent_analytics.scan.forecast.population import Only
from agora_tencent_analytics.scan.forecast.proposal import Proposal
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.timerange import TimeRange

_FINEST_S = 60
_FINEST_PART = 200
"""A range is proposed to a minute, or to this part of it."""
_CHANNELS = 3
_TRIED = 12
_RESERVE = 1.1
_SHALLOWER: dict[Depth, tuple[Depth, ...]] = {"metrics": ("sessions", "calls"), "sessions": ("calls",), "calls": ()}


@attrs.frozen(kw_only=True)
class Asked:
    """What was asked for, beside the range."""

    depth: Depth
    channel: str | None
    users: tuple[str, ...] | None
    only: Only | None


@attrs.frozen
class _Search:
    pricer: Pricer
    means: Means
    over: TimeRange
    asked: Asked

    def fits(self, over: TimeRange | None = None, **changed: Any) -> Priced | None:
        """The price with one thing changed, if it fits."""
        over, asked = over or self.over, attrs.evolve(self.asked, **changed)
        priced = self.pricer.price(over=over, depth=asked.depth, channel=asked.channel, only=asked.only)
        reserve = 1.0 if priced.total.exact else _RESERVE
        return None if losses(over, priced, self.means, reserve=reserve) else priced

    def propose(self, why: str, priced: Priced, over: TimeRange | None = None, **changed: Any) -> Proposal:
        """What is proposed, with that one thing changed."""
        asked = attrs.evolve(self.asked, **changed)
        return Proposal(
            over=over or self.over,
            depth=asked.depth,
            channel=asked.channel,
            only=asked.only,
            requests=priced.total,
            calls=priced.calls,
            why=why,
        )


def proposals(pricer: Pricer, means: Means, over: TimeRange, asked: Asked) -> Iterator[Proposal]:
    """What would fit, each giving up one thing.

    Args:
        pricer: prices it.
        means: what there is, less what finding out again would cost.
        over: the range that does not fit.
        asked: what of it.
    """
    search = _Search(pricer, means, over, asked)
    yield from _shorter(search)
    yield from _shallower(search)
    if asked.depth != "calls":
        yield from _worse(search)
    if asked.channel is None:
        yield from _one_channel(search)


def _shorter(search: _Search) -> Iterator[Proposal]:
    """The oldest part that can be read, if the day is the end; else all but what is forgotten meanwhile."""
    over, means = search.over, search.means
    finest = max(_FINEST_S, over.seconds // _FINEST_PART)
    whole = [purse.takes_s(purse.left_today or 0, waits=True) or 0.0 for purse in means.purses.values()]
    meanwhile = 0.0 if means.waits else max(whole, default=0.0)
    first = max(over.start, int(means.now + meanwhile - means.history_s) + 2 * _FINEST_S)
    if first + finest >= over.end:
        return
    if not means.waits or means.budget is not None:
        last = _halve(first, over.end, finest, lambda end: search.fits(over=TimeRange(first, end)))
        if last is not None:
            part = TimeRange(first, last[0])
            yield search.propose(f"only the oldest part, {part}", last[1], over=part)
            return
    latest = _halve(over.end, first, finest, lambda start: search.fits(over=TimeRange(start, over.end)))
    if latest is not None:
        part = TimeRange(latest[0], over.end)
        yield search.propose(f"only the newest part, {part}", latest[1], over=part)


def _halve(near: int, far: int, finest: int, fits: Callable[[int], Priced | None]) -> tuple[int, Priced] | None:
    """The bound as far from `near` as fits; None if not even the nearest does."""
    priced = fits(far)
    if priced is not None:
        return far, priced
    sign, low, high, found = 1 if far > near else -1, 0, abs(far - near), None
    while high - low > finest:
        middle = (low + high) // 2
        priced = fits(near + sign * middle)
        if priced is None:
            high = middle
        else:
            low, found = middle, (near + sign * middle, priced)
    return found


def _shallower(search: _Search) -> Iterator[Proposal]:
    for depth in _SHALLOWER[search.asked.depth]:
        priced = search.fits(depth=depth)
        if priced is not None:
            yield search.propose(f"only to depth {depth!r}", priced, depth=depth)
            return


def _worse(search: _Search) -> Iterator[Proposal]:
    """Only the calls that froze most, if the listing tells."""
    if search.asked.only is not None:
        return
    known = {freeze_ratio(one.call) for one in search.pricer.population.seen}
    ratios = sorted(ratio for ratio in known if ratio)
    low, high, best = 0, len(ratios), None
    while low < high:
        middle = (low + high) // 2
        only = FreezeFrom(ratios[middle])
        priced = search.fits(only=only)
        if priced is None:
            low = middle + 1
        else:
            high, best = middle, (only, priced)
    if best is not None:
        yield search.propose(f"only calls {best[0]}", best[1], only=best[0])


def _one_channel(search: _Search) -> Iterator[Proposal]:
    """The busiest channels that fit, of those that were seen."""
    calls: Counter[str] = Counter()
    for one in search.pricer.population.seen:
        calls[one.call.channel] += one.times
    left = _CHANNELS
    for channel, _ in calls.most_common(_TRIED):
        priced = search.fits(channel=channel) if channel and left else None
        if priced is not None:
            left -= 1
            yield search.propose(f"only channel {channel}", priced, channel=channel)
