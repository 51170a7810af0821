from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import Burst, Event, Kind, Lie, SimulatedTencent
from tests.support.in_turn import in_turn
from tests.support.simulator_requests import END, NOW, START, Hand, code_of, now_post, small_world, tencent

EVENTS, UNUSUAL, SCALE = "DescribeUserEvent", "DescribeUnusualEvent", "DescribeScaleInfo"
WORLD = small_world()
CALL = next(call for call in WORLD.calls("tencent") if call.kind is Kind.REJOIN)
USER = max(WORLD.sessions(CALL), key=lambda stay: stay.number == 0).user_id


def everything(action: str) -> dict[str, Any]:
    if action == EVENTS:
        window = {"StartTime": CALL.created_ts, "EndTime": CALL.destroyed_ts}
        return {**window, "CommId": CALL.call_id, "RoomId": CALL.channel, "UserId": USER}
    return {"StartTime": END - HOUR, "EndTime": END} if action == UNUSUAL else {"StartTime": START, "EndTime": END}


def events_of(user: str, start: int, end: int) -> set[tuple[str, int, int, int, int, int]]:
    return {
        (one.peer_id, one.instant_ms, one.event_id, one.param_one, one.param_two, one.stream)
        for stay in WORLD.sessions(CALL)
        if stay.user_id == user
        for one in WORLD.events(stay)
        if start * 1_000 <= one.instant_ms <= end * 1_000
    }


def read(response: dict[str, Any]) -> set[tuple[str, int, int, int, int, int]]:
    return {
        (group["PeerId"], one["Time"], one["EventId"], one["ParamOne"], one["ParamTwo"], one["Type"])
        for group in response["Data"]
        for one in group["Content"]
    }


def test_events_of_a_user_are_those_of_all_its_stays() -> None:
    response = now_post(tencent(WORLD), EVENTS, **everything(EVENTS))
    assert ["Data", "RequestId"] == list(response)
    assert {("Content", "PeerId")} == {tuple(group) for group in response["Data"]}
    members = ("Type", "Time", "EventId", "ParamOne", "ParamTwo")
    assert {members} == {tuple(one) for group in response["Data"] for one in group["Content"]}
    assert events_of(USER, CALL.created_ts, CALL.destroyed_ts) == read(response)
    stays = [stay for stay in WORLD.sessions(CALL) if stay.user_id == USER]
    assert (True, 3) == (len(read(response)) > 20, len(stays))


def test_events_are_grouped_by_sender_and_not_sorted() -> None:
    response = now_post(tencent(WORLD), EVENTS, **everything(EVENTS))
    peers = [group["PeerId"] for group in response["Data"]]
    assert (True, True) == (len(peers) == len(set(peers)) > 1, USER in peers)
    times = [one["Time"] for group in response["Data"] for one in group["Content"]]
    assert any(sorted(one) != one for one in ([row["Time"] for row in group["Content"]] for group in response["Data"]))
    assert all(10**12 < time < 10**13 for time in times)


def test_a_window_of_events_ends_with_the_room() -> None:
    window = {"StartTime": CALL.created_ts + 60, "EndTime": CALL.destroyed_ts + 5_000}
    response = now_post(tencent(WORLD), EVENTS, **{**everything(EVENTS), **window})
    assert events_of(USER, CALL.created_ts + 60, CALL.destroyed_ts) == read(response)
    half = (CALL.created_ts + CALL.destroyed_ts) // 2
    response = now_post(tencent(WORLD), EVENTS, **{**everything(EVENTS), "StartTime": half})
    assert events_of(USER, half, CALL.destroyed_ts) == read(response)


@pytest.mark.parametrize("change", [{"UserId": "nobody"}, {"RoomId": "nowhere"}, {"CommId": "1400000000_1_1"}])
def test_where_nothing_happened_the_list_is_empty(change: dict[str, str]) -> None:
    assert [] == now_post(tencent(WORLD), EVENTS, **{**everything(EVENTS), **change})["Data"]


def crowded() -> SimulatedTencent:
    burst = Burst(count=1_000, start=END - 3 * HOUR, seconds=HOUR)
    return tencent(small_world(experiences_per_hour=0, experience_burst=burst))


def test_any_twenty_bad_experiences_are_shown_and_the_same_when_asked_again() -> None:
    server = crowded()
    window = {"StartTime": END - 3 * HOUR, "EndTime": END - 2 * HOUR}
    response = now_post(server, UNUSUAL, **window)
    assert ["Total", "AbnormalExperienceList", "RequestId"] == list(response)
    rows = response["AbnormalExperienceList"]
    assert (20, 20) == (response["Total"], len(rows))
    assert {("UserId", "RoomId", "EventTime", "ExperienceId", "AbnormalEventList")} == {tuple(row) for row in rows}
    assert {("AbnormalEventId", "PeerId")} == {tuple(one) for row in rows for one in row["AbnormalEventList"]}
    found = [(row["EventTime"], row["UserId"], row["RoomId"], row["ExperienceId"]) for row in rows]
    known = {
        (one.instant, one.user_id, one.channel, one.kind_id)
        for one in server.world.experiences("tencent", window["StartTime"], window["EndTime"])
    }
    assert (20, True) == (len(set(found)), set(found) <= known)
    assert found != sorted(found)
    assert rows == now_post(server, UNUSUAL, **window)["AbnormalExperienceList"]


def test_halves_of_a_crowded_hour_bring_others() -> None:
    server = crowded()
    seen = set()
    for piece in range(4):
        start = END - 3 * HOUR + piece * 900
        rows = now_post(server, UNUSUAL, StartTime=start, EndTime=start + 900)["AbnormalExperienceList"]
        seen |= {(row["EventTime"], row["UserId"], row["ExperienceId"]) for row in rows}
    assert len(seen) == 80


def test_few_bad_experiences_are_all_shown_and_of_one_room_if_asked() -> None:
    whole = WORLD.experiences("tencent", END - HOUR, END + 1)
    room = whole[0].channel
    response = now_post(tencent(WORLD), UNUSUAL, **everything(UNUSUAL), RoomId=room)
    expected = sorted(one.instant for one in whole if one.channel == room)
    assert 0 < len(expected) < 20
    assert expected == sorted(row["EventTime"] for row in response["AbnormalExperienceList"])
    assert len(expected) == response["Total"]
    assert 0 == now_post(crowded(), UNUSUAL, **everything(UNUSUAL))["Total"]


def test_an_experience_at_the_very_end_belongs_to_the_window() -> None:
    one = WORLD.experiences("tencent", END - HOUR, END)[2]
    window = {"StartTime": one.instant - 1, "EndTime": one.instant}
    rows = now_post(tencent(WORLD), UNUSUAL, **window)["AbnormalExperienceList"]
    assert (one.instant, one.user_id) in {(row["EventTime"], row["UserId"]) for row in rows}


def test_a_lie_about_the_experiences() -> None:
    assert 3 == now_post(tencent(WORLD, faults=[Lie(total=3)]), UNUSUAL, **everything(UNUSUAL))["Total"]


def test_days_come_newest_first_in_beijing_and_without_today() -> None:
    today = (int(NOW) + 8 * HOUR) // DAY * DAY - 8 * HOUR
    server = tencent(WORLD, hand=Hand(today + DAY + 5.0))
    response = now_post(server, SCALE, StartTime=today - 3 * DAY + 5, EndTime=today + DAY + 4)
    assert ["Total", "ScaleList", "RequestId"] == list(response)
    assert {("Time", "RoomNumbers", "UserNumber", "UserCount")} == {tuple(row) for row in response["ScaleList"]}
    assert [today, today - DAY, today - 2 * DAY, today - 3 * DAY] == [row["Time"] for row in response["ScaleList"]]
    assert 4 == response["Total"]
    row = response["ScaleList"][0]
    stays = [stay for call in WORLD.calls("tencent") for stay in WORLD.sessions(call)]
    users = {(stay.channel, stay.user_id) for stay in stays}
    assert (14, len(users), len(stays)) == (row["RoomNumbers"], row["UserNumber"], row["UserCount"])
    early = now_post(tencent(WORLD), SCALE, StartTime=today + 1, EndTime=int(NOW))
    assert (0, []) == (early["Total"], early["ScaleList"])


WRONG: list[tuple[str, dict[str, object], str]] = [
    (EVENTS, {"UserId": ...}, "MissingParameter.UserId"),
    (EVENTS, {"RoomId": ...}, "MissingParameter.RoomId"),
    (EVENTS, {"CommId": ...}, "MissingParameter.CommId"),
    (EVENTS, {"SdkAppId": ...}, "MissingParameter.SdkAppId"),
    (EVENTS, {"StartTime": ...}, "MissingParameter.StartTs"),
    (EVENTS, {"SdkAppId": str(WORLD.sdk_app_id)}, "InvalidParameterValue"),
    (EVENTS, {"RoomId": 12}, "InvalidParameterValue"),
    (EVENTS, {"UserIds": ["u"]}, "UnknownParameter"),
    (EVENTS, {"UserId": None}, "UnknownParameter"),
    (EVENTS, {"PageNumber": 0}, "UnknownParameter"),
    (EVENTS, {"StartTime": CALL.created_ts * 1_000}, "InvalidParameter.StartTs"),
    (EVENTS, {"StartTime": int(NOW) - 14 * DAY - 1}, "InvalidParameter.StartTsOversize"),
    (UNUSUAL, {"StartTime": END - HOUR - 1}, "InvalidParameter.QueryScaleOversize"),
    (UNUSUAL, {"CommId": "1"}, "UnknownParameter"),
    (UNUSUAL, {"SdkAppId": 1}, "InvalidParameter.SdkAppId"),
    (UNUSUAL, {"PageSize": 20}, "UnknownParameter"),
    (UNUSUAL, {"EndTime": END - HOUR}, "InvalidParameter.EndTs"),
    (SCALE, {"RoomId": "1"}, "UnknownParameter"),
    (SCALE, {"EndTime": ...}, "MissingParameter.EndTs"),
    (SCALE, {"StartTime": int(NOW) - 14 * DAY - 1}, "InvalidParameter.StartTsOversize"),
]


@in_turn(("action", "changes", "code"), WRONG)
def test_what_is_wrong_is_refused(action: str, changes: dict[str, object], code: str) -> None:
    server = tencent(WORLD, hand=Hand(float(int(NOW))))
    assert code == code_of(now_post(server, action, **{**everything(action), **changes}))
    assert "" == code_of(now_post(server, action, **everything(action)))


@pytest.mark.parametrize("action", [EVENTS, UNUSUAL, SCALE])
def test_every_plan_has_these_twenty_times_a_second(action: str) -> None:
    server = tencent(WORLD, plan="free", hand=Hand(float(int(NOW))))
    codes = [code_of(now_post(server, action, **everything(action))) for _ in range(21)]
    assert [""] * 20 + ["RequestLimitExceeded"] == codes


OFFLINE = [
    *("DescribeRoomInformation", "DescribeUserInformation", "DescribeDetailEvent", "DescribeAbnormalEvent"),
    *("DescribeHistoryScale", "DescribeTRTCMarketScaleMetricData", "DescribeTRTCMarketQualityMetricData"),
    *("DescribeTRTCRealTimeScaleMetricData", "DescribeTRTCRealTimeQualityMetricData"),
]


@in_turn(
    ("action", "code"),
    [
        *((action, "ActionOffline") for action in OFFLINE),
        *((f"DescribeRealtime{what}", "InvalidAction") for what in ("Quality", "Network", "Scale")),
        ("DescribeUserEvents", "InvalidAction"),
    ],
)
def test_names_of_old_are_refused(action: str, code: str) -> None:
    server = tencent(WORLD)
    assert code == code_of(now_post(server, action))
    assert (False, code) == (server.arrivals[0].counted, server.arrivals[0].code)


def test_an_event_is_a_value() -> None:
    stay = WORLD.sessions(CALL)[0]
    assert isinstance(WORLD.events(stay)[0], Event)
    assert len(set(WORLD.events(stay))) == len(WORLD.events(stay))
