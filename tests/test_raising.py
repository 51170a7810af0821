"""What docstrings say is raised, where no other test is about it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import AnalyticsError, BadInput, Budget, BudgetSpent, Ledger, LedgerUnusable, NotOffered
from agora_tencent_analytics.scan import to_arrow
from agora_tencent_analytics.simulator import Refuse, SimulatedAgora, World
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from agora_tencent_analytics.vendor import over_range, users_of
from tests.support.simulated_scans import END, START, WHOLE, Vendors
from tests.support.virtual_time import run

WORLD = World(calls=1, start=START, end=END)


def test_a_spent_budget_gives_no_more() -> None:
    with pytest.raises(BudgetSpent):
        Budget(0).take()


def test_a_ledger_of_another_scan_is_not_begun(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.begin({"channel": "one"})
    with Ledger(tmp_path / "ledger") as ledger, pytest.raises(LedgerUnusable, match="differs in channel"):
        ledger.begin({"channel": "two"})


def test_a_peek_raises_what_an_ask_raises() -> None:
    async def scenario() -> None:
        with pytest.raises(AnalyticsError, match="no auth"):
            await Vendors().agora(faults=[Refuse(code=300, message="no auth")]).calls(WHOLE).peek(WHOLE, 1)

    run(scenario)


def test_frames_need_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"agora-tencent-analytics\[arrow\]"):
        to_arrow([])


def test_events_are_not_offered_by_all_and_are_of_the_vendor_s_calls() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora, tencent = vendors.agora(), vendors.tencent()
        call = await agora.calls(WHOLE).first()
        assert call is not None
        with pytest.raises(NotOffered):
            agora.events(call, [])
        with pytest.raises(BadInput, match="Call of tencent"):
            tencent.events(call, [])

    run(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SimulatedAgora(WORLD, api="2023"),  # type: ignore[arg-type]
        lambda: users_of("one", 6),
        lambda: over_range(ROOM_INFO, Vendors().tencent().limits(ROOM_INFO), "today", [{}]),  # type: ignore[arg-type]
        lambda: over_range(ROOM_INFO, Vendors().tencent().limits(ROOM_INFO), WHOLE, [{"Room": "1"}]),
        lambda: over_range(ROOM_INFO, Vendors().tencent().limits(ROOM_INFO), WHOLE, [{}], page_size=0),
    ],
    ids=["SimulatedAgora", "users_of", "a range", "a parameter", "a page size"],
)
def test_wrong_input_is_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(BadInput):
        wrong()
