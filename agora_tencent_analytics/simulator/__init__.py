"""Both vendors as real HTTP servers on loopback, over one seeded world.

Holds a world (`World`), a server for each vendor, the faults they can be given and the log of what arrived. It enforces
what the vendors enforce, in their exact shapes. Apart from the tables of limits it shares no code with the client:
what the client misunderstands must not be misunderstood here too.

    world = World(seed=7, calls=20, start=start, end=end)
    async with SimulatedAgora(world, plan="premium", count="sliding") as server:
        server.base_url, server.credentials, server.arrivals

What the world knows can be asked for, to compare with: `world.calls`, `world.sessions`, `world.points`, `world.events`,
`world.experiences`, `world.figure` (and what it was measured on, `world.weight`), `world.usage`, `world.truth`.
"""

from __future__ import annotations

from agora_tencent_analytics.simulator.agora import SimulatedAgora
from agora_tencent_analytics.simulator.attendance import Chosen
from agora_tencent_analytics.simulator.burst import Burst
from agora_tencent_analytics.simulator.calls import Call, Kind
from agora_tencent_analytics.simulator.counting import Gate
from agora_tencent_analytics.simulator.events import Event
from agora_tencent_analytics.simulator.exchange import Ask, Refused, Reply
from agora_tencent_analytics.simulator.experiences import Cause, Experience
from agora_tencent_analytics.simulator.faults import (
    AnswerHtml,
    Delay,
    Drift,
    DuplicatePage,
    EmptyPage,
    Fail,
    Fault,
    Lie,
    Refuse,
    Reset,
    Stall,
    Truncate,
    When,
    too_many_requests,
)
from agora_tencent_analytics.simulator.log import Arrival
from agora_tencent_analytics.simulator.points import Series
from agora_tencent_analytics.simulator.sessions import Session
from agora_tencent_analytics.simulator.tencent import SimulatedTencent
from agora_tencent_analytics.simulator.thread import running_in_thread
from agora_tencent_analytics.simulator.truth import Truth
from agora_tencent_analytics.simulator.vendor import SimulatedVendor
from agora_tencent_analytics.simulator.world import World

__all__ = [
    "AnswerHtml",
    "Arrival",
    "Ask",
    "Burst",
    "Call",
    "Cause",
    "Chosen",
    "Delay",
    "Drift",
    "DuplicatePage",
    "EmptyPage",
    "Event",
    "Experience",
    "Fail",
    "Fault",
    "Gate",
    "Kind",
    "Lie",
    "Refuse",
    "Refused",
    "Reply",
    "Reset",
    "Series",
    "Session",
    "SimulatedAgora",
    "SimulatedTencent",
    "SimulatedVendor",
    "Stall",
    "Truncate",
    "Truth",
    "When",
    "World",
    "running_in_thread",
    "too_many_requests",
]
