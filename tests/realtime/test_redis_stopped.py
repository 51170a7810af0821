"""Redis is away for ten seconds in the middle of a scan: it waits or fails as told, and nothing goes out uncounted.

On real clocks and sockets. What is measured is printed with `-rP`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Literal

from agora_tencent_analytics import AgoraProvider, QuotaUnavailable, TimeRange, scan
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.scan import Report
from agora_tencent_analytics.simulator import SimulatedAgora, World
from tests.support.redis_server import RedisServer, needs_redis

CALLS = 150
BEFORE_S, AWAY_S = 5.0, 10.0
IN_FLIGHT_S = 0.5
"""Slots granted just before the end of the server may still be used."""


async def scan_while_redis_goes_away(
    folder: Path, unavailable: Literal["fail", "wait"]
) -> tuple[Report, SimulatedAgora, int]:
    end = int(time.time()) - 600
    world = World(seed=5, calls=CALLS, start=end - 4 * 3_600, end=end)
    store_options = {"unavailable": unavailable, "timeout_s": 0.5}
    with RedisServer(folder, persistent=True) as redis:
        store = RedisStore(redis.url, **store_options)  # type: ignore[arg-type]
        async with SimulatedAgora(world, plan="enterprise") as server:
            away: list[float] = []

            async def outage() -> None:
                await asyncio.sleep(BEFORE_S)
                await asyncio.to_thread(redis.kill)
                away.append(time.monotonic())
                await asyncio.sleep(AWAY_S)
                away.append(time.monotonic())
                await asyncio.to_thread(redis.start)

            settings: dict[str, Any] = {**server.credentials, "base_url": server.base_url, "store": store}
            async with AgoraProvider(plan="enterprise", **settings) as agora:
                stopping = asyncio.create_task(outage())
                over = TimeRange(world.start, world.end)
                async with scan(agora, over=over, depth="sessions", on_error="report") as records:
                    async for _ in records:
                        pass
                await stopping
            await store.aclose()
    uncounted = [one for one in server.arrivals if away[0] + IN_FLIGHT_S < one.monotonic < away[1]]
    return records.report, server, len(uncounted)


@needs_redis
def test_a_scan_that_may_wait_goes_on_when_redis_is_back(tmp_path: Path) -> None:
    report, server, uncounted = asyncio.run(scan_while_redis_goes_away(tmp_path, "wait"))
    print(f"{report.vendors['agora'].requests} requests in {report.vendors['agora'].elapsed_s:.0f} s")
    assert 0 == uncounted
    assert report.complete, str(report)
    assert CALLS == report.vendors["agora"].calls
    assert 0 == report.vendors["agora"].limit_errors
    assert len(server.arrivals) == report.vendors["agora"].requests
    assert report.vendors["agora"].elapsed_s > BEFORE_S + AWAY_S


@needs_redis
def test_a_scan_that_may_not_wait_stops_and_says_why(tmp_path: Path) -> None:
    report, server, uncounted = asyncio.run(scan_while_redis_goes_away(tmp_path, "fail"))
    vendor = report.vendors["agora"]
    print(f"{vendor.requests} requests, {vendor.calls} of {CALLS} calls; {vendor.stopped}")
    assert 0 == uncounted
    assert not report.complete
    assert all(isinstance(failure.error, QuotaUnavailable) for failure in report.failures)
    assert str(report.failures[0].error) in vendor.stopped
    assert vendor.calls < CALLS
    assert vendor.elapsed_s < BEFORE_S + AWAY_S, "it does not go on, failing call after call"
    assert len(server.arrivals) == vendor.requests
