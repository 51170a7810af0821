"""The command `simulate`: a simulated vendor for any client, until interrupted."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import msgspec

from agora_tencent_analytics.cli.arguments import Options
from agora_tencent_analytics.simulator import Delay, SimulatedAgora, SimulatedTencent, World

__all__ = ["HIGHEST", "WORLD_S", "run", "world"]

HIGHEST = {"agora": "enterprise", "tencent": "advanced"}
"""The highest plan of each vendor."""
WORLD_S = 8 * 3600
"""Length of the world that is simulated, seconds."""
AGE_S = 600
"""How long before now the world ends: past the lag of every plan, so that all of it can be read."""


def world(options: Options) -> World:
    """The world of the command line: eight hours that ended ten to twenty minutes ago.

    It begins on the clock's ten minutes, so that the same ids come up for a while when a command is repeated.
    """
    end = (int(time.time()) // AGE_S - 1) * AGE_S
    start = end - WORLD_S
    return World(seed=options.seed, calls=options.calls, start=start, end=end, impolite=options.impolite)


async def run(options: Options) -> int:
    """Serves until SIGINT or SIGTERM; the first line of standard output tells a client all it needs."""
    made = world(options)
    vendor = SimulatedAgora if options.vendor == "agora" else SimulatedTencent
    half_s = options.latency / 2_000
    faults = [Delay(before=half_s, after=half_s)] if half_s else []
    async with vendor(
        made,
        plan=options.plan or HIGHEST[options.vendor],
        count=options.count,
        host=options.host,
        port=options.port,
        faults=faults,
    ) as server:
        line = {
            "base_url": server.base_url,
            "credentials": dict(server.credentials),
            "start": made.start,
            "end": made.end,
        }
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, over.set)
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        await over.wait()
        if options.verbose:
            print(f"{len(server.arrivals)} requests, {server.refused} refused for their rate", file=sys.stderr)
    return 0
