"""`RoomUsage`: what one room used, read from the comma-separated text in which Tencent answers.

Which columns there are is decided by the header row and by nothing else: the
vendor's own example spells `hd` next to `SD`, and names stay as they came.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from agora_tencent_analytics.decoding.flaws import Flaws
from agora_tencent_analytics.timerange import TimeRange

_ROOM = "RoomId"


@attrs.frozen(kw_only=True)
class RoomUsage:
    """What one room used over a whole window, as a `DescribeTrtcRoomUsage` row says. Not fit for checking bills."""

    vendor: str
    """Whose room it is."""
    channel: str
    """Room id."""
    start: int
    """First second of the window that was asked for, epoch seconds."""
    end: int
    """First second after it."""
    seconds: Mapping[str, float]
    """Seconds by kind, under the vendor's own column names (`Audio`, `SD`, `hd`, `FullHD`, `2K`, `4K`)."""
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Cells that are not numbers, by column; cells beyond the header under `""`."""


def read_room_usage(text: Any, window: TimeRange, flaws: Flaws | None = None) -> list[RoomUsage]:
    """The rows of an answer, in its order; none for an empty text.

    Args:
        text: `Data` of the answer.
        window: what was asked for.
        flaws: is told which rows cannot be read.

    Raises:
        ValueError: it is not comma-separated text with a `RoomId` column.
        TypeError: it is not text.
    """
    if not text:
        return []
    if not isinstance(text, str):
        raise TypeError(f"the usage of rooms is a {type(text).__name__}, where text was expected")
    try:
        rows = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")) if row]
    except csv.Error as error:
        raise ValueError(f"the usage of rooms is not comma-separated text: {error}") from None
    if not rows:
        return []
    header = [name.strip() for name in rows[0]]
    if _ROOM not in header:
        raise ValueError(f"the usage of rooms has no column {_ROOM!r}: {', '.join(header)}")

    def read(rows: Sequence[list[str]]) -> list[RoomUsage]:
        return [_read(header, row, window) for row in rows]

    return (flaws or Flaws()).each(rows[1:], read, kinds=(list,))


def _read(header: list[str], row: list[str], window: TimeRange) -> RoomUsage:
    cells = dict(zip(header, row, strict=False))
    extra: dict[str, Any] = {"": tuple(row[len(header) :])} if len(row) > len(header) else {}
    channel = cells.pop(_ROOM, "")
    if not channel:
        raise ValueError(f"no {_ROOM}")
    seconds: dict[str, float] = {}
    for name, cell in cells.items():
        try:
            seconds[name] = float(cell)
        except ValueError:
            extra[name] = cell
    return RoomUsage(
        vendor="tencent", channel=channel, start=window.start, end=window.end, seconds=seconds, extra=extra
    )
