"""`kill -9` at two hundred random instants of real scans; what is measured is printed with `-rP`."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.cli.commands.test_scan_killed import judge
from tests.support.killed_scans import killed_and_resumed

KILLS = 200
CALLS = 400


@pytest.mark.skipif(os.name != "posix", reason="kill -9 as POSIX has it")
def test_two_hundred_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    dice = random.Random(20)
    kills = requests = undisturbed = allowed = scans = 0
    while kills < KILLS:
        folder = tmp_path / f"scan-{scans}"
        done = killed_and_resumed(folder, kills=KILLS - kills, calls=CALLS, latency_ms=60, dice=dice)
        judge(done, CALLS)
        kills, scans = kills + done.kills, scans + 1
        requests, undisturbed = requests + done.requests, undisturbed + done.undisturbed
        allowed += done.allowed
    print(f"{kills} kills of {scans} scans: {requests} requests, {undisturbed} undisturbed, {allowed} more allowed")
