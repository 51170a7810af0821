"""`uninterrupted`: finishes a step that has begun, even if the task that waits for it is cancelled.

For steps that are short, bounded in time, and must not be left half done: what was granted and what was spent has to be
written down. The cancellation is raised again once the step has finished.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

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
