"""A simulated vendor in a thread of its own, for callers that have no event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from agora_tencent_analytics.simulator.http.vendor import SimulatedVendor

Server = TypeVar("Server", bound=SimulatedVendor)


@contextmanager
def running_in_thread(server: Server) -> Iterator[Server]:
    """Serves in a thread with a loop of its own until the block is left.

    Args:
        server: a simulated vendor.

    Raises:
        OSError: the port cannot be listened on.
    """
    listening: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        leave = asyncio.Event()
        async with server:
            listening.set_result((asyncio.get_running_loop(), leave))
            await leave.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if listening.done():
                raise
            listening.set_exception(error)

    thread = threading.Thread(target=run, name=f"simulated {server.vendor}", daemon=True)
    thread.start()
    try:
        loop, leave = listening.result()
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(leave.set)
    finally:
        thread.join()
