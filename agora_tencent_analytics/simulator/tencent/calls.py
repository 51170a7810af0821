"""How a simulated Tencent answers about calls: rooms, users, call details, and the retired action of 2021.

Like the vendor, it counts something unexpected in its totals, goes back to the first page without a word, and answers
null because the window was too long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from agora_tencent_analytics.simulator.faults.listing import turn_to, window_of
from agora_tencent_analytics.simulator.faults.metrics import PointsTold
from agora_tencent_analytics.simulator.faults.slipped_rows import Shape
from agora_tencent_analytics.simulator.http.exchange import Refused, Written
from agora_tencent_analytics.simulator.http.telling import listed, user_as_told, write_rows
from agora_tencent_analytics.simulator.tencent.payload import Action, Asked, about_calls
from agora_tencent_analytics.simulator.world.catalogue import TENCENT, TENCENT_2021
from agora_tencent_analytics.simulator.world.points import Style, write_points
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.tencent import plans

_MOST_USERS = 100
_MOST_USERS_WITH_METRICS = 6
_ROOMS_BY_DEFAULT = 10
_USERS_BY_DEFAULT = 6
_ALL = frozenset(metric.name for metric in TENCENT)
_ROOM = Shape(
    row_id="CommId", begins="CreateTime", ends="DestroyTime", over="IsFinished", name="RoomString", ratio="Score"
)
_USER = Shape(
    row_id="UserId", begins="JoinTs", ends="LeaveTs", over="Finished", name="DeviceType", ratio="Score", user="UserId"
)
_POINT = Style('{"Time":', ',"Value":', "}")


@attrs.frozen(kw_only=True)
class _Window:
    start: int
    end: int
    page: int
    size: int


def _rooms(asked: Asked) -> Mapping[str, object]:
    over = _read(asked, _ROOMS_BY_DEFAULT, _MOST_USERS)
    world = asked.world
    start, end = window_of(over.start, over.end, asked.strikes)
    found = world.listing("tencent", start, end, channel=asked.payload.get("RoomId"))
    page = turn_to(listed(world, "tencent", found, over.size, asked.now), over.page, over.size, asked.strikes)
    rooms = write_rows(world, "tencent", _ROOM, page.rows, lambda index: _room(asked, index))
    return {"Total": page.lie.of(len(page.rows)), "RoomList": rooms}


def _room(asked: Asked, index: int) -> dict[str, Any]:
    call = asked.world.call_at("tencent", index)
    over = call.finished and call.destroyed_ts <= asked.now
    return {
        "CommId": call.call_id,
        "RoomString": call.channel,
        "CreateTime": call.created_ts,
        "DestroyTime": call.destroyed_ts if over else int(asked.now),
        "IsFinished": over,
        "UserId": asked.world.sessions(call)[0].user_id,
    }


def _users(asked: Asked) -> Mapping[str, object]:
    return _user_list(asked, _read(asked, _USERS_BY_DEFAULT, _MOST_USERS))[0]


def _details(asked: Asked, row_with_metrics: str, known: frozenset[str]) -> Mapping[str, object]:
    wanted = frozenset(asked.payload.get("DataType") or ())
    most = (
        _MOST_USERS_WITH_METRICS if wanted or (known is TENCENT_2021 and asked.payload.get("UserIds")) else _MOST_USERS
    )
    if wanted:
        asked = attrs.evolve(asked, limits=asked.limits_of(row_with_metrics))
    try:
        over = _read(asked, _USERS_BY_DEFAULT, most)
    except Refused as refused:
        if refused.code == "InvalidParameter.QueryScaleOversize" and wanted and asked.oversize == "null":
            return {"Total": 0, "UserList": None, "Data": None}
        raise
    wanted = known if "all" in wanted else wanted
    if not wanted <= known:
        raise Refused("InvalidParameter", f"DataType {sorted(wanted - known)[0]} is invalid.")
    shell, shown = _user_list(asked, over)
    return {**shell, "Data": Written(f"[{_data(asked, over, shown if wanted else (), wanted)}]")}


def _read(asked: Asked, default_size: int, most: int) -> _Window:
    payload, (start, end) = asked.payload, asked.window()
    if len(payload.get("UserIds") or ()) > most:
        raise Refused("InvalidParameter.UserIdsMorethanSix", f"The number of UserIds exceeds {most}.")
    size = int(payload.get("PageSize", default_size))
    if size > most:
        raise Refused("InvalidParameter.PageSizeOversize", f"The value of PageSize exceeds {most}.")
    if size < 1:
        raise Refused("InvalidParameter.PageSize", "The value of PageSize is invalid.")
    number = int(payload.get("PageNumber", 0))
    if "PageNumber" not in payload or "PageSize" not in payload:
        number, size = 0, default_size  # the vendor resets to its first page without a word
    asked.check_start(start)
    asked.check_span(start, end)
    return _Window(start=start, end=end, page=number, size=size)


def _user_list(asked: Asked, over: _Window) -> tuple[dict[str, object], Sequence[Session]]:
    users = frozenset(asked.payload.get("UserIds") or ())
    stays = [
        stay
        for stay in _sessions_of(asked)
        if stay.overlaps(over.start, over.end) and (not users or stay.user_id in users)
    ]
    stays.sort(key=lambda stay: (stay.join_ts, stay.user_id))
    told = listed(asked.world, "tencent", stays, over.size, asked.now)
    page = turn_to(told, over.page, over.size, asked.strikes)
    total = page.lie.of(len({stay.user_id for stay in told}))  # it counts users: one who returned is one
    rows = write_rows(asked.world, "tencent", _USER, page.rows, lambda stay: _user(asked, stay))
    return {"Total": total, "UserList": rows}, page.rows


def _sessions_of(asked: Asked) -> Sequence[Session]:
    call = asked.world.find_call("tencent", asked.payload["CommId"])
    return asked.world.sessions(call) if call is not None else ()


def _user(asked: Asked, stay: Session) -> dict[str, Any]:
    over = stay.finished and stay.leave_ts <= asked.now
    return {
        "RoomStr": stay.channel,
        "UserId": stay.user_id,
        "JoinTs": stay.join_ts,
        "LeaveTs": stay.leave_ts if over else int(asked.now),
        "DeviceType": stay.device,
        "SdkVersion": stay.sdk_version,
        "ClientIp": f"10.{stay.key % 256}.{stay.key // 256 % 256}.{stay.number % 254 + 1}",
        "Finished": over,
    }


def _data(asked: Asked, over: _Window, shown: Sequence[Session], wanted: frozenset[str]) -> str:
    world, users = asked.world, {stay.user_id: user_as_told(asked.world, stay) for stay in shown}
    telling = PointsTold(_POINT, asked.strikes)
    first, beyond = over.start - telling.around_s, over.end + telling.around_s
    # The vendor knows users, not stays: what a user measured in all its stays is one series.
    joined: dict[tuple[str, str, str], list[str]] = {}
    stays = [stay for stay in _sessions_of(asked) if stay.user_id in users]
    for stay in sorted(stays, key=lambda stay: stay.join_ts):
        chosen = [series for series in world.series(stay) if series.metric.name in wanted]
        for series, points in write_points(stay, chosen, first, beyond, world.points_per_series, telling.style):
            joined.setdefault((stay.user_id, series.peer_id, series.metric.name), []).append(points)
    if joined and telling.strangers:
        style = telling.style
        joined["nobody asked", "", "aBit"] = [f"{style.before}{over.start}{style.between}7{style.after}"]
    return ",".join(
        f'{{"Content":[{piece}],"UserId":{users.get(user, json.dumps(user))},"PeerId":"{peer}","DataType":"{name}"}}'
        for (user, peer, name), pieces in joined.items()
        for piece in telling.pieces(",".join(pieces))
    )


_APP = "SdkAppId:integer StartTime:integer EndTime:integer"
_CALL = f"{_APP} CommId:text"
_PAGES = "PageNumber:integer PageSize:integer"
_DETAILS = "UserIds:texts DataType:texts"

ACTIONS: Mapping[str, Action] = {
    "DescribeRoomInfo": about_calls(_rooms, plans.ROOM_INFO, _APP, f"{_PAGES} RoomId:text"),
    "DescribeUserInfo": about_calls(_users, plans.USER_INFO, _CALL, f"{_PAGES} UserIds:texts"),
    "DescribeCallDetailInfo": about_calls(
        partial(_details, row_with_metrics=plans.CALL_DETAIL_METRICS, known=_ALL),
        plans.CALL_DETAIL,
        _CALL,
        f"{_PAGES} {_DETAILS}",
    ),
    "DescribeCallDetail": about_calls(
        partial(_details, row_with_metrics=plans.CALL_DETAIL_METRICS_2021, known=TENCENT_2021),
        plans.CALL_DETAIL_2021,
        "SdkAppId:digits CommId:text StartTime:integer EndTime:integer",
        f"PageNumber:digits PageSize:digits {_DETAILS}",
    ),
}
"""The actions about calls."""
