"""The quota in virtual time: no refusals, no overtaking, nothing leaked."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiolimiter import AsyncLimiter
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics.errors import BadInput, DailyQuotaExhausted, WouldExceedQuota
from agora_tencent_analytics.limits import DAY, MINUTE, SECOND, Rate
from agora_tencent_analytics.runtime.clock import Clock
from agora_tencent_analytics.runtime.limiter import Bucket
from agora_tencent_analytics.runtime.quota import Quota
from agora_tencent_analytics.runtime.slot import Slot
from agora_tencent_analytics.runtime.sqlite_store import SqliteStore
from agora_tencent_analytics.runtime.store import MemoryStore, QuotaStore
from tests.runtime.counting_servers import refusals
from tests.virtual_time import EPOCH, START, VirtualClock, run

MIDNIGHT = 20_717.0 * DAY
TEN = (Rate(10, SECOND),)
DELAYS = st.lists(st.floats(0, 2, allow_subnormal=False), min_size=1, max_size=10)


def quota(
    store: str | Path | QuotaStore = ":memory:", *, epoch: float = EPOCH, cold_start: bool = False, **options: Any
) -> Quota:
    return Quota("account", store=store, clock=VirtualClock(epoch).clock, cold_start=cold_start, **options)


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
        counter = of._counters["lists"]
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
    state = of.state("lists", rates)
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
    assert 2 == of.state("lists", rates).used_today


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


def test_after_a_cold_start_a_rate_of_a_second_is_held_for_one_period() -> None:
    async def scenario() -> list[float]:
        of = quota(cold_start=True)
        return [await ask(of) - START, await ask(of, (Rate(5, MINUTE),)) - START]

    async def minutes() -> float:
        return await ask(quota(cold_start=True), (Rate(5, MINUTE),)) - START

    assert pytest.approx(1.04, abs=0.01) == run(scenario)[0]
    assert run(minutes) < 0.01


@pytest.mark.parametrize("in_flight", [False, True])
def test_slots_of_minute_rates_and_the_day_survive_a_restart(tmp_path: Path, in_flight: bool) -> None:
    rates = (Rate(4, MINUTE), Rate(10, DAY))

    async def before() -> None:
        of = quota(tmp_path / "quota")
        for _ in range(2):
            await ask(of, rates)
        async with of.slot("lists", rates) as slot:
            slot.sent()
            if in_flight:
                of._counters["lists"].answered = lambda grant: None  # type: ignore[method-assign]  # the process dies here

    async def after() -> float:
        of = quota(tmp_path / "quota", epoch=EPOCH + 20)
        assert 6 == of.state("lists", rates).left_today
        return await ask(of, rates) - START

    run(before)
    assert pytest.approx(40.06, abs=0.1) == run(after)


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
            assert ("lists", limit, MIDNIGHT) == (caught.value.endpoint, caught.value.limit, caught.value.resets_at)
        await anyio.sleep(1_002)
        await ask(of, rates)

    run(scenario)
    state = of.state("lists", rates)
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
        return [of.store.used((of._account, "lists"), day) for day in (before, after)]

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
    assert (0, 1) == (of.state("lists", rates).left_today, of.state("lists", rates).refused)


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
    assert 1 == of.state("lists", TEN).refused


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
    assert 2 == of.state("lists", TEN).granted


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
    assert 2 == of.state("lists", rates).used_today


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


@pytest.mark.parametrize("nonsense", [-1, float("nan")])
def test_patience_is_a_number_of_seconds(nonsense: float) -> None:
    with pytest.raises(BadInput, match="max_wait"):
        quota().slot("lists", TEN, max_wait=nonsense)


# --- sharing -------------------------------------------------------------------------------------------


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
    assert of.state("lists", rates).used_today == of.state("detail", rates).used_today == 2
    assert ("detail+lists", 1) == (of.state("lists", rates).counter, of.state("other", rates).used_today)


def test_a_counter_is_merged_once() -> None:
    with pytest.raises(BadInput, match="'b' twice"):
        quota(merge=(("a", "b"), ("b", "c")))


def test_one_account_has_one_quota_in_a_process_and_one_plan() -> None:
    one = Quota.shared("shared", plan="standard", store=":memory:")
    assert one is Quota.shared("shared", plan="standard", store=":memory:")
    assert one is not Quota.shared("somebody else", plan="standard", store=":memory:")
    with pytest.raises(ValueError, match="'standard' and cannot have plan 'premium'"):
        Quota.shared("shared", plan="premium", store=":memory:")
    del one
    gc.collect()
    assert "premium" == Quota.shared("shared", plan="premium", store=":memory:").plan


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
    assert 45 == len(arrived) == of.state("lists", rates).used_today
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
    slot._leave()

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
        state = of.state("lists", rates)
        assert (12, 87, MIDNIGHT, 12, 0, 0, 0) == (
            *(state.used_today, state.left_today, state.resets_at),
            *(state.granted, state.refused, state.refunded, state.waiting),
        )
        assert 0 < state.next_free_s < 0.2
        assert 1 < state.waited_s < 12

    run(scenario)


def test_the_state_of_what_has_no_limits_is_unlimited() -> None:
    assert (0, None, 0.0) == (lambda s: (s.used_today, s.left_today, s.next_free_s))(quota().state("lists", ()))
    assert (0, None) == (lambda s: (s.used_today, s.left_today))(quota().state("lists", TEN))


def test_the_store_is_a_file_where_one_is_named(tmp_path: Path) -> None:
    of = Quota("account", store=tmp_path / "q", clock=Clock())
    assert isinstance(of.store, SqliteStore)
    assert isinstance(of.store, QuotaStore)
