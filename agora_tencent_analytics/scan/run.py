"""`scan`: reads the calls of several providers at once, each to the depth asked for.

`async with` owns the tasks; the iterator only receives. Each provider has one task that lists calls into a
queue of length zero and a fixed number of workers that take calls from it, so nothing is listed that
nobody can work on, and memory does not grow with the number of calls. Records go through a bounded queue,
bounded in bytes as well (`gauge.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

import anyio
from anyio.abc import TaskGroup

from agora_tencent_analytics.errors import BadInput, IncompleteScan
from agora_tencent_analytics.provider import Over, Provider, resolve
from agora_tencent_analytics.scan.gauge import Gauge
from agora_tencent_analytics.scan.lane import Lane
from agora_tencent_analytics.scan.records import POINT_BYTES, CallRecord
from agora_tencent_analytics.scan.report import Report
from agora_tencent_analytics.scan.wanted import Sought, Wanted
from agora_tencent_analytics.timerange import Last, TimeRange

__all__ = ["Records", "scan"]

Depth = Literal["calls", "sessions", "metrics"]

WORKERS = 16
"""Calls of one provider that are read at the same time."""
BUFFERED_RECORDS = 64
"""Records that may wait for the consumer."""
HELD_BYTES = 64 << 20
"""Bytes of series in progress or waiting, above which only one worker goes on."""


def scan(
    *providers: Provider,
    over: Over,
    depth: Depth = "metrics",
    channel: str | None = None,
    call_ids: Sequence[str] | None = None,
    users: Sequence[str] | None = None,
    workers: int = WORKERS,
    on_error: Literal["report", "raise"] = "report",
    on_quota: Literal["stop", "wait"] = "stop",
) -> Records:
    """Reads every call of the range once, oldest window first, from all providers at the same time.

    Use it as `async with scan(...) as records: async for record in records`. Calls, sessions and points
    outside the range are not asked for: of a call that began before it, the part inside is read.

    Args:
        providers: whom to ask; at least one.
        over: the range, start included, end excluded; `Last` is resolved once, when the scan starts.
        depth: `"calls"`, `"sessions"` (of each call) or `"metrics"` (of each session).
        channel: only calls of this channel or room.
        call_ids: only these calls. The vendors cannot be asked for one call, so the listing is read until
            all of them are found.
        users: only sessions of these users; not at depth `"calls"`, where no session is read.
        workers: calls of one provider that are read at the same time.
        on_error: `"report"` keeps a failure as data and goes on; `"raise"` ends the iteration with
            `IncompleteScan` at the first one.
        on_quota: when the day's requests are spent, `"stop"` with what is read, or `"wait"` for midnight UTC.

    Raises:
        BadInput: an argument is wrong. Nothing was sent.
        NotOffered: a provider or its plan lacks what the depth needs. Nothing was sent.
    """
    if not providers or not all(isinstance(provider, Provider) for provider in providers):
        raise BadInput("scan() needs at least one provider")
    if len({id(provider) for provider in providers}) < len(providers):
        raise BadInput("scan() was given one provider twice")
    if not isinstance(over, TimeRange | Last):
        raise BadInput(f"over must be TimeRange(start, end) or Last(hours=...), not {type(over).__name__}")
    for name, value, allowed in (
        ("depth", depth, ("calls", "sessions", "metrics")),
        ("on_error", on_error, ("report", "raise")),
        ("on_quota", on_quota, ("stop", "wait")),
    ):
        if value not in allowed:
            raise BadInput(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise BadInput(f"workers must be a whole number from 1, not {workers!r}")
    for name, texts in (("call_ids", call_ids), ("users", users)):
        if texts is not None and (isinstance(texts, str) or not texts):
            raise BadInput(f"{name} must be a non-empty list of texts")
    if users is not None and depth == "calls":
        raise BadInput("a listing of calls does not tell their users; take depth='sessions' or 'metrics' with users")
    wanted = Wanted(
        depth=depth,
        channel=channel,
        call_ids=None if call_ids is None else frozenset(call_ids),
        users=None if users is None else tuple(users),
        workers=workers,
        raising=on_error == "raise",
        waiting=on_quota == "wait",
    )
    return Records(providers, over, wanted)


class Records:
    """The records of a scan: an async context manager and an async iterator of `CallRecord`."""

    def __init__(self, providers: Sequence[Provider], over: Over, wanted: Wanted) -> None:
        self._providers = providers
        self._over = over
        self._wanted = wanted
        self._group: TaskGroup | None = None
        self._closed = False
        self._gauge = Gauge(HELD_BYTES)
        self._consumed = 0
        self._report = Report()
        self._ranges: dict[str, TimeRange] = {}

    @property
    def report(self) -> Report:
        """What was done so far; final once the iteration has ended."""
        return self._report

    @property
    def ranges(self) -> dict[str, TimeRange]:
        """The range read from each provider, in its vendor's time."""
        return dict(self._ranges)

    async def __aenter__(self) -> Self:
        if self._group is not None:
            raise RuntimeError("a scan can be entered once; call scan() again")
        lanes = []
        sought = Sought(self._wanted.call_ids, len(self._providers))
        send, self._receive = anyio.create_memory_object_stream[CallRecord | IncompleteScan](BUFFERED_RECORDS)
        with send:
            for provider in self._providers:
                name = _name(provider, self._report)
                over = self._ranges[name] = resolve(self._over, provider.now())
                lane = Lane(provider, name, over, self._wanted, sought, self._gauge, send.clone())
                self._report.vendors[name] = lane.report
                lanes.append(lane)
            try:
                for lane in lanes:
                    lane.check()
            except BaseException:
                self._receive.close()
                for lane in lanes:
                    lane.close()
                raise
        self._group = group = anyio.create_task_group()
        await group.__aenter__()
        for lane in lanes:
            group.start_soon(lane.run)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._group is not None
        self._closed = True
        self._receive.close()
        self._group.cancel_scope.cancel()
        if error is not None and not isinstance(error, anyio.get_cancelled_exc_class()):
            # The caller's own exception leaves as it came, not in a group.
            with suppress(ExceptionGroup):
                await self._group.__aexit__(None, None, None)
            return False
        try:
            return await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as failed:
            raise _only(failed) from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> CallRecord:
        if self._group is None or (self._closed and not self._report.finished):
            raise RuntimeError("a scan is iterated inside its own block: async with scan(...) as records")
        if self._report.finished:
            raise StopAsyncIteration
        self._gauge.release(self._consumed)
        self._consumed = 0
        try:
            record = await self._receive.receive()
        except anyio.EndOfStream:
            self._report.finished = True
            raise StopAsyncIteration from None
        if isinstance(record, IncompleteScan):
            raise record from record.failures[0].error
        self._consumed = record.points * POINT_BYTES
        return record


def _name(provider: Provider, report: Report) -> str:
    """The provider's name in the report; a second provider of one vendor gets a number."""
    number, name = 1, provider.name
    while name in report.vendors:
        number += 1
        name = f"{provider.name}-{number}"
    return name


def _only(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """What failed, out of its groups if it is one thing."""
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
