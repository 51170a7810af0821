"""Sessions that stand in the rows of their calls: read from there, asked for where that is not enough, or doubted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Call, Ledger, Paginator, Provider, Session, TimeRange, Unpaged, scan
from tests.support.outside_vendor import OVER, OutsideProvider, PlainVendor, call_rows, row, scanned
from tests.support.virtual_time import run

PEOPLE = ("ann", "bob", "cy")


def person(call_id: str, name: str, at: int) -> dict[str, Any]:
    return {"session_id": f"{call_id}-{name}", "user_id": name, "join_ts": at, "leave_ts": at + 5}


def with_people(rows: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return [
        {**one, "people": [person(one["call_id"], name, one["created_ts"]) for name in PEOPLE], **more} for one in rows
    ]


ROWS = with_people(call_rows(range(OVER.start, OVER.start + 60, 2)))


class Holding(OutsideProvider):
    """Sessions stand in the rows, and in no other place."""


Holding.sessions = Provider.sessions  # type: ignore[method-assign]


def provider(rows: Any = ROWS, kind: type[OutsideProvider] = Holding, **columns: Any) -> OutsideProvider:
    calls = row("calls", Call, Unpaged(), sessions_key="people", **columns)

    def answer(asked: Mapping[str, str]) -> Any:
        if asked["path"] != "/calls":
            return {
                "rows": [{"call_id": asked["call_id"], "session_id": "asked", "user_id": "ann", "join_ts": OVER.start}]
            }
        since, until = int(asked["since"]), int(asked["until"])
        return {"rows": [one for one in rows if since <= one["created_ts"] < until]}

    people = row("people", Session, Unpaged())
    return kind(answer, vendor=PlainVendor(), calls_row=calls, sessions_row=people)


def names(records: Any) -> list[str]:
    return sorted(session.session_id for record in records for session in record.sessions)


EVERYBODY = sorted(f"c{place}-{name}" for place in range(30) for name in PEOPLE)


@pytest.mark.parametrize("kind", [Holding, OutsideProvider])
def test_a_scan_reads_sessions_from_the_rows_of_their_calls_without_a_request(kind: Any) -> None:
    vendor = provider(kind=kind)
    records, report = scanned(vendor, depth="sessions")
    assert EVERYBODY == names(records)
    assert report.complete, report
    assert 1 == len(vendor.server.asked) == report.vendors["toy"].requests


def test_a_forecast_knows_that_they_cost_nothing() -> None:
    vendor = provider()

    async def scenario() -> Any:
        return await scan.forecast(vendor, over=OVER, depth="sessions")

    forecast = run(scenario)
    assert ["calls"] == [one.counter for one in forecast.vendors["toy"].rows]
    assert 1 == forecast.vendors["toy"].requests.likely


def listed_call(vendor: OutsideProvider, call_id: str = "c1") -> Call:
    async def scenario() -> Call:
        return next(call for call in await vendor.calls(OVER).collect() if call.call_id == call_id)

    return run(scenario)


def sessions(vendor: OutsideProvider, call: Call, **options: Any) -> tuple[list[str], Any]:
    async def scenario() -> tuple[list[str], Any]:
        listing = vendor.sessions(call, **options)
        return [one.session_id for one in await listing.collect()], listing.certificate

    return run(scenario)


def test_users_range_and_cursor_hold_for_sessions_at_hand_too() -> None:
    vendor = provider()
    call = listed_call(vendor)
    assert (["c1-bob"], "") == (sessions(vendor, call, users=["bob"])[0], sessions(vendor, call, users=["bob"])[1].why)
    assert [] == sessions(vendor, call, over=TimeRange(call.created_ts + 6, call.created_ts + 9))[0]

    async def scenario() -> Any:
        (page,) = [page async for page in vendor.sessions(call).pages()]
        return len(page.items), await vendor.sessions(call, cursor=page.cursor).collect()

    assert (3, []) == run(scenario)
    assert 1 == len(vendor.server.asked)


def test_a_call_that_still_runs_is_asked_about_where_there_is_an_endpoint_and_else_doubted() -> None:
    running = with_people(call_rows([OVER.start]), finished=False, destroyed_ts=None)
    asked = provider(running, OutsideProvider)
    assert ["asked"] == sessions(asked, listed_call(asked, "c0"))[0]
    alone = provider(running)
    found, certificate = sessions(alone, listed_call(alone, "c0"))
    assert 3 == len(found)
    assert "still runs" in certificate.why


def test_a_row_that_holds_fewer_than_it_counts_is_not_believed() -> None:
    rows = with_people(call_rows([OVER.start]), accumulated_users=4)
    asked = provider(rows, OutsideProvider, sessions_count="accumulated_users")
    found, certificate = sessions(asked, listed_call(asked, "c0"))
    assert (["asked"], "sessions of call c0: 4 are counted, and 1 came") == (found, certificate.why)
    assert certificate.why in scanned(asked, depth="sessions")[1].vendors["toy"].doubts[0]
    for part in ({"users": ["ann"]}, {"over": TimeRange(OVER.start, OVER.start + 5)}):
        assert "" == sessions(asked, listed_call(asked, "c0"), **part)[1].why
    alone = provider(rows, sessions_count="accumulated_users")
    found, certificate = sessions(alone, listed_call(alone, "c0"))
    assert [] == found
    assert "but not the row of call c0 with its sessions" in certificate.why


def test_a_session_that_stands_there_twice_comes_once_and_an_id_of_two_sessions_is_not_believed() -> None:
    (twice,) = with_people(call_rows([OVER.start]))
    vendor = provider([{**twice, "people": [*twice["people"], *twice["people"]]}])
    assert ["c0-ann", "c0-bob", "c0-cy"] == sessions(vendor, listed_call(vendor, "c0"))[0]
    rows = [{**twice, "people": [{**one, "session_id": "same"} for one in twice["people"]]}]
    asked, alone = provider(rows, OutsideProvider), provider(rows)
    assert ["asked"] == sessions(asked, listed_call(asked, "c0"))[0]
    assert "but not the row of call c0 with its sessions" in sessions(alone, listed_call(alone, "c0"))[1].why


@pytest.mark.parametrize("people", [None, "many", [{"session_id": "s"}], [5]])
def test_a_row_whose_sessions_cannot_be_read_costs_them_and_not_the_call(people: Any) -> None:
    rows = [{**call_rows([OVER.start])[0], "people": people}]
    vendor = provider(rows, OutsideProvider)
    assert ["asked"] == sessions(vendor, listed_call(vendor, "c0"))[0]


def test_a_call_known_by_its_fields_alone_has_its_row_read_again() -> None:
    vendor = provider()
    call = attrs.evolve(listed_call(vendor, "c7"))
    assert None is call.held_sessions
    assert ["c7-ann"] == sessions(vendor, call, users=["ann"])[0]
    gone = attrs.evolve(call, call_id="gone")
    found, certificate = sessions(vendor, gone)
    assert [] == found
    assert "call gone" in certificate.why


@pytest.mark.parametrize("kind", [Holding, OutsideProvider])
def test_sessions_that_were_held_are_no_part_of_a_record_and_enter_no_ledger(kind: Any, tmp_path: Path) -> None:
    first = provider(kind=kind)
    call = listed_call(first)
    assert call == attrs.evolve(call)
    assert "_held_sessions" not in attrs.asdict(call)

    async def some(vendor: OutsideProvider, most: int) -> list[Any]:
        found = []
        with Ledger(tmp_path / "ledger") as ledger:
            async with scan(vendor, over=OVER, depth="sessions", ledger=ledger, acknowledge="by hand") as records:
                async for record in records:
                    records.acknowledge(record)
                    found.append(record)
                    if len(found) == most:
                        break
        return found

    begun = run(lambda: some(first, 10))
    second = provider(kind=kind)
    rest = run(lambda: some(second, 1_000))
    assert EVERYBODY == names([*begun, *rest])
    assert ["/calls"] == [asked["path"] for asked in second.server.asked], "their page is read again, once for all"
    assert b"bob" not in (tmp_path / "ledger").read_bytes()


def test_without_a_declaration_nothing_is_offered() -> None:
    plain = Holding(lambda _: {"rows": []})
    assert isinstance(provider().sessions(Call(vendor="toy", call_id="-", created_ts=1)), Paginator)
    with pytest.raises(Exception, match="does not answer 'sessions'"):
        plain.sessions(Call(vendor="toy", call_id="-", created_ts=1))


def test_a_doubt_about_sessions_whose_page_a_ledger_has_read_again_is_told(tmp_path: Path) -> None:
    async def read(vendor: OutsideProvider, *, leave: bool) -> Any:
        async with scan(vendor, over=OVER, depth="sessions", ledger=tmp_path / "ledger") as records:
            async for _ in records:
                if leave:
                    break
            return records.report

    run(lambda: read(provider(), leave=True))
    spoilt = [{**one, "people": [{**person, "leave_ts": "soon"} for person in one["people"]]} for one in ROWS]
    report = run(lambda: read(provider(spoilt), leave=False))
    assert len(EVERYBODY) == report.vendors["toy"].sessions
    assert not report.complete
    assert any("'leave_ts' cannot be read as it was sent" in doubt for doubt in report.vendors["toy"].doubts)
