"""The file that a quota is kept in: its connection, its transactions and its tables.

Holds `SqliteFile`. Never waits: a locked file is an error at once, and the caller (`sqlite_store.py`) decides when to
ask again. Write-ahead log with `synchronous=NORMAL`: a crash of the process loses nothing; a crash of the machine may
lose the last commits, which the living put right (`sqlite_store.py`).

**One connection in each process.** POSIX drops all locks that a process has on a file when *any* of its handles on it
is closed; a neighbour that then finds no lock takes itself for the last user, and deletes the log under the others. So
whoever in a process names the file, by whatever name, shares one connection; nothing but SQLite opens the file; and the
connection is closed before a fork, because SQLite in the child would take the parent's locks for its own.

**One file for all.** Before each transaction the file and its log (`-wal`, with the index `-shm`) are looked at. If one
of them was deleted, replaced or truncated, others count elsewhere or soon will, so the file is opened anew, by one
process at a time. Whatever lies beside it and is not its log is removed first, or SQLite would read one database
through the log of another. And the connection that is given up must not write its log into the file, as the last one
that SQLite closes does.

**Ours alone.** A file that is not a quota (by its `application_id`), is damaged, or was written by a later version is
refused, and nothing is written to it. Files of version 0.1 have no id: they are recognised by their tables, and
adopted. A file that is damaged while in use is set aside by those who have it open, and the count goes on in a new one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.storage.files import followed, make_private_database, make_private_folder
from agora_tencent_analytics.storage.sqlite import (
    SqliteConnection,
    execute_script,
    schema_made_by,
    schema_of,
    was_interrupted,
)

if sys.platform != "win32":
    import fcntl

_APPLICATION = 0x41_54_51_31
_SCHEMA_VERSION = 4
_SCHEMA = """
CREATE TABLE records (
    account TEXT NOT NULL, counter TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (account, counter)
) WITHOUT ROWID;
CREATE TABLE slots (
    account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, ends REAL NOT NULL,
    PRIMARY KEY (account, counter, owner, id)
) WITHOUT ROWID;
CREATE INDEX slots_by_end ON slots (account, counter, ends)
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
_MOST_BYTES = 128 << 20
"""The largest file that is opened: to check one takes 0.1 s, in which the event loop waits."""
_OF_EARLIER_VERSIONS = ("days", "slots", "counters")
"""Their tables, of which the days are kept."""
_DAYS_OF_EARLIER_VERSIONS = """
SELECT account, counter, json_object('days', json_group_object(CAST(day AS TEXT),
    json_array(json_object('', json_array(used, 0)), spent_at)))
FROM days GROUP BY account, counter
"""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
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


def may_pass(error: Exception) -> bool:
    """True if asking again may help: the file is locked, or was changed while it was read and will be opened anew."""
    return is_locked(error) or _code(error) in (*_DAMAGED, sqlite3.SQLITE_IOERR)


class _Damaged(Exception):
    """What is there cannot be read."""


@attrs.frozen(eq=False)
class _Open:
    """An open file. It is closed by `close`, or when this object is forgotten."""

    connection: sqlite3.Connection
    pid: int
    close: Any


class SqliteFile:
    """A file that is open once in this process, whoever names it; `at` gives it.

    Its connection may be used from any thread, one transaction at a time. It is closed when the last user leaves, or
    nobody holds this object; whoever comes later opens it again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names = (str(path), f"{path}-wal", f"{path}-shm")
        self._lock = threading.Lock()
        self._open: _Open | None = None
        self._last_look = _NOTHING
        """What was there when all was in order; `_NOTHING` if the file was never opened, or was closed properly."""
        self._suspect = False
        self._users: weakref.WeakSet[object] = weakref.WeakSet()

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> SqliteFile:
        """The file of this name, opened unless it is open already.

        Args:
            path: the file; it and its directories are made if missing, for their owner alone.

        Raises:
            OSError: nothing can be written there.
            QuotaUnavailable: what is there is not a quota, damaged, or written by a later version.
        """
        named = Path(os.path.realpath(followed(os.fspath(path))))
        with _registry_lock:
            identity = _identity(named)[0]
            for file in _registry:
                if file.path == named or (identity is not None and identity == file._last_look[0]):
                    return file
            file = cls(named)
            with file._lock:
                try:
                    file._reopen()
                except sqlite3.Error as error:
                    if _code(error) in _NO_PLACE_FOR_IT:
                        raise OSError(str(error)) from error
                    if not is_locked(error):
                        raise file._unusable(str(error)) from error
                    # Whoever holds it will let go; the first transaction opens it.
            _registry.add(file)
            return file

    @property
    def identity(self) -> str:
        """Tells this file from a copy of it, for as long as the machine runs."""
        return f"{self._last_look[0]} {_boot_id()}"

    def enter(self, user: object) -> None:
        """Keeps the file open for somebody."""
        with self._lock:
            self._users.add(user)

    def leave(self, user: object) -> None:
        """Does so no longer, and closes the file if it is open for nobody else."""
        with self._lock:
            self._users.discard(user)
            if not self._users:
                self._close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is executed inside takes effect, or nothing does.

        Raises:
            sqlite3.Error: the file is locked (`is_locked`), or cannot be used.
            QuotaUnavailable: it is not a quota any more.
        """
        with self._lock:
            connection = self._current() or self._reopen()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                was_interrupted(error)
                # The next transaction opens it anew, and finds out what is wrong.
                self._suspect = not is_locked(error)
                raise

    def _current(self) -> sqlite3.Connection | None:
        """The connection, if there is one and it is open on the file that everybody else finds."""
        if self._open is None:
            return None
        if self._open.pid != os.getpid():
            # Forked without Python's knowledge: in the child the connection must be neither used nor closed.
            self._open.close.detach()
            _inherited.append(self._open)
            self._open, self._last_look = None, _NOTHING
            return None
        found = _look(self._names)
        if self._suspect or found[:3] != self._last_look[:3] or found[3] < self._last_look[3]:
            return None
        self._last_look = found
        return self._open.connection

    def _give_up(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _close(self) -> None:
        self._give_up()
        self._last_look = _NOTHING

    def _reopen(self) -> sqlite3.Connection:
        make_private_folder(self.path.parent)
        with _alone_in(self.path.parent):
            self._remove_leftovers()
            # Not earlier: while it is open, no other file can have its identity.
            self._give_up()
            self._last_look = (self._last_look[0], None, None, 0)
            try:
                return self._connect()
            except _Damaged as damage:
                if self._last_look[0] is None or self._last_look[0] != _identity(self.path)[0]:
                    raise self._unusable(str(damage)) from None
            # It is the very file that was in order here. Others who have it open will notice, and open the new one.
            os.replace(self.path, f"{self.path}.damaged")
            for name in self._names[1:]:
                _unlink(name)
            return self._connect()

    def _remove_leftovers(self) -> None:
        """Removes logs that do not belong to the file, and the file itself if it was emptied under its log."""
        file, log, index, size = _look(self._names)
        known_file, *known_logs, _ = self._last_look
        emptied = size == 0 and (log is not None or index is not None)
        replaced = known_file is not None and file != known_file
        for name, one, known in zip(self._names[1:], (log, index), known_logs, strict=True):
            # An index is made after its log, and removed before it.
            if one is not None and (emptied or log is None or (replaced and one == known)):
                _unlink(name)
        if emptied:
            _unlink(self._names[0])  # else those who have it open would write their log into the new one

    def _connect(self) -> sqlite3.Connection:
        make_private_database(self.path)
        options: dict[str, Any] = {"timeout": 0, "isolation_level": None, "check_same_thread": False}
        connection = sqlite3.connect(self.path, factory=SqliteConnection, **options)
        keeper: sqlite3.Connection = sqlite3.connect(
            f"file:{quote(self._names[0])}?mode=ro", uri=True, factory=SqliteConnection, **options
        )
        try:
            self._prepare(connection)
            keeper.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # from here on it is open
        except BaseException as error:
            keeper.close()
            connection.close()
            if was_interrupted(error):
                raise self._unusable("a statement on it took longer than any of ours does") from None
            if isinstance(error, sqlite3.Error) and _code(error) in _DAMAGED:
                raise _Damaged(str(error)) from None
            raise
        self._last_look = _look(self._names)
        self._suspect = False
        close = weakref.finalize(self, _close, connection, keeper, self._names, self._last_look)
        self._open = _Open(connection, os.getpid(), close)
        return connection

    def _prepare(self, connection: SqliteConnection) -> None:
        about = os.stat(self.path)
        if about.st_size > _MOST_BYTES:
            raise self._unusable(f"it is larger than {_MOST_BYTES >> 20} MB, which no quota comes to")
        if about.st_nlink > 1:
            raise self._unusable("it has several names (hard links), and SQLite would keep a log for each")
        if self._version(connection) < _SCHEMA_VERSION:
            connection.execute("BEGIN IMMEDIATE")
            version = self._version(connection)
            if version < _SCHEMA_VERSION:
                kept = connection.execute(_DAYS_OF_EARLIER_VERSIONS).fetchall() if version else []
                for table in _OF_EARLIER_VERSIONS:
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
                execute_script(connection, _SCHEMA)
                self._check_schema(connection)
                connection.executemany("INSERT INTO records VALUES (?, ?, ?)", kept)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        told: str = connection.aside(lambda: connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        if told != "ok":
            raise _Damaged(f"it is damaged: {told}")

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of the schema; 0 if the file is new.

        Raises:
            QuotaUnavailable: it is not ours.
        """
        ((application,),) = connection.execute("PRAGMA application_id")
        ((version,),) = connection.execute("PRAGMA user_version")
        made = schema_of(connection)
        tables = {name: _columns(connection, name) for kind, name, *_ in made if kind == "table"}
        changed = {kind for kind, *_ in made} - {"table", "index"}
        if application == _APPLICATION:
            if version > _SCHEMA_VERSION:
                raise self._unusable(f"it was written by a later version: {version}, known {_SCHEMA_VERSION}")
            if changed or version == _SCHEMA_VERSION:
                self._check_schema(connection)
        elif changed or application or tables != _WITHOUT_ID.get(version, {}) or version > max(_WITHOUT_ID):
            raise self._unusable("it is another program's, and not a quota")
        return int(version)

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        if schema_of(connection) != schema_made_by(_SCHEMA):
            raise self._unusable("its tables are not those of a quota: somebody has changed them")

    def _unusable(self, why: str) -> QuotaUnavailable:
        return QuotaUnavailable(
            f"the quota file {self.path} cannot be used ({why}), so nothing was sent; move it away, or pass another "
            'path as store= (":memory:" counts in this process alone)'
        )


def _columns(connection: sqlite3.Connection, table: str) -> str:
    return " ".join(row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)))


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""  # without it a restart shows in the clocks (`Account.steady`)


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _identity(name: str | os.PathLike[str]) -> tuple[_Identity, int]:
    try:
        found = os.stat(name)
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size


def _look(names: tuple[str, str, str]) -> _Look:
    # In this order: whoever sees the index will see the log, which is made before it.
    index, _ = _identity(names[2])
    log, _ = _identity(names[1])
    file, size = _identity(names[0])
    return file, log, index, size


def _unlink(name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keeps others from opening a quota in this folder; if one is doing so, that is an error like a locked file.

    The lock is not on the file: to close its handle would drop SQLite's locks too.
    """
    if sys.platform == "win32":  # what is open cannot be deleted there
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy = sqlite3.OperationalError("locked: another process is opening it")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise busy from None
        except OSError:
            pass  # the file system has no such locks
        yield
    finally:
        os.close(handle)


def _close(
    connection: sqlite3.Connection, keeper: sqlite3.Connection, names: tuple[str, str, str], opened: _Look
) -> None:
    """Closes a file. The last of all processes to do so writes the log into the file, provided it is still its log.

    The keeper cannot write, and while it is open SQLite does not take the connection for the last one.
    """
    if _look(names)[:3] == opened[:3]:
        keeper.close()
    connection.close()
    keeper.close()


_registry: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
_registry_lock = threading.Lock()
_inherited: list[_Open] = []
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
