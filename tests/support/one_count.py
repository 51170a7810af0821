"""Many processes on one count, against both simulated vendors: what arrived, what was refused, what was counted."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from agora_tencent_analytics import AgoraProvider
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.simulator import Delay, SimulatedAgora, SimulatedTencent, World
from agora_tencent_analytics.simulator.http.vendor import running_in_thread
from tests.support.count_user import TASKS
from tests.support.counting_servers import refusals

ROOT = Path(__file__).parents[2]
AGORA_LIMIT, TENCENT_LIMIT = 10, 20


@attrs.frozen(kw_only=True)
class Outcome:
    """What the vendors and the processes saw."""

    arrived: int
    """At Agora, whose days are counted."""
    used: int
    """Of Agora's day, by the store."""
    refused: int
    """By either vendor, which count by a sliding log."""
    would_be_refused: int
    """By a vendor that counts in any other way."""
    failed: list[str]
    """What processes said that did not end well."""
    killed: int
    busiest: int
    """The most requests of a second, at Agora."""


def count_together(
    store: str, way: str, seconds: float, *, users: int, neighbours: bool, kill: bool = False
) -> Outcome:
    """So many processes ask for so long; neighbours come and go, or are killed.

    Args:
        store: where they count.
        way: see `count_user.py`.
        seconds: how long they ask.
        users: processes that ask all the time.
        neighbours: whether others come and go beside them, one at a time.
        kill: whether those are killed, at random instants, instead of ending by themselves.
    """
    end = int(time.time()) - 1_200
    world, dice = World(seed=1, calls=4, start=end - 3_600, end=end), random.Random(7)
    jitter = [Delay(before=(0.0, 0.05), after=(0.0, 0.05))]
    with ExitStack() as opened:
        agora = opened.enter_context(
            running_in_thread(SimulatedAgora(world, plan="enterprise", count="sliding", faults=jitter))
        )
        tencent = opened.enter_context(
            running_in_thread(SimulatedTencent(world, plan="advanced", count="sliding", faults=jitter))
        )
        told: dict[str, Any] = {"store": store, "way": way, "start": world.start, "end": world.end}
        for vendor in (agora, tencent):
            told[vendor.vendor] = {**vendor.credentials, "base_url": vendor.base_url}

        def begin(**more: Any) -> subprocess.Popen[str]:
            words = [sys.executable, "-m", "tests.support.count_user", json.dumps({**told, **more})]
            return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        until = time.monotonic() + seconds
        running, failed, killed = [begin(seconds=seconds) for _ in range(users)], [], 0

        def finish(process: subprocess.Popen[str]) -> None:
            said, complaint = process.communicate(timeout=seconds + 120)
            # That it waits for long is said there too.
            if ("0\n", 0) != (said, process.returncode) or "Traceback" in complaint:
                failed.append(f"{process.returncode}: {said}{complaint[-2_000:]}")

        while neighbours and time.monotonic() < until:
            neighbour = begin(seconds=0.5, way="plain")
            if kill:
                time.sleep(dice.uniform(0.5, 4.0))
                neighbour.kill()
                neighbour.communicate()
                killed += 1
            else:
                finish(neighbour)
        for process in running:
            finish(process)
        keys: Any = told["agora"]

        async def look() -> int:
            async with AgoraProvider(plan="enterprise", store=store, **keys) as looking:
                return (await looking.quota_state(CALL_LISTS_2024)).used_today

        used = asyncio.run(look())
        times = {
            vendor: [one.monotonic for one in server.arrivals] for vendor, server in (("a", agora), ("t", tencent))
        }
        refused = agora.refused + tencent.refused
    others = [refusals(times["a"], AGORA_LIMIT, 1.0), refusals(times["t"], TENCENT_LIMIT, 1.0)]
    return Outcome(
        arrived=len(times["a"]),
        used=used,
        refused=refused,
        would_be_refused=max(max(found.values()) for found in others),
        failed=failed,
        killed=killed,
        busiest=max(sum(at <= one < at + 1 for one in times["a"]) for at in times["a"]),
    )


def check(seen: Outcome, *, least: int) -> None:
    """No refusal, and the count holds all that arrived, and no more than what was under way as somebody died."""
    assert [] == seen.failed
    assert (0, 0) == (seen.refused, seen.would_be_refused)
    assert seen.arrived <= seen.used <= seen.arrived + TASKS * seen.killed
    assert seen.arrived >= least, "they were busy"
