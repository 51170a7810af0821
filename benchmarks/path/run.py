"""What a request and a scan cost beside the bare network: processor time, as multiples of aiohttp with orjson.

    python -m benchmarks.path.run [--quick] [--vendor agora|tencent] [--job one|calls|sessions|metrics]

The same canned answers for everybody, served by a process of its own; each rival works in a process of its own, in
turn, and the medians of the ratios within each round count. The yardstick and the bare rivals send the very requests
that the library sends; the vendor's SDK asks its own way, and the number of its requests is told beside.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from contextlib import ExitStack
from statistics import median
from typing import Any

WORLDS: dict[str, dict[str, int]] = {
    # Calls of two participants with answers of half a kilobyte, and of small series.
    "one": {"calls": 1_500, "sessions_per_call": 2, "points_per_series": 0, "call_seconds": 600},
    "calls": {"calls": 20_000, "sessions_per_call": 2, "points_per_series": 0, "call_seconds": 600},
    "sessions": {"calls": 1_500, "sessions_per_call": 2, "points_per_series": 0, "call_seconds": 600},
    "metrics": {"calls": 500, "sessions_per_call": 2, "points_per_series": 30, "call_seconds": 600},
}
YARDSTICK = "rival_aiohttp"
RIVALS = {
    "agora": ["ours", "rival_httpx", "rival_requests"],
    "tencent": ["ours", "rival_httpx", "rival_requests", "rival_sdk", "rival_sdk_async"],
}


class Process:
    """A child that answers a line with a line."""

    def __init__(self, stack: ExitStack, *words: str) -> None:
        self._child = stack.enter_context(
            subprocess.Popen([sys.executable, "-m", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(self._child.terminate)

    def ask(self, line: str) -> Any:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        return self.line()

    def line(self) -> Any:
        assert self._child.stdout is not None
        return json.loads(self._child.stdout.readline())


def measure(vendor: str, job: str, rounds: int, rivals: list[str]) -> None:
    """One row of the table."""
    with ExitStack() as stack:
        server = Process(stack, "benchmarks.path.vendor", json.dumps(WORLDS[job]))
        settings = json.dumps(server.line())
        children = {
            name: Process(stack, "benchmarks.path.worker", name, vendor, settings) for name in (YARDSTICK, *rivals)
        }
        sent = children["ours"].ask(json.dumps({"record": job}))
        requests: dict[str, int] = {}
        costs: dict[str, list[float]] = {name: [] for name in children}
        for name, child in children.items():  # not counted: the canned answers are made, the code is warm
            child.ask(json.dumps({"job": job, "sent": [] if name == "ours" else sent}))
        for _ in range(rounds):
            server.ask("count")
            for name, child in children.items():
                costs[name].append(child.ask(json.dumps({"job": job}))["cpu"])
                counted = server.ask("count")
                if counted["misses"]:
                    raise SystemExit(f"{name}: {counted['misses']} requests of {job} were not canned")
                requests[name] = counted["requests"]
        for name in (YARDSTICK, "rival_httpx", "rival_requests"):
            if name in requests and requests[name] != requests["ours"]:
                raise SystemExit(f"{name} sent {requests[name]} requests, the library {requests['ours']}")
    bare = costs.pop(YARDSTICK)
    print(f"{vendor:8} {job:9} {median(bare) / requests[YARDSTICK] * 1e6:7.0f} us", end="")
    for name, mine in costs.items():
        ratio = median(a / b for a, b in zip(mine, bare, strict=True))
        more = f" [{requests[name]}]" if "sdk" in name else ""
        print(f"  {name.removeprefix('rival_')} {ratio:.2f}{more}", end="")
    print(f"  ({requests['ours']} requests)", flush=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--quick", action="store_true", help="three rounds, not nine")
    words.add_argument("--vendor", choices=[*RIVALS], action="append")
    words.add_argument("--job", choices=[*WORLDS], action="append")
    words.add_argument("--rival", action="append", help="the library alone and these")
    told = words.parse_args()
    print(
        f"Python {platform.python_version()}; processor time as multiples of aiohttp with orjson (its own: per request)"
    )
    for vendor in told.vendor or RIVALS:
        rivals = RIVALS[vendor] if told.rival is None else ["ours", *(f"rival_{name}" for name in told.rival)]
        for job in told.job or WORLDS:
            measure(vendor, job, 3 if told.quick else 9, rivals)


if __name__ == "__main__":
    main()
