"""The shell of Tencent's call detail: whose and what each series is; the points stay text.

`DescribeCallDetailInfo` answers `{"Response": {"Total", "UserList": [...], "Data": [{"Content": [{"Time",
"Value"}, ...], "UserId", "PeerId", "DataType"}], "RequestId"}}`. Holds that shape and its deviations; reads
no point (`decoding/points.py`), names no metric, and leaves `Response.Error` to whoever judges replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from agora_tencent_analytics.decoding.bulk import LARGE, check_bulk, check_series
from agora_tencent_analytics.decoding.rawjson import (
    UNREADABLE,
    number,
    open_list,
    open_object,
    open_objects,
    plain,
    read,
    rest,
    sound,
    text,
)
from agora_tencent_analytics.decoding.series import UnreadSeries

_NULL = msgspec.Raw(b"null")


class TencentDetail(msgspec.Struct, kw_only=True):
    """One call detail reply, its points unread."""

    total: int | None = None
    """What Tencent says is the number of users; None if absent."""
    users: list[Any] = []
    """`UserList` rows as sent."""
    series: list[UnreadSeries] = []
    """`Data` rows, in the order sent."""
    request_id: str = ""
    """Tencent's `RequestId`."""
    extra: Mapping[str, Any] = {}
    """Unknown keys of `Response`, and those next to it."""
    is_about_series: bool = True
    """False if `Data` is missing; null is an empty list."""
    doubts: list[str] = []
    """What is not as it should be, and may cost series, in words."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    user_id: str = msgspec.field(name="UserId")
    data_type: str = msgspec.field(name="DataType")
    peer_id: str | None = msgspec.field(name="PeerId", default=None)
    content: msgspec.Raw = msgspec.field(name="Content", default=_NULL)


class _Detail(msgspec.Struct, forbid_unknown_fields=True):
    total: int | None = msgspec.field(name="Total", default=None)
    users: msgspec.Raw = msgspec.field(name="UserList", default=_NULL)
    data: list[_Entry] | msgspec.UnsetType | None = msgspec.field(name="Data", default=msgspec.UNSET)
    request_id: str | None = msgspec.field(name="RequestId", default=None)


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    response: _Detail = msgspec.field(name="Response")


_quick = msgspec.json.Decoder(_Reply).decode
_users = msgspec.json.Decoder(list[dict[str, Any]] | None).decode


def read_detail(body: bytes) -> TencentDetail:
    """Every user and series of a call detail reply, points as text; an odd field costs time, not the reply.

    Args:
        body: the reply as it came.

    Raises:
        ValueError: it is not JSON, or a list or an object is missing where the shape needs one.
    """
    try:
        detail = _quick(body).response
        if len(body) > LARGE:
            check_bulk(memoryview(detail.users))
        users = _users(detail.users)
    except UNREADABLE:
        found = _lenient(sound(body))
        found.users = _users_as_listed(body, found.users)
        return found
    check_series(len(detail.data or ()), len(body))
    return TencentDetail(
        total=detail.total,
        users=users or [],
        series=[
            UnreadSeries(
                user_id=entry.user_id,
                metric=entry.data_type,
                peer_id=entry.peer_id or "",
                points=bytes(entry.content),
            )
            for entry in detail.data or ()
        ],
        request_id=detail.request_id or "",
        is_about_series=detail.data is not msgspec.UNSET,
    )


def _users_as_listed(body: bytes, users: list[Any]) -> list[Any]:
    """`UserList` as a listing of users has it, where a byte that is no UTF-8 leaves its mark on the row."""
    try:
        body.decode()
    except UnicodeDecodeError:
        inside = read(body)["Response"]
        return inside["UserList"] if isinstance(inside.get("UserList"), list) else users
    return users


def _lenient(body: bytes) -> TencentDetail:
    reply = open_object(body, "the reply")
    detail = open_object(reply.get("Response"), "Response")
    if not detail:
        raise ValueError("the reply holds no Response")
    doubts: list[str] = []
    entries = open_objects(detail.get("Data"), "Data", doubts)
    total = number(plain(detail.get("Total")))
    known = {"UserList", "Data", "RequestId"} | ({"Total"} if total is not None else set())
    return TencentDetail(
        total=total,
        users=[plain(raw, rows=True) for raw in open_list(detail.get("UserList"), "UserList")],
        series=[_series(entry) for entry in entries],
        request_id=text(plain(detail.get("RequestId"))),
        extra={**rest(reply, ("Response",)), **rest(detail, known)},
        is_about_series="Data" in detail,
        doubts=doubts,
    )


def _series(entry: Mapping[str, msgspec.Raw]) -> UnreadSeries:
    return UnreadSeries(
        user_id=text(plain(entry.get("UserId"))),
        metric=text(plain(entry.get("DataType"))),
        peer_id=text(plain(entry.get("PeerId"))),
        points=bytes(entry.get("Content", _NULL)),
        extra=rest(entry, ("UserId", "PeerId", "DataType", "Content")),
    )
