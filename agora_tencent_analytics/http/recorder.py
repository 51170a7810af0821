"""Records one request: receipts, budgets, and the notices that hooks and the log receive.

Keeps the record of one ask on the terms it was begun on. When to send, to wait or to ask again is decided in
`client.py`. Where nobody listens, the notices of ordinary life are not even made.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from agora_tencent_analytics.context import Terms, is_heard, tell
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import AnalyticsError, BudgetSpent, DailyQuotaExhausted, RateLimited
from agora_tencent_analytics.notices import (
    AskEnded,
    AskStarted,
    Attempt,
    DaySpent,
    LongWait,
    Notice,
    Refused,
    Retrying,
    SlotGranted,
)
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.slot import Slot
from agora_tencent_analytics.receipt import Receipt

LONG_S = 5.0
"""What is longer than this is a long wait, seconds."""
_numbers = itertools.count(1)


class Recorder:
    """The record of one ask.

    Args:
        row: the question.
        terms: those that it is asked on.
        receipts: what it costs is entered in all of them.
        clock: the clocks of this machine.
    """

    attempts: int = 0
    requests: int = 0
    heard: bool = False
    """Whether anybody listens to the notices of ordinary life."""
    _waited_s = 0.0
    _waits_long = False
    _sent_at: float | None = None  # of an attempt whose end was not told yet

    def __init__(self, row: Endpoint[Any], terms: Terms, receipts: tuple[Receipt, ...], clock: Clock) -> None:
        self._row, self._terms, self._receipts, self._clock = row, terms, receipts, clock
        self._ask = next(_numbers)
        if is_heard(self._terms.hooks):
            self.heard, self._began = True, clock.monotonic()
            self._tell(AskStarted)

    def pay(self) -> int:
        """Takes one request from every budget; gives the number of requests so far, for `repay`.

        Raises:
            BudgetSpent: one of them is used up.
        """
        taken = []
        try:
            for budget in self._terms.budgets:
                budget.take()
                taken.append(budget)
        except BudgetSpent:
            for budget in taken:
                budget.give_back()
            raise
        return self.requests

    def repay(self, before: int) -> None:
        """Gives the budgets back what was taken, if nothing was sent since there were so many requests."""
        if self.requests == before:
            for budget in self._terms.budgets:
                budget.give_back()

    def check_budgets(self, failure: AnalyticsError) -> None:
        """Raises `BudgetSpent`, because of the failure, where no budget would pay for another attempt."""
        for budget in self._terms.budgets:
            if budget.left < 1:
                raise BudgetSpent(budget.requests) from failure

    def granted(self, slot: Slot) -> None:
        """The quota granted a slot."""
        if slot.waited_s:
            self._waited_s += slot.waited_s
            for receipt in self._receipts:
                receipt.waited_s += slot.waited_s
        if self.heard:
            self._tell(SlotGranted, counter=self._row.counter, waited_s=slot.waited_s, left_today=slot.left_today)

    def sent(self, slot: Slot, url: str, at: float) -> None:
        """The request is handed to the network at this monotonic second."""
        again = self.attempts > 0
        self.attempts += 1
        self.requests += 1
        for receipt in self._receipts:
            receipt.attempts += 1
            receipt.requests += 1
            if again:
                receipt.retries += 1
        if slot.left_today is not None:
            self._day(slot.left_today, slot)
        self._sent_at, self._host, self._ended_at = at, url, 0.0
        self._status: int | None = None

    def not_sent(self, slot: Slot) -> None:
        """It never left, and is not charged."""
        self.requests -= 1
        for receipt in self._receipts:
            receipt.requests -= 1
        if slot.left_today is not None:
            self._day(slot.left_today + 1, slot)

    def _day(self, left: int, slot: Slot) -> None:
        for receipt in self._receipts:
            receipt.left(self._row.counter, left, slot.resets_at)

    def answered(self, status: int) -> None:
        """Its answer was read to the end."""
        self._status, self._ended_at = status, self._clock.monotonic()

    def attempted(self, error: BaseException | None = None, *, request_id: str = "") -> None:
        """The attempt is over, if one was sent."""
        began, self._sent_at = self._sent_at, None
        if began is None:
            return
        if isinstance(error, RateLimited):
            for receipt in self._receipts:
                receipt.limit_errors += 1
        if self.heard:
            self._tell(
                Attempt,
                number=self.attempts,
                status=self._status,
                elapsed_s=(self._ended_at or self._clock.monotonic()) - began,
                host=urlsplit(self._host).netloc,
                method=self._row.method,
                request_id=request_id or getattr(error, "request_id", ""),
                error=error,
            )
        if isinstance(error, RateLimited):
            self._tell(Refused, per=str(error.per), code=error.code)

    def day_spent(self, spent: DailyQuotaExhausted, *, news: bool) -> None:
        """Nothing is left of the vendor's day, or nothing that is not reserved."""
        if news:
            self._tell(DaySpent, counter=spent.counter, until=spent.retry_at)
        for receipt in self._receipts:
            receipt.left(self._row.counter, spent.reserved, spent.resets_at)

    def retrying(self, pause_s: float, error: AnalyticsError) -> None:
        """A failed attempt will be repeated."""
        self._tell(Retrying, pause_s=pause_s, error=error)

    def watch(self, reason: str, expected_s: float, left_s: Callable[[], float] | None = None) -> asyncio.Handle:
        """A timer that tells that this wait is long, if none was told before; to be cancelled when it ends.

        Told while it still matters: a wait that is expected to be long as soon as it has begun, any other when it has
        in fact lasted for `LONG_S`.

        Args:
            reason: what is waited for, in words.
            expected_s: how long that takes, at least, seconds.
            left_s: how much longer it takes, at least, asked when it has lasted for `LONG_S` against expectation.
        """

        def late() -> None:
            self._long_wait(LONG_S + (left_s() if left_s else 0.0), reason, LONG_S)

        def at_once() -> None:
            self._long_wait(expected_s, reason, 0.0)

        loop = asyncio.get_running_loop()
        # Not before the loop turns: who is let in, or refused, at once has not waited.
        return loop.call_soon(at_once) if expected_s > LONG_S else loop.call_later(LONG_S, late)

    def _long_wait(self, seconds: float, reason: str, since_s: float) -> None:
        if self._waits_long:
            return
        self._waits_long = True
        until = self._clock.wall() + seconds - since_s
        self._tell(LongWait, seconds=seconds, until=until, reason=reason, priority=self._terms.priority or "normal")

    def closed(self, error: BaseException | None = None) -> None:
        """The ask is over."""
        if not self.heard:
            return
        elapsed_s = self._clock.monotonic() - self._began
        self._tell(
            AskEnded,
            requests=self.requests,
            attempts=self.attempts,
            waited_s=self._waited_s,
            elapsed_s=elapsed_s,
            error=error,
        )

    def _tell(self, kind: Callable[..., Notice], **facts: Any) -> None:
        tell(self._terms.hooks, kind(vendor=self._row.vendor, endpoint=self._row.name, ask=self._ask, **facts))
