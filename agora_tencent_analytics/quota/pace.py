"""The pace of one event loop: a token bucket whose token belongs to the head of the queue, whoever that is.

Holds `Pacer`, and `Pacers`, which has one for each loop. Refuses to know the queue. A head that waits for the token may
be overtaken meanwhile; the token is then used by whoever overtook it, who would otherwise wait for two.
"""

from __future__ import annotations

import asyncio
import weakref

import anyio
from aiolimiter import AsyncLimiter


class Pacer:
    """One request per pace.

    Args:
        pace_s: seconds between two requests.
    """

    def __init__(self, pace_s: float) -> None:
        self.pace_s = pace_s
        self.ready = False
        """The token is here, for the next request."""
        self.asked = False
        """Somebody waits for the token."""
        self._limiter = AsyncLimiter(1, pace_s)

    def has_token(self) -> bool:
        """True if the token can be had without waiting."""
        return self._limiter.has_capacity()

    async def ask(self, patience_s: float) -> None:
        """Waits for the token, but no longer than `patience_s`; only one may ask at a time."""
        self.asked = True
        try:
            if self._limiter.has_capacity():
                await self._limiter.acquire()
                self.ready = True
            else:
                with anyio.move_on_after(patience_s):
                    await self._limiter.acquire()
                    self.ready = True
        finally:
            self.asked = False


class Pacers:
    """The pacers of one counter, one for each event loop."""

    def __init__(self) -> None:
        self._pacers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pacer] = weakref.WeakKeyDictionary()

    def of(self, loop: asyncio.AbstractEventLoop, pace_s: float | None) -> Pacer | None:
        """The pacer of the loop for this pace; None where no pace is kept."""
        pacer = None if pace_s is None else self._pacers.get(loop)
        if pace_s is not None and (pacer is None or pacer.pace_s != pace_s):
            pacer = self._pacers[loop] = Pacer(pace_s)
        return pacer

    def used(self, loop: asyncio.AbstractEventLoop) -> None:
        """A request of the loop was granted: the next one needs a token of its own."""
        pacer = self._pacers.get(loop)
        if pacer is not None:
            pacer.ready = False
