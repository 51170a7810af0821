"""The quota file: one count however many use it, whatever happens to the file, and no other file is touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota import sqlite_store
from agora_tencent_analytics.quota.open_store import open_store
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from tests.support.file_user import DAY, KEY, take

ROOT = Path(__file__).parents[2]
NOW = 1_790_000_000.0
LATER = NOW + 1_000


class User:
    """A process that has the file open."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tests.support.file_user"]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, command: str) -> list[Any]:
        self.begin(command)
        return self.answer()

    def begin(self, command: str) -> None:
        assert self._process.stdin is not None
        print(command, file=self._process.stdin, flush=True)

    def answer(self) -> list[Any]:
        assert self._process.stdout is not None
        answer: list[Any] = json.loads(self._process.stdout.readline())
        return answer

    def take(self, now: float = NOW) -> list[Any]:
        """What the store said, and how many are used."""
        return self(f"take {now}")

    def end(self) -> None:
        self._process.communicate(timeout=20)


@pytest.fixture(scope="module")
def processes() -> Iterator[list[User]]:
    made = [User() for _ in range(3)]
    yield made
    for user in made:
        user.end()


@pytest.fixture
def users(processes: list[User]) -> Iterator[list[User]]:
    """Three processes, none of which has a file open."""
    yield processes
    for user in processes:
        user("close")


def delete(*suffixes: str) -> Callable[[Path], None]:
    def strike(path: Path) -> None:
        for suffix in suffixes:
            Path(f"{path}{suffix}").unlink()

    return strike


def replace(path: Path) -> None:
    """Puts a copy of an hour ago into its place."""
    os.replace(path.with_name("copy"), path)


def empty(path: Path) -> None:
    os.truncate(path, 0)


ACCIDENTS = {
    "the file is deleted": delete(""),
    "the log is deleted": delete("-wal"),
    "the index is deleted": delete("-shm"),
    "log and index are deleted": delete("-wal", "-shm"),
    "all are deleted": delete("", "-wal", "-shm"),
    "an older copy is put in its place": replace,
    "it is emptied": empty,
}
ORDERS = ["old, other, new", "new, old, other", "old, new, other"]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
@pytest.mark.parametrize("order", ["old other new", "new old other", "old new other"])
@pytest.mark.parametrize("accident", ACCIDENTS)
def test_whatever_happens_to_the_file_all_go_on_in_one_and_know_at_least_what_they_have_sent(
    accident: str, order: str, users: list[User], tmp_path: Path
) -> None:
    path, (old, other, new) = tmp_path / "quota.sqlite3", users
    new(f"open {path}")
    assert [None, 1] == new.take()
    new("close")
    shutil.copy(path, path.with_name("copy"))
    for user in (old, other):
        user(f"open {path}")
    assert [[None, used] for used in range(2, 8)] == [user.take() for _ in range(3) for user in (old, other)]

    ACCIDENTS[accident](path)
    sent, answers = 7, {}
    for who in order.split():
        if who == "new":
            new(f"open {path}")
        answers[who] = {"old": old, "other": other, "new": new}[who].take(NOW + 1)
        sent += answers[who][0] is None
    # Nothing until the windows are known again; of an index nothing is lost, it is made from the log.
    held = None if accident == "the index is deleted" else "hold"
    assert (held, held) == (answers["old"][0], answers["other"][0])
    for user in users:  # what each knew is in the file from here on
        assert user.take(LATER)[0] is None
    used = [user.take(LATER)[1] for user in users]
    assert [used[0], used[0] + 1, used[0] + 2] == used, "they count in one file"
    # What a newcomer was granted by a file that had lost its log, before anybody knew, cannot be told from the rest.
    unknown = order.startswith("new") and "log" in accident
    assert sent + 6 - unknown == used[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
def test_busy_processes_find_together_again_after_each_of_many_accidents(users: list[User], tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    for user in users:
        user(f"open {path}")
        user.begin("spin 2.2")
    strikes = [ACCIDENTS[name] for name in ACCIDENTS if name != "an older copy is put in its place"]
    for strike in strikes:
        time.sleep(0.3)
        with contextlib.suppress(FileNotFoundError):
            strike(path)
    answers = [user.answer() for user in users]
    assert [[]] * 3 == [wrong for _, wrong in answers]
    granted = sum(count for count, _ in answers)
    later = time.time() + 1_000
    for user in users:  # what each knew is in the file from here on
        user.take(later)
    used = [user.take(later)[1] for user in users]
    assert [used[0], used[0] + 1, used[0] + 2] == used, "they count in one file"
    assert used[-1] >= granted + 6


def lose_a_part(path: Path) -> None:
    database("PRAGMA wal_checkpoint(TRUNCATE)")(path)  # else nothing is lost, since all of it is in the log
    os.truncate(path, path.stat().st_size - 4_096)


def test_a_file_that_lost_a_part_is_set_aside_by_those_who_have_it_open_and_they_go_on_in_one(
    users: list[User], tmp_path: Path
) -> None:
    path = tmp_path / "quota.sqlite3"
    for user in users[:2]:
        user(f"open {path}")
    assert [[None, 1], [None, 2]] == [user.take() for user in users[:2]]
    lose_a_part(path)
    assert ["hold", "hold"] == [user.take(NOW + 1)[0] for user in users[:2]]
    assert Path(f"{path}.damaged").exists()
    users[2](f"open {path}")
    assert [[None, 3], [None, 4], [None, 5]] == [user.take(LATER) for user in users]


def test_a_file_that_lost_a_part_while_nobody_had_it_open_is_refused(users: list[User], tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    users[0](f"open {path}")
    users[0].take()
    users[0]("close")
    lose_a_part(path)
    before = path.read_bytes()
    with pytest.raises(QuotaUnavailable, match=r"damaged|malformed"):
        SqliteStore(path)
    assert before == path.read_bytes()


# --- one connection in a process ---------------------------------------------------------------------------


def in_this(store: SqliteStore) -> list[object]:
    return asyncio.run(take(store, NOW))


def test_neighbours_that_come_and_go_leave_the_log_to_a_process_with_two_stores(
    users: list[User], tmp_path: Path
) -> None:
    path = tmp_path / "quota.sqlite3"
    first, second = SqliteStore(path), SqliteStore(path)
    counts = []
    for _ in range(3):
        users[0](f"open {path}")
        counts += [in_this(first), users[0].take(), in_this(second)]
        users[0]("close")
        assert Path(f"{path}-wal").exists()
    assert [[None, number] for number in range(1, 10)] == counts


def test_a_file_is_open_once_in_a_process_whatever_it_is_called_and_the_last_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "quota.sqlite3", tmp_path / "link.sqlite3"
    monkeypatch.chdir(tmp_path)
    link.symlink_to(path)
    stores = [SqliteStore(path), SqliteStore("quota.sqlite3"), SqliteStore(link)]
    assert 1 == len({id(store._file) for store in stores})
    for store in stores:
        assert [None] == in_this(store)[:1]
        assert Path(f"{path}-wal").exists()
        store.close()
    assert not Path(f"{path}-wal").exists()
    with pytest.raises(QuotaUnavailable, match="closed"):
        asyncio.run(stores[0].look(KEY, "", (DAY,), NOW))


def test_the_last_store_that_is_left_closes_the_file_and_whoever_asks_again_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    first, second, idle = SqliteStore(path), SqliteStore(path), SqliteStore(path)
    log_exists = Path(f"{path}-wal").exists

    async def scenario() -> list[bool]:
        is_open = []
        for _ in range(2):
            await take(first, NOW)
            await take(second, NOW)
            for store in (first, first, idle, second):
                await store.aclose()
                is_open.append(log_exists())
        return is_open

    assert 2 * [True, True, True, False] == asyncio.run(scenario())
    assert [None, 5] == in_this(idle)
    in_this(first)
    first.close()
    assert log_exists()
    asyncio.run(idle.aclose())
    assert not log_exists()


def test_a_file_of_several_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "quota.sqlite3").touch()
    os.link(tmp_path / "quota.sqlite3", tmp_path / "twin.sqlite3")
    with pytest.raises(QuotaUnavailable, match="several names"):
        SqliteStore(tmp_path / "twin.sqlite3")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_keeps_the_log_from_neighbours_by_itself(users: list[User], tmp_path: Path) -> None:
    """SQLite in a child would take the locks of its parent for its own, and have none when that lets go."""
    path, neighbour = tmp_path / "quota.sqlite3", users[0]
    store = SqliteStore(path)
    assert [None, 1] == in_this(store)
    (told, tell), (heard, hear) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        first = in_this(store)
        os.write(tell, b"x")
        os.read(heard, 1)
        os._exit(0 if [[None, 2], [None, 4]] == [first, in_this(store)] else 1)
    os.read(told, 1)
    store.close()
    neighbour(f"open {path}")
    assert [None, 3] == neighbour.take()
    neighbour("close")
    assert Path(f"{path}-wal").exists()
    os.write(hear, b"x")
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert [None, 5] == in_this(SqliteStore(path))
    for end in (told, tell, heard, hear):
        os.close(end)


# --- ours alone ---------------------------------------------------------------------------------------------


def random_bytes(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def a_few_bytes(path: Path) -> None:
    path.write_bytes(b"hello")


def database(*statements: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return make


OURS_OF_VERSION_1 = (
    "CREATE TABLE days (account TEXT NOT NULL, counter TEXT NOT NULL, day INTEGER NOT NULL,"
    " used INTEGER NOT NULL DEFAULT 0, spent_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (account, counter, day))"
    " WITHOUT ROWID",
    "CREATE TABLE slots (account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, number INTEGER NOT NULL,"
    " sent REAL NOT NULL, answered REAL, PRIMARY KEY (account, counter, owner, number)) WITHOUT ROWID",
    f"INSERT INTO days VALUES ('{KEY[0]}', '{KEY[1]}', {DAY}, 7, 0)",
    "INSERT INTO slots VALUES ('a', 'c', 'o', 1, 5.0, NULL)",
    "PRAGMA user_version = 1",
    "PRAGMA journal_mode = WAL",
)
OURS_OF_VERSION_2 = (
    OURS_OF_VERSION_1[0],
    "CREATE TABLE slots (account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL,"
    " ends REAL NOT NULL, PRIMARY KEY (account, counter, owner, id)) WITHOUT ROWID",
    "CREATE TABLE counters (account TEXT NOT NULL, counter TEXT NOT NULL, granted_at REAL NOT NULL DEFAULT 0,"
    " held_until REAL NOT NULL DEFAULT 0, refusals INTEGER NOT NULL DEFAULT 0, refused_at REAL NOT NULL DEFAULT 0,"
    " refused_sent_at REAL NOT NULL DEFAULT 0, refused_period_s INTEGER, PRIMARY KEY (account, counter)) WITHOUT ROWID",
    OURS_OF_VERSION_1[2],
    "PRAGMA user_version = 2",
    "PRAGMA journal_mode = WAL",
)
THEIRS: dict[str, Callable[[Path], None]] = {
    "random bytes": random_bytes,
    "a few bytes": a_few_bytes,
    "tables": database("CREATE TABLE songs (name TEXT)", "INSERT INTO songs VALUES ('one')"),
    "slots": database("CREATE TABLE slots (pin INTEGER)", "INSERT INTO slots VALUES (4)", "PRAGMA user_version = 1"),
    "days and slots": database(OURS_OF_VERSION_1[0], "CREATE TABLE slots (pin INTEGER)", "PRAGMA user_version = 1"),
    "ours and more": database(*OURS_OF_VERSION_1, "CREATE TABLE songs (name TEXT)"),
    "a view": database("CREATE VIEW one AS SELECT 1"),
    "an id": database("PRAGMA application_id = 77"),
    "a version": database("PRAGMA user_version = 99"),
    "a log": database("PRAGMA journal_mode = WAL", "CREATE TABLE songs (name TEXT)"),
    "a later version": database("PRAGMA application_id = 1096044849", "PRAGMA user_version = 5"),
}


@pytest.mark.parametrize("what", THEIRS)
def test_a_file_that_is_not_a_quota_is_refused_and_not_touched(what: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    THEIRS[what](path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(QuotaUnavailable, match="cannot be used"):
            open_store(path)
    assert (before, [path]) == (path.read_bytes(), list(tmp_path.iterdir()))


@pytest.mark.parametrize("made", [OURS_OF_VERSION_1, OURS_OF_VERSION_2], ids=["version 1", "version 2"])
def test_a_file_of_version_0_1_is_adopted_with_its_days(made: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    database(*made)(path)
    stores = [SqliteStore(path) for _ in range(2)]
    assert ["hold", 7] == in_this(stores[0]), "it rests once"
    assert [[None, 8], [None, 9]] == [asyncio.run(take(store, NOW + 62)) for store in stores]
    for store in stores:
        store.close()
    assert [None, 10] == asyncio.run(take(SqliteStore(path), NOW + 63))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE slots SET ends = 'many'",
        "UPDATE records SET record = 'many'",
        "UPDATE records SET record = 5",
        'UPDATE records SET record = replace(record, \'"number":1\', \'"number":"many"\')',
        "UPDATE records SET record = replace(record, '\"birth\"', '\"death\"')",
    ],
)
def test_what_cannot_be_read_in_it_is_an_error_of_the_quota(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    assert [None, 1] == in_this(SqliteStore(path))
    database(statement)(path)
    why, told = in_this(SqliteStore(path))
    assert ("unavailable", True) == (why, "cannot be used" in str(told)), told


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize("umask", [0, 0o777])
def test_folders_and_file_are_their_owners_alone_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        store = SqliteStore(tmp_path / "a" / "b" / "quota.sqlite3")
        assert [None, 1] == in_this(store)
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.rglob("*")}
    logs = {"quota.sqlite3-wal": 0o600, "quota.sqlite3-shm": 0o600}
    assert {"a": 0o700, "b": 0o700, "quota.sqlite3": 0o600, **logs} == modes


# --- many slots ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [sqlite_store._OTHERS, sqlite_store._FORGET_SLOTS])
def test_slots_are_found_by_when_they_end(statement: str, tmp_path: Path) -> None:
    SqliteStore(tmp_path / "quota.sqlite3").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3")) as connection:
        values = (*KEY, NOW, "me")[: statement.count("?")]
        ((*_, plan),) = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
    assert "slots_by_end (account=? AND counter=? AND ends" in plan
