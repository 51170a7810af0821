"""A process that is killed in the middle of a minute, and its successor: no refusal, and nothing spent twice.

Takes two minutes and mostly waits. What is measured is printed with `-rP`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.counting_servers import refusals
from tests.support.redis_server import redis_server

LIMIT, DAY_LIMIT = 6, 1_000
WORKER = f"""
import asyncio, sys, time
from agora_tencent_analytics import Quota, Rate

async def main():
    quota = Quota("one account", store=sys.argv[1], cold_start=False)  # nobody else was here before
    async def ask():
        while True:
            async with quota.slot("question", (Rate({LIMIT}, 60), Rate({DAY_LIMIT}, 86400))) as slot:
                slot.sent()
                print(time.monotonic(), slot.left_today, flush=True)
                await asyncio.sleep(1.5)
    await asyncio.gather(ask(), ask())

asyncio.run(main())
"""


def work(where: str, log: Path, seconds: float) -> None:
    with log.open("ab") as out, subprocess.Popen([sys.executable, "-c", WORKER, where], stdout=out) as process:
        time.sleep(seconds)
        process.kill()


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_process_killed_in_the_middle_of_a_minute_costs_its_successor_no_refusal(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with ExitStack() as stack:
        where = stack.enter_context(redis_server(tmp_path)) if kind == "redis" else str(tmp_path / "quota.db")
        work(where, log, 4)  # killed with requests in flight
        work(where, log, 115)
    seen = [line.split() for line in log.read_text().splitlines()]
    arrived, left = [float(at) for at, _ in seen], [int(left) for _, left in seen]
    print(f"{kind}: {[round(at - arrived[0], 1) for at in arrived]} s, {left} left of the day")
    assert {0} == set(refusals(arrived, LIMIT, 60.0).values())
    assert len(arrived) > LIMIT, "the successor went on"
    assert [DAY_LIMIT - 2 - number for number in range(len(left))] == left, "each request is charged once"
