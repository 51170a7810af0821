"""What Agora calls the fields of calls, sessions and series, and how its rows become records.

Figures over time and by dimension are read in `agora/figures/decode.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from agora_tencent_analytics.agora.metrics import AGORA_METRICS, AGORA_METRICS_2021_03
from agora_tencent_analytics.agora.series import AgoraMetrics, read_metrics
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rows import Structure, check_ids, unend
from agora_tencent_analytics.decoding.series import UnreadSeries, series_unread
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.wire import Asked

STRUCTURE = Structure(
    {
        Call: {
            "channel": "cname",
            "peak_users": "call_pcu",
            "accumulated_users": "call_acu",
            "audio_freeze_ratio": "call_audio_freeze_rate",
            "video_freeze_ratio": "call_video_freeze_rate",
        },
        Session: {
            "session_id": "sid",
            "channel": "cname",
            "user_id": "uid",
            "audio_freeze_ratio": "user_audio_freeze_rate",
            "video_freeze_ratio": "user_video_freeze_rate",
        },
    }
)


class UsualPage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A good answer as it usually is, with its rows not yet records: see `PAGES`."""

    code: Literal[200]
    message: str | None = None
    request_id: str | None = msgspec.field(name="requestId", default=None)
    page_no: int | None = None
    page_size: int | None = None
    total_size: int | None = None
    has_more: bool | None = None
    call_id: str | None = None
    rows: list[Any]


_USUAL: Mapping[type, Mapping[str, Any]] = {
    Call: {"given": ("vendor",), "absent": ("creator_id",), "unended": "destroyed_ts"},
    Session: {
        "given": ("vendor", "call_id"),
        "needed": ("user_id",),
        "absent": ("client_ip",),
        "unended": "leave_ts",
    },
}
"""What the usual rows of an answer are like; see `TypedRows`."""


PAGES = STRUCTURE.pages(UsualPage, _USUAL)
"""Pages of calls and sessions."""


def call_rows(rows: Sequence[Any], asked: Asked) -> list[Call]:
    """Rows of `call_lists` as calls. The rows are taken over."""
    check_ids(rows, "call_id")
    unend(rows, "finished", "destroyed_ts")
    return STRUCTURE.rows(rows, Call, odd=asked.flaws.odd, vendor="agora")


def session_rows(rows: Sequence[Any], asked: Asked) -> list[Session]:
    """Rows of `call_info` as sessions of the call that was asked for. The rows are taken over."""
    check_ids(rows, "sid")
    unend(rows, "finished", "leave_ts")
    for row in rows:
        if row.get("uid") is None:  # whose stay it is costs the stay no more than that
            asked.flaws.odd(("uid",))
    return STRUCTURE.rows(rows, Session, odd=asked.flaws.odd, vendor="agora", call_id=asked.params["call_id"])


def sessions_of(shell: AgoraMetrics, asked: Asked) -> list[Session]:
    """The sessions next to the series of an answer of March 2021; none in one of later.

    Raises:
        KeyError, TypeError, ValueError: one of them, or their list, is not what it should be.
    """

    def read(rows: Sequence[Any]) -> list[Session]:
        return session_rows([{name: value for name, value in row.items() if name != "metrics"} for row in rows], asked)

    rows = shell.extra.get("call_info") or []
    return asked.flaws.each(rows[:] if isinstance(rows, list) else rows, read)  # their series may be inside them


def _inside_sessions(shell: AgoraMetrics) -> list[UnreadSeries]:
    """Series inside their sessions: so the page of March 2021 words it, though its example has them side by side.

    Raises:
        ValueError: they are in neither place.
    """
    sessions = [row for row in shell.extra.get("call_info") or () if isinstance(row, dict)]
    inside = [row.get("metrics") for row in sessions if "metrics" in row]
    if not shell.is_about_series and len(inside) < len(sessions):
        raise ValueError("no 'metrics' in the answer")
    every = [series for of_session in inside for series in of_session or ()]
    return read_metrics(msgspec.json.encode({"metrics": every})).series if every else []


def _check_sessions(shell: AgoraMetrics, users: Mapping[str, str], asked: Asked) -> None:
    """Doubts an answer about other sessions than those that were asked for, or that stand next to their series.

    Raises:
        ValueError: it is about none at all.
    """
    if not shell.is_about_series and "call_info" not in shell.extra:
        raise ValueError("no 'metrics' in the answer")
    asked.flaws.doubts += shell.doubts
    asked.flaws.others(asked.params.get("sids") or list(users), shell.sids, "session")


def series_of(row: Endpoint[Any], shell: AgoraMetrics, users: Mapping[str, str], asked: Asked) -> list[MetricSeries]:
    """The series of a metrics answer. Since July 2021 their user is not in it; who asks by session knows it.

    Args:
        row: the question.
        shell: the answer.
        users: the user of each session that the answer has next to its series.
        asked: what was asked.

    Raises:
        ValueError: the answer is not about series.
    """
    _check_sessions(shell, users, asked)
    return series_unread(
        shell.series or _inside_sessions(shell),
        AGORA_METRICS_2021_03 if row.generation == "2021-03" else AGORA_METRICS,
        PointForm.PAIRS,
        vendor="agora",
        call_id=asked.params["call_id"],
        window=asked.window,
        users=users,
    )
