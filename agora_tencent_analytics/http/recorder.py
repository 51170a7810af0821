"""What one ask enters where: receipts, budgets, and the notices that hooks and the log are given.

Holds the books of one ask on the terms it was begun on. Refuses to decide anything: when to send, to wait or to ask
again is `attempts.py`. Where nobody listens, the notices of ordinary life are not even made.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from agora_tencent_analytics.context import tell, terms, together
from agora_tencent_analytics.errors import AnalyticsError, BudgetSpent, DailyQuotaExhausted, RateLimited
from agora_tencent_analytics.log import LOG
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


class Books:
    """The books of one ask.

    Args:
        vendor: whose question it is.
        endpoint: its name.
        counter: the vendor's counter that it draws on.
        receipt: the provider's own.
        hooks: the provider's own.
        clock: the clocks of this machine.
    """

    def __init__(
        self, *, vendor: str, endpoint: str, counter: str, receipt: Receipt, hooks: tuple[Hook, ...], clock: Clock
    ) -> None:
        self.terms = terms()
        self.attempts = 0
        self.requests = 0
        self._ask = next(_numbers)
        self._vendor, self._endpoint, self._counter = vendor, endpoint, counter
        self._receipts = (receipt, *self.terms.receipts)
        self._hooks = together(hooks, self.terms.hooks)
        self.heard = bool(self._hooks) or LOG.isEnabledFor(logging.DEBUG)
        """Whether anybody listens to the notices of ordinary life."""
        self._clock = clock
        self._began = clock.monotonic()
        self._waited_s = 0.0
        self._sent_at: float | None = None  # of an attempt whose end was not told yet
        self._ended_at = 0.0
        self._status: int | None = None
        self._host = ""
        if self.heard:
            self._tell(AskStarted)

    @contextmanager
    def paid(self) -> Iterator[None]:
        """Takes one request from every budget, and returns it if nothing was sent inside.

        Raises:
            BudgetSpent: one of them is used up.
        """
        before, taken = self.requests, []
        try:
            for budget in self.terms.budgets:
                budget.take()
                taken.append(budget)
            yield
        finally:
            if self.requests == before:
                for budget in taken:
                    budget.give_back()

    def check_budgets(self, failure: AnalyticsError) -> None:
        """Raises `BudgetSpent`, because of the failure, where no budget would pay for another attempt."""
        for budget in self.terms.budgets:
            if budget.left < 1:
                raise BudgetSpent(budget.requests) from failure

    def granted(self, slot: Slot) -> None:
        """The quota granted a slot."""
        self._waited_s += slot.waited_s
        for receipt in self._receipts:
            receipt.waited_s += slot.waited_s
        if self.heard:
            self._tell(SlotGranted, counter=self._counter, waited_s=slot.waited_s, left_today=slot.left_today)

    def sent(self, slot: Slot, url: str, *, again: bool) -> None:
        """The request is handed to the network."""
        self.attempts += 1
        self.requests += 1
        for receipt in self._receipts:
            receipt.attempts += 1
            receipt.requests += 1
            receipt.retries += again
            receipt.left(self._counter, slot.left_today, slot.resets_at)
        self._sent_at, self._status, self._host = self._clock.monotonic(), None, url
        self._ended_at = 0.0

    def not_sent(self, slot: Slot) -> None:
        """It never left, and is not charged."""
        self.requests -= 1
        left = None if slot.left_today is None else slot.left_today + 1
        for receipt in self._receipts:
            receipt.requests -= 1
            receipt.left(self._counter, left, slot.resets_at)

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
            receipt.left(self._counter, spent.reserved, spent.resets_at)

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
        tell(self._hooks, kind(vendor=self._vendor, endpoint=self._endpoint, ask=self._ask, **facts))
