"""A ledger that says that reading has come further than now: read as if it had come to now, and said so."""

from __future__ import annotations

from pathlib import Path

from agora_tencent_analytics.limits import DAY, HOUR
from tests.scan.ledger.test_since import calls_until, job, world
from tests.support.virtual_time import EPOCH


def test_what_follows_is_read_though_a_clock_had_been_a_month_ahead_and_what_may_be_missing_is_said(
    tmp_path: Path,
) -> None:
    made, ledger = world(calls=80), tmp_path / "ledger"
    first, report, _ = job(ledger, made, EPOCH)
    assert report.complete
    job(ledger, made, EPOCH + 30 * DAY)  # whatever it was that said so
    back, report, _ = job(ledger, made, EPOCH + 6 * HOUR)
    assert not report.complete
    assert "further than this machine's clock" in " ".join(report.vendors["agora"].doubts)
    later, report, vendors = job(ledger, made, EPOCH + 10 * HOUR)
    assert vendors.world.calls("agora")
    assert report.complete
    fresh = calls_until(made, "agora", EPOCH + 10 * HOUR) - calls_until(made, "agora", EPOCH + 6 * HOUR)
    assert fresh
    assert fresh <= {record.call.call_id for record in later}
    settled = {record.call.call_id for record in first if record.call.finished}
    assert not settled & {record.call.call_id for record in (*back, *later) if not record.again}
