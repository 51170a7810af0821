from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import Call, Kind
from tests.support.simulator_requests import END, agora, now_get, small_world

STATISTICS, BUCKETS, MINUTES = "call/statistics", "call/freeze/bucket", "call/statistics/time"
WORLD = small_world()
CALL = next(call for call in WORLD.calls("agora") if call.kind is Kind.GROUP)


def window_of(call: Call) -> dict[str, Any]:
    return {"call_id": call.call_id, "start_ts": call.created_ts, "end_ts": min(call.destroyed_ts, END)}


def everything(endpoint: str) -> dict[str, Any]:
    more = {"dimension": "os"} if endpoint == STATISTICS else {}
    return {**window_of(CALL), "metric": "video_freeze_rate", **more}


@pytest.mark.parametrize("dimension", ["country", "region", "net", "sdk", "os", "device"])
def test_statistics_count_every_user_under_one_value(dimension: str) -> None:
    body = now_get(agora(WORLD), STATISTICS, **{**everything(STATISTICS), "dimension": dimension})
    assert ["code", "message", "requestId", "data"] == list(body)
    assert {("dimension_value", "user_count", "value")} == {tuple(row) for row in body["data"]}
    users = {(stay.user_id, stay.session_id) for stay in WORLD.sessions(CALL) if not stay.server}
    assert len({user for user, _ in users}) <= sum(row["user_count"] for row in body["data"]) <= len(users)
    assert all(0 <= row["value"] < 1 for row in body["data"])
    assert len(body["data"]) == len({row["dimension_value"] for row in body["data"]})


def test_statistics_of_one_platform() -> None:
    body = now_get(agora(WORLD), STATISTICS, **everything(STATISTICS))
    found = {row["dimension_value"]: row["user_count"] for row in body["data"]}
    expected: dict[str, set[str]] = {}
    for stay in WORLD.sessions(CALL):
        if not stay.server:
            expected.setdefault(stay.platform, set()).add(stay.user_id)
    assert {platform: len(users) for platform, users in expected.items()} == found


def test_buckets_of_freezing_are_four_at_most_and_never_empty() -> None:
    for metric in ("audio_freeze_rate", "video_freeze_rate"):
        body = now_get(agora(WORLD), BUCKETS, **{**everything(BUCKETS), "metric": metric})
        assert {("bucket", "user_count")} == {tuple(row) for row in body["data"]}
        names = [row["bucket"] for row in body["data"]]
        assert set(names) <= {"[0%,3%)", "[3%,5%)", "[5%,10%)", "[10%,100%)"}
        assert len(names) == len(set(names)) > 1
        assert all(row["user_count"] > 0 for row in body["data"])


def test_statistics_over_time_come_by_the_minute_and_unsorted() -> None:
    body = now_get(agora(WORLD), MINUTES, **{**everything(MINUTES), "metric": "user_count"})
    times = [row["ts"] for row in body["data"]]
    assert sorted(times) != times
    expected = {
        minute: len({s.user_id for s in WORLD.sessions(CALL) if not s.server and s.overlaps(minute, minute + MINUTE)})
        for minute in range(CALL.created_ts // MINUTE * MINUTE, CALL.destroyed_ts, MINUTE)
    }
    assert expected == {row["ts"]: row["value"] for row in body["data"]}


@pytest.mark.parametrize("metric", ["audio_freeze_rate", "audio_freeze_user_count", "video_freeze_user_count"])
def test_statistics_over_time_know_five_metrics(metric: str) -> None:
    rows = now_get(agora(WORLD), MINUTES, **{**everything(MINUTES), "metric": metric})["data"]
    assert any(row["value"] for row in rows)
    assert "users" in metric or all(row["value"] >= 0 for row in rows)


@pytest.mark.parametrize("endpoint", [STATISTICS, BUCKETS, MINUTES])
def test_of_an_unknown_call_there_is_nothing(endpoint: str) -> None:
    assert [] == now_get(agora(WORLD), endpoint, **{**everything(endpoint), "call_id": "0" * 24})["data"]


@pytest.mark.parametrize(
    ("endpoint", "changes", "message"),
    [
        (STATISTICS, {"dimension": None}, "dimension can not be null"),
        (STATISTICS, {"dimension": "sdkVersion"}, "dimension is invalid"),
        (STATISTICS, {"metric": "user_count"}, "metric is invalid"),
        (STATISTICS, {"page_no": 1}, "page_no is unknown"),
        (BUCKETS, {"metric": None}, "metric can not be null"),
        (BUCKETS, {"metric": "audioFreezeRate"}, "metric is invalid"),
        (BUCKETS, {"dimension": "os"}, "dimension is unknown"),
        (BUCKETS, {"startTs": 1}, "startTs is unknown"),
        (MINUTES, {"metric": "audio_freeze_rate,video_freeze_rate"}, "metric is invalid"),
        (MINUTES, {"call_id": None}, "call_id can not be null"),
    ],
)
def test_what_is_wrong_is_refused(endpoint: str, changes: dict[str, object], message: str) -> None:
    body = now_get(agora(WORLD), endpoint, **{**everything(endpoint), **changes})
    assert (400, True) == (body["code"], message in body["message"])
    assert 200 == now_get(agora(WORLD), endpoint, **everything(endpoint))["code"]


@pytest.mark.parametrize("endpoint", [STATISTICS, BUCKETS, MINUTES])
def test_the_bounds_are_those_of_sessions(endpoint: str) -> None:
    over = {"start_ts": END - 6 * HOUR, "end_ts": END}
    body = now_get(agora(WORLD, plan="enterprise"), endpoint, **{**everything(endpoint), **over})
    assert (300, "query duration limit error") == (body["code"], body["message"])
