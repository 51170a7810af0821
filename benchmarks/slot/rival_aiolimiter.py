"""aiolimiter alone: one rate, no day, no memory of earlier processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter


@asynccontextmanager
async def acquirer(store: str, where: str, rate: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    yield AsyncLimiter(1, 1 / rate).acquire
