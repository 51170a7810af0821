"""What Tencent calls the fields of its rows, and how its rows become records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import msgspec

from agora_tencent_analytics.decoding.moments import YEAR_5138, seconds
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rawjson import text
from agora_tencent_analytics.decoding.rows import Structure, UsualPage
from agora_tencent_analytics.decoding.series import series_unread
from agora_tencent_analytics.decoding.unread import SeriesAnswer, SeriesForm, SeriesReader
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience, Cause, Event
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.tencent.events import describe_abnormal_event, describe_event, describe_experience
from agora_tencent_analytics.tencent.metrics import TENCENT_METRICS
from agora_tencent_analytics.wire import Asked


def _session_id(row: Mapping[str, Any]) -> str:
    """The vendor does not name a stay; its id is made of user and join time, and of the end where that cannot be."""
    join = row["JoinTs"]
    if type(join) is not int or not 0 < join < YEAR_5138:
        join = seconds(join)
        join = join if join > 0 else f"{join}-{row.get('LeaveTs')}"
    return f"{row['UserId']}@{join}"


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
            "session_id": _session_id,
            "user_id": "UserId",
            "channel": "RoomStr",
            "join_ts": "JoinTs",
            "leave_ts": "LeaveTs",
            "finished": "Finished",
            "device_type": "DeviceType",
            "sdk_version": "SdkVersion",
            "client_ip": "ClientIp",
        },
        Event: {
            "event_id": "EventId",
            "time_ms": "Time",
            "stream_type": "Type",
            "param_one": "ParamOne",
            "param_two": "ParamTwo",
        },
        AbnormalExperience: {
            "channel": "RoomId",
            "user_id": "UserId",
            "experience_id": "ExperienceId",
            "ts": "EventTime",
        },
        Cause: {
            "cause_id": "AbnormalEventId",
            "peer_id": "PeerId",
        },
    }
)


_CAUSES = "AbnormalEventList"


class _Page(UsualPage, kw_only=True):
    """What is inside `Response` of a good answer as it usually is."""

    total: int | None = msgspec.field(name="Total", default=None)
    request_id: str | None = msgspec.field(name="RequestId")


_ABSENT = ("audio_freeze_ratio", "video_freeze_ratio")
PAGES = STRUCTURE.pages(
    _Page,
    {
        Call: {
            "given": ("vendor",),
            "id": "call_id",
            "absent": ("peak_users", "accumulated_users", *_ABSENT),
            "unended": "destroyed_ts",
        },
        Session: {
            "given": ("vendor", "call_id"),
            "made": {"session_id": "{user_id}@{join_ts}"},
            "id": "user_id",
            "absent": ("account", "platform", "network", "speaker", "roles", *_ABSENT),
            "unended": "leave_ts",
        },
    },
    within="Response",
)
"""Pages of rooms and users."""

SERIES = SeriesReader(
    SeriesForm(
        within="Response",
        envelope={"Total": int, "RequestId": str},
        series="Data",
        owner="UserId",
        metric="DataType",
        peer="PeerId",
        points="Content",
        form=PointForm.OBJECTS,
        sessions="UserList",
    ),
    PAGES,
)
"""Answers of `DescribeCallDetailInfo` with metrics."""


def sessions_of(answer: SeriesAnswer, asked: Asked) -> list[Session]:
    """The sessions that an answer has next to its series. Its rows are taken over."""
    given = {"vendor": "tencent", "call_id": asked.params["CommId"]}
    if answer.usual is not None:
        return PAGES.records(Session, answer.usual, **given)
    read = partial(STRUCTURE.rows, model=Session, odd=asked.flaws.odd, **given)
    return asked.flaws.each(answer.sessions or [], read)


def series_of(answer: SeriesAnswer, users: Collection[str], asked: Asked) -> list[MetricSeries]:
    """The series of an answer, by user: which of the user's stays they belong to is not in the answer.

    Args:
        answer: what came.
        users: who stands next to the series.
        asked: what was asked.

    Raises:
        ValueError: the answer is not about series.
    """
    if not answer.is_about_series:
        raise ValueError("no 'Data' in the answer")
    asked.flaws.doubts += answer.doubts
    asked.flaws.others(asked.params.get("UserIds") or users, answer.owners, "user")
    return series_unread(
        answer.series,
        TENCENT_METRICS,
        PointForm.OBJECTS,
        vendor="tencent",
        call_id=asked.params["CommId"],
        window=asked.window,
    )


def events_of(groups: Sequence[Mapping[str, Any]], asked: Asked) -> list[Event]:
    """Groups of `Data`, one for each sender, as events of the user that was asked for, in the vendor's order."""
    given = {"vendor": "tencent", "call_id": asked.params["CommId"], "user_id": asked.params["UserId"]}
    found: list[Event] = []
    for group in groups:
        read = partial(STRUCTURE.rows, model=Event, odd=asked.flaws.odd, peer_id=text(group.get("PeerId")), **given)
        found += asked.flaws.each(group.get("Content") or [], read)
    return [
        attrs.evolve(
            event, text=describe_event(event.event_id, event.param_one, event.param_two, stream_type=event.stream_type)
        )
        for event in found
    ]


def experiences_of(rows: Sequence[dict[str, Any]], asked: Asked) -> list[AbnormalExperience]:
    """Rows of `AbnormalExperienceList`, each with its causes. The rows are taken over."""
    flaws = asked.flaws
    causes = []
    for row in rows:
        known, odd = flaws.apart(row.pop(_CAUSES, None) or (), _causes)
        causes.append(tuple(known))
        if odd:
            row[_CAUSES] = odd
            flaws.odd((_CAUSES,))
    found = STRUCTURE.rows(rows, AbnormalExperience, odd=flaws.odd, vendor="tencent")
    return [
        attrs.evolve(row, causes=why, experience=describe_experience(row.experience_id))
        for row, why in zip(found, causes, strict=True)
    ]


def _causes(rows: Sequence[Any]) -> list[Cause]:
    found = STRUCTURE.rows(rows, Cause)
    return [attrs.evolve(cause, text=describe_abnormal_event(cause.cause_id, cause.peer_id)) for cause in found]


READ: Mapping[type, Callable[..., list[Any]]] = {
    Event: events_of,
    AbnormalExperience: experiences_of,
}
"""How rows are read, by what they become."""


def numbered(ids: Sequence[str]) -> list[str]:
    """Ids of rows that have none of their own: equal rows of one answer are told apart by their number.

    So two equal rows of one answer are two, and the same two seen again in another answer are the same.
    """
    seen: Counter[str] = Counter()
    found = []
    for row_id in ids:
        found.append(f"{row_id}\x00{seen[row_id]}")
        seen[row_id] += 1
    return found
