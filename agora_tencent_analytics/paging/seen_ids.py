"""Which ids a walk has yielded already: 16 bytes each, in memory up to a bound and then in a file.

The file is SQLite's own private temporary database: it has no name, and is gone with the process.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable

IN_MEMORY = 100_000
"""Ids kept in memory, about 10 MB; the rest goes to the temporary file."""


class Seen:
    """A set of digests that does not grow in memory without bound.

    Args:
        in_memory: how many digests to keep in memory.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._most = in_memory
        self._memory: set[bytes] = set()
        self._file: sqlite3.Connection | None = None

    def new(self, digests: Iterable[bytes]) -> list[bool]:
        """Takes digests in; for each, True if it was not there before."""
        return [self._add(digest) for digest in digests]

    def _add(self, digest: bytes) -> bool:
        if digest in self._memory:
            return False
        if self._file is None:
            if len(self._memory) < self._most:
                self._memory.add(digest)
                return True
            self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            # A walk that is broken off never says so.
            weakref.finalize(self, self._file.close)
            self._file.execute("PRAGMA journal_mode = OFF")
            self._file.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        return self._file.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 1

    def close(self) -> None:
        """Forgets everything and frees the file. May be called again."""
        self._memory.clear()
        file, self._file = self._file, None
        if file is not None:
            file.close()
