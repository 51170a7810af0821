"""msgspec structs, one for every point (outside the garbage collector) or row; no renaming, nothing odd allowed."""

from __future__ import annotations

from typing import Any

import msgspec


class Pair(msgspec.Struct, array_like=True, gc=False):
    time: int
    value: float | None = None


class Entry(msgspec.Struct):
    mid: int
    kvs: list[Pair]
    peer_uid: int


class Session(msgspec.Struct):
    sid: str
    data: list[Entry]


class Reply(msgspec.Struct):
    metrics: list[Session]


class TimeValue(msgspec.Struct, gc=False):
    Time: int
    Value: float | None = None


class QualityData(msgspec.Struct):
    Content: list[TimeValue]
    UserId: str
    PeerId: str
    DataType: str


class Detail(msgspec.Struct):
    Data: list[QualityData]


class TencentReply(msgspec.Struct):
    Response: Detail


class Call(msgspec.Struct):
    call_id: str
    cname: str
    created_ts: int
    destroyed_ts: int
    finished: bool
    call_pcu: int
    call_acu: int
    call_audio_freeze_rate: float
    call_video_freeze_rate: float


class Stay(msgspec.Struct):
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


class Room(msgspec.Struct):
    CommId: str
    RoomString: str
    CreateTime: int
    DestroyTime: int
    IsFinished: bool
    UserId: str


class User(msgspec.Struct):
    RoomStr: str
    UserId: str
    JoinTs: int
    LeaveTs: int
    DeviceType: str
    SdkVersion: str
    ClientIp: str
    Finished: bool


class CallLists(msgspec.Struct):
    call_lists: list[Call]


class CallInfo(msgspec.Struct):
    call_info: list[Stay]


class RoomList(msgspec.Struct):
    RoomList: list[Room]


class UserList(msgspec.Struct):
    UserList: list[User]


class Rooms(msgspec.Struct):
    Response: RoomList


class Users(msgspec.Struct):
    Response: UserList


_agora = msgspec.json.Decoder(Reply)
_tencent = msgspec.json.Decoder(TencentReply)


def agora(body: bytes) -> Any:
    return _agora.decode(body)


def tencent(body: bytes) -> Any:
    return _tencent.decode(body)


agora_calls = msgspec.json.Decoder(CallLists).decode
agora_sessions = msgspec.json.Decoder(CallInfo).decode
tencent_rooms = msgspec.json.Decoder(Rooms).decode
tencent_users = msgspec.json.Decoder(Users).decode
