"""`Lane`: the tasks that read one provider: one that lists its calls, and a fixed number that read them, if need be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import attrs

from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.batch_queue import BatchQueue
from agora_tencent_analytics.scan.call_reader import CallReader
from agora_tencent_analytics.scan.job import Job, Outcome
from agora_tencent_analytics.scan.lister import Lister
from agora_tencent_analytics.scan.memory_bound import Gauge
from agora_tencent_analytics.scan.options import Sought, Wanted
from agora_tencent_analytics.scan.report import VendorReport
from agora_tencent_analytics.scan.work import Owed, Work
from agora_tencent_analytics.timerange import TimeRange


def check(provider: Provider, wanted: Wanted, over: TimeRange) -> None:
    """Finds what can be known before the first request.

    Raises:
        NotOffered: the provider or its plan lacks what the depth needs.
        BadInput: an argument is wrong.
    """
    list(_asks(provider, wanted, over))


def _asks(provider: Provider, wanted: Wanted, over: TimeRange) -> Iterator[Paginator[Any]]:
    """The questions of a scan, with a placeholder call."""
    if wanted.calls is None:
        yield provider.calls(over, channel=wanted.channel)
    probe = Call(vendor=provider.name, call_id="-", channel="-", created_ts=max(1, over.start))
    if wanted.depth != "calls":
        yield provider.sessions(probe, users=wanted.users, over=over)
    if wanted.depth == "metrics":
        yield provider.metrics(probe, (), over=over)


class Lane:
    """Reads one provider.

    Args:
        provider: whom to ask.
        name: its name in the report.
        wanted: what the scan was asked for.
        work: what is left to do of it.
        sought: calls asked for by id.
        gauge: bounds the bytes in progress.
        outcomes: takes what the consumer receives.
    """

    def __init__(
        self,
        provider: Provider,
        name: str,
        wanted: Wanted,
        work: Work,
        sought: Sought,
        gauge: Gauge,
        outcomes: BatchQueue[Outcome],
    ) -> None:
        self.job: Job = Job(_on_terms(provider, wanted), name, wanted, work, outcomes)
        self._sought = sought
        self._gauge = gauge

    @property
    def report(self) -> VendorReport:
        """What became of it so far."""
        return self.job.report

    @property
    def expires(self) -> float:
        """When the oldest second still to be listed, or else to be read, is forgotten by the vendor, epoch seconds."""
        job = self.job
        oldest = min((stretch.over.start for stretch in job.work.stretches()), default=job.work.over.start)
        asks = _asks(job.provider, job.wanted, job.work.over)
        asked = [question for ask in asks for question in ask.questions(job.provider.now())]
        return oldest + min((question.limits.history_s for question in asked), default=0)

    async def run(self) -> None:
        """Lists calls and has them read, to the end or until something hopeless happens."""
        job, wanted = self.job, self.job.wanted
        try:
            if wanted.depth == "calls":
                lister = Lister(job, self._sought, job.hand_over_calls)
                await lister.run()
            else:
                queue = BatchQueue[Owed](0)
                lister = Lister(job, self._sought, queue.put)
                async with anyio.create_task_group() as group:
                    for _ in range(wanted.workers):
                        group.start_soon(CallReader(job, self._gauge).run, queue)
                    await lister.run()
                    queue.close()
            lister.note_what_was_missed()
            if not job.stopped:
                job.work.finish()
            job.report.finished = True
        finally:
            job.progress(final=True)


def _on_terms(provider: Provider, wanted: Wanted) -> Provider:
    """A view of the provider for one scan: what the scan was told beats what the provider was, and that the default."""
    terms = provider._caller.terms
    priority = wanted.priority or terms.priority or "backfill"
    narrowed = terms.narrowed(0.0, priority=priority, budget=wanted.budget)
    return provider._view(attrs.evolve(narrowed, queues=True), wanted.hooks)
