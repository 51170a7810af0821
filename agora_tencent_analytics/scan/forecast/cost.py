"""`Pricer`: the price of a scan, or of a smaller one, over the calls of a population. Sends nothing, waits for nothing.

The questions come from the provider, as a scan would ask them; `requests.py` counts their requests and `interval.py`
concludes from the calls that were read to the others. Where a smaller range cuts a window of which not every call was
seen, its calls are taken to be evenly spread over the window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.forecast.estimate import Unit, predict
from agora_tencent_analytics.scan.forecast.interval import Interval
from agora_tencent_analytics.scan.forecast.population import Only, Population, Seen, attended
from agora_tencent_analytics.scan.forecast.requests import Bill, listing_pages, price, row_of, windows
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.timerange import TimeRange

_FULL = 100
"""Sessions of a very large call: a full page of either vendor's."""


@attrs.frozen(kw_only=True)
class Share:
    """What one window of the listing, and the calls first listed in it, are expected to cost."""

    window: TimeRange
    begins: tuple[tuple[int, float], ...]
    """When each call begins, and for how many calls it stands."""
    bill: Mapping[str, float]


@attrs.frozen(kw_only=True)
class Priced:
    """What a scan costs."""

    calls: Interval
    rows: dict[str, Interval]
    """By the name of the vendor's row."""
    total: Interval
    shares: tuple[Share, ...]
    """By window of the listing, in the order in which a scan reads."""


@attrs.frozen
class _Cost:
    size: Bill
    """If everybody stayed for the whole call."""
    real: Bill | None
    certain: Bill


@attrs.frozen(eq=False)
class _Read:
    """A call that is read, or that is an example of calls that are."""

    seen: Seen
    cost: _Cost
    stands: float

    def unit(self, names: Iterable[str]) -> Unit:
        cost, times = self.cost, self.seen.times
        size, real, certain = (
            None if bill is None else times * sum(bill[name] for name in names)
            for bill in (cost.size, cost.real, cost.certain)
        )
        return Unit(size or 0.0, real, self.seen.stratum, self.seen.chosen, certain or 0.0, self.stands)


_NAMELESS = "calls"
_ONE = _Cost(*[Counter({_NAMELESS: 1})] * 3)


class Pricer:
    """Prices scans of one provider.

    Args:
        provider: gives the questions.
        population: the calls.
        over: the range that the population was found in.
        channel: the channel that it was narrowed to.
        users: only sessions of these users.
        now: the vendor's now, epoch seconds.
    """

    def __init__(
        self,
        provider: Provider,
        population: Population,
        *,
        over: TimeRange,
        channel: str | None,
        users: Sequence[str] | None,
        now: float,
    ) -> None:
        self.population = population
        self._provider = provider
        self._over = over
        self._channel = channel
        self._users = users
        self._now = now
        self._guessing = population.guessing
        self._typical = population.typical
        self._costs: dict[tuple[int, Depth, int, int], _Cost] = {}
        self._listings: dict[tuple[tuple[TimeRange, int], ...], list[int]] = {}

    def price(self, *, over: TimeRange, depth: Depth, channel: str | None = None, only: Only | None = None) -> Priced:
        """The price of a scan with these arguments; the range lies inside that of the population."""
        found = [one for one in self.population.seen if channel in (None, one.call.channel)]
        listed = list(self._within(found, over, "calls"))
        if depth == "calls" and only is None:
            read = listed
        else:
            read = list(self._within([one for one in found if only is None or only(one.call)], over, depth))
        if self.population.listing:
            listing, rows = self._listing(over, channel, listed)
        else:
            listing, rows = [(over, Counter())], {}
        names = [name for name in dict.fromkeys(name for one in read for name in one.cost.size) if name != _NAMELESS]
        total = self._predict(read, names, over) if names else Interval.of(0)
        total = sum(rows.values(), total)
        rows |= {name: self._predict(read, [name], over) for name in names}
        return Priced(
            calls=self._predict(read, None, over),
            rows=rows,
            total=total,
            shares=tuple(self._shares(over, listing, read, rows)),
        )

    def _within(self, some: Iterable[Seen], over: TimeRange, depth: Depth) -> Iterator[_Read]:
        """Those that reach into a range; of a window that is cut, all, as examples."""
        for one in some:
            part = self._share(one.stratum, over)
            if part == 1 and row_of(one.call).reaches(over):
                yield _Read(one, self._cost(one, depth, over), 1.0)
            elif 0 < part < 1:
                yield _Read(one, self._cost(one, depth, self._over), 0.0)

    def _share(self, stratum: int, over: TimeRange) -> float:
        """How much of the window of a stratum with unseen calls lies in a range; 1 where all of them were seen."""
        if not self.population.strata or not self.population.strata[stratum].unseen:
            return 1.0
        window = self.population.strata[stratum].window
        inside = window.overlap(over)
        return inside.seconds / window.seconds if inside else 0.0

    def _predict(self, read: Sequence[_Read], names: Sequence[str] | None, over: TimeRange) -> Interval:
        """The requests of these rows for all calls; the number of calls, if no row is named."""
        counted = [attrs.evolve(one, cost=_ONE) for one in read] if names is None else read
        units = [one.unit(names or [_NAMELESS]) for one in counted]
        mine = Counter(one.seen.stratum for one in read)
        unseen: dict[int, float] = {}
        for stratum, part in enumerate(self.population.strata):
            if part.unseen:
                share = self._share(stratum, over)
                unseen[stratum] = part.unseen if share == 1 else (part.shown + part.unseen) * share
                # Rows that are not to be read tell that not every unseen row is.
                units += [Unit(0.0, None, stratum)] * (part.shown - mine[stratum])
        dear = self._dear(read, names) if self._guessing and names else 0.0
        return predict(units, unseen, dear=dear)

    def _dear(self, read: Sequence[_Read], names: Sequence[str]) -> float:
        """What an ordinary call would cost more if a full page of users were in it; at least one request."""
        rest = sorted((one.unit(names).size, at) for at, one in enumerate(read) if one.seen.sessions is None)
        if not rest:
            return 1.0
        size, at = rest[len(rest) // 2]
        call = read[at].seen.call
        depth: Depth = "metrics" if len(read[at].cost.size) > 1 else "sessions"
        full = self._bill(call, attended(call, _FULL, self._users), depth, self._over)
        return max(1.0, sum(full[name] for name in names) - size)

    # -- the listing --------------------------------------------------------------------------------------------

    def _listing(
        self, over: TimeRange, channel: str | None, listed: Sequence[_Read]
    ) -> tuple[list[tuple[TimeRange, Bill]], dict[str, Interval]]:
        """What the listing costs: window by window, and in all."""
        listing, costs = [], {}
        for question in self._provider.calls(over, channel=channel).questions(self._now):
            counts = [(window, self._rows(window, channel, listed)) for window in windows(question, self._now)]
            figures = []
            for end in ("least", "likely", "most"):
                key = tuple((window, round(getattr(rows, end))) for window, rows in counts)
                if key not in self._listings:
                    self._listings[key] = listing_pages(question, key, self._now)
                figures.append(self._listings[key])
            name = question.row.name
            costs[name] = Interval(*map(float, map(sum, figures)))
            listing += [(window, Counter({name: own})) for (window, _), own in zip(counts, figures[1], strict=True)]
        return listing, costs

    def _rows(self, window: TimeRange, channel: str | None, listed: Sequence[_Read]) -> Interval:
        if channel == self._channel and window in self.population.listed:
            return Interval.of(self.population.listed[window])
        there = [one for one in listed if not one.stands or row_of(one.seen.call).reaches(window)]
        return self._predict(there, None, window)

    # -- the calls ----------------------------------------------------------------------------------------------

    def _cost(self, one: Seen, depth: Depth, over: TimeRange) -> _Cost:
        if depth == "calls":
            return _ONE
        call = one.call
        end = call.destroyed_ts if call.destroyed_ts is not None else over.end
        key = (id(one), depth, max(call.created_ts, over.start), min(end, over.end))
        if key not in self._costs:
            real = None if one.sessions is None else self._bill(call, one.sessions, depth, over)
            if real is not None and not self._guessing:
                self._costs[key] = _Cost(real, real, real)
            else:
                users = call.accumulated_users if self._users is None else None
                size = self._bill(call, attended(call, users or self._typical, self._users), depth, over)
                self._costs[key] = _Cost(size, real, self._bill(call, (), "sessions", over))
        return self._costs[key]

    def _bill(self, call: Call, sessions: Sequence[Session], depth: Depth, over: TimeRange) -> Bill:
        """What is asked about one call that has these sessions."""
        there = [one for one in sessions if self._users is None or one.user_id in self._users]
        asked = self._provider.sessions(call, users=self._users, over=over).questions(self._now)
        cost = price(asked, map(row_of, there), self._now)
        if depth == "metrics":
            shown = [window for question in asked for window in windows(question, self._now)]
            found = [one for one in there if any(row_of(one).reaches(window) for window in shown)]
            if found:
                about = self._provider.metrics(call, found, over=over).questions(self._now)
                cost += price(about, map(row_of, found), self._now)
        return cost

    # -- in the order of reading --------------------------------------------------------------------------------

    def _shares(
        self,
        over: TimeRange,
        listing: Sequence[tuple[TimeRange, Bill]],
        read: Sequence[_Read],
        rows: dict[str, Interval],
    ) -> Iterator[Share]:
        """Each window with the calls first listed in it; together what is likely."""
        bills: list[dict[str, float]] = [dict(bill) for _, bill in listing]
        begins: list[list[tuple[int, float]]] = [[] for _ in listing]
        expected: dict[str, float] = {}
        for one in read:
            at = self._place(one, [window for window, _ in listing])
            if at is None:
                continue
            stands = float(one.seen.times)
            if self.population.strata:
                part = self.population.strata[one.seen.stratum]
                stands *= (part.shown + part.unseen) / part.shown * self._share(one.seen.stratum, over)
            begins[at].append((one.seen.call.created_ts, stands))
            for name, figure in (one.cost.real or one.cost.size).items():
                if name in rows:
                    bills[at][name] = bills[at].get(name, 0.0) + figure * stands
                    expected[name] = expected.get(name, 0.0) + figure * stands
        for (window, own), bill, begun in zip(listing, bills, begins, strict=True):
            for name in bill.keys() - own.keys():
                bill[name] *= rows[name].likely / expected[name] if expected[name] else 0.0
            yield Share(window=window, begins=tuple(begun), bill=bill)

    def _place(self, one: _Read, listing: Sequence[TimeRange]) -> int | None:
        """The first window of the listing that shows a call, or that calls like it are in."""
        row = row_of(one.seen.call)
        if one.stands:
            return next((at for at, window in enumerate(listing) if row.reaches(window)), None)
        own = self.population.strata[one.seen.stratum].window
        return next((at for at, window in enumerate(listing) if window.overlap(own)), None)
