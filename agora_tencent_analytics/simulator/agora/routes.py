"""Which endpoints a simulated Agora has, generation by generation.

One table row for each endpoint, read from the pages of each generation. What is not in a generation's table is
answered with 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import attrs

from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.simulator.agora import calls, generation_2021, insight, realtime, statistics
from agora_tencent_analytics.simulator.agora.question import CAMEL, SNAKE, Route

_CALLS = (*SNAKE, "appid")
_CALL = (*_CALLS, "call_id")
_TIMES = (*CAMEL, "appid")
_PAGES = ("page_no", "page_size")
_BREAKDOWN = ("dimension", "dimensionValues")

_LISTS = Route(
    answer=calls.lists, row=plans.CALL_LISTS, required=_CALLS, optional=("cname", *_PAGES), window=SNAKE, inspects=True
)
_SESSIONS = Route(
    answer=calls.sessions,
    row=plans.CALL_DETAIL,
    required=_CALL,
    optional=(*_PAGES, "uids", "exclude_server_user"),
    window=SNAKE,
    inspects=True,
)
_METRICS = attrs.evolve(_SESSIONS, answer=calls.metrics, required=(*_CALL, "sids"), optional=())
_STATISTICS = attrs.evolve(
    _SESSIONS, answer=statistics.by_dimension, required=(*_CALL, "metric", "dimension"), optional=()
)
_BUCKETS = attrs.evolve(_STATISTICS, answer=statistics.freeze_buckets, required=(*_CALL, "metric"))
_MINUTES = attrs.evolve(_BUCKETS, answer=statistics.by_minute)

_USAGE = Route(
    answer=insight.usage_by_time, row=plans.INSIGHT_USAGE, required=(*_TIMES, "metric", "aggregateGranularity")
)
_QUALITY = attrs.evolve(
    _USAGE,
    answer=insight.quality_by_time,
    row=plans.INSIGHT_QUALITY,
    required=(*_USAGE.required, "productType"),
)
_USAGE_IN_ALL = Route(
    answer=insight.usage_aggregation,
    row=plans.USAGE_AGGREGATION,
    required=(*_TIMES, "metric"),
    optional=(*_BREAKDOWN, "filters"),
    method="POST",
)
_QUALITY_IN_ALL = attrs.evolve(
    _USAGE_IN_ALL,
    answer=insight.quality_aggregation,
    row=plans.QUALITY_AGGREGATION,
    required=(*_USAGE_IN_ALL.required, "productType"),
)

_SCALE_NOW = Route(
    answer=realtime.usage_by_20_seconds,
    row=plans.REALTIME,
    required=(*_TIMES, "productType", "metric"),
    optional=("cname", *_BREAKDOWN),
)
_QUALITY_NOW = attrs.evolve(_SCALE_NOW, answer=realtime.quality_by_20_seconds, optional=("cname", "uids", *_BREAKDOWN))
_TOP_SCALE = Route(
    answer=realtime.usage_top,
    row=plans.REALTIME_TOP,
    required=("ts", "appid", "productType", "metric", "dimension"),
    window=("ts",),
    covers_s=realtime.WINDOW_S,
)
_TOP_QUALITY = attrs.evolve(_TOP_SCALE, answer=realtime.quality_top, optional=("extraMetrics",))

_live = partial(Route, row=plans.LIVE, required=(*_CALLS, "metric"), window=SNAKE)

_NEWEST = attrs.evolve(_LISTS, optional=("cname",))

_OF_2021_03 = {
    "call/lists": _NEWEST,
    "call/details": attrs.evolve(
        _SESSIONS, answer=calls.details, optional=("exclude_server_user", "exclude_metrics_info")
    ),
    "insight/usage/by_time": _live(answer=generation_2021.usage_by_day, row=plans.INSIGHT_USAGE),
    "live/scale/by_time": _live(answer=partial(generation_2021.by_minute, known=generation_2021.SCALE)),
    "live/experience/by_time": _live(answer=partial(generation_2021.by_minute, known=generation_2021.EXPERIENCE)),
    "live/net/by_time": _live(answer=partial(generation_2021.by_minute, known=generation_2021.NET)),
    "live/diagnosis": _live(answer=generation_2021.diagnosis, required=_CALLS),
}
_OF_2021_07 = {
    "call/lists": _NEWEST,
    "call/sessions": _SESSIONS,
    "call/metrics": _METRICS,
    "insight/usage/by_time": _USAGE,
    "insight/quality/by_time": _QUALITY,
}
_OF_2022 = {
    **_OF_2021_07,
    "call/lists": _LISTS,
    "realtime/usage/by_time_20sec": attrs.evolve(_SCALE_NOW, optional=("cname",)),
    "realtime/quality/by_time_20sec": attrs.evolve(_QUALITY_NOW, optional=("cname", "uids")),
}
_OF_2024 = {
    **_OF_2022,
    "call/statistics": _STATISTICS,
    "call/freeze/bucket": _BUCKETS,
    "call/statistics/time": _MINUTES,
    "insight/usage/aggregation": _USAGE_IN_ALL,
    "insight/quality/aggregation": _QUALITY_IN_ALL,
    "realtime/usage/by_time_20sec": _SCALE_NOW,
    "realtime/quality/by_time_20sec": _QUALITY_NOW,
    "realtime/usage/dimension/top20": _TOP_SCALE,
    "realtime/quality/dimension/top20": _TOP_QUALITY,
}

ROUTES: Mapping[str, Mapping[str, Route]] = {
    "2024": _OF_2024,
    "2022": _OF_2022,
    "2021-07": _OF_2021_07,
    "2021-03": _OF_2021_03,
}
"""Endpoints by generation and name; those about calls are found under `/beta/analytics/`, the others under `/beta/`."""
