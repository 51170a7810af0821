"""A process that asks a counting server as fast as its share of one account's quota allows, until it is told to stop.

    python -m tests.realtime.quota_worker STORE URL LIMIT TASKS [DAY]

Prints nothing; the server counts. With DAY it stops by itself when the day is spent, and prints how many slots it
was granted.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from agora_tencent_analytics import DailyQuotaExhausted, Quota, Rate
from agora_tencent_analytics.limits import DAY


async def main(store: str, url: str, limit: int, tasks: int, day: int) -> None:
    quota = Quota("one account", store=store)
    rates = (Rate(limit, 1), Rate(day, DAY)) if day else (Rate(limit, 1),)
    granted = 0

    async def ask(session: aiohttp.ClientSession) -> None:
        nonlocal granted
        while True:
            try:
                async with quota.slot("question", rates) as slot:
                    granted += 1
                    slot.sent()
                    if day:
                        slot.answered()
                        continue
                    async with session.get(url) as response:
                        slot.answered()
                        await response.read()
            except DailyQuotaExhausted:
                return

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        session._retry_connection = False
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(ask(session))
    print(granted)


if __name__ == "__main__":
    store, url, limit, tasks, *day = sys.argv[1:]
    asyncio.run(main(store, url, int(limit), int(tasks), int(day[0]) if day else 0))
