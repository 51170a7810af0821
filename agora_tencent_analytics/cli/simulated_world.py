"""The worlds that the command line simulates, and when they happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agora_tencent_analytics.timerange import TimeRange

if TYPE_CHECKING:
    from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World

HIGHEST = {"agora": "enterprise", "tencent": "advanced"}
"""The highest plan of each vendor."""

_WORLD_S = 8 * 3600
_AGE_S = 600
"""How long before now a world ends: past the lag of every plan, so that all of it can be read."""
_DEMO_S = 12 * 3600
"""How long the world of `--simulate` stays as it is; none of it is ever a day old, when the smallest plan forgets."""


def demo_range() -> TimeRange:
    """When the world of `--simulate` happened: the eight hours before the last noon or midnight, UTC.

    So a call that is shown can be asked for again, by id or by time.
    """
    return _before((int(time.time()) - _AGE_S) // _DEMO_S * _DEMO_S)


def recent_range() -> TimeRange:
    """When the world of `simulate` happened: eight hours that ended ten to twenty minutes ago."""
    return _before((int(time.time()) // _AGE_S - 1) * _AGE_S)


def _before(end: int) -> TimeRange:
    return TimeRange(end - _WORLD_S, end)


def world(over: TimeRange, *, seed: int, calls: int, impolite: float) -> World:
    """The world of the command line."""
    from agora_tencent_analytics.simulator import World

    return World(seed=seed, calls=calls, start=over.start, end=over.end, impolite=impolite)


def server(vendor: str, made: World, **given: Any) -> SimulatedAgora | SimulatedTencent:
    """A simulated vendor, on its highest plan unless another is given; what is None is left to it."""
    from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent

    kind = SimulatedAgora if vendor == "agora" else SimulatedTencent
    options = {name: value for name, value in given.items() if value is not None}
    return kind(made, **{"plan": HIGHEST[vendor], **options})
