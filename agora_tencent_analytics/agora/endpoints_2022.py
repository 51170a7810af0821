"""Agora's questions as of 2022: seven, without dimensions, aggregation or statistics of calls.

Rows of today with what the page of that year printed otherwise.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.agora import endpoints_calls, endpoints_figures
from agora_tencent_analytics.agora.endpoints_2021_07 import DAYS, USAGE_METRIC
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.figures import Figures

__all__ = [
    "CALL_LISTS_2022",
    "CALL_METRICS_2022",
    "CALL_SESSIONS_2022",
    "INSIGHT_QUALITY_2022",
    "INSIGHT_USAGE_2022",
    "REALTIME_QUALITY_2022",
    "REALTIME_USAGE_2022",
    "ROWS_2022",
]

_READ_ON = "2022-10-11"


def _realtime(row: Endpoint[Figures]) -> Endpoint[Figures]:
    """As today, without dimensions. The page lists `cname` as required, and says what happens if it is left out."""
    params = tuple(param for param in row.params if not param.name.startswith("dimension"))
    return attrs.evolve(row, generation="2022", params=params, read_on=_READ_ON)


CALL_LISTS_2022 = attrs.evolve(endpoints_calls.CALL_LISTS_2024, generation="2022", read_on=_READ_ON)
"""The calls of an app, newest first."""

CALL_SESSIONS_2022 = attrs.evolve(endpoints_calls.CALL_SESSIONS_2024, generation="2022", read_on=_READ_ON)
"""The sessions of a call, latest to join first."""

CALL_METRICS_2022 = attrs.evolve(endpoints_calls.CALL_METRICS_2024, generation="2022", read_on=_READ_ON)
"""The metric series of sessions of a call."""

INSIGHT_USAGE_2022 = attrs.evolve(
    endpoints_figures.INSIGHT_USAGE_2024, generation="2022", params=(USAGE_METRIC, DAYS), read_on=_READ_ON
)
"""How much the app was used. Its limits promise hours; `aggregateGranularity` takes days only."""

INSIGHT_QUALITY_2022 = attrs.evolve(endpoints_figures.INSIGHT_QUALITY_2024, generation="2022", read_on=_READ_ON)
"""How good the calls of a product were, by hour or day."""

REALTIME_USAGE_2022 = _realtime(endpoints_figures.REALTIME_USAGE_2024)
"""How much a product is used just now, in buckets of 20 s."""

REALTIME_QUALITY_2022 = _realtime(endpoints_figures.REALTIME_QUALITY_2024)
"""How good the calls of a product are just now, in buckets of 20 s."""

ROWS_2022 = (
    CALL_LISTS_2022,
    CALL_SESSIONS_2022,
    CALL_METRICS_2022,
    INSIGHT_USAGE_2022,
    INSIGHT_QUALITY_2022,
    REALTIME_USAGE_2022,
    REALTIME_QUALITY_2022,
)
"""Every question of 2022."""
