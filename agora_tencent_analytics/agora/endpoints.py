"""Agora's table of questions. One row is one question as the vendor limits it; a new question is one row.

Holds the index: `ENDPOINTS` are today's rows by name, `GENERATION_ENDPOINTS` those of every generation of the API.
The rows of today are in `endpoints_calls.py` and `endpoints_figures.py`, older ones in a file for each generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from agora_tencent_analytics.agora import endpoints_calls, endpoints_figures
from agora_tencent_analytics.agora.endpoints_2021_03 import ROWS_2021_03
from agora_tencent_analytics.agora.endpoints_2021_07 import ROWS_2021_07
from agora_tencent_analytics.agora.endpoints_2022 import ROWS_2022
from agora_tencent_analytics.agora.endpoints_calls import (
    CALL_LISTS_2024,
    CALL_METRICS_2024,
    CALL_SESSIONS_2024,
    SIDS,
    UIDS,
)
from agora_tencent_analytics.endpoint import Endpoint

__all__ = [
    "CALL_LISTS_2024",
    "CALL_METRICS_2024",
    "CALL_SESSIONS_2024",
    "ENDPOINTS",
    "GENERATION_ENDPOINTS",
    "SIDS",
    "UIDS",
]

_ROWS: Mapping[str, tuple[Endpoint[Any], ...]] = {
    "2021-03": ROWS_2021_03,
    "2021-07": ROWS_2021_07,
    "2022": ROWS_2022,
    "2024": (
        CALL_LISTS_2024,
        CALL_SESSIONS_2024,
        CALL_METRICS_2024,
        endpoints_calls.CALL_STATISTICS_2024,
        endpoints_calls.CALL_FREEZE_BUCKET_2024,
        endpoints_calls.CALL_STATISTICS_TIME_2024,
        endpoints_figures.INSIGHT_USAGE_2024,
        endpoints_figures.INSIGHT_QUALITY_2024,
        endpoints_figures.USAGE_AGGREGATION_2024,
        endpoints_figures.QUALITY_AGGREGATION_2024,
        endpoints_figures.REALTIME_USAGE_2024,
        endpoints_figures.REALTIME_QUALITY_2024,
        endpoints_figures.REALTIME_USAGE_TOP_2024,
        endpoints_figures.REALTIME_QUALITY_TOP_2024,
    ),
}

GENERATION_ENDPOINTS: Mapping[str, Mapping[str, Endpoint[Any]]] = MappingProxyType(
    {generation: MappingProxyType({row.name: row for row in rows}) for generation, rows in _ROWS.items()}
)
"""All rows by generation and name."""

ENDPOINTS: Mapping[str, Endpoint[Any]] = GENERATION_ENDPOINTS["2024"]
"""The rows of today by name."""
