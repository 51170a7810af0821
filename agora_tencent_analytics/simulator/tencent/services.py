"""How a simulated Tencent answers what services around the call used: recording and relaying by app, AI, moderation.

There are actions that answer by app and in seconds, and those of 2026, which take times and print a total. Up to a day
they answer every five minutes, beyond it every day. In what unit the latter count is not documented: here in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from agora_tencent_analytics.limits import DAY, MINUTE
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.tencent.payload import (
    Action,
    Asked,
    is_digits,
    is_integer,
    is_text,
    is_texts,
    read_instant,
    write_instant,
)
from agora_tencent_analytics.simulator.world.consumption import Service
from agora_tencent_analytics.tencent.plans import USAGE_OF_SERVICES

_FINE_S = 5 * MINUTE
_DATE, _SECOND = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
_AI = {"conversation": "Conversation", "asr": "Asr", "translation": "Translation", "tts": "Tts"}
_MEDIA = {"audio": "Audio", "picture": "Picture"}
_MBPS_A_USER = 1.5
_Check = Callable[[object], bool]
_Bucket = tuple[str, dict[str, int], int]


def _recorded(asked: Asked) -> Mapping[str, object]:
    usages = [{"TimeKey": key, **used} for key, used, _ in _by_date(asked, "recording")]
    return {"SdkAppIdUsages": [{"SdkAppId": _app(asked), "Usages": usages}]}


def _transcoded(asked: Asked) -> Mapping[str, object]:
    usages = [
        {"TimeKey": key, **used, "Flux": round(_MBPS_A_USER * sum(used.values()) / seconds, 2)}
        for key, used, seconds in _by_date(asked, "relay-transcoding")
    ]
    app = {"SdkAppIdTranscodeTimeUsages": usages, "TotalNum": len(usages), "SdkAppId": _app(asked)}
    return {"Usages": [app]}


def _ai(asked: Asked) -> Mapping[str, object]:
    wanted = asked.payload["AuType"]
    if not wanted or not _AI.keys() >= set(wanted):
        raise Refused("InvalidParameter", "AuType is invalid.")
    return _by_time(asked, "ai", [_AI[name] for name in wanted])


def _accelerated(asked: Asked) -> Mapping[str, object]:
    return _by_time(asked, "acceleration", ["Time"])


def _moderated(asked: Asked) -> Mapping[str, object]:
    if asked.payload["Type"] not in _MEDIA or asked.payload["Business"] not in (0, 1):
        raise Refused("InvalidParameter", "Type or Business is invalid.")
    return _by_time(asked, "moderation", [_MEDIA[asked.payload["Type"]]])


def _app(asked: Asked) -> str:
    return str(asked.payload.get("SdkAppId", "total"))


def _by_date(asked: Asked, service: Service) -> list[_Bucket]:
    first, last = (_instant(asked, name, _DATE) for name in ("StartTime", "EndTime"))
    return _buckets(asked, service, first, last + DAY, form=_DATE)


def _by_time(asked: Asked, service: Service, keys: Sequence[str]) -> Mapping[str, object]:
    start, end = (_instant(asked, name, _SECOND) for name in ("StartTime", "EndTime"))
    buckets = _buckets(asked, service, start, end, form=_SECOND)
    rows = [{"TimeKey": key, "UsageValue": [used[name] for name in keys]} for key, used, _ in buckets]
    totals = [sum(used[name] for _, used, _ in buckets) for name in keys]
    return {"TotalUsage": totals, "UsageKey": list(keys), "UsageList": rows}


def _buckets(asked: Asked, service: Service, start: int, end: int, *, form: str) -> list[_Bucket]:
    """When, what was used, and in how many seconds; days are written in the form given."""
    if end <= start:
        raise Refused("InvalidParameter", "EndTime is earlier than StartTime.")
    if end - start > asked.limits(USAGE_OF_SERVICES).span_s:
        raise Refused("InvalidParameter.QueryScaleOversize", "The range for query exceeded the limit.")
    step, written = (_FINE_S, _SECOND) if end - start <= DAY else (DAY, form)
    return [
        (write_instant(instant, written), asked.world.usage(service, instant, step), step)
        for instant in range(start, end, step)
        if instant <= asked.now
    ]


def _instant(asked: Asked, name: str, form: str) -> int:
    found = read_instant(asked.payload[name], form)
    if found is None:
        raise Refused("InvalidParameter", f"{name} is not of the form that this action takes.")
    return found


_TIMES: Mapping[str, _Check] = dict.fromkeys(("StartTime", "EndTime"), is_text)


def _action(
    answer: Callable[[Asked], Mapping[str, object]],
    more: Mapping[str, _Check] | None = None,
    *,
    app: _Check = is_integer,
) -> Action:
    return Action(
        answer=answer,
        fields={**_TIMES, "SdkAppId": app, **(more or {})},
        required=(*_TIMES, *(more or {})),
        row=USAGE_OF_SERVICES,
        missing=None,
        regions=("ap-guangzhou", "ap-singapore"),
    )


ACTIONS: Mapping[str, Action] = {
    "DescribeRecordStatistic": _action(_recorded),
    "DescribeTrtcMcuTranscodeTime": _action(_transcoded),
    "DescribeTRTCAIRecognitionUsage": _action(_ai, {"AuType": is_texts}, app=is_digits),
    "DescribeTRTCDedicatedCloudAccUsage": _action(_accelerated),
    "DescribeTRTCSegmentModerationUsage": _action(_moderated, {"Type": is_text, "Business": is_integer}),
}
"""The actions about services around the call."""
