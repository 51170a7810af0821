"""One call by its id, a listing by `await`, and a request that proves that all is well."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import (
    BadInput,
    Call,
    CallNotFound,
    NotAuthenticated,
    Paginator,
    Provider,
    Refusal,
    scan,
)
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import Refuse
from agora_tencent_analytics.timerange import TimeRange
from tests.support.simulated_scans import END, START, WHOLE, Vendors, exact, truth_of
from tests.support.virtual_time import EPOCH, run

VENDORS = ["agora", "tencent"]


def one(vendors: Vendors, vendor: str, plan: Any = "unlimited", **options: Any) -> Provider:
    return vendors.agora(plan, **options) if vendor == "agora" else vendors.tencent(plan, **options)


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_call_is_listed_until_it_is_found(vendor: Any) -> None:
    vendors = Vendors(start=END - 48 * HOUR, calls=60)
    wanted = vendors.world.call_at(vendor, 0)
    over = TimeRange(END - 48 * HOUR, END)

    async def scenario() -> tuple[Call, int, int]:
        provider = one(vendors, vendor)
        view = provider.with_options()
        found = await view.call(wanted.call_id, over=over)
        spent = view.receipt.requests
        await provider.calls(over)
        return found, spent, provider.receipt.requests - spent

    found, spent, whole = run(scenario)
    assert (wanted.call_id, vendor) == (found.call_id, found.vendor)
    assert 1 <= spent <= whole


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_call_that_is_not_listed_is_an_error_that_tells_what_it_cost(vendor: Any) -> None:
    vendors = Vendors()

    async def scenario() -> CallNotFound:
        with pytest.raises(CallNotFound, match="no call 'nowhere'") as missing:
            await one(vendors, vendor).call("nowhere", over=WHOLE)
        return missing.value

    missing = run(scenario)
    assert issubclass(CallNotFound, LookupError)
    assert (("nowhere",), len(vendors.servers[0].arrivals)) == (missing.call_ids, missing.requests)
    assert one(vendors, vendor).endpoints[0].name == missing.endpoint
    assert f"took {missing.requests} request{'' if missing.requests == 1 else 's'}" in str(missing)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_call_that_is_known_costs_no_listing(vendor: Any) -> None:
    vendors = Vendors()
    there = vendors.world.call_at(vendor, 4)
    known = Call.known(vendor, there.call_id, created_ts=there.created_ts, channel=there.channel)

    async def scenario() -> Any:
        async with scan(one(vendors, vendor), calls=[known], over=WHOLE) as records:
            return [record async for record in records]

    found = run(scenario)
    assert exact(found) == truth_of(vendors.world, vendor, WHOLE, call_ids=[there.call_id])
    assert not {"call/lists", "DescribeRoomInfo"} & {arrival.endpoint for arrival in vendors.servers[0].arrivals}
    assert (known.finished, known.destroyed_ts) == (False, None)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_scan_that_finds_none_of_its_calls_says_so_and_one_that_finds_some_reports(vendor: Any) -> None:
    vendors = Vendors()
    there = vendors.world.call_at(vendor, 4).call_id

    async def scenario(*call_ids: str) -> Any:
        async with scan(one(vendors, vendor), over=WHOLE, depth="calls", call_ids=call_ids) as records:
            return [record async for record in records], records.report

    with pytest.raises(CallNotFound, match="no call one, two"):
        run(scenario, "two", "one")
    found, report = run(scenario, "two", there)
    assert [there] == [record.call.call_id for record in found]
    assert [("two",)] == [failure.error.call_ids for failure in report.failures]


@pytest.mark.parametrize(("vendor", "code"), [("agora", 404), ("tencent", "ResourceNotFound")])
@pytest.mark.parametrize("told", [True, False])
def test_an_id_that_the_vendor_does_not_know_is_an_error_where_it_tells(vendor: Any, code: Any, told: bool) -> None:
    faults = [Refuse(code=code, message="no such call")] if told else []
    provider = one(Vendors(), vendor, faults=faults)
    nobody = Call.known(vendor, "nobody", created_ts=START, destroyed_ts=START + 60)

    async def scenario() -> Any:
        if not told:
            return await provider.sessions(nobody)
        with pytest.raises(Refusal, match="no such call"):
            await provider.sessions(nobody)
        async with scan(provider, calls=[nobody]) as records:
            with pytest.raises(Refusal, match="no such call"):
                _ = [record async for record in records]
            assert records.report.failures
        return []

    assert [] == run(scenario)


def test_a_listing_may_be_awaited_and_asks_anew_each_time() -> None:
    vendors = Vendors()

    async def scenario() -> list[int]:
        listing: Paginator[Call] = vendors.agora().calls(WHOLE)
        return [len(await listing), len(await listing), len(vendors.servers[0].arrivals)]

    assert [14, 14, 2] == run(scenario)


# --- check ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "plan"),
    [
        ("agora", "premium"),
        ("agora", "enterprise"),
        ("agora", "unlimited"),
        ("tencent", "free"),
        ("tencent", "premium"),
    ],
)
def test_a_check_costs_one_request_of_the_counter_with_the_most_left(vendor: Any, plan: str) -> None:
    vendors = Vendors()

    async def scenario() -> tuple[int, Any]:
        provider = one(vendors, vendor, plan)
        most = max((state.left_today or 1e9) + state.used_today for state in await provider.quota())
        cost = await provider.check()
        left = [state.left_today for state in await provider.quota() if state.used_today]
        return cost.requests, left in ([], [most - 1])

    assert (1, True) == run(scenario)
    assert 1 == len(vendors.servers[0].arrivals)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_check_raises_what_is_wrong(vendor: Any) -> None:
    vendors = Vendors()
    code = 401 if vendor == "agora" else "AuthFailure.SignatureFailure"

    async def scenario() -> None:
        with pytest.raises(NotAuthenticated):
            await one(vendors, vendor, faults=[Refuse(code=code, message="no")]).check()

    run(scenario)


def test_a_provider_without_a_table_is_checked_by_its_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    vendors = Vendors()

    async def scenario() -> int:
        agora = vendors.agora()
        monkeypatch.setattr(agora, "endpoints", ())
        return (await agora.check()).requests

    assert 1 == run(scenario)
    (arrival,) = vendors.servers[0].arrivals
    assert "call/lists" == arrival.endpoint


def test_a_known_call_of_another_vendor_is_refused() -> None:
    with pytest.raises(BadInput, match="Call of agora"):
        Vendors().agora().sessions(Call.known("tencent", "c", created_ts=int(EPOCH)))
    assert START < END
