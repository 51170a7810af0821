"""Cancels a piece of code at its first checkpoint, its second, its third, and so on until it gets through.

    def test_whatever_is_cancelled_leaves_nothing_behind() -> None:
        async def scenario(cut: Cut) -> None:
            thing = Thing()                # what is prepared is not cancelled
            await cut(thing.work())        # what is handed to `cut` is, once
            assert 0 == thing.open         # and this holds, cancelled or not

        assert cancel_everywhere(scenario) > 5

A checkpoint is a turn of the event loop. Every `await` that waits lasts for one turn at least, so none is left out;
and since a task that was woken runs in the turn after, each is also cancelled in the moment between the end of its
wait and its going on, which is where grants get lost. The scenario runs anew for each checkpoint, in virtual time.

After each cancellation it is an error if the code went on as if nothing had happened, or left a task behind.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.support.virtual_time import run

__all__ = ["Cut", "cancel_everywhere"]

T = TypeVar("T")


class Cut:
    """Cancels the coroutine that it is given at one of its checkpoints.

    Args:
        checkpoint: which, from 1.
    """

    def __init__(self, checkpoint: int) -> None:
        self.checkpoint = checkpoint
        self.happened = False
        """True if it came to that; False if the coroutine was through before."""
        self.passed = 0
        """Checkpoints that the coroutine came to."""

    async def __call__(self, victim: Coroutine[Any, Any, T]) -> T | None:
        """What the coroutine returned; None if it was cancelled."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, asyncio.BaseEventLoop)
        before = asyncio.all_tasks()
        task = loop.create_task(victim)
        turn = loop._run_once  # type: ignore[attr-defined]

        def counted() -> None:
            if not task.done():
                self.passed += 1
                if self.passed == self.checkpoint:
                    self.happened = task.cancel()
            turn()

        loop._run_once = counted  # type: ignore[attr-defined]
        try:
            await asyncio.wait([task])
        finally:
            del loop._run_once  # type: ignore[attr-defined]
        if not self.happened:
            return task.result()
        assert task.cancelled(), f"cancelled at checkpoint {self.checkpoint}, it ended with {_outcome(task)}"
        left = asyncio.all_tasks() - before - {task}
        assert set() == left, f"cancelled at checkpoint {self.checkpoint}, it left {left}"
        return None


Scenario = Callable[[Cut], Coroutine[Any, Any, None]]


def cancel_everywhere(
    scenario: Scenario, *, step: int = 1, most: int = 10_000, runner: Callable[[Scenario, Cut], None] | None = None
) -> int:
    """Runs the scenario with a cut at every checkpoint, and at last without one.

    Args:
        scenario: prepares, awaits `cut(...)` once, and asserts.
        step: only every so many checkpoints, for long scenarios.
        most: fails after so many checkpoints.
        runner: runs it; in virtual time, unless it needs a real loop for its sockets.

    Returns:
        How many checkpoints the coroutine has.
    """
    for checkpoint in itertools.count(1, step):
        assert checkpoint <= most, f"it is not through after {most} checkpoints"
        cut = Cut(checkpoint)
        try:
            (runner or run)(scenario, cut)
        except BaseException as error:
            error.add_note(f"checkpoint {checkpoint}{'' if cut.happened else ', not cancelled'}")
            raise
        if not cut.happened:
            return cut.passed
    raise AssertionError


def _outcome(task: asyncio.Task[Any]) -> str:
    error = task.exception()
    return f"a result, {task.result()!r}" if error is None else repr(error)
