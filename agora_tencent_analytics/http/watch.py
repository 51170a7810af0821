"""`WatchedConnector`: connections, and one timer of the event loop that ends whatever takes too long on them.

aiohttp sets two timers for each request, and puts one of them off with each piece of an answer: a tenth of what a small
request costs. Here an attempt notes until when it may take and how long silence may last, and the one timer rings when
the first of them might be late: once in half a minute, where nobody is. How long connecting may take is left to it, as
it times that only where a connection is made. Imports aiohttp, and is imported with it.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

import aiohttp
import msgspec

from agora_tencent_analytics.http.timeouts import Timeouts

_GRACE_S = 0.05
"""After it was silent for too long: what came while the loop stood still has to be read first."""


class WatchedConnector(aiohttp.TCPConnector):
    """The connections of one session of our own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._attempts: dict[asyncio.Task[Any], Watched] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._rings = inf

    def begin(self, timeouts: Timeouts) -> Watched:
        """The running task makes an attempt from now on.

        Args:
            timeouts: how long it may take.
        """
        task, now, read_s = asyncio.current_task(self._loop), self._loop.time(), timeouts.read_s
        if task is None:
            raise RuntimeError("a request is sent by a task")
        attempt = self._attempts[task] = Watched(
            self, task, task.cancelling(), read_s, now + read_s, now + timeouts.total_s
        )
        if attempt.due < self._rings:
            self._ring(attempt.due)
        return attempt

    def _ring(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._rings, self._alarm = at, self._loop.call_at(at, self._look)

    def _look(self) -> None:
        """Ends what is late, and sets the timer for what may be next."""
        self._alarm, self._rings, now = None, inf, self._loop.time()
        for attempt in self._attempts.values():
            if now < attempt.due or attempt.late is not None:
                continue
            if now < attempt.ends and not attempt.doubted:
                attempt.doubted, attempt.silent = True, now + _GRACE_S
            else:
                attempt.late = TimeoutError if attempt.ends <= now else aiohttp.SocketTimeoutError
                attempt.task.cancel()
        if waiting := [attempt.due for attempt in self._attempts.values() if attempt.late is None]:
            self._ring(min(waiting))

    def close(self, **options: Any) -> Any:
        """Closes them, which ends whoever reads from one; else the loop would keep all this until the timer rings."""
        if self._alarm is not None:
            self._alarm.cancel()
        return super().close(**options)

    async def _create_connection(self, *args: Any, **options: Any) -> Any:
        task = asyncio.current_task()
        attempt = None if task is None else self._attempts.get(task)
        if attempt is None:
            return await super()._create_connection(*args, **options)
        attempt.silent = inf  # who makes a connection waits for no answer yet
        made = await super()._create_connection(*args, **options)
        attempt.heard()
        if attempt.due < self._rings:
            self._ring(attempt.due)
        return made


class Watched(msgspec.Struct):
    """One attempt under way; instants are of the loop's clock."""

    connector: WatchedConnector
    task: asyncio.Task[Any]
    cancelled: int
    """How often it had been cancelled before."""
    read_s: float
    silent: float
    """When it must have heard something."""
    ends: float
    """When it must be over."""
    doubted: bool = False
    """True if it was silent for too long, and has been given a moment since."""
    late: type[TimeoutError] | None = None
    """What aiohttp would have raised, once the timer has cancelled it."""

    @property
    def due(self) -> float:
        """When it is late."""
        return min(self.silent, self.ends)

    def heard(self) -> None:
        """Something came."""
        self.silent, self.doubted = self.connector._loop.time() + self.read_s, False

    def was_late(self) -> bool:
        """True if the timer, and nothing else, has cancelled the task; the cancellation is taken back."""
        return self.task.uncancel() <= self.cancelled

    def over(self) -> None:
        """It takes no longer."""
        self.connector._attempts.pop(self.task, None)
