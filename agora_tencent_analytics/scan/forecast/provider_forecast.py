"""The forecast for one provider: its calls are found, priced and weighed against what there is to spend.

Joins the asking (`probe.py`) to the arithmetic (`cost.py`, `losses.py`, `proposals.py`), and holds neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from agora_tencent_analytics.context import Priority, asking
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Over, resolve
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan.filters import freeze_ratio
from agora_tencent_analytics.scan.forecast.affordable import Purse
from agora_tencent_analytics.scan.forecast.cost import Priced, Pricer
from agora_tencent_analytics.scan.forecast.forecast import RowForecast, VendorForecast
from agora_tencent_analytics.scan.forecast.interval import Interval
from agora_tencent_analytics.scan.forecast.losses import Means, losses
from agora_tencent_analytics.scan.forecast.population import (
    KnownCall,
    Population,
    attended,
    known_population,
    stated_population,
)
from agora_tencent_analytics.scan.forecast.probe import Probe
from agora_tencent_analytics.scan.forecast.proposal import Loss, Proposal
from agora_tencent_analytics.scan.forecast.proposals import Asked, proposals
from agora_tencent_analytics.scan.work import lives


@attrs.frozen(kw_only=True)
class Source:
    """Where the calls come from: known, stated, or a probe."""

    known: tuple[KnownCall, ...] | None
    calls: int | None
    sessions_per_call: int
    minutes_per_call: float
    probe: int
    seed: int
    budget: Budget | None


class ProviderForecast:
    """The forecast for one provider.

    Args:
        provider: who would be asked.
        over: the range; None with calls that were listed already: from the first to the last of them.
        asked: what of it.
        listed: calls that were listed already, of any provider; None: they are to be listed.
        waits: a spent day is waited for.
        priority: of the scan; what is reserved for others is not there for it.

    Raises:
        NotOffered: the vendor or its plan lacks what the depth needs.
    """

    population: Population
    priced: Priced

    def __init__(
        self,
        provider: Provider,
        over: Over | None,
        asked: Asked,
        listed: Sequence[Call] | None,
        *,
        waits: bool,
        priority: Priority,
    ) -> None:
        self.provider = provider
        self._listed = None if listed is None else [call for call in listed if call.vendor == provider.name]
        now = provider.now()
        self._over = lives(self._listed or (), now) if over is None else resolve(over, now)
        self._asked = asked
        self._waits = waits
        self._priority: Priority = priority
        self._probed = 0
        self._rows = self._needed()

    def _needed(self) -> dict[str, Endpoint[Any]]:
        """The vendor's rows that the depth needs, by name."""
        over, provider, asked = self._over, self.provider, self._asked
        call = Call(
            vendor=provider.name, call_id="-", channel="-", created_ts=max(1, over.start), destroyed_ts=over.end
        )
        listings: list[Paginator[Any]] = []
        if self._listed is None:
            listings.append(provider.calls(over, channel=asked.channel))
        if asked.depth != "calls":
            listings.append(provider.sessions(call, users=asked.users, over=over))
        if asked.depth == "metrics":
            listings.append(provider.metrics(call, attended(call, 1), over=over))
        now = provider.now()
        return {question.row.name: question.row for listing in listings for question in listing.questions(now)}

    async def look(self, source: Source) -> None:
        """Finds the calls, prices them, and looks at the quota.

        Raises:
            AnalyticsError: the probe failed.
        """
        provider, over, asked = self.provider, self._over, self._asked
        if source.known is not None:
            self.population = known_population(source.known, provider.name)
        elif source.calls is not None:
            self.population = stated_population(
                provider.name,
                over,
                calls=source.calls,
                sessions_per_call=source.sessions_per_call,
                minutes_per_call=source.minutes_per_call,
                users=asked.users,
            )
        else:
            with asking(priority=self._priority, budget=source.budget) as receipt:
                probe = Probe(provider, over, asked.channel, asked.users, asked.only, source.seed)
                self.population = await probe.population(source.probe, self._listed)
            self._probed = receipt.requests
        now = provider.now()
        self._pricer = Pricer(provider, self.population, over=over, channel=asked.channel, users=asked.users, now=now)
        self.priced = self._pricer.price(over=over, depth=asked.depth, channel=asked.channel, only=asked.only)
        self._means = await self._have(now)

    async def _have(self, now: float) -> Means:
        purses: dict[str, Purse] = {}
        counters = {}
        for name, row in self._rows.items():
            state = await self.provider.quota_state(row)
            counters[name] = state.counter
            kept = sum(requests for who, requests in state.reserved.items() if who != self._priority)
            known = purses.get(state.counter)
            purses[state.counter] = Purse(
                rates=(*(known.rates if known else ()), *self.provider.limits(row).rates),
                kept=kept,
                left_today=None if state.left_today is None else max(0, state.left_today - kept),
                resets_at=state.resets_at,
                now=now,
            )
        return Means(
            purses=purses,
            counters=counters,
            history_s=min(self.provider.limits(row).history_s for row in self._rows.values()),
            now=now,
            budget=None,
            waits=self._waits,
        )

    def forecast(self, budget: int | None, *, of_quota: float = 1.0) -> VendorForecast:
        """What it costs, if so many requests of a budget, and such a part of the quota, are this provider's."""
        means = attrs.evolve(self._means.part_of(of_quota), budget=budget)
        lost = losses(self._over, self.priced, means)
        found: tuple[Proposal, ...] = ()
        if lost:
            found = tuple(proposals(self._pricer, means.less(self._probed), self._over, self._asked))
        rows = tuple(self._row(counter, purse) for counter, purse in means.purses.items())
        return VendorForecast(
            plan=self.provider.plan.name,
            over=self._over,
            depth=self._asked.depth,
            calls=self.priced.calls,
            rows=rows,
            requests=self.priced.total,
            seconds=Interval.highest(row.seconds for row in rows),
            probed=self._probed,
            basis=self.population.basis,
            lost=lost,
            proposals=found,
            remarks=tuple(self._remarks(lost, found)),
        )

    def _row(self, counter: str, purse: Purse) -> RowForecast:
        names = tuple(name for name in self._rows if self._means.counters[name] == counter)
        requests = sum((self.priced.rows.get(name, Interval.of(0)) for name in names), Interval.of(0))
        return RowForecast(
            counter=counter,
            endpoints=names,
            requests=requests,
            a_day=purse.a_day,
            left_today=purse.left_today,
            resets_at=purse.resets_at,
            seconds=requests.each(lambda figure: purse.takes_s(figure, waits=True) or 0.0),
        )

    def _remarks(self, lost: tuple[Loss, ...], found: tuple[Proposal, ...]) -> Iterator[str]:
        if not lost:
            return
        if not found:
            yield "nothing that gives up one thing alone fits"
        calls = [one.call for one in self.population.seen]
        if self._asked.depth != "calls" and self.population.listed and all(freeze_ratio(one) is None for one in calls):
            yield "the listing has no freeze figures, so the worst calls cannot be chosen by it"
