"""A scan never fails in silence: what makes a provider unreadable is raised as itself, after all else was read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    AnalyticsError,
    BadInput,
    Budget,
    BudgetSpent,
    CallRecord,
    DailyQuotaExhausted,
    IncompleteScan,
    InvalidRequest,
    NotAuthenticated,
    NotPermitted,
    Provider,
    ProviderClosed,
    TransportError,
    WouldExceedQuota,
    scan,
)
from agora_tencent_analytics.scan import Records, Report
from agora_tencent_analytics.scan.job import UNREACHABLE
from agora_tencent_analytics.simulator import Fail, Refuse, When
from tests.support.simulated_scans import WHOLE, Vendors, exact, truth_of
from tests.support.virtual_time import run

WRONG: dict[str, tuple[type[AnalyticsError], list[Any]]] = {
    "wrong secret": (NotAuthenticated, [Refuse(code=401, message="no")]),
    "no permission": (NotPermitted, [Refuse(code=300, message="no auth")]),
    "wrong region": (InvalidRequest, [Refuse(code="UnsupportedRegion", message="no")]),
    "dead host": (TransportError, []),
    "wait exceeded": (WouldExceedQuota, []),
    "time exceeded": (WouldExceedQuota, []),
    "spent day": (DailyQuotaExhausted, [Refuse(code=300, message="qpd limit error")]),
    "closed": (ProviderClosed, []),
}


def dead() -> float:
    raise TransportError("no connection", endpoint="any", phase="connect", timed_out=False, left=False)


async def spoilt(vendors: Vendors, how: str) -> Provider:
    faults = WRONG[how][1]
    if how == "wrong region":
        return vendors.tencent(faults=faults)
    agora = vendors.agora("enterprise" if how == "spent day" else "unlimited", faults=faults)
    if how == "dead host":
        vendors.transports[0].there = dead
    elif how == "wait exceeded":
        agora = vendors.agora("premium")
        await asyncio.gather(*(agora.calls(WHOLE).collect() for _ in range(3)))
        return agora.with_options(max_wait=0)
    elif how == "time exceeded":
        return agora.with_options(within_s=0)
    elif how == "closed":
        await agora.aclose()
    return agora


async def outcome(records: Records) -> tuple[list[CallRecord], AnalyticsError | None]:
    found: list[CallRecord] = []
    async with records:
        try:
            async for record in records:
                found.append(record)
        except AnalyticsError as error:
            assert [] == [one async for one in records], "the iteration is over"
            return found, error
    return found, None


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("ledger", [False, True])
@pytest.mark.parametrize("how", WRONG)
def test_what_makes_a_provider_unreadable_is_raised_when_the_others_are_read(
    how: str, ledger: bool, place: int, tmp_path: Path
) -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[CallRecord], AnalyticsError | None, Report]:
        wrong = await spoilt(vendors, how)
        good = vendors.agora() if wrong.name == "tencent" else vendors.tencent()
        options: dict[str, Any] = {"over": WHOLE, "depth": "sessions"}
        if ledger:
            options["ledger"] = tmp_path / "ledger"
        records = scan(*(wrong, good)[:: -1 if place else 1], **options)
        return *await outcome(records), records.report

    found, error, report = run(scenario)
    assert WRONG[how][0] is type(error)
    bad, good = list(report.vendors)[:: -1 if place else 1]
    assert truth_of(vendors.world, good, WHOLE, depth="sessions") == exact(found)
    told = report.vendors[bad]
    assert report.finished
    assert not report.complete
    assert str(error) in told.stopped
    assert f"{bad}: {told.stopped}" == report.stopped
    assert 1 == len(report.failures)
    assert 0 == told.calls
    assert [] == getattr(error, "__notes__", [])


@pytest.mark.parametrize("how", WRONG)
def test_one_provider_alone_raises_as_itself_and_so_does_every_way_to_ask(how: str, tmp_path: Path) -> None:
    vendors = Vendors()

    async def scenario() -> list[type[Any]]:
        wrong = await spoilt(vendors, how)
        row = wrong.endpoints[0]

        async def items() -> None:
            async for _ in wrong.calls(WHOLE):
                pass

        async def pages() -> None:
            async for _ in wrong.calls(WHOLE).pages():
                pass

        met = list[type[Any]]()
        for way in (
            items(),
            pages(),
            wrong.calls(WHOLE).collect(),
            wrong.calls(WHOLE).first(),
            wrong.ask(row, WHOLE).collect(),
            wrong.call("nowhere", over=WHOLE),
            wrong.check(),
        ):
            with pytest.raises(AnalyticsError) as raised:
                await way
            met.append(type(raised.value))
        for ledger in (None, tmp_path / "ledger"):
            found, error = await outcome(scan(wrong, over=WHOLE, ledger=ledger))
            assert [] == found
            met.append(type(error))
        return met

    assert [WRONG[how][0]] * 9 == run(scenario)


def test_of_several_the_first_is_raised_with_the_others_as_notes() -> None:
    vendors = Vendors()

    async def scenario() -> AnalyticsError | None:
        refused = vendors.tencent(faults=[Refuse(code="AuthFailure.SecretIdNotFound", message="who?")])
        barred = vendors.agora(faults=[Refuse(code=300, message="no auth")])
        return (await outcome(scan(refused, barred, over=WHOLE)))[1]

    error = run(scenario)
    assert isinstance(error, NotAuthenticated)
    (note,) = error.__notes__
    assert note.startswith("agora could not be read either: NotPermitted: ")


def test_it_comes_after_the_last_acknowledgement(tmp_path: Path) -> None:
    vendors = Vendors()
    revoked = When(endpoint="call/sessions", nth=range(5, 99))
    options: dict[str, Any] = {"over": WHOLE, "depth": "sessions", "ledger": tmp_path / "ledger", "workers": 1}

    async def scenario() -> list[Any]:
        agora = vendors.agora(faults=[Refuse(code=401, message="no", when=revoked)])
        first, error = await outcome(scan(agora, **options))
        rest, none = await outcome(scan(vendors.agora(), **options))
        return [first, type(error), rest, none]

    first, error, rest, none = run(scenario)
    assert (NotAuthenticated, None) == (error, none)
    before, after = exact(first), exact(rest)
    assert before
    assert not before.keys() & after.keys()
    assert truth_of(vendors.world, "agora", WHOLE, depth="sessions") == before | after


def test_closing_wakes_a_scan_that_waits_for_midnight() -> None:
    vendors = Vendors()
    spent = Refuse(code=300, message="qpd limit error", when=When(nth=range(3, 999)))

    async def scenario() -> list[Any]:
        agora = vendors.agora("enterprise", faults=[spent])
        reading = [
            asyncio.create_task(outcome(scan(agora, over=WHOLE, depth="sessions", on_quota="wait"))) for _ in range(2)
        ]
        await asyncio.sleep(60)
        reading[1].cancel()
        began = asyncio.get_running_loop().time()
        await agora.aclose()
        (_, error), cancelled = await asyncio.gather(*reading, return_exceptions=True)  # type: ignore[misc]
        return [type(error), type(cancelled), asyncio.get_running_loop().time() - began]

    closed, cancelled, lasted = run(scenario)
    assert (ProviderClosed, asyncio.CancelledError) == (closed, cancelled)
    assert lasted < 1


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("ledger", [False, True])
def test_what_are_no_credentials_is_raised_however_often_they_are_asked_for(
    ledger: bool, listed: bool, tmp_path: Path
) -> None:
    vendors = Vendors()

    async def keys() -> Any:
        return 5

    async def scenario() -> list[Any]:
        good = vendors.agora()
        wrong = AgoraProvider(
            app_id="app",
            credentials=keys,
            account="a",
            plan="unlimited",
            transport=vendors.transports[0],
            quota=good.shared_quota,
        )
        with pytest.raises(BadInput, match="gave a int"):
            await wrong.calls(WHOLE)
        options: dict[str, Any] = {"over": WHOLE, "depth": "sessions"}
        if listed:
            options["calls"] = await good.calls(WHOLE)
        elif ledger:
            options["ledger"] = tmp_path / "ledger"
        records = scan(wrong, vendors.tencent(), **options)
        found, error = await outcome(records)
        return [{record.vendor for record in found if record.sessions}, error, records.report.stopped]

    vendors_read, error, stopped = run(scenario)
    assert (set() if listed else {"tencent"}) == vendors_read
    assert isinstance(error, BadInput)
    assert "credentials gave a int" in str(error)
    assert str(error) in stopped


@pytest.mark.parametrize("on_error", ["stop", "report"])
def test_a_provider_that_goes_away_is_given_up_after_so_many_attempts(on_error: Any) -> None:
    vendors = Vendors(calls=100)

    async def scenario() -> tuple[list[CallRecord], AnalyticsError | None, Report]:
        agora = vendors.agora()
        records = scan(agora, over=WHOLE, depth="sessions", workers=1, on_error=on_error)
        found: list[CallRecord] = []
        async with records:
            async for record in records:
                found.append(record)
                vendors.transports[0].there = dead
        return found, None, records.report

    found, _, report = run(scenario)
    told = report.vendors["agora"]
    assert f"({UNREACHABLE} attempts in a row reached nobody)" in told.stopped
    assert 3 <= len(found) < 100
    with pytest.raises(IncompleteScan) as raised:
        report.raise_if_incomplete()
    assert report is raised.value.report
    assert told.stopped in str(raised.value.exceptions[-1])


def test_what_is_in_flight_to_a_provider_that_is_given_up_is_not_waited_for() -> None:
    """On a plan of few requests a second the attempts of sixteen workers stand in a queue."""
    vendors = Vendors(calls=100)

    async def scenario() -> tuple[float, Report]:
        clock = asyncio.get_running_loop()
        records = scan(vendors.agora("premium"), over=WHOLE, depth="sessions")
        gone_at = 0.0
        async with records:
            async for _ in records:
                gone_at = gone_at or clock.time()
                vendors.transports[0].there = dead
        return clock.time() - gone_at, records.report

    lasted, report = run(scenario)
    told = report.vendors["agora"]
    assert told.stopped
    assert lasted < 26
    assert 16 <= len(told.failures) < 32
    assert 1 == len({str(failure.error) for failure in told.failures})


def test_a_vendor_that_answers_now_and_then_is_not_given_up() -> None:
    vendors = Vendors(calls=100)

    async def scenario() -> tuple[list[CallRecord], AnalyticsError | None, Report]:
        records = scan(vendors.agora(), over=WHOLE, depth="sessions", workers=1)
        server, asked = vendors.servers[0].answer, 0

        async def seldom(*request: Any) -> Any:
            nonlocal asked
            asked += 1
            if asked > 2 and asked % 41:
                raise ConnectionResetError
            return await server(*request)

        vendors.servers[0].answer = seldom  # type: ignore[method-assign,assignment]
        return *await outcome(records), records.report

    found, error, report = run(scenario)
    assert (None, "") == (error, report.vendors["agora"].stopped)
    assert 100 == len({record.call.call_id for record in found}) == report.vendors["agora"].calls


def test_one_window_that_fails_after_an_answer_ends_nothing() -> None:
    vendors = Vendors()
    call = vendors.world.call_at("agora", 4)
    about = When(endpoint="call/sessions", predicate=lambda arrival: arrival.facts.get("call_id") == call.call_id)

    async def scenario() -> tuple[list[CallRecord], AnalyticsError | None, Report]:
        records = scan(vendors.agora(faults=[Fail(status=500, when=about)]), over=WHOLE, depth="sessions")
        return *await outcome(records), records.report

    found, error, report = run(scenario)
    assert (None, "") == (error, report.vendors["agora"].stopped)
    assert truth_of(vendors.world, "agora", WHOLE, depth="sessions").keys() == exact(found).keys()
    assert [call.call_id] == [failure.call_id for failure in report.failures]


@pytest.mark.parametrize(("requests", "raised"), [(0, BudgetSpent), (4, type(None))])
def test_a_budget_that_is_spent_ends_a_scan_as_asked_unless_it_paid_for_nothing(requests: int, raised: Any) -> None:
    vendors = Vendors()

    async def scenario() -> tuple[AnalyticsError | None, Report]:
        records = scan(vendors.agora(), vendors.tencent(), over=WHOLE, depth="sessions", budget=Budget(requests))
        return (await outcome(records))[1], records.report

    error, report = run(scenario)
    assert raised is type(error)
    assert all("the budget" in told.stopped for told in report.vendors.values())
    assert 2 == report.stopped.count("the budget")


def test_a_complete_report_raises_nothing_and_an_unfinished_one_does() -> None:
    vendors = Vendors()

    async def scenario() -> Report:
        records = scan(vendors.agora(), over=WHOLE, depth="calls")
        with pytest.raises(IncompleteScan, match="did not come to its end"):
            records.report.raise_if_incomplete()
        await outcome(records)
        return records.report

    report = run(scenario)
    report.raise_if_incomplete()
    assert "" == report.stopped
