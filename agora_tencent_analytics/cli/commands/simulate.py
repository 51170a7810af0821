"""The command `simulate`: a simulated vendor for any client, until interrupted."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

import msgspec

from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.cli.simulated_world import HIGHEST, world
from agora_tencent_analytics.simulator import Delay, SimulatedAgora, SimulatedTencent, SimulatedVendor


async def run(options: Options) -> int:
    """Serves until SIGINT or SIGTERM; the first line of standard output tells a client all it needs."""
    made = world(seed=options.seed, calls=options.calls, impolite=options.impolite)
    vendor: Callable[..., SimulatedVendor] = SimulatedAgora if options.vendor == "agora" else SimulatedTencent
    half_s = options.latency / 2_000
    faults = [Delay(before=half_s, after=half_s)] if half_s else []
    async with vendor(
        made,
        plan=options.plan or HIGHEST[options.vendor],
        count=options.count,
        host=options.host,
        port=options.port,
        faults=faults,
        **({"api": options.api} if options.api else {}),
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
