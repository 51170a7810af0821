"""A day of waiting in a moment: an asyncio event loop whose clock is virtual.

    def test_the_second_question_waits() -> None:
        async def scenario(clock: Clock) -> float:
            began = clock.monotonic()
            await asyncio.sleep(3600)
            return clock.monotonic() - began

        assert 3600 == pytest.approx(run(scenario, VirtualClock(epoch=1_790_000_000).clock))

When every task waits, the loop does not sleep: its clock leaps to the next timer. Each turn of the loop
costs one nanosecond, because a token bucket that asks "is it time yet?" would otherwise ask for ever. Two
runs of the same code see the same times to the last digit.

While a thread works for the loop (`anyio.to_thread`, `asyncio.to_thread`, `run_in_executor`) time creeps
but does not leap, so no timeout fires because of it. Sockets are not supported: use a real loop for them.
If every task waits, no timer is set and no thread reports within ten real seconds, `run` raises
`Deadlock` instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

import anyio.to_thread

from agora_tencent_analytics.quota.clock import Clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH = 1_790_000_000.0
"""The wall clock of a `VirtualClock` when a run starts, unless told otherwise: 2026-09-21 14:13:20 UTC."""
START = 1_000.0
"""`loop.time()` when a run starts. Not 0, which would hide a forgotten subtraction."""

_TURN_S = 1e-9
_PATIENCE_S = 10.0
_THREAD_POLL_S = 0.001


class Deadlock(RuntimeError):
    """Every task waits for something that cannot happen any more."""


class _LeapingSelector(selectors.DefaultSelector):
    """Waits for nothing but threads: in place of sleeping, the time moves."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.loop.now += _TURN_S
        leaps = timeout is not None and not self.loop.threads_at_work()
        events = super().select(_PATIENCE_S if timeout is None else 0 if leaps or timeout <= 0 else _THREAD_POLL_S)
        if not events and timeout is None:
            raise Deadlock("every task waits, no timer is set, and no thread has reported for ten seconds")
        if not events and leaps:
            self.loop.now += max(0.0, timeout or 0.0)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` leaps to the next timer when nothing else is left to do."""

    def __init__(self) -> None:
        self.now = START
        self._in_threads = set[asyncio.Future[Any]]()
        self.thread_limiter: anyio.CapacityLimiter | None = None
        """anyio's limiter of threads; it can be asked for inside a task only."""
        selector = _LeapingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """See `asyncio.AbstractEventLoop.time`."""
        return self.now

    def threads_at_work(self) -> bool:
        """True while a thread works for this loop."""
        borrowed = 0 if self.thread_limiter is None else self.thread_limiter.borrowed_tokens
        return bool(self._in_threads or borrowed)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """See `asyncio.AbstractEventLoop.run_in_executor`."""
        future = super().run_in_executor(executor, func, *args)
        self._in_threads.add(future)
        future.add_done_callback(self._in_threads.discard)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as the loop spells it
        """See `asyncio.loop.shutdown_default_executor`; its time limit is meant for a real clock."""
        await super().shutdown_default_executor()


class VirtualClock:
    """The clocks of a virtual run: monotonic is the loop's time, wall starts at `epoch`.

    Binds to the first loop that reads it; before that it stands still. One per `run`.

    Args:
        epoch: epoch seconds on the wall clock when the run starts.
    """

    def __init__(self, epoch: float = EPOCH) -> None:
        self.epoch: float = epoch
        self.clock: Clock = Clock(monotonic=self._monotonic, wall=self._wall)
        self._loop: asyncio.AbstractEventLoop | None = None

    def step(self, seconds: float) -> None:
        """Sets the wall clock forward (or back, if negative), as an administrator or NTP would."""
        self.epoch += seconds

    def _monotonic(self) -> float:
        self._loop = self._loop or asyncio._get_running_loop()
        return START if self._loop is None else self._loop.time()

    def _wall(self) -> float:
        return self.epoch + self._monotonic() - START


def run(async_fn: Callable[[*Ts], Coroutine[Any, Any, T]], *args: *Ts) -> T:
    """Runs `async_fn(*args)` to its end in virtual time and returns what it returns."""

    async def whole() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.thread_limiter = anyio.to_thread.current_default_thread_limiter()
        return await async_fn(*args)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(whole())
