"""`Lane`: the tasks that read one provider: one that lists its calls, and a fixed number that read them, if need be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import msgspec

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.batch_queue import BatchQueue
from agora_tencent_analytics.scan.call_reader import CallReader
from agora_tencent_analytics.scan.job import Job, Outcome
from agora_tencent_analytics.scan.lister import Lister
from agora_tencent_analytics.scan.memory_bound import MemoryBound
from agora_tencent_analytics.scan.options import RequestedIds, ScanOptions
from agora_tencent_analytics.scan.report import VendorReport
from agora_tencent_analytics.scan.work import PendingCall, Work
from agora_tencent_analytics.timerange import TimeRange


def check(provider: Provider, options: ScanOptions, over: TimeRange) -> None:
    """Raises what can be known before the first request.

    Raises:
        NotOffered: the provider or its plan lacks what the depth needs.
        BadInput: an argument is wrong.
    """
    list(asks(provider, options, over))


def asks(provider: Provider, options: ScanOptions, over: TimeRange) -> Iterator[Paginator[Any]]:
    """The questions of a scan, with a placeholder call and session."""
    if options.calls is None:
        yield provider.calls(over, channel=options.channel)
    start = max(1, over.start)
    call = Call(vendor=provider.name, call_id="-", channel="-", created_ts=start, destroyed_ts=max(start, over.end))
    if options.depth != "calls":
        yield provider.sessions(call, users=options.users, over=over)
    if options.depth == "metrics":
        stay = Session(vendor=call.vendor, call_id=call.call_id, session_id="-", user_id="-", join_ts=start)
        yield provider.metrics(call, [stay], over=over)


class Lane:
    """Reads one provider.

    Args:
        provider: whom to ask.
        name: its name in the report.
        options: what the scan was asked for.
        work: what is left to do of it.
        requested: calls asked for by id.
        memory: bounds the bytes in progress.
        outcomes: takes what the consumer receives.
    """

    def __init__(
        self,
        provider: Provider,
        name: str,
        options: ScanOptions,
        work: Work,
        requested: RequestedIds,
        memory: MemoryBound,
        outcomes: BatchQueue[Outcome],
    ) -> None:
        self.job: Job = Job(_on_terms(provider, options), name, options, work, outcomes)
        self._requested = requested
        self._memory = memory

    @property
    def report(self) -> VendorReport:
        """The provider's report so far."""
        return self.job.report

    @property
    def expires(self) -> float:
        """When the vendor forgets the oldest second that is still to be listed, or else to be read, epoch seconds."""
        job = self.job
        oldest = min((span.over.start for span in job.work.pending_ranges()), default=job.work.over.start)
        asked = asks(job.provider, job.options, job.work.over)
        kept_s = [question.limits.history_s for ask in asked for question in ask.questions(job.provider.now())]
        return oldest + min(kept_s, default=0)

    async def run(self) -> None:
        """Lists calls and has them read, to the end or until something hopeless happens."""
        job, options = self.job, self.job.options
        try:
            if options.depth == "calls":
                lister = Lister(job, self._requested, job.hand_over_calls)
                await lister.run()
            else:
                queue = BatchQueue[PendingCall](0)
                lister = Lister(job, self._requested, queue.put)
                async with anyio.create_task_group() as group:
                    for _ in range(options.workers):
                        group.start_soon(CallReader(job, self._memory).run, queue)
                    await lister.run()
                    queue.close()
            lister.note_what_was_missed()
            job.report.finished = True
        finally:
            job.progress(final=True)


def _on_terms(provider: Provider, options: ScanOptions) -> Provider:
    """A view of the provider for one scan: the scan's options go before the provider's, those before defaults."""
    terms = provider._caller.terms
    priority = options.priority or terms.priority or "backfill"
    narrowed = terms.narrowed(0.0, priority=priority, budget=options.budget)
    return provider._view(msgspec.structs.replace(narrowed, queues=True), options.hooks)
