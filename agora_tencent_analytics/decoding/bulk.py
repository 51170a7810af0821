"""How a large JSON text is read: weighed before anything is made of it, and a portion of its rows at a time.

A few hundred kilobytes of gzip can be 32 MB of `[],[],[]`, and those a gigabyte of lists. So commas and brackets tell
how much a text would become. A text without structure is not dangerous, nor is a small one, so neither is looked at
closely. And whoever makes objects of 32 MB in one call holds the interpreter for as long, in a thread too: rows are cut
out of the text, and read by the half megabyte. Pure; holds no vendor's field names but for those that `points.py` has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LARGE = 1 << 19
"""A text of more bytes is weighed before it is read, and read off the event loop, by portions of so many."""
MOST_ROWS = 250_000
"""Rows, or series, of one answer: a thousand times what the vendors put on a page."""
MOST_VALUES = 2_000_000
"""Values of one text, lists and objects among them; points of series that stay text do not count."""

_ENOUGH, _ENOUGH_OF_SERIES = 8 << 20, 24 << 20
"""Bytes of objects that any text may become; and any answer of series, in which large calls have thousands of them."""
_TIMES = 6.5
"""How many times its own length a larger text may become."""
_SLOWLY = 4
"""The slow way makes everything twice, and of wider text: it is allowed so much less."""
# Bytes of one object, with the place that it takes in another, as CPython 3.11 to 3.14 have them; of an object also
# what its record takes, and of a series what is made of it.
_LIST, _OBJECT, _VALUE, _NUMBER, _TEXT, _UNREAD, _SERIES = 64, 200, 60, 40, 110, 160, 600
_ROW = 500
"""Of a row that is read straight into its record."""
_CROWD = 100
"""Members of a list or an object beyond which it is not a row: its members' names are not those of the next one."""
_SHORTEST_PAIR, _SHORTEST_POINT = 12, 20


class TooMuch(ValueError):
    """The text would take too much memory; reading it in another way does not help."""


def check_bulk(
    text: bytes | memoryview,
    *,
    slowly: bool = False,
    points: bool = False,
    length: int | None = None,
    most: int = MOST_VALUES,
) -> None:
    """Checks that a text may be read as objects.

    Args:
        text: JSON, or what is taken for it.
        slowly: True if it is read the slow way.
        points: True if all but its outermost level stays text, the points of series among it.
        length: of the answer, if this is a part of it.
        most: values that it may hold.

    Raises:
        TooMuch: it would become too much.
    """
    if len(text) <= LARGE:
        return
    values, weight = _weighed(text, points=points)
    share = _SLOWLY if slowly else 1
    enough = _ENOUGH_OF_SERIES if points else _ENOUGH
    if values * share > most or weight > max(enough, _TIMES * (length or len(text)) / share):
        raise TooMuch(
            f"its {len(text):,} bytes hold about {values:,} values, which would take {weight >> 20:,} MB of memory; "
            "that is more than is spent on an answer: ask for less at a time"
        )


def check_rows(number: int) -> None:
    """Checks that so many rows may be read.

    Raises:
        TooMuch: they are too many.
    """
    if number > MOST_ROWS:
        raise TooMuch(f"it has {number:,} rows, and more than {MOST_ROWS:,} are not read; ask for less at a time")


def check_series(number: int, length: int) -> None:
    """Checks that so many series may be made of an answer of this length, in bytes.

    Raises:
        TooMuch: they are too many.
    """
    if number * _SERIES > max(_ENOUGH, _TIMES * length):
        raise TooMuch(
            f"its {length:,} bytes hold {number:,} series, which is more than is read; ask for less at a time"
        )


def check_records(number: int, length: int) -> None:
    """Checks that so many records may be made of a listing of this length, in bytes.

    Raises:
        TooMuch: they are too many.
    """
    check_rows(number)
    if number * _ROW > max(_ENOUGH, _TIMES * length):
        raise TooMuch(f"its {length:,} bytes hold {number:,} rows, which is more than is read")


def rows_apart(body: bytes, hole: bytes) -> tuple[bytes, int, int] | None:
    """A text with its first list of objects cut out, as it seems; None if none is seen.

    Args:
        body: JSON, or what is taken for it.
        hole: what is put in the place of the list.

    Returns:
        The hollow text, and where in the whole one the list's elements begin and end.
    """
    first, last = body.find(b"[{"), body.rfind(b"}]") + 1
    return (body[:first] + hole + body[last + 1 :], first + 1, last) if 0 < first < last else None


def read_portions(
    body: bytes, at: int, end: int, read: Callable[[bytes], list[Any]], unreadable: tuple[type[Exception], ...]
) -> list[Any]:
    """The elements of a list, read as lists of about half a megabyte: other threads have their turn between them.

    Where a list may be cut is guessed by its text, and proven by its reading: a portion that begins with an element and
    can be read ends with one.

    Args:
        body: the text that the list stands in.
        at: where its first element begins.
        end: where its last one ends.
        read: reads a list.
        unreadable: what that raises for what is not one.
    """
    found, reach = list[Any](), LARGE
    between = b"},{" if body.find(b"},{", at, at + 2 * LARGE) >= 0 else b"}, {"
    while at < end:
        cut = body.find(between, at + reach, end) + 1 or end
        try:
            found += read(b"".join((b"[", memoryview(body)[at:cut], b"]")))
        except unreadable:
            if cut == end:
                raise
            reach *= 2
        else:
            at, reach = cut + 1, LARGE
    return found


def _weighed(text: bytes | memoryview, *, points: bool) -> tuple[int, int]:
    """About how many values a text holds, and how many bytes of objects they become."""
    lists, objects, commas = _counted(text, b"[", b"{", b",")
    if points:
        pairs, pointed = _counted(text, b"],[", b'"Time"')
        # No more of them than there is room for: whoever calls something else a point gains nothing.
        pairs, pointed = min(pairs, len(text) // _SHORTEST_PAIR), min(pointed, len(text) // _SHORTEST_POINT)
        values = max(0, lists - pairs) + max(0, objects - pointed) + max(0, commas - 2 * (pairs + pointed))
        return values, _UNREAD * values
    (escapes,) = _counted(text, b"\\")
    values = lists + objects + commas + escapes // 2  # an escape takes no memory, and as long as half a value
    if commas > _CROWD * (lists + objects):
        (quotes,) = _counted(text, b'"')
        return values, _NUMBER * commas + _TEXT * (quotes // 2)
    return values, _LIST * lists + _OBJECT * objects + _VALUE * commas


def _counted(text: bytes | memoryview, *signs: bytes) -> list[int]:
    """How often each of these stands in a text; by portions, since to count in all of it takes its time too."""
    counts = [0] * len(signs)
    for at in range(0, len(text), LARGE // 4):
        part = bytes(text[at : at + LARGE // 4])
        counts = [count + (part.count(sign) if sign in part else 0) for count, sign in zip(counts, signs, strict=True)]
    return counts
