"""`StoreContract`: what every quota store must stand - losses of any kind, under clients that live on, die and come.

    class TestMine(StoreContract):
        def lossy(self):
            return MyLossy()  # a `LossyStore`: a place that loses its data on demand

Clients ask as fast as they may, and in the middle something is lost. A state of some time ago comes back on another
server, in another file, or in a place that looks the same: that one is not opened by newcomers alone, who could not
tell.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, ClassVar, Protocol

import attrs

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.limits import DAY, SECOND, Rate
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.store import LEASE_S, QuotaStore, renewal_interval
from agora_tencent_analytics.testing.virtual_time import VirtualClock, run

_RATES = (Rate(6, SECOND), Rate(1_000, DAY))
_COUNTERS = ("lists", "detail")
_TASKS = 2
_MARGIN = 1.04
_BEFORE_S, _AFTER_S, _SLACK_S = 3.0, 2.5, 3.0
_AT_ONCE = 40


class LossyStore(Protocol):
    """A place that several stores keep one account in, and that may lose it."""

    account: str

    def client(self) -> QuotaStore:
        """The store of another process."""
        ...

    async def snapshot(self) -> Any:
        """What is written down now."""

    async def lose_all(self) -> None:
        """Nothing is left."""

    async def lose_some(self, dice: random.Random) -> None:
        """Any keys or rows are gone."""

    async def go_back(self, state: Any, *, elsewhere: bool) -> None:
        """It is as it was; on another server or in another file, or else in what looks the same."""

    async def aclose(self) -> None:
        """It is not needed any more."""


@attrs.define(eq=False)
class Client:
    """One process."""

    quota: Quota
    tasks: list[asyncio.Task[None]] = attrs.field(factory=list)
    sent: Counter[str] = attrs.field(factory=Counter)


@attrs.define
class Crowd:
    """Clients of one account that ask as fast as they may, and the vendor, which notes what arrives."""

    account: str
    clock: Clock
    dice: random.Random
    rates: tuple[Rate, ...] = _RATES
    clients: list[Client] = attrs.field(factory=list)
    living: list[Client] = attrs.field(factory=list)
    """Those who were not killed."""
    under_way: int = 0
    arrived: dict[str, list[float]] = attrs.field(factory=lambda: {counter: [] for counter in _COUNTERS})
    granted: list[float] = attrs.field(factory=list)
    errors: list[QuotaUnavailable] = attrs.field(factory=list)

    def begin(self, store: QuotaStore, counters: Sequence[str] = _COUNTERS[:1], *, cold_start: bool = True) -> Client:
        """Another process."""
        client = Client(Quota(self.account, store=store, clock=self.clock, cold_start=cold_start))
        self.clients.append(client)
        self.living.append(client)
        for counter in counters:
            client.tasks += [asyncio.create_task(self._ask_on(client, counter)) for _ in range(_TASKS)]
        return client

    async def _ask_on(self, client: Client, counter: str) -> None:
        while client in self.living:
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
            client.sent[counter] += 1
            self.under_way += 1
            await asyncio.sleep(self.dice.expovariate(20))
            self.arrived[counter].append(self.clock.monotonic())
            await asyncio.sleep(self.dice.expovariate(20))
            self.under_way -= 1

    @property
    def in_flight(self) -> int:
        """Requests under way, and one of each process that may have been granted and not have come back."""
        return self.under_way + len(self.living)

    async def kill(self, client: Client) -> None:
        """Ends a process with -9, as far as one can within another."""
        self.living = [other for other in self.living if other is not client]
        for task in client.tasks:
            task.cancel()
        await asyncio.gather(*client.tasks, return_exceptions=True)

    def recovered_s(self, since: float) -> float:
        """Seconds until something was granted after that instant; what was on its way aside."""
        return min((at - since for at in self.granted if at > since + 0.1), default=99.0)

    async def finish(self, what: str, *, in_flight: int, recovered_s: float, gather_s: float) -> None:
        """All who live stop, and have told what they know: no window held the vendor's limit, and the day is right.

        Args:
            what: was lost, for messages.
            in_flight: requests that were under way then: they may be counted or not.
            recovered_s: seconds until something was granted again.
            gather_s: see `StoreContract.gather_s`.
        """
        living, self.living, rate = self.living, [], self.rates[0]
        await asyncio.gather(*(task for client in living for task in client.tasks), return_exceptions=True)
        for counter, arrived in self.arrived.items():
            most = fullest(arrived, rate.period_s)
            assert most < rate.limit, (what, counter, most)
            for client in living:
                if client.sent[counter]:
                    async with client.quota.slot(counter, self.rates):
                        pass  # given back
            counted = (await living[0].quota.state(counter, self.rates)).used_today
            least = sum(client.sent[counter] for client in living)
            at_most = sum(client.sent[counter] for client in self.clients) + in_flight
            assert least <= counted <= at_most, (what, counter, least, counted, at_most)
        for client in self.clients:
            await client.quota.aclose()
        assert recovered_s <= gather_s + _MARGIN * rate.period_s + _SLACK_S, (what, recovered_s)


def fullest(arrived: Sequence[float], period_s: float) -> int:
    """The most that arrived in any half-open window: a vendor that admits so many refuses none, however it counts."""
    seen = sorted(arrived)
    return max((at + 1 - bisect_right(seen, end - period_s) for at, end in enumerate(seen)), default=0)


class StoreContract:
    """Tests that every quota store must pass. Subclass it, and say how its data may be lost."""

    seeds: ClassVar[Sequence[int]] = range(12)
    """One random play each."""
    gather_s: ClassVar[float] = renewal_interval(LEASE_S)
    """How long after a loss the store waits until all who live have told it of their slots, seconds."""
    virtual: ClassVar[bool] = True
    """Time is that of `VirtualClock`; False for a store with a clock of its own: seconds are waited for."""

    def lossy(self) -> LossyStore:
        """A place that nothing is kept in yet."""
        raise NotImplementedError("a contract needs lossy()")

    def test_whatever_it_forgets_no_window_is_overfull_and_the_day_is_what_was_sent(self) -> None:
        """A loss is noticed, costs one gathering and one rest, and takes nothing from the day that the living know."""
        if self.virtual:
            run(self._play_all, VirtualClock().clock)
        else:
            asyncio.run(self._play_all(Clock()))

    async def _play_all(self, clock: Clock) -> None:
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(seed: int) -> None:
            async with places, aclosing(self.lossy()) as store:
                await self._play(store, seed, clock)

        async with asyncio.TaskGroup() as group:
            for seed in self.seeds:
                group.create_task(one(seed))

    async def _play(self, store: LossyStore, seed: int, clock: Clock) -> None:
        """Three clients, a loss or two, newcomers."""
        dice = random.Random(seed)
        crowd = Crowd(store.account, clock, dice)

        def begin() -> None:
            crowd.begin(store.client(), _COUNTERS[: dice.choice([1, 2])])

        for _ in range(3):
            begin()
        await asyncio.sleep(self.gather_s + _MARGIN)
        told, in_flight, recovered_s = [], 0, 0.0
        for _ in range(dice.choice([1, 1, 2])):
            await asyncio.sleep(dice.uniform(0, 1))
            older = await store.snapshot()
            await asyncio.sleep(dice.uniform(1.5, _BEFORE_S))
            if dice.random() < 0.3:
                await crowd.kill(dice.choice(crowd.living))
            in_flight += crowd.in_flight
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
            await asyncio.sleep(self.gather_s + _MARGIN + _AFTER_S)
            if newcomer and what == "the same place":
                begin()
            recovered_s = max(recovered_s, crowd.recovered_s(lost_at))
        what = f"seed {seed}: {', '.join(told)}"
        await crowd.finish(what, in_flight=in_flight, recovered_s=recovered_s, gather_s=self.gather_s)
