"""Tencent's questions about what was used and will be billed: one row each.

Their days and minutes are read as those of UTC+8, the vendor's own; its pages name no zone. A request for one day is
answered in buckets of five minutes, a longer one in days, so a range of 32 days has both.

The app is always sent. The vendor sums up all apps of the account if it is not: ask a row without one for that,
`attrs.evolve(TRTC_USAGE, app=Param(name=""))`.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from agora_tencent_analytics.endpoint import Bounds, Endpoint, Param, Unpaged
from agora_tencent_analytics.figures import Figures
from agora_tencent_analytics.tencent import plans
from agora_tencent_analytics.tencent.dashboard import ZONE_S
from agora_tencent_analytics.tencent.usage import RoomUsage

__all__ = [
    "BILLING",
    "MIX_TRANSCODING_USAGE",
    "RECORDING_USAGE",
    "RELAY_USAGE",
    "ROOM_USAGE",
    "TRTC_USAGE",
]

_READ_ON: Final = "2026-08-21"

TRTC_USAGE = Endpoint(
    name="DescribeTrtcUsage",
    vendor="tencent",
    generation="2019-07-22",
    model=Figures,
    method="POST",
    path="/",
    action="DescribeTrtcUsage",
    payload="UsageList",
    app=Param(name="SdkAppId", kind="integer"),
    bounds=Bounds(start="StartTime", end="EndTime", strict=False, form="day", zone_s=ZONE_S),
    paging=Unpaged(),
    limits=plans.USAGE,
    counter="DescribeTrtcUsage",
    source="https://www.tencentcloud.com/document/product/647/54137",
    read_on=_READ_ON,
)
"""Minutes of audio and of each size of video."""

RECORDING_USAGE = attrs.evolve(
    TRTC_USAGE,
    name="DescribeRecordingUsage",
    action="DescribeRecordingUsage",
    params=(Param(name="MixType", required=True, values=("single", "multi")),),
    counter="DescribeRecordingUsage",
    source="https://www.tencentcloud.com/document/product/647/54139",
)
"""Minutes recorded; `MixType` is `"single"` for single streams or `"multi"` for mixed ones."""

MIX_TRANSCODING_USAGE = attrs.evolve(
    TRTC_USAGE,
    name="DescribeMixTranscodingUsage",
    action="DescribeMixTranscodingUsage",
    counter="DescribeMixTranscodingUsage",
    source="https://www.tencentcloud.com/document/product/647/54140",
)
"""Minutes mixed and transcoded."""

RELAY_USAGE = attrs.evolve(
    TRTC_USAGE,
    name="DescribeRelayUsage",
    action="DescribeRelayUsage",
    counter="DescribeRelayUsage",
    source="https://www.tencentcloud.com/document/product/647/54138",
)
"""What was relayed to content delivery networks."""

ROOM_USAGE = Endpoint(
    name="DescribeTrtcRoomUsage",
    vendor="tencent",
    generation="2019-07-22",
    model=RoomUsage,
    method="POST",
    path="/",
    action="DescribeTrtcRoomUsage",
    payload="Data",
    app=Param(name="SdkAppid", kind="integer", required=True),
    bounds=Bounds(start="StartTime", end="EndTime", strict=False, form="minute", zone_s=ZONE_S, one_day=True),
    paging=Unpaged(),
    limits=plans.ROOM_USAGE,
    counter="DescribeTrtcRoomUsage",
    source="https://cloud.tencent.com/document/api/647/89181",
    read_on=_READ_ON,
)
"""Seconds used in each room, one request every 15 seconds: for a day or a part of one, since the vendor calls
inaccurate what crosses its midnight."""

BILLING: tuple[Endpoint[Any], ...] = (
    TRTC_USAGE,
    RECORDING_USAGE,
    MIX_TRANSCODING_USAGE,
    RELAY_USAGE,
    ROOM_USAGE,
)
"""All rows of this file."""
