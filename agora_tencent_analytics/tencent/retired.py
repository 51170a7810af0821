"""Questions that Tencent has withdrawn, each by its difference from the one that replaced it.

Until 2022 numbers travelled as text. An account to which the vendor still answers may ask them; from any other the
vendor's refusal comes back with the name of the successor. The `*MetricData` actions of the dashboard ended with the
monitoring service behind them, the last of them on 2025-11-18.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from agora_tencent_analytics.endpoint import Endpoint, PageNumber, Param
from agora_tencent_analytics.tencent import plans
from agora_tencent_analytics.tencent.calls import (
    CALL_DETAIL,
    CALL_DETAIL_METRICS,
    ROOM_INFO,
    UNUSUAL_EVENT,
    USER_EVENT,
    USER_INFO,
)
from agora_tencent_analytics.tencent.dashboard import (
    MARKET_QUALITY,
    MARKET_SCALE,
    REALTIME_QUALITY,
    REALTIME_SCALE,
    SCALE_INFO,
)

__all__ = [
    "ABNORMAL_EVENT_2021",
    "CALL_DETAIL_2021",
    "CALL_DETAIL_METRICS_2021",
    "CALL_DETAIL_OF_USERS_2021",
    "DETAIL_EVENT_2021",
    "HISTORY_SCALE_2021",
    "MARKET_QUALITY_2023",
    "MARKET_SCALE_2023",
    "REALTIME_QUALITY_2023",
    "REALTIME_SCALE_2023",
    "RETIRED",
    "ROOM_INFORMATION_2021",
    "USER_INFORMATION_2021",
]

_READ_ON: Final = "2021-10-27"
_DATA_TYPES: Final = (
    *("all", "appCpu", "sysCpu", "aBit", "aBlock", "bigvBit", "bigvCapFps", "bigvEncFps", "bigvDecFps", "bigvBlock"),
    *("aLoss", "bigvLoss", "bigvWidth", "bigvHeight"),
)
_APP_AS_TEXT = Param(name="SdkAppId", kind="text", required=True)
_TEXT_PAGES = PageNumber(number="PageNumber", size="PageSize", base=0, total="hint", as_text=True)

ROOM_INFORMATION_2021 = attrs.evolve(
    ROOM_INFO,
    name="DescribeRoomInformation",
    generation="2021",
    action="DescribeRoomInformation",
    app=_APP_AS_TEXT,
    paging=attrs.evolve(_TEXT_PAGES, total="page"),
    counter="DescribeRoomInformation",
    read_on=_READ_ON,
    retired="DescribeRoomInfo",
)
"""The calls of an app, as asked until 2022."""

USER_INFORMATION_2021 = attrs.evolve(
    USER_INFO,
    name="DescribeUserInformation",
    generation="2021",
    action="DescribeUserInformation",
    app=_APP_AS_TEXT,
    paging=_TEXT_PAGES,
    counter="DescribeUserInformation",
    read_on=_READ_ON,
    retired="DescribeUserInfo",
)
"""The sessions of a call, as asked until 2022."""

CALL_DETAIL_METRICS_2021 = attrs.evolve(
    CALL_DETAIL_METRICS,
    name="DescribeCallDetail with DataType",
    generation="2021",
    action="DescribeCallDetail",
    app=_APP_AS_TEXT,
    bounds=CALL_DETAIL.bounds,  # "must not be more than 1 hour apart", where the page of today says "less than"
    params=tuple(
        attrs.evolve(param, values=_DATA_TYPES) if param.name == "DataType" else param
        for param in CALL_DETAIL_METRICS.params
    ),
    paging=_TEXT_PAGES,
    limits=plans.CALL_DETAIL_METRICS_2021,
    counter="DescribeCallDetail",
    source="https://www.tencentcloud.com/document/product/647/36759",
    read_on=_READ_ON,
    retired="DescribeCallDetailInfo",
)
"""The metric series of users of a call, as asked until 2022."""

CALL_DETAIL_2021 = attrs.evolve(
    CALL_DETAIL,
    name="DescribeCallDetail without DataType",
    generation="2021",
    action="DescribeCallDetail",
    app=_APP_AS_TEXT,
    # A page with UserIds has 6 users, not 100: that is the next row.
    params=tuple(param for param in CALL_DETAIL.params if param.name != "UserIds"),
    paging=_TEXT_PAGES,
    limits=plans.CALL_DETAIL_2021,
    counter="DescribeCallDetail",
    source="https://www.tencentcloud.com/document/product/647/36759",
    read_on=_READ_ON,
    retired="DescribeCallDetailInfo",
)
"""The sessions of a call, by the action that also had the metrics, as asked until 2022."""

CALL_DETAIL_OF_USERS_2021 = attrs.evolve(
    CALL_DETAIL_2021,
    name="DescribeCallDetail without DataType of users",
    params=tuple(
        attrs.evolve(param, required=True, most=6) if param.name == "UserIds" else param for param in CALL_DETAIL.params
    ),
    limits=plans.CALL_DETAIL_METRICS_2021,  # the figures that one row of the page has for DataType and for UserIds
)
"""The sessions of up to six users of a call, six to a page, as asked until 2022."""

DETAIL_EVENT_2021 = attrs.evolve(
    USER_EVENT,
    name="DescribeDetailEvent",
    generation="2021",
    action="DescribeDetailEvent",
    app=Param(name=""),
    counter="DescribeDetailEvent",
    read_on=_READ_ON,
    retired="DescribeUserEvent",
)
"""The events of a user in a call, as asked until 2022: the call alone named the app."""

ABNORMAL_EVENT_2021 = attrs.evolve(
    UNUSUAL_EVENT,
    name="DescribeAbnormalEvent",
    generation="2021",
    action="DescribeAbnormalEvent",
    app=_APP_AS_TEXT,
    counter="DescribeAbnormalEvent",
    read_on=_READ_ON,
    retired="DescribeUnusualEvent",
)
"""A sample of bad moments, as asked until 2022."""

HISTORY_SCALE_2021 = attrs.evolve(
    SCALE_INFO,
    name="DescribeHistoryScale",
    generation="2021",
    action="DescribeHistoryScale",
    app=_APP_AS_TEXT,
    counter="DescribeHistoryScale",
    read_on=_READ_ON,
    retired="DescribeScaleInfo",
)
"""Users, sessions and rooms by day, as asked until 2022."""

REALTIME_SCALE_2023 = attrs.evolve(
    REALTIME_SCALE,
    name="DescribeTRTCRealTimeScaleMetricData",
    generation="2023",
    action="DescribeTRTCRealTimeScaleMetricData",
    counter="DescribeTRTCRealTimeScaleMetricData",
    retired="DescribeTRTCRealTimeScaleData",
)
"""Users and rooms online in the last hours, as asked until 2025."""

REALTIME_QUALITY_2023 = attrs.evolve(
    REALTIME_QUALITY,
    name="DescribeTRTCRealTimeQualityMetricData",
    generation="2023",
    action="DescribeTRTCRealTimeQualityMetricData",
    counter="DescribeTRTCRealTimeQualityMetricData",
    retired="DescribeTRTCRealTimeQualityData",
)
"""Freeze rates in the last hours, as asked until 2025."""

MARKET_SCALE_2023 = attrs.evolve(
    MARKET_SCALE,
    name="DescribeTRTCMarketScaleMetricData",
    generation="2023",
    action="DescribeTRTCMarketScaleMetricData",
    counter="DescribeTRTCMarketScaleMetricData",
    source="https://cloud.tencent.com/document/api/647/82404",
    retired="DescribeTRTCMarketScaleData",
)
"""Users and rooms by day or hour, as asked until 2025."""

MARKET_QUALITY_2023 = attrs.evolve(
    MARKET_QUALITY,
    name="DescribeTRTCMarketQualityMetricData",
    generation="2023",
    action="DescribeTRTCMarketQualityMetricData",
    params=tuple(param for param in MARKET_QUALITY.params if param.name != "IsFloat"),
    counter="DescribeTRTCMarketQualityMetricData",
    retired="DescribeTRTCMarketQualityData",
)
"""Rates by day or hour, in whole percents, as asked until 2025."""

RETIRED: tuple[Endpoint[Any], ...] = (
    ROOM_INFORMATION_2021,
    USER_INFORMATION_2021,
    CALL_DETAIL_METRICS_2021,
    CALL_DETAIL_2021,
    CALL_DETAIL_OF_USERS_2021,
    DETAIL_EVENT_2021,
    ABNORMAL_EVENT_2021,
    HISTORY_SCALE_2021,
    REALTIME_SCALE_2023,
    REALTIME_QUALITY_2023,
    MARKET_SCALE_2023,
    MARKET_QUALITY_2023,
)
"""All rows of this file."""
