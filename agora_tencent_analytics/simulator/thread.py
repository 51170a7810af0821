"""A simulated vendor in a thread of its own, for callers that have no event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio.from_thread import start_blocking_portal

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
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        yield server
