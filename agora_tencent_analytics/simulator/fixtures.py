"""Fixtures for pytest: both simulated vendors over a small world.

This is the only module here that needs pytest. In a `conftest.py`:

    from agora_tencent_analytics.simulator.fixtures import simulated_agora, simulated_tencent, simulated_world

They work in plain and in asynchronous tests: the servers run in threads of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator.agora.server import SimulatedAgora
from agora_tencent_analytics.simulator.tencent.server import SimulatedTencent
from agora_tencent_analytics.simulator.thread import running_in_thread
from agora_tencent_analytics.simulator.world.world import World

__all__ = ["simulated_agora", "simulated_tencent", "simulated_world"]

_LAG_S = 300


@pytest.fixture
def simulated_world() -> World:
    """Twelve calls a vendor in the newest eight hours that every plan shows. Override it for another world."""
    end = int(time.time()) - _LAG_S
    return World(calls=12, start=end - 8 * HOUR, end=end)


@pytest.fixture
def simulated_agora(simulated_world: World) -> Iterator[SimulatedAgora]:
    """A simulated Agora without limits on requests, listening on its `base_url`."""
    with running_in_thread(SimulatedAgora(simulated_world, plan="unlimited")) as server:
        yield server


@pytest.fixture
def simulated_tencent(simulated_world: World) -> Iterator[SimulatedTencent]:
    """A simulated Tencent RTC without limits on requests, listening on its `base_url`."""
    with running_in_thread(SimulatedTencent(simulated_world, plan="unlimited")) as server:
        yield server
