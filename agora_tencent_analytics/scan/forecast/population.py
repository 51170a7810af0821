"""The calls that a price is made for: known, stated, or seen through a probe.

Holds values and how stated numbers become calls. How they are asked for is `probe.py`, what they cost `cost.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.timerange import TimeRange

KnownCall = tuple[Call, Sequence[Session] | int]
Known = Iterable[KnownCall]
"""Calls, each with its sessions, or with their number: then all of them are taken to stay for the whole call."""
Only = Callable[[Call], bool]
"""Which of the calls listed are wanted."""
_ALIKE = 240
"""Calls that stand for any number of calls of stated length."""


@attrs.frozen(kw_only=True, eq=False)
class Seen:
    """A call on the listing."""

    call: Call
    sessions: tuple[Session, ...] | None = None
    """None: they were not read."""
    stratum: int = 0
    """The part of the listing that it was seen in."""
    chosen: bool = False
    """True if its sessions were read because it is large."""
    times: int = 1
    """How many calls like it there are."""


@attrs.frozen(kw_only=True)
class Stratum:
    """A part of the listing of one window, of which some rows were seen."""

    window: TimeRange
    shown: int
    """Rows that were seen, calls that an older window lists as well among them."""
    unseen: int
    """Rows that were not."""


@attrs.frozen(kw_only=True)
class Population:
    """What is known of the calls in a range."""

    seen: tuple[Seen, ...]
    """Every call that was seen, once."""
    strata: tuple[Stratum, ...] = ()
    """The parts of the listing that `Seen.stratum` counts; none where all calls are known."""
    listed: Mapping[TimeRange, int] = attrs.field(factory=dict)
    """By window: how many rows the vendor's listing has."""
    listing: bool = True
    """False if the calls were listed already, so that a scan lists nothing."""
    basis: str
    """Where it comes from, in words."""

    @property
    def guessing(self) -> bool:
        """True if something has to be concluded from the calls that were read to others."""
        return any(part.unseen for part in self.strata) or any(one.sessions is None for one in self.seen)

    @property
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


def known_population(known: Known, vendor: str) -> Population:
    """The calls of one vendor among those that are known.

    Raises:
        BadInput: something else is among them.
    """
    seen = []
    for entry in known:
        call, sessions = entry if isinstance(entry, tuple) and len(entry) == 2 else (None, ())
        if not isinstance(call, Call):
            raise BadInput(f"known= takes pairs of a Call and its sessions, or their number, not {entry!r}")
        if call.vendor == vendor:
            there = attended(call, sessions) if isinstance(sessions, int) else tuple(sessions)
            seen.append(Seen(call=call, sessions=there))
    return Population(seen=tuple(seen), basis=f"{len(seen)} known calls")


def stated_population(
    vendor: str,
    over: TimeRange,
    *,
    calls: int,
    sessions_per_call: int,
    minutes_per_call: float,
    users: Sequence[str] | None,
) -> Population:
    """So many calls of one length, evenly spread over a range, with so many sessions each, by these users if any."""
    few = min(calls, _ALIKE)
    length = max(1, min(round(minutes_per_call * 60), over.seconds))
    seen = []
    for number in range(few):
        created = over.start + (over.seconds - length) * number // max(1, few - 1)
        call = Call(
            vendor=vendor,
            call_id=f"call {number}",
            created_ts=created,
            destroyed_ts=created + length - 1,
        )
        times = calls * (number + 1) // few - calls * number // few
        seen.append(Seen(call=call, sessions=attended(call, sessions_per_call, users), times=times))
    words = f"stated: {calls:,} calls of {minutes_per_call:g} minutes with {sessions_per_call} sessions each"
    return Population(seen=tuple(seen), basis=words)
