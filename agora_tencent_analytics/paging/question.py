"""`Question`: one thing to ask over some range; and how a range or a call becomes the questions of a walk.

Everything that can be wrong with a question is found when it is made, before any request. The range is
resolved when the walk begins, in the vendor's time. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from agora_tencent_analytics.endpoint import Endpoint, check_params, whole_units
from agora_tencent_analytics.endpoint import page_size as rows_to_a_page
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.cursor import fingerprint
from agora_tencent_analytics.paging.stays import Packet, in_order, packed, stays
from agora_tencent_analytics.timerange import Last, TimeRange

Over = TimeRange | Last
"""A range: fixed, or resolved in vendor time when the walk begins."""


@attrs.frozen(kw_only=True)
class Question:
    """One thing to ask over some range; a walk asks one or several."""

    row: Endpoint[Any]
    limits: Limits
    over: tuple[TimeRange, ...]
    params: Mapping[str, Any]
    size: int

    def mark(self, app_id: Any) -> str:
        """What tells this question, asked about this app, from another; its range apart."""
        return fingerprint(f"{self.row.vendor} {app_id} {self.row.name}", self.params, self.size)


Questions = Callable[[float], Iterable[Question]]
"""The questions of a walk, when told the vendor's now (epoch seconds)."""


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

    Raises:
        BadInput: the range, a parameter or the page size is wrong.
    """
    if not isinstance(over, TimeRange | Last):
        raise BadInput(f"a range must be TimeRange(start, end) or Last(hours=...), not {type(over).__name__}")
    checked = [check_params(row, given, unlisted=unlisted) for given in params]
    size = rows_to_a_page(row, limits, page_size)

    def questions(now: float) -> Iterable[Question]:
        pieces = (whole_units(row.bounds, resolve(over, now)),)
        return [Question(row=row, limits=limits, over=pieces, params=given, size=size) for given in checked]

    return questions


def about_call(
    row: Endpoint[Any], limits: Limits, call: Call, over: TimeRange | None, packets: Sequence[Packet]
) -> Questions:
    """Questions about one call, one for each packet, each about as little of the call as its sessions need.

    Raises:
        BadInput: a parameter is wrong.
    """
    checked = [(check_params(row, packet.params), packet.sessions) for packet in packets]
    size = rows_to_a_page(row, limits, None)

    def questions(now: float) -> Iterable[Question]:
        end = int(now) if call.destroyed_ts is None else call.destroyed_ts
        life = TimeRange(call.created_ts, max(call.created_ts, end) + 1)
        part = life.overlap(over) if over is not None else life
        if part is None:
            return
        for params, sessions in checked:
            pieces = (part,) if sessions is None else stays(sessions, part)
            yield Question(row=row, limits=limits, over=pieces, params=params, size=size)

    return questions


def users_of(users: Sequence[str] | None, most: int) -> list[list[str] | None]:
    """Users in packets of at most `most`, each user once; one packet of None for everybody.

    Raises:
        BadInput: one text in the place of a list.
    """
    if users is None:
        return [None]
    if isinstance(users, str | bytes):
        raise BadInput(f"users must be a list of user ids, not {type(users).__name__}")
    return list(packed(dict.fromkeys(users), most))


def sessions_of(call: Call, sessions: Iterable[Session]) -> list[Session]:
    """The sessions in order of joining, each once, if all of them belong to the call.

    Raises:
        BadInput: something else is among them.
    """
    found = list(sessions)
    strange = [one for one in found if not isinstance(one, Session) or one.call_id != call.call_id]
    if strange:
        raise BadInput(f"{len(strange)} of the {len(found)} sessions are no Session of call {call.call_id}")
    return in_order({session.session_id: session for session in found}.values())
