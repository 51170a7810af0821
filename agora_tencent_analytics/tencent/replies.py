"""What Tencent calls the fields of its rows, and how its rows become records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agora_tencent_analytics.metrics import METRICS, TENCENT_METRICS
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import Columns, MetricSeries, PointForm
from agora_tencent_analytics.structure import NO, Structure
from agora_tencent_analytics.tencent.series import TencentDetail
from agora_tencent_analytics.vendor import Asked

__all__ = ["STRUCTURE", "call_rows", "series_of", "session_rows"]

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
    """Rows of `RoomList` as calls. The rows are taken over."""
    _unend(rows, "IsFinished", "DestroyTime")
    return STRUCTURE.rows(rows, Call, vendor="tencent")


def session_rows(rows: Sequence[Any], asked: Asked) -> list[Session]:
    """Rows of `UserList` as sessions of the call that was asked for. The rows are taken over.

    The vendor does not name a stay; its id is made of user and join time.
    """
    _unend(rows, "Finished", "LeaveTs")
    for row in rows:
        row["session_id"] = f"{row['UserId']}@{row['JoinTs']}"
    return STRUCTURE.rows(rows, Session, vendor="tencent", call_id=asked.params["CommId"])


def _unend(rows: Sequence[Any], finished: str, end: str) -> None:
    """While something runs, the vendor prints "now" as its end: nothing is known of the end."""
    for row in rows:
        if row.get(finished) in NO:
            row[end] = None


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
