"""One provider on several event loops: one after the other, at once in threads, and after a fork; on real clocks."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import AgoraProvider, Quota, TimeRange
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.simulator import SimulatedAgora, World
from agora_tencent_analytics.simulator.http.vendor import running_in_thread
from tests.support.counting_servers import refusals

END = int(time.time()) - 3_600
WORLD = World(seed=3, calls=8, start=END - 3_600, end=END)
OVER = TimeRange(WORLD.start, WORLD.end)
PLAN: Any = "enterprise"
LIMIT = 10


@pytest.fixture
def server() -> Iterator[SimulatedAgora]:
    with running_in_thread(SimulatedAgora(WORLD, plan=PLAN)) as running:
        yield running


@pytest.fixture(params=["memory", "file"])
def provider(request: pytest.FixtureRequest, server: SimulatedAgora, tmp_path: Path) -> Any:
    store = ":memory:" if request.param == "memory" else tmp_path / "quota.sqlite3"
    quota = Quota(secrets.token_hex(8), store=store, plan=PLAN, cold_start=False)
    keys: Any = server.credentials
    return AgoraProvider(**keys, base_url=server.base_url, plan=PLAN, quota=quota)


async def calls(provider: Any) -> int:
    return len(await provider.calls(OVER, page_size=4).collect())


def used(provider: Any) -> int:
    return int(asyncio.run(provider.quota_state(CALL_LISTS_2024)).used_today)


def test_one_provider_serves_one_loop_after_the_other_and_leaves_nothing_open(
    provider: Any, server: SimulatedAgora
) -> None:
    for _ in range(3):
        assert 8 == asyncio.run(calls(provider))
    assert len(server.arrivals) == provider.receipt.requests == used(provider)
    state = asyncio.run(provider.quota_state(CALL_LISTS_2024))
    assert (len(server.arrivals), 0) == (state.granted, state.waiting), "of all loops"
    gc.collect()  # a session or connection that was left open would warn


def test_one_provider_serves_several_loops_at_once(provider: Any, server: SimulatedAgora) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(calls(provider)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [8] * 4 == found
    assert len(server.arrivals) == used(provider)
    assert 0 == server.refused
    assert 0 == max(refusals([one.monotonic for one in server.arrivals], LIMIT, 1.0).values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("provider", ["file"], indirect=True)
def test_one_provider_serves_the_child_of_a_fork_and_its_parent(provider: Any, server: SimulatedAgora) -> None:
    with asyncio.Runner() as runner:
        assert 8 == runner.run(calls(provider))
        child = os.fork()
        if not child:
            os._exit(asyncio.run(calls(provider)))
        assert 8 == runner.run(calls(provider)), "on the connections that it had before"
        assert 8 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert len(server.arrivals) == used(provider)
    assert 0 == server.refused
