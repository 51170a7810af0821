"""Random losses of a quota store, under clients that live on, die and come new: what every store has to stand.

    class MyLossy:                      # a store, and how it may lose its data
        def client(self) -> QuotaStore: ...
        def snapshot(self) -> object: ...
        def lose(self, dice, older) -> None: ...

    outcome = await play(MyLossy(...), seed, Clock())
    outcome.check()

`play` lets clients ask as fast as they may, loses something in the middle, and says what arrived at the vendor. A state
of some time ago comes back on another server, in another file, or in a place that looks the same: then it is not opened
by newcomers alone, who could not tell.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.limits import DAY, SECOND, Rate
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.store import QuotaStore
from tests.support.counting_servers import refusals

LIMIT = 6
RATES = (Rate(LIMIT, SECOND), Rate(1_000, DAY))
COUNTERS = ("lists", "detail")
TASKS = 2
BEFORE_S, AFTER_S = 3.0, 2.5


class Lossy(Protocol):
    """A store that may lose its data."""

    account: str
    remote: bool
    """A grant may be on its way back when it is lost."""

    def client(self) -> QuotaStore:
        """Another process that counts there."""
        ...

    async def snapshot(self) -> Any:
        """What is written down now."""
        ...

    async def lose_all(self) -> None:
        """Nothing is left."""
        ...

    async def lose_some(self, dice: random.Random) -> None:
        """Any keys or rows are gone."""
        ...

    async def go_back(self, state: Any, *, elsewhere: bool) -> None:
        """It is as it was; on another server, or in another file, or in what looks the same."""
        ...

    async def aclose(self) -> None: ...


@attrs.define
class Client:
    """One process."""

    quota: Quota
    tasks: list[asyncio.Task[None]] = attrs.field(factory=list)
    sent: dict[str, int] = attrs.field(factory=dict)
    in_flight: int = 0
    alive: bool = True


@attrs.define
class Crowd:
    """Clients of one account that ask as fast as they may, and the vendor, which notes what arrives."""

    account: str
    clock: Clock
    dice: random.Random
    rates: tuple[Rate, ...] = RATES
    clients: list[Client] = attrs.field(factory=list)
    arrived: dict[str, list[float]] = attrs.field(factory=lambda: {counter: [] for counter in COUNTERS})
    granted: list[float] = attrs.field(factory=list)
    errors: list[QuotaUnavailable] = attrs.field(factory=list)

    def begin(self, store: QuotaStore, counters: Sequence[str] = COUNTERS[:1], *, cold_start: bool = True) -> Client:
        """Another process."""
        client = Client(Quota(self.account, store=store, clock=self.clock, cold_start=cold_start))
        self.clients.append(client)
        for counter in counters:
            client.tasks += [asyncio.create_task(self._ask_on(client, counter)) for _ in range(TASKS)]
        return client

    async def _ask_on(self, client: Client, counter: str) -> None:
        while client.alive:
            try:
                await self._ask(client, counter)
            except QuotaUnavailable as error:
                self.errors.append(error)
                await asyncio.sleep(0.1)
            if self.dice.random() < 0.05:
                await asyncio.sleep(self.dice.uniform(0, 2))

    async def _ask(self, client: Client, counter: str) -> None:
        async with client.quota.slot(counter, self.rates) as slot:
            slot.sent()
            self.granted.append(self.clock.monotonic())
            client.sent[counter] = client.sent.get(counter, 0) + 1
            client.in_flight += 1
            await asyncio.sleep(self.dice.expovariate(20))
            self.arrived[counter].append(self.clock.monotonic())
            await asyncio.sleep(self.dice.expovariate(20))
            client.in_flight -= 1

    @property
    def living(self) -> list[Client]:
        return [client for client in self.clients if client.alive]

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return sum(client.in_flight for client in self.clients)

    async def kill(self, client: Client) -> None:
        """Ends a process with -9, as far as one can within another."""
        client.alive = False
        for task in client.tasks:
            task.cancel()
        await asyncio.gather(*client.tasks, return_exceptions=True)

    def recovered_s(self, since: float) -> float:
        """Seconds until something was granted after that instant; what was on its way aside."""
        return min((at - since for at in self.granted if at > since + 0.1), default=99.0)

    async def finish(self, what: str, *, in_flight: int = 0, recovered_s: float = 0.0) -> Outcome:
        """All who live stop, and have told what they know."""
        living = self.living
        for client in living:
            client.alive = False
        for client in living:
            await asyncio.gather(*client.tasks, return_exceptions=True)
        counted = {}
        for counter in COUNTERS:
            for client in living:
                if counter in client.sent:
                    async with client.quota.slot(counter, self.rates):
                        pass  # given back
            counted[counter] = (await living[0].quota.state(counter, self.rates)).used_today
        for client in self.clients:
            await client.quota.aclose()
        return Outcome(
            what=what,
            arrived=self.arrived,
            rate=self.rates[0],
            sent={counter: sum(client.sent.get(counter, 0) for client in self.clients) for counter in COUNTERS},
            of_the_living={counter: sum(client.sent.get(counter, 0) for client in living) for counter in COUNTERS},
            in_flight=in_flight,
            counted=counted,
            recovered_s=recovered_s,
        )


@attrs.frozen(kw_only=True)
class Outcome:
    """What was sent, and counted."""

    what: str
    arrived: Mapping[str, list[float]]
    rate: Rate
    sent: Mapping[str, int]
    of_the_living: Mapping[str, int]
    in_flight: int
    counted: Mapping[str, int]
    recovered_s: float

    def check(self, *, gather_s: float, slack_s: float = 3.0) -> None:
        """No vendor would have refused anything, and the day is what was sent, as far as the living know."""
        for counter, arrived in self.arrived.items():
            found = refusals(arrived, self.rate.limit, float(self.rate.period_s))
            assert 0 == max(found.values()), (self.what, counter, found)
            known = self.of_the_living[counter], self.sent[counter] + self.in_flight
            assert known[0] <= self.counted[counter] <= known[1], (self.what, counter, self.counted, known)
        assert self.recovered_s <= gather_s + 1.04 * self.rate.period_s + slack_s, (self.what, self.recovered_s)


async def play(store: Lossy, seed: int, clock: Clock, *, gather_s: float) -> Outcome:
    """Three clients, a loss or two, newcomers."""
    dice = random.Random(seed)
    crowd = Crowd(store.account, clock, dice)

    def begin() -> None:
        crowd.begin(store.client(), COUNTERS[: dice.choice([1, 2])])

    for _ in range(3):
        begin()
    await asyncio.sleep(gather_s + 1.04)
    told, in_flight, recovered_s = [], 0, 0.0
    for _ in range(dice.choice([1, 1, 2])):
        await asyncio.sleep(dice.uniform(0, 1))
        older = await store.snapshot()
        await asyncio.sleep(dice.uniform(1.5, BEFORE_S))
        if dice.random() < 0.3:
            await crowd.kill(dice.choice(crowd.living))
        in_flight += crowd.in_flight + store.remote * len(crowd.living)
        what = dice.choice(["all", "some", "some", "elsewhere", "elsewhere", "the same place"])
        newcomer = dice.random() < 0.5
        if what == "all":
            await store.lose_all()
        elif what == "some":
            await store.lose_some(dice)
        else:
            await store.go_back(older, elsewhere=what == "elsewhere")
        lost_at = clock.monotonic()
        told.append(f"{what}{' +n' if newcomer else ''}")
        if newcomer and what != "the same place":
            begin()
        await asyncio.sleep(gather_s + 1.04 + AFTER_S)
        if newcomer and what == "the same place":
            begin()
        recovered_s = max(recovered_s, crowd.recovered_s(lost_at))
    return await crowd.finish(f"seed {seed}: {', '.join(told)}", in_flight=in_flight, recovered_s=recovered_s)
