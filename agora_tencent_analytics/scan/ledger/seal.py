"""`Seals`: whether a lane of a ledger stands as a scan with the same keys has left it.

Whoever may write a ledger could write into it that all is done, and a scan would call that complete without a request.
So each commit seals the lanes that it changes. A seal is a keyed digest of the sum of the keyed digests of all rows,
which changes by the rows that change; its key is made of the provider's secrets and of what the scan is about.

A ledger that was put back to an earlier state bears the seal of that: it knows of less, and hides nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any

from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.storage.sqlite import SqliteConnection

SCHEMA = "CREATE TABLE seals (lane TEXT PRIMARY KEY, seal BLOB NOT NULL) WITHOUT ROWID"
_ROWS = {
    "lanes": ("lane", "first", "until", "run", "note"),
    "stretches": ("lane", "first", "until", "cursor"),
    "calls": ("lane", "digest", "state", "run", "ended", "call"),
}
_SIZE = 16


class Seals:
    """The sums of one open ledger.

    Args:
        connection: to it. It is given anew to each method: SQLite holds on to `_weigh`, and would never be freed.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._keys: dict[str, Secret[bytes]] = {}
        self.sums: dict[str, int] = {}
        """By lane, of its rows as they stand, also in the transaction at hand."""
        connection.create_function("weigh", -1, self._weigh)
        connection.execute("PRAGMA recursive_triggers = TRUE")  # what is replaced is deleted, too
        for statement in _triggers():
            connection.execute(statement)

    def begin(self, connection: SqliteConnection, lane: str, key: Secret[bytes]) -> bool:
        """Seals a lane from here on; False if it has rows, and not the seal that they had with this key.

        Args:
            connection: to the ledger.
            lane: the provider's name in the report.
            key: of this provider, and this scan.
        """
        self._keys[lane], self.sums[lane] = key, 0
        connection.aside(partial(self._weigh_all, connection, lane))
        found = connection.execute("SELECT seal FROM seals WHERE lane = ?", (lane,)).fetchall()
        return not self.sums[lane] or found == [(self._seal(lane),)]

    def changed(self, before: Mapping[str, int]) -> list[tuple[str, bytes]]:
        """The lanes that have changed in the transaction at hand, each with its seal.

        Args:
            before: the sums as they were when it began.
        """
        return [(lane, self._seal(lane)) for lane in self.sums if self.sums[lane] != before.get(lane)]

    def _weigh_all(self, connection: SqliteConnection, lane: str) -> None:
        for table, columns in _ROWS.items():
            weighed = f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED WHERE lane = ?"  # in the file's order
            for row in connection.execute(weighed, (lane,)):
                self._weigh(1, *row)

    def _weigh(self, sign: int, lane: str, *values: Any) -> None:
        if (key := self._keys.get(lane)) is not None:
            row = repr(values).encode(errors="backslashreplace")
            self.sums[lane] += sign * int.from_bytes(blake2b(row, digest_size=_SIZE, key=key.reveal()).digest())

    def _seal(self, lane: str) -> bytes:
        total = self.sums[lane] % (1 << 8 * _SIZE)
        return blake2b(total.to_bytes(_SIZE), digest_size=_SIZE, key=self._keys[lane].reveal(), person=b"seal").digest()


def _triggers() -> Iterator[str]:
    """For this connection alone: they weigh each row that comes, goes or changes. The ledger has none."""
    for table, columns in _ROWS.items():
        comes, goes = (f"weigh({sign}, {', '.join(f'{row}.{name}' for name in columns)})" for sign, row in _SIGNS)
        for event, weighed in (("INSERT", comes), ("DELETE", goes), ("UPDATE", f"{goes}, {comes}")):
            yield f"CREATE TEMP TRIGGER {event}_{table} AFTER {event} ON main.{table} BEGIN SELECT {weighed}; END"


_SIGNS = ((1, "NEW"), (-1, "OLD"))
