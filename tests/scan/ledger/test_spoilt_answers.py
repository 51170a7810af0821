"""What spoilt answers have shown to one scan on a ledger is told, or asked for again, by the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from agora_tencent_analytics import Last, TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan import Records, Report
from agora_tencent_analytics.scan.ledger.work import KeptWork
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.scan.report import IncompleteScan
from agora_tencent_analytics.simulator import World
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

FEW: dict[str, Any] = {"seed": 9, "calls": 5, "start": int(EPOCH) - 6 * HOUR, "sessions_per_call": 1}
WORLD = World(**FEW, end=int(EPOCH) - HOUR)
LISTING = {
    "agora": ("call_lists", "call_id", "created_ts", "destroyed_ts"),
    "tencent": ("RoomList", "CommId", "CreateTime", "DestroyTime"),
}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "agora": ("total_size", {"cname": "Other", "finished": True}),
    "tencent": ("Total", {"RoomString": "Other", "IsFinished": True}),
}
SESSIONS = {"agora": "call_info", "tencent": "UserList"}
RANGES = [TimeRange(WORLD.start, WORLD.end), Since(first=Last(hours=6))]
every_vendor = pytest.mark.parametrize("vendor", LISTING)
every_range = pytest.mark.parametrize("over", RANGES, ids=["range", "since"])


async def read_all(records: Records) -> None:
    async for _ in records:
        pass


def read(
    vendor: Any,
    ledger: Path,
    spoil: dict[str, Callable[[Rows], None]],
    consume: Callable[[Records], Awaitable[None]] = read_all,
    *,
    world: World = WORLD,
    **options: Any,
) -> Report:
    stage = Stage(vendor, world)

    async def scenario() -> Report:
        async with (
            stage.provider(transport=Spoilt(stage.server, spoil)) as provider,
            scan(provider, **{"over": TimeRange(world.start, world.end), **options}, ledger=ledger) as records,
        ):
            await consume(records)
            return records.report

    return run(scenario)


def spoil_one(vendor: str, *, lost: bool) -> dict[str, Callable[[Rows], None]]:
    """Of each page one row is lost, or leaves a doubt."""
    name, _, begin, end = LISTING[vendor]

    def spoil(rows: Rows) -> None:
        rows[2][begin if lost else end] = None if lost else "soon"

    return {name: spoil}


@every_range
@pytest.mark.parametrize("lost", [True, False], ids=["a lost row", "a doubt"])
@every_vendor
def test_what_no_report_has_told_since_records_were_left_is_told_by_the_next_scan(
    vendor: str, lost: bool, over: Any, tmp_path: Path
) -> None:
    async def leave(records: Records) -> None:
        async for _ in records:
            await anyio.sleep(60)  # everything is read meanwhile, and waits
            break

    first, second, third = (
        read(vendor, tmp_path / "ledger", spoil_one(vendor, lost=lost), consume, over=over, depth="calls")
        for consume in (leave, read_all, read_all)
    )
    assert not first.complete
    assert (False, lost) == (second.complete, bool(second.failures))
    assert lost != any("cannot be read as it was sent" in doubt for doubt in second.vendors[vendor].doubts)
    assert not lost or third.complete


@every_range
@every_vendor
def test_a_lost_row_is_raised_once(vendor: str, over: Any, tmp_path: Path) -> None:
    ledger, spoil = tmp_path / "ledger", spoil_one(vendor, lost=True)
    with pytest.raises(IncompleteScan, match="row 2 on page"):
        read(vendor, ledger, spoil, over=over, depth="calls", on_error="raise")
    report = read(vendor, ledger, spoil, over=over, depth="calls", on_error="raise")
    assert (True, 4) == (report.complete, report.vendors[vendor].calls)


@every_vendor
def test_a_lost_row_of_a_call_is_raised_once_and_stands_in_the_record_then(vendor: str, tmp_path: Path) -> None:
    """A job that is run every day gets past it."""

    def spoil(rows: Rows) -> None:
        rows[0]["join_ts" if vendor == "agora" else "JoinTs"] = None
        rows[0]["RoomStr" if vendor == "tencent" else "sid"] = None

    options: dict[str, Any] = {"depth": "sessions", "on_error": "raise"}
    ledger, found = tmp_path / "daily.ledger", list[Any]()

    async def keep(records: Records) -> None:
        async for record in records:
            found.append(record)  # those before the error count too

    calls = {call.call_id for call in WORLD.calls(vendor)}  # type: ignore[arg-type]  # a literal in the table above
    raised, report = 0, Report()
    while raised <= len(calls):
        try:
            report = read(vendor, ledger, {SESSIONS[vendor]: spoil}, keep, **options)
        except IncompleteScan:
            raised += 1
        else:
            break
    assert 0 < raised <= len(calls)
    assert report.complete
    assert calls == {one.call.call_id for one in found}
    assert all(one.failures for one in found)


@every_vendor
def test_a_call_of_which_something_failed_comes_again_though_it_was_acknowledged_twice(
    vendor: str, tmp_path: Path
) -> None:
    async def by_hand_too(records: Records) -> None:
        async for record in records:
            records.acknowledge(record)

    def spoil(whole: Rows) -> None:
        if SESSIONS[vendor] in whole[0]:
            whole[0][SESSIONS[vendor]] = 7

    first = read(vendor, tmp_path / "ledger", {"": spoil}, by_hand_too, depth="sessions")
    second = read(vendor, tmp_path / "ledger", {}, depth="sessions")
    assert 5 == len(first.failures)
    assert (5, True) == (second.vendors[vendor].sessions, second.complete)


@every_vendor
def test_calls_that_come_again_after_a_budget_was_spent_in_their_window_hide_no_others(
    vendor: str, tmp_path: Path
) -> None:
    """The last page of the window shows ten calls of its first page in the place of ten others."""
    name = LISTING[vendor][0]
    world = World(seed=9, calls=250, start=int(EPOCH) - 8 * HOUR, end=int(EPOCH) - 7 * HOUR, sessions_per_call=1)
    first, found = list[Any](), list[str]()

    def spoil(rows: Rows) -> None:
        first.extend(dict(row) for row in rows[: 10 - len(first)])
        if len(rows) == 50:
            rows[:10] = [dict(row) for row in first]

    async def gather(records: Records) -> None:
        found.extend([record.call.call_id async for record in records])

    for budget in (Budget(requests=2), None):
        report = read(vendor, tmp_path / "ledger", {name: spoil}, gather, world=world, depth="calls", budget=budget)
    assert report.complete
    assert sorted(call.call_id for call in world.calls(vendor)) == sorted(found)  # type: ignore[arg-type]


@pytest.mark.parametrize("last", [50, 0])
@every_vendor
def test_a_channel_that_is_spelt_otherwise_is_doubted_though_a_budget_was_spent_in_between(
    vendor: str, last: int, tmp_path: Path
) -> None:
    name, key, begin, end = LISTING[vendor]
    total, fields = OTHERS[vendor]
    pages = enumerate([100, 100, last, 0, 0, 0])

    def spoil(whole: Rows) -> None:
        (page, rows), at = next(pages), WORLD.start + HOUR
        whole[0][name] = [{key: f"{page}-{number}", begin: at, end: at + 60, **fields} for number in range(rows)]
        whole[0][total] = 200 + last if vendor == "agora" else rows

    for budget in (Budget(requests=2), None):
        report = read(vendor, tmp_path / "ledger", {"": spoil}, depth="calls", budget=budget, channel="other")
    assert not report.complete
    assert any("rows came, but not calls of channel 'other'" in doubt for doubt in report.vendors[vendor].doubts)


@every_vendor
def test_a_doubt_at_the_end_of_a_listing_is_kept_before_that_is_listed(
    vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process had been killed between the two."""
    name = LISTING[vendor][0]
    channel = "RoomString" if vendor == "tencent" else "cname"
    wanted = next(WORLD.calls(vendor)).channel  # type: ignore[arg-type]
    listed = KeptWork.listed

    def killed(work: KeptWork, *said: Any) -> None:
        listed(work, *said)
        raise ZeroDivisionError

    def spoil(rows: Rows) -> None:
        for row in rows:
            row[channel] = "Other"

    options: dict[str, Any] = {"depth": "calls", "channel": wanted}
    monkeypatch.setattr(KeptWork, "listed", killed)
    with pytest.raises(ZeroDivisionError):
        read(vendor, tmp_path / "ledger", {name: spoil}, **options)
    monkeypatch.undo()
    report = read(vendor, tmp_path / "ledger", {name: spoil}, **options)
    assert not report.complete


@pytest.mark.parametrize(
    ("vendor", "first", "second", "third"),
    [
        ("agora", (0, 100, 251), (101, 201, 250), (201, 251, 250)),
        ("agora", (0, 100, 250), (90, 190, 250), (191, 251, 250)),
        ("tencent", (0, 100, 0), (90, 190, 0), (191, 251, 0)),
    ],
    ids=["a total", "rows of agora", "rows of tencent"],
)
def test_what_moved_before_a_budget_was_spent_has_the_window_read_again(
    vendor: str, first: Any, second: Any, third: Any, tmp_path: Path
) -> None:
    name, key, begin, end = LISTING[vendor]
    total, fields = OTHERS[vendor]
    again = [(0, 100, 251), (100, 200, 251), (200, 251, 251)]
    pages = iter([first, second, third, *again])
    found = set[str]()

    def spoil(whole: Rows) -> None:
        (start, stop, counted), at = next(pages), WORLD.start + HOUR
        rows = [{key: f"call {number}", begin: at, end: at + 60, **fields} for number in range(start, stop)]
        whole[0] |= {name: rows, total: counted if vendor == "agora" else len(rows)}

    async def gather(records: Records) -> None:
        found.update([record.call.call_id async for record in records])

    for budget in (Budget(requests=2), None):
        report = read(vendor, tmp_path / "ledger", {"": spoil}, gather, depth="calls", budget=budget)
    assert (251, True) == (len(found), report.complete)
