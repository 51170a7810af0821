"""Time that stands still while the machine is busy with something else: for sockets and timeouts that are real.

The loop's clock counts what it waited, at most as long as it meant to; and of what lies between two waits no more than
`AT_WORK_S`, and a thousandth of the rest, so that it never stops. A process that gets no turn for seconds sees no
timeout fire because of it; whoever really waits, for a socket or a timer, spends time as ever. So a bound on such time
needs no margin for a busy machine.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["AT_WORK_S", "SteadyLoop", "run", "steady"]

T = TypeVar("T")
AT_WORK_S = 0.05
"""The most that a turn of the loop counts for."""


class _Selector(selectors.DefaultSelector):
    """Counts the waits."""

    def __init__(self) -> None:
        super().__init__()
        self.counted, self.since = 0.0, time.monotonic()

    def now(self) -> float:
        spent = time.monotonic() - self.since
        return self.counted + min(spent, AT_WORK_S) + max(0.0, spent - AT_WORK_S) / 1000

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.counted, self.since = self.now(), time.monotonic()
        events = super().select(timeout)
        waited = time.monotonic() - self.since
        self.counted += waited if timeout is None else min(waited, max(0.0, timeout))
        self.since = time.monotonic()
        return events


class SteadyLoop(asyncio.SelectorEventLoop):
    """An event loop with sockets, whose `time()` is that time."""

    def __init__(self) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)

    def time(self) -> float:
        """See `asyncio.AbstractEventLoop.time`."""
        return self._waits.now()


def steady() -> float:
    """Now, on the clock of the loop that runs; 0 where none does."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return 0.0


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run` does."""
    with asyncio.Runner(loop_factory=SteadyLoop) as runner:
        return runner.run(scenario)
