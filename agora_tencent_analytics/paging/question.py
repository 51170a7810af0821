"""`Question`: one thing to ask over some range; and how a range or a call becomes the questions of a walk.

Everything that can be wrong with a question is found when it is made, before any request. The range is
resolved when the walk begins, in the vendor's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from agora_tencent_analytics.context import listed
from agora_tencent_analytics.endpoint import Endpoint, check_params, whole_units
from agora_tencent_analytics.endpoint import page_size as rows_to_a_page
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.clip import cover
from agora_tencent_analytics.paging.cursor import fingerprint
from agora_tencent_analytics.paging.stays import (
    CallTrail,
    Packet,
    Trail,
    end_is_known,
    in_order,
    life_of,
    packed,
    stays,
    trail_of_stays,
)
from agora_tencent_analytics.timerange import Last, TimeRange

Over = TimeRange | Last
"""A range: fixed, or resolved in vendor time when the walk begins."""


class Question(msgspec.Struct, kw_only=True, frozen=True):
    """One thing to ask over some range; a walk asks one or several."""

    row: Endpoint[Any]
    limits: Limits
    over: tuple[TimeRange, ...]
    params: Mapping[str, Any]
    size: int
    trail: Trail | None = None
    """Leads on where the answers show that more is to be asked than `over`."""
    apart: bool = False
    """True if each piece of `over` is a window of its own."""
    wanted: Callable[[object], bool] | None = None
    """Tells what was asked for, where the vendor may show more: it takes no such sessions."""
    part: TimeRange | None = None
    """What was asked for, where the vendor may show more: it takes no range, none with an end, or one of whole days."""

    def windows(self, pieces: Sequence[TimeRange], *, fill_to: int = 0) -> list[TimeRange]:
        """The windows in which these pieces of its range are asked for, oldest first; `fill_to` as `cover` has it.

        Args:
            pieces: what is left of the range.
            fill_to: how far the last window may reach.
        """
        if self.apart or not self.row.bounds.start:
            return list(pieces)
        return cover(pieces, self.limits, bounds=self.row.bounds, fill_to=fill_to)

    def mark(self, identity: str) -> str:
        """What tells this question, asked about this app on this account, from another; its range apart.

        Args:
            identity: of the provider: vendor, app and account.
        """
        return fingerprint(f"{identity} {self.row.name}", self.params, self.size)


Questions = Callable[[float, float], Iterable[Question]]
"""The questions of a walk, when told the vendor's now and the later of it and this machine's (epoch seconds).

A range of the last hours ends at the one; what is still going on is asked about up to the other, so that no clock hides
the end of it in silence.
"""


def resolve(over: Over, now: float) -> TimeRange:
    """The range in vendor time.

    Args:
        over: a range, or the last hours.
        now: the vendor's now, epoch seconds.
    """
    return over.before(now) if isinstance(over, Last) else over


def over_range(
    row: Endpoint[Any],
    limits: Limits,
    over: Over,
    params: Sequence[Mapping[str, Any]],
    *,
    page_size: int | None = None,
    unlisted: bool = False,
) -> Questions:
    """Questions about one range that differ by their parameters, all checked at once by `check_params`.

    Args:
        row: the question.
        limits: its figures.
        over: the range.
        params: of each question.
        page_size: rows to a page.
        unlisted: True also sends values that are not listed.

    Raises:
        BadInput: the range, a parameter or the page size is wrong.
    """
    if not isinstance(over, TimeRange | Last):
        raise BadInput(f"a range must be TimeRange(start, end) or Last(hours=...), not {type(over).__name__}")
    checked = [check_params(row, given, unlisted=unlisted) for given in params]
    size = rows_to_a_page(row, limits, page_size)

    def questions(now: float, latest: float) -> Iterable[Question]:
        asked = resolve(over, now)
        pieces = (whole_units(row.bounds, asked),)
        part = None if row.bounds.end and pieces == (asked,) else asked
        return [Question(row=row, limits=limits, over=pieces, params=given, size=size, part=part) for given in checked]

    return questions


def reaches(item: Any, over: TimeRange) -> bool:
    """True if a record says that some of it is in the range, or does not say when it was."""
    start: int | None
    if isinstance(item, MetricSeries):
        return not item or bool(item.columns.slice(over.start, over.end))
    if isinstance(item, Call):
        start, end = item.created_ts, item.destroyed_ts
    elif isinstance(item, Session):
        start, end = item.join_ts, item.leave_ts
    else:
        start = end = getattr(item, "ts", None)
    return start is None or (start < over.end and (end is None or end >= over.start or end < start))


def points_in(part: TimeRange, series: MetricSeries) -> MetricSeries:
    """The series with its points in the range alone."""
    columns = series.columns.slice(part.start, part.end, counts=True)
    return series.of_session(series.session_id, series.user_id, columns, series.spare)


def theirs(sessions: Iterable[Session]) -> Callable[[Any], bool]:
    """Tells whether a series, or an event, is of one of these sessions: if it does not say, of one of their users.

    Args:
        sessions: of one call.
    """
    ids = {session.session_id for session in sessions}
    users = {session.user_id for session in sessions}

    def wanted(item: Any) -> bool:
        session_id = item.session_id if isinstance(item, MetricSeries) else ""
        return session_id in ids if session_id else item.user_id in users

    return wanted


def about_call(
    row: Endpoint[Any], limits: Limits, call: Call, over: TimeRange | None, packets: Sequence[Packet]
) -> Questions:
    """Questions about one call, one for each packet, each about as little of the call as its sessions need.

    Raises:
        BadInput: a parameter is wrong.
    """
    checked = [(check_params(row, packet.params), packet) for packet in packets]
    size = rows_to_a_page(row, limits, None)
    everyone = [session for packet in packets for session in packet.sessions or ()]

    def questions(now: float, latest: float) -> Iterable[Question]:
        here = int(latest)
        life = life_of(call, everyone, here)
        pieces: tuple[TimeRange, ...]
        trail: Trail | None
        start, until = life.start, here + 1
        since = start if call.created_ts <= 0 and (over is None or over.start < start) else 0
        if over is not None:
            start, until = max(over.start, start), min(over.end, until)
        part = None if row.bounds.end and row.bounds.exact else over
        for params, packet in checked:
            wanted = None if packet.sessions is None else theirs(packet.sessions)
            if not row.bounds.start:
                pieces, trail = (life,), None
            elif packet.sessions is not None:
                pieces = stays(packet.sessions, life, over)
                trail = trail_of_stays(call, packet.sessions, life, now=here, until=until)
            else:
                known = end_is_known(call, here)
                by_session = issubclass(row.model, Session)
                if not known and not by_session:  # nothing in the answers would tell when it ended
                    known, life = True, TimeRange(life.start, here + 1)
                end = min(life.end if known else start + 1, until)
                if start == life.start and end == life.end:
                    pieces, trail = (life,), None
                else:
                    pieces, trail = (TimeRange(start, end),) if start < end else (), None
                if by_session and (not known or end < until or since):  # else it lasts to the end of what is asked for
                    fill_to, everybody = 0 if known else until, not packet.some
                    said: dict[str, Any] = {"everybody": everybody, "since": since, "fill_to": fill_to, "known": known}
                    trail = CallTrail(call=call, now=here, until=until, **said)
            if pieces:
                facts: dict[str, Any] = {"trail": trail, "wanted": wanted, "part": part}
                yield Question(row=row, limits=limits, over=pieces, params=params, size=size, **facts)

    return questions


def users_of(users: Sequence[str] | None, most: int) -> list[list[str] | None]:
    """Users in packets of at most `most`, each user once; one packet of None for everybody.

    Args:
        users: the users; None for everybody.
        most: how many to a request.

    Raises:
        BadInput: no list of users.
    """
    if users is None:
        return [None]
    return list(packed(dict.fromkeys(listed("users", users, "user ids")), most))


def joined_before(over: TimeRange | None, sessions: Sequence[Session]) -> Sequence[Session]:
    """Those of the sessions that may have something in the range.

    A vendor whose ends are included lists sessions, and shows points, of the very second in which it ends.

    Args:
        over: the range; None: any.
        sessions: of one call.
    """
    return sessions if over is None else [one for one in sessions if one.join_ts != over.end]


def sessions_of(call: Call, sessions: Iterable[Session]) -> list[Session]:
    """The sessions in order of joining, each once, if all of them belong to the call.

    Raises:
        BadInput: something else is among them.
    """
    found = listed("sessions", sessions, "sessions")
    strange = [one for one in found if not isinstance(one, Session) or one.call_id != call.call_id]
    if strange:
        raise BadInput(
            f"among the sessions are some that do not belong to call {call.call_id} ({len(strange)} of {len(found)})"
        )
    return in_order({session.session_id: session for session in found}.values())
