"""How a simulated Agora answers Data Insights: usage and quality by day and hour, and in all by dimension.

Answers `insight/*/by_time` and `insight/*/aggregation`. One metric a request; the window's end is included; a day
begins at midnight eight hours east of Greenwich, whatever the vendor's text says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator.agora.question import Question, bad, one_of
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.figures import compute, weigh
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.traits import REGIONS, by_trait, trait

PRODUCTS = ("Native", "WebRTC")
"""What `productType` takes."""
QUALITY = ("joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate", "networkDelay")
"""What quality questions take as `metric`."""

_PEAKS = ("peakCurrentChannels", "peakCurrentUsers", "peakConcurrentChannels", "peakConcurrentUsers")
_DURATIONS = ("totalDuration", "totalVideoDuration", "totalAudioDuration")
_USAGE = ("userCount", "sessionCount", "channelCount", *_PEAKS, *_DURATIONS)
_STEPS = {"1d": DAY, "1h": HOUR}
_EAST_S = 8 * HOUR
_USAGE_DIMENSIONS = ("country", "region", "net", "sdk", "sdkVersion", "os", "device")
_QUALITY_DIMENSIONS = (*_USAGE_DIMENSIONS, "network", "channelSize")
_SAME = {"sdkVersion": "sdk", "network": "net"}
_SIZES = (("1-2", 2), ("3-10", 10), ("11-50", 50), ("51-", 1_000_000_000))
_TOP = 20
_TOP_DEVICES = 50


def usage_by_time(asked: Question) -> Mapping[str, object]:
    """Answers `insight/usage/by_time`, before 2024 by day only."""
    steps = ("1d", "1h") if asked.generation == "2024" else ("1d",)
    step = one_of(asked.query, "aggregateGranularity", steps)
    return _by_time(asked, one_of(asked.query, "metric", _USAGE), step, Chosen())


def quality_by_time(asked: Question) -> Mapping[str, object]:
    """Answers `insight/quality/by_time`."""
    step = one_of(asked.query, "aggregateGranularity", ("1d", "1h"))
    product = one_of(asked.query, "productType", PRODUCTS)
    return _by_time(asked, one_of(asked.query, "metric", QUALITY), step, Chosen(product=product))


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
    metric = one_of(asked.query, "metric", QUALITY)
    product = one_of(asked.query, "productType", PRODUCTS)

    def row(stays: Sequence[Session]) -> dict[str, Any]:
        figure = compute(stays, metric, asked.start, asked.end)
        return {"refUsage": weigh(stays, metric, asked.start, asked.end), metric: told(asked, figure)}

    return _aggregation(asked, _QUALITY_DIMENSIONS, Chosen(product=product), row, "refUsage")


def rows_of(asked: Question, metric: str, buckets: Sequence[int], seconds: int, chosen: Chosen) -> list[dict[str, Any]]:
    """One row a bucket: the metric under its name, and `ts`."""
    figures = ((bucket, asked.world.figure("agora", metric, bucket, seconds, chosen)) for bucket in buckets)
    return [{metric: told(asked, figure), "ts": bucket} for bucket, figure in figures if is_told(asked, figure)]


def told(asked: Question, figure: float | None) -> float | None:
    """A figure as it is answered."""
    return 0 if figure is None and asked.habits.empty != "null" else figure


def is_told(asked: Question, figure: float | None) -> bool:
    """False if the row of a figure is left out."""
    return figure is not None or asked.habits.empty != "omit"


def top(rows: list[dict[str, Any]], dimension: str, by: str) -> list[dict[str, Any]]:
    """The rows that a ranking shows: the largest 20, of devices 50."""
    ranked = sorted(rows, key=lambda row: (-(row[by] or 0), row[dimension]))
    return ranked[: _TOP_DEVICES if dimension == "device" else _TOP]


def _by_time(asked: Question, metric: str, granularity: str, chosen: Chosen) -> Mapping[str, object]:
    step = _STEPS[granularity]
    shift = _EAST_S if granularity == "1d" and asked.habits.midnight == "utc+8" else 0
    first = -(-(asked.start + shift) // step) * step - shift
    rows = rows_of(asked, metric, range(first, asked.end + 1, step), step, chosen)
    return {"data": rows}


def _aggregation(
    asked: Question,
    dimensions: Sequence[str],
    chosen: Chosen,
    row: Callable[[Sequence[Session]], dict[str, Any]],
    ranked_by: str,
) -> Mapping[str, object]:
    country = _country(asked.query)
    wanted = _values(asked.query)
    stays = asked.world.stays("agora", asked.start, asked.end, chosen)
    if "dimension" not in asked.query:
        return {"data": [row(stays)]}
    dimension = one_of(asked.query, "dimension", dimensions)
    if dimension == "channelSize" and wanted is not None:
        raise bad("dimensionValues", "is not supported with channelSize")
    stays = [stay for stay in stays if country is None or trait(stay, "country") == country]
    groups = _by_size(stays) if dimension == "channelSize" else by_trait(stays, _SAME.get(dimension, dimension))
    rows = [{dimension: value, **row(group)} for value, group in groups.items() if wanted is None or value in wanted]
    return {"data": top(rows, dimension, ranked_by)}


def _by_size(stays: Sequence[Session]) -> dict[str, list[Session]]:
    users: dict[str, set[str]] = {}
    for stay in stays:
        users.setdefault(stay.call_id, set()).add(stay.user_id)
    groups: dict[str, list[Session]] = {}
    for stay in stays:
        size = next(name for name, most in _SIZES if len(users[stay.call_id]) <= most)
        groups.setdefault(size, []).append(stay)
    return groups


def _values(query: Mapping[str, Any]) -> frozenset[str] | None:
    if "dimensionValues" not in query:
        return None
    values = query["dimensionValues"]
    if "dimension" not in query:
        raise bad("dimensionValues", "needs a dimension")
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise bad("dimensionValues", "is not an array of strings")
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
