"""How much there is to find: the figures that a faultless reader of a simulated world arrives at.

It is counted from what happened, never from what a server answered.
"""

from __future__ import annotations

from collections import Counter

import attrs

from agora_tencent_analytics.simulator.world.calls import Call, Vendor
from agora_tencent_analytics.simulator.world.history import History
from agora_tencent_analytics.simulator.world.points import Cadence
from agora_tencent_analytics.simulator.world.sessions import Session


@attrs.frozen(kw_only=True)
class Truth:
    """What a half-open range of a simulated world holds."""

    calls: int
    """Calls with a share in the range; without those whose row cannot be read."""
    sessions: int
    """Sessions of these calls whose stay has a share in the range; without those whose row cannot be read."""
    series: int
    """Series (session, metric, peer) of these sessions with at least one point in the range."""
    points: int
    """Points of these series in the range, those without a value included."""
    lost: int = 0
    """Rows that cannot be read, and that a right client says it could not read. 0 in a polite world."""
    doubted: int = 0
    """Rows that it may say the same of, or have doubts about, though all that they tell of is counted above."""


def count_truth(
    world: History,
    vendor: Vendor,
    start: int,
    end: int,
    *,
    channel: str | None,
    call_id: str | None,
    user_id: str | None,
    server_users: bool,
) -> Truth:
    """The truth about `[start, end)`; see `World.truth` for the arguments."""
    calls = sessions = series = points = 0
    outcomes = Counter[str]()
    for call in _chosen(world, vendor, call_id):
        if not call.overlaps(start, end) or (channel is not None and call.channel != channel):
            continue
        stays = [
            stay
            for stay in world.sessions(call)
            if stay.overlaps(start, end)
            and (server_users or not stay.server)
            and (user_id is None or user_id in (stay.user_id, stay.account))
        ]
        if user_id is not None and not stays:
            continue
        if _is_lost(world, vendor, call.index, outcomes):
            continue
        calls += 1
        for stay in stays:
            if _is_lost(world, vendor, stay, outcomes):
                continue
            found = _count(world, stay, start, end)
            sessions += 1
            series += found[0]
            points += found[1]
    told = {name: outcomes[name] for name in ("lost", "doubted")}
    return Truth(calls=calls, sessions=sessions, series=series, points=points, **told)


def _is_lost(world: History, vendor: Vendor, row: int | Session, outcomes: Counter[str]) -> bool:
    slip = world.slip(vendor, row)
    if slip is None:
        return False
    outcomes[slip.outcome] += 1
    return slip.outcome == "lost"


def _chosen(world: History, vendor: Vendor, call_id: str | None) -> list[Call]:
    if call_id is None:
        return list(world.calls(vendor))
    found = world.find_call(vendor, call_id)
    return [found] if found is not None else []


def _count(world: History, stay: Session, start: int, end: int) -> tuple[int, int]:
    by_rhythm: dict[int, int] = {}
    series = points = 0
    for one in world.series(stay):
        found = by_rhythm.get(one.late_s)
        if found is None:
            first, beyond = Cadence(stay, one.late_s, world.points_per_series).window(start, end)
            found = by_rhythm[one.late_s] = beyond - first
        series += found > 0
        points += found
    return series, points
