"""Who is next, over several event loops and threads: by priority, then first come, first served.

Holds the queue in front of a counter; the places in it are in `ticket.py`. Refuses to know what the turn is for. Only
the head of the queue acts; whoever ends its turn, or leaves, wakes the next head.

**The bound.** A request may overtake those of lower priority that came before it, but of ten grants in a row, at
least one goes to whoever has waited longest if it was overtaken. So one that finds n others waiting is granted, at
the latest, with the 10 (n + 1)-th grant from then on, however many of higher priority follow. Between processes there
is no queue: there backfills step aside for a moment (`ticket.py`).

**The watch.** An event loop may be closed under its waiters without a word, and then nobody is rung. So of each loop
somebody keeps looking, as long as the head is on another.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict

from agora_tencent_analytics.context import PRIORITIES, Priority
from agora_tencent_analytics.quota.ticket import Ticket

_OVERTAKINGS_IN_A_ROW = 9
_RANK = {priority: rank for rank, priority in enumerate(PRIORITIES)}


class Turns:
    """The queue. Its owner's lock guards it; only `Ticket.ring` may be called without."""

    def __init__(self) -> None:
        self._queues: tuple[OrderedDict[Ticket, None], ...] = tuple(OrderedDict() for _ in PRIORITIES)
        self._joined = 0
        self._overtakings = 0
        self._acting: Ticket | None = None

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def join(self, ticket: Ticket) -> int:
        """Takes the last place among its equals; says how many are served before it if nobody else comes."""
        self._joined += 1
        ticket.number = self._joined
        rank = _RANK[ticket.priority]
        self._queues[rank][ticket] = None
        return self.ahead(ticket.priority) - 1

    def ahead(self, priority: Priority) -> int:
        """How many are served before one more of this priority, at least."""
        return sum(map(len, self._queues[: _RANK[priority] + 1]))

    def leave(self, ticket: Ticket) -> None:
        """Gives the place up, wherever it is."""
        self._queues[_RANK[ticket.priority]].pop(ticket, None)
        if self._acting is ticket:
            self._acting = None

    def act(self, ticket: Ticket) -> None:
        """The head begins a step that waits for the store: nobody takes its place until it is done or leaves."""
        self._acting = ticket

    def acted(self) -> None:
        """The step is over."""
        self._acting = None

    def head(self) -> Ticket | None:
        """Whose turn it is. Tickets whose loop was closed under them are dropped: they cannot clean up."""
        if self._acting is not None and not self._acting.loop.is_closed():
            return self._acting
        firsts = [ticket for ticket in map(self._first, self._queues) if ticket is not None]
        if not firsts:
            return None
        if self._overtakings >= _OVERTAKINGS_IN_A_ROW:
            return min(firsts, key=lambda ticket: ticket.number)
        return firsts[0]

    def granted(self, ticket: Ticket) -> None:
        """The head was served: those of lower priority who came before it were overtaken."""
        lower = map(self._first, self._queues[_RANK[ticket.priority] + 1 :])
        overtook = any(first is not None and first.number < ticket.number for first in lower)
        self._overtakings = self._overtakings + 1 if overtook else 0

    def to_ring(self, here: asyncio.AbstractEventLoop | None) -> list[Ticket]:
        """The head; and if it is on another loop than this, somebody of this loop to watch over it."""
        head = self.head()
        if head is None:
            return []
        if here is None or head.loop is here:
            return [head]
        behind = (ticket for queue in self._queues for ticket in queue if ticket.loop is here)
        return [head, *itertools.islice(behind, 1)]

    def impatient(self) -> list[Ticket]:
        """Those who do not wait for ever."""
        return [ticket for queue in self._queues for ticket in queue if ticket.deadline is not None]

    def _first(self, queue: OrderedDict[Ticket, None]) -> Ticket | None:
        while queue:
            ticket = next(iter(queue))
            if not ticket.loop.is_closed():
                return ticket
            del queue[ticket]
        return None
