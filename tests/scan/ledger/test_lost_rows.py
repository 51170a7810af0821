"""A row that cannot be read is told once: the daily job neither lists its stretch again nor fails for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import Last, TimeRange, UnreadableRow, scan
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.simulator import World
from tests.support.simulated_scans import Vendors, read
from tests.support.virtual_time import EPOCH, run

FIRST = int(EPOCH) - 8 * HOUR
LISTING = {"agora": ("call/lists", "start_ts"), "tencent": ("DescribeRoomInfo", "StartTime")}
every_vendor = pytest.mark.parametrize("vendor", ["agora", "tencent"])


def job(
    ledger: Path, made: World, at: float, *, vendor: Any, look_back_s: int, depth: Any = "calls"
) -> tuple[list[CallRecord], Report, list[int]]:
    """One run of a daily job: its records and report, and from when on it listed calls."""
    vendors = Vendors(made, epoch=at)

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = vendors.agora() if vendor == "agora" else vendors.tencent()
        over = Since(first=Last(hours=8), look_back_s=look_back_s)
        return await read(provider, over=over, depth=depth, ledger=ledger)

    records, report = run(scenario)
    name, start = LISTING[vendor]
    arrivals = vendors.transports[0].server.arrivals
    return records, report, [int(one.facts[start]) for one in arrivals if one.endpoint == name]


@every_vendor
@pytest.mark.parametrize("look_back_s", [0, 2 * DAY])
def test_a_lost_row_is_told_once_though_it_is_seen_again(vendor: str, look_back_s: int, tmp_path: Path) -> None:
    made = World(seed=4, calls=40, start=FIRST, end=int(EPOCH) - HOUR, impolite={"null_begin": 0.1, "null_row": 0.05})
    records, report, _ = job(tmp_path / "ledger", made, EPOCH, vendor=vendor, look_back_s=look_back_s)
    lost = [failure.error for failure in report.failures]
    assert lost
    assert all(isinstance(error, UnreadableRow) for error in lost)
    assert not report.complete
    slips = [one for one in made.slips(vendor, FIRST, int(EPOCH)) if not one.session_id]  # type: ignore[arg-type]
    assert len(slips) == len(lost)
    assert 40 == len(records) + len(lost)
    for hours in (6, 12, 30):
        at = EPOCH + hours * HOUR
        records, report, listed = job(tmp_path / "ledger", made, at, vendor=vendor, look_back_s=look_back_s)
        assert all(record.again and not record.call.finished for record in records)  # the world ends while they run
        assert ([], True) == (report.failures, report.complete), str(report)
        before = EPOCH + (hours - 6 if hours < 30 else 12) * HOUR
        assert min(listed) >= before - look_back_s - 30 * 60, "what was read is not listed again but to look back"


@every_vendor
def test_a_lost_session_is_told_once_and_its_call_is_settled(vendor: str, tmp_path: Path) -> None:
    made = World(seed=5, calls=14, start=FIRST, end=int(EPOCH) - HOUR, impolite={"list_row": 0.15})
    slips = made.slips(vendor, FIRST, int(EPOCH))  # type: ignore[arg-type]
    assert [one for one in slips if one.session_id]
    records, report, _ = job(tmp_path / "ledger", made, EPOCH, vendor=vendor, look_back_s=HOUR, depth="sessions")
    assert {type(failure.error) for failure in report.failures} == {UnreadableRow}
    told = sum(len(record.failures) for record in records)
    assert told == len([failure for failure in report.failures if failure.step == "sessions"]) > 0
    for hours in (6, 12):
        again, report, _ = job(
            tmp_path / "ledger", made, EPOCH + hours * HOUR, vendor=vendor, look_back_s=HOUR, depth="sessions"
        )
        assert all(record.again and not record.call.finished for record in again)
        assert ([], True) == (report.failures, report.complete), str(report)


@every_vendor
def test_lost_rows_of_a_scan_that_was_left_are_told_by_the_next(vendor: str, tmp_path: Path) -> None:
    made = World(seed=4, calls=40, start=FIRST, end=int(EPOCH) - HOUR, impolite={"null_begin": 0.2})
    over, vendors = TimeRange(FIRST, int(EPOCH) - HOUR), Vendors(made)
    options: dict[str, Any] = {"over": over, "depth": "sessions", "ledger": tmp_path / "ledger"}

    async def leave() -> None:
        async with scan(vendors.agora() if vendor == "agora" else vendors.tencent(), **options) as records:
            async for _ in records:
                break

    run(leave)
    found = []
    for _ in range(2):
        again = Vendors(made, epoch=EPOCH + HOUR)

        async def scenario(vendors: Vendors = again) -> Report:
            _, report = await read(vendors.agora() if vendor == "agora" else vendors.tencent(), **options)
            return report

        report = run(scenario)
        found.append([failure.error for failure in report.failures if failure.step == "calls"])
    slips = [one for one in made.slips(vendor, over.start, over.end) if not one.session_id]  # type: ignore[arg-type]
    assert (len(slips), 0) == (len(found[0]), len(found[1]))
    assert {UnreadableRow} == set(map(type, found[0]))
