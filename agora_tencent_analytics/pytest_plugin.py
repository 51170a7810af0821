"""Fixtures for pytest: both simulated vendors over a small world. Found by pytest itself, without a line in a conftest.

Imports pytest alone: what does not use a fixture does not pay for the simulator. The fixtures work in plain and in
asynchronous tests, since the servers run in threads of their own; `server.provider()` is one that asks it, and
`server.environ` what `from_env` reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World

__all__ = ["simulated_agora", "simulated_tencent", "simulated_world"]

_LAG_S = 300
_HOURS_S = 8 * 3_600


@pytest.fixture
def simulated_world() -> World:
    """Twelve calls a vendor in the newest eight hours that every plan shows. Override it for another world."""
    from agora_tencent_analytics.simulator import World

    end = int(time.time()) - _LAG_S
    return World(calls=12, start=end - _HOURS_S, end=end)


@pytest.fixture
def simulated_agora(simulated_world: World) -> Iterator[SimulatedAgora]:
    """A simulated Agora without limits on requests, listening on its `base_url`.

    Args:
        simulated_world: the world that it tells of.
    """
    from agora_tencent_analytics.simulator import SimulatedAgora, running_in_thread

    with running_in_thread(SimulatedAgora(simulated_world, plan="unlimited")) as server:
        yield server


@pytest.fixture
def simulated_tencent(simulated_world: World) -> Iterator[SimulatedTencent]:
    """A simulated Tencent RTC without limits on requests, listening on its `base_url`.

    Args:
        simulated_world: the world that it tells of.
    """
    from agora_tencent_analytics.simulator import SimulatedTencent, running_in_thread

    with running_in_thread(SimulatedTencent(simulated_world, plan="unlimited")) as server:
        yield server
