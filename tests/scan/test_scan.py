"""What a scan yields is what happened: the same calls, sessions, series and points, each once."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    BadInput,
    Last,
    NotOffered,
    Provider,
    TencentProvider,
    TimeRange,
    scan,
)
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.scan import CallRecord, Report
from tests.support.in_turn import in_turn
from tests.support.simulated_scans import END, START, WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import EPOCH, run

INSIDE = TimeRange(START + 2 * HOUR + 17, END - HOUR - 3)
VENDORS = ("agora", "tencent")
Vendor = Literal["agora", "tencent"]


def provider_of(vendors: Vendors, vendor: str) -> Provider:
    return vendors.agora() if vendor == "agora" else vendors.tencent()


def scanned(vendors: Vendors, *names: str, over: Any = WHOLE, **options: Any) -> tuple[list[CallRecord], Report]:
    async def scenario() -> tuple[list[CallRecord], Report]:
        return await read(*(provider_of(vendors, name) for name in names), over=over, **options)

    return run(scenario)


@pytest.mark.parametrize("depth", ["calls", "sessions", "metrics"])
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "over", [pytest.param(WHOLE, marks=pytest.mark.long), INSIDE], ids=["whole world", "a part of it"]
)
def test_a_scan_yields_exactly_what_happened(vendor: Vendor, depth: str, over: TimeRange) -> None:
    vendors = Vendors(metrics_per_session=None) if over == WHOLE else Vendors()
    records, report = scanned(vendors, vendor, over=over, depth=depth)
    assert truth_of(vendors.world, vendor, over, depth=depth) == exact(records)
    assert report.complete
    truth = vendors.world.truth(vendor, over.start, over.end)
    told = report.vendors[vendor]
    expected = (truth.calls, *((truth.sessions,) if depth != "calls" else (0,)))
    assert expected == (told.calls, told.sessions)
    if depth == "metrics":
        assert (truth.series, truth.points) == (told.series, told.points)


def test_both_vendors_are_read_at_the_same_time() -> None:
    vendors = Vendors()
    records, report = scanned(vendors, *VENDORS, depth="sessions")
    for vendor in VENDORS:
        mine = [record for record in records if record.vendor == vendor]
        assert truth_of(vendors.world, vendor, WHOLE, depth="sessions") == exact(mine)
    assert {"agora", "tencent"} == report.vendors.keys()


def test_a_second_provider_of_one_vendor_has_a_name_of_its_own() -> None:
    vendors = Vendors()
    records, report = scanned(vendors, "agora", "agora", "tencent", "agora", depth="calls")
    assert ["agora", "agora-2", "tencent", "agora-3"] == list(report.vendors)
    for name in report.vendors:
        assert 14 == len({record.call.call_id for record in records if record.vendor == name})
    assert report.complete


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_calls_of_one_channel(vendor: Vendor) -> None:
    vendors = Vendors()
    channel = vendors.world.call_at(vendor, 3).channel
    records, _ = scanned(vendors, vendor, channel=channel)
    expected = truth_of(vendors.world, vendor, WHOLE, channel=channel)
    assert expected == exact(records)
    assert 0 < len(expected) < 14


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_the_calls_named(vendor: Vendor) -> None:
    vendors = Vendors()
    ids = [vendors.world.call_at(vendor, index).call_id for index in (2, 9)]
    records, report = scanned(vendors, vendor, call_ids=ids)
    assert truth_of(vendors.world, vendor, WHOLE, call_ids=ids) == exact(records)
    assert report.complete


@pytest.mark.parametrize("vendor", VENDORS)
def test_only_sessions_of_the_users_named(vendor: Vendor) -> None:
    vendors = Vendors()
    users = [vendors.world.sessions(vendors.world.call_at(vendor, index))[0].user_id for index in (1, 4, 6)]
    for depth in ("sessions", "metrics"):
        records, report = scanned(vendors, vendor, users=users, depth=depth)
        assert truth_of(vendors.world, vendor, WHOLE, users=users, depth=depth) == exact(records)
        assert report.complete


def test_a_call_is_missing_only_if_no_vendor_lists_it() -> None:
    vendors = Vendors()
    ids = [vendors.world.call_at(vendor, 2).call_id for vendor in ("agora", "tencent")]
    records, report = scanned(vendors, *VENDORS, call_ids=ids, depth="calls")
    assert set(ids) == {record.call.call_id for record in records}
    assert report.complete
    records, report = scanned(vendors, *VENDORS, call_ids=[*ids, "nobody's"], depth="calls")
    assert set(ids) == {record.call.call_id for record in records}
    assert ["nobody's"] == [part for failure in report.failures for part in str(failure).split() if "body" in part]


def test_a_call_that_is_not_listed_is_told() -> None:
    vendors = Vendors()
    known = vendors.world.call_at("agora", 0).call_id
    records, report = scanned(vendors, "agora", call_ids=[known, "nobody's"], depth="calls")
    assert [known] == [record.call.call_id for record in records]
    assert not report.complete
    assert "nobody's" in str(report.failures[0])


def test_what_the_lag_hides_leaves_the_scan_complete() -> None:
    vendors = Vendors()
    _, report = scanned(vendors, "agora", over=Last(hours=1), depth="sessions")
    assert report.complete
    assert {"lag"} == {piece.reason for piece in report.vendors["agora"].clipped}


def test_what_is_forgotten_leaves_the_scan_incomplete() -> None:
    vendors = Vendors()
    records, report = scanned(vendors, "agora", over=TimeRange(EPOCH - 40 * DAY, END), depth="calls")
    assert 14 == len(records)
    assert not report.complete
    assert {"history"} == {piece.reason for piece in report.vendors["agora"].clipped}


@pytest.mark.parametrize(
    ("over", "complete", "reason"),
    [
        (TimeRange(EPOCH - 60 * DAY, EPOCH - 40 * DAY), False, "history"),
        (TimeRange(EPOCH - 5, EPOCH), True, "lag"),
    ],
    ids=["all forgotten", "all hidden"],
)
def test_a_range_of_which_nothing_can_be_asked_costs_no_request(over: TimeRange, complete: bool, reason: str) -> None:
    records, report = scanned(Vendors(), "agora", over=over)
    assert [] == records
    assert complete is report.complete
    assert {reason} == {piece.reason for piece in report.vendors["agora"].clipped}
    assert 0 == report.vendors["agora"].requests


def test_an_empty_range_of_the_world_is_complete() -> None:
    records, report = scanned(Vendors(), *VENDORS, over=TimeRange(START - 5 * HOUR, START - 4 * HOUR))
    assert [] == records
    assert report.complete


@in_turn(
    ("options", "told"),
    [
        ({"over": None}, "over must be"),
        ({"depth": "points"}, "depth must be"),
        ({"on_error": "ignore"}, "on_error must be"),
        ({"on_quota": "sleep"}, "on_quota must be"),
        ({"workers": 0}, "workers must be"),
        ({"workers": True}, "workers must be"),
        ({"workers": 1.5}, "workers must be"),
        ({"call_ids": []}, "call_ids must be"),
        ({"call_ids": "one"}, "call_ids must be"),
        ({"call_ids": [123]}, "call_ids must be"),
        ({"call_ids": ["\udcff"]}, "call_ids must be"),
        ({"users": ()}, "users must be"),
        ({"users": "one"}, "users must be"),
        ({"users": ["one", None]}, "users must be"),
        ({"users": ["one"], "depth": "calls"}, "take depth='sessions'"),
    ],
)
def test_bad_arguments_are_told_before_anything_is_asked(options: dict[str, Any], told: str) -> None:
    vendors = Vendors()
    with pytest.raises(BadInput, match=told):
        scan(vendors.agora(), **{"over": WHOLE, **options})
    assert not vendors.servers[0].arrivals


def test_a_scan_needs_providers_and_each_once() -> None:
    with pytest.raises(BadInput, match="at least one provider"):
        scan(over=WHOLE)
    with pytest.raises(BadInput, match="at least one provider"):
        scan(Vendors, over=WHOLE)  # type: ignore[arg-type]  # the point of the test
    agora = Vendors().agora()
    with pytest.raises(BadInput, match="twice"):
        scan(agora, agora, over=WHOLE)


def test_a_question_that_the_plan_lacks_is_told_on_entering() -> None:
    vendors = Vendors()
    options: dict[str, Any] = {
        "app_id": "a",
        "customer_id": "b",
        "customer_secret": "c",
        "transport": None,
        "store": ":memory:",
    }
    starter = AgoraProvider(**options, plan="starter")
    free = TencentProvider(
        sdk_app_id=1, secret_id="b", secret_key="c", plan="free", region="ap-singapore", store=":memory:"
    )
    good = vendors.agora()

    async def scenario(poor: Provider) -> None:
        async with scan(good, poor, over=WHOLE):
            raise AssertionError("must not be entered")

    for poor in (starter, free):
        with pytest.raises(NotOffered):
            run(scenario, poor)
    assert not vendors.servers[0].arrivals
