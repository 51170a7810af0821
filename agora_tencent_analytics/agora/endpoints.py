"""Agora's table of questions, by generation of the API. One row is one question as the vendor limits it.

Read from the English reference, and today's rows from the vendor's OpenAPI description of the same endpoints too. Where
the two disagree on what a parameter takes, the row takes what either lists. Today's questions about calls spell names
with underscores, those about the app in camel case.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from msgspec.structs import replace

from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.agora.figures.names import CALL_METRICS, QUALITY_METRICS, USAGE_METRICS
from agora_tencent_analytics.agora.reference_tables import DIMENSIONS, GRANULARITIES, PRODUCT_TYPES
from agora_tencent_analytics.endpoint import AnyOf, Bounds, Endpoint, Newest, PageNumber, Param, Unpaged
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.events import AbnormalExperience
from agora_tencent_analytics.models.figures import Breakdown, Figures
from agora_tencent_analytics.models.series import MetricSeries

R = TypeVar("R")

UIDS = 10
"""The most user ids of one request for sessions, or for figures of users."""
SIDS = 20
"""The most session ids of one request for metrics."""

_PAGE = "https://docs.agora.io/en/agora-analytics/reference/api"
_OLD_PAGE = "https://docs.agora.io/en/Agora%20Platform/aa_api?platform=All%20Platforms"
_READ = {
    "2024": (_PAGE, "2026-09-14"),
    "2022": (_PAGE, "2022-10-11"),
    "2021-07": (_OLD_PAGE, "2021-07-22"),
    "2021-03": (_OLD_PAGE, "2021-03-11"),
}
"""Each generation's page, and the day it was read."""

_SNAKE = Bounds(start="start_ts", end="end_ts", strict=True)
_CAMEL = Bounds(start="startTs", end="endTs", strict=True)
_BY_NUMBER = PageNumber(number="page_no", size="page_size", base=1, total="listing")
_OF_MODEL: Mapping[type, Mapping[str, Any]] = {
    Call: {"payload": "call_lists", "key": ("call_id",), "paging": _BY_NUMBER},
    Session: {
        "payload": "call_info",
        "key": ("session_id",),
        "given": {"call_id": "call_id"},
        "paging": _BY_NUMBER,
    },
    MetricSeries: {"payload": "metrics"},
}
"""What is the same of all questions about a model."""


def _row(
    path: str,
    model: type[R],
    limits: str,
    *params: Param,
    generation: str = "2024",
    method: Literal["GET", "POST"] = "GET",
    anchor: str = "",
    **differing: Any,
) -> Endpoint[R]:
    """A question. Unless told otherwise each path has a counter of its own; a POST carries the app in its query."""
    page, read_on = _READ[generation]
    about_call = path.startswith("call/")
    usual: dict[str, Any] = {
        "name": path,
        "path": f"/beta/analytics/{path}" if about_call else f"/beta/{path}",
        "app_in_query": method == "POST",
        "payload": "data",
        "app": Param(name="appid", required=True),
        "bounds": _SNAKE if about_call else _CAMEL,
        "paging": Unpaged(),
        "counter": path,
        "source": page + anchor,
        "read_on": read_on,
    }
    told = {"generation": generation, "model": model, "method": method, "params": params, "limits": limits}
    return Endpoint(vendor="agora", **{**usual, **_OF_MODEL.get(model, {}), **told, **differing})


def _as_of(generation: str, row: Endpoint[R], **printed: Any) -> Endpoint[R]:
    """The row on an older page, with what that page printed otherwise."""
    page, read_on = _READ[generation]
    _, anchor = row.source.split("#")
    return replace(row, generation=generation, source=f"{page}#{anchor}", read_on=read_on, **printed)


_CALL_ID = Param(name="call_id", required=True)
_UIDS = Param(name="uids", kind="list", most=UIDS, unsigned=True)
_SERVERS = Param(name="exclude_server_user", kind="flag")
_VALUES = Param(name="dimensionValues", kind="list", needs="dimension")
_GRANULARITY = Param(name="aggregateGranularity", required=True, values=tuple(GRANULARITIES))
_PRODUCT = Param(name="productType", required=True, values=tuple(PRODUCT_TYPES))
_CNAME = Param(name="cname")


def _metric(*names: str) -> Param:
    return Param(name="metric", required=True, values=names)


def _dimension(path: str, *, required: bool = False) -> Param:
    listed = (name for names in DIMENSIONS[path].values() for name in names)
    return Param(name="dimension", required=required, values=tuple(dict.fromkeys(listed)))


_FREEZE = _metric("audio_freeze_rate", "video_freeze_rate")
_USAGE = _metric(*USAGE_METRICS)
_QUALITY = _metric(*QUALITY_METRICS)

# -- today, about calls -----------------------------------------------------------------------------------

CALL_LISTS_2024 = _row("call/lists", Call, plans.CALL_LISTS, _CNAME, anchor="#get-call-list")
"""The calls of an app, newest first."""

CALL_SESSIONS_2024 = _row(
    "call/sessions", Session, plans.CALL_DETAIL, _CALL_ID, _UIDS, _SERVERS, anchor="#get-session-details"
)
"""The sessions of a call, latest to join first. The vendor hides Linux users unless told not to."""

CALL_METRICS_2024 = _row(
    "call/metrics",
    MetricSeries,
    plans.CALL_DETAIL,
    _CALL_ID,
    Param(name="sids", kind="list", required=True, most=SIDS),
    anchor="#get-quality-metrics",
)
"""The metric series of sessions of a call."""

CALL_STATISTICS_2024 = _row(
    "call/statistics",
    Breakdown,
    plans.CALL_DETAIL,
    *(_CALL_ID, _FREEZE, _dimension("/beta/analytics/call/statistics", required=True)),
)
"""One figure of a call for each part of a dimension, with the users behind it."""

CALL_FREEZE_BUCKET_2024 = _row("call/freeze/bucket", Breakdown, plans.CALL_DETAIL, _CALL_ID, _FREEZE)
"""How many users of a call froze how much: the dimension is the vendor's `bucket`, which is `[0%,3%)`, `[3%,5%)`,
`[5%,10%)` or `[10%,100%)`. Empty buckets are left out."""

CALL_STATISTICS_TIME_2024 = _row("call/statistics/time", Figures, plans.CALL_DETAIL, _CALL_ID, _metric(*CALL_METRICS))
"""One figure of a call over time. The vendor does not sort it, nor say how wide a bucket is."""

# -- today, about the app ---------------------------------------------------------------------------------

INSIGHT_USAGE_2024 = _row(
    "insight/usage/by_time", Figures, plans.INSIGHT_USAGE, _USAGE, _GRANULARITY, anchor="#query-usage-metrics"
)
"""How much the app was used, by hour or day. One metric to a request."""

INSIGHT_QUALITY_2024 = _row(
    "insight/quality/by_time",
    Figures,
    plans.INSIGHT_QUALITY,
    *(_QUALITY, _GRANULARITY, _PRODUCT),
    anchor="#query-quality-metrics",
)
"""How good the calls of a product were, by hour or day. One metric to a request."""

_FILTERS = Param(name="filters", kind="objects", needs="dimension")
USAGE_AGGREGATION_2024 = _row(
    "insight/usage/aggregation",
    Breakdown,
    plans.USAGE_AGGREGATION,
    *(_USAGE, _dimension("/beta/insight/usage/aggregation"), _VALUES, _FILTERS),
    method="POST",
    anchor="#query-aggregated-usage-metrics",
)
"""How much the app was used in a range, by a dimension or in all. `filters` narrows regions to one country."""

QUALITY_AGGREGATION_2024 = _row(
    "insight/quality/aggregation",
    Breakdown,
    plans.QUALITY_AGGREGATION,
    # The product is required by the OpenAPI description alone; the English table leaves it out.
    *(_QUALITY, _dimension("/beta/insight/quality/aggregation"), _VALUES, _FILTERS, _PRODUCT),
    method="POST",
    anchor="#query-aggregated-quality-metrics",
)
"""How good the calls of a product were in a range, by a dimension or in all."""

_OF_DIMENSION = (_dimension("/beta/realtime/usage/by_time_20sec"), replace(_VALUES, quoted=True))
REALTIME_USAGE_2024 = _row(
    "realtime/usage/by_time_20sec",
    Figures,
    plans.REALTIME,
    *(_PRODUCT, _metric("userCount", "channelCount"), *_OF_DIMENSION, _CNAME),
    anchor="#query-real-time-scale-metrics",
)
"""How much a product is used just now, in buckets of 20 s."""

REALTIME_QUALITY_2024 = _row(
    "realtime/quality/by_time_20sec",
    Figures,
    plans.REALTIME,
    *(_PRODUCT, _QUALITY, *_OF_DIMENSION, _CNAME, replace(_UIDS, needs="cname")),
    anchor="#query-real-time-quality-metrics",
)
"""How good the calls of a product are just now, in buckets of 20 s; of single users if it is about one channel."""

_TOP_OF_DIMENSION = _dimension("/beta/realtime/usage/dimension/top20", required=True)
REALTIME_USAGE_TOP_2024 = _row(
    "realtime/usage/dimension/top20",
    Breakdown,
    plans.REALTIME_TOP,
    *(_PRODUCT, _metric("userCount"), _TOP_OF_DIMENSION),
    bounds=Bounds(start="ts", end="", strict=False),
    anchor="#query-top-20-real-time-scale-metrics",
)
"""The parts of a dimension with the most users in the 20 s from the start; of a longer range, in each 20 s."""

REALTIME_QUALITY_TOP_2024 = _row(
    "realtime/quality/dimension/top20",
    Breakdown,
    plans.REALTIME_TOP,
    *(_PRODUCT, _QUALITY, _TOP_OF_DIMENSION, Param(name="extraMetrics", values=("userCount",))),
    bounds=REALTIME_USAGE_TOP_2024.bounds,
    anchor="#query-top-20-real-time-quality-metrics",
)
"""One figure for the leading parts of a dimension in the 20 s from the start; `extraMetrics="userCount"` adds users."""

_2024: tuple[Endpoint[Any], ...] = (
    *(CALL_LISTS_2024, CALL_SESSIONS_2024, CALL_METRICS_2024),
    *(CALL_STATISTICS_2024, CALL_FREEZE_BUCKET_2024, CALL_STATISTICS_TIME_2024),
    *(INSIGHT_USAGE_2024, INSIGHT_QUALITY_2024, USAGE_AGGREGATION_2024, QUALITY_AGGREGATION_2024),
    *(REALTIME_USAGE_2024, REALTIME_QUALITY_2024, REALTIME_USAGE_TOP_2024, REALTIME_QUALITY_TOP_2024),
)

# -- 2022: no dimensions, aggregation or statistics of calls ------------------------------------------------

# Until then usage had its peaks in one spelling, and days only, though the limits of 2022 promise hours.
_USAGE_BY_DAY = (
    _metric(
        *("userCount", "sessionCount", "channelCount", "peakCurrentChannels", "peakCurrentUsers"),
        *("totalDuration", "totalVideoDuration", "totalAudioDuration"),
    ),
    replace(_GRANULARITY, values=("1d",)),
)


def _realtime_2022(row: Endpoint[Figures]) -> Endpoint[Figures]:
    """The page lists `cname` among the required parameters, and says what happens if it is left out."""
    return _as_of("2022", row, params=tuple(param for param in row.params if param not in _OF_DIMENSION))


_2022: tuple[Endpoint[Any], ...] = (
    _as_of("2022", CALL_LISTS_2024),
    _as_of("2022", CALL_SESSIONS_2024),
    _as_of("2022", CALL_METRICS_2024),
    _as_of("2022", INSIGHT_USAGE_2024, params=_USAGE_BY_DAY),
    _as_of("2022", INSIGHT_QUALITY_2024),
    _realtime_2022(REALTIME_USAGE_2024),
    _realtime_2022(REALTIME_QUALITY_2024),
)

# -- July 2021: calls without pages, the newest 100 to an answer ----------------------------------------------

_2021_07: tuple[Endpoint[Any], ...] = (
    _as_of("2021-07", CALL_LISTS_2024, paging=Newest(most=100, at="created_ts")),
    _as_of("2021-07", CALL_SESSIONS_2024),
    _as_of("2021-07", CALL_METRICS_2024),
    _as_of("2021-07", INSIGHT_USAGE_2024, params=_USAGE_BY_DAY),
    _as_of("2021-07", INSIGHT_QUALITY_2024),
)

# -- March 2021: the newest 10 calls to an answer, and most questions withdrawn since -------------------------


def _of_2021_03(path: str, model: type[R], limits: str, *params: Param, **differing: Any) -> Endpoint[R]:
    return _row(path, model, limits, *params, **{"generation": "2021-03", "bounds": _SNAKE, **differing})


def _metrics(*names: str) -> Param:
    return replace(_metric(*names), kind="list")


def _live(path: str, successor: str, *metrics: str) -> Endpoint[Figures]:
    return _of_2021_03(path, Figures, plans.LIVE, _metrics(*metrics), anchor="#live", retired=successor)


_2021_03: tuple[Endpoint[Any], ...] = (
    _as_of("2021-03", CALL_LISTS_2024, paging=Newest(most=10, at="created_ts")),
    # `call/details` gave sessions and series at once. It is two rows on one counter, for they are walked in different
    # ways: sessions, the 10 latest to join, by their moment of joining (`exclude_metrics_info=True` leaves out series);
    _of_2021_03(
        "call/details",
        Session,
        plans.CALL_DETAIL,
        *(_CALL_ID, _SERVERS, Param(name="exclude_metrics_info", kind="flag")),
        paging=Newest(most=10, at="join_ts"),
        anchor="#get-quality-metrics",
        retired="call/sessions",
    ),
    # series by window, as nothing tells which users an answer left out: a series has no moment to go by, so windows are
    # narrowed by how many sessions they show. Of more than 10 users at one time the others cannot be had.
    _of_2021_03(
        "call/details",
        MetricSeries,
        plans.CALL_DETAIL,
        *(_CALL_ID, _SERVERS),
        name="call/details with metrics",
        paging=AnyOf(most=10, at=""),
        anchor="#get-quality-metrics",
        retired="call/metrics",
    ),
    _of_2021_03(
        "insight/usage/by_time",
        Figures,
        plans.INSIGHT_USAGE,
        _metrics("userCount", "sessionCount", "channelCount"),
        bounds=replace(_SNAKE, least_s=DAY),
        anchor="#insight",
    ),
    # How much the app is used, how users fare, and how good transmission is just now, by minute.
    _live("live/scale/by_time", "realtime/usage/by_time_20sec", "pcu", "pcc"),
    _live(
        *("live/experience/by_time", "realtime/quality/by_time_20sec"),
        *("joinSuccessRate", "joinSuccess5SecsRate", "videoFreezeRate", "audioFreezeRate"),
    ),
    _live(
        *("live/net/by_time", "realtime/quality/by_time_20sec"),
        *("videoUpstreamExcellentTransRate", "audioUpstreamExcellentTransRate"),
        *("videoEnd2EndExcellentTransRate", "audioEnd2EndExcellentTransRate"),
    ),
    # The vendor does not say which 10 of a window it gives, nor in which order.
    _of_2021_03(
        "live/diagnosis",
        AbnormalExperience,
        plans.LIVE,
        key=("channel", "user_id", "experience_id", "ts", "causes"),
        paging=AnyOf(most=10, at="ts"),
        anchor="#live",
        retired="nothing; the console alone diagnoses since",
    ),
)

GENERATION_ENDPOINTS: Mapping[str, Mapping[str, Endpoint[Any]]] = MappingProxyType(
    {
        rows[0].generation: MappingProxyType({row.name: row for row in rows})
        for rows in (_2021_03, _2021_07, _2022, _2024)
    }
)
"""All rows by generation and name."""

ENDPOINTS: Mapping[str, Endpoint[Any]] = GENERATION_ENDPOINTS["2024"]
"""The rows of today by name."""
