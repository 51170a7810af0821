from __future__ import annotations

import asyncio
import csv
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.simulator import Chosen, SimulatedTencent
from agora_tencent_analytics.simulator.tencent.payload import instant_of
from agora_tencent_analytics.simulator.world.consumption import SERVICES, Service
from tests.support.simulator_requests import END, NOW, Hand, code_of, now_post, signed, small_world, tencent

INTERACTION, RECORDING, ROOMS = "DescribeTrtcUsage", "DescribeRecordingUsage", "DescribeTrtcRoomUsage"
TRANSCODING, RELAY = "DescribeMixTranscodingUsage", "DescribeRelayUsage"
WORLD = small_world(calls=60)
TODAY = (int(NOW) + 8 * HOUR) // DAY * DAY - 8 * HOUR
LATER = TODAY + 3 * DAY + 60.0


def written(instant: int, form: str = "%Y-%m-%d") -> str:
    return datetime.fromtimestamp(instant + 8 * HOUR, UTC).strftime(form)


def everything(action: str) -> dict[str, Any]:
    if action == ROOMS:
        form = "%Y-%m-%d %H:%M"
        app = {"SdkAppId": ..., "SdkAppid": WORLD.sdk_app_id}
        return {**app, "StartTime": written(TODAY, form), "EndTime": written(TODAY + DAY, form)}
    more = {"MixType": "single"} if action == RECORDING else {}
    return {"StartTime": written(TODAY), "EndTime": written(TODAY), **more}


def server(**options: Any) -> SimulatedTencent:
    return tencent(WORLD, **{"hand": Hand(LATER), **options})


def test_one_day_is_answered_by_five_minutes() -> None:
    response = now_post(server(), INTERACTION, **everything(INTERACTION))
    assert ["UsageKey", "UsageList", "RequestId"] == list(response)
    assert ["Audio", "SD", "HD", "FullHD", "2K", "4K"] == response["UsageKey"]
    rows = response["UsageList"]
    assert {("TimeKey", "TimeStampKey", "UsageValue")} == {tuple(row) for row in rows}
    assert list(range(TODAY, TODAY + DAY, 5 * MINUTE)) == [row["TimeStampKey"] for row in rows]
    assert all(written(row["TimeStampKey"], "%Y-%m-%d %H:%M:%S") == row["TimeKey"] for row in rows)
    spent = sum(stay.leave_ts - stay.join_ts for stay in WORLD.stays("tencent", TODAY, TODAY + DAY)) / 60
    assert spent == pytest.approx(sum(sum(row["UsageValue"]) for row in rows), abs=10)


def test_several_days_are_answered_by_the_day() -> None:
    over = {"StartTime": written(TODAY - DAY), "EndTime": written(TODAY + DAY)}
    rows = now_post(server(), INTERACTION, **over)["UsageList"]
    assert [f"{written(day)} 00:00:00" for day in (TODAY - DAY, TODAY, TODAY + DAY)] == [row["TimeKey"] for row in rows]
    expected = [round(seconds / 60, 2) for seconds in WORLD.usage("interaction", TODAY, DAY).values()]
    assert expected == rows[1]["UsageValue"]
    assert {0} == {*rows[0]["UsageValue"], *rows[2]["UsageValue"]}


def test_today_is_answered_as_far_as_it_goes() -> None:
    rows = now_post(tencent(WORLD), INTERACTION, **everything(INTERACTION))["UsageList"]
    assert int(NOW) - 5 * MINUTE < rows[-1]["TimeStampKey"] <= NOW


@pytest.mark.parametrize(
    ("action", "more", "service"),
    [
        (RECORDING, {"MixType": "single"}, "recording-single"),
        (RECORDING, {"MixType": "multi"}, "recording-multi"),
        (TRANSCODING, {}, "transcoding"),
        (RELAY, {}, "relay"),
    ],
)
def test_each_service_has_keys_and_figures_of_its_own(action: str, more: dict[str, str], service: Service) -> None:
    over = {"StartTime": written(TODAY), "EndTime": written(TODAY + DAY)}
    response = now_post(server(), action, **{**everything(action), **over, **more})
    assert list(SERVICES[service]) == response["UsageKey"]
    values = response["UsageList"][0]["UsageValue"]
    spent = list(WORLD.usage(service, TODAY, DAY).values())
    assert [seconds > 0 for seconds in spent] == [value > 0 for value in values]
    assert any(values)
    if service != "relay":
        assert [round(seconds / 60, 2) for seconds in spent] == values


@pytest.mark.parametrize("app", [..., WORLD.sdk_app_id])
def test_the_app_may_be_left_out(app: object) -> None:
    with_app = now_post(server(), RELAY, **everything(RELAY))["UsageList"]
    assert with_app == now_post(server(), RELAY, **everything(RELAY), SdkAppId=app)["UsageList"]


def test_rooms_are_text_in_text() -> None:
    response = now_post(server(), ROOMS, **everything(ROOMS))
    assert ["Data", "RequestId"] == list(response)
    assert response["Data"].startswith("RoomId,Audio,SD,hd,FullHD,2K,4K\n")
    assert response["Data"].endswith("\n")
    rows = list(csv.DictReader(response["Data"].splitlines()))
    assert {call.channel for call in WORLD.calls("tencent")} == {row["RoomId"] for row in rows}
    for row in rows[:5]:
        used = WORLD.usage("interaction", TODAY, DAY, Chosen(channel=row["RoomId"]))
        assert list(map(str, used.values())) == list(row.values())[1:]


def test_rooms_of_some_minutes_only() -> None:
    form = "%Y-%m-%d %H:%M"
    start = END // 60 * 60 - HOUR
    window = {"StartTime": written(start, form), "EndTime": written(start + 30 * MINUTE, form)}
    rows = list(csv.DictReader(now_post(server(), ROOMS, **{**everything(ROOMS), **window})["Data"].splitlines()))
    expected = {stay.channel for stay in WORLD.stays("tencent", start, start + 30 * MINUTE)}
    assert expected == {row["RoomId"] for row in rows}
    assert len(expected) < 20
    empty = {"StartTime": written(TODAY - DAY, form), "EndTime": written(TODAY - DAY + HOUR, form)}
    nothing = now_post(server(), ROOMS, **{**everything(ROOMS), **empty})["Data"]
    assert "RoomId,Audio,SD,hd,FullHD,2K,4K\n" == nothing


WRONG: list[tuple[str, dict[str, object], str]] = [
    (INTERACTION, {"StartTime": TODAY}, "InvalidParameterValue"),
    (INTERACTION, {"StartTime": written(TODAY, "%Y-%m-%d %H:%M:%S")}, "InvalidParameter"),
    (INTERACTION, {"StartTime": "2026-02-30"}, "InvalidParameter"),
    (INTERACTION, {"EndTime": written(TODAY - DAY)}, "InvalidParameter"),
    (INTERACTION, {"StartTime": written(TODAY - 31 * DAY)}, "InvalidParameter.QueryScaleOversize"),
    (INTERACTION, {"StartTime": written(TODAY - 30 * DAY)}, ""),
    (INTERACTION, {"EndTime": ...}, "MissingParameter"),
    (INTERACTION, {"SdkAppId": str(WORLD.sdk_app_id)}, "InvalidParameterValue"),
    (INTERACTION, {"SdkAppId": 1}, "InvalidParameter.SdkAppId"),
    (INTERACTION, {"SdkAppid": WORLD.sdk_app_id}, "UnknownParameter"),
    (INTERACTION, {"MixType": "single"}, "UnknownParameter"),
    (RECORDING, {"MixType": ...}, "MissingParameter"),
    (RECORDING, {"MixType": "both"}, "InvalidParameter"),
    (RELAY, {"Period": "d"}, "UnknownParameter"),
    (TRANSCODING, {"StartTime": None}, "UnknownParameter"),
    (ROOMS, {"SdkAppId": WORLD.sdk_app_id}, "UnknownParameter"),
    (ROOMS, {"SdkAppid": ...}, "MissingParameter"),
    (ROOMS, {"SdkAppid": 1}, "FailedOperation.SdkAppIdNotExist"),
    (ROOMS, {"StartTime": written(TODAY)}, "InvalidParameter"),
    (ROOMS, {"EndTime": written(TODAY + DAY + 60, "%Y-%m-%d %H:%M")}, "InvalidParameter"),
    (ROOMS, {"EndTime": written(TODAY, "%Y-%m-%d %H:%M")}, "InvalidParameter"),
    (ROOMS, {"StartTime": "2023-03-31 23:00", "EndTime": "2023-03-31 23:30"}, "InvalidParameter"),
]


@pytest.mark.parametrize(("action", "changes", "code"), WRONG)
def test_what_is_wrong_is_refused(action: str, changes: dict[str, object], code: str) -> None:
    one = server()
    assert code == code_of(now_post(one, action, **{**everything(action), **changes}))
    assert "" == code_of(now_post(one, action, **everything(action)))


@pytest.mark.parametrize(
    ("now", "start", "code"),
    [
        ("2026-09-20 00:00", "2026-06-22 00:00", ""),
        ("2026-09-20 00:00", "2026-06-21 23:59", "InvalidParameter"),
        ("2023-04-20 00:00", "2023-04-01 00:00", ""),
        ("2023-04-20 00:00", "2023-03-31 23:59", "InvalidParameter"),
    ],
)
def test_rooms_are_kept_for_ninety_days_and_since_april_2023(now: str, start: str, code: str) -> None:
    clock = Hand(float(instant_of({"now": now}, "now", "%Y-%m-%d %H:%M")))
    first = instant_of({"start": start}, "start", "%Y-%m-%d %H:%M")
    end = written(first + HOUR, "%Y-%m-%d %H:%M")
    one = server(hand=clock)
    assert code == code_of(now_post(one, ROOMS, **{**everything(ROOMS), "StartTime": start, "EndTime": end}))


@pytest.mark.parametrize(
    ("action", "region", "code"),
    [
        (INTERACTION, "ap-guangzhou", ""),
        (INTERACTION, "ap-singapore", ""),
        (INTERACTION, "ap-beijing", "UnsupportedRegion"),
        (RELAY, "", "MissingParameter"),
        (ROOMS, "", ""),
    ],
)
def test_usage_is_asked_in_two_regions(action: str, region: str, code: str) -> None:
    one = server()
    app = {"SdkAppId": WORLD.sdk_app_id}
    asked = {name: value for name, value in {**app, **everything(action)}.items() if value is not ...}
    body = json.dumps(asked).encode()
    headers = signed(one, action, body, more={"X-TC-Region": region})
    assert code == code_of(json.loads(asyncio.run(one.answer("POST", "/", headers, body))[2])["Response"])


def test_usage_five_times_a_second_and_rooms_once_in_fifteen_with_a_code_of_its_own() -> None:
    hand = Hand(TODAY + 3.0 * DAY)
    one = server(plan="basic", hand=hand)
    codes = [code_of(now_post(one, INTERACTION, **everything(INTERACTION))) for _ in range(6)]
    assert [""] * 5 + ["RequestLimitExceeded"] == codes
    codes = [code_of(now_post(one, ROOMS, **everything(ROOMS))) for _ in range(2)]
    assert ["", "OperationDenied.FreqOverLimit"] == codes
    hand.now += 15
    assert "" == code_of(now_post(one, ROOMS, **everything(ROOMS)))
    assert 2 == one.refused
