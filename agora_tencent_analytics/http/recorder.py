"""What one ask enters where: receipts, budgets, and the notices that hooks and the log are given.

Keeps the record of one ask on the terms it was begun on. When to send, to wait or to ask again is decided in
`client.py`. Where nobody listens, the notices of ordinary life are not even made.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from agora_tencent_analytics.context import Terms, is_heard, tell, together
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import AnalyticsError, BudgetSpent, DailyQuotaExhausted, RateLimited
from agora_tencent_analytics.notices import (
    AskEnded,
    AskStarted,
    Attempt,
    Hook,
    LongWait,
    Notice,
    Refused,
    Retrying,
    SlotGranted,
)
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.slot import Slot
from agora_tencent_analytics.receipt import Receipt

_numbers = itertools.count(1)


class Recorder:
    """The record of one ask.

    Args:
        row: the question.
        receipts: the provider's own, and others beside those of the terms.
        hooks: the provider's own.
        terms: those in force when it was begun.
        clock: the clocks of this machine.
    """

    def __init__(
        self, row: Endpoint[Any], receipts: tuple[Receipt, ...], hooks: tuple[Hook, ...], terms: Terms, clock: Clock
    ) -> None:
        self.terms = terms
        self.attempts = 0
        self.requests = 0
        self.heard = False
        """Whether anybody listens to the notices of ordinary life."""
        self._row, self._clock = row, clock
        self._receipts = receipts + terms.receipts
        self._hooks = together(hooks, terms.hooks) if terms.hooks else hooks
        self._ask = next(_numbers)
        self._began = clock.monotonic()
        self._waited_s = 0.0
        self._sent_at: float | None = None  # of an attempt whose end was not told yet
        if is_heard(self._hooks):
            self.heard = True
            self._tell(AskStarted)

    def pay(self) -> int:
        """Takes one request from every budget; gives the number of requests so far, for `repay`.

        Raises:
            BudgetSpent: one of them is used up.
        """
        taken = []
        try:
            for budget in self.terms.budgets:
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
            for budget in self.terms.budgets:
                budget.give_back()

    def check_budgets(self, failure: AnalyticsError) -> None:
        """Raises `BudgetSpent`, because of the failure, where no budget would pay for another attempt."""
        for budget in self.terms.budgets:
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
            receipt.retries += again
        self._day(slot.left_today, slot)
        self._sent_at, self._host, self._ended_at = at, url, 0.0
        self._status: int | None = None

    def not_sent(self, slot: Slot) -> None:
        """It never left, and is not charged."""
        self.requests -= 1
        for receipt in self._receipts:
            receipt.requests -= 1
        self._day(None if slot.left_today is None else slot.left_today + 1, slot)

    def _day(self, left: int | None, slot: Slot) -> None:
        if left is not None:
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
                request_id=request_id or getattr(error, "request_id", ""),
                error=error,
            )
        if isinstance(error, RateLimited):
            self._tell(Refused, per=error.per, code=error.code)

    def day_spent(self, spent: DailyQuotaExhausted) -> None:
        """Nothing is left of the vendor's day, or nothing that is not reserved."""
        for receipt in self._receipts:
            receipt.left(self._row.counter, spent.reserved, spent.resets_at)

    def retrying(self, pause_s: float, error: AnalyticsError) -> None:
        """A failed attempt will be repeated."""
        self._tell(Retrying, pause_s=pause_s, error=error)

    def long_wait(self, seconds: float, reason: str, since_s: float) -> None:
        """It waits for long: `seconds` in all, of which `since_s` are over."""
        until = self._clock.wall() + seconds - since_s
        self._tell(LongWait, seconds=seconds, until=until, reason=reason, priority=self.terms.priority)

    def closed(self, error: BaseException | None = None) -> None:
        """The ask is over."""
        if self.heard:
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
        tell(self._hooks, kind(vendor=self._row.vendor, endpoint=self._row.name, ask=self._ask, **facts))
