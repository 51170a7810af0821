"""`Records`: what a scan yields, and the lifetime of a scan.

The scan owns its tasks; the iterator only receives. They run under one task of the scan's own, and not in a cancel
scope of whoever entered it: so a scan may be iterated inside a generator of the user's, left at any point and perhaps
closed by another task, and nobody else's task is touched. Each provider has one task that lists calls a page
at a time and a fixed number of workers that take them; the next page is asked for when the last of them is taken, so
nothing is listed that nobody can work on, and memory does not grow with the number of calls. Records go through a
bounded queue, bounded in bytes as well (`memory_bound.py`). At depth calls there is nothing to work on: what a page
lists goes to the consumer as it is. A ledger is opened, and its rows are weighed, in a thread: a million take seconds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Literal, Self

import anyio

from agora_tencent_analytics.errors import AnalyticsError, BadInput, BudgetSpent
from agora_tencent_analytics.http.connection import check_loop
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.quota.shield import uninterrupted
from agora_tencent_analytics.scan.batch_queue import BatchQueue
from agora_tencent_analytics.scan.job import Job, Outcome
from agora_tencent_analytics.scan.lane import asks, expires, read
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.memory_bound import MemoryBound
from agora_tencent_analytics.scan.options import RequestedIds, ScanOptions, Since, first_of
from agora_tencent_analytics.scan.parts import Part
from agora_tencent_analytics.scan.records import CallRecord, Failure
from agora_tencent_analytics.scan.report import Report
from agora_tencent_analytics.scan.work import Work
from agora_tencent_analytics.storage.sqlite import beside_the_loop
from agora_tencent_analytics.timerange import TimeRange

Acknowledge = Literal["next", "by hand"]
"""When a record counts as dealt with."""

BUFFERED_RECORDS = 64
"""Records that may wait for the consumer while others are read."""
HELD_BYTES = 64 << 20
"""Bytes of series in progress or waiting, above which only one worker goes on."""


class Records:
    """The records of a scan: an async context manager and an async iterator of `CallRecord`.

    Args:
        providers: whom to ask.
        over: the range.
        options: what is read of it, and how.
        ledger: remembers the scan.
        acknowledge: when a record counts as dealt with.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        over: Over | Since | None,
        options: ScanOptions,
        *,
        ledger: str | os.PathLike[str] | Ledger | None,
        acknowledge: Acknowledge,
    ) -> None:
        self._providers = providers
        self._over = over
        self._options = options
        self._ledger_given = ledger
        self._by_hand = acknowledge == "by hand"
        self._ledger: Ledger | None = None
        self._task: asyncio.Task[None] | None = None
        self._stack = ExitStack()
        self._entered = self._closed = False
        self._told = False  # what the tasks failed with, if they did
        self._memory = MemoryBound(HELD_BYTES)
        self._outcomes = BatchQueue[Outcome](BUFFERED_RECORDS)
        self._taken: Part | None = None
        self._report = Report()
        self._jobs: dict[str, Job] = {}

    @property
    def report(self) -> Report:
        """What was done so far; final once the iteration has ended."""
        return self._report

    @property
    def ranges(self) -> dict[str, TimeRange]:
        """The range read from each provider, in its vendor's time; with a ledger, all that it has read so far."""
        return {name: job.work.over for name, job in self._jobs.items()}

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a scan can be entered once; call scan() again")
        check_loop()
        self._entered = True
        try:
            await self._prepare()
            jobs = list(self._jobs.values())
            in_turn = self._options.budget is not None and len(jobs) > 1
            if in_turn:
                jobs.sort(key=expires)
        except BaseException:
            self._stack.close()
            self._entered = False
            raise
        reading = _read(jobs, in_turn=in_turn)
        self._task = asyncio.create_task(reading, name="agora_tencent_analytics scan")
        self._task.add_done_callback(lambda _: self._outcomes.close())
        return self

    async def _prepare(self) -> None:
        names = names_of(self._providers)
        for provider in self._providers:  # raises what can be known before a request
            list(asks(provider, self._options, self._range(provider)))
        if self._ledger_given is not None:
            given = self._ledger_given
            if isinstance(given, Ledger):
                ledger = given
            else:
                ledger = await beside_the_loop(lambda: self._stack.enter_context(Ledger(given)))
            apps = {f"app or account of {name}": one.identity for name, one in names.items()}
            span = "since" if isinstance(self._over, Since) else str(self._over)
            ledger.begin({**apps, **self._options.facts, "range": span})
            self._stack.callback(ledger.end)
            self._ledger = ledger
        requested = RequestedIds(self._options.call_ids, len(names))
        for name, provider in names.items():
            job = self._jobs[name] = Job(
                provider,
                name,
                self._options,
                await self._work_of(name, provider),
                requested=requested,
                memory=self._memory,
                outcomes=self._outcomes,
            )
            self._report.vendors[name] = job.report

    def _afresh(self, provider: Provider) -> Work:
        """What is to be read of a provider if nothing of it was read before."""
        listed = None if self._options.calls is None else self._options.listed(provider)
        return Work(first_of(self._over), provider.shared_quota.clock, listed)

    def _range(self, provider: Provider) -> TimeRange:
        return self._afresh(provider).over

    async def _work_of(self, name: str, provider: Provider) -> Work:
        if self._ledger is None or self._over is None:
            return self._afresh(provider)
        return await beside_the_loop(partial(self._ledger.work, name, provider, self._over))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._closed = True
        with self._stack:
            self._task.cancel()
            await uninterrupted(asyncio.wait([self._task]))
            failed = None if self._task.cancelled() else self._task.exception()
            # What the caller raised leaves as it came; what it was told already is not told again.
            if failed is not None and error is None and not self._told:
                try:
                    raise failed
                finally:
                    del failed  # else this frame and the error keep each other

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallRecord:
        if self._task is None or (self._closed and not self._report.finished):
            raise _outside()
        if self._report.finished:
            raise StopAsyncIteration
        if self._taken is not None:
            if self._ledger is not None and not self._by_hand:
                self.acknowledge(self._taken.record)
            self._memory.release(self._taken.size)
            self._taken = None
        outcome = await self._outcomes.take()
        if outcome is None:
            await asyncio.wait([self._task])
            if self._closed:  # by another task
                raise _outside()
            self._told = True
            self._task.result()
            for job in self._jobs.values():  # not before: who leaves with records still to come was told nothing
                if not job.stopped:
                    job.work.finish()
            self._report.finished = True
            raise self._end()
        if isinstance(outcome, Failure):
            for job in self._jobs.values():
                job.work.told(one.error for one in job.report.failures)
            raise self._report.incomplete(f"the scan could not read everything: {outcome}")
        self._taken = outcome
        return outcome.record

    def _end(self) -> Exception:
        """The end of the iteration: an ordinary one, or by what made providers unreadable."""
        answered = any(job.answered for job in self._jobs.values())
        first: AnalyticsError | None = None
        for name, job in self._jobs.items():
            error = job.ended_by
            # Running out of what the caller allowed is a failure only for a scan that could ask for nothing at all.
            if error is None or self._options.on_error != "stop" or (answered and isinstance(error, BudgetSpent)):
                continue
            if first is None:
                first = error
            else:
                first.add_note(f"{name} could not be read either: {type(error).__name__}: {error}")
        return first or StopAsyncIteration()

    def acknowledge(self, *records: CallRecord, bookmark: str | None = None) -> None:
        """Says that records are dealt with: no later scan on the ledger will ask for their calls again.

        Needed with `acknowledge="by hand"`, and before leaving a loop early; otherwise asking for the next record
        does it. Parts of a call before the last one settle nothing. Without a ledger it does nothing.

        However many there are, it is one transaction: all of the records and the bookmark are kept, or none.

        Args:
            records: records of this scan, from any of its providers.
            bookmark: the consumer's own place, kept together with the acknowledgement: see `Ledger.bookmark`.

        Raises:
            BadInput: one of them is not a record of this scan. Nothing is kept.
            LedgerUnusable: the ledger cannot be written, or is closed.
        """
        for record in records:
            if not isinstance(record, CallRecord) or record.vendor not in self._jobs:
                raise BadInput(f"acknowledge() takes records of this scan, not {record!r}")
        if self._ledger is not None:
            self._ledger.acknowledge([(self._jobs[record.vendor].work, record) for record in records], bookmark)


def _outside() -> RuntimeError:
    return RuntimeError("a scan is iterated inside its own block: async with scan(...) as records")


async def _read(jobs: Sequence[Job], *, in_turn: bool) -> None:
    """Reads the providers to their end, all at once or one after the other.

    Raises:
        BaseException: what one of them failed with, out of its groups if it is one thing.
    """
    try:
        if in_turn:
            for job in jobs:
                await read(job)
        else:
            async with anyio.create_task_group() as group:
                for job in jobs:
                    group.start_soon(read, job)
    except BaseExceptionGroup as failed:
        raise _only(failed) from None


def names_of(providers: Sequence[Provider]) -> dict[str, Provider]:
    """The providers by their names in the report; a second one of a vendor gets a number."""
    names: dict[str, Provider] = {}
    for provider in providers:
        number, name = 1, provider.name
        while name in names:
            number += 1
            name = f"{provider.name}-{number}"
        names[name] = provider
    return names


def _only(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """What failed, out of its groups if it is one thing, however many workers met it at once."""
    errors = list[BaseException](failed.exceptions)
    for error in errors:  # grows while it is gone through
        errors += error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    errors = [error for error in errors if not isinstance(error, BaseExceptionGroup)]
    return errors[0] if len({type(error) for error in errors}) == 1 else failed
