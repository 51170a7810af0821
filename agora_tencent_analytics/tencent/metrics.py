"""What Tencent's `DataType`s mean in the neutral vocabulary.

A type that is not in the table is not an error: its series has an empty `metric` and keeps the vendor's name. Source:
`DescribeCallDetailInfo` (https://www.tencentcloud.com/document/product/647/55013, read 2026-08-21).

Tencent states no unit for CPU, loss, frame rate and energy; CPU and loss are read as percent and frame rates as fps, as
its console shows them.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.models.metrics import VendorMetric


def _tencent(data_type: str, own: str, from_peer: str | None = None, *, scale: float = 1.0) -> tuple[str, VendorMetric]:
    return data_type, VendorMetric(data_type, own, from_peer or own, scale)


_BPS = 0.001  # bits a second to kilobits a second

TENCENT_METRICS: Mapping[str, VendorMetric] = dict(
    (
        _tencent("appCpu", "app_cpu"),
        _tencent("sysCpu", "system_cpu"),
        _tencent("aBit", "audio_send_bitrate", "audio_receive_bitrate", scale=_BPS),
        _tencent("aBlock", "audio_freeze_time"),
        _tencent("bigvBit", "video_send_bitrate", "video_receive_bitrate", scale=_BPS),
        _tencent("bigvCapFps", "video_capture_fps"),
        _tencent("bigvEncFps", "video_send_fps"),
        _tencent("bigvDecFps", "video_render_fps"),
        _tencent("bigvBlock", "video_freeze_time"),
        _tencent("aLoss", "audio_uplink_loss", "audio_downlink_loss"),
        _tencent("bigvLoss", "video_uplink_loss", "video_downlink_loss"),
        _tencent("bigvWidth", "video_send_width", "video_receive_width"),
        _tencent("bigvHeight", "video_send_height", "video_receive_height"),
        _tencent("aCapEnergy", "audio_capture_energy"),
        _tencent("aPlayEnergy", "audio_playback_energy"),
        _tencent("rtt", "rtt"),
        _tencent("bigvRecFps", "video_receive_fps"),
    )
)
"""Tencent's metrics by `DataType`. An empty `PeerId` means the user's own (uplink) series."""
