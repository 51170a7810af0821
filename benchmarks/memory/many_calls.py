"""Memory of a scan of a million calls, and more: flat after the first fifty thousand.

python benchmarks/memory/many_calls.py VENDOR [CALLS [HOURS [FIRST]]]

The vendor is a scripted transport in this process: it makes up each page when it is asked for, and keeps none. CALLS
calls (1,000,000) are spread evenly over HOURS hours (24); all of them in 1 hour are one window. Printed are the calls
read, the peak resident memory and the processor time of a call, every FIRST calls (50,000). The exit status is 1 if the
memory grew by more than `BOUND_MB` after the first ones, or if calls are missing.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from agora_tencent_analytics import AgoraProvider, Request, Response, TencentProvider, Timeouts, TimeRange, scan
from agora_tencent_analytics.limits import HOUR

BOUND_MB = 8.0
UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, kibibytes elsewhere


class Listing:
    """Lists calls, a second long each, that begin at even distances.

    Args:
        calls: how many there are.
        over: from the beginning of the first to the end of the last.
    """

    def __init__(self, calls: int, over: TimeRange) -> None:
        self._calls, self._over = calls, over

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        await asyncio.sleep(0)
        if request.method == "GET":
            asked = dict(parse_qsl(urlsplit(request.url).query))
            start, end, size = int(asked["start_ts"]), int(asked["end_ts"]), int(asked["page_size"])
            rows, total = self._page(start, end, int(asked["page_no"]) - 1, size)
            listed = [
                {"call_id": f"call-{number:012}", "cname": "room", "created_ts": at, "destroyed_ts": at + 1}
                for number, at in rows
            ]
            body: dict[str, Any] = {"code": 200, "call_lists": listed, "total_size": total}
        else:
            told = json.loads(request.body)
            rows, total = self._page(told["StartTime"], told["EndTime"] + 1, told["PageNumber"], told["PageSize"])
            rooms = [
                {"CommId": f"call-{number:012}", "RoomString": "r", "CreateTime": at, "DestroyTime": at + 1}
                for number, at in rows
            ]
            body = {"Response": {"RoomList": rooms, "Total": len(rooms), "RequestId": "r"}}
        answered()
        return Response(status=200, headers={}, body=json.dumps(body).encode())

    def _page(self, start: int, end: int, number: int, size: int) -> tuple[list[tuple[int, int]], int]:
        first, beyond = self._before(start), self._before(end)
        page = range(first + number * size, min(beyond, first + (number + 1) * size))
        return [(call, self._begins(call)) for call in page], beyond - first

    def _begins(self, call: int) -> int:
        return self._over.start + call * (self._over.seconds - 1) // self._calls

    def _before(self, moment: int) -> int:
        """Calls that begin before a moment."""
        seconds = min(max(0, moment - self._over.start), self._over.seconds - 1)
        return -(-seconds * self._calls // (self._over.seconds - 1))

    async def aclose(self) -> None:
        """Nothing was opened."""


async def measured(vendor: str, calls: int, hours: int, first: int) -> tuple[int, int, float]:
    """Calls read, calls that the report is sure of, and growth of the memory after the first calls, in MB."""
    end = int(time.time()) - 2 * HOUR
    over = TimeRange(end - hours * HOUR, end)
    plumbing: dict[str, Any] = {"plan": "unlimited", "store": ":memory:", "transport": Listing(calls, over)}
    provider: Any
    if vendor == "agora":
        provider = AgoraProvider(app_id="app", customer_id="id", customer_secret="secret", **plumbing)
    else:
        provider = TencentProvider(
            sdk_app_id=1400000000, secret_id="id", secret_key="key", region="ap-singapore", **plumbing
        )
    read, after_first, began = 0, 0.0, time.process_time()
    async with provider, scan(provider, over=over, depth="calls") as records:
        async for _ in records:
            read += 1
            if read % first == 0:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6
                after_first = after_first or peak
                used = (time.process_time() - began) / read * 1e6
                print(f"{read:9,} calls {peak:7.1f} MB {used:6.0f} us a call", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6
    return read, read if records.report.complete else 0, peak - after_first


def main(vendor: str = "agora", calls: int = 1_000_000, hours: int = 24, first: int = 50_000) -> int:
    """Prints what became of it; the exit status."""
    read, sure, grown = asyncio.run(measured(vendor, calls, hours, first))
    print(
        f"{vendor}: {read:,} of {calls:,} calls, complete: {bool(sure)}, {grown:.1f} MB more after the first {first:,}"
    )
    return int((read, sure) != (calls, calls) or grown > BOUND_MB)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
