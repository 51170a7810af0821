"""`Cursor`: where a walk stands, as text that survives the process.

Holds windows and page numbers, and a fingerprint of the question instead of the question itself: a cursor in a log or a
job queue does not say which channel or user was asked for, though who knows app and account can try names against it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from agora_tencent_analytics.decoding.bulk import check_bulk
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.paging.next_page import NextReader
from agora_tencent_analytics.paging.truncated import Ahead, AnyOfReader, NewestReader, Reader
from agora_tencent_analytics.timerange import TimeRange

_VERSION = 4


def fingerprint(row: str, params: Mapping[str, Any], size: int) -> str:
    """What tells one question from another: row, parameters and page size (page numbers depend on it).

    Args:
        row: names the question, and whose it is.
        params: checked parameters.
        size: rows to a page.
    """
    said = msgspec.json.encode([row, sorted(params.items()), size])
    return blake2b(said, digest_size=12).hexdigest()


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

    @classmethod
    def at(
        cls,
        index: int,
        mark: str,
        over: TimeRange | None,
        stack: Iterable[tuple[TimeRange, int]],
        window: TimeRange | None,
        reader: Reader | None,
        longest: int,
    ) -> Cursor:
        """Where the reader of a window stands; None between windows."""
        return cls(
            question=index,
            mark=mark,
            over=over,
            stack=tuple(stack),
            window=window,
            number=reader.number if reader else 0,
            size=reader.size if reader else 0,
            total=reader.total if reader else None,
            shown=reader.shown if reader else 0,
            barren=reader.barren if reader else 0,
            longest=longest,
            ahead=reader.ahead if isinstance(reader, NewestReader | AnyOfReader) else None,
            token=reader.token if isinstance(reader, NextReader) else "",
        )

    @property
    def inside(self) -> bool:
        """True if its question has been begun, and is not at its end."""
        return self.window is not None or bool(self.stack)

    def text(self) -> str:
        """The cursor as URL-safe text."""
        said = {
            "v": _VERSION,
            "q": [self.question, self.mark],
            "o": _pair(self.over),
            "s": [[*_span(window), barren] for window, barren in self.stack],
            "w": _pair(self.window),
            "p": [self.number, self.size, self.total, self.shown, self.barren, self.longest],
        }
        if self.ahead is not None:
            said["a"] = msgspec.to_builtins(msgspec.structs.astuple(self.ahead))
        if self.token:
            said["t"] = self.token
        return base64.urlsafe_b64encode(msgspec.json.encode(said)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """A cursor from its text.

        Raises:
            BadInput: it is not one, or one of another version.
        """
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            check_bulk(raw)
            said = msgspec.json.decode(raw)
            if said["v"] != _VERSION:
                raise BadInput(f"this cursor was made by another version of the library ({said['v']})")
            (question, mark), (number, size, total, shown, barren, longest) = said["q"], said["p"]
            if min(question, number, size, shown, barren, longest, 0 if total is None else total) < 0:
                raise BadInput("this is not a cursor of this library (a negative count)")
            return cls(
                question=int(question),
                mark=str(mark),
                over=_range(said["o"]),
                stack=tuple((TimeRange(start, end), int(level)) for start, end, level in said["s"]),
                window=_range(said["w"]),
                number=int(number),
                size=int(size),
                total=None if total is None else int(total),
                shown=int(shown),
                barren=int(barren),
                longest=int(longest),
                ahead=_ahead(said["a"], said["w"]) if "a" in said else None,
                token=str(said.get("t", "")),
            )
        except BadInput:
            raise
        except (msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            raise BadInput(f"this is not a cursor of this library ({type(error).__name__})") from None


def _span(window: TimeRange) -> tuple[int, int]:
    return window.start, window.end


def _pair(window: TimeRange | None) -> tuple[int, int] | None:
    return _span(window) if window else None


def _range(pair: Any) -> TimeRange | None:
    return TimeRange(*pair) if pair else None


def _ahead(said: Any, window: Any) -> Ahead:
    end, known, pieces, near, tally, promised, came = said
    floats = [float(figure) for figure in (*near, *tally)]
    ends = [int(window[0]), *(int(until) for until, _ in pieces)]
    masses = [float(mass) for _, mass in pieces]
    sound = all(0 <= figure < math.inf for figure in (*floats, *masses)) and ends == sorted(set(ends))
    if not sound or window[1] > end or (pieces and ends[-1] != end):
        raise BadInput("this is not a cursor of this library (a density that cannot be)")
    near_rows, near_s, found, expected = floats
    return Ahead(
        end=int(end),
        known=tuple((base64.b64decode(row), int(at)) for row, at in known),
        pieces=tuple(zip(ends[1:], masses, strict=True)),
        near=(near_rows, near_s),
        tally=(found, expected),
        promised=None if promised is None else int(promised),
        came=int(came),
    )
