"""How a simulated Agora answers about usage and quality: Data Insights by day and hour, Real-time Monitoring by moment.

Answers `insight/*/by_time` and `insight/*/aggregation`: one metric a request; the window's end is included; a day
begins at midnight eight hours east of Greenwich, whatever the vendor's text says. Answers `realtime/*/by_time_20sec`,
with its three shapes, and `realtime/*/dimension/top20`, whose `data` is an object where all others have a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator.agora.question import MOMENT_S, Question, bad, ids, one_of
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.figures import compute, weigh
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.traits import REGIONS, by_trait, trait

DIMENSIONS = ("country", "region", "net", "sdk", "os", "device")
"""What statistics and real-time figures can be broken down by."""

_PRODUCTS = ("Native", "WebRTC")
_QUALITY = ("joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate", "networkDelay")
_PEAKS = ("peakCurrentChannels", "peakCurrentUsers", "peakConcurrentChannels", "peakConcurrentUsers")
_DURATIONS = ("totalDuration", "totalVideoDuration", "totalAudioDuration")
_USAGE = ("userCount", "sessionCount", "channelCount", *_PEAKS, *_DURATIONS)
_STEPS = {"1d": DAY, "1h": HOUR}
_EAST_S = 8 * HOUR
_USAGE_DIMENSIONS = (*DIMENSIONS, "sdkVersion")
_QUALITY_DIMENSIONS = (*_USAGE_DIMENSIONS, "network", "channelSize")
_SAME = {"sdkVersion": "sdk", "network": "net"}
_SIZES = (("1-2", 2), ("3-10", 10), ("11-50", 50), ("51-", 1_000_000_000))
_TOP = 20
_TOP_DEVICES = 50
_MOST_UIDS = 10
_QUOTED = re.compile(r'"[^"]*"(?:,"[^"]*")*')


def usage_by_time(asked: Question) -> Mapping[str, object]:
    """Answers `insight/usage/by_time`, before 2024 by day only."""
    steps = ("1d", "1h") if asked.generation == "2024" else ("1d",)
    step = one_of(asked.query, "aggregateGranularity", steps)
    return _by_time(asked, one_of(asked.query, "metric", _USAGE), step, Chosen())


def quality_by_time(asked: Question) -> Mapping[str, object]:
    """Answers `insight/quality/by_time`."""
    step = one_of(asked.query, "aggregateGranularity", ("1d", "1h"))
    product = one_of(asked.query, "productType", _PRODUCTS)
    return _by_time(asked, one_of(asked.query, "metric", _QUALITY), step, Chosen(product=product))


def usage_aggregation(asked: Question) -> Mapping[str, object]:
    """Answers `insight/usage/aggregation`."""
    metric = one_of(asked.query, "metric", _USAGE)
    if metric in _PEAKS and "dimension" in asked.query:
        raise bad("dimension", f"is not supported with {metric}")

    def row(stays: Sequence[Session]) -> dict[str, Any]:
        return {metric: compute(stays, metric, asked.start, asked.end)}

    return _aggregation(asked, _USAGE_DIMENSIONS, Chosen(), row, metric)


def quality_aggregation(asked: Question) -> Mapping[str, object]:
    """Answers `insight/quality/aggregation`: each rate with what it was measured on."""
    metric = one_of(asked.query, "metric", _QUALITY)
    product = one_of(asked.query, "productType", _PRODUCTS)

    def row(stays: Sequence[Session]) -> dict[str, Any]:
        figure = compute(stays, metric, asked.start, asked.end)
        return {"refUsage": weigh(stays, metric, asked.start, asked.end), metric: _told(asked, figure)}

    return _aggregation(asked, _QUALITY_DIMENSIONS, Chosen(product=product), row, "refUsage")


def usage_by_20_seconds(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/usage/by_time_20sec`."""
    return {"data": _flat(asked, one_of(asked.query, "metric", ("userCount", "channelCount")))}


def quality_by_20_seconds(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/quality/by_time_20sec`; `uids` count only together with `cname`."""
    metric = one_of(asked.query, "metric", _QUALITY)
    uids = ids(asked.query, "uids", most=_MOST_UIDS)
    if not uids or not asked.query.get("cname"):
        return {"data": _flat(asked, metric)}
    product = one_of(asked.query, "productType", _PRODUCTS)
    users = []
    for uid in sorted(uids):
        if not (uid.isascii() and uid.isdecimal()):
            raise bad("uids", "is not a list of numbers")
        chosen = Chosen(channel=asked.query["cname"], user_id=uid, product=product)
        there = [bucket for bucket in _windows(asked) if _stays(asked, bucket, chosen)]
        if there:
            values = [{"ts": row["ts"], metric: row[metric]} for row in _rows(asked, metric, there, MOMENT_S, chosen)]
            users.append({"uid": int(uid), "values": values})
    return {"data": users}


def usage_top(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/usage/dimension/top20`."""
    metric = one_of(asked.query, "metric", ("userCount",))
    return _ranking(asked, (metric,), metric)


def quality_top(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/quality/dimension/top20`."""
    metric = one_of(asked.query, "metric", _QUALITY)
    extra = one_of(asked.query, "extraMetrics", ("userCount",), "")
    return _ranking(asked, (metric, extra) if extra else (metric,), metric)


def _rows(asked: Question, metric: str, buckets: Sequence[int], seconds: int, chosen: Chosen) -> list[dict[str, Any]]:
    """One row a bucket: the metric under its name, and `ts`."""
    figures = ((bucket, asked.world.figure("agora", metric, bucket, seconds, chosen)) for bucket in buckets)
    return [{metric: _told(asked, figure), "ts": bucket} for bucket, figure in figures if _is_told(asked, figure)]


def _told(asked: Question, figure: float | None) -> float | None:
    """A figure as it is answered."""
    return 0 if figure is None and asked.habits.empty != "null" else figure


def _is_told(asked: Question, figure: float | None) -> bool:
    """False if the row of a figure is left out."""
    return figure is not None or asked.habits.empty != "omit"


def _top(rows: list[dict[str, Any]], dimension: str, by: str) -> list[dict[str, Any]]:
    """The rows that a ranking shows: the largest 20, of devices 50."""
    ranked = sorted(rows, key=lambda row: (-(row[by] or 0), row[dimension]))
    return ranked[: _TOP_DEVICES if dimension == "device" else _TOP]


def _by_time(asked: Question, metric: str, granularity: str, chosen: Chosen) -> Mapping[str, object]:
    step = _STEPS[granularity]
    shift = _EAST_S if granularity == "1d" and asked.habits.midnight == "utc+8" else 0
    first = -(-(asked.start + shift) // step) * step - shift
    rows = _rows(asked, metric, range(first, asked.end + 1, step), step, chosen)
    return {"data": rows}


def _aggregation(
    asked: Question,
    dimensions: Sequence[str],
    chosen: Chosen,
    row: Callable[[Sequence[Session]], dict[str, Any]],
    ranked_by: str,
) -> Mapping[str, object]:
    country = _country(asked.query)
    wanted = _wanted(asked.query, quoted=False)
    stays = asked.world.stays("agora", asked.start, asked.end, chosen)
    if "dimension" not in asked.query:
        return {"data": [row(stays)]}
    dimension = one_of(asked.query, "dimension", dimensions)
    if dimension == "channelSize" and wanted is not None:
        raise bad("dimensionValues", "is not supported with channelSize")
    stays = [stay for stay in stays if country is None or trait(stay, "country") == country]
    rows = [{dimension: value, **row(group)} for value, group in _groups(stays, dimension, wanted)]
    return {"data": _top(rows, dimension, ranked_by)}


def _groups(
    stays: Sequence[Session], dimension: str, wanted: frozenset[str] | None = None
) -> Iterable[tuple[str, list[Session]]]:
    """The sessions by their value in a dimension, those of values that are not wanted left out."""
    groups = _by_size(stays) if dimension == "channelSize" else by_trait(stays, _SAME.get(dimension, dimension))
    return [(value, group) for value, group in groups.items() if wanted is None or value in wanted]


def _by_size(stays: Sequence[Session]) -> dict[str, list[Session]]:
    users: dict[str, set[str]] = {}
    for stay in stays:
        users.setdefault(stay.call_id, set()).add(stay.user_id)
    groups: dict[str, list[Session]] = {}
    for stay in stays:
        size = next(name for name, most in _SIZES if len(users[stay.call_id]) <= most)
        groups.setdefault(size, []).append(stay)
    return groups


def _wanted(query: Mapping[str, Any], *, quoted: bool) -> frozenset[str] | None:
    """The values of the dimension that are asked for, None for all: an array in a body, quoted texts in a query."""
    values = query.get("dimensionValues")
    if values is None:
        return None
    if "dimension" not in query:
        raise bad("dimensionValues", "needs a dimension")
    if quoted:
        values = re.findall(r'"([^"]*)"', values) if _QUOTED.fullmatch(values) else None
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise bad(
            "dimensionValues", f"is not {'a list of strings in double quotes' if quoted else 'an array of strings'}"
        )
    return frozenset(values)


def _country(query: Mapping[str, Any]) -> str | None:
    if "filters" not in query:
        return None
    if query.get("dimension") != "region":
        raise bad("filters", "is only supported with dimension region")
    match query["filters"]:
        case [{"name": "country", "value": str() as country, **rest}] if not rest and country in REGIONS:
            return country
    raise bad("filters", "is invalid")


def _flat(asked: Question, metric: str) -> list[dict[str, Any]]:
    product = one_of(asked.query, "productType", _PRODUCTS)
    chosen = Chosen(channel=asked.query.get("cname"), product=product)
    wanted = _wanted(asked.query, quoted=True)
    if "dimension" not in asked.query:
        return _rows(asked, metric, _windows(asked), MOMENT_S, chosen)
    dimension = one_of(asked.query, "dimension", DIMENSIONS)
    rows = []
    for bucket in _windows(asked):
        figures = [
            (value, compute(stays, metric, bucket, bucket + MOMENT_S))
            for value, stays in _groups(_stays(asked, bucket, chosen), dimension, wanted)
        ]
        found = [
            {metric: _told(asked, figure), "ts": bucket, dimension: value}
            for value, figure in figures
            if _is_told(asked, figure)
        ]
        rows += _top(found, dimension, metric)
    return rows


def _ranking(asked: Question, metrics: Sequence[str], ranked_by: str) -> Mapping[str, object]:
    product = one_of(asked.query, "productType", _PRODUCTS)
    dimension = one_of(asked.query, "dimension", DIMENSIONS)
    rows = [
        {dimension: value, **{name: _told(asked, compute(stays, name, asked.start, asked.end)) for name in metrics}}
        for value, stays in _groups(_stays(asked, asked.start, Chosen(product=product)), dimension)
    ]
    return {"data": {"list": _top(rows, dimension, ranked_by)}}


def _windows(asked: Question) -> range:
    return range(asked.start // MOMENT_S * MOMENT_S, asked.end // MOMENT_S * MOMENT_S, MOMENT_S)


def _stays(asked: Question, bucket: int, chosen: Chosen) -> list[Session]:
    return asked.world.stays("agora", bucket, bucket + MOMENT_S, chosen)
