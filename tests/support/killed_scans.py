"""A real scan process that is killed at random instants and started again, until it comes to its end.

Counts what it costs: requests as the simulated vendor counted them, records as they stand in the file.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from tests.support.command_line import COMMAND, environment, serving, settings_of

__all__ = ["SETTLED_S", "Killed", "killed_and_resumed", "whole_calls"]

WORKERS, BUFFERED = 16, 64
SETTLED_S = 1_900
_PATIENCE_S = 60


@attrs.define
class Killed:
    """What came of one scan that was killed again and again."""

    kills: int = 0
    lines: list[dict[str, Any]] = attrs.field(factory=list)
    report: Mapping[str, Any] = attrs.field(factory=dict)
    requests: int = 0
    """As the vendor counted them, all runs together."""
    undisturbed: int = 0
    """As the vendor counts them if nobody is killed."""
    allowed: int = 0
    """The most that the kills may have cost: what was listed and not acknowledged, and what was in flight."""
    range: tuple[int, int] = (0, 0)
    seed: int = 0


def killed_and_resumed(folder: Path, *, kills: int, calls: int, latency_ms: int, dice: random.Random) -> Killed:
    """One scan at depth `sessions`, killed so many times at most: about its start, or in the first half of its work."""
    folder.mkdir(exist_ok=True)
    done = Killed(seed=dice.randrange(1_000))
    words = (
        f"--vendor agora --plan unlimited --calls {calls} --seed {done.seed} --verbose --latency {latency_ms}".split()
    )
    with serving(*words, state=folder) as (told, server):
        done.range = (told["start"], told["end"] - SETTLED_S)
        over = ("--start", str(told["start"]), "--end", str(told["end"] - SETTLED_S))
        variables = environment(folder, **settings_of("agora", "unlimited", told))
        base = [*COMMAND, "scan", *over, "--depth", "sessions"]

        def start(name: str) -> subprocess.Popen[bytes]:
            files = [f"--{kind}={folder / name}.{kind}" for kind in ("out", "report", "ledger")]
            return subprocess.Popen(
                [*base, *files], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

        began = time.monotonic()
        assert 0 == start("undisturbed").wait(_PATIENCE_S)
        life_s = time.monotonic() - began
        told_of = json.loads((folder / "undisturbed.report").read_text())["total"]
        done.undisturbed, work_s = told_of["requests"], told_of["elapsed_s"]
        while True:
            process = start("killed")
            at = time.monotonic() + dice.uniform(0.8 * (life_s - work_s), life_s - work_s / 2)
            if done.kills < kills:
                try:
                    process.wait(max(0.0, at - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
            status = process.wait(_PATIENCE_S)
            if status == 0:
                break
            assert -9 == status, "killed, and not failed"
            done.kills += 1
            done.allowed += _owed(folder / "killed.ledger") + WORKERS + 1
        server.terminate()
        _, spoken = server.communicate(timeout=20)
    found = re.search(r"(\d+) requests", spoken)
    assert found is not None
    done.requests = int(found[1]) - done.undisturbed
    done.lines = [json.loads(line) for line in (folder / "killed.out").read_text().splitlines()]
    done.report = json.loads((folder / "killed.report").read_text())
    return done


def _owed(ledger: Path) -> int:
    """Requests at most that were spent on calls that the ledger has as listed and not as acknowledged."""
    if not ledger.exists():
        return 0
    with closing(sqlite3.connect(ledger)) as connection:
        try:
            ((owed,),) = connection.execute("SELECT count(*) FROM calls WHERE state != 0")
        except sqlite3.OperationalError:  # killed before the tables were made
            return 0
    return min(int(owed), WORKERS + BUFFERED)


def whole_calls(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Each call's parts, every one once; of a call that was killed between two of them, as they came again, whole."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        begun = line["call_id"] in found
        parts = found.setdefault(line["call_id"], [])
        if line["part"] == 0:
            assert not (parts and parts[-1]["last"]), "nothing acknowledged is yielded again"
            assert begun == line.get("again", False), "only what was acknowledged in part comes again, and says so"
            parts.clear()
        assert len(parts) == line["part"]
        assert not parts or parts[0].get("again") == line.get("again")
        parts.append(line)
    assert all(parts[-1]["last"] for parts in found.values()), "no call is left between two of its parts"
    return found
