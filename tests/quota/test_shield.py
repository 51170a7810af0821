"""What has begun is brought to its end, and the cancellation goes on after it."""

from __future__ import annotations

import asyncio

import anyio
import anyio.lowlevel
import pytest

from agora_tencent_analytics.quota.shield import Begun, uninterrupted
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


def test_what_has_begun_goes_on_in_another_task() -> None:
    async def step(waits: bool, fails: bool) -> int:
        if waits:
            await asyncio.sleep(3)
        if fails:
            raise ValueError("its own")
        return 7

    async def scenario() -> list[object]:
        found: list[object] = []
        for waits in (False, True):
            begun = Begun(step(waits, fails=False))
            found += [begun.is_done, await uninterrupted(_awaited(begun)), begun.is_done]
        with pytest.raises(ValueError, match="its own"):
            await uninterrupted(_awaited(Begun(step(waits=True, fails=True))))
        with pytest.raises(ValueError, match="its own"):
            Begun(step(waits=False, fails=True))
        with anyio.move_on_after(1) as scope:
            await Begun(step(waits=True, fails=False))
        return [*found, scope.cancelled_caught]

    async def _awaited(begun: Begun[int]) -> int:
        return await begun

    assert [True, 7, True, False, 7, True, True] == run(scenario)
