"""`Terms`: what a view adds to the terms that it is made on."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agora_tencent_analytics import BadInput, Budget
from agora_tencent_analytics.context import Terms, check_hooks, tell
from agora_tencent_analytics.notices import Drift, Notice
from agora_tencent_analytics.timerange import TimeRange

NOTICE = Drift(vendor="v", endpoint="e", over=TimeRange(1, 2), reason="a total that moved")


def test_what_is_not_given_stays_and_what_is_given_takes_its_place() -> None:
    outer, inner = Budget(9), Budget(3)
    first = Terms().narrowed(100.0, priority="backfill", max_wait=5, within_s=10, budget=outer)
    assert Terms(priority="backfill", max_wait=5, until=110.0, budgets=(outer,)) == first
    assert first == first.narrowed(105.0)
    second = first.narrowed(105.0, max_wait=7, within_s=20, budget=inner)
    assert Terms(priority="backfill", max_wait=7, until=110.0, budgets=(outer, inner)) == second, "the earlier end"
    assert 107.0 == first.narrowed(105.0, within_s=2).until


def test_the_same_budget_twice_is_taken_once() -> None:
    budget = Budget(1)
    assert (budget,) == Terms().narrowed(0.0, budget=budget).narrowed(0.0, budget=budget).budgets


async def an_async_hook(notice: Notice) -> None: ...


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"priority": "urgent"}, "interactive, normal, backfill"),
        ({"priority": ""}, "priority must be"),
        ({"max_wait": -1}, "max_wait"),
        ({"max_wait": float("nan")}, "max_wait"),
        ({"max_wait": "1"}, "max_wait"),
        ({"budget": 5}, "Budget"),
        ({"max_wait": True}, "max_wait"),
        ({"within_s": -1}, "within_s"),
        ({"within_s": "soon"}, "within_s"),
    ],
)
def test_wrong_terms_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Terms().narrowed(0.0, **given)


@pytest.mark.parametrize(
    ("hooks", "said"),
    [(print, "list of functions"), (["print"], "hooks must be plain functions"), ([an_async_hook], "async")],
)
def test_wrong_hooks_are_refused(hooks: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_hooks(hooks)


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
