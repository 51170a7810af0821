"""Processes that work with files as somebody else may have left them, and are sent a signal.

    python -m tests.support.signalled_files FIRST LAST

Mutates a ledger, or a quota file, by each seed from FIRST to before LAST, has a process open it and work with it again
and again, and sends it SIGINT while it does; and SIGTERM to another one. Prints a line of JSON for each that did not
end by it in two seconds, with the status of one that was interrupted, and at the end how many were sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from agora_tencent_analytics import AnalyticsError, CallRecord, TimeRange, scan
from agora_tencent_analytics.cli.commands.scan import _ended_like_interrupted
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.simulator import World
from tests.support.file_user import take
from tests.support.mutated_files import forge, mutate
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
OVER = TimeRange(NOW - 4 * 3600, NOW - 2 * 3600)
WORLD = World(seed=5, calls=12, start=OVER.start, end=OVER.end)
OBEYED_S, LATEST_S = 2.0, 20.0
INTERRUPTED = 130


def begin_ledger(path: Path) -> None:
    """A ledger of a scan that was left in the middle."""

    async def scenario() -> None:
        async with (
            Stage("agora", WORLD).provider() as provider,
            scan(provider, over=OVER, depth="sessions", ledger=path) as records,
        ):
            for _ in range(4):
                await anext(records)

    run(scenario)


def begin_quota(path: Path) -> None:
    """A quota file that was used."""
    store = SqliteStore(path)
    for number in range(4):
        asyncio.run(take(store, NOW + number))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def use_ledger(path: Path) -> None:
    """All that a scan asks of its ledger before its first request."""
    async with Stage("agora", WORLD).provider() as provider:
        with Ledger(path) as ledger:
            ledger.begin({"range": "any"})
            work = ledger.work("agora", provider, OVER)
            for pending in [*work.pending()]:
                work.acknowledge(CallRecord(vendor="agora", call=pending.call))
            list(work.untold())
            work.finish()


async def use_quota(path: Path) -> None:
    """A request of the day."""
    store = SqliteStore(path)
    try:
        await take(store, NOW + 100)
    finally:
        store.close()


async def work_on(path: Path, use: Callable[..., object]) -> None:
    with _ended_like_interrupted():
        while True:
            with contextlib.suppress(AnalyticsError):
                await use(path)  # type: ignore[misc]
            await asyncio.sleep(0)


def status_of(path: Path, use: Callable[..., object], number: signal.Signals, after_s: float) -> tuple[int, float]:
    """What a process at work on a file ended with when it was signalled, and after how many seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.write(writing, b"begun")
            asyncio.run(work_on(path, use))
        except (KeyboardInterrupt, asyncio.CancelledError):
            status = INTERRUPTED
        finally:
            os._exit(status)
    os.read(reading, 5)
    os.close(reading)
    os.close(writing)
    time.sleep(after_s)
    os.kill(child, number)
    began = time.monotonic()
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() - began > LATEST_S:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(ended[1]), time.monotonic() - began


def main(first: int, last: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, sent, longest = Path(name), 0, 0.0
        begin_ledger(folder / "ledger")
        begin_quota(folder / "quota")
        for seed in range(first, last):
            random = Random(seed)
            kind, use = ("quota", use_quota) if seed % 5 == 4 else ("ledger", use_ledger)
            path = Path(shutil.copy(folder / kind, folder / f"{kind}-{seed}"))
            if kind == "ledger" and seed % 2:
                forge(path)
            what = mutate(path, random)
            for number in (signal.SIGINT, signal.SIGTERM):
                status, took_s = status_of(path, use, number, random.uniform(0.02, 0.08))
                sent, longest = sent + 1, max(longest, took_s)
                if status != INTERRUPTED or took_s > OBEYED_S:
                    print(json.dumps({"seed": seed, "what": what, "status": status, "took_s": took_s}), flush=True)
        print(json.dumps({"sent": sent, "longest_s": round(longest, 3)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
