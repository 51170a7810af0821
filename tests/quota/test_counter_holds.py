"""Whom a refusal reaches, and how soon: those who wait in this process, and other processes through the store."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal

import anyio
import pytest

from agora_tencent_analytics.errors import WouldExceedQuota
from agora_tencent_analytics.limits import MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.store import Claim, CounterKey
from tests.support.virtual_time import EPOCH, START, VirtualClock, run

TEN = (Rate(10, SECOND),)
THREE = (Rate(3, MINUTE),)
Per = Literal["second", "minute"]


def quotas(count: int, store: MemoryStore) -> list[Quota]:
    clock = VirtualClock().clock
    return [Quota("account", store=store, clock=clock, cold_start=False) for _ in range(count)]


async def ask(of: Quota, rates: tuple[Rate, ...], *, takes_s: float = 0.0, max_wait: float | None = None) -> None:
    async with of.slot("lists", rates, max_wait=max_wait) as slot:
        slot.sent()
        await anyio.sleep(takes_s)
        slot.answered()


async def refused(
    of: Quota, rates: tuple[Rate, ...], per: Per, *, after_s: float = 0.0, retry_after_s: float | None = None
) -> None:
    async with of.slot("lists", rates) as slot:
        slot.sent()
        await anyio.sleep(after_s)
        slot.refused(per, retry_after_s)


def test_whoever_is_not_that_patient_hears_of_a_hold_at_once_and_not_when_patience_ends() -> None:
    async def scenario() -> tuple[float, float]:
        (of,) = quotas(1, MemoryStore())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refused(of, TEN, "second", after_s=1, retry_after_s=60))
            await anyio.sleep(0.5)
            await refused(of, TEN, "second", retry_after_s=5)
            tasks.create_task(ask(of, TEN))  # the head of the queue waits however long it takes
            await anyio.sleep(1e-6)
            with pytest.raises(WouldExceedQuota) as caught:
                await ask(of, TEN, max_wait=10)
            told = asyncio.get_running_loop().time()
        return told - START, caught.value.retry_at - EPOCH

    assert (1, 61) == pytest.approx(run(scenario), abs=0.01)


def test_a_hold_of_another_process_is_known_after_a_look() -> None:
    async def scenario() -> tuple[float, float]:
        one, two = quotas(2, MemoryStore())
        await refused(one, THREE, "minute")
        before = two.slot("lists", THREE).expected_s()
        await two.state("lists", THREE)
        return before, two.slot("lists", THREE).expected_s()

    before, after = run(scenario)
    assert 0 == before
    assert pytest.approx(60.06 + 1.2, abs=0.01) == after  # one step down: 2 % of a minute


def test_two_refusals_of_requests_in_flight_together_are_one_step_for_other_processes_too() -> None:
    async def scenario() -> float:
        one, two = quotas(2, MemoryStore())
        await two.state("lists", THREE)
        async with asyncio.TaskGroup() as tasks:
            for after_s in (1, 3):
                tasks.create_task(refused(one, THREE, "minute", after_s=after_s))
            for _ in range(2):
                await anyio.sleep(2)
                await two.state("lists", THREE)
        await anyio.sleep(200)
        for _ in range(2):
            await ask(two, THREE)
        return (await two.state("lists", THREE)).next_free_s

    assert pytest.approx(60.06 + 1.2, abs=0.01) == run(scenario)


class Stuck(MemoryStore):
    """Never gets an answer written down."""

    end: Any = None  # as of a store that is not at hand

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        await anyio.sleep(3_600)


def test_a_store_that_is_stuck_holds_up_no_refusal_for_more_than_five_seconds_and_no_answer_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> tuple[float, float]:
        (of,) = quotas(1, Stuck())
        await ask(of, TEN)
        answered_s = asyncio.get_running_loop().time() - START
        await anyio.sleep(10)
        began = asyncio.get_running_loop().time()
        await refused(of, TEN, "second")
        return answered_s, asyncio.get_running_loop().time() - began

    with caplog.at_level(logging.WARNING, logger="agora_tencent_analytics"):
        assert (0, 5) == pytest.approx(run(scenario), abs=0.01)
    said = "the outcome of a request could not be recorded: "
    assert [said] * 2 == [one.message for one in caplog.records if one.message == said]
