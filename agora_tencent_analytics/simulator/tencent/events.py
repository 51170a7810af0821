"""How a simulated Tencent answers about events: of one user, bad experiences of an app, rooms and users by day.

Answers `DescribeUserEvent`, in milliseconds and unsorted, `DescribeUnusualEvent`, which shows any twenty and has no
second page, and `DescribeScaleInfo`, which never knows today.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.simulator.faults.listing import turn_to
from agora_tencent_analytics.simulator.tencent.payload import Action, Asked, about_calls, day_of
from agora_tencent_analytics.simulator.world.dice import mix, shuffled
from agora_tencent_analytics.simulator.world.events import Event
from agora_tencent_analytics.tencent.plans import SCALE_INFO, UNUSUAL_EVENT, USER_EVENT

_MOST_EXPERIENCES = 20
_SCALE = ("RoomNumbers", "UserNumber", "UserCount")


def _user_events(asked: Asked) -> Mapping[str, object]:
    payload, world = asked.payload, asked.world
    start, end = asked.window()
    asked.check_start(start)
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
        listed.append({"Content": list(map(_event, shuffled(events, world.seed, len(events)))), "PeerId": peer})
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
    start, end = asked.window()
    asked.check_start(start)
    asked.check_span(start, end)
    found = asked.world.experiences("tencent", start, end + 1, channel=asked.payload.get("RoomId"))
    # Any twenty, but the same twenty whenever the same is asked: to ask again never helps.
    shown = shuffled(found, asked.world.seed, start, end)[:_MOST_EXPERIENCES]
    page = turn_to(shown, 0, _MOST_EXPERIENCES, asked.strikes)
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
    return {"Total": page.lie.of(len(rows)), "AbnormalExperienceList": rows}


def _scale(asked: Asked) -> Mapping[str, object]:
    start, end = asked.window()
    asked.check_start(start)
    days = [day for day in range(day_of(start), end, DAY) if day + DAY <= asked.now]
    rows = [
        {"Time": day, **{name: asked.world.figure("tencent", name, day, DAY) for name in _SCALE}}
        for day in reversed(days)
    ]
    return {"Total": len(rows), "ScaleList": rows}


_APP = "SdkAppId:integer StartTime:integer EndTime:integer"

ACTIONS: Mapping[str, Action] = {
    "DescribeUserEvent": about_calls(_user_events, USER_EVENT, f"{_APP} CommId:text UserId:text RoomId:text"),
    "DescribeUnusualEvent": about_calls(_unusual_events, UNUSUAL_EVENT, _APP, "RoomId:text"),
    "DescribeScaleInfo": about_calls(_scale, SCALE_INFO, _APP),
}
"""The actions about events and days."""
