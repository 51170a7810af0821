"""A server on loopback that does with each connection what it is told, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any


class Line:
    """One connection to a scripted server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.number = 0

    async def request(self) -> bytes:
        """The whole of the next request; empty when the client hangs up."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        self.number += 1
        return head + await self.reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def answer(body: bytes = b"{}", *, status: str = "200 OK", length: int | None = None, headers: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


class Scripted:
    """A server that does with each connection what it is told, and keeps the requests it read."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self.arrived = asyncio.Event()


@contextlib.asynccontextmanager
async def serving(script: Callable[[Line, bytes], Awaitable[None]], **options: Any) -> AsyncIterator[Scripted]:
    """`script` is called for each request; a connection lives until the client leaves or `script` ends it.

    Args:
        script: given the connection and the request.
        options: of `asyncio.start_server`, for example `ssl`.
    """
    state = Scripted()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(line: Line) -> None:
        while request := await line.request():
            state.requests.append(request)
            state.arrived.set()
            await script(line, request)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.connections += 1
        try:
            await talk(Line(reader, writer))
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, **options)
    state.url = f"{'https' if options.get('ssl') else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
