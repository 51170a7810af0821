"""Four processes on one account, on real clocks and sockets, against a server behind a network of random latency.

The server notes arrivals and refuses nobody; what vendors that count by fixed window (at any offset), sliding log
and token bucket would have refused is worked out from the arrivals, by code that shares nothing with the limiter.
What is measured is printed with `-rP`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.support.counting_servers import refusals
from tests.support.redis_server import redis_server

ROOT = Path(__file__).parents[2]
LIMIT = 20
USABLE = LIMIT - 1
PROCESSES = 4
TASKS = 8
MEASURED_S = 60
MEAN_MS = 50
SHARE = 0.75
LEASE_S = 150
"""More than the time after which a store gives the slots of a dead process to the others."""


@contextmanager
def process(*words: str, out: int | IO[bytes] = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, *words], stdout=out, cwd=ROOT) as running:
        try:
            yield running
        finally:
            running.kill()


@contextmanager
def store(kind: str, tmp_path: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield str(tmp_path / "quota.db")
        return
    with redis_server(tmp_path) as url:
        yield url


@contextmanager
def vendor(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    log = tmp_path / "arrivals.txt"
    with log.open("wb") as out, process("-m", "tests.realtime.counting_vendor", str(MEAN_MS), out=out):
        while not (told := log.read_text().splitlines()[:1]):
            time.sleep(0.05)
        yield told[0], log


def arrivals(log: Path) -> list[tuple[float, str]]:
    return [(float(at), who) for at, who in (line.split(" ") for line in log.read_text().splitlines()[1:])]


def worker(where: str, url: str, number: int) -> list[str]:
    return ["-m", "tests.realtime.quota_worker", where, f"{url}?who={number}", str(LIMIT), str(TASKS)]


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_four_processes_fill_one_account_without_a_refusal_and_take_over_from_a_killed_one(
    kind: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        where = stack.enter_context(store(kind, tmp_path))
        url, log = stack.enter_context(vendor(tmp_path))
        working = [stack.enter_context(process(*worker(where, url, number))) for number in range(PROCESSES)]
        time.sleep(5)  # imports, connections and the cold start are not what is measured
        began = time.monotonic()
        time.sleep(MEASURED_S)
        killed_at = time.monotonic()
        working[0].kill()
        recovered = None
        while recovered is None and time.monotonic() < killed_at + LEASE_S:
            time.sleep(5)
            now = time.monotonic()
            last = [at for at, _ in arrivals(log) if now - 5 <= at < now]
            recovered = now - killed_at if len(last) / 5 >= SHARE * USABLE else None
    seen = arrivals(log)
    measured = [(at, who) for at, who in seen if began <= at < began + MEASURED_S]
    rate = len(measured) / MEASURED_S
    shares = Counter(who for _, who in measured)
    print(f"{kind}: {rate:.1f}/s of {USABLE}, {dict(shares)}; {recovered} s after the kill the others have its share")
    assert PROCESSES == len(shares), "nobody starves"
    assert {0} == set(refusals([at for at, _ in seen], LIMIT, 1.0).values())
    assert rate >= SHARE * USABLE
    assert recovered is not None


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_four_processes_that_race_for_a_day_are_granted_exactly_what_is_left(kind: str, tmp_path: Path) -> None:
    day, rate = 8_001, 1_000_000
    with store(kind, tmp_path) as where:
        words = [
            sys.executable,
            "-m",
            "tests.realtime.quota_worker",
            where,
            "http://127.0.0.1:9/",
            str(rate),
            "4",
            str(day),
        ]
        racing = [subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(PROCESSES)]
        granted = [int(one.communicate(timeout=300)[0]) for one in racing]
    print(f"{kind}: {granted}")
    assert day - 1 == sum(granted)
