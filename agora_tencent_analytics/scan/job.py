"""`Job`: one provider's part of a scan, as those who work on it share it: what is asked for, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Any, TypeVar

import anyio

from agora_tencent_analytics.context import is_heard, tell
from agora_tencent_analytics.errors import (
    AnalyticsError,
    BadInput,
    BudgetSpent,
    CallNotFound,
    DailyQuotaExhausted,
    NotAsked,
    NotAuthenticated,
    NotOffered,
    NotPermitted,
    ProviderClosed,
    QuotaUnavailable,
    TransportError,
    WouldExceedQuota,
)
from agora_tencent_analytics.notices import CallDone, Progress
from agora_tencent_analytics.paging.certificate import Certificate, Clipped, UnreadableRow
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.batch_queue import BatchQueue
from agora_tencent_analytics.scan.memory_bound import MemoryBound
from agora_tencent_analytics.scan.options import RequestedIds, ScanOptions
from agora_tencent_analytics.scan.parts import Part, Parts
from agora_tencent_analytics.scan.records import CallRecord, Failure
from agora_tencent_analytics.scan.report import VendorReport, doubts_of
from agora_tencent_analytics.scan.work import PendingCall, Work

T = TypeVar("T")
Outcome = Part | Failure
"""What the consumer's end of a scan receives; a failure only if the scan is to raise it."""

UNREACHABLE = 48
"""After so many attempts in a row that reached nobody, a provider that has answered before is given up."""
_CLOSED_TO_US = (NotAuthenticated, NotPermitted, ProviderClosed)
_HOPELESS = (
    *(*_CLOSED_TO_US, NotOffered, DailyQuotaExhausted, BudgetSpent, QuotaUnavailable),
    WouldExceedQuota,  # the head of the queue has waited, or would wait, for longer than all that is asked here may
)
_OF_ONE_CALL = (BadInput, CallNotFound, UnreadableRow)
"""Errors that say nothing about the provider, even if they are its first answer. Those of an ask itself, which name its
counter, are about the credentials that it was given."""
_AFTER_MIDNIGHT_S = 2.0
_PROGRESS_S = 1.0


class Job:
    """What the lister and the workers of one provider share.

    Args:
        provider: whom to ask.
        name: its name in the report.
        options: what the scan was asked for.
        work: what is left to do of it.
        requested: calls asked for by id; of all providers, as the next two.
        memory: bounds the bytes in progress.
        outcomes: takes what the consumer receives.
    """

    def __init__(
        self,
        provider: Provider,
        name: str,
        options: ScanOptions,
        work: Work,
        *,
        requested: RequestedIds,
        memory: MemoryBound,
        outcomes: BatchQueue[Outcome],
    ) -> None:
        self.provider: Provider = _on_terms(provider, options)
        self.name: str = name
        self.options: ScanOptions = options
        self.work: Work = work
        self.requested: RequestedIds = requested
        self.memory: MemoryBound = memory
        self.report: VendorReport = VendorReport(over=work.over, already=work.already, cost=self.provider.receipt)
        self.report.doubt(work.doubts)
        self.report.hide(work.hidden)
        self.in_hand = 0
        """Calls being read."""
        self.answered: bool = False
        """True once the provider has given any answer."""
        self.ended_by: AnalyticsError | None = None
        """What is to be raised when all is read, where the scan stops at errors: it made the provider unreadable."""
        self._unheard_since = 0  # attempts that were made when the provider was last heard
        self._gone: AnalyticsError | None = None
        self._asking: set[asyncio.Task[Any]] = set()
        self._cut_short: set[asyncio.Task[Any]] = set()
        self._outcomes = outcomes
        self._loop = asyncio.get_running_loop()
        self._began = self._told_at = self._loop.time()

    @property
    def stopped(self) -> bool:
        """True once something hopeless has happened: nothing more is begun."""
        return bool(self.report.stopped)

    def is_hopeless(self, error: AnalyticsError) -> bool:
        """True if nothing else could be read either, or the scan stops because nothing was read before."""
        if not self.answered and (self.options.on_error == "stop" or isinstance(error, TransportError)):
            return bool(error.counter) or not isinstance(error, _OF_ONE_CALL)
        return isinstance(error, _HOPELESS) or self._unheard(error) >= UNREACHABLE

    def _unheard(self, error: AnalyticsError) -> int:
        """How many attempts in a row have reached nobody."""
        return self.report.cost.attempts - self._unheard_since if isinstance(error, TransportError) else 0

    async def next(self, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """What comes next, or None at the end; waits for midnight when the day is spent and the scan may wait."""
        # Not a cancel scope for each item, which costs a tenth of what it takes to read a small call.
        task = asyncio.current_task()
        assert task is not None
        while True:
            self._asking.add(task)
            try:
                item = await ask()
                if item is not None:
                    self.answered, self._unheard_since = True, self.report.cost.attempts
                return item
            except asyncio.CancelledError:
                ours = task in self._cut_short
                self._cut_short.discard(task)
                if not ours or task.uncancel():
                    raise  # somebody else's
                assert self._gone is not None
                raise copy(self._gone) from None
            except DailyQuotaExhausted as spent:
                until = self.provider._caller.until
                if not self.options.waiting or until is not None:
                    raise  # to wait for midnight, and be late
                self._asking.discard(task)
                await self._midnight(spent)
            finally:
                self._asking.discard(task)

    async def _midnight(self, spent: DailyQuotaExhausted) -> None:
        """Waits for a new day, or until the provider is closed: whoever asks then is told so."""
        connection = self.provider._caller.connection
        connection.waits(spent)
        try:
            await anyio.sleep(max(0.0, spent.resets_at - self.provider.now()) + _AFTER_MIDNIGHT_S)
        except asyncio.CancelledError:
            if not connection.woke(spent):
                raise  # somebody else's
        finally:
            connection.is_over(spent)

    async def hand_over(self, parts: Sequence[Part]) -> None:
        """Gives parts of calls to the consumer, and counts them."""
        report = self.report
        for part in parts:
            record = part.record
            report.calls += record.part == 0
            report.sessions += len(record.sessions)
            report.series += len(record.series)
            report.points += part.points
        self.progress()
        await self._outcomes.put(parts)

    async def hand_over_calls(self, pending: Sequence[PendingCall]) -> None:
        """Gives calls to the consumer as they were listed: of a scan that reads no more of them."""
        for one in pending if self.is_heard else ():
            self.done(Parts(self.name, one.call))
        await self.hand_over([Part(CallRecord(vendor=self.name, call=one.call, again=one.again)) for one in pending])

    def done(self, parts: Parts) -> None:
        """Tells of a call that was read, and how much of it there was."""
        done = CallDone(
            vendor=self.name,
            call_id=parts.call.call_id,
            sessions=parts.sessions,
            series=parts.series,
            points=parts.points,
            failures=parts.failed,
        )
        tell(self.provider.hooks, done)

    async def fail(self, failure: Failure) -> None:
        """Notes what could not be read, and tells the consumer if it wants to stop at that."""
        error = failure.error
        _forget_frames(error)
        self.report.fail(failure)
        if self.is_hopeless(error) and not self.stopped:
            lost = self._unheard(error)
            since = f" ({lost} attempts in a row reached nobody)" if lost >= UNREACHABLE else ""
            self.report.stopped = f"{failure.step} could not be read: {error}{since}"
            if isinstance(error, TransportError):
                self._gone = error
                self._cut_short = set(self._asking)
                for task in self._cut_short:  # nobody needs to wait for what will fail as well
                    task.cancel()
            if not self.answered or isinstance(error, _CLOSED_TO_US):
                self.ended_by = error
        if not isinstance(error, TransportError | NotAsked):
            self._unheard_since = self.report.cost.attempts  # it was heard, whatever it said
        if self.options.on_error == "raise":
            self.report.stopped = self.report.stopped or str(error)
            await self._outcomes.put([failure])

    def doubt(self, certificate: Certificate) -> None:
        """Notes what an unfinished walk has to say already."""
        self.note(doubts_of(certificate), self.work.gaps(certificate.clipped))

    def note(self, doubts: Sequence[str], hidden: Sequence[Clipped] = ()) -> None:
        """Notes what speaks against completeness, and what could not be asked, so that it outlives the scan."""
        if doubts or hidden:
            self.report.doubt(doubts)
            self.report.hide(hidden)
            self.work.remember(self.report.doubts, self.report.clipped)

    def progress(self, *, final: bool = False) -> None:
        """Tells how far the job has come, if the last time is a second ago."""
        now = self._loop.time()
        self.report.elapsed_s = now - self._began
        if final or now - self._told_at >= _PROGRESS_S:
            self._told_at = now
            told = Progress(
                vendor=self.name,
                calls=self.report.calls,
                requests=self.report.requests,
                failures=self.report.failures_by_kind.total(),
                in_hand=self.in_hand,
            )
            tell(self.provider.hooks, told)

    @property
    def is_heard(self) -> bool:
        """True if anybody listens to what is told of every call."""
        return is_heard(self.provider.hooks)


def _on_terms(provider: Provider, options: ScanOptions) -> Provider:
    """A view of the provider for one scan: the scan's options go before the provider's, those before defaults."""
    priority = options.priority or provider._caller.priority or "backfill"
    view = provider.with_options(priority=priority, budget=options.budget, hooks=options.hooks)
    view._caller.queues = True
    return view


def _forget_frames(error: BaseException | None) -> None:
    """Drops the tracebacks of a kept error: their frames would keep bodies and series in memory."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
