"""The right to send one request, from the moment it is granted until the answer, or nothing, came of it.

Holds `Slot`, which the sender keeps informed, and the `async with` that waits for it and settles it however
the block is left. Refuses to decide anything: that is `counter.py`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Literal

from agora_tencent_analytics.limits import MINUTE, SECOND
from agora_tencent_analytics.runtime.counter import Counter, Grant

__all__ = ["Slot", "Waiting"]

_PERIOD_S = {"second": SECOND, "minute": MINUTE, "unknown": None}


class Slot:
    """The right to send one request, between `async with quota.slot(...)` and its end."""

    __slots__ = ("_counter", "_grant", "_state")

    def __init__(self, counter: Counter | None, grant: Grant | None) -> None:
        self._counter = counter
        self._grant = grant
        self._state: Literal["granted", "sent", "over"] = "granted"

    def sent(self) -> None:
        """Marks the request as handed to the transport; call it just before. From here on it is not refunded."""
        if self._state == "granted":
            self._state = "sent"

    def answered(self) -> None:
        """Marks the answer's headers, or an exception, as arrived: from here on the slot rests. Idempotent."""
        if self._state != "over":
            self._state = "over"
            if self._counter is not None and self._grant is not None:
                self._counter.answered(self._grant)

    def refused(self, per: Literal["second", "minute", "day", "unknown"], retry_after_s: float | None = None) -> None:
        """Marks the answer as a refusal for too many requests; the whole counter heeds it.

        Args:
            per: the window that the vendor calls full. `"day"` marks the day as spent; anything else holds the
                counter for one window and then slows it.
            retry_after_s: seconds that the vendor asked to wait, or None.
        """
        self.answered()
        if self._counter is None or self._grant is None:
            return
        if per == "day":
            self._counter.day_refused(self._grant)
        else:
            self._counter.refused(self._grant, period_s=_PERIOD_S[per], retry_after_s=retry_after_s)

    def _leave(self) -> None:
        if self._state == "sent":
            self.answered()
        elif self._state == "granted":
            self._state = "over"
            if self._counter is not None and self._grant is not None:
                self._counter.refund(self._grant)


class Waiting:
    """What `async with` enters: waits for the slot, and settles it however the block is left."""

    __slots__ = ("_counter", "_max_wait", "_slot")

    def __init__(self, counter: Counter | None, max_wait: float | None) -> None:
        self._counter = counter
        self._max_wait = max_wait

    async def __aenter__(self) -> Slot:
        grant = None if self._counter is None else await self._counter.acquire(self._max_wait)
        self._slot = Slot(self._counter, grant)
        return self._slot

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slot._leave()
