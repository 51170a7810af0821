"""Every row of every generation against the vendor's pages: how it is asked, how its answer is read, what limits it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from agora_tencent_analytics.agora.endpoints import ENDPOINTS, GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.plans import GENERATIONS
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import AnyOf, Endpoint, Newest, PageNumber, check_params, spell
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked
from tests.support.agora_answers import APP, PRINTED
from tests.support.in_turn import in_turn

VENDOR = AgoraVendor()
ROWS = [(generation, row) for generation, rows in GENERATION_ENDPOINTS.items() for row in rows.values()]
every_row = in_turn(("generation", "row"), ROWS)


def test_every_row_has_a_printed_request_and_answer() -> None:
    assert set(PRINTED) == {(generation, row.name) for generation, row in ROWS}


def test_the_rows_of_today_are_the_newest_generation() -> None:
    assert list(ENDPOINTS.values()) == list(GENERATION_ENDPOINTS["2024"].values())
    assert 14 == len(ENDPOINTS)


@every_row
def test_a_question_is_asked_as_its_page_prints_it(generation: str, row: Endpoint[Any]) -> None:
    printed = PRINTED[generation, row.name]
    number, size = printed.page
    params = check_params(row, printed.params)
    wire = spell(row, APP, TimeRange(*printed.window), params, page=number, size=size)
    request = VENDOR.request(row, "https://api.agora.io", wire)
    parts = urlsplit(request.url)
    assert ("GET" if printed.body is None else "POST", printed.path) == (request.method, parts.path)
    assert printed.query == dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
    assert printed.body == (json.loads(request.body) if request.body else None)


@every_row
def test_the_printed_answer_is_read(generation: str, row: Endpoint[Any]) -> None:
    printed = PRINTED[generation, row.name]
    asked = Asked(window=TimeRange(*printed.window), params=check_params(row, printed.params))
    response = Response(status=200, headers={}, body=json.dumps(printed.answer).encode())
    reply = VENDOR.decode(row, VENDOR.unwrap(row, response), asked)
    assert printed.rows == len(reply.items)
    assert all(isinstance(item, row.model) and item.vendor == "agora" for item in reply.items)
    assert [{}] * printed.rows == [item.extra for item in reply.items], "every printed field is known"
    assert {} == reply.extra


@every_row
def test_a_row_stands_in_the_tables_of_its_own_generation(generation: str, row: Endpoint[Any]) -> None:
    assert (generation, "agora") == (row.generation, row.vendor)
    assert row.limits in GENERATIONS[generation]["enterprise"].rows
    assert row.limits in GENERATIONS[generation]["unlimited"].rows
    assert row.source.startswith("https://docs.agora.io/en/")
    assert date.fromisoformat(row.read_on) <= date(2026, 9, 14)
    assert set(row.key) <= {field.name for field in attrs.fields(row.model)}


@every_row
def test_rows_on_one_counter_are_asked_at_one_address(generation: str, row: Endpoint[Any]) -> None:
    paths = {other.path for other in GENERATION_ENDPOINTS[generation].values() if other.counter == row.counter}
    assert {row.path} == paths


@every_row
def test_every_required_parameter_is_missed(generation: str, row: Endpoint[Any]) -> None:
    given = dict(PRINTED[generation, row.name].params)
    for param in row.params:
        if param.required:
            with pytest.raises(BadInput, match=f"needs the parameter '{param.name}'"):
                check_params(row, {name: value for name, value in given.items() if name != param.name})
    with pytest.raises(BadInput, match="no parameter 'startTS'"):
        check_params(row, {**given, "startTS": 1})


def test_pages_came_with_calls_in_2022_and_with_sessions_in_july_2021() -> None:
    paged = {(generation, row.name) for generation, row in ROWS if isinstance(row.paging, PageNumber)}
    calls = {("2024", "call/lists"), ("2022", "call/lists")}
    sessions = {("2024", "call/sessions"), ("2022", "call/sessions"), ("2021-07", "call/sessions")}
    assert calls | sessions == paged


def test_answers_without_pages_hold_as_many_rows_as_their_page_says() -> None:
    cut = {(generation, row.name): row.paging for generation, row in ROWS if isinstance(row.paging, Newest | AnyOf)}
    assert {
        ("2021-07", "call/lists"): Newest(most=100, at="created_ts"),
        ("2021-03", "call/lists"): Newest(most=10, at="created_ts"),
        ("2021-03", "call/details"): Newest(most=10, at="join_ts"),
        ("2021-03", "call/details with metrics"): AnyOf(most=10, at=""),
        ("2021-03", "live/diagnosis"): AnyOf(most=10, at="ts"),
    } == cut


@pytest.mark.parametrize(
    ("generation", "name", "params", "told"),
    [
        ("2024", "realtime/quality/by_time_20sec", {"uids": ["1"]}, "'uids' only together with 'cname'"),
        ("2022", "realtime/quality/by_time_20sec", {"uids": ["1"]}, "'uids' only together with 'cname'"),
        ("2024", "realtime/quality/by_time_20sec", {"uids": list("abcdefghijk"), "cname": "c"}, "at most 10"),
        ("2024", "realtime/usage/by_time_20sec", {"dimensionValues": ["a"]}, "only together with 'dimension'"),
        ("2024", "insight/usage/aggregation", {"dimensionValues": ["a"]}, "only together with 'dimension'"),
        ("2024", "insight/usage/aggregation", {"filters": [{"name": "country"}]}, "only together with 'dimension'"),
        ("2022", "realtime/usage/by_time_20sec", {"dimension": "os"}, "has no parameter 'dimension'"),
        ("2024", "call/sessions", {"call_id": "c", "uids": list("abcdefghijk")}, "at most 10"),
        ("2021-07", "call/metrics", {"call_id": "c", "sids": list("abcdefghijklmnopqrstu")}, "at most 20"),
        ("2021-03", "call/details", {"call_id": "c", "uids": ["1"]}, "has no parameter 'uids'"),
        ("2021-03", "live/diagnosis", {"cname": "c"}, "has no parameter 'cname'"),
    ],
)
def test_what_a_page_forbids_is_refused(generation: str, name: str, params: dict[str, Any], told: str) -> None:
    row = GENERATION_ENDPOINTS[generation][name]
    metric = next((param.values[0] for param in row.params if param.name == "metric"), None)
    required = {"metric": metric, "productType": "Native"}
    common = {param.name: required[param.name] for param in row.params if param.name in required}
    with pytest.raises(BadInput, match=told):
        check_params(row, common | params)
