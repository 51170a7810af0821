"""How much a large JSON text would become, told by its commas and brackets before anything is made of it.

A few hundred kilobytes of gzip can be 32 MB of `[],[],[]`, and those a gigabyte of lists. A text without structure is
not dangerous, nor is a small one, so neither is looked at closely. Pure; holds no vendor's field names but for those
that `points.py` has.
"""

from __future__ import annotations

LARGE = 1 << 19
"""A text of more bytes is weighed before it is read, and read off the event loop."""
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
_CROWD = 100
"""Members of a list or an object beyond which it is not a row: its members' names are not those of the next one."""
_SHORTEST_PAIR, _SHORTEST_POINT = 12, 20


class TooMuch(ValueError):
    """It would become too much; reading it in another way does not help."""


def check_bulk(
    text: bytes | memoryview, *, slowly: bool = False, points: bool = False, length: int | None = None
) -> None:
    """Nothing, if a text may be read as objects.

    Args:
        text: JSON, or what is taken for it.
        slowly: True for the slow way of reading it.
        points: True if all but its outermost level stays text, the points of series among it.
        length: of the answer, if this is a part of it.

    Raises:
        TooMuch: it would become too much.
    """
    if len(text) <= LARGE:
        return
    text = bytes(text)
    values, weight = _weighed(text, points=points)
    share = _SLOWLY if slowly else 1
    enough = _ENOUGH_OF_SERIES if points else _ENOUGH
    if values * share > MOST_VALUES or weight > max(enough, _TIMES * (length or len(text)) / share):
        raise TooMuch(
            f"its {len(text):,} bytes hold about {values:,} values, which would take {weight >> 20:,} MB of memory; "
            "that is more than is spent on an answer: ask for less at a time"
        )


def check_rows(number: int) -> None:
    """Nothing, if so many rows may be read.

    Raises:
        TooMuch: they are too many.
    """
    if number > MOST_ROWS:
        raise TooMuch(f"it has {number:,} rows, and more than {MOST_ROWS:,} are not read; ask for less at a time")


def check_series(number: int, length: int) -> None:
    """Nothing, if so many series may be made of an answer of this length, in bytes.

    Raises:
        TooMuch: they are too many.
    """
    if number * _SERIES > max(_ENOUGH, _TIMES * length):
        raise TooMuch(
            f"its {length:,} bytes hold {number:,} series, which is more than is read; ask for less at a time"
        )


def _weighed(text: bytes, *, points: bool) -> tuple[int, int]:
    """About how many values a text holds, and how many bytes of objects they become."""
    lists, objects, commas = text.count(b"["), text.count(b"{"), text.count(b",")
    if points:
        # No more of them than there is room for: whoever calls something else a point gains nothing.
        pairs = min(text.count(b"],["), len(text) // _SHORTEST_PAIR)
        pointed = min(text.count(b'"Time"'), len(text) // _SHORTEST_POINT)
        lists, objects, commas = (
            max(0, lists - pairs),
            max(0, objects - pointed),
            max(0, commas - 2 * (pairs + pointed)),
        )
    values = lists + objects + commas
    if points:
        return values, _UNREAD * values
    if commas > _CROWD * (lists + objects):
        return values, _NUMBER * commas + _TEXT * (text.count(b'"') // 2)
    return values, _LIST * lists + _OBJECT * objects + _VALUE * commas
