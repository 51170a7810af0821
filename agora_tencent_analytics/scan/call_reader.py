"""`CallReader`: reads one call to the depth wanted, and hands it over; a scan has several workers that do so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

from agora_tencent_analytics.errors import AnalyticsError, counted
from agora_tencent_analytics.models.calls import Session
from agora_tencent_analytics.models.columns import POINT_BYTES
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.certificate import Certificate, Clipped, NothingToAsk, UnreadableRow
from agora_tencent_analytics.paging.paginator import Batches, Paginator
from agora_tencent_analytics.paging.question import joined_before
from agora_tencent_analytics.scan.batch_queue import BatchQueue
from agora_tencent_analytics.scan.job import Job
from agora_tencent_analytics.scan.lister import as_many_as_asked
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.scan.parts import Part, Parts, Seen
from agora_tencent_analytics.scan.records import Failure
from agora_tencent_analytics.scan.report import GIVEN_UP, doubts_of
from agora_tencent_analytics.scan.whole_call import read_whole
from agora_tencent_analytics.scan.work import PendingCall
from agora_tencent_analytics.timerange import TimeRange

T = TypeVar("T")
_SERIES_A_TURN = 16
_MOST_FAILURES = 3
"""Windows of one call that are given up one by one before the call is."""


async def read_calls(job: Job, queue: BatchQueue[PendingCall]) -> None:
    """One worker: takes calls from the queue as long as there are any."""
    while (pending := await queue.take()) is not None:
        if not job.stopped:  # else it was listed before the stop, and is not begun: the report says so
            await CallReader(job, pending).run()


class CallReader:
    """Reads one call.

    Args:
        job: whose call.
        pending: the call.
    """

    def __init__(self, job: Job, pending: PendingCall) -> None:
        self._job = job
        self._call = pending.call
        self._sound = pending.sound
        self._memory = job.memory
        self._parts = Parts(job.name, pending.call, again=pending.again)

    async def run(self) -> None:
        """Reads the call, or as much of it as can be had."""
        job, parts = self._job, self._parts
        self._memory.begin(id(self))
        job.in_hand += 1
        try:
            if job.options.depth != "metrics":
                await self._sessions()
            elif sessions := await self._whole():
                await self._metrics(sessions)
            if not (parts.broken_off and job.work.kept):  # by something hopeless: the next scan begins it anew
                await self._hand_over(parts.finish())
        finally:
            self._memory.release(parts.size)
            job.in_hand -= 1
            self._memory.end(id(self))

    async def _hand_over(self, ready: Iterable[Part]) -> None:
        job, parts = self._job, self._parts
        for part in ready:
            if part.record.last:
                job.work.lacks(self._call, failed=bool(parts.failed), early=parts.early)
                if job.options.users is not None and not parts.found:
                    job.work.acknowledge(part.record)  # nobody asked for was there, and nobody is told of the call
                    return
                if job.is_heard:
                    job.done(parts)
            await job.hand_over([part])

    async def _sessions(self) -> list[Session]:
        job = self._job
        try:
            call = job.work.as_listed(self._call)
            listing = job.provider.sessions(call, users=job.options.users, over=job.work.within)
        except AnalyticsError as error:  # the vendor lists calls by ids that it cannot be asked with
            await self._fail(error, "sessions")
            return []
        batches = listing.batches()
        found: list[Session] = []
        while (batch := await self._next(listing, batches, "sessions")) is not None:
            if job.options.depth == "metrics":
                batch, strange = as_many_as_asked(listing, batch, job.provider.now())
                if strange is not None:
                    await self._fail(strange, "sessions")
                found.extend(batch)
            else:
                await self._hand_over(self._parts.add(batch))
        return found

    async def _whole(self) -> list[Session]:
        """Reads sessions and series together as far as that can be; the sessions whose series are still to be read."""
        job, call, parts = self._job, self._call, self._parts
        try:
            whole = await read_whole(job, id(self), call)
        except AnalyticsError as error:
            await self._fail(error, "sessions")
            return []
        if whole is None:
            return await self._sessions()
        sessions = whole.sessions
        if whole.everybody:
            await self._take(whole.certificate, "sessions")
        else:
            job.doubt(whole.certificate)
            listed = await self._sessions()
            users = {session.user_id for session in listed}
            sessions = [*listed, *(one for one in sessions if one.user_id not in users)]
        shown = [session for session in sessions if session.user_id in whole.users]
        asked = joined_before(job.work.within, shown)
        apart = job.provider.metrics(call, asked, over=job.work.within)
        series = whole.of(asked, apart, job.provider.now())
        if series is None:
            return sessions
        parts.expect(shown)
        kept, _ = await self._not_empty(series)
        await self._hand_over(parts.add((), kept))
        return [session for session in sessions if session.user_id not in whole.users]

    async def _metrics(self, sessions: list[Session]) -> None:
        self._parts.expect(sessions)
        try:
            work = self._job.work
            listing = self._job.provider.metrics(work.as_listed(self._call), sessions, over=work.within)
        except AnalyticsError as error:
            await self._fail(error, "metrics")
            return
        batches = listing.batches()
        await self._memory.leave(id(self))
        while (batch := await self._next(listing, batches, "metrics")) is not None:
            kept, size = await self._not_empty(batch)
            self._memory.came(id(self), size)
            await self._hand_over(self._parts.add((), kept))
            del batch, kept
            await self._memory.leave(id(self))

    async def _not_empty(self, batch: Sequence[MetricSeries]) -> tuple[list[Seen], int]:
        """The series that hold points, and the bytes of these, which are held from now on.

        Those of which that is not plain are decoded, a few at a turn of the loop.
        """
        looked_at, decoded, size = self._job.report._looked_at, 0, 0
        kept: list[Seen] = []
        astray: list[MetricSeries] = []
        contradicted: list[MetricSeries] = []
        for series in batch:
            if (seen := series.columns._watch(series.spare, looked_at)) is not None:
                kept.append((series, seen.rows, seen.size))
                size += seen.size
                continue
            decoded += 1
            if decoded % _SERIES_A_TURN == 0:  # not at the first: most calls have one or two that are empty
                await asyncio.sleep(0)  # what `anyio.lowlevel` does, which takes a millisecond to import
            points = len(series)
            looked_at(None, series.spare, points, series.odd if points else 0)
            if series.columns.contradicted:
                contradicted.append(series)
            if points:
                kept.append((series, points, points * POINT_BYTES))
                size += points * POINT_BYTES
            elif (series.odd or series.columns._astray) and not series.outside:
                astray.append(series)
        if contradicted:
            dropped = counted(sum(series.columns.contradicted for series in contradicted), "point")
            what = f"has {dropped} beside another value of the same second, which was kept; some are"
            self._doubt(what, contradicted[0])
        if astray:
            what = f"has points, but none of a second that was asked for, in {len(astray):,} series; one is"
            self._doubt(what, astray[0])
        self._memory.hold(size)
        return kept, size

    def _doubt(self, what: str, one: MetricSeries) -> None:
        self._job.note([f"call {one.call_id} {what} of {one.vendor_metric} of session {one.session_id}"])

    async def _next(self, listing: Paginator[T], batches: Batches[T], step: Depth) -> Sequence[T] | None:
        """The next batch about a call, or None when there is no more, or no more can be had."""
        job = self._job
        while True:
            window = None
            try:
                if (batch := await job.next(batches.next)) is not None:
                    return batch
            except NothingToAsk as nothing:
                self._hide(nothing.clipped)
                return None
            except AnalyticsError as error:
                if not job.is_hopeless(error) and self._parts.failed < _MOST_FAILURES:
                    window = batches.skip(GIVEN_UP + str(error))
                await self._fail(error, step, over=window)
            if window is None:
                await self._take(listing.verdict, step)
                return None

    async def _take(self, certificate: Certificate, step: Depth) -> None:
        self._job.report.count(certificate)
        self._hide(certificate.clipped, doubts_of(certificate))
        for lost in certificate.lost:
            await self._fail(lost, step, over=lost.over)

    def _hide(self, pieces: Sequence[Clipped], doubts: Sequence[str] = ()) -> None:
        self._parts.hide(pieces)
        self._job.note(doubts, self._job.work.gaps(pieces) if self._sound else pieces)

    async def _fail(self, error: AnalyticsError, step: Depth, *, over: TimeRange | None = None) -> None:
        job = self._job
        failure = Failure(vendor=job.name, step=step, call_id=self._call.call_id, over=over, error=error)
        self._parts.fail(failure, hopeless=job.is_hopeless(error))
        if not (isinstance(error, UnreadableRow) and job.work.was_told(error)):
            await job.fail(failure)
