"""How a simulated Tencent answers for its monitoring dashboard: columns and rows, live and by day or hour.

Answers `DescribeTRTCRealTime*` and `DescribeTRTCMarket*`. Columns come in another order with every answer; numbers are
whole, rates in percent, unless decimals are asked for: then they stand in another member.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator.http.exchange import Refused
from agora_tencent_analytics.simulator.tencent.payload import Action, Asked, day_of
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.figures import RATES
from agora_tencent_analytics.tencent.plans import MARKET, REALTIME

_STEP_S = 10
_SCALE_NOW = ("userCount", "roomCount")
_QUALITY_NOW = ("videoFreezeRate", "audioFreezeRate")
_SCALE = ("peakCurrentUsers", "peakCurrentChannels", "userCount", "roomCount")
_QUALITY = ("videoFreezeRate", "audioFreezeRate", "networkDelay", "joinSuccessRate", "joinSuccessIn5sRate")
_WRONG_APP = "InvalidParameter.InvalidSdkAppId"
_PERIODS = {"d": DAY, "h": HOUR}


def _now(asked: Asked, metrics: tuple[str, ...]) -> Mapping[str, object]:
    start, end = asked.window()
    if start < asked.now - asked.limits.history_s:
        raise Refused("InvalidParameter.StartTimeOversize", "The start time exceeds what the package allows.")
    asked.check_span(start, end)
    buckets = range(-(-start // _STEP_S) * _STEP_S, min(end, int(asked.now)), _STEP_S)
    chosen = Chosen(channel=asked.payload.get("RoomId"))
    return _table(asked, metrics, buckets, _STEP_S, chosen)


def _market(asked: Asked, metrics: tuple[str, ...]) -> Mapping[str, object]:
    period, limits = asked.payload["Period"], asked.limits
    first, last = asked.written_window("%Y-%m-%d")
    if period not in _PERIODS:
        raise Refused("InvalidParameter", "Period is invalid.")
    if last < first:
        raise Refused("InvalidParameter", "EndTime is earlier than StartTime.")
    if first < day_of(asked.now) - limits.history_s or last - first > limits.span_s:
        raise Refused("InvalidParameter.QueryScaleOversize", "The range for query exceeded the limit.")
    step = _PERIODS[period]
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


_NOW = "SdkAppId:digits StartTime:integer EndTime:integer"
_DAYS = "SdkAppId:digits StartTime:text EndTime:text Period:text"

_live = partial(Action, row=REALTIME, required=_NOW, optional="RoomId:text")
_days = partial(Action, row=MARKET, required=_DAYS, wrong_app="InvalidParameter")

ACTIONS: Mapping[str, Action] = {
    "DescribeTRTCRealTimeScaleData": _live(partial(_now, metrics=_SCALE_NOW), wrong_app="UnsupportedOperation"),
    "DescribeTRTCRealTimeQualityData": _live(partial(_now, metrics=_QUALITY_NOW), wrong_app=_WRONG_APP),
    "DescribeTRTCMarketScaleData": _days(partial(_market, metrics=_SCALE)),
    "DescribeTRTCMarketQualityData": _days(partial(_market, metrics=_QUALITY), optional="IsFloat:flag"),
}
"""The actions of the monitoring dashboard."""
