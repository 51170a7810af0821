"""Serves a simulated vendor over the network: a real `aiohttp.web` server on loopback.

Does what only a socket can do: stalls, resets, answers that end too early. What is answered is decided in `vendor.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import math
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from agora_tencent_analytics.simulator.http.exchange import Ask, Reply, read_ask

MOST_BODY_BYTES = 1 << 20
"""The largest body of a request that is read; the vendors' own questions are a few hundred bytes."""

_log = logging.getLogger("agora_tencent_analytics")
_GRACE_S = 0.1
_RESET_NOT_CLOSE = struct.pack("ii", 1, 0)


class Loopback:
    """A server that lets `exchange` answer.

    Args:
        exchange: answers one request.
        host: address to listen on.
        port: port to listen on, 0 for any that is free.
        wait: waits so many seconds, for stalls.
    """

    def __init__(
        self,
        exchange: Callable[[Ask], Awaitable[Reply]],
        host: str,
        port: int,
        wait: Callable[[float], Awaitable[object]],
    ) -> None:
        self._exchange = exchange
        self._host = host
        self._port = port
        self._wait = wait
        self._runner: web.ServerRunner | None = None
        self._site: web.SockSite | None = None
        self._revival: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Where it listens.

        Raises:
            RuntimeError: it does not.
        """
        if self._runner is None:
            raise RuntimeError("a simulated vendor listens only inside its `async with`")
        return f"http://{self._host}:{self._port}"

    async def open(self) -> None:
        """Starts to listen; warns if others than this machine can reach it."""
        if not _is_loopback(self._host):
            _log.warning(
                "a simulated vendor listens on %s, where other machines can reach it; its credentials follow from the "
                "seed of its world and protect nothing",
                self._host,
            )
        runner = self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=_GRACE_S
        )
        await runner.setup()
        try:
            listening = socket.create_server((self._host, self._port))
            self._port = listening.getsockname()[1]
            await self._listen(runner, listening)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stops, and cancels what is still being answered."""
        runner, self._runner, self._site = self._runner, None, None
        # Those whose client has left too: aiohttp lets them go on.
        tasks = [*self._answering, *([self._revival] if self._revival is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._revival = None
        if runner is not None:
            await runner.cleanup()

    async def _listen(self, runner: web.ServerRunner, bound: socket.socket) -> None:
        site = web.SockSite(runner, bound)
        await site.start()
        self._site = site

    async def _crash(self, runner: web.ServerRunner, down_s: float) -> None:
        site, self._site = self._site, None
        if site is None:
            return  # it is down already
        await site.stop()
        for connection in runner.server.connections if runner.server is not None else ():
            _reset(connection.transport)
        if down_s < math.inf:
            self._revival = asyncio.create_task(self._come_back(runner, down_s))

    async def _come_back(self, runner: web.ServerRunner, down_s: float) -> None:
        # Bound but not listening: connections are refused, and nobody else takes the port.
        with contextlib.ExitStack() as until_it_listens:
            bound = until_it_listens.enter_context(socket.socket())
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
            await self._wait(down_s)
            until_it_listens.pop_all()
            await self._listen(runner, bound)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            return await self._answer(request)
        finally:
            self._answering.discard(task)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _body(request)
        if body is None:
            refused = web.Response(status=413, text=f"a request has at most {MOST_BODY_BYTES} bytes")
            refused.force_close()
            return refused
        reply = await self._exchange(read_ask(request.method, request.raw_path, request.headers, body))
        await self._wait(reply.stall_head_s)
        if reply.down_s and self._runner is not None:
            await self._crash(self._runner, reply.down_s)
        if not reply.status:
            _reset(request.transport)
            return web.Response()
        if reply.plain:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.content_length = reply.stated_length
        with contextlib.suppress(ConnectionResetError):  # the client has left
            await self._send(request, response, reply)
        return response

    async def _send(self, request: web.BaseRequest, response: web.StreamResponse, reply: Reply) -> None:
        await response.prepare(request)
        for pause, piece in reply.pieces():
            await self._wait(pause)
            await response.write(piece)
        if request.transport is None:
            return
        if reply.cut_at is not None:
            request.transport.close()
        elif reply.stated_length < len(reply.body):
            await response.write_eof()
            request.transport.write(reply.body[reply.stated_length :])


async def _body(request: web.BaseRequest) -> bytes | None:
    """The body, or None if it is too large to be read: nobody has proven yet who sends it."""
    found = bytearray()
    while request.can_read_body and (piece := await request.content.readany()):
        found += piece
        if len(found) > MOST_BODY_BYTES:
            return None
    return bytes(found)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reset(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.WriteTransport):
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_NOT_CLOSE)
        transport.abort()
