"""When the calls of a simulated vendor take place, and what they are called.

The timetable is kept in columns over the index of a call, so that twenty thousand calls need little memory and are
listed quickly. Who takes part is decided in `sessions.py`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Literal

import attrs

from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator.world.dice import Dice


@attrs.frozen(kw_only=True)
class Burst:
    """So many calls, or so many bad experiences, that begin within `[start, start + seconds)`."""

    count: int = attrs.field(validator=attrs.validators.ge(1))
    """How many, for each vendor."""
    start: int
    """First second, epoch seconds; inside the world."""
    seconds: int = attrs.field(default=HOUR, validator=attrs.validators.ge(1))
    """For how long; what would lie beyond the world happens in its last seconds."""


Vendor = Literal["agora", "tencent"]


class Kind(IntEnum):
    """What sort of call it is."""

    LONG = 0
    LONG_RUNNING = 1
    CROWD = 2
    GROUP = 3
    RUNNING = 4
    SHORT = 5
    SINGLE = 6
    SERIES = 7
    REJOIN = 8
    EDGE = 9
    ORDINARY = 10
    EXTENDED = 11


_CAST = (*list(Kind)[: Kind.SERIES], *[Kind.SERIES] * 3, Kind.REJOIN, Kind.EDGE)
"""The calls that every world of at least this many has, whatever its seed."""

_RUNNING = (Kind.LONG_RUNNING, Kind.RUNNING)


@attrs.frozen(kw_only=True)
class Call:
    """One call of a simulated vendor."""

    vendor: Vendor
    """Whose call it is."""
    index: int
    """Its number in the world, from 0."""
    call_id: str
    """The vendor's id: Agora's `call_id`, Tencent's `CommId`."""
    channel: str
    """Agora's `cname`, Tencent's `RoomString`."""
    created_ts: int
    """First second of the call, epoch seconds."""
    destroyed_ts: int
    """When it ended, epoch seconds; the end of the world while it is still running."""
    finished: bool
    """False while it is still running at the end of the world."""
    kind: Kind
    """What sort of call it is."""

    def overlaps(self, start: int, end: int) -> bool:
        """True if some of it lies in `[start, end)`, epoch seconds.

        Args:
            start: epoch seconds, included.
            end: epoch seconds, excluded.
        """
        return overlap(self.created_ts, self.destroyed_ts, start, end)


def overlap(first: int, last: int, start: int, end: int) -> bool:
    """True if a stay from `first` to `last` has a share in `[start, end)`; one of no length, if it is inside."""
    return first < end and (last > start or (first == last >= start))


class Timetable:
    """When each call of one vendor begins and ends, as columns."""

    __slots__ = ("_listed", "_order", "_starts", "created", "destroyed", "finished", "group", "kind")

    def __init__(
        self, seed: int, *, calls: int, start: int, end: int, call_seconds: int | None, burst: Burst | None = None
    ) -> None:
        self.created: array[int] = array("q")
        self.destroyed: array[int] = array("q")
        self.group: array[int] = array("q")
        """Calls with the same number use the same channel, one after the other."""
        self.finished: bytearray = bytearray()
        self.kind: bytearray = bytearray()
        for index in range(calls):
            self._place(index, Dice(seed, index), cast=calls >= len(_CAST), window=(start, end), fixed_s=call_seconds)
        if burst is not None:
            self._place_burst(seed, burst, end, call_seconds)
        self._order = array("q", sorted(range(len(self.created)), key=lambda index: (-self.created[index], index)))
        self._starts = array("q", (-self.created[index] for index in self._order))
        self._listed = lru_cache(maxsize=4)(self._list)

    def overlapping(self, start: int, end: int) -> Sequence[int]:
        """Indices of the calls with a share in `[start, end)`, the latest begun first."""
        return self._listed(start, end)

    def _list(self, start: int, end: int) -> Sequence[int]:
        created, destroyed = self.created, self.destroyed
        begun = self._order[bisect_left(self._starts, 1 - end) :]
        return array("q", (i for i in begun if destroyed[i] > start or (destroyed[i] == created[i] >= start)))

    def _place(self, index: int, dice: Dice, *, cast: bool, window: tuple[int, int], fixed_s: int | None) -> None:
        start, end = window
        room = end - start
        kind = _CAST[index] if cast and index < len(_CAST) else _any_kind(dice)
        seconds = max(1, min(_seconds(kind, dice, room) if fixed_s is None else fixed_s, room - 1))
        group = index
        if kind in _RUNNING:
            created = end - seconds
        elif kind is Kind.EDGE:
            created = (start + 6 * HOUR if room > 7 * HOUR else start + room // 2) - seconds // 2
        elif kind is Kind.SERIES and index == _CAST.index(Kind.SERIES):
            created = start + dice.below(max(1, room // 5))
        else:
            created = start + dice.below(room - seconds)
        follows = index > 0 and (
            (kind is Kind.SERIES and self.kind[index - 1] == Kind.SERIES)
            or (index % 10 == 3 and kind in (Kind.SHORT, Kind.ORDINARY) and index > len(_CAST))
        )
        if follows:
            pause_s = 1 + dice.below(max(1, min(60, room // 20)))
            after = self.destroyed[index - 1] + pause_s
            if self.finished[index - 1] and after + seconds < end:
                created, group = after, self.group[index - 1]
        self._append(created, seconds, group, kind)

    def _place_burst(self, seed: int, burst: Burst, end: int, fixed_s: int | None) -> None:
        first = len(self.created)
        for index in range(first, first + burst.count):
            dice = Dice(seed, index, 3)
            kind = Kind.SHORT if dice.below(2) else Kind.ORDINARY
            created = min(burst.start + dice.below(burst.seconds), end - 2)
            seconds = _seconds(kind, dice, 4 * HOUR) if fixed_s is None else fixed_s
            self._append(created, max(1, min(seconds, end - 1 - created)), index, kind)

    def _append(self, created: int, seconds: int, group: int, kind: Kind) -> None:
        self.created.append(created)
        self.destroyed.append(created + seconds)
        self.group.append(group)
        self.finished.append(kind not in _RUNNING)
        self.kind.append(kind)


def _any_kind(dice: Dice) -> Kind:
    throw = dice.below(20)
    if throw < 6:
        return Kind.SHORT
    if throw < 18:
        return Kind.ORDINARY
    return Kind.EXTENDED if throw == 18 else Kind.RUNNING


def _seconds(kind: Kind, dice: Dice, room: int) -> int:
    if kind is Kind.LONG:
        return min(room * 9 // 10, 7 * HOUR + dice.below(20 * MINUTE))
    if kind is Kind.LONG_RUNNING:
        return min(room * 58 // 100, 4 * HOUR + 30 * MINUTE + dice.below(10 * MINUTE))
    if kind is Kind.EXTENDED:
        return min(room // 3, HOUR + dice.below(80 * MINUTE))
    if kind is Kind.SHORT:
        return 10 + dice.below(81)
    wanted = {
        Kind.CROWD: 140 + dice.below(40),
        Kind.GROUP: 9 * MINUTE + dice.below(2 * MINUTE),
        Kind.SERIES: 5 * MINUTE + dice.below(10 * MINUTE),
        Kind.EDGE: 20 * MINUTE,
        Kind.RUNNING: 10 * MINUTE + dice.below(15 * MINUTE),
        Kind.REJOIN: 15 * MINUTE + dice.below(15 * MINUTE),
    }.get(kind, 5 * MINUTE + dice.below(35 * MINUTE))
    return min(wanted, room // 5)
