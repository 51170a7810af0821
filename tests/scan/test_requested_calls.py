"""Calls asked for by id: what speaks against their rows is told as in a scan of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import Report
from agora_tencent_analytics.simulator import World
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

WORLD = World(seed=9, calls=5, start=int(EPOCH) - 6 * HOUR, end=int(EPOCH) - HOUR, sessions_per_call=1)
LISTING = {
    "agora": ("call_lists", "call_id", "destroyed_ts", "cname"),
    "tencent": ("RoomList", "CommId", "DestroyTime", "RoomString"),
}
every_vendor = pytest.mark.parametrize("vendor", LISTING)


def read(vendor: Any, spoil: Any, **options: Any) -> Report:
    stage = Stage(vendor, WORLD)

    async def scenario() -> Report:
        async with (
            stage.provider(transport=Spoilt(stage.server, {LISTING[vendor][0]: spoil})) as provider,
            scan(provider, over=TimeRange(WORLD.start, WORLD.end), **options) as records,
        ):
            async for _ in records:
                pass
            return records.report

    return run(scenario)


@pytest.mark.parametrize("named", [False, True])
@every_vendor
def test_a_time_that_cannot_be_read_is_told_whether_or_not_its_call_was_named(vendor: Any, named: bool) -> None:
    _, key, end, _ = LISTING[vendor]
    wanted = sorted(call.call_id for call in WORLD.calls(vendor))[2]

    def spoil(rows: Rows) -> None:
        for row in rows:
            row[end] = "soon" if row[key] == wanted else row[end]

    options: dict[str, Any] = {"call_ids": [wanted]} if named else {}
    report = read(vendor, spoil, depth="calls", **options)
    assert not report.complete
    assert any(repr(end) in doubt for doubt in report.vendors[vendor].doubts)


@every_vendor
def test_a_page_with_far_more_rows_than_were_asked_for_is_told_by_every_scan_on_a_ledger(
    vendor: Any, tmp_path: Path
) -> None:
    _, key, _, channel = LISTING[vendor]

    def spoil(rows: Rows) -> None:
        rows += [{**rows[0], key: f"{rows[0][key]}{number}", channel: str(number)} for number in range(300)]

    reports = [read(vendor, spoil, depth="sessions", ledger=tmp_path / "ledger") for _ in range(2)]
    assert [False, False] == [report.complete for report in reports]
    assert all("rows on a page of" in str(report.failures) for report in reports)
