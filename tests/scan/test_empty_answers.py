"""An answer that comes empty in the middle of a window that is read by its newest rows, or by any, is contradicted."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import World
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

START, END = int(EPOCH) - 8 * HOUR, int(EPOCH) - 2 * HOUR


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("api", ["2021-03", "2021-07"])
def test_calls_that_an_empty_answer_hides_are_asked_for_again(api: Any, at: int, always: bool) -> None:
    """The newest hundred calls: the next window ends with the oldest of them, which has to come again."""
    stage, seen = Stage("agora", World(seed=9, calls=250, start=START, end=END, sessions_per_call=1), api=api), 0

    def spoil(whole: Rows) -> None:
        nonlocal seen
        if seen == at or (always and seen > at):
            whole[0].clear()
            whole[0] |= {"code": 200, "call_lists": []}
        seen += 1

    async def scenario() -> Any:
        async with (
            stage.provider(transport=Spoilt(stage.server, {"": spoil}), api=api) as provider,
            scan(provider, over=TimeRange(START, END), depth="calls") as records,
        ):
            return {record.call.call_id async for record in records}, records.report

    found, report = run(scenario)
    assert (not always, not always) == (report.complete, len(found) == 250)
    assert not always or any("did not come again" in doubt for doubt in report.vendors["agora"].doubts)


@pytest.mark.parametrize("api", ["2022", "2024"])
def test_a_listing_of_which_nothing_is_shown_any_more_is_doubted(api: Any) -> None:
    """It is empty by every sign when it is read again; but some rows had been shown before."""
    stage, seen = Stage("agora", World(seed=9, calls=250, start=START, end=END, sessions_per_call=1), api=api), 0

    def spoil(whole: Rows) -> None:
        nonlocal seen
        seen += 1
        if seen > 2:
            whole[0].clear()
            whole[0] |= {"code": 200, "call_lists": []}

    async def scenario() -> Any:
        async with (
            stage.provider(transport=Spoilt(stage.server, {"": spoil}), api=api) as provider,
            scan(provider, over=TimeRange(START, END), depth="calls") as records,
        ):
            return {record.call.call_id async for record in records}, records.report

    found, report = run(scenario)
    assert 0 < len(found) < 250
    assert not report.complete
    assert any("rows were shown, and none came" in doubt for doubt in report.vendors["agora"].doubts)


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
def test_sessions_that_an_empty_answer_hides_are_asked_for_again(always: bool) -> None:
    """Any twenty sessions: those that a full answer showed have to come again in a piece of its window."""
    world = World(seed=9, calls=1, start=START, end=END, sessions_per_call=60, call_seconds=1_800)
    stage, seen = Stage("agora", world, api="2021-03"), 0

    def spoil(whole: Rows) -> None:
        nonlocal seen
        if "call_info" in whole[0]:
            if seen == 1 or (always and seen > 1):
                whole[0]["call_info"] = []
            seen += 1

    async def scenario() -> Any:
        async with (
            stage.provider(transport=Spoilt(stage.server, {"": spoil}), api="2021-03") as provider,
            scan(provider, over=TimeRange(START, END), depth="sessions") as records,
        ):
            return sum([len(record.sessions) async for record in records]), records.report

    found, report = run(scenario)
    assert (not always, not always) == (report.complete, found == 60)
