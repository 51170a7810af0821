"""The quota on a file: one SQLite database, shared by all processes of one machine.

Holds `SqliteStore`, a `QuotaStore` in which every method is one transaction. Refuses to hold an account's
name: keys carry a digest. Refuses network file systems no more than SQLite does, but it is no place for one.

Write-ahead log with `synchronous=NORMAL`: a crash of the process loses nothing; a crash of the machine may
lose the last commits, which counts too few, and the vendor's next refusal for the day puts that right.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.runtime.store import (
    IN_FLIGHT_AT_MOST_S,
    STEP_TOLERATED_S,
    Claim,
    CounterKey,
    Outcome,
)

__all__ = ["SqliteStore"]

_SCHEMA_VERSION = 1
_BUSY_TIMEOUT_S = 10.0
_SWITCH_ATTEMPTS, _SWITCH_PAUSE_S = 100, 0.02
_DAYS_KEPT = 40

_SCHEMA = """
CREATE TABLE IF NOT EXISTS days (
    account TEXT NOT NULL, counter TEXT NOT NULL, day INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, spent_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, counter, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    account TEXT NOT NULL, counter TEXT NOT NULL, owner TEXT NOT NULL, number INTEGER NOT NULL,
    sent REAL NOT NULL, answered REAL,
    PRIMARY KEY (account, counter, owner, number)
) WITHOUT ROWID;
"""
_TAKE_DAY = """
INSERT INTO days (account, counter, day, used) VALUES (:account, :counter, :day, 1)
ON CONFLICT DO UPDATE SET used = used + 1 WHERE used + 1 <= :limit AND spent_at < :limit
RETURNING used
"""
_GIVE_BACK_DAY = "UPDATE days SET used = max(0, used - 1) WHERE account = ? AND counter = ? AND day = ?"
_SPEND_DAY = """
INSERT INTO days (account, counter, day, spent_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET spent_at = max(spent_at, excluded.spent_at)
"""
_USED = "SELECT max(used, spent_at) FROM days WHERE account = ? AND counter = ? AND day = ?"
_FORGET_DAYS = "DELETE FROM days WHERE day < ?"
_TAKE_SLOT = "INSERT INTO slots (account, counter, owner, number, sent) VALUES (?, ?, ?, ?, ?)"
_ANSWER_SLOT = "UPDATE slots SET answered = ? WHERE account = ? AND counter = ? AND owner = ? AND number = ?"
_DROP_SLOT = "DELETE FROM slots WHERE account = ? AND counter = ? AND owner = ? AND number = ?"
_IN_FLIGHT_AND_RESTING = """
FROM slots WHERE account = :account AND counter = :counter AND owner != :owner AND (
    (answered IS NULL AND sent > :oldest_in_flight) OR (answered > :oldest AND answered <= :newest)
)
"""
_COUNT_SLOTS = f"SELECT count(*) {_IN_FLIGHT_AND_RESTING}"
_LOAD_SLOTS = f"SELECT coalesce(answered, :now) {_IN_FLIGHT_AND_RESTING}"
_ANSWER_OTHERS = """
UPDATE slots SET answered = :now WHERE account = :account AND counter = :counter AND owner != :owner
AND answered IS NULL
"""
_FORGET_SLOTS = """
DELETE FROM slots WHERE account = :account AND counter = :counter
AND (answered <= :oldest OR (answered IS NULL AND sent <= :oldest_in_flight))
"""

_inherited: list[sqlite3.Connection] = []


class SqliteStore:
    """A quota store on a file that outlives the process and is shared by all processes that name it.

    Args:
        path: the file; it and its directory are made if missing, readable by their owner alone.

    Raises:
        OSError: the file or its directory cannot be made.
        sqlite3.Error: the file is no database, or one of a later version of this library.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._pruned_before = 0
        self._connect()

    def close(self) -> None:
        """Closes the file. Idempotent; the store is of no use afterwards."""
        self._close()

    def reserve(self, key: CounterKey, days: tuple[int, ...], limit: int, claim: Claim | None = None) -> Outcome:
        """See `QuotaStore.reserve`."""
        account, counter = key
        with self._transaction() as connection:
            for day in days:
                row = {"account": account, "counter": counter, "day": day, "limit": limit}
                if not connection.execute(_TAKE_DAY, row).fetchall():
                    connection.execute("ROLLBACK")
                    return Outcome.DAY_SPENT
            if claim is not None and not _take_slot(connection, key, claim):
                connection.execute("ROLLBACK")
                return Outcome.WINDOW_FULL
            if days and days[0] > self._pruned_before:
                self._pruned_before = days[0]
                connection.execute(_FORGET_DAYS, (days[0] - _DAYS_KEPT,))
        return Outcome.GRANTED

    def refund(self, key: CounterKey, days: tuple[int, ...], claim: Claim | None = None) -> None:
        """See `QuotaStore.refund`. A file that cannot be written now keeps the request as spent, which is safe."""
        with contextlib.suppress(QuotaUnavailable), self._transaction() as connection:
            for day in days:
                connection.execute(_GIVE_BACK_DAY, (*key, day))
            if claim is not None:
                connection.execute(_DROP_SLOT, (*key, claim.owner, claim.number))

    def answered(self, key: CounterKey, claim: Claim, at: float) -> None:
        """See `QuotaStore.answered`. A file that cannot be written now keeps the slot in flight, which is safe."""
        with contextlib.suppress(QuotaUnavailable), self._transaction() as connection:
            connection.execute(_ANSWER_SLOT, (at, *key, claim.owner, claim.number))

    def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""
        with self._transaction() as connection:
            connection.execute(_SPEND_DAY, (*key, day, limit))

    def used(self, key: CounterKey, day: int) -> int:
        """See `QuotaStore.used`."""
        with self._transaction() as connection:
            rows = connection.execute(_USED, (*key, day)).fetchall()
        return int(rows[0][0]) if rows else 0

    def load(self, key: CounterKey, owner: str, now: float, *, restart: bool) -> tuple[float, ...]:
        """See `QuotaStore.load`."""
        named = _named(key, owner, now, float("inf"))
        with self._transaction() as connection:
            found = connection.execute(_LOAD_SLOTS, named).fetchall()
            if restart:
                connection.execute(_ANSWER_OTHERS, named)
        return tuple(row[0] for row in found)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._pid != os.getpid():
                # A connection must not be used, nor closed, on the far side of a fork.
                self._close.detach()
                _inherited.append(self._connection)
                self._connect()
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
                if connection.in_transaction:
                    connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise QuotaUnavailable(
                    f"the quota file {self.path} cannot be used ({error}), so nothing was sent; see what holds or "
                    'forbids it, or pass another path as store= (":memory:" counts in this process alone)'
                ) from error

    def _connect(self) -> None:
        self._pid = os.getpid()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make the file readable by everybody; its log and index files take after it.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(
            self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._close = weakref.finalize(self, self._connection.close)
        try:
            self._prepare()
        except BaseException:
            self._close()
            raise

    def _prepare(self) -> None:
        connection = self._connection
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            connection.execute("ROLLBACK")
            raise sqlite3.DatabaseError(f"written by a later version (schema {version}, known {_SCHEMA_VERSION})")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        connection.execute("COMMIT")


def _write_ahead(connection: sqlite3.Connection) -> None:
    # The switch to the log does not honour the busy timeout, and a new file may be opened by several at once.
    for attempt in range(_SWITCH_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == _SWITCH_ATTEMPTS - 1:
                raise
            time.sleep(_SWITCH_PAUSE_S)
        else:
            return


def _named(key: CounterKey, owner: str, now: float, rest_s: float) -> dict[str, str | float]:
    return {
        "account": key[0],
        "counter": key[1],
        "owner": owner,
        "now": now,
        "oldest": now - rest_s,
        "newest": now + STEP_TOLERATED_S,
        "oldest_in_flight": now - IN_FLIGHT_AT_MOST_S,
    }


def _take_slot(connection: sqlite3.Connection, key: CounterKey, claim: Claim) -> bool:
    connection.execute(_FORGET_SLOTS, _named(key, claim.owner, claim.now, claim.longest_rest_s))
    for room, rest_s in claim.windows:
        ((others,),) = connection.execute(_COUNT_SLOTS, _named(key, claim.owner, claim.now, rest_s)).fetchall()
        if others >= room:
            return False
    connection.execute(_TAKE_SLOT, (*key, claim.owner, claim.number, claim.now))
    return True
