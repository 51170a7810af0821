"""Envelopes and headers that one does not expect, over real connections: the answers in them are read."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from agora_tencent_analytics import AgoraProvider, TencentProvider, TimeRange
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SLIPS, SimulatedAgora, SimulatedTencent, World

pytestmark = pytest.mark.long

END = int(time.time()) - 600
READ = [
    (slip.name, vendor)
    for slip in SLIPS.values()
    for vendor in slip.vendors
    if slip.outcome == "read"
    and ("answer" in slip.places or slip.name in ("no_date", "odd_date", "date_elsewhere", "never_dated"))
]


async def listed(vendor: str, **manners: Any) -> tuple[list[str], int]:
    """Ids of the calls of a small world, and how many requests they took."""
    world = World(seed=3, calls=3, start=END - 2 * HOUR, end=END, **manners)
    over = TimeRange(world.start, world.end)
    known: dict[str, Any] = {"plan": "unlimited", "store": ":memory:"}
    async with (SimulatedAgora if vendor == "agora" else SimulatedTencent)(world, plan="unlimited") as server:
        known |= {**server.credentials, "base_url": server.base_url}
        provider = AgoraProvider(**known) if vendor == "agora" else TencentProvider(region="ap-singapore", **known)
        async with provider:
            return [call.call_id for call in await provider.calls(over).collect()], len(server.arrivals)


@pytest.mark.parametrize(("name", "vendor"), READ)
def test_an_answer_in_an_odd_wrapping_is_read_at_once(name: str, vendor: str) -> None:
    calls, polite = asyncio.run(listed(vendor))
    told, requests = asyncio.run(listed(vendor, impolite={name: 1.0}))
    assert (3, calls) == (len(told), told)
    assert requests == (2 * polite if SLIPS[name].once else polite)  # what fails once is asked again
