"""limits: a moving window, asked again and again, because it does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

_PAUSE_S = 0.01


@asynccontextmanager
async def acquirer(store: str, where: str, rate: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    storage = RedisStorage(f"async+{where}", implementation="redispy") if store == "redis" else MemoryStorage()
    limiter, item = MovingWindowRateLimiter(storage), RateLimitItemPerSecond(rate)

    async def acquire() -> None:
        while not await limiter.hit(item, "question"):  # noqa: ASYNC110 - it offers nothing to wait for
            await asyncio.sleep(_PAUSE_S)

    yield acquire
