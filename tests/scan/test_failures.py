"""What cannot be read is a line in the report, and costs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    BadInput,
    Call,
    DailyQuotaExhausted,
    IncompleteScan,
    Limits,
    NotAuthenticated,
    Plan,
    QuotaUnavailable,
    Rate,
    TimeRange,
    scan,
)
from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.simulator import AnswerHtml, Fail, Refuse, When
from tests.scan.ledger.test_resuming import SMALL, pages_of
from tests.support.simulated_scans import END, START, WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import EPOCH, run

ONE_CALL = {"agora": "call_id", "tencent": "CommId"}
SESSIONS = {"agora": "call/sessions", "tencent": "DescribeUserInfo"}
METRICS = {"agora": "call/metrics", "tencent": "DescribeCallDetailInfo"}


def about(vendor: str, call_id: str, endpoint: str) -> When:
    return When(endpoint=endpoint, predicate=lambda arrival: arrival.facts.get(ONE_CALL[vendor]) == call_id)


def small_day(per_day: int, per_second: int = 50) -> Plan:
    rates = (Rate(per_second, 1), Rate(per_day, DAY))
    figures = {"rates": rates, "history_s": 15 * DAY, "page_size": 100}
    rows = {
        CALL_LISTS: Limits(span_s=24 * HOUR, lag_s=20, **figures),  # type: ignore[arg-type]
        CALL_DETAIL: Limits(span_s=6 * HOUR, lag_s=100, **figures),  # type: ignore[arg-type]
    }
    return Plan(vendor="agora", name="small", rows=rows, source="", read_on="")


@pytest.mark.parametrize("step", ["sessions", "metrics"])
@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_a_call_that_always_fails_fails_alone(vendor: Any, step: str) -> None:
    vendors = Vendors()
    call = vendors.world.call_at(vendor, 4)
    endpoint = (SESSIONS if step == "sessions" else METRICS)[vendor]
    faults = [Fail(status=500, when=about(vendor, call.call_id, endpoint))]
    # Tencent's metrics name their users: for them the sessions of so short a call are not listed.
    depth: Any = "sessions" if (vendor, step) == ("tencent", "sessions") else "metrics"

    async def scenario() -> tuple[list[CallRecord], Report]:
        provider = vendors.agora(faults=faults) if vendor == "agora" else vendors.tencent(faults=faults)
        return await read(provider, over=WHOLE, depth=depth)

    records, report = run(scenario)
    truth, found = truth_of(vendors.world, vendor, WHOLE, depth=depth), exact(records)
    assert truth.keys() == found.keys()
    assert {key: truth[key] for key in truth if key != call.call_id} == {
        key: found[key] for key in found if key != call.call_id
    }
    assert not report.complete
    (record,) = [record for record in records if record.failures]
    assert call.call_id == record.call.call_id
    assert list(record.failures) == report.failures
    for failure in report.failures:
        assert (vendor, step, call.call_id) == (failure.vendor, failure.step, failure.call_id)
        assert failure.over is not None
        assert call.overlaps(failure.over.start, failure.over.end)
        assert call.call_id in str(failure)
        assert failure.error.__traceback__ is None, "a kept traceback keeps whole answers in memory"
    assert [] == report.vendors[vendor].doubts, "a failure is told once"
    if step == "metrics":
        assert {} == {key: series for key, series in found[call.call_id].items() if series}
        assert truth[call.call_id].keys() == found[call.call_id].keys(), "its sessions are known all the same"


@pytest.mark.parametrize("step", ["sessions", "metrics"])
def test_a_call_whose_ids_cannot_be_asked_with_fails_alone(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    vendors = Vendors()
    call = vendors.world.call_at("agora", 4)
    ask = getattr(AgoraProvider, step)

    def refused(provider: AgoraProvider, of: Call, *args: Any, **options: Any) -> Any:
        if of.call_id == call.call_id:
            raise BadInput("no such id")
        return ask(provider, of, *args, **options)

    async def scenario() -> tuple[list[CallRecord], Report]:
        agora = vendors.agora()
        check_passed = scan(agora, over=WHOLE)
        monkeypatch.setattr(AgoraProvider, step, refused)
        async with check_passed as records:
            return [record async for record in records], records.report

    records, report = run(scenario)
    truth, found = truth_of(vendors.world, "agora", WHOLE), exact(records)
    assert truth.keys() == found.keys()
    (failure,) = report.failures
    assert (step, call.call_id, "BadInput") == (failure.step, failure.call_id, type(failure.error).__name__)
    assert (failure,) == next(record for record in records if record.call.call_id == call.call_id).failures
    assert "" == report.vendors["agora"].stopped
    assert {key: truth[key] for key in truth if key != call.call_id} == {
        key: found[key] for key in found if key != call.call_id
    }


def test_a_window_of_a_listing_that_fails_leaves_the_others() -> None:
    vendors = Vendors()
    wide = TimeRange(START - 40 * HOUR, END)

    async def scenario() -> tuple[list[CallRecord], Report]:
        oldest = When(
            endpoint="call/lists", predicate=lambda arrival: int(arrival.facts["start_ts"]) < START - 30 * HOUR
        )
        return await read(vendors.agora(faults=[AnswerHtml(when=oldest)]), over=wide, depth="calls")

    records, report = run(scenario)
    assert truth_of(vendors.world, "agora", wide, depth="calls") == exact(records)
    (failure,) = report.failures
    assert "calls" == failure.step
    assert failure.over is not None
    assert wide.start == failure.over.start
    assert not report.complete


@pytest.mark.parametrize("page", [1, 2])
def test_a_window_of_a_listing_that_failed_can_be_tried_again_by_its_cursor(page: int) -> None:
    vendors = Vendors(**SMALL)
    broken = When(
        endpoint="call/lists",
        predicate=lambda arrival: int(arrival.facts["start_ts"]) == START and int(arrival.facts["page_no"]) == page,
    )

    async def scenario() -> tuple[list[CallRecord], Report, list[Call], int]:
        agora = vendors.agora(pages_of(2), faults=[Refuse(code=400, message="no", when=broken)])
        records, report = await read(agora, over=WHOLE, depth="calls")
        (failure,) = report.failures
        vendors.servers[0].heal()
        asked = len(vendors.servers[0].arrivals)
        again = await agora.calls(WHOLE, cursor=failure.cursor).collect()
        return records, report, again, len(vendors.servers[0].arrivals) - asked

    records, report, again, asked = run(scenario)
    (failure,) = report.failures
    assert failure.over is not None
    assert START == failure.over.start
    first, more = {record.call.call_id for record in records}, {call.call_id for call in again}
    truth = truth_of(vendors.world, "agora", WHOLE, depth="calls").keys()
    assert truth == first | more
    assert first < truth, "the window had calls that only the cursor brings"
    assert all(call.created_ts < failure.over.end for call in again)
    assert asked <= 1 + len(again) // 2 + 1
    said = report.as_dict()["total"]["failures"]
    assert [failure.cursor] == [one["cursor"] for one in said]


def test_a_stopped_listing_says_where_it_goes_on() -> None:
    vendors = Vendors(**SMALL)

    async def scenario() -> tuple[list[CallRecord], list[Call]]:
        agora = vendors.agora(pages_of(2))
        records, report = await read(agora, over=WHOLE, depth="calls", budget=Budget(3))
        (failure,) = report.failures
        return records, await agora.calls(WHOLE, cursor=failure.cursor).collect()

    records, rest = run(scenario)
    truth = truth_of(vendors.world, "agora", WHOLE, depth="calls").keys()
    assert truth == {record.call.call_id for record in records} | {call.call_id for call in rest}
    assert records
    assert rest


def test_a_scan_that_shall_raise_ends_with_incomplete_scan() -> None:
    vendors = Vendors()
    call = vendors.world.call_at("agora", 4)
    faults = [Refuse(code=400, message="no", when=about("agora", call.call_id, "call/sessions"))]

    async def scenario() -> None:
        async with scan(vendors.agora(faults=faults), over=WHOLE, on_error="raise") as records:
            async for _ in records:
                pass

    with pytest.raises(IncompleteScan, match=call.call_id) as caught:
        run(scenario)
    assert call.call_id == caught.value.failures[0].call_id
    assert (caught.value.failures[0].error,) == caught.value.exceptions
    assert caught.value.report.vendors["agora"].stopped
    assert not caught.value.report.complete


def test_a_spent_day_stops_the_scan_with_what_it_has() -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[CallRecord], Report]:
        return await read(vendors.agora(small_day(9)), over=WHOLE)

    records, report = run(scenario)
    told = report.vendors["agora"]
    truth, found = truth_of(vendors.world, "agora", WHOLE), exact(records)
    assert found.keys() <= truth.keys()
    assert not report.complete
    assert "nothing is left of the 9 requests" in told.stopped
    assert any(isinstance(failure.error, DailyQuotaExhausted) for failure in report.failures)
    assert 0 == told.limit_errors == vendors.servers[0].refused
    whole = [record for record in records if not record.failures]
    assert whole, "what was read before is handed over"
    for record in whole:
        assert truth[record.call.call_id] == found[record.call.call_id]


def test_a_quota_that_cannot_be_had_stops_the_scan_and_a_ledger_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors = Vendors()
    reserve, asked = MemoryStore.reserve, 0

    async def fails(self: MemoryStore, *args: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked > 9:
            raise QuotaUnavailable("the store is away; nothing was sent")
        return await reserve(self, *args)

    async def scenario() -> tuple[list[CallRecord], Report, list[CallRecord], Report]:
        options: dict[str, Any] = {"over": WHOLE, "ledger": tmp_path / "ledger", "workers": 4}
        with monkeypatch.context() as away:
            away.setattr(MemoryStore, "reserve", fails)
            first = await read(vendors.agora("enterprise"), **options)
        return *first, *await read(vendors.agora("enterprise"), **options)

    first, report, more, rest = run(scenario)
    told = report.vendors["agora"]
    assert "the store is away" in told.stopped
    assert not report.complete
    assert 1 <= len(report.failures) <= 5, "those at work, and no call after another"
    assert len(first) < 14
    assert 9 + 5 >= asked
    assert rest.complete
    truth = truth_of(vendors.world, "agora", WHOLE)
    before, after = exact(first), exact(more)
    assert truth == before | after
    assert not before.keys() & after.keys()


def test_a_scan_may_wait_for_midnight() -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[CallRecord], Report]:
        return await read(vendors.agora(small_day(12)), over=WHOLE, on_quota="wait")

    records, report = run(scenario)
    assert truth_of(vendors.world, "agora", WHOLE) == exact(records)
    assert report.complete
    assert 0 == report.vendors["agora"].limit_errors == vendors.servers[0].refused
    days = sorted({int(arrival.at // DAY) for arrival in vendors.servers[0].arrivals})
    first = int(EPOCH // DAY)
    assert [first, first + 1] == days[:2]


def test_a_vendor_that_calls_the_day_spent_stops_the_scan() -> None:
    vendors = Vendors()
    faults = [Refuse(code=300, message="qpd limit error", when=When(endpoint="call/metrics", nth=range(3, 99)))]

    async def scenario() -> tuple[list[CallRecord], Report]:
        return await read(vendors.agora("enterprise", faults=faults), over=WHOLE)

    _, report = run(scenario)
    told = report.vendors["agora"]
    assert told.stopped
    assert not report.complete
    refused = [arrival for arrival in vendors.servers[0].arrivals if arrival.code == "300"]
    assert 1 <= len(refused) <= 16, "only what was in flight already"
    assert len(refused) == told.limit_errors


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_refused_credentials_stop_the_scan_at_once(vendor: str) -> None:
    vendors = Vendors()
    code = 401 if vendor == "agora" else "AuthFailure.SignatureFailure"
    faults = [Refuse(code=code, message="no", when=When(nth=range(2, 99)))]

    async def scenario() -> tuple[list[CallRecord], Report]:
        bad = vendors.agora(faults=faults) if vendor == "agora" else vendors.tencent(faults=faults)
        return await read(bad, over=WHOLE, workers=1)

    _, report = run(scenario)
    assert 2 == len(vendors.servers[0].arrivals)
    (failure,) = report.failures
    assert isinstance(failure.error, NotAuthenticated)
    assert report.vendors[vendor].stopped


def test_one_vendor_that_refuses_does_not_stop_the_other() -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[CallRecord], Report]:
        refused = vendors.agora(faults=[Refuse(code=401, message="no")])
        return await read(refused, vendors.tencent(), over=WHOLE, depth="sessions")

    records, report = run(scenario)
    assert truth_of(vendors.world, "tencent", WHOLE, depth="sessions") == exact(records)
    assert not report.complete
    assert report.vendors["tencent"].complete
