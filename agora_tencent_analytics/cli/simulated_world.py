"""The world that the command line simulates."""

from __future__ import annotations

import time

from agora_tencent_analytics.simulator import World

HIGHEST = {"agora": "enterprise", "tencent": "advanced"}
"""The highest plan of each vendor."""

WORLD_S = 8 * 3600
"""Length of the world that is simulated, seconds."""

AGE_S = 600
"""How long before now the world ends: past the lag of every plan, so that all of it can be read."""


def world(*, seed: int, calls: int, impolite: float) -> World:
    """The world of the command line: eight hours that ended ten to twenty minutes ago.

    It begins on the clock's ten minutes, so that the same ids come up for a while when a command is repeated.
    """
    end = (int(time.time()) // AGE_S - 1) * AGE_S
    return World(seed=seed, calls=calls, start=end - WORLD_S, end=end, impolite=impolite)
