"""Listings whose pages are tokens, links, last rows or offsets: read to the end, resumed elsewhere, never for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from agora_tencent_analytics import BadInput, Bounds, Call, NextPage, PageNumber, Response, TimeRange
from tests.support.outside_vendor import NOW, OVER, Answer, OutsideProvider, call_rows, listed, row, scanned
from tests.support.outside_vendor import PlainVendor as Vendor
from tests.support.virtual_time import run

ROWS = call_rows(range(OVER.start, OVER.start + 260))[::-1]
TOKEN = NextPage(send="after", size="limit")
LINK = NextPage(size="limit")


def provider(answer: Answer, paging: Any = TOKEN, **columns: Any) -> OutsideProvider:
    calls = row("calls", Call, paging, total_key="meta.total", more_key="meta.more", next_key="meta.next", **columns)
    return OutsideProvider(answer, vendor=Vendor(), calls_row=calls)


def tokens(asked: Mapping[str, str], rows: Any = ROWS) -> dict[str, Any]:
    at, size = int(asked.get("after", "t0")[1:]), int(asked["limit"])
    onward = f"t{at + size}" if at + size < len(rows) else None
    return {"rows": rows[at : at + size], "meta": {"total": len(rows), "next": onward}}


def links(asked: Mapping[str, str]) -> dict[str, Any]:
    at, size = int(asked.get("Page", "0")) * int(asked["limit"]), int(asked["limit"])
    query = f"limit=1&since=5&until=6&Page={at // size + 1}&PageToken=PA%2F{at}&api_key=k-1-is-a-secret"
    onward = f"http://elsewhere.test/other?{query}" if at + size < len(ROWS) else ""
    return {"rows": ROWS[at : at + size], "meta": {"next": onward}}


def headers(asked: Mapping[str, str]) -> Response:
    page = links(asked)
    first, onward = '<http://elsewhere.test/?Page=0>; rel="first next-but-one"; title="next"', page["meta"]["next"]
    link = f'{first}, <{onward}>; title="more"; rel="prefetch Next"' if onward else first
    return Response(status=200, headers={"link": link}, body=json.dumps({"rows": page["rows"]}).encode())


def last_rows(asked: Mapping[str, str]) -> dict[str, Any]:
    ids = [one["call_id"] for one in ROWS]
    at = ids.index(asked["after"]) + 1 if "after" in asked else 0
    return {"rows": ROWS[at : at + int(asked["limit"])], "meta": {"total": len(ROWS)}}


def offsets(asked: Mapping[str, str]) -> dict[str, Any]:
    at = int(asked["offset"])
    return {"rows": ROWS[at : at + int(asked["limit"])], "meta": {"total": len(ROWS)}}


OFFSET = PageNumber(number="offset", size="limit", base=0, total="listing", offset=True)
HEADER = NextPage(size="limit", header=True)
WAYS = [
    (tokens, TOKEN),
    (links, LINK),
    (headers, HEADER),
    (last_rows, msgspec.structs.replace(TOKEN, last=True)),
    (offsets, OFFSET),
]


@pytest.mark.parametrize(("answer", "paging"), WAYS)
def test_every_way_of_paging_reads_every_row_in_as_few_requests_as_there_are_pages(answer: Any, paging: Any) -> None:
    vendor = provider(answer, paging)
    calls, certificate = listed(vendor)
    assert 260 == len({call.call_id for call in calls})
    assert "" == certificate.why
    assert 3 == len(vendor.server.asked)


@pytest.mark.parametrize(("answer", "paging"), WAYS)
def test_another_process_goes_on_from_a_cursor_without_the_pages_before_it(answer: Any, paging: Any) -> None:
    first, second = provider(answer, paging), provider(answer, paging)

    async def scenario() -> Any:
        page = await anext(first.calls(OVER).pages())
        rest = second.calls(OVER, cursor=page.cursor)
        return [*page.items, *await rest.collect()], rest.certificate.why

    calls, why = run(scenario)
    assert [one["call_id"] for one in ROWS] == [call.call_id for call in calls]
    assert ("", 2) == (why, len(second.server.asked))


def test_of_a_link_only_what_we_do_not_send_is_kept_and_neither_host_nor_secret() -> None:
    vendor = provider(links, LINK)
    listed(vendor)
    second = vendor.server.asked[1]
    assert {"path", "since", "until", "limit", "Page", "PageToken", "api_key"} == second.keys()
    assert ("100", str(OVER.start), "1", "PA/0") == tuple(
        second[name] for name in ("limit", "since", "Page", "PageToken")
    )


def test_a_secret_in_a_link_is_not_sent_back_and_stands_in_no_cursor() -> None:
    class Keyed(OutsideProvider):
        pass

    vendor = provider(links, LINK)
    vendor._caller.credentials = _key("k-1-is-a-secret")

    async def scenario() -> Any:
        page = await anext(vendor.calls(OVER).pages())
        return page._place.token

    assert "Page=1&PageToken=PA%2F0" == run(scenario)


def _key(key: str) -> Any:
    async def give() -> str:
        return key

    return give


@pytest.mark.parametrize(
    "onward",
    [lambda asked: "t0", lambda asked: asked.get("after", "t1")],
    ids=["a token for ever", "its own token"],
)
def test_a_token_that_comes_again_with_nothing_new_is_a_loop(onward: Any) -> None:
    vendor = provider(lambda asked: {"rows": ROWS[:5], "meta": {"next": onward(asked)}})
    calls, certificate = listed(vendor)
    assert 5 == len(calls)
    assert "read before" in certificate.why
    assert len(vendor.server.asked) <= 4


def test_a_link_to_the_first_page_is_a_loop() -> None:
    vendor = provider(lambda _: {"rows": ROWS[:5], "meta": {"next": "https://toy.test/calls?limit=100"}}, LINK)
    assert "read before" in listed(vendor)[1].why


def test_one_token_for_all_pages_is_followed_as_long_as_they_bring_something() -> None:
    pages = [ROWS[:100], ROWS[100:200], ROWS[200:]]

    def answer(asked: Mapping[str, str]) -> Any:
        rows = pages.pop(0)
        return {"rows": rows, "meta": {"next": "scroll" if pages else False}}

    calls, certificate = listed(provider(answer))
    assert (260, "") == (len(calls), certificate.why)


def test_an_empty_page_amid_is_not_the_end() -> None:
    def answer(asked: Mapping[str, str]) -> Any:
        said = tokens(asked)
        return {**said, "rows": []} if asked.get("after") == "t100" else said

    certificate = listed(provider(answer))[1]
    assert "the vendor counts 260 rows, and 160 came" in certificate.why


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"total": 999}, "the vendor counts 999 rows, and 260 came"),
        ({"more": True}, "the pages ended while the vendor says that more exists"),
    ],
)
def test_what_the_last_page_says_against_the_end_makes_the_window_incomplete(meta: Any, why: str) -> None:
    def answer(asked: Mapping[str, str]) -> Any:
        said = tokens(asked)
        return {**said, "meta": {**said["meta"], **meta}}

    assert why in listed(provider(answer))[1].why


@pytest.mark.parametrize(
    ("rows", "total", "why"), [(100, "listing", "counts 7 rows, and 100 came"), (99, "listing", ""), (100, "hint", "")]
)
def test_a_full_last_page_is_not_believed_to_be_the_last_after_more_than_the_vendor_counts(
    rows: int, total: Any, why: str
) -> None:
    said = {"rows": ROWS[:rows], "meta": {"total": 7}}
    calls, certificate = listed(provider(lambda _: said, NextPage(send="after", size="limit", total=total)))
    assert rows == len(calls)
    assert why in certificate.why
    assert bool(why) == bool(certificate.why)


def refused(code: str) -> Response:
    return Response(status=400, headers={}, body=b'{"code": "%s", "message": "expired"}' % code.encode())


@pytest.mark.parametrize("said", ["300", 300])
def test_a_token_that_the_vendor_forgot_costs_one_more_reading_and_no_row(said: str | int) -> None:
    forgotten = ["t200"]

    def answer(asked: Mapping[str, str]) -> Any:
        if asked.get("after") in forgotten:
            forgotten.clear()
            return refused("300")
        return tokens(asked)

    vendor = provider(answer, msgspec.structs.replace(TOKEN, refused=(said,)))
    calls, certificate = listed(vendor)
    assert (260, 260, "") == (len(calls), certificate.unique, certificate.why)
    assert 6 == len(vendor.server.asked)


def test_a_token_that_the_vendor_never_knows_ends_the_window_as_incomplete() -> None:
    def answer(asked: Mapping[str, str]) -> Any:
        return refused("expired_token") if "after" in asked else tokens(asked)

    calls, certificate = listed(provider(answer, msgspec.structs.replace(TOKEN, refused=("expired_token",))))
    assert 100 == len(calls)
    assert "refuses its own token" in certificate.why


def test_a_total_that_moves_is_drift_and_the_window_is_read_once_more() -> None:
    def answer(asked: Mapping[str, str]) -> Any:
        return tokens(asked, ROWS if len(vendor.server.asked) > 1 else ROWS[1:])

    vendor = provider(answer)
    calls, certificate = listed(vendor)
    assert (260, "") == (len({call.call_id for call in calls}), certificate.why)
    assert len(vendor.server.asked) > 3


def test_rows_that_come_meanwhile_into_the_recent_minutes_are_found() -> None:
    recent = TimeRange(NOW - 300, NOW - 5)
    rows = call_rows(range(recent.start, recent.start + 250))[::-1]

    def answer(asked: Mapping[str, str]) -> Any:
        late = {**rows[0], "call_id": "late"}
        return tokens(asked, rows if len(vendor.server.asked) <= 3 else [late, *rows])

    vendor = provider(answer)
    calls, certificate = listed(vendor, recent)
    assert ("", 251) == (certificate.why, len({call.call_id for call in calls}))


def test_of_whole_days_what_lies_outside_of_the_hours_asked_for_is_left_out() -> None:
    rows = call_rows(range(OVER.start - 300, OVER.end + 300, 100))
    vendor = provider(lambda asked: tokens(asked, rows), bounds=Bounds(start="since", end="until", form="day"))
    calls, certificate = listed(vendor)
    assert [
        one["call_id"] for one in rows if OVER.start <= one["created_ts"] + 10 and one["created_ts"] < OVER.end
    ] == [call.call_id for call in calls]
    assert (True, len(rows) - len(calls)) == (certificate.complete, certificate.strange)
    assert {"2026-09-21"} == {asked["since"] for asked in vendor.server.asked}


def test_a_listing_without_a_time_range_is_one_window_and_what_lies_outside_is_left_out() -> None:
    rows = call_rows(range(OVER.start - 50, OVER.end + 50, 10))
    vendor = provider(lambda asked: tokens(asked, rows), bounds=Bounds())
    calls, certificate = listed(vendor)
    assert [
        one["call_id"] for one in rows if OVER.start <= one["created_ts"] + 10 and one["created_ts"] < OVER.end
    ] == [call.call_id for call in calls]
    assert ("", 1, len(rows) - len(calls)) == (certificate.why, len(certificate.windows), certificate.strange)
    assert {"path", "limit"} == vendor.server.asked[0].keys()
    assert 1 + (len(rows) - 1) // 100 == len(vendor.server.asked)


def test_a_range_as_long_as_the_history_is_not_cut_where_the_vendor_takes_none() -> None:
    vendor = provider(lambda asked: tokens(asked, ROWS), bounds=Bounds())
    _, report = scanned(vendor, TimeRange(NOW - 20 * 86_400, NOW - 3_600), depth="calls")
    assert report.complete, report
    assert 3 == len(vendor.server.asked)


def test_the_page_size_is_checked_where_it_is_sent() -> None:
    vendor = provider(tokens)
    with pytest.raises(BadInput, match="from 1 to 100"):
        vendor.calls(OVER, page_size=101)
    assert 26 == len(listed_by(vendor, 10))


def listed_by(vendor: OutsideProvider, size: int) -> list[dict[str, str]]:
    async def scenario() -> None:
        await vendor.calls(OVER, page_size=size).collect()

    run(scenario)
    return vendor.server.asked
