"""Packing sessions into requests, and how long a call and its stays last.

Sessions that were there at the same time are packed together, so that a packet covers as little time, and
so costs as few windows, as possible.

What a row says of its end is evidence, not truth. A call lasts as long as its row and its sessions say together, and a
stay as long as its own row says. An end that cannot be (missing though it is over, zero, before the beginning) is
looked for in the answers: a `Trail` watches them, and leads the walk on, a window at a time, for as long as they show
that something goes on. Windows of such a question are as long as they may be, which costs nothing; so what came and
went within one second, as its row says, costs what it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from operator import attrgetter
from typing import Any, Protocol, TypeVar

import msgspec

from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.seen_ids import digest
from agora_tencent_analytics.timerange import TimeRange, merge
from agora_tencent_analytics.wire import Reply

T = TypeVar("T")
SLACK_S = 30
"""Seconds asked for around each stay: the clocks that stamp stays and points are not the same."""
_QUIET_S = 300
"""A stay whose points end this many seconds before the end of what was asked for is over: points come every few
seconds, of some metrics every minute."""
_AHEAD_S = 60
"""An end up to this many seconds after the vendor's now may be now: the vendor's clock is not known more exactly."""
_LONGEST_S = DAY
"""How much is asked for before the end of a call that cannot have begun when its row says, seconds."""
_MOST_NAMED = 3


class Packet(msgspec.Struct, kw_only=True, frozen=True):
    """What one request (and its windows and pages) asks about a call."""

    params: Mapping[str, Any]
    """The row's parameters."""
    sessions: Sequence[Session] | None = None
    """Whose stays have to be covered. None: the whole call."""
    some: bool = False
    """True if it asks for the sessions of some users only."""


class Trail(Protocol):
    """Watches the answers to a question for signs that more is to be asked than was known."""

    fill_to: int
    """Windows up to here are made as long as allowed, epoch seconds."""
    doubt: str
    """What may be missing where it leads no further, in words; `""`: nothing."""

    def saw(self, reply: Reply[Any], window: TimeRange) -> None:
        """Takes in an answer about this window."""

    def onward(self, reached: int) -> TimeRange | None:
        """What is still to be asked after everything before `reached` was; None: nothing."""

    def memory(self) -> str:
        """What it has taken in, as text without a name of anybody."""
        ...

    def recall(self, memory: str) -> None:
        """Takes in what another trail of this question had.

        Raises:
            msgspec.MsgspecError, BadInput: it cannot have been that.
        """


_JOINED = attrgetter("join_ts", "session_id")


def in_order(sessions: Iterable[Session]) -> list[Session]:
    """Sessions by the moment of joining."""
    return sorted(sessions, key=_JOINED)


def packed(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """Lists of at most `most` items, in order.

    Args:
        items: what is divided.
        most: how many to a packet.
    """
    left = iter(items)
    while packet := list(islice(left, most)):
        yield packet


def end_is_known(call: Call, now: int) -> bool:
    """False if the row of a finished call has no possible end; a running call ends now."""
    if call.destroyed_ts is None:
        return not call.finished
    return call.created_ts < call.destroyed_ts <= now + _AHEAD_S


def life_of(call: Call, sessions: Iterable[Session], now: int) -> TimeRange:
    """From the first second of a call to its last, by what its row and these of its sessions say together.

    One that began at 0 or before may be of any length: it is taken to have been a day long.

    Args:
        call: the call.
        sessions: one that outlasts the call makes its life longer.
        now: vendor epoch seconds; what ends later has no end that can be.
    """
    ends = [one.leave_ts for one in sessions if one.leave_ts is not None and one.leave_ts <= now + _AHEAD_S]
    if end_is_known(call, now):
        ends.append(now if call.destroyed_ts is None else call.destroyed_ts)
    begun = call.created_ts
    if begun <= 0:
        begun = max(0, max(ends, default=now) - _LONGEST_S)
    return TimeRange(begun, max([begun, *ends]) + 1)


def stays(sessions: Iterable[Session], life: TimeRange, part: TimeRange | None = None) -> tuple[TimeRange, ...]:
    """The seconds in which these sessions of a call may have points.

    Args:
        sessions: an unfinished one lasts to the end of the call; of one whose end cannot be, the beginning, or that of
            the part, where it may still have been.
        life: when the call was; nothing beyond it is asked for but what the stays themselves say.
        part: only what lies in it.
    """
    pieces = []
    for session in sessions:
        join = session.join_ts if 0 < session.join_ts < life.end else life.start
        said = life.end - 1 if session.leave_ts is None else session.leave_ts
        leave = said if join < said < life.end else max(join, part.start if part is not None else 0)
        start, end = max(join - SLACK_S, life.start), min(leave + 1 + SLACK_S, life.end)
        piece: TimeRange | None = TimeRange(min(join, start), max(leave + 1, end))
        if piece is not None and part is not None:
            piece = piece.overlap(part)
        if piece is not None:
            pieces.append(piece)
    return tuple(pieces)


class CallTrail(msgspec.Struct, kw_only=True):
    """Watches the sessions of a call: one that outlasts it, or has no end that can be, leads on.

    A call lasts from the first arrival to the last departure: where everybody has left, it is over.
    """

    call: Call
    now: int
    """Vendor epoch seconds."""
    until: int
    """Nothing is asked for from here on: the vendor's now, or the end of the caller's range."""
    everybody: bool
    """False if others than those asked for may keep the call going."""
    since: int = 0
    """First second asked for of a call that cannot have begun when its row says; 0: nothing before is left out."""
    fill_to: int = 0
    doubt: str = ""
    known: bool
    """True if the row of the call says when it ended."""
    _answers: int = 0
    _last: int = 0
    _endless: int = 0
    _endless_before: int = 0

    def saw(self, reply: Reply[Session], window: TimeRange) -> None:
        """See `Trail.saw`."""
        said: dict[str, int | None] = {}
        latest = self.now + _AHEAD_S
        for one in reply.items:  # of a stay that stands there twice, the row with an end
            if (leave := one.leave_ts) is not None:
                said[one.session_id] = leave if one.join_ts <= leave <= latest else None
            else:
                said.setdefault(one.session_id, None)
        ends = [leave for leave in said.values() if leave is not None]
        self._last = max([self._last, *ends])
        self._endless += len(said) - len(ends)
        self._answers += 1

    def onward(self, reached: int) -> TimeRange | None:
        """See `Trail.onward`."""
        # The vendor has forgotten the beginning of it, or nobody knows that.
        unheard = not self.known and not (self._last if self.call.created_ts <= 0 else self._answers)
        goes_on, self._endless_before = self._endless > self._endless_before, self._endless
        last = self.until - 1 if unheard or goes_on else min(self.until - 1, self._last)
        if reached <= last:
            return TimeRange(reached, last + 1)
        end_known = self.known or reached >= self.until
        self.doubt = "" if end_known and not self.since else "; ".join(self._doubts(end_known=end_known))
        return None

    def memory(self) -> str:
        """See `Trail.memory`."""
        return in_text((self._answers, self._last, self._endless, self._endless_before))

    def recall(self, memory: str) -> None:
        """See `Trail.recall`."""
        said = msgspec.json.decode(memory, type=tuple[int, int, int, int])
        self._answers, self._last, self._endless, self._endless_before = said

    def _doubts(self, *, end_known: bool) -> Iterator[str]:
        name, end, begun = self.call.call_id, self.call.destroyed_ts, self.call.created_ts
        if self.since:
            yield f"call {name} cannot have begun at {begun}; whatever of it was before {self.since} may be missing"
        at_once = end == begun > 0 and self._last <= begun
        if not (end_known or at_once or (self._last and not self._endless and self.everybody)):
            said = "has no end" if end is None else f"cannot have ended at {end}"
            yield f"call {name} {said}; whoever joined after those who were found left may be missing"


class StayTrail(msgspec.Struct, kw_only=True):
    """Watches the points, or events, of sessions whose rows have no end that can be: while they come, it leads on.

    A session that ended in the second in which it began is believed until something of it is seen after that.
    """

    sessions: Sequence[Session]
    until: int
    """Nothing is asked for from here on: the vendor's now, or the end of the caller's range."""
    ended: int | None
    """First second after the call, if its row says when that was."""
    fill_to: int
    doubt: str = ""
    _shown: dict[str, list[float]] = {}
    """The last moment of each session, or user, in each answer."""
    _asked: list[TimeRange] = []
    _gaps: set[int] = set()
    """First seconds of gaps that were led to."""

    def saw(self, reply: Reply[Any], window: TimeRange) -> None:
        """See `Trail.saw`."""
        self._asked.append(window)
        names = self._names()
        for item in reply.items:
            name = getattr(item, "session_id", "") or item.user_id
            if name in names and (at := _latest(item)) is not None:
                self._shown.setdefault(name, []).append(at)

    def onward(self, reached: int) -> TimeRange | None:
        """See `Trail.onward`."""
        # What lies between two windows was left out because nobody was known to be there.
        for before, after in pairwise(merge(self._asked)):
            if before.end not in self._gaps and self._shows_itself_until(before.end):
                self._gaps.add(before.end)
                return TimeRange(before.end, after.start)
        if reached >= self.until:
            return None
        if self._shows_itself_until(reached):
            return TimeRange(reached, self.until)
        open_ended = [one for one in self.sessions if self._is_open_ended(one, reached)]
        if open_ended and (self.ended is None or reached < self.ended):
            named = ", ".join(one.session_id for one in open_ended[:_MOST_NAMED])
            more = f" and {len(open_ended) - _MOST_NAMED} more" if len(open_ended) > _MOST_NAMED else ""
            call_id = open_ended[0].call_id
            self.doubt = (
                f"when session {named}{more} of call {call_id} ended is not known; it was followed as far as it "
                "showed itself"
            )
        return None

    def memory(self) -> str:
        """See `Trail.memory`."""
        call_id = self.sessions[0].call_id
        shown = {alias(call_id, name): moments for name, moments in self._shown.items()}
        return in_text((shown, bounds_of(merge(self._asked)), sorted(self._gaps)))

    def recall(self, memory: str) -> None:
        """See `Trail.recall`."""
        said = msgspec.json.decode(memory, type=tuple[dict[str, list[float]], list[tuple[int, int]], set[int]])
        shown, asked, self._gaps = said
        call_id = self.sessions[0].call_id
        self._shown = {name: had for name in self._names() if (had := shown.get(alias(call_id, name)))}
        self._asked = [TimeRange(*bounds) for bounds in asked]

    def _names(self) -> set[str]:
        return {name for one in self.sessions for name in (one.session_id, one.user_id)}

    def _is_open_ended(self, session: Session, until: int) -> bool:
        return session.leave_ts != session.join_ts or self._seen(session, until) > session.join_ts + SLACK_S

    def _shows_itself_until(self, second: int) -> bool:
        """True if a session was seen shortly enough before this second that it may have gone on."""
        return any(
            self._is_open_ended(one, second) and self._seen(one, second) >= second - _QUIET_S for one in self.sessions
        )

    def _seen(self, session: Session, until: int) -> float:
        """When it was last seen before `until`, epoch seconds; 0: never."""
        shown = (*self._shown.get(session.session_id, ()), *self._shown.get(session.user_id, ()))
        return max((at for at in shown if at < until), default=0)


def trail_of_stays(
    call: Call, sessions: Sequence[Session], life: TimeRange, *, now: int, until: int
) -> StayTrail | None:
    """A trail for those of the sessions that have no end after their beginning; None if all have one.

    Args:
        call: the call.
        sessions: of one packet.
        life: of the call.
        now: vendor epoch seconds.
        until: nothing is asked for from here on.
    """
    running = call.destroyed_ts is None and not call.finished
    open_ended = [
        one for one in sessions if not (running if one.leave_ts is None else one.join_ts < one.leave_ts < life.end)
    ]
    if not open_ended:
        return None
    ended = life.end if end_is_known(call, now) else None
    return StayTrail(sessions=open_ended, until=until, ended=ended, fill_to=min(until, ended or until))


def in_text(memory: Any) -> str:
    """What a trail has taken in, as JSON."""
    return msgspec.json.encode(memory).decode()


def bounds_of(ranges: Iterable[TimeRange]) -> list[tuple[int, int]]:
    """First second of each, and the first after it."""
    return [(one.start, one.end) for one in ranges]


def alias(call_id: str, name: str) -> str:
    """What stands for a session or a user of a call in text that may name nobody."""
    return digest(f"{call_id} {name}").hex()[:16]


def _latest(item: Any) -> float | None:
    """When the last point of a series was, or an event."""
    if isinstance(item, MetricSeries):
        return item.times[-1] if len(item) else None
    return float(item.ts)
