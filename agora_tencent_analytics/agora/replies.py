"""What Agora calls the fields of calls, sessions and series, and how its rows become records.

Figures over time and by dimension are read in `agora/figures/decode.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from agora_tencent_analytics.agora.metrics import AGORA_METRICS, AGORA_METRICS_2021_03
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rows import Structure, UsualPage
from agora_tencent_analytics.decoding.series import UnreadSeries, series_unread
from agora_tencent_analytics.decoding.unread import SeriesAnswer, SeriesForm, SeriesReader
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


class _Page(UsualPage, kw_only=True):
    """A good answer as it usually is."""

    code: Literal[200]
    message: str | None = None
    request_id: str | None = msgspec.field(name="requestId", default=None)
    page_no: int | None = None
    page_size: int | None = None
    total: int | None = msgspec.field(name="total_size", default=None)
    has_more: bool | None = None
    call_id: str | None = None


PAGES = STRUCTURE.pages(
    _Page,
    {
        Call: {"given": ("vendor",), "id": "call_id", "absent": ("creator_id",), "unended": "destroyed_ts"},
        Session: {
            "given": ("vendor", "call_id"),
            "id": "session_id",
            "needed": ("user_id",),
            "absent": ("client_ip",),
            "unended": "leave_ts",
        },
    },
)
"""Pages of calls and sessions."""

SERIES = SeriesReader(
    SeriesForm(
        envelope={"code": int, "message": str, "requestId": str, "call_id": str},
        series="metrics",
        group="data",
        owner="sid",
        metric="mid",
        peer="peer_uid",
        points="kvs",
        form=PointForm.PAIRS,
        sessions="call_info",
    ),
    PAGES,
)
"""Answers of `call/metrics`, and of `call/details`, which has the sessions too."""


def sessions_of(answer: SeriesAnswer, asked: Asked) -> list[Session]:
    """The sessions next to the series of an answer of March 2021; none in one of later.

    Raises:
        KeyError, TypeError, ValueError: one of them is not what it should be.
    """
    given = {"vendor": "agora", "call_id": asked.params["call_id"]}
    if answer.usual is not None:
        return PAGES.records(Session, answer.usual, **given)

    def read(rows: Sequence[Any]) -> list[Session]:
        mine = [{name: value for name, value in row.items() if name != "metrics"} for row in rows]
        return STRUCTURE.rows(mine, Session, odd=asked.flaws.odd, **given)

    return asked.flaws.each(list(answer.sessions or ()), read)  # their series may be inside them


def _inside_sessions(answer: SeriesAnswer) -> list[UnreadSeries]:
    """Series inside their sessions: so the page of March 2021 words it, though its example has them side by side.

    Raises:
        ValueError: they are in neither place.
    """
    sessions = [row for row in answer.sessions or () if isinstance(row, dict)]
    inside = [row.get("metrics") for row in sessions if "metrics" in row]
    if not answer.is_about_series and (answer.sessions is None or len(inside) < len(sessions)):
        raise ValueError("no 'metrics' in the answer")
    every = [series for of_session in inside for series in of_session or ()]
    return SERIES.read(msgspec.json.encode({"metrics": every})).series if every else []


def series_of(row: Endpoint[Any], answer: SeriesAnswer, users: Mapping[str, str], asked: Asked) -> list[MetricSeries]:
    """The series of a metrics answer. Since July 2021 their user is not in it; who asks by session knows it.

    Args:
        row: the question.
        answer: its answer.
        users: the user of each session that the answer has next to its series.
        asked: what was asked.

    Raises:
        ValueError: the answer is not about series, or about none at all.
    """
    series = answer.series or _inside_sessions(answer)
    asked.flaws.doubts += answer.doubts
    asked.flaws.others(asked.params.get("sids") or list(users), answer.owners, "session")
    return series_unread(
        series,
        AGORA_METRICS_2021_03 if row.generation == "2021-03" else AGORA_METRICS,
        PointForm.PAIRS,
        vendor="agora",
        call_id=asked.params["call_id"],
        window=asked.window,
        users=users,
    )
