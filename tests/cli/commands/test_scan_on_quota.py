"""`scan --on-quota`: what becomes of a scan whose day is spent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS
from agora_tencent_analytics.cli.arguments import parse
from agora_tencent_analytics.cli.commands import scan
from agora_tencent_analytics.limits import DAY, HOUR, Limits, Plan, Rate
from tests.support.simulated_scans import END, START, Vendors
from tests.support.virtual_time import EPOCH, run

LIMITS = Limits(rates=(Rate(50, 1), Rate(8, DAY)), history_s=15 * DAY, span_s=6 * HOUR, lag_s=100, page_size=100)
EIGHT_A_DAY = Plan(vendor="agora", name="eight", rows={CALL_LISTS: LIMITS, CALL_DETAIL: LIMITS}, source="", read_on="")


@pytest.mark.parametrize(
    ("words", "status", "days"), [([], 1, 1), (["--on-quota", "stop"], 1, 1), (["--on-quota", "wait"], 0, 3)]
)
def test_a_spent_day_ends_the_scan_unless_it_is_to_wait_for_the_next(
    words: list[str], status: int, days: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors, report = Vendors(), tmp_path / "report.json"

    @asynccontextmanager
    async def in_process(_: object) -> AsyncIterator[tuple[list[Any], None]]:
        async with vendors.agora(EIGHT_A_DAY) as agora:
            yield [agora], None

    monkeypatch.setattr(scan, "providers_of", in_process)
    asked = ["scan", "--vendor", "agora", "--start", str(START), "--end", str(END), "--depth", "sessions"]
    options = parse([*asked, *words, "--report", str(report)])
    assert status == run(scan.run, options)
    told = json.loads(report.read_text())
    assert (status == 0) is told["complete"]
    assert bool(told["vendors"]["agora"]["stopped"]) is bool(status)
    assert bool(told["total"]["failures"]) is bool(status)
    first = int(EPOCH // DAY)
    assert set(range(first, first + days)) == {int(arrival.at // DAY) for arrival in vendors.servers[0].arrivals}
