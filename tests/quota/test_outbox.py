"""An answer costs the store no step of its own: the next claim takes it along, or it is told in a moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.limits import MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.store import LEASE_S, Claim, CounterKey, CounterState
from tests.support.virtual_time import EPOCH, VirtualClock, run

TWENTY = (Rate(20, SECOND),)
PACE_S = 0.05


class Watched(MemoryStore):
    """Notes its steps; cannot be reached while it is away."""

    end: Any = None  # as of a store that is not at hand

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.away = False

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
        if self.away:
            raise QuotaUnavailable("away")
        self.steps.append("reserve")
        return await super().reserve(key, claim, now)

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        self.steps.append("answered")
        await super().answered(key, claim, now, ago_s=ago_s, late_days=late_days)

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        self.steps.append("renew")
        await super().renew(key, claim, now)

    @property
    def ends(self) -> list[float]:
        """When the slots end, epoch seconds."""
        return [end for owners in self.tables.slots.values() for own in owners.values() for end in own.values()]


def quota(store: MemoryStore) -> Quota:
    return Quota("account", store=store, clock=VirtualClock().clock, cold_start=False)


async def ask(of: Quota, rates: tuple[Rate, ...] = TWENTY, *, takes_s: float = 0.0) -> None:
    async with of.slot("lists", rates) as slot:
        slot.sent()
        await asyncio.sleep(takes_s)
        slot.answered()


def test_the_next_claim_takes_an_answer_along_and_the_last_one_is_told_by_itself() -> None:
    store = Watched()

    async def scenario() -> tuple[list[str], list[float]]:
        of = quota(store)
        for _ in range(3):
            await ask(of)
        busy = list(store.steps)
        await asyncio.sleep(0.1)
        return busy, store.ends

    busy, ends = run(scenario)
    assert ["reserve"] * 3 == busy
    assert ["reserve"] * 3 + ["answered"] == store.steps
    assert pytest.approx([EPOCH, EPOCH + PACE_S, EPOCH + 2 * PACE_S], abs=0.002) == ends


def test_what_a_claim_took_along_to_a_store_that_was_away_is_told_when_it_is_back() -> None:
    store = Watched()

    async def scenario() -> list[float]:
        of = quota(store)
        await ask(of)
        store.away = True
        with pytest.raises(QuotaUnavailable):
            await ask(of)
        store.away = False
        before = store.ends
        await ask(of)
        return [*before, *store.ends]

    assert pytest.approx([EPOCH + LEASE_S, EPOCH, EPOCH + PACE_S + LEASE_S], abs=0.01) == run(scenario)
    assert ["reserve"] * 2 == store.steps[:2]


def test_a_loop_that_ends_leaves_no_answer_untold() -> None:
    store = Watched()
    run(lambda: ask(quota(store), (Rate(4, MINUTE),)))
    assert ["reserve", "answered"] == store.steps


def test_a_quota_that_is_closed_leaves_no_answer_untold() -> None:
    store = Watched()

    async def scenario() -> list[str]:
        of = quota(store)
        await ask(of)
        await of.aclose()
        return list(store.steps)

    assert ["reserve", "answered"] == run(scenario)


def test_only_a_slow_answer_is_renewed_each_second_at_least() -> None:
    store = Watched()

    async def scenario() -> None:
        of = quota(store)
        await asyncio.gather(ask(of, takes_s=0.4), ask(of, takes_s=0.4), ask(of, takes_s=2.9))

    run(scenario)
    assert 3 == store.steps.count("answered")
    assert 3 <= store.steps.count("renew") <= 6
    assert "answered" == store.steps[-1]


def test_no_renewal_that_is_under_way_follows_the_answer() -> None:
    class Slow(Watched):
        async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
            await asyncio.sleep(0.3)
            await super().renew(key, claim, now)

    store = Slow()
    run(lambda: ask(quota(store), takes_s=0.6))
    assert ["reserve", "renew", "answered"] == store.steps
