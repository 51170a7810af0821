"""orjson, and cattrs building an attrs object for every point."""

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


_converter = cattrs.Converter(detailed_validation=False)
_converter.register_structure_hook(Point, lambda pair, _: Point(int(pair[0]), float(pair[1])))


def agora(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["metrics"], list[Session])


def tencent(body: bytes) -> Any:
    return _converter.structure(orjson.loads(body)["Response"]["Data"], list[QualityData])
