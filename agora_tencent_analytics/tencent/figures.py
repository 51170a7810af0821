"""Tencent's aggregated figures: what it calls them, and how its four shapes become `Figures`.

*Series*: `Columns` names the places in each of the `Values`, in an order that varies. *Scale*: one object a day.
*Usage*: `UsageKey` names the places in each `UsageValue`. *Apps*: one object an app, and in it one object a bucket. A
bucket keeps the vendor's own stamp.

Rates are percents: whole ones in `RowValue` (97 is 97 %), with decimals in `RowValueFloat`, which is filled when
`IsFloat` was true. The vendor says no more of the latter than that the data "are decimals"; both are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import attrs
import msgspec

from agora_tencent_analytics.context import listed
from agora_tencent_analytics.decoding.moments import YEAR_5138, seconds
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rawjson import UNREAD, beside
from agora_tencent_analytics.endpoint import Endpoint, whole_units
from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.figures import FIGURES, Figures, join_figures
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Asked, payload_of

_Stamped = tuple[int, Any]
"""A row with its time, epoch seconds."""
_Points = Sequence[Sequence[Any]]


class _Known(NamedTuple):
    metric: str
    scale: float = 1.0


METRICS: Mapping[str, _Known] = MappingProxyType(
    {
        "userCount": _Known("users"),
        "roomCount": _Known("channels"),
        "peakCurrentUsers": _Known("peak_users"),
        "peakCurrentChannels": _Known("peak_channels"),
        "joinSuccessRate": _Known("join_success", 0.01),
        "joinSuccessIn5sRate": _Known("join_success_in_5s", 0.01),
        "audioFreezeRate": _Known("audio_freeze", 0.01),
        "videoFreezeRate": _Known("video_freeze", 0.01),
        "networkDelay": _Known("network_delay", 0.01),
        "UserNumber": _Known("users"),
        "UserCount": _Known("sessions"),
        "RoomNumbers": _Known("channels"),
    }
)
"""The vendor's names, each with the neutral one and the factor from the vendor's scale."""

FIGURES_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "DescribeTRTCMarketScaleData": frozenset({"users", "channels", "peak_users", "peak_channels"}),
        "DescribeTRTCMarketQualityData": frozenset(
            {"join_success", "join_success_in_5s", "audio_freeze", "video_freeze", "network_delay"}
        ),
        "DescribeTRTCRealTimeScaleData": frozenset({"users", "channels"}),
        "DescribeTRTCRealTimeQualityData": frozenset({"audio_freeze", "video_freeze"}),
    }
)
"""The neutral metrics that each question of the dashboard is documented to answer."""

_MOST_FIGURES = 500
"""The most names that an answer may give: far more than exist. Names times rows is what an answer costs."""
_PERIODS = {"d": DAY, "h": HOUR}
_EVERY = {"day": "d", "hour": "h"}
_IN_MINUTES = frozenset(
    {"DescribeTrtcUsage", "DescribeRecordingUsage", "DescribeMixTranscodingUsage", "DescribeRelayUsage"}
)
"""Actions whose usage the vendor's pages give in minutes; those of later ones state no unit."""
_NO_DURATIONS = frozenset({"Bandwidth"})
"""Keys of usage that are not minutes; the vendor states no unit for them."""
_BUCKETS_OF_APP = {"SdkAppIdUsages": "Usages", "Usages": "SdkAppIdTranscodeTimeUsages"}
"""Where an app's buckets are, by where the apps are."""
_UNITS_OF_APP = {"Flux": "Mbps"}
"""Units of an app's figures that are not seconds."""


def figures_of_series(row: Endpoint[Any], body: Mapping[str, Any], asked: Asked) -> list[Figures]:
    """`Data.Series` of the dashboard's answers: of today's, `{"RowValue": [...]}`, and of the retired, `[...]`."""
    params = asked.params
    wanted = ("RowValueFloat", "RowValue") if params.get("IsFloat") else ("RowValue", "RowValueFloat")
    bucket_s, channel = _PERIODS.get(params.get("Period", "")), params.get("RoomId", "")

    def read(tables: Sequence[Mapping[str, Any]]) -> list[Figures]:
        found = []
        for series in tables:
            names = _names(series.get("Columns") or ())
            values = series.get("Values") or []
            if "time" not in names and values:
                raise ValueError(f"no column 'time' among {names}")
            place = names.index("time") if values else 0

            def stamped(rows: Sequence[Any], place: int = place) -> list[_Stamped]:
                numbers = [_numbers(value, wanted) for value in rows]
                return [(_moment(_at(one, place)), one) for one in numbers]

            rows = asked.flaws.each(values, stamped, kinds=(dict, list))
            extra = beside(series, ("Columns", "Values"))
            for at, name in enumerate(names):
                if name != "time":
                    points = [[time, _at(numbers, at)] for time, numbers in rows]
                    found.append(_figures(name, points, asked, bucket_s=bucket_s, channel=channel, extra=extra))
        return found

    data = payload_of(row, body) or {}
    return asked.flaws.each(data.get("Series") or [], read)


def figures_of_scale(row: Endpoint[Any], body: Mapping[str, Any], asked: Asked) -> list[Figures]:
    """`ScaleList` of `DescribeScaleInfo`: every field except `Time` is a figure."""
    days = asked.flaws.each(payload_of(row, body), lambda rows: [(_moment(day["Time"]), day) for day in rows])
    return [_figures(name, points, asked, bucket_s=DAY) for name, points in _by_field(days, "Time")]


def figures_of_usage(row: Endpoint[Any], body: Mapping[str, Any], asked: Asked) -> list[Figures]:
    """`UsageKey` and `UsageList` of the usage answers. The vendor answers for one day in five minutes, else in days."""
    names = _names(body.get("UsageKey") or ())
    buckets = asked.flaws.each(payload_of(row, body), partial(_usage_times, zone_s=row.bounds.zone_s))
    found = []
    for at, name in enumerate(names):
        points = [[time, _at(bucket.get("UsageValue"), at)] for time, bucket in buckets]
        unit = "minutes" if row.action in _IN_MINUTES and name not in _NO_DURATIONS else ""
        found.append(_figures(name, points, asked, bucket_s=_usage_bucket_s(row, asked), unit=unit))
    return found


def figures_of_apps(row: Endpoint[Any], body: Mapping[str, Any], asked: Asked) -> list[Figures]:
    """Usage by app, every field of a bucket except `TimeKey` a figure. What else is told of the app is in `extra`."""
    inside, bucket_s = _BUCKETS_OF_APP[row.payload], _usage_bucket_s(row, asked)

    def read(apps: Sequence[Mapping[str, Any]]) -> list[Figures]:
        found = []
        for app in apps:
            buckets = asked.flaws.each(app.get(inside) or [], partial(_usage_times, zone_s=row.bounds.zone_s))
            extra = beside(app, (inside,))
            for name, points in _by_field(buckets, "TimeKey"):
                unit = _UNITS_OF_APP.get(name, "seconds")
                found.append(_figures(name, points, asked, bucket_s=bucket_s, unit=unit, extra=extra))
        return found

    return asked.flaws.each(payload_of(row, body), read)


SHAPES: Mapping[str, Callable[[Endpoint[Any], Mapping[str, Any], Asked], list[Figures]]] = {
    "Data": figures_of_series,
    "ScaleList": figures_of_scale,
    "UsageList": figures_of_usage,
    "SdkAppIdUsages": figures_of_apps,
    "Usages": figures_of_apps,
}
"""How an answer is read, by the key that its rows stand under."""


def period(every: str) -> str:
    """The vendor's spelling of a width of buckets.

    Raises:
        BadInput: it is neither `"day"` nor `"hour"`.
    """
    if every not in list(_EVERY):
        raise BadInput(f"every must be one of {', '.join(_EVERY)}, not {every!r}")
    return _EVERY[every]


def checked_metrics(row: Endpoint[Any], metrics: Sequence[str]) -> list[str]:
    """The neutral metrics that a question of the dashboard is asked for, if it answers each of them.

    Raises:
        BadInput: no name, or one that is not in `FIGURES`.
        NotOffered: a figure that this question lacks.
    """
    metrics = listed("metrics", metrics, "names")
    if not metrics:
        raise BadInput(f"metrics must be a non-empty list of names in FIGURES, not {metrics!r}")
    for metric in metrics:
        if metric not in list(FIGURES):
            raise BadInput(f"there is no metric {metric!r}; there are {', '.join(FIGURES)}")
        if metric not in FIGURES_OF[row.name]:
            raise NotOffered(f"{row.name} does not tell {metric!r}", endpoint=row.name)
    return metrics


def whole(pieces: Iterable[Figures], metrics: Sequence[str], kept: TimeRange) -> list[Figures]:
    """One `Figures` for each of the metrics, of the pieces that several windows gave.

    Args:
        pieces: in the order asked.
        metrics: neutral names; those that the vendor did not answer are left out.
        kept: buckets that begin outside are dropped.
    """
    joined = {one.metric: one for one in join_figures(pieces)}
    return [
        attrs.evolve(joined[metric], columns=joined[metric].columns.slice(kept.start, kept.end))
        for metric in dict.fromkeys(metrics)
        if metric in joined
    ]


def _by_field(buckets: Sequence[_Stamped], stamp: str) -> list[tuple[str, _Points]]:
    """Every field of these buckets but their stamp, each with its points."""
    names = _names(dict.fromkeys(name for _, bucket in buckets for name in bucket if name not in (stamp, UNREAD)))
    return [(name, [[time, bucket.get(name)] for time, bucket in buckets]) for name in names]


def _figures(
    name: str, points: _Points, asked: Asked, *, bucket_s: int | None, unit: str = "", **beside: Any
) -> Figures:
    known = METRICS.get(name)
    window = asked.window
    return Figures(
        vendor="tencent",
        metric=known.metric if known else "",
        vendor_metric=name,
        unit=FIGURES[known.metric].unit if known else unit,
        bucket_s=bucket_s,
        columns=Columns(
            msgspec.json.encode(points),
            PointForm.PAIRS,
            scale=known.scale if known else 1.0,
            clip=(window.start, window.end),
        ),
        **beside,
    )


def _names(names: Iterable[Any]) -> list[Any]:
    found = list(names)
    if len(found) > _MOST_FIGURES:
        raise ValueError(f"{len(found)} figures in one answer")
    return found


def _numbers(value: Any, wanted: Sequence[str]) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return next((found for name in wanted if (found := value.get(name))), ())
    if value is None or isinstance(value, list):
        return value or ()
    raise TypeError(f"expected a row of values, not {value!r}")


def _at(numbers: Sequence[Any] | None, place: int) -> Any:
    return numbers[place] if numbers and place < len(numbers) else None


def _usage_bucket_s(row: Endpoint[Any], asked: Asked) -> int:
    return 5 * MINUTE if whole_units(row.bounds, asked.window).seconds <= DAY else DAY


def _usage_times(buckets: Sequence[Mapping[str, Any]], zone_s: int) -> list[_Stamped]:
    return [(_usage_time(bucket, zone_s), bucket) for bucket in buckets]


def _usage_time(bucket: Mapping[str, Any], zone_s: int) -> int:
    stamp = bucket.get("TimeStampKey")
    if isinstance(stamp, int) and stamp:
        return stamp
    local = datetime.fromisoformat(bucket["TimeKey"])
    zone = timezone(timedelta(seconds=zone_s))
    return int((local if local.tzinfo else local.replace(tzinfo=zone)).timestamp())


def _moment(sent: Any) -> int:
    return sent if type(sent) is int and sent < YEAR_5138 else seconds(sent)
