"""pydantic straight from the bytes: tuples for Agora's pairs, a model for Tencent's points and for rows."""

from __future__ import annotations

from typing import Any

import pydantic


class Entry(pydantic.BaseModel):
    mid: int
    kvs: list[tuple[int, float | None]]
    peer_uid: int


class Session(pydantic.BaseModel):
    sid: str
    data: list[Entry]


class Reply(pydantic.BaseModel):
    code: int
    metrics: list[Session]


class TimeValue(pydantic.BaseModel):
    Time: int
    Value: float | None


class QualityData(pydantic.BaseModel):
    Content: list[TimeValue]
    UserId: str
    PeerId: str
    DataType: str


class Detail(pydantic.BaseModel):
    Data: list[QualityData]


class TencentReply(pydantic.BaseModel):
    Response: Detail


class Call(pydantic.BaseModel):
    call_id: str
    cname: str
    created_ts: int
    destroyed_ts: int
    finished: bool
    call_pcu: int
    call_acu: int
    call_audio_freeze_rate: float
    call_video_freeze_rate: float


class Stay(pydantic.BaseModel):
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


class Room(pydantic.BaseModel):
    CommId: str
    RoomString: str
    CreateTime: int
    DestroyTime: int
    IsFinished: bool
    UserId: str


class User(pydantic.BaseModel):
    RoomStr: str
    UserId: str
    JoinTs: int
    LeaveTs: int
    DeviceType: str
    SdkVersion: str
    ClientIp: str
    Finished: bool


class CallLists(pydantic.BaseModel):
    call_lists: list[Call]


class CallInfo(pydantic.BaseModel):
    call_info: list[Stay]


class RoomList(pydantic.BaseModel):
    RoomList: list[Room]


class UserList(pydantic.BaseModel):
    UserList: list[User]


class Rooms(pydantic.BaseModel):
    Response: RoomList


class Users(pydantic.BaseModel):
    Response: UserList


def agora(body: bytes) -> Any:
    return Reply.model_validate_json(body)


def tencent(body: bytes) -> Any:
    return TencentReply.model_validate_json(body)


agora_calls = CallLists.model_validate_json
agora_sessions = CallInfo.model_validate_json
tencent_rooms = Rooms.model_validate_json
tencent_users = Users.model_validate_json
