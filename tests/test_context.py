"""`asking`: terms that belong to the context, and nest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from agora_tencent_analytics import BadInput, Budget, asking
from agora_tencent_analytics.context import Terms, tell, terms
from agora_tencent_analytics.notices import Drift, Notice
from agora_tencent_analytics.timerange import TimeRange

NOTICE = Drift(vendor="v", endpoint="e", over=TimeRange(1, 2), reason="a total that moved")


def test_outside_of_any_block_the_terms_are_ordinary() -> None:
    assert Terms() == terms()
    assert ("normal", None, (), (), ()) == (
        terms().priority,
        terms().max_wait,
        terms().budgets,
        terms().receipts,
        terms().hooks,
    )


def test_a_block_sets_the_terms_and_takes_them_back() -> None:
    budget, heard = Budget(3), list[Notice]()
    with asking(priority="interactive", max_wait=2, budget=budget, hooks=[heard.append]) as receipt:
        inside = terms()
    assert Terms(
        priority="interactive", max_wait=2, budgets=(budget,), receipts=(receipt,), hooks=(heard.append,)
    ) == inside  # fmt: skip
    assert Terms() == terms()


def test_an_exception_takes_them_back_too() -> None:
    with pytest.raises(LookupError), asking(priority="backfill"):
        raise LookupError
    assert Terms() == terms()


def test_what_an_inner_block_does_not_say_stays_and_what_both_say_holds_together() -> None:
    outer, inner = Budget(9), Budget(3)
    one, two = list[Notice](), list[Notice]()
    with (
        asking(priority="backfill", max_wait=5, budget=outer, hooks=[one.append]) as first,
        asking(max_wait=7, budget=inner, hooks=[two.append]) as second,
    ):
        now = terms()
    assert ("backfill", 5) == (now.priority, now.max_wait), "of two longest waits the shorter"
    assert ((outer, inner), (one.append, two.append)) == (now.budgets, now.hooks)
    assert [True, True] == [mine is given for mine, given in zip((first, second), now.receipts, strict=True)]


def test_the_same_budget_or_hook_twice_holds_once() -> None:
    budget, heard = Budget(1), list[Notice]()
    with (
        asking(budget=budget, hooks=[heard.append, heard.append]),
        asking(budget=budget, hooks=[heard.append]),
    ):
        assert ((budget,), (heard.append,)) == (terms().budgets, terms().hooks)


def test_tasks_started_inside_have_the_terms_and_others_do_not() -> None:
    async def seen() -> str:
        await asyncio.sleep(0)
        return terms().priority

    async def scenario() -> list[str]:
        before = asyncio.create_task(seen())
        with asking(priority="interactive"):
            inside = asyncio.create_task(seen())
        return [await before, await inside, await seen()]

    assert ["normal", "interactive", "normal"] == asyncio.run(scenario())


async def an_async_hook(notice: Notice) -> None: ...


def test_a_generator_that_asks_on_terms_may_be_closed_elsewhere() -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        with asking(priority="backfill"):
            yield 1

    async def scenario() -> str:
        found = numbers()

        async def first() -> int:
            return await anext(found)

        await asyncio.create_task(first())
        await found.aclose()
        return terms().priority

    assert "normal" == asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"priority": "urgent"}, "interactive, normal, backfill"),
        ({"priority": ""}, "priority must be"),
        ({"max_wait": -1}, "max_wait"),
        ({"max_wait": float("nan")}, "max_wait"),
        ({"max_wait": "1"}, "max_wait"),
        ({"budget": 5}, "Budget"),
        ({"hooks": print}, "list of functions"),
        ({"hooks": ["print"]}, "hooks must be plain functions"),
        ({"hooks": [an_async_hook]}, "async"),
    ],
)
def test_wrong_terms_are_refused_and_leave_the_terms_as_they_were(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said), asking(**given):
        raise AssertionError
    assert Terms() == terms()


def test_a_hook_that_fails_is_logged_and_keeps_nobody_else_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Notice] = []

    def broken(notice: Notice) -> None:
        raise LookupError("my dashboard is down")

    with caplog.at_level(logging.ERROR, "agora_tencent_analytics"):
        tell([broken, heard.append], NOTICE)
    assert [NOTICE] == heard
    assert ["a hook failed on Drift"] == [record.getMessage() for record in caplog.records]
    assert "my dashboard is down" in caplog.text
    assert ("hook_failed", "v", "e") == tuple(
        getattr(caplog.records[0], f"analytics_{key}") for key in ("event", "vendor", "endpoint")
    )
