"""`forecast`: what a scan will cost, found out before it is paid.

The calls of each provider are known, stated, or found by a probe (`probe.py`); they are priced (`cost.py`), and the
price is weighed against what there is to spend (`allowance.py`, `proposals.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import anyio
import attrs

from agora_tencent_analytics.context import Priority
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan.forecast.allowance import Allowance, CounterAllowance, losses
from agora_tencent_analytics.scan.forecast.cost import Price, Pricer
from agora_tencent_analytics.scan.forecast.forecast import Forecast, Interval, Only, RowForecast, VendorForecast
from agora_tencent_analytics.scan.forecast.population import (
    Known,
    PlannedScan,
    Population,
    known_population,
    stated_population,
)
from agora_tencent_analytics.scan.forecast.probe import Probe
from agora_tencent_analytics.scan.forecast.proposals import Proposals
from agora_tencent_analytics.scan.lane import asks
from agora_tencent_analytics.scan.options import Depth, ScanOptions, freeze_ratio
from agora_tencent_analytics.scan.run import scan
from agora_tencent_analytics.scan.stream import names_of
from agora_tencent_analytics.timerange import TimeRange

PROBED = 30
"""Calls whose sessions a probe reads."""
MINUTES = 30.0
"""Length of a call where it is not stated."""


async def forecast(
    *providers: Provider,
    over: Over | None = None,
    depth: Depth = "metrics",
    channel: str | None = None,
    users: Sequence[str] | None = None,
    only: Only | None = None,
    on_quota: Literal["stop", "wait"] = "stop",
    known: Known | None = None,
    calls: int | Iterable[Call] | None = None,
    sessions_per_call: int | None = None,
    minutes_per_call: float = MINUTES,
    probe: int = PROBED,
    seed: int = 0,
    budget: Budget | None = None,
    priority: Priority = "backfill",
) -> Forecast:
    """What a scan with these arguments will cost, whether that fits the quota, and what would.

    Nothing is asked where the calls are `known` or stated (`calls`). Otherwise a probe reads a few pages of each
    window of the listing, and the sessions of some calls; the rest is given as an interval.

    Args:
        providers: who would be asked; at least one.
        over: the range, start included, end excluded; `Last` is resolved at once. May be left out with calls that were
            listed already.
        depth: `"calls"`, `"sessions"` or `"metrics"`.
        channel: only calls of this channel or room.
        users: only sessions of these users.
        only: only the calls for which this is true; see `FreezeFrom`.
        on_quota: a spent day is the end (`"stop"`), or is waited for (`"wait"`): then a scan fits if each part is read
            before the vendor forgets it.
        known: calls, each with its sessions or with their number. The forecast is then exact: the requests of a scan
            that nothing disturbs.
        calls: the number of calls in the range, of each provider; or calls that were listed already, as for `scan`:
            then no listing is in the price, and the probe reads the sessions of some of them.
        sessions_per_call: sessions in each of them; with `calls` only.
        minutes_per_call: length of each of them, minutes; with `calls` only.
        probe: the most calls whose sessions the probe reads; at depth `"calls"` none are.
        seed: of what the probe draws.
        budget: what both the probe and the scan may spend.
        priority: of the scan; what is reserved of a day for others is not there for it.

    Raises:
        BadInput: an argument is wrong. Nothing was sent.
        NotOffered: a provider or its plan lacks what the depth needs. Nothing was sent.
        DailyQuotaExhausted: not even the probe could be sent.
        AnalyticsError: the probe failed.
    """
    number = calls if isinstance(calls, int) else None
    listed = None if calls is None or isinstance(calls, int) else tuple(calls)
    # A scan refuses what is wrong when it is made, and is not begun.
    records = scan(
        *providers,
        over=over,
        calls=listed,
        depth=depth,
        channel=channel,
        users=users,
        only=only,
        on_quota=on_quota,
        budget=budget,
        priority=priority,
    )
    _check(depth, known, number, sessions_per_call, minutes_per_call, probe)
    known = None if known is None else tuple(known)
    outlooks = []
    for provider in providers:
        outlooks.append(_Outlook(provider, records._range(provider), records._options, priority))
    failures: list[Exception] = []

    async def look(one: _Outlook) -> None:
        try:
            if known is not None:
                found = known_population(known, one.provider.name, one.asked.over)
            elif number is not None:
                found = stated_population(
                    one.provider.name,
                    one.asked,
                    calls=number,
                    sessions_per_call=sessions_per_call or 0,
                    minutes_per_call=minutes_per_call,
                )
            else:
                found = await one.probe(0 if depth == "calls" else probe, seed)
            await one.price(found, waits=on_quota == "wait")
        except Exception as failure:
            failures.append(failure)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for each in outlooks:
            group.start_soon(look, each)
    if failures:
        raise failures[0]
    vendors: dict[str, VendorForecast] = {}
    for name, one in zip(names_of(providers), outlooks, strict=True):
        share = None if budget is None else math.floor(budget.left * one.part_of(outlooks))
        sharing = [other for other in outlooks if other.provider.shared_quota is one.provider.shared_quota]
        vendors[name] = one.forecast(share, one.part_of(sharing))
    return Forecast(vendors=vendors)


def _check(
    depth: Depth, known: Known | None, calls: int | None, sessions: int | None, minutes: float, probe: int
) -> None:
    for name, value in (("calls", calls), ("sessions_per_call", sessions), ("probe", probe)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise BadInput(f"{name} must be a whole number from 0, not {value!r}")
    if known is not None and calls is not None:
        raise BadInput("give either known= or calls=, not both")
    if sessions is not None and calls is None:
        raise BadInput("sessions_per_call= goes with calls=")
    if calls is not None and depth != "calls" and sessions is None:
        raise BadInput(f"with calls=, depth={depth!r} needs sessions_per_call= as well")
    if not 0 < minutes < math.inf:
        raise BadInput(f"minutes_per_call must be positive, not {minutes!r}")
    if known is None and calls is None and not probe and depth != "calls":
        raise BadInput(f"depth={depth!r} needs a probe of at least one call, or known=, or calls=")


class _Outlook:
    """The forecast for one provider, as it is found out.

    Raises:
        NotOffered: the vendor or its plan lacks what the depth needs.
    """

    _pricer: Pricer
    _cost: Price
    _allowance: Allowance

    def __init__(self, provider: Provider, over: TimeRange, options: ScanOptions, priority: Priority) -> None:
        self.provider = provider
        self.asked = PlannedScan(
            over=over, depth=options.depth, channel=options.channel, users=options.users, only=options.only
        )
        self._options = options
        self._priority: Priority = priority
        self._probed = 0
        now, listings = provider.now(), asks(provider, options, over)
        self._rows = {question.row.name: question.row for listing in listings for question in listing.questions(now)}

    async def probe(self, sample: int, seed: int) -> Population:
        """Finds the calls."""
        calls = self._options.calls
        view = self.provider.with_options(priority=self._priority, budget=self._options.budget)
        mine = None if calls is None else [call for call in calls if call.vendor == view.name]
        found = await Probe(view, self.asked, seed).population(sample, mine)
        self._probed = view.receipt.requests
        return found

    async def price(self, population: Population, *, waits: bool) -> None:
        """Prices the calls, and looks at the quota."""
        now = self.provider.now()
        self._pricer = Pricer(self.provider, population, self.asked, now)
        self._cost = self._pricer.price(self.asked)
        counters: dict[str, CounterAllowance] = {}
        counter_of = {}
        for name, row in self._rows.items():
            state = await self.provider.quota_state(row)
            counter_of[name] = state.counter
            reserved = sum(requests for who, requests in state.reserved.items() if who != self._priority)
            known = counters.get(state.counter)
            counters[state.counter] = CounterAllowance(
                rates=(*(known.rates if known else ()), *self.provider.limits(row).counted),
                reserved=reserved,
                left_today=None if state.left_today is None else max(0, state.left_today - reserved),
                resets_at=state.resets_at,
                now=now,
            )
        history_s = min(self.provider.limits(row).history_s for row in self._rows.values())
        self._allowance = Allowance(counters=counters, counter_of=counter_of, history_s=history_s, waits=waits, now=now)

    def part_of(self, all_of_them: Sequence[_Outlook]) -> float:
        """Its part of what all of these cost."""
        whole = sum(one._cost.total.most for one in all_of_them)
        return self._cost.total.most / whole if whole else 1.0

    def forecast(self, budget: int | None, of_quota: float) -> VendorForecast:
        """What it costs, if so many requests of a budget, and such a part of the quota, are this provider's."""
        allowance = attrs.evolve(self._allowance.reduced(part=of_quota), budget=budget)
        lost = losses(self.asked.over, self._cost, allowance)
        found = tuple(Proposals(self._pricer, allowance.reduced(spent=self._probed), self.asked)) if lost else ()
        remarks = []
        if lost and not found:
            remarks.append("nothing that gives up one thing alone fits")
        population = self._pricer.population
        frozen = [freeze_ratio(one.call) for one in population.seen]
        if (
            lost
            and self.asked.depth != "calls"
            and population.listed
            and not any(ratio is not None for ratio in frozen)
        ):
            remarks.append("the listing has no freeze figures, so the worst calls cannot be chosen by it")
        rows = tuple(self._row(counter, one) for counter, one in allowance.counters.items())
        return VendorForecast(
            plan=self.provider.plan.name,
            over=self.asked.over,
            depth=self.asked.depth,
            calls=self._cost.calls,
            rows=rows,
            requests=self._cost.total,
            seconds=Interval.highest(row.seconds for row in rows),
            probed=self._probed,
            basis=population.basis,
            lost=lost,
            proposals=found,
            remarks=tuple(remarks),
        )

    def _row(self, counter: str, allowance: CounterAllowance) -> RowForecast:
        names = tuple(name for name in self._rows if self._allowance.counter_of[name] == counter)
        requests = sum((self._cost.rows.get(name, Interval.of(0)) for name in names), Interval.of(0))
        return RowForecast(
            counter=counter,
            endpoints=names,
            requests=requests,
            a_day=allowance.a_day,
            left_today=allowance.left_today,
            resets_at=allowance.resets_at,
            seconds=requests.each(lambda figure: allowance.takes_s(figure, waits=True) or 0.0),
        )
