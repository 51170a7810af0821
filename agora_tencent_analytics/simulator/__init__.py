"""Both vendors as real HTTP servers on loopback, over one seeded world.

There is a world (`World`), a server for each vendor, faults that they can be given, and a log of what arrived. They
enforce what the vendors enforce, in the exact shapes. Apart from the tables of limits and the names of environment
variables they share nothing with the client: what the client misunderstands must not be misunderstood here too.

    world = World(seed=7, calls=20, start=start, end=end)
    async with SimulatedAgora(world, plan="premium", count="sliding") as server:
        server.base_url, server.credentials, server.arrivals

What the world knows can be asked for, to compare with: `world.calls`, `world.sessions`, `world.points`, `world.events`,
`world.experiences`, `world.figure` (and what it was measured on, `world.weight`), `world.usage`, `world.truth`.
"""

from __future__ import annotations

from agora_tencent_analytics.simulator.agora.server import SimulatedAgora
from agora_tencent_analytics.simulator.faults.answer import (
    AnswerHtml,
    AnswerJson,
    Compress,
    ExpireToken,
    Fail,
    Garble,
    Refuse,
    Replace,
    SetHeader,
    Wrap,
    WrongDate,
    moved_to,
    too_many_requests,
)
from agora_tencent_analytics.simulator.faults.book import Ending, Fault, When
from agora_tencent_analytics.simulator.faults.connection import (
    Crash,
    Delay,
    Drip,
    Reset,
    Stall,
    Truncate,
    WrongLength,
)
from agora_tencent_analytics.simulator.faults.listing import (
    ClampPage,
    Drift,
    DuplicatePage,
    EmptyPage,
    Lie,
    OtherWindow,
    Reorder,
    Shuffle,
)
from agora_tencent_analytics.simulator.faults.metrics import Retell, Strangers, Widen
from agora_tencent_analytics.simulator.faults.slip import Slip
from agora_tencent_analytics.simulator.http.counting import Gate
from agora_tencent_analytics.simulator.http.exchange import Arrival, Ask, Refused, Reply
from agora_tencent_analytics.simulator.http.vendor import SimulatedVendor, running_in_thread
from agora_tencent_analytics.simulator.tencent.server import SimulatedTencent
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.calls import Burst, Call, Kind
from agora_tencent_analytics.simulator.world.events import Event
from agora_tencent_analytics.simulator.world.experiences import Cause, Experience
from agora_tencent_analytics.simulator.world.impolite import SLIPS, Slipped
from agora_tencent_analytics.simulator.world.points import Series
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.truth import Truth
from agora_tencent_analytics.simulator.world.world import World

__all__ = [
    "SLIPS",
    "AnswerHtml",
    "AnswerJson",
    "Arrival",
    "Ask",
    "Burst",
    "Call",
    "Cause",
    "Chosen",
    "ClampPage",
    "Compress",
    "Crash",
    "Delay",
    "Drift",
    "Drip",
    "DuplicatePage",
    "EmptyPage",
    "Ending",
    "Event",
    "Experience",
    "ExpireToken",
    "Fail",
    "Fault",
    "Garble",
    "Gate",
    "Kind",
    "Lie",
    "OtherWindow",
    "Refuse",
    "Refused",
    "Reorder",
    "Replace",
    "Reply",
    "Reset",
    "Retell",
    "Series",
    "Session",
    "SetHeader",
    "Shuffle",
    "SimulatedAgora",
    "SimulatedTencent",
    "SimulatedVendor",
    "Slip",
    "Slipped",
    "Stall",
    "Strangers",
    "Truncate",
    "Truth",
    "When",
    "Widen",
    "World",
    "Wrap",
    "WrongDate",
    "WrongLength",
    "moved_to",
    "running_in_thread",
    "too_many_requests",
]
