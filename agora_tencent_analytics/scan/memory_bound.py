"""Bounds the memory of a scan without deadlock.

Every worker asks for permission before it fetches more, and gets it for as much as the latest answers were large. Above
the bound only the worker that has been busy longest gets it: that one can finish its call, hand it over and so make
room, whatever the others hold.
"""

from __future__ import annotations

import anyio

ANSWER_COSTS = 3
"""While an answer is read it is in memory up to three times: its body, the text of its series, their columns."""
_FIRST_GUESS = 1 << 20
_FORGETTING = 0.9


class MemoryBound:
    """Counts bytes held by workers and by records that wait for the consumer.

    Args:
        bound: bytes above which only the longest busy worker goes on.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self.held: int = 0
        """Bytes held now."""
        self._next = float(ANSWER_COSTS * _FIRST_GUESS)  # what an answer that is asked for now is likely to take
        self._busy: dict[int, float] = {}  # what each worker fetches now; insertion order is age
        self._changed, self._waiting = anyio.Event(), 0

    def begin(self, worker: int) -> None:
        """A worker takes up a call."""
        self._busy[worker] = 0.0

    def end(self, worker: int) -> None:
        """A worker is done with its call."""
        del self._busy[worker]
        self._wake()

    async def leave(self, worker: int) -> None:
        """Returns when the worker may fetch more."""
        while next(iter(self._busy)) != worker and self.held + sum(self._busy.values()) + self._next > self._bound:
            self._waiting += 1
            try:
                await self._changed.wait()
            finally:
                self._waiting -= 1
        self._busy[worker] = self._next

    def came(self, worker: int, size: int) -> None:
        """What a worker fetched has come: bytes of points."""
        self._busy[worker] = 0.0
        self._next = max(float(ANSWER_COSTS * size), self._next * _FORGETTING)
        self._wake()

    def hold(self, size: int) -> None:
        """Bytes came in."""
        self.held += size

    def release(self, size: int) -> None:
        """Bytes went out."""
        if size:
            self.held -= size
            self._wake()

    def _wake(self) -> None:
        if self._waiting:
            self._changed.set()
            self._changed = anyio.Event()
