"""`Ticket`: a place in a queue that several event loops and threads share.

Holds how its owner waits to be rung, and how anybody rings. Who is rung when is `queue.py`.
"""

from __future__ import annotations

import asyncio
import math

from agora_tencent_analytics.context import Priority

_YIELDED_S = 0.015
"""A backfill leaves what comes free for so long to other processes: stores know no priorities and no turns, and whoever
asks first is served."""
_YIELDED_AFTER_REFUSAL_S = 0.001
"""For so long if the store made it wait: then it goes before backfills of others that were just served."""

_WATCH_S = 1.0


class Ticket:
    """A place in the queue; belongs to the event loop it was made on.

    Args:
        deadline: monotonic second after which its owner does not want to wait, or None.
        priority: who goes first.
    """

    __slots__ = ("_rung", "deadline", "loop", "number", "priority", "refused")

    def __init__(self, deadline: float | None, priority: Priority) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadline = deadline
        self.priority: Priority = priority
        self.number = 0
        self.refused = False
        """The store has said "not yet" to it."""
        self._rung: asyncio.Future[None] = self.loop.create_future()

    def watch_s(self, head: Ticket | None) -> float:
        """For how long it may wait behind this head without being rung; one of another loop is watched (`queue.py`)."""
        return math.inf if head is None or head.loop is self.loop else _WATCH_S

    def arm(self) -> None:
        """Forgets that it was rung, under the lock of the one who decides to wait: no ring is lost after it."""
        if self._rung.done():
            self._rung = self.loop.create_future()

    async def wait(self, seconds: float) -> None:
        """Waits to be rung, but no longer than `seconds`, and a moment more if others go first."""
        late_s = 0.0
        if self.priority == "backfill":
            late_s = _YIELDED_AFTER_REFUSAL_S if self.refused else _YIELDED_S
        timer = self.loop.call_later(seconds + late_s, self._ring) if seconds < math.inf else None
        try:
            await self._rung
        finally:
            if timer is not None:
                timer.cancel()

    def ring(self) -> None:
        """Wakes its owner, from any thread."""
        if running_loop() is self.loop:
            self._ring()
            return
        try:
            self.loop.call_soon_threadsafe(self._ring)
        except RuntimeError:
            return  # the loop was closed in between: whoever watches over it drops the ticket

    def _ring(self) -> None:
        if not self._rung.done():
            self._rung.set_result(None)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
