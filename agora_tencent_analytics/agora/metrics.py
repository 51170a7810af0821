"""What Agora's metric ids (`mid`) mean in the neutral vocabulary.

An id that is not in the table is not an error: its series has an empty `metric` and keeps the vendor's id. Source:
https://docs.agora.io/en/agora-analytics/reference/api, read 2026-09-14; the last two ids are on the Chinese page only.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.models.metrics import VendorMetric

AGORA_METRICS: Mapping[str, VendorMetric] = {
    "20001": VendorMetric("app_cpu"),
    "20002": VendorMetric("system_cpu"),
    "20003": VendorMetric("audio_send_bitrate"),
    "20004": VendorMetric("audio_receive_bitrate"),
    "20005": VendorMetric("audio_freeze_time"),
    # The pages of 2022 to 2024 disagree on which of 20006 and 20024 is the low stream.
    "20006": VendorMetric("low_video_send_bitrate"),
    "20007": VendorMetric("video_capture_fps"),
    "20008": VendorMetric("video_send_fps"),
    "20009": VendorMetric("video_receive_bitrate"),
    "20010": VendorMetric("video_receive_fps"),
    "20011": VendorMetric("video_freeze_time"),
    "20013": VendorMetric("video_qp"),  # no longer listed since 2024
    "20015": VendorMetric("audio_uplink_loss"),
    "20016": VendorMetric("audio_end_to_end_loss"),
    "20017": VendorMetric("video_uplink_loss"),
    "20018": VendorMetric("video_end_to_end_loss"),
    "20019": VendorMetric("video_receive_width"),
    "20020": VendorMetric("video_receive_height"),
    "20021": VendorMetric("sdk_scheduling_delay"),
    "20022": VendorMetric("gateway_rtt"),
    "20023": VendorMetric("low_video_send_fps"),
    "20024": VendorMetric("video_send_bitrate"),
    "20025": VendorMetric("audio_capture_volume"),
    "20026": VendorMetric("audio_playback_volume"),
    "20027": VendorMetric("video_send_width"),
    "20028": VendorMetric("video_send_height"),
    "20030": VendorMetric("low_video_receive_bitrate"),
    "20031": VendorMetric("low_video_receive_fps"),
    "20032": VendorMetric("low_video_receive_width"),
    "20033": VendorMetric("low_video_receive_height"),
    "20034": VendorMetric("low_video_send_width"),
    "20035": VendorMetric("low_video_send_height"),
    # Of browsers only. The vendor prints no unit: read as percent, like their neighbours.
    "20036": VendorMetric("video_downlink_loss"),
    "20037": VendorMetric("audio_uplink_loss"),
    "20038": VendorMetric("video_uplink_loss"),
    # On the Chinese page only.
    "20039": VendorMetric("app_memory"),
    "20040": VendorMetric("system_memory"),
}
"""Agora's metrics by `mid`, as text. The gaps 20012, 20014 and 20029 are the vendor's."""

AGORA_METRICS_2021_03: Mapping[str, VendorMetric] = {
    **AGORA_METRICS,
    "20006": VendorMetric("video_send_bitrate"),
    "20019": VendorMetric("video_send_width", "video_receive_width"),
    "20020": VendorMetric("video_send_height", "video_receive_height"),
}
"""The same as of March 2021, when users sent one video stream: 20006 was its bitrate, 20019 and 20020 its width and
height, whoever sent it."""
