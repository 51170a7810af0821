"""A simulated Agora in a process of its own: prints one JSON line, then serves until its input ends.

python benchmarks/memory/server.py '{"calls": 300}'
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SimulatedAgora, World


async def serve(of_world: dict[str, Any]) -> None:
    end = int(time.time()) - 600
    world = World(start=end - 8 * HOUR, end=end, **of_world)
    async with SimulatedAgora(world, plan="unlimited", log_bound=0) as server:
        line = {
            "AGORA_APP_ID": server.credentials["app_id"],
            "AGORA_CUSTOMER_ID": server.credentials["customer_id"],
            "AGORA_CUSTOMER_SECRET": server.credentials["customer_secret"],
            "AGORA_PLAN": "unlimited",
            "AGORA_BASE_URL": server.base_url,
        }
        print(json.dumps(line), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
