"""`Alarm`: says once, while it still matters, that an ask waits for long.

Holds one timer of the event loop at most. Polls nothing: a wait that is expected to be long is told as soon as it
has begun, any other when it has in fact lasted for `LONG_S`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG_S = 5.0
"""What is longer than this is a long wait, seconds."""


class Alarm:
    """Tells the first long wait of an ask.

    Args:
        tell: given the seconds that the wait takes in all, at least, its reason, and the seconds that are over.
    """

    def __init__(self, tell: Callable[[float, str, float], None]) -> None:
        self._tell = tell
        self._told = False

    @contextmanager
    def watching(
        self, reason: str, expected_s: float, left_s: Callable[[], float] | None = None
    ) -> Iterator[Callable[[], None]]:
        """Watches a wait from here to the end of the block, or until what it gives is called.

        Args:
            reason: what is waited for, in words.
            expected_s: how long that takes, at least, seconds.
            left_s: how much longer it takes, at least, asked when it has lasted for `LONG_S` against expectation.
        """
        if self._told:
            yield _nothing
            return

        def late() -> None:
            self._told = True
            self._tell(LONG_S + (left_s() if left_s else 0.0), reason, LONG_S)

        def at_once() -> None:
            self._told = True
            self._tell(expected_s, reason, 0.0)

        loop = asyncio.get_running_loop()
        # Not before the loop turns: who is let in, or refused, at once has not waited.
        timer = loop.call_soon(at_once) if expected_s > LONG_S else loop.call_later(LONG_S, late)
        try:
            yield timer.cancel
        finally:
            timer.cancel()


def _nothing() -> None:
    """There is no timer to stop."""
