"""What is done with is gone at once: providers, walks and scans leave no circles for the collector.

A circle would keep bodies in memory until the collector comes by, and an account in use after its last provider.
"""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator

import pytest

from agora_tencent_analytics import AgoraProvider, AnalyticsError, Quota, Retry, TencentProvider, TimeRange, scan
from agora_tencent_analytics.simulator import Fail, SimulatedAgora, SimulatedTencent, World

END = int(time.time()) - 1_200
WORLD = World(seed=1, calls=5, start=END - 7_200, end=END)
OVER = TimeRange(WORLD.start, WORLD.end)
KEPT = {"store": ":memory:", "plan": "unlimited"}


@pytest.fixture(autouse=True)
def _without_the_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def what_is_left(vendor: str, work: str) -> Quota | None:
    faults = [Fail()] if work == "failing" else []
    server: SimulatedAgora | SimulatedTencent
    if vendor == "agora":
        server = SimulatedAgora(WORLD, plan="unlimited", faults=faults)
    else:
        server = SimulatedTencent(WORLD, plan="unlimited", faults=faults)
    async with server:
        settings = {**server.credentials, **KEPT, "base_url": server.base_url, "retry": Retry(attempts=2, first_s=0)}
        if vendor == "tencent":
            settings["region"] = "ap-singapore"
        made = AgoraProvider if vendor == "agora" else TencentProvider
        async with made(**settings) as provider:
            left = weakref.ref(provider.shared_quota)
            if work == "calls":
                await provider.calls(OVER).collect()
            elif work == "failing":
                with pytest.raises(AnalyticsError):
                    await provider.calls(OVER).collect()
            if work != "calls":
                async with scan(provider, over=OVER, on_error="report") as records:
                    async for _ in records:
                        pass
                del records
    del provider
    deadline = time.monotonic() + 5
    # A thread that decodes a large answer lets go of it a moment after the answer is taken.
    while left() is not None and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)
    return left()


@pytest.mark.parametrize("work", ["calls", "scan", "failing"])
@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_nothing_is_left_of_a_provider_that_is_done_with(vendor: str, work: str) -> None:
    assert asyncio.run(what_is_left(vendor, work)) is None
