"""One ask, from a row of the table to a decoded answer.

The life of one ask: row, window and page become a `Request` (pure); the quota grants a slot; the request
is authenticated (pure, the vendor's now given, anew for each attempt); the transport sends it; the answer
is judged from its HTTP status and its body together, and decoded (both pure). A failure becomes a verdict:
ask again after a pause, hold the bucket, mark the day as spent, or raise. Each attempt takes a slot of its
own, and whatever happens to it, the slot is given back by the rules of the quota.

Holds no state beyond counters. Which window and which page come next is not decided here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import attrs

from agora_tencent_analytics.endpoint import Endpoint, spell
from agora_tencent_analytics.errors import AnalyticsError, DailyQuotaExhausted, RateLimited, WouldExceedQuota
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.message import Request
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.retry import Retry
from agora_tencent_analytics.runtime.quota import Quota
from agora_tencent_analytics.runtime.transport import Timeouts, Transport
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.vendor import Asked, Reply, Vendor, unreadable

__all__ = ["Caller"]

_MOST_DAYS_SPENT = 3
"""Refusals for the day in one ask: two can come around midnight, a third means that marking the day is no use."""

_log = logging.getLogger("agora_tencent_analytics")


@attrs.define(kw_only=True)
class Caller:
    """Asks one vendor on one account."""

    vendor: Vendor
    base_url: str
    app_id: Any
    credentials: Callable[[], Awaitable[Any]]
    """Called before each attempt, so that keys may rotate."""
    quota: Quota
    transport: Transport
    retry: Retry
    timeouts: Timeouts
    chance: Callable[[], float] = random.random
    """From 0 to 1, for the jitter of pauses."""
    receipt: Receipt = attrs.field(factory=Receipt)
    """What was spent since the caller was made."""

    async def ask(
        self,
        row: Endpoint[Any],
        limits: Limits,
        window: TimeRange,
        params: Mapping[str, Any],
        *,
        page: int,
        size: int,
        max_wait: float | None = None,
    ) -> tuple[Reply[Any], bytes]:
        """The decoded answer to one question, and its body.

        Args:
            row: the question.
            limits: its figures on the plan.
            window: `[start, end)`, already clipped and short enough.
            params: checked parameters.
            page: page number in the vendor's counting.
            size: rows to a page.
            max_wait: the longest wait for a quota slot, seconds; None waits as long as it takes.

        Raises:
            Refusal: the vendor said no, finally.
            TransportError: the vendor was not heard, finally.
            UnreadableReply: the answer made no sense, finally.
            WouldExceedQuota: no slot within `max_wait` or the deadline.
            DailyQuotaExhausted: by our count, or because the vendor says so (its refusal is the cause).
        """
        request = self.vendor.request(row, self.base_url, spell(row, self.app_id, window, params, page=page, size=size))
        asked = Asked(window=window, params=params)
        monotonic = self.quota.clock.clock.monotonic
        until = None if self.timeouts.deadline_s is None else monotonic() + self.timeouts.deadline_s
        failures: list[AnalyticsError] = []
        days_spent = 0
        pause: float | None
        while True:
            patience = max_wait
            if until is not None:
                left = max(0.0, until - monotonic())
                patience = left if patience is None else min(patience, left)
            try:
                return await self._attempt(row, limits, request, asked, patience, until, again=bool(failures))
            except DailyQuotaExhausted as spent:
                # What the vendor said, if it did: its message and request id.
                raise spent from (failures[-1] if failures else None)
            except WouldExceedQuota:
                # With a failure in hand, the deadline ran out over it: the failure says more.
                if failures and max_wait is None:
                    raise failures[-1] from None
                raise
            except AnalyticsError as failure:
                failures.append(failure)
                if isinstance(failure, RateLimited) and failure.per == "day" and limits.rates:
                    # The day is marked: the quota now says until when, or that midnight has passed meanwhile.
                    days_spent += 1
                    pause = 0.0 if days_spent < _MOST_DAYS_SPENT else None
                else:
                    pause = self.retry.delay(failures, jitter=self.chance())
                if pause is None or (until is not None and monotonic() + pause >= until):
                    raise
            _log.info("%s: asking again in %.2f s after %s", row.name, pause, type(failures[-1]).__name__)
            await anyio.sleep(pause)

    async def _attempt(
        self,
        row: Endpoint[Any],
        limits: Limits,
        request: Request,
        asked: Asked,
        max_wait: float | None,
        until: float | None,
        *,
        again: bool,
    ) -> tuple[Reply[Any], bytes]:
        vendor, clock = self.vendor, self.quota.clock
        async with self.quota.slot(row.counter, limits.rates, max_wait=max_wait) as slot:
            signed = vendor.authenticate(request, row, await self.credentials(), now=clock.now())
            timeouts = self._timeouts(row, until)
            sent_wall = clock.clock.wall()
            answered_wall = sent_wall

            def answered() -> None:
                nonlocal answered_wall
                answered_wall = clock.clock.wall()
                slot.answered()

            slot.sent()
            self.receipt.requests += 1
            self.receipt.retries += again
            response = await self.transport.send(signed, timeouts=timeouts, answered=answered)
            clock.learn(response.headers.get("date"), sent_wall, answered_wall)
            try:
                body = vendor.unwrap(row, response)
            except RateLimited as refused:
                self.receipt.limit_errors += 1
                # Beyond the limit the refusal is raised, and the bucket is not held for longer than the limit.
                held = refused.retry_after_s
                slot.refused(refused.per, None if held is None else min(held, self.retry.max_retry_after_s))
                raise
        try:
            return vendor.decode(row, body, asked), response.body
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise unreadable(row, response, f"{type(error).__name__}: {error}") from None

    def _timeouts(self, row: Endpoint[Any], until: float | None) -> Timeouts:
        """The limits of one attempt; the deadline shortens it.

        Raises:
            WouldExceedQuota: the deadline has passed.
        """
        if until is None:
            return self.timeouts
        left = until - self.quota.clock.clock.monotonic()
        if left <= 0:
            raise WouldExceedQuota(
                f"the deadline for {row.name} passed before it could be sent", retry_at=self.quota.clock.clock.wall()
            )
        return attrs.evolve(self.timeouts, total_s=min(self.timeouts.total_s, left))
