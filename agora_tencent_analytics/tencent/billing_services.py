"""Tencent's questions about the usage of services around the call, and the two older ones about recording and relaying.

The older two answer by app and in seconds; the service that records and relays today is asked by `RECORDING_USAGE` and
`RELAY_USAGE`. The other three, of May 2026, take times where those in `billing.py` take days. They are asked for whole
days all the same: beyond one day the vendor sums up by day, and the sum of half a day could not be told from that of a
whole one. In which unit they count, no page says.
"""

from __future__ import annotations

from typing import Any

import attrs

from agora_tencent_analytics.endpoint import Endpoint, Param
from agora_tencent_analytics.tencent import plans
from agora_tencent_analytics.tencent.billing import TRTC_USAGE

__all__ = ["ACCELERATION_USAGE", "AI_USAGE", "MODERATION_USAGE", "RECORD_STATISTIC", "SERVICES", "TRANSCODE_TIME"]

_BOUNDS = attrs.evolve(TRTC_USAGE.bounds, form="midnight")

RECORD_STATISTIC = attrs.evolve(
    TRTC_USAGE,
    name="DescribeRecordStatistic",
    action="DescribeRecordStatistic",
    payload="SdkAppIdUsages",
    limits=plans.USAGE_OF_SERVICES,
    counter="DescribeRecordStatistic",
    source="https://www.tencentcloud.com/document/product/647/42972",
)
"""Seconds recorded in the cloud, by size of video, as counted by the older recording service."""

TRANSCODE_TIME = attrs.evolve(
    RECORD_STATISTIC,
    name="DescribeTrtcMcuTranscodeTime",
    action="DescribeTrtcMcuTranscodeTime",
    payload="Usages",
    counter="DescribeTrtcMcuTranscodeTime",
    source="https://www.tencentcloud.com/document/product/647/42970",
)
"""Seconds transcoded on the way to content delivery networks, and their bandwidth (`Flux`)."""

AI_USAGE = attrs.evolve(
    TRTC_USAGE,
    name="DescribeTRTCAIRecognitionUsage",
    action="DescribeTRTCAIRecognitionUsage",
    app=Param(name="SdkAppId", kind="text"),
    bounds=_BOUNDS,
    params=(Param(name="AuType", kind="list", required=True, values=("conversation", "asr", "translation", "tts")),),
    limits=plans.USAGE_OF_SERVICES,
    counter="DescribeTRTCAIRecognitionUsage",
    source="https://cloud.tencent.com/document/api/647/131418",
)
"""What speech recognition and the like used; `AuType` lists `"conversation"`, `"asr"`, `"translation"`, `"tts"`."""

ACCELERATION_USAGE = attrs.evolve(
    AI_USAGE,
    name="DescribeTRTCDedicatedCloudAccUsage",
    action="DescribeTRTCDedicatedCloudAccUsage",
    app=TRTC_USAGE.app,
    params=(),
    counter="DescribeTRTCDedicatedCloudAccUsage",
    source="https://cloud.tencent.com/document/api/647/131417",
)
"""What the accelerated network of a dedicated cloud used."""

MODERATION_USAGE = attrs.evolve(
    ACCELERATION_USAGE,
    name="DescribeTRTCSegmentModerationUsage",
    action="DescribeTRTCSegmentModerationUsage",
    params=(
        Param(name="Type", required=True, values=("audio", "picture")),
        Param(name="Business", kind="integer", required=True, values=(0, 1)),
    ),
    counter="DescribeTRTCSegmentModerationUsage",
    source="https://cloud.tencent.com/document/api/647/131416",
)
"""What slicing and understanding of content used; `Type` is `"audio"` or `"picture"`, `Business` 0 for moderation or 1
for slicing."""

SERVICES: tuple[Endpoint[Any], ...] = (
    RECORD_STATISTIC,
    TRANSCODE_TIME,
    AI_USAGE,
    ACCELERATION_USAGE,
    MODERATION_USAGE,
)
"""All rows of this file."""
