"""The daily job: each run reads what is new, calls that were running again, and says what was forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Last, Limits, Plan, TimeRange
from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.simulator import Refuse, When, World
from tests.support.simulated_scans import Vendors, exact, read, truth_of
from tests.support.virtual_time import EPOCH, run

FIRST = int(EPOCH) - 8 * HOUR
LONG = TimeRange(FIRST, int(EPOCH) + 40 * HOUR)


def world(**options: Any) -> World:
    return World(**{"seed": 11, "calls": 60, "start": LONG.start, "end": LONG.end, "sessions_per_call": 2, **options})


def job(
    ledger: Path, made: World, at: float, *, vendor: str = "agora", plan: Any = "unlimited", **options: Any
) -> tuple[list[CallRecord], Report, Vendors]:
    vendors = Vendors(made, epoch=at)
    since = Since(first=Last(hours=8), look_back_s=options.pop("look_back_s", HOUR))
    faults = {"faults": options.pop("faults", [])}

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = vendors.agora(plan, **faults) if vendor == "agora" else vendors.tencent(plan, **faults)
        return await read(provider, over=since, **{"depth": "sessions", **options}, ledger=ledger)

    return (*run(scenario), vendors)


def calls_until(made: World, vendor: Any, at: float) -> set[str]:
    return {call.call_id for call in made.calls(vendor) if call.overlaps(FIRST, int(at))}


class Growing(World):
    """A world whose calls are running until they end."""

    now = 0.0

    def call_at(self, vendor: Any, index: int) -> Any:
        call = super().call_at(vendor, index)
        running = call.destroyed_ts > self.now
        return attrs.evolve(call, finished=not running, destroyed_ts=min(call.destroyed_ts, int(self.now)))


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_every_run_reads_what_is_new_and_no_finished_call_twice(vendor: Any, tmp_path: Path) -> None:
    made = world()
    latest: dict[str, CallRecord] = {}
    read_at: dict[str, float] = {}
    times = [EPOCH + hours * HOUR for hours in (0, 6, 12, 18, 30, 44)]
    for at in times:
        records, report, _ = job(tmp_path / "ledger", made, at, vendor=vendor)
        assert report.complete, str(report)
        for record in records:
            before = latest.get(record.call.call_id)
            assert (before is not None) == record.again
            ended = before.call.destroyed_ts if before else None
            assert ended is None or ended > read_at[record.call.call_id] - 3 * MINUTE, "nothing of it was hidden"
            latest[record.call.call_id], read_at[record.call.call_id] = record, at
    assert calls_until(made, vendor, times[-1]) == latest.keys()
    whole = TimeRange(FIRST, int(times[-1]))
    assert truth_of(made, vendor, whole, depth="sessions") == exact(list(latest.values()))


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_a_call_that_was_running_comes_again_until_it_has_ended(vendor: Any, tmp_path: Path) -> None:
    made = Growing(seed=11, calls=60, start=LONG.start, end=LONG.end, sessions_per_call=2, call_seconds=5 * HOUR)
    latest: dict[str, CallRecord] = {}
    agains = 0
    times = [EPOCH + hours * HOUR for hours in (0, 1, 2, 6, 12, 18, 30, 44)]
    for at in times:
        made.now = at
        records, report, _ = job(tmp_path / "ledger", made, at, vendor=vendor, depth="calls")
        assert report.complete, str(report)
        expected = {call_id for call_id, record in latest.items() if not record.call.finished}
        assert expected == {record.call.call_id for record in records if record.again}
        assert not {record.call.call_id for record in records if not record.again} & latest.keys()
        agains += len(expected)
        latest |= {record.call.call_id: record for record in records}
    assert calls_until(made, vendor, times[-1]) == latest.keys()
    assert all(record.call.finished for record in latest.values())
    assert agains > 20


def test_a_running_call_that_is_listed_no_more_is_read_once_more(tmp_path: Path) -> None:
    made = Growing(seed=11, calls=60, start=LONG.start, end=LONG.end, sessions_per_call=2, call_seconds=5 * HOUR)
    made.now = EPOCH
    first, _, _ = job(tmp_path / "ledger", made, EPOCH, depth="calls")
    running = {record.call.call_id for record in first if not record.call.finished}
    empty = World(seed=11, calls=1, start=FIRST, end=FIRST + HOUR)
    for _ in range(2):
        lost, _, _ = job(tmp_path / "ledger", empty, EPOCH + 6 * HOUR, depth="calls", acknowledge="by hand")
        assert sorted(running) == sorted(record.call.call_id for record in lost)
    second, _, _ = job(tmp_path / "ledger", empty, EPOCH + 6 * HOUR, depth="calls")
    assert len(running) == len(second), "each once"
    third, _, _ = job(tmp_path / "ledger", empty, EPOCH + 12 * HOUR, depth="calls")
    assert running
    assert running == {record.call.call_id for record in second}
    assert all(record.again for record in second)
    assert [] == third


def test_a_run_lists_only_what_came_since_and_a_little_before(tmp_path: Path) -> None:
    made = world()
    job(tmp_path / "ledger", made, EPOCH)
    _, _, vendors = job(tmp_path / "ledger", made, EPOCH + 12 * HOUR, look_back_s=2 * HOUR)
    listed = [arrival.facts for arrival in vendors.servers[0].arrivals if arrival.endpoint == "call/lists"]
    assert int(EPOCH) - 2 * HOUR == min(int(facts["start_ts"]) for facts in listed)


def test_a_run_straight_after_another_reads_only_what_was_not_over_or_still_hidden(tmp_path: Path) -> None:
    made = world()
    first, _, _ = job(tmp_path / "ledger", made, EPOCH)
    second, report, _ = job(tmp_path / "ledger", made, EPOCH + 5 * MINUTE)
    calls = [record.call for record in first]
    hidden = {call.call_id for call in calls if call.destroyed_ts is None or call.destroyed_ts > EPOCH - 3 * MINUTE}
    assert hidden == {record.call.call_id for record in second if record.again}
    assert 0 < len(hidden) < len(first) / 2
    assert report.complete


def test_what_the_vendor_forgot_between_two_runs_is_a_gap(tmp_path: Path) -> None:
    made = world()
    rows = {
        name: Limits(history_s=10 * HOUR, span_s=6 * HOUR, lag_s=20, page_size=100)
        for name in (CALL_LISTS, CALL_DETAIL)
    }
    plan = Plan(vendor="agora", name="forgetful", rows=rows, source="", read_on="")
    _, first, _ = job(tmp_path / "ledger", made, EPOCH, plan=plan)
    assert ((), True) == (first.vendors["agora"].gaps, first.complete)
    at = EPOCH + 20 * HOUR
    _, report, _ = job(tmp_path / "ledger", made, at, plan=plan)
    (gap,) = report.vendors["agora"].gaps[:1]
    assert not report.complete
    assert gap.start >= int(EPOCH) - 30 * MINUTE, "what was only to be looked back at is not a gap"
    assert gap.end >= int(at) - 10 * HOUR
    _, later, _ = job(tmp_path / "ledger", made, at + HOUR, plan=plan, depth="sessions")
    listing = [piece for piece in later.vendors["agora"].clipped if piece.endpoint == "call/lists"]
    assert not [piece for piece in listing if piece.reason == "history"], "a gap is told once"


def test_a_call_that_failed_is_read_again_by_the_next_run(tmp_path: Path) -> None:
    made = world()
    call = next(call for call in made.calls("agora") if FIRST < call.created_ts < EPOCH - 2 * HOUR and call.finished)
    about = When(endpoint="call/sessions", predicate=lambda arrival: arrival.facts.get("call_id") == call.call_id)
    first, report, _ = job(tmp_path / "ledger", made, EPOCH, faults=[Refuse(code=400, message="no", when=about)])
    assert not report.complete
    assert [call.call_id] == [record.call.call_id for record in first if record.failures]
    second, report, _ = job(tmp_path / "ledger", made, EPOCH + 6 * HOUR)
    (again,) = [record for record in second if record.call.call_id == call.call_id]
    assert (True, (), True) == (again.again, again.failures, bool(again.sessions))
    third, _, _ = job(tmp_path / "ledger", made, EPOCH + 7 * HOUR)
    assert call.call_id not in {record.call.call_id for record in third}


def test_a_window_that_failed_is_listed_again_by_the_next_run(tmp_path: Path) -> None:
    made = world()
    broken = [Refuse(code=400, message="no", when=When(endpoint="call/lists", nth=(1,)))]
    first, report, _ = job(tmp_path / "ledger", made, EPOCH, faults=broken)
    (failure,) = report.failures
    assert failure.over is not None
    second, report, _ = job(tmp_path / "ledger", made, EPOCH + MINUTE)
    assert report.complete
    found = {record.call.call_id for record in (*first, *second)}
    assert calls_until(made, "agora", EPOCH - 60) <= found


def test_a_run_that_was_stopped_is_finished_by_the_next_with_what_is_new(tmp_path: Path) -> None:
    made = world()
    first, report, _ = job(tmp_path / "ledger", made, EPOCH, budget=Budget(7))
    assert "budget" in report.vendors["agora"].stopped
    second, report, _ = job(tmp_path / "ledger", made, EPOCH + 6 * HOUR)
    assert report.complete
    both = [record.call.call_id for record in (*first, *second) if not record.again]
    assert len(both) == len(set(both))
    assert calls_until(made, "agora", EPOCH + 6 * HOUR - 60) <= set(both)


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    made = World(seed=3, calls=600, start=FIRST, end=FIRST + 30 * DAY, sessions_per_call=1, call_seconds=600)
    sizes = []
    for day in range(1, 30):
        job(tmp_path / "ledger", made, FIRST + day * DAY, depth="calls")
        with closing(sqlite3.connect(tmp_path / "ledger")) as connection:
            sizes.append(connection.execute("SELECT count(*) FROM calls").fetchone()[0])
    assert max(sizes[-10:]) <= 5 * 600 / 30
