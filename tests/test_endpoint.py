"""Rows of both vendors: what they refuse, and how they are spelt on the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agora_tencent_analytics.agora import endpoints as agora
from agora_tencent_analytics.agora.plans import PLANS as AGORA_PLANS
from agora_tencent_analytics.endpoint import Endpoint, PageNumber, Unpaged, check_params, page_size, spell
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.tencent import endpoints as tencent
from agora_tencent_analytics.tencent.plans import PLANS as TENCENT_PLANS
from agora_tencent_analytics.timerange import TimeRange
from tests.support.in_turn import in_turn

OVER = TimeRange(1_590_065_777, 1_590_065_877)
ROWS: list[Endpoint[Any]] = [
    agora.CALL_LISTS_2024,
    agora.CALL_SESSIONS_2024,
    agora.CALL_METRICS_2024,
    tencent.ROOM_INFO,
    tencent.USER_INFO,
    tencent.CALL_DETAIL_METRICS,
    tencent.CALL_DETAIL,
    tencent.CALL_DETAIL_METRICS_2021,
    tencent.CALL_DETAIL_2021,
    tencent.CALL_DETAIL_OF_USERS_2021,
]
PLANS = {"agora": AGORA_PLANS["enterprise"], "tencent": TENCENT_PLANS["flagship"]}
all_rows = in_turn("row", ROWS)


def needed(row: Endpoint[Any]) -> dict[str, Any]:
    one = {param.name: param.values[0] if param.values else "x" for param in row.params if param.required}
    return one | {param.name: [one[param.name]] for param in row.params if param.kind == "list" and param.name in one}


@all_rows
def test_a_row_says_where_it_was_read_and_its_plan_knows_its_limits(row: Endpoint[Any]) -> None:
    assert row.source.startswith("https://")
    assert 10 == len(row.read_on)
    assert row.limits in PLANS[row.vendor].rows
    assert isinstance(row.paging, Unpaged) == (row.name == "call/metrics")
    assert row.bounds.strict == (row.vendor == "agora" or row is tencent.CALL_DETAIL_METRICS)


@all_rows
def test_an_unknown_parameter_is_refused_with_the_known_ones(row: Endpoint[Any]) -> None:
    with pytest.raises(BadInput, match=f"no parameter 'nonsense'; it takes {row.params[0].name}"):
        check_params(row, {**needed(row), "nonsense": None})


@all_rows
def test_a_missing_parameter_is_named(row: Endpoint[Any]) -> None:
    for name in needed(row):
        others = {key: value for key, value in needed(row).items() if key != name}
        for given in (others, {**others, name: None}):
            with pytest.raises(BadInput, match=f"needs the parameter '{name}'"):
                check_params(row, given)


@all_rows
def test_none_means_not_set_and_never_travels(row: Endpoint[Any]) -> None:
    checked = check_params(row, {**{param.name: None for param in row.params}, **needed(row)})
    assert needed(row) == checked
    assert None not in spell(row, 1, OVER, checked, page=0, size=6).values()


WRONG: list[tuple[Endpoint[Any], str, Any, str]] = [
    (agora.CALL_LISTS_2024, "cname", "", "non-empty text"),
    (agora.CALL_LISTS_2024, "cname", ["a"], "non-empty text"),
    (agora.CALL_LISTS_2024, "cname", True, "non-empty text"),
    (agora.CALL_LISTS_2024, "cname", b"a", "non-empty text"),
    (agora.CALL_LISTS_2024, "cname", 1.5, "non-empty text"),
    (agora.CALL_LISTS_2024, "cname", "\ud800", "half a character"),
    (agora.CALL_SESSIONS_2024, "uids", "10001", "list of texts, not str"),
    (agora.CALL_SESSIONS_2024, "uids", 10001, "list of texts, not int"),
    (agora.CALL_SESSIONS_2024, "uids", {"10001": 1}, "list of texts, not dict"),
    (agora.CALL_SESSIONS_2024, "uids", [], "empty list"),
    (agora.CALL_SESSIONS_2024, "uids", [""], "non-empty text"),
    (agora.CALL_SESSIONS_2024, "uids", [None], "non-empty text"),
    (agora.CALL_SESSIONS_2024, "uids", list(range(11)), "at most 10 items in a request, not 11"),
    (agora.CALL_SESSIONS_2024, "uids", ["a,b"], "comma"),
    (agora.CALL_SESSIONS_2024, "exclude_server_user", 0, "True or False"),
    (agora.CALL_SESSIONS_2024, "exclude_server_user", "true", "True or False"),
    (agora.CALL_METRICS_2024, "sids", [f"s{n}" for n in range(21)], "at most 20 items in a request, not 21"),
    (tencent.USER_INFO, "UserIds", [str(n) for n in range(101)], "at most 100"),
    (tencent.CALL_DETAIL, "UserIds", [str(n) for n in range(101)], "at most 100"),
    (tencent.CALL_DETAIL_METRICS, "UserIds", [str(n) for n in range(7)], "at most 6"),
    (tencent.CALL_DETAIL_METRICS_2021, "UserIds", [str(n) for n in range(7)], "at most 6"),
]


@in_turn(("row", "name", "value", "told"), WRONG)
def test_a_wrong_value_is_refused_with_row_and_parameter(row: Endpoint[Any], name: str, value: Any, told: str) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        check_params(row, {**needed(row), name: value})
    assert str(caught.value).startswith(f"{row.name}: {name}")


@pytest.mark.parametrize(
    "make",
    [list, tuple, iter, lambda ids: (one for one in ids)],
    ids=["list", "tuple", "iterator", "generator"],
)
def test_the_most_ids_may_come_in_any_sequence_as_numbers_or_text(make: Callable[[Any], Any]) -> None:
    asked = {**needed(agora.CALL_SESSIONS_2024), "uids": make([1, "2", *range(3, 11)])}
    assert [str(n) for n in range(1, 11)] == check_params(agora.CALL_SESSIONS_2024, asked)["uids"]


def test_a_comma_may_travel_where_lists_are_json() -> None:
    asked = {"CommId": "c", "UserIds": ["a,b"]}
    assert asked == check_params(tencent.USER_INFO, asked)


@pytest.mark.parametrize("wanted", [0, -1, 101, True, 1.0, "20"])
def test_a_page_size_out_of_bounds_is_refused(wanted: Any) -> None:
    for row, plan in ((agora.CALL_LISTS_2024, "agora"), (tencent.ROOM_INFO, "tencent")):
        with pytest.raises(BadInput, match="from 1 to 100"):
            page_size(row, PLANS[plan].rows[row.limits], wanted)


@all_rows
def test_pages_are_as_large_as_the_plan_allows_unless_told(row: Endpoint[Any]) -> None:
    limits = PLANS[row.vendor].rows[row.limits]
    if isinstance(row.paging, Unpaged):
        assert 0 == page_size(row, limits, None)
        with pytest.raises(BadInput, match="no pages"):
            page_size(row, limits, 20)
    else:
        assert limits.page_size == page_size(row, limits, None) == page_size(row, limits, limits.page_size)
        assert 1 == page_size(row, limits, 1)


WIRE: list[tuple[Endpoint[Any], Any, dict[str, Any], dict[str, Any]]] = [
    (
        agora.CALL_LISTS_2024,
        "app",
        {"cname": "room"},
        {"appid": "app", "start_ts": OVER.start, "end_ts": OVER.end, "cname": "room", "page_no": 2, "page_size": 6},
    ),
    (
        agora.CALL_SESSIONS_2024,
        "app",
        {"call_id": "c", "uids": [1, 2], "exclude_server_user": False},
        {
            "appid": "app",
            "start_ts": OVER.start,
            "end_ts": OVER.end,
            "call_id": "c",
            "uids": ["1", "2"],
            "exclude_server_user": False,
            "page_no": 2,
            "page_size": 6,
        },
    ),
    (
        agora.CALL_METRICS_2024,
        "app",
        {"call_id": "c", "sids": ("s",)},
        {"appid": "app", "start_ts": OVER.start, "end_ts": OVER.end, "call_id": "c", "sids": ["s"]},
    ),
    (
        tencent.ROOM_INFO,
        1400,
        {"RoomId": 223},
        {
            "SdkAppId": 1400,
            "StartTime": OVER.start,
            "EndTime": OVER.end,
            "RoomId": "223",
            "PageNumber": 2,
            "PageSize": 6,
        },
    ),
    (
        tencent.USER_INFO,
        1400,
        {"CommId": "c"},
        {"SdkAppId": 1400, "StartTime": OVER.start, "EndTime": OVER.end, "CommId": "c", "PageNumber": 2, "PageSize": 6},
    ),
    (
        tencent.CALL_DETAIL,
        1400,
        {"CommId": "c", "UserIds": ["u"]},
        {
            "SdkAppId": 1400,
            "StartTime": OVER.start,
            "EndTime": OVER.end,
            "CommId": "c",
            "UserIds": ["u"],
            "PageNumber": 2,
            "PageSize": 6,
        },
    ),
    (
        tencent.CALL_DETAIL_METRICS,
        1400,
        {"CommId": "c", "UserIds": ["u"], "DataType": ["all"]},
        {
            "SdkAppId": 1400,
            "StartTime": OVER.start,
            "EndTime": OVER.end,
            "CommId": "c",
            "UserIds": ["u"],
            "DataType": ["all"],
            "PageNumber": 2,
            "PageSize": 6,
        },
    ),
    (
        tencent.CALL_DETAIL_METRICS_2021,
        1400,
        {"CommId": "c", "DataType": ["bigvCapFps"]},
        {
            "SdkAppId": "1400",
            "StartTime": OVER.start,
            "EndTime": OVER.end,
            "CommId": "c",
            "DataType": ["bigvCapFps"],
            "PageNumber": "2",
            "PageSize": "6",
        },
    ),
    (
        tencent.CALL_DETAIL_2021,
        1400,
        {"CommId": "c"},
        {
            "SdkAppId": "1400",
            "StartTime": OVER.start,
            "EndTime": OVER.end,
            "CommId": "c",
            "PageNumber": "2",
            "PageSize": "6",
        },
    ),
    (
        tencent.CALL_DETAIL_OF_USERS_2021,
        1400,
        {"CommId": "c", "UserIds": ["u"]},
        {
            "SdkAppId": "1400",
            "StartTime": OVER.start,
            "EndTime": OVER.end,
            "CommId": "c",
            "UserIds": ["u"],
            "PageNumber": "2",
            "PageSize": "6",
        },
    ),
]


@pytest.mark.parametrize(("row", "app_id", "params", "wire"), WIRE, ids=lambda value: getattr(value, "name", ""))
def test_a_request_is_spelt_as_the_vendor_spells_it(
    row: Endpoint[Any], app_id: Any, params: dict[str, Any], wire: dict[str, Any]
) -> None:
    found = spell(row, app_id, OVER, check_params(row, params), page=2, size=6)
    assert wire == found
    assert {name: type(value) for name, value in wire.items()} == {name: type(value) for name, value in found.items()}


def test_every_row_has_its_spelling_checked() -> None:
    assert {row.name for row in ROWS} == {row.name for row, *_ in WIRE}


@all_rows
def test_a_paged_row_always_sends_both_paging_fields(row: Endpoint[Any]) -> None:
    wire = spell(row, 1, OVER, check_params(row, needed(row)), page=0, size=1)
    if isinstance(row.paging, PageNumber):
        kind = str if row.paging.as_text else int
        assert (kind(0), kind(1)) == (wire[row.paging.number], wire[row.paging.size])


def test_agora_counts_pages_from_one_and_tencent_from_zero() -> None:
    bases = {(row.vendor, row.paging.base) for row in ROWS if isinstance(row.paging, PageNumber)}
    assert {("agora", 1), ("tencent", 0)} == bases
