"""The life of one request: from a question to its decoded answer.

Endpoint, window and page become a request (pure). The quota grants a slot. The request is authenticated (pure, the
instant given, anew for each attempt), and the transport sends it. The answer is unwrapped: a body or a refusal, judged
from HTTP status *and* body together (pure); the body is decoded (pure). A failure becomes a verdict: ask again after a
pause, hold the bucket, mark the day as spent, or raise. Each attempt takes a slot of its own, and whatever happens to
it, the slot is given back by the rules of the quota. All of it happens on the terms of the view asked (`context.py`).

**Credentials** are fetched before each attempt and its slot, and refreshed if they are older than `KEEP_S` once it is
there. They are opaque here. What the callable raises passes as it is. A token that expired is worth one more attempt,
if the callable gives another.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from agora_tencent_analytics.context import Terms, earlier
from agora_tencent_analytics.decoding.bulk import LARGE
from agora_tencent_analytics.endpoint import Endpoint, spell
from agora_tencent_analytics.errors import (
    AnalyticsError,
    BudgetSpent,
    DailyQuotaExhausted,
    NotAuthenticated,
    ProviderClosed,
    RateLimited,
    Refusal,
    TransportError,
    UnreadableReply,
    WindowRefused,
    WouldExceedQuota,
)
from agora_tencent_analytics.http.connection import Connection
from agora_tencent_analytics.http.credentials import KEEP_S, Fixed, check_kind
from agora_tencent_analytics.http.hosts import Hosts
from agora_tencent_analytics.http.recorder import Recorder
from agora_tencent_analytics.http.redaction import Redaction
from agora_tencent_analytics.http.retry import Retry
from agora_tencent_analytics.http.timeouts import Timeouts
from agora_tencent_analytics.http.transport import AiohttpTransport, Transport
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.paging.clip import refused_at
from agora_tencent_analytics.quota.clock import SAME_TIME_S, date_of
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.slot import Free, Slot, Waiting
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.refusals import brief
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, Reply, Vendor, cleaned, decoded

_MOST_DAYS_SPENT = 3
"""Refusals for the day in one ask: two can come around midnight, a third means that marking the day does not help."""

Answer = tuple[Reply[Any], bytes]
"""A decoded answer, and the body that it was."""


class Caller(Terms, kw_only=True):
    """Asks one vendor on one account, on the terms that it has; each view has one."""

    vendor: Vendor
    hosts: Hosts
    app_id: Any
    identity: str = ""
    """Tells whose questions these are: vendor, app and account."""
    credentials: Callable[[], Awaitable[Any]]
    """Called before each attempt, so that keys may rotate."""
    quota: Quota
    transport: Transport
    retry: Retry
    timeouts: Timeouts
    chance: Callable[[], float] = random.random
    """From 0 to 1, for the jitter of pauses."""
    receipts: tuple[Receipt, ...] = msgspec.field(default_factory=lambda: (Receipt(),))
    """What is spent is entered in all of them; the first is its own."""
    connection: Connection = msgspec.field(default_factory=Connection)
    """What it shares with the callers of other views."""

    def ask(
        self,
        row: Endpoint[Any],
        limits: Limits,
        window: TimeRange,
        params: Mapping[str, Any],
        *,
        page: int,
        size: int,
        token: str = "",
        max_wait: float | None = None,
        spent: Receipt | None = None,
    ) -> Coroutine[Any, Any, Answer]:
        """The decoded answer to one question, and its body.

        Args:
            row: the question.
            limits: its figures on the plan.
            window: `[start, end)`, already clipped and short enough.
            params: checked parameters.
            page: page number in the vendor's counting.
            size: rows to a page.
            token: where pages are asked for by what the one before said: that.
            max_wait: the longest wait for a quota slot, seconds; None: what the terms say.
            spent: what this costs is entered here too.

        Raises:
            Refusal: the vendor said no, finally.
            TransportError: the vendor was not heard, finally.
            UnreadableReply: the answer made no sense, finally.
            WouldExceedQuota: no slot within `max_wait`, the deadline or the time that the terms leave.
            DailyQuotaExhausted: by our count, or because the vendor says so (its refusal is the cause).
            BudgetSpent: a budget of the terms is used up (the failure that was to be repeated is the cause).
            ProviderClosed: it is closed, or was while this waited.
        """
        wire = spell(row, self.app_id, window, params, page=page, size=size, token=token)
        return _Ask(self, row, limits, wire, Asked(window=window, params=params), max_wait, spent).answer()


class _Ask:
    """One question on its way to an answer."""

    # What changes only with an attempt stands in the class.
    _host = ""
    _signed_lead = 0.0
    _days_spent = 0
    _keys: Any = None
    _keys_before: Any = None
    _keys_since = -math.inf
    _rowless: Answer | None = None  # no row of it could be read: a slip of the moment perhaps, else it stands

    def __init__(
        self,
        caller: Caller,
        row: Endpoint[Any],
        limits: Limits,
        wire: Mapping[str, Any],
        asked: Asked,
        max_wait: float | None,
        spent: Receipt | None,
    ) -> None:
        self._caller, self._row, self._limits, self._wire, self._asked = caller, row, limits, wire, asked
        self._clock = caller.quota.clock.clock
        self._deadline = caller.until
        if (most_s := caller.timeouts.deadline_s) is not None:
            self._deadline = earlier(self._deadline, self._clock.monotonic() + most_s)
        receipts = caller.receipts if spent is None else (*caller.receipts, spent)
        self._recorder = Recorder(row, caller, receipts, self._clock)
        self._max_wait = caller.max_wait if max_wait is None else max_wait
        self._failures: list[AnalyticsError] = []
        if isinstance(caller.credentials, Fixed):  # nobody need be called, nor waited for
            self._keys, self._keys_since = caller.credentials.keys, math.inf

    async def answer(self) -> Answer:
        """Attempt after attempt, until one succeeds or nothing is left to try."""
        failures, recorder, connection = self._failures, self._recorder, self._caller.connection
        try:
            connection.check(self._caller.transport)
            connection.waits(self)
            if self._keys_since < 0:
                await self._call_for_keys()
            while True:
                before, paid = recorder.attempts, recorder.pay() if self._caller.budgets else None
                try:
                    answer = await self._attempt()
                    recorder.closed()
                    return answer
                except (BudgetSpent, DailyQuotaExhausted):
                    raise
                except WouldExceedQuota:
                    if failures and self._max_wait is None:
                        raise failures[-1] from None
                    raise
                except AnalyticsError as failure:
                    failures.append(failure)
                    pause = self._pause()
                    left = self._left_s()
                    # What fails before it is tried to send anything is not a failure of the vendor's.
                    if pause is None or recorder.attempts == before or (left is not None and pause >= left):
                        raise
                finally:
                    if paid is not None:
                        recorder.repay(paid)
                await self._prepare(pause)
        except BaseException as error:
            if connection.woke(self) and isinstance(error, asyncio.CancelledError):
                error = ProviderClosed(f"the provider was closed before {self._row.name} was answered")
            if isinstance(error, DailyQuotaExhausted):
                recorder.day_spent(error, news=connection.is_news(error.counter, error.resets_at))
            if self._rowless is not None and isinstance(error, AnalyticsError):
                recorder.closed()
                return self._rowless
            recorder.closed(error)
            if isinstance(error, AnalyticsError):
                self._add_facts(error)
            if isinstance(error, BudgetSpent | DailyQuotaExhausted | ProviderClosed):
                # What the vendor said, if it did: its message and request id.
                raise error from (failures[-1] if failures else None)
            raise
        finally:
            connection.is_over(self)
            connection.woke(self)  # where a callable for keys has swallowed the cancellation
            # A kept failure holds the frames it passed, and they this object: a circle that only the collector breaks.
            failures.clear()

    def _add_facts(self, error: AnalyticsError) -> None:
        """Says on what was asked, and from when on asking again may help."""
        error.endpoint, error.counter = error.endpoint or self._row.name, error.counter or self._row.counter
        if error.retryable and error.retry_at is None:
            asked_s = error.retry_after_s or self._waiting().expected_s() if isinstance(error, RateLimited) else 0.0
            error.retry_at = self._clock.wall() + (asked_s or self._caller.retry.most_s)

    # -- one attempt ----------------------------------------------------------------------------------------------

    async def _attempt(self) -> Answer:
        recorder = self._recorder
        try:
            waiting = self._waiting()
            if isinstance(waiting, Free):  # nothing to enter, to watch or to settle
                recorder.granted(waiting)
                await self._exchange(waiting)
            else:
                await self._in_turn(waiting)
            large = len(self._response.body) > LARGE
            reply, body = await anyio.to_thread.run_sync(self._decoded) if large else self._decoded()
        except BaseException as failure:
            recorder.attempted(failure)
            raise
        if recorder.heard:
            recorder.attempted(request_id=self._redaction.text(reply.request_id))
        return reply, body

    async def _in_turn(self, waiting: Waiting) -> None:
        """Sends once, with a slot of the quota."""
        recorder = self._recorder
        reason, left_s = f"a slot of the quota ({self._row.counter})", partial(waiting.expected_s, first=True)
        alarm = recorder.watch(reason, waiting.expected_s(), left_s)
        try:
            async with waiting as slot:
                alarm.cancel()
                recorder.granted(slot)
                await self._exchange(slot)
        finally:
            alarm.cancel()

    def _waiting(self) -> Waiting | Free:
        """What waits for a slot, on the terms of this ask."""
        terms, counted = self._caller, self._limits.counted
        within_s = self._left_s() if counted else None
        if within_s is not None:
            # A slot that leaves less than the quickest answer takes would be spent for nothing.
            within_s = max(0.0, within_s - self._caller.connection.fastest_s(self._row.name))
        return self._caller.quota.slot(
            self._row.counter,
            counted,
            max_wait=self._max_wait,
            within_s=within_s,
            queues=terms.queues,
            priority=terms.priority or "normal",
        )

    async def _exchange(self, slot: Slot) -> None:
        """Sends once, and takes in the answer, its body judged good."""
        caller, row, recorder = self._caller, self._row, self._recorder
        clock = caller.quota.clock
        if (now := self._clock.monotonic()) - self._keys_since > KEEP_S:
            await self._call_for_keys()
            now = self._clock.monotonic()
        lost = self._failures and isinstance(self._failures[-1], TransportError)
        self._host = caller.hosts.pick(now, besides=self._host if lost else None)
        self._request = caller.vendor.request(row, self._host, self._wire)
        self._signed_at = clock.signing()
        self._signed_lead = self._signed_at - now
        self._signed = caller.vendor.authenticate(self._request, row, self._keys, now=self._signed_at)
        caller.connection.check(caller.transport)
        timeouts = caller.timeouts if self._deadline is None else self._timeouts(self._deadline - now)
        self._slot, self._sent_at, self._answered_at = slot, now, now
        slot.sent()
        recorder.sent(slot, self._host, now)
        try:
            ours = type(caller.transport) is AiohttpTransport  # reveals the secrets without another copy of the request
            response = await caller.transport.send(
                self._signed if ours else self._signed.revealed(), timeouts=timeouts, answered=self._answered
            )
        except UnreadableReply as too_much:
            self._redaction.error(too_much)
            raise
        except TransportError as broken:
            self._redaction.error(broken)
            if not broken.left:
                slot.not_sent()
                recorder.not_sent(slot)
            # An attempt that the ask's own deadline cut short says nothing about the host.
            if broken.phase != "total" or timeouts is caller.timeouts:
                caller.hosts.failed(self._host, self._clock.monotonic())
            raise
        slot.was_read = True
        caller.hosts.answered(self._host)
        caller.connection.answered(row.name, self._clock.monotonic() - now)
        if recorder.heard:
            recorder.answered(response.status)
        try:
            large = len(response.body) > LARGE  # in a thread the loop turns, but for the call that makes the objects
            await anyio.to_thread.run_sync(self._unwrap, response) if large else self._unwrap(response)
        except RateLimited as refused:
            # Beyond the limit the refusal is raised, and the bucket is not held for longer than the limit.
            held = refused.retry_after_s
            slot.refused(refused.per, None if held is None else min(held, caller.retry.max_retry_after_s))
            raise
        except (NotAuthenticated, WindowRefused) as refused:
            self._tell_the_time(refused, response)
            raise
        # What failed may be a gateway's, and its clock a gateway's.
        clock.learn(response.headers, self._sent_at, self._answered_at)

    def _answered(self) -> None:
        self._answered_at = self._clock.monotonic()
        self._slot.answered()

    def _tell_the_time(self, refused: Refusal, response: Response) -> None:
        """Takes in a refusal that a wrong clock would explain: the vendor's word for what time it is."""
        clock, date = self._caller.quota.clock, date_of(response.headers)
        if date is not None and isinstance(refused, WindowRefused):
            window, limits, kind = self._asked.window, self._limits, refused.kind
            if refused_at(date, window, limits, kind) and not refused_at(clock.now(), window, limits, kind):
                clock.vouched(date, self._sent_at, self._answered_at)
        elif date is not None and isinstance(refused, NotAuthenticated) and refused.cause == "clock":
            if abs(date - self._signed_at) > SAME_TIME_S:
                clock.vouched(date, self._sent_at, self._answered_at)
            else:
                clock.disproved()

    # What cannot be read is read once more without the secrets that it repeats, so that no frame of the error has them:
    # what was read stands in no local variable.

    @property
    def _redaction(self) -> Redaction:
        return Redaction(self._keys, self._request, self._signed)

    def _unwrap(self, response: Response) -> None:
        """Judges an answer by its status and its body; what it parses may be large, and is kept for one taker."""
        vendor, row = self._caller.vendor, self._row
        try:
            self._response, self._parsed = response, [vendor.unwrap(row, response)]
            return
        except (Refusal, UnreadableReply) as said:
            clean = self._redaction.response(response)
            if clean is response:
                self._redaction.error(said)
                raise
        self._response, self._parsed = clean, [vendor.unwrap(row, clean)]

    def _decoded(self) -> Answer:
        """The rows of an answer that was judged good, and its body."""
        row = self._row
        vendor, clean = self._caller.vendor, lambda response: self._redaction.response(response)
        reply = decoded(vendor, row, self._response, self._parsed.pop(), self._asked, clean=clean)
        if reply.warning or reply.next:
            reply = cleaned(row, reply, self._caller.app_id, self._asked, self._redaction.text)
        lost = reply.flaws.rows
        if reply.items or not lost or self._rowless is not None:
            return reply, self._response.body
        self._rowless = reply, self._response.body
        why = f"none of its rows can be read ({len(lost):,} came), the first because {brief(lost[0].reason)}"
        facts: dict[str, Any] = {"endpoint": row.name, "status": self._response.status, "request_id": reply.request_id}
        raise UnreadableReply(why, in_rows=True, **facts)

    # -- between two attempts -------------------------------------------------------------------------------------

    def _pause(self) -> float | None:
        """Seconds before the last failure is worth another attempt; None if it is final."""
        caller, failure = self._caller, self._failures[-1]
        if isinstance(failure, RateLimited) and failure.per == "day" and self._limits.counted:
            # The day is marked: the quota now says until when, or that midnight has passed meanwhile.
            self._days_spent += 1
            return 0.0 if self._days_spent < _MOST_DAYS_SPENT else None
        clock = caller.quota.clock
        moved = abs(clock.signing() - self._clock.monotonic() - self._signed_lead) > SAME_TIME_S
        return caller.retry.delay(self._failures, jitter=caller.chance(), clock_moved=moved)

    async def _prepare(self, pause: float) -> None:
        """Waits out the pause, with fresh keys in hand; raises what makes waiting useless."""
        failure, recorder, caller = self._failures[-1], self._recorder, self._caller
        caller.connection.check(caller.transport)
        caller.quota.refuse_if_spent(self._row.counter, self._limits.counted, caller.priority or "normal")
        self._keys_before = self._keys  # in no local variable: crash reports list those of every frame
        await self._call_for_keys()
        if isinstance(failure, NotAuthenticated) and failure.cause == "token" and self._keys == self._keys_before:
            raise failure
        recorder.check_budgets(failure)
        recorder.retrying(pause, failure)
        if pause:
            alarm = recorder.watch(f"the pause after {type(failure).__name__}", pause)
            try:
                await anyio.sleep(pause)
            finally:
                alarm.cancel()

    async def _call_for_keys(self) -> None:
        """Calls for keys, no longer than the deadline allows."""
        caller = self._caller
        if isinstance(caller.credentials, Fixed):
            return
        with anyio.move_on_after(self._left_s()) as in_time:
            self._keys = await caller.credentials()
        if in_time.cancelled_caught:
            raise self._late()
        self._keys_since = self._clock.monotonic()
        if type(self._keys) not in caller.connection.kinds:
            request = caller.vendor.request(self._row, caller.hosts.urls[0], self._wire)
            check_kind(self._keys, lambda keys: caller.vendor.authenticate(request, self._row, keys, now=0.0))
            caller.connection.kinds.add(type(self._keys))

    # -- time allowed ---------------------------------------------------------------------------------------------

    def _left_s(self) -> float | None:
        """Seconds until the deadline of the ask, at least 0; None if there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock.monotonic())

    def _timeouts(self, left: float) -> Timeouts:
        """The limits of an attempt that begins so many seconds before the deadline of the ask."""
        timeouts = self._caller.timeouts
        if left >= timeouts.total_s:
            return timeouts
        if left <= self._caller.connection.fastest_s(self._row.name):
            raise self._late()
        return timeouts.cut(left)

    def _late(self) -> AnalyticsError:
        """The error for a deadline that has passed: the last failure, if there is one, says more than the deadline."""
        if self._failures:
            return self._failures[-1]
        return WouldExceedQuota(
            f"the deadline for {self._row.name} leaves no time for an answer, so it was not sent",
            retry_at=self._clock.wall(),
        )
