"""`Pricer`: the price of a scan, or of a smaller one, over the calls of a population.

The questions come from the provider, as a scan would ask them; `requests.py` counts their requests, and `estimate.py`
concludes from the calls that were read to the others. Where a smaller range cuts a window of which not every call was
seen, its calls are taken to be evenly spread over the window.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import NamedTuple

import attrs

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.stays import in_order, packed
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.forecast.estimate import Unit, estimate
from agora_tencent_analytics.scan.forecast.forecast import Interval
from agora_tencent_analytics.scan.forecast.population import ListedCall, Population, attended
from agora_tencent_analytics.scan.forecast.requests import Bill, evenly, pages, price, row_of, windows
from agora_tencent_analytics.scan.options import Depth, ScanOptions
from agora_tencent_analytics.scan.whole_call import WholeCall, list_the_others, whole_call
from agora_tencent_analytics.timerange import TimeRange

_FULL = 100
"""Sessions of a very large call: a full page of either vendor's."""


@attrs.frozen
class WindowPrice:
    """What one window of the listing, and the calls that begin in it, cost if the scan costs the most."""

    over: TimeRange
    row: str = ""
    """The name of the vendor's row that lists it."""
    pages: Interval = attrs.field(factory=partial(Interval.of, 0))
    """The requests that this takes."""
    begins: list[tuple[int, float]] = attrs.field(factory=list)
    """When each call begins, and how many calls it stands for."""
    requests: defaultdict[str, float] = attrs.field(factory=lambda: defaultdict(float))
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


class _Priced(NamedTuple):
    """A call of the range."""

    seen: ListedCall
    own: float
    size: Bill
    """What it costs if everybody stays for the whole call."""
    real: Bill | None
    """What it costs as its sessions are; None if they were not read."""

    def unit(self, names: Sequence[str]) -> Unit:
        """What it costs of these rows."""
        size, real = (None if bill is None else sum(bill[name] for name in names) for bill in (self.size, self.real))
        return Unit(size or 0, real, self.seen.part, self.seen.chosen, self.own)


@attrs.define(eq=False)
class Pricer:
    """Prices scans of one provider.

    Args:
        provider: gives the questions.
        over: the range in which the calls were found.
        options: what they were found by.
        population: the calls.
        now: the vendor's now, epoch seconds.
    """

    provider: Provider
    """Gives the questions."""
    over: TimeRange
    """The range in which the calls were found."""
    options: ScanOptions
    """What they were found by."""
    population: Population
    """The calls."""
    _now: float
    _bills: dict[tuple[int, Depth, int, int], tuple[Bill, Bill | None]] = attrs.field(factory=dict, init=False)
    _pages: dict[tuple[tuple[TimeRange, int], ...], list[int]] = attrs.field(factory=dict, init=False)

    @cached_property
    def whole(self) -> Price:
        """The price of all of it."""
        return self.price(self.over, self.options)

    def price(self, over: TimeRange, options: ScanOptions) -> Price:
        """The price of a scan of no more than was asked for."""
        listed = [one for one in self.population.seen if options.channel in (None, one.call.channel)]
        inside = [(one, one.inside(over)) for one in listed if options.chosen([one.call])]
        read = [_Priced(one, own, *self._cost(one, own, over, options.depth)) for one, own in inside if own]
        names = dict.fromkeys(name for one in read for bill in (one.size, one.real or ()) for name in bill)
        rows = {name: self._estimate(read, [name], options.depth) for name in names}
        total = self._estimate(read, list(names), options.depth) if names else Interval.of(0)
        found = self._listing(over, options.channel, listed) or [WindowPrice(over)]
        for window in found:
            rows[window.row] = rows.get(window.row, Interval.of(0)) + window.pages
            total += window.pages
        _share_out(rows, read, found)
        return Price(calls=_count([one.seen for one in read], over), rows=rows, total=total, windows=found)

    def _estimate(self, read: Sequence[_Priced], names: Sequence[str], depth: Depth) -> Interval:
        """The requests of these rows for all calls."""
        large = 0.0
        if self.population.guessing:  # one of the others may have a full page of users
            rest = sorted([one for one in read if one.real is None] or read, key=lambda one: one.unit(names).size)
            ordinary, call = rest[len(rest) // 2], rest[len(rest) // 2].seen.call
            full = self._bill(call, attended(call, _FULL, self.options.users), depth, self.over)
            large = max(1.0, sum(full[name] - ordinary.size[name] for name in names))
        return estimate([one.unit(names) for one in read], large=large)

    def _listing(self, over: TimeRange, channel: str | None, listed: Sequence[ListedCall]) -> list[WindowPrice]:
        """The windows of the listing with the pages that each takes; none if the calls were listed already."""
        if self.options.calls is not None:
            return []
        questions = self.provider.calls(over, channel=channel).questions(self._now)
        asked = [(question, window) for question in questions for window in windows(question, self._now)]
        counts = [self._rows(window, channel, listed) for _, window in asked]
        ends = []
        for end in ("least", "likely", "most"):
            holds = [(*one, round(getattr(count, end))) for one, count in zip(asked, counts, strict=True)]
            key = tuple((window, rows) for _, window, rows in holds)
            if key not in self._pages:
                walk = [(question, window, evenly(window, rows)) for question, window, rows in holds]
                self._pages[key] = pages(walk, self._now)
            ends.append(self._pages[key])
        return [
            WindowPrice(window, question.row.name, Interval(*three))
            for (question, window), *three in zip(asked, *ends, strict=True)
        ]

    def _rows(self, window: TimeRange, channel: str | None, listed: Sequence[ListedCall]) -> Interval:
        if channel == self.options.channel and window in self.population.listed:
            return Interval.of(self.population.listed[window])
        return _count(listed, window)

    def _cost(self, one: ListedCall, own: float, over: TimeRange, depth: Depth) -> tuple[Bill, Bill | None]:
        """What a call costs if everybody stays for the whole of it, and what it costs as its sessions are."""
        if depth == "calls":
            return Bill(), Bill()
        call, users = one.call, self.options.users
        if own < 1:  # whether it lies in the range is not known
            over = self.over
        end = call.destroyed_ts if call.destroyed_ts is not None else over.end
        key = (id(one), depth, max(call.created_ts, over.start), min(end, over.end))
        if key not in self._bills:
            real = None if one.sessions is None else self._bill(call, one.sessions, depth, over)
            size = real
            if size is None or self.population.guessing:
                there = (call.accumulated_users if users is None else None) or self.population.typical
                size = self._bill(call, attended(call, there, users), depth, over)
            self._bills[key] = size, real
        return self._bills[key]

    def _bill(self, call: Call, sessions: Sequence[Session], depth: Depth, over: TimeRange) -> Bill:
        """What is asked about one call that has these sessions."""
        users = self.options.users
        there = [one for one in sessions if users is None or one.user_id in users]
        rest, cost = there, Bill()
        whole = whole_call(self.provider, call, over, self._now) if depth == "metrics" and users is None else None
        if whole is not None:
            spent, left_out = _left_out(whole, there)
            if left_out is None:
                return price([whole.question], map(row_of, there), self._now)
            rest, cost[whole.question.row.name] = left_out, spent
        asked = self.provider.sessions(call, users=users, over=over).questions(self._now)
        cost += price(asked, map(row_of, there), self._now)
        if depth == "metrics":
            shown = [window for question in asked for window in windows(question, self._now)]
            # Nothing is asked about sessions that stand in the row of their call.
            found = [one for one in rest if not asked or any(row_of(one).reaches(window) for window in shown)]
            if found:
                about = self.provider.metrics(call, found, over=over).questions(self._now)
                cost += price(about, map(row_of, found), self._now)
        return cost


def _left_out(way: WholeCall, sessions: Iterable[Session]) -> tuple[int, list[Session] | None]:
    """The pages of a walk that shows sessions and series together, and what it leaves out; None: nothing."""
    rows, seen, shown = in_order(sessions), set[str](), 0
    total = len({one.user_id for one in rows})
    for number, page in enumerate(packed(rows, way.question.size), 1):
        seen |= {one.user_id for one in page}
        shown += len(page)
        if list_the_others(way, len(page), shown, len(seen), total):
            return number, [one for one in rows if one.user_id not in seen]
    return 0, None


def _count(seen: Sequence[ListedCall], over: TimeRange) -> Interval:
    """How many calls there are in a range."""
    return estimate([Unit(1.0, 1.0, one.part, False, own) for one in seen if (own := one.inside(over))])


def _share_out(rows: Mapping[str, Interval], read: Sequence[_Priced], windows: Sequence[WindowPrice]) -> None:
    """Gives each window its pages of the listing, its calls, and its part of the most that each row costs."""
    starts = [window.over.start for window in windows]
    for window in windows:
        window.requests[window.row] += window.pages.likely
    for one in read:
        window = windows[max(0, bisect_right(starts, one.seen.call.created_ts) - 1)]
        weight = one.own * one.seen.part.weight
        window.begins.append((one.seen.call.created_ts, weight))
        for name, figure in (one.size if one.real is None else one.real).items():
            window.requests[name] += figure * weight
    for name, interval in rows.items():
        expected = sum(window.requests[name] for window in windows)
        for window in windows:
            window.requests[name] *= interval.most / expected if expected else 0.0
