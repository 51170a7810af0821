"""One vocabulary of metrics over both vendors, with units.

Holds the neutral `METRICS`, and what each vendor's ids mean in them: `AGORA_METRICS` by `mid`, with
`AGORA_METRICS_2021_03` for that generation, and `TENCENT_METRICS` by `DataType`. Holds no points and converts
none; it only names the factor. An id that is not in a table is no error: its series has an empty `metric` and
keeps the vendor's id.

Sources: Agora metric ids (https://docs.agora.io/en/agora-analytics/reference/api, read 2026-09-14; the
last two ids are on the Chinese page only), Tencent `DescribeCallDetailInfo`
(https://www.tencentcloud.com/document/product/647/55013, read 2026-08-21).

Units: `kbps`, `ms`, `fps`, `px`, `dB`, `percent` (0 to 100) and `""` where the vendor states none. Tencent
states none for CPU, loss, frame rate and energy; CPU and loss are read as percent and frame rates as fps,
as its console shows them. Freeze times are milliseconds of freeze in the sampling interval of the point.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["AGORA_METRICS", "AGORA_METRICS_2021_03", "METRICS", "TENCENT_METRICS", "Metric", "VendorMetric"]


@attrs.frozen
class Metric:
    """A neutral metric: what is measured and in which unit.

    Args:
        name: the neutral name, `<medium>_<direction or place>_<quantity>`.
        unit: unit of the values.
        meaning: what it says, in a line.
    """

    name: str
    unit: str
    meaning: str


@attrs.frozen
class VendorMetric:
    """What one vendor's id means.

    Args:
        vendor_id: the vendor's own id as text.
        own: neutral name when the series is the user's own (no peer).
        from_peer: neutral name when the series is about what a peer sent; the same unless the vendor
            uses one id for both directions.
        scale: factor from the vendor's unit to the neutral one.
    """

    vendor_id: str
    own: str
    from_peer: str
    scale: float = 1.0


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("app_cpu", "percent", "CPU load of the app"),
        Metric("system_cpu", "percent", "CPU load of the whole device"),
        Metric("app_memory", "percent", "memory used by the app"),
        Metric("system_memory", "percent", "memory used on the whole device"),
        Metric("sdk_scheduling_delay", "ms", "delay of the SDK's own task scheduling"),
        Metric("gateway_rtt", "ms", "round trip to the local router"),
        Metric("rtt", "ms", "round trip between the SDK and the vendor's cloud"),
        Metric("audio_send_bitrate", "kbps", "bitrate of the audio sent"),
        Metric("audio_receive_bitrate", "kbps", "bitrate of the audio received"),
        Metric("audio_freeze_time", "ms", "time that rendered audio stood still"),
        Metric("audio_uplink_loss", "percent", "packets lost on the way up, audio"),
        Metric("audio_downlink_loss", "percent", "packets lost on the way down, audio"),
        Metric("audio_end_to_end_loss", "percent", "packets lost from sender to receiver, audio"),
        Metric("audio_capture_volume", "dB", "volume of the audio captured"),
        Metric("audio_playback_volume", "dB", "volume of the audio played"),
        Metric("audio_capture_energy", "", "energy of the audio captured, the vendor's own scale"),
        Metric("audio_playback_energy", "", "energy of the audio played, the vendor's own scale"),
        Metric("video_capture_fps", "fps", "frames captured a second"),
        Metric("video_send_bitrate", "kbps", "bitrate of the main video stream sent"),
        Metric("video_send_fps", "fps", "frames of the main video stream sent a second"),
        Metric("video_send_width", "px", "width of the main video stream sent"),
        Metric("video_send_height", "px", "height of the main video stream sent"),
        Metric("video_receive_bitrate", "kbps", "bitrate of the main video stream received"),
        Metric("video_receive_fps", "fps", "frames of the main video stream received a second"),
        Metric("video_receive_width", "px", "width of the main video stream received"),
        Metric("video_receive_height", "px", "height of the main video stream received"),
        Metric("video_render_fps", "fps", "frames rendered a second"),
        Metric("video_freeze_time", "ms", "time that rendered video stood still"),
        Metric("video_uplink_loss", "percent", "packets lost on the way up, video"),
        Metric("video_downlink_loss", "percent", "packets lost on the way down, video"),
        Metric("video_end_to_end_loss", "percent", "packets lost from sender to receiver, video"),
        Metric("video_qp", "", "quantisation parameter of the encoder"),
        Metric("low_video_send_bitrate", "kbps", "bitrate of the low video stream sent"),
        Metric("low_video_send_fps", "fps", "frames of the low video stream sent a second"),
        Metric("low_video_send_width", "px", "width of the low video stream sent"),
        Metric("low_video_send_height", "px", "height of the low video stream sent"),
        Metric("low_video_receive_bitrate", "kbps", "bitrate of the low video stream received"),
        Metric("low_video_receive_fps", "fps", "frames of the low video stream received a second"),
        Metric("low_video_receive_width", "px", "width of the low video stream received"),
        Metric("low_video_receive_height", "px", "height of the low video stream received"),
    )
}
"""Neutral metrics by name."""


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
