"""What a forecast says is what a scan then costs: exact if the calls are known, within honest bounds after a probe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    BadInput,
    Budget,
    BudgetSpent,
    Call,
    Newest,
    NotOffered,
    Quota,
    TimeRange,
    scan,
)
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import Forecast, FreezeFrom, Interval, VendorForecast
from tests.support.forecast_surveys import Survey, Vendor, known_calls, provider_of, reckonings, surveys
from tests.support.outside_vendor import OVER, OutsideProvider, PlainVendor, row
from tests.support.simulated_scans import END, START, WHOLE, Vendors, read
from tests.support.virtual_time import run

VENDORS: tuple[Vendor, ...] = ("agora", "tencent")


def told(survey: Survey) -> str:
    probe = survey.probe.requests
    return f"{survey.name}: {survey.actual} sent, {probe} said, {survey.probed} for the probe"


def with_known_calls_a_plan_is_exactly_what_a_scan_sends() -> None:
    for survey in surveys():
        assert survey.complete, survey.name
        said = {row.counter: row.requests.likely for row in survey.known.rows if row.requests.likely}
        assert dict(survey.sent) == said, survey.name
        assert survey.known.requests.exact, survey.name
        assert all(row.requests.exact for row in survey.known.rows), survey.name
        assert 0 == survey.known.probed


def guessed() -> list[Survey]:
    """The surveys whose probe did not read every call, with larger worlds."""
    return [survey for survey in (*surveys(), *reckonings()) if not survey.probe.requests.exact]


def a_probe_that_read_every_call_knows_the_price() -> None:
    known = [survey for survey in surveys() if survey.probe.requests.exact]
    assert len(known) > 10
    for survey in known:
        assert survey.actual == survey.probe.requests.likely, told(survey)


def what_a_scan_sends_lies_in_the_interval_of_a_probe() -> None:
    outside = [told(survey) for survey in guessed() if survey.actual not in survey.probe.requests]
    assert len(outside) <= 0.05 * len(guessed()), "\n".join(outside)


def what_a_scan_sends_is_near_the_likely_figure() -> None:
    far = [
        told(survey)
        for survey in guessed()
        if abs(survey.actual - survey.probe.requests.likely) > 0.2 * survey.probe.requests.likely
    ]
    assert len(far) <= 0.1 * len(guessed()), "\n".join(far)


def the_interval_of_a_probe_says_something() -> None:
    figures = [survey.probe.requests for survey in guessed()]
    widths = [(one.most - one.least) / one.likely for one in figures]
    assert len(widths) > 30, "few worlds had to be guessed at"
    assert median(widths) <= 0.6, sorted(round(width, 2) for width in widths)


def a_probe_is_paid_as_it_says_and_costs_little() -> None:
    for survey in surveys():
        assert survey.probed == survey.probe.probed, survey.name
        assert survey.probed <= 30 + 20, told(survey)


CHECKS = (
    with_known_calls_a_plan_is_exactly_what_a_scan_sends,
    a_probe_that_read_every_call_knows_the_price,
    what_a_scan_sends_lies_in_the_interval_of_a_probe,
    what_a_scan_sends_is_near_the_likely_figure,
    the_interval_of_a_probe_says_something,
    a_probe_is_paid_as_it_says_and_costs_little,
)


@pytest.mark.long
def test_forecasts_of_many_worlds_hold() -> None:
    """One test, since the worlds are scanned for all of these: several would do that in several processes."""
    for check in CHECKS:
        check()


def forecast_of(vendors: Vendors, *names: Vendor, plan: str = "unlimited", **options: Any) -> Forecast:
    async def scenario() -> Forecast:
        return await scan.forecast(*(provider_of(vendors, name, plan) for name in names), **{"over": WHOLE, **options})

    return run(scenario)


def test_one_seed_asks_and_says_the_same_twice_and_another_asks_about_other_calls() -> None:
    found = []
    for seed in (1, 1, 2):
        vendors = Vendors(calls=200)
        text = str(forecast_of(vendors, "tencent", seed=seed))
        found.append((text, [arrival.facts.get("CommId") for arrival in vendors.servers[0].arrivals]))
    assert found[0] == found[1]
    assert found[0][1] != found[2][1]


@pytest.mark.parametrize("vendor", VENDORS)
def test_users_and_a_channel_are_reckoned_with(vendor: Vendor) -> None:
    vendors = Vendors(calls=60, points_per_series=1)
    known = known_calls(vendors.world, vendor)
    users = [known[3][1][0].user_id, known[2][1][1].user_id, known[7][1][0].user_id]
    channel = known[8][0].channel
    for narrowed in ({"users": users}, {"channel": channel}, {"users": users, "channel": channel}):

        async def scenario(narrowed: dict[str, Any] = narrowed) -> tuple[Forecast, int]:
            provider = provider_of(vendors, vendor, "unlimited")
            forecast = await scan.forecast(provider, over=WHOLE, known=known, **narrowed)
            _, report = await read(provider, over=WHOLE, **narrowed)
            return forecast, report.vendors[vendor].requests

        forecast, requests = run(scenario)
        assert requests == forecast.requests.likely, narrowed
        assert forecast.requests.exact


def test_two_providers_are_forecast_side_by_side() -> None:
    forecast = forecast_of(Vendors(calls=20), *VENDORS)
    assert ["agora", "tencent"] == list(forecast.vendors)
    parts = [vendor.requests.likely for vendor in forecast.vendors.values()]
    assert sum(parts) == forecast.requests.likely
    assert max(vendor.seconds.likely for vendor in forecast.vendors.values()) == forecast.seconds.likely


def test_known_calls_may_come_with_the_number_of_their_sessions() -> None:
    vendors = Vendors(calls=30)
    known = [(call, len(sessions)) for call, sessions in known_calls(vendors.world, "agora")]
    exact = forecast_of(vendors, "agora", known=known_calls(vendors.world, "agora"), depth="sessions")
    assert exact.requests == forecast_of(vendors, "agora", known=known, depth="sessions").requests


def test_stated_numbers_are_taken_at_their_word_and_nothing_is_asked() -> None:
    vendors = Vendors()
    stated: dict[str, Any] = {"calls": 1_000, "sessions_per_call": 25, "minutes_per_call": 10}
    forecast = forecast_of(vendors, "agora", plan="premium", over=TimeRange(START, END - HOUR), **stated)
    rows = {row.counter: row.requests.likely for row in forecast.vendors["agora"].rows}
    assert {"call/lists": 10, "call/sessions": 1_000, "call/metrics": 2_000} == rows
    assert 0 == len(vendors.servers[0].arrivals)


def test_long_calls_cost_a_request_for_each_window() -> None:
    known: dict[str, Any] = {"calls": 10, "sessions_per_call": 3, "minutes_per_call": 7 * 60 - 1}
    rows = {
        row.counter: row.requests.likely for row in forecast_of(Vendors(), "tencent", **known).vendors["tencent"].rows
    }
    assert (2 * 10, 7 * 10) == (rows["DescribeUserInfo"], rows["DescribeCallDetailInfo"])


def test_only_some_of_the_calls_are_paid_for() -> None:
    vendors = Vendors(calls=40)
    whole, worst, none = (
        forecast_of(vendors, "agora", depth="sessions", only=only) for only in (None, FreezeFrom(0.05), FreezeFrom(1.0))
    )
    assert none.requests.likely < worst.requests.likely < whole.requests.likely
    assert 1 == none.requests.likely


def test_a_scan_reads_only_the_calls_that_are_chosen_and_costs_what_was_said() -> None:
    vendors = Vendors(calls=40, points_per_series=1)

    async def scenario() -> None:
        provider, only = vendors.agora(), FreezeFrom(0.03)
        # With more calls probed than there are, nothing is guessed.
        forecast = (await scan.forecast(provider, over=WHOLE, only=only, probe=100)).vendors["agora"]
        records, report = await read(provider, over=WHOLE, only=only)
        assert 0 < len({record.call.call_id for record in records}) < 40
        assert all(only(record.call) for record in records)
        assert report.complete
        assert report.vendors["agora"].requests == forecast.requests.likely
        assert len({record.call.call_id for record in records}) == forecast.calls.likely

    run(scenario)


def test_a_listing_of_nothing_costs_its_windows() -> None:
    forecast = forecast_of(Vendors(calls=0), "agora", plan="premium")
    assert forecast.requests.exact
    assert 1 == forecast.requests.likely
    assert forecast.fits


def test_a_budget_is_kept_by_the_probe() -> None:
    vendors, budget = Vendors(calls=60), Budget(5)
    with pytest.raises(BudgetSpent):
        forecast_of(vendors, "agora", budget=budget)
    assert 5 == len(vendors.servers[0].arrivals)


def test_what_is_wrong_is_refused_before_anything_is_asked() -> None:
    vendors = Vendors()
    wrong: list[dict[str, Any]] = [
        {"depth": "all"},
        {"calls": 10},
        {"calls": -1, "sessions_per_call": 1},
        {"sessions_per_call": 3},
        {"calls": 10, "sessions_per_call": 2, "minutes_per_call": 0},
        {"calls": 10, "sessions_per_call": 2, "known": []},
        {"known": [("no call", 3)]},
        {"probe": 0},
        {"probe": True},
        {"users": "alice"},
        {"users": ["alice"], "depth": "calls"},
        {"on_quota": "ask"},
        {"over": "yesterday"},
        {"only": "the worst"},
        {"budget": 100},
    ]
    for options in wrong:
        with pytest.raises(BadInput):
            forecast_of(vendors, "agora", **options)
    with pytest.raises(NotOffered):
        forecast_of(vendors, "tencent", plan="free")
    assert all(not server.arrivals for server in vendors.servers)


def test_the_text_and_the_json_say_the_same() -> None:
    forecast = forecast_of(Vendors(calls=40), *VENDORS, plan="unlimited")
    said = forecast.as_dict()
    assert forecast.fits is said["fits"]
    assert round(forecast.requests.likely) == said["requests"]["likely"]
    assert str(forecast).endswith("fits")
    for name, vendor in forecast.vendors.items():
        assert [row.counter for row in vendor.rows] == [row["counter"] for row in said["vendors"][name]["rows"]]
        assert f"{name}: {vendor.calls} calls" in str(forecast)


def test_scan_is_still_called_as_a_function_and_says_what_it_does() -> None:
    vendors = Vendors(calls=3)

    async def scenario() -> int:
        provider = vendors.agora()
        async with scan(provider, over=TimeRange(START, END - HOUR), depth="calls") as records:
            return len([record async for record in records])

    assert run(scenario) <= 3
    assert "Reads every call" in (scan.__call__.__doc__ or "")
    assert "agora_tencent_analytics.scan" in repr(scan)


@pytest.mark.parametrize("calls", [100, 101, 199, 200, 201, 400, 777, 1_600])
def test_a_listing_without_a_total_is_counted_by_few_pages(calls: int) -> None:
    vendors = Vendors(calls=calls)
    forecast = forecast_of(vendors, "tencent", depth="calls").vendors["tencent"]
    assert Interval.of(calls) == forecast.calls or calls in forecast.calls
    assert f"{calls:,} calls on the listing" in forecast.basis
    assert forecast.probed <= 4 + 2 * math.log2(calls / 100 + 1)


def test_a_listing_has_no_fewer_rows_than_were_seen() -> None:
    # The oldest of them began long before the window: rows "evenly spread" over it would be fewer.
    rows: list[dict[str, Any]] = [
        {"call_id": f"c{n}", "created_ts": OVER.start - 9_000 + 1_200 * n, "destroyed_ts": OVER.end} for n in range(10)
    ]
    newest = row("calls", Call, Newest(most=10, at="created_ts"))

    def answer(asked: Mapping[str, str]) -> Any:
        return {"rows": [one for one in reversed(rows) if one["created_ts"] < int(asked["until"])]}

    async def scenario() -> tuple[VendorForecast, int]:
        provider = OutsideProvider(answer, vendor=PlainVendor(), calls_row=newest)
        forecast = (await scan.forecast(provider, over=OVER, depth="calls")).vendors["toy"]
        _, report = await read(provider, over=OVER, depth="calls")
        return forecast, report.vendors["toy"].requests

    forecast, sent = run(scenario)
    assert "10 calls on the listing of 1 window, 10 seen" in forecast.basis
    assert sent == forecast.requests.likely == forecast.requests.most


def test_a_vendor_that_shows_its_first_page_for_ever_does_not_hold_the_probe() -> None:
    vendors = Vendors(calls=300)

    async def scenario() -> VendorForecast:
        provider = vendors.tencent()
        turned, asked = provider.calls, []

        def stuck(over: Any, **options: Any) -> Any:
            listing: Any = turned(over, **options)
            peek = listing.peek

            async def first(window: TimeRange, number: int) -> Any:
                asked.append(number)
                return await peek(window, 0)

            listing.peek = first
            return listing

        provider.calls = stuck  # type: ignore[method-assign]
        forecast = await scan.forecast(provider, over=WHOLE, depth="calls")
        assert len(asked) < 5
        return forecast.vendors["tencent"]

    assert 100 == run(scenario).calls.likely


@pytest.mark.parametrize("depth", ["calls", "sessions"])
def test_providers_that_share_a_quota_are_forecast_against_their_parts_of_it(depth: Any) -> None:
    vendors = Vendors(calls=700, sessions_per_call=1)
    vendors.agora("standard")
    credentials, transport = dict[str, Any](vendors.servers[0].credentials), vendors.transports[0]

    async def scenario() -> tuple[Forecast, Forecast]:
        found = []
        for shared in (True, False):
            quotas = [Quota(f"{n}", store=":memory:", clock=vendors.time.clock, plan="standard") for n in range(2)]
            two = [
                AgoraProvider(**credentials, plan="standard", quota=quotas[0 if shared else n], transport=transport)
                for n in range(2)
            ]
            found.append(await scan.forecast(*two, over=WHOLE, depth=depth, calls=700, sessions_per_call=1))
        return found[0], found[1]

    together, apart = run(scenario)
    assert together.requests == apart.requests
    assert apart.fits
    assert (depth == "calls") == together.fits, "709 requests of each, of 999 a day for both"
    if depth == "calls":
        for name, forecast in together.vendors.items():
            assert forecast.seconds.likely == pytest.approx(2 * apart.vendors[name].seconds.likely)


def test_who_can_ask_nothing_leaves_a_shared_quota_to_the_other() -> None:
    vendors = Vendors()
    vendors.agora("standard")
    credentials, transport = dict[str, Any](vendors.servers[0].credentials), vendors.transports[0]
    over = TimeRange(END - 6 * 24 * HOUR, END - 5 * 24 * HOUR)  # forgotten on one of the plans

    async def scenario() -> Forecast:
        quota = Quota("one", store=":memory:", clock=vendors.time.clock)
        plans: tuple[Any, ...] = ("standard", "premium")
        two = [AgoraProvider(**credentials, plan=plan, quota=quota, transport=transport) for plan in plans]
        return await scan.forecast(*two, over=over, depth="calls", calls=100)

    nothing, everything = run(scenario).vendors.values()
    assert (0, 0) == (nothing.requests.most, nothing.seconds.most)
    assert 0 < everything.requests.most
    assert everything.fits


def test_a_probe_asks_with_the_priority_of_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    vendors, asked = Vendors(), set[str]()
    slot = Quota.slot

    def listening(quota: Quota, *args: Any, **options: Any) -> Any:
        asked.add(options["priority"])
        return slot(quota, *args, **options)

    monkeypatch.setattr(Quota, "slot", listening)
    run(lambda: scan.forecast(vendors.agora(), over=WHOLE, depth="sessions", priority="interactive"))
    assert {"interactive"} == asked
