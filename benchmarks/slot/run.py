"""What one slot costs: CPU time per grant, with 1, 100 and 10,000 waiters, in memory, on a file and on Redis.

    python -m benchmarks.slot.run [--quick]

Everybody is given the same rate, 100 a second, and more demand than that, so that there is always a queue. The
cost is the processor time of this process per grant, the waiting itself costs none; ratios are to `aiolimiter`
alone with as many waiters in the same round. Rounds are interleaved and the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.slot.redis_server import redis_server

RATE = 100
WAITERS = (1, 100, 10_000)
BASELINE = ("aiolimiter", "memory")
RIVALS = [
    ("rival_aiolimiter", "memory"),
    ("ours", "memory"),
    ("ours", "sqlite"),
    ("ours", "redis"),
    ("rival_pyrate", "memory"),
    ("rival_pyrate", "sqlite"),
    ("rival_pyrate", "redis"),
    ("rival_limits", "memory"),
    ("rival_limits", "redis"),
]


class Cost(NamedTuple):
    cpu_us: float
    grants_per_s: float


async def measure(module: str, store: str, where: str, waiters: int, grants: int) -> Cost:
    """Processor microseconds for each of the last `grants` grants, and how many came in a second."""
    warm_up = RATE + grants // 5  # whoever lets a burst through has done so by then
    done = 0
    marks: list[tuple[float, float]] = []

    async with (
        importlib.import_module(f"benchmarks.slot.{module}").acquirer(store, where, RATE) as acquire,
        asyncio.TaskGroup() as group,
    ):

        async def work() -> None:
            nonlocal done
            while len(marks) < 2:
                await acquire()
                done += 1
                if done in (warm_up, warm_up + grants):
                    marks.append((time.process_time(), time.perf_counter()))
                    await asyncio.sleep(0)
            for task in tasks:
                task.cancel()

        tasks = [group.create_task(work()) for _ in range(waiters)]
    (cpu_before, before), (cpu, now) = marks
    cpu, wall = cpu - cpu_before, now - before
    return Cost(cpu / grants * 1e6, grants / wall)


@contextmanager
def place(store: str, folder: Path) -> Iterator[str]:
    """Where a store may keep what it keeps: a fresh file, a fresh Redis, nowhere."""
    if store == "redis":
        with redis_server(folder) as url:
            yield url
    else:
        yield str(folder / "slots.db")


def summary(mine: list[Cost | str], theirs: list[Cost | str]) -> str:
    """The medians of one limiter, beside those of the baseline in the same rounds."""
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if isinstance(a, Cost) and isinstance(b, Cost)]
    if not pairs:
        return str(mine[0])
    ratio = median(a.cpu_us / b.cpu_us for a, b in pairs)
    cpu, pace = (median(getattr(a, field) for a, _ in pairs) for field in Cost._fields)
    return f"{cpu:.0f} us ({ratio:.2f}x), {pace:.0f}/s"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--quick", action="store_true", help="one round, fewer grants")
    quick = words.parse_args().quick
    rounds, grants = (1, 100) if quick else (3, 200)
    print(f"Python {platform.python_version()}, {rounds} rounds of {grants} grants at {RATE}/s")
    costs: dict[tuple[str, str, int], list[Cost | str]] = {}
    for _ in range(rounds):
        for waiters in WAITERS:
            for module, store in RIVALS:
                with ExitStack() as stack:
                    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                    where = stack.enter_context(place(store, folder))
                    try:
                        cost: Cost | str = asyncio.run(measure(module, store, where, waiters, grants))
                    except ExceptionGroup as failed:
                        cost = f"fails: {type(failed.exceptions[0]).__name__}"
                costs.setdefault((module.removeprefix("rival_"), store, waiters), []).append(cost)
    print(f"{'':22}" + "".join(f"{f'{waiters:,} waiting':>32}" for waiters in WAITERS))
    for module, store in RIVALS:
        name = module.removeprefix("rival_")
        line = f"{name + ', ' + store:22}"
        for waiters in WAITERS:
            line += f"{summary(costs[name, store, waiters], costs[(*BASELINE, waiters)]):>32}"
        print(line)


if __name__ == "__main__":
    main()
