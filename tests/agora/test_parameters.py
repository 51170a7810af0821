"""The parameters of every row, all of them, against the tables on the vendor's pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.endpoint import Endpoint, PageNumber
from tests.support.in_turn import in_turn

LISTS = ("start_ts end_ts appid", "cname")
SESSIONS = ("start_ts end_ts appid call_id", "page_no page_size uids exclude_server_user")
METRICS = ("start_ts end_ts appid call_id sids", "")
USAGE = ("startTs endTs appid metric aggregateGranularity", "")
QUALITY = ("startTs endTs appid metric aggregateGranularity productType", "")
REALTIME = "startTs endTs appid productType metric"
LIVE = ("start_ts end_ts appid metric", "")

# What a request must have, and what it may have besides.
TABLES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "2024": {
        "call/lists": (LISTS[0], "cname page_no page_size"),
        "call/sessions": SESSIONS,
        "call/metrics": METRICS,
        "call/statistics": ("call_id start_ts end_ts appid metric dimension", ""),
        "call/freeze/bucket": ("call_id start_ts end_ts appid metric", ""),
        "call/statistics/time": ("call_id start_ts end_ts appid metric", ""),
        "insight/usage/by_time": USAGE,
        "insight/quality/by_time": QUALITY,
        "insight/usage/aggregation": ("appid startTs endTs metric", "dimension dimensionValues filters"),
        "insight/quality/aggregation": (
            "appid startTs endTs metric productType",
            "dimension dimensionValues filters",
        ),
        "realtime/usage/by_time_20sec": (REALTIME, "dimension dimensionValues cname"),
        "realtime/quality/by_time_20sec": (REALTIME, "dimension dimensionValues cname uids"),
        "realtime/usage/dimension/top20": ("ts appid productType metric dimension", ""),
        "realtime/quality/dimension/top20": ("ts appid productType metric dimension", "extraMetrics"),
    },
    "2022": {
        "call/lists": (LISTS[0], "cname page_no page_size"),
        "call/sessions": SESSIONS,
        "call/metrics": METRICS,
        "insight/usage/by_time": USAGE,
        "insight/quality/by_time": QUALITY,
        "realtime/usage/by_time_20sec": (REALTIME, "cname"),
        "realtime/quality/by_time_20sec": (REALTIME, "cname uids"),
    },
    "2021-07": {
        "call/lists": LISTS,
        "call/sessions": SESSIONS,
        "call/metrics": METRICS,
        "insight/usage/by_time": USAGE,
        "insight/quality/by_time": QUALITY,
    },
    "2021-03": {
        "call/lists": LISTS,
        "call/details": ("start_ts end_ts appid call_id", "exclude_server_user exclude_metrics_info"),
        # The same table without the parameter that would leave the series out.
        "call/details with metrics": ("start_ts end_ts appid call_id", "exclude_server_user"),
        "insight/usage/by_time": LIVE,
        "live/scale/by_time": LIVE,
        "live/experience/by_time": LIVE,
        "live/net/by_time": LIVE,
        "live/diagnosis": ("start_ts end_ts appid", ""),
    },
}


@pytest.mark.parametrize("generation", GENERATION_ENDPOINTS)
def test_the_tables_are_those_of_every_row(generation: str) -> None:
    assert list(TABLES[generation]) == list(GENERATION_ENDPOINTS[generation])


@in_turn(
    ("generation", "row"),
    [(generation, row) for generation, rows in GENERATION_ENDPOINTS.items() for row in rows.values()],
)
def test_a_row_has_the_parameters_of_its_table_and_no_others(generation: str, row: Endpoint[Any]) -> None:
    required = {row.app.name, row.bounds.start, row.bounds.end} - {""}
    required |= {param.name for param in row.params if param.required}
    optional = {param.name for param in row.params if not param.required}
    if isinstance(row.paging, PageNumber):
        optional |= {row.paging.number, row.paging.size}
    printed = tuple(set(names.split()) for names in TABLES[generation][row.name])
    assert printed == (required, optional)
