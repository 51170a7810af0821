"""The file that a quota is kept in: its connection, its transactions and its tables.

Holds `SqliteFile`. Never waits: a locked file is an error at once, and the caller (`sqlite_store.py`) decides when to
ask again. Write-ahead log with `synchronous=NORMAL`: a crash of the process loses nothing; a crash of the machine may
lose the last commits, which counts too few, and the vendor's next refusal for the day puts that right.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA_VERSION = 2
_SLOTS_CHANGED_IN = 2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS days (
    account TEXT NOT NULL, counter TEXT NOT NULL, day INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, spent_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, counter, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, ends REAL NOT NULL,
    PRIMARY KEY (account, counter, owner, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    account TEXT NOT NULL, counter TEXT NOT NULL, granted_at REAL NOT NULL DEFAULT 0,
    held_until REAL NOT NULL DEFAULT 0, refusals INTEGER NOT NULL DEFAULT 0,
    refused_at REAL NOT NULL DEFAULT 0, refused_sent_at REAL NOT NULL DEFAULT 0, refused_period_s INTEGER,
    PRIMARY KEY (account, counter)
) WITHOUT ROWID;
"""

_inherited: list[sqlite3.Connection | None] = []


def is_locked(error: Exception) -> bool:
    """True if somebody else holds the file, and asking again may help."""
    return isinstance(error, sqlite3.OperationalError) and ("locked" in str(error) or "busy" in str(error))


class SqliteFile:
    """A connection that may be used from any thread, one transaction at a time.

    It is renewed after a fork, and when the file was deleted or replaced: others count in the new one.

    Args:
        path: the file.

    Raises:
        OSError: the file or its directory cannot be made.
        sqlite3.Error: the file is no database, or one of a later version of this library.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        try:
            self._open()
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            # Whoever holds it will let go: the first transaction opens it.

    def close(self) -> None:
        """Closes the file. Idempotent."""
        if self._connection is not None:
            self._close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside, or nothing.

        Raises:
            sqlite3.OperationalError: the file is locked (`is_locked`), or cannot be used.
        """
        with self._lock:
            if self._connection is not None:
                self._renew_if_stale()
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _renew_if_stale(self) -> None:
        if self._pid != os.getpid():
            # A connection must not be used, nor closed, on the far side of a fork.
            self._close.detach()
            _inherited.append(self._connection)
            self._connection = None
        elif self._identity != _identity(self._path):
            self._close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._pid = os.getpid()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make the file readable by everybody; its log and index files take after it.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity = connection, _identity(self._path)
        self._close = weakref.finalize(self, connection.close)
        return connection


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of its name; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _SCHEMA_VERSION:
        connection.execute("ROLLBACK")
        raise sqlite3.DatabaseError(f"written by a later version (schema {version}, known {_SCHEMA_VERSION})")
    if 0 < version < _SLOTS_CHANGED_IN:
        connection.execute("DROP TABLE slots")
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    connection.execute("COMMIT")
