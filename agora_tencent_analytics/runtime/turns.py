"""First come, first served, over several event loops and threads.

Holds the queue in front of a counter (`Turns`) and the places in it (`Ticket`). Refuses to know what the
turn is for. Only the head of the queue acts; whoever leaves wakes the next head.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict

__all__ = ["Ticket", "Turns"]


class Ticket:
    """A place in the queue; belongs to the event loop it was made on.

    Args:
        deadline: monotonic second after which its owner does not want to wait, or None.
    """

    __slots__ = ("_rung", "deadline", "loop")

    def __init__(self, deadline: float | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadline = deadline
        self._rung: asyncio.Future[None] = self.loop.create_future()

    def arm(self) -> None:
        """Forgets that it was rung, under the lock of the one who decides to wait: no ring is lost after it."""
        if self._rung.done():
            self._rung = self.loop.create_future()

    async def wait(self, seconds: float) -> None:
        """Waits to be rung, but no longer than `seconds`."""
        timer = self.loop.call_later(seconds, self._ring) if seconds < math.inf else None
        try:
            await self._rung
        finally:
            if timer is not None:
                timer.cancel()

    def ring(self) -> None:
        """Wakes its owner, from any thread."""
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self.loop:
            self._ring()
            return
        try:
            self.loop.call_soon_threadsafe(self._ring)
        except RuntimeError:
            return  # the loop was closed in between: the next look at the queue drops the ticket

    def _ring(self) -> None:
        if not self._rung.done():
            self._rung.set_result(None)


class Turns:
    """The queue. Its owner's lock guards it; only `Ticket.ring` may be called without."""

    def __init__(self) -> None:
        self._tickets: OrderedDict[Ticket, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tickets)

    def join(self, ticket: Ticket) -> None:
        """Takes the last place."""
        self._tickets[ticket] = None

    def leave(self, ticket: Ticket) -> None:
        """Gives the place up, wherever it is."""
        self._tickets.pop(ticket, None)

    def head(self) -> Ticket | None:
        """Whose turn it is. Tickets whose loop was closed under them are dropped: they cannot clean up."""
        while self._tickets:
            ticket = next(iter(self._tickets))
            if not ticket.loop.is_closed():
                return ticket
            del self._tickets[ticket]
        return None

    def impatient(self) -> list[Ticket]:
        """Those who do not wait for ever."""
        return [ticket for ticket in self._tickets if ticket.deadline is not None]
