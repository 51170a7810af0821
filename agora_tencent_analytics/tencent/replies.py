"""What Tencent calls the fields of its rows, and how its rows become records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agora_tencent_analytics.metrics import METRICS, TENCENT_METRICS
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import Columns, MetricSeries, PointForm
from agora_tencent_analytics.structure import Structure, text
from agora_tencent_analytics.tencent.series import TencentDetail
from agora_tencent_analytics.vendor import Asked

__all__ = ["STRUCTURE", "call_rows", "series_of", "session_id", "session_rows"]

STRUCTURE = Structure(
    {
        Call: {
            "call_id": "CommId",
            "channel": "RoomString",
            "created_ts": "CreateTime",
            "destroyed_ts": "DestroyTime",
            "finished": "IsFinished",
            "creator_id": "UserId",
        },
        Session: {
            "user_id": "UserId",
            "channel": "RoomStr",
            "join_ts": "JoinTs",
            "leave_ts": "LeaveTs",
            "finished": "Finished",
            "device_type": "DeviceType",
            "sdk_version": "SdkVersion",
            "client_ip": "ClientIp",
        },
    }
)


def call_rows(rows: Sequence[Any]) -> list[Call]:
    """Rows of `RoomList` as calls."""
    return STRUCTURE.rows([_unended(row, "IsFinished", "DestroyTime") for row in rows], Call, vendor="tencent")


def session_id(user_id: str, join_ts: int) -> str:
    """The id of a stay, which the vendor does not name: user and join time."""
    return f"{user_id}@{join_ts}"


def session_rows(rows: Sequence[Any], asked: Asked) -> list[Session]:
    """Rows of `UserList` as sessions of the call that was asked for."""
    named = [
        {**_unended(row, "Finished", "LeaveTs"), "session_id": session_id(text(row["UserId"]), int(row["JoinTs"]))}
        for row in rows
    ]
    return STRUCTURE.rows(named, Session, vendor="tencent", call_id=asked.params["CommId"])


def _unended(row: Any, finished: str, end: str) -> Any:
    """While something runs, the vendor prints "now" as its end."""
    return {**row, end: None} if row.get(finished) is False else row


def series_of(shell: TencentDetail, asked: Asked) -> list[MetricSeries]:
    """The series of an answer, by user: which of the user's stays they belong to is not in the answer."""
    call_id, window = asked.params["CommId"], asked.window
    found = []
    for entry in shell.series:
        known = TENCENT_METRICS.get(entry.data_type)
        name = (known.from_peer if entry.peer_id else known.own) if known else ""
        found.append(
            MetricSeries(
                vendor="tencent",
                call_id=call_id,
                session_id="",
                user_id=entry.user_id,
                peer_id=entry.peer_id,
                metric=name,
                vendor_metric=entry.data_type,
                unit=METRICS[name].unit if name else "",
                columns=Columns(
                    entry.content,
                    PointForm.OBJECTS,
                    scale=known.scale if known else 1.0,
                    clip=(window.start, window.end),
                ),
                extra=entry.extra,
            )
        )
    return found
