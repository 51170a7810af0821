"""httpx and orjson, so many at once; as bare as the yardstick."""

from __future__ import annotations

import asyncio

import httpx
import orjson

from benchmarks.path.job import AT_ONCE, JobName, Sent, Settings


class Runner:
    def __init__(self, settings: Settings, vendor: str) -> None:
        self._base = settings[vendor]["base_url"]
        keys = settings[vendor]["credentials"]
        self._auth = (keys["customer_id"], keys["customer_secret"]) if vendor == "agora" else None

    async def run(self, _: JobName, requests: list[Sent]) -> int:
        left, answers = iter(requests), 0
        async with httpx.AsyncClient(auth=self._auth, base_url=self._base, verify=False, trust_env=False) as client:

            async def work() -> None:
                nonlocal answers
                for one in left:
                    headers = {"X-TC-Action": one.action, "Content-Type": "application/json"} if one.action else {}
                    response = await client.request(
                        one.method, one.path, content=one.body.encode() or None, headers=headers
                    )
                    orjson.loads(response.content)
                    answers += 1

            async with asyncio.TaskGroup() as group:
                for _worker in range(AT_ONCE):
                    group.create_task(work())
        return answers
