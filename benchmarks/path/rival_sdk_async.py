"""Tencent's own asynchronous client, so many at once."""

from __future__ import annotations

import asyncio
from typing import Any

from tencentcloud.trtc.v20190722.trtc_client_async import TrtcClient

from benchmarks.path.job import AT_ONCE, JobName, Sent, Settings
from benchmarks.path.rival_sdk import details, profile, rooms, users


class Runner:
    def __init__(self, settings: Settings, _: str) -> None:
        self._settings = settings
        self._calls: list[Any] = []

    async def _rooms(self, client: Any) -> list[Any]:
        found: list[Any] = []
        while True:
            page = (await client.DescribeRoomInfo(rooms(self._settings, len(found) // 100))).RoomList
            found += page
            if len(page) < 100:
                return found

    async def prepare(self) -> None:
        async with TrtcClient(*profile(self._settings)) as client:
            self._calls = (await self._rooms(client))[:1_500]

    async def run(self, job: JobName, _: list[Sent]) -> int:
        async with TrtcClient(*profile(self._settings)) as client:
            calls = self._calls if job == "one" else await self._rooms(client)
            if job == "calls":
                return len(calls)
            left = iter(calls)

            async def work() -> None:
                for call in left:
                    found = await client.DescribeUserInfo(users(self._settings, call))
                    if job == "metrics":
                        for request in details(self._settings, call, found):
                            await client.DescribeCallDetailInfo(request)

            async with asyncio.TaskGroup() as group:
                for _worker in range(AT_ONCE):
                    group.create_task(work())
            return len(calls)
