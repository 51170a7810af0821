"""This library: answer-clocked window, pace, UTC day, all at once and remembered in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from agora_tencent_analytics import Quota, Rate
from agora_tencent_analytics.limits import DAY


@asynccontextmanager
async def acquirer(store: str, where: str, rate: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    quota = Quota("account", store=":memory:" if store == "memory" else where, cold_start=False)
    rates = (Rate(rate, 1), Rate(1_000_000, DAY))

    async def acquire() -> None:
        async with quota.slot("question", rates) as slot:
            slot.sent()
            slot.answered()

    yield acquire
