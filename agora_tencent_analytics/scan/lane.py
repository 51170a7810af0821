"""How one provider is read: by a task that lists its calls, and a fixed number that read them, if need be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio

from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.batch_queue import BatchQueue
from agora_tencent_analytics.scan.call_reader import read_calls
from agora_tencent_analytics.scan.job import Job
from agora_tencent_analytics.scan.lister import Lister
from agora_tencent_analytics.scan.options import ScanOptions
from agora_tencent_analytics.scan.work import PendingCall
from agora_tencent_analytics.timerange import TimeRange


def asks(provider: Provider, options: ScanOptions, over: TimeRange) -> Iterator[Paginator[Any]]:
    """The questions of a scan, with a placeholder call and session.

    Raises:
        NotOffered: the provider or its plan lacks what the depth needs.
        BadInput: an argument is wrong.
    """
    if options.calls is None:
        yield provider.calls(over, channel=options.channel)
    start = max(1, over.start)
    call = Call(vendor=provider.name, call_id="-", channel="-", created_ts=start, destroyed_ts=max(start, over.end))
    if options.depth != "calls":
        yield provider.sessions(call, users=options.users, over=over)
    if options.depth == "metrics":
        stay = Session(vendor=call.vendor, call_id=call.call_id, session_id="-", user_id="-", join_ts=start)
        yield provider.metrics(call, [stay], over=over)


def expires(job: Job) -> float:
    """When the vendor forgets the oldest second that is still to be listed, or else to be read, epoch seconds."""
    oldest = min((span.over.start for span in job.work.pending_ranges()), default=job.work.over.start)
    asked = asks(job.provider, job.options, job.work.over)
    kept_s = [question.limits.history_s for ask in asked for question in ask.questions(job.provider.now())]
    return oldest + min(kept_s, default=0)


async def read(job: Job) -> None:
    """Lists calls and has them read, to the end or until something hopeless happens."""
    try:
        if job.options.depth == "calls":
            lister = Lister(job, job.hand_over_calls)
            await lister.run()
        else:
            queue = BatchQueue[PendingCall](0)
            lister = Lister(job, queue.put)
            async with anyio.create_task_group() as group:
                for _ in range(job.options.workers):
                    group.start_soon(read_calls, job, queue)
                await lister.run()
                queue.close()
        lister.note_what_was_missed()
        job.report.finished = True
    finally:
        job.progress(final=True)
