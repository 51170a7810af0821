"""`forecast`: what a scan will cost, found out before it is paid.

Holds the arguments and their checks. What is asked of one provider, and what follows, is `provider_forecast.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import anyio

from agora_tencent_analytics.context import Priority
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan.forecast.forecast import Forecast, VendorForecast
from agora_tencent_analytics.scan.forecast.population import Known, Only
from agora_tencent_analytics.scan.forecast.proposals import Asked
from agora_tencent_analytics.scan.forecast.provider_forecast import ProviderForecast, Source
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.scan.run import scan
from agora_tencent_analytics.scan.stream import names_of

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
    stated = calls if isinstance(calls, int) or calls is None else None
    listed = None if calls is None or isinstance(calls, int) else tuple(calls)
    # A scan refuses what is wrong when it is made, and is not begun.
    scan(
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
    _check(depth, known, stated, sessions_per_call, minutes_per_call, probe)
    asked = Asked(depth=depth, channel=channel, users=None if users is None else tuple(users), only=only)
    source = Source(
        known=None if known is None else tuple(known),
        calls=stated,
        sessions_per_call=sessions_per_call or 0,
        minutes_per_call=minutes_per_call,
        probe=0 if depth == "calls" else probe,
        seed=seed,
        budget=budget,
    )
    forecasts = [
        ProviderForecast(provider, over, asked, listed, waits=on_quota == "wait", priority=priority)
        for provider in providers
    ]
    failures: list[Exception] = []

    async def look(one: ProviderForecast) -> None:
        try:
            await one.look(source)
        except Exception as failure:
            failures.append(failure)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for each in forecasts:
            group.start_soon(look, each)
    if failures:
        raise failures[0]
    vendors: dict[str, VendorForecast] = {}
    for name, mine in zip(names_of(providers), forecasts, strict=True):
        share = None if budget is None else math.floor(budget.left * _part(mine, forecasts))
        of_quota = [one for one in forecasts if one.provider.shared_quota is mine.provider.shared_quota]
        vendors[name] = mine.forecast(share, of_quota=_part(mine, of_quota))
    return Forecast(vendors=vendors)


def _part(mine: ProviderForecast, of: list[ProviderForecast]) -> float:
    """Its part of what all of these cost."""
    whole = sum(one.priced.total.most for one in of)
    return mine.priced.total.most / whole if whole else 1.0


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
