"""A ledger whose log was lost or damaged after a kill: what was dealt with comes again, and says so."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import CallRecord, Last, TimeRange, scan
from agora_tencent_analytics.errors import LedgerUnusable
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.notices import Notice
from agora_tencent_analytics.scan import Ledger, Report, Since
from agora_tencent_analytics.scan.ledger import file as ledger_file
from tests.scan.ledger.test_resuming import LATER, SMALL
from tests.support.simulated_scans import WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run


def emptied(log: Path) -> None:
    log.write_bytes(b"")


def halved(log: Path) -> None:
    os.truncate(log, log.stat().st_size // 2)


def shortened(log: Path) -> None:
    os.truncate(log, log.stat().st_size - 4_120)


def garbled(at: Callable[[int], int], of: int = 64) -> Callable[[Path], None]:
    def garble(log: Path) -> None:
        body = bytearray(log.read_bytes())
        begin = at(len(body))
        body[begin : begin + of] = b"\xff" * of
        log.write_bytes(bytes(body))

    return garble


DAMAGE: dict[str, Callable[[Path], None]] = {
    "gone": Path.unlink,
    "emptied": emptied,
    "halved": halved,
    "garbled at its beginning": garbled(lambda size: 0),
    "garbled in the first frame": garbled(lambda size: 100),
    "garbled in the middle": garbled(lambda size: size // 2),
    "garbled at its end": garbled(lambda size: size - 100),
    "short of its last frame": shortened,
    "another's": garbled(lambda size: 0, of=4_000),
}


@attrs.define
class Kill:
    """A hook that copies a ledger as a kill would leave it, at the given number of notices."""

    source: Path
    at: int
    seen: int = 0
    taken: int = 0
    found: list[CallRecord] = attrs.field(factory=list)

    @property
    def copy(self) -> Path:
        return self.source.with_name(f"left-{self.at}")

    def __call__(self, notice: Notice) -> None:
        self.seen += 1
        if self.seen == self.at:
            self.taken = len(self.found)
            for ending in ("", "-wal", "-commits"):
                shutil.copy(f"{self.source}{ending}", f"{self.copy}{ending}")


def killed(vendors: Vendors, folder: Path, at: int, **options: Any) -> Kill:
    """A scan that acknowledges each record at once, killed after so many notices."""
    folder.mkdir(exist_ok=True)
    kill = Kill(folder / "ledger", at)

    async def scenario() -> None:
        agora = vendors.agora()
        async with scan(
            agora, ledger=kill.source, acknowledge="by hand", workers=4, hooks=[kill], **options
        ) as records:
            async for record in records:
                records.acknowledge(record)
                kill.found.append(record)

    run(scenario)
    assert kill.copy.exists()
    return kill


def resumed(vendors: Vendors, path: Path, **options: Any) -> tuple[list[CallRecord], Report]:
    async def scenario() -> tuple[list[CallRecord], Report]:
        return await read(vendors.agora(), ledger=path, workers=4, **options)

    return run(scenario)


# A log without its last frame is as good as one whose last frame was never written: only the number tells.
CASES = [(how, kept) for how in DAMAGE for kept in (True, False) if kept or how != "short of its last frame"]


WORLD = Vendors(epoch=LATER, calls=12, **SMALL).world
OPTIONS: dict[str, Any] = {"over": WHOLE, "depth": "sessions"}


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> list[Kill]:
    """What kills at four instants leave."""
    folder = tmp_path_factory.mktemp("kills")
    return [killed(Vendors(WORLD, epoch=LATER), folder / str(at), at, **OPTIONS) for at in (12, 25, 40, 55)]


@pytest.mark.parametrize(("how", "number_kept"), CASES)
def test_what_was_acknowledged_comes_again_as_such_and_the_report_says_why(
    how: str, number_kept: bool, kills: list[Kill], tmp_path: Path
) -> None:
    world, options = WORLD, OPTIONS
    for kill in kills:
        copy, at = tmp_path / f"left-{kill.at}", kill.at
        for ending in ("", "-wal", "-commits"):
            shutil.copy(f"{kill.copy}{ending}", f"{copy}{ending}")
        DAMAGE[how](Path(f"{copy}-wal"))
        if not number_kept:
            Path(f"{copy}-commits").unlink()
        done = {record.call.call_id for record in kill.found[: kill.taken]}
        rest, report = resumed(Vendors(world, epoch=LATER), copy, **options)
        again = {record.call.call_id for record in rest} & done
        assert all(record.again for record in rest if record.call.call_id in again), f"killed at notice {at}"
        kept = [record for record in kill.found[: kill.taken] if record.call.call_id not in again]
        assert truth_of(world, "agora", WHOLE, depth="sessions") == exact([*kept, *rest])
        assert not report.complete
        assert "lost its latest acknowledgements" in report.vendors["agora"].doubts[0]
        with Ledger(copy) as ledger:
            assert 1 == ledger.losses
        nothing, _ = resumed(Vendors(world, epoch=LATER), copy, **options)
        assert [] == nothing


def test_a_kill_by_itself_loses_nothing(tmp_path: Path) -> None:
    world = Vendors(epoch=LATER, calls=12, **SMALL).world
    options: dict[str, Any] = {"over": WHOLE, "depth": "sessions"}
    for at in (3, 20, 45):
        kill = killed(Vendors(world, epoch=LATER), tmp_path, at, **options)
        kill.source.unlink()
        rest, report = resumed(Vendors(world, epoch=LATER), kill.copy, **options)
        assert truth_of(world, "agora", WHOLE, depth="sessions") == exact([*kill.found[: kill.taken], *rest])
        assert not any(record.again for record in rest)
        assert report.complete


def test_a_daily_job_that_lost_its_log_gives_what_is_new_as_new_again_on_the_next_day(tmp_path: Path) -> None:
    start, day = WHOLE.start, 24 * HOUR
    whole = {"calls": 60, "start": start, "end": start + 3 * day, **SMALL}
    world = Vendors(**whole).world
    options: dict[str, Any] = {"over": Since(first=Last(hours=24)), "depth": "sessions"}
    path = tmp_path / "ledger"
    first, report = resumed(Vendors(world, epoch=start + day + 2 * HOUR), path, **options)
    assert report.complete
    assert first
    kill = killed(Vendors(world, epoch=start + 2 * day), tmp_path, 50, **options)
    assert kill.taken
    emptied(Path(f"{kill.copy}-wal"))
    second, report = resumed(Vendors(world, epoch=start + 2 * day + HOUR), kill.copy, **options)
    done = {record.call.call_id for record in kill.found[: kill.taken]}
    assert {True} == {record.again for record in second if record.call.call_id in done}
    assert not report.complete
    third, report = resumed(Vendors(world, epoch=start + 3 * day + HOUR), kill.copy, **options)
    fresh = [record for record in third if record.call.created_ts > start + 2 * day + HOUR]
    assert fresh
    assert {False} == {record.again for record in fresh}
    assert report.complete
    over = TimeRange(start + 2 * HOUR, start + 3 * day)
    found = {record.call.call_id for record in (*first, *kill.found[: kill.taken], *second, *third)}
    assert set(truth_of(world, "agora", over, depth="calls")) <= found


def test_its_log_stays_small_however_much_is_written(tmp_path: Path) -> None:
    sizes = []
    with Ledger(tmp_path / "ledger") as ledger:
        for number in range(3_000):
            ledger.keep(f"bookmark {number} " + "x" * 500)
            if number % 100 == 0:
                sizes.append((tmp_path / "ledger-wal").stat().st_size)
    assert max(sizes) < 600_000
    assert ["ledger"] == [path.name for path in tmp_path.iterdir()], "closed, nothing lies beside it"


def test_a_ledger_of_the_version_before_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in ledger_file._SCHEMAS[0].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {ledger_file._APPLICATION}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO facts VALUES ('bookmark', 'mine')")
    for _ in range(2):
        with Ledger(path) as ledger:
            assert ("mine", 0) == (ledger.bookmark, ledger.losses)


CHANGES = {
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON facts BEGIN DELETE FROM calls; END",
    "a view in the place of a table": "DROP TABLE facts; CREATE VIEW facts AS WITH RECURSIVE f(name, value) AS "
    "(SELECT 'a', 'b' UNION ALL SELECT name || 'a', value FROM f) SELECT * FROM f",
    "one table more": "CREATE TABLE theirs (x)",
    "one index less": "DROP INDEX to_do",
    "another column": "ALTER TABLE lanes ADD COLUMN x",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_ledger_that_somebody_has_rebuilt_is_refused_before_it_is_read(what: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    Ledger(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(CHANGES[what])
    before = path.read_bytes()
    with pytest.raises(LedgerUnusable, match="its tables are not those of a ledger"):
        Ledger(path)
    assert before == path.read_bytes()


def test_what_is_in_the_way_of_the_number_beside_a_ledger_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger-commits").write_text("a list of mine")
    with pytest.raises(LedgerUnusable, match="something else, and in its way"):
        Ledger(tmp_path / "ledger")
    assert "a list of mine" == (tmp_path / "ledger-commits").read_text()
