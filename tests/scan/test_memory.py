"""Memory does not grow with the number of calls, nor with the size of one; the full measurement is a benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.memory.run import Scenario, measured

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read as POSIX tells it"),
    pytest.mark.long,
]
LIGHT = {"sessions_per_call": 3, "points_per_series": 0, "call_seconds": 600}


def test_ten_times_the_calls_need_no_more_memory() -> None:
    few, many = (
        measured(Scenario(depth="sessions", world={"calls": calls, **LIGHT}, bound_mb=0)) for calls in (100, 1_000)
    )
    assert (100, 1_000) == (few["calls"], many["calls"])
    assert many["peak"] - few["peak"] < 20


MANY = """
import asyncio, json
from agora_tencent_analytics.paging import seen_ids
from benchmarks.memory.many_calls import measured
seen_ids.IN_MEMORY = 3_000
print(json.dumps(asyncio.run(measured({vendor!r}, calls=36_000, hours=1, first=6_000))))
"""


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_six_times_the_calls_in_one_window_need_no_more_memory(vendor: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY.format(vendor=vendor)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
    )
    read, complete, grown_mb = json.loads(done.stdout.splitlines()[-1])
    assert (36_000, 36_000) == (read, complete)
    assert grown_mb < 4


def test_a_huge_call_is_never_in_memory_as_a_whole() -> None:
    """480 sessions, 24 metrics, 600 points: 110 MB of columns and as much text, and they pass through less."""
    world = {
        "calls": 1,
        "sessions_per_call": 480,
        "metrics_per_session": 24,
        "points_per_series": 600,
        "call_seconds": 3_600,
    }
    found = measured(Scenario(depth="metrics", world=world, bound_mb=0))
    assert 480 * 24 * 600 == pytest.approx(found["points"], rel=0.01)
    assert found["complete"]
    assert found["peak"] - found["at_start"] < 110
