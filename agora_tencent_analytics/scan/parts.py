"""A call as records: in one piece, or in parts if it is too large for one.

A part holds at most 100 sessions and at most 32 MB of series; only a single session larger than that makes a
part larger. All series of a session are in the part that has the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat

import msgspec

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.certificate import Clipped, UnreadableRow
from agora_tencent_analytics.paging.stays import in_order
from agora_tencent_analytics.scan.records import CallRecord, Failure

MOST_SESSIONS = 100
MOST_BYTES = 32 << 20
Seen = tuple[MetricSeries, int, int]
"""A series, how many points it holds as far as is known, and their bytes."""


class Part(msgspec.Struct, frozen=True):
    """A record on its way to the consumer."""

    record: CallRecord
    points: int = 0
    """How many it holds, as far as is known."""
    size: int = 0
    """Bytes of these; they are held until the consumer has dealt with it."""


class Parts:
    """Gathers what is read about a call, and gives what is ready of it.

    Args:
        vendor: the provider's name in the report.
        call: the call.
        again: True if the records replace earlier ones.
    """

    size: int = 0
    """Bytes of points that no part holds yet."""
    failed: int = 0
    """Windows that could not be read."""
    found: bool = False
    """Whether anything is known of the call's sessions, a failure included."""
    broken_off: bool = False
    """Whether reading ended because nothing else could be read either."""
    early: bool = False
    """Whether the vendor's lag still hides some of the call."""
    sessions: int = 0
    """What the records so far hold; so the next two."""
    series: int = 0
    points: int = 0
    _forgotten: int | None = None
    _part = _points = 0

    def __init__(self, vendor: str, call: Call, *, again: bool = False) -> None:
        self.call = call
        self._vendor = vendor
        self._again = again
        self._sessions: list[Session] = []
        self._series: list[MetricSeries] = []
        self._failures: list[Failure] = []
        self._expected: dict[str, Session] = {}

    def expect(self, sessions: Iterable[Session]) -> None:
        """Sessions whose series are to come; each goes into the part that its series go into."""
        self._expected |= {session.session_id: session for session in sessions}
        self.found = self.found or bool(self._expected)

    def fail(self, failure: Failure, *, hopeless: bool = False) -> None:
        """Something about the call could not be read; if that is a row, to read the call again would not help."""
        self.failed += not isinstance(failure.error, UnreadableRow)
        self.broken_off = self.broken_off or hopeless
        self.found = True
        self._failures.append(failure)

    def hide(self, pieces: Iterable[Clipped]) -> None:
        """Pieces of the call that could not be asked."""
        for piece in pieces:
            if piece.reason == "history":
                self._forgotten = max(piece.over.end, self._forgotten or piece.over.end)
            else:
                self.early = True

    def add(self, sessions: Sequence[Session], series: Iterable[Seen] = ()) -> Iterator[Part]:
        """Takes in sessions, or all the series of some expected sessions; the parts that are full."""
        self.found = self.found or bool(sessions)
        by_session: dict[str, list[Seen]] = {}
        for one in series:
            by_session.setdefault(one[0].session_id, []).append(one)
        with_series = zip(map(self._expected.pop, by_session, repeat(None)), by_session.values(), strict=True)
        for session, own in chain(zip(sessions, repeat(())), with_series):
            points = size = 0
            for _, rows, held in own:
                points += rows
                size += held
            # Whether a part is the last is known only when more comes: so a full part goes out then.
            crowded = session is not None and len(self._sessions) >= MOST_SESSIONS
            if crowded or (self.size and self.size + size > MOST_BYTES):
                yield self._ready(last=False)
            if session is not None:
                self._sessions.append(session)
            if own:
                self._series += [one for one, _, _ in own]
                self._points += points
                self.size += size

    def finish(self) -> Iterator[Part]:
        """The last part, with the sessions that have no series."""
        if self._expected:
            yield from self.add(in_order(self._expected.values()))
        yield self._ready(last=True)

    def _ready(self, *, last: bool) -> Part:
        record = CallRecord(
            vendor=self._vendor,
            call=self.call,
            sessions=tuple(in_order(self._sessions)),
            series=tuple(self._series),
            failures=tuple(self._failures),
            part=self._part,
            last=last,
            again=self._again,
            replaces_from_ts=self._forgotten if self._again else None,
        )
        self._part += 1
        self.sessions += len(record.sessions)
        self.series += len(record.series)
        self.points += self._points
        ready = Part(record, self._points, self.size)
        self._points = self.size = 0
        self._sessions, self._series, self._failures = [], [], []
        return ready
