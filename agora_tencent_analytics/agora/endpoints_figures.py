"""Agora's questions of today about the app as a whole: usage and quality of days and hours, and of the last hour.

Read from the English reference and the vendor's OpenAPI description of the same endpoints. Where the two disagree on
what a parameter takes, the row takes what either lists.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.agora.endpoints_calls import UIDS
from agora_tencent_analytics.agora.question_metrics import QUALITY_METRICS, USAGE_METRICS, spelt
from agora_tencent_analytics.agora.reference_tables import GRANULARITIES, PRODUCT_TYPES, dimensions_listed
from agora_tencent_analytics.endpoint import Bounds, Endpoint, Param, Unpaged
from agora_tencent_analytics.figures import Breakdown, Figures

__all__ = [
    "INSIGHT_QUALITY_2024",
    "INSIGHT_USAGE_2024",
    "QUALITY_AGGREGATION_2024",
    "REALTIME_QUALITY_2024",
    "REALTIME_QUALITY_TOP_2024",
    "REALTIME_USAGE_2024",
    "REALTIME_USAGE_TOP_2024",
    "USAGE_AGGREGATION_2024",
]

_PAGE = "https://docs.agora.io/en/agora-analytics/reference/api"
_READ_ON = "2026-09-14"
_APP = Param(name="appid", required=True)
_BOUNDS = Bounds(start="startTs", end="endTs", strict=True)
_USAGE = Param(name="metric", required=True, values=spelt(USAGE_METRICS))
_QUALITY = Param(name="metric", required=True, values=tuple(QUALITY_METRICS))
_GRANULARITY = Param(name="aggregateGranularity", required=True, values=tuple(GRANULARITIES))
_PRODUCT = Param(name="productType", required=True, values=tuple(PRODUCT_TYPES))
_CNAME = Param(name="cname")


def _dimension(path: str) -> Param:
    return Param(name="dimension", values=dimensions_listed(f"/beta/{path}"))


_PARTS = (
    Param(name="dimensionValues", kind="list", needs="dimension"),
    Param(name="filters", kind="objects", needs="dimension"),
)
_REALTIME_DIMENSION = _dimension("realtime/usage/by_time_20sec")  # the same for all four
_OF_DIMENSION = (_REALTIME_DIMENSION, Param(name="dimensionValues", kind="list", quoted=True, needs="dimension"))
_USERS = Param(name="metric", required=True, values=("userCount",))

INSIGHT_USAGE_2024 = Endpoint(
    name="insight/usage/by_time",
    vendor="agora",
    generation="2024",
    model=Figures,
    path="/beta/insight/usage/by_time",
    payload="data",
    app=_APP,
    bounds=_BOUNDS,
    params=(_USAGE, _GRANULARITY),
    paging=Unpaged(),
    limits=plans.INSIGHT_USAGE,
    counter="insight/usage/by_time",
    source=f"{_PAGE}#query-usage-metrics",
    read_on=_READ_ON,
)
"""How much the app was used, by hour or day. One metric to a request."""

INSIGHT_QUALITY_2024 = attrs.evolve(
    INSIGHT_USAGE_2024,
    name="insight/quality/by_time",
    path="/beta/insight/quality/by_time",
    params=(_QUALITY, _GRANULARITY, _PRODUCT),
    limits=plans.INSIGHT_QUALITY,
    counter="insight/quality/by_time",
    source=f"{_PAGE}#query-quality-metrics",
)
"""How good the calls of a product were, by hour or day. One metric to a request."""

USAGE_AGGREGATION_2024 = Endpoint(
    name="insight/usage/aggregation",
    vendor="agora",
    generation="2024",
    model=Breakdown,
    method="POST",
    path="/beta/insight/usage/aggregation",
    app_in_query=True,
    payload="data",
    app=_APP,
    bounds=_BOUNDS,
    params=(_USAGE, _dimension("insight/usage/aggregation"), *_PARTS),
    paging=Unpaged(),
    limits=plans.USAGE_AGGREGATION,
    counter="insight/usage/aggregation",
    source=f"{_PAGE}#query-aggregated-usage-metrics",
    read_on=_READ_ON,
)
"""How much the app was used in a range, by a dimension or in all. `filters` narrows regions to one country."""

QUALITY_AGGREGATION_2024 = attrs.evolve(
    USAGE_AGGREGATION_2024,
    name="insight/quality/aggregation",
    path="/beta/insight/quality/aggregation",
    # Required by the OpenAPI description alone; the English table leaves it out.
    params=(_QUALITY, _dimension("insight/quality/aggregation"), *_PARTS, _PRODUCT),
    limits=plans.QUALITY_AGGREGATION,
    counter="insight/quality/aggregation",
    source=f"{_PAGE}#query-aggregated-quality-metrics",
)
"""How good the calls of a product were in a range, by a dimension or in all."""

REALTIME_USAGE_2024 = attrs.evolve(
    INSIGHT_USAGE_2024,
    name="realtime/usage/by_time_20sec",
    path="/beta/realtime/usage/by_time_20sec",
    params=(_PRODUCT, attrs.evolve(_USERS, values=("userCount", "channelCount")), *_OF_DIMENSION, _CNAME),
    limits=plans.REALTIME,
    counter="realtime/usage/by_time_20sec",
    source=f"{_PAGE}#query-real-time-scale-metrics",
)
"""How much a product is used just now, in buckets of 20 s."""

REALTIME_QUALITY_2024 = attrs.evolve(
    REALTIME_USAGE_2024,
    name="realtime/quality/by_time_20sec",
    path="/beta/realtime/quality/by_time_20sec",
    params=(
        *(_PRODUCT, _QUALITY, *_OF_DIMENSION, _CNAME),
        Param(name="uids", kind="list", most=UIDS, needs="cname", unsigned=True),
    ),
    counter="realtime/quality/by_time_20sec",
    source=f"{_PAGE}#query-real-time-quality-metrics",
)
"""How good the calls of a product are just now, in buckets of 20 s; of single users if it is about one channel."""

REALTIME_USAGE_TOP_2024 = Endpoint(
    name="realtime/usage/dimension/top20",
    vendor="agora",
    generation="2024",
    model=Breakdown,
    path="/beta/realtime/usage/dimension/top20",
    payload="data",
    app=_APP,
    bounds=Bounds(start="ts", end="", strict=False),
    params=(_PRODUCT, _USERS, attrs.evolve(_REALTIME_DIMENSION, required=True)),
    paging=Unpaged(),
    limits=plans.REALTIME_TOP,
    counter="realtime/usage/dimension/top20",
    source=f"{_PAGE}#query-top-20-real-time-scale-metrics",
    read_on=_READ_ON,
)
"""The parts of a dimension with the most users in the 20 s from the start; of a longer range, in each 20 s."""

REALTIME_QUALITY_TOP_2024 = attrs.evolve(
    REALTIME_USAGE_TOP_2024,
    name="realtime/quality/dimension/top20",
    path="/beta/realtime/quality/dimension/top20",
    params=(
        *(_PRODUCT, _QUALITY, attrs.evolve(_REALTIME_DIMENSION, required=True)),
        Param(name="extraMetrics", values=("userCount",)),
    ),
    counter="realtime/quality/dimension/top20",
    source=f"{_PAGE}#query-top-20-real-time-quality-metrics",
)
"""One figure for the leading parts of a dimension in the 20 s from the start; `extraMetrics="userCount"` adds users."""
