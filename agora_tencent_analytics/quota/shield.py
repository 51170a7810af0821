"""`uninterrupted`: finishes a step that has begun, even if the task that waits for it is cancelled.

Holds that function, and `Begun` for what seldom waits. Both are for steps that are short, bounded in time, and must not
be left half done: what was granted and what was spent has to be written down. The cancellation is raised again once the
step has finished.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")


async def uninterrupted(step: Coroutine[Any, Any, T]) -> T:
    """What the step returns or raises, unless the caller was cancelled meanwhile: then that, after its end."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        task = asyncio.Task(step, loop=loop, eager_start=True)
        if task.done():  # most steps never wait: no turn of the loop is spent on them
            return task.result()
    else:
        task = loop.create_task(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            # The shield is for anyio's cancellation; that of a task comes through, and waits here.
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # heard, and less important
    raise cancelled


class Begun(Generic[T]):
    """A step that goes as far as it can without waiting, in the task that makes it; awaited, it goes on, in any task.

    Spares a step that never waits a task of its own, most of what it costs. It must enter no cancel scope.

    Args:
        step: what is done.

    Raises:
        BaseException: what the step raises so far.
    """

    def __init__(self, step: Coroutine[Any, Any, T]) -> None:
        self._step = step
        self.result: T
        self.is_done: bool = False
        try:
            self._waits_for = step.send(None)
        except StopIteration as done:
            self.result, self.is_done = done.value, True

    def __await__(self) -> Generator[Any, Any, T]:
        while not self.is_done:
            try:
                try:
                    sent = yield self._waits_for
                except BaseException as error:
                    self._waits_for = self._step.throw(error)
                else:
                    self._waits_for = self._step.send(sent)
            except StopIteration as done:
                self.result, self.is_done = done.value, True
        return self.result
