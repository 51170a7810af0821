"""The metrics that Agora's usage and quality questions take, by path, with every spelling of their names.

Holds names. It refuses nothing: a name that no table has comes back as it went in. What they mean, and in which unit,
is in `FIGURES` under their neutral names; the metrics of a call's series (`mid`) are in `metrics.py`.

Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14) and the vendor's OpenAPI
description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["METRICS_OF", "metric_spellings"]

_USAGE = (
    *("userCount", "sessionCount", "channelCount"),
    # Peaks are of the whole app and take no dimension.
    *("peakConcurrentChannels", "peakConcurrentUsers"),
    *("totalDuration", "totalVideoDuration", "totalAudioDuration"),
)
# Audio is frozen after 200 ms, video after 600 ms (of the Web 500 ms); delay is what takes over 400 ms.
_QUALITY = ("joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate", "networkDelay")
_FREEZES = ("audio_freeze_rate", "video_freeze_rate")
_COUNTS = ("user_count", "audio_freeze_user_count", "video_freeze_user_count")

METRICS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "/beta/analytics/call/statistics": _FREEZES,
        "/beta/analytics/call/freeze/bucket": _FREEZES,
        "/beta/analytics/call/statistics/time": (*_FREEZES, *_COUNTS),
        "/beta/insight/usage/by_time": _USAGE,
        "/beta/insight/usage/aggregation": _USAGE,
        "/beta/insight/quality/by_time": _QUALITY,
        "/beta/insight/quality/aggregation": _QUALITY,
        "/beta/realtime/usage/by_time_20sec": ("userCount", "channelCount"),
        "/beta/realtime/usage/dimension/top20": ("userCount",),
        "/beta/realtime/quality/by_time_20sec": _QUALITY,
        "/beta/realtime/quality/dimension/top20": _QUALITY,
    }
)
"""What `metric` takes, by path."""

# The English tables say `peakCurrent...`; the OpenAPI description and an English note, `peakConcurrent...`.
_SPELT = (("peakConcurrentChannels", "peakCurrentChannels"), ("peakConcurrentUsers", "peakCurrentUsers"))


def metric_spellings(name: str) -> tuple[str, ...]:
    """Every spelling of a metric, the one to send first; most names are their own only one.

    An answer may carry either spelling of a peak, whichever was sent.

    Args:
        name: the metric in any of its spellings.
    """
    return next((spelt for spelt in _SPELT if name in spelt), (name,))
