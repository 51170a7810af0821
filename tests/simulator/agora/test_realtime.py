from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.limits import MINUTE
from agora_tencent_analytics.simulator import Chosen, SimulatedAgora
from agora_tencent_analytics.simulator.world.traits import trait
from tests.support.simulator_requests import END, Hand, agora, reach, small_world

USAGE, QUALITY = "realtime/usage/by_time_20sec", "realtime/quality/by_time_20sec"
TOP_USAGE, TOP_QUALITY = "realtime/usage/dimension/top20", "realtime/quality/dimension/top20"
WORLD = small_world(calls=400)
FROM, UNTIL = END - 10 * MINUTE + 10, END - 5 * MINUTE + 10
NOW = float(END + 30)


def server(**options: Any) -> SimulatedAgora:
    return agora(WORLD, hand=Hand(NOW), **options)


def everything(endpoint: str) -> dict[str, Any]:
    metric = {"metric": "userCount" if "usage" in endpoint else "networkDelay", "productType": "Native"}
    if "top20" in endpoint:
        return {**metric, "ts": FROM, "dimension": "country"}
    return {**metric, "startTs": FROM, "endTs": UNTIL}


def ask(one: SimulatedAgora, endpoint: str, **changes: object) -> dict[str, Any]:
    asked = {name: value for name, value in {**everything(endpoint), **changes}.items() if value is not ...}
    return reach(one, endpoint, **asked)


WINDOWS = range(FROM // 20 * 20, UNTIL // 20 * 20, 20)


def test_the_window_of_the_start_is_included_and_that_of_the_end_is_not() -> None:
    # The example of the page: 00:10:10 to 00:11:10 answers 00:10:00, 00:10:20 and 00:10:40.
    one = agora(WORLD, hand=Hand(1_631_837_600.0))
    rows = ask(one, USAGE, startTs=1_631_837_410, endTs=1_631_837_470)["data"]
    assert [1_631_837_400, 1_631_837_420, 1_631_837_440] == [row["ts"] for row in rows]


@pytest.mark.parametrize(
    ("endpoint", "metric"), [(USAGE, "userCount"), (USAGE, "channelCount"), (QUALITY, "audioFreezeRate")]
)
def test_without_dimension_and_users_rows_are_flat(endpoint: str, metric: str) -> None:
    body = ask(server(), endpoint, metric=metric)
    assert ["code", "message", "data"] == list(body)
    assert {(metric, "ts")} == {tuple(row) for row in body["data"]}
    chosen = Chosen(product="Native")
    expected = [(bucket, WORLD.figure("agora", metric, bucket, 20, chosen)) for bucket in WINDOWS]
    assert expected == [(row["ts"], row[metric]) for row in body["data"]]
    assert any(value for _, value in expected)


def test_one_channel_only() -> None:
    stay = WORLD.stays("agora", FROM, UNTIL, Chosen(product="Native"))[0]
    rows = ask(server(), USAGE, cname=stay.channel)["data"]
    chosen = Chosen(product="Native", channel=stay.channel)
    expected = [WORLD.figure("agora", "userCount", bucket, 20, chosen) for bucket in WINDOWS]
    assert expected == [row["userCount"] for row in rows]
    assert {0} == {row["userCount"] for row in ask(server(), USAGE, cname="nowhere")["data"]}


def test_with_a_dimension_every_row_names_its_value() -> None:
    rows = ask(server(), USAGE, dimension="os")["data"]
    assert {("userCount", "ts", "os")} == {tuple(row) for row in rows}
    assert set(WINDOWS) == {row["ts"] for row in rows}
    there = WORLD.stays("agora", WINDOWS[0], WINDOWS[1], Chosen(product="Native"))
    expected = {trait(stay, "os") for stay in there}
    assert expected == {row["os"] for row in rows if row["ts"] == WINDOWS[0]}
    for row in rows:
        chosen = Chosen(product="Native", where=(("os", row["os"]),))
        assert WORLD.figure("agora", "userCount", row["ts"], 20, chosen) == row["userCount"] > 0


def test_values_of_a_dimension_stand_in_double_quotes() -> None:
    rows = ask(server(), QUALITY, dimension="os", dimensionValues='"iOS","Windows"')["data"]
    assert {"iOS", "Windows"} == {row["os"] for row in rows}
    for wrong in ("iOS,Windows", '["iOS"]', '"iOS', ""):
        assert 400 == ask(server(), QUALITY, dimension="os", dimensionValues=wrong)["code"]


def test_a_value_may_hold_a_comma() -> None:
    devices = {row["device"] for row in ask(server(), QUALITY, dimension="device")["data"]}
    phone = next(device for device in sorted(devices) if device.startswith("iPhone15,3"))
    rows = ask(server(), QUALITY, dimension="device", dimensionValues=f'"{phone}","none"')["data"]
    assert {phone} == {row["device"] for row in rows}


def test_where_nobody_joins_the_rate_of_joining_is_zero_null_or_left_out() -> None:
    asked = {"metric": "joinSuccessRate", "dimension": "os"}
    zero, null, left = (ask(server(empty=how), QUALITY, **asked)["data"] for how in ("zero", "null", "omit"))
    assert None in {row["joinSuccessRate"] for row in null}
    assert None not in {row["joinSuccessRate"] for row in zero + left}
    assert len(left) == sum(row["joinSuccessRate"] is not None for row in null) < len(zero) == len(null)
    assert left
    tops = ask(server(empty="null"), TOP_QUALITY, metric="joinSuccessRate")["data"]["list"]
    assert None in {row["joinSuccessRate"] for row in tops}


def test_with_users_of_a_channel_each_has_values_of_its_own() -> None:
    there = WORLD.stays("agora", FROM, UNTIL, Chosen(product="Native"))
    stay = max(there, key=lambda stay: sum(other.channel == stay.channel for other in there))
    uids = sorted({other.uid for other in there if other.channel == stay.channel})[:10]
    data = ask(server(), QUALITY, cname=stay.channel, uids=",".join(map(str, [*uids[:9], 7])))["data"]
    assert set(uids[:9]) == {user["uid"] for user in data}
    assert {("uid", "values")} == {tuple(user) for user in data}
    assert {("ts", "networkDelay")} == {tuple(value) for user in data for value in user["values"]}
    for user in data:
        chosen = Chosen(product="Native", channel=stay.channel, user_id=str(user["uid"]))
        for value in user["values"]:
            assert WORLD.figure("agora", "networkDelay", value["ts"], 20, chosen) == value["networkDelay"]


def test_a_user_of_the_other_product_is_left_out() -> None:
    native, web = (WORLD.stays("agora", FROM, UNTIL, Chosen(product=product)) for product in ("Native", "WebRTC"))
    stay = next(stay for stay in web if stay.uid not in {other.uid for other in native})
    asked = {"cname": stay.channel, "uids": str(stay.uid)}
    assert [] == ask(server(), QUALITY, **asked)["data"]
    assert [stay.uid] == [user["uid"] for user in ask(server(), QUALITY, **asked, productType="WebRTC")["data"]]


def test_users_without_a_channel_count_for_nothing() -> None:
    assert ask(server(), QUALITY)["data"] == ask(server(), QUALITY, uids="1,2")["data"]


@pytest.mark.parametrize(("dimension", "most"), [("country", 20), ("device", 50)])
def test_the_top_of_a_dimension_is_a_list_within_an_object(dimension: str, most: int) -> None:
    crowded = small_world(calls=14, sessions_per_call=80)
    one = agora(crowded, hand=Hand(NOW))
    body = ask(one, TOP_USAGE, dimension=dimension)
    rows = body["data"]["list"]
    assert ["list"] == list(body["data"])
    assert {(dimension, "userCount")} == {tuple(row) for row in rows}
    counts = [row["userCount"] for row in rows]
    assert sorted(counts, reverse=True) == counts
    there = {trait(stay, dimension) for stay in crowded.stays("agora", FROM, FROM + 20, Chosen(product="Native"))}
    assert min(most, len(there)) == len(rows)
    assert len(there) > most


def test_the_top_of_quality_may_count_the_users_too() -> None:
    plain, more = (ask(server(), TOP_QUALITY, **extra) for extra in ({}, {"extraMetrics": "userCount"}))
    assert {("country", "networkDelay")} == {tuple(row) for row in plain["data"]["list"]}
    assert {("country", "networkDelay", "userCount")} == {tuple(row) for row in more["data"]["list"]}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    (USAGE, {"metric": "sessionCount"}, "metric is invalid"),
    (USAGE, {"metric": "userCount,channelCount"}, "metric is invalid"),
    (USAGE, {"productType": ...}, "productType can not be null"),
    (USAGE, {"productType": "Web"}, "productType is invalid"),
    (USAGE, {"uids": "1"}, "uids is unknown"),
    (USAGE, {"dimension": "sdkVersion"}, "dimension is invalid"),
    (USAGE, {"dimensionValues": '"iOS"'}, "dimensionValues needs a dimension"),
    (USAGE, {"start_ts": FROM, "startTs": ...}, "start_ts is unknown"),
    (QUALITY, {"uids": ",".join(map(str, range(11)))}, "uids can not have more than 10"),
    (QUALITY, {"cname": "class-1", "uids": "a"}, "uids is not a list of numbers"),
    (QUALITY, {"metric": "userCount"}, "metric is invalid"),
    (QUALITY, {"endTs": ...}, "endTs can not be null"),
    (TOP_USAGE, {"startTs": FROM}, "startTs is unknown"),
    (TOP_USAGE, {"ts": ...}, "ts can not be null"),
    (TOP_USAGE, {"metric": "channelCount"}, "metric is invalid"),
    (TOP_USAGE, {"dimension": ...}, "dimension can not be null"),
    (TOP_USAGE, {"extraMetrics": "userCount"}, "extraMetrics is unknown"),
    (TOP_QUALITY, {"extraMetrics": "channelCount"}, "extraMetrics is invalid"),
    (TOP_QUALITY, {"cname": "class-1"}, "cname is unknown"),
]


@pytest.mark.parametrize(("endpoint", "changes", "message"), WRONG)
def test_what_is_wrong_is_refused(endpoint: str, changes: dict[str, Any], message: str) -> None:
    body = ask(server(), endpoint, **changes)
    assert (400, None) == (body["code"], body["data"])
    assert message in body["message"]
    assert 200 == ask(server(), endpoint)["code"]


@pytest.mark.parametrize(
    ("endpoint", "changes", "message"),
    [
        (USAGE, {"endTs": int(NOW) - 21}, ""),
        (USAGE, {"endTs": int(NOW) - 20}, "query latency limit error"),
        (USAGE, {"startTs": int(NOW) - 60 * MINUTE}, "query time range limit error"),
        (QUALITY, {"startTs": int(NOW) - 60 * MINUTE + 1}, ""),
        (TOP_USAGE, {"ts": int(NOW) - 41}, ""),
        (TOP_USAGE, {"ts": int(NOW) - 40}, "query latency limit error"),
        (TOP_QUALITY, {"ts": int(NOW) - 60 * MINUTE}, "query time range limit error"),
    ],
)
def test_the_bounds_of_time_are_strict(endpoint: str, changes: dict[str, int], message: str) -> None:
    body = ask(server(plan="enterprise"), endpoint, **changes)
    assert ((300, message) if message else (200, "success")) == (body["code"], body["message"])


@pytest.mark.parametrize("endpoint", [USAGE, TOP_QUALITY])
def test_milliseconds_are_an_unknown_error(endpoint: str) -> None:
    name = "ts" if endpoint == TOP_QUALITY else "startTs"
    assert (500, "Unknown Error") == tuple(ask(server(), endpoint, **{name: FROM * 1_000}).values())[:2]


def test_three_a_minute_on_premium_and_none_on_standard() -> None:
    assert 300 == ask(server(plan="standard"), TOP_USAGE)["code"]
    one = server(plan="premium")
    for endpoint in (USAGE, QUALITY, TOP_USAGE, TOP_QUALITY):
        assert [200, 200, 200, 300] == [ask(one, endpoint)["code"] for _ in range(4)]
