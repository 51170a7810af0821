"""How a simulated Tencent answers what was used: by service, by app and in all, and a day's rooms as CSV.

Up to a day the actions answer every five minutes, beyond it every day. Those of 2026 take times and print a total; in
what unit they count beyond a day is not documented: here in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from agora_tencent_analytics.limits import DAY, MINUTE
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.tencent.payload import Action, Asked, write_instant
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.consumption import SERVICES, Service
from agora_tencent_analytics.tencent.plans import ROOM_USAGE, USAGE, USAGE_OF_SERVICES

_FINE_S = 5 * MINUTE
_DATE, _MINUTE, _SECOND = "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"
_ROOMS_SINCE = 1_680_278_400
"""The first of April 2023, eight hours east of Greenwich."""
_CSV_HEAD = "RoomId,Audio,SD,hd,FullHD,2K,4K"
_MBPS_A_USER = 1.5
_MIX_TYPES: Mapping[str, Service] = {"single": "recording-single", "multi": "recording-multi"}
_AI = {"conversation": "Conversation", "asr": "Asr", "translation": "Translation", "tts": "Tts"}
_MEDIA = {"audio": "Audio", "picture": "Picture"}


def _recorded_mixed(asked: Asked) -> Mapping[str, object]:
    service = _MIX_TYPES.get(asked.payload["MixType"])
    if service is None:
        raise Refused("InvalidParameter", "MixType is neither single nor multi.")
    return _table(asked, service)


def _table(asked: Asked, service: Service) -> Mapping[str, object]:
    rows = [
        {"TimeKey": key, "TimeStampKey": instant, "UsageValue": _values(service, used, seconds)}
        for instant, key, used, seconds in _buckets(asked, service, *_days(asked))
    ]
    return {"UsageKey": list(SERVICES[service]), "UsageList": rows}


def _values(service: Service, used: Mapping[str, int], seconds: int) -> list[float]:
    if service == "relay":  # bandwidth, not time
        return [round(_MBPS_A_USER * spent / seconds, 2) for spent in used.values()]
    return [round(spent / MINUTE, 2) for spent in used.values()]


def _recorded(asked: Asked) -> Mapping[str, object]:
    buckets = _buckets(asked, "recording", *_days(asked), form=_DATE)
    usages = [{"TimeKey": key, **used} for _, key, used, _ in buckets]
    return {"SdkAppIdUsages": [{"SdkAppId": _app(asked), "Usages": usages}]}


def _transcoded(asked: Asked) -> Mapping[str, object]:
    buckets = _buckets(asked, "relay-transcoding", *_days(asked), form=_DATE)
    usages = [
        {"TimeKey": key, **used, "Flux": round(_MBPS_A_USER * sum(used.values()) / seconds, 2)}
        for _, key, used, seconds in buckets
    ]
    return {"Usages": [{"SdkAppIdTranscodeTimeUsages": usages, "TotalNum": len(usages), "SdkAppId": _app(asked)}]}


def _app(asked: Asked) -> str:
    return str(asked.payload.get("SdkAppId", "total"))


def _ai(asked: Asked) -> Mapping[str, object]:
    wanted = asked.payload["AuType"]
    if not wanted or not _AI.keys() >= set(wanted):
        raise Refused("InvalidParameter", "AuType is invalid.")
    return _in_all(asked, "ai", [_AI[name] for name in wanted])


def _moderated(asked: Asked) -> Mapping[str, object]:
    if asked.payload["Type"] not in _MEDIA or asked.payload["Business"] not in (0, 1):
        raise Refused("InvalidParameter", "Type or Business is invalid.")
    return _in_all(asked, "moderation", [_MEDIA[asked.payload["Type"]]])


def _in_all(asked: Asked, service: Service, keys: Sequence[str]) -> Mapping[str, object]:
    buckets = _buckets(asked, service, *asked.written_window(_SECOND))
    rows = [{"TimeKey": key, "UsageValue": [used[name] for name in keys]} for _, key, used, _ in buckets]
    totals = [sum(used[name] for _, _, used, _ in buckets) for name in keys]
    return {"TotalUsage": totals, "UsageKey": list(keys), "UsageList": rows}


def _days(asked: Asked) -> tuple[int, int]:
    first, last = asked.written_window(_DATE)
    return first, last + DAY


def _buckets(
    asked: Asked, service: Service, start: int, end: int, *, form: str = _SECOND
) -> list[tuple[int, str, dict[str, int], int]]:
    """When, in epoch seconds and in words, what was used, and in how many seconds; days are written in the form."""
    if end <= start:
        raise Refused("InvalidParameter", "EndTime is earlier than StartTime.")
    asked.check_span(start, end)
    step, written = (_FINE_S, _SECOND) if end - start <= DAY else (DAY, form)
    return [
        (instant, write_instant(instant, written), asked.world.usage(service, instant, step), step)
        for instant in range(start, end, step)
        if instant <= asked.now
    ]


def _rooms(asked: Asked) -> Mapping[str, object]:
    start, end = asked.written_window(_MINUTE)
    if end <= start or end - start > asked.limits.span_s:
        raise Refused("InvalidParameter", "The range for query is not within 24 hours.")
    if start < max(_ROOMS_SINCE, asked.now - asked.limits.history_s):
        raise Refused("InvalidParameter", "The start time for query exceeded the limit.")
    rooms = sorted({stay.channel for stay in asked.world.stays("tencent", start, end)})
    lines = [_CSV_HEAD]
    for room in rooms:
        used = asked.world.usage("interaction", start, end - start, Chosen(channel=room))
        lines.append(",".join((room, *map(str, used.values()))))
    return {"Data": "".join(f"{line}\n" for line in lines)}


_TIMES = "StartTime:text EndTime:text"

_action = partial(Action, required=_TIMES, optional="SdkAppId:integer", regions=("ap-guangzhou", "ap-singapore"))
_used = partial(_action, row=USAGE_OF_SERVICES)

ACTIONS: Mapping[str, Action] = {
    "DescribeTrtcUsage": _action(partial(_table, service="interaction"), USAGE),
    "DescribeRecordingUsage": _action(_recorded_mixed, USAGE, required=f"{_TIMES} MixType:text"),
    "DescribeMixTranscodingUsage": _action(partial(_table, service="transcoding"), USAGE),
    "DescribeRelayUsage": _action(partial(_table, service="relay"), USAGE),
    "DescribeTrtcRoomUsage": Action(
        _rooms,
        ROOM_USAGE,
        f"SdkAppid:integer {_TIMES}",
        app="SdkAppid",
        wrong_app="FailedOperation.SdkAppIdNotExist",
        too_often="OperationDenied.FreqOverLimit",
    ),
    "DescribeRecordStatistic": _used(_recorded),
    "DescribeTrtcMcuTranscodeTime": _used(_transcoded),
    "DescribeTRTCAIRecognitionUsage": _used(_ai, required=f"{_TIMES} AuType:texts", optional="SdkAppId:digits"),
    "DescribeTRTCDedicatedCloudAccUsage": _used(partial(_in_all, service="acceleration", keys=["Time"])),
    "DescribeTRTCSegmentModerationUsage": _used(_moderated, required=f"{_TIMES} Type:text Business:integer"),
}
"""The actions about usage."""
