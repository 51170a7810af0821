"""What has begun is brought to its end, and the cancellation goes on after it."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel
import pytest

from agora_tencent_analytics.quota.shield import uninterrupted
from tests.support.virtual_time import run


def test_the_result_and_the_failure_of_a_step_are_its_callers() -> None:
    async def scenario() -> None:
        assert 3 == await uninterrupted(asyncio.sleep(1, 3))
        with pytest.raises(TimeoutError):
            await uninterrupted(fails())

    async def fails() -> None:
        await asyncio.sleep(1)
        raise TimeoutError

    run(scenario)


@pytest.mark.parametrize("how", ["task", "twice", "scope", "timeout"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_caller_waits_for_the_end_of_the_step_and_is_cancelled_then(how: str, fails: bool) -> None:
    done: list[float] = []

    async def step() -> None:
        await asyncio.sleep(5)
        done.append(asyncio.get_running_loop().time())
        if fails:
            raise ValueError("its own")

    async def caller() -> None:
        if how == "scope":
            with anyio.move_on_after(1) as scope:
                await uninterrupted(step())
                await anyio.lowlevel.checkpoint()
            assert scope.cancelled_caught or fails
        elif how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await uninterrupted(step())
        else:
            await uninterrupted(step())

    async def scenario() -> float:
        began = asyncio.get_running_loop().time()
        task = asyncio.create_task(caller())
        await asyncio.sleep(1.5)
        if how in ("task", "twice"):
            task.cancel()
            await asyncio.sleep(1)
            if how == "twice":
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "scope" and fails:
            with pytest.raises(ValueError, match="its own"):
                await task
        else:
            await task
        assert {asyncio.current_task()} == asyncio.all_tasks()
        return done[0] - began

    assert pytest.approx(5) == run(scenario)
