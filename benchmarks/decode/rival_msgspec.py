"""msgspec structs outside the garbage collector, one for every point."""

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


_agora = msgspec.json.Decoder(Reply)
_tencent = msgspec.json.Decoder(TencentReply)


def agora(body: bytes) -> Any:
    return _agora.decode(body)


def tencent(body: bytes) -> Any:
    return _tencent.decode(body)
