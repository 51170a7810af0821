"""Agora's table of questions. One row is one question as the vendor limits it; a new question is one row.

Read from the English reference and the vendor's OpenAPI description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS
from agora_tencent_analytics.endpoint import Bounds, Endpoint, PageNumber, Param, Unpaged
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import MetricSeries

__all__ = ["CALL_LISTS_2024", "CALL_METRICS_2024", "CALL_SESSIONS_2024", "ENDPOINTS", "SIDS", "UIDS"]

UIDS = 10
"""The most user ids of one request for sessions."""
SIDS = 20
"""The most session ids of one request for metrics."""

_PAGE = "https://docs.agora.io/en/agora-analytics/reference/api"
_READ_ON = "2026-09-14"
_APP = Param(name="appid", required=True)
_BOUNDS = Bounds(start="start_ts", end="end_ts", strict=True)
_PAGING = PageNumber(number="page_no", size="page_size", base=1, total="listing")
_CALL_ID = Param(name="call_id", required=True)

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
    limits=CALL_LISTS,
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
    params=(_CALL_ID, Param(name="uids", kind="list", most=UIDS), Param(name="exclude_server_user", kind="flag")),
    paging=_PAGING,
    limits=CALL_DETAIL,
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
    limits=CALL_DETAIL,
    counter="call/metrics",
    source=f"{_PAGE}#get-quality-metrics",
    read_on=_READ_ON,
)
"""The metric series of sessions of a call."""

ENDPOINTS: Mapping[str, Endpoint[Any]] = {
    row.name: row for row in (CALL_LISTS_2024, CALL_SESSIONS_2024, CALL_METRICS_2024)
}
"""All rows by name."""
