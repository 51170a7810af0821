"""How a simulated Tencent answers for its monitoring dashboard: columns and rows, live and by day or hour.

Answers `DescribeTRTCRealTime*` and `DescribeTRTCMarket*`. Columns come in another order with every answer; numbers are
whole, rates in percent, unless decimals are asked for: then they stand in another member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.tencent.payload import (
    Action,
    Asked,
    check_span,
    day_of,
    instant_of,
    is_digits,
    is_flag,
    is_integer,
    is_text,
    window,
)
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.figures import RATES
from agora_tencent_analytics.tencent.plans import MARKET, REALTIME

_STEP_S = 10
_SCALE_NOW = ("userCount", "roomCount")
_QUALITY_NOW = ("videoFreezeRate", "audioFreezeRate")
_SCALE = ("peakCurrentUsers", "peakCurrentChannels", "userCount", "roomCount")
_QUALITY = ("videoFreezeRate", "audioFreezeRate", "networkDelay", "joinSuccessRate", "joinSuccessIn5sRate")
_PERIODS = {"d": DAY, "h": HOUR}


def _now(asked: Asked, metrics: tuple[str, ...]) -> Mapping[str, object]:
    limits = asked.limits(REALTIME)
    start, end = window(asked.payload)
    if start < asked.now - limits.history_s:
        raise Refused("InvalidParameter.StartTimeOversize", "The start time exceeds what the package allows.")
    check_span(start, end, limits)
    buckets = range(-(-start // _STEP_S) * _STEP_S, min(end, int(asked.now)), _STEP_S)
    chosen = Chosen(channel=asked.payload.get("RoomId"))
    return _table(asked, metrics, buckets, _STEP_S, chosen)


def _market(asked: Asked, metrics: tuple[str, ...]) -> Mapping[str, object]:
    payload, limits = asked.payload, asked.limits(MARKET)
    first, last = (instant_of(payload, name, "%Y-%m-%d") for name in ("StartTime", "EndTime"))
    if payload["Period"] not in _PERIODS:
        raise Refused("InvalidParameter", "Period is invalid.")
    if last < first:
        raise Refused("InvalidParameter", "EndTime is earlier than StartTime.")
    if first < day_of(asked.now) - limits.history_s or last - first > limits.span_s:
        raise Refused("InvalidParameter.QueryScaleOversize", "The range for query exceeded the limit.")
    step = _PERIODS[payload["Period"]]
    buckets = [bucket for bucket in range(first, last + DAY, step) if bucket <= asked.now]
    return _table(asked, metrics, buckets, step, Chosen())


def _table(
    asked: Asked, metrics: tuple[str, ...], buckets: Iterable[int], seconds: int, chosen: Chosen
) -> Mapping[str, object]:
    order = sorted(metrics, key=lambda name: mix(asked.world.seed, asked.serial, *name.encode()))
    decimals = bool(asked.payload.get("IsFloat"))
    rows = []
    for bucket in buckets:
        figures = ((name, asked.world.figure("tencent", name, bucket, seconds, chosen) or 0) for name in order)
        values = [bucket, *(_number(name, value, decimals=decimals) for name, value in figures)]
        rows.append({"RowValue": None, "RowValueFloat": values} if decimals else {"RowValue": values})
    series = [{"Columns": ["time", *order], "Values": rows}]
    return {"Data": {"StatementID": 0, "Series": series, "Total": 1}}


def _number(name: str, value: float, *, decimals: bool) -> float:
    percent = 100 * value if name in RATES else value
    return round(percent, 2) if decimals else round(percent)


_Check = Callable[[object], bool]
_LIVE: Mapping[str, _Check] = {
    **dict.fromkeys(("StartTime", "EndTime"), is_integer),
    "SdkAppId": is_digits,
    "RoomId": is_text,
}
_DAYS: Mapping[str, _Check] = {**dict.fromkeys(("StartTime", "EndTime", "Period"), is_text), "SdkAppId": is_digits}
_OF_APP = ("SdkAppId", "StartTime", "EndTime")
_OF_DAYS = (*_OF_APP, "Period")


def _action(
    answer: Callable[..., Mapping[str, object]],
    metrics: tuple[str, ...],
    fields: Mapping[str, _Check],
    required: tuple[str, ...],
    row: str,
    wrong_app: str,
) -> Action:
    answer = partial(answer, metrics=metrics)
    return Action(
        answer=answer, fields=fields, required=required, row=row, wrong_app=wrong_app, missing=None, regions=None
    )


_WRONG_APP = "InvalidParameter.InvalidSdkAppId"
ACTIONS: Mapping[str, Action] = {
    "DescribeTRTCRealTimeScaleData": _action(_now, _SCALE_NOW, _LIVE, _OF_APP, REALTIME, "UnsupportedOperation"),
    "DescribeTRTCRealTimeQualityData": _action(_now, _QUALITY_NOW, _LIVE, _OF_APP, REALTIME, _WRONG_APP),
    "DescribeTRTCMarketScaleData": _action(_market, _SCALE, _DAYS, _OF_DAYS, MARKET, "InvalidParameter"),
    "DescribeTRTCMarketQualityData": _action(
        _market, _QUALITY, {**_DAYS, "IsFloat": is_flag}, _OF_DAYS, MARKET, "InvalidParameter"
    ),
}
"""The actions of the monitoring dashboard."""
