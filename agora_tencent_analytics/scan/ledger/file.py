"""`LedgerFile`: one SQLite file that one scan at a time may hold.

Holds opening, locking, and the translation of whatever goes wrong into `LedgerUnusable`. Refuses to know what the
rows mean: that is `lane_rows.py`, `call_rows.py` and `work.py`.

The lock is SQLite's own on the file, taken when it is opened and kept until it is closed (`locking_mode =
EXCLUSIVE`); the system drops it when the process dies, however it dies. Write-ahead log with `synchronous =
NORMAL`: a crash of the process loses nothing; a crash of the machine may lose the last commits, and their calls
are then read again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agora_tencent_analytics.errors import LedgerUnusable

_APPLICATION = 0x41_54_4C_31
_SCHEMA_VERSION = 1
_SCHEMA = """
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
CREATE INDEX oldest ON calls (lane, ended) WHERE state = 0;
"""


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
            self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            self._close = weakref.finalize(self, self._connection.close)
            try:
                self._prepare(self._connection)
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

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none of them.

        Raises:
            LedgerUnusable: the file cannot be written.
        """
        self.rows("BEGIN")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise

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
        ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_master")
        connection.execute("COMMIT")
        if application != _APPLICATION and (application or version or tables):
            raise sqlite3.DatabaseError("it is no ledger of a scan")
        if version > _SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"it was written by a later version: {version}, known {_SCHEMA_VERSION}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version:
            ((told,),) = connection.execute("PRAGMA quick_check(1)")
            if told != "ok":
                raise sqlite3.DatabaseError(f"it is damaged: {told}")
            return
        connection.execute("BEGIN")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        connection.execute("COMMIT")
