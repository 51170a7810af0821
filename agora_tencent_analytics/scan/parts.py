"""A call as records: in one piece, or in parts if it is too large for one.

A part holds at most 100 sessions and at most 32 MB of series; only a single session larger than that makes a
part larger. All series of a session are in the part that has the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.certificate import Clipped
from agora_tencent_analytics.paging.stays import in_order
from agora_tencent_analytics.scan.memory_bound import MemoryBound
from agora_tencent_analytics.scan.records import CallRecord, Failure

MOST_SESSIONS = 100
MOST_BYTES = 32 << 20


class Parts:
    """Gathers what is read about a call and emits it.

    Args:
        vendor: the provider's name in the report.
        call: the call.
        memory: told of the bytes that are held here.
        emit: takes a finished record, and how many points it holds as far as is known.
        again: True if the records replace earlier ones.
    """

    def __init__(
        self,
        vendor: str,
        call: Call,
        memory: MemoryBound,
        emit: Callable[[CallRecord, int], Awaitable[None]],
        *,
        again: bool = False,
    ) -> None:
        self.call = call
        self._vendor = vendor
        self._again = again
        self._memory = memory
        self._emit = emit
        self._part = 0
        self._bytes = self._points = 0
        self._sessions: list[Session] = []
        self._series: list[MetricSeries] = []
        self._failures: list[Failure] = []
        self._expected: dict[str, Session] = {}
        self.failed: int = 0
        """Windows that could not be read."""
        self.found: bool = False
        """Whether anything is known of the call's sessions, a failure included."""
        self.broken_off: bool = False
        """Whether reading ended because nothing else could be read either."""
        self.early: bool = False
        """Whether the vendor's lag still hides some of the call."""
        self._forgotten: int | None = None
        self.sessions: int = 0
        """What the records so far hold; so the next two."""
        self.series: int = 0
        self.points: int = 0

    def expect(self, sessions: Iterable[Session]) -> None:
        """Sessions whose series are to come; each goes into the part that its series go into."""
        self._expected |= {session.session_id: session for session in in_order(sessions)}
        self.found = self.found or bool(self._expected)

    def fail(self, failure: Failure, *, hopeless: bool = False) -> None:
        """Something about the call could not be read."""
        self.failed += 1
        self.broken_off = self.broken_off or hopeless
        self.found = True
        self._failures.append(failure)

    def lose(self, failure: Failure) -> None:
        """A row about the call cannot be read: to read the call again would not help."""
        self.found = True
        self._failures.append(failure)

    def hide(self, pieces: Iterable[Clipped]) -> None:
        """Pieces of the call that could not be asked."""
        for piece in pieces:
            if piece.reason == "history":
                self._forgotten = max(piece.over.end, self._forgotten or piece.over.end)
            else:
                self.early = True

    def drop(self) -> None:
        """Gives up what is held; nothing more is emitted."""
        self._memory.release(self._bytes)
        self._bytes = 0

    async def add(self, sessions: Sequence[Session], series: Sequence[MetricSeries] = ()) -> None:
        """Takes in sessions, or all the series of some expected sessions."""
        self.found = self.found or bool(sessions)
        for session in sessions:
            await self._take(session)
        by_session: dict[str, list[MetricSeries]] = {}
        for one in series:
            by_session.setdefault(one.session_id, []).append(one)
        for name, own in by_session.items():
            await self._take(self._expected.pop(name, None), own)

    async def finish(self) -> None:
        """Emits the last part, with the sessions that have no series."""
        for session in self._expected.values():
            await self._take(session)
        await self._flush(last=True)

    async def _take(self, session: Session | None, series: Sequence[MetricSeries] = ()) -> None:
        seen = [found for one in series if (found := one.columns._glance())]
        size = sum([one.size for one in seen])
        self._memory.hold(size)
        # Whether a part is the last is known only when more comes: so a full part goes out then.
        crowded = session is not None and len(self._sessions) >= MOST_SESSIONS
        if crowded or (self._bytes and self._bytes + size > MOST_BYTES):
            await self._flush(last=False)
        if session is not None:
            self._sessions.append(session)
        self._series.extend(series)
        self._bytes += size
        self._points += sum([one.rows for one in seen])

    async def _flush(self, *, last: bool) -> None:
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
        self._memory.hand_over(record, self._bytes)
        points, self._bytes, self._points = self._points, 0, 0
        self._sessions, self._series, self._failures = [], [], []
        await self._emit(record, points)
