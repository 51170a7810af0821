"""`LaneRows`: how one provider stands in a ledger, and what of it is to be listed; as rows, with their statements.

This is SQL alone: what the rows mean for the next scan is decided in `work.py`. Calls are in `call_rows.py`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

from agora_tencent_analytics.scan.ledger.file import LedgerFile
from agora_tencent_analytics.timerange import TimeRange


class LaneState(NamedTuple):
    """One row about the lane as a whole."""

    first: int
    """Start of all that was ever asked for, epoch seconds."""
    until: int
    """Its end, excluded."""
    run: int
    """Number of the latest scan."""
    note: str
    """What it left for the report of the next."""


class LaneRows:
    """The rows of one lane.

    Args:
        file: the ledger.
        lane: the provider's name in the report.
    """

    def __init__(self, file: LedgerFile, lane: str) -> None:
        self._file = file
        self._lane = lane

    def transaction(self) -> AbstractContextManager[None]:
        """All statements inside, or none of them."""
        return self._file.transaction()

    def standing(self) -> LaneState | None:
        """The lane as the latest scan left it; None if there was none."""
        rows = self._file.rows("SELECT first, until, run, note FROM lanes WHERE lane = ?", (self._lane,))
        return LaneState(*rows[0]) if rows else None

    def stand(self, standing: LaneState) -> None:
        """Writes down how the lane stands."""
        self._file.write("INSERT OR REPLACE INTO lanes VALUES (?, ?, ?, ?, ?)", (self._lane, *standing))

    def forget(self) -> None:
        """Forgets the lane and what of it is to be listed."""
        self._file.write("DELETE FROM stretches WHERE lane = ?", (self._lane,))
        self._file.write("DELETE FROM lanes WHERE lane = ?", (self._lane,))

    def new_losses(self, now: int) -> bool:
        """True if acknowledgements of this lane were lost and no scan has been told yet.

        Args:
            now: when they are found out about, epoch seconds.
        """
        losses = self._file.mark("losses")
        if losses == self._file.mark(f"losses told to {self._lane}"):
            return False
        with self.transaction():
            self._file.set_mark(f"losses told to {self._lane}", losses)
            self._file.set_mark(f"lost before, of {self._lane}", now)
        return True

    @property
    def lost_before(self) -> int:
        """Acknowledgements of calls that began before may have been lost, epoch seconds; 0 if none were."""
        return self._file.mark(f"lost before, of {self._lane}")

    def pending_ranges(self) -> list[tuple[TimeRange, int, str | None]]:
        """Pieces of the range that are to be listed, oldest first, with their numbers and cursors."""
        rows = self._file.rows(
            "SELECT first, until, number, cursor FROM stretches WHERE lane = ? ORDER BY first", (self._lane,)
        )
        return [(TimeRange(first, until), number, cursor) for first, until, number, cursor in rows]

    def add_range(self, over: TimeRange, cursor: str | None = None) -> None:
        """Adds a piece."""
        self._file.write(
            "INSERT INTO stretches (lane, first, until, cursor) VALUES (?, ?, ?, ?)",
            (self._lane, over.start, over.end, cursor),
        )

    def set_cursor(self, number: int, cursor: str | None) -> None:
        """Notes how far the listing of a piece has come."""
        self._file.write("UPDATE stretches SET cursor = ? WHERE number = ?", (cursor, number))

    def drop_range(self, number: int) -> None:
        """Forgets a piece."""
        self._file.write("DELETE FROM stretches WHERE number = ?", (number,))
