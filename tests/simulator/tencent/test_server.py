from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import Call, Kind, Lie, Session
from agora_tencent_analytics.simulator.world.catalogue import TENCENT
from tests.support.in_turn import in_turn
from tests.support.simulator_requests import (
    END,
    NOW,
    START,
    Hand,
    code_of,
    now_post,
    signed,
    small_world,
    tencent,
    tencent_payload,
)

ROOMS, USERS, DETAIL, OLD = "DescribeRoomInfo", "DescribeUserInfo", "DescribeCallDetailInfo", "DescribeCallDetail"
WORLD = small_world()


def of_kind(kind: Kind) -> Call:
    return next(call for call in WORLD.calls("tencent") if call.kind is kind)


def hour_of(call: Call) -> dict[str, Any]:
    start = call.created_ts
    return {"CommId": call.call_id, "StartTime": start, "EndTime": min(start + HOUR, call.destroyed_ts)}


def as_text(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same for the action of 2021, which wants these as text."""
    names = ("SdkAppId", "PageNumber", "PageSize")
    return {name: str(value) if name in names else value for name, value in parameters.items()}


def everything(action: str) -> dict[str, Any]:
    """Parameters that the action accepts."""
    if action == ROOMS:
        return {"StartTime": START, "EndTime": END}
    parameters = hour_of(of_kind(Kind.REJOIN))
    return as_text({**parameters, "SdkAppId": WORLD.sdk_app_id}) if action == OLD else parameters


def test_rooms_have_the_vendors_shape() -> None:
    response = now_post(tencent(WORLD), ROOMS, StartTime=START, EndTime=END, PageNumber=0, PageSize=100)
    assert ["Total", "RoomList", "RequestId"] == list(response)
    assert 14 == len(response["RoomList"])
    assert ["CommId", "RoomString", "CreateTime", "DestroyTime", "IsFinished", "UserId"] == list(
        response["RoomList"][0]
    )
    assert {call.call_id for call in WORLD.calls("tencent")} == {room["CommId"] for room in response["RoomList"]}
    running = [room for room in response["RoomList"] if not room["IsFinished"]]
    assert {int(NOW)} == {room["DestroyTime"] for room in running}
    assert len(running) >= 2


def test_rooms_come_in_pages_from_zero_and_the_total_counts_the_page() -> None:
    server = tencent(WORLD)
    pages = [now_post(server, ROOMS, **everything(ROOMS), PageNumber=page, PageSize=6) for page in range(4)]
    assert [6, 6, 2, 0] == [len(page["RoomList"]) for page in pages] == [page["Total"] for page in pages]
    assert 14 == len({room["CommId"] for page in pages for room in page["RoomList"]})


@pytest.mark.parametrize("given", [{}, {"PageNumber": 1}, {"PageSize": 3}])
def test_without_both_paging_fields_the_first_default_page_comes(given: dict[str, int]) -> None:
    server = tencent(WORLD)
    first = now_post(server, ROOMS, **everything(ROOMS), PageNumber=0, PageSize=10)["RoomList"]
    assert first == now_post(server, ROOMS, **everything(ROOMS), **given)["RoomList"]
    call = of_kind(Kind.GROUP)
    assert 6 == len(now_post(server, USERS, **hour_of(call), **given)["UserList"])


def test_rooms_of_one_room_id() -> None:
    channel = of_kind(Kind.SERIES).channel
    response = now_post(tencent(WORLD), ROOMS, **everything(ROOMS), RoomId=channel)
    assert (3, {channel}) == (response["Total"], {room["RoomString"] for room in response["RoomList"]})


def test_users_have_the_vendors_shape() -> None:
    call = of_kind(Kind.RUNNING)
    response = now_post(tencent(WORLD), USERS, **hour_of(call))
    assert ["Total", "UserList", "RequestId"] == list(response)
    assert [
        "RoomStr",
        "UserId",
        "JoinTs",
        "LeaveTs",
        "DeviceType",
        "SdkVersion",
        "ClientIp",
        "Finished",
    ] == list(response["UserList"][0])
    assert {int(NOW)} == {user["LeaveTs"] for user in response["UserList"] if not user["Finished"]}


def test_the_total_of_users_counts_one_who_returned_once() -> None:
    call = of_kind(Kind.REJOIN)
    response = now_post(tencent(WORLD), USERS, **hour_of(call))
    assert (3, 6) == (response["Total"], len(response["UserList"]))


def test_users_come_in_pages() -> None:
    call = of_kind(Kind.CROWD)
    server = tencent(WORLD)
    pages = [now_post(server, USERS, **hour_of(call), PageNumber=page, PageSize=100)["UserList"] for page in (0, 1, 2)]
    expected = {(stay.user_id, stay.join_ts) for stay in WORLD.sessions(call)}
    assert expected == {(user["UserId"], user["JoinTs"]) for page in pages for user in page}
    assert [100, len(expected) - 100, 0] == [len(page) for page in pages]


def points_of(stays: tuple[Session, ...], start: int, end: int, wanted: set[str]) -> dict[tuple[str, ...], list[Any]]:
    expected: dict[tuple[str, ...], list[Any]] = {}
    for stay in sorted(stays, key=lambda stay: stay.join_ts):
        for series in WORLD.series(stay):
            points = list(WORLD.points(stay, series, start, end))
            if points and series.metric.name in wanted:
                expected.setdefault((stay.user_id, series.peer_id, series.metric.name), []).extend(points)
    return expected


@pytest.mark.parametrize(
    ("types", "wanted"),
    [(["all"], {metric.name for metric in TENCENT}), (["aBit", "rtt"], {"aBit", "rtt"}), (["rtt"], {"rtt"})],
)
def test_metrics_are_the_points_of_the_world(types: list[str], wanted: set[str]) -> None:
    call = of_kind(Kind.REJOIN)
    start, end = call.created_ts + 61, call.destroyed_ts - 33
    response = now_post(tencent(WORLD), DETAIL, CommId=call.call_id, StartTime=start, EndTime=end, DataType=types)
    assert ["Total", "UserList", "Data", "RequestId"] == list(response)
    found = {
        (data["UserId"], data["PeerId"], data["DataType"]): [
            (point["Time"], point["Value"]) for point in data["Content"]
        ]
        for data in response["Data"]
    }
    assert points_of(WORLD.sessions(call), start, end, wanted) == found
    assert ["Content", "UserId", "PeerId", "DataType"] == list(response["Data"][0])


def test_call_details_without_a_data_type_are_users_and_no_data() -> None:
    call = of_kind(Kind.REJOIN)
    users = now_post(tencent(WORLD), USERS, **hour_of(call))["UserList"]
    response = now_post(tencent(WORLD), DETAIL, **hour_of(call))
    assert (users, []) == (response["UserList"], response["Data"])


def test_pages_with_metrics_count_the_stays_and_hold_their_users_data() -> None:
    call = of_kind(Kind.GROUP)
    server = tencent(WORLD)
    stays = len(WORLD.sessions(call))
    seen: list[tuple[str, int]] = []
    for page in range(-(-stays // 6)):
        response = now_post(server, DETAIL, **hour_of(call), DataType=["rtt"], PageNumber=page, PageSize=6)
        seen += [(user["UserId"], user["JoinTs"]) for user in response["UserList"]]
        assert {user["UserId"] for user in response["UserList"]} == {data["UserId"] for data in response["Data"]}
    assert (stays, stays) == (len(seen), len(set(seen)))


def test_chosen_users_only() -> None:
    call = of_kind(Kind.GROUP)
    chosen = sorted({stay.user_id for stay in WORLD.sessions(call)})[:4]
    for action, more in ((USERS, {}), (DETAIL, {"DataType": ["all"]})):
        response = now_post(tencent(WORLD), action, **hour_of(call), UserIds=chosen, **more)
        assert set(chosen) == {user["UserId"] for user in response["UserList"]}
    assert set(chosen) == {data["UserId"] for data in response["Data"]}


def test_the_retired_action_speaks_text_and_thirteen_metrics() -> None:
    parameters = everything(OLD)
    response = now_post(tencent(WORLD), OLD, **parameters, DataType=["all"])
    assert 13 == len({data["DataType"] for data in response["Data"]})
    assert "InvalidParameter" == code_of(now_post(tencent(WORLD), OLD, **parameters, DataType=["rtt"]))
    page = now_post(tencent(WORLD), OLD, **parameters, PageNumber="1", PageSize="4")
    assert 2 == len(page["UserList"])
    assert "ActionOffline" == code_of(now_post(tencent(WORLD, retired=True), OLD, **parameters))
    assert "" == code_of(now_post(tencent(WORLD, retired=True), DETAIL, **everything(DETAIL)))


WRONG: list[tuple[str, dict[str, object], str]] = [
    (DETAIL, {"SdkAppId": str(WORLD.sdk_app_id)}, "InvalidParameterValue"),
    (DETAIL, {"PageNumber": "0", "PageSize": 6}, "InvalidParameterValue"),
    (DETAIL, {"DataType": "all"}, "InvalidParameterValue"),
    (DETAIL, {"UserIds": [1]}, "InvalidParameterValue"),
    (DETAIL, {"StartTime": float(START)}, "InvalidParameterValue"),
    (DETAIL, {"PageNumber": True, "PageSize": 6}, "InvalidParameterValue"),
    (OLD, {"SdkAppId": WORLD.sdk_app_id}, "InvalidParameterValue"),
    (OLD, {"PageNumber": 0, "PageSize": "6"}, "InvalidParameterValue"),
    (ROOMS, {"PageNumber": -1, "PageSize": 6}, "InvalidParameterValue"),
    (ROOMS, {"RoomId": 5}, "InvalidParameterValue"),
    (ROOMS, {"RoomId": None}, "UnknownParameter"),
    (ROOMS, {"CommId": "1"}, "UnknownParameter"),
    (USERS, {"DataType": ["all"]}, "UnknownParameter"),
    (ROOMS, {"SdkAppId": ...}, "MissingParameter.SdkAppId"),
    (ROOMS, {"StartTime": ...}, "MissingParameter.StartTs"),
    (ROOMS, {"EndTime": ...}, "MissingParameter.EndTs"),
    (USERS, {"CommId": ...}, "MissingParameter.CommId"),
    (ROOMS, {"SdkAppId": 1}, "InvalidParameter.SdkAppId"),
    (ROOMS, {"StartTime": START * 1_000}, "InvalidParameter.StartTs"),
    (ROOMS, {"EndTime": END * 1_000}, "InvalidParameter.EndTs"),
    (ROOMS, {"StartTime": END, "EndTime": END}, "InvalidParameter.EndTs"),
    (ROOMS, {"PageNumber": 0, "PageSize": 101}, "InvalidParameter.PageSizeOversize"),
    (ROOMS, {"PageNumber": 0, "PageSize": 0}, "InvalidParameter.PageSize"),
    (DETAIL, {"PageNumber": 0, "PageSize": 7, "DataType": ["all"]}, "InvalidParameter.PageSizeOversize"),
    (DETAIL, {"UserIds": ["u"] * 7, "DataType": ["all"]}, "InvalidParameter.UserIdsMorethanSix"),
    (USERS, {"UserIds": ["u"] * 101}, "InvalidParameter.UserIdsMorethanSix"),
    (OLD, {"UserIds": ["u"] * 7}, "InvalidParameter.UserIdsMorethanSix"),
    (DETAIL, {"DataType": ["abit"]}, "InvalidParameter"),
]


@in_turn(("action", "changes", "code"), WRONG)
def test_what_is_wrong_is_refused(action: str, changes: dict[str, object], code: str) -> None:
    server = tencent(WORLD)
    response = now_post(server, action, **{**everything(action), **changes})
    assert code == code_of(response)
    assert response["RequestId"]
    assert "" == code_of(now_post(server, action, **everything(action)))


@pytest.mark.parametrize(
    ("action", "changes", "code"),
    [
        (ROOMS, {"StartTime": END - DAY, "EndTime": END}, ""),
        (ROOMS, {"StartTime": END - DAY - 1, "EndTime": END}, "InvalidParameter.QueryScaleOversize"),
        (USERS, {"StartTime": END - 4 * HOUR, "EndTime": END}, ""),
        (USERS, {"StartTime": END - 4 * HOUR - 1, "EndTime": END}, "InvalidParameter.QueryScaleOversize"),
        (DETAIL, {"StartTime": END - 4 * HOUR, "EndTime": END}, ""),
        (DETAIL, {"StartTime": END - 4 * HOUR - 1, "EndTime": END}, "InvalidParameter.QueryScaleOversize"),
        (DETAIL, {"StartTime": END - HOUR, "EndTime": END, "DataType": ["rtt"]}, ""),
        (
            DETAIL,
            {"StartTime": END - HOUR - 1, "EndTime": END, "DataType": ["rtt"]},
            "InvalidParameter.QueryScaleOversize",
        ),
        (OLD, {"StartTime": END - HOUR - 1, "EndTime": END}, "InvalidParameter.QueryScaleOversize"),
    ],
)
def test_spans_are_inclusive(action: str, changes: dict[str, object], code: str) -> None:
    assert code == code_of(now_post(tencent(WORLD), action, **{**everything(action), **changes}))


def test_a_window_too_long_for_metrics_may_answer_null() -> None:
    parameters = {**everything(DETAIL), "StartTime": END - HOUR - 1, "EndTime": END, "DataType": ["rtt"]}
    response = now_post(tencent(WORLD, oversize="null"), DETAIL, **parameters)
    assert (0, None, None) == (response["Total"], response["UserList"], response["Data"])


@pytest.mark.parametrize(
    ("plan", "days", "seconds", "code"),
    [
        ("basic", 7, 0, ""),
        ("basic", 7, 1, "InvalidParameter.StartTimeOversize"),
        ("advanced", 14, 0, ""),
        ("advanced", 14, 1, "InvalidParameter.StartTsOversize"),
        ("basic", 14, 1, "InvalidParameter.StartTsOversize"),
    ],
)
def test_history_is_the_vendors_and_the_plans(plan: str, days: int, seconds: int, code: str) -> None:
    server = tencent(WORLD, plan=plan, hand=Hand(float(int(NOW))))
    start = int(NOW) - days * DAY - seconds
    assert code == code_of(now_post(server, ROOMS, StartTime=start, EndTime=start + HOUR))


def test_a_free_plan_may_not_call() -> None:
    assert "UnauthorizedOperation" == code_of(now_post(tencent(WORLD, plan="free"), ROOMS))


def test_the_twenty_first_request_of_a_second_is_refused() -> None:
    server = tencent(WORLD, plan="advanced", hand=Hand(float(int(NOW))))
    codes = [code_of(now_post(server, ROOMS, **everything(ROOMS))) for _ in range(21)]
    assert [""] * 20 + ["RequestLimitExceeded"] == codes
    assert "" == code_of(now_post(server, USERS, **everything(USERS)))
    assert (1, 22) == (server.refused, len(server.arrivals))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-TC-Action": "DescribeEverything"}, "InvalidAction"),
        ({"X-TC-Version": "2017-03-12"}, "NoSuchVersion"),
        ({"X-TC-Region": ""}, "MissingParameter"),
        ({"X-TC-Region": "eu-nowhere"}, "UnsupportedRegion"),
    ],
)
def test_the_common_headers_are_checked(headers: dict[str, str], code: str) -> None:
    server = tencent(WORLD)
    body = json.dumps(tencent_payload(server)).encode()
    _, _, answer = asyncio.run(server.answer("POST", "/", signed(server, ROOMS, body, more=headers), body))
    assert code == json.loads(answer)["Response"]["Error"]["Code"]


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff"])
def test_a_payload_that_is_no_object_is_refused(body: bytes) -> None:
    server = tencent(WORLD)
    _, _, answer = asyncio.run(server.answer("POST", "/", signed(server, ROOMS, body), body))
    assert "InvalidParameter.BodyParamsError" == json.loads(answer)["Response"]["Error"]["Code"]


def test_get_is_not_spoken() -> None:
    server = tencent(WORLD)
    _, _, answer = asyncio.run(server.answer("GET", "/?Action=DescribeRoomInfo", {}))
    assert "UnsupportedProtocol" == json.loads(answer)["Response"]["Error"]["Code"]


def test_an_unknown_call_has_no_users() -> None:
    response = now_post(tencent(WORLD), USERS, CommId="1400000000_1_1")
    assert (0, []) == (response["Total"], response["UserList"])


def test_a_lie_about_the_total() -> None:
    server = tencent(WORLD, faults=[Lie(total=77)])
    assert 77 == now_post(server, ROOMS, **everything(ROOMS))["Total"]
    assert 77 == now_post(server, USERS, **everything(USERS))["Total"]


def test_no_secret_is_logged() -> None:
    server = tencent(WORLD, token="sesame")
    now_post(server, ROOMS, **everything(ROOMS))
    assert (ROOMS, "AuthFailure.TokenFailure") == (server.arrivals[0].endpoint, server.arrivals[0].code)
    assert not any(secret in repr(server.arrivals) for secret in (server.credentials["secret_key"], "sesame"))
