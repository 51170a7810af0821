"""What Tencent's event ids mean, in words: `describe_event`, `describe_abnormal_event`, `describe_experience`.

Joins the tables of rows by id and reads them. Clients newer than the vendor's tables send
ids and values that no table has, and those are worded as unknown, with the numbers that came.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from types import MappingProxyType

from agora_tencent_analytics.models.events import UNUSED
from agora_tencent_analytics.tencent.events.abnormal import ADVICE, DISMISSAL_EVENTS, EXPERIENCES, REALTIME_EVENTS
from agora_tencent_analytics.tencent.events.row import EventRow
from agora_tencent_analytics.tencent.events.sdk import SDK_EVENTS
from agora_tencent_analytics.tencent.events.webrtc import WEBRTC_EVENTS

EVENTS: Mapping[int, tuple[EventRow, ...]] = MappingProxyType(
    {event_id: tuple(rows) for event_id, rows in groupby(SDK_EVENTS + WEBRTC_EVENTS, lambda row: row.event_id)}
)
"""The variants of each event by `EventId`, of SDK and WebRTC clients together."""

ABNORMAL_EVENTS: Mapping[int, str] = MappingProxyType({**DISMISSAL_EVENTS, **REALTIME_EVENTS})
"""The abnormal events by `AbnormalEventId`. Not to be mixed with `EVENTS`: the numbers overlap."""

STREAM_TYPES: Mapping[int, str] = MappingProxyType({0: "", 2: "main stream", 3: "low stream", 7: "auxiliary stream"})
"""What the `Type` of an event says; 0 is an event that has nothing to do with video."""


def describe_event(
    event_id: int, param_one: int = UNUSED, param_two: int = UNUSED, stream_type: int | None = None
) -> str:
    """Says what happened, with its parameters in place: `Video resolution has been switched to 1280 x 720`.

    An unknown id or variant is worded as such: `Unknown event 9999 (parameters 1, 2)`. A parameter that the
    vendor's table leaves unused, yet carries a value, is told in brackets.

    Args:
        event_id: the vendor's `EventId`.
        param_one: `ParamOne`; -1 is unused.
        param_two: `ParamTwo`; -1 is unused.
        stream_type: `Type`; None and 0 tell of no video stream.
    """
    rows = EVENTS.get(event_id, ())
    row = next((row for row in rows if row.matches(param_one, param_two)), None)
    if row is not None:
        text = row.describe(param_one, param_two)
        told = (row.one != UNUSED or param_one == UNUSED) and (row.two != UNUSED or param_two == UNUSED)
    else:
        text = f"Unknown variant of event {event_id}, {rows[0].category}" if rows else f"Unknown event {event_id}"
        told = False
    notes = (_stream(stream_type), "" if told else _parameters(param_one, param_two))
    return _noted(text, *notes)


def describe_abnormal_event(abnormal_event_id: int, peer_id: str = "") -> str:
    """Says what may have caused a bad experience, on which remote user's side, and what the vendor advises.

    Args:
        abnormal_event_id: the vendor's `AbnormalEventId`.
        peer_id: the remote user's id; empty: it happened on the user's own side.
    """
    text = ABNORMAL_EVENTS.get(abnormal_event_id, f"Unknown abnormal event {abnormal_event_id}")
    said, advice = _noted(text, f"remote user {peer_id}" if peer_id else ""), ADVICE.get(abnormal_event_id)
    return f"{said}: {advice}" if advice else said


def describe_experience(experience_id: int) -> str:
    """Says what kind of bad experience it was.

    Args:
        experience_id: the vendor's `ExperienceId`.
    """
    return EXPERIENCES.get(experience_id, f"Unknown experience {experience_id}")


def _stream(stream_type: int | None) -> str:
    return "" if stream_type is None else STREAM_TYPES.get(stream_type, f"stream type {stream_type}")


def _parameters(one: int, two: int) -> str:
    if two != UNUSED:
        return f"parameters {one}, {two}"
    return "" if one == UNUSED else f"parameter {one}"


def _noted(text: str, *notes: str) -> str:
    brackets = "; ".join(filter(None, notes))
    return f"{text} ({brackets})" if brackets else text
