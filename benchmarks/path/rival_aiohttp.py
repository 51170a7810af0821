"""The yardstick: aiohttp and orjson, so many at once. No limits, no pages, no retries, no records, no signature."""

from __future__ import annotations

import asyncio
from base64 import b64encode

import aiohttp
import orjson
from yarl import URL

from benchmarks.path.job import AT_ONCE, JobName, Sent, Settings


class Runner:
    def __init__(self, settings: Settings, vendor: str) -> None:
        self._base = settings[vendor]["base_url"]
        self._keys = settings[vendor]["credentials"]
        self._vendor = vendor

    async def run(self, _: JobName, requests: list[Sent]) -> int:
        credentials = {}
        if self._vendor == "agora":
            pair = f"{self._keys['customer_id']}:{self._keys['customer_secret']}".encode()
            credentials = {"Authorization": "Basic " + b64encode(pair).decode()}
        left, answers = iter(requests), 0
        async with aiohttp.ClientSession(headers=credentials, connector=aiohttp.TCPConnector(limit=0)) as session:

            async def work() -> None:
                nonlocal answers
                for one in left:
                    headers = {"X-TC-Action": one.action, "Content-Type": "application/json"} if one.action else {}
                    async with session.request(
                        one.method,
                        URL(self._base + one.path, encoded=True),
                        data=one.body.encode() or None,
                        headers=headers,
                    ) as response:
                        orjson.loads(await response.read())
                    answers += 1

            async with asyncio.TaskGroup() as group:
                for _worker in range(AT_ONCE):
                    group.create_task(work())
        return answers
