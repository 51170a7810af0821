"""Which endpoints a simulated Agora has, generation by generation.

One table row for each endpoint, read from the pages of each generation. What is not in a generation's table is
answered with 404.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.simulator.agora import calls, figures, generation_2021
from agora_tencent_analytics.simulator.agora.question import Route
from agora_tencent_analytics.simulator.world.figures import EXCELLENT

_CALLS = "start_ts end_ts appid"
_CALL = f"{_CALLS} call_id"
_DAYS = "startTs endTs appid metric"
_NOW = "startTs endTs appid productType metric"
_TOP = "ts appid productType metric dimension"
_PAGES = "page_no page_size"
_BREAKDOWN = "dimension dimensionValues"

_LATEST = Route(calls.lists, plans.CALL_LISTS, _CALLS, "cname")
_scale_now = partial(Route, figures.usage_by_20_seconds, plans.REALTIME, _NOW)
_quality_now = partial(Route, figures.quality_by_20_seconds, plans.REALTIME, _NOW)


def _by_minute(known: Collection[str]) -> Route:
    return Route(partial(generation_2021.by_minute, known=known), plans.LIVE, f"{_CALLS} metric")


_OF_2021_03 = {
    "call/lists": _LATEST,
    "call/details": Route(calls.details, plans.CALL_DETAIL, _CALL, "exclude_server_user exclude_metrics_info"),
    "insight/usage/by_time": Route(generation_2021.usage_by_day, plans.INSIGHT_USAGE, f"{_CALLS} metric"),
    "live/scale/by_time": _by_minute(generation_2021.SCALE),
    "live/experience/by_time": _by_minute(generation_2021.EXPERIENCE),
    "live/net/by_time": _by_minute(EXCELLENT),
    "live/diagnosis": Route(generation_2021.diagnosis, plans.LIVE, _CALLS),
}
_OF_2021_07 = {
    "call/lists": _LATEST,
    "call/sessions": Route(calls.sessions, plans.CALL_DETAIL, _CALL, f"{_PAGES} uids exclude_server_user"),
    "call/metrics": Route(calls.metrics, plans.CALL_DETAIL, f"{_CALL} sids"),
    "insight/usage/by_time": Route(figures.usage_by_time, plans.INSIGHT_USAGE, f"{_DAYS} aggregateGranularity"),
    "insight/quality/by_time": Route(
        figures.quality_by_time, plans.INSIGHT_QUALITY, f"{_DAYS} aggregateGranularity productType"
    ),
}
_OF_2022 = {
    **_OF_2021_07,
    "call/lists": Route(calls.lists, plans.CALL_LISTS, _CALLS, f"cname {_PAGES}"),
    "realtime/usage/by_time_20sec": _scale_now("cname"),
    "realtime/quality/by_time_20sec": _quality_now("cname uids"),
}
_OF_2024 = {
    **_OF_2022,
    "call/statistics": Route(calls.statistics, plans.CALL_DETAIL, f"{_CALL} metric dimension"),
    "call/freeze/bucket": Route(calls.freeze_buckets, plans.CALL_DETAIL, f"{_CALL} metric"),
    "call/statistics/time": Route(calls.statistics_by_minute, plans.CALL_DETAIL, f"{_CALL} metric"),
    "insight/usage/aggregation": Route(
        figures.usage_aggregation, plans.USAGE_AGGREGATION, _DAYS, f"{_BREAKDOWN} filters", "POST"
    ),
    "insight/quality/aggregation": Route(
        figures.quality_aggregation, plans.QUALITY_AGGREGATION, f"{_DAYS} productType", f"{_BREAKDOWN} filters", "POST"
    ),
    "realtime/usage/by_time_20sec": _scale_now(f"cname {_BREAKDOWN}"),
    "realtime/quality/by_time_20sec": _quality_now(f"cname uids {_BREAKDOWN}"),
    "realtime/usage/dimension/top20": Route(figures.usage_top, plans.REALTIME_TOP, _TOP),
    "realtime/quality/dimension/top20": Route(figures.quality_top, plans.REALTIME_TOP, _TOP, "extraMetrics"),
}

ROUTES: Mapping[str, Mapping[str, Route]] = {
    "2024": _OF_2024,
    "2022": _OF_2022,
    "2021-07": _OF_2021_07,
    "2021-03": _OF_2021_03,
}
"""Endpoints by generation and name; those about calls are found under `/beta/analytics/`, the others under `/beta/`."""
