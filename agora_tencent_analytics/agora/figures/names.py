"""Which neutral metric of `FIGURES` each of Agora's names is, and which metrics each of its questions takes.

Holds names. Answers are read by `decode.py`; what a name means to the vendor is in `question_metrics.py`.
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
