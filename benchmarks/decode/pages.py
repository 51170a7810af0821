"""Synthetic pages of listings in the documented shapes of both vendors: seeded, compact, a hundred rows each.

Rows are not all alike: one in twenty is unfinished, and three in ten shares of freezing are a whole 0.
"""

from __future__ import annotations

import json
import random
from typing import Any

_START = 1_548_670_255
_ROWS = 100
_PLATFORMS = (("Android", "Wi-Fi"), ("iOS", "4G"), ("Windows", "LAN"), ("Linux", ""))


def agora_calls() -> bytes:
    """A page of `call/lists`."""
    chance = random.Random(1)
    rows = [
        {
            "call_id": f"{chance.getrandbits(128):032X}",
            "cname": f"room-{chance.randrange(10**6)}",
            "created_ts": _START - 60 * row,
            "destroyed_ts": _START - 60 * row + chance.randrange(3600),
            "finished": _finished(chance),
            "call_pcu": chance.randrange(20),
            "call_acu": chance.randrange(40),
            "call_audio_freeze_rate": _share(chance),
            "call_video_freeze_rate": _share(chance),
        }
        for row in range(_ROWS)
    ]
    return _agora(rows, "call_lists")


def agora_sessions() -> bytes:
    """A page of `call/sessions`."""
    chance = random.Random(2)
    rows = []
    for row in range(_ROWS):
        platform, network = chance.choice(_PLATFORMS)
        rows.append(
            {
                "sid": f"{chance.getrandbits(128):032X}",
                "cname": "room-7",
                "uid": chance.randrange(2**32),
                "account": "",
                "network": network,
                "platform": platform,
                "speaker": chance.random() < 0.7,
                "sdk_version": "4.2.0",
                "device_type": f"{platform}/{chance.randrange(100)}",
                "join_ts": _START - 7 * row,
                "leave_ts": _START - 7 * row + chance.randrange(3600),
                "finished": _finished(chance),
                "roles": ["Host"] if row < 3 else ["Audience"],
                "user_video_freeze_rate": _share(chance),
                "user_audio_freeze_rate": _share(chance),
            }
        )
    return _agora(rows, "call_info")


def tencent_rooms() -> bytes:
    """A page of `DescribeRoomInfo`."""
    chance = random.Random(3)
    rows = [
        {
            "CommId": f"1400000001_{218_695 + row}_{_START - 60 * row}",
            "RoomString": str(218_695 + row),
            "CreateTime": _START - 60 * row,
            "DestroyTime": _START - 60 * row + chance.randrange(3600),
            "IsFinished": _finished(chance),
            "UserId": f"user-{chance.randrange(1000)}",
        }
        for row in range(_ROWS)
    ]
    return _tencent(rows, "RoomList")


def tencent_users() -> bytes:
    """A page of `DescribeUserInfo`."""
    chance = random.Random(4)
    rows = [
        {
            "RoomStr": "218695",
            "UserId": f"user-{row}",
            "JoinTs": _START + row,
            "LeaveTs": _START + row + chance.randrange(3600),
            "DeviceType": chance.choice(_PLATFORMS)[0],
            "SdkVersion": "11.3.0.13171",
            "ClientIp": f"203.0.113.{chance.randrange(256)}",
            "Finished": _finished(chance),
        }
        for row in range(_ROWS)
    ]
    return _tencent(rows, "UserList")


def _finished(chance: random.Random) -> bool:
    return chance.random() >= 0.05


def _share(chance: random.Random) -> float:
    return 0 if chance.random() < 0.3 else round(chance.random() / 10, 6)


def _agora(rows: list[dict[str, Any]], payload: str) -> bytes:
    page = {"page_no": 1, "page_size": _ROWS, "total_size": 50 * _ROWS, "has_more": True}
    return _compact({"code": 200, "message": "", "requestId": "f" * 32, payload: rows, **page})


def _tencent(rows: list[dict[str, Any]], payload: str) -> bytes:
    request_id = "2e12e365-43e8-4efd-902d-906303e2ee4a"
    return _compact({"Response": {"Total": _ROWS, payload: rows, "RequestId": request_id}})


def _compact(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply, separators=(",", ":")).encode()
