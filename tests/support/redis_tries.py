"""Tries of the shared count on real servers: all at once, each with a folder, clients and servers of its own.

Holds `Try` and `play`. The tries stand in `tests/quota/test_redis_in_production.py` and `test_redis_trouble.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.limits import DAY, SECOND, Rate
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.store import renewal_interval
from agora_tencent_analytics.testing.losses import Crowd
from tests.support.counting_servers import refusals
from tests.support.redis_server import RedisServer, free_port
from tests.support.tcp_proxy import Proxy

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
LEASE_S, TIMEOUT_S = 0.6, 1.0
GATHER_S = renewal_interval(LEASE_S) + 1 + TIMEOUT_S
DAILY = Rate(1_000, DAY)
SHORT, FULL = Rate(6, SECOND), Rate(20, 10)
CLIENTS = 3
LOGGED: list[logging.LogRecord] = []

Event = Callable[[], Awaitable[object]]

TWEMPROXY = """
pool:
  listen: 127.0.0.1:{port}
  redis: true
  hash_tag: "{{}}"
  servers:
   - 127.0.0.1:{server}:1
"""

on_each_server = pytest.mark.parametrize(
    "binary",
    [
        pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
        for name in ("redis-server", "valkey-server")
    ],
)


class Try:
    """One of many that run at once: a folder, a rate, and what it started."""

    def __init__(self, name: str, folder: Path, rate: Rate, binary: str, shared: RedisServer) -> None:
        self.name, self.folder, self.rate, self.binary = name, folder, rate, binary
        self.shared = shared
        """A server for all that harm nobody else."""
        self.crowd = Crowd(name, Clock(), random.Random(name), (rate, DAILY))
        self._opened = contextlib.AsyncExitStack()

    @property
    def rest_s(self) -> float:
        return 1.04 * self.rate.period_s

    async def server(self, *options: str, persistent: bool = False, **more: Any) -> RedisServer:
        folder = self.folder / str(len(list(self.folder.iterdir())))
        made = RedisServer(folder, persistent=persistent, options=options, **{"binary": self.binary, **more})
        made.folder.mkdir()
        self._opened.callback(made.kill)
        await asyncio.to_thread(made.start)
        return made

    async def proxy(self, server: RedisServer, **how: Any) -> Proxy:
        return await self._opened.enter_async_context(Proxy(server.port, **how))

    async def twemproxy(self, server: RedisServer) -> str:
        port, settings = free_port(), self.folder / "twemproxy.yml"
        settings.write_text(TWEMPROXY.format(port=port, server=server.port))
        words = ["nutcracker", "-c", str(settings), "-s", str(free_port()), "-o", str(self.folder / "twemproxy.log")]
        started = await asyncio.to_thread(subprocess.Popen, words)
        self._opened.callback(started.wait)
        self._opened.callback(started.kill)
        await asyncio.sleep(0.5)
        return f"redis://127.0.0.1:{port}/0"

    def store(self, url: str, **options: Any) -> RedisStore:
        return RedisStore(url, **{"unavailable": "wait", "lease_s": LEASE_S, "timeout_s": TIMEOUT_S, **options})

    def quota(self, url: str, **options: Any) -> Quota:
        made = Quota(self.name, store=self.store(url, **options), cold_start=False)
        self._opened.push_async_callback(made.aclose)
        return made

    async def aclose(self) -> None:
        for client in self.crowd.clients:
            await self.crowd.kill(client)
            await client.quota.aclose()
        await self._opened.aclose()

    async def lose(
        self,
        url: str,
        event: Event,
        *,
        newcomer: bool = True,
        known: bool = True,
        downtime_s: float = 0.0,
        **options: Any,
    ) -> None:
        """Clients ask, something happens, a new one comes: nobody is refused, and the count is what was sent."""
        crowd = self.crowd
        for _ in range(CLIENTS):
            crowd.begin(self.store(url, **options))
        await asyncio.sleep(GATHER_S + self.rest_s + self.rate.period_s + 1.5)
        in_flight = crowd.in_flight
        await event()
        lost_at = time.monotonic()
        if newcomer:
            crowd.begin(self.store(url, **options))
        await asyncio.sleep(downtime_s + GATHER_S + self.rest_s + 3.0)
        recovered_s = crowd.recovered_s(lost_at) - downtime_s
        print(f"{self.name}: granted again {recovered_s:.1f} s after it, of {GATHER_S + self.rest_s + 3:.1f} s allowed")
        if known:
            await crowd.finish(self.name, in_flight=in_flight, recovered_s=recovered_s, gather_s=GATHER_S)
        assert 0 == refused(crowd)
        assert 2 * self.rate.limit < len(crowd.granted), len(crowd.granted)


def refused(crowd: Crowd) -> int:
    """How many of the requests a vendor would have refused, by the worst way of counting."""
    rate = crowd.rates[0]
    return max(max(refusals(one, rate.limit, float(rate.period_s)).values()) for one in crowd.arrived.values())


async def redis_of(port: int, **options: Any) -> Any:
    from redis.asyncio import Redis

    return Redis(port=port, **options)


async def say(port: int, *words: object) -> Any:
    """What a server answers to one command."""
    client = await redis_of(port)
    try:
        return await client.execute_command(*words)
    finally:
        await client.aclose()


async def keys_of(port: int, ending: str) -> list[Any]:
    return [key for key in await say(port, "KEYS", "agora-tencent-analytics:*") if key.decode().endswith(ending)]


def told_of(port: int, words: str = "", level: int = logging.INFO) -> int:
    """How many records of the log name that server and hold these words, at that level or above."""
    said = (one.getMessage() for one in LOGGED if one.levelno >= level)
    return sum(f":{port}/" in one and words in one for one in said)


def play(tries: Sequence[Callable[[Try], Awaitable[None]]], folder: Path, rate: Rate, binary: str) -> None:
    """All at once; what failed is told by name."""

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            LOGGED.append(record)

    async def one(play_it: Callable[[Try], Awaitable[None]], shared: RedisServer) -> str | None:
        (folder / play_it.__name__).mkdir()
        of = Try(play_it.__name__, folder / play_it.__name__, rate, binary, shared)
        try:
            async with asyncio.timeout(20 * rate.period_s + 20):
                await play_it(of)
        except (Exception, pytest.fail.Exception) as error:
            return f"{play_it.__name__}: {type(error).__name__}: {error}"[:800]
        finally:
            await of.aclose()
        return None

    async def scenario() -> list[str]:
        (folder / "shared").mkdir()
        with RedisServer(folder / "shared", persistent=True, binary=binary or None) as shared:
            return [told for told in await asyncio.gather(*(one(play_it, shared) for play_it in tries)) if told]

    handler = Keep()
    logging.getLogger("agora_tencent_analytics").addHandler(handler)
    try:
        failed = asyncio.run(scenario())
        assert not failed, "\n".join(failed)
    finally:
        logging.getLogger("agora_tencent_analytics").removeHandler(handler)
        LOGGED.clear()
