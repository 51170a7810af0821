"""Points as both vendors spell them in JSON, read into two arrays.

Each form has a quick way and a lenient one. *Pairs*, quick: with the brackets taken out they are one list of
numbers, two objects a point; it insists on rows of exactly two, a number and a number or null. *Objects*, quick: one small struct
a point, outside the garbage collector's sight; it insists on integer times and on numbers or nulls. *Lenient*:
looks at every point and refuses none. All give the same arrays for what they can read; the tests hold them to it.

The series of one session mostly share their times: the last times that were found to increase are remembered,
and the same again are neither converted nor compared point by point.

Holds no order and no clip: that is `columns.py`.
"""

from __future__ import annotations

import json
import math
import struct
from array import array
from collections.abc import Sequence
from enum import Enum
from itertools import islice
from operator import lt
from typing import Any, NamedTuple

import msgspec

__all__ = ["PointForm", "Points", "read_points"]

_NAN = math.nan
_MOST_DIGITS = 64  # of an exact integer: it still converts to a float without overflow
_EXACT = 2**53  # below it a float holds a whole number exactly
_MOST_REMEMBERED = 16_384  # times: more than four hours of one a second
_INSIDE = b"0123456789.-+eEnul \t\r\n"  # what a row of numbers and nulls may hold beside its brackets and commas
_INTEGER = "n" if struct.calcsize("n") == 8 else "q"  # the same eight bytes, but packed in two thirds of the time
_BLANK = bytes.maketrans(b"[]", b"  ")


class PointForm(Enum):
    """How a vendor spells the points of a series."""

    PAIRS = "pairs"
    """`[[time, value], ...]`; further elements of a row are ignored."""
    OBJECTS = "objects"
    """`[{"Time": time, "Value": value}, ...]`; other keys are ignored."""


class Points(NamedTuple):
    """The points of one chunk, in the order sent."""

    times: array[int]
    """Epoch seconds."""
    values: array[float]
    """As many; NaN for null and what is not a number."""
    untimed: int
    """How many points were dropped because their time could not be read."""
    increasing: bool
    """Whether each time is after the one before; False may also mean not looked at."""


class _Object(msgspec.Struct, gc=False):
    time: int = msgspec.field(name="Time")
    value: float | None = msgspec.field(name="Value", default=None)


class _Known(NamedTuple):
    doubles: bytes | None
    integers: bytes


_numbers = msgspec.json.Decoder(list[float | None]).decode
_objects = msgspec.json.Decoder(list[_Object] | None).decode
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, struct.error, OverflowError, ValueError)

# Times that increase, as doubles (None: not seen as such) and as integers. Exchanged whole: threads may race
# for it without harm, and at worst convert what was known.
_known = _Known(b"", b"")


def read_points(chunk: bytes, form: PointForm, scale: float) -> Points:
    """Every point of `chunk` whose time can be read; never raises.

    Args:
        chunk: JSON text of a list of points, or of null. What is neither counts as one unreadable point.
        form: how the points are spelt.
        scale: factor on every value.
    """
    try:
        points = _read_pairs(chunk, scale) if form is PointForm.PAIRS else _read_objects(chunk, scale)
    except _REFUSED:
        points = None
    return points or _read_leniently(chunk, form, scale)


def _read_pairs(chunk: bytes, scale: float) -> Points | None:
    # A row too long and a row too short would make up for each other in a count: compare all the punctuation.
    frame = chunk.translate(None, _INSIDE)
    count = len(frame) // 4
    if frame != b"[" + (b"[,]," * count)[:-1] + b"]" or not count:
        return None
    numbers = _numbers(b"[" + chunk.translate(_BLANK) + b"]")
    both = array("d", _packed("d", numbers))
    doubles, values = both[::2].tobytes(), both[1::2]
    if scale != 1.0:
        values = array("d", _packed("d", [value * scale for value in values]))
    known = _known
    if doubles == known.doubles:
        return Points(array("q", known.integers), values, 0, True)
    times = list(map(math.floor, numbers[::2]))
    integers = _packed(_INTEGER, times)
    increasing = _increasing(times, doubles, integers)
    first, last = (times[0], times[-1]) if increasing else (min(times), max(times))
    if first <= -_EXACT or last >= _EXACT:
        return None
    return Points(array("q", integers), values, 0, increasing)


def _read_objects(chunk: bytes, scale: float) -> Points:
    found = _objects(chunk) or []
    times = [point.time for point in found]
    values = [point.value for point in found]
    integers = _packed(_INTEGER, times)
    columns = array("d", _packed("d", values))
    if scale != 1.0:
        columns = array("d", _packed("d", [value * scale for value in columns]))
    return Points(array("q", integers), columns, 0, _increasing(times, None, integers))


def _packed(code: str, numbers: Sequence[float | None]) -> bytes:
    # struct packs a list into bytes in half the time that array() takes to walk it.
    try:
        return struct.pack(f"{len(numbers)}{code}", *numbers)
    except struct.error:  # a null among them: NaN, which no integer can be
        return struct.pack(f"{len(numbers)}{code}", *[_NAN if number is None else number for number in numbers])


def _increasing(times: list[int], doubles: bytes | None, integers: bytes) -> bool:
    global _known
    if integers == _known.integers:
        return True
    increasing = all(map(lt, times, islice(times, 1, None)))
    if increasing and len(times) <= _MOST_REMEMBERED:
        _known = _Known(doubles, integers)
    return increasing


def _read_leniently(chunk: bytes, form: PointForm, scale: float) -> Points:
    times, values = array("q"), array("d")
    try:
        rows = json.loads(chunk.decode("utf-8", "replace"), parse_int=_integer)
    except (ValueError, RecursionError):
        return Points(times, values, 1, True)
    if not isinstance(rows, list):
        return Points(times, values, 0 if rows is None else 1, True)
    untimed = 0
    for row in rows:
        when, what = _pair(row) if form is PointForm.PAIRS else _object(row)
        seconds = _seconds(when)
        if seconds is None:
            untimed += 1
        else:
            times.append(seconds)
            values.append(_number(what) * scale)
    return Points(times, values, untimed, False)


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; as a float they are merely infinite.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def _pair(row: Any) -> tuple[Any, Any]:
    if not isinstance(row, list) or not row:
        return None, None
    return row[0], row[1] if len(row) > 1 else None


def _object(row: Any) -> tuple[Any, Any]:
    return (row.get("Time"), row.get("Value")) if isinstance(row, dict) else (None, None)


def _seconds(when: Any) -> int | None:
    if isinstance(when, str):
        try:
            when = float(when)
        except ValueError:
            return None
    if isinstance(when, bool) or not isinstance(when, int | float) or not math.isfinite(when):
        return None
    seconds = math.floor(when)
    return seconds if -(2**63) <= seconds < 2**63 else None


def _number(what: Any) -> float:
    if isinstance(what, bool) or not isinstance(what, int | float) or not math.isfinite(what):
        return _NAN
    return float(what)
