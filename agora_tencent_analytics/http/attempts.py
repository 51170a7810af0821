"""`Attempts`: one ask, from a row of the table to a decoded answer.

The life of one ask: row, window and page become a `Request` (pure); the quota grants a slot; the request
is authenticated (pure, the vendor's now given, anew for each attempt); the transport sends it; the answer
is judged from its HTTP status and its body together, and decoded (both pure). A failure becomes a verdict:
ask again after a pause, hold the bucket, mark the day as spent, or raise. Each attempt takes a slot of its
own, and whatever happens to it, the slot is given back by the rules of the quota. All of it happens on the terms
in force (`context.py`), and is entered in the books of the ask (`recorder.py`).

**Keys.** They are called for before the slot is waited for (`credentials.py`). What the callable raises passes as it
is, and costs nothing. A token that the vendor calls expired is worth one more attempt, if the callable gives another.

**Hosts.** A failure on the way sends the next attempt to the next host, signed for it and counted on the same quota;
an answer never does, whatever it says (`hosts.py`).

Holds the state of one ask and no more. Which window and which page come next is not decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import attrs

from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import (
    AnalyticsError,
    BudgetSpent,
    DailyQuotaExhausted,
    NotAuthenticated,
    RateLimited,
    TransportError,
    WouldExceedQuota,
)
from agora_tencent_analytics.http.credentials import Keys
from agora_tencent_analytics.http.deadline import Patience
from agora_tencent_analytics.http.hosts import Hosts
from agora_tencent_analytics.http.long_wait import Alarm
from agora_tencent_analytics.http.recorder import Books
from agora_tencent_analytics.http.retry import Retry
from agora_tencent_analytics.http.transport import Timeouts, Transport, check_open
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.vendor import Asked, Reply, Vendor, decoded, unreadable

_MOST_DAYS_SPENT = 3
"""Refusals for the day in one ask: two can come around midnight, a third means that marking the day is no use."""
_CLOCK_MOVED_S = 60.0
"""Less than this does not make a signature good that was refused."""


@attrs.define(kw_only=True, repr=False)
class Attempts:
    """One question on its way to an answer."""

    vendor: Vendor
    hosts: Hosts
    credentials: Callable[[], Awaitable[Any]]
    quota: Quota
    transport: Transport
    retry: Retry
    chance: Callable[[], float]
    row: Endpoint[Any]
    limits: Limits
    wire: Mapping[str, Any]
    """The question as the vendor spells it."""
    asked: Asked
    books: Books
    patience: Patience
    _alarm: Alarm = attrs.field(
        init=False, default=attrs.Factory(lambda self: Alarm(self.books.long_wait), takes_self=True)
    )
    _failures: list[AnalyticsError] = attrs.field(factory=list, init=False)
    _days_spent: int = attrs.field(default=0, init=False)
    _nothing: tuple[Reply[Any], bytes] | None = attrs.field(default=None, init=False)
    """An answer with rows of which none could be read: a slip of the moment perhaps, else it stands."""
    _host: str = attrs.field(default="", init=False)
    _signed_at_offset: float = attrs.field(default=0.0, init=False)
    _keys: Keys = attrs.field(
        init=False, default=attrs.Factory(lambda self: Keys(self.credentials, self.patience), takes_self=True)
    )

    async def answer(self) -> tuple[Reply[Any], bytes]:
        """Attempt after attempt, until one succeeds or nothing is left to try."""
        try:
            return await self._answer()
        except AnalyticsError as failure:
            if isinstance(failure, DailyQuotaExhausted):
                self.books.day_spent(failure)
            if self._nothing is not None:
                return self._nothing
            if isinstance(failure, BudgetSpent | DailyQuotaExhausted):
                # What the vendor said, if it did: its message and request id.
                raise failure from (self._failures[-1] if self._failures else None)
            raise
        finally:
            # A kept failure holds the frames it passed, and they this object: a circle that only the collector breaks.
            self._failures.clear()

    async def _answer(self) -> tuple[Reply[Any], bytes]:
        failures, books = self._failures, self.books
        check_open(self.transport)
        await self._keys.fetch(self._late)
        while True:
            sent = books.requests
            try:
                with books.paid():
                    return await self._attempt()
            except (BudgetSpent, DailyQuotaExhausted):
                raise
            except WouldExceedQuota:
                # With a failure in hand, the deadline ran out over it: the failure says more.
                if failures and self.patience.max_wait is None:
                    raise failures[-1] from None
                raise
            except AnalyticsError as failure:
                failures.append(failure)
                pause = self._pause()
                # What fails before anything was sent is no failure of the vendor's.
                if pause is None or books.requests == sent or not self.patience.allows(pause):
                    raise
            await self._prepare(pause)

    def _pause(self) -> float | None:
        """Seconds before the last failure is worth another attempt; None if it is final."""
        failure = self._failures[-1]
        if isinstance(failure, RateLimited) and failure.per == "day" and self.limits.rates:
            # The day is marked: the quota now says until when, or that midnight has passed meanwhile.
            self._days_spent += 1
            return 0.0 if self._days_spent < _MOST_DAYS_SPENT else None
        moved = abs(self.quota.clock.offset - self._signed_at_offset) > _CLOCK_MOVED_S
        return self.retry.delay(self._failures, jitter=self.chance(), clock_moved=moved)

    async def _prepare(self, pause: float) -> None:
        """Waits out the pause, with fresh keys in hand.

        Raises:
            NotAuthenticated: the token has expired, and no other is to be had.
            DailyQuotaExhausted: the day is spent, perhaps by the vendor's word just now.
            BudgetSpent: there is nothing to wait for.
        """
        failure = self._failures[-1]
        self.quota.refuse_if_spent(self.row.counter, self.limits.rates, self.books.terms.priority)
        await self._keys.fetch(self._late)
        if isinstance(failure, NotAuthenticated) and failure.cause == "token" and not self._keys.are_others:
            raise failure
        self.books.check_budgets(failure)
        self.books.retrying(pause, failure)
        if pause:
            with self._alarm.watching(f"the pause after {type(failure).__name__}", pause):
                await anyio.sleep(pause)

    async def _attempt(self) -> tuple[Reply[Any], bytes]:
        row, books = self.row, self.books
        try:
            response, body = await self._exchange()
            reply = decoded(self.vendor, row, response, body, self.asked)
            lost = reply.flaws.rows
            if lost and not reply.items and self._nothing is None:
                self._nothing = reply, response.body
                why = f"none of its {len(lost)} rows can be read, the first because {lost[0].reason}"
                raise unreadable(row, response, why, in_rows=True)
        except BaseException as failure:
            books.attempted(failure)
            raise
        books.attempted(request_id=reply.request_id)
        return reply, response.body

    async def _exchange(self) -> tuple[Response, Any]:
        """Sends once, and gives the answer with its body judged good."""
        row, books, patience = self.row, self.books, self.patience
        clock = self.quota.clock
        waiting = self.quota.slot(
            row.counter, self.limits.rates, max_wait=patience.for_slot_s, priority=books.terms.priority
        )
        with self._alarm.watching(
            f"a slot of the quota ({row.counter})", waiting.expected_s(), lambda: waiting.expected_s(first=True)
        ) as at_last:
            async with waiting as slot:
                at_last()
                books.granted(slot)
                await self._keys.refresh(self._late)
                self._choose_host()
                request = self.vendor.request(row, self._host, self.wire)
                self._signed_at_offset = clock.offset
                signed = self.vendor.authenticate(request, row, self._keys.value, now=clock.now())
                timeouts = patience.for_attempt()
                if timeouts is None:
                    raise self._late()
                check_open(self.transport)
                sent_wall = clock.clock.wall()
                answered_wall = sent_wall

                def answered() -> None:
                    nonlocal answered_wall
                    answered_wall = clock.clock.wall()
                    slot.answered()

                slot.sent()
                books.sent(slot, self._host, again=bool(self._failures))
                response = await self._send(signed, timeouts, answered)
                books.answered(response.status)
                clock.learn(response.headers.get("date"), sent_wall, answered_wall)
                try:
                    return response, self.vendor.unwrap(row, response)
                except RateLimited as refused:
                    # Beyond the limit the refusal is raised, and the bucket is not held for longer than the limit.
                    held = refused.retry_after_s
                    slot.refused(refused.per, None if held is None else min(held, self.retry.max_retry_after_s))
                    raise

    def _choose_host(self) -> None:
        lost = self._failures and isinstance(self._failures[-1], TransportError)
        now = self.quota.clock.clock.monotonic()
        self._host = self.hosts.pick(now, besides=self._host if lost else None)

    async def _send(self, signed: Request, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        try:
            response = await self.transport.send(signed, timeouts=timeouts, answered=answered)
        except TransportError as lost:
            # An attempt that the ask's own deadline cut short says nothing about the host.
            if lost.phase != "total" or timeouts.total_s == self.patience.timeouts.total_s:
                self.hosts.failed(self._host, self.quota.clock.clock.monotonic())
            raise
        self.hosts.answered(self._host)
        return response

    def _late(self) -> AnalyticsError:
        """The error for a deadline that has passed: the last failure, if there is one, says more than the deadline."""
        if self._failures:
            return self._failures[-1]
        return WouldExceedQuota(
            f"the deadline for {self.row.name} passed before it could be sent",
            retry_at=self.quota.clock.clock.wall(),
        )
