"""What a table of Arrow costs beside decoding: `python -m benchmarks.decode.arrow`, ns of processor time a point."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from agora_tencent_analytics import CallRecord, Response, TimeRange
from agora_tencent_analytics.scan import to_arrow
from agora_tencent_analytics.simulator import SimulatedAgora, World
from agora_tencent_analytics.wire import Asked, decoded

TIMES = 6
"""How often the records stand in the table: some four million points."""


async def read(server: SimulatedAgora, over: TimeRange) -> tuple[list[CallRecord], Callable[[], int]]:
    """The records of a world, and what decodes their answers once more and reads every point."""
    records, bodies = list[CallRecord](), list[bytes]()
    async with server.provider() as agora:
        for call in await agora.calls(over):
            sessions = await agora.sessions(call)
            listing = agora.metrics(call, sessions)
            series = await listing
            records.append(CallRecord(vendor="agora", call=call, sessions=tuple(sessions), series=tuple(series)))
            bodies += [page.body async for page in agora.metrics(call, sessions).pages()]
        row = next(row for row in agora.endpoints if row.name == "call/metrics")
        vendor: Any = agora._caller.vendor

    def decode() -> int:
        points, asked = 0, Asked(window=over, params={"call_id": "", "sids": []})
        for body in bodies:
            answer = Response(status=200, headers={}, body=body)
            items = decoded(vendor, row, answer, vendor.unwrap(row, answer), asked, clean=lambda same: same).items
            points += sum(len(series.values) for series in items)
        return points

    return records, decode


def cost(work: Callable[[], int], rounds: int = 5) -> float:
    """Nanoseconds a point, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        points = work()
        best = min(best, (time.process_time() - began) / points * 1e9)
    return best


async def main() -> None:
    end = int(time.time()) - 600
    over = TimeRange(end - 8 * 3_600, end)
    async with SimulatedAgora(World(seed=5, calls=14, start=over.start, end=end), plan="unlimited") as server:
        records, decode = await read(server, over)
    many = records * TIMES
    alone = cost(decode)
    print(
        f"{decode():,} points decoded, {sum(one.points for one in many):,} in a table; "
        f"decoding alone {alone:.0f} ns a point"
    )
    for level in ("points", "series"):
        spent = cost(partial(_rows, many, level))
        print(f"to_arrow, level {level}: {spent:.0f} ns a point, {spent / alone:.2f} of decoding alone")


def _rows(records: list[CallRecord], level: Any) -> int:
    to_arrow(records, level)
    return sum(one.points for one in records)


if __name__ == "__main__":
    asyncio.run(main())
