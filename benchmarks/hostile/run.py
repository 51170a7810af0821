"""Attack, memory, stall, outcome: what an answer can cost, as a table. Linux only.

python -m benchmarks.hostile.run                     # 32 MB, as it is: a few minutes
python -m benchmarks.hostile.run --sizes 1 4 16 64 --codings gzip deflate --kinds calls metrics
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from agora_tencent_analytics import AgoraProvider, AnalyticsError, Call, Retry, Session, TencentProvider, TimeRange
from benchmarks.hostile.bodies import CODINGS, KINDS, MB, POLITES, SHAPES, hostile

_TICK_S = 0.002


class Cost(NamedTuple):
    """What one answer cost."""

    memory: float
    """Megabytes at most, over what there was before."""
    stall: float
    """The longest time in which the loop did not turn, seconds."""
    worked: float
    """The most processor time that the process spent while the loop did not turn, seconds."""
    took: float
    """Seconds in all."""
    outcome: str
    """What came of it."""


@contextmanager
def serving(text: bytes, coding: str) -> Iterator[str]:
    """A server in a process of its own that gives this answer to whatever it is asked."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that has read enough hangs up."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            if coding:
                self.send_header("Content-Encoding", coding)
            self.end_headers()
            try:
                self.wfile.write(text)
            except OSError:
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, format: str, *_: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    parent = os.getpid()
    child = os.fork()
    if not child:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(0)
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.server_close()
        os.kill(child, 9)
        os.waitpid(child, 0)


async def _asked(vendor: str, kind: str, url: str) -> str:
    options: dict[str, Any] = {"store": ":memory:", "plan": "unlimited", "base_url": url, "retry": Retry(attempts=1)}
    now = int(time.time())
    if vendor == "agora":
        provider: Any = AgoraProvider(app_id="a", customer_id="c", customer_secret="s" * 12, **options)
    else:
        options |= {"secret_id": "i", "secret_key": "k" * 12, "region": "ap-singapore"}
        provider = TencentProvider(sdk_app_id=1400000000, **options)
    over = TimeRange(now - 3600, now - 600)
    call = Call(vendor=vendor, call_id="c", channel="r", created_ts=now - 3600, destroyed_ts=now - 3000, finished=True)
    stay = Session(
        vendor=vendor, call_id="c", session_id="s", user_id="u", channel="r", join_ts=now - 3600, leave_ts=now - 3000
    )
    asking = {
        "calls": lambda: provider.calls(over),
        "sessions": lambda: provider.sessions(call),
        "metrics": lambda: provider.metrics(call, [stay]),
        "quality": lambda: provider.quality(TimeRange(now - 86_400 * 2, now - 86_400), metrics=["join_success"]),
    }[kind]()
    async with provider:
        try:
            async for page in asking.pages():
                return f"{len(page.items):,} read"
        except AnalyticsError as error:
            return f"{type(error).__name__}: {str(error).partition('cannot be read: ')[2] or error}"[:90]
    return "nothing"


async def _watched(vendor: str, kind: str, url: str) -> tuple[float, float, str]:
    longest = most = 0.0

    async def tick() -> None:
        nonlocal longest, most
        while True:
            before, worked = time.perf_counter(), time.process_time()
            await asyncio.sleep(_TICK_S)
            longest = max(longest, time.perf_counter() - before - _TICK_S)
            most = max(most, time.process_time() - worked)

    ticking = asyncio.ensure_future(tick())
    outcome = await _asked(vendor, kind, url)
    await asyncio.sleep(0)
    ticking.cancel()
    return longest, most, outcome


def _memory(name: str) -> float:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1024


def cost(vendor: str, kind: str, text: bytes, coding: str) -> Cost:
    """What this answer costs, in a process of its own."""
    with serving(text, coding) as url, serving(hostile(vendor, kind, "small objects", 1000), "") as small:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            asyncio.run(_watched(vendor, kind, small))  # a child begins without the pages of the libraries
            gc.freeze()
            with open("/proc/self/clear_refs", "w") as peak:
                peak.write("5")
            before, began = _memory("VmRSS"), time.perf_counter()
            stall, worked, outcome = asyncio.run(_watched(vendor, kind, url))
            found = Cost(_memory("VmHWM") - before, stall, worked, time.perf_counter() - began, outcome)
            os.write(writing, json.dumps(found).encode())
            os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        with os.fdopen(reading) as told:
            return Cost(*json.load(told))


def main(arguments: list[str]) -> int:
    """Prints the table; 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[31], help="megabytes (1 MB = 2**20 bytes)")
    parser.add_argument("--codings", nargs="+", default=[""], choices=[*CODINGS], help="how the body is packed")
    parser.add_argument("--kinds", nargs="+", default=[*KINDS], choices=KINDS)
    parser.add_argument("--vendors", nargs="+", default=["agora", "tencent"])
    parser.add_argument("--shapes", nargs="+", help="default: all")
    given = parser.parse_args(arguments)
    shapes = given.shapes or [*POLITES, *SHAPES, *(f"{name}, beside" for name in SHAPES), "short rows"]
    for vendor, kind in itertools.product(given.vendors, given.kinds):  # what is imported is imported
        with serving(hostile(vendor, kind, "small objects", 1000), "") as url:
            asyncio.run(_watched(vendor, kind, url))
    broken = 0
    for size, vendor, kind, shape in itertools.product(given.sizes, given.vendors, given.kinds, shapes):
        if shape in POLITES and (kind == "quality" or (kind == "metrics" and shape != "polite")):
            continue
        made = POLITES.get(shape) or partial(hostile, shape=shape)
        text = made(vendor, kind, size=size * MB)
        for coding in given.codings:
            found = cost(vendor, kind, CODINGS[coding](text), coding)
            times = found.memory / (len(text) / MB)
            bad = found.stall > 0.5 or times > 8
            broken += bad
            took = f"{found.stall:6.3f} s ({found.worked:5.3f}) of {found.took:6.2f}"
            print(
                f"{'!' if bad else ' '} {len(text) / MB:5.1f} MB {coding or '-':8} {vendor:8} {kind:9} {shape:24} "
                f"{found.memory:7.1f} MB {times:5.1f}x {took}  {found.outcome}",
                flush=True,
            )
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
