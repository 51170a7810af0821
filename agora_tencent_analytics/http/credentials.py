"""The keys of one ask: when they are called for, and what they are worth.

Called for before each attempt, and before the slot is waited for, so that no slot waits for them; bounded by the
deadline of the ask; and called for again if they are older than `KEEP_S` when the slot is there at last. What the
callable raises passes as it is. Refuses to look inside: keys are what the vendor's dialect takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from agora_tencent_analytics.http.deadline import Patience

KEEP_S = 60.0
"""Keys older than this do not sign, seconds: who hands out tokens leaves them that long to live."""


class Keys:
    """The keys of one ask.

    Args:
        credentials: gives the keys.
        patience: what the ask has left.
    """

    def __init__(self, credentials: Callable[[], Awaitable[Any]], patience: Patience) -> None:
        self._credentials, self._patience = credentials, patience
        self._since = 0.0
        self._before: Any = None
        self.value: Any = None
        """The keys as they were given last."""

    async def fetch(self, late: Callable[[], BaseException]) -> None:
        """Calls for keys.

        Args:
            late: makes the error for a deadline that passes over the callable.
        """
        # No local variable holds them: crash reports list those of every frame.
        self.value, self._before = await self._patience.bounded(self._credentials, late), self.value
        self._since = self._patience.clock.monotonic()

    async def refresh(self, late: Callable[[], BaseException]) -> None:
        """Calls for keys if those in hand are too old to sign; see `fetch`."""
        if self._patience.clock.monotonic() - self._since > KEEP_S:
            await self.fetch(late)

    @property
    def are_others(self) -> bool:
        """True if the last call gave other keys than the one before."""
        return bool(self.value != self._before)
