"""A budget is never exceeded, and what it leaves is what expires last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import BudgetSpent
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.simulator import Fail, When
from tests.scan.ledger.test_resuming import SMALL, pages_of
from tests.support.simulated_scans import START, WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run


@pytest.mark.parametrize("requests", [0, 1, 2, 5, 17])
@pytest.mark.parametrize("faults", [[], [Fail(status=500, when=When(nth=range(2, 99, 3)))]], ids=["", "with retries"])
def test_no_more_is_sent_than_the_budget_allows(requests: int, faults: list[Any]) -> None:
    vendors = Vendors()

    async def scenario() -> Report:
        both = vendors.agora(faults=faults, latency=(0.1, 0.4)), vendors.tencent(latency=(0.1, 0.4))
        _, report = await read(*both, over=WHOLE, budget=Budget(requests))
        return report

    report = run(scenario)
    assert requests == sum(len(server.arrivals) for server in vendors.servers)
    assert requests == sum(vendor.requests for vendor in report.vendors.values())
    assert not report.complete
    told = "1 request" if requests == 1 else f"{requests} requests"
    assert f"the budget of {told} is spent" in report.vendors["tencent"].stopped
    assert any(isinstance(failure.error, BudgetSpent) for failure in report.failures)


def test_a_budget_that_is_enough_changes_nothing() -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[CallRecord], Report]:
        both = vendors.agora(), vendors.tencent()
        return await read(*both, over=WHOLE, depth="sessions", budget=Budget(10_000))

    records, report = run(scenario)
    assert report.complete
    for vendor in ("agora", "tencent"):
        mine = [record for record in records if record.vendor == vendor]
        assert truth_of(vendors.world, vendor, WHOLE, depth="sessions") == exact(mine)


def test_what_a_budget_left_is_read_with_the_next_one(tmp_path: Path) -> None:
    world = Vendors(**SMALL).world
    records: list[CallRecord] = []
    spent: list[int] = []

    async def scenario() -> Report:
        vendors = Vendors(world)
        found, report = await read(
            vendors.agora(pages_of(4)), over=WHOLE, depth="sessions", ledger=tmp_path / "ledger", budget=Budget(4)
        )
        records.extend(found)
        spent.append(len(vendors.servers[0].arrivals))
        return report

    while not run(scenario).complete:
        assert len(spent) < 20
    assert max(spent) <= 4
    assert not any(record.failures or record.again for record in records)
    assert truth_of(world, "agora", WHOLE, depth="sessions") == exact(records)


def test_the_oldest_window_is_read_first_whoever_has_it() -> None:
    vendors = Vendors()

    async def scenario() -> Report:
        agora, tencent = vendors.agora(pages_of(4)), vendors.tencent()
        _, report = await read(agora, tencent, over=WHOLE, depth="sessions", budget=Budget(6))
        return report

    report = run(scenario)
    # The simulated Tencent forgets after fewer days than this plan of Agora's.
    assert (0, 6) == (report.vendors["agora"].requests, report.vendors["tencent"].requests)

    one = Vendors()

    async def alone() -> None:
        await read(one.agora(pages_of(4)), over=WHOLE, depth="calls", budget=Budget(3))

    run(alone)
    listed = [int(arrival.facts["start_ts"]) for arrival in one.servers[0].arrivals]
    assert 3 == len(listed)
    assert sorted(listed) == listed
    assert START == listed[0]


def test_the_receipt_of_a_view_that_is_scanned_counts_the_scan_and_so_does_its_report() -> None:
    vendors = Vendors()

    async def scenario() -> tuple[int, Report]:
        view = vendors.agora("enterprise").with_options()
        _, report = await read(view, over=WHOLE, depth="sessions")
        return view.receipt.requests, report

    requests, report = run(scenario)
    cost = report.vendors["agora"].cost
    assert requests == cost.requests == len(vendors.servers[0].arrivals)
    assert {"call/lists", "call/sessions"} == cost.left_today.keys()
    assert cost.waited_s > 0
    said = report.as_dict()["vendors"]["agora"]
    assert (cost.left_today, cost.resets_at) == (said["left_today"], said["resets_at"])


def test_two_scans_of_one_provider_count_their_own_requests() -> None:
    vendors = Vendors()

    async def scenario() -> list[int]:
        agora = vendors.agora()
        spent = []
        for depth in ("calls", "sessions"):
            _, report = await read(agora, over=WHOLE, depth=depth)
            spent.append(report.vendors["agora"].requests)
        return [*spent, agora.receipt.requests]

    listing, deeper, both = run(scenario)
    assert listing + deeper == both
    assert listing < deeper
