"""The quota on a file: one SQLite database, shared by all processes of one machine.

Holds `SqliteStore`, a `QuotaStore` in which every method is one transaction on the loop (about as long as a lock and
a dictionary take). A file that somebody else has locked is asked again after a sleep, so that it never blocks the
loop. What is written down and how a loss is noticed is in `record.py`, the connection in `sqlite_file.py`. Keys carry a
digest, not an account's name. Like SQLite itself, it is not for network file systems.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import msgspec

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.record import Account, Record
from agora_tencent_analytics.quota.recorded_store import R, RecordedStore, Tables
from agora_tencent_analytics.quota.sqlite_file import SqliteFile, may_pass
from agora_tencent_analytics.quota.store import LEASE_S, CounterKey, renewal_interval

_PATIENCE_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.05

_KEEP = """
INSERT INTO records (account, counter, record) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET record = excluded.record
"""
_FIND = "SELECT record FROM records WHERE account = ? AND counter = ?"
_PUT_SLOT = "INSERT INTO slots (account, counter, owner, id, ends) VALUES (?, ?, ?, ?, ?)"
_MOVE_SLOT = "UPDATE slots SET ends = ? WHERE account = ? AND counter = ? AND owner = ? AND id = ?"
_DROP_SLOT = "DELETE FROM slots WHERE account = ? AND counter = ? AND owner = ? AND id = ?"
_COUNT_SLOTS = "SELECT count(*) FROM slots WHERE account = ? AND counter = ?"
_OTHERS = "SELECT ends FROM slots WHERE account = ? AND counter = ? AND ends > ? AND owner != ?"
_END_SOONER = "UPDATE slots SET ends = ends - ? WHERE account = ? AND counter = ? AND ends > ?"
_FORGET_SLOTS = "DELETE FROM slots WHERE account = ? AND counter = ? AND ends <= ?"

T = TypeVar("T")


class _FileTables:
    """The rows, in one transaction."""

    def __init__(self, file: sqlite3.Connection) -> None:
        # Not the connection's own, which bounds each statement anew: `BEGIN` has bounded all. 0.6 us instead of 1.5.
        self._execute = partial(sqlite3.Connection.execute, file)

    def find(self, key: CounterKey, kind: type[R]) -> R | None:
        row = self._execute(_FIND, key).fetchone()
        try:
            return None if row is None else _DECODE[kind](row[0])
        except (msgspec.DecodeError, TypeError) as error:
            raise sqlite3.DataError(f"a record of it cannot be read: {error}") from None

    def keep(self, key: CounterKey, value: Account | Record) -> None:
        self._execute(_KEEP, (*key, _encode(value)))

    def count_slots(self, key: CounterKey) -> int:
        found: int = self._execute(_COUNT_SLOTS, key).fetchone()[0]
        return found

    def ends(self, key: CounterKey, owner: str, after: float) -> Iterable[float]:
        for (end,) in self._execute(_OTHERS, (*key, after, owner)).fetchall():
            if isinstance(end, str | bytes):  # SQLite keeps a text in a column of numbers
                raise sqlite3.DataError(f"{end!r:.40} stands in it where a number must be")
            yield end

    def put_slot(self, key: CounterKey, slot: tuple[str, str], ends: float | None) -> int:
        if ends is None:
            return -self._execute(_DROP_SLOT, (*key, *slot)).rowcount
        if self._execute(_MOVE_SLOT, (ends, *key, *slot)).rowcount:
            return 0
        return self._execute(_PUT_SLOT, (*key, *slot, ends)).rowcount

    def end_sooner(self, key: CounterKey, after: float, by_s: float) -> None:
        self._execute(_END_SOONER, (by_s, *key, after))

    def forget_slots(self, key: CounterKey, until: float) -> int:
        return self._execute(_FORGET_SLOTS, (*key, until)).rowcount


class SqliteStore(RecordedStore):
    """A quota store on a file that outlives the process and is shared by all processes that name it.

    Stores of one file in one process share its connection.

    Args:
        path: the file; it and its directories are made if missing, for their owner alone.
        lease_s: how long a slot is kept for a process that says nothing, seconds.

    Raises:
        OSError: nothing can be written there.
        QuotaUnavailable: the file is not a quota, damaged, or written by a later version of this library.
    """

    def __init__(self, path: str | os.PathLike[str], *, lease_s: float = LEASE_S) -> None:
        super().__init__(lease_s=lease_s, gather_s=renewal_interval(lease_s))
        self.path: Path = Path(path)
        self._file: SqliteFile | None = SqliteFile.at(path)
        self._has_entered = False

    def __repr__(self) -> str:
        return f"the quota file {self.path}"

    def close(self) -> None:
        """Lets go of the file, which the last in this process closes. Idempotent; the store is of no use afterwards."""
        if self._file is not None:
            self._file.leave(self)
            self._file = None

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`: the last in this process closes the file."""
        if self._file is not None:
            self._file.leave(self)
            self._has_entered = False  # not before: another thread might enter in between, and be shown out

    async def _run(self, step: Callable[[Tables, str, float], T]) -> T:
        """One transaction, tried again while that may help.

        Raises:
            QuotaUnavailable: the file stays locked, or cannot be read or written.
        """
        began, waited_s, pause_s = time.monotonic(), 0.0, _FIRST_PAUSE_S
        while True:
            if self._file is None:
                raise QuotaUnavailable(f"the store of the quota file {self.path} is closed; make a new one")
            if not self._has_entered:
                self._has_entered = True
                self._file.enter(self)
            try:
                with self._file.transaction() as connection:
                    return step(_FileTables(connection), self._file.identity, waited_s)
            except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # the last of what SQLite would say
                if not may_pass(error) or waited_s > _PATIENCE_S:
                    raise QuotaUnavailable(
                        f"the quota file {self.path} cannot be used ({error}), so nothing was sent; see what holds or "
                        'forbids it, or pass another path as store= (":memory:" counts in this process alone)'
                    ) from error
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            waited_s = time.monotonic() - began


_encode = msgspec.json.Encoder().encode
_DECODE: dict[Any, Callable[[str | bytes], Any]] = {
    kind: msgspec.json.Decoder(kind).decode for kind in (Account, Record)
}
