"""Vendors whose windows include their last second: what is of the second in which the range ends lies behind it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    CallRecord,
    Quota,
    Request,
    Response,
    TencentProvider,
    Timeouts,
    TimeRange,
    scan,
)
from agora_tencent_analytics.scan import Report
from tests.support.in_turn import in_turn
from tests.support.transports import json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

END = int(EPOCH) - 3_600
OVER = TimeRange(END - 7_200, END)
Stay = tuple[str, int, int]
"""A user, and the first and the last second of the stay."""
BEFORE: Mapping[str, Sequence[Stay]] = {"a": [("1", END - 600, END - 500)]}
AT_THE_END: Mapping[str, Sequence[Stay]] = {"b": [("2", END, END + 300), ("3", END, END + 300)]}
SOMEBODY_AT_THE_END: Mapping[str, Sequence[Stay]] = {"c": [("4", END - 600, END + 9), ("5", END, END + 9)]}
NOBODY_ELSE_ON_A_PAGE: Mapping[str, Sequence[Stay]] = {
    "d": [*((str(user), END - 99, END - 9) for user in range(6)), ("7", END, END + 9)]
}


class Inclusive:
    """Either vendor with these calls, its windows closed at both ends."""

    def __init__(self, calls: Mapping[str, Sequence[Stay]], every_s: int) -> None:
        self.calls, self.every_s = calls, every_s
        self.asked: list[str] = []

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        answered()
        action = request.headers.get("X-TC-Action")
        if action is None:
            parts = urlsplit(request.url)
            self.asked.append(parts.path.rpartition("/")[2])
            return json_response(json.dumps({"code": 200, **self.agora(dict(parse_qsl(parts.query)))}))
        self.asked.append(str(action))
        return json_response(json.dumps({"Response": {"RequestId": "r", **self.tencent(json.loads(request.body))}}))

    async def aclose(self) -> None:
        pass

    def stays(self, call: str, start: int, end: int) -> list[Stay]:
        return [one for one in self.calls[call] if one[1] <= end and one[2] >= start]

    def listed(self, start: int, end: int) -> list[tuple[str, int, int]]:
        lives = [(call, stays[0][1], max(stay[2] for stay in stays)) for call, stays in self.calls.items()]
        return [life for life in lives if life[1] <= end and life[2] >= start]

    def agora(self, asked: dict[str, str]) -> dict[str, Any]:
        start, end = int(asked["start_ts"]), int(asked["end_ts"])
        if self.asked[-1] == "lists":
            calls = [
                {"call_id": call, "cname": "x", "created_ts": first, "destroyed_ts": last, "finished": True}
                for call, first, last in self.listed(start, end)
            ]
            return {"call_lists": calls, "total_size": len(calls), "has_more": False}
        stays = self.stays(asked["call_id"], start, end)
        if self.asked[-1] == "sessions":
            rows = [
                {"sid": f"s{user}", "uid": user, "join_ts": first, "leave_ts": last, "finished": True}
                for user, first, last in stays
            ]
            return {"call_info": rows, "total_size": len(rows), "has_more": False}
        return {
            "metrics": [
                {
                    "sid": f"s{user}",
                    "data": [{"mid": 20001, "peer_uid": 0, "kvs": [[at, 1] for at in self.points(stay, start, end)]}],
                }
                for stay in stays
                for user in stay[:1]
                if f"s{user}" in asked["sids"].split(",")
            ]
        }

    def tencent(self, asked: dict[str, Any]) -> dict[str, Any]:
        start, end, size = asked["StartTime"], asked["EndTime"], asked["PageSize"]
        first = asked["PageNumber"] * size
        if self.asked[-1] == "DescribeRoomInfo":
            calls = [
                {"CommId": call, "RoomString": "x", "CreateTime": begun, "DestroyTime": ended, "IsFinished": True}
                for call, begun, ended in self.listed(start, end)
            ][first : first + size]
            return {"RoomList": calls, "Total": len(calls)}
        stays = self.stays(asked["CommId"], start, end)
        stays = [one for one in stays if one[0] in asked.get("UserIds", [one[0]])]
        page = stays[first : first + size]
        users = [
            {"UserId": user, "RoomStr": "x", "JoinTs": begun, "LeaveTs": ended, "Finished": True}
            for user, begun, ended in page
        ]
        data = [
            {
                "UserId": stay[0],
                "PeerId": "",
                "DataType": "rtt",
                "Content": [{"Time": at, "Value": 1} for at in self.points(stay, start, end)],
            }
            for stay in page
        ]
        return {"UserList": users, "Total": len(stays), **({"Data": data} if "DataType" in asked else {})}

    def points(self, stay: Stay, start: int, end: int) -> list[int]:
        return [at for at in range(max(stay[1], start), min(stay[2], end) + 1) if (at - END) % self.every_s == 0]


def read(
    vendor: str, calls: Mapping[str, Sequence[Stay]], depth: Any, *, every_s: int = 1
) -> tuple[Inclusive, list[CallRecord], Report]:
    async def scenario() -> tuple[Inclusive, list[CallRecord], Report]:
        server, clock = Inclusive(calls, every_s), VirtualClock(EPOCH)
        quota = Quota("test", store=":memory:", clock=clock.clock, plan="unlimited", cold_start=False)
        options: dict[str, Any] = {"plan": "unlimited", "quota": quota, "transport": server}
        provider: AgoraProvider | TencentProvider
        if vendor == "agora":
            provider = AgoraProvider(app_id="a", customer_id="c", customer_secret="s", **options)
        else:
            options |= {"secret_id": "i", "secret_key": "k", "region": "ap-singapore"}
            provider = TencentProvider(sdk_app_id=1400000000, **options)
        async with provider, scan(provider, over=OVER, depth=depth, workers=1, on_error="report") as records:
            return server, [record async for record in records], records.report

    return run(scenario)


every_vendor = pytest.mark.parametrize("vendor", ["agora", "tencent"])


@every_vendor
@pytest.mark.parametrize("depth", ["sessions", "metrics"])
def test_nothing_is_asked_about_a_call_that_begins_as_the_range_ends(vendor: str, depth: str) -> None:
    alone, _, _ = read(vendor, BEFORE, depth)
    server, records, report = read(vendor, {**BEFORE, **AT_THE_END}, depth)
    assert (["a", "b"], True) == ([one.call.call_id for one in records], report.complete)
    assert alone.asked == server.asked


@every_vendor
@in_turn(
    ("calls", "points"), [(SOMEBODY_AT_THE_END, 600), (NOBODY_ELSE_ON_A_PAGE, 6 * 91), ({**BEFORE, **AT_THE_END}, 101)]
)
def test_points_of_the_second_in_which_the_range_ends_are_no_doubt(
    vendor: str, calls: Mapping[str, Sequence[Stay]], points: int
) -> None:
    _, records, report = read(vendor, calls, "metrics")
    assert ([], True) == (report.vendors[vendor].doubts, report.complete)
    assert points == sum(record.points for record in records)


@pytest.mark.parametrize("behind_s", [0, 9])
def test_a_window_so_short_that_its_only_point_is_that_of_its_end_is_read_once(behind_s: int) -> None:
    # Tencent answers for less than an hour: of the second one window is left, and points come every ten seconds.
    server, records, report = read("tencent", {"e": [("8", END - 3_600, END + behind_s)]}, "metrics", every_s=10)
    assert ([], True) == (report.vendors["tencent"].doubts, report.complete)
    assert 360 == sum(record.points for record in records)
    asked = Counter(server.asked)
    assert (1, 2) == (asked["DescribeUserInfo"], asked["DescribeCallDetailInfo"])
