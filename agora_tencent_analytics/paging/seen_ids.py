"""Which ids were seen, by a walk or in the reading of a window: in memory up to a bound, and then in a file.

The file is SQLite's own private temporary database: it has no name, and is gone with the process. Digests go there by
the ten thousand, in parts by their first twelve bits, so that one costs a fraction of a statement; and nearly every one
that is not there is told by a filter of two bits for each that is, without a look. So neither the memory nor the time
of an id grows with how many there are, to some millions.
"""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain, groupby
from typing import TYPE_CHECKING

from agora_tencent_analytics.timerange import TimeRange

if TYPE_CHECKING:
    import sqlite3

IN_MEMORY = 50_000
"""Ids kept in memory, about 5 MB; the rest goes to the temporary file."""
_CACHE_KB = 512
_FILTER_BITS = 1 << 23


def digest(row_id: str) -> bytes:
    """16 bytes that stand for a row id."""
    return blake2b(row_id.encode(), digest_size=16).digest()


def fingerprint(ids: Iterable[bytes], others: int = 0) -> bytes:
    """16 bytes that stand for a set of digests, in whatever order they come: their sum modulo 2**128.

    Args:
        ids: the digests.
        others: the sum of further ones.
    """
    return (sum(map(int.from_bytes, ids), others) % (1 << 128)).to_bytes(16)


class Digests(Collection[bytes]):
    """Digests of row ids, in order; made when one is looked at, which hardly ever happens to those of a lone page.

    Args:
        ids: the row ids.
    """

    __slots__ = ("_ids", "_made", "distinct")

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._made: list[bytes] | None = None
        self.distinct: int = len(set(ids))
        """How many different ones there are."""

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[bytes]:
        if self._made is None:
            self._made = [digest(row_id) for row_id in self._ids]
        return iter(self._made)

    def __contains__(self, one: object) -> bool:
        return one in list(self)


def distinct(ids: Collection[bytes]) -> int:
    """How many different ones there are."""
    return ids.distinct if isinstance(ids, Digests) else len(set(ids))


class Seen:
    """A set of digests that does not grow in memory without bound.

    Of the first page that it is given it keeps the ids as they are: most sets are asked for nothing but their size.

    Args:
        in_memory: how many digests to keep in memory; None: `IN_MEMORY`.
    """

    # What most sets never come to need stands in the class.
    _first: Digests | None = None
    _file: sqlite3.Connection | None = None
    _filter = bytearray()
    _sum = 0  # of those in the file
    size: int = 0
    """How many digests it holds."""

    def __init__(self, in_memory: int | None = None) -> None:
        self._most = IN_MEMORY if in_memory is None else in_memory
        self._memory: set[bytes] = set()

    def __len__(self) -> int:
        return self.size

    def __contains__(self, digest: bytes) -> bool:
        self._look()
        return digest in self._memory or self._is_in_file(digest)

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that stand for the set, in whatever order it came: see `fingerprint`."""
        self._look()
        return fingerprint(self._memory, self._sum)

    def update(self, digests: Collection[bytes]) -> list[bool]:
        """Takes digests in; for each, True if it was not there before."""
        if not self.size and isinstance(digests, Digests) and digests.distinct == len(digests):
            self._first, self.size = digests, digests.distinct
            return [True] * self.size
        self._look()
        if self._file is not None or len(self._memory) + len(digests) > self._most:
            return [self._add(digest) for digest in digests]
        memory = self._memory
        news: list[bool] = []
        for digest in digests:
            news.append(digest not in memory)
            memory.add(digest)
        self.size = len(memory)
        return news

    def copy(self) -> Seen:
        """Another set of the same digests."""
        other = Seen(self._most)
        other.update(list(self._memory))
        for (digests,) in self._file.execute("SELECT digests FROM seen") if self._file else ():
            other.update([digests[at : at + 16] for at in range(0, len(digests), 16)])
        return other

    def known(self, digests: Collection[bytes]) -> int:
        """How many of these are in it."""
        self._look()
        return sum(map(self._memory.__contains__ if self._file is None else self.__contains__, digests))

    def _look(self) -> None:
        """Makes the digests of the first page."""
        if self._first is not None:
            first, self._first, self.size = self._first, None, 0
            self.update(list(first))

    def _add(self, digest: bytes) -> bool:
        if digest in self._memory or self._is_in_file(digest):
            return False
        if len(self._memory) >= self._most:
            self._put_by()
        self._memory.add(digest)
        self.size += 1
        return True

    def _put_by(self) -> None:
        """Moves what is in memory to the file."""
        if self._file is None:
            import sqlite3

            self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            # What is broken off never says so.
            weakref.finalize(self, self._file.close)
            self._file.execute("PRAGMA journal_mode = OFF")
            self._file.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            self._file.execute(
                "CREATE TABLE seen (part INTEGER, size INTEGER, digests BLOB, PRIMARY KEY (part, size)) WITHOUT ROWID"
            )
            self._filter = bytearray(_FILTER_BITS // 8)
        bits = self._filter
        for digest in self._memory:
            number = int.from_bytes(digest)
            self._sum += number
            for place in _places(number):
                bits[place >> 3] |= 1 << (place & 7)
        parts = groupby(sorted(self._memory), _part)
        rows = ((part, self.size, b"".join(digests)) for part, digests in parts)
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO seen VALUES (?, ?, ?)", rows)
        self._file.execute("COMMIT")
        self._memory.clear()

    def _is_in_file(self, digest: bytes) -> bool:
        if self._file is None:
            return False
        for place in _places(int.from_bytes(digest)):
            if not self._filter[place >> 3] & 1 << (place & 7):
                return False
        found = self._file.execute("SELECT digests FROM seen WHERE part = ?", (_part(digest),))
        return any(digest in digests for (digests,) in found.fetchall())

    def close(self) -> None:
        """Forgets everything and frees the file. May be called again."""
        self._memory.clear()
        self._filter = bytearray()
        self._first = None
        self.size = self._sum = 0
        file, self._file = self._file, None
        if file is not None:
            file.close()


class Beginnings:
    """When the rows of a window began, as they said first: 16 bytes for each of the first `IN_MEMORY`."""

    def __init__(self) -> None:
        self._window: TimeRange | None = None
        self._said = bytearray()

    def note(self, window: TimeRange, ids: Sequence[str], begun: Iterable[int]) -> None:
        """Takes in a page of the window, which others follow; those of the window before are forgotten."""
        if window != self._window:
            self._window, self._said = window, bytearray()
        if len(self._said) < 16 * IN_MEMORY:
            self._said += array("q", chain.from_iterable(zip(map(hash, ids), map(hash, begun), strict=True))).tobytes()

    def differs(self, window: TimeRange, row_id: str, begun: int) -> bool:
        """True if an earlier page of the window has the id with another beginning."""
        if window != self._window:
            return False
        which, when = (array("q", [hash(one)]).tobytes() for one in (row_id, begun))
        at = self._said.find(which)
        return at >= 0 and not at % 16 and self._said[at + 8 : at + 16] != when


def _places(number: int) -> tuple[int, int]:
    """The bits of the filter that stand for a digest."""
    return (number >> 32) % _FILTER_BITS, (number >> 64) % _FILTER_BITS


def _part(digest: bytes) -> int:
    return digest[0] << 4 | digest[1] >> 4
