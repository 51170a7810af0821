"""Ten minutes at full speed against vendors that fail one request in twenty: nothing lost, nothing grows.

What is measured is printed with `-rP`. `SOAK_S` sets other lengths than 600 seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
SOAK_S = float(os.environ.get("SOAK_S", "600"))
SHARE = 0.05
FOUND = ("calls", "sessions", "series", "points")
GROWTH_MB, GROWTH = 20, 0.05
"""Between the early rounds and the late ones: of resident memory, and of the blocks that Python has allocated. What is
imported by the first fault of its kind comes to 2.5 % of them; an object of 60 blocks kept by each scan, to more."""


def test_nothing_is_lost_and_nothing_grows_in_ten_minutes_of_mixed_faults() -> None:
    words = [sys.executable, "-m", "tests.realtime.soak_vendor", str(SHARE)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as vendor:
        try:
            assert vendor.stdout is not None
            line = vendor.stdout.readline()
            done = subprocess.run(
                [sys.executable, "-m", "tests.realtime.soak_client", str(SOAK_S)],
                input=line,
                capture_output=True,
                text=True,
                timeout=SOAK_S + 300,
                check=False,
                cwd=ROOT,
            )
        finally:
            vendor.kill()
    assert 0 == done.returncode, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert "never" not in done.stderr, done.stderr
    truth = {name: {key: told["truth"][key] for key in FOUND} for name, told in json.loads(line)["vendors"].items()}
    rounds = [json.loads(said) for said in done.stdout.splitlines()]
    for number, one in enumerate(rounds):
        found = {name: {key: got[key] for key in FOUND} for name, got in one["report"].items()}
        assert truth == found, f"round {number}: {one}"
        assert all(got["complete"] for got in one["report"].values()), f"round {number}: {one}"
        assert 0 == one["twice"]
    requests, retries = (
        sum(got[key] for got in chain.from_iterable(one["report"].values() for one in rounds))
        for key in ("requests", "retries")
    )
    early, late = rounds[1 : len(rounds) // 3 + 1], rounds[-(len(rounds) // 3) :]
    memory = [round(median(one["rss_mb"] for one in part), 1) for part in (early, late)]
    blocks = [round(median(one["blocks"] for one in part)) for part in (early, late)]
    files = [max(one["files"] for one in part) for part in (early, late)]
    print(
        f"{len(rounds)} scans, {requests} requests, {retries} of them retries ({retries / requests:.1%}); "
        f"memory {memory[0]} -> {memory[1]} MB, blocks {blocks[0]} -> {blocks[1]}, open files {files[0]} -> {files[1]}"
    )
    assert retries / requests > SHARE / 3, "the faults did strike"
    assert memory[1] - memory[0] < GROWTH_MB
    assert blocks[1] - blocks[0] < GROWTH * blocks[0]
    assert files[1] <= files[0] + 2
    assert {1} == {one["tasks"] for one in rounds}
