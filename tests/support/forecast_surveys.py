"""Worlds whose scans are forecast and then run: what a forecast says beside what is sent.

A survey asks for two forecasts, from a probe and from the known calls, then scans the same world, and keeps the
requests that arrived by the vendor's own name of the question.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import Any, Literal

import attrs

from agora_tencent_analytics import Call, Session, TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import Report, VendorForecast
from agora_tencent_analytics.simulator import World
from tests.support.simulated_scans import Vendors, read
from tests.support.virtual_time import EPOCH, run

__all__ = ["Survey", "known_calls", "provider_of", "reckonings", "surveys"]

Vendor = Literal["agora", "tencent"]
PLANS: dict[Vendor, tuple[str, ...]] = {
    "agora": ("unlimited", "standard", "premium", "enterprise"),
    "tencent": ("unlimited", "basic", "advanced", "intl-standard"),
}
WORLDS, LARGER = 36, 24


@attrs.frozen(kw_only=True)
class Survey:
    """One world, its scan forecast and run."""

    name: str
    probe: VendorForecast
    """What was said after a probe."""
    probed: int
    """Requests that arrived for it."""
    known: VendorForecast
    """What was said when the calls and sessions were known."""
    sent: Counter[str]
    """Requests of the scan by counter."""
    complete: bool

    @property
    def actual(self) -> int:
        """All requests of the scan."""
        return self.sent.total()


def known_calls(world: World, vendor: Vendor) -> list[tuple[Call, list[Session]]]:
    """Every call of a world with its sessions, as the vendor would tell them."""
    return [
        (
            Call(
                vendor=vendor,
                call_id=call.call_id,
                channel=call.channel,
                created_ts=call.created_ts,
                destroyed_ts=call.destroyed_ts if call.finished else None,
                finished=call.finished,
            ),
            [
                Session(
                    vendor=vendor,
                    call_id=call.call_id,
                    session_id=stay.session_id,
                    user_id=stay.user_id,
                    join_ts=stay.join_ts,
                    leave_ts=stay.leave_ts if stay.finished else None,
                    finished=stay.finished,
                )
                for stay in world.sessions(call)
            ],
        )
        for call in world.calls(vendor)
    ]


def provider_of(vendors: Vendors, vendor: Vendor, plan: str) -> Any:
    """A provider of that vendor on that plan."""
    return vendors.agora(plan) if vendor == "agora" else vendors.tencent(plan)


@cache
def surveys() -> tuple[Survey, ...]:
    """Worlds of both vendors, on several plans and at every depth, each survey made once."""
    return tuple(_survey(seed) for seed in range(WORLDS))


@cache
def reckonings() -> tuple[Survey, ...]:
    """Larger worlds, forecast in both ways and not scanned: what known calls cost stands for what is sent."""
    return tuple(_survey(seed, scanned=False) for seed in range(WORLDS, WORLDS + LARGER))


def _survey(seed: int, *, scanned: bool = True) -> Survey:
    dice = random.Random(seed)
    vendor: Vendor = "agora" if seed % 2 else "tencent"
    plan = dice.choice(PLANS[vendor])
    depth = dice.choice(("calls", "sessions", "sessions", "metrics", "metrics", "metrics"))
    hours = dice.choice((2, 8, 20))
    # Where a scan takes long, its windows cease to be recent while it runs; so those worlds are older.
    end = int(EPOCH) - dice.choice((0, 120, 600) if plan == "unlimited" else (5_000,))
    whole = TimeRange(end - hours * HOUR, end)
    begun = whole.start + dice.randrange(whole.seconds // 3)
    over = dice.choice((whole, whole, TimeRange(begun, begun + whole.seconds // 2)))
    calls = dice.choice((0, 1, 12, 40, 50, 60, 80, 100, 120, 210))
    if not scanned:
        calls = dice.choice((130, 180, 300, 500, 800, 1_500))
    vendors = Vendors(
        seed=seed, calls=calls, start=whole.start, end=whole.end, points_per_series=1, metrics_per_session=1
    )

    async def scenario() -> Survey:
        provider = provider_of(vendors, vendor, plan)
        asked: dict[str, Any] = {"over": over, "depth": depth}
        probe = await scan.forecast(provider, **asked)
        probed = len(vendors.servers[0].arrivals)
        known = await scan.forecast(provider, **asked, known=known_calls(vendors.world, vendor))
        assert probed == len(vendors.servers[0].arrivals), "known calls were asked for"
        if scanned:
            _, report = await read(provider, **asked)
            sent = Counter(arrival.endpoint for arrival in list(vendors.servers[0].arrivals)[probed:])
        else:
            report = Report(finished=True)
            sent = Counter({row.counter: round(row.requests.likely) for row in known.vendors[vendor].rows})
        return Survey(
            name=f"world {seed}: {vendor} {plan}, {calls} calls in {hours} h, depth {depth}",
            probe=probe.vendors[vendor],
            probed=probed,
            known=known.vendors[vendor],
            sent=sent,
            complete=report.complete,
        )

    return run(scenario)
