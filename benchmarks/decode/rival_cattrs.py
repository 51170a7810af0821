"""orjson, and cattrs building an attrs object for every point or, frozen, for every row; nothing odd allowed."""

from __future__ import annotations

from typing import Any

import attrs
import cattrs
import orjson


@attrs.define
class Point:
    time: int
    value: float


@attrs.define
class Entry:
    mid: int
    kvs: list[Point]
    peer_uid: int


@attrs.define
class Session:
    sid: str
    data: list[Entry]


@attrs.define
class TimeValue:
    Time: int
    Value: float


@attrs.define
class QualityData:
    Content: list[TimeValue]
    UserId: str
    PeerId: str
    DataType: str


@attrs.frozen
class Call:
    call_id: str
    cname: str
    created_ts: int
    destroyed_ts: int
    finished: bool
    call_pcu: int
    call_acu: int
    call_audio_freeze_rate: float
    call_video_freeze_rate: float


@attrs.frozen
class Stay:
    sid: str
    cname: str
    uid: int
    account: str
    network: str
    platform: str
    speaker: bool
    sdk_version: str
    device_type: str
    join_ts: int
    leave_ts: int
    finished: bool
    roles: list[str]
    user_video_freeze_rate: float
    user_audio_freeze_rate: float


@attrs.frozen
class Room:
    CommId: str
    RoomString: str
    CreateTime: int
    DestroyTime: int
    IsFinished: bool
    UserId: str


@attrs.frozen
class User:
    RoomStr: str
    UserId: str
    JoinTs: int
    LeaveTs: int
    DeviceType: str
    SdkVersion: str
    ClientIp: str
    Finished: bool


_converter = cattrs.Converter(detailed_validation=False)
_converter.register_structure_hook(Point, lambda pair, _: Point(int(pair[0]), float(pair[1])))


def agora(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["metrics"], list[Session])


def tencent(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["Response"]["Data"], list[QualityData])


def agora_calls(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["call_lists"], list[Call])


def agora_sessions(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["call_info"], list[Stay])


def tencent_rooms(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["Response"]["RoomList"], list[Room])


def tencent_users(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["Response"]["UserList"], list[User])
