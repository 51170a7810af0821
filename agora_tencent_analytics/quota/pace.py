"""The pace: a token bucket whose token belongs to the head of the queue, whoever that is.

A head that waits for the token may be overtaken meanwhile; the token is then used by whoever overtook it, who would
otherwise wait for two.
"""

from __future__ import annotations

import math
from contextlib import nullcontext

import anyio


class TokenBucket:
    """One request per pace, on one event loop.

    Args:
        pace_s: seconds between two requests.
    """

    def __init__(self, pace_s: float) -> None:
        self.pace_s = pace_s
        self.ready: bool = False
        """True while the token is available."""
        self.asked: bool = False
        """True while somebody waits for the token."""
        # Here, since who has no rates needs none: it brings `importlib.metadata`, and a fifth of all our own imports.
        from aiolimiter import AsyncLimiter

        self._limiter = AsyncLimiter(1, pace_s)

    async def at_hand(self) -> bool:
        """True if the token is there; never waits."""
        if not self.ready and not self.asked and self._limiter.has_capacity():
            await self._limiter.acquire()
            self.ready = True
        return self.ready

    async def ask(self, patience_s: float) -> None:
        """Waits for the token, but no longer than `patience_s`; only one caller may wait at a time."""
        self.asked = True
        try:
            # A scope costs as much as all else here: only who would not wait for ever needs one.
            with anyio.move_on_after(patience_s) if patience_s < math.inf else nullcontext():
                await self._limiter.acquire()
                self.ready = True
        finally:
            self.asked = False
