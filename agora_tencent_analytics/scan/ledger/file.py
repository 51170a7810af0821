"""`LedgerFile`: one SQLite file that one scan at a time may hold.

It is opened and locked here, and whatever goes wrong becomes `LedgerUnusable`. What the rows mean is known to
`rows.py` and `work.py`.

The lock is SQLite's own on the file, taken when it is opened and kept until it is closed (`locking_mode =
EXCLUSIVE`); the system drops it when the process dies, however it dies. Write-ahead log with `synchronous =
NORMAL`: a crash of the process loses nothing; a crash of the machine may lose the last commits.

**A log that is lost.** Until it is closed, the last commits of a file are in its log (`-wal`), which is kept small. A
file without its log, or with one that is damaged, is a sound database of some time ago: it would give calls as new that
were dealt with since. So every transaction counts itself, and the number of the last one stands in a file of its own
next to the ledger (`-commits`) while it is open. A ledger that was not closed, and knows of fewer, has lost some.

**A ledger that came from elsewhere** is believed where its tables are those that our statements make, each row is one
that we could have written, the sum that it was closed with is that of its rows, and each lane has its seal (`seal.py`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from agora_tencent_analytics.errors import LedgerUnusable
from agora_tencent_analytics.scan.ledger.seal import SCHEMA, Seals
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.storage.files import make_private_database, open_private
from agora_tencent_analytics.storage.sqlite import (
    SqliteConnection,
    check_rows,
    execute_script,
    schema_made_by,
    schema_of,
    was_interrupted,
)

_APPLICATION = 0x41_54_4C_31
_LOG_PAGES = 64
"""Pages of the log, of 4 kB, from which on it is written into the file."""
_LOCKED_S = 0.2
"""For so long a lock is asked for again: of two that ask at the same instant, neither may get it at first."""
_SCHEMAS = (
    """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lanes (
    lane TEXT PRIMARY KEY, first INTEGER NOT NULL, until INTEGER NOT NULL, run INTEGER NOT NULL, note TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE stretches (
    number INTEGER PRIMARY KEY, lane TEXT NOT NULL, first INTEGER NOT NULL, until INTEGER NOT NULL, cursor TEXT
);
CREATE TABLE calls (
    number INTEGER PRIMARY KEY, lane TEXT NOT NULL, digest BLOB NOT NULL, state INTEGER NOT NULL,
    run INTEGER NOT NULL, ended INTEGER NOT NULL, call BLOB, UNIQUE (lane, digest)
);
CREATE INDEX to_do ON calls (lane, state, number) WHERE state != 0;
CREATE INDEX oldest ON calls (lane, ended) WHERE state = 0
""",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "",  # from the third on, a ledger is closed with a sum of its rows
    SCHEMA,
    "",  # from the fifth on, with another sum
)
"""What each version of the schema adds to the one before."""
_NUMBER = 8
"""Bytes of a number next to the ledger."""
_SET_MARK = "INSERT OR REPLACE INTO marks VALUES (?, ?)"
_LATEST, _MOST = 1 << 37, 1 << 62


def _kinds(condition: str, *, texts: str, numbers: str = "") -> str:
    kinds = [f"typeof({name}) = 'text'" for name in texts.split()]
    return " AND ".join([*kinds, *(f"typeof({name}) = 'integer'" for name in numbers.split()), condition])


_SOUND = {
    "facts": _kinds("TRUE", texts="name value"),
    "lanes": _kinds(
        f"first BETWEEN 0 AND until AND until < {_LATEST} AND run BETWEEN 0 AND {_MOST}",
        texts="lane note",
        numbers="first until run",
    ),
    "stretches": _kinds(
        f"number > 0 AND first >= 0 AND first < until AND until < {_LATEST} AND typeof(cursor) IN ('text', 'null')",
        texts="lane",
        numbers="first until",
    ),
    "calls": _kinds(
        "number > 0 AND typeof(digest) = 'blob' AND length(digest) = 16 AND state BETWEEN 0 AND 7 "
        f"AND run BETWEEN 0 AND {_MOST} AND ended BETWEEN 0 AND {_LATEST} "
        "AND typeof(call) = CASE state WHEN 0 THEN 'null' ELSE 'blob' END",
        texts="lane",
        numbers="state run ended",
    ),
    "marks": _kinds(f"value BETWEEN 0 AND {_MOST}", texts="name", numbers="value"),
}
"""What holds for each row of a table that we have written."""
_SUMS = (
    "SELECT name, value FROM facts ORDER BY name",
    "SELECT lane, first, until, run, note FROM lanes ORDER BY lane",
    "SELECT number, lane, first, until FROM stretches ORDER BY number",  # a cursor that is no good costs a listing
    # without a word on order or groups, for which all calls would be sorted
    "SELECT count(*), total(number), total(length(lane) * number), total(state * number), total(run * number), "
    "total(ended), total(length(call)) FROM calls",
)


class LedgerFile:
    """An open ledger, locked against every other scan until it is closed or the process ends.

    Args:
        path: the file; made if missing, readable by its owner alone. Its directory must exist.

    Raises:
        LedgerUnusable: another scan holds it, it is damaged, or it is something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(os.path.abspath(path))
        self._lock = threading.RLock()  # a scan begins in a thread, and a consumer may keep a bookmark meanwhile
        self._translated = _Translated(self.path)
        with self._translated:
            target = make_private_database(self.path)
            options: dict[str, Any] = {"timeout": _LOCKED_S, "isolation_level": None, "check_same_thread": False}
            connection = sqlite3.connect(target, factory=SqliteConnection, **options)
            try:
                self._prepare(connection)
                self._witness = _Witness(f"{self.path}-commits")
            except BaseException:
                connection.close()
                raise
            self._connection, self._seals = connection, Seals(connection)
            self._close = weakref.finalize(self, _closed, connection, self._witness)
            try:
                self._begin()
            except BaseException:
                self._close()
                raise

    def close(self) -> None:
        """Closes the file and gives up the lock. Idempotent."""
        self._close()

    def rows(self, statement: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> list[Any]:
        """Executes one statement and gives its rows.

        Raises:
            LedgerUnusable: the file cannot be read or written.
        """
        with self._lock, self._translated:
            return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Executes one statement that changes something, in the transaction at hand or in one of its own.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        with self.transaction():
            self.rows(statement, values)

    def sweep(self, statement: str, values: Mapping[str, Any] | Sequence[Any] = ()) -> None:
        """Executes one statement that may change every row, each of which is weighed: for as long as that takes.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        with self.transaction(), self._translated:
            self._connection.aside(partial(self._connection.execute, statement, values))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none of them; inside another, a part of that.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        with self._lock:
            if self._close.alive and self._connection.in_transaction:
                yield
                return
            self.rows("BEGIN")
            sums = dict(self._seals.sums)
            try:
                yield
                self.rows(_SET_MARK, ("commits", self._commits + 1))
                for seal in self._seals.changed(sums):
                    self.rows("INSERT OR REPLACE INTO seals VALUES (?, ?)", seal)
                self.rows("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.rollback()
                self._seals.sums.update(sums)
                raise
            self._commits += 1
            with self._translated:
                self._witness.tell(self._commits)

    def seal(self, lane: str, key: Secret[bytes]) -> bool:
        """Seals a lane from here on; see `Seals.begin`."""
        with self._translated:
            return self._seals.begin(self._connection, lane, key)

    def mark(self, name: str) -> int:
        """A number that is kept under a name; 0 if there is none."""
        found = self.rows("SELECT value FROM marks WHERE name = ?", (name,))
        return int(found[0][0]) if found else 0

    def set_mark(self, name: str, value: int) -> None:
        """Keeps a number under a name."""
        self.write(_SET_MARK, (name, value))

    def _prepare(self, connection: SqliteConnection) -> None:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        ((application,),) = connection.execute("PRAGMA application_id")
        ((version,),) = connection.execute("PRAGMA user_version")
        made = schema_of(connection)
        connection.execute("COMMIT")
        if application != _APPLICATION and (application or version or made):
            raise sqlite3.DatabaseError("it is another program's, and not a ledger of a scan")
        if version > len(_SCHEMAS):
            raise sqlite3.DatabaseError(f"it was written by a later version: {version}, known {len(_SCHEMAS)}")
        if made != schema_made_by(*_SCHEMAS[:version]):
            raise sqlite3.DatabaseError("its tables are not those of a ledger: somebody has changed them")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        ((told,),) = connection.aside(lambda: connection.execute("PRAGMA quick_check(1)").fetchall())
        if told != "ok":
            raise sqlite3.DatabaseError(f"it is damaged: {told}")
        if version < len(_SCHEMAS):
            connection.execute("BEGIN")
            for script in _SCHEMAS[version:]:
                execute_script(connection, script)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(_SCHEMAS)}")
            connection.execute(_SET_MARK, ("sum", connection.aside(partial(_sum, connection))))  # it may be killed next
            connection.execute("COMMIT")
        connection.aside(partial(_check_all, connection))

    def _begin(self) -> None:
        """Notes that the file is open, and whether commits were lost since it was the last time."""
        self._commits = self.mark("commits")
        told = self._witness.told()
        lost = not self._log_is_whole() if told is None else told > self._commits
        if self.mark("open") and lost:
            self._commits = max(self._commits, told or 0)
            self.set_mark("losses", self.mark("losses") + 1)
        self.set_mark("open", 1)
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # in the file itself: its log may be lost
        self.set_mark("open", 1)  # and in the log, which is never empty from here on

    def _log_is_whole(self) -> bool:
        """True if the log is there, and SQLite reads all that was written to it, as far as it can be seen."""
        try:
            log = Path(f"{self.path}-wal").read_bytes()
        except OSError:
            return False
        ((_, read, _),) = self.rows("PRAGMA wal_checkpoint(PASSIVE)")
        # A header of 32 bytes, then frames, each with a header of 24: https://sqlite.org/fileformat2.html#walformat
        size, salts = 24 + int.from_bytes(log[8:12]), log[16:24]
        frames = range(32, len(log), size)
        written = [number for number, at in enumerate(frames, 1) if log[at + 8 : at + 16] == salts]
        return read > 0 and not (len(log) - 32) % size and written[-1:] == [read]


class _Translated:
    """Whatever goes wrong inside becomes `LedgerUnusable`.

    Args:
        path: of the ledger.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            beside = f" ({error.filename})" if error.filename not in (None, str(self._path)) else ""
            raise LedgerUnusable(f"the ledger {self._path} cannot be opened: {error.strerror}{beside}") from None
        if isinstance(error, sqlite3.Error):
            raise LedgerUnusable(f"the ledger {self._path} {self._trouble(error)}") from error

    def _trouble(self, error: sqlite3.Error) -> str:
        if was_interrupted(error):
            longer = "a statement on it took longer than any of ours does, or was interrupted"
            return f"cannot be used: {longer}; name another file"
        if "closed database" in str(error):
            return "is closed, as it is when its scan has ended; open it anew"
        if "locked" in str(error):
            return "is in use by another scan; wait for its end, or name another file"
        return f"cannot be used ({error}); name another file"


class _Witness:
    """The number of the last transaction, next to the ledger and not in it.

    Args:
        path: where it stands.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = open_private(path)
        if os.fstat(self._file).st_size not in (0, _NUMBER):
            os.close(self._file)
            raise sqlite3.DatabaseError(f"{path} is something else, and in its way")

    def told(self) -> int | None:
        """What it says; None if it says nothing."""
        os.lseek(self._file, 0, os.SEEK_SET)
        said = os.read(self._file, _NUMBER)
        return int.from_bytes(said) if len(said) == _NUMBER else None

    def tell(self, number: int) -> None:
        """Writes it down."""
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, number.to_bytes(_NUMBER))

    def close(self, *, needed: bool) -> None:
        """Frees it, and removes it if nothing depends on it any more."""
        os.close(self._file)
        if not needed:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def _closed(connection: SqliteConnection, witness: _Witness) -> None:
    open_still = True
    with contextlib.suppress(sqlite3.Error):
        connection.rollback()
        connection.execute("BEGIN")
        connection.execute("INSERT OR REPLACE INTO marks VALUES ('open', 0), ('sum', ?)", (_sum(connection),))
        connection.execute("COMMIT")
        open_still = False
    connection.close()
    witness.close(needed=open_still)


def _check_all(connection: SqliteConnection) -> None:
    check_rows(connection, _SOUND)
    known = dict(connection.execute("SELECT name, value FROM marks WHERE name IN ('open', 'sum')").fetchall())
    if not known.get("open") and known.get("sum") != _sum(connection):
        raise sqlite3.DatabaseError("its rows are not those that it was closed with: somebody has changed it")


def _sum(connection: sqlite3.Connection) -> int:
    """A number that stands for what the ledger holds."""
    said = blake2b(digest_size=7)
    for statement in _SUMS:
        for row in connection.execute(statement):
            said.update(repr(row).encode(errors="backslashreplace"))
    return int.from_bytes(said.digest())
