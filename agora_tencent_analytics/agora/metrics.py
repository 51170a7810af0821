"""What Agora's metric ids (`mid`) mean in the neutral vocabulary.

An id that is not in the table is not an error: its series has an empty `metric` and keeps the vendor's id. Source:
https://docs.agora.io/en/agora-analytics/reference/api, read 2026-09-14; the last two ids are on the Chinese page only.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.models.metrics import VendorMetric


def _agora(mid: int, name: str) -> tuple[int, VendorMetric]:
    return mid, VendorMetric(str(mid), name, name)


AGORA_METRICS: Mapping[int, VendorMetric] = dict(
    (
        _agora(20001, "app_cpu"),
        _agora(20002, "system_cpu"),
        _agora(20003, "audio_send_bitrate"),
        _agora(20004, "audio_receive_bitrate"),
        _agora(20005, "audio_freeze_time"),
        # The pages of 2022 to 2024 disagree on which of 20006 and 20024 is the low stream.
        _agora(20006, "low_video_send_bitrate"),
        _agora(20007, "video_capture_fps"),
        _agora(20008, "video_send_fps"),
        _agora(20009, "video_receive_bitrate"),
        _agora(20010, "video_receive_fps"),
        _agora(20011, "video_freeze_time"),
        _agora(20013, "video_qp"),  # no longer listed since 2024
        _agora(20015, "audio_uplink_loss"),
        _agora(20016, "audio_end_to_end_loss"),
        _agora(20017, "video_uplink_loss"),
        _agora(20018, "video_end_to_end_loss"),
        _agora(20019, "video_receive_width"),
        _agora(20020, "video_receive_height"),
        _agora(20021, "sdk_scheduling_delay"),
        _agora(20022, "gateway_rtt"),
        _agora(20023, "low_video_send_fps"),
        _agora(20024, "video_send_bitrate"),
        _agora(20025, "audio_capture_volume"),
        _agora(20026, "audio_playback_volume"),
        _agora(20027, "video_send_width"),
        _agora(20028, "video_send_height"),
        _agora(20030, "low_video_receive_bitrate"),
        _agora(20031, "low_video_receive_fps"),
        _agora(20032, "low_video_receive_width"),
        _agora(20033, "low_video_receive_height"),
        _agora(20034, "low_video_send_width"),
        _agora(20035, "low_video_send_height"),
        # Of browsers only. The vendor prints no unit: read as percent, like their neighbours.
        _agora(20036, "video_downlink_loss"),
        _agora(20037, "audio_uplink_loss"),
        _agora(20038, "video_uplink_loss"),
        # On the Chinese page only.
        _agora(20039, "app_memory"),
        _agora(20040, "system_memory"),
    )
)
"""Agora's metrics by `mid`. The gaps 20012, 20014 and 20029 are the vendor's."""

AGORA_METRICS_2021_03: Mapping[int, VendorMetric] = {
    **AGORA_METRICS,
    20006: VendorMetric("20006", "video_send_bitrate", "video_send_bitrate"),
    20019: VendorMetric("20019", "video_send_width", "video_receive_width"),
    20020: VendorMetric("20020", "video_send_height", "video_receive_height"),
}
"""The same as of March 2021, when users sent one video stream: 20006 was its bitrate, 20019 and 20020 its width and
height, whoever sent it."""
