from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.simulator import Chosen, SimulatedTencent
from tests.support.simulator_requests import END, NOW, Hand, code_of, now_post, small_world, tencent

SCALE_NOW, QUALITY_NOW = "DescribeTRTCRealTimeScaleData", "DescribeTRTCRealTimeQualityData"
SCALE, QUALITY = "DescribeTRTCMarketScaleData", "DescribeTRTCMarketQualityData"
WORLD = small_world(calls=60)
TODAY = (int(NOW) + 8 * HOUR) // DAY * DAY - 8 * HOUR
LATER = TODAY + 2 * DAY + 60.0
RATES = ("videoFreezeRate", "audioFreezeRate", "networkDelay", "joinSuccessRate", "joinSuccessIn5sRate")


def date(instant: int) -> str:
    return datetime.fromtimestamp(instant + 8 * HOUR, UTC).strftime("%Y-%m-%d")


def everything(action: str) -> dict[str, Any]:
    app = {"SdkAppId": str(WORLD.sdk_app_id)}
    if "RealTime" in action:
        return {**app, "StartTime": END - 5 * MINUTE + 3, "EndTime": END + 3}
    return {**app, "StartTime": date(TODAY), "EndTime": date(TODAY), "Period": "h"}


def server(**options: Any) -> SimulatedTencent:
    return tencent(WORLD, **{"hand": Hand(LATER), **options})


def table(response: dict[str, Any], member: str = "RowValue") -> list[dict[str, Any]]:
    """The rows as objects by name of the column."""
    data = response["Data"]
    assert ["StatementID", "Series", "Total"] == list(data)
    assert (0, 1, 1) == (data["StatementID"], len(data["Series"]), data["Total"])
    series = data["Series"][0]
    return [dict(zip(series["Columns"], row[member], strict=True)) for row in series["Values"]]


def test_live_rows_come_every_ten_seconds_and_hold_whole_numbers() -> None:
    one = tencent(WORLD)
    rows = table(now_post(one, SCALE_NOW, **everything(SCALE_NOW)))
    start = END - 5 * MINUTE + 3
    assert list(range(-(-start // 10) * 10, END + 3, 10)) == [row["time"] for row in rows]
    assert (30, {"time", "userCount", "roomCount"}) == (len(rows), set(rows[0]))
    for row in rows:
        for name in ("userCount", "roomCount"):
            assert WORLD.figure("tencent", name, row["time"], 10) == row[name]
    assert rows[0]["userCount"] > rows[0]["roomCount"] > 0
    qualities = table(now_post(one, QUALITY_NOW, **everything(QUALITY_NOW)))
    assert {("time", "audioFreezeRate", "videoFreezeRate")} == {tuple(sorted(row, key="vat".find)) for row in qualities}
    assert all(isinstance(value, int) for row in qualities for value in row.values())


def test_live_rows_of_one_room_and_none_of_the_future() -> None:
    room = WORLD.stays("tencent", END - 5 * MINUTE, END)[0].channel
    rows = table(now_post(tencent(WORLD), SCALE_NOW, **everything(SCALE_NOW), RoomId=room))
    assert {1} == {row["roomCount"] for row in rows if row["userCount"]}
    expected = [WORLD.figure("tencent", "userCount", row["time"], 10, Chosen(channel=room)) for row in rows]
    assert expected == [row["userCount"] for row in rows]
    early = table(now_post(tencent(WORLD, hand=Hand(END - 100.0)), SCALE_NOW, **everything(SCALE_NOW)))
    assert max(row["time"] for row in early) < END - 100


def test_days_and_hours_are_those_of_beijing() -> None:
    days = {"StartTime": date(TODAY - DAY), "EndTime": date(TODAY), "Period": "d"}
    rows = table(now_post(server(), SCALE, **{**everything(SCALE), **days}))
    assert [TODAY - DAY, TODAY] == [row["time"] for row in rows]
    for name in ("peakCurrentUsers", "peakCurrentChannels", "userCount", "roomCount"):
        assert WORLD.figure("tencent", name, TODAY, DAY) == rows[1][name] > 0
    hours = table(now_post(server(), SCALE, **everything(SCALE)))
    assert list(range(TODAY, TODAY + DAY, HOUR)) == [row["time"] for row in hours]
    running = table(now_post(tencent(WORLD), SCALE, **everything(SCALE)))
    assert list(range(TODAY, int(NOW) + 1, HOUR)) == [row["time"] for row in running]


def test_the_example_of_the_page_begins_at_midnight_in_beijing() -> None:
    one = tencent(small_world(), hand=Hand(1_695_139_200 + 10.0 * DAY))
    asked = {**everything(SCALE), "StartTime": "2023-09-20", "EndTime": "2023-09-23", "Period": "d"}
    rows = table(now_post(one, SCALE, **asked))
    assert [1_695_139_200 + day * DAY for day in range(4)] == [row["time"] for row in rows]


def test_rates_are_whole_percent_or_decimals_in_another_member() -> None:
    whole = now_post(server(), QUALITY, **everything(QUALITY))
    exact = now_post(server(), QUALITY, **everything(QUALITY), IsFloat=True)
    assert {("RowValue",)} == {tuple(row) for row in whole["Data"]["Series"][0]["Values"]}
    assert {None} == {row["RowValue"] for row in exact["Data"]["Series"][0]["Values"]}
    for rounded, row in zip(table(whole), table(exact, "RowValueFloat"), strict=True):
        for name in RATES:
            rate = WORLD.figure("tencent", name, row["time"], HOUR) or 0
            assert (round(100 * rate), round(100 * rate, 2)) == (rounded[name], row[name])
    assert any(row[name] % 1 for row in table(exact, "RowValueFloat") for name in RATES)
    plain = now_post(server(), QUALITY, **everything(QUALITY), IsFloat=False)
    assert table(whole) == table(plain)


def test_columns_change_their_order_from_answer_to_answer() -> None:
    one = server()
    orders = [tuple(now_post(one, QUALITY, **everything(QUALITY))["Data"]["Series"][0]["Columns"]) for _ in range(12)]
    assert (True, 1) == (len(set(orders)) > 3, len({frozenset(order) for order in orders}))
    assert {"time"} == {order[0] for order in orders}


WRONG: list[tuple[str, dict[str, object], str]] = [
    (SCALE_NOW, {"SdkAppId": WORLD.sdk_app_id}, "InvalidParameterValue"),
    (SCALE_NOW, {"SdkAppId": "1"}, "UnsupportedOperation"),
    (QUALITY_NOW, {"SdkAppId": "1"}, "InvalidParameter.InvalidSdkAppId"),
    (SCALE_NOW, {"StartTime": "2023-01-01"}, "InvalidParameterValue"),
    (SCALE_NOW, {"EndTime": ...}, "MissingParameter"),
    (SCALE_NOW, {"Period": "d"}, "UnknownParameter"),
    (SCALE_NOW, {"RoomId": 5}, "InvalidParameterValue"),
    (SCALE_NOW, {"StartTime": END * 1_000}, "InvalidParameter.StartTs"),
    (QUALITY_NOW, {"StartTime": END + 3}, "InvalidParameter.EndTs"),
    (SCALE, {"SdkAppId": WORLD.sdk_app_id}, "InvalidParameterValue"),
    (SCALE, {"SdkAppId": "1"}, "InvalidParameter"),
    (SCALE, {"Period": ...}, "MissingParameter"),
    (SCALE, {"Period": "D"}, "InvalidParameter"),
    (SCALE, {"IsFloat": True}, "UnknownParameter"),
    (SCALE, {"RoomId": "1"}, "UnknownParameter"),
    (SCALE, {"StartTime": TODAY}, "InvalidParameterValue"),
    (SCALE, {"StartTime": "2026-9-1"}, "InvalidParameter"),
    (SCALE, {"StartTime": "20260901"}, "InvalidParameter"),
    (SCALE, {"EndTime": date(TODAY - DAY)}, "InvalidParameter"),
    (QUALITY, {"IsFloat": "true"}, "InvalidParameterValue"),
    (QUALITY, {"IsFloat": None}, "UnknownParameter"),
]


@pytest.mark.parametrize(("action", "changes", "code"), WRONG)
def test_what_is_wrong_is_refused(action: str, changes: dict[str, object], code: str) -> None:
    one = tencent(WORLD)
    assert code == code_of(now_post(one, action, **{**everything(action), **changes}))
    assert "" == code_of(now_post(one, action, **everything(action)))


@pytest.mark.parametrize(("plan", "hours", "days"), [("basic", 3, 30), ("advanced", 12, 60), ("intl-standard", 3, 30)])
def test_the_plan_says_how_far_back_is_shown(plan: str, hours: int, days: int) -> None:
    one = tencent(WORLD, plan=plan, hand=Hand(float(int(NOW))))
    for more, code in ((0, ""), (1, "InvalidParameter.StartTimeOversize")):
        start = int(NOW) - hours * HOUR - more
        assert code == code_of(now_post(one, SCALE_NOW, **{**everything(SCALE_NOW), "StartTime": start}))
    for more, code in ((0, ""), (1, "InvalidParameter.QueryScaleOversize")):
        start_day = date(TODAY - (days + more) * DAY)
        assert code == code_of(now_post(one, SCALE, **{**everything(SCALE), "StartTime": start_day, "Period": "d"}))


@pytest.mark.parametrize(
    ("plan", "action", "code"),
    [
        ("free", SCALE_NOW, "UnauthorizedOperation"),
        ("free", QUALITY, "UnauthorizedOperation"),
        ("premium", SCALE, "UnauthorizedOperation"),
        ("flagship", SCALE_NOW, ""),
    ],
)
def test_not_every_plan_has_a_dashboard(plan: str, action: str, code: str) -> None:
    assert code == code_of(now_post(tencent(WORLD, plan=plan), action, **everything(action)))


def test_each_action_has_its_own_twenty_a_second() -> None:
    one = tencent(WORLD, plan="advanced", hand=Hand(float(int(NOW))))
    for action in (SCALE_NOW, QUALITY_NOW, SCALE, QUALITY):
        codes = [code_of(now_post(one, action, **everything(action))) for _ in range(21)]
        assert [""] * 20 + ["RequestLimitExceeded"] == codes
