"""`Cursor`: where a walk stands, as text that survives the process; and `Ahead`, what of it is known of rows to come.

Holds windows and page numbers, and a fingerprint of the question instead of the question itself: a cursor in a log or a
job queue does not say which channel or user was asked for, though who knows app and account, or the call, can try names
against it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import msgspec

from agora_tencent_analytics.decoding.bulk import check_bulk
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.timerange import TimeRange

_VERSION = 5

Piece = tuple[int, float]
"""Where a piece ends, epoch seconds, and how many rows it is thought to hold; it begins where the last one ends."""


def fingerprint(row: str, params: Mapping[str, Any], size: int) -> str:
    """What tells one question from another: row, parameters and page size (page numbers depend on it).

    Args:
        row: names the question, and whose it is.
        params: checked parameters.
        size: rows to a page.
    """
    said = msgspec.json.encode([row, sorted(params.items()), size])
    return blake2b(said, digest_size=12).hexdigest()


class Ahead(msgspec.Struct, kw_only=True, frozen=True):
    """What a reader knows of rows that its next answers may show: what a cursor keeps of it."""

    end: int
    """Where the reading is to end, epoch seconds, excluded."""
    known: tuple[tuple[bytes, int], ...] = ()
    """Digest and moment of rows that were shown already and may come again."""
    pieces: tuple[Piece, ...] = ()
    near: tuple[float, float] = (0.0, 0.0)
    tally: tuple[float, float] = (0.0, 0.0)
    promised: int | None = None
    """Rows that the vendor counts in the whole window."""
    came: int = 0
    """Rows of it that came."""


class Cursor(msgspec.Struct, kw_only=True, frozen=True):
    """A place in a walk."""

    question: int
    """Index of the question."""
    mark: str
    """Fingerprint of the question."""
    over: TimeRange | None
    """The range asked for."""
    stack: tuple[tuple[TimeRange, int], ...]
    """Windows to come, the next one last, each with its barren levels."""
    window: TimeRange | None
    """The window being read, or None between windows."""
    number: int
    """Its next page."""
    size: int
    """Rows to a page of it."""
    total: int | None
    """Its total, as far as known."""
    shown: int
    """How many of its rows were read already."""
    barren: int
    """Its barren levels."""
    longest: int
    """Rows of the longest page of the walk so far."""
    ahead: Ahead | None = None
    """Where an answer has no pages: what is known of the rows to come."""
    token: str = ""
    """Where pages are asked for by what the one before said: that."""
    reached: int = 0
    """First second that the question has not asked for, where its answers may lead on."""
    drift: str = ""
    """What its pages so far have shown to have changed, for which it will be read again."""
    found: int = 1
    """Rows that were given so far; cursors of earlier releases do not say."""
    strange: int = 0
    """Rows that were left out so far because they were not asked for."""
    trail: str = ""
    """What they have shown, as `Trail.memory` has it."""

    @property
    def inside(self) -> bool:
        """True if its question has been begun, and is not at its end."""
        return self.window is not None or bool(self.stack)

    @property
    def before_window(self) -> Cursor:
        """The place before the window being read, which begins with its first page again."""
        windows = ((self.window, self.barren),) if self.window else ()
        return msgspec.structs.replace(self, stack=(*self.stack, *windows), window=None)

    def text(self) -> str:
        """The cursor as URL-safe text."""
        return base64.urlsafe_b64encode(msgspec.json.encode((_VERSION, self))).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """A cursor from its text.

        Raises:
            BadInput: it is not one, or one of another version.
        """
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            check_bulk(raw)
            version, found = msgspec.json.decode(raw, type=tuple[int, Cursor])
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            raise BadInput(f"this is not a cursor of this library ({type(error).__name__})") from None
        if version != _VERSION:
            raise BadInput(f"this cursor was made by another version of the library ({version})")
        found._check()
        return found

    def _check(self) -> None:
        """Refuses what has the form of a cursor, and cannot be one.

        Raises:
            BadInput: it cannot.
        """
        levels = [level for _, level in self.stack]
        counts = (self.question, self.number, self.size, self.total or 0, self.shown, self.barren, self.longest)
        if min(*counts, self.found, self.strange, *levels) < 0:
            raise BadInput("this is not a cursor of this library (a negative count)")
        for over in (self.over, self.window, *(window for window, _ in self.stack)):
            if over is not None:
                TimeRange(over.start, over.end)
        if (ahead := self.ahead) is not None:
            window, ends = self.window, [until for until, _ in ahead.pieces]
            sound = window is not None and window.end <= ahead.end and (not ends or ends[-1] == ahead.end)
            rising = window is not None and all(a < b for a, b in pairwise([window.start, *ends]))
            if not sound or not rising or min(*ahead.near, *ahead.tally, *(mass for _, mass in ahead.pieces)) < 0:
                raise BadInput("this is not a cursor of this library (a density that cannot be)")
