"""A call as records: in one piece, or in parts if it is too large for one.

A part holds at most 100 sessions and is closed once it holds 32 MB of series. All series of a session are
in the part that has the session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.scan.gauge import Gauge
from agora_tencent_analytics.scan.records import POINT_BYTES, CallRecord, Failure
from agora_tencent_analytics.series import MetricSeries
from agora_tencent_analytics.stays import in_order, packed

__all__ = ["Parts"]

MOST_SESSIONS = 100
MOST_BYTES = 32 << 20


class Parts:
    """Gathers what is read about a call and emits it.

    Args:
        vendor: the provider's name in the report.
        call: the call.
        gauge: told of the bytes that are held here.
        emit: takes a finished record.
    """

    def __init__(self, vendor: str, call: Call, gauge: Gauge, emit: Callable[[CallRecord], Awaitable[None]]) -> None:
        self._vendor = vendor
        self._call = call
        self._gauge = gauge
        self._emit = emit
        self._part = 0
        self._bytes = 0
        self._sessions: list[Session] = []
        self._series: list[MetricSeries] = []
        self._failures: list[Failure] = []
        self._expected: dict[str, Session] = {}
        self.failed = 0
        """Windows that could not be read."""
        self.found = False
        """Whether anything is known of the call's sessions, a failure included."""

    def expect(self, sessions: Iterable[Session]) -> None:
        """Sessions whose series are to come; each goes into the part that its series go into."""
        self._expected = {session.session_id: session for session in in_order(sessions)}
        self.found = self.found or bool(self._expected)

    def fail(self, failure: Failure) -> None:
        """Something about the call could not be read."""
        self.failed += 1
        self.found = True
        self._failures.append(failure)

    async def add(self, sessions: Sequence[Session], series: Sequence[MetricSeries] = ()) -> None:
        """Takes in sessions, or all the series of some expected sessions."""
        owners = [
            self._expected.pop(name)
            for name in dict.fromkeys(one.session_id for one in series)
            if name in self._expected
        ]
        self.found = self.found or bool(sessions)
        size = sum(len(one) for one in series) * POINT_BYTES
        self._gauge.hold(size)
        self._bytes += size
        # Whether a part is the last is known only when more comes: so the gathered part goes out then.
        if self._bytes - size > MOST_BYTES:
            await self._flush(last=False, keep=size)
        await self._take((*sessions, *owners), keep=size)
        self._series.extend(series)

    async def finish(self) -> None:
        """Emits the last part, with the sessions that have no series."""
        for packet in packed(self._expected.values(), MOST_SESSIONS):
            await self._take(packet)
        await self._flush(last=True)

    async def _take(self, sessions: Sequence[Session], *, keep: int = 0) -> None:
        """Sessions that come together stay together, unless they are too many for one part by themselves."""
        if self._sessions and len(self._sessions) + len(sessions) > MOST_SESSIONS:
            await self._flush(last=False, keep=keep)
        for number, packet in enumerate(packed(sessions, MOST_SESSIONS)):
            if number:
                await self._flush(last=False, keep=keep)
            self._sessions.extend(packet)

    async def _flush(self, *, last: bool, keep: int = 0) -> None:
        record = CallRecord(
            vendor=self._vendor,
            call=self._call,
            sessions=tuple(in_order(self._sessions)),
            series=tuple(self._series),
            failures=tuple(self._failures),
            part=self._part,
            last=last,
        )
        self._part += 1
        self._bytes = keep
        self._sessions, self._series, self._failures = [], [], []
        await self._emit(record)
