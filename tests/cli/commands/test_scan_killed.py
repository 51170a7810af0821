"""`kill -9` at random instants of a real scan: the file ends up whole, with every call once."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from agora_tencent_analytics import TimeRange
from agora_tencent_analytics.simulator import World
from tests.support.killed_scans import SETTLED_S, Killed, killed_and_resumed, whole_calls
from tests.support.simulated_scans import truth_of

KILLS, CALLS = 4, 100


def judge(done: Killed, calls: int) -> None:
    start, end = done.range
    world = World(seed=done.seed, calls=calls, start=start, end=end + SETTLED_S)
    truth = truth_of(world, "agora", TimeRange(start, end), depth="sessions")
    found = {
        call_id: sorted(session["session_id"] for part in parts for session in part["sessions"])
        for call_id, parts in whole_calls(done.lines).items()
    }
    assert {call_id: sorted(sessions) for call_id, sessions in truth.items()} == found
    assert done.report["complete"] is True
    assert not done.report["total"]["failures"]
    assert done.undisturbed <= done.requests <= done.undisturbed + done.allowed


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="kill -9 as POSIX has it")
def test_scans_that_are_killed_again_and_again_write_every_call_once(tmp_path: Path) -> None:
    dice, kills, scans = random.Random(7), 0, 0
    while kills < KILLS:
        folder = tmp_path / f"scan-{scans}"
        done = killed_and_resumed(folder, kills=KILLS - kills, calls=CALLS, latency_ms=100, dice=dice)
        judge(done, CALLS)
        kills, scans = kills + done.kills, scans + 1
        print(f"{done.kills} kills, {done.requests} requests of {done.undisturbed}, {done.allowed} more allowed")
