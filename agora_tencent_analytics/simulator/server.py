"""The network coat of a simulated vendor: a real `aiohttp.web` server on loopback.

Holds sockets and the carrying out of what only a socket can do: stalls, resets, answers that end too early. What is
answered is decided elsewhere.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from agora_tencent_analytics.simulator.exchange import Ask, Reply, read_ask

__all__ = ["Loopback"]

_GRACE_S = 0.1
_RESET_NOT_CLOSE = struct.pack("ii", 1, 0)


class Loopback:
    """A server that lets `exchange` answer.

    Args:
        exchange: answers one request.
        host: address to listen on.
        port: port to listen on, 0 for any that is free.
        sleep: waits, for stalls.
    """

    def __init__(
        self,
        exchange: Callable[[Ask], Awaitable[Reply]],
        host: str,
        port: int,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._exchange = exchange
        self._host = host
        self._port = port
        self._sleep = sleep
        self._runner: web.ServerRunner | None = None

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
        """Starts to listen."""
        runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=_GRACE_S
        )
        await runner.setup()
        try:
            listening = socket.create_server((self._host, self._port))
            await web.SockSite(runner, listening).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._port = listening.getsockname()[1]
        self._runner = runner

    async def close(self) -> None:
        """Stops, and cancels what is still being answered."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read(-1) if request.can_read_body else b""
        reply = await self._exchange(read_ask(request.method, request.raw_path, request.headers, body))
        await self._wait(reply.stall_head_s)
        if not reply.status:
            _reset(request)
            return web.Response()
        if reply.cut_at is None and not reply.stall_body_s:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.content_length = len(reply.body)
        await response.prepare(request)
        middle = len(reply.body) // 2 if reply.cut_at is None else reply.cut_at // 2
        await response.write(reply.body[:middle])
        await self._wait(reply.stall_body_s)
        await response.write(reply.body[middle : reply.cut_at])
        if reply.cut_at is not None and request.transport is not None:
            request.transport.close()
        return response


def _reset(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_NOT_CLOSE)
        transport.abort()
