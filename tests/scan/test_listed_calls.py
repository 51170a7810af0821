"""`scan(calls=...)` reads calls that were listed already, and lists nothing; the forecast knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import BadInput, Budget, Call, TimeRange, scan
from agora_tencent_analytics.scan import Ledger, Since
from agora_tencent_analytics.timerange import Last
from tests.support.forecast_surveys import Vendor, known_calls, provider_of
from tests.support.simulated_scans import WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run

VENDORS: tuple[Vendor, ...] = ("agora", "tencent")
LISTINGS = {"call/lists", "DescribeRoomInfo"}


def listed(vendors: Vendors, vendor: Vendor) -> list[Call]:
    return [call for call, _ in known_calls(vendors.world, vendor)]


def asked(vendors: Vendors) -> set[str]:
    return {arrival.endpoint for server in vendors.servers for arrival in server.arrivals}


@pytest.mark.parametrize("depth", ["sessions", "metrics"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_calls_that_are_given_are_read_and_nothing_is_listed(vendor: Vendor, depth: str) -> None:
    vendors = Vendors()
    some = listed(vendors, vendor)[3:9]

    async def scenario() -> None:
        found, report = await read(provider_of(vendors, vendor, "unlimited"), over=None, calls=some, depth=depth)
        ids = [call.call_id for call in some]
        assert truth_of(vendors.world, vendor, WHOLE, depth=depth, call_ids=ids) == exact(found)
        assert some == sorted((record.call for record in found), key=some.index)
        assert report.complete
        assert (6, min(call.created_ts for call in some)) == (
            report.vendors[vendor].calls,
            report.as_dict()["total"]["start"],
        )
        assert set() == asked(vendors) & LISTINGS

    run(scenario)


def test_what_a_listing_gave_goes_on_to_the_provider_that_it_came_from() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora, tencent = vendors.agora(), vendors.tencent()
        calls, _ = await read(agora, tencent, over=WHOLE, depth="calls")
        before = sum(len(server.arrivals) for server in vendors.servers)
        found, report = await read(agora, tencent, over=None, calls=(record.call for record in calls), depth="sessions")
        for vendor in VENDORS:
            mine = [record for record in found if record.vendor == vendor]
            assert truth_of(vendors.world, vendor, WHOLE, depth="sessions") == exact(mine)
        assert report.complete
        assert report.vendors["agora"].requests + report.vendors["tencent"].requests == (
            sum(len(server.arrivals) for server in vendors.servers) - before
        )

    run(scenario)


def test_a_range_cuts_the_calls_that_are_given() -> None:
    vendors = Vendors()
    half = TimeRange(WHOLE.start, WHOLE.start + WHOLE.seconds // 2)

    async def scenario() -> None:
        calls = listed(vendors, "agora")
        found, report = await read(vendors.agora(), over=half, calls=calls)
        truth = truth_of(vendors.world, "agora", half)
        inside = [record for record in found if record.call.call_id in truth]
        assert truth == exact(inside)
        assert len(calls) == len(found), "a call that lies outside has a record without sessions"
        assert half == report.vendors["agora"].over

    run(scenario)


def test_a_call_that_is_given_twice_is_read_once_and_only_narrows() -> None:
    vendors = Vendors()
    calls = listed(vendors, "agora")

    async def scenario() -> None:
        found, report = await read(
            vendors.agora(),
            over=None,
            calls=[*calls, *calls],
            only=lambda call: call in calls[:2],
            depth="sessions",
            workers=1,
        )
        assert calls[:2] == [record.call for record in found]
        assert report.complete

    run(scenario)


def test_no_calls_are_read_for_nothing() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        found, report = await read(vendors.agora(), over=None, calls=[], depth="sessions")
        assert [] == found
        assert (True, 0) == (report.complete, report.vendors["agora"].requests)

    run(scenario)


def test_a_call_that_is_still_running_is_read_up_to_now() -> None:
    vendors = Vendors()
    call = attrs.evolve(listed(vendors, "agora")[0], destroyed_ts=None, finished=False)

    async def scenario() -> None:
        agora = vendors.agora()
        found, report = await read(agora, over=None, calls=[call], depth="sessions")
        assert truth_of(vendors.world, "agora", WHOLE, depth="sessions", call_ids=[call.call_id]) == exact(found)
        assert report.vendors["agora"].over == TimeRange(call.created_ts, int(agora.now()) + 1)

    run(scenario)


def test_a_budget_is_spent_on_the_oldest_data_first() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora, tencent = vendors.agora(), vendors.tencent()
        calls = [listed(vendors, "agora")[-1], listed(vendors, "tencent")[0]]
        found, report = await read(agora, tencent, over=None, calls=calls, depth="sessions", budget=Budget(1))
        assert ["tencent"] == [record.vendor for record in found if record.sessions]
        assert not report.complete

    run(scenario)


WRONG: dict[str, dict[str, Any]] = {
    "a depth that needs no call": {"depth": "calls"},
    "a channel": {"channel": "room"},
    "ids": {"call_ids": ["c"]},
    "a ledger": {"ledger": "x.ledger"},
    "what is new": {"over": Since(first=Last(hours=1)), "ledger": "x.ledger"},
    "ids for calls": {"calls": ["c"]},
    "another vendor's": {"calls": [Call(vendor="zoom", call_id="c", created_ts=WHOLE.start)]},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_go_with_given_calls_is_refused(what: str) -> None:
    vendors = Vendors()
    call = Call(vendor="agora", call_id="c", created_ts=WHOLE.start)
    with pytest.raises(BadInput, match="calls="):
        scan(vendors.agora(), **{"over": None, "calls": [call], **WRONG[what]})
    with pytest.raises(BadInput, match="a call does not say whose app"):
        scan(vendors.agora(), vendors.agora(), calls=[call])
    with pytest.raises(BadInput, match="over must be"):
        scan(vendors.agora())


@pytest.mark.parametrize("depth", ["sessions", "metrics"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_forecast_of_given_calls_is_what_they_cost(vendor: Vendor, depth: Any) -> None:
    vendors = Vendors(calls=60, points_per_series=1, metrics_per_session=1)
    calls = listed(vendors, vendor)[10:50]

    async def scenario() -> None:
        provider = provider_of(vendors, vendor, "unlimited")
        forecast = (await scan.forecast(provider, calls=calls, depth=depth, probe=100)).vendors[vendor]
        probed = len(vendors.servers[0].arrivals)
        assert probed == forecast.probed
        assert set() == {name for row in forecast.rows for name in row.endpoints} & LISTINGS
        guess = (await scan.forecast(provider, calls=calls, depth=depth, probe=10)).vendors[vendor]
        before = provider.receipt.requests
        _, report = await read(provider, over=None, calls=calls, depth=depth)
        assert report.complete
        sent = provider.receipt.requests - before
        assert (sent, sent, sent) == (forecast.requests.least, forecast.requests.likely, forecast.requests.most)
        assert guess.requests.least <= sent <= guess.requests.most
        assert 40 == forecast.calls.likely
        assert set() == asked(vendors) & LISTINGS

    run(scenario)


def test_several_records_are_acknowledged_with_their_bookmark_in_one_transaction(tmp_path: Path) -> None:
    vendors, path = Vendors(), tmp_path / "ledger"

    async def scenario() -> None:
        agora, tencent = vendors.agora(), vendors.tencent()
        with Ledger(path) as ledger:
            commits: list[str] = []
            ledger._file._connection.set_trace_callback(
                lambda said: commits.append(said) if said.startswith("COMMIT") else None
            )
            options: dict[str, Any] = {"over": WHOLE, "depth": "sessions", "acknowledge": "by hand"}
            async with scan(agora, tencent, ledger=ledger, **options) as records:
                taken = [record async for record in records]
                before = len(commits)
                records.acknowledge(*taken[:20], bookmark="after twenty")
                assert 1 == len(commits) - before
            assert "after twenty" == ledger.bookmark
        found, report = await read(agora, tencent, ledger=path, over=WHOLE, depth="sessions")
        assert {record.call.call_id for record in taken[20:]} == {record.call.call_id for record in found}
        settled = sum(record.last for record in taken[:20])
        assert settled == sum(vendor.already for vendor in report.vendors.values())

    run(scenario)


def test_nothing_is_acknowledged_if_one_of_them_is_of_another_scan(tmp_path: Path) -> None:
    vendors, path = Vendors(), tmp_path / "ledger"

    async def scenario() -> None:
        agora, tencent = vendors.agora(), vendors.tencent()
        foreign, _ = await read(tencent, over=WHOLE, depth="calls")
        with Ledger(path) as ledger:
            async with scan(agora, over=WHOLE, depth="calls", ledger=ledger, acknowledge="by hand") as records:
                taken = [record async for record in records]
                for other in (foreign[0], foreign[0].call):
                    with pytest.raises(BadInput, match="records of this scan"):
                        records.acknowledge(taken[0], other, bookmark="no")  # type: ignore[arg-type]
        again, _ = await read(agora, ledger=path, over=WHOLE, depth="calls")
        assert len(taken) == len(again)
        with Ledger(path) as ledger:
            assert "" == ledger.bookmark

    run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
def test_two_calls_of_one_id_that_begin_differently_are_both_read(vendor: Vendor) -> None:
    vendors = Vendors()
    first, second = listed(vendors, vendor)[3:5]
    given = [first, attrs.evolve(second, call_id=first.call_id), first]

    async def scenario() -> None:
        found, _ = await read(provider_of(vendors, vendor, "unlimited"), over=None, calls=given, depth="sessions")
        assert [first.created_ts, second.created_ts] == sorted(record.call.created_ts for record in found)

    run(scenario)
