"""Points as both vendors spell them in JSON, read into two arrays.

Three ways lead through, each handing on what it refuses. *Flat*: with the brackets blanked out, pairs are one
list of numbers, two objects a point; it insists on exactly two elements a row and on the very times of the
series read before, as the series of one session mostly share them: to make integers of its numbers would cost
more than the structs do. *Structs*: one small object a point, outside
the garbage collector's sight; it insists on integer times and on numbers or nulls. *Lenient*: looks at every
point and refuses none. All give the same arrays for what they can read; the tests hold them to it.

Holds no order and no clip: that is `models/columns.py`.
"""

from __future__ import annotations

import json
import math
import re
import struct
from array import array
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cached_property, lru_cache
from itertools import islice
from operator import lt
from typing import Any, NamedTuple

import msgspec

_NAN = math.nan
_MOST_DIGITS = 64  # of an exact integer: it still converts to a float without overflow
_EXACT = 2**53  # below it a float holds a whole number exactly
_MOST_REMEMBERED = 16_384  # times: more than four hours of one a second
_INSIDE = b"0123456789.-+eEnul \t\r\n"  # what a row of numbers and nulls may hold besides its brackets and commas
_INTEGER = "n" if struct.calcsize("n") == 8 else "q"  # the same eight bytes, but struct is quicker at "n"
_ROW = re.compile(r"\[[^][]*\]|\{[^}{]*\}")
# Ten digits behind the first mark inside the list, and behind the last one, which may be the same.
_ENDS = rb"(?s)(?=.(?>.*?%b) ?(\d{10})[,\]}])(?>.*%b) ?(\d{10})[,\]}]"
_ENDS_OF_PAIRS = re.compile(_ENDS % (rb"\[", rb"\[")).match, b"[", 1
_ENDS_OF_OBJECTS = re.compile(_ENDS % (rb'"Time":', rb'"Time":')).match, b'"Time":', 0
_BLANK = bytes.maketrans(b"[]", b"  ")


class PointForm(Enum):
    """How a vendor spells the points of a series."""

    PAIRS = "pairs"
    """`[[time, value], ...]`; further elements of a row are ignored."""
    OBJECTS = "objects"
    """`[{"Time": time, "Value": value}, ...]`; other keys are ignored."""


class PointArrays(NamedTuple):
    """The points of one chunk, in the order sent."""

    times: array[int]
    """Epoch seconds."""
    values: array[float]
    """As many; NaN for null and what is not a number."""
    untimed: int
    """How many points were dropped because their time could not be read."""
    increasing: bool
    """Whether each time is after the one before; False may also mean not looked at."""


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What can be told of points that are not decoded, by the two ends of their text."""

    first: int
    """Epoch seconds of the first point."""
    last: int
    """Of the last one."""
    rows: int
    """How many there are, as the vendor sent them."""
    size: int
    """Bytes that they take."""


def glance(chunk: bytes, form: PointForm) -> Glance | None:
    """The ends of `chunk`, and how many rows it has; None if their times are not seconds of ten digits, in order.

    Args:
        chunk: JSON text of a list of points.
        form: how the points are spelt.
    """
    ends, mark, others = _ENDS_OF_PAIRS if form is PointForm.PAIRS else _ENDS_OF_OBJECTS
    found = ends(chunk)
    if found is None or not 0 < (first := int(found[1])) <= (last := int(found[2])):
        return None
    return Glance(first, last, chunk.count(mark) - others, len(chunk))


class _Pair(msgspec.Struct, array_like=True, gc=False):
    time: int
    value: float | None = None


class _Object(msgspec.Struct, gc=False):
    time: int = msgspec.field(name="Time")
    value: float | None = msgspec.field(name="Value", default=None)


_numbers = msgspec.json.Decoder(tuple[float | None, ...]).decode
_structs: dict[PointForm, Callable[[bytes], list[Any] | None]] = {
    PointForm.PAIRS: msgspec.json.Decoder(list[_Pair] | None).decode,
    PointForm.OBJECTS: msgspec.json.Decoder(list[_Object] | None).decode,
}
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, struct.error, OverflowError)


class _Clock:
    """Times that were found to increase, by which other chunks with the same times are recognised."""

    def __init__(self, head: bytes, times: array[int]) -> None:
        self.head = head  # the text up to the first comma: the cheapest hint that a chunk has these times
        self.times = times

    # Made when a second chunk begins alike: where every series has its own times they are never needed.
    @cached_property
    def doubles(self) -> bytes:
        return array("d", self.times).tobytes()

    @cached_property
    def pack(self) -> Callable[..., bytes]:
        return _pack(2 * len(self.times), "d")

    @cached_property
    def frame(self) -> bytes:
        return b"[" + (b"[,]," * len(self.times))[:-1] + b"]"


# Exchanged whole: threads may race for it without harm, and at worst read a chunk the slower way.
_clock = _Clock(b"none", array("q"))


def read_points(chunk: bytes, form: PointForm, scale: float) -> PointArrays:
    """Every point of `chunk` whose time can be read; never raises.

    Args:
        chunk: JSON text of a list of points, or of null. What is neither counts as one unreadable point.
        form: how the points are spelt.
        scale: factor on every value.
    """
    try:
        points = _read_flat(chunk, scale) if form is PointForm.PAIRS and chunk.startswith(_clock.head) else None
        return points or _read_structs(chunk, form, scale)
    except _REFUSED:
        return _read_leniently(chunk, form, scale)


def _read_flat(chunk: bytes, scale: float) -> PointArrays | None:
    clock = _clock
    # A row too long and a row too short would make up for each other in a count: compare the whole frame.
    if chunk.translate(None, _INSIDE) != clock.frame:
        return None
    both = array("d", _packed(clock.pack, _numbers(b"[" + chunk.translate(_BLANK) + b"]")))
    if both[::2].tobytes() != clock.doubles:
        return None
    return PointArrays(clock.times[:], _scaled(both[1::2], scale), 0, True)


def _read_structs(chunk: bytes, form: PointForm, scale: float) -> PointArrays:
    found = _structs[form](chunk) or ()
    times = [point.time for point in found]
    integers = array("q", _pack(len(times), _INTEGER)(*times))
    values = array("d", _packed(_pack(len(times), "d"), [point.value for point in found]))
    increasing = integers == _clock.times or all(map(lt, times, islice(times, 1, None)))
    if increasing:
        _remember(chunk, integers)
    return PointArrays(integers, _scaled(values, scale), 0, increasing)


def _scaled(values: array[float], scale: float) -> array[float]:
    return values if scale == 1.0 else array("d", _pack(len(values), "d")(*[value * scale for value in values]))


@lru_cache(128)
def _pack(count: int, code: str) -> Callable[..., bytes]:
    # struct packs a sequence into bytes in half the time that array() takes to walk it.
    return struct.Struct(f"{count}{code}").pack


def _packed(pack: Callable[..., bytes], numbers: Sequence[float | None]) -> bytes:
    try:
        return pack(*numbers)
    except struct.error:  # a null among them: NaN, which no integer can be
        return pack(*[_NAN if number is None else number for number in numbers])


def _remember(chunk: bytes, times: array[int]) -> None:
    global _clock
    if times and times[0] > -_EXACT and times[-1] < _EXACT and len(times) <= _MOST_REMEMBERED:
        _clock = _Clock(chunk[: chunk.find(b",") + 1], times[:])


def _read_leniently(chunk: bytes, form: PointForm, scale: float) -> PointArrays:
    times, values = array("q"), array("d")
    text = chunk.decode("utf-8", "replace")
    untimed = 0
    try:
        rows = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        rows, untimed = _sound_rows(text)
    if not isinstance(rows, list):
        return PointArrays(times, values, 0 if rows is None else 1, True)
    for row in rows:
        when, what = _pair(row) if form is PointForm.PAIRS else _object(row)
        seconds = _seconds(when)
        if seconds is None:
            untimed += 1
        else:
            times.append(seconds)
            values.append(_number(what) * scale)
    return PointArrays(times, values, untimed, False)


def _sound_rows(text: str) -> tuple[list[Any], int]:
    """Of a list that is not JSON, the rows that are, and how many are not; the list itself counts as one."""
    found, garbled = [], 0
    for row in _ROW.findall(text):
        try:
            found.append(json.loads(row, parse_int=_integer))
        except (ValueError, RecursionError):
            garbled += 1
    return found, garbled or 1


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
