"""`BatchQueue`: hands items over in the batches in which they become ready, from one end of a scan to the next.

A page of calls passes in one step, so that tasks are woken once a page and not once a call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class BatchQueue(Generic[T]):
    """A queue with any number of tasks at both ends, for one event loop.

    Who puts something in returns once no more than `bound` items wait: so each holds one batch beyond the bound at
    most, and with a bound of 0 nothing is got ready that nobody has taken up.

    Args:
        bound: items that may wait while more of them are got ready.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[T] = deque()
        self._filled, self._room = asyncio.Event(), asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Nothing more is put in: who takes gets what is left, and then nothing."""
        self._closed = True
        self._filled.set()

    async def put(self, items: Iterable[T]) -> None:
        """Adds items in their order, and returns once no more than the bound are waiting."""
        self._items.extend(items)
        if self._items:
            self._filled.set()
        if len(self._items) > self._bound:
            self._room.clear()
            await self._room.wait()

    async def take(self) -> T | None:
        """The next item; None when the queue is closed and empty. Lets others work only if none is there."""
        while not self._items:
            if self._closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if len(self._items) == self._bound:
            self._room.set()
        return item
