from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.simulator import Burst, Kind, SimulatedAgora
from agora_tencent_analytics.simulator.agora.routes import ROUTES
from agora_tencent_analytics.simulator.world.figures import RATES
from tests.support.simulator_requests import END, NOW, START, Hand, agora, now_get, reach, small_world

LISTS, SESSIONS, METRICS, DETAILS = "call/lists", "call/sessions", "call/metrics", "call/details"
WORLD = small_world()
GROUP = next(call for call in WORLD.calls("agora") if call.kind is Kind.GROUP)
WINDOW: dict[str, Any] = {"start_ts": GROUP.created_ts, "end_ts": GROUP.destroyed_ts}
OF_GROUP: dict[str, Any] = {**WINDOW, "call_id": GROUP.call_id}


def test_an_unknown_generation_is_an_error_at_once() -> None:
    with pytest.raises(BadInput, match="2019"):
        agora(WORLD, api="2019")


@pytest.mark.parametrize("api", ROUTES)
def test_endpoints_of_other_generations_are_not_there(api: str) -> None:
    server = agora(WORLD, api=api)
    for endpoint in {name for table in ROUTES.values() for name in table} - set(ROUTES[api]):
        path = f"analytics/{endpoint}" if endpoint.startswith("call/") else endpoint
        for method in ("GET", "POST"):
            assert 404 == reach(server, path, method=method)["code"]
    for endpoint in ("analytics/insight/usage/by_time", "call/lists", "analytics/call/list"):
        assert 404 == reach(server, endpoint)["code"]


@pytest.mark.parametrize(("api", "extra"), [("2024", 4), ("2022", 0), ("2021-07", 0), ("2021-03", 0)])
def test_calls_and_envelopes_have_the_shape_of_their_time(api: str, extra: int) -> None:
    body = now_get(agora(WORLD, api=api), LISTS, start_ts=START + HOUR, end_ts=END)
    assert api.startswith("2021") is ("requestId" not in body)
    assert api.startswith("2021") is ("page_no" not in body)
    assert "has_more" in body
    assert 5 + extra == len(body["call_lists"][0])


@pytest.mark.parametrize(("api", "newest"), [("2021-03", 10), ("2021-07", 100)])
def test_a_list_of_2021_is_the_newest_and_says_that_there_are_more(api: str, newest: int) -> None:
    world = small_world(call_burst=Burst(count=1_000, start=END - 2 * HOUR))
    server = agora(world, api=api)
    body = now_get(server, LISTS, start_ts=END - 2 * HOUR, end_ts=END - HOUR)
    listed = [call["call_id"] for call in body["call_lists"]]
    expected = [world.call_at("agora", index).call_id for index in world.listing("agora", END - 2 * HOUR, END - HOUR)]
    assert (True, newest, expected[:newest]) == (body["has_more"], len(listed), listed)
    assert 400 == now_get(server, LISTS, page_no=1)["code"]
    quiet = now_get(server, LISTS, start_ts=START + 60, end_ts=START + 70)
    assert (False, True) == (quiet["has_more"], len(quiet["call_lists"]) < 10)


@pytest.mark.parametrize(("api", "members"), [("2024", 15), ("2022", 11), ("2021-07", 11)])
def test_sessions_have_the_shape_of_their_time(api: str, members: int) -> None:
    body = now_get(agora(WORLD, api=api), SESSIONS, **OF_GROUP, page_no=2, page_size=5)
    assert (members, 2, 5, True) == (
        len(body["call_info"][0]),
        body["page_no"],
        body["page_size"],
        "total_size" in body,
    )
    assert (api == "2024") is ("has_more" in body)


@pytest.mark.parametrize(("api", "highest"), [("2024", 20_040), ("2022", 20_028), ("2021-07", 20_028)])
def test_metrics_are_those_known_at_the_time(api: str, highest: int) -> None:
    world = small_world(sessions_per_call=20, points_per_series=2)
    call = next(call for call in world.calls("agora") if call.kind is Kind.GROUP)
    sids = ",".join(stay.session_id for stay in world.sessions(call))
    window = {"call_id": call.call_id, "start_ts": call.created_ts, "end_ts": call.destroyed_ts}
    body = now_get(agora(world, api=api), METRICS, **window, sids=sids)
    assert highest == max(data["mid"] for one in body["metrics"] for data in one["data"])


def test_details_are_the_ten_who_joined_last_with_their_metrics() -> None:
    server = agora(WORLD, api="2021-03")
    body = now_get(server, DETAILS, **OF_GROUP)
    assert ["code", "message", "call_id", "call_info", "metrics"] == list(body)
    stays = [stay for stay in WORLD.sessions(GROUP) if not stay.server]
    latest = sorted((stay.join_ts for stay in stays), reverse=True)[:10]
    assert latest == [info["join_ts"] for info in body["call_info"]]
    assert [info["sid"] for info in body["call_info"]] == [one["sid"] for one in body["metrics"]]
    assert 20_020 == max(data["mid"] for one in body["metrics"] for data in one["data"])
    assert 11 == len(body["call_info"][0])
    without = now_get(server, DETAILS, **OF_GROUP, exclude_metrics_info="true")
    assert (body["call_info"], True) == (without["call_info"], "metrics" not in without)


def test_details_may_show_servers_too() -> None:
    world = small_world(calls=60)
    shown = set()
    for call in world.calls("agora"):
        window = {"call_id": call.call_id, "start_ts": call.created_ts, "end_ts": call.created_ts + 30}
        if call.created_ts + 30 < END:
            body = now_get(agora(world, api="2021-03"), DETAILS, **window, exclude_server_user="false")
            shown |= {info["platform"] for info in body["call_info"]}
    assert "Linux" in shown


@pytest.mark.parametrize(
    ("endpoint", "changes", "code", "message"),
    [
        (DETAILS, {"start_ts": END - 3 * HOUR, "end_ts": END}, 300, "query time length limit error"),
        (DETAILS, {"start_ts": END - 3 * HOUR + 1, "end_ts": END}, 200, ""),
        (DETAILS, {"end_ts": int(NOW) - 149}, 300, "query latency limit error"),
        (DETAILS, {"uids": "1"}, 400, "Bad request, parameter : uids is unknown"),
        (DETAILS, {"exclude_metrics_info": "no"}, 400, "Bad request, parameter : exclude_metrics_info is invalid"),
        (DETAILS, {"call_id": None}, 400, "Bad request, parameter : call_id can not be null"),
        (LISTS, {"start_ts": int(NOW) - 3 * DAY}, 300, "query time range limit error"),
    ],
)
def test_march_2021_has_bounds_of_its_own(endpoint: str, changes: dict[str, Any], code: int, message: str) -> None:
    asked: dict[str, Any] = {**(OF_GROUP if endpoint == DETAILS else WINDOW), **changes}
    body = now_get(agora(WORLD, api="2021-03", hand=Hand(float(int(NOW)))), endpoint, **asked)
    assert (code, message) == (body["code"], body["message"])


def test_without_access_the_answer_of_2021_was_short() -> None:
    body = now_get(agora(WORLD, api="2021-07", plan="starter"), LISTS)
    assert {"code": 300, "message": "no auth", "data": None} == body


@pytest.mark.parametrize(("api", "code"), [("2024", 200), ("2022", 400), ("2021-07", 400)])
def test_usage_by_the_hour_came_last(api: str, code: int) -> None:
    server = agora(WORLD, api=api, hand=Hand(float(END + 2 * DAY)))
    asked: dict[str, Any] = {"startTs": START, "endTs": END, "metric": "userCount"}
    assert code == reach(server, "insight/usage/by_time", **asked, aggregateGranularity="1h")["code"]
    assert 200 == reach(server, "insight/usage/by_time", **asked, aggregateGranularity="1d")["code"]


def test_realtime_had_no_dimension_in_2022() -> None:
    asked: dict[str, Any] = {"startTs": END - 600, "endTs": END - 60, "productType": "Native", "metric": "userCount"}
    server = agora(WORLD, api="2022")
    assert 200 == reach(server, "realtime/usage/by_time_20sec", **asked)["code"]
    assert 400 == reach(server, "realtime/usage/by_time_20sec", **asked, dimension="os")["code"]


def march(now: float) -> SimulatedAgora:
    return agora(WORLD, api="2021-03", hand=Hand(now))


def test_usage_of_march_2021_is_by_utc_day_and_takes_several_metrics() -> None:
    day = START // DAY * DAY
    asked: dict[str, Any] = {"start_ts": day - DAY, "end_ts": day + DAY, "metric": "userCount,channelCount"}
    ready = reach(march(day + DAY + 8 * HOUR + 1.0), "insight/usage/by_time", **asked)
    assert [day - DAY, day] == [row["ts"] for row in ready["data"]]
    expected = {name: WORLD.figure("agora", name, day, DAY) for name in ("userCount", "channelCount")}
    assert {**expected, "ts": day} == ready["data"][1]
    early = reach(march(day + DAY + 8 * HOUR - 1.0), "insight/usage/by_time", **asked)
    assert [day - DAY] == [row["ts"] for row in early["data"]]
    short = reach(
        march(day + 2.0 * DAY), "insight/usage/by_time", **{**asked, "start_ts": day - 100, "end_ts": day + DAY - 200}
    )
    assert (200, []) == (short["code"], short["data"])
    assert 400 == reach(march(NOW), "insight/usage/by_time", **asked, aggregateGranularity="1d")["code"]
    assert 400 == reach(march(NOW), "insight/usage/by_time", startTs=1, endTs=2, metric="userCount")["code"]


@pytest.mark.parametrize(
    ("family", "metrics"),
    [
        ("scale", ("pcu", "pcc")),
        ("experience", ("joinSuccessRate", "joinSuccess5SecsRate", "videoFreezeRate", "audioFreezeRate")),
        ("net", ("videoUpstreamExcellentTransRate", "audioEnd2EndExcellentTransRate")),
    ],
)
def test_live_figures_come_by_the_minute_and_in_percent(family: str, metrics: tuple[str, ...]) -> None:
    asked: dict[str, Any] = {"start_ts": END - 30 * MINUTE, "end_ts": END, "metric": ",".join(metrics)}
    body = reach(march(END + 121.0), f"live/{family}/by_time", **asked)
    assert ["code", "message", "data"] == list(body)
    times = [row["ts"] for row in body["data"]]
    assert (30, {60}) == (len(times), {after - before for before, after in pairwise(times)})
    for row in body["data"]:
        for name in metrics:
            value = WORLD.figure("agora", name, row["ts"], MINUTE) or 0
            assert (round(100 * value, 2) if name in RATES else value) == row[name]
    assert all(any(row[name] for row in body["data"]) for name in metrics)


@pytest.mark.parametrize("metric", ["", "pcu,", "pcu,pcu", "userCount", "pcu,joinSuccessRate"])
def test_live_figures_of_another_family_are_refused(metric: str) -> None:
    asked: dict[str, Any] = {"start_ts": END - 30 * MINUTE, "end_ts": END, "metric": metric}
    assert 400 == reach(march(END + 121.0), "live/scale/by_time", **asked)["code"]


def test_live_reaches_back_an_hour_and_lags_two_minutes() -> None:
    server = march(float(END))
    over: dict[str, Any] = {"start_ts": END - 10 * MINUTE, "end_ts": END - 121, "metric": "pcu"}
    assert 200 == reach(server, "live/scale/by_time", **over)["code"]
    for change, message in (({"end_ts": END - 120}, "latency"), ({"start_ts": END - HOUR}, "time range")):
        body = reach(server, "live/scale/by_time", **{**over, **change})
        assert (300, True) == (body["code"], message in body["message"])


def test_diagnoses_are_any_ten_of_what_happened() -> None:
    world = small_world(
        experiences_per_hour=0, experience_burst=Burst(count=300, start=END - HOUR + 600, seconds=1_800)
    )
    server = agora(world, api="2021-03", hand=Hand(END + 121.0))
    asked: dict[str, Any] = {"start_ts": END - 50 * MINUTE, "end_ts": END}
    body = reach(server, "live/diagnosis", **asked)
    assert {("user", "exp_id", "cname", "cause_tags", "ts")} == {tuple(one) for one in body["data"]}
    assert {("factor_id", "host_user")} == {tuple(tag) for one in body["data"] for tag in one["cause_tags"]}
    known = {(one.user_id, one.kind_id, one.channel, one.instant) for one in world.experiences("agora", START, END)}
    found = [(one["user"], one["exp_id"], one["cname"], one["ts"]) for one in body["data"]]
    assert (10, 10, True) == (len(found), len(set(found)), set(found) <= known)
    assert body == reach(server, "live/diagnosis", **asked)
    half = reach(server, "live/diagnosis", **{**asked, "end_ts": END - 25 * MINUTE})
    assert body["data"] != half["data"]
    assert 400 == reach(server, "live/diagnosis", **asked, metric="pcu")["code"]
    quiet = reach(server, "live/diagnosis", start_ts=END - 5 * MINUTE, end_ts=END)
    assert [] == quiet["data"]
