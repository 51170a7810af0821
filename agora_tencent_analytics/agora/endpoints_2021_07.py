"""Agora's questions as of July 2021: calls without pages, the newest 100 to an answer; figures of days and hours.

Rows of today with what the page of that month printed otherwise.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.agora import endpoints_calls, endpoints_figures
from agora_tencent_analytics.endpoint import Newest, Param

__all__ = [
    "CALL_LISTS_2021_07",
    "CALL_METRICS_2021_07",
    "CALL_SESSIONS_2021_07",
    "INSIGHT_QUALITY_2021_07",
    "INSIGHT_USAGE_2021_07",
    "ROWS_2021_07",
]

_PAGE = "https://docs.agora.io/en/Agora%20Platform/aa_api?platform=All%20Platforms"
_READ_ON = "2021-07-22"
USAGE_METRIC = Param(
    name="metric",
    required=True,
    values=(
        *("userCount", "sessionCount", "channelCount", "peakCurrentChannels", "peakCurrentUsers"),
        *("totalDuration", "totalVideoDuration", "totalAudioDuration"),
    ),
)
"""What usage took until 2022: peaks in one spelling."""
DAYS = Param(name="aggregateGranularity", required=True, values=("1d",))
"""What usage took until 2022: hours came later."""

CALL_LISTS_2021_07 = attrs.evolve(
    endpoints_calls.CALL_LISTS_2024,
    generation="2021-07",
    paging=Newest(most=100, at="created_ts"),
    source=f"{_PAGE}#get-call-list",
    read_on=_READ_ON,
)
"""The newest 100 calls of an app."""

CALL_SESSIONS_2021_07 = attrs.evolve(
    endpoints_calls.CALL_SESSIONS_2024, generation="2021-07", source=f"{_PAGE}#get-session-details", read_on=_READ_ON
)
"""The sessions of a call, latest to join first."""

CALL_METRICS_2021_07 = attrs.evolve(
    endpoints_calls.CALL_METRICS_2024, generation="2021-07", source=f"{_PAGE}#get-quality-metrics", read_on=_READ_ON
)
"""The metric series of sessions of a call."""

INSIGHT_USAGE_2021_07 = attrs.evolve(
    endpoints_figures.INSIGHT_USAGE_2024,
    generation="2021-07",
    params=(USAGE_METRIC, DAYS),
    source=f"{_PAGE}#query-usage-metrics",
    read_on=_READ_ON,
)
"""How much the app was used, by day."""

INSIGHT_QUALITY_2021_07 = attrs.evolve(
    endpoints_figures.INSIGHT_QUALITY_2024,
    generation="2021-07",
    source=f"{_PAGE}#query-quality-metrics",
    read_on=_READ_ON,
)
"""How good the calls of a product were, by hour or day."""

ROWS_2021_07 = (
    CALL_LISTS_2021_07,
    CALL_SESSIONS_2021_07,
    CALL_METRICS_2021_07,
    INSIGHT_USAGE_2021_07,
    INSIGHT_QUALITY_2021_07,
)
"""Every question of July 2021."""
