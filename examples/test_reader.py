"""Tests of code that reads calls, against the simulator: run by `python -m pytest examples/test_reader.py`.

The simulator is a server on loopback; code under test needs no change but its address. It knows the truth.
"""

from __future__ import annotations

import asyncio

import pytest

from agora_tencent_analytics import AgoraProvider, Last, VendorFault
from agora_tencent_analytics.simulator import Fail, SimulatedAgora, When, World
from agora_tencent_analytics.simulator.fixtures import simulated_agora, simulated_world

__all__ = ["simulated_agora", "simulated_world"]


async def busiest_channel(agora: AgoraProvider) -> str:
    """The code under test: the channel with most sessions in the last twelve hours."""
    sessions: dict[str, int] = {}
    for call in await agora.calls(Last(hours=12)).collect():
        sessions[call.channel] = sessions.get(call.channel, 0) + len(await agora.sessions(call).collect())
    return max(sessions, key=lambda channel: sessions[channel])


def provider(server: SimulatedAgora) -> AgoraProvider:
    """A provider that asks the simulated vendor, and counts in memory."""
    keys = server.credentials
    return AgoraProvider(
        app_id=keys["app_id"],
        customer_id=keys["customer_id"],
        customer_secret=keys["customer_secret"],
        plan="unlimited",
        base_url=server.base_url,
        store=":memory:",
    )


def found(server: SimulatedAgora) -> str:
    """What the code under test says of a vendor."""

    async def ask() -> str:
        async with provider(server) as agora:
            return await busiest_channel(agora)

    return asyncio.run(ask())


def test_the_busiest_channel_is_the_one_of_the_world(simulated_agora: SimulatedAgora, simulated_world: World) -> None:
    channels = {call.channel for call in simulated_world.calls("agora")}
    over = simulated_world.start, simulated_world.end
    truth = {channel: simulated_world.truth("agora", *over, channel=channel).sessions for channel in channels}
    assert found(simulated_agora) == max(truth, key=lambda channel: truth[channel])


def test_a_vendor_that_stumbles_once_is_no_failure(simulated_agora: SimulatedAgora) -> None:
    simulated_agora.inject(Fail(status=502, when=When(endpoint="call/sessions", nth={1})))
    assert found(simulated_agora)


def test_a_vendor_that_is_down_is_told_as_such(simulated_agora: SimulatedAgora) -> None:
    simulated_agora.inject(Fail(status=503))
    with pytest.raises(VendorFault):
        found(simulated_agora)
