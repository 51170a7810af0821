"""Which neutral metric of `FIGURES` each of Agora's names is, and which metrics each of its questions takes.

Holds names. Answers are read by `figures.py`; what a name means to the vendor is in `question_metrics.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from agora_tencent_analytics.agora.question_metrics import METRICS_OF, metric_spellings
from agora_tencent_analytics.endpoint import Endpoint

__all__ = ["NEUTRAL", "PERCENTAGES", "metrics_taken"]

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

_OF_MARCH_2021: Mapping[str, tuple[str, ...]] = {
    "/beta/insight/usage/by_time": ("userCount", "sessionCount", "channelCount"),
    "/beta/live/scale/by_time": ("pcu", "pcc"),
    "/beta/live/experience/by_time": ("joinSuccessRate", "joinSuccess5SecsRate", "videoFreezeRate", "audioFreezeRate"),
    "/beta/live/net/by_time": (
        "videoUpstreamExcellentTransRate",
        "audioUpstreamExcellentTransRate",
        "videoEnd2EndExcellentTransRate",
        "audioEnd2EndExcellentTransRate",
    ),
}


def metrics_taken(row: Endpoint[Any]) -> Mapping[str, str]:
    """What to send in `metric`, by the name in `FIGURES`; empty for a question that takes none.

    Args:
        row: a question of any generation. Peaks are spelt as its page spells them: until 2022 `peakCurrent...`.
    """
    if row.generation == "2021-03":
        names = _OF_MARCH_2021.get(row.path, ())
    else:
        spelling = 0 if row.generation == "2024" else -1
        names = tuple(metric_spellings(name)[spelling] for name in METRICS_OF.get(row.path, ()))
    return {NEUTRAL[name]: name for name in names if name in NEUTRAL}
