"""One provider's part of a scan: a lister, its workers, and what became of each call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from agora_tencent_analytics.errors import (
    AnalyticsError,
    DailyQuotaExhausted,
    IncompleteScan,
    NotAuthenticated,
    NothingToAsk,
    NotOffered,
    NotPermitted,
)
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.runtime.paginator import Batches, Paginator
from agora_tencent_analytics.scan.gauge import Gauge
from agora_tencent_analytics.scan.parts import Parts
from agora_tencent_analytics.scan.records import POINT_BYTES, CallRecord, Failure
from agora_tencent_analytics.scan.report import GIVEN_UP, VendorReport
from agora_tencent_analytics.scan.wanted import Sought, Step, Wanted
from agora_tencent_analytics.series import MetricSeries
from agora_tencent_analytics.timerange import TimeRange

__all__ = ["Lane"]

T = TypeVar("T")
_HOPELESS = (NotAuthenticated, NotPermitted, NotOffered, DailyQuotaExhausted)
_AFTER_MIDNIGHT_S = 2.0
_SERIES_A_TURN = 16
_MOST_FAILURES = 3
"""Windows of one call that are given up one by one before the call is."""


class Lane:
    """Reads one provider."""

    def __init__(
        self,
        provider: Provider,
        name: str,
        over: TimeRange,
        wanted: Wanted,
        sought: Sought,
        gauge: Gauge,
        send: MemoryObjectSendStream[CallRecord | IncompleteScan],
    ) -> None:
        self.report = VendorReport()
        self._provider = provider
        self._name = name
        self._over = over
        self._wanted = wanted
        self._sought = sought
        self._gauge = gauge
        self._send = send
        self._before = provider.receipt.copy()
        self._began = anyio.current_time()

    def check(self) -> None:
        """Raises what can be known before the first request: a question that is not offered, a bad argument."""
        self._calls()
        probe = Call(vendor=self._provider.name, call_id="-", channel="-", created_ts=self._over.start)
        if self._wanted.depth != "calls":
            self._provider.sessions(probe, users=self._wanted.users, over=self._over)
        if self._wanted.depth == "metrics":
            self._provider.metrics(probe, (), over=self._over)

    def close(self) -> None:
        """Gives up a lane that was never run."""
        self._send.close()

    def _calls(self) -> Paginator[Call]:
        return self._provider.calls(self._over, channel=self._wanted.channel)

    async def run(self) -> None:
        """Lists calls and has them read, to the end or until something hopeless happens."""
        with self._send:
            try:
                async with anyio.create_task_group() as group:
                    send, receive = anyio.create_memory_object_stream[Call](0)
                    with receive:
                        for _ in range(self._wanted.workers):
                            group.start_soon(self._work, receive.clone())
                    with send:
                        await self._list(send)
                self.report.finished = True
            finally:
                self._count_requests()

    def _count_requests(self) -> None:
        spent = self._provider.receipt.since(self._before)
        self.report.requests, self.report.retries = spent.requests, spent.retries
        self.report.limit_errors = spent.limit_errors
        self.report.elapsed_s = anyio.current_time() - self._began

    # -- listing ------------------------------------------------------------------------------------------------

    async def _list(self, send: MemoryObjectSendStream[Call]) -> None:
        missing = set(self._wanted.call_ids or ())
        listing = self._calls()
        pages = listing.pages()
        while not self._stopped():
            try:
                page = await self._patiently(pages)
            except NothingToAsk as nothing:
                self.report.hide(nothing.clipped)
                break
            except AnalyticsError as refused:
                window = None if isinstance(refused, _HOPELESS) else pages.skip(GIVEN_UP + str(refused))
                await self._fail(Failure(vendor=self._name, step="calls", over=window, error=refused))
                if window is None:
                    break
                continue
            if page is None:
                break
            for call in page.items:
                if self._wanted.call_ids is None or call.call_id in missing:
                    missing.discard(call.call_id)
                    self._sought.found(call.call_id)
                    await send.send(call)
                if self._stopped():
                    break
            if self._wanted.call_ids is not None and not missing:
                self._sought.listed(everything=True)
                return
        self.report.take(listing.certificate)
        nowhere = self._sought.listed(everything=listing.certificate.finished)
        if nowhere:
            error = NothingToAsk(f"no call {', '.join(nowhere)} is listed in {self._over}")
            await self._fail(Failure(vendor=self._name, step="calls", error=error))

    def _stopped(self) -> bool:
        return bool(self.report.stopped)

    async def _patiently(self, source: AsyncIterator[T]) -> T | None:
        """The next item, or None at the end; waits for midnight when the day is spent and the scan may wait."""
        while True:
            try:
                return await anext(source)
            except StopAsyncIteration:
                return None
            except DailyQuotaExhausted as spent:
                if not self._wanted.waiting:
                    raise
                await anyio.sleep(max(0.0, spent.resets_at - self._provider.now()) + _AFTER_MIDNIGHT_S)

    async def _fail(self, failure: Failure) -> None:
        _forget_frames(failure.error)
        self.report.failures.append(failure)
        if isinstance(failure.error, _HOPELESS) and not self.report.stopped:
            self.report.stopped = f"{failure.step} could not be read: {failure.error}"
        if self._wanted.raising:
            self.report.stopped = self.report.stopped or str(failure.error)
            self._count_requests()
            await self._send.send(IncompleteScan(f"the scan could not read everything: {failure}", failures=[failure]))

    # -- one call -----------------------------------------------------------------------------------------------

    async def _work(self, receive: MemoryObjectReceiveStream[Call]) -> None:
        worker = id(receive)
        with receive:
            async for call in receive:
                self._gauge.begin(worker)
                try:
                    await self._read(call, worker)
                finally:
                    self._gauge.end(worker)

    async def _read(self, call: Call, worker: int) -> None:
        parts = Parts(self._name, call, self._gauge, self._emit)
        if self._wanted.depth == "calls":
            await parts.finish()
            return
        if self.report.stopped:
            return  # listed before the stop, not begun: the report says that the scan stopped
        sessions = await self._sessions(call, parts)
        if self._wanted.depth == "metrics" and sessions:
            await self._metrics(call, sessions, parts, worker)
        if self._wanted.users is None or parts.found:
            await parts.finish()

    async def _emit(self, record: CallRecord) -> None:
        self.report.calls += record.part == 0
        self.report.sessions += len(record.sessions)
        self.report.series += len(record.series)
        self.report.points += record.points
        self.report.odd_values += sum(series.odd for series in record.series)
        self._count_requests()
        await self._send.send(record)

    async def _sessions(self, call: Call, parts: Parts) -> list[Session]:
        listing = self._provider.sessions(call, users=self._wanted.users, over=self._over)
        batches = listing.batches()
        found: list[Session] = []
        while (batch := await self._next(listing, batches, "sessions", call, parts)) is not None:
            if self._wanted.depth == "metrics":
                found.extend(batch)
            else:
                await parts.add(batch)
        return found

    async def _metrics(self, call: Call, sessions: list[Session], parts: Parts, worker: int) -> None:
        parts.expect(sessions)
        listing = self._provider.metrics(call, sessions, over=self._over)
        batches = listing.batches()
        await self._gauge.leave(worker)
        while (batch := await self._next(listing, batches, "metrics", call, parts)) is not None:
            kept = await self._read_columns(batch)
            del batch
            self._gauge.came(worker, sum(len(series) for series in kept) * POINT_BYTES)
            await parts.add((), kept)
            del kept
            await self._gauge.leave(worker)

    async def _read_columns(self, batch: Sequence[MetricSeries]) -> list[MetricSeries]:
        """The series that hold points, with their columns made, a few at a turn of the loop."""
        kept = []
        for number, series in enumerate(batch):
            if number % _SERIES_A_TURN == 0:
                await anyio.lowlevel.checkpoint()
            if len(series):
                kept.append(series)
            self.report.points_outside += series.outside
        return kept

    async def _next(
        self, listing: Paginator[T], batches: Batches[T], step: Step, call: Call, parts: Parts
    ) -> Sequence[T] | None:
        """The next batch about a call, or None when there is no more, or no more can be had."""
        while True:
            window = None
            try:
                batch = await self._patiently(batches)
            except NothingToAsk as nothing:
                self.report.hide(nothing.clipped)
                return None
            except AnalyticsError as error:
                if not isinstance(error, _HOPELESS) and parts.failed < _MOST_FAILURES:
                    window = batches.skip(GIVEN_UP + str(error))
                failure = Failure(vendor=self._name, step=step, call_id=call.call_id, over=window, error=error)
                parts.fail(failure)
                await self._fail(failure)
            else:
                if batch is None:
                    self.report.take(listing.certificate)
                return batch
            if window is None:
                self.report.take(listing.certificate)
                return None


def _forget_frames(error: BaseException | None) -> None:
    """Drops the tracebacks of a kept error: their frames would keep bodies and series in memory."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
