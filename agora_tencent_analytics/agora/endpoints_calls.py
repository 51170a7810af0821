"""Agora's questions of today about calls: lists, sessions, series and statistics of one call.

Read from the English reference and the vendor's OpenAPI description of the same endpoints. These questions spell names
with underscores, all others in camel case.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.agora import plans
from agora_tencent_analytics.agora.question_metrics import CALL_METRICS
from agora_tencent_analytics.agora.reference_tables import dimensions_listed
from agora_tencent_analytics.endpoint import Bounds, Endpoint, PageNumber, Param, Unpaged
from agora_tencent_analytics.figures import Breakdown, Figures
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import MetricSeries

__all__ = [
    "CALL_FREEZE_BUCKET_2024",
    "CALL_LISTS_2024",
    "CALL_METRICS_2024",
    "CALL_SESSIONS_2024",
    "CALL_STATISTICS_2024",
    "CALL_STATISTICS_TIME_2024",
    "SIDS",
    "UIDS",
]

UIDS = 10
"""The most user ids of one request for sessions, or for figures of users."""
SIDS = 20
"""The most session ids of one request for metrics."""

_PAGE = "https://docs.agora.io/en/agora-analytics/reference/api"
_READ_ON = "2026-09-14"
_APP = Param(name="appid", required=True)
_BOUNDS = Bounds(start="start_ts", end="end_ts", strict=True)
_PAGING = PageNumber(number="page_no", size="page_size", base=1, total="listing")
_CALL_ID = Param(name="call_id", required=True)
_FREEZE = Param(name="metric", required=True, values=("audio_freeze_rate", "video_freeze_rate"))

CALL_LISTS_2024 = Endpoint(
    name="call/lists",
    vendor="agora",
    generation="2024",
    model=Call,
    path="/beta/analytics/call/lists",
    payload="call_lists",
    key=("call_id",),
    app=_APP,
    bounds=_BOUNDS,
    params=(Param(name="cname"),),
    paging=_PAGING,
    limits=plans.CALL_LISTS,
    counter="call/lists",
    source=f"{_PAGE}#get-call-list",
    read_on=_READ_ON,
)
"""The calls of an app, newest first."""

CALL_SESSIONS_2024 = Endpoint(
    name="call/sessions",
    vendor="agora",
    generation="2024",
    model=Session,
    path="/beta/analytics/call/sessions",
    payload="call_info",
    key=("session_id",),
    app=_APP,
    bounds=_BOUNDS,
    params=(
        _CALL_ID,
        Param(name="uids", kind="list", most=UIDS, unsigned=True),
        Param(name="exclude_server_user", kind="flag"),
    ),
    paging=_PAGING,
    limits=plans.CALL_DETAIL,
    counter="call/sessions",
    source=f"{_PAGE}#get-session-details",
    read_on=_READ_ON,
)
"""The sessions of a call, latest to join first. The vendor hides Linux users unless told not to."""

CALL_METRICS_2024 = Endpoint(
    name="call/metrics",
    vendor="agora",
    generation="2024",
    model=MetricSeries,
    path="/beta/analytics/call/metrics",
    payload="metrics",
    app=_APP,
    bounds=_BOUNDS,
    params=(_CALL_ID, Param(name="sids", kind="list", required=True, most=SIDS)),
    paging=Unpaged(),
    limits=plans.CALL_DETAIL,
    counter="call/metrics",
    source=f"{_PAGE}#get-quality-metrics",
    read_on=_READ_ON,
)
"""The metric series of sessions of a call."""

CALL_STATISTICS_2024 = Endpoint(
    name="call/statistics",
    vendor="agora",
    generation="2024",
    model=Breakdown,
    path="/beta/analytics/call/statistics",
    payload="data",
    app=_APP,
    bounds=_BOUNDS,
    params=(
        _CALL_ID,
        _FREEZE,
        Param(name="dimension", required=True, values=dimensions_listed("/beta/analytics/call/statistics")),
    ),
    paging=Unpaged(),
    limits=plans.CALL_DETAIL,
    counter="call/statistics",
    source=_PAGE,
    read_on=_READ_ON,
)
"""One figure of a call for each part of a dimension, with the users behind it."""

CALL_FREEZE_BUCKET_2024 = attrs.evolve(
    CALL_STATISTICS_2024,
    name="call/freeze/bucket",
    path="/beta/analytics/call/freeze/bucket",
    params=(_CALL_ID, _FREEZE),
    counter="call/freeze/bucket",
)
"""How many users of a call froze how much: the dimension is the vendor's `bucket`, which is `[0%,3%)`, `[3%,5%)`,
`[5%,10%)` or `[10%,100%)`. Empty buckets are left out."""

CALL_STATISTICS_TIME_2024 = Endpoint(
    name="call/statistics/time",
    vendor="agora",
    generation="2024",
    model=Figures,
    path="/beta/analytics/call/statistics/time",
    payload="data",
    app=_APP,
    bounds=_BOUNDS,
    params=(_CALL_ID, Param(name="metric", required=True, values=tuple(CALL_METRICS))),
    paging=Unpaged(),
    limits=plans.CALL_DETAIL,
    counter="call/statistics/time",
    source=_PAGE,
    read_on=_READ_ON,
)
"""One figure of a call over time. The vendor does not sort it, nor say how wide a bucket is."""
