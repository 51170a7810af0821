"""A slot whose user is cancelled anywhere: never sent, it is given back; in flight, it stays spent; nobody is held up.

Each scenario is cut at every checkpoint of waiting for a slot, holding it and leaving it: in memory and on a file in
virtual time, on a real Redis in real time. How many checkpoints there were is printed with `-rP`.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import Quota, Rate
from agora_tencent_analytics.limits import DAY, MINUTE, SECOND
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import LEASE_S, QuotaStore
from tests.support.cancelling import Cut, cancel_everywhere
from tests.support.redis_server import needs_redis, redis_url
from tests.support.virtual_time import VirtualClock

__all__ = ["redis_url"]

PACED = (Rate(2, SECOND), Rate(100, DAY))
ONE_A_MINUTE = (Rate(1, MINUTE), Rate(100, DAY))
PLENTY = (Rate(1_000_000, SECOND), Rate(1_000_000, MINUTE), Rate(100, DAY))
MARGIN_S = 0.1
VICTIM = "whoever is cancelled"


class Account:
    """Two processes on one store, and what they sent."""

    def __init__(self, store: QuotaStore, rates: tuple[Rate, ...], **clock: Any) -> None:
        name = secrets.token_hex(8)
        self.rates = rates
        self.mine, self.theirs = (Quota(name, store=store, cold_start=False, **clock) for _ in range(2))
        self.sent: Counter[str] = Counter()

    async def ask(
        self, quota: Quota | None = None, *, who: str = "", before_s: float = 0.0, answer_s: float = 0.0
    ) -> None:
        """Is granted a slot, dawdles, sends, and is answered."""
        async with (quota or self.mine).slot("lists", self.rates) as slot:
            await asyncio.sleep(before_s)
            slot.sent()
            self.sent[who] += 1
            await asyncio.sleep(answer_s)
            slot.answered()

    async def check(self, next_within_s: float) -> None:
        """Spent is what was sent; nobody waits; both processes go on, as soon as what was sent allows."""
        for quota in (self.mine, self.theirs):
            state = await quota.state("lists", self.rates)
            assert (self.sent.total(), 0) == (state.used_today, state.waiting)
        for quota in (self.theirs, self.mine):
            await asyncio.wait_for(self.ask(quota), next_within_s)


def stores(tmp_path: Path) -> dict[str, Callable[[], QuotaStore]]:
    return {
        "in memory": MemoryStore,
        "on a file": lambda: SqliteStore(tmp_path / f"{secrets.token_hex(4)}.db"),
    }


KEPT = ["in memory", "on a file"]


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("rates", [PACED, ONE_A_MINUTE], ids=["a second", "a minute"])
def test_a_user_that_is_cancelled_anywhere_costs_what_it_sent_and_holds_nobody_up(
    kept: str, rates: tuple[Rate, ...], tmp_path: Path
) -> None:
    sent: list[int] = []
    rest_s = next(rate.period_s for rate in rates) + MARGIN_S

    async def scenario(cut: Cut) -> None:
        account = Account(stores(tmp_path)[kept](), rates, clock=VirtualClock().clock)
        await account.ask()
        await account.ask(account.theirs)

        async def follow() -> None:
            await asyncio.sleep(0.1)
            await account.ask()

        behind = asyncio.create_task(follow())
        await cut(account.ask(who=VICTIM, before_s=0.3, answer_s=0.4))
        sent.append(account.sent[VICTIM])
        await asyncio.wait_for(behind, 3 * rest_s)
        await account.check(2 * rest_s)

    checkpoints = cancel_everywhere(scenario)
    print(f"{kept}: {checkpoints} checkpoints, sent {sent}")
    assert checkpoints >= 9
    assert sorted(sent) == sent
    assert {0, 1} == set(sent), "cut before it was sent, and after"


@pytest.mark.parametrize("kept", KEPT)
def test_a_slot_that_is_cancelled_while_its_lease_is_renewed_rests_from_then_on(kept: str, tmp_path: Path) -> None:
    async def scenario(cut: Cut) -> None:
        account = Account(stores(tmp_path)[kept](), ONE_A_MINUTE, clock=VirtualClock().clock)
        await cut(account.ask(who=VICTIM, answer_s=LEASE_S))
        # Cut, it has been answered or given back by now: what follows waits for no lease.
        await account.check(MINUTE + MARGIN_S)

    checkpoints = cancel_everywhere(scenario)
    print(f"{kept}: {checkpoints} checkpoints")
    assert checkpoints >= LEASE_S / 5


def test_whoever_waits_for_a_locked_file_is_cancelled_anywhere_and_leaves_nothing(tmp_path: Path) -> None:
    """The lock is held while the slot is asked for, and again while it is left."""
    sent: list[int] = []

    async def scenario(cut: Cut) -> None:
        store = SqliteStore(tmp_path / f"{cut.checkpoint}.db")
        account = Account(store, PLENTY, clock=VirtualClock().clock)
        other = sqlite3.connect(store.path, isolation_level=None)

        async def holding() -> None:
            for _ in range(2):
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(0.2)
                other.execute("COMMIT")
                await asyncio.sleep(0.2)

        holder = asyncio.create_task(holding())
        await asyncio.sleep(0.01)
        await cut(account.ask(who=VICTIM, answer_s=0.25))
        sent.append(account.sent[VICTIM])
        await holder
        other.close()
        await account.check(1.0)
        store.close()

    checkpoints = cancel_everywhere(scenario)
    print(f"{checkpoints} checkpoints, sent {sent}")
    assert checkpoints >= 20
    assert sorted(sent) == sent
    assert {0, 1} == set(sent)


@needs_redis
@pytest.mark.parametrize("full", [False, True], ids=["free", "waiting"])
def test_in_redis_too_a_cancelled_user_costs_what_it_sent(redis_url: str, full: bool) -> None:
    sent: list[int] = []

    def real(scenario: Callable[[Cut], Coroutine[Any, Any, None]], cut: Cut) -> None:
        asyncio.run(scenario(cut))

    async def scenario(cut: Cut) -> None:
        store = RedisStore(redis_url)
        account = Account(store, (Rate(20, SECOND), Rate(100, DAY)) if full else PLENTY)
        await account.ask()
        if full:
            await account.ask(account.theirs)
        for of in (account.mine, account.theirs):
            outbox = of._counter("lists", account.rates).outbox
            assert outbox is not None
            await outbox.empty()
        await cut(account.ask(who=VICTIM, before_s=0.001, answer_s=0.001))
        sent.append(account.sent[VICTIM])
        await account.check(2.0)
        await store.aclose()

    checkpoints = cancel_everywhere(scenario, runner=real)
    print(f"{checkpoints} checkpoints, sent {sent}")
    assert checkpoints >= (11 if full else 7), "who has an answer waits for the store no more"
    assert {0, 1} == set(sent)
