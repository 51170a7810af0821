"""The virtual clock that the other tests stand on."""

from __future__ import annotations

import asyncio
import time

import anyio
import anyio.to_thread
import pytest
from aiolimiter import AsyncLimiter

from agora_tencent_analytics.testing import virtual_time
from tests.support.virtual_time import EPOCH, START, Deadlock, VirtualClock, run


def test_a_day_of_sleep_takes_no_time() -> None:
    async def scenario() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time() - START

    began = time.perf_counter()
    assert pytest.approx(86_400) == run(scenario)
    assert time.perf_counter() - began < 60, "seconds, not a day: whatever else this machine is busy with"


def test_tasks_wake_in_the_order_of_their_timers() -> None:
    async def scenario() -> list[int]:
        woken: list[int] = []

        async def sleeper(seconds: int) -> None:
            await anyio.sleep(seconds)
            woken.append(seconds)

        async with anyio.create_task_group() as tasks:
            for seconds in (30, 10, 20):
                tasks.start_soon(sleeper, seconds)
        return woken

    assert [10, 20, 30] == run(scenario)


def test_the_wall_clock_starts_at_its_epoch_and_can_be_stepped() -> None:
    virtual = VirtualClock(epoch=EPOCH + 5)

    async def scenario() -> tuple[float, float]:
        await asyncio.sleep(10)
        before = virtual.clock.wall()
        virtual.step(-3600)
        return before, virtual.clock.wall()

    before, after = run(scenario)
    assert pytest.approx(EPOCH + 15) == before
    assert pytest.approx(EPOCH + 15 - 3600) == after


@pytest.mark.parametrize("to_thread", [asyncio.to_thread, anyio.to_thread.run_sync])
def test_no_timeout_fires_because_a_thread_is_at_work(to_thread: object) -> None:
    async def scenario() -> float:
        with anyio.fail_after(1):
            await to_thread(time.sleep, 0.02)  # type: ignore[operator]
        await asyncio.sleep(100)
        return asyncio.get_running_loop().time()

    assert pytest.approx(START + 100, abs=0.5) == run(scenario)


def test_a_token_bucket_neither_spins_nor_drifts() -> None:
    async def scenario() -> float:
        limiter = AsyncLimiter(1, 0.05)
        for _ in range(101):
            await limiter.acquire()
        return asyncio.get_running_loop().time() - START

    assert pytest.approx(5, abs=1e-3) == run(scenario)


def test_a_wait_for_nothing_is_reported_instead_of_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "_PATIENCE_S", 0.01)

    async def scenario() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(scenario)
