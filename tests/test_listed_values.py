"""What a vendor's page lists for a parameter: anything else is refused before it costs a request, unless asked for."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import BadInput, Endpoint, Response, TimeRange
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.endpoint import check_params
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.models.calls import unsigned
from agora_tencent_analytics.simulator import World
from agora_tencent_analytics.tencent.endpoints import CALL_DETAIL_METRICS_2021, ENDPOINTS
from tests.support.transports import Script, Stage, json_response
from tests.support.virtual_time import EPOCH, run

WORLD = World(seed=4, calls=6, start=int(EPOCH) - 6 * HOUR, end=int(EPOCH) - HOUR)
ENUMERATED = (
    *("metric", "productType", "aggregateGranularity", "dimension", "extraMetrics"),
    *("DataType", "Period", "MixType", "AuType", "Type", "Business"),
)
ROWS: list[Endpoint[Any]] = [
    *(row for rows in GENERATION_ENDPOINTS.values() for row in rows.values()),
    *ENDPOINTS.values(),
]
CASES = [(row, param) for row in ROWS for param in row.params if param.name in ENUMERATED]


def needed(row: Endpoint[Any]) -> dict[str, Any]:
    first = {param.name: param.values[0] if param.values else "x" for param in row.params if param.required}
    return {
        param.name: [first[param.name]] if param.kind == "list" else first[param.name]
        for param in row.params
        if param.required
    }


def test_every_enumerated_parameter_of_either_vendor_is_among_the_cases() -> None:
    listed = {param.name for row in ROWS for param in row.params if param.values}
    assert (set(ENUMERATED), 55) == (listed, len(CASES))


def test_a_value_that_the_page_does_not_list_is_refused_with_the_list() -> None:
    for row, param in CASES:
        wrong: Any = 7 if param.kind == "integer" else "mistyped"
        asked = {**needed(row), param.name: [wrong] if param.kind == "list" else wrong}
        with pytest.raises(BadInput) as caught:
            check_params(row, asked)
        listed = ", ".join(map(str, param.values))
        told = f"{row.name}: {param.name} takes {listed}, not {wrong!r}; unlisted=True sends it all the same"
        assert told == str(caught.value)
        assert asked == check_params(row, asked, unlisted=True), told


def test_every_value_that_the_page_lists_is_taken() -> None:
    for row, param in CASES:
        for value in param.values:
            given = {**needed(row), param.name: [value] if param.kind == "list" else value}
            assert given == check_params(row, given), row.name


def test_both_spellings_of_a_peak_are_listed_today_and_one_of_them_before() -> None:
    def peaks(generation: str) -> list[str | int]:
        (metric, *_) = GENERATION_ENDPOINTS[generation]["insight/usage/by_time"].params
        return [name for name in metric.values if str(name).startswith("peak")]

    assert [4, 2, 2] == [len(peaks(generation)) for generation in ("2024", "2022", "2021-07")]
    assert ["peakCurrentChannels", "peakCurrentUsers"] == peaks("2022")


@pytest.mark.parametrize(
    ("vendor", "name", "given"),
    [
        ("agora", "insight/usage/by_time", {"metric": "usercount", "aggregateGranularity": "1d"}),
        ("agora", "insight/usage/by_time", {"metric": "userCount", "aggregateGranularity": "1m"}),
        ("tencent", "DescribeTRTCMarketScaleData", {"Period": "m"}),
    ],
)
def test_a_mistyped_value_costs_no_request_and_can_be_sent_all_the_same(
    vendor: str, name: str, given: dict[str, str]
) -> None:
    stage = Stage(vendor, WORLD)
    row = {**GENERATION_ENDPOINTS["2024"], **ENDPOINTS}[name]
    empty = json_response('{"code": 200, "data": [], "Response": {"RequestId": "r", "Data": {}}}')
    script = Script(stage.clock, [empty])

    async def scenario() -> None:
        provider = stage.provider(transport=script)
        over = TimeRange(int(EPOCH) - 3 * DAY, int(EPOCH) - 2 * DAY)
        with pytest.raises(BadInput, match="unlisted=True"):
            provider.ask(row, over, **given)
        assert [] == script.sent
        assert [] == await provider.ask(row, over, unlisted=True, **given).collect()

    run(scenario)
    (sent,) = script.sent
    said = sent.url + sent.body.decode()
    assert [] == [value for value in given.values() if value not in said]


def test_what_else_a_row_forbids_stays_forbidden() -> None:
    row = GENERATION_ENDPOINTS["2024"]["insight/usage/by_time"]
    with pytest.raises(BadInput, match="needs the parameter 'metric'"):
        check_params(row, {"aggregateGranularity": "1m"}, unlisted=True)
    with pytest.raises(BadInput, match="non-empty text"):
        check_params(row, {"metric": ["userCount"], "aggregateGranularity": "1d"}, unlisted=True)


# -- user ids above 2^31 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "meant"),
    [
        ("-1294967297", "2999999999"),
        ("-1", "4294967295"),
        ("-2147483648", "2147483648"),
        ("-2147483649", "-2147483649"),  # no 32-bit number
        ("2999999999", "2999999999"),
        ("-", "-"),
        ("-a1", "-a1"),
        ("--1", "--1"),
        ("-\u0661", "-\u0661"),
        ("-" + 5000 * "9", "-" + 5000 * "9"),
    ],
)
def test_a_negative_uid_means_the_unsigned_one(shown: str, meant: str) -> None:
    assert meant == unsigned(shown)


@pytest.mark.parametrize(
    ("generation", "name"),
    [
        ("2024", "call/sessions"),
        ("2022", "call/sessions"),
        ("2021-07", "call/sessions"),
        ("2024", "realtime/quality/by_time_20sec"),
        ("2022", "realtime/quality/by_time_20sec"),
    ],
)
def test_both_ways_of_showing_a_uid_are_asked_for_once(generation: str, name: str) -> None:
    row = GENERATION_ENDPOINTS[generation][name]
    given = {**needed(row), "uids": [-1294967297, "2999999999", "7"]}
    if any(param.name == "cname" for param in row.params):
        given["cname"] = "room"
    assert ["2999999999", "7"] == check_params(row, given)["uids"]


@pytest.mark.parametrize("api", GENERATION_ENDPOINTS)
def test_a_user_whom_a_phone_shows_as_negative_is_found(api: str) -> None:
    stage = Stage("agora", WORLD, api=api)
    asked = next(iter(WORLD.calls("agora")))
    body = (
        f'{{"code": 200, "total_size": 1, "has_more": false, "call_id": "{asked.call_id}", "metrics": [], '
        '"call_info": [{"sid": "s", '
        f'"uid": 2999999999, "join_ts": {WORLD.start + 10}, "leave_ts": {WORLD.start + 20}, "finished": true}}]}}'
    )
    script = Script(stage.clock, [Response(status=200, headers={}, body=body.encode())])

    async def scenario() -> list[str]:
        provider = stage.provider(api=api)
        found = await provider.calls(TimeRange(WORLD.start, WORLD.end)).collect()
        (call,) = (one for one in found if one.call_id == asked.call_id)
        sessions = stage.provider(api=api, transport=script).sessions(call, users=["-1294967297"])
        return [session.user_id for session in await sessions.collect()]

    assert ["2999999999"] == run(scenario)
    assert "-1294967297" not in script.sent[0].url


# -- windows as long as the page allows ---------------------------------------------------------------------


def test_the_call_detail_of_2021_takes_exactly_one_hour_in_one_request() -> None:
    stage = Stage("tencent", WORLD)
    call = next(iter(WORLD.calls("tencent")))

    async def scenario() -> None:
        asking = stage.provider().ask(
            CALL_DETAIL_METRICS_2021,
            TimeRange(call.created_ts, call.created_ts + HOUR),
            CommId=call.call_id,
            UserIds=[WORLD.sessions(call)[0].user_id],
            DataType=["all"],
        )
        await asking.collect()

    run(scenario)
    assert 1 == stage.asked
    assert 0 == stage.server.refused
