"""The quota in virtual time: no refusals, no overtaking, nothing leaked."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiolimiter import AsyncLimiter
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics.context import Priority
from agora_tencent_analytics.errors import BadInput, DailyQuotaExhausted, QuotaUnavailable, WouldExceedQuota
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.limiter import Bucket
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.quota import Quota, QuotaState
from agora_tencent_analytics.quota.slot import Slot
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import LEASE_S, QuotaStore
from tests.support.counting_servers import refusals
from tests.support.virtual_time import EPOCH, START, VirtualClock, run

MIDNIGHT = 20_717.0 * DAY
TEN = (Rate(10, SECOND),)
DELAYS = st.lists(st.floats(0, 2, allow_subnormal=False), min_size=1, max_size=10)


def quota(
    store: str | Path | QuotaStore = ":memory:", *, epoch: float = EPOCH, cold_start: bool = False, **options: Any
) -> Quota:
    return Quota("account", store=store, clock=VirtualClock(epoch).clock, cold_start=cold_start, **options)


def state_of(of: Quota, rates: tuple[Rate, ...] = TEN, counter: str = "lists") -> QuotaState:
    return run(of.state, counter, rates)


async def ask(of: Quota, rates: tuple[Rate, ...] = TEN, *, up: float = 0.0, down: float = 0.0, **options: Any) -> float:
    """One request; returns when it arrived at the vendor, in loop time."""
    async with of.slot("lists", rates, **options) as slot:
        slot.sent()
        await anyio.sleep(up)
        arrived = asyncio.get_running_loop().time()
        await anyio.sleep(down)
        slot.answered()
    return arrived


async def fan_out(asks: list[Coroutine[Any, Any, float]]) -> list[float]:
    return list(await asyncio.gather(*asks))


# --- the law -------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(limit=st.integers(1, 12), up=DELAYS, down=DELAYS)
def test_no_way_of_counting_refuses_anything_whatever_the_delays(
    limit: int, up: list[float], down: list[float]
) -> None:
    of = quota()
    ways = list(itertools.islice(zip(itertools.cycle(up), itertools.cycle([*down, 0.1]), strict=False), 60))

    async def scenario() -> list[float]:
        return await fan_out([ask(of, (Rate(limit, SECOND),), up=there, down=back) for there, back in ways])

    assert 0 == max(refusals(run(scenario), limit, 1.0).values())


@settings(max_examples=25)
@given(limit=st.integers(1, 12), up=DELAYS, down=DELAYS, processes=st.integers(2, 3))
def test_no_way_of_counting_refuses_anything_of_processes_that_share_a_store(
    limit: int, up: list[float], down: list[float], processes: int
) -> None:
    ways = list(itertools.islice(zip(itertools.cycle(up), itertools.cycle([*down, 0.1]), strict=False), 60))

    async def scenario() -> list[float]:
        store, clock = MemoryStore(), VirtualClock().clock
        quotas = [Quota("account", store=store, clock=clock, cold_start=False) for _ in range(processes)]
        rates = (Rate(limit, SECOND), Rate(4 * limit, MINUTE))
        asks: list[Coroutine[Any, Any, float]] = [
            ask(of, rates, up=there, down=back)
            for of, (there, back) in zip(itertools.cycle(quotas), ways, strict=False)
        ]
        return await fan_out(asks)

    arrived = run(scenario)
    assert 0 == max(refusals(arrived, limit, 1.0).values())
    assert 0 == max(refusals(arrived, 4 * limit, 60.0).values())


def test_processes_that_did_not_look_at_each_other_would_be_refused() -> None:
    async def scenario() -> list[float]:
        clock = VirtualClock().clock
        quotas = [Quota("account", store=":memory:", clock=clock, cold_start=False) for _ in range(2)]
        return await fan_out([ask(of, up=0.1, down=0.1) for of in quotas for _ in range(30)])

    assert 0 < refusals(run(scenario), 10, 1.0)["log"]


@settings(max_examples=15)
@given(up=DELAYS, down=DELAYS, seed=st.integers(0, 99))
def test_rates_of_a_second_and_of_a_minute_hold_at_once_under_bursts(
    up: list[float], down: list[float], seed: int
) -> None:
    of, dice = quota(), random.Random(seed)
    rates = (Rate(5, SECOND), Rate(20, MINUTE))

    async def scenario() -> list[float]:
        asks: list[asyncio.Task[float]] = []
        for burst in range(4):
            for there, back in itertools.islice(zip(itertools.cycle(up), itertools.cycle(down), strict=False), 15):
                asks.append(asyncio.create_task(ask(of, rates, up=there, down=back)))
            await anyio.sleep(dice.uniform(0, 90) + burst)
        return list(await asyncio.gather(*asks))

    arrived = run(scenario)
    assert 0 == max(refusals(arrived, 5, 1.0).values())
    assert 0 == max(refusals(arrived, 20, 60.0).values())


def jittered(limiter: Callable[[], AbstractAsyncContextManager[Any]], limit: int) -> list[float]:
    dice = random.Random(limit)

    async def scenario() -> list[float]:
        gate = limiter()

        async def one(up: float) -> float:
            async with gate:
                pass
            await anyio.sleep(up)
            return asyncio.get_running_loop().time()

        return await fan_out([one(0.02 + dice.expovariate(20)) for _ in range(200)])

    return run(scenario)


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_a_limiter_that_times_sends_is_refused(limit: int) -> None:
    bursting = refusals(jittered(lambda: AsyncLimiter(limit, 1), limit), limit, 1.0)
    spread = refusals(jittered(lambda: AsyncLimiter(1, 1 / limit), limit), limit, 1.0)
    assert 0 < bursting["log"]
    assert 0 < spread["log"]


@pytest.mark.parametrize("limit", [1, 3, 10, 20])
def test_at_no_latency_the_limit_is_used_to_nine_tenths(limit: int) -> None:
    of, seconds = quota(), 60

    async def scenario() -> int:
        granted = 0
        with anyio.move_on_after(seconds):
            while True:
                await ask(of, (Rate(limit, SECOND),))
                granted += 1
        return granted

    used = max(1, limit - 1)
    assert 0.9 * used * seconds <= run(scenario) <= used * seconds + 1


def test_the_quota_would_be_refused_if_its_slots_rested_from_the_send_on(monkeypatch: pytest.MonkeyPatch) -> None:
    take = Bucket.take

    def take_and_rest(bucket: Bucket, now: float) -> None:
        take(bucket, now)
        for window in bucket.windows:
            window.answered(now)

    dice = random.Random(7)
    ways = [(dice.expovariate(10), dice.expovariate(10)) for _ in range(150)]

    async def scenario() -> list[float]:
        of = quota(strict=False)
        return await fan_out([ask(of, up=up, down=down) for up, down in ways])

    kept = refusals(run(scenario), 10, 1.0)
    monkeypatch.setattr(Bucket, "take", take_and_rest)
    monkeypatch.setattr(Bucket, "answered", lambda bucket, now: None)
    broken = refusals(run(scenario), 10, 1.0)
    assert 0 == kept["fixed"] == kept["log"] == kept["bucket"]
    assert 0 < broken["log"]


# --- the queue -----------------------------------------------------------------------------------------


def test_first_come_first_served_and_nobody_overtakes() -> None:
    of = quota()
    order: list[int] = []

    async def scenario() -> None:
        async def one(number: int) -> None:
            async with of.slot("lists", TEN) as slot:
                order.append(number)
                slot.sent()

        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(one, number)

    run(scenario)
    assert list(range(60)) == order


def test_two_questions_of_a_minute_rate_do_not_wait_for_each_other() -> None:
    async def scenario() -> list[float]:
        of = quota()
        return await fan_out([ask(of, (Rate(4, MINUTE),)) for _ in range(4)])

    first, second, third, fourth = run(scenario)
    assert first == pytest.approx(third, abs=1e-3)
    assert second == pytest.approx(first, abs=1e-3)
    assert pytest.approx(60.06, abs=0.01) == fourth - first


def test_no_rates_are_granted_at_once() -> None:
    async def scenario() -> float:
        of = quota(cold_start=True)
        async with of.slot("lists", ()) as slot:
            slot.sent()
            slot.refused("second")
            slot.refused("day")
        await fan_out([ask(of, ()) for _ in range(1_000)])
        return asyncio.get_running_loop().time() - START

    assert run(scenario) < 0.01


@pytest.mark.parametrize("seed", range(6))
def test_a_storm_of_cancellations_leaves_no_slot_and_no_place_behind(seed: int) -> None:
    of, dice = quota(), random.Random(seed)
    arrived: list[float] = []

    async def scenario() -> None:
        async def one(patience: float) -> None:
            with anyio.move_on_after(patience):
                arrived.append(await ask(of, TEN, up=dice.uniform(0, 0.3), down=dice.uniform(0, 0.3)))

        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(one, dice.choice([0.0, dice.uniform(0, 20), 100.0]))
                if dice.random() < 0.2:
                    await anyio.sleep(dice.uniform(0, 0.2))
        counter = of._counter("lists", TEN)
        assert (0, 0) == (counter.waiting, counter.bucket.in_flight)
        await anyio.sleep(2)
        before = asyncio.get_running_loop().time()
        await ask(of)
        assert asyncio.get_running_loop().time() - before < 0.01

    run(scenario)
    assert 0 == max(refusals(arrived, 10, 1.0).values())


def test_whoever_is_cancelled_in_the_tick_of_its_turn_loses_nothing_for_the_next() -> None:
    async def scenario() -> float:
        of = quota()
        await ask(of)
        second = asyncio.create_task(ask(of))
        third = asyncio.create_task(ask(of))
        await anyio.sleep(0.95 / 9 - 1e-7)
        for _ in range(500):
            await asyncio.sleep(0)
            if second.cancel():
                break
        return await third - START

    assert pytest.approx(0.95 / 9, abs=0.001) == run(scenario)


@pytest.mark.parametrize("failure", [RuntimeError, asyncio.CancelledError])
def test_what_was_never_sent_is_refunded(failure: type[BaseException]) -> None:
    of = quota()
    rates = (Rate(2, MINUTE), Rate(5, DAY))

    async def scenario() -> float:
        for _ in range(20):
            with pytest.raises(failure):
                async with of.slot("lists", rates):
                    raise failure
        return await ask(of, rates) - START

    assert run(scenario) < 0.01
    state = state_of(of, rates)
    assert (1, 3, 21, 20) == (state.used_today, state.left_today, state.granted, state.refunded)


def test_what_was_sent_is_spent_whatever_became_of_it() -> None:
    of = quota()
    rates = (Rate(2, MINUTE), Rate(5, DAY))

    async def times_out() -> None:
        async with of.slot("lists", rates) as slot:
            slot.sent()
            await anyio.sleep(7)
            raise TimeoutError

    async def scenario() -> float:
        with pytest.raises(TimeoutError):
            await times_out()
        return await ask(of, rates) - START

    assert pytest.approx(7 + 60.06, abs=0.01) == run(scenario)
    assert 2 == state_of(of, rates).used_today


def test_the_slot_rests_from_the_headers_on_not_from_the_end_of_the_block() -> None:
    of = quota()

    async def scenario() -> float:
        async with of.slot("lists", (Rate(2, MINUTE),)) as slot:
            slot.sent()
            slot.answered()
            slot.answered()
            next_one = asyncio.create_task(ask(of, (Rate(2, MINUTE),)))
            await anyio.sleep(500)  # a long body
            return next_one.result() - START

    assert pytest.approx(60.06, abs=0.01) == run(scenario)


# --- starting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "held"),
    [(Rate(5, SECOND), 1.04), (Rate(5, MINUTE), 60.06), (Rate(5, HOUR), 3_603.6), (Rate(5, 2 * HOUR), 0.0)],
)
def test_a_store_that_is_found_empty_rests_once_for_windows_up_to_an_hour(rate: Rate, held: float) -> None:
    async def scenario() -> list[float]:
        of, later = (quota(store, cold_start=True) for store in [MemoryStore()] for _ in range(2))
        await asyncio.sleep(5)  # it is not found empty before it is asked
        first = await ask(of, (rate,)) - START - 5
        began = asyncio.get_running_loop().time()
        async with later.slot("a newborn", (rate,)):
            return [first, asyncio.get_running_loop().time() - began]

    assert pytest.approx([held, 0.0], abs=0.01) == run(scenario)


@pytest.mark.parametrize(("killed", "free_at"), [(False, 60.06), (True, LEASE_S + 60.06)])
def test_slots_of_minute_rates_and_the_day_survive_a_restart(tmp_path: Path, killed: bool, free_at: float) -> None:
    rates = (Rate(4, MINUTE), Rate(10, DAY))

    async def before() -> None:
        of = quota(tmp_path / "quota")
        for _ in range(2):
            await ask(of, rates)
        waiting = of.slot("lists", rates)
        (await waiting.__aenter__()).sent()
        if not killed:
            await waiting.__aexit__(None, None, None)

    async def after() -> list[float]:
        await asyncio.sleep(20)
        of = quota(tmp_path / "quota")
        assert 6 == (await of.state("lists", rates)).left_today
        return [await ask(of, rates) - START for _ in range(3)]

    run(before)
    first, _, third = run(after)
    assert pytest.approx(60.06, abs=0.1) == first
    assert pytest.approx(free_at, abs=0.1) == third


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_children_of_a_fork_count_their_parents_and_each_others_slots(tmp_path: Path) -> None:
    """On a real clock: in less than a minute, all three together send what one may."""
    of = Quota("account", store=tmp_path / "quota", cold_start=False)
    rates = (Rate(6, MINUTE),)

    async def take(most: int) -> int:
        for number in range(most):
            try:
                async with of.slot("lists", rates, max_wait=0) as slot:
                    slot.sent()
            except WouldExceedQuota:
                return number
        return most

    async def enter() -> Any:
        waiting = of.slot("lists", rates)
        (await waiting.__aenter__()).sent()
        return waiting

    def in_a_child() -> int:
        child = os.fork()
        if not child:
            os._exit(asyncio.run(take(3)))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    with asyncio.Runner() as runner:
        assert 1 == runner.run(take(1))
        in_flight = runner.run(enter())
        assert [3, 0] == [in_a_child() for _ in range(2)]
        runner.run(in_flight.__aexit__(None, None, None))


def test_two_processes_on_one_file_share_the_windows(tmp_path: Path) -> None:
    async def scenario() -> list[float]:
        clock = VirtualClock().clock
        one, two = (Quota("a", store=tmp_path / "q", clock=clock, cold_start=False) for _ in range(2))
        dice = random.Random(1)
        ways = [(of, dice.uniform(0, 0.2), dice.uniform(0, 0.2)) for of in (one, two) for _ in range(40)]
        return await fan_out([ask(of, TEN, up=up, down=down) for of, up, down in ways])

    arrived = run(scenario)
    assert 0 == max(refusals(arrived, 10, 1.0).values())
    assert max(arrived) - START < 80 / 9 * 1.7


# --- the day -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("strict", "limit", "allowed"), [(True, 5, 4), (False, 5, 5), (True, 1, 1)])
def test_a_spent_day_is_an_error_that_says_when_it_ends(strict: bool, limit: int, allowed: int) -> None:
    of = quota(strict=strict, epoch=MIDNIGHT - 1_000)
    rates = (Rate(100, SECOND), Rate(limit, DAY))

    async def scenario() -> None:
        for _ in range(allowed):
            await ask(of, rates)
        for _ in range(2):
            with pytest.raises(DailyQuotaExhausted) as caught:
                await ask(of, rates)
            assert ("lists", limit, MIDNIGHT) == (caught.value.counter, caught.value.limit, caught.value.resets_at)
        await anyio.sleep(1_002)
        await ask(of, rates)

    run(scenario)
    state = state_of(of, rates)
    assert (1, allowed - 1, MIDNIGHT + DAY) == (state.used_today, state.left_today, state.resets_at)


@pytest.mark.parametrize("off", [-0.9, 0.0, 0.9])
def test_no_day_at_the_vendor_holds_more_than_its_limit_though_the_clocks_disagree(off: float) -> None:
    of = quota(epoch=MIDNIGHT - 5)
    rates, limit = (Rate(50, SECOND), Rate(60, DAY)), 60
    days: list[int] = []

    async def scenario() -> None:
        async def one(up: float) -> None:
            try:
                arrived = await ask(of, rates, up=up, down=0.1)
            except DailyQuotaExhausted as spent:
                await anyio.sleep(max(0.0, spent.resets_at - of.clock.now()))
                return
            days.append(int((MIDNIGHT - 5 + arrived - START + off) // DAY))

        async with anyio.create_task_group() as tasks:
            for number in range(150):
                tasks.start_soon(one, 0.05 * (number % 7))
                await anyio.sleep(0.08)

    run(scenario)
    assert 2 == len(set(days))
    assert max(days.count(day) for day in set(days)) < limit


def test_near_midnight_both_days_are_charged_and_so_is_the_day_of_the_answer() -> None:
    rates = (Rate(50, SECOND), Rate(60, DAY))
    before, after = int(MIDNIGHT // DAY) - 1, int(MIDNIGHT // DAY)

    async def charged(at: float, latency: float) -> list[int]:
        of = quota(epoch=MIDNIGHT + at)
        await ask(of, rates, up=latency)
        return list((await of.store.look((of._account, "lists"), "", (before, after), of.clock.now())).used)

    assert [1, 0] == run(charged, -10.0, 0.1)
    assert [1, 1] == run(charged, -10.0, 20.0)
    assert [1, 1] == run(charged, -0.5, 0.0)
    assert [1, 1] == run(charged, 0.5, 0.0)
    assert [0, 1] == run(charged, 1.5, 0.0)


def test_just_after_midnight_a_spent_day_says_to_wait_until_the_clocks_agree() -> None:
    of = quota(epoch=MIDNIGHT - 2)
    rates = (Rate(50, SECOND), Rate(2, DAY))

    async def scenario() -> list[float]:
        await ask(of, rates)
        waits = []
        while True:
            try:
                await ask(of, rates)
            except DailyQuotaExhausted as spent:
                waits.append(spent.resets_at - MIDNIGHT)
                await anyio.sleep(spent.resets_at - of.clock.now())
            else:
                return waits

    assert [0.0, 1.0] == run(scenario)


def test_the_vendors_word_that_the_day_is_spent_ends_the_day_for_all_who_wait(tmp_path: Path) -> None:
    of = quota(tmp_path / "quota", epoch=MIDNIGHT - 50_000)
    rates = (Rate(2, MINUTE), Rate(1_000, DAY))

    async def scenario() -> None:
        async with of.slot("lists", rates) as slot:
            slot.sent()
            waiting = [asyncio.create_task(ask(of, rates)) for _ in range(5)]
            await anyio.sleep(1)
            slot.refused("day")
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [DailyQuotaExhausted] * 5 == [type(answer) for answer in answers]
        assert asyncio.get_running_loop().time() - START < 1.01

    async def after_a_restart() -> None:
        with pytest.raises(DailyQuotaExhausted):
            await ask(quota(tmp_path / "quota", epoch=MIDNIGHT - 20_000), rates)

    run(scenario)
    run(after_a_restart)
    assert (0, 1) == (state_of(of, rates).left_today, state_of(of, rates).refused)


def test_a_day_limit_that_nobody_documented_is_believed_until_midnight() -> None:
    of = quota(epoch=MIDNIGHT - 100)

    async def scenario() -> None:
        async with of.slot("lists", TEN) as slot:
            slot.sent()
            slot.refused("day")
        with pytest.raises(DailyQuotaExhausted):
            await ask(of)
        await anyio.sleep(102)
        await ask(of)

    run(scenario)


def test_a_refusal_read_after_midnight_does_not_cost_the_new_day() -> None:
    of = quota(epoch=MIDNIGHT - 3)
    rates = (Rate(10, SECOND), Rate(100, DAY))

    async def scenario() -> None:
        async with of.slot("lists", rates) as slot:
            slot.sent()
            await anyio.sleep(5)
            slot.refused("day")
        await ask(of, rates)

    run(scenario)


@pytest.mark.parametrize("off", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("kind", ["fixed", "log", "bucket"])
def test_midnight_under_load_with_clocks_that_disagree_meets_no_refusal(kind: str, off: float) -> None:
    """The vendor's clock is learnt from the `Date` of its answers; two processes cross midnight with a short day."""
    rates, day_limit, spent = (Rate(10, SECOND), Rate(80, DAY)), 80, 0
    clock, store = VirtualClock(MIDNIGHT - 15).clock, MemoryStore()
    arrived: list[float] = []

    async def one(of: Quota, up: float) -> None:
        nonlocal spent
        while True:
            try:
                async with of.slot("lists", rates) as slot:
                    slot.sent()
                    sent = clock.monotonic()
                    await anyio.sleep(up)
                    arrived.append(clock.wall() + off)
                    date = formatdate(arrived[-1], usegmt=True)
                    await anyio.sleep(0.05)
                    slot.answered()
                    of.clock.learn({"date": date}, sent, clock.monotonic())
                return
            except DailyQuotaExhausted as exhausted:
                spent += 1
                await anyio.sleep(max(0.1, exhausted.resets_at - of.clock.now()))

    async def scenario() -> None:
        quotas = [Quota("account", store=store, clock=clock, cold_start=False) for _ in range(2)]
        async with anyio.create_task_group() as tasks:
            for number in range(130):
                tasks.start_soon(one, quotas[number % 2], 0.03 * (number % 7))

    run(scenario)
    assert 130 == len(arrived)
    assert spent, "the day was used up"
    days = [int(at // DAY) for at in arrived]
    assert 2 == len(set(days))
    assert max(days.count(day) for day in set(days)) < day_limit
    found = refusals(arrived, 10, 1.0)
    assert [0, 0] == [found[kind], found[f"strict {kind}"]]


# --- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per", "held"), [("second", 1.04), ("minute", 60.0), ("unknown", 1.04)])
def test_a_refusal_holds_everybody_for_one_window(per: Any, held: float) -> None:
    of = quota()

    async def scenario() -> float:
        async with of.slot("lists", TEN) as slot:
            slot.sent()
            slot.refused(per)
        return await ask(of) - START

    assert pytest.approx(held, abs=0.01) == run(scenario)
    assert 1 == state_of(of).refused


def test_the_vendors_retry_after_is_heeded() -> None:
    async def scenario() -> float:
        of = quota()
        async with of.slot("lists", TEN) as slot:
            slot.sent()
            slot.refused("second", 30.0)
        return await ask(of) - START

    assert pytest.approx(30, abs=0.01) == run(scenario)


def test_refusals_slow_the_pace() -> None:
    async def scenario() -> float:
        of = quota()
        for _ in range(8):
            async with of.slot("lists", TEN) as slot:
                slot.sent()
                slot.refused("second")
        began = asyncio.get_running_loop().time()
        await fan_out([ask(of) for _ in range(60)])
        return asyncio.get_running_loop().time() - began

    assert 60 / 9 * 1.3 < run(scenario)


def test_a_refusal_of_one_process_holds_and_slows_all_who_share_the_store() -> None:
    async def scenario() -> list[float]:
        store, clock = MemoryStore(), VirtualClock().clock
        one, two = (Quota("account", store=store, clock=clock, cold_start=False) for _ in range(2))
        await ask(two)
        for _ in range(4):
            async with one.slot("lists", TEN) as slot:
                slot.sent()
                slot.refused("second")
            held = asyncio.get_running_loop().time()
            await ask(two)
            assert pytest.approx(1.04, abs=0.2) == asyncio.get_running_loop().time() - held
        return [of._counter("lists", TEN).bucket.windows[0].slowdown.extra_margin for of in (one, two)]

    one, two = run(scenario)
    assert 0.08 == one
    assert 0.04 <= two


@pytest.mark.parametrize("per", ["second", "day"])
def test_a_refusal_is_told_to_the_others_though_the_answer_could_not_be_written_down(per: Any) -> None:
    class Forgetful(MemoryStore):
        async def answered(self, *args: Any, **options: Any) -> None:
            raise QuotaUnavailable("not now")

    rates = (Rate(10, SECOND), Rate(10, DAY))

    async def scenario() -> None:
        store, clock = Forgetful(), VirtualClock().clock
        one, two = (Quota("account", store=store, clock=clock, cold_start=False) for _ in range(2))
        async with one.slot("lists", rates) as slot:
            slot.sent()
            slot.refused(per)
        with pytest.raises(WouldExceedQuota if per == "second" else DailyQuotaExhausted):
            await ask(two, rates, max_wait=0.5)

    run(scenario)


def test_the_first_refusal_at_the_default_settings_is_reported_in_words_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(of: Quota) -> None:
        for counter in ("lists", "lists", "detail"):
            async with of.slot(counter, TEN) as slot:
                slot.sent()
                slot.refused("second")

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "agora_tencent_analytics"]

    run(scenario, quota(strict=False))
    assert [] == told()
    run(scenario, quota())
    assert ["lists", "detail"] == [message.partition(":")[0] for message in told()]
    assert all("another client uses this account" in message for message in told())
    assert all("Plan.share(0.5)" in message for message in told())


@pytest.mark.parametrize(("after_s", "named"), [(60.0, True), (3_700.0, False)])
def test_a_refusal_is_explained_first_by_a_store_that_was_found_empty_or_had_lost_data_lately(
    after_s: float, named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        of = quota()
        await ask(of)
        await asyncio.sleep(after_s)
        async with of.slot("lists", TEN) as slot:
            slot.sent()
            slot.refused("second")

    run(scenario)
    said = caplog.records[-1].getMessage()
    assert named == ("found empty, or had lost data, 60 s ago" in said)
    assert "another client uses this account" in said


# --- priorities ----------------------------------------------------------------------------------------


def test_an_interactive_request_waits_at_most_one_slot_while_a_backfill_saturates_and_nobody_starves() -> None:
    of, rates = quota(), (Rate(3, SECOND),)
    slot_s = 1.14  # a slot's cycle: period, margin, round trip
    waits: list[float] = []
    backfilled: list[float] = []

    async def backfill() -> None:
        while True:
            backfilled.append(await ask(of, rates, down=0.1, priority="backfill"))

    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(backfill)
            for _ in range(50):
                await anyio.sleep(1.7)
                began = asyncio.get_running_loop().time()
                waits.append(await ask(of, rates, down=0.1, priority="interactive") - began)
            tasks.cancel_scope.cancel()

    run(scenario)
    assert max(waits) <= slot_s
    assert 50 == len(waits)
    assert 50 < len(backfilled)


@pytest.mark.parametrize("limit", [3, 20])
def test_a_dashboard_goes_before_the_backfill_of_another_process(limit: int) -> None:
    """Stores know no priorities: a backfill leaves what comes free to others for a moment."""
    clock, store, rates = VirtualClock().clock, MemoryStore(), (Rate(limit, SECOND),)
    job, dashboard = (Quota("account", store=store, clock=clock, cold_start=False) for _ in range(2))
    waited: list[float] = []
    done = 0

    async def backfill() -> None:
        nonlocal done
        while True:
            await ask(job, rates, up=0.02, down=0.03, priority="backfill")
            done += 1

    async def scenario() -> None:
        working = [asyncio.create_task(backfill()) for _ in range(20)]
        await asyncio.sleep(3)
        for _ in range(40):
            await asyncio.sleep(0.77)
            async with dashboard.slot("lists", rates, priority="interactive") as slot:
                slot.sent()
                await asyncio.sleep(0.05)
            waited.append(slot.waited_s)
        for one in working:
            one.cancel()
        await asyncio.wait(working)

    run(scenario)
    rest_s = SECOND + 0.04 + 0.05
    a_slot = rest_s / (limit - 1)
    turn = rest_s - 0.95 * (limit - 2) / (limit - 1)
    """The longest between two grants: all slots of the window are out, and the first of them comes back."""
    assert max(waited) <= turn + a_slot, (max(waited), turn, a_slot)
    assert sorted(waited)[30] <= a_slot
    assert done > 0.5 * 30 / a_slot, "the backfill is not starved"


@pytest.mark.parametrize("limit", [3, 20])
def test_backfills_of_several_processes_starve_none_of_them(limit: int) -> None:
    clock, store, rates = VirtualClock().clock, MemoryStore(), (Rate(limit, SECOND),)
    granted: list[tuple[float, int]] = []

    async def backfill(number: int, of: Quota) -> None:
        while True:
            async with of.slot("lists", rates, priority="backfill") as slot:
                slot.sent()
                granted.append((asyncio.get_running_loop().time(), number))
                await asyncio.sleep(0.05)

    async def scenario() -> None:
        working = []
        for number, tasks in enumerate((20, 20, 1)):
            of = Quota("account", store=store, clock=clock, cold_start=False)
            working += [asyncio.create_task(backfill(number, of)) for _ in range(tasks)]
        await asyncio.sleep(60)
        for one in working:
            one.cancel()
        await asyncio.wait(working)

    run(scenario)
    for number in range(3):
        times = [START, *(at for at, who in granted if who == number), START + 60]
        longest = max(after - before for before, after in itertools.pairwise(times))
        assert longest <= 10 * 1.09 / (limit - 1) + 1.1, (number, longest)
    assert len(granted) >= 0.8 * 60 * (limit - 1) / 1.09


def test_of_ten_grants_in_a_row_one_goes_to_whoever_was_overtaken_longest() -> None:
    of, order = quota(), []

    async def one(priority: Priority, number: int) -> None:
        async with of.slot("lists", TEN, priority=priority) as slot:
            order.append((priority, number))
            slot.sent()

    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(one, "backfill", number)
            for number in range(3):
                tasks.start_soon(one, "normal", number)
            await anyio.sleep(1e-6)
            for number in range(60):
                tasks.start_soon(one, "interactive", number)

    run(scenario)
    overtaken = [at for at, (priority, _) in enumerate(order) if priority != "interactive"]
    assert overtaken[-1] < 62
    assert max(late - early for early, late in itertools.pairwise(overtaken)) == 10
    waited = [turn for turn in order if turn[0] != "interactive"]
    assert [("backfill", n) for n in range(3)] + [("normal", n) for n in range(3)] == waited
    assert list(range(60)) == [number for priority, number in order if priority == "interactive"], "first come first"


def test_a_head_that_is_overtaken_at_the_pace_gives_its_turn_not_a_turn_more() -> None:
    async def scenario() -> list[float]:
        of, rates = quota(), (Rate(20, SECOND),)
        await ask(of, rates)
        first = asyncio.create_task(ask(of, rates, priority="backfill"))
        await anyio.sleep(0.04)
        urgent = asyncio.create_task(ask(of, rates, priority="interactive"))
        return [await urgent - START, await first - START]

    assert pytest.approx([0.05, 0.1], abs=0.004) == run(scenario)


def test_whoever_is_next_looks_once_for_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    wait = Bucket.wait

    def counted(*arguments: Any, **options: Any) -> float:
        nonlocal looks
        looks += 1
        return wait(*arguments, **options)

    monkeypatch.setattr(Bucket, "wait", counted)
    of, rates = quota(), (Rate(20, SECOND),)

    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(15):
                group.start_soon(ask, of, rates)

    run(scenario)
    assert looks <= 15 + 3, "neither an answer nor a grant wakes it before the pace allows its own"


def test_estimates_count_only_those_who_go_first() -> None:
    of, rates = quota(), (Rate(2, MINUTE),)

    async def scenario() -> None:
        await ask(of, rates)
        waiting = [asyncio.create_task(ask(of, rates, priority="backfill")) for _ in range(3)]
        await anyio.sleep(1e-6)
        for priority, expected in (("backfill", 240.24), ("normal", 60.06), ("interactive", 60.06)):
            with pytest.raises(WouldExceedQuota) as caught:
                await ask(of, rates, max_wait=1, priority=priority)
            assert pytest.approx(EPOCH + expected, abs=0.01) == caught.value.retry_at
        for task in waiting:
            task.cancel()

    run(scenario)


def test_a_share_of_each_day_is_reserved_for_a_priority() -> None:
    of = quota(epoch=MIDNIGHT - 5_000, reserve={"interactive": 0.2})
    rates = (Rate(11, DAY),)

    async def scenario() -> None:
        for _ in range(8):
            await ask(of, rates, priority="backfill")
        for priority in ("backfill", "normal"):
            with pytest.raises(
                DailyQuotaExhausted,
                match="nothing but the last 2, reserved for another priority, is left of the 11 requests ",
            ) as caught:
                await ask(of, rates, priority=priority)
            assert (2, MIDNIGHT) == (caught.value.reserved, caught.value.resets_at)
        for _ in range(2):
            await ask(of, rates, priority="interactive")
        with pytest.raises(DailyQuotaExhausted, match="nothing is left of the 11 requests ") as caught:
            await ask(of, rates, priority="interactive")
        assert 0 == caught.value.reserved
        await anyio.sleep(5_002)
        await ask(of, rates, priority="backfill")

    run(scenario)
    assert {"interactive": 2} == state_of(of, rates).reserved


@pytest.mark.parametrize(
    "nonsense",
    [{"urgent": 0.1}, {"interactive": 0}, {"interactive": 0.5, "normal": 0.5}, {"interactive": "0.1"}, 0.1, 0, ()],
    ids=str,
)
def test_a_reserve_is_shares_of_the_day_for_priorities(nonsense: Any) -> None:
    with pytest.raises(BadInput, match="reserve must give shares"):
        quota(reserve=nonsense)


def test_there_are_three_priorities() -> None:
    with pytest.raises(BadInput, match="priority must be one of interactive, normal, backfill"):
        quota().slot("lists", TEN, priority="urgent")  # type: ignore[arg-type]


def test_a_slot_says_what_it_cost_and_what_is_left() -> None:
    of, rates = quota(epoch=MIDNIGHT - 5_000), (Rate(2, MINUTE), Rate(11, DAY))

    async def scenario() -> list[tuple[float, int | None, float]]:
        told = []
        for _ in range(2):
            async with of.slot("lists", rates) as slot:
                slot.sent()
            told.append((round(slot.waited_s, 1), slot.left_today, slot.resets_at))
        async with of.slot("lists", ()) as slot:
            told.append((slot.waited_s, slot.left_today, slot.resets_at))
        return told

    assert [(0.0, 9, MIDNIGHT), (60.1, 8, MIDNIGHT), (0.0, None, MIDNIGHT)] == run(scenario)


# --- how long to wait ----------------------------------------------------------------------------------


def test_no_patience_takes_a_free_slot_and_refuses_to_wait_for_another() -> None:
    of = quota()

    async def scenario() -> None:
        await ask(of, max_wait=0)
        with pytest.raises(WouldExceedQuota) as caught:
            await ask(of, max_wait=0)
        assert pytest.approx(EPOCH + 0.95 / 9, abs=0.01) == caught.value.retry_at
        await anyio.sleep(0.11)
        await ask(of, max_wait=0)

    run(scenario)
    assert 2 == state_of(of).granted


def test_too_long_a_wait_is_refused_at_once_and_a_bearable_one_is_waited_for() -> None:
    rates = (Rate(2, MINUTE), Rate(100, DAY))
    of = quota()

    async def scenario() -> None:
        await ask(of, rates)
        with pytest.raises(WouldExceedQuota) as caught:
            await ask(of, rates, max_wait=59)
        assert pytest.approx(EPOCH + 60.06, abs=0.01) == caught.value.retry_at
        assert asyncio.get_running_loop().time() - START < 0.001
        waiting = asyncio.create_task(ask(of, rates, max_wait=61))
        await anyio.sleep(1e-6)
        with pytest.raises(WouldExceedQuota) as behind:
            await ask(of, rates, max_wait=119)
        assert pytest.approx(EPOCH + 120.12, abs=0.01) == behind.value.retry_at
        assert pytest.approx(START + 60.06, abs=0.01) == await waiting

    run(scenario)
    assert 2 == state_of(of, rates).used_today


def test_a_hold_that_outlasts_their_patience_is_told_to_all_who_wait() -> None:
    async def scenario() -> list[type[object]]:
        of = quota()
        async with of.slot("lists", TEN) as slot:
            slot.sent()
            waiting = [asyncio.create_task(ask(of, max_wait=20)) for _ in range(3)]
            await anyio.sleep(0.01)
            slot.refused("second", 100.0)
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert asyncio.get_running_loop().time() - START < 0.2  # whoever is at the pace hears it after that
        return [type(answer) for answer in told]

    assert [WouldExceedQuota] * 3 == run(scenario)


def test_patience_ends_while_an_answer_is_outstanding() -> None:
    async def scenario() -> float:
        of = quota()
        async with of.slot("lists", (Rate(1, SECOND),)) as slot:
            slot.sent()
            with pytest.raises(WouldExceedQuota):
                await ask(of, (Rate(1, SECOND),), max_wait=3)
            return asyncio.get_running_loop().time() - START

    assert 1 < run(scenario) <= 3.01


@pytest.mark.parametrize("queues", [False, True])
def test_whoever_stands_behind_others_when_its_time_ends_hears_it_then_and_how_long_a_slot_would_take(
    queues: bool,
) -> None:
    async def scenario() -> tuple[float, float]:
        of = quota()
        async with of.slot("lists", (Rate(1, SECOND),)) as slot:
            slot.sent()
            ahead = asyncio.create_task(ask(of, (Rate(1, SECOND),)))
            await anyio.sleep(1e-6)
            with pytest.raises(WouldExceedQuota) as refused:
                await ask(of, (Rate(1, SECOND),), within_s=3, queues=queues, priority="backfill")
            ended_s = asyncio.get_running_loop().time() - START
            ahead.cancel()
        return ended_s, refused.value.wait_s(EPOCH + ended_s) or 0

    ended_s, wait_s = run(scenario)
    assert 3 == pytest.approx(ended_s, abs=1e-4)
    assert 1 <= wait_s


@pytest.mark.parametrize("nonsense", [-1, float("nan"), "1"])
def test_patience_is_a_number_of_seconds(nonsense: Any) -> None:
    with pytest.raises(BadInput, match="max_wait"):
        quota().slot("lists", TEN, max_wait=nonsense)


# --- sharing -------------------------------------------------------------------------------------------


def test_a_rate_that_is_learnt_late_counts_what_was_sent_before() -> None:
    of = quota(merge=(("a", "b"),))

    async def one(counter: str, rate: Rate) -> float:
        async with of.slot(counter, (rate,)) as slot:
            slot.sent()
        return asyncio.get_running_loop().time()

    async def scenario() -> float:
        before = [await one("a", Rate(100, SECOND)) for _ in range(8)]
        return await one("b", Rate(6, MINUTE)) - before[-1]

    assert pytest.approx(60.06, abs=0.01) == run(scenario)


def test_the_last_request_of_a_day_is_there_again_when_it_was_not_sent() -> None:
    of, rates = quota(), (Rate(2, DAY),)

    async def scenario() -> None:
        async with of.slot("lists", rates):
            pass
        await ask(of, rates)

    run(scenario)
    assert 0 == state_of(of, rates).left_today


def test_merged_counters_share_windows_and_day() -> None:
    of = quota(merge=(("lists", "detail"),))
    rates = (Rate(2, MINUTE), Rate(10, DAY))

    async def scenario() -> float:
        await ask(of, rates)
        async with of.slot("detail", rates) as slot:
            slot.sent()
        async with of.slot("other", rates) as slot:
            slot.sent()
        return asyncio.get_running_loop().time() - START

    assert pytest.approx(60.06, abs=0.01) == run(scenario)
    assert state_of(of, rates).used_today == state_of(of, rates, "detail").used_today == 2
    assert ("detail+lists", 1) == (state_of(of, rates).counter, state_of(of, rates, "other").used_today)


def test_a_counter_is_merged_once() -> None:
    with pytest.raises(BadInput, match="'b' twice"):
        quota(merge=(("a", "b"), ("b", "c")))


@pytest.mark.parametrize("nonsense", [("lists", "metrics"), "lists", 5, [("lists", 5)]])
def test_a_group_to_merge_is_more_than_a_word(nonsense: Any) -> None:
    with pytest.raises(BadInput, match="is not a group"):
        quota(merge=nonsense)


@pytest.mark.parametrize("account", [None, 5, b"account", ""])
def test_an_account_is_a_text(account: Any) -> None:
    with pytest.raises(BadInput, match="account must be a non-empty text"):
        Quota(account, store=":memory:")


def test_one_account_has_one_quota_in_a_process_and_one_plan() -> None:
    one = Quota.shared("shared", plan="standard", store=":memory:")
    assert one is Quota.shared("shared", plan="standard", store=":memory:")
    assert one is not Quota.shared("somebody else", plan="standard", store=":memory:")
    with pytest.raises(ValueError, match="'standard' and cannot have plan 'premium'"):
        Quota.shared("shared", plan="premium", store=":memory:")
    del one
    gc.collect()
    assert "premium" == Quota.shared("shared", plan="premium", store=":memory:").plan


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ({"store": ":memory:"}, {"store": "/elsewhere"}),
        ({"store": ":memory:"}, {"merge": (("a", "b"),)}),
        ({"store": ":memory:", "merge": (("a", "b"),)}, {"merge": (("a", "c"),)}),
        ({"store": ":memory:"}, {"reserve": {"interactive": 0.1}}),
        ({"store": ":memory:"}, {"strict": False}),
        ({"store": ":memory:", "strict": False}, {"strict": True}),
    ],
)
def test_what_contradicts_the_quota_in_use_is_refused_and_what_is_left_out_is_not(first: Any, later: Any) -> None:
    one = Quota.shared("contradicted", plan="standard", **first)
    assert one is Quota.shared("contradicted", plan="standard")
    assert one is Quota.shared("contradicted", plan="standard", **first)
    with pytest.raises(BadInput, match=f"in use with another {next(iter(later))}="):
        Quota.shared("contradicted", plan="standard", **later)


def test_the_account_is_written_nowhere(tmp_path: Path) -> None:
    of = Quota("customer-id-4711", store=tmp_path / "quota", clock=VirtualClock().clock, cold_start=False)
    run(ask, of, (Rate(10, SECOND), Rate(10, DAY)))
    assert all(b"4711" not in file.read_bytes() for file in tmp_path.iterdir())
    assert "4711" not in repr(of) + repr(vars(of))


def test_one_quota_serves_several_loops_in_several_threads() -> None:
    """On real clocks: what is tested is that loops wake each other, not how long they wait."""
    of = Quota("account", store=":memory:", cold_start=False)
    rates = (Rate(40, SECOND), Rate(1_000, DAY))
    arrived: list[float] = []

    async def many() -> None:
        async def one() -> None:
            async with of.slot("lists", rates) as slot:
                slot.sent()
                arrived.append(time.monotonic())
                await asyncio.sleep(0.001)

        await asyncio.gather(*(one() for _ in range(15)))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert 45 == len(arrived) == state_of(of, rates).used_today
    assert 0 == max(refusals(arrived, 40, 1.0).values())


def test_a_loop_that_was_closed_with_waiters_does_not_block_the_others() -> None:
    of = Quota("account", store=":memory:", cold_start=False)
    rates = (Rate(2, MINUTE),)
    doomed = asyncio.new_event_loop()

    async def hold_and_wait() -> Slot:
        slot = await of.slot("lists", rates).__aenter__()
        doomed.create_task(of.slot("lists", rates).__aenter__()).set_name("never finished")
        await asyncio.sleep(0)
        return slot

    doomed.set_exception_handler(lambda loop, context: None)
    slot = doomed.run_until_complete(hold_and_wait())
    orphans = asyncio.all_tasks(doomed)
    doomed.close()
    slot._leave(broken=False, at_once=True)
    asyncio.run(slot._tell(None))

    async def next_one() -> None:
        async with of.slot("lists", rates, max_wait=5) as mine:
            mine.sent()

    asyncio.run(next_one())
    assert 1 == len(orphans)
    for orphan in orphans:
        orphan._log_destroy_pending = False  # type: ignore[attr-defined]


def test_threads_racing_for_a_day_are_granted_exactly_what_it_holds() -> None:
    store = MemoryStore()
    rates = (Rate(8_000, DAY),)
    granted: list[int] = []

    async def greedy() -> None:
        of = Quota("account", store=store)
        count = 0
        try:
            while True:
                async with of.slot("lists", rates) as slot:
                    slot.sent()
                count += 1
        except DailyQuotaExhausted:
            granted.append(count)

    threads = [threading.Thread(target=asyncio.run, args=(greedy(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 7_999 == sum(granted)


# --- reports -------------------------------------------------------------------------------------------


def test_the_state_tells_what_is_left_and_how_it_went() -> None:
    of = quota(epoch=MIDNIGHT - 5_000)
    rates = (Rate(10, SECOND), Rate(100, DAY))

    async def scenario() -> None:
        await fan_out([ask(of, rates) for _ in range(12)])
        state = await of.state("lists", rates)
        assert (12, 87, MIDNIGHT, 12, 0, 0, 0) == (
            *(state.used_today, state.left_today, state.resets_at),
            *(state.granted, state.refused, state.refunded, state.waiting),
        )
        assert 0 < state.next_free_s < 0.2
        assert 1 < state.waited_s < 12

    run(scenario)


def test_the_state_of_what_has_no_limits_is_unlimited() -> None:
    assert (0, None, 0.0) == (lambda s: (s.used_today, s.left_today, s.next_free_s))(state_of(quota(), ()))
    assert (0, None) == (lambda s: (s.used_today, s.left_today))(state_of(quota()))


def test_the_store_is_a_file_where_one_is_named(tmp_path: Path) -> None:
    of = Quota("account", store=tmp_path / "q", clock=Clock())
    assert isinstance(of.store, SqliteStore)
    assert isinstance(of.store, QuotaStore)
