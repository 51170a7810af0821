"""Who is next in front of a counter: by priority, then first come, first served.

Holds the queue of one event loop and the places in it. Only the head of the queue acts; whoever ends its turn, or
leaves, rings the next head.

**The bound.** A request may overtake those of lower priority that came before it, but of ten grants in a row, at
least one goes to whoever has waited longest if it was overtaken. So one that finds n others waiting is granted, at
the latest, with the 10 (n + 1)-th grant from then on, however many of higher priority follow. Between processes, and
between the loops of one, there is no queue: there backfills step aside for a moment.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from typing import NamedTuple

from agora_tencent_analytics.context import PRIORITIES, Priority, earlier

_OVERTAKINGS_IN_A_ROW = 9
_RANK = {priority: rank for rank, priority in enumerate(PRIORITIES)}
_YIELDED_S = 0.015
"""A backfill leaves what comes free for so long to others: stores know no priorities and no turns, and whoever asks
first is served."""
_YIELDED_AFTER_REFUSAL_S = 0.001
"""For so long if the store made it wait: then it goes before backfills of others that were just served."""


class Bounds(NamedTuple):
    """How one request wants to wait: see `Quota.slot`."""

    max_wait: float | None
    priority: Priority
    within_s: float | None
    queues: bool


class Waiter:
    """A place in the queue.

    Args:
        bounds: how it wants to wait.
        now: monotonic seconds.
    """

    __slots__ = ("_rung", "_sleep", "_timer", "as_head_s", "deadline", "number", "priority", "queues", "refused")

    def __init__(self, bounds: Bounds, now: float) -> None:
        max_wait, _, within_s, queues = bounds
        self.priority: Priority = bounds.priority
        self.queues: bool = queues
        longest = within_s if queues else earlier(max_wait, within_s)
        self.deadline: float | None = None if longest is None else now + longest
        """The monotonic second after which it is not worth waiting for."""
        self.as_head_s: float | None = max_wait if self.queues else None
        """The most seconds to wait once it is the head of the queue."""
        self.number: int = 0
        self.refused: bool = False
        """True once the store has said "not yet" to it."""
        self._rung = False
        self._sleep: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Clears the wake-up; do this before deciding to wait, so that no later one is lost."""
        self._rung = False

    async def wait(self, seconds: float, left_s: float = math.inf, *, yields: bool = True) -> None:
        """Waits for a wake-up, but no longer than `seconds`, and a moment more if it yields and has it left."""
        if self._rung:
            return
        late_s = 0.0
        if yields and self.priority == "backfill":
            late_s = _YIELDED_AFTER_REFUSAL_S if self.refused else _YIELDED_S
        self._sleep = asyncio.get_running_loop().create_future()
        self.ring_in(min(seconds + late_s, left_s))
        try:
            await self._sleep
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._sleep = self._timer = None

    def ring(self) -> None:
        """Wakes the waiter."""
        self._rung = True
        # A loop that was closed under its waiters wakes nobody; they leave one by one when they are collected.
        if self._sleep is not None and not self._sleep.done() and not self._sleep.get_loop().is_closed():
            self._sleep.set_result(None)

    def ring_in(self, seconds: float) -> None:
        """Wakes the waiter then, if it sleeps and has no timer of its own."""
        if self._sleep is not None and self._timer is None and seconds < math.inf:
            self._timer = self._sleep.get_loop().call_later(seconds, self.ring)


class Queue:
    """The waiters of one event loop."""

    def __init__(self) -> None:
        self._queues: tuple[OrderedDict[Waiter, None], ...] = tuple(OrderedDict() for _ in PRIORITIES)
        self._joined = 0
        self._overtakings = 0
        self.acting: Waiter | None = None
        """The head while it asks the store: nobody takes its place until it is answered, or leaves."""

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def join(self, waiter: Waiter) -> int:
        """Joins behind those of equal priority; returns how many are served before it if nobody else comes."""
        self._joined += 1
        waiter.number = self._joined
        self._queues[_RANK[waiter.priority]][waiter] = None
        return self.ahead(waiter.priority) - 1

    def ahead(self, priority: Priority) -> int:
        """At least how many would be served before one more of this priority."""
        return sum(map(len, self._queues[: _RANK[priority] + 1]))

    def leave(self, waiter: Waiter, free_in_s: float = 0.0) -> None:
        """Leaves the queue, from any place, and wakes the next head: when it can be served, if it has no bounds."""
        self._queues[_RANK[waiter.priority]].pop(waiter, None)
        if self.acting is waiter:
            self.acting = None
        self.ring_head(free_in_s)

    def head(self) -> Waiter | None:
        """The head of the queue."""
        if self.acting is not None:
            return self.acting
        if self._overtakings >= _OVERTAKINGS_IN_A_ROW:
            firsts = [next(iter(queue)) for queue in self._queues if queue]
            return min(firsts, key=lambda waiter: waiter.number, default=None)
        for queue in self._queues:
            for waiter in queue:
                return waiter
        return None

    def ring_head(self, free_in_s: float = 0.0) -> None:
        """Wakes the head; see `leave`."""
        head = self.head()
        if head is None:
            return
        if free_in_s and head.deadline is None and head.as_head_s is None:
            head.ring_in(free_in_s)  # spares it to wake, look and wait again
        else:
            head.ring()

    def granted(self, waiter: Waiter) -> None:
        """Records that the head was served, overtaking those of lower priority that came before it."""
        lower = self._queues[_RANK[waiter.priority] + 1 :]
        overtook = any(next(iter(queue)).number < waiter.number for queue in lower if queue)
        self._overtakings = self._overtakings + 1 if overtook else 0

    def ring_the_impatient(self) -> None:
        """Wakes those whose wait is bounded."""
        for queue in self._queues:
            for waiter in queue:
                if waiter.deadline is not None:
                    waiter.ring()
