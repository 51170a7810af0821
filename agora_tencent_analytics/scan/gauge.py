"""A bound on the bytes that a scan holds, that cannot lock it up.

Every worker asks for leave before it fetches more. Above the bound only the worker that has been busy
longest gets leave: it can finish its call, hand it over and so make room, whatever the others hold.
"""

from __future__ import annotations

import anyio

__all__ = ["Gauge"]


class Gauge:
    """Counts bytes held by workers and by records that wait for the consumer.

    Args:
        bound: bytes above which only the longest busy worker goes on.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._held = 0
        self._busy: dict[int, None] = {}  # insertion order is age
        self._changed = anyio.Event()

    def begin(self, worker: int) -> None:
        """A worker takes up a call."""
        self._busy[worker] = None

    def end(self, worker: int) -> None:
        """A worker is done with its call."""
        self._busy.pop(worker, None)
        self._wake()

    async def leave(self, worker: int) -> None:
        """Returns when the worker may fetch more."""
        while self._held > self._bound and next(iter(self._busy)) != worker:
            await self._changed.wait()

    def hold(self, size: int) -> None:
        """Bytes came in."""
        self._held += size

    def release(self, size: int) -> None:
        """Bytes went out."""
        if size:
            self._held -= size
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
