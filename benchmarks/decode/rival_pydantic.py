"""pydantic straight from the bytes: tuples for Agora's pairs, a model for Tencent's points."""

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


def agora(body: bytes) -> Any:
    return Reply.model_validate_json(body)


def tencent(body: bytes) -> Any:
    return TencentReply.model_validate_json(body)
