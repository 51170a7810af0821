"""What was too new for one scan on a ledger is read by the next, and until then every report says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import Last, TimeRange
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.simulator import World
from tests.support.simulated_scans import Found, Vendors, exact, read, truth_of
from tests.support.virtual_time import EPOCH, run

FIRST = int(EPOCH) - 8 * HOUR


def world(**options: Any) -> World:
    figures = {"seed": 11, "calls": 40, "sessions_per_call": 3, "metrics_per_session": 1, "points_per_series": 60}
    return World(**{**figures, "start": FIRST, "end": int(EPOCH) + 24 * HOUR, **options})


def at(now: float, made: World, vendor: str, plan: str, **options: Any) -> tuple[list[CallRecord], Report]:
    vendors = Vendors(made, epoch=now)

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = vendors.agora(plan) if vendor == "agora" else vendors.tencent(plan)
        return await read(provider, on_quota="wait", **options)

    return run(scenario)


def latest(*scans: list[CallRecord]) -> list[CallRecord]:
    """The newest record of each call; none of these worlds has calls in parts, or forgets anything."""
    return list({record.call.call_id: record for records in scans for record in records}.values())


def inside(found: Found, calls: set[str]) -> Found:
    return {call_id: sessions for call_id, sessions in found.items() if call_id in calls}


@pytest.mark.parametrize(("vendor", "plan"), [("agora", "standard"), ("agora", "enterprise"), ("tencent", "advanced")])
def test_a_frequent_job_ends_up_with_every_point(vendor: str, plan: str, tmp_path: Path) -> None:
    made = world()
    job = {"over": Since(first=Last(hours=8)), "ledger": tmp_path / "ledger"}
    scans = []
    for half_hours in range(20):
        records, report = at(EPOCH + half_hours * 30 * MINUTE, made, vendor, plan, **job)
        assert report.complete, str(report)
        scans.append(records)
    settled = {call.call_id for call in made.calls(vendor) if call.destroyed_ts < EPOCH + 9 * HOUR}  # type: ignore[arg-type]
    truth = truth_of(made, vendor, TimeRange(FIRST, int(EPOCH) + 10 * HOUR))
    assert len(settled) > 15
    assert inside(truth, settled) == inside(exact(latest(*scans)), settled)
    assert any(record.again and record.call.finished for records in scans for record in records)


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize("depth", ["calls", "sessions", "metrics"])
def test_a_range_that_had_not_ended_yet_is_read_to_its_end(vendor: str, depth: str, tmp_path: Path) -> None:
    made = world(calls=20, call_seconds=3 * HOUR)
    over = TimeRange(FIRST, int(EPOCH) + 6 * HOUR)
    job: dict[str, Any] = {"over": over, "depth": depth, "ledger": tmp_path / "ledger"}
    first, report = at(EPOCH, made, vendor, "unlimited", **job)
    assert {"lag"} == {piece.reason for piece in report.vendors[vendor].clipped}
    second, report = at(EPOCH + 8 * HOUR, made, vendor, "unlimited", **job)
    assert (True, []) == (report.complete, report.vendors[vendor].clipped)
    assert truth_of(made, vendor, over, depth=depth) == exact(latest(first, second))
    ended = {c.call_id for c in made.calls(vendor) if c.finished and c.destroyed_ts < EPOCH + 8 * HOUR}  # type: ignore[arg-type]
    told = {record.call.call_id for record in latest(first, second) if record.call.finished}
    assert ended & truth_of(made, vendor, over, depth="calls").keys() == told
    third, _ = at(EPOCH + 9 * HOUR, made, vendor, "unlimited", **job)
    assert [] == third


def test_what_is_still_hidden_is_told_by_every_scan(tmp_path: Path) -> None:
    made = world()
    call = next(call for call in made.calls("agora") if call.created_ts > EPOCH and call.finished)
    over = TimeRange(call.created_ts - 600, call.destroyed_ts + 600)
    job = {"over": over, "ledger": tmp_path / "ledger"}
    for seconds in (30, 60):
        records, report = at(call.destroyed_ts + seconds, made, "agora", "enterprise", **job)
        assert call.call_id in {record.call.call_id for record in records}
        assert "call/metrics" in {piece.endpoint for piece in report.vendors["agora"].clipped if piece.reason == "lag"}
    records, report = at(call.destroyed_ts + HOUR, made, "agora", "enterprise", **job)
    assert (True, []) == (report.complete, report.vendors["agora"].clipped)
    truth = truth_of(made, "agora", over)
    assert truth[call.call_id] == exact(records)[call.call_id]


def test_the_end_of_a_range_that_was_hidden_of_a_running_call_is_read_later(tmp_path: Path) -> None:
    made = world(call_seconds=3 * HOUR)
    call = next(c for c in made.calls("agora") if c.created_ts < EPOCH - HOUR and c.destroyed_ts > EPOCH + HOUR)
    over = TimeRange(FIRST, int(EPOCH) - 30)
    first, _ = at(EPOCH, made, "agora", "enterprise", over=over, ledger=tmp_path / "ledger")
    second, _ = at(EPOCH + 10 * MINUTE, made, "agora", "enterprise", over=over, ledger=tmp_path / "ledger")
    third, _ = at(EPOCH + 20 * MINUTE, made, "agora", "enterprise", over=over, ledger=tmp_path / "ledger")
    truth = truth_of(made, "agora", over)[call.call_id]
    assert truth != exact(first)[call.call_id]
    assert truth == exact(second)[call.call_id]
    assert [] == third, "it still runs, and nothing of the range is missing"


def test_a_user_who_comes_late_to_a_running_call_is_found(tmp_path: Path) -> None:
    made = world(sessions_per_call=4, call_seconds=5 * HOUR)
    call, late = next(
        (call, stay)
        for call in made.calls("agora")
        for stay in made.sessions(call)
        if call.created_ts > EPOCH and stay.join_ts - call.created_ts > 20 * MINUTE
    )
    job = {"over": Since(first=Last(hours=8)), "users": [late.user_id], "depth": "sessions"}
    before, _ = at(late.join_ts - 10 * MINUTE, made, "agora", "unlimited", ledger=tmp_path / "ledger", **job)
    after, _ = at(call.destroyed_ts + HOUR, made, "agora", "unlimited", ledger=tmp_path / "ledger", **job)
    assert call.call_id not in {record.call.call_id for record in before}
    (found,) = [record for record in after if record.call.call_id == call.call_id]
    assert late.session_id in {session.session_id for session in found.sessions}


def test_calls_asked_for_by_id_that_still_ran_are_read_again(tmp_path: Path) -> None:
    made = world(call_seconds=3 * HOUR)
    call = next(c for c in made.calls("agora") if c.created_ts < EPOCH - HOUR and c.destroyed_ts > EPOCH + HOUR)
    over = TimeRange(FIRST, int(EPOCH) + 6 * HOUR)
    job: dict[str, Any] = {"over": over, "call_ids": [call.call_id], "ledger": tmp_path / "ledger"}
    first, _ = at(EPOCH, made, "agora", "unlimited", **job)
    second, report = at(EPOCH + 8 * HOUR, made, "agora", "unlimited", **job)
    assert [False, True] == [record.again for record in (*first, *second)]
    assert report.complete
    assert truth_of(made, "agora", over, call_ids=[call.call_id]) == exact(second)


def test_a_record_that_comes_again_when_its_beginning_is_forgotten_says_from_where_it_counts(tmp_path: Path) -> None:
    made = world(call_seconds=5 * HOUR)
    job = {"over": Since(first=Last(hours=8)), "ledger": tmp_path / "ledger"}
    first, _ = at(EPOCH, made, "agora", "standard", **job)
    second, report = at(EPOCH + 22 * HOUR, made, "agora", "standard", **job)
    assert ((), True) == (report.vendors["agora"].gaps, report.complete), "the first scan has read it"
    earlier = {record.call.call_id: record for record in first}
    cut = [record for record in second if record.replaces_from_ts is not None]
    assert len(cut) > 3
    truth = truth_of(made, "agora", TimeRange(FIRST, int(EPOCH) + 21 * HOUR))
    for record in cut:
        begins, call_id = record.replaces_from_ts, record.call.call_id
        assert record.again
        assert begins is not None
        merged: dict[tuple[str, str, str], list[tuple[int, float | None]]] = {}
        for one, part in ((earlier[call_id], range(begins)), (record, range(begins, 1 << 40))):
            for session_id, series in exact([one])[call_id].items():
                for (metric, peer), points in series.items():
                    merged.setdefault((session_id, metric, peer), []).extend(p for p in points if p[0] in part)
        expected = {
            (session_id, *place): points
            for session_id, series in truth[call_id].items()
            for place, points in series.items()
        }
        assert expected == merged
