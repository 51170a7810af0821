"""The file that a quota is kept in: its connection, its transactions and its tables.

Holds `SqliteFile`. Never waits: a locked file is an error at once, and the caller (`sqlite_store.py`) decides when to
ask again. Write-ahead log with `synchronous=NORMAL`: a crash of the process loses nothing; a crash of the machine may
lose the last commits, which the living put right (`sqlite_store.py`).

**One connection in a process.** POSIX drops all locks of a process on a file when *any* handle on it is closed, and a
neighbour that finds no lock takes itself for the last user and deletes the log under the others. So all who name a file
in a process, by whatever name, share one connection; nothing but SQLite opens the file; and before a fork the
connection is closed, because SQLite in the child would take the parent's locks for its own.

**One file for all.** Before each transaction the file and its log (`-wal`, with the index `-shm`) are looked at. Where
one of them was deleted, replaced or truncated the others count elsewhere, or soon will, and the file is opened anew.
What lies beside it and is not its log is removed first, or SQLite would read one database through the log of another.

**Ours alone.** A file that is not a quota (`application_id`), is damaged, or was written by a later version is refused,
and nothing is written to it. Files of version 0.1 have no id; they are known by their tables, and adopted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from agora_tencent_analytics.errors import QuotaUnavailable

_APPLICATION = 0x41_54_51_31
_SCHEMA_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS days (
    account TEXT NOT NULL, counter TEXT NOT NULL, day INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, spent_at INTEGER NOT NULL DEFAULT 0, mended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, counter, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, ends REAL NOT NULL,
    PRIMARY KEY (account, counter, owner, id)
) WITHOUT ROWID;
CREATE INDEX slots_by_end ON slots (account, counter, ends);
CREATE TABLE counters (
    account TEXT NOT NULL, counter TEXT NOT NULL, born TEXT NOT NULL DEFAULT '', born_at REAL NOT NULL DEFAULT 0,
    lost_at REAL NOT NULL DEFAULT 0, grants INTEGER NOT NULL DEFAULT 0, granted_at REAL NOT NULL DEFAULT 0,
    held_until REAL NOT NULL DEFAULT 0, refusals INTEGER NOT NULL DEFAULT 0,
    refused_at REAL NOT NULL DEFAULT 0, refused_sent_at REAL NOT NULL DEFAULT 0, refused_period_s INTEGER,
    PRIMARY KEY (account, counter)
) WITHOUT ROWID;
"""
_DAYS = "account counter day used spent_at"
_WITHOUT_ID = {
    1: {"days": _DAYS, "slots": "account counter owner number sent answered"},
    2: {
        "days": _DAYS,
        "slots": "account counter owner id ends",
        "counters": "account counter granted_at held_until refusals refused_at refused_sent_at refused_period_s",
    },
}
"""The tables of files that were made before they had an application id, by schema version."""
_ADOPTION = {
    1: ("DROP TABLE slots", "ALTER TABLE days ADD COLUMN mended INTEGER NOT NULL DEFAULT 0"),
    2: ("DROP TABLE counters", "ALTER TABLE days ADD COLUMN mended INTEGER NOT NULL DEFAULT 0"),
}

_MADE_IN_IT = "SELECT name FROM sqlite_master WHERE type != 'index' AND name NOT LIKE 'sqlite_%'"

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_NO_PLACE_FOR_IT = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL)
_FORK_WAITS_S = 1.0

_Identity = tuple[int, int] | None
"""What tells a file from another of its name; None if there is none."""
_Look = tuple[_Identity, _Identity, _Identity, int]
"""The file, its log and the log's index, and the size of the file in bytes."""
_NOTHING: _Look = (None, None, None, 0)


def is_locked(error: Exception) -> bool:
    """True if somebody else holds the file, and asking again may help."""
    return _code(error) in _BUSY


class SqliteFile:
    """A file that is open once in this process, whoever names it; `at` gives it.

    Its connection may be used from any thread, one transaction at a time, and is closed when nobody holds this object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names = (str(path), f"{path}-wal", f"{path}-shm")
        self._lock = threading.Lock()
        self._pid = 0
        self._connection: sqlite3.Connection | None = None
        self._last_look = _NOTHING

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> SqliteFile:
        """The file of this name, opened unless it is open already.

        Args:
            path: the file; it and its directories are made if missing, for their owner alone.

        Raises:
            OSError: nothing can be written there.
            QuotaUnavailable: what is there is not a quota, damaged, or written by a later version.
        """
        named = Path(os.path.realpath(path))
        with _registry_lock:
            identity = _identity(named)[0]
            for file in _registry:
                if file.path == named or (identity is not None and identity == file._last_look[0]):
                    return file
            file = cls(named)
            with file._lock:
                try:
                    file._open()
                except sqlite3.Error as error:
                    if _code(error) in _NO_PLACE_FOR_IT:
                        raise OSError(str(error)) from error
                    if not is_locked(error):
                        raise file._unusable(str(error)) from error
                    # Whoever holds it will let go: the first transaction opens it.
            _registry.add(file)
            return file

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside, or nothing.

        Raises:
            sqlite3.Error: the file is locked (`is_locked`), or cannot be used.
            QuotaUnavailable: it is not a quota any more.
        """
        with self._lock:
            self._close_if_stale()
            connection = self._connection or self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                if not is_locked(error):
                    self._close()  # the next one opens it anew, and finds out what is wrong with it
                raise

    def _close_if_stale(self) -> None:
        if self._connection is None:
            return
        if self._pid != os.getpid():
            # Forked without Python's knowledge. A connection must be neither used nor closed in the child.
            self._closing.detach()
            _inherited.append(self._connection)
            self._connection = None
            return
        found = _look(self._names)
        if found[:3] == self._last_look[:3] and found[3] >= self._last_look[3]:
            self._last_look = found
        else:
            self._remove_leftovers(found)
            self._close()

    def _remove_leftovers(self, found: _Look) -> None:
        """Removes logs that are not the file's, and the file if it was emptied under its log."""
        file, log, index, size = found
        known_file, *known_logs, _ = self._last_look
        emptied = size == 0 and (log is not None or index is not None)
        replaced = known_file is not None and file != known_file
        for name, one, known in zip(self._names[1:], (log, index), known_logs, strict=True):
            # An index is made after its log, and removed before it.
            if one is not None and (emptied or log is None or (replaced and one == known)):
                _unlink(name)
        if emptied:
            _unlink(self._names[0])  # so that whoever has it open does not write its log into it

    def _open(self) -> sqlite3.Connection:
        self._pid = os.getpid()
        _make_private(self.path.parent)
        self._remove_leftovers(_look(self._names))
        # SQLite would make it readable by everybody. Only where there is none: see "one connection in a process".
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            os.chmod(self.path, 0o600)
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
            look = _look(self._names)
        except BaseException:
            connection.close()
            raise
        self._connection, self._last_look = connection, look
        self._closing = weakref.finalize(self, _close, connection, self._names, look)
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection, self._last_look = None, _NOTHING
            self._closing()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if os.stat(self.path).st_nlink > 1:
            raise self._unusable("it has several names (hard links), and SQLite would keep a log for each")
        if self._version(connection) < _SCHEMA_VERSION:
            connection.execute("BEGIN IMMEDIATE")
            version = self._version(connection)
            if version < _SCHEMA_VERSION:
                for statement in (*_ADOPTION.get(version, ()), *_SCHEMA.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        ((told,),) = connection.execute("PRAGMA quick_check(1)")
        if told != "ok":
            raise self._unusable(f"it is damaged: {told}")

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of the schema; 0 if the file is new.

        Raises:
            QuotaUnavailable: it is not ours.
        """
        ((application,),) = connection.execute("PRAGMA application_id")
        ((version,),) = connection.execute("PRAGMA user_version")
        tables = {
            name: " ".join(column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,)))
            for (name,) in connection.execute(_MADE_IN_IT)
        }
        if application == _APPLICATION:
            if version > _SCHEMA_VERSION:
                raise self._unusable(f"it was written by a later version: {version}, known {_SCHEMA_VERSION}")
        elif application or tables != _WITHOUT_ID.get(version, {}) or version > max(_WITHOUT_ID):
            raise self._unusable("it is another program's, and not a quota")
        return int(version)

    def _unusable(self, why: str) -> QuotaUnavailable:
        return QuotaUnavailable(
            f"the quota file {self.path} cannot be used ({why}), so nothing was sent; move it away, or pass another "
            'path as store= (":memory:" counts in this process alone)'
        )


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _identity(name: str | os.PathLike[str]) -> tuple[_Identity, int]:
    try:
        found = os.stat(name)
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size


def _look(names: tuple[str, str, str]) -> _Look:
    # In this order: whoever sees an index sees the log that it was made after.
    index, _ = _identity(names[2])
    log, _ = _identity(names[1])
    file, size = _identity(names[0])
    return file, log, index, size


def _unlink(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


def _make_private(folder: Path) -> None:
    """Makes the folder and those above it, each for its owner alone whatever the umask."""
    if not folder.is_dir():
        _make_private(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
            folder.chmod(0o700)


def _close(connection: sqlite3.Connection, names: tuple[str, str, str], opened: _Look) -> None:
    log = _look(names)[1]
    if sys.version_info >= (3, 12) and log is not None and log != opened[1]:
        # The log at this place is others'. The last to close would write its own into the file, and remove theirs.
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    connection.close()


_registry: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_registry_lock = threading.Lock()
_inherited: list[sqlite3.Connection] = []
_held_for_fork: list[threading.Lock] = []


def _before_fork() -> None:
    # Bounded, should a signal handler fork in the middle of a transaction.
    if _registry_lock.acquire(timeout=_FORK_WAITS_S):
        _held_for_fork.append(_registry_lock)
    for file in list(_registry):
        if file._lock.acquire(timeout=_FORK_WAITS_S):
            _held_for_fork.append(file._lock)
            with contextlib.suppress(sqlite3.Error):
                file._close()


def _after_fork() -> None:
    while _held_for_fork:
        _held_for_fork.pop().release()


def _after_fork_in_child() -> None:
    _after_fork()
    for file in list(_registry):
        if file._lock.locked():  # by a thread that does not exist here
            file._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
