"""What the protocol checks for every provider: filters, whose rows they are, and what a vendor says against itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from agora_tencent_analytics.vendor import (
    AnyOf,
    BadInput,
    Bounds,
    Call,
    MetricSeries,
    Newest,
    Packet,
    Paginator,
    Param,
    Points,
    Provider,
    Session,
    Structure,
    TimeRange,
    Unpaged,
    join_series,
)
from tests.support.outside_vendor import (
    NEWEST,
    NOW,
    NUMBERED,
    OVER,
    OutsideProvider,
    OutsideVendor,
    call_rows,
    inside,
    listed,
    row,
    scanned,
)
from tests.support.virtual_time import run

ROWS = call_rows(range(OVER.start, OVER.start + 2_600, 10))
POINTS = Points(at="at", session="who", metrics={"rtt": "rtt"})
CALL = Call(vendor="toy", call_id="c1", created_ts=OVER.start, destroyed_ts=OVER.start + 60)


def newest(params: Mapping[str, str], *, reverse: bool = True, total: Any = None) -> dict[str, Any]:
    rows = sorted(inside(ROWS, params), key=lambda one: one["created_ts"], reverse=reverse)
    return {"rows": rows[:100], "total": len(rows) if total == "true" else total}


# -- totals, order, and what else an answer says against itself ------------------------------------------------


@pytest.mark.parametrize("total", [None, "true", 260])
def test_the_newest_rows_of_each_window_are_all_rows_where_order_and_total_agree(total: Any) -> None:
    calls, certificate = listed(OutsideProvider(lambda asked: newest(asked, total=total), paging=NEWEST))
    assert 260 == len({call.call_id for call in calls})
    assert "" == certificate.why


def test_a_vendor_that_lists_the_oldest_first_is_incomplete_though_it_tells_no_total() -> None:
    calls, certificate = listed(OutsideProvider(lambda asked: newest(asked, reverse=False), paging=NEWEST))
    assert len(calls) < 260
    assert "not in the order" in certificate.why


def test_an_order_that_is_declared_as_any_is_believed_and_the_total_says_what_is_missing() -> None:
    paging = Newest(most=100, at="created_ts", order="none")
    provider = OutsideProvider(lambda asked: newest(asked, reverse=False, total="true"), paging=paging)
    calls, certificate = listed(provider)
    assert 100 == len(calls)
    assert "the vendor counts 260 rows, and 100 came" in certificate.why


def test_the_newest_rows_may_be_listed_oldest_first_where_the_row_says_so() -> None:
    def answer(asked: Mapping[str, str]) -> Any:
        return {"rows": newest(asked)["rows"][::-1]}

    calls, certificate = listed(OutsideProvider(answer, paging=replace(NEWEST, order="oldest")))
    assert (260, True) == (len(calls), certificate.complete)


def test_rows_of_one_second_come_in_any_order_and_those_without_a_time_are_no_evidence() -> None:
    # c0 and c1 began in one second; of c9 the vendor does not know when.
    rows = call_rows([OVER.start + 50, OVER.start + 50, 0, OVER.start + 30])
    paging = Newest(most=4, at="created_ts")

    def answer(asked: Mapping[str, str]) -> Any:
        return {"rows": rows if int(asked["until"]) > OVER.start + 31 else rows[2:]}

    _, certificate = listed(OutsideProvider(answer, paging=paging))
    assert "not in the order" not in certificate.why


def test_the_size_of_an_answer_with_the_newest_rows_is_sent_and_may_be_less_than_the_most() -> None:
    paging = replace(NEWEST, size="limit")

    def answer(asked: Mapping[str, str]) -> Any:
        rows = sorted(inside(ROWS, asked), key=lambda one: one["created_ts"], reverse=True)
        return {"rows": rows[: int(asked["limit"])], "total": len(rows)}

    provider = OutsideProvider(answer, paging=paging)

    async def scenario() -> Any:
        listing = provider.calls(OVER, page_size=60)
        return len({call.call_id for call in await listing.collect()}), listing.certificate.why

    assert (260, "") == run(scenario)
    assert {"60"} == {asked["limit"] for asked in provider.server.asked}
    with pytest.raises(BadInput, match="from 1 to 100"):
        provider.calls(OVER, page_size=101)


@pytest.mark.parametrize("paging", [NEWEST, replace(NEWEST, total="hint"), Unpaged()])
def test_a_total_above_the_rows_that_came_makes_the_window_incomplete(paging: Any) -> None:
    rows = call_rows(range(OVER.start, OVER.start + 50))
    _, certificate = listed(OutsideProvider(lambda _: {"rows": rows[::-1], "total": 999}, paging=paging))
    assert "the vendor counts 999 rows, and 50 came" in certificate.why


@pytest.mark.parametrize("paging", [replace(NEWEST, total="none"), Unpaged(total="none"), Unpaged(total="page")])
def test_a_total_that_is_declared_to_count_something_else_is_disregarded(paging: Any) -> None:
    rows = call_rows(range(OVER.start, OVER.start + 50))
    _, certificate = listed(OutsideProvider(lambda _: {"rows": rows[::-1], "total": 999}, paging=paging))
    assert "" == certificate.why


def test_an_answer_in_one_piece_that_says_that_more_exists_is_incomplete() -> None:
    _, certificate = listed(OutsideProvider(lambda _: {"rows": ROWS[:2], "has_more": True}, paging=Unpaged()))
    assert "more exists, in an answer without pages" in certificate.why


def test_a_total_outlives_a_cursor() -> None:
    provider = OutsideProvider(lambda asked: newest(asked, total=999 if int(asked["until"]) == OVER.end else None))
    provider.calls_row = row("calls", Call, NEWEST)

    async def scenario() -> Any:
        page = await anext(provider.calls(OVER).pages())
        rest = provider.calls(OVER, cursor=page.cursor)
        found = len(page.items) + len(await rest.collect())
        return found, rest.certificate.why

    found, why = run(scenario)
    assert 260 == found
    assert "the vendor counts 999 rows, and 260 came" in why


# -- filters and whose rows they are ---------------------------------------------------------------------------


def test_a_channel_filter_that_nobody_applies_is_applied_and_counted() -> None:
    rows = call_rows(range(OVER.start, OVER.start + 40), channel="a") + [
        {**one, "call_id": f"b{place}", "channel": "b"}
        for place, one in enumerate(call_rows(range(OVER.start, OVER.start + 5)))
    ]
    provider = OutsideProvider(lambda _: {"rows": rows, "total": len(rows)})

    async def scenario() -> Any:
        listing = provider.calls(OVER, channel="b")
        pages = [page async for page in listing.pages()]
        return [call.call_id for page in pages for call in page.items], listing.certificate

    found, certificate = run(scenario)
    assert [f"b{place}" for place in range(5)] == found
    assert (40, True) == (certificate.strange, certificate.complete)
    records, report = scanned(OutsideProvider(lambda _: {"rows": rows, "total": 45}), channel="b", depth="calls")
    assert {"b"} == {record.call.channel for record in records}
    assert 40 == report.vendors["toy"].strange_dropped


def test_a_listing_that_shows_other_channels_alone_is_incomplete() -> None:
    rows = call_rows(range(OVER.start, OVER.start + 4), channel="A")

    async def scenario() -> Any:
        listing = OutsideProvider(lambda _: {"rows": rows, "total": 4}).calls(OVER, channel="a")
        return await listing.collect(), listing.certificate.why

    found, why = run(scenario)
    assert [] == found
    assert "4 rows came, but not calls of channel 'a'" in why


def sessions(*users: str, call_id: str = "c1") -> list[dict[str, Any]]:
    return [
        {"vendor": "toy", "call_id": call_id, "session_id": f"{call_id}-{user}", "user_id": user, "join_ts": OVER.start}
        for user in users
    ]


def test_sessions_of_other_users_and_of_other_calls_are_left_out_and_counted() -> None:
    rows = sessions("ann", "bob", "cy") + sessions("ann", call_id="c2")

    async def scenario() -> Any:
        listing = OutsideProvider(lambda _: {"rows": rows, "total": 4}).sessions(CALL, users=["ann"])
        return [one.session_id for one in await listing.collect()], listing.certificate.strange

    assert (["c1-ann"], 3) == run(scenario)


def test_sessions_of_a_vendor_that_takes_no_range_are_of_the_part_that_was_asked_for() -> None:
    rows = [{**one, "join_ts": OVER.start + 20 * at} for at, one in enumerate(sessions("ann", "bob", "cy"))]
    people = row("people", Session, Unpaged(), bounds=Bounds())

    async def scenario() -> Any:
        provider = OutsideProvider(lambda _: {"rows": rows}, sessions_row=people)
        listing = provider.sessions(CALL, over=TimeRange(OVER.start, OVER.start + 40))
        return [one.user_id for one in await listing.collect()], listing.certificate

    found, certificate = run(scenario)
    assert ["ann", "bob"] == found
    assert (True, 1) == (certificate.complete, certificate.strange)


def test_a_sample_of_rows_that_have_no_time_is_narrowed_all_the_same() -> None:
    calls, certificate = listed(OutsideProvider(newest, paging=AnyOf(most=100, at="")))
    assert (260, "") == (len({call.call_id for call in calls}), certificate.why)


@pytest.mark.parametrize("bounds", [Bounds(), Bounds(start="from"), Bounds(start="from", end="to", form="day")])
def test_points_of_a_vendor_that_takes_no_such_range_are_of_the_part_that_was_asked_for(bounds: Bounds) -> None:
    about: dict[str, Any] = {"params": (Param(name="call_id"),), "given": {"call_id": "call_id"}, "bounds": bounds}
    logs = row("logs", MetricSeries, Unpaged(), points=POINTS, key=(), **about)
    spans = {"ann": range(50), "bob": range(10, 30), "cy": range(40, 50)}
    rows = [{"at": OVER.start + at, "who": f"c1-{who}", "rtt": 7} for who, span in spans.items() for at in span]

    class Metered(OutsideProvider):
        def metrics(self, call: Call, sessions: Any, **options: Any) -> Paginator[MetricSeries]:
            packet = Packet(params={"call_id": call.call_id}, sessions=list(sessions))
            return self.ask_about(logs, call, [packet], merge=join_series, **options)

    async def scenario() -> Any:
        provider = Metered(lambda _: {"rows": [*rows]})
        whose = [
            Session(vendor="toy", call_id="c1", session_id=f"c1-{who}", user_id=who, join_ts=OVER.start)
            for who in spans
        ]
        listing, whole = provider.metrics(CALL, whose, over=part), await provider.metrics(CALL, whose)
        asked = await provider.ask(logs, part, call_id="c1")
        return await listing.collect(), whole, asked, listing.certificate

    part = TimeRange(OVER.start + 20, OVER.start + 40)
    found, whole, asked, certificate = run(scenario)
    assert {"c1-ann": 50, "c1-bob": 20, "c1-cy": 10} == {one.session_id: len(one) for one in whole}
    for series in (found, asked):
        assert {"c1-ann": 20, "c1-bob": 10} == {one.session_id: len(one) for one in series}
        assert all(at in part for one in series for at in one.times)
    assert (True, 1) == (certificate.complete, certificate.strange)


def test_series_of_sessions_that_another_packet_asks_for_come_once() -> None:
    logs = row(
        "logs",
        MetricSeries,
        Unpaged(),
        params=(Param(name="call_id"), Param(name="who", kind="list")),
        given={"call_id": "call_id"},
        points=POINTS,
        key=(),
    )

    class Metered(OutsideProvider):
        def metrics(self, call: Call, sessions: Any, **options: Any) -> Paginator[MetricSeries]:
            packets = [
                Packet(params={"call_id": call.call_id, "who": [one.user_id]}, sessions=[one]) for one in sessions
            ]
            return self.ask_about(logs, call, packets, merge=join_series)

    rows = [{"at": OVER.start + 5, "who": f"c1-{who}", "rtt": 7} for who in ("ann", "bob")]
    people = Structure().rows([{**one, "leave_ts": OVER.start + 50} for one in sessions("ann", "bob")], Session)

    async def scenario() -> Any:
        listing = Metered(lambda _: {"rows": rows}, vendor=OutsideVendor()).metrics(CALL, people)
        return [one.session_id for one in await listing.collect()], listing.certificate

    found, certificate = run(scenario)
    assert ["c1-ann", "c1-bob"] == found
    assert (True, 2) == (certificate.complete, certificate.strange)


@pytest.mark.parametrize("bounds", [Bounds(), Bounds(start="since", end="until", form="day")])
def test_a_channel_without_calls_in_the_range_is_not_one_that_the_vendor_spells_otherwise(bounds: Any) -> None:
    rows = call_rows([OVER.start - 600], channel="a")
    calls_row = row("calls", Call, NUMBERED, bounds=bounds)

    async def scenario() -> Any:
        listing = OutsideProvider(lambda _: {"rows": rows, "total": 1}, calls_row=calls_row).calls(OVER, channel="a")
        return await listing.collect(), listing.certificate

    found, certificate = run(scenario)
    assert ([], "", 1) == (found, certificate.why, certificate.strange)


def test_calls_that_begin_after_the_range_were_not_asked_for_whatever_the_vendor_shows() -> None:
    rows = call_rows([OVER.start, OVER.end - 1, OVER.end + 30, OVER.end + 61])
    calls, certificate = listed(OutsideProvider(lambda _: {"rows": rows, "total": 4}))
    assert ["c0", "c1", "c2"] == [call.call_id for call in calls]
    assert ("", 1) == (certificate.why, certificate.strange)


def test_user_ids_that_are_numbers_are_compared_as_text_and_signs_are_what_phones_make_of_them() -> None:
    rows = sessions("7", "2999999999")
    provider = OutsideProvider(lambda _: {"rows": rows, "total": 2})

    async def scenario() -> Any:
        return [one.user_id for one in await provider.sessions(CALL, users=[7, "-1294967297"]).collect()]  # type: ignore[list-item]

    assert ["7", "2999999999"] == run(scenario)


@pytest.mark.parametrize(
    "call",
    [
        attrs.evolve(CALL, vendor="agora"),
        attrs.evolve(CALL, created_ts=1.5),  # type: ignore[arg-type]
        attrs.evolve(CALL, created_ts=None),  # type: ignore[arg-type]
        "c1",
    ],
)
def test_a_call_that_is_not_this_vendors_or_has_no_time_is_refused_before_anything_is_sent(call: Any) -> None:
    provider = OutsideProvider(lambda _: {})
    with pytest.raises(BadInput):
        provider.sessions(call)
    assert [] == provider.server.asked


@pytest.mark.parametrize("users", ["ann", b"ann", 7])
def test_what_is_no_list_of_users_is_refused(users: Any) -> None:
    with pytest.raises(BadInput, match="users must be a list"):
        OutsideProvider(lambda _: {}).sessions(CALL, users=users)


def test_a_generator_of_users_is_read_once() -> None:
    provider = OutsideProvider(lambda _: {"rows": sessions("ann", "bob"), "total": 2})
    named: Any = (user for user in ("ann",))

    async def scenario() -> Any:
        return [one.user_id for one in await provider.sessions(CALL, users=named).collect()]

    assert ["ann"] == run(scenario)


def test_an_answer_that_is_not_a_paginator_is_told_so() -> None:
    class Careless(OutsideProvider):
        def sessions(self, call: Call, **options: Any) -> Any:
            return [Session(vendor="toy", call_id="c1", session_id="s", join_ts=NOW)]

    with pytest.raises(TypeError, match="a provider answers with a Paginator"):
        Careless(lambda _: {}).sessions(CALL)


def test_a_promise_is_put_around_what_a_class_answers_itself_and_keeps_its_name_and_words() -> None:
    assert "sessions" == OutsideProvider.sessions.__name__

    class Worded(OutsideProvider):
        def calls(self, over: Any, **options: Any) -> Paginator[Call]:
            """The calls of the toy."""
            return super().calls(over, **options)

    assert "The calls of the toy." == Worded.calls.__doc__
    assert Provider.metrics is OutsideProvider.metrics


def test_a_scan_over_a_part_of_time_reads_the_rest_of_the_protocol_as_before() -> None:
    def answer(asked: Mapping[str, str]) -> Any:
        if asked["path"] == "/calls":
            return {"rows": ROWS[:3], "total": 3}
        return {"rows": sessions("ann", "bob", call_id=asked["call_id"]), "total": 2}

    records, report = scanned(
        OutsideProvider(answer), TimeRange(OVER.start, OVER.start + 60), users=["bob"], depth="sessions"
    )
    assert report.complete, report
    assert ["c0-bob", "c1-bob", "c2-bob"] == sorted(one.session_id for record in records for one in record.sessions)
