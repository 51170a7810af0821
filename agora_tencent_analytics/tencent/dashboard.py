"""Tencent's questions about an app as a whole, as its monitoring dashboard shows them: one row each.

Holds the rows of `DescribeScaleInfo`, `DescribeTRTCRealTime*` and `DescribeTRTCMarket*`. The dashboard spells the app
as text, and the days of `DescribeTRTCMarket*` are days of UTC+8: the vendor's pages say UTC, its examples do not.
"""

from __future__ import annotations

from typing import Any, Final

from agora_tencent_analytics.endpoint import Bounds, Endpoint, Param, Unpaged
from agora_tencent_analytics.figures import Figures
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.tencent import plans

__all__ = [
    "DASHBOARD",
    "MARKET_QUALITY",
    "MARKET_SCALE",
    "REALTIME_QUALITY",
    "REALTIME_SCALE",
    "SCALE_INFO",
    "ZONE_S",
]

ZONE_S: Final = 8 * HOUR
"""Where the vendor's days begin, seconds east of UTC."""

_READ_ON: Final = "2026-08-21"
_SECONDS = Bounds(start="StartTime", end="EndTime", strict=False)
_DAYS = Bounds(start="StartTime", end="EndTime", strict=False, form="day", zone_s=ZONE_S)
_APP_AS_TEXT = Param(name="SdkAppId", kind="text", required=True)
_ROOM = Param(name="RoomId")
_PERIOD = Param(name="Period", required=True, values=("d", "h"))

SCALE_INFO = Endpoint(
    name="DescribeScaleInfo",
    vendor="tencent",
    generation="2019-07-22",
    model=Figures,
    method="POST",
    path="/",
    action="DescribeScaleInfo",
    payload="ScaleList",
    app=Param(name="SdkAppId", kind="integer", required=True),
    bounds=_SECONDS,
    paging=Unpaged(),
    limits=plans.SCALE_INFO,
    counter="DescribeScaleInfo",
    source="https://www.tencentcloud.com/document/product/647/36758",
    read_on=_READ_ON,
)
"""Users, sessions and rooms by day; a day is listed once it is over, under its first second."""

REALTIME_SCALE = Endpoint(
    name="DescribeTRTCRealTimeScaleData",
    vendor="tencent",
    generation="2019-07-22",
    model=Figures,
    method="POST",
    path="/",
    action="DescribeTRTCRealTimeScaleData",
    payload="Data",
    app=_APP_AS_TEXT,
    bounds=_SECONDS,
    params=(_ROOM,),
    paging=Unpaged(),
    limits=plans.REALTIME,
    counter="DescribeTRTCRealTimeScaleData",
    source="https://www.tencentcloud.com/document/product/647/58628",
    read_on=_READ_ON,
)
"""Users and rooms online in the last hours, every few seconds."""

REALTIME_QUALITY = Endpoint(
    name="DescribeTRTCRealTimeQualityData",
    vendor="tencent",
    generation="2019-07-22",
    model=Figures,
    method="POST",
    path="/",
    action="DescribeTRTCRealTimeQualityData",
    payload="Data",
    app=_APP_AS_TEXT,
    bounds=_SECONDS,
    params=(_ROOM,),
    paging=Unpaged(),
    limits=plans.REALTIME,
    counter="DescribeTRTCRealTimeQualityData",
    source="https://cloud.tencent.com/document/api/647/97440",
    read_on=_READ_ON,
)
"""Freeze rates of audio and video in the last hours, every few seconds."""

MARKET_SCALE = Endpoint(
    name="DescribeTRTCMarketScaleData",
    vendor="tencent",
    generation="2019-07-22",
    model=Figures,
    method="POST",
    path="/",
    action="DescribeTRTCMarketScaleData",
    payload="Data",
    app=_APP_AS_TEXT,
    bounds=_DAYS,
    params=(_PERIOD,),
    paging=Unpaged(),
    limits=plans.MARKET,
    counter="DescribeTRTCMarketScaleData",
    source="https://cloud.tencent.com/document/api/647/97297",
    read_on=_READ_ON,
)
"""Users and rooms, and the most of them at a time; `Period` is `"d"` for days or `"h"` for hours."""

MARKET_QUALITY = Endpoint(
    name="DescribeTRTCMarketQualityData",
    vendor="tencent",
    generation="2019-07-22",
    model=Figures,
    method="POST",
    path="/",
    action="DescribeTRTCMarketQualityData",
    payload="Data",
    app=_APP_AS_TEXT,
    bounds=_DAYS,
    params=(_PERIOD, Param(name="IsFloat", kind="flag")),
    paging=Unpaged(),
    limits=plans.MARKET,
    counter="DescribeTRTCMarketQualityData",
    source="https://www.tencentcloud.com/document/product/647/58631",
    read_on=_READ_ON,
)
"""Rates of joining, freezing and delay; whole percents, unless `IsFloat=True` asks for their decimals too."""

DASHBOARD: tuple[Endpoint[Any], ...] = (SCALE_INFO, REALTIME_SCALE, REALTIME_QUALITY, MARKET_SCALE, MARKET_QUALITY)
"""All rows of this file."""
