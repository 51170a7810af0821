from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE, SECOND, Limits, Plan, Rate
from agora_tencent_analytics.simulator import Call, Kind, SimulatedAgora
from tests.support.simulator_requests import END, NOW, START, Hand, agora, agora_query, basic, now_get, small_world

LISTS, SESSIONS, METRICS = "call/lists", "call/sessions", "call/metrics"
WORLD = small_world()


def of_kind(kind: Kind) -> Call:
    return next(call for call in WORLD.calls("agora") if call.kind is kind)


def window_of(call: Call) -> dict[str, Any]:
    return {"call_id": call.call_id, "start_ts": call.created_ts, "end_ts": min(call.destroyed_ts, END)}


def everything(endpoint: str) -> dict[str, Any]:
    """Parameters that the endpoint accepts."""
    call = of_kind(Kind.REJOIN)
    sids = ",".join(stay.session_id for stay in WORLD.sessions(call))
    return {LISTS: {}, SESSIONS: window_of(call), METRICS: {**window_of(call), "sids": sids}}[endpoint]


def test_a_listing_has_the_vendors_shape() -> None:
    body = now_get(agora(WORLD), LISTS, start_ts=START, end_ts=END)
    names = ["code", "message", "requestId", "page_no", "page_size", "total_size", "has_more", "call_lists"]
    assert names == list(body)
    assert (200, "", 1, 20, 14, False) == tuple(
        body[name] for name in ("code", "message", "page_no", "page_size", "total_size", "has_more")
    )
    assert [
        "call_id",
        "cname",
        "created_ts",
        "destroyed_ts",
        "finished",
        "call_pcu",
        "call_acu",
        "call_audio_freeze_rate",
        "call_video_freeze_rate",
    ] == list(body["call_lists"][0])
    starts = [call["created_ts"] for call in body["call_lists"]]
    assert sorted(starts, reverse=True) == starts
    assert {call.call_id for call in WORLD.calls("agora")} == {call["call_id"] for call in body["call_lists"]}


def test_users_of_a_call_are_counted_at_their_peak_and_in_all() -> None:
    body = now_get(agora(WORLD), LISTS, start_ts=START, end_ts=END)
    listed = {call["call_id"]: call for call in body["call_lists"]}
    for call in WORLD.calls("agora"):
        stays = [stay for stay in WORLD.sessions(call) if not stay.server]
        peak = max(sum(stay.join_ts <= one.join_ts < stay.leave_ts for stay in stays) for one in stays)
        found = listed[call.call_id]
        assert (peak, len({stay.uid for stay in stays})) == (found["call_pcu"], found["call_acu"])


def test_a_listing_holds_what_overlaps_its_window() -> None:
    start, end = START + 2 * HOUR, START + 3 * HOUR
    body = now_get(agora(WORLD), LISTS, start_ts=start, end_ts=end)
    expected = {call.call_id for call in WORLD.calls("agora") if call.created_ts < end and call.destroyed_ts > start}
    assert expected == {call["call_id"] for call in body["call_lists"]}
    assert any(call["created_ts"] < start for call in body["call_lists"])


def test_a_listing_of_one_channel() -> None:
    channel = of_kind(Kind.SERIES).channel
    body = now_get(agora(WORLD), LISTS, start_ts=START, end_ts=END, cname=channel)
    assert (3, {channel}) == (body["total_size"], {call["cname"] for call in body["call_lists"]})
    assert 0 == now_get(agora(WORLD), LISTS, cname="nowhere")["total_size"]


def test_pages_are_counted_from_one_and_hold_everything_once() -> None:
    server = agora(WORLD)
    pages = [now_get(server, LISTS, start_ts=START, end_ts=END, page_no=page, page_size=5) for page in (1, 2, 3, 4)]
    assert [5, 5, 4, 0] == [len(page["call_lists"]) for page in pages]
    assert [True, True, False, False] == [page["has_more"] for page in pages]
    assert {14} == {page["total_size"] for page in pages}
    assert 14 == len({call["call_id"] for page in pages for call in page["call_lists"]})
    assert not now_get(server, LISTS, start_ts=START, end_ts=END, page_no=2, page_size=7)["has_more"]


def test_a_page_is_silently_capped_at_a_hundred() -> None:
    body = now_get(agora(WORLD), SESSIONS, **window_of(of_kind(Kind.CROWD)), page_size=5_000)
    assert (100, 100, True) == (body["page_size"], len(body["call_info"]), body["has_more"])
    assert 100 < body["total_size"]


def test_sessions_have_the_vendors_shape() -> None:
    call = of_kind(Kind.GROUP)
    body = now_get(agora(WORLD), SESSIONS, **window_of(call), page_size=100)
    assert [
        "sid",
        "cname",
        "uid",
        "account",
        "network",
        "platform",
        "speaker",
        "sdk_version",
        "device_type",
        "join_ts",
        "leave_ts",
        "finished",
        "roles",
        "user_video_freeze_rate",
        "user_audio_freeze_rate",
    ] == list(body["call_info"][0])
    for info in body["call_info"]:
        assert (int, str, list, bool) == tuple(type(info[name]) for name in ("uid", "account", "roles", "speaker"))
        assert 0 <= info["user_video_freeze_rate"] < 1
    joins = [info["join_ts"] for info in body["call_info"]]
    assert sorted(joins, reverse=True) == joins


def test_server_users_are_hidden_unless_asked_for() -> None:
    window = window_of(of_kind(Kind.GROUP))
    hidden, shown = (
        now_get(agora(WORLD), SESSIONS, **window, page_size=100, exclude_server_user=text)["call_info"]
        for text in ("true", "false")
    )
    assert {"Linux"} == {info["platform"] for info in shown} - {info["platform"] for info in hidden}
    assert len(hidden) == now_get(agora(WORLD), SESSIONS, **window)["total_size"] < len(shown)


def test_sessions_of_chosen_users_include_every_stay() -> None:
    call = of_kind(Kind.REJOIN)
    uids = sorted({stay.uid for stay in WORLD.sessions(call)})[:2]
    body = now_get(agora(WORLD), SESSIONS, **window_of(call), uids=",".join(map(str, uids)))
    expected = {stay.session_id for stay in WORLD.sessions(call) if stay.uid in uids}
    assert expected == {info["sid"] for info in body["call_info"]}
    assert len(expected) > 2


def test_metrics_are_the_points_of_the_world() -> None:
    call = of_kind(Kind.REJOIN)
    stays = WORLD.sessions(call)
    start, end = call.created_ts + 61, call.destroyed_ts - 33
    sids = ",".join(stay.session_id for stay in stays)
    body = now_get(agora(WORLD), METRICS, call_id=call.call_id, start_ts=start, end_ts=end, sids=sids)
    assert ["code", "message", "requestId", "metrics"] == list(body)
    found = {
        (one["sid"], data["mid"], data["peer_uid"]): [tuple(pair) for pair in data["kvs"]]
        for one in body["metrics"]
        for data in one["data"]
    }
    expected = {
        (stay.session_id, int(series.metric.name), int(series.peer_id or 0)): points
        for stay in stays
        for series in WORLD.series(stay)
        if (points := list(WORLD.points(stay, series, start, end)))
    }
    assert expected == found
    assert any(peer for _, _, peer in found)


def test_metrics_do_not_come_in_the_order_asked_for() -> None:
    call = of_kind(Kind.GROUP)
    sids = [stay.session_id for stay in WORLD.sessions(call)][:20]
    found = [one["sid"] for one in now_get(agora(WORLD), METRICS, **window_of(call), sids=",".join(sids))["metrics"]]
    assert sorted(sids) == sorted(found)
    assert sids != found


def test_an_unknown_session_is_left_out() -> None:
    parameters = {**everything(METRICS), "sids": "F" * 32}
    assert [] == now_get(agora(WORLD), METRICS, **parameters)["metrics"]


def test_an_unknown_call_has_no_sessions() -> None:
    body = now_get(agora(WORLD), SESSIONS, call_id="0" * 24)
    assert (200, 0, []) == (body["code"], body["total_size"], body["call_info"])


@pytest.mark.parametrize(("ongoing", "expected"), [("now", int(NOW)), ("zero", 0), ("null", None)])
def test_a_running_call_ends_as_ordered(ongoing: str, expected: int | None) -> None:
    call = of_kind(Kind.RUNNING)
    server = agora(WORLD, ongoing=ongoing)
    listed = now_get(server, LISTS)["call_lists"]
    assert {expected} == {one["destroyed_ts"] for one in listed if not one["finished"]}
    info = now_get(server, SESSIONS, **window_of(call))["call_info"]
    assert {expected} == {one["leave_ts"] for one in info if not one["finished"]}


@pytest.mark.parametrize(
    ("endpoint", "changes", "message"),
    [
        (LISTS, {"end_ts": int(NOW) - 21}, ""),
        (LISTS, {"end_ts": int(NOW) - 20}, "query latency limit error"),
        (SESSIONS, {"end_ts": int(NOW) - 101}, ""),
        (SESSIONS, {"end_ts": int(NOW) - 100}, "query latency limit error"),
        (METRICS, {"end_ts": int(NOW) - 100}, "query latency limit error"),
        (LISTS, {"start_ts": int(NOW) - 15 * DAY + 1, "end_ts": int(NOW) - 15 * DAY + 60}, ""),
        (LISTS, {"start_ts": int(NOW) - 15 * DAY, "end_ts": int(NOW) - 14 * DAY}, "query time range limit error"),
        (LISTS, {"start_ts": END - DAY + 1, "end_ts": END}, ""),
        (LISTS, {"start_ts": END - DAY, "end_ts": END}, "query duration limit error"),
        (SESSIONS, {"start_ts": END - 6 * HOUR + 1, "end_ts": END}, ""),
        (SESSIONS, {"start_ts": END - 6 * HOUR, "end_ts": END}, "query duration limit error"),
    ],
)
def test_the_bounds_of_time_are_strict(endpoint: str, changes: dict[str, int], message: str) -> None:
    body = now_get(agora(WORLD, hand=Hand(float(int(NOW)))), endpoint, **{**everything(endpoint), **changes})
    assert ((300, message) if message else (200, "")) == (body["code"], body["message"])
    assert not message or body["data"] is None


@pytest.mark.parametrize(
    ("endpoint", "changes", "message"),
    [
        (LISTS, {"start_ts": None}, "start_ts can not be null"),
        (LISTS, {"appid": None}, "appid can not be null"),
        (LISTS, {"startTs": START}, "startTs is unknown"),
        (LISTS, {"sids": "1"}, "sids is unknown"),
        (LISTS, {"start_ts": "noon"}, "start_ts is not a number"),
        (LISTS, {"start_ts": END, "end_ts": END}, "end_ts must be larger"),
        (LISTS, {"page_no": 0}, "page_no is not a positive number"),
        (LISTS, {"page_size": "many"}, "page_size is not a positive number"),
        (SESSIONS, {"call_id": None}, "call_id can not be null"),
        (SESSIONS, {"uids": ",".join(map(str, range(11)))}, "uids can not have more than 10"),
        (SESSIONS, {"exclude_server_user": "no"}, "exclude_server_user is not a boolean"),
        (METRICS, {"sids": None}, "sids can not be null"),
        (METRICS, {"sids": ",".join(map(str, range(21)))}, "sids can not have more than 20"),
        (METRICS, {"page_no": 1}, "page_no is unknown"),
    ],
)
def test_what_is_wrong_is_refused_with_400(endpoint: str, changes: dict[str, object], message: str) -> None:
    body = now_get(agora(WORLD), endpoint, **{**everything(endpoint), **changes})
    assert 400 == body["code"]
    assert message in body["message"]
    assert 200 == now_get(agora(WORLD), endpoint, **everything(endpoint))["code"]


def test_milliseconds_are_an_unknown_error() -> None:
    body = now_get(agora(WORLD), LISTS, start_ts=START * 1_000, end_ts=END * 1_000)
    assert {"code": 500, "message": "Unknown Error", "data": None} == body


def test_another_app_id_is_forbidden() -> None:
    assert 403 == now_get(agora(WORLD), LISTS, appid="f" * 32)["code"]


def ask(server: SimulatedAgora, url: str, headers: dict[str, str], method: str = "GET") -> tuple[int, dict[str, Any]]:
    status, answered, body = asyncio.run(server.answer(method, url, headers))
    assert "application/json" == answered["Content-Type"]
    return status, json.loads(body)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()}])
def test_wrong_credentials_are_refused_in_two_manners(header: dict[str, str]) -> None:
    url = "/beta/analytics/call/lists?start_ts=1&end_ts=2&appid=x"
    assert (200, {"code": 401, "message": "unauthorized", "data": None}) == ask(agora(WORLD), url, header)
    bare = (401, {"message": "Invalid authentication credentials"})
    assert bare == ask(agora(WORLD, auth_reply="http"), url, header)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/beta/analytics/call/list"), ("POST", "/beta/analytics/call/lists"), ("GET", "/")]
)
def test_a_wrong_path_or_method_is_404(method: str, path: str) -> None:
    server = agora(WORLD)
    status, body = ask(server, path, basic(server), method)
    assert (404, 404) == (status, body["code"])


@pytest.mark.parametrize("endpoint", [LISTS, SESSIONS, METRICS])
def test_a_plan_without_access_is_refused(endpoint: str) -> None:
    body = now_get(agora(WORLD, plan="starter"), endpoint, **everything(endpoint))
    assert (300, True) == (body["code"], body["message"].startswith("you have no auth"))


def test_an_unknown_plan_is_an_error_at_once() -> None:
    with pytest.raises(BadInput, match="platinum"):
        agora(WORLD, plan="platinum")


@pytest.mark.parametrize(
    ("period", "message"), [(SECOND, "qps limit error"), (MINUTE, "qpm limit error"), (DAY, "qpd limit error")]
)
def test_each_rate_has_its_message_and_each_endpoint_its_counters(period: int, message: str) -> None:
    row = Limits(rates=(Rate(2, period),), history_s=15 * DAY, span_s=DAY, page_size=100)
    tight = Plan(
        vendor="agora",
        name="tight",
        rows={"call/lists": row, "call/sessions, call/metrics": row},
        source="",
        read_on="",
    )
    server = agora(WORLD, plan=tight)
    answers = [now_get(server, endpoint, **everything(endpoint)) for endpoint in (LISTS, SESSIONS, METRICS) * 3]
    assert [200] * 6 + [300] * 3 == [body["code"] for body in answers]
    assert {"code": 300, "message": message, "data": None} == answers[-1]
    assert (3, {LISTS: 3, SESSIONS: 3, METRICS: 3}) == (server.refused, dict(server.by_endpoint))


def test_wrong_requests_of_a_known_customer_are_counted_and_strangers_are_not() -> None:
    server = agora(WORLD, plan="standard")
    assert 401 == ask(server, "/beta/analytics/call/lists", {})[1]["code"]
    assert 400 == now_get(server, LISTS, appid=None)["code"]
    assert 300 == now_get(server, LISTS)["code"]
    assert [(False, 401), (True, 400), (False, 300)] == [(one.counted, int(one.code)) for one in server.arrivals]


def test_the_log_tells_what_was_asked_and_no_secret() -> None:
    server = agora(WORLD)
    now_get(server, LISTS, page_no=2)
    arrival = server.arrivals[0]
    asked = {name: str(value) for name, value in agora_query(server, page_no=2).items()}
    assert (LISTS, NOW, True, 200, "200", asked) == (
        arrival.endpoint,
        arrival.at,
        arrival.counted,
        arrival.status,
        arrival.code,
        arrival.facts,
    )
    assert server.credentials["customer_secret"] not in repr(arrival)


def test_request_ids_differ() -> None:
    server = agora(WORLD)
    assert 3 == len({now_get(server, LISTS)["requestId"] for _ in range(3)})
