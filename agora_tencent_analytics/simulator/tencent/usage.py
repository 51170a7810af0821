"""How a simulated Tencent answers what was used: minutes by service, and a day's rooms as CSV.

The usage actions answer in steps of five minutes up to a day, and in days beyond that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agora_tencent_analytics.limits import DAY, MINUTE
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.tencent.payload import (
    Action,
    Asked,
    is_integer,
    is_text,
    read_instant,
    write_instant,
)
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.consumption import SERVICES, Service
from agora_tencent_analytics.tencent.plans import ROOM_USAGE, USAGE

_FINE_S = 5 * MINUTE
_DATE, _MINUTE, _SECOND = "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"
_ROOMS_SINCE = "2023-04-01"
_CSV_HEAD = "RoomId,Audio,SD,hd,FullHD,2K,4K"
_MBPS_A_USER = 1.5
_MIX_TYPES: Mapping[str, Service] = {"single": "recording-single", "multi": "recording-multi"}


def _interaction(asked: Asked) -> Mapping[str, object]:
    return _table(asked, "interaction")


def _recording(asked: Asked) -> Mapping[str, object]:
    service = _MIX_TYPES.get(asked.payload["MixType"])
    if service is None:
        raise Refused("InvalidParameter", "MixType is neither single nor multi.")
    return _table(asked, service)


def _transcoding(asked: Asked) -> Mapping[str, object]:
    return _table(asked, "transcoding")


def _relay(asked: Asked) -> Mapping[str, object]:
    return _table(asked, "relay")


def _table(asked: Asked, service: Service) -> Mapping[str, object]:
    first, last = (_instant(asked.payload, name, _DATE) for name in ("StartTime", "EndTime"))
    beyond = last + DAY
    if last < first:
        raise Refused("InvalidParameter", "EndTime is earlier than StartTime.")
    if beyond - first > asked.limits(USAGE).span_s:
        raise Refused("InvalidParameter.QueryScaleOversize", "The range for query exceeded the limit.")
    step = _FINE_S if beyond - first <= DAY else DAY
    rows = [
        {
            "TimeKey": write_instant(instant, _SECOND),
            "TimeStampKey": instant,
            "UsageValue": _values(asked, service, instant, step),
        }
        for instant in range(first, beyond, step)
        if instant <= asked.now
    ]
    return {"UsageKey": list(SERVICES[service]), "UsageList": rows}


def _values(asked: Asked, service: Service, start: int, seconds: int) -> list[float]:
    used = asked.world.usage(service, start, seconds)
    if service == "relay":  # bandwidth, not time
        return [round(_MBPS_A_USER * spent / seconds, 2) for spent in used.values()]
    return [round(spent / MINUTE, 2) for spent in used.values()]


def _rooms(asked: Asked) -> Mapping[str, object]:
    start, end = (_instant(asked.payload, name, _MINUTE) for name in ("StartTime", "EndTime"))
    limits = asked.limits(ROOM_USAGE)
    if end <= start or end - start > limits.span_s:
        raise Refused("InvalidParameter", "The range for query is not within 24 hours.")
    earliest = read_instant(_ROOMS_SINCE, _DATE) or 0
    if start < max(earliest, asked.now - limits.history_s):
        raise Refused("InvalidParameter", "The start time for query exceeded the limit.")
    rooms = sorted({stay.channel for stay in asked.world.stays("tencent", start, end)})
    lines = [_CSV_HEAD]
    for room in rooms:
        used = asked.world.usage("interaction", start, end - start, Chosen(channel=room))
        lines.append(",".join((room, *map(str, used.values()))))
    return {"Data": "".join(f"{line}\n" for line in lines)}


def _instant(payload: Mapping[str, Any], name: str, form: str) -> int:
    found = read_instant(payload[name], form)
    if found is None:
        raise Refused("InvalidParameter", f"{name} is not of the form that this action takes.")
    return found


_TIMES: Mapping[str, Callable[[object], bool]] = dict.fromkeys(("StartTime", "EndTime"), is_text)
_FIELDS: Mapping[str, Callable[[object], bool]] = {**_TIMES, "SdkAppId": is_integer}


def _action(
    answer: Callable[[Asked], Mapping[str, object]], more: Mapping[str, Callable[[object], bool]] | None = None
) -> Action:
    return Action(
        answer=answer,
        fields={**_FIELDS, **(more or {})},
        required=(*_TIMES, *(more or {})),
        row=USAGE,
        missing=None,
        regions=("ap-guangzhou", "ap-singapore"),
    )


ACTIONS: Mapping[str, Action] = {
    "DescribeTrtcUsage": _action(_interaction),
    "DescribeRecordingUsage": _action(_recording, {"MixType": is_text}),
    "DescribeMixTranscodingUsage": _action(_transcoding),
    "DescribeRelayUsage": _action(_relay),
    "DescribeTrtcRoomUsage": Action(
        answer=_rooms,
        fields={**_TIMES, "SdkAppid": is_integer},
        required=("SdkAppid", *_TIMES),
        row=ROOM_USAGE,
        app="SdkAppid",
        wrong_app="FailedOperation.SdkAppIdNotExist",
        missing=None,
        regions=None,
        too_often="OperationDenied.FreqOverLimit",
    ),
}
"""The actions about usage."""
