"""Ledgers that came from elsewhere: each is refused in a sentence, or read as far as it can be believed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agora_tencent_analytics import LedgerUnusable, TimeRange, scan
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.simulator import World
from agora_tencent_analytics.storage.sqlite import SqliteConnection
from tests.support.long_runs import by_turns
from tests.support.mutated_files import ENDLESS, forge, mutate
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
OVER = TimeRange(NOW - 4 * 3600, NOW - 2 * 3600)
WORLD = World(seed=5, calls=12, start=OVER.start, end=OVER.end)
LEFT = 10
"""Calls that the scan which was left had not acknowledged."""
ENDS_S = 5.0


def read(ledger: Path, most: int | None = None) -> tuple[bool, int, int]:
    """Whether a scan with this ledger says that it is complete, its requests, and its records."""

    async def scenario() -> tuple[bool, int, int]:
        stage = Stage("agora", WORLD)
        found = 0
        async with stage.provider() as provider:
            async with scan(provider, over=OVER, depth="sessions", ledger=ledger, on_error="report") as records:
                async for _ in records:
                    found += 1
                    if found == most:
                        break
            return records.report.complete, stage.asked, found

    return run(scenario)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of a scan that was left in the middle, and closed."""
    path = tmp_path_factory.mktemp("begun") / "ledger"
    _, asked, found = read(path, most=4)
    assert (4, True) == (found, asked > 3)
    return path


def tell(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement)


SCHEMAS = {
    "an endless view": ("DROP TABLE facts", f"CREATE VIEW facts (name, value) AS {ENDLESS}"),
    "a trigger": (f"CREATE TRIGGER t AFTER INSERT ON marks BEGIN INSERT INTO facts {ENDLESS}; END",),
    "a column more": ("ALTER TABLE calls ADD COLUMN more",),
    "a table more": ("CREATE TABLE more (a)",),
    "a column without its bounds": ("DROP TABLE marks", "CREATE TABLE marks (name TEXT PRIMARY KEY, value)"),
}
ROWS = {
    "a number below nought": "UPDATE lanes SET run = -1000000000",
    "a text for a number": "UPDATE lanes SET until = 'soon'",
    "an end before its beginning": "UPDATE lanes SET first = until + 1",
    "a mark below nought": "UPDATE marks SET value = -7",
    "a mark beyond which nothing can be counted": f"UPDATE marks SET value = {2**63 - 1} WHERE name = 'commits'",
    "a place where no call is looked for": "UPDATE calls SET number = -number",
    "a place where no span can be": "INSERT INTO stretches VALUES (-1, 'agora', 7, 8, NULL)",
    "a state that does not exist": "UPDATE calls SET state = 99",
    "an pending call without its text": "UPDATE calls SET call = NULL WHERE state = 1",
    "a span without seconds": "INSERT INTO stretches (lane, first, until) VALUES ('agora', 7, 7)",
    "a year that nobody will see": "UPDATE lanes SET until = 1 << 61",
    "bytes for a text": "UPDATE facts SET value = x'00ff'",
}


@pytest.mark.parametrize("what", SCHEMAS)
def test_tables_that_are_not_ours_are_refused_before_anything_is_read(what: str, begun: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    tell(path, *SCHEMAS[what])
    with pytest.raises(LedgerUnusable, match="its tables are not those of a ledger: somebody has changed them"):
        Ledger(path)


@pytest.mark.parametrize("what", ROWS)
def test_a_row_that_we_cannot_have_written_is_refused(what: str, begun: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    tell(path, ROWS[what])
    with pytest.raises(LedgerUnusable, match=r"a row of its table \w+ cannot be: somebody has changed it"):
        Ledger(path)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO stretches (lane, first, until) SELECT lane, first, until FROM lanes",
        "DELETE FROM calls WHERE state = 1",
        "UPDATE calls SET state = 0, call = NULL",
        f"UPDATE lanes SET until = {NOW}",
        "DELETE FROM facts",
        "INSERT OR REPLACE INTO facts VALUES ('bookmark', 'x')",
    ],
)
def test_rows_that_were_changed_after_it_was_closed_are_noticed(statement: str, begun: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    tell(path, statement)
    with pytest.raises(LedgerUnusable, match="its rows are not those that it was closed with"):
        Ledger(path)


def test_a_ledger_without_the_facts_that_name_its_scan_is_refused_though_it_was_never_closed(
    begun: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    tell(
        path,
        "DELETE FROM facts",
        "UPDATE marks SET value = 1 WHERE name = 'open'",
        f"UPDATE lanes SET until = {NOW + 10**6}",
    )
    with pytest.raises(LedgerUnusable, match="it holds calls and does not say which scan"):
        read(path)


@pytest.mark.long
def test_a_call_that_would_become_too_much_is_refused_before_it_is_made(begun: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    bomb = b'{"vendor":"agora","call_id":"c","created_ts":1,"extra":{"x":[' + b"[], " * 750_000 + b"[]]}}"
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("UPDATE marks SET value = 1 WHERE name = 'open'")
        file.execute("UPDATE calls SET call = ? WHERE rowid = (SELECT min(rowid) FROM calls WHERE state != 0)", (bomb,))
    with pytest.raises(LedgerUnusable, match=r"is damaged .its 3,000,0\d\d bytes hold about"):
        read(path)


def test_a_statement_that_takes_too_long_is_given_up(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agora_tencent_analytics.storage.sqlite.STATEMENT_S", 0.2)
    ledger = Ledger(begun)
    try:
        began = time.monotonic()
        with pytest.raises(LedgerUnusable, match="took longer than any of ours does"):
            ledger._file.rows(f"SELECT count(*) FROM ({ENDLESS})")
        assert time.monotonic() - began < 2
        assert "" == ledger.bookmark
    finally:
        ledger.close()


def test_a_ledger_left_as_it_was_goes_on(begun: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    complete, _, found = read(path)
    assert (True, LEFT) == (complete, found)


def mutated(seed: int, begun: Path, folder: Path) -> str:
    """What became of a scan with a ledger that somebody has changed."""
    folder.mkdir()
    path = Path(shutil.copy(begun, folder / "ledger"))
    if seed % 2:
        forge(path)  # no sum tells what has changed
    (folder / "calls.jsonl").write_text("theirs\n")
    what = mutate(path, Random(seed))
    began = time.monotonic()
    try:
        complete, asked, found = read(path)
    except LedgerUnusable as refused:
        outcome = f"refused: {refused}"
    else:
        assert not complete or asked, f"seed {seed} ({what}): complete without a request"
        assert not complete or found >= LEFT, f"seed {seed} ({what}): complete with {found} calls of {LEFT}"
        outcome = "read"
    assert time.monotonic() - began < ENDS_S, f"seed {seed} ({what})"
    assert "theirs\n" == (folder / "calls.jsonl").read_text()
    left = {file.name for file in folder.iterdir()}
    assert left <= {"ledger", "calls.jsonl", "ledger-wal", "ledger-shm", "ledger-commits", "ledger-journal"}, what
    return outcome.partition(":")[0]


def test_no_mutated_ledger_hangs_lies_or_ends_in_a_traceback(begun: Path, tmp_path: Path) -> None:
    outcomes = [mutated(seed, begun, tmp_path / str(seed)) for seed in range(30)]
    assert {"refused", "read"} >= set(outcomes)
    assert outcomes.count("refused") > 10


@pytest.mark.proof
def test_none_of_hundreds_of_mutated_ledgers_does(begun: Path, tmp_path: Path) -> None:
    for seed in range(1_000, 1_400):
        mutated(seed, begun, tmp_path / str(seed))


def test_a_task_that_was_cancelled_before_finishes_what_it_does(begun: Path, tmp_path: Path) -> None:
    """Whoever cleans up after a cancellation, or has swallowed one, is not interrupted."""
    path = Path(shutil.copy(begun, tmp_path / "ledger"))
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 200000)"
    many = f"{numbers} SELECT count(*) FROM n"

    async def scenario() -> list[Any]:
        with Ledger(path) as ledger:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                return ledger._file.rows(many)
        return []

    assert [(200_000,)] == asyncio.run(scenario())


WAITING = """
import asyncio, sys
from agora_tencent_analytics.cli.commands.scan import _ended_like_interrupted
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics import scan
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.ledger.seal import Seals
from agora_tencent_analytics.storage.sqlite import SqliteConnection
from tests.scan.ledger.test_hostile import OVER, WORLD
from tests.support.transports import Stage

_, kind, path, endless = sys.argv
execute = SqliteConnection.execute

def ready():
    print("ready", flush=True)

def slowly(self, sql, values=()):
    if "quick_check" in sql:
        ready()
        return execute(self, endless)
    return execute(self, sql, values)

def weigh(seals, connection, lane):
    ready()
    for row in execute(connection, endless):
        seals._weigh(1, lane, row)

async def enter():
    Seals._weigh_all = weigh
    if kind == "the look of a scan":
        SqliteConnection.execute = slowly
    async with Stage("agora", WORLD).provider() as provider:
        async with scan(provider, over=OVER, depth="sessions", ledger=path):
            pass

def wait():
    if kind == "a statement":
        with Ledger(path) as ledger:
            ready()
            ledger._file.rows(endless)
    SqliteConnection.execute = slowly
    SqliteStore(path + "-quota") if kind == "the look at a quota" else Ledger(path)

async def main():
    with _ended_like_interrupted():
        await enter() if kind.endswith("of a scan") else wait()

try:
    wait() if kind == "the look at a ledger without a loop" else asyncio.run(main())
except (KeyboardInterrupt, asyncio.CancelledError):
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *by_turns(2, ("a statement", "the look at a ledger", "the look at a quota"), (signal.SIGINT, signal.SIGTERM)),
        ("the look at a ledger without a loop", signal.SIGINT),
        *by_turns(2, ("the look of a scan", "the weighing of a scan"), (signal.SIGINT, signal.SIGTERM)),
    ],
)
def test_a_signal_ends_what_sqlite_does_as_the_signal_and_not_as_a_damaged_file(
    kind: str, number: signal.Signals, begun: Path, tmp_path: Path
) -> None:
    path = shutil.copy(begun, tmp_path / "ledger")
    command = [sys.executable, "-c", WAITING, kind, path, f"SELECT count(*) FROM ({ENDLESS})"]
    busy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert busy.stdout is not None
    assert "ready\n" == busy.stdout.readline()
    time.sleep(0.2)
    began = time.monotonic()
    busy.send_signal(number)
    assert 130 == busy.wait(10)
    assert time.monotonic() - began < 2
    assert "Traceback" not in busy.communicate()[1]


def test_what_looks_at_a_whole_file_has_no_deadline(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agora_tencent_analytics.storage.sqlite.STATEMENT_S", 0.0)
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000) SELECT count(*) FROM n"
    with closing(sqlite3.connect(begun, factory=SqliteConnection, check_same_thread=False)) as connection:
        assert [(100_000,)] == connection.aside(lambda: connection.execute(numbers).fetchall())
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(numbers)
