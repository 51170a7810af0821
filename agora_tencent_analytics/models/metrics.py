"""One vocabulary of metrics over both vendors, with units.

What each vendor's ids mean in them is in `agora/metrics.py` and `tencent/metrics.py`.

Units: `kbps`, `ms`, `fps`, `px`, `dB`, `percent` (0 to 100) and `""` where the vendor states none. Freeze times are
milliseconds of freeze in the sampling interval of the point.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Metric(msgspec.Struct, frozen=True):
    """A neutral metric: what is measured and in which unit.

    Args:
        name: the neutral name, `<medium>_<direction or place>_<quantity>`.
        unit: unit of the values.
        meaning: what it says, in a line.
    """

    name: str
    unit: str
    meaning: str


class VendorMetric(msgspec.Struct, frozen=True):
    """What one vendor's id means.

    Args:
        own: neutral name when the series is the user's own (no peer).
        from_peer: neutral name when the series is about what a peer sent, where the vendor uses one id for both
            directions; `""`: the same.
        scale: factor from the vendor's unit to the neutral one.
    """

    own: str
    from_peer: str = ""
    scale: float = 1.0

    def of(self, peer_id: str) -> str:
        """The neutral name of a series about this peer; about the user's own stream for `""`."""
        return self.from_peer or self.own if peer_id else self.own


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
