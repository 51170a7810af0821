"""Several hosts, one account: each is a process here, and a Redis counts for all of them.

    python examples/several_hosts.py redis://localhost:6379/0        # needs the extra `redis`

Credentials come from the environment, as `agora-tencent-analytics simulate --vendor agora --port 8021` prints them.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from agora_tencent_analytics import AgoraProvider, Last, TimeRange

HOSTS = 3


def host(store: str, over: TimeRange) -> tuple[int, int, int]:
    """What one host does: reads its hours. Gives calls, requests, and those of them that the vendor refused."""

    async def read() -> tuple[int, int, int]:
        async with AgoraProvider.from_env(store=store) as agora:
            view = agora.with_options()
            calls = await view.calls(over).collect()
            for call in calls:
                await view.sessions(call).collect()
            return len(calls), view.receipt.requests, view.receipt.limit_errors

    return asyncio.run(read())


async def hours(store: str) -> list[TimeRange]:
    """The last twelve hours in the vendor's time, a piece for each host."""
    async with AgoraProvider.from_env(store=store) as agora:
        return [*Last(hours=12).before(agora.now()).split(12 // HOSTS * 3600)]


def main(store: str) -> None:
    """Prints what each host read, and that none was refused for the rate of the others."""
    over = asyncio.run(hours(store))
    with ProcessPoolExecutor(HOSTS, mp_context=get_context("spawn")) as hosts:
        for number, (calls, requests, refused) in enumerate(hosts.map(partial(host, store), over)):
            print(f"host {number}: {calls} calls, {requests} requests, {refused} refused")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "redis://localhost:6379/0")
