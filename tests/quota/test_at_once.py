"""Requests that are under way at the same time: never too many, all places used, and none given up too early."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from agora_tencent_analytics.limits import HOUR, Limits, Rate
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.redis_fallback import Fallback
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.store import LEASE_S, Claim, Room
from tests.support.redis_server import needs_redis, redis_url
from tests.support.virtual_time import VirtualClock, run

__all__ = ["redis_url"]

PLACES = 8
LIMITS = Limits(concurrent=PLACES, history_s=HOUR, span_s=HOUR)
RATES = LIMITS.counted
MARGIN_S = 0.020


class Server:
    """Works for a while on what arrives, and allows so many at a time."""

    def __init__(self, now: Callable[[], float], *, way_s: float = 0.02, work_s: float = 0.1) -> None:
        self.busy = self.refused = self.done = self.most = 0
        self.chance = random.Random(1)
        self._now, self._way_s, self._work_s = now, way_s, work_s
        self._at_work = set[asyncio.Task[None]]()

    async def ask(self, quota: Quota, rates: tuple[Rate, ...] = RATES, *, leaves_after_s: float | None = None) -> None:
        """One request; whoever leaves early does not stop the server's work on it."""
        async with quota.slot("lists", rates) as slot:
            slot.sent()
            await asyncio.sleep(self._way_s * self.chance.random())
            task = asyncio.create_task(self._work(slot.answered))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
            with anyio.fail_after(leaves_after_s):
                await asyncio.shield(task)
                await asyncio.sleep(self._way_s * self.chance.random())

    async def _work(self, answered: Callable[[], None]) -> None:
        self.busy += 1
        self.most = max(self.most, self.busy)
        self.refused += self.busy > PLACES
        await asyncio.sleep(self._work_s / 2)
        answered()  # the headers; the body takes as long again
        await asyncio.sleep(self._work_s / 2)
        self.busy -= 1
        self.done += 1


async def many(server: Server, quotas: list[Quota], count: int) -> None:
    async def ask(quota: Quota) -> None:
        while server.done + server.busy < count:
            await server.ask(quota)

    async with anyio.create_task_group() as group:
        for quota in quotas:
            for _ in range(2 * PLACES):
                group.start_soon(ask, quota)


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("processes", [1, 2])
def test_no_more_are_under_way_than_there_are_places_and_the_places_are_used(
    kind: str, processes: int, tmp_path: Path
) -> None:
    clock = VirtualClock()
    server = Server(clock.clock.monotonic)
    memory = MemoryStore()
    quotas = [
        Quota("toy", store=memory if kind == "memory" else tmp_path / "quota.db", clock=clock.clock, cold_start=False)
        for _ in range(processes)
    ]

    async def scenario() -> float:
        began = clock.clock.monotonic()
        await many(server, quotas, 400)
        return clock.clock.monotonic() - began

    took = run(scenario)
    assert (0, PLACES) == (server.refused, server.most)
    round_trip_s = 0.1 + 0.02  # on the average, both ways
    assert server.done / took >= 0.9 * PLACES / (MARGIN_S + round_trip_s)


def test_a_request_that_was_broken_off_holds_its_place_until_its_lease_ends() -> None:
    clock = VirtualClock()
    server = Server(clock.clock.monotonic, work_s=LEASE_S - 1)
    quota = Quota("toy", store=MemoryStore(), clock=clock.clock, cold_start=False)
    other = Quota("toy", store=quota.store, clock=clock.clock, cold_start=False)

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await server.ask(quota, leaves_after_s=1)

    async def scenario() -> list[float]:
        async with anyio.create_task_group() as group:
            for _ in range(PLACES):
                group.start_soon(leave)
        waits = []
        for one in (quota, other):
            began = clock.clock.monotonic()
            async with one.slot("lists", RATES) as slot:
                slot.not_sent()
            waits.append(clock.clock.monotonic() - began)
        return waits

    first, second = run(scenario)
    assert LEASE_S <= first <= LEASE_S + 0.1
    assert second <= 0.1
    assert (0, PLACES) == (server.refused, server.most)


def test_a_rate_beside_it_rests_from_the_end_of_an_answer() -> None:
    clock = VirtualClock()
    server = Server(clock.clock.monotonic, work_s=4)
    quota = Quota("toy", store=":memory:", clock=clock.clock, cold_start=False)

    async def scenario() -> float:
        began = clock.clock.monotonic()
        for _ in range(2):
            await server.ask(quota, (Rate(1, 10), *RATES))
        return clock.clock.monotonic() - began

    assert 4 + 10 + 4 <= run(scenario) <= 18.5


@needs_redis
def test_hosts_share_the_places(redis_url: str) -> None:
    async def scenario() -> Server:
        account = secrets.token_hex(8)
        # Long beside an ask of Redis, also on a busy machine.
        server = Server(asyncio.get_running_loop().time, way_s=0.005, work_s=0.06)
        quotas = [Quota(account, store=RedisStore(redis_url), cold_start=False) for _ in range(2)]
        await many(server, quotas, 60)
        for quota in quotas:
            await quota.aclose()
        return server

    server = asyncio.run(scenario())
    assert 0 == server.refused
    assert server.most >= PLACES - 1


def test_a_share_without_the_store_has_places_of_its_own_or_none() -> None:
    def claim(places: int) -> Claim:
        return Claim(id="c", owner="me", windows=(Room(limit=places, free=places, period_s=0, rest_s=MARGIN_S),))

    assert [True, False] == [Fallback(0.25).covers(claim(places)) for places in (4, 3)]
    long = Room(limit=9, free=9, period_s=2 * HOUR, rest_s=7_300)
    assert not Fallback(0.5).covers(Claim(id="c", owner="me", long=(long,)))


def test_a_share_of_places_is_rounded_down_and_at_least_one() -> None:
    assert [4, 1, 1] == [LIMITS.share(part).concurrent for part in (0.5, 0.125, 0.01)]
    assert [(4, 0)] == [(rate.limit, rate.period_s) for rate in LIMITS.share(0.5).counted]
