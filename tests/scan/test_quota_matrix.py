"""Every plan against every way of counting and every latency: nothing refused, nothing lost, nothing idle.

The real quota, caller, walks and scan ask the simulated vendors, which count with code of their own; only the clock
is virtual. The rate is measured where the vendor counts it: arrivals at the endpoint that the scan saturates.
"""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from agora_tencent_analytics import TimeRange
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import Delay, SimulatedVendor
from tests.support.long_runs import by_turns, first
from tests.support.simulated_scans import END, WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run

SHARE = 0.8
LATENCIES = {"no latency": (0.0, 0.0), "80 ms": (0.08, 0.08), "jitter": (0.0, 0.25)}


@attrs.frozen
class Cell:
    """A plan, and the rate that it allows for the details of calls."""

    vendor: str
    plan: str
    rate: int

    @property
    def usable(self) -> int:
        """L: the most that a client sends in a second; the vendors say "ensure that qps < N"."""
        return max(1, self.rate - 1)

    @property
    def measured_s(self) -> int:
        """How long the rate is measured: some eighty requests, or more, in forty seconds at the most."""
        return max(8, min(40, 80 // self.usable))


CELLS = [
    Cell("agora", "standard", 1),
    Cell("agora", "premium", 3),
    Cell("agora", "enterprise", 10),
    Cell("tencent", "advanced", 20),
]
DETAIL = {"agora": "call/sessions", "tencent": "DescribeUserInfo"}


def vendors_for(cell: Cell) -> Vendors:
    """Calls for somewhat more than the measured time, one request each."""
    calls = cell.usable * (cell.measured_s + 5) + cell.usable
    return Vendors(calls=calls, sessions_per_call=1, call_seconds=240, points_per_series=0)


def arrivals(server: SimulatedVendor, endpoint: str) -> list[float]:
    return [arrival.monotonic for arrival in server.arrivals if arrival.endpoint == endpoint]


def least_in(times: list[float], stretch_s: float) -> float:
    """The mean rate over the emptiest stretch of that length, from the first arrival to the last."""
    late = times[-1] - stretch_s
    begins = [times[0], *(at + 1e-6 for at in times if at + 1e-6 <= late), late]
    return min(sum(begin <= at < begin + stretch_s for at in times) for begin in begins) / stretch_s


@pytest.mark.parametrize(
    ("cell", "count", "latency"),
    by_turns(4, CELLS, ["fixed", "sliding", "bucket"], LATENCIES),
    ids=lambda value: f"{value.vendor} {value.plan}" if isinstance(value, Cell) else value,
)
def test_no_limit_error_nothing_lost_and_little_idle(cell: Cell, count: str, latency: str) -> None:
    vendors = vendors_for(cell)

    async def scenario() -> None:
        make = vendors.agora if cell.vendor == "agora" else vendors.tencent
        provider = make(cell.plan, latency=LATENCIES[latency], count=count)
        records, report = await read(provider, over=WHOLE, depth="sessions")
        (server,) = vendors.servers
        assert 0 == server.refused == report.vendors[cell.vendor].limit_errors
        assert report.complete
        assert truth_of(vendors.world, cell.vendor, WHOLE, depth="sessions") == exact(records)
        assert report.vendors[cell.vendor].requests == len(server.arrivals)
        asked = Counter(
            arrival.facts.get("call_id") or arrival.facts.get("CommId")
            for arrival in server.arrivals
            if arrival.endpoint == DETAIL[cell.vendor]
        )
        assert {1} == set(asked.values()), "no request is wasted"
        times = arrivals(server, DETAIL[cell.vendor])
        assert times[-1] - times[0] > cell.measured_s
        if latency == "no latency":
            assert least_in(times, cell.measured_s) >= SHARE * cell.usable

    run(scenario)


@pytest.mark.parametrize(("vendor", "count"), by_turns(2, ["agora", "tencent"], ["fixed", "sliding", "bucket"]))
def test_every_counter_of_a_deep_scan_keeps_its_limit(vendor: str, count: str) -> None:
    vendors = Vendors(points_per_series=3, metrics_per_session=2)

    async def scenario() -> None:
        plan = "premium" if vendor == "agora" else "advanced"
        make = vendors.agora if vendor == "agora" else vendors.tencent
        jitter = Delay(before=(0.0, 0.4), after=(0.0, 0.4))
        provider = make(plan, count=count, faults=[jitter])
        records, report = await read(provider, over=WHOLE)
        assert 0 == vendors.servers[0].refused == report.vendors[vendor].limit_errors
        assert truth_of(vendors.world, vendor, WHOLE) == exact(records)
        assert report.complete

    run(scenario)


@pytest.mark.parametrize("count", first(1, ["sliding", "fixed", "bucket"]))
def test_midnight_is_crossed_without_a_limit_error(count: str) -> None:
    """The day's counter starts anew at the vendor's midnight, and no second around it holds too many."""
    midnight = (END // DAY + 1) * DAY
    vendors = Vendors(
        epoch=midnight - 30.0,
        calls=500,
        start=midnight - 9 * HOUR,
        end=midnight - HOUR,
        sessions_per_call=1,
        call_seconds=240,
        points_per_series=0,
    )

    async def scenario() -> None:
        provider = vendors.agora("enterprise", count=count, latency=(0.0, 0.3), skew_s=0.7)
        over = TimeRange(midnight - 9 * HOUR, midnight - HOUR)
        records, report = await read(provider, over=over, depth="sessions")
        (server,) = vendors.servers
        assert 0 == server.refused
        assert truth_of(vendors.world, "agora", over, depth="sessions") == exact(records)
        assert report.complete
        times = arrivals(server, "call/sessions")
        assert 40 < times[-1] - times[0]

    run(scenario)
