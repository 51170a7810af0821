"""What 200 accounts in one process cost, by where their quota is kept: `python -m benchmarks.accounts.run`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from agora_tencent_analytics import AgoraProvider, Request, Response, SqliteStore, Timeouts
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.timerange import TimeRange

WAYS = {"a path": str, "one SqliteStore": SqliteStore, "memory": lambda _: ":memory:"}
QUESTIONS = 10
BODY = b'{"code":200,"call_lists":[],"page_no":1,"page_size":100,"total_size":0,"has_more":false,"requestId":"r"}'


class Canned:
    """Answers at once that there are no calls."""

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        await asyncio.sleep(0)
        answered()
        return Response(status=200, headers={}, body=BODY)

    async def aclose(self) -> None:
        """There is nothing to close."""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def measure(way: str, accounts: int, folder: Path) -> None:
    before = descriptors()
    store: Any = WAYS[way](folder / "quota.sqlite3")  # type: ignore[operator]
    lags, ended = list[float](), False

    async def watch() -> None:
        while not ended:
            at = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - at - 0.005)

    async def work(agora: AgoraProvider) -> None:
        now = int(time.time())
        for _ in range(QUESTIONS):
            await agora.ask(CALL_LISTS_2024, TimeRange(now - 7_200, now - 3_600)).collect()

    keys: dict[str, Any] = {"customer_id": "i", "customer_secret": "s", "plan": "enterprise", "transport": Canned()}
    watching = asyncio.create_task(watch())
    async with AsyncExitStack() as stack:
        agoras = [
            await stack.enter_async_context(AgoraProvider(app_id=f"a{one}", account=f"a{one}", store=store, **keys))
            for one in range(accounts)
        ]
        began = time.process_time()
        await asyncio.gather(*map(work, agoras))
        cpu = time.process_time() - began
        opened = descriptors() - before
    left = descriptors() - before
    ended = True
    await watching
    lags.sort()
    print(
        f"{way:16} {cpu / accounts / QUESTIONS * 1e6:6.0f} us a question, descriptors: {opened:3} open, "
        f"{left:2} left, lag: {lags[-1] * 1e3:4.0f} ms at worst, "
        f"{lags[len(lags) * 95 // 100] * 1e3:3.0f} ms p95"
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        with tempfile.TemporaryDirectory() as here:
            asyncio.run(measure(sys.argv[2], int(sys.argv[1]), Path(here)))
    else:
        for one in WAYS:
            subprocess.run(
                [sys.executable, "-m", "benchmarks.accounts.run", sys.argv[1] if len(sys.argv) > 1 else "200", one],
                check=True,
            )
