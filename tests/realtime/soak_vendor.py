"""Both simulated vendors in a process of its own, with a share of all requests struck by mixed faults.

    python -m tests.realtime.soak_vendor SHARE

Prints one JSON line with addresses, credentials, range and truth; serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Literal

import attrs

from agora_tencent_analytics.simulator import (
    AnswerHtml,
    AnswerJson,
    Compress,
    Drip,
    Fail,
    Fault,
    Reset,
    SetHeader,
    SimulatedAgora,
    SimulatedTencent,
    SimulatedVendor,
    Stall,
    Truncate,
    When,
    World,
    WrongLength,
    too_many_requests,
)

SEED = 11
HOUR = 3_600


def mixed(share: float) -> list[Fault]:
    """A dozen faults that together strike `share` of the requests."""
    kinds = 12
    when = When(probability=share / kinds)
    return [
        Reset(counted=False, when=when),
        Reset(counted=True, when=when),
        Fail(status=502, when=when),
        Fail(status=500, title="Internal Server Error", when=when),
        too_many_requests(1, when=when),
        too_many_requests(None, when=when),
        AnswerHtml(when=when),
        AnswerJson(text="[]", when=when),
        Truncate(when=when),
        WrongLength(off_by=-5, when=when),
        Compress(keep=0.5, when=when),
        SetHeader(name="Content-Encoding", value="gzip", when=when),
        Stall(seconds=0.3, in_body=True, when=When(probability=share / 2)),
        Drip(size=4_096, every_s=0.005, when=When(probability=share / 2)),
    ]


async def main(share: float) -> None:
    end = int(time.time()) - 1_200
    world = World(seed=SEED, calls=60, start=end - 4 * HOUR, end=end)
    told = {"start": world.start, "end": world.end}
    agora = SimulatedAgora(world, plan="unlimited", faults=mixed(share), seed=1)
    tencent = SimulatedTencent(world, plan="unlimited", faults=mixed(share), seed=2)
    served: list[tuple[Literal["agora", "tencent"], SimulatedVendor]] = [("agora", agora), ("tencent", tencent)]
    async with agora, tencent:
        vendors = {
            name: {
                "base_url": server.base_url,
                "credentials": dict(server.credentials),
                "truth": attrs.asdict(world.truth(name, world.start, world.end)),
            }
            for name, server in served
        }
        print(json.dumps({**told, "vendors": vendors}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
