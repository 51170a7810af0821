"""A TCP proxy that tests put between a client and a server: it leads elsewhere, is slow, cuts, or falls silent."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["Proxy"]


class Proxy:
    """Leads each new connection to `port`.

    Args:
        port: of the server behind it, on this machine; may be changed at any time.
        delay_s: of what goes either way.
        silent_after_s: a connection that was idle for so long is dropped without a word, as firewalls do.
        closes_on: a connection on which these bytes come is closed, as proxies do that do not know a command.
    """

    def __init__(
        self, port: int, *, delay_s: float = 0.0, silent_after_s: float = float("inf"), closes_on: bytes | None = None
    ) -> None:
        self.target, self.delay_s, self.silent_after_s, self.closes_on = port, delay_s, silent_after_s, closes_on
        self.silenced = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Ends all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        assert this is not None
        self._tasks.add(this)
        self._writers.add(writer)
        try:
            behind, to_it = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(to_it)
        last = [asyncio.get_running_loop().time()]
        ways = (self._pass_on(reader, to_it, last), self._pass_on(behind, writer, last))
        both = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for way in both:
            way.cancel()
        for one in (writer, to_it):
            one.transport.abort()
            self._writers.discard(one)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, last: list[float]) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(65_536):
                if loop.time() - last[0] > self.silent_after_s:
                    self.silenced += 1
                    last[0] = float("-inf")  # from here on for ever
                    continue
                if self.closes_on is not None and self.closes_on in data:
                    return
                last[0] = loop.time()
                await asyncio.sleep(self.delay_s)
                writer.write(data)
        except OSError:
            pass
