"""Both simulated vendors behind one canned server: an answer is worked out once, and then replayed.

    python -m benchmarks.path.vendor '{"calls": 300}'

Prints one JSON line with the base URLs, the credentials and the range, then serves until its input ends. The HTTP is
as bare as it can be, so that the client is what limits a run; a line on its input, `count`, is answered by the number
of requests since the last such line and of the answers that had to be worked out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from email.utils import formatdate
from functools import partial
from typing import Any, ClassVar

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor, World

SIGNED = frozenset({"authorization", "x-tc-timestamp", "date"})


class Canned(asyncio.Protocol):
    """One connection."""

    answers: ClassVar[dict[tuple[bytes, bytes, bytes], bytes]] = {}
    requests = 0
    misses = 0

    def __init__(self, vendor: SimulatedVendor) -> None:
        self._vendor = vendor
        self._received = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            lines = head.split(b"\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
            length = int(headers.get(b"content-length", b"0"))
            if len(self._received) < end + 4 + length:
                return
            body = self._received[end + 4 : end + 4 + length]
            self._received = self._received[end + 4 + length :]
            method, path, _ = lines[0].split(b" ")
            Canned.requests += 1
            # The vendor's SDK orders its parameters by itself.
            same = json.dumps(json.loads(body), sort_keys=True).encode() if body else b""
            key = (path, headers.get(b"x-tc-action", b""), same)
            if (answer := self.answers.get(key)) is not None:
                self._write(answer)
            else:
                task = asyncio.ensure_future(self._work_out(key, method, path, headers, body))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _work_out(
        self, key: tuple[bytes, bytes, bytes], method: bytes, path: bytes, headers: dict[bytes, bytes], body: bytes
    ) -> None:
        Canned.misses += 1
        told = {name.decode().title(): value.decode() for name, value in headers.items()}
        status, _, answer = await self._vendor.answer(method.decode(), path.decode(), told, body)
        if status == 200 and b'"Error":' not in answer:
            self.answers[key] = answer
        self._write(answer, status)

    def _write(self, answer: bytes, status: int = 200) -> None:
        now = formatdate(time.time(), usegmt=True)
        kind = "Content-Type: application/json"
        head = f"HTTP/1.1 {status} X\r\nDate: {now}\r\n{kind}\r\nContent-Length: {len(answer)}\r\n\r\n"
        self._transport.write(head.encode() + answer)


async def serve(of_world: dict[str, Any]) -> None:
    end = int(time.time()) // HOUR * HOUR - 2 * HOUR
    start = end - 8 * HOUR
    world = World(start=start, end=end, **of_world)
    loop = asyncio.get_running_loop()
    told: dict[str, Any] = {"start": start, "end": end}
    for name, vendor in (
        ("agora", SimulatedAgora(world, plan="unlimited", log_bound=0)),
        ("tencent", SimulatedTencent(world, plan="unlimited", log_bound=0)),
    ):
        server = await loop.create_server(partial(Canned, vendor), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        told[name] = {"base_url": f"http://127.0.0.1:{port}", "credentials": dict(vendor.credentials)}
    print(json.dumps(told), flush=True)
    while (await asyncio.to_thread(sys.stdin.readline)).strip() == "count":
        print(json.dumps({"requests": Canned.requests, "misses": Canned.misses}), flush=True)
        Canned.requests = Canned.misses = 0


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
