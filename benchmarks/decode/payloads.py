"""Synthetic metrics replies in the documented shapes of both vendors: seeded, compact, a quarter floats."""

from __future__ import annotations

import json
import random

_START = 1_548_670_255
_TENCENT_TYPES = [
    "appCpu",
    "sysCpu",
    "aBit",
    "aBlock",
    "bigvBit",
    "bigvCapFps",
    "bigvEncFps",
    "bigvDecFps",
    "bigvBlock",
    "aLoss",
    "bigvLoss",
    "bigvWidth",
    "bigvHeight",
    "aCapEnergy",
    "aPlayEnergy",
    "rtt",
    "bigvRecFps",
    "sVideo1",
    "sVideo2",
    "sVideo3",
]


def agora(sids: int, metrics: int, points: int, *, own_times: bool = False) -> bytes:
    """A reply of `call/metrics`.

    Args:
        sids: sessions.
        metrics: series of each session.
        points: points of each series, one every two seconds.
        own_times: every series has times of its own, irregular; else they share the session's.
    """
    chance = random.Random(20_003)
    sessions = []
    for session in range(sids):
        data = []
        for metric in range(metrics):
            times = _times(chance, points, own_times, _START + session)
            kvs = [[time, _value(chance)] for time in times]
            data.append({"mid": 20_001 + metric, "kvs": kvs, "peer_uid": 0 if metric % 3 else 70_000 + session})
        sessions.append({"sid": f"{session:032X}", "data": data})
    reply = {"code": 200, "message": "", "requestId": "f" * 32, "metrics": sessions}
    return json.dumps(reply, separators=(",", ":")).encode()


def tencent(users: int, metrics: int, points: int) -> bytes:
    """A reply of `DescribeCallDetailInfo` with `DataType`: users, series of each, points of each series."""
    chance = random.Random(647)
    names = [f"user-{number}" for number in range(users)]
    data = [
        {
            "Content": [{"Time": _START + 2 * point, "Value": _value(chance)} for point in range(points)],
            "PeerId": "" if metric % 3 else names[metric % users],
            "UserId": name,
            "DataType": _TENCENT_TYPES[metric % len(_TENCENT_TYPES)],
        }
        for name in names
        for metric in range(metrics)
    ]
    rows = [
        {"RoomStr": "218695", "UserId": name, "JoinTs": _START, "LeaveTs": _START + 2 * points, "Finished": True}
        for name in names
    ]
    response = {"Total": users, "UserList": rows, "Data": data, "RequestId": "2e12e365-43e8-4efd-902d-906303e2ee4a"}
    return json.dumps({"Response": response}, separators=(",", ":")).encode()


def _times(chance: random.Random, points: int, own: bool, start: int) -> list[int]:
    if not own:
        return [start + 2 * point for point in range(points)]
    now, times = start + chance.randrange(100), []
    for _ in range(points):
        times.append(now)
        now += chance.choice((2, 2, 2, 4, 6))
    return times


def _value(chance: random.Random) -> float:
    return round(chance.random() * 500, 2) if chance.random() < 0.25 else chance.randrange(1000)
