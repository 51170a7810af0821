"""Quota files that came from elsewhere: each is refused in a sentence, or counted on; none hangs, or counts below 0."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from agora_tencent_analytics import QuotaUnavailable
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from tests.support.file_user import take
from tests.support.mutated_files import ENDLESS, mutate

NOW = 1_790_000_000.0
ENDS_S = 5.0
LARGE = "length(printf('%.*c', 900000000, 'x')) > 0"
SLOTS = (
    "CREATE TABLE slots (account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, "
    "ends REAL NOT NULL, PRIMARY KEY (account, counter, owner, id)"
)
OF_SLOTS = "CREATE INDEX slots_by_end ON slots (account, counter, ends)"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("used") / "quota"
    store = SqliteStore(path)
    for number in range(4):
        asyncio.run(take(store, NOW + number))
    store.close()
    del store
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE records", f"CREATE VIEW records (account, counter) AS {ENDLESS}"),
        (f"CREATE TRIGGER t AFTER INSERT ON slots BEGIN INSERT INTO records {ENDLESS}; END",),
        ("ALTER TABLE slots ADD COLUMN more",),
        ("CREATE TABLE more (a)",),
        ("DROP INDEX slots_by_end",),
        ("DROP INDEX slots_by_end", f"CREATE INDEX slots_by_end ON slots (account, counter, ends) WHERE {LARGE}"),
        ("DROP TABLE slots", f"{SLOTS}, CHECK ({LARGE})) WITHOUT ROWID", OF_SLOTS),
        ("PRAGMA user_version = 3", "DROP TABLE records", f"CREATE VIEW days (account, counter) AS {ENDLESS}"),
        ("PRAGMA application_id = 0", "PRAGMA user_version = 2", f"CREATE VIEW days (account, counter) AS {ENDLESS}"),
    ],
)
def test_tables_that_are_not_ours_are_refused_before_anything_is_read(
    statements: tuple[str, ...], used: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(used, tmp_path / "quota"))
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement)
    before = path.read_bytes()
    with pytest.raises(QuotaUnavailable, match=r"somebody has changed them|it is another program's"):
        SqliteStore(path)
    assert before == path.read_bytes()


def mutated(seed: int, used: Path, folder: Path) -> str:
    """What became of a quota file that somebody has changed."""
    folder.mkdir()
    path = Path(shutil.copy(used, folder / "quota"))
    (folder / "theirs").write_text("theirs\n")
    what = mutate(path, Random(seed))
    began = time.monotonic()
    try:
        store = SqliteStore(path)
        told = asyncio.run(take(store, NOW + 100))
        store.close()
        outcome = "refused" if told[0] == "unavailable" else "counted"
        if outcome == "counted":
            assert told[0] is None or isinstance(told[0], str), f"seed {seed} ({what}): {told}"
            assert all(isinstance(number, int) and number >= 0 for number in told[1:]), f"seed {seed} ({what}): {told}"
    except QuotaUnavailable:
        outcome = "refused"
    assert time.monotonic() - began < ENDS_S, f"seed {seed} ({what})"
    assert "theirs\n" == (folder / "theirs").read_text()
    return outcome


def test_a_file_that_would_take_long_to_check_is_refused_at_once(used: Path, tmp_path: Path) -> None:
    path = tmp_path / "quota"
    shutil.copy(used, path)
    with path.open("r+b") as file:
        file.truncate((128 << 20) + 1)
    with pytest.raises(QuotaUnavailable, match="larger than 128 MB"):
        asyncio.run(take(SqliteStore(path), NOW))
    assert (128 << 20) + 1 == path.stat().st_size, "and stays as it was"


def test_no_mutated_file_hangs_counts_below_nought_or_ends_in_a_traceback(used: Path, tmp_path: Path) -> None:
    outcomes = [mutated(seed, used, tmp_path / str(seed)) for seed in range(20)]
    assert outcomes.count("refused") > 5


@pytest.mark.proof
def test_none_of_a_hundred_mutated_files_does(used: Path, tmp_path: Path) -> None:
    for seed in range(1_000, 1_100):
        mutated(seed, used, tmp_path / str(seed))


@pytest.mark.parametrize("counted", [[-(10**9), 0], [4, -(10**9)]])
def test_a_day_on_which_less_than_nothing_was_sent_is_refused(counted: list[int], used: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(used, tmp_path / "quota"))
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        (record,) = (one for (one,) in file.execute("SELECT record FROM records") if "days" in json.loads(one))
        changed = json.loads(record)
        (day,) = changed["days"].values()
        day[0] = dict.fromkeys(day[0], counted)
        file.execute("UPDATE records SET record = ? WHERE record = ?", (json.dumps(changed), record))
    assert "unavailable" == asyncio.run(take(SqliteStore(path), NOW + 100))[0]


@pytest.mark.parametrize("version", [0, 1, 2, 3, 77])
@pytest.mark.parametrize("more", ["", "CREATE TABLE days (day TEXT PRIMARY KEY, open INTEGER NOT NULL)"])
def test_the_slots_of_another_program_are_refused_and_stay(version: int, more: str, tmp_path: Path) -> None:
    path = tmp_path / "booking.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in (
            "PRAGMA journal_mode = DELETE",
            f"PRAGMA user_version = {version}",
            "CREATE TABLE slots (id INTEGER PRIMARY KEY, starts_at TEXT NOT NULL, room TEXT, booked_by TEXT)",
            "INSERT INTO slots (starts_at, room) VALUES ('2026-11-29 09:00', '7'), ('2026-11-29 10:00', '7')",
            more,
        ):
            file.execute(statement)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(QuotaUnavailable, match="it is another program's, and not a quota"):
            SqliteStore(path)
    assert before == path.read_bytes()
    assert [path.name] == [file.name for file in tmp_path.iterdir() if not file.name.endswith(("-shm", "-wal"))]
