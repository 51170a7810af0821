"""What services used, as a simulated Tencent answers it: shape by shape, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import SimulatedTencent
from agora_tencent_analytics.simulator.tencent.payload import write_instant
from agora_tencent_analytics.simulator.world.consumption import SERVICES
from tests.support.simulator_requests import NOW, Hand, code_of, now_post, small_world, tencent

RECORDED, TRANSCODED = "DescribeRecordStatistic", "DescribeTrtcMcuTranscodeTime"
AI, ACCELERATED = "DescribeTRTCAIRecognitionUsage", "DescribeTRTCDedicatedCloudAccUsage"
MODERATED = "DescribeTRTCSegmentModerationUsage"
WORLD = small_world(calls=60)
TODAY = (int(NOW) + 8 * HOUR) // DAY * DAY - 8 * HOUR
APP = str(WORLD.sdk_app_id)


def date(day: int) -> str:
    return write_instant(TODAY + day * DAY, "%Y-%m-%d")


def midnight(day: int) -> str:
    return f"{date(day)} 00:00:00"


def everything(action: str, days: int = 1) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        AI: {"AuType": ["asr"], "SdkAppId": APP},
        MODERATED: {"Type": "audio", "Business": 0},
    }
    if action in (RECORDED, TRANSCODED):
        return {"StartTime": date(0), "EndTime": date(days - 1)}
    return {"StartTime": midnight(0), "EndTime": midnight(days), **more.get(action, {})}


def server() -> SimulatedTencent:
    return tencent(WORLD, hand=Hand(TODAY + 5 * DAY))


@pytest.mark.parametrize(("days", "keys"), [(1, 288), (2, 2)])
def test_recordings_are_in_seconds_inside_their_app(days: int, keys: int) -> None:
    response = now_post(server(), RECORDED, **everything(RECORDED, days))
    assert ["SdkAppIdUsages", "RequestId"] == list(response)
    (app,) = response["SdkAppIdUsages"]
    assert (["SdkAppId", "Usages"], APP, keys) == (list(app), app["SdkAppId"], len(app["Usages"]))
    assert {("TimeKey", *SERVICES["recording"])} == {tuple(row) for row in app["Usages"]}
    first = app["Usages"][0]
    assert (midnight(0) if days == 1 else date(0)) == first["TimeKey"]
    if days > 1:
        assert WORLD.usage("recording", TODAY, DAY) == {key: first[key] for key in SERVICES["recording"]}
        assert any(first[key] for key in SERVICES["recording"])


def test_transcoding_has_its_bandwidth_and_counts_its_rows() -> None:
    (app,) = now_post(server(), TRANSCODED, **everything(TRANSCODED, 3), SdkAppId=...)["Usages"]
    assert (["SdkAppIdTranscodeTimeUsages", "TotalNum", "SdkAppId"], 3, "total") == (
        list(app),
        app["TotalNum"],
        app["SdkAppId"],
    )
    rows = app["SdkAppIdTranscodeTimeUsages"]
    assert [date(day) for day in range(3)] == [row["TimeKey"] for row in rows]
    assert rows[0]["Flux"] == pytest.approx(
        1.5 * sum(WORLD.usage("relay-transcoding", TODAY, DAY).values()) / DAY, 0.01
    )
    assert {"TimeKey", "Flux", *SERVICES["relay-transcoding"]} == set(rows[0])


@pytest.mark.parametrize(
    ("action", "more", "keys"),
    [
        (AI, {"AuType": ["tts", "conversation"]}, ["Tts", "Conversation"]),
        (ACCELERATED, {}, ["Time"]),
        (MODERATED, {"Type": "picture", "Business": 1}, ["Picture"]),
    ],
)
def test_what_is_asked_by_time_has_keys_and_totals(action: str, more: dict[str, Any], keys: list[str]) -> None:
    response = now_post(server(), action, **{**everything(action, 2), **more})
    assert ["TotalUsage", "UsageKey", "UsageList", "RequestId"] == list(response)
    assert keys == response["UsageKey"]
    assert [midnight(0), midnight(1)] == [row["TimeKey"] for row in response["UsageList"]]
    totals = [sum(row["UsageValue"][at] for row in response["UsageList"]) for at in range(len(keys))]
    assert totals == response["TotalUsage"]
    assert sum(totals) > 0
    one_day = now_post(server(), action, **{**everything(action), **more})["UsageList"]
    assert (288, midnight(0)) == (len(one_day), one_day[0]["TimeKey"])


WRONG: list[tuple[str, dict[str, object], str]] = [
    (RECORDED, {"StartTime": midnight(0)}, "InvalidParameter"),
    (RECORDED, {"EndTime": date(-1)}, "InvalidParameter"),
    (RECORDED, {"StartTime": date(-31)}, "InvalidParameter.QueryScaleOversize"),
    (RECORDED, {"StartTime": date(-30)}, ""),
    (TRANSCODED, {"SdkAppId": 1}, "InvalidParameter.SdkAppId"),
    (TRANSCODED, {"MixType": "single"}, "UnknownParameter"),
    (AI, {"StartTime": date(0)}, "InvalidParameter"),
    (AI, {"AuType": []}, "InvalidParameter"),
    (AI, {"AuType": ["asr", "singing"]}, "InvalidParameter"),
    (AI, {"AuType": "asr"}, "InvalidParameterValue"),
    (AI, {"AuType": ...}, "MissingParameter"),
    (AI, {"SdkAppId": WORLD.sdk_app_id}, "InvalidParameterValue"),
    (ACCELERATED, {"SdkAppId": APP}, "InvalidParameterValue"),
    (ACCELERATED, {"EndTime": midnight(0)}, "InvalidParameter"),
    (ACCELERATED, {"EndTime": midnight(31)}, ""),
    (ACCELERATED, {"EndTime": midnight(32)}, "InvalidParameter.QueryScaleOversize"),
    (MODERATED, {"Type": "video"}, "InvalidParameter"),
    (MODERATED, {"Business": 2}, "InvalidParameter"),
    (MODERATED, {"Business": ...}, "MissingParameter"),
]


@pytest.mark.parametrize(("action", "changes", "code"), WRONG)
def test_what_is_wrong_is_refused(action: str, changes: dict[str, object], code: str) -> None:
    one = server()
    assert code == code_of(now_post(one, action, **{**everything(action), **changes}))
    assert "" == code_of(now_post(one, action, **everything(action)))
