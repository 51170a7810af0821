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
    Refusal,
    TransportError,
    UnreadableReply,
    WindowRefused,
    WouldExceedQuota,
)
from agora_tencent_analytics.http.credentials import Keys
from agora_tencent_analytics.http.deadline import Patience
from agora_tencent_analytics.http.hosts import Hosts
from agora_tencent_analytics.http.long_wait import Alarm
from agora_tencent_analytics.http.recorder import Books
from agora_tencent_analytics.http.redaction import Redaction
from agora_tencent_analytics.http.retry import Retry
from agora_tencent_analytics.http.transport import Timeouts, Transport, check_open
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.paging.clip import refused_at
from agora_tencent_analytics.quota.clock import SAME_TIME_S, date_of
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.vendor import MISREAD, Asked, Reply, Vendor, identified, unreadable

_MOST_DAYS_SPENT = 3
"""Refusals for the day in one ask: two can come around midnight, a third means that marking the day is no use."""


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
    _sent: tuple[Request, Request] = attrs.field(init=False)
    """What the present attempt asks, before and after it was authenticated."""
    _failures: list[AnalyticsError] = attrs.field(factory=list, init=False)
    _days_spent: int = attrs.field(default=0, init=False)
    _host: str = attrs.field(default="", init=False)
    _signed_ahead_s: float = attrs.field(default=0.0, init=False)
    _keys: Keys = attrs.field(
        init=False, default=attrs.Factory(lambda self: Keys(self.credentials, self.patience), takes_self=True)
    )

    async def answer(self) -> tuple[Reply[Any], bytes]:
        """Attempt after attempt, until one succeeds or nothing is left to try."""
        try:
            return await self._answer()
        except (BudgetSpent, DailyQuotaExhausted) as spent:
            if isinstance(spent, DailyQuotaExhausted):
                self.books.day_spent(spent)
            # What the vendor said, if it did: its message and request id.
            raise spent from (self._failures[-1] if self._failures else None)
        finally:
            # A kept failure holds the frames it passed, and they this object: a circle that only the collector breaks.
            self._failures.clear()

    async def _answer(self) -> tuple[Reply[Any], bytes]:
        failures, books = self._failures, self.books
        check_open(self.transport)
        await self._keys.fetch(self._late)
        while True:
            before = books.attempts
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
                # What fails before it is tried to send anything is no failure of the vendor's.
                if pause is None or books.attempts == before or not self.patience.allows(pause):
                    raise
            await self._prepare(pause)

    def _pause(self) -> float | None:
        """Seconds before the last failure is worth another attempt; None if it is final."""
        failure = self._failures[-1]
        if isinstance(failure, RateLimited) and failure.per == "day" and self.limits.rates:
            # The day is marked: the quota now says until when, or that midnight has passed meanwhile.
            self._days_spent += 1
            return 0.0 if self._days_spent < _MOST_DAYS_SPENT else None
        clock = self.quota.clock
        moved = abs(clock.signing() - clock.here() - self._signed_ahead_s) > SAME_TIME_S
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
        books = self.books
        try:
            reply, body = self._decoded(*await self._exchange())
        except BaseException as failure:
            books.attempted(failure)
            raise
        books.attempted(request_id=self._redaction.text(reply.request_id) if books.heard else "")
        return reply, body

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
                signed_at = clock.signing()
                self._signed_ahead_s = signed_at - clock.here()
                signed = self.vendor.authenticate(request, row, self._keys.value, now=signed_at)
                self._sent = request, signed
                timeouts = patience.for_attempt()
                if timeouts is None:
                    raise self._late()
                check_open(self.transport)
                sent = answered_at = clock.clock.monotonic()

                def answered() -> None:
                    nonlocal answered_at
                    answered_at = clock.clock.monotonic()
                    slot.answered()

                slot.sent()
                books.sent(slot, self._host, again=bool(self._failures))
                try:
                    response = await self._send(signed, timeouts, answered)
                except TransportError as lost:
                    if not lost.left:
                        slot.not_sent()
                        books.not_sent(slot)
                    raise
                books.answered(response.status)
                try:
                    readable = self._unwrapped(response)
                except RateLimited as refused:
                    # Beyond the limit the refusal is raised, and the bucket is not held for longer than the limit.
                    held = refused.retry_after_s
                    slot.refused(refused.per, None if held is None else min(held, self.retry.max_retry_after_s))
                    raise
                except (NotAuthenticated, WindowRefused) as refused:
                    self._tell_the_time(refused, response, signed_at, sent, answered_at)
                    raise
                # What failed may be a gateway's, and its clock a gateway's.
                clock.learn(response.headers, sent, answered_at)
                return readable

    def _tell_the_time(self, refused: Refusal, response: Response, signed_at: float, sent: float, at: float) -> None:
        """Takes in a refusal that a wrong clock would explain: the vendor's word for what time it is."""
        clock, date = self.quota.clock, date_of(response.headers)
        if date is None:
            return
        if isinstance(refused, WindowRefused):
            window, limits, kind = self.asked.window, self.limits, refused.kind
            if refused_at(date, window, limits, kind) and not refused_at(clock.now(), window, limits, kind):
                clock.vouched(date, sent, at)
        elif isinstance(refused, NotAuthenticated) and refused.cause == "clock":
            if abs(date - signed_at) > SAME_TIME_S:
                clock.vouched(date, sent, at)
            else:
                clock.disproved()

    @property
    def _redaction(self) -> Redaction:
        return Redaction(self._keys.value, *self._sent)

    # What cannot be read is read once more without the secrets that it repeats, so that no frame of the error has them.

    def _unwrapped(self, response: Response) -> tuple[Response, Any]:
        """The answer with its body judged good."""
        try:
            return response, self.vendor.unwrap(self.row, response)
        except (Refusal, UnreadableReply) as said:
            clean = self._redaction.response(response)
            if clean is response:
                self._redaction.error(said)
                raise
        return clean, self.vendor.unwrap(self.row, clean)

    def _decoded(self, response: Response, parsed: Any) -> tuple[Reply[Any], bytes]:
        """The rows of an answer that was judged good, and its body."""
        try:
            reply = identified(self.row, self.vendor.decode(self.row, parsed, self.asked))
        except MISREAD as error:
            clean, parsed = self._redaction.response(response), None
            if clean is response:
                why = f"{type(error).__name__}: {error}"
                raise unreadable(self.row, response, why, in_rows=True) from None
        else:
            if reply.warning:
                reply = attrs.evolve(reply, warning=self._redaction.text(reply.warning))
            return reply, response.body
        return self._decoded(clean, self.vendor.unwrap(self.row, clean))

    def _choose_host(self) -> None:
        lost = self._failures and isinstance(self._failures[-1], TransportError)
        now = self.quota.clock.clock.monotonic()
        self._host = self.hosts.pick(now, besides=self._host if lost else None)

    async def _send(self, signed: Request, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        try:
            response = await self.transport.send(signed.revealed(), timeouts=timeouts, answered=answered)
        except UnreadableReply as too_much:
            self._redaction.error(too_much)
            raise
        except TransportError as lost:
            self._redaction.error(lost)
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
