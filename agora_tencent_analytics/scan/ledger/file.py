"""`LedgerFile`: one SQLite file that one scan at a time may hold.

It is opened and locked here, and whatever goes wrong becomes `LedgerUnusable`. What the rows mean is known to
`lane_rows.py`, `call_rows.py` and `work.py`.

The lock is SQLite's own on the file, taken when it is opened and kept until it is closed (`locking_mode =
EXCLUSIVE`); the system drops it when the process dies, however it dies. Write-ahead log with `synchronous =
NORMAL`: a crash of the process loses nothing; a crash of the machine may lose the last commits.

**A log that is lost.** Until it is closed, the last commits of a file are in its log (`-wal`), which is kept small. A
file without its log, or with one that is damaged, is a sound database of some time ago: it would give calls as new that
were dealt with since. So every transaction counts itself, and the number of the last one stands in a file of its own
next to the ledger (`-commits`) while it is open. A ledger that was not closed, and knows of fewer, has lost some.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from agora_tencent_analytics.errors import LedgerUnusable

_APPLICATION = 0x41_54_4C_31
_LOG_PAGES = 64
"""Pages of the log, of 4 kB, from which on it is written into the file."""
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
)
"""What each version of the schema adds to the one before."""
_NUMBER = 8
"""Bytes of a number next to the ledger."""
_MADE = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"


class LedgerFile:
    """An open ledger, locked against every other scan until it is closed or the process ends.

    Args:
        path: the file; made if missing, readable by its owner alone. Its directory must exist.

    Raises:
        LedgerUnusable: another scan holds it, it is damaged, or it is something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(path))
        with self._translated():
            # SQLite would make it readable by everybody. Opened only if it is not there: closing a second handle
            # on a file would drop the locks that this process holds on it.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
                self._witness = _Witness(f"{self.path}-commits")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
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
        if not self._close.alive:
            raise LedgerUnusable(f"the ledger {self.path} is closed, as it is when its scan has ended; open it anew")
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Executes one statement that changes something, in the transaction at hand or in one of its own.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        with self.transaction():
            self.rows(statement, values)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none of them; inside another, a part of that.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        if self._close.alive and self._connection.in_transaction:
            yield
            return
        self.rows("BEGIN")
        try:
            yield
            self._mark("commits", self._commits + 1)
            self.rows("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise
        self._commits += 1
        with self._translated():
            self._witness.tell(self._commits)

    def mark(self, name: str) -> int:
        """A number that is kept under a name; 0 if there is none."""
        found = self.rows("SELECT value FROM marks WHERE name = ?", (name,))
        return int(found[0][0]) if found else 0

    def set_mark(self, name: str, value: int) -> None:
        """Keeps a number under a name."""
        with self.transaction():
            self._mark(name, value)

    def _mark(self, name: str, value: int) -> None:
        self.rows("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LedgerUnusable(f"the ledger {self.path} cannot be opened: {error.strerror}") from None
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise LedgerUnusable(
                    f"the ledger {self.path} is in use by another scan; wait for its end, or name another file"
                ) from None
            raise LedgerUnusable(f"the ledger {self.path} cannot be used ({error}); name another file") from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        ((application,),) = connection.execute("PRAGMA application_id")
        ((version,),) = connection.execute("PRAGMA user_version")
        made = connection.execute(_MADE).fetchall()
        connection.execute("COMMIT")
        if application != _APPLICATION and (application or version or made):
            raise sqlite3.DatabaseError("it is another program's, and not a ledger of a scan")
        if version > len(_SCHEMAS):
            raise sqlite3.DatabaseError(f"it was written by a later version: {version}, known {len(_SCHEMAS)}")
        if made != _as_made(version):
            raise sqlite3.DatabaseError("its tables are not those of a ledger: somebody has changed them")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        ((told,),) = connection.execute("PRAGMA quick_check(1)")
        if told != "ok":
            raise sqlite3.DatabaseError(f"it is damaged: {told}")
        if version < len(_SCHEMAS):
            connection.execute("BEGIN")
            _make(connection, version)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(_SCHEMAS)}")
            connection.execute("COMMIT")

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


class _Witness:
    """The number of the last transaction, beside the ledger and not in it.

    Args:
        path: where it stands.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
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


def _closed(connection: sqlite3.Connection, witness: _Witness) -> None:
    open_still = True
    with contextlib.suppress(sqlite3.Error):
        connection.rollback()
        connection.execute("INSERT OR REPLACE INTO marks VALUES ('open', 0)")
        open_still = False
    connection.close()
    witness.close(needed=open_still)


def _make(connection: sqlite3.Connection, version: int) -> None:
    """Makes what the schema has beyond a version."""
    for added in _SCHEMAS[version:]:
        for statement in added.split(";"):
            connection.execute(statement)


@cache
def _as_made(version: int) -> list[tuple[str, str, str]]:
    """What a file of this version is made of."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for added in _SCHEMAS[:version]:
            for statement in added.split(";"):
                connection.execute(statement)
        return connection.execute(_MADE).fetchall()
