"""A scan that cannot be paid is recognised before it is begun, and what is proposed in its place fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agora_tencent_analytics import Budget, Quota, TimeRange, scan
from agora_tencent_analytics.agora.plans import find
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.scan import Forecast, Proposal, VendorForecast
from tests.support.simulated_scans import WHOLE, Vendors, read
from tests.support.virtual_time import EPOCH, run

PAST = int(EPOCH) - 2 * HOUR
A_DAY = TimeRange(PAST - DAY, PAST)
PREMIUM_A_DAY = 1_999


def crowded(calls: int = 10_000) -> Vendors:
    return Vendors(seed=3, calls=calls, start=A_DAY.start, end=A_DAY.end, points_per_series=1, metrics_per_session=1)


def with_premium(vendors: Vendors, scenario: Callable[[Any], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        return await scenario(vendors.agora("premium"))

    return run(whole)


def test_ten_thousand_calls_in_a_day_are_too_many_for_premium_and_every_proposal_fits() -> None:
    vendors = crowded()

    async def scenario(provider: Any) -> tuple[VendorForecast, int, list[tuple[Proposal, Forecast]]]:
        forecast = await scan.forecast(provider, over=A_DAY)
        sent = len(vendors.servers[0].arrivals)
        agora = forecast.vendors["agora"]
        followed = [(one, await scan.forecast(provider, **one.arguments)) for one in agora.proposals]
        return agora, sent, followed

    agora, sent, followed = with_premium(vendors, scenario)
    assert not agora.fits
    assert sent == agora.probed
    assert sent < 50
    assert [("quota", A_DAY)] == [(loss.reason, loss.over) for loss in agora.lost]
    assert 10_000 - PREMIUM_A_DAY <= (agora.lost[0].calls or 0) <= 10_000
    assert all(row.days is not None and row.days.likely > 4 for row in agora.rows if row.counter != "call/lists")
    assert agora.seconds.likely > 4 * DAY
    for proposal, forecast in followed:
        assert forecast.fits, f"{proposal}: {forecast}"
    kinds = {
        "range" if one.over != A_DAY else "depth" if one.depth != "metrics" else "only" if one.only else "channel"
        for one, _ in followed
    }
    assert {"range", "depth", "only", "channel"} == kinds


def test_a_followed_proposal_is_scanned_to_the_end() -> None:
    vendors = crowded(700)  # more than a quarter of a premium day can pay

    async def scenario() -> None:
        provider = vendors.agora(find("premium").share(0.25))
        forecast = await scan.forecast(provider, over=A_DAY)
        shorter = forecast.vendors["agora"].proposals[0]
        assert A_DAY.start == shorter.over.start
        assert shorter.over.end < A_DAY.end
        _, report = await read(provider, **shorter.arguments)
        assert report.complete, str(report)
        assert report.vendors["agora"].requests in shorter.requests

    run(scenario)


def test_who_waits_for_midnight_can_have_it_all_before_the_vendor_forgets() -> None:
    async def scenario(provider: Any) -> Forecast:
        return await scan.forecast(provider, over=A_DAY, on_quota="wait")

    forecast = with_premium(crowded(), scenario)
    assert forecast.fits
    assert () == forecast.vendors["agora"].proposals


def test_what_the_vendor_forgets_meanwhile_is_told_and_the_rest_is_proposed() -> None:
    over = TimeRange(int(EPOCH) - 6 * DAY, int(EPOCH) - 2 * HOUR)
    stated: dict[str, Any] = {"calls": 18_000, "sessions_per_call": 4, "on_quota": "wait"}

    async def scenario(provider: Any) -> tuple[Forecast, Forecast]:
        forecast = await scan.forecast(provider, over=over, **stated)
        newest = forecast.vendors["agora"].proposals[0]
        again = {**stated, "calls": round(newest.calls.likely)}
        return forecast, await scan.forecast(provider, **newest.arguments, **again)

    forecast, followed = with_premium(Vendors(), scenario)
    lost = forecast.vendors["agora"].lost
    assert {"history"} == {loss.reason for loss in lost}
    assert 0 < sum(loss.calls or 0 for loss in lost) < 18_000
    newest = forecast.vendors["agora"].proposals[0].over
    assert over.end == newest.end
    assert over.start < newest.start
    assert followed.fits, str(followed)


def test_what_is_forgotten_already_is_lost() -> None:
    over = TimeRange(int(EPOCH) - 8 * DAY, int(EPOCH) - 2 * HOUR)

    async def scenario(provider: Any) -> Forecast:
        return await scan.forecast(provider, over=over, calls=10, sessions_per_call=2)

    lost = with_premium(Vendors(), scenario).vendors["agora"].lost
    assert ("history", over.start, None) == (lost[0].reason, lost[0].over.start, lost[0].calls)
    assert int(EPOCH) - 7 * DAY <= lost[0].over.end <= int(EPOCH) - 7 * DAY + 120


def test_a_day_that_is_half_spent_counts() -> None:
    stated: dict[str, Any] = {"calls": 1_500, "sessions_per_call": 4}

    async def scenario(provider: Any) -> tuple[Forecast, Forecast]:
        before = await scan.forecast(provider, over=A_DAY, **stated)
        (row,) = (row for row in provider.endpoints if row.name == "call/metrics")
        for _ in range(600):
            async with provider.shared_quota.slot(row.counter, provider.limits(row).rates) as slot:
                slot.sent()
        return before, await scan.forecast(provider, over=A_DAY, **stated)

    before, after = with_premium(Vendors(), scenario)
    assert before.fits
    assert not after.fits
    left = {row.counter: row.left_today for row in after.vendors["agora"].rows}
    assert {"call/lists": PREMIUM_A_DAY, "call/sessions": PREMIUM_A_DAY, "call/metrics": PREMIUM_A_DAY - 600} == left


def under(quota: dict[str, Any]) -> Vendors:
    """Vendors whose next provider has a quota with these options."""
    vendors = Vendors()
    plumbing = vendors._plumbing

    def changed(*facts: Any) -> dict[str, Any]:
        account = Quota("account", store=":memory:", clock=vendors.time.clock, plan="premium", **quota)
        return {**plumbing(*facts), "quota": account}

    vendors._plumbing = changed  # type: ignore[method-assign, assignment]
    return vendors


def test_what_is_reserved_for_others_is_not_there_to_be_spent() -> None:
    stated: dict[str, Any] = {"over": A_DAY, "calls": 1_900, "sessions_per_call": 1}

    async def scenario(provider: Any) -> list[Forecast]:
        priorities: list[Any] = ["backfill", "interactive"]
        return [await scan.forecast(provider, priority=priority, **stated) for priority in priorities]

    backfill, interactive = with_premium(under({"reserve": {"interactive": 0.1}}), scenario)
    assert not backfill.fits
    assert {1_999 - 199} == {row.left_today for row in backfill.vendors["agora"].rows}
    assert {1_999 - 199} == {row.a_day for row in backfill.vendors["agora"].rows}
    assert interactive.fits


def test_rows_that_the_vendor_counts_together_share_one_day() -> None:
    stated: dict[str, Any] = {"over": A_DAY, "calls": 1_200, "sessions_per_call": 1}

    async def scenario(provider: Any) -> VendorForecast:
        return (await scan.forecast(provider, **stated)).vendors["agora"]

    apart = with_premium(under({}), scenario)
    merged = with_premium(under({"merge": [["call/sessions", "call/metrics"]]}), scenario)
    assert apart.fits
    assert not merged.fits
    assert apart.requests == merged.requests
    (together,) = (row for row in merged.rows if "+" in row.counter)
    assert ("call/sessions", "call/metrics") == together.endpoints
    assert 2_400 == together.requests.likely


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_a_budget_is_an_end_too(vendor: str) -> None:
    vendors = Vendors(calls=100)

    async def scenario() -> tuple[VendorForecast, Budget, Forecast]:
        provider: Any = vendors.agora() if vendor == "agora" else vendors.tencent()
        budget = Budget(150)
        forecast = (await scan.forecast(provider, over=WHOLE, budget=budget)).vendors[vendor]
        return forecast, budget, await scan.forecast(provider, **forecast.proposals[0].arguments, budget=Budget(150))

    forecast, budget, followed = run(scenario)
    assert budget.spent == forecast.probed
    assert {"budget"} == {loss.reason for loss in forecast.lost}
    assert followed.fits, str(followed)
    no_figures = [remark for remark in forecast.remarks if "freeze" in remark]
    assert (vendor == "tencent") is bool(no_figures), "only one of the vendors lists how much a call froze"


def test_a_spent_day_leaves_nothing_to_propose() -> None:
    async def scenario(provider: Any) -> Forecast:
        for row in provider.endpoints:
            async with provider.shared_quota.slot(row.counter, provider.limits(row).rates) as slot:
                slot.sent()
                slot.refused("day")
        return await scan.forecast(provider, over=A_DAY, calls=5, sessions_per_call=1)

    forecast = with_premium(Vendors(), scenario)
    assert not forecast.fits
    assert () == forecast.vendors["agora"].proposals
    assert any("fits" in remark for remark in forecast.vendors["agora"].remarks)
