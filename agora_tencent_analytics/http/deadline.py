"""How long one ask may go on: its deadline, the longest wait for a slot, and the limits of each attempt.

Holds the arithmetic of time allowed. Refuses to wait, except to bound what somebody else waits for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import attrs

from agora_tencent_analytics.http.transport import Timeouts
from agora_tencent_analytics.quota.clock import Clock

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Patience:
    """What one ask has left, from the moment that it is made."""

    clock: Clock
    max_wait: float | None
    """The longest wait for a slot, seconds; None waits as long as it takes."""
    timeouts: Timeouts
    """The limits of an attempt, as the provider has them."""
    _since: float = attrs.field(init=False, default=attrs.Factory(lambda self: self.clock.monotonic(), takes_self=True))

    @property
    def left_s(self) -> float | None:
        """Seconds until the deadline, at least 0; None if there is none."""
        deadline_s = self.timeouts.deadline_s
        return None if deadline_s is None else max(0.0, self._since + deadline_s - self.clock.monotonic())

    @property
    def for_slot_s(self) -> float | None:
        """The longest that the next slot may be waited for, seconds; None: as long as it takes."""
        waits = [wait for wait in (self.max_wait, self.left_s) if wait is not None]
        return min(waits, default=None)

    def allows(self, pause_s: float) -> bool:
        """True if the deadline is still to come after such a pause."""
        left = self.left_s
        return left is None or pause_s < left

    def for_attempt(self) -> Timeouts | None:
        """The limits of an attempt that begins now, cut by the deadline; None if it has passed."""
        left = self.left_s
        if left is None:
            return self.timeouts
        return attrs.evolve(self.timeouts, total_s=min(self.timeouts.total_s, left)) if left > 0 else None

    async def bounded(self, wait: Callable[[], Awaitable[T]], late: Callable[[], BaseException]) -> T:
        """What `wait` gives, if it does so before the deadline; otherwise raises what `late` makes."""
        left = self.left_s
        if left is None:
            return await wait()
        with anyio.move_on_after(left):
            return await wait()
        raise late()
