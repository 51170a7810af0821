"""An ask that is cancelled anywhere, by anybody: what was sent is spent, what was not is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest

from agora_tencent_analytics import AgoraCredentials, Budget, QuotaState, Rate, Receipt
from agora_tencent_analytics.limits import DAY, SECOND
from agora_tencent_analytics.notices import AskEnded, AskStarted, Attempt, Notice
from tests.support.cancelling import Cut, cancel_everywhere
from tests.support.client_bench import BAD_GATEWAY, GOOD, SECRET, Bench, broken
from tests.support.virtual_time import run

RATES = (Rate(1, SECOND), Rate(1_000, DAY))


async def slow_keys() -> AgoraCredentials:
    await asyncio.sleep(0.2)
    return AgoraCredentials(customer_id="id", customer_secret=SECRET)


class Books:
    """What one ask under a budget did, and whether everybody agrees about it."""

    def __init__(self, *steps: Any, store: str | Path = ":memory:") -> None:
        self.notices: list[Notice] = []
        self.bench = Bench(
            GOOD,
            *steps,
            keys=slow_keys,
            rates=RATES,
            script={"body_s": 0.3},
            hooks=(self.notices.append,),
            store=store,
        )
        self.budget = Budget(10)

    async def prepare(self) -> None:
        """One ask before, so that the next has to wait for its slot."""
        await self.bench.ask()
        self.notices.clear()

    async def ask(self) -> Receipt:
        with self.bench.on(budget=self.budget) as receipt:
            self.receipt = receipt
            await self.bench.ask()
        return receipt

    async def state(self) -> QuotaState:
        return await self.bench.quota.state("call/lists", RATES)

    async def check(self) -> int:
        """How many requests the ask sent; that they are what was spent; and that the next ask works."""
        bench, receipt = self.bench, self.receipt
        sent, state = len(bench.script.sent), await self.state()
        assert sent == state.used_today, "the quota spent what was sent, in flight or answered"
        assert 0 == state.waiting
        assert sent - 1 == self.budget.spent == receipt.requests
        assert sent == bench.caller.receipts[0].requests
        started = [notice for notice in self.notices if isinstance(notice, AskStarted)]
        ended = [notice for notice in self.notices if isinstance(notice, AskEnded)]
        attempts = [notice for notice in self.notices if isinstance(notice, Attempt)]
        assert len(started) == len(ended), "whoever opened something at the start can close it"
        assert sent - 1 == len(attempts) == sum(notice.requests for notice in ended)
        bench.script._steps[:] = [GOOD]
        await asyncio.wait_for(bench.ask(), 30)
        assert len(bench.script.sent) == (await self.state()).used_today == sent + 1
        assert all(pause >= 1.0 for pause in bench.pauses), "the limit holds, cancelled or not"
        await bench.quota.aclose()
        return sent - 1


@pytest.mark.parametrize("failure", [BAD_GATEWAY, broken()], ids=["answered", "lost"])
@pytest.mark.parametrize("kept", ["in memory", "in a file"])
def test_a_cancellation_at_any_checkpoint_spends_only_what_was_sent(failure: Any, kept: str, tmp_path: Path) -> None:
    sent: list[int] = []

    async def scenario(cut: Cut) -> None:
        store = ":memory:" if kept == "in memory" else tmp_path / f"{cut.checkpoint}.db"
        books = Books(failure, GOOD, store=store)
        await books.prepare()
        books.receipt = Receipt()
        await cut(books.ask())
        sent.append(await books.check())

    checkpoints = cancel_everywhere(scenario)
    assert 12 <= checkpoints == len(sent) - 1
    assert {0, 1, 2} == set(sent), "before the first request, between the two, and after the second"
    assert sorted(sent) == sent


Limit = Callable[[float], AbstractContextManager[Any] | AbstractAsyncContextManager[Any]]


@pytest.mark.parametrize(
    "limit", [asyncio.timeout, anyio.move_on_after, anyio.fail_after], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("after", [0.0, 0.1, 0.2, 0.5, 0.9, 1.0, 1.1, 1.3, 1.5, 1.9, 2.0, 2.1, 60.0])
def test_a_time_limit_around_an_ask_spends_only_what_was_sent(limit: Limit, after: float) -> None:
    books = Books(BAD_GATEWAY, GOOD)

    async def scenario() -> tuple[int, bool]:
        await books.prepare()
        books.receipt = Receipt()
        through = False
        scope = limit(after)
        try:
            if isinstance(scope, AbstractAsyncContextManager):
                async with scope:
                    await books.ask()
                    through = True
            else:
                with scope:
                    await books.ask()
                    through = True
        except TimeoutError:
            assert not through
        task = asyncio.current_task()
        assert task is not None
        assert 0 == task.cancelling(), "a time limit leaves its task free to go on"
        assert {task} == asyncio.all_tasks()
        return await books.check(), through

    sent, through = run(scenario)
    assert (after >= 60) is through
    assert sent <= 2


def test_cancelling_many_at_once_gives_everything_back() -> None:
    books = Books()

    async def scenario() -> None:
        await books.prepare()
        with books.bench.on(budget=books.budget) as receipt:
            tasks = [asyncio.create_task(books.bench.ask()) for _ in range(9)]
            await asyncio.sleep(2.5)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        done = sum(not task.cancelled() for task in tasks)
        assert 1 <= done <= 3
        assert len(books.bench.script.sent) - 1 == receipt.requests == books.budget.spent == books.bench.spent - 1
        assert 0 == books.bench.state().waiting
        await asyncio.wait_for(books.bench.ask(), 3)

    run(scenario)
