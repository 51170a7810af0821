"""A scan sends hardly more requests than anybody must who reads everything and believes no more than may be believed.

The least is counted here, by code of its own, from what the simulated world holds and the tables of limits. The rules
of reading are those of the vendors' pages: Agora tells how many rows there are. Tencent does not, so the last page is
one that is not full; whether a first page that is not full was merely cut short shows the next one, once in a listing.
"""

from __future__ import annotations

from math import ceil
from typing import Any, Literal

import pytest

from agora_tencent_analytics.agora.plans import PLANS as AGORA_PLANS
from agora_tencent_analytics.limits import HOUR, Limits
from agora_tencent_analytics.simulator import World
from agora_tencent_analytics.tencent.plans import PLANS as TENCENT_PLANS
from tests.support.simulated_scans import END, START, WHOLE, Vendors, read
from tests.support.virtual_time import run

SHAPES: dict[str, dict[str, int]] = {
    "few calls": {"calls": 40, "sessions_per_call": 3, "call_seconds": 600},
    "long calls": {"calls": 8, "sessions_per_call": 9, "call_seconds": 4 * HOUR},
    "large calls": {"calls": 12, "sessions_per_call": 45, "call_seconds": 2_400},
    "crowds": {"calls": 4, "sessions_per_call": 104, "call_seconds": 2_400},
    "thousands": {"calls": 2_050, "sessions_per_call": 2, "call_seconds": 300},
}
# What a call costs does not depend on how many there are: of thousands the listing counts, and once all that is read.
CASES = [
    pytest.param(shape, depth, marks=() if at < 3 else pytest.mark.long)
    for at, shape in enumerate(SHAPES)
    for depth in ("calls", "sessions", "metrics")
    if (shape, depth) != ("thousands", "sessions")
]
Vendor = Literal["agora", "tencent"]
PAGE, SIDS, USERS = 100, 20, 6
SLACK_S = 30
"""Seconds by which clocks may differ: so much is asked for around a stay."""
Span = tuple[int, int]


def figures(vendor: Vendor, row: str) -> Limits:
    return (AGORA_PLANS if vendor == "agora" else TENCENT_PLANS)["unlimited"].rows[row]


def pages(vendor: Vendor, rows: int, size: int = PAGE) -> int:
    return max(1, ceil(rows / size)) if vendor == "agora" else rows // size + 1


def windows(spans: list[Span], longest: int) -> int:
    """The fewest windows of at most so many seconds that cover these."""
    count, reached = 0, 0
    for start, end in sorted(spans):
        start = max(start, reached)
        if start < end:
            more = ceil((end - start) / longest)
            count += more
            reached = start + more * longest
    return count


def of_one_call(world: World, vendor: Vendor, call: Any, depth: str) -> int:
    begun, ended = call.created_ts, call.destroyed_ts + 1 if call.finished else END
    stays = sorted(world.sessions(call), key=lambda stay: (stay.join_ts, stay.user_id))
    by = "call/sessions, call/metrics" if vendor == "agora" else "DescribeUserInfo"
    listing = windows([(begun, ended)], figures(vendor, by).span_s) * pages(vendor, len(stays))
    if depth == "sessions":
        return listing
    life: list[Span] = [
        (max(stay.join_ts - SLACK_S, begun), min(stay.leave_ts + 1 + SLACK_S, ended) if stay.finished else ended)
        for stay in stays
    ]
    if vendor == "agora":
        longest = figures(vendor, by).span_s - 1  # its bounds are strict
        packets = [life[at : at + SIDS] for at in range(0, len(life), SIDS)]
        return listing + sum(windows(packet, longest) for packet in packets)
    longest = figures(vendor, "DescribeCallDetailInfo with DataType").span_s
    users = list(dict.fromkeys(stay.user_id for stay in stays))
    packets = [
        [span for stay, span in zip(stays, life, strict=True) if stay.user_id in users[at : at + USERS]]
        for at in range(0, len(users), USERS)
    ]
    apart = listing + sum(windows(packet, longest) for packet in packets)
    return min(apart, len(stays) // USERS + 1) if ended - begun <= longest else apart


def least(world: World, vendor: Vendor, depth: str) -> int:
    row = "call/lists" if vendor == "agora" else "DescribeRoomInfo"
    longest = figures(vendor, row).span_s - (vendor == "agora")
    calls = list(world.calls(vendor))
    total = 0
    for start in range(START, END, longest):
        rows = sum(call.overlaps(start, min(start + longest, END)) for call in calls)
        total += pages(vendor, rows) + (vendor == "tencent" and rows < PAGE)
    return total + (sum(of_one_call(world, vendor, call, depth) for call in calls) if depth != "calls" else 0)


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize(("shape", "depth"), CASES)
def test_a_scan_sends_hardly_more_requests_than_the_least(vendor: Vendor, shape: str, depth: Any) -> None:
    facts: dict[str, Any] = {**SHAPES[shape], "points_per_series": 1, "metrics_per_session": 1}
    vendors = Vendors(World(seed=3, start=START, end=END - HOUR, **facts))

    async def scenario() -> None:
        _, report = await read(vendors.agora() if vendor == "agora" else vendors.tencent(), over=WHOLE, depth=depth)
        assert report.complete

    run(scenario)
    sent = len(vendors.servers[0].arrivals)
    fewest = least(vendors.world, vendor, depth)
    print(vendor, shape, depth, sent, fewest, round(sent / fewest, 3))
    assert fewest <= sent <= 1.05 * fewest
