"""The queue in front of a counter: nobody waits for ever, nobody overtakes while the store is asked."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics.context import PRIORITIES, Priority
from agora_tencent_analytics.errors import WouldExceedQuota
from agora_tencent_analytics.limits import MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.store import Claim, CounterKey, CounterState
from tests.support.virtual_time import VirtualClock, run

TEN = (Rate(10, SECOND),)
LATE_S = 600.0
"""Longer than anything takes that ends at all."""


class Hesitant(MemoryStore):
    """Takes its time, and says "not yet" for a while.

    Args:
        delay_s: seconds to each answer.
        noes: for each question, in turn, whether to say "not yet"; afterwards it decides as any store does.
    """

    def __init__(self, delay_s: float, noes: Iterable[bool]) -> None:
        super().__init__()
        self.most_at_once = 0
        self._delay_s, self._noes = delay_s, iter(noes)
        self._at_once = 0

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self._delay_s)
        finally:
            self._at_once -= 1
        if next(self._noes, False):
            return CounterState(why="window", others=(0.9,))
        return await super().reserve(key, claim, now)


def quota(store: MemoryStore | None = None) -> Quota:
    return Quota("account", store=store or MemoryStore(), clock=VirtualClock().clock, cold_start=False)


async def ask(
    of: Quota, priority: Priority = "normal", rates: tuple[Rate, ...] = TEN, *, max_wait: float | None = None
) -> Priority:
    async with of.slot("lists", rates, priority=priority, max_wait=max_wait) as slot:
        slot.sent()
    return priority


def test_whoever_overtook_the_head_while_the_store_said_not_yet_is_served_all_the_same() -> None:
    async def scenario() -> tuple[Priority, Priority]:
        of = quota(Hesitant(0.05, [True]))
        first = asyncio.create_task(ask(of, "backfill"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(ask(of, "interactive"))
        return await asyncio.wait_for(first, LATE_S), await asyncio.wait_for(second, LATE_S)

    assert ("backfill", "interactive") == run(scenario)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), delay_s=st.sampled_from([0.05, 0.2]))
def test_nobody_waits_for_ever_whoever_joins_leaves_or_is_refused(seed: int, delay_s: float) -> None:
    """In waves of a few: after each, everybody has been granted, has given up, or was cancelled."""
    dice = random.Random(seed)
    store = Hesitant(delay_s, (dice.random() < 0.5 for _ in range(100)))
    of = quota(store)

    async def visit(priority: Priority) -> None:
        patience_s = dice.choice([None, None, None, 0.0, 0.03, 0.3])
        try:
            await ask(of, priority, max_wait=patience_s)
        except WouldExceedQuota:
            assert patience_s is not None

    async def scenario() -> None:
        for _ in range(15):
            tasks: list[asyncio.Task[None]] = []
            for _ in range(dice.randint(2, 5)):
                tasks.append(asyncio.create_task(visit(dice.choice(PRIORITIES))))
                if dice.random() < 0.3:
                    asyncio.get_running_loop().call_later(dice.uniform(0, 0.4), tasks[-1].cancel)
                await asyncio.sleep(dice.choice([0.0, 0.02, 0.1]))
            _, pending = await asyncio.wait(tasks, timeout=LATE_S)
            assert 0 == len(pending), "somebody waits for ever"
            for task in tasks:
                assert task.cancelled() or task.exception() is None
        assert 0 == (await of.state("lists", TEN)).waiting

    run(scenario)
    assert 1 == store.most_at_once


def test_the_store_is_asked_one_question_at_a_time_and_so_grants_no_slot_twice() -> None:
    store = Hesitant(0.05, [])
    of, rates = quota(store), (Rate(2, MINUTE),)

    async def scenario() -> tuple[Priority | BaseException, Priority | BaseException]:
        first = asyncio.create_task(ask(of, "backfill", rates))
        await asyncio.sleep(0.02)
        second = ask(of, "interactive", rates, max_wait=1)
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        return outcomes[0], outcomes[1]

    first, second = run(scenario)
    assert "backfill" == first
    assert isinstance(second, WouldExceedQuota)
    assert 1 == store.most_at_once


# --- loops that are closed without a word ------------------------------------------------------------------


def test_waiters_of_a_loop_that_was_closed_are_collected_in_silence_and_block_no_other_loop() -> None:
    of, rates = Quota("account", store=":memory:", cold_start=False), (Rate(2, MINUTE),)
    doomed = asyncio.new_event_loop()

    async def wait() -> None:
        await ask(of, rates=rates)
        for priority in (*PRIORITIES, *PRIORITIES):
            waiting = asyncio.create_task(ask(of, priority, rates))
            waiting._log_destroy_pending = False  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        assert 6 == (await of.state("lists", rates)).waiting

    async def others() -> None:
        with pytest.raises(WouldExceedQuota):  # the one slot rests: it is known here too
            await ask(of, rates=rates, max_wait=0)
        state = await of.state("lists", rates)
        assert (0, 1) == (state.waiting, state.granted)

    doomed.run_until_complete(wait())
    doomed.close()
    asyncio.run(others())
    gc.collect()
