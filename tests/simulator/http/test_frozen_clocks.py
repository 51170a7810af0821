"""Under libraries that set or freeze the clock of a test, the simulator shows what its world holds, or says why not.

Such a library replaces `time.time`, and `time.monotonic` by which event loops wait, with functions of its own.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from typing import Any

import pytest

from agora_tencent_analytics import AgoraProvider, Last, TencentProvider, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor, World

THEN = 1_768_478_400.0
"""Noon of a day long gone: 2026-01-15."""


class FrozenLoop(asyncio.SelectorEventLoop):
    """An event loop that sees no time pass."""

    def time(self) -> float:
        return THEN


async def calls_of(vendor: str) -> tuple[int, bool]:
    """How many calls a scan of the last hours finds, and whether it calls that complete."""
    end = int(time.time()) - 600
    world = World(seed=1, calls=5, start=end - 5 * HOUR, end=end)
    server: SimulatedVendor
    provider: Any
    made: dict[str, Any] = {"plan": "unlimited", "store": ":memory:"}
    if vendor == "agora":
        server, provider = SimulatedAgora(world, plan="unlimited"), AgoraProvider
    else:
        server, provider = SimulatedTencent(world, plan="unlimited"), TencentProvider
        made["region"] = "ap-singapore"
    async with (
        server,
        provider(**server.credentials, base_url=server.base_url, **made) as opened,
        scan(opened, over=Last(hours=6), depth="calls") as records,
    ):
        return len([record async for record in records]), records.report.complete


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_a_test_on_another_date_finds_what_its_world_holds(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: THEN)
    assert (5, True) == asyncio.run(calls_of(vendor))


async def opened(plan: str) -> None:
    async with SimulatedAgora(World(start=THEN - HOUR, end=THEN), plan=plan):
        pass


def test_a_loop_that_sees_no_time_pass_is_warned_of() -> None:
    with asyncio.Runner(loop_factory=FrozenLoop) as runner, pytest.warns(UserWarning, match="time is frozen"):
        runner.run(opened("unlimited"))


def test_a_date_that_stands_still_is_warned_of_where_slots_wait_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: THEN)
    with pytest.warns(UserWarning, match="let it tick from another date on"):
        asyncio.run(opened("premium"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(opened("unlimited"))
        monkeypatch.undo()
        asyncio.run(opened("premium"))
