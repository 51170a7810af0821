"""`Rows`: how one provider stands in a ledger, what of it is to be listed, and its calls; with the statements.

This is SQL alone: what the rows mean for the next scan is decided in `work.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import IntEnum
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec

from agora_tencent_analytics.decoding.bulk import TooMuch, check_bulk
from agora_tencent_analytics.decoding.moments import YEAR_5138
from agora_tencent_analytics.errors import LedgerUnusable
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.certificate import UnreadableRow
from agora_tencent_analytics.scan.ledger.file import LedgerFile
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.timerange import TimeRange

T = TypeVar("T")
_CHUNK = 100
_FACTS = ("endpoint", "page", "place", "reason", "text", "row_id")


class State(IntEnum):
    """How it stands with a call."""

    SETTLED = 0
    """Acknowledged for good."""
    PENDING = 1
    """Listed, and not acknowledged yet."""
    AGAIN = 2
    """Acknowledged, and to be read again."""
    ONCE_MORE = 3
    """Acknowledged, and to be read again for the last time."""
    RUNNING = 4
    """Acknowledged while it was still running."""
    EARLY = 5
    """Acknowledged when it had ended, without what the vendor's lag still hid."""
    LOST = 6
    """No call, but a row of a listing that cannot be read; the scan that found it has not come to its end."""
    TOLD = 7
    """The same, when it has: such a row is told once."""


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


class Rows:
    """The rows of one lane.

    Args:
        file: the ledger.
        lane: the provider's name in the report.
        key: what the lane is sealed with; None if it is not.
    """

    def __init__(self, file: LedgerFile, lane: str, key: Secret[bytes] | None = None) -> None:
        self._file = file
        self._lane = lane
        self.sound: bool = key is None or file.seal(lane, key)
        """False if somebody else may have written what they say."""

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

    def distrust(self) -> bool:
        """Forgets the lane, and takes its calls for those of earlier scans; True if there are any."""
        self.forget()
        self._file.sweep("UPDATE calls SET run = 0 WHERE lane = ?", (self._lane,))
        ((found,),) = self._file.rows("SELECT EXISTS (SELECT 1 FROM calls WHERE lane = ?)", (self._lane,))
        return bool(found)

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

    # -- its calls ---------------------------------------------------------------------------------------------

    def states(self, call_ids: Iterable[str]) -> dict[str, tuple[State, int]]:
        """The states of the calls that are known, each with the number of the scan that set it."""
        found, rest = dict[str, tuple[State, int]](), iter(call_ids)
        while batch := {_digest(call_id): call_id for call_id in islice(rest, _CHUNK)}:
            places = ", ".join("?" * len(batch))
            statement = f"SELECT digest, state, run FROM calls WHERE lane = ? AND digest IN ({places})"
            for digest, state, run in self._file.rows(statement, (self._lane, *batch)):
                found[batch[digest]] = State(state), run
        return found

    def state(self, call_id: str) -> State | None:
        """The state of a call; None if it is unknown."""
        state, _ = self.states([call_id]).get(call_id, (None, 0))
        return state

    def put(self, call: Call, state: State, *, run: int, ended: int) -> None:
        """Writes down a call; of one that is settled, its digest alone."""
        text = None if state is State.SETTLED else msgspec.json.encode(call)
        self._file.write(
            "INSERT INTO calls (lane, digest, state, run, ended, call) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET state = excluded.state, run = excluded.run, ended = excluded.ended, call = excluded.call",
            (self._lane, _digest(call.call_id), state, run, ended, text),
        )

    def put_lost(self, row: UnreadableRow, *, run: int) -> None:
        """Writes down a row that cannot be read."""
        said = {name: getattr(row, name) for name in _FACTS} | {"over": (row.over.start, row.over.end)}
        self._file.write(
            "INSERT INTO calls (lane, digest, state, run, ended, call) VALUES (?, ?, ?, ?, ?, ?)",
            (self._lane, _digest(row.row_id), State.LOST, run, row.over.end, msgspec.json.encode(said)),
        )

    def tell(self, row_id: str) -> None:
        """Notes that the consumer was told of a row that cannot be read."""
        values = (State.TOLD, self._lane, _digest(row_id), State.LOST)
        self._file.write("UPDATE calls SET state = ? WHERE lane = ? AND digest = ? AND state = ?", values)

    def lost_rows(self, *, up_to: int) -> Iterator[UnreadableRow]:
        """Rows that cannot be read, found by scans up to this number, included."""
        for text, _ in self._texts((State.LOST,), 0, up_to):
            said = self._decoded(text, dict[str, Any])
            try:
                yield UnreadableRow(**{**said, "over": TimeRange(*said["over"])})
            except (TypeError, LookupError, ValueError) as error:
                raise self._damaged(error) from None

    def change(self, before: State, after: State, *, run: int) -> None:
        """Changes the state of all calls that an earlier scan than `run` left in another."""
        self._file.sweep(
            f"UPDATE calls SET state = :after, run = :run WHERE {_in_state(before)} AND run < :run",
            {"lane": self._lane, "after": after, "run": run},
        )

    def doubt_pending(self) -> None:
        """Takes all calls that are pending for calls that are pending again."""
        statement = f"UPDATE calls SET state = :after WHERE {_in_state(State.PENDING)}"
        self._file.sweep(statement, {"lane": self._lane, "after": State.AGAIN})

    def left(self, states: Sequence[State], *, since: int = 0, up_to: int) -> Iterator[tuple[Call, State]]:
        """Calls that scans of these numbers, both included, left in these states; in the order of their listing."""
        for text, state in self._texts(states, since, up_to):
            call = self._decoded(text, Call)
            if not 0 <= call.created_ts < YEAR_5138:
                raise self._damaged(f"a call of {call.created_ts}")
            yield call, state

    def _texts(self, states: Sequence[State], since: int, up_to: int) -> Iterator[tuple[bytes, State]]:
        found = " UNION ALL ".join(  # each state by itself, so that the index has them in order
            f"SELECT number, state, call FROM calls WHERE {_in_state(state)} AND run BETWEEN :since AND :up_to "
            "AND number > :number"
            for state in states
        )
        values = {"lane": self._lane, "since": since, "up_to": up_to, "number": 0}
        while rows := self._file.rows(f"{found} ORDER BY number LIMIT {_CHUNK}", values):
            for _, state, text in rows:
                yield text, State(state)
            values["number"] = rows[-1][0]

    def count(self, states: Sequence[State]) -> int:
        """How many calls are in these states."""
        counts = " + ".join(f"(SELECT count(*) FROM calls WHERE {_in_state(state)})" for state in states)
        ((found,),) = self._file.rows(f"SELECT {counts}", {"lane": self._lane})
        return int(found)

    def prune(self, before: float) -> None:
        """Forgets settled calls that ended before an instant."""
        for state in (State.SETTLED, State.TOLD):
            statement = f"DELETE FROM calls WHERE {_in_state(state)} AND ended < :before"
            self._file.sweep(statement, {"lane": self._lane, "before": before})

    def _decoded(self, text: bytes, kind: type[T]) -> T:
        try:
            check_bulk(text)
            return msgspec.json.decode(text, type=kind)
        except (TooMuch, msgspec.MsgspecError, TypeError) as error:
            raise self._damaged(error) from None

    def _damaged(self, why: object) -> LedgerUnusable:
        return LedgerUnusable(f"the ledger {self._file.path} is damaged ({why}); name another file")


def _in_state(state: State) -> str:
    """The calls of a lane in a state, in the words of the indices: SQLite uses one where its condition is spelt out."""
    return f"lane = :lane AND state = {state:d}" + (" AND state != 0" if state else "")


def _digest(call_id: str) -> bytes:
    return blake2b(call_id.encode(), digest_size=16).digest()
