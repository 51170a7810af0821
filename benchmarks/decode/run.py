"""Decode metrics replies and pages of listings in every way and print ratios to `orjson.loads`, budgets and memory.

    python -m benchmarks.decode.run [--quick] [--no-memory]

Each block of a variant runs between two blocks of the baseline; pairs whose baselines disagree by more than
35 % are dropped, and the median of the ratios counts. The garbage collector stays on: it is part of the cost.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.decode import pages, payloads


class Case(NamedTuple):
    name: str
    body: Callable[[], bytes]
    reply: str
    repeat: int
    pairs: int
    budgets: dict[str, float]


_PAGE = 2.5
_SINCE_313 = sys.version_info >= (3, 13)
CASES = [
    Case("agora 7 KB", lambda: payloads.agora(2, 6, 30), "agora", 200, 15, {}),
    Case("agora 500 KB", lambda: payloads.agora(4, 24, 300), "agora", 8, 15, {"ours untouched": 0.4, "ours read": 1.4}),
    Case("agora 500 KB, own times", lambda: payloads.agora(4, 24, 300, own_times=True), "agora", 8, 15, {}),
    Case(
        "agora 15 MB",
        lambda: payloads.agora(20, 24, 1800),
        "agora",
        1,
        7,
        {"ours untouched": 0.15, "ours read": 0.9 if _SINCE_313 else 0.4},
    ),
    Case("agora 15 MB, own times", lambda: payloads.agora(20, 24, 1800, own_times=True), "agora", 1, 7, {}),
    Case("tencent 7 MB", lambda: payloads.tencent(6, 20, 1800), "tencent", 1, 7, {}),
    Case("agora 100 calls", pages.agora_calls, "agora_calls", 40, 15, {"ours": _PAGE}),
    Case("agora 100 sessions", pages.agora_sessions, "agora_sessions", 40, 15, {"ours": _PAGE}),
    Case("tencent 100 rooms", pages.tencent_rooms, "tencent_rooms", 40, 15, {"ours": _PAGE}),
    Case("tencent 100 users", pages.tencent_users, "tencent_users", 40, 15, {"ours": _PAGE}),
]
_RIVALS = {
    "msgspec structs": "rival_msgspec",
    "json": "rival_json",
    "pydantic": "rival_pydantic",
    "cattrs objects": "rival_cattrs",
}
_SDK = "rival_tencent_sdk"


def variants(reply: str) -> list[tuple[str, str, str]]:
    """Of a kind of reply, the variants: name, module, function."""
    rivals = _RIVALS | ({"tencent sdk": _SDK} if reply.startswith("tencent") else {})
    if reply in ("agora", "tencent"):
        ours = [("ours untouched", "ours", f"{reply}_untouched"), ("ours read", "ours", f"{reply}_read")]
    else:
        ours = [("ours", "ours", reply)]
    return [*ours, *((name, module, reply) for name, module in rivals.items())]


BASELINE = ("orjson", "rival_orjson")


def load(module: str, function: str) -> Callable[[bytes], Any]:
    found: Callable[[bytes], Any] = getattr(importlib.import_module(f"benchmarks.decode.{module}"), function)
    return found


def block(decode: Callable[[bytes], Any], body: bytes, repeat: int) -> float:
    """Least seconds of `repeat` runs, each result freed before the next."""
    least = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        result = decode(body)
        least = min(least, time.perf_counter() - began)
        del result
    return least


def compare(case: Case, body: bytes, pairs: int) -> dict[str, tuple[float, float, int]]:
    """Of each variant: median ratio, least milliseconds, pairs kept."""
    baseline = load(BASELINE[1], case.reply)
    decoders = {name: load(module, function) for name, module, function in variants(case.reply)}
    kept: dict[str, list[tuple[float, float]]] = {name: [] for name in decoders}
    for _ in range(pairs):
        for name, decode in decoders.items():
            before = block(baseline, body, case.repeat)
            taken = block(decode, body, case.repeat)
            after = block(baseline, body, case.repeat)
            if abs(before - after) <= 0.35 * min(before, after):
                kept[name].append((2 * taken / (before + after), taken))
    return {
        name: (median(ratio for ratio, _ in found), min(taken for _, taken in found) * 1e3, len(found))
        if found
        else (float("nan"), float("nan"), 0)
        for name, found in kept.items()
    }


def memory(path: str, module: str, function: str) -> None:
    """In a process of its own: megabytes at most and at the end, over the process without the body."""
    decode = load(module, function)
    gc.collect()
    empty = _resident()
    body = Path(path).read_bytes()
    result = decode(body)
    del body
    gc.collect()
    peak = _peak()
    _give_back()
    print(peak - empty, _resident() - empty)
    del result


def _give_back() -> None:
    """Lets the allocator return the pages that nothing uses any more, where it can be told to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _peak() -> float:
    # Not ru_maxrss: a child inherits its parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description="Decode metrics replies and pages of listings in every way.")
    parser.add_argument("--quick", action="store_true", help="three pairs of each variant")
    parser.add_argument("--only", default="", help="only the cases whose name holds this text")
    parser.add_argument("--no-memory", action="store_true", help="skip the memory table")
    parser.add_argument("--memory-of", nargs=3, metavar=("FILE", "MODULE", "FUNCTION"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.memory_of:
        memory(*chosen.memory_of)
        return 0
    print(f"Python {platform.python_version()}; ratio to orjson.loads of the same body; the collector is on")
    failed = False
    for case in CASES:
        if chosen.only not in case.name:
            continue
        body = case.body()
        print(f"\n{case.name}: {len(body):,} bytes")
        measured = compare(case, body, 3 if chosen.quick else case.pairs)
        for name, (ratio, taken, count) in measured.items():
            budget = case.budgets.get(name)
            verdict = "" if budget is None else f"  budget {budget:.2f}  {'PASS' if ratio <= budget else 'FAIL'}"
            failed |= "FAIL" in verdict
            print(f"  {name:16} {ratio:7.2f}  {taken:9.3f} ms  {count:2} pairs{verdict}")
        if not chosen.no_memory and len(body) > 5e6 and "own" not in case.name:
            print(f"  memory over the empty process, MB (the body itself is {len(body) / 1e6:.1f}): peak, kept")
            failed |= not _memory_table(case, body)
    return 1 if failed else 0


def _memory_table(case: Case, body: bytes) -> bool:
    passed = True
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(body)
        file.flush()
        for name, module, function in [(BASELINE[0], BASELINE[1], case.reply), *variants(case.reply)]:
            command = [sys.executable, "-m", "benchmarks.decode.run", "--memory-of", file.name, module, function]
            peak, kept = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
            verdict = ""
            if name.startswith("ours"):
                points = body.count(b'"Time"') or body.count(b"],[") + body.count(b"]]")
                # A tenth and 2 MB for the pages that the allocator holds back.
                budget = (len(body) if name == "ours untouched" else 16 * points) / 1e6 * 1.1 + 2
                passed &= kept <= budget
                verdict = f"  budget {budget:.1f}  {'PASS' if kept <= budget else 'FAIL'}"
            print(f"  {name:16} {peak:7.1f}  {kept:7.1f}{verdict}")
    return passed


if __name__ == "__main__":
    sys.exit(main())
