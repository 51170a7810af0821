"""The library: one question at a time through a provider, and scans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from agora_tencent_analytics import AgoraProvider, Call, Provider, TencentProvider, TimeRange, scan
from benchmarks.path.job import AT_ONCE, JobName, Sent, Settings


def provider(settings: Settings, vendor: str, **options: Any) -> Provider:
    keys = settings[vendor]["credentials"]
    address = settings[vendor]["base_url"]
    if vendor == "agora":
        return AgoraProvider(**keys, plan="unlimited", base_url=address, store=":memory:", **options)
    return TencentProvider(
        **keys, plan="unlimited", region="ap-singapore", base_url=address, store=":memory:", **options
    )


async def many(calls: Iterable[Call], ask: Callable[[Call], Any]) -> int:
    """Asks about each call, so many at once; how many answers came."""
    left, answers = iter(calls), 0

    async def work() -> None:
        nonlocal answers
        for call in left:
            await ask(call)
            answers += 1

    async with asyncio.TaskGroup() as group:
        for _worker in range(AT_ONCE):
            group.create_task(work())
    return answers


class Runner:
    """The provider, and the calls that single questions are about."""

    def __init__(self, settings: Settings, vendor: str) -> None:
        self._settings, self._vendor = settings, vendor
        self._over = TimeRange(settings["start"], settings["end"])
        self.calls: list[Call] = []

    async def run(self, job: JobName, _: list[Sent]) -> int:
        async with provider(self._settings, self._vendor) as vendor:
            return await self._run(vendor, job)

    async def _run(self, vendor: Provider, job: JobName) -> int:
        if job == "one":
            return await many(self.calls, lambda call: vendor.sessions(call).collect())
        found = 0
        async with scan(vendor, over=self._over, depth=job, workers=AT_ONCE) as records:
            async for _ in records:
                found += 1
        assert records.report.complete, str(records.report)
        return found

    async def prepare(self) -> None:
        async with provider(self._settings, self._vendor) as vendor:
            calls = await vendor.calls(self._over).collect()
            # The usual ones: small answers.
            self.calls = [call for call in calls if call.destroyed_ts is not None][:1_500]

    async def sent(self, job: JobName) -> list[Sent]:
        """The requests that a job takes, in order."""
        requests: list[Sent] = []
        async with provider(self._settings, self._vendor) as vendor:
            transport: Any = vendor._caller.transport
            send = transport.send

            async def heard(request: Any, **more: Any) -> Any:
                parts = urlsplit(request.url)
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                action = request.headers.get("X-TC-Action", "")
                requests.append(
                    Sent(method=request.method, path=path or "/", action=action, body=request.body.decode())
                )
                return await send(request, **more)

            transport.send = heard
            await self._run(vendor, job)
        return requests
