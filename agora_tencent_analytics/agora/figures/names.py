"""The names of Agora's figures: the metrics that its questions take, in every spelling, and their neutral names.

A name that no table has comes back as it went in. The metrics of a call's series (`mid`) are in `agora/metrics.py`.

Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14) and the vendor's OpenAPI
description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from agora_tencent_analytics.endpoint import Endpoint

NEUTRAL: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("userCount", "user_count", "pcu"), "users"),
        "sessionCount": "sessions",
        **dict.fromkeys(("channelCount", "pcc"), "channels"),
        **dict.fromkeys(("peakConcurrentUsers", "peakCurrentUsers"), "peak_users"),
        **dict.fromkeys(("peakConcurrentChannels", "peakCurrentChannels"), "peak_channels"),
        "totalDuration": "duration",
        "totalAudioDuration": "audio_duration",
        "totalVideoDuration": "video_duration",
        "joinSuccessRate": "join_success",
        **dict.fromkeys(("joinSuccessIn5sRate", "joinSuccess5SecsRate"), "join_success_in_5s"),
        **dict.fromkeys(("audioFreezeRate", "audio_freeze_rate"), "audio_freeze"),
        **dict.fromkeys(("videoFreezeRate", "video_freeze_rate"), "video_freeze"),
        "networkDelay": "network_delay",
        "audioUpstreamExcellentTransRate": "audio_uplink_good",
        "videoUpstreamExcellentTransRate": "video_uplink_good",
        "audioEnd2EndExcellentTransRate": "audio_end_to_end_good",
        "videoEnd2EndExcellentTransRate": "video_end_to_end_good",
    }
)
"""Name in `FIGURES` by the vendor's own, in every spelling and generation."""

PERCENTAGES: frozenset[str] = frozenset({"/beta/live/experience/by_time", "/beta/live/net/by_time"})
"""Paths whose rates are percentages. Everywhere else they are ratios."""


def metrics_taken(row: Endpoint[Any]) -> Mapping[str, str]:
    """What to send in `metric`, by the name in `FIGURES`; empty for a question that takes none.

    Args:
        row: a question of any generation. Of several spellings that its page lists, the first is sent.
    """
    names = next((param.values for param in row.params if param.name == "metric"), ())
    taken: dict[str, str] = {}
    for name in map(str, names):
        if name in NEUTRAL:
            taken.setdefault(NEUTRAL[name], name)
    return taken


# The English tables say `peakCurrent...`; the OpenAPI description and an English note, `peakConcurrent...`.
_PEAKS = (("peakConcurrentChannels", "peakCurrentChannels"), ("peakConcurrentUsers", "peakCurrentUsers"))

USAGE_METRICS = (
    *("userCount", "sessionCount", "channelCount", *_PEAKS[0], *_PEAKS[1]),
    *("totalDuration", "totalVideoDuration", "totalAudioDuration"),
)
"""Metrics of usage questions, in every spelling. Peaks are of the whole app and take no dimension; the others count, or
are minutes of all users. Nothing here is for billing."""

QUALITY_METRICS = ("joinSuccessRate", "joinSuccessIn5sRate", "audioFreezeRate", "videoFreezeRate", "networkDelay")
"""Metrics of quality questions, ratios from 0 to 1. Audio is frozen after 200 ms, video after 600 ms (for the Web 500),
and a delay counts above 400 ms. What aggregated quality is weighed by (`refUsage`): joins by attempts, freezes by
minutes of their medium, delays by all minutes."""

CALL_METRICS = (
    *("audio_freeze_rate", "video_freeze_rate"),
    *("user_count", "audio_freeze_user_count", "video_freeze_user_count"),
)
"""Metrics of the statistics of one call; the counts exist over time only."""


def metric_spellings(name: str) -> tuple[str, ...]:
    """Every spelling of a metric, the one to send first; an answer may carry either of a peak, whichever was sent.

    Args:
        name: the metric in any of its spellings.
    """
    return next((both for both in _PEAKS if name in both), (name,))
