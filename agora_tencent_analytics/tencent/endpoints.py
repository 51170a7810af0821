"""Tencent's table of questions, gathered: about calls, about the app as a whole, about usage, and retired.

Holds the names under which the rows are known; the rows are in the files they are imported from. A new question is
one more row in one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.tencent.billing import (
    BILLING,
    MIX_TRANSCODING_USAGE,
    RECORDING_USAGE,
    RELAY_USAGE,
    ROOM_USAGE,
    TRTC_USAGE,
)
from agora_tencent_analytics.tencent.billing_services import (
    ACCELERATION_USAGE,
    AI_USAGE,
    MODERATION_USAGE,
    RECORD_STATISTIC,
    SERVICES,
    TRANSCODE_TIME,
)
from agora_tencent_analytics.tencent.calls import (
    CALL_DETAIL,
    CALL_DETAIL_METRICS,
    CALLS,
    ROOM_INFO,
    UNUSUAL_EVENT,
    USER_EVENT,
    USER_INFO,
    USERS_WITH_METRICS,
)
from agora_tencent_analytics.tencent.dashboard import (
    DASHBOARD,
    MARKET_QUALITY,
    MARKET_SCALE,
    REALTIME_QUALITY,
    REALTIME_SCALE,
    SCALE_INFO,
)
from agora_tencent_analytics.tencent.retired import (
    ABNORMAL_EVENT_2021,
    CALL_DETAIL_2021,
    CALL_DETAIL_METRICS_2021,
    CALL_DETAIL_OF_USERS_2021,
    DETAIL_EVENT_2021,
    HISTORY_SCALE_2021,
    MARKET_QUALITY_2023,
    MARKET_SCALE_2023,
    REALTIME_QUALITY_2023,
    REALTIME_SCALE_2023,
    RETIRED,
    ROOM_INFORMATION_2021,
    USER_INFORMATION_2021,
)

__all__ = [
    "ABNORMAL_EVENT_2021",
    "ACCELERATION_USAGE",
    "AI_USAGE",
    "CALL_DETAIL",
    "CALL_DETAIL_2021",
    "CALL_DETAIL_METRICS",
    "CALL_DETAIL_METRICS_2021",
    "CALL_DETAIL_OF_USERS_2021",
    "DETAIL_EVENT_2021",
    "ENDPOINTS",
    "HISTORY_SCALE_2021",
    "MARKET_QUALITY",
    "MARKET_QUALITY_2023",
    "MARKET_SCALE",
    "MARKET_SCALE_2023",
    "MIX_TRANSCODING_USAGE",
    "MODERATION_USAGE",
    "REALTIME_QUALITY",
    "REALTIME_QUALITY_2023",
    "REALTIME_SCALE",
    "REALTIME_SCALE_2023",
    "RECORDING_USAGE",
    "RECORD_STATISTIC",
    "RELAY_USAGE",
    "ROOM_INFO",
    "ROOM_INFORMATION_2021",
    "ROOM_USAGE",
    "SCALE_INFO",
    "TRANSCODE_TIME",
    "TRTC_USAGE",
    "UNUSUAL_EVENT",
    "USERS_WITH_METRICS",
    "USER_EVENT",
    "USER_INFO",
    "USER_INFORMATION_2021",
]

ENDPOINTS: Mapping[str, Endpoint[Any]] = {row.name: row for row in (*CALLS, *DASHBOARD, *BILLING, *SERVICES, *RETIRED)}
"""All rows by name."""
