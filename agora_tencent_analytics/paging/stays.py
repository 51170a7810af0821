"""Packing sessions into requests, and the seconds that a packet of them needs.

Sessions that were there at the same time are packed together, so that a packet covers as little time, and
so costs as few windows, as possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import attrs

from agora_tencent_analytics.models.calls import Session
from agora_tencent_analytics.timerange import TimeRange

T = TypeVar("T")
SLACK_S = 30
"""Seconds asked for around each stay: the clocks that stamp stays and points are not the same."""


@attrs.frozen(kw_only=True)
class Packet:
    """What one request (and its windows and pages) asks about a call."""

    params: Mapping[str, Any]
    """The row's parameters."""
    sessions: Sequence[Session] | None = None
    """Whose stays have to be covered. None: the whole call."""


def in_order(sessions: Iterable[Session]) -> list[Session]:
    """Sessions by the moment of joining."""
    return sorted(sessions, key=lambda session: (session.join_ts, session.session_id))


def packed(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """Lists of at most `most` items, in order."""
    left = iter(items)
    while packet := list(islice(left, most)):
        yield packet


def stays(sessions: Sequence[Session], part: TimeRange) -> tuple[TimeRange, ...]:
    """The seconds of `part` in which these sessions may have points; an unfinished stay lasts to its end."""
    pieces = []
    for session in sessions:
        leave = max(session.join_ts, part.end) if session.leave_ts is None else session.leave_ts
        first = max(0, min(session.join_ts, leave) - SLACK_S)
        piece = TimeRange(first, max(session.join_ts, leave) + 1 + SLACK_S).overlap(part)
        if piece is not None:
            pieces.append(piece)
    return tuple(pieces)
