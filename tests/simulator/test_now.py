"""A simulated vendor knows no future: what has not ended by its own clock is still running."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import TimeRange
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import World
from tests.support.simulated_scans import END, START, Vendors, read
from tests.support.virtual_time import run

WORLD = World(seed=11, calls=30, start=START, end=END, sessions_per_call=4)
NOW = START + 6 * HOUR


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_what_ends_later_is_still_running(vendor: Any) -> None:
    vendors = Vendors(WORLD, epoch=NOW)

    async def scenario() -> Any:
        provider = vendors.agora() if vendor == "agora" else vendors.tencent()
        return await read(provider, over=TimeRange(START, NOW - 5 * MINUTE), depth="sessions")

    records, _ = run(scenario)
    calls = {call.call_id: call for call in WORLD.calls(vendor)}
    told = {record.call.call_id: record.call.finished for record in records}
    assert told == {call_id: calls[call_id].finished and calls[call_id].destroyed_ts <= NOW for call_id in told}
    assert {True, False} == set(told.values())
    stays = {
        (call_id, stay.user_id, stay.join_ts): stay.finished and stay.leave_ts <= NOW
        for call_id in told
        for stay in WORLD.sessions(calls[call_id])
    }
    seen = {
        (record.call.call_id, session.user_id, session.join_ts): session.finished
        for record in records
        for session in record.sessions
    }
    assert seen == {place: stays[place] for place in seen}
    assert {True, False} == set(seen.values())
