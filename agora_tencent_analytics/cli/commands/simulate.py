"""The command `simulate`: a simulated vendor for any client, until interrupted."""

from __future__ import annotations

import asyncio
import errno
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.cli.simulated_world import recent_range, world
from agora_tencent_analytics.cli.simulated_world import server as server_of
from agora_tencent_analytics.errors import BadInput, counted
from agora_tencent_analytics.simulator import Delay, SimulatedVendor

_NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_QUIET_S = 60.0


async def run(options: Options) -> int:
    """Serves until SIGINT or SIGTERM; the first line of standard output tells a client all it needs."""
    made = world(recent_range(), seed=options.seed, calls=options.calls, impolite=options.impolite)
    half_s = options.latency / 2_000
    faults = [Delay(before=half_s, after=half_s)] if half_s else []
    chosen = {name: getattr(options, name) for name in ("plan", "count", "host", "port", "api")}
    server = server_of(options.vendor, made, faults=faults, **chosen)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BadInput(f"port {options.port} is in use; --port 0 picks one that is free") from None
            where = f"port {options.port} of {options.host}"
            raise BadInput(f"{where} cannot be listened on ({error.strerror}); name another --port or --host") from None
        line = {
            "base_url": server.base_url,
            "credentials": dict(server.credentials),
            "start": made.start,
            "end": made.end,
        }
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_Told(over).handle)
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, over.set)
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        if sys.stdout.isatty():  # a person reads it, not a program
            print("\n".join(exports(server)), file=sys.stderr, flush=True)
        await over.wait()
        if options.verbose:
            print(
                f"{counted(len(server.arrivals), 'request')}, {server.refused:,} refused for their rate",
                file=sys.stderr,
            )
    return 0


def exports(server: SimulatedVendor) -> Iterator[str]:
    """Lines to be pasted into a shell, so that a provider's `from_env()` and `scan` ask this server."""
    return (f"export {name}={shlex.quote(value)}" for name, value in server.environ.items())


class _Told:
    """Says once a minute that no connection can be taken.

    The event loop prints a traceback for each that it could not take, a hundred times a second.
    """

    def __init__(self, over: asyncio.Event) -> None:
        self._over = over
        self._last = float("-inf")

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What the event loop is told of errors that nobody waits for."""
        error = context.get("exception")
        if self._over.is_set() and isinstance(error, ValueError):
            return  # a second after it ran out, asyncio listens again on sockets that are closed by now
        if getattr(error, "errno", None) not in _NONE_LEFT:
            loop.default_exception_handler(context)
        elif time.monotonic() - self._last >= _QUIET_S:
            self._last = time.monotonic()
            print(
                "no connection can be taken: the process may open no more files; close some, or raise the limit "
                "(ulimit -n)",
                file=sys.stderr,
                flush=True,
            )
