"""What programs around the library do, as short as each can be written, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import AgoraProvider, AnalyticsError, CallRecord, IncompleteScan, scan
from agora_tencent_analytics.scan import read_records, write_records
from agora_tencent_analytics.simulator import Refuse, When
from tests.support.simulated_scans import WHOLE, Vendors, read
from tests.support.virtual_time import run


def rtt_figures(record: CallRecord, session_id: str) -> list[tuple[float | None, float | None, float | None]]:
    found = record.find("rtt", session_id=session_id)
    return [(series.mean(), series.quantile(0.95), series.share_above(400)) for series in found]


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = {key: value for key, value in vars(record).items() if key.startswith("analytics_")}
        return json.dumps({"message": record.getMessage(), **facts})


async def accounts(path: Path, given: Iterable[dict[str, Any]]) -> int:
    async with AsyncExitStack() as stack:
        for account in given:
            provider = AgoraProvider(**account, plan="premium", store=path)
            await (await stack.enter_async_context(provider)).quota()
        return open_files()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_group_says_when_to_ask_again() -> None:
    async def scenario() -> IncompleteScan:
        faults = [Refuse(code=429, message="later", status=429, when=When(endpoint="call/sessions"))]
        async with scan(Vendors().agora(faults=faults), over=WHOLE, on_error="raise") as records:
            with pytest.raises(IncompleteScan) as caught:
                [record async for record in records]
        return caught.value

    group = run(scenario)
    inside = [error for error in group.exceptions if isinstance(error, AnalyticsError)]
    times = [error.retry_at for error in inside if error.retry_at is not None]
    assert (True, max(times)) == (group.retryable, group.retry_at)


def test_figures_of_a_metric_are_of_its_valid_points() -> None:
    records, _ = run(lambda: read(Vendors(calls=3, metrics_per_session=None).tencent(), over=WHOLE))
    stays = [(record, session.session_id) for record in records for session in record.sessions]
    figures = [one for stay in stays for one in rtt_figures(*stay)]
    assert figures
    assert all(mean and p95 and mean <= p95 and share is not None and 0 <= share <= 1 for mean, p95, share in figures)


def test_records_come_back_from_a_file_and_show_no_user(tmp_path: Path) -> None:
    records, _ = run(lambda: read(Vendors().agora(), over=WHOLE))
    (tmp_path / "calls.jsonl").write_bytes(b"".join(write_records(records)))
    assert records == list(read_records(tmp_path / "calls.jsonl"))
    users = {session.user_id for record in records for session in record.sessions}
    assert users
    assert not any(user in repr(record) for record in records for user in users)


def test_a_log_line_as_json_has_no_nulls(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "agora_tencent_analytics"):
        run(lambda: read(Vendors(calls=2).agora(), over=WHOLE))
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert lines
    assert not [line for line in lines if None in line.values()]


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files by /proc")
def test_many_accounts_on_one_file_open_it_once_and_leave_nothing_open(tmp_path: Path) -> None:
    def given(number: int) -> list[dict[str, Any]]:
        return [{"app_id": "a", "customer_id": f"c{at}", "customer_secret": "s"} for at in range(number)]

    async def scenario(number: int) -> tuple[int, int]:
        before = open_files()
        during = await accounts(tmp_path / "quota", given(number))
        return during - before, open_files() - before

    one, after_one = asyncio.run(scenario(1))
    many, after_many = asyncio.run(scenario(60))
    assert (one, 0, 0) == (many, after_one, after_many)
