"""What users of a simulated vendor suffered: slow joins, frozen pictures, frozen sound, and what caused it.

Makes the bad experiences of one hour of a world. They are spread unevenly: some hours are quiet, a burst is crowded.
Each happens to a user during a stay; in an hour without calls there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator.world.calls import Burst, Call, Vendor
from agora_tencent_analytics.simulator.world.dice import Dice
from agora_tencent_analytics.simulator.world.sessions import Session

UNKNOWN_CAUSE = {"agora": 18, "tencent": 2_099}
"""An id of a cause that no table of the vendor's has; Agora's own example uses 18."""

_KINDS = {"agora": (4, 5, 6), "tencent": (1, 2, 3, 4, 5)}
_LOCAL = {"agora": (3, 8, 9, 10, 11, 23, 24, 29, 36, 37, 46, 47), "tencent": (2001, 2002, 2003, 2005, 2013, 2015, 2024)}
_REMOTE = {"agora": (12, 13, 16, 17, 21, 22, 42, 44), "tencent": (2003, 2004, 2007, 2010, 2011, 2012)}
_AFTERWARDS = (1001, 1005, 1013, 1015, 1016, 1019, 1020, 1030)  # known only once the room is dismissed
_MOST_CAUSES = 3
_QUIET_ONE_IN = 4
_TRIES = 8


class Stage(Protocol):
    """The world that users suffer in."""

    seed: int
    """Another seed, another world."""
    start: int
    """First second, epoch seconds."""
    end: int
    """First second after it, epoch seconds."""

    def call_at(self, vendor: Vendor, index: int) -> Call:
        """The call of that index, from 0."""
        ...

    def listing(self, vendor: Vendor, start: int, end: int) -> Sequence[int]:
        """Indices of the calls with a share in `[start, end)`."""
        ...

    def sessions(self, call: Call) -> tuple[Session, ...]:
        """All sessions of a call, those of servers included."""
        ...


@attrs.frozen(order=True)
class Cause:
    """One cause of a bad experience.

    Args:
        cause_id: the vendor's id: Agora's `factor_id`, Tencent's `AbnormalEventId`.
        peer_id: the remote user it came from, `""` for none.
    """

    cause_id: int
    peer_id: str


@attrs.frozen(kw_only=True, order=True)
class Experience:
    """One bad experience of one user."""

    instant: int
    """When it was reported, epoch seconds."""
    user_id: str
    """Who suffered it."""
    channel: str
    """In which channel or room."""
    kind_id: int
    """The vendor's id: Agora's `exp_id`, Tencent's `ExperienceId`."""
    causes: tuple[Cause, ...]
    """What may have caused it, at most three."""


def make_experiences(
    world: Stage, vendor: Vendor, hour: int, *, per_hour: int | None, burst: Burst | None
) -> tuple[Experience, ...]:
    """The experiences of one hour of a world, oldest first.

    Args:
        world: where they happen.
        vendor: whose users.
        hour: number of the hour, from 0 at the start of the world.
        per_hour: exactly that many, or None for an uneven number, often none.
        burst: more of them, or None.
    """
    first = world.start + hour * HOUR
    last = min(first + HOUR, world.end)
    dice = Dice(world.seed, len(vendor), hour, 61)
    quiet = dice.one_in(_QUIET_ONE_IN)
    usual = (0 if quiet else 4 + dice.below(40)) if per_hour is None else per_hour
    made = _suffered(world, vendor, dice, usual * (last - first) // HOUR, (first, last))
    if burst is not None:
        begins, ends = max(burst.start, first), min(burst.start + burst.seconds, last)
        if begins < ends:
            share = burst.count * (ends - burst.start) // burst.seconds
            before = burst.count * (begins - burst.start) // burst.seconds
            made |= _suffered(world, vendor, dice, share - before, (begins, ends))
    return tuple(sorted(made.values()))


def _suffered(
    world: Stage, vendor: Vendor, dice: Dice, count: int, window: tuple[int, int]
) -> dict[tuple[int, str, str, int], Experience]:
    """So many of them, no two of one kind by one user at one second, unless the window is too small for that."""
    made: dict[tuple[int, str, str, int], Experience] = {}
    listed = world.listing(vendor, *window)
    tries = _TRIES * count if len(listed) else 0
    while len(made) < count and tries:
        tries -= 1
        call = world.call_at(vendor, dice.pick(listed))
        there = [stay for stay in world.sessions(call) if stay.overlaps(*window) and not stay.server]
        if there:
            one = _experience(call, dice.pick(there), dice, window)
            made.setdefault((one.instant, one.channel, one.user_id, one.kind_id), one)
    return made


def _experience(call: Call, stay: Session, dice: Dice, window: tuple[int, int]) -> Experience:
    begins, ends = max(stay.join_ts, window[0]), min(stay.leave_ts, window[1])
    causes = (_cause(call, stay, dice) for _ in range(1 + dice.below(_MOST_CAUSES)))
    return Experience(
        instant=begins + dice.below(max(1, ends - begins)),
        user_id=stay.user_id,
        channel=call.channel,
        kind_id=dice.pick(_KINDS[call.vendor]),
        causes=tuple(causes),
    )


def _cause(call: Call, stay: Session, dice: Dice) -> Cause:
    if dice.one_in(25):
        return Cause(UNKNOWN_CAUSE[call.vendor], "")
    if call.vendor == "tencent" and call.finished and dice.one_in(4):
        return Cause(dice.pick(_AFTERWARDS), "")
    if stay.peers and dice.one_in(3):
        return Cause(dice.pick(_REMOTE[call.vendor]), dice.pick(stay.peers))
    return Cause(dice.pick(_LOCAL[call.vendor]), "")
