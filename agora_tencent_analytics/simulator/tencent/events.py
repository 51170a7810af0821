"""How a simulated Tencent answers about events: of one user, bad experiences of an app, rooms and users by day.

Answers `DescribeUserEvent`, in milliseconds and unsorted, `DescribeUnusualEvent`, which shows any twenty and has no
second page, and `DescribeScaleInfo`, which never knows today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.simulator.http.listing import turn_to
from agora_tencent_analytics.simulator.tencent.payload import (
    Action,
    Asked,
    check_span,
    check_start,
    day_of,
    is_integer,
    is_text,
    window,
)
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.events import Event
from agora_tencent_analytics.tencent.plans import SCALE_INFO, UNUSUAL_EVENT, USER_EVENT

_MOST_EXPERIENCES = 20
_SCALE = ("RoomNumbers", "UserNumber", "UserCount")


def _user_events(asked: Asked) -> Mapping[str, object]:
    payload, world = asked.payload, asked.world
    start, end = window(payload)
    check_start(start, asked.now, asked.limits(USER_EVENT))
    call = world.find_call("tencent", payload["CommId"])
    if call is None or call.channel != payload["RoomId"]:
        return {"Data": []}
    first_ms, last_ms = start * 1_000, min(end, call.destroyed_ts) * 1_000
    groups: dict[str, list[Event]] = {}
    for stay in world.sessions(call):
        if stay.user_id == payload["UserId"]:
            for event in world.events(stay):
                if first_ms <= event.instant_ms <= last_ms:
                    groups.setdefault(event.peer_id, []).append(event)
    listed = []
    for peer, events in sorted(groups.items(), key=lambda group: mix(world.seed, *group[0].encode())):
        order = sorted(range(len(events)), key=lambda place: mix(world.seed, len(events), place))
        listed.append({"Content": [_event(events[place]) for place in order], "PeerId": peer})
    return {"Data": listed}


def _event(event: Event) -> dict[str, object]:
    return {
        "Type": event.stream,
        "Time": event.instant_ms,
        "EventId": event.event_id,
        "ParamOne": event.param_one,
        "ParamTwo": event.param_two,
    }


def _unusual_events(asked: Asked) -> Mapping[str, object]:
    start, end = window(asked.payload)
    limits = asked.limits(UNUSUAL_EVENT)
    check_start(start, asked.now, limits)
    check_span(start, end, limits)
    found = asked.world.experiences("tencent", start, end + 1, channel=asked.payload.get("RoomId"))
    # Any twenty, but the same twenty whenever the same is asked: to ask again never helps.
    order = sorted(range(len(found)), key=lambda place: mix(asked.world.seed, start, end, place))
    page = turn_to([found[place] for place in order[:_MOST_EXPERIENCES]], 0, _MOST_EXPERIENCES, asked.strikes)
    rows = [
        {
            "UserId": one.user_id,
            "RoomId": one.channel,
            "EventTime": one.instant,
            "ExperienceId": one.kind_id,
            "AbnormalEventList": [{"AbnormalEventId": it.cause_id, "PeerId": it.peer_id} for it in one.causes],
        }
        for one in page.rows
    ]
    return {"Total": page.claimed(len(rows)), "AbnormalExperienceList": rows}


def _scale(asked: Asked) -> Mapping[str, object]:
    start, end = window(asked.payload)
    check_start(start, asked.now, asked.limits(SCALE_INFO))
    days = [day for day in range(day_of(start), end, DAY) if day + DAY <= asked.now]
    rows = [
        {"Time": day, **{name: asked.world.figure("tencent", name, day, DAY) for name in _SCALE}}
        for day in reversed(days)
    ]
    return {"Total": len(rows), "ScaleList": rows}


_TIMES: Mapping[str, Callable[[object], bool]] = dict.fromkeys(("SdkAppId", "StartTime", "EndTime"), is_integer)
_OF_APP = ("SdkAppId", "StartTime", "EndTime")

ACTIONS: Mapping[str, Action] = {
    "DescribeUserEvent": Action(
        answer=_user_events,
        fields={**_TIMES, **dict.fromkeys(("CommId", "UserId", "RoomId"), is_text)},
        required=(*_OF_APP, "CommId", "UserId", "RoomId"),
        row=USER_EVENT,
    ),
    "DescribeUnusualEvent": Action(
        answer=_unusual_events, fields={**_TIMES, "RoomId": is_text}, required=_OF_APP, row=UNUSUAL_EVENT
    ),
    "DescribeScaleInfo": Action(answer=_scale, fields=_TIMES, required=_OF_APP, row=SCALE_INFO),
}
"""The actions about events and days."""
