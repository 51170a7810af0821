"""What Tencent's `DataType`s mean in the neutral vocabulary.

A type that is not in the table is not an error: its series has an empty `metric` and keeps the vendor's name. Source:
`DescribeCallDetailInfo` (https://www.tencentcloud.com/document/product/647/55013, read 2026-08-21).

Tencent states no unit for CPU, loss, frame rate and energy; CPU and loss are read as percent and frame rates as fps, as
its console shows them.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.models.metrics import VendorMetric

_BPS = 0.001  # bits a second to kilobits a second

TENCENT_METRICS: Mapping[str, VendorMetric] = {
    "appCpu": VendorMetric("app_cpu"),
    "sysCpu": VendorMetric("system_cpu"),
    "aBit": VendorMetric("audio_send_bitrate", "audio_receive_bitrate", scale=_BPS),
    "aBlock": VendorMetric("audio_freeze_time"),
    "bigvBit": VendorMetric("video_send_bitrate", "video_receive_bitrate", scale=_BPS),
    "bigvCapFps": VendorMetric("video_capture_fps"),
    "bigvEncFps": VendorMetric("video_send_fps"),
    "bigvDecFps": VendorMetric("video_render_fps"),
    "bigvBlock": VendorMetric("video_freeze_time"),
    "aLoss": VendorMetric("audio_uplink_loss", "audio_downlink_loss"),
    "bigvLoss": VendorMetric("video_uplink_loss", "video_downlink_loss"),
    "bigvWidth": VendorMetric("video_send_width", "video_receive_width"),
    "bigvHeight": VendorMetric("video_send_height", "video_receive_height"),
    "aCapEnergy": VendorMetric("audio_capture_energy"),
    "aPlayEnergy": VendorMetric("audio_playback_energy"),
    "rtt": VendorMetric("rtt"),
    "bigvRecFps": VendorMetric("video_receive_fps"),
}
"""Tencent's metrics by `DataType`. An empty `PeerId` means the user's own (uplink) series."""
