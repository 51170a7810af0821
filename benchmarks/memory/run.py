"""Peak resident memory of a scan, the vendor in another process: grows with nothing but its bounds.

python benchmarks/memory/run.py [NAME ...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@attrs.frozen(kw_only=True)
class Scenario:
    """One scan of one world."""

    depth: str
    world: dict[str, int]
    more_than: str = ""
    """The scenario that it may exceed by so many MB."""
    bound_mb: float
    """The most growth over `more_than`, or the most in all."""


LIGHT = {"sessions_per_call": 3, "points_per_series": 0, "call_seconds": 600}
SCENARIOS = {
    "calls-1000": Scenario(depth="calls", world={"calls": 1_000, **LIGHT}, bound_mb=200),
    "calls-20000": Scenario(depth="calls", world={"calls": 20_000, **LIGHT}, more_than="calls-1000", bound_mb=20),
    "sessions-1000": Scenario(depth="sessions", world={"calls": 1_000, **LIGHT}, bound_mb=200),
    "sessions-5000": Scenario(
        depth="sessions", world={"calls": 5_000, **LIGHT}, more_than="sessions-1000", bound_mb=20
    ),
    "metrics-300": Scenario(depth="metrics", world={"calls": 300}, bound_mb=200),
    "one-huge-call": Scenario(
        depth="metrics",
        world={
            "calls": 1,
            "sessions_per_call": 500,
            "metrics_per_session": 24,
            "points_per_series": 900,
            "call_seconds": 3_600,
        },
        bound_mb=200,
    ),
    "many-huge-calls": Scenario(
        depth="metrics",
        world={
            "calls": 24,
            "sessions_per_call": 60,
            "metrics_per_session": 24,
            "points_per_series": 900,
            "call_seconds": 3_600,
        },
        bound_mb=300,
    ),
}


def measured(scenario: Scenario) -> dict[str, Any]:
    """The client's figures."""
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        subprocess.Popen(
            [sys.executable, str(HERE / "server.py"), json.dumps(scenario.world)],
            env=path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
        tempfile.TemporaryDirectory() as state,
    ):
        assert server.stdout is not None
        settings = json.loads(server.stdout.readline())
        done = subprocess.run(
            [sys.executable, str(HERE / "client.py"), scenario.depth],
            env={**path, **settings, "XDG_STATE_HOME": state},
            capture_output=True,
            text=True,
            check=False,
        )
        server.communicate()  # ends its input, and so the server
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(names: list[str]) -> int:
    peaks: dict[str, float] = {}
    missed = 0
    print(f"{'':16} {'calls':>6} {'sessions':>8} {'points':>10} {'seconds':>8} {'start MB':>8} {'peak MB':>8}  bound")
    for name, scenario in SCENARIOS.items():
        if names and name not in names:
            continue
        found = measured(scenario)
        peaks[name] = found["peak"]
        if scenario.more_than and scenario.more_than not in peaks:
            peaks[scenario.more_than] = measured(SCENARIOS[scenario.more_than])["peak"]
        base = peaks.get(scenario.more_than, 0.0)
        within = found["complete"] and found["peak"] - base < scenario.bound_mb
        missed += not within
        bound = f"{scenario.bound_mb:.0f} MB" + (f" over {scenario.more_than}" if scenario.more_than else "")
        print(
            f"{name:16} {found['calls']:6} {found['sessions']:8} {found['points']:10} {found['seconds']:8.1f} "
            f"{found['at_start']:8.1f} {found['peak']:8.1f}  {bound}: {'held' if within else 'MISSED'}",
            flush=True,
        )
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
