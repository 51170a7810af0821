"""`Caller`: asks one vendor on one account, one question at a time.

Joins what an ask needs: how the vendor is spoken to, its hosts, the keys, the quota, the network, patience, hooks.
How an ask goes its way is `attempts.py`. Holds no state beyond counters. Which window and which page come next is
not decided here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from agora_tencent_analytics.endpoint import Endpoint, spell
from agora_tencent_analytics.http.attempts import Attempts
from agora_tencent_analytics.http.deadline import Patience
from agora_tencent_analytics.http.hosts import Hosts
from agora_tencent_analytics.http.recorder import Books
from agora_tencent_analytics.http.retry import Retry
from agora_tencent_analytics.http.transport import Timeouts, Transport
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.notices import Hook
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.vendor import Asked, Reply, Vendor


@attrs.define(kw_only=True)
class Caller:
    """Asks one vendor on one account."""

    vendor: Vendor
    hosts: Hosts
    app_id: Any
    credentials: Callable[[], Awaitable[Any]]
    """Called before each attempt, so that keys may rotate."""
    quota: Quota
    transport: Transport
    retry: Retry
    timeouts: Timeouts
    hooks: tuple[Hook, ...] = ()
    """Given every notice."""
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
            BudgetSpent: a budget of the terms in force is used up (the failure that was to be repeated is the cause).
        """
        wire = spell(row, self.app_id, window, params, page=page, size=size)
        clock = self.quota.clock.clock
        books = Books(
            vendor=self.vendor.name,
            endpoint=row.name,
            counter=row.counter,
            receipt=self.receipt,
            hooks=self.hooks,
            clock=clock,
        )
        waits = [wait for wait in (max_wait, books.terms.max_wait) if wait is not None]
        attempts = Attempts(
            vendor=self.vendor,
            hosts=self.hosts,
            credentials=self.credentials,
            quota=self.quota,
            transport=self.transport,
            retry=self.retry,
            chance=self.chance,
            row=row,
            limits=limits,
            wire=wire,
            asked=Asked(window=window, params=params),
            books=books,
            patience=Patience(clock=clock, max_wait=min(waits, default=None), timeouts=self.timeouts),
        )
        try:
            answer = await attempts.answer()
        except BaseException as error:
            books.closed(error)
            raise
        books.closed()
        return answer
