"""The injector itself: it must reach every await, and must see what is wrong."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import anyio
import pytest

from tests.support.cancelling import Cut, cancel_everywhere


async def three_waits(passed: list[str]) -> str:
    passed.append("first")
    await asyncio.sleep(0)
    passed.append("second")
    await asyncio.sleep(3_600)
    passed.append("third")
    await anyio.sleep(1)
    passed.append("through")
    return "done"


def test_every_await_is_cancelled_and_the_last_run_gets_through() -> None:
    reached: list[list[str]] = []
    results: list[str | None] = []

    async def scenario(cut: Cut) -> None:
        reached.append([])
        results.append(await cut(three_waits(reached[-1])))

    checkpoints = cancel_everywhere(scenario)
    assert {0, 1, 2, 3, 4} == {len(passed) for passed in reached}, "also before its first step"
    assert 4 <= checkpoints <= 10
    assert "done" == results[-1]
    assert {None} == set(results[:-1])


def test_the_moment_between_the_wakening_and_going_on_is_in_the_tour() -> None:
    lost: list[bool] = []

    async def scenario(cut: Cut) -> None:
        grant: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def answer() -> None:
            if not grant.done():
                grant.set_result(1)

        asyncio.get_running_loop().call_later(1, answer)
        taken: list[int] = []

        async def careless() -> None:
            taken.append(await grant)

        await cut(careless())
        lost.append(grant.done() and not grant.cancelled() and not taken)

    cancel_everywhere(scenario)
    assert True in lost


def test_swallowing_a_cancellation_is_an_error() -> None:
    async def deaf() -> str:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            return "what cancellation?"
        return "done"

    async def scenario(cut: Cut) -> None:
        await cut(deaf())

    with pytest.raises(AssertionError, match="what cancellation"):
        cancel_everywhere(scenario)


def test_a_task_that_is_left_behind_is_an_error() -> None:
    kept: set[asyncio.Task[Any]] = set()

    async def careless() -> None:
        kept.add(asyncio.create_task(asyncio.sleep(60)))
        await asyncio.sleep(1)

    async def scenario(cut: Cut) -> None:
        await cut(careless())

    with pytest.raises(AssertionError, match="it left"):
        cancel_everywhere(scenario)


def test_what_the_scenario_finds_says_where() -> None:
    async def scenario(cut: Cut) -> None:
        passed: list[str] = []
        await cut(three_waits(passed))
        assert len(passed) != 2, "the second"

    with pytest.raises(AssertionError, match="the second") as found:
        cancel_everywhere(scenario)
    assert "checkpoint" in found.value.__notes__[0]


def test_code_that_never_gets_through_is_given_up() -> None:
    async def endless() -> None:
        for seconds in itertools.count():
            await asyncio.sleep(seconds)

    async def scenario(cut: Cut) -> None:
        await cut(endless())

    with pytest.raises(AssertionError, match="not through after 20"):
        cancel_everywhere(scenario, most=20)
