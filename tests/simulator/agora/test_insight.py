from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import Chosen, SimulatedAgora
from agora_tencent_analytics.simulator.world.traits import REGIONS, trait
from tests.simulator.world.test_happenings import stays_of
from tests.support.in_turn import in_turn
from tests.support.simulator_requests import END, Hand, agora, basic, reach, small_world

USAGE, QUALITY = "insight/usage/by_time", "insight/quality/by_time"
USAGE_IN_ALL, QUALITY_IN_ALL = "insight/usage/aggregation", "insight/quality/aggregation"
WORLD = small_world(calls=60)
LATER = float(END + 2 * DAY)
MIDNIGHT = 1_789_920_000  # 2026-09-20T16:00Z: midnight eight hours east
OVER: dict[str, Any] = {"startTs": MIDNIGHT, "endTs": MIDNIGHT + DAY}


def server(**options: Any) -> SimulatedAgora:
    return agora(WORLD, hand=Hand(LATER), **options)


def everything(endpoint: str) -> dict[str, Any]:
    asked: dict[str, Any] = {**OVER, "metric": "userCount" if "usage" in endpoint else "networkDelay"}
    if "by_time" in endpoint:
        asked["aggregateGranularity"] = "1h"
    return {**asked, "productType": "Native"} if "quality" in endpoint else asked


def ask(one: SimulatedAgora, endpoint: str, **changes: object) -> dict[str, Any]:
    asked = {name: value for name, value in {**everything(endpoint), **changes}.items() if value is not ...}
    if "aggregation" in endpoint:
        return reach(one, endpoint, method="POST", body=asked)
    return reach(one, endpoint, **asked)


def test_a_day_by_the_hour_has_twenty_five_rows() -> None:
    body = ask(server(), QUALITY)
    assert ["code", "message", "data"] == list(body)
    assert (200, "success") == (body["code"], body["message"])
    assert list(range(MIDNIGHT, MIDNIGHT + DAY + 1, HOUR)) == [row["ts"] for row in body["data"]]
    assert {("networkDelay", "ts")} == {tuple(row) for row in body["data"]}


def test_days_begin_at_midnight_in_beijing_or_where_ordered() -> None:
    utc = MIDNIGHT + 8 * HOUR
    over = {"startTs": utc - DAY, "endTs": utc + DAY, "aggregateGranularity": "1d"}
    assert [MIDNIGHT, MIDNIGHT + DAY] == [row["ts"] for row in ask(server(), USAGE, **over)["data"]]
    days = [row["ts"] for row in ask(server(midnight="utc"), USAGE, **over)["data"]]
    assert [utc - DAY, utc, utc + DAY] == days


def test_the_example_of_the_page_has_its_two_days() -> None:
    # 2021-07-01T00:00Z to 2021-07-03T00:00Z answers 1625155200 and 1625241600.
    one = agora(small_world(), hand=Hand(1_625_097_600.0 + 5 * DAY))
    body = ask(one, USAGE, startTs=1_625_097_600, endTs=1_625_270_400, aggregateGranularity="1d")
    assert [1_625_155_200, 1_625_241_600] == [row["ts"] for row in body["data"]]


@pytest.mark.parametrize(
    "metric",
    [
        *("userCount", "sessionCount", "channelCount", "totalDuration", "totalVideoDuration", "totalAudioDuration"),
        *("peakCurrentChannels", "peakCurrentUsers", "peakConcurrentChannels", "peakConcurrentUsers"),
    ],
)
def test_usage_is_the_worlds_under_the_name_asked_for(metric: str) -> None:
    rows = ask(server(), USAGE, metric=metric)["data"]
    assert {(metric, "ts")} == {tuple(row) for row in rows}
    assert [WORLD.figure("agora", metric, row["ts"], HOUR) for row in rows] == [row[metric] for row in rows]
    assert any(row[metric] for row in rows)


@pytest.mark.parametrize("product", ["Native", "WebRTC"])
@pytest.mark.parametrize(
    "metric", ["joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate", "networkDelay"]
)
def test_quality_is_the_worlds_for_one_product(metric: str, product: str) -> None:
    rows = ask(server(empty="null"), QUALITY, metric=metric, productType=product)["data"]
    chosen = Chosen(product=product)
    assert [WORLD.figure("agora", metric, row["ts"], HOUR, chosen) for row in rows] == [row[metric] for row in rows]
    assert any(row[metric] for row in rows)


def test_hours_with_nothing_to_measure_are_zero_null_or_left_out() -> None:
    zero, null, left = (ask(server(empty=how), QUALITY)["data"] for how in ("zero", "null", "omit"))
    assert len(zero) == len(null) == 25 > len(left)
    assert [row["networkDelay"] or 0 for row in null] == [row["networkDelay"] for row in zero]
    assert [row for row in null if row["networkDelay"] is not None] == left


@pytest.mark.parametrize("endpoint", [USAGE_IN_ALL, QUALITY_IN_ALL])
def test_without_a_dimension_there_is_one_row(endpoint: str) -> None:
    rows = ask(server(), endpoint)["data"]
    expected = ["userCount"] if endpoint == USAGE_IN_ALL else ["refUsage", "networkDelay"]
    assert [expected] == [list(row) for row in rows]
    metric, chosen = expected[-1], Chosen(product="Native" if endpoint == QUALITY_IN_ALL else None)
    assert WORLD.figure("agora", metric, MIDNIGHT, DAY, chosen) == rows[0][metric]


def test_usage_by_dimension_shows_the_largest_twenty_and_of_devices_fifty() -> None:
    for dimension, most in (("country", 20), ("device", 50), ("region", 20)):
        rows = ask(server(), USAGE_IN_ALL, metric="sessionCount", dimension=dimension)["data"]
        assert {(dimension, "sessionCount")} == {tuple(row) for row in rows}
        counts = [row["sessionCount"] for row in rows]
        assert (most, sorted(counts, reverse=True)) == (len(rows), counts)
        joins = [trait(stay, dimension) for stay in stays_of("agora", WORLD)]
        assert counts == [joins.count(row[dimension]) for row in rows]


def test_quality_by_dimension_says_what_it_was_measured_on() -> None:
    rows = ask(server(), QUALITY_IN_ALL, metric="joinSuccessRate", dimension="os")["data"]
    assert {("os", "refUsage", "joinSuccessRate")} == {tuple(row) for row in rows}
    assert {"Android", "iOS", "Windows", "macOS"} == {row["os"] for row in rows}
    for row in rows:
        chosen = Chosen(product="Native", where=(("os", row["os"]),))
        assert WORLD.weight("agora", "joinSuccessRate", MIDNIGHT, DAY, chosen) == row["refUsage"] > 0


@pytest.mark.parametrize(
    ("endpoint", "dimension"),
    [(USAGE_IN_ALL, "sdk"), (USAGE_IN_ALL, "sdkVersion"), (QUALITY_IN_ALL, "sdkVersion"), (QUALITY_IN_ALL, "network")],
)
def test_a_dimension_is_answered_under_the_name_asked_for(endpoint: str, dimension: str) -> None:
    rows = ask(server(), endpoint, dimension=dimension)["data"]
    assert {dimension} == {next(iter(row)) for row in rows}


def test_sizes_of_channels() -> None:
    rows = ask(server(), QUALITY_IN_ALL, dimension="channelSize")["data"]
    assert 2 <= len(rows) <= 4
    assert 400 == ask(server(), QUALITY_IN_ALL, dimension="channelSize", dimensionValues=["1-2"])["code"]


def test_chosen_values_and_the_regions_of_one_country() -> None:
    rows = ask(server(), USAGE_IN_ALL, dimension="os", dimensionValues=["Web", "iOS", "BeOS"])["data"]
    assert {"Web", "iOS"} == {row["os"] for row in rows}
    filters = [{"name": "country", "value": "China"}]
    rows = ask(server(), USAGE_IN_ALL, dimension="region", filters=filters)["data"]
    assert set(REGIONS["China"]) == {row["region"] for row in rows}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (USAGE, {"metric": "users"}, "metric is invalid"),
    (USAGE, {"metric": "userCount,sessionCount"}, "metric is invalid"),
    (USAGE, {"metric": "userCount", "productType": "Native"}, "productType is unknown"),
    (USAGE, {"start_ts": 1, "startTs": ...}, "start_ts is unknown"),
    (USAGE, {"startTs": ...}, "startTs can not be null"),
    (USAGE, {"aggregateGranularity": ...}, "aggregateGranularity can not be null"),
    (USAGE, {"aggregateGranularity": "1m"}, "aggregateGranularity is invalid"),
    (USAGE, {"endTs": MIDNIGHT}, "endTs must be larger than startTs"),
    (QUALITY, {"productType": ...}, "productType can not be null"),
    (QUALITY, {"productType": "native"}, "productType is invalid"),
    (QUALITY, {"metric": "userCount"}, "metric is invalid"),
    (QUALITY, {"aggregateGranularity": "1m"}, "aggregateGranularity is invalid"),
    (USAGE_IN_ALL, {"startTs": str(MIDNIGHT)}, "startTs is not a number"),
    (USAGE_IN_ALL, {"startTs": float(MIDNIGHT)}, "startTs is not a number"),
    (USAGE_IN_ALL, {"startTs": True}, "startTs is not a number"),
    (USAGE_IN_ALL, {"dimension": None}, "dimension can not be null"),
    (USAGE_IN_ALL, {"dimension": "network"}, "dimension is invalid"),
    (USAGE_IN_ALL, {"dimension": ["os"]}, "dimension is invalid"),
    (USAGE_IN_ALL, {"dimensionValues": ["Web"]}, "dimensionValues needs a dimension"),
    (USAGE_IN_ALL, {"dimension": "os", "dimensionValues": '"Web"'}, "dimensionValues is not an array"),
    (USAGE_IN_ALL, {"dimension": "os", "dimensionValues": []}, "dimensionValues is not an array"),
    (USAGE_IN_ALL, {"metric": "peakCurrentUsers", "dimension": "os"}, "dimension is not supported"),
    (USAGE_IN_ALL, {"dimension": "os", "filters": [{"name": "country", "value": "China"}]}, "filters is only"),
    (USAGE_IN_ALL, {"dimension": "region", "filters": [{"name": "os", "value": "Web"}]}, "filters is invalid"),
    (USAGE_IN_ALL, {"dimension": "region", "filters": {"country": "China"}}, "filters is invalid"),
    (USAGE_IN_ALL, {"productType": "Native"}, "productType is unknown"),
    (USAGE_IN_ALL, {"appid": WORLD.agora_app_id}, "appid does not belong into the body"),
    (USAGE_IN_ALL, {"aggregateGranularity": "1h"}, "aggregateGranularity is unknown"),
    (QUALITY_IN_ALL, {"productType": ...}, "productType can not be null"),
]


@in_turn(("endpoint", "changes", "message"), WRONG)
def test_what_is_wrong_is_refused(endpoint: str, changes: dict[str, Any], message: str) -> None:
    body = ask(server(), endpoint, **changes)
    assert (400, None) == (body["code"], body["data"])
    assert message in body["message"]
    assert 200 == ask(server(), endpoint)["code"]


@pytest.mark.parametrize("endpoint", [USAGE, QUALITY, USAGE_IN_ALL, QUALITY_IN_ALL])
def test_milliseconds_are_an_unknown_error(endpoint: str) -> None:
    over = {"startTs": MIDNIGHT * 1_000, "endTs": (MIDNIGHT + DAY) * 1_000}
    assert {"code": 500, "message": "Unknown Error", "data": None} == ask(server(), endpoint, **over)


@pytest.mark.parametrize("endpoint", [USAGE_IN_ALL, QUALITY_IN_ALL])
def test_the_body_is_a_json_object_and_holds_all_but_the_app(endpoint: str) -> None:
    one = server()
    url = f"/beta/{endpoint}?appid={one.credentials['app_id']}"
    right = {**basic(one), "Content-Type": "application/json; charset=utf-8"}
    body = json.dumps(everything(endpoint)).encode()

    def code(url: str, headers: dict[str, str], body: bytes) -> int:
        return int(json.loads(asyncio.run(one.answer("POST", url, headers, body))[2])["code"])

    assert 200 == code(url, right, body)
    assert 400 == code(url, basic(one), body)
    assert 400 == code(url, right, b"[]")
    assert 400 == code(url, right, b"{")
    assert 400 == code(f"/beta/{endpoint}", right, body)
    assert 400 == code(f"/beta/{endpoint}?{urlencode({**everything(endpoint), 'appid': 'x'})}", right, b"{}")
    assert 404 == int(reach(one, endpoint)["code"])


def test_a_name_given_twice_is_refused() -> None:
    one = server()
    url = f"/beta/{USAGE}?{urlencode({**everything(USAGE), 'appid': one.credentials['app_id']})}&metric=sessionCount"
    body = json.loads(asyncio.run(one.answer("GET", url, basic(one)))[2])
    assert (400, "Bad request, parameter : metric is given twice") == (body["code"], body["message"])


@pytest.mark.parametrize(
    ("endpoint", "changes", "message"),
    [
        (USAGE, {"startTs": int(LATER) - 7 * DAY, "endTs": int(LATER) - DAY}, ""),
        (USAGE, {"startTs": int(LATER) - 8 * DAY, "endTs": int(LATER) - DAY}, "query duration limit error"),
        (USAGE, {"endTs": int(LATER) - 6 * HOUR}, "query latency limit error"),
        (QUALITY, {"endTs": int(LATER) - 6 * HOUR - 1}, ""),
        (USAGE, {"startTs": int(LATER) - 30 * DAY, "endTs": int(LATER) - 29 * DAY}, "query time range limit error"),
        (USAGE_IN_ALL, {"startTs": int(LATER) - 30 * DAY + 1}, ""),
        (USAGE_IN_ALL, {"startTs": int(LATER) - 30 * DAY}, "query time range limit error"),
        (QUALITY_IN_ALL, {"endTs": int(LATER)}, "query latency limit error"),
    ],
)
def test_the_bounds_of_time_are_strict(endpoint: str, changes: dict[str, int], message: str) -> None:
    body = ask(server(plan="enterprise"), endpoint, **changes)
    assert ((300, message) if message else (200, "success")) == (body["code"], body["message"])


def test_standard_has_no_insight_and_each_endpoint_its_own_minute() -> None:
    assert 300 == ask(server(plan="standard"), USAGE)["code"]
    one = server(plan="premium")
    endpoints = (USAGE, QUALITY, USAGE_IN_ALL, QUALITY_IN_ALL)
    codes = {name: [ask(one, name)["code"] for _ in range(4)] for name in endpoints}
    assert [[200, 200, 200, 300]] * 4 == list(codes.values())
    assert "qpm limit error" == ask(one, USAGE)["message"]
    assert 12 == sum(arrival.counted for arrival in one.arrivals)
