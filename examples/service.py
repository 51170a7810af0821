"""A web service over Agora's calls: answers within a limit of time, says when to come back, and stops gracefully.

    python examples/service.py        # needs fastapi and uvicorn; PORT says where it listens (8080)
    curl localhost:8080/channels/class-7/calls
    curl localhost:8080/worst?hours=6

Credentials come from the environment, as `agora-tencent-analytics simulate --vendor agora --port 8021` prints them.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from agora_tencent_analytics import (
    AgoraProvider,
    AnalyticsError,
    BadInput,
    IncompleteScan,
    Last,
    NotAsked,
    Refusal,
    WouldExceedQuota,
    scan,
)
from agora_tencent_analytics.scan import CallFigures, worst

WITHIN_S = 5.0
"""How long a caller of the service waits at most."""


class InTurn:
    """One scan after the other, and one for all who ask the same at the same time.

    Side by side they would take the slots from each other, and none would end in time. Whoever would come too late for
    that is refused at once, before anything is sent.
    """

    def __init__(self) -> None:
        self._running: dict[float, asyncio.Task[list[CallFigures]]] = {}
        self._turn = asyncio.Lock()
        self._takes_s = WITHIN_S  # what the last one took, once there was one

    async def __call__(self, key: float, ask: Callable[[], Awaitable[list[CallFigures]]]) -> list[CallFigures]:
        """What `ask` finds, or what one that is under way for the same key does."""
        if key not in self._running:
            wait_s = len(self._running) * self._takes_s
            if wait_s and wait_s + self._takes_s > WITHIN_S:
                raise WouldExceedQuota(f"{len(self._running)} scans go first", retry_at=time.time() + wait_s)
            running = self._running[key] = asyncio.create_task(self._run(ask))
            running.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(self._running[key])  # who gives up takes nothing from the others

    async def _run(self, ask: Callable[[], Awaitable[list[CallFigures]]]) -> list[CallFigures]:
        async with self._turn:
            began = asyncio.get_running_loop().time()
            found = await ask()
            self._takes_s = asyncio.get_running_loop().time() - began
            return found


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One provider for the life of the service; a fifth of each day is kept for those who wait for an answer."""
    async with AgoraProvider.from_env(reserve={"interactive": 0.2}) as agora:
        app.state.agora, app.state.in_turn = agora, InTurn()
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(AnalyticsError)
async def unanswered(request: Request, error: AnalyticsError) -> JSONResponse:
    """400 for a wrong question, 503 for no quota, 502 for the vendor's fault; `Retry-After` where it may come again."""
    headers = {"Retry-After": str(max(1, math.ceil(error.wait_s(time.time()) or 0)))} if error.retryable else {}
    told = {"error": type(error).__name__, "request_id": error.request_id if isinstance(error, Refusal) else ""}
    status = 503 if isinstance(error, NotAsked | IncompleteScan) else 502
    if isinstance(error, BadInput) and not error.retryable:
        status = 400
    return JSONResponse(told, status, headers)


@app.get("/channels/{channel}/calls")
async def calls(request: Request, channel: str, hours: float = 6) -> list[dict[str, object]]:
    """The calls of a channel, newest first, and how many took part in each."""
    view = request.app.state.agora.with_options(priority="interactive", within_s=WITHIN_S)
    found: list[dict[str, object]] = []
    async for call in view.calls(Last(hours=hours), channel=channel):
        sessions = await view.sessions(call).collect()
        found.insert(0, {"call_id": call.call_id, "began": call.created_ts, "sessions": len(sessions)})
    return found


@app.get("/worst")
async def worst_calls(request: Request, hours: float = 1) -> list[dict[str, object]]:
    """The worst calls, worst first; an error where not all of them could be read."""
    view = request.app.state.agora.with_options(priority="interactive", within_s=WITHIN_S)

    async def read() -> list[CallFigures]:
        async with scan(view, over=Last(hours=hours)) as records:
            found = worst([record async for record in records])
        records.report.raise_if_incomplete()
        return found

    found = await request.app.state.in_turn(hours, read)
    return [{"call_id": one.call_id, "channel": one.channel, "frozen_share": one.worst_share} for one in found]


@app.get("/health")
async def health(request: Request) -> dict[str, object]:
    """What is left of the quota: read from this machine's count, so it costs no request."""
    states = await request.app.state.agora.quota()
    return {"left_today": {state.counter: state.left_today for state in states if state.left_today is not None}}


if __name__ == "__main__":
    # SIGTERM: no new connections, ten seconds for the requests that run, then the provider is closed.
    uvicorn.run(app, port=int(os.environ.get("PORT", "8080")), timeout_graceful_shutdown=10, log_level="warning")
