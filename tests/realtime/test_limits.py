"""The limits on real clocks and real sockets: a simulated vendor in one process, the command line in another.

Each cell takes a bit more than a minute and mostly waits; `nox -s proof -- limits` runs them side by side. What is
measured is printed with `-rP`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import attrs
import pytest

from agora_tencent_analytics import TimeRange
from agora_tencent_analytics.simulator import World
from tests.support.command_line import COMMAND, environment, serving, settings_of
from tests.support.simulated_scans import truth_of

SEED = 6
MEASURED_S = 60
SHARE = 0.8
PATIENCE_S = 300


@attrs.frozen
class Cell:
    """A plan, and how many requests a second a client may make of it."""

    vendor: str
    plan: str
    usable: int
    calls: int


# As many calls as keep the details of calls busy for about 65 seconds: long calls need several requests each.
CELLS = [
    Cell("agora", "standard", 1, 48),
    Cell("agora", "premium", 2, 118),
    Cell("agora", "enterprise", 9, 570),
    Cell("tencent", "advanced", 19, 1_180),
]


@pytest.mark.parametrize("latency", [0, 20, 80])
@pytest.mark.parametrize("count", ["fixed", "sliding", "bucket"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.vendor} {cell.plan}")
def test_no_limit_error_nothing_lost_nothing_twice(cell: Cell, count: str, latency: int, tmp_path: Path) -> None:
    words = f"--vendor {cell.vendor} --plan {cell.plan} --count {count} --latency {latency}".split()
    words += ["--seed", str(SEED), "--calls", str(cell.calls), "--verbose"]
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    with serving(*words, state=tmp_path) as (told, server):
        over = ("--start", str(told["start"]), "--end", str(told["end"]))
        done = subprocess.run(
            [*COMMAND, "scan", *over, "--depth", "sessions", "--out", str(out), "--report", str(report)],
            env=environment(tmp_path, **settings_of(cell.vendor, cell.plan, told)),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        server.terminate()
        _, spoken = server.communicate(timeout=20)
    assert 0 == done.returncode, done.stderr
    figures = json.loads(report.read_text())["total"]
    counted = re.search(r"([\d,]+) requests, ([\d,]+) refused", spoken)
    assert counted is not None, spoken
    arrived, refused = (int(figure.replace(",", "")) for figure in counted.groups())
    assert (figures["requests"], 0) == (arrived, refused), "as the server counted them"
    assert 0 == figures["limit_errors"] == figures["retries"]

    records = [json.loads(line) for line in out.read_text().splitlines()]
    found = Counter((record["call_id"], session["session_id"]) for record in records for session in record["sessions"])
    assert {1} == set(found.values()), "nothing twice"
    world = World(seed=SEED, calls=cell.calls, start=told["start"], end=told["end"])
    truth = truth_of(world, cell.vendor, TimeRange(told["start"], told["end"]), depth="sessions")
    assert truth.keys() == {record["call_id"] for record in records}, "no call lost"
    assert {(call, session) for call in truth for session in truth[call]} == found.keys(), "no session lost"

    pages_of_calls = -(-cell.calls // 100)
    rate = (figures["requests"] - pages_of_calls) / figures["elapsed_s"]
    print(f"{cell.vendor} {cell.plan} {count} {latency} ms: {rate:.2f}/s of {cell.usable} in {figures['elapsed_s']} s")
    assert figures["elapsed_s"] > MEASURED_S
    if latency == 0:
        assert rate >= SHARE * cell.usable
