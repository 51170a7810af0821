"""`Connection`: what a provider and its views share: whether it is open, who waits in it, and how fast it answers.

Decides nothing: an ask enters itself while it waits, and hears by a cancellation that the provider was closed.
"""

from __future__ import annotations

import asyncio
import math

from agora_tencent_analytics.errors import BadInput, ProviderClosed
from agora_tencent_analytics.http.transport import Transport, check_open

_RECENT = 20
"""The fastest answer of an endpoint is forgotten after so many others, or at the latest twice as many."""


def check_loop() -> None:
    """Nothing, where an event loop of asyncio runs.

    Raises:
        BadInput: none does.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise BadInput("there is no event loop of asyncio here: this library cannot be asked under trio") from None


class Connection:
    """Open until it is closed, and again when it is opened again; may serve several event loops."""

    def __init__(self) -> None:
        self.closed: bool = False
        self._waiting: dict[object, tuple[asyncio.Task[object], int]] = {}  # how often it was cancelled before
        self._woken: dict[object, int] = {}
        self._fastest: dict[str, tuple[float, float, int]] = {}
        """By endpoint, the fastest of the last `_RECENT` answers, and of those since; and how many these are."""
        self._spent: dict[str, float] = {}
        self.kinds: set[type] = set()
        """Types of keys that a request was authenticated with."""

    def check(self, transport: Transport) -> None:
        """Nothing, if it is open.

        Args:
            transport: where its requests go.

        Raises:
            ProviderClosed: it is not, or the transport is not.
        """
        if self.closed:
            raise ProviderClosed("this provider is closed, so nothing was sent; enter it again (async with) to go on")
        check_open(transport)

    def waits(self, ask: object) -> None:
        """An ask of the running task waits from now on, for whatever it may be, an answer included."""
        try:
            task = asyncio.current_task()
        except RuntimeError:
            task = None
            check_loop()
        if task is not None:
            self._waiting[ask] = task, task.cancelling()

    def is_over(self, ask: object) -> None:
        """It does not wait any more."""
        self._waiting.pop(ask, None)

    def woke(self, ask: object) -> bool:
        """True if closing, and nothing else, cancelled the ask's task; the cancellation is taken back."""
        before = self._woken.pop(ask, None)
        task = None if before is None else asyncio.current_task()
        return before is not None and task is not None and task.uncancel() <= before

    def close(self) -> None:
        """Wakes all who wait, on whatever event loop."""
        self.closed = True
        here = asyncio.get_running_loop()
        for loop in {task.get_loop() for task, _ in list(self._waiting.values())}:
            if loop is here:
                self._wake(loop)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        for ask, (task, cancelled) in list(self._waiting.items()):
            if task.get_loop() is loop:
                del self._waiting[ask]
                self._woken[ask] = cancelled
                task.cancel()

    def answered(self, endpoint: str, elapsed_s: float) -> None:
        """An answer took so long, from sending to its last byte."""
        before, latest, answers = self._fastest.get(endpoint, (math.inf, math.inf, 0))
        latest, answers = min(latest, elapsed_s), answers + 1
        self._fastest[endpoint] = (latest, math.inf, 0) if answers == _RECENT else (before, latest, answers)

    def fastest_s(self, endpoint: str) -> float:
        """The fastest of the endpoint's recent answers, seconds; 0 before the first."""
        before, latest, _ = self._fastest.get(endpoint, (0.0, 0.0, 0))
        return before if before < latest else latest

    def is_news(self, counter: str, resets_at: float) -> bool:
        """True the first time that the day of a counter, until this instant, is told as spent."""
        before, self._spent[counter] = self._spent.get(counter), resets_at
        return before != resets_at
