"""pyrate-limiter: a sliding log with two rates in one bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pyrate_limiter import AbstractBucket, Duration, InMemoryBucket, Limiter, Rate, RedisBucket, SQLiteBucket
from redis.asyncio import Redis


@asynccontextmanager
async def acquirer(store: str, where: str, rate: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    rates = [Rate(rate, Duration.SECOND), Rate(1_000_000, Duration.DAY)]
    redis = Redis.from_url(where) if store == "redis" else None
    bucket: AbstractBucket
    if redis is not None:
        # Given an asynchronous client it gives an awaitable, which its types do not say.
        made: Any = RedisBucket.init(rates, redis, "slots")
        bucket = await made
    elif store == "sqlite":
        bucket = SQLiteBucket.init_from_file(rates, db_path=where)
    else:
        bucket = InMemoryBucket(rates)
    limiter = Limiter(bucket)

    async def acquire() -> None:
        await limiter.try_acquire_async("question")

    try:
        yield acquire
    finally:
        limiter.close()
        if redis is not None:
            await redis.aclose()
