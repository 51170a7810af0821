"""Dates that lie, gateways, caches, and clocks that somebody sets: nothing is lost for it unless the report says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

from agora_tencent_analytics import CallRecord, Last, LedgerUnusable, TimeRange
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.quota.clock import KEPT_MARGIN_S
from agora_tencent_analytics.scan import Report, Since
from agora_tencent_analytics.simulator import Fail, Fault, SetHeader, When, World, WrongDate
from agora_tencent_analytics.simulator.http.log import Arrival
from tests.support.simulated_scans import Vendors, exact, read, truth_of
from tests.support.virtual_time import EPOCH, START, run

VENDORS = ("agora", "tencent")
PLANS = {"agora": "enterprise", "tencent": "advanced"}
OVER = TimeRange(EPOCH - 90 * HOUR, EPOCH - 10 * MINUTE)
WORLD = World(seed=3, calls=40, start=OVER.start, end=OVER.end, sessions_per_call=2, points_per_series=0)


@attrs.define
class Scanned:
    """A scan, and what it was like."""

    records: list[CallRecord]
    report: Report
    arrivals: list[Arrival]

    @property
    def clocks(self) -> int:
        """Seconds that the report says a clock has hidden, of the listing and of calls."""
        return sum(
            piece.over.seconds
            for vendor in self.report.vendors.values()
            for piece in vendor.clipped
            if piece.reason == "clock"
        )


def scanned(
    vendor: str,
    *,
    faults: Any = (),
    over: Any = OVER,
    depth: str = "sessions",
    made: World = WORLD,
    now: float = EPOCH,
    ahead_s: float = 0.0,
    steps: Sequence[tuple[float, float]] = (),
    **options: Any,
) -> Scanned:
    """Scans while things go wrong.

    Args:
        vendor: whom.
        faults: what goes wrong at the vendor's.
        over: the range.
        depth: of the scan.
        made: the world.
        now: what time it really is when the scan begins.
        ahead_s: seconds that this machine's clock is ahead of that.
        steps: after how many seconds it is set forward by how many.
        options: of the scan.
    """
    vendors = Vendors(made, epoch=now + ahead_s)
    given: dict[str, Any] = {
        "clock": lambda: now + vendors.time.clock.monotonic() - START,
        "faults": faults,
        "latency": (0.3, 1.2),
    }

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = (
            vendors.agora(PLANS[vendor], **given) if vendor == "agora" else vendors.tencent(PLANS[vendor], **given)
        )
        async with anyio.create_task_group() as tasks:
            for after_s, by_s in steps:
                tasks.start_soon(step, after_s, by_s)
            found = await read(provider, over=over, depth=depth, **options)
            tasks.cancel_scope.cancel()
        return found

    async def step(after_s: float, by_s: float) -> None:
        await anyio.sleep(after_s)
        vendors.time.step(by_s)

    return Scanned(*run(scenario), list(vendors.servers[0].arrivals))


def truth(vendor: Any, over: TimeRange = OVER, made: World = WORLD, depth: str = "sessions") -> Any:
    return truth_of(made, vendor, over, depth=depth)


# --- what the answers say -----------------------------------------------------------------------------------

NTH = When(nth=(2,))
OLD = formatdate(EPOCH - 3 * DAY, usegmt=True)
Wrong = Callable[[], list[Fault]]

HARMLESS: dict[str, Wrong] = {
    "no date at all": lambda: [SetHeader(name="Date", value=None)],
    "one date missing": lambda: [SetHeader(name="Date", value=None, when=NTH)],
    "one answer three days old, out of a cache": lambda: [
        SetHeader(name="Date", value=OLD, when=NTH),
        SetHeader(name="Age", value="259200", when=NTH),
    ],
    "the same, and the cache does not say so": lambda: [SetHeader(name="Date", value=OLD, when=NTH)],
    "the first answer three days old": lambda: [SetHeader(name="Date", value=OLD, when=When(nth=(1,)))],
    "every second answer three days old": lambda: [SetHeader(name="Date", value=OLD, when=When(nth=range(1, 900, 2)))],
    "every answer of one age, out of a cache": lambda: [SetHeader(name="Date", value=OLD)],
    "a gateway of 1970 fails once": lambda: [
        Fail(status=502, headers=(("Date", formatdate(0, usegmt=True)),), when=When(nth=(1,)))
    ],
    "a gateway of 1970 fails again and again": lambda: [
        Fail(status=502, headers=(("Date", formatdate(0, usegmt=True)),), when=When(nth=range(1, 400, 3)))
    ],
    "one answer of 1970": lambda: [SetHeader(name="Date", value=formatdate(0, usegmt=True), when=NTH)],
    "one answer years ahead": lambda: [WrongDate(seconds=10 * 365 * DAY, when=NTH)],
    "a date that is none": lambda: [SetHeader(name="Date", value="yesterday")],
    "right and a day old by turns": lambda: [WrongDate(seconds=-DAY, when=When(nth=range(2, 900, 2)))],
    "right and a day ahead by turns": lambda: [WrongDate(seconds=DAY, when=When(nth=range(1, 900, 2)))],
}


@pytest.mark.parametrize("over", [OVER, Last(hours=90)], ids=["fixed", "last"])
@pytest.mark.parametrize("wrong", HARMLESS.values(), ids=HARMLESS.keys())
@pytest.mark.parametrize("vendor", VENDORS)
def test_what_two_witnesses_do_not_bear_out_costs_nothing(vendor: str, wrong: Wrong, over: Any) -> None:
    # One call at a time, so that "by turns" is what it says.
    found = scanned(vendor, faults=wrong(), over=over, workers=1)
    assert (truth(vendor), True, 0) == (exact(found.records), found.report.complete, found.clocks), str(found.report)


LYING: dict[str, Wrong] = {
    "every answer a day old": lambda: [WrongDate(seconds=-DAY)],
    "every answer ten minutes old": lambda: [WrongDate(seconds=-10 * MINUTE)],
    "every answer of 1970 on": lambda: [WrongDate(seconds=-EPOCH)],
    "every answer a month ahead": lambda: [WrongDate(seconds=30 * DAY)],
    "a day old from the third answer on": lambda: [WrongDate(seconds=-DAY, when=When(nth=range(3, 900)))],
    "two answers in a row a day old": lambda: [WrongDate(seconds=-DAY, when=When(nth=range(4, 7)))],
}


@pytest.mark.parametrize("depth", ["calls", "sessions"])
@pytest.mark.parametrize("wrong", LYING.values(), ids=LYING.keys())
@pytest.mark.parametrize("vendor", VENDORS)
def test_what_two_witnesses_make_it_miss_the_report_names(vendor: str, wrong: Wrong, depth: str) -> None:
    # To now, of which the last ten minutes are empty.
    over = TimeRange(OVER.start, EPOCH)
    found = scanned(vendor, faults=wrong(), over=over, depth=depth)
    owed, got = truth(vendor, depth=depth), exact(found.records)
    assert got.items() <= owed.items() or not found.report.complete
    if found.report.complete:
        assert owed == got
    elif not found.report.failures:
        assert {piece.reason for one in found.report.vendors.values() for piece in one.clipped} & {"clock", "history"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_seconds_that_a_clock_hides_are_named(vendor: str) -> None:
    # A second scan with the same provider knows the lying clock from its beginning.
    vendors = Vendors(WORLD)
    given: dict[str, Any] = {"faults": [WrongDate(seconds=-DAY)], "latency": (0.3, 1.2)}

    async def scenario() -> list[tuple[list[CallRecord], Report]]:
        provider = (
            vendors.agora(PLANS[vendor], **given) if vendor == "agora" else vendors.tencent(PLANS[vendor], **given)
        )
        over = TimeRange(OVER.start, EPOCH)
        return [await read(provider, over=over, depth="calls") for _ in range(2)]

    _, (records, report) = run(scenario)
    assert not report.complete
    hidden = [piece for piece in report.vendors[vendor].clipped if piece.reason == "clock"]
    assert DAY == pytest.approx(sum(piece.over.seconds for piece in hidden), abs=60)
    (hidden_piece,) = hidden
    assert f"{hidden_piece.over.seconds:,} s were not asked for" in str(report)
    assert "INCOMPLETE" in str(report)
    missing = truth(vendor, depth="calls").keys() - exact(records).keys()
    starts = {call.call_id: call.created_ts for call in WORLD.calls(vendor)}  # type: ignore[arg-type]
    assert missing
    assert all(starts[call_id] >= hidden_piece.over.start for call_id in missing)


# --- who sets this machine's clock --------------------------------------------------------------------------

MIDNIGHT = (int(EPOCH) // DAY + 1) * DAY


@pytest.mark.parametrize("over", ["fixed", "last"])
@pytest.mark.parametrize("by_s", [-DAY, -HOUR, -90, 90, HOUR, DAY])
@pytest.mark.parametrize("now", [EPOCH, MIDNIGHT - 6.0], ids=["noon", "midnight"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_clock_that_is_set_in_the_middle_of_a_scan_loses_nothing(
    vendor: str, now: float, by_s: float, over: str
) -> None:
    start, end = int(now) - 90 * HOUR, int(now) - 10 * MINUTE
    made = World(seed=3, calls=40, start=start, end=end, sessions_per_call=2, points_per_series=0)
    whole = TimeRange(start, end)
    steps = [(0.9 * turn, by_s if turn % 2 else -by_s) for turn in range(1, 16)]
    given = whole if over == "fixed" else Last(hours=90)
    found = scanned(vendor, made=made, now=now, over=given, steps=steps, workers=4)
    assert (truth(vendor, whole, made), True) == (exact(found.records), found.report.complete), str(found.report)
    assert 0 == sum(arrival.refused for arrival in found.arrivals)


@pytest.mark.parametrize("ahead_s", [-DAY, -8 * HOUR, -5 * MINUTE, -5, 5, 5 * MINUTE, 8 * HOUR, DAY])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_clock_that_was_wrong_from_the_beginning_loses_nothing_of_a_fixed_range(vendor: str, ahead_s: float) -> None:
    found = scanned(vendor, ahead_s=ahead_s)
    assert truth(vendor) == exact(found.records)
    assert found.report.complete, str(found.report)


@pytest.mark.parametrize("ahead_s", [-8 * HOUR, -30 * MINUTE, 30 * MINUTE, 8 * HOUR])
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_last_hours_are_the_vendors_or_what_is_missed_of_them_is_named(vendor: str, ahead_s: float) -> None:
    found = scanned(vendor, ahead_s=ahead_s, over=Last(hours=6))
    whole = TimeRange(EPOCH - 6 * HOUR, EPOCH)
    owed = truth(vendor, whole)
    if vendor == "agora" and ahead_s < 0:
        # Its answers came too late to be asked twice: the range was a stretch of the past.
        assert not found.report.complete
        assert min(6 * HOUR, -ahead_s) == pytest.approx(found.clocks, abs=30)
    else:
        assert (owed, True) == (exact(found.records), found.report.complete), str(found.report)


# --- what outlives the process ------------------------------------------------------------------------------

JOB = Since(first=Last(hours=8))
LONG = World(
    seed=11, calls=60, start=int(EPOCH) - 8 * HOUR, end=int(EPOCH) + 40 * HOUR, sessions_per_call=2, points_per_series=0
)


def job(vendor: str, ledger: Path, hours: float, **options: Any) -> Scanned:
    return scanned(
        vendor, over=JOB, made=LONG, depth="calls", now=EPOCH + hours * HOUR, **{"ledger": ledger, **options}
    )


def begun_before(vendor: Any, hours: float) -> set[str]:
    return {call.call_id for call in LONG.calls(vendor) if call.created_ts < EPOCH + hours * HOUR - 10 * MINUTE}


@pytest.mark.parametrize("seconds", [30 * DAY, 2 * HOUR, -DAY])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_job_whose_answers_lie_for_a_day_misses_nothing_the_next(vendor: str, seconds: float, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    found = {record.call.call_id for record in job(vendor, ledger, 0).records}
    vendors, now = Vendors(LONG, epoch=EPOCH + 6 * HOUR), EPOCH + 6 * HOUR

    async def lying() -> list[CallRecord]:
        given: dict[str, Any] = {"faults": [WrongDate(seconds=seconds)], "latency": (0.3, 1.2)}
        provider = (
            vendors.agora(PLANS[vendor], **given) if vendor == "agora" else vendors.tencent(PLANS[vendor], **given)
        )
        await read(provider, over=TimeRange(now - 80 * HOUR, now - HOUR), depth="calls")
        records, _ = await read(provider, over=JOB, depth="calls", ledger=ledger)
        return records

    found |= {record.call.call_id for record in run(lying)}
    with closing(sqlite3.connect(ledger)) as file:
        ((until,),) = file.execute("SELECT max(until) FROM (SELECT until FROM lanes UNION SELECT until FROM stretches)")
        assert until <= vendors.time.clock.wall() + KEPT_MARGIN_S
    for hours in (12, 18):
        honest = job(vendor, ledger, hours)
        assert honest.report.complete, str(honest.report)
        found |= {record.call.call_id for record in honest.records}
    assert begun_before(vendor, 18) <= found


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_job_on_a_machine_whose_clock_is_behind_reads_to_the_vendors_now(vendor: str, tmp_path: Path) -> None:
    vendors = Vendors(LONG, epoch=EPOCH)
    hours = 12
    now = EPOCH + hours * HOUR
    given: dict[str, Any] = {"clock": lambda: now + vendors.time.clock.monotonic() - START, "latency": (0.3, 1.2)}

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = (
            vendors.agora(PLANS[vendor], **given) if vendor == "agora" else vendors.tencent(PLANS[vendor], **given)
        )
        await read(provider, over=TimeRange(EPOCH - 60 * HOUR, EPOCH), depth="calls")
        return await read(provider, over=JOB, depth="calls", ledger=tmp_path / "ledger")

    records, report = run(scenario)
    assert report.complete, str(report)
    wanted = truth_of(LONG, vendor, TimeRange(int(now) - 8 * HOUR, int(now) - 10 * MINUTE), depth="calls")
    assert wanted.keys() <= {record.call.call_id for record in records}


def edited(ledger: Path, *statements: str) -> None:
    with closing(sqlite3.connect(ledger)) as file, file:
        for statement in statements:
            file.execute(statement)


@pytest.mark.parametrize("days", [1, 30, 3_000])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_ledger_ahead_of_now_is_read_as_if_it_had_come_to_now_and_says_so(
    vendor: str, days: int, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    first = job(vendor, ledger, 0)
    edited(ledger, f"UPDATE lanes SET until = until + {days * DAY}", "DELETE FROM stretches")
    again = job(vendor, ledger, 1)
    assert not again.report.complete
    (doubt,) = again.report.vendors[vendor].doubts
    assert f"come {days * DAY - HOUR - 60:,} s further than this machine's clock" in doubt
    assert again.arrivals, "it is listed again"
    honest = job(vendor, ledger, 12)
    assert honest.report.complete, str(honest.report)
    found = {record.call.call_id for one in (first, again, honest) for record in one.records}
    assert begun_before(vendor, 12) <= found
    finished = [r.call.call_id for one in (first, again, honest) for r in one.records if not r.again]
    assert len(finished) == len(set(finished)), "calls that are known are known by their digests"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_ledger_that_lies_wholly_ahead_of_now_begins_anew(vendor: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    job(vendor, ledger, 0)
    edited(ledger, f"UPDATE lanes SET first = first + {DAY}, until = until + {DAY}", "DELETE FROM stretches")
    again = job(vendor, ledger, 6)
    assert not again.report.complete
    assert again.arrivals
    assert job(vendor, ledger, 12).report.complete


def test_a_ledger_that_does_not_say_whose_it_is_is_refused(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    job("agora", ledger, 0)
    edited(ledger, "DELETE FROM facts", f"UPDATE lanes SET until = until + {DAY}")
    with pytest.raises(LedgerUnusable, match="does not say of which scan"):
        run(lambda: read(Vendors(LONG).agora(), over=JOB, depth="calls", ledger=ledger))
