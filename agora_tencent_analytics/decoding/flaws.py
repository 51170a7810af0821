"""What of an answer cannot be read: `Flaws`, gathered while it is decoded.

A row that cannot be read costs itself. Rows are read together, which is the quick way and says nothing of a row; only
an answer for which that fails is read once more, row by row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

import attrs
import msgspec

from agora_tencent_analytics.decoding.bulk import MOST_ROWS, TooMuch, check_rows
from agora_tencent_analytics.errors import counted

R = TypeVar("R")
T = TypeVar("T")

_MOST_LOST = 10_000
"""The most rows of one answer that are set aside one by one: a hundred pages. With more, all of the answer is wrong."""
MISREAD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""The exceptions that malformed rows raise."""


@attrs.frozen(kw_only=True)
class LostRow:
    """A row that cannot be read: without its id, or a time that it needs, there is no record."""

    place: int
    """Its place among the rows of the answer, from 0."""
    equal: int
    """How many rows before it in the answer have the same text."""
    text: str = attrs.field(repr=False)
    """The row as JSON, whole."""
    reason: str = attrs.field(repr=False)
    """What is wrong with it, in words."""
    says_something: bool
    """True if it is an object with values: then its text tells it from other rows."""


class Flaws(msgspec.Struct, kw_only=True, eq=False):
    """What of one answer could not be read, so far."""

    by_row: bool = False
    """True where a row that cannot be read is set aside; else it fails the whole answer."""
    rows: list[LostRow] = []
    """The rows that were set aside, in order."""
    fields: dict[str, int] = {}
    """In how many records a field could not be read as it was sent, by the vendor's name."""
    doubts: list[str] = []
    """What else makes the answer doubtful, in words."""
    _place: int = 0
    _texts: dict[str, int] = {}

    def odd(self, names: Iterable[str]) -> None:
        """Notes fields of a record that could not be read as they were sent."""
        for name in names:
            self.fields[name] = self.fields.get(name, 0) + 1

    def others(self, wanted: Collection[str], told: Collection[str], kind: str) -> None:
        """Doubts an answer about others than those that were asked for, if some of these are not in it.

        Args:
            wanted: ids that were asked for; none: of everybody.
            told: ids that the answer is about.
            kind: what they are, in a word.
        """
        if "" in told:
            self.doubts.append(f"something in the answer does not say of which {kind} it is")
        missing, strange = set(wanted).difference(told), set(told).difference(wanted)
        if missing and strange:
            self.doubts.append(
                f"of {counted(len(wanted), kind)} asked for, {counted(len(missing), 'is', 'are')} not in the answer, "
                f"but others are, {min(strange)[:40]!r} for one"
            )

    def each(
        self, rows: Sequence[R], read: Callable[[Sequence[R]], list[T]], *, kinds: tuple[type, ...] = (dict,)
    ) -> list[T]:
        """The records of these rows.

        Args:
            rows: as the vendor sent them. They are taken over.
            read: makes records of rows; called with all of them, or, `by_row`, with one after the other. It may call
                this again for the rows inside a row, which then count in its place.
            kinds: what a row may be.

        Raises:
            ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError: a row cannot be read,
                unless `by_row`; or there is no list of rows at all.
        """
        if not isinstance(rows, list):
            raise TypeError(f"expected a list of rows, not {type(rows).__name__}")
        if len(rows) > MOST_ROWS:
            check_rows(len(rows))
        if not self.by_row:
            return read(rows)
        found: list[T] = []
        for at, row in enumerate(rows):
            text, place = _as_text(row), self._place
            rows[at] = None  # pyright: ignore  # it becomes a record, and the answer may be large
            try:
                if type(row) not in kinds:
                    raise TypeError(f"expected an object, not {type(row).__name__}")
                found += read([row])
            except MISREAD as error:
                why = str(error) if type(error) in (TypeError, ValueError) else f"{type(error).__name__}: {error}"
                equal = self._texts[text] = self._texts.get(text, -1) + 1
                says = isinstance(row, dict) and any(value not in (None, "", [], {}) for value in row.values())
                self.rows.append(LostRow(place=place, equal=equal, text=text, reason=why, says_something=says))
                if len(self.rows) > _MOST_LOST:
                    raise TooMuch(f"more than {_MOST_LOST:,} of its rows cannot be read") from None
            if self._place == place:
                self._place += 1
        return found

    def apart(self, rows: Sequence[Any], read: Callable[[Sequence[Any]], list[T]]) -> tuple[list[T], list[Any]]:
        """The records of what stands inside a row that can be without it; and what of it cannot be read.

        Args:
            rows: as the vendor sent them. They are taken over.
            read: makes records of them.

        Raises:
            ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError: something cannot be
                read, unless `by_row`.
        """
        if not self.by_row:
            return read(rows), []
        found, rest = list[T](), list[Any]()
        for row in rows:
            try:
                found += read([dict(row)])
            except MISREAD:
                rest.append(row)
        return found, rest


NO_FLAWS = Flaws()
"""For an answer of which every field was read."""


def _as_text(row: Any) -> str:
    try:
        return json.dumps(row)
    except RecursionError:
        return "(nested too deeply)"
