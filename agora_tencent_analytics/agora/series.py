"""The shell of Agora's metrics reply: who and what each series is about; the points stay text.

`GET /beta/analytics/call/metrics` answers `{"code", "message", "requestId", "metrics": [{"sid", "data":
[{"mid", "kvs": [[ts, value], ...], "peer_uid"}]}]}`. Holds that shape and its deviations; reads no point
(`decoding/points.py`) and gives no metric a name.

Nearly all of a large reply is points. They are cut out before it is parsed, by finding where each list begins and
ends, so what is parsed is the hollow rest. Whether the points are sound JSON shows when they are read: there, what is
not costs its point and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from agora_tencent_analytics.decoding.bulk import TooMuch, check_bulk, check_series
from agora_tencent_analytics.decoding.rawjson import (
    UNREADABLE,
    number,
    open_object,
    open_objects,
    plain,
    rest,
    sound,
    text,
)
from agora_tencent_analytics.decoding.series import UnreadSeries

_NULL = msgspec.Raw(b"null")
_POINTS = b'"kvs":[['
_NAME = len(b'"kvs":')
# In the place of points. A reply that has this number of its own shows by the count, and is parsed in full. In any
# other the series that have it are those whose points were cut out, in their order, if they are as many.
_HOLLOW = b"-614889782588491"
_MOST_BESIDE = 500
"""The most unknown fields of a session: each of its series keeps them."""


class AgoraMetrics(msgspec.Struct, kw_only=True):
    """One metrics reply, its points unread."""

    code: int | None = None
    """200 is success; None if absent."""
    message: str = ""
    """What Agora says besides the code."""
    request_id: str = ""
    """Agora's `requestId`."""
    sids: tuple[str, ...] = ()
    """The sessions named in the reply, also those without series."""
    series: list[UnreadSeries] = []
    """The series of all sessions, in the order sent."""
    extra: Mapping[str, Any] = {}
    """Unknown keys of the reply."""
    is_about_series: bool = True
    """False if `metrics` is missing; null is an empty list."""
    doubts: list[str] = []
    """What is not as it should be, and may cost series, in words."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    mid: int
    kvs: msgspec.Raw = _NULL
    peer_uid: int | str | None = None


class _Session(msgspec.Struct, forbid_unknown_fields=True):
    sid: str
    data: list[_Entry] | None = None


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    metrics: list[_Session] | msgspec.UnsetType | None = msgspec.UNSET
    code: int | None = None
    message: str | None = None
    request_id: str | None = msgspec.field(name="requestId", default=None)


_quick = msgspec.json.Decoder(_Reply).decode


def read_metrics(body: bytes) -> AgoraMetrics:
    """Every series of a metrics reply, with its points as text; an odd field costs time, not the reply.

    Args:
        body: the reply as it came.

    Raises:
        ValueError: it is not JSON, or a list or an object is missing where the shape needs one.
    """
    hollow, points = _hollowed(body)
    if points and hollow.count(_HOLLOW) == len(points):
        try:
            metrics = _read(hollow, len(body))
        except TooMuch:
            raise
        except ValueError:
            return _read(body, len(body))
        cut = [series for series in metrics.series if series.points == _HOLLOW]
        if len(cut) == len(points):
            for series, kvs in zip(cut, points, strict=True):
                series.points = kvs
            return metrics
    return _read(body, len(body))


def _hollowed(body: bytes) -> tuple[bytes, list[bytes]]:
    """The reply without its lists of points, and these; the reply as it is, and none, where they are spelt oddly."""
    find, kept, points, done = body.find, list[bytes](), list[bytes](), 0
    while (named := find(_POINTS, done)) >= 0:
        first = named + _NAME
        # Points of numbers hold no quote: the next one opens another name, and they end before it.
        end = body.rfind(b"]]", first, find(b'"', first)) + 2
        if end < first:
            return body, []
        kept.append(body[done:first])
        points.append(body[first:end])
        done = end
    kept.append(body[done:])
    return _HOLLOW.join(kept), points


def _read(body: bytes, length: int) -> AgoraMetrics:
    check_bulk(body, points=True, length=length)
    try:
        reply = _quick(body)
    except UNREADABLE:
        return _lenient(sound(body))
    sessions = reply.metrics or []
    check_series(len(sessions) + sum(len(session.data or ()) for session in sessions), length)
    return AgoraMetrics(
        is_about_series=reply.metrics is not msgspec.UNSET,
        code=reply.code,
        message=reply.message or "",
        request_id=reply.request_id or "",
        sids=tuple(session.sid for session in sessions),
        series=[
            UnreadSeries(
                session_id=session.sid,
                metric=str(entry.mid),
                peer_id=_peer(entry.peer_uid),
                points=bytes(entry.kvs),
            )
            for session in sessions
            for entry in session.data or ()
        ],
    )


def _lenient(body: bytes) -> AgoraMetrics:
    reply = open_object(body, "the reply")
    if not reply and body.strip() == b"null":
        raise ValueError("the reply should be an object, not null")
    sids: list[str] = []
    series: list[UnreadSeries] = []
    doubts: list[str] = []
    for session in open_objects(reply.get("metrics"), "metrics", doubts):
        sid = text(plain(session.get("sid")))
        beside = rest(session, ("sid", "data"))
        if len(beside) > _MOST_BESIDE:
            raise ValueError(f"{len(beside)} unknown fields in a session")
        sids.append(sid)
        series += [_series(sid, entry, beside) for entry in open_objects(session.get("data"), "data", doubts)]
    code = number(plain(reply.get("code")))
    beside = {name: plain(reply[name], rows=True) for name in reply.keys() & {"call_info"}}
    known = {"metrics", "message", "requestId", "call_info"} | ({"code"} if code is not None else set())
    return AgoraMetrics(
        code=code,
        message=text(plain(reply.get("message"))),
        request_id=text(plain(reply.get("requestId"))),
        sids=tuple(sids),
        series=series,
        extra=rest(reply, known) | beside,
        is_about_series="metrics" in reply,
        doubts=doubts,
    )


def _series(sid: str, entry: Mapping[str, msgspec.Raw], beside: Mapping[str, Any]) -> UnreadSeries:
    mid = plain(entry.get("mid"))
    whole = number(mid)
    return UnreadSeries(
        session_id=sid,
        metric=text(mid) if whole is None else str(whole),
        peer_id=_peer(plain(entry.get("peer_uid"))),
        points=bytes(entry.get("kvs", _NULL)),
        extra={**beside, **rest(entry, ("mid", "kvs", "peer_uid"))},
    )


def _peer(uid: Any) -> str:
    if not uid:
        return ""
    named = uid if type(uid) is str else str(uid) if type(uid) is int else text(uid)
    return "" if named == "0" else named
