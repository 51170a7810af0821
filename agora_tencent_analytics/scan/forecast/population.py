"""The calls that a forecast rests on: known, stated, or seen through a probe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import attrs

from agora_tencent_analytics.errors import BadInput, counted
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.scan.forecast.requests import row_of
from agora_tencent_analytics.timerange import TimeRange

Known = Iterable[tuple[Call, Sequence[Session] | int]]
"""Calls, each with its sessions, or with their number: then all of them are taken to stay for the whole call."""
_ALIKE = 240
"""Calls that stand for any number of calls of stated length."""


@attrs.frozen(eq=False)
class Part:
    """A part of the listing, with some of its rows seen."""

    window: TimeRange
    shown: int = 0
    """Rows that were seen, calls that an older window lists as well among them."""
    unseen: int = 0
    """Rows that were not."""

    @property
    def weight(self) -> float:
        """How many rows one that was seen stands for: itself, and its part of those that were not."""
        return 1 + self.unseen / max(1, self.shown)


@attrs.frozen(kw_only=True, eq=False)
class ListedCall:
    """A call on the listing."""

    call: Call
    part: Part
    """Where on the listing it was seen."""
    sessions: tuple[Session, ...] | None = None
    """None: they were not read."""
    chosen: bool = False
    """True if its sessions were read because it is large."""
    times: int = 1
    """How many calls like it there are."""

    def inside(self, over: TimeRange) -> float:
        """How many of these calls lie in a range.

        Those of a part of which not every row was seen are taken to be evenly spread over its window: then it is a
        fraction, and nobody says of the call itself whether it is inside.
        """
        window, share = self.part.window, 1.0
        if self.part.unseen:
            common = window.overlap(over)
            share = common.seconds / window.seconds if common else 0.0
        return self.times * share if share < 1 or row_of(self.call).reaches(over) else 0.0


@attrs.frozen(kw_only=True)
class Population:
    """What is known of the calls in a range."""

    seen: Sequence[ListedCall]
    """Every call that was seen, once."""
    listed: Mapping[TimeRange, int] = attrs.field(factory=dict)
    """By window: how many rows the vendor's listing has."""
    basis: str
    """Where it comes from, in words."""
    probed: int = 0
    """Requests that were spent to find out."""

    @cached_property
    def guessing(self) -> bool:
        """True if something has to be concluded from the calls that were read to others."""
        return any(one.part.unseen or one.sessions is None for one in self.seen)

    @cached_property
    def typical(self) -> int:
        """Sessions of an ordinary call, at least 1."""
        read = [len(one.sessions) for one in self.seen if one.sessions is not None and not one.chosen]
        return max(1, round(sum(read) / len(read))) if read else 1


def attended(call: Call, sessions: int, users: Sequence[str] | None = None) -> tuple[Session, ...]:
    """So many sessions that last for the whole call, by these users in turn, or by as many."""
    return tuple(
        Session(
            vendor=call.vendor,
            call_id=call.call_id,
            session_id=f"session {number}",
            user_id=users[number % len(users)] if users else f"user {number}",
            join_ts=call.created_ts,
            leave_ts=call.destroyed_ts,
            finished=call.finished,
        )
        for number in range(sessions)
    )


def known_population(known: Known, vendor: str, over: TimeRange) -> Population:
    """The calls of one vendor among those that are known.

    Raises:
        BadInput: something else is among them.
    """
    seen, part = list[ListedCall](), Part(over)
    for entry in known:
        call, sessions = entry if isinstance(entry, tuple) and len(entry) == 2 else (None, ())
        if not isinstance(call, Call):
            raise BadInput(f"known= takes pairs of a Call and its sessions, or their number, not {entry!r}")
        if call.vendor == vendor:
            there = attended(call, sessions) if isinstance(sessions, int) else tuple(sessions)
            seen.append(ListedCall(call=call, part=part, sessions=there))
    return Population(seen=seen, basis=f"{len(seen)} known calls")


def stated_population(
    vendor: str, over: TimeRange, users: Sequence[str] | None, calls: int, sessions_per_call: int, minutes: float
) -> Population:
    """So many calls of one length, evenly spread over the range, with so many sessions of the users asked for."""
    few, length = min(calls, _ALIKE), max(1, min(round(minutes * 60), over.seconds))
    seen, part = list[ListedCall](), Part(over)
    for number in range(few):
        created = over.start + (over.seconds - length) * number // max(1, few - 1)
        call = Call(vendor=vendor, call_id=f"call {number}", created_ts=created, destroyed_ts=created + length - 1)
        sessions = attended(call, sessions_per_call, users)
        times = calls * (number + 1) // few - calls * number // few
        seen.append(ListedCall(call=call, part=part, sessions=sessions, times=times))
    words = f"stated: {counted(calls, 'call')} of {minutes:g} minutes with"
    return Population(seen=seen, basis=f"{words} {counted(sessions_per_call, 'session')} each")
