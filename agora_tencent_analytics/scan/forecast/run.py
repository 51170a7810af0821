"""`forecast`: what a scan will cost, found out before it is paid.

For each provider, in this order:

1. Which calls are there? They are known or stated (`population.py`), or some of them are seen by a probe (`probe.py`).
2. What does one of them cost? The questions are those that a scan would ask (`cost.py`), and their requests are counted
   by the very readers of a walk (`requests.py`).
3. What do all of them cost? What was read says something of the rest, within an interval (`estimate.py`).
4. Does that fit? It is weighed against what there is to spend (`allowance.py`), and so is what gives up something
   (`proposals.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Literal

import anyio

from agora_tencent_analytics.context import Priority
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.quota.limiter import safe_limit
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan.forecast.allowance import Allowance, CounterAllowance, each_s, losses
from agora_tencent_analytics.scan.forecast.cost import Pricer
from agora_tencent_analytics.scan.forecast.forecast import Forecast, Interval, Only, RowForecast, VendorForecast
from agora_tencent_analytics.scan.forecast.population import Known, known_population, stated_population
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
    # A scan refuses what is wrong when it is made, and is not begun.
    records = scan(
        *providers,
        over=over,
        calls=None if calls is None or isinstance(calls, int) else calls,
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
    options, ranges = records._options, {provider: records._range(provider) for provider in providers}
    for provider, within in ranges.items():
        _rows(provider, within, options)  # raises what can be known before a request
    pricers: dict[Provider, Pricer] = {}

    async def look(provider: Provider, within: TimeRange) -> None:
        if known is not None:
            found = known_population(known, provider.name, within)
        elif number is not None:
            found = stated_population(
                provider.name, within, options.users, number, sessions_per_call or 0, minutes_per_call
            )
        else:
            found = await Probe(provider, within, options, seed).population(0 if depth == "calls" else probe)
        pricers[provider] = Pricer(provider, within, options, found, provider.now())

    try:
        async with anyio.create_task_group() as group:
            for provider, within in ranges.items():
                group.start_soon(look, provider, within)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed.exceptions[0].__cause__
    vendors: dict[str, VendorForecast] = {}
    for name, provider in names_of(providers).items():
        sharing = [other for other in providers if other.shared_quota is provider.shared_quota]
        pricer, part = pricers[provider], _part(pricers[provider], [pricers[other] for other in sharing])
        share = None if budget is None else math.floor(budget.left * _part(pricer, pricers.values()))
        vendors[name] = _forecast(pricer, await _allowance(pricer, budget=share, part=part))
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


def _rows(provider: Provider, over: TimeRange, options: ScanOptions) -> list[Endpoint[Any]]:
    """What a scan asks, each row once.

    Raises:
        NotOffered: the vendor or its plan lacks what the depth needs.
    """
    now, asked = provider.now(), asks(provider, options, over)
    return list({question.row.name: question.row for each in asked for question in each.questions(now)}.values())


def _part(one: Pricer, of: Iterable[Pricer]) -> float:
    """Its part of what all of these cost; who costs nothing leaves it all to the others, and may have it all."""
    mine = one.whole.total.most
    return mine / sum(other.whole.total.most for other in of) if mine else 1.0


async def _allowance(pricer: Pricer, *, budget: int | None, part: float) -> Allowance:
    """What there is to spend, if so many requests of a budget, and such a part of the quota, are this provider's."""
    provider, options = pricer.provider, pricer.options
    rows = _rows(provider, pricer.over, options)
    now, limits = provider.now(), {row.name: provider.limits(row) for row in rows}
    states = {row.name: await provider.quota_state(row) for row in rows}
    counters = []
    for state in {state.counter: state for state in states.values()}.values():
        names = tuple(name for name, other in states.items() if other.counter == state.counter)
        rates = [rate for name in names for rate in limits[name].counted]
        reserved = sum(requests for who, requests in state.reserved.items() if who != options.priority)
        daily = [max(1, safe_limit(rate.limit, strict=True) - reserved) for rate in rates if rate.is_daily]
        counters.append(
            CounterAllowance(
                counter=state.counter,
                endpoints=names,
                each_s=each_s(rates) / part,
                a_day=min(daily, default=None),
                left_today=None if state.left_today is None else math.floor(max(0, state.left_today - reserved) * part),
                resets_at=state.resets_at,
                now=now,
                part=part,
                long=[rate.share(part) for rate in rates if rate.period_s > HOUR and not rate.is_daily],
            )
        )
    history_s = min(one.history_s for one in limits.values())
    return Allowance(counters=counters, history_s=history_s, budget=budget, waits=options.waiting, now=now)


def _forecast(pricer: Pricer, allowance: Allowance) -> VendorForecast:
    cost, population, options = pricer.whole, pricer.population, pricer.options
    lost = losses(pricer.over, cost, allowance)
    found = tuple(Proposals(pricer, allowance.less(population.probed))) if lost else ()
    remarks = []
    if lost and not found:
        remarks.append("nothing that gives up one thing alone fits")
    silent = population.listed and all(freeze_ratio(one.call) is None for one in population.seen)
    if lost and options.depth != "calls" and silent:
        remarks.append("the listing has no freeze figures, so the worst calls cannot be chosen by it")
    rows = []
    for one in allowance.counters:
        requests = sum((cost.rows.get(name, Interval.of(0)) for name in one.endpoints), Interval.of(0))
        rows.append(
            RowForecast(
                counter=one.counter,
                endpoints=one.endpoints,
                requests=requests,
                a_day=one.a_day,
                left_today=one.left_today,
                resets_at=one.resets_at,
                seconds=requests.each(partial(one.takes_s, waits=True)),
            )
        )
    return VendorForecast(
        plan=pricer.provider.plan.name,
        over=pricer.over,
        depth=options.depth,
        calls=cost.calls,
        rows=tuple(rows),
        requests=cost.total,
        seconds=Interval.highest(row.seconds for row in rows),
        probed=population.probed,
        basis=population.basis,
        lost=lost,
        proposals=found,
        remarks=tuple(remarks),
    )
