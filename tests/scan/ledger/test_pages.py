"""What a page of a listing leaves in a ledger: each call once, whatever the page shows."""

from __future__ import annotations

from pathlib import Path

from agora_tencent_analytics import Call, TimeRange
from agora_tencent_analytics.quota.clock import VendorClock
from agora_tencent_analytics.scan.ledger.file import LedgerFile
from agora_tencent_analytics.scan.ledger.rows import Rows
from agora_tencent_analytics.scan.ledger.work import KeptWork
from tests.support.simulated_scans import END, START
from tests.support.virtual_time import VirtualClock

OVER = TimeRange(START, END)


def call(number: int, begins: int = START) -> Call:
    return Call(vendor="agora", call_id=f"c{number}", channel="room", created_ts=begins, destroyed_ts=END)


def listed(path: Path, shown: list[Call]) -> tuple[list[str], list[str]]:
    """The calls of a page that are to be read now, and those that the next scan finds left."""
    file = LedgerFile(path)
    try:
        work = KeptWork(Rows(file, "agora"), OVER, VendorClock(VirtualClock().clock), 86_400)
        span, *_ = work.pending_ranges()
        now = [one.call.call_id for one in work.page(span, shown, "")]
        later = KeptWork(Rows(file, "agora"), OVER, VendorClock(VirtualClock().clock), 86_400)
        return now, [one.call.call_id for one in later.pending()]
    finally:
        file.close()


def test_a_call_that_a_page_shows_twice_is_read_once(tmp_path: Path) -> None:
    shown = [call(1), call(2), call(1, START + 60)]
    assert (["c1", "c2"], ["c1", "c2"]) == listed(tmp_path / "ledger", shown)


def test_a_page_may_show_more_calls_than_one_statement_asks_about(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1_234)]
    shown = [call(number) for number in range(1_234)]
    assert (names, names) == listed(tmp_path / "ledger", shown)
    assert ([], names) == listed(tmp_path / "ledger", shown)
