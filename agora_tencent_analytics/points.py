"""Points as both vendors spell them in JSON, read into two arrays.

Three ways lead through, each handing on what it refuses. *Flat*: with the brackets taken out, pairs are one
list of numbers, two objects a point; it insists on exactly two elements a row and on the very times of the
series read before, as the series of one session mostly share them. *Structs*: one small object a point, outside
the garbage collector's sight; it insists on integer times and on numbers or nulls. *Lenient*: looks at every
point and refuses none. All give the same arrays for what they can read; the tests hold them to it.

Holds no order and no clip: that is `columns.py`.
"""

from __future__ import annotations

import json
import math
import struct
from array import array
from collections.abc import Callable
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


class _Pair(msgspec.Struct, array_like=True, gc=False):
    time: int
    value: float | None = None


class _Object(msgspec.Struct, gc=False):
    time: int = msgspec.field(name="Time")
    value: float | None = msgspec.field(name="Value", default=None)


_flat_list = msgspec.json.Decoder(list[float | None]).decode
_structs: dict[PointForm, Callable[[bytes], list[Any] | None]] = {
    PointForm.PAIRS: msgspec.json.Decoder(list[_Pair] | None).decode,
    PointForm.OBJECTS: msgspec.json.Decoder(list[_Object] | None).decode,
}
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, struct.error, OverflowError)


class _Clock:
    """Times that were found to increase, by which other chunks with the same times are recognised."""

    __slots__ = ("doubles", "head", "integers", "skeleton")

    def __init__(self, head: bytes, integers: bytes) -> None:
        self.head = head  # the text up to the first comma: the cheapest hint that a chunk has these times
        self.integers = integers
        # Made when a second chunk begins alike: where every series has its own times they are never needed.
        self.skeleton = b""
        self.doubles = b""

    def suits(self, chunk: bytes) -> bool:
        """Whether the chunk begins with the first time and holds as many pairs and nothing else."""
        if not chunk.startswith(self.head) or not chunk.endswith(b"]"):
            return False
        if not self.doubles:
            times = array("q", self.integers)
            self.skeleton = b"[" + (b"[,]," * len(times))[:-1] + b"]"
            self.doubles = struct.pack(f"{len(times)}d", *times)
        # A row too long and a row too short would make up for each other in a count: compare the whole skeleton.
        return chunk.translate(None, _INSIDE) == self.skeleton


# Exchanged whole: threads may race for it without harm, and at worst read a chunk the slower way.
_clock = _Clock(b"none", b"")


def read_points(chunk: bytes, form: PointForm, scale: float) -> Points:
    """Every point of `chunk` whose time can be read; never raises.

    Args:
        chunk: JSON text of a list of points, or of null. What is neither counts as one unreadable point.
        form: how the points are spelt.
        scale: factor on every value.
    """
    try:
        points = _read_flat(chunk, scale) if form is PointForm.PAIRS else None
        return points or _read_structs(chunk, form, scale)
    except _REFUSED:
        return _read_leniently(chunk, form, scale)


def _read_flat(chunk: bytes, scale: float) -> Points | None:
    clock = _clock
    if not clock.suits(chunk):
        return None
    try:
        numbers = _flat_list(b"[" + chunk[1:-1].translate(_BLANK) + b"]")
    except _REFUSED:
        return None
    try:
        # struct packs a list into bytes in half the time that array() takes to walk it.
        packed = struct.pack(f"{len(numbers)}d", *numbers)
    except struct.error:  # a null among them
        packed = struct.pack(f"{len(numbers)}d", *[_NAN if number is None else number for number in numbers])
    both = array("d", packed)
    if both[::2].tobytes() != clock.doubles:
        return None
    values = both[1::2]
    if scale != 1.0:
        values = array("d", struct.pack(f"{len(values)}d", *[value * scale for value in values]))
    return Points(array("q", clock.integers), values, 0, True)


def _remember(chunk: bytes, times: list[int], integers: bytes) -> None:
    global _clock
    if chunk.startswith(b"[") and times[0] > -_EXACT and times[-1] < _EXACT and len(times) <= _MOST_REMEMBERED:
        _clock = _Clock(chunk[: chunk.find(b",") + 1], integers)


def _read_structs(chunk: bytes, form: PointForm, scale: float) -> Points:
    found = _structs[form](chunk)
    if not found:
        return Points(array("q"), array("d"), 0, True)
    times = [point.time for point in found]
    packed = struct.pack(f"{len(found)}q", *times)
    try:
        values = [point.value for point in found] if scale == 1.0 else [point.value * scale for point in found]
        columns = struct.pack(f"{len(found)}d", *values)
    except (TypeError, struct.error):  # a null among them
        values = [_NAN if point.value is None else point.value * scale for point in found]
        columns = struct.pack(f"{len(found)}d", *values)
    increasing = all(map(lt, times, islice(times, 1, None)))
    if increasing and form is PointForm.PAIRS:
        _remember(chunk, times, packed)
    return Points(array("q", packed), array("d", columns), 0, increasing)


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
