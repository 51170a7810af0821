"""A process with two providers that ask as fast as the account they share with others allows.

    python -m tests.support.count_user '{"store": ..., "way": ..., "seconds": ..., "start": ..., "end": ...,
                                         "agora": ..., "tencent": ...}'

The ways: `plain`; `threads`, with an event loop in each of three; `forks`, with children that ask and end, one after
the other. Prints how many requests were refused for their rate.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from typing import Any

from agora_tencent_analytics import AgoraProvider, RedisStore, TencentProvider, TimeRange

TASKS = 3
"""Requests of one provider that are asked for at once."""


async def ask(providers: list[Any], over: TimeRange, until: float) -> None:
    """Lists calls, again and again."""

    async def again(provider: Any) -> None:
        while time.monotonic() < until:
            await provider.calls(over).first()

    async with asyncio.TaskGroup() as group:
        for provider in providers:
            for _ in range(TASKS):
                group.create_task(again(provider))


def main(told: dict[str, Any]) -> None:
    over, until = TimeRange(told["start"], told["end"]), time.monotonic() + told["seconds"]
    store = told["store"]
    if store.startswith("redis://"):  # a busy machine may keep it waiting
        store = RedisStore(store, unavailable="wait")
    providers: list[Any] = [
        AgoraProvider(plan="enterprise", store=store, **told["agora"]),
        TencentProvider(plan="advanced", region="ap-singapore", store=store, **told["tencent"]),
    ]

    def run(until: float) -> None:
        asyncio.run(ask(providers, over, until))

    if told["way"] == "threads":
        threads = [threading.Thread(target=run, args=(until,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    elif told["way"] == "forks":
        while time.monotonic() < until:
            run(time.monotonic() + 0.5)
            child = os.fork()
            if not child:
                run(time.monotonic() + 1.5)
                os._exit(sum(provider.receipt.limit_errors for provider in providers))
            run(time.monotonic() + 0.5)
            assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "none of the child's was refused"
    else:
        run(until)
    print(sum(provider.receipt.limit_errors for provider in providers))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
