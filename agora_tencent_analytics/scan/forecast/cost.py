"""`Pricer`: the price of a scan, or of a smaller one, over the calls of a population.

The questions come from the provider, as a scan would ask them; `requests.py` counts their requests, and `estimate.py`
concludes from the calls that were read to the others. Where a smaller range cuts a window of which not every call was
seen, its calls are taken to be evenly spread over the window.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import attrs

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.stays import in_order, packed
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.forecast.estimate import Unit, estimate
from agora_tencent_analytics.scan.forecast.forecast import Interval
from agora_tencent_analytics.scan.forecast.population import ListedCall, PlannedScan, Population, attended
from agora_tencent_analytics.scan.forecast.requests import Bill, listing_pages, price, row_of, windows
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.scan.whole_call import WholeCall, list_the_others, whole_call
from agora_tencent_analytics.timerange import TimeRange

_FULL = 100
"""Sessions of a very large call: a full page of either vendor's."""


@attrs.frozen(kw_only=True)
class WindowPrice:
    """What one window of the listing, and the calls that begin in it, are expected to cost."""

    over: TimeRange
    begins: Sequence[tuple[int, float]]
    """When each call begins, and how many calls it stands for."""
    requests: Mapping[str, float]
    """By the name of the vendor's row."""


@attrs.frozen(kw_only=True)
class Price:
    """What a scan costs."""

    calls: Interval
    rows: Mapping[str, Interval]
    """By the name of the vendor's row."""
    total: Interval
    windows: Sequence[WindowPrice]
    """In the order in which a scan reads."""


@attrs.frozen(eq=False)
class _Priced:
    """A call of the range."""

    seen: ListedCall
    weight: float
    own: float
    size: Bill
    """What it costs if everybody stays for the whole call."""
    real: Bill | None

    def unit(self, names: Iterable[str]) -> Unit:
        size, real = (None if bill is None else sum(bill[name] for name in names) for bill in (self.size, self.real))
        return Unit(size or 0.0, real, self.seen.part, self.seen.chosen, self.weight, self.own)


@attrs.define(eq=False)
class Pricer:
    """Prices scans of one provider.

    Args:
        provider: gives the questions.
        population: the calls.
        asked: what they were found by.
        now: the vendor's now, epoch seconds.
    """

    _provider: Provider
    population: Population
    """The calls."""
    _asked: PlannedScan
    _now: float
    _bills: dict[tuple[int, Depth, int, int], tuple[Bill, Bill | None]] = attrs.field(factory=dict, init=False)
    _listings: dict[tuple[tuple[TimeRange, int], ...], list[int]] = attrs.field(factory=dict, init=False)

    def price(self, asked: PlannedScan) -> Price:
        """The price of a scan of no more than was asked for."""
        over, channel, only = asked.over, asked.channel, asked.only
        listed = [one for one in self.population.seen if channel in (None, one.call.channel)]
        weighed = ((one, *_stands(one, over)) for one in listed if only is None or only(one.call))
        read = [
            _Priced(one, weight, own, *self._cost(one, asked.depth, over if own >= 1 else self._asked.over))
            for one, weight, own in weighed
            if weight
        ]
        listing = self._listing(over, channel, listed)
        rows: dict[str, Interval] = {}
        for _, name, pages in listing:
            rows[name] = rows.get(name, Interval.of(0)) + pages
        names = dict.fromkeys(name for one in read for bill in (one.size, one.real or ()) for name in bill)
        total = sum(rows.values(), self._estimate(read, list(names), asked.depth) if names else Interval.of(0))
        rows |= {name: self._estimate(read, [name], asked.depth) for name in names}
        return Price(
            calls=_count([one.seen for one in read], over),
            rows=rows,
            total=total,
            windows=_windows(listing, over, read),
        )

    def _estimate(self, read: Sequence[_Priced], names: Sequence[str], depth: Depth) -> Interval:
        """The requests of these rows for all calls."""
        large = 0.0
        if self.population.guessing:  # one of the others may have a full page of users
            rest = sorted([one for one in read if one.real is None] or read, key=lambda one: one.unit(names).size)
            ordinary, call = rest[len(rest) // 2], rest[len(rest) // 2].seen.call
            full = self._bill(call, attended(call, _FULL, self._asked.users), depth, self._asked.over)
            large = max(1.0, sum(full[name] - ordinary.size[name] for name in names))
        return estimate([one.unit(names) for one in read], large=large)

    def _listing(
        self, over: TimeRange, channel: str | None, listed: Sequence[ListedCall]
    ) -> list[tuple[TimeRange, str, Interval]]:
        """Each window of the listing with the name of the vendor's row and the pages that it takes."""
        found: list[tuple[TimeRange, str, Interval]] = []
        if not self.population.listing:
            return found
        for question in self._provider.calls(over, channel=channel).questions(self._now):
            counts = [(window, self._rows(window, channel, listed)) for window in windows(question, self._now)]
            ends = []
            for end in ("least", "likely", "most"):
                key = tuple((window, round(getattr(rows, end))) for window, rows in counts)
                if key not in self._listings:
                    self._listings[key] = listing_pages(question, key, self._now)
                ends.append(self._listings[key])
            pages = (Interval(*three) for three in zip(*ends, strict=True))
            found += [(window, question.row.name, one) for (window, _), one in zip(counts, pages, strict=True)]
        return found

    def _rows(self, window: TimeRange, channel: str | None, listed: Sequence[ListedCall]) -> Interval:
        if channel == self._asked.channel and window in self.population.listed:
            return Interval.of(self.population.listed[window])
        return _count(listed, window)

    def _cost(self, one: ListedCall, depth: Depth, over: TimeRange) -> tuple[Bill, Bill | None]:
        """What a call costs if everybody stays for the whole of it, and what it costs as its sessions are."""
        if depth == "calls":
            return Bill(), Bill()
        call = one.call
        end = call.destroyed_ts if call.destroyed_ts is not None else over.end
        key = (id(one), depth, max(call.created_ts, over.start), min(end, over.end))
        if key not in self._bills:
            real = None if one.sessions is None else self._bill(call, one.sessions, depth, over)
            if real is None or self.population.guessing:
                users = call.accumulated_users if self._asked.users is None else None
                size = self._bill(
                    call, attended(call, users or self.population.typical, self._asked.users), depth, over
                )
            else:
                size = real
            self._bills[key] = size, real
        return self._bills[key]

    def _bill(self, call: Call, sessions: Sequence[Session], depth: Depth, over: TimeRange) -> Bill:
        """What is asked about one call that has these sessions."""
        there = [one for one in sessions if self._asked.users is None or one.user_id in self._asked.users]
        rest, cost = there, Bill()
        if depth == "metrics" and self._asked.users is None:
            whole = whole_call(self._provider, call, over, self._now)
            if whole is not None:
                pages, left_out = _left_out(whole, there)
                if left_out is None:
                    return price([whole.question], map(row_of, there), self._now)
                rest = left_out
                cost[whole.question.row.name] += pages
        asked = self._provider.sessions(call, users=self._asked.users, over=over).questions(self._now)
        cost += price(asked, map(row_of, there), self._now)
        if depth == "metrics":
            shown = [window for question in asked for window in windows(question, self._now)]
            # Nothing is asked about sessions that stand in the row of their call.
            found = [one for one in rest if not asked or any(row_of(one).reaches(window) for window in shown)]
            if found:
                about = self._provider.metrics(call, found, over=over).questions(self._now)
                cost += price(about, map(row_of, found), self._now)
        return cost


def _left_out(way: WholeCall, sessions: Iterable[Session]) -> tuple[int, list[Session] | None]:
    """The pages of a walk that shows sessions and series together, and what it leaves out; None: nothing."""
    rows, seen, pages, shown = in_order(sessions), set[str](), 0, 0
    total = len({one.user_id for one in rows})
    for pages, page in enumerate(packed(rows, way.question.size), 1):
        seen |= {one.user_id for one in page}
        shown += len(page)
        if list_the_others(way, len(page), shown, len(seen), total):
            return pages, [one for one in rows if one.user_id not in seen]
    return pages, None


def _stands(one: ListedCall, over: TimeRange) -> tuple[float, float]:
    """How many calls of a range a call stands for, and how many of them are itself."""
    share = one.part.share(over) if one.part.unseen else 1.0
    if share == 1 and not row_of(one.call).reaches(over):
        return 0.0, 0.0
    own = one.times * share
    return own * (1 + one.part.unseen / max(1, one.part.shown)), own


def _count(seen: Sequence[ListedCall], over: TimeRange) -> Interval:
    """How many calls there are in a range."""
    stands = ((one, *_stands(one, over)) for one in seen)
    return estimate([Unit(1.0, 1.0, one.part, False, weight, own) for one, weight, own in stands if weight])


def _windows(
    listing: Sequence[tuple[TimeRange, str, Interval]], over: TimeRange, read: Sequence[_Priced]
) -> list[WindowPrice]:
    """The windows of the listing, each with the calls that begin in it."""
    requests: list[tuple[TimeRange, dict[str, float]]]
    requests = [(window, {name: pages.likely}) for window, name, pages in listing] or [(over, {})]
    begins: list[list[tuple[int, float]]] = [[] for _ in requests]
    starts = [window.start for window, _ in requests]
    for one in read:
        at = max(0, bisect_right(starts, one.seen.call.created_ts) - 1)
        begins[at].append((one.seen.call.created_ts, one.weight))
        for name, figure in (one.size if one.real is None else one.real).items():
            requests[at][1][name] = requests[at][1].get(name, 0.0) + figure * one.weight
    return [
        WindowPrice(over=window, begins=begun, requests=own)
        for (window, own), begun in zip(requests, begins, strict=True)
    ]
