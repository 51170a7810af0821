"""Answers that are made to cost: twelve shapes, in the places where questions take them; and polite ones."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

MB = 2**20
KINDS = ("calls", "sessions", "metrics", "quality")


def _many(one: bytes, size: int) -> bytes:
    return b"[" + one * (size // len(one)) + one.rstrip(b",") + b"]"


def _numbered(spelt: str, size: int) -> str:
    each = len(spelt % 0)
    return ",".join(spelt % number for number in range(size // (each + 1)))


SHAPES: dict[str, Callable[[int], bytes]] = {
    "empty lists": lambda size: _many(b"[],", size),
    "nested lists": lambda size: _many(b"[" * 60 + b"]" * 60 + b",", size),
    "one deep list": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "empty objects": lambda size: _many(b"{},", size),
    "small objects": lambda size: _many(b'{"a":1},', size),
    "many keys": lambda size: ("[{" + _numbered('"k%07d":1', size) + "}]").encode(),
    "equal keys": lambda size: b"[{" + b'"a":1,' * (size // 6) + b'"a":1}]',
    "small numbers": lambda size: _many(b"1,", size),
    "large numbers": lambda size: _many(b"1732900000,", size),
    "floats": lambda size: _many(b"1.5,", size),
    "short texts": lambda size: _many(b'"ab",', size),
    "escapes": lambda size: b'["' + b"\\u0001" * (size // 6) + b'"]',
}
ROWS = {
    ("agora", "calls"): '{"call_id":"%07d","created_ts":1,"destroyed_ts":2}',
    ("agora", "sessions"): '{"sid":"%07d","join_ts":1,"leave_ts":2}',
    ("agora", "metrics"): '{"sid":"%07d","data":[{"mid":1}]}',
    ("agora", "quality"): '{"ts":%010d,"joinSuccessRate":1}',
    ("tencent", "calls"): '{"CommId":"%07d","CreateTime":1,"DestroyTime":2}',
    ("tencent", "sessions"): '{"UserId":"%07d","JoinTs":1,"LeaveTs":2}',
    ("tencent", "metrics"): '{"UserId":"%07d","DataType":"appCpu"}',
    ("tencent", "quality"): '{"TimeStamp":%010d,"Value":1}',
}
POLITE = {
    ("agora", "calls"): '{"call_id":"%032d","cname":"room-7","created_ts":1732900000,"destroyed_ts":1732900100,'
    '"finished":true,"call_pcu":3,"call_acu":4,"call_audio_freeze_rate":0.01,"call_video_freeze_rate":0.02}',
    ("agora", "sessions"): '{"sid":"%032d","cname":"room-7","uid":"1234567","join_ts":1732900000,"leave_ts":1732900100,'
    '"finished":true,"net":"WIFI","device_type":"iPhone 15","os":"iOS","sdk_version":"4.3.0"}',
    ("tencent", "calls"): '{"CommId":"1400000000_%018d","RoomString":"room-7","CreateTime":1732900000,'
    '"DestroyTime":1732900100,"IsFinished":true,"UserId":"user-1"}',
    ("tencent", "sessions"): '{"UserId":"user-%018d","RoomStr":"room-7","JoinTs":1732900000,"LeaveTs":1732900100,'
    '"DeviceType":"iPhone 15","Finished":true,"SdkVersion":"12.1","ClientIp":"10.0.0.1"}',
}
_PAYLOADS = {
    ("agora", "calls"): "call_lists",
    ("agora", "sessions"): "call_info",
    ("agora", "metrics"): "metrics",
    ("agora", "quality"): "data",
    ("tencent", "calls"): "RoomList",
    ("tencent", "sessions"): "UserList",
    ("tencent", "metrics"): "Data",
    ("tencent", "quality"): "Data",
}


def body(vendor: str, kind: str, inside: bytes, *, beside: bool = False) -> bytes:
    """An answer with this list in the place of its rows; or beside them, under a name that nobody knows."""
    payload = _PAYLOADS[vendor, kind]
    rows, more = (b"[]", b',"x":' + inside) if beside else (inside, b"")
    if vendor == "agora":
        return f'{{"code":200,"requestId":"r","{payload}":'.encode() + rows + more + b"}"
    return f'{{"Response":{{"RequestId":"r","{payload}":'.encode() + rows + more + b"}}"


def hostile(vendor: str, kind: str, shape: str, size: int) -> bytes:
    """An answer of about this size, of a shape (a name that ends in `beside` puts it beside the rows)."""
    if shape == "short rows":
        return body(vendor, kind, f"[{_numbered(ROWS[vendor, kind], size)}]".encode())
    name, _, place = shape.partition(", ")
    return body(vendor, kind, SHAPES[name](size), beside=bool(place))


def polite(vendor: str, kind: str, size: int) -> bytes:
    """An answer of about this size as the vendor would give it, if it gave any of that size."""
    if kind != "metrics":
        return body(vendor, kind, f"[{_numbered(POLITE[vendor, kind], size)}]".encode())
    series = []
    for number in range(max(1, size // (16 * 3600 if vendor == "agora" else 33 * 3600))):
        times = range(1732900000, 1732900000 + 3600)
        if vendor == "agora":
            points: object = [[ts, (ts * 7 + number) % 1000] for ts in times]
            series.append({"sid": "s", "data": [{"mid": 10_000 + number, "kvs": points, "peer_uid": 0}]})
        else:
            points = [{"Time": ts, "Value": (ts * 7 + number) % 1000} for ts in times]
            series.append({"Content": points, "UserId": "u", "PeerId": "", "DataType": f"of{number}"})
    return body(vendor, kind, json.dumps(series, separators=(",", ":")).encode())


def unknown_field(vendor: str, kind: str, size: int) -> bytes:
    """A polite answer with a field in its last row that nobody knows."""
    return b'{"new":7,'.join(polite(vendor, kind, size).rsplit(b"{", 1))


def unsound(vendor: str, kind: str, size: int) -> bytes:
    """A polite answer whose last row has a bare NaN in the place of a time."""
    return b":NaN,".join(polite(vendor, kind, size).rsplit(b":1732900000,", 1))


POLITES: dict[str, Callable[..., bytes]] = {
    "polite": polite,
    "polite, a new field": unknown_field,
    "polite, a bare NaN": unsound,
}
"""Answers as a vendor might give them."""
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda text: gzip.compress(text, 6),
    "deflate": lambda text: zlib.compress(text, 6),
}
