"""The names of Agora's figures: the metrics that its questions take, with units and spellings, and their neutral names.

A name that no table has comes back as it went in. The metrics of a call's series (`mid`) are in `agora/metrics.py`.

Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14) and the vendor's OpenAPI
description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

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


class QuestionMetric(msgspec.Struct, frozen=True):
    """A metric that usage and quality questions take; each request takes one.

    Args:
        name: the name to send in `metric`; the answer's rows carry it as their key.
        unit: unit of the values: `min`, `ratio` (0 to 1) or `""` for a count.
        meaning: what it says, in a line.
        also: other spellings of the name on the vendor's pages.
        weighed_by: what the `refUsage` of aggregated quality counts for it; `""` where there is none.
    """

    name: str
    unit: str
    meaning: str
    also: tuple[str, ...] = ()
    weighed_by: str = ""


def _by_name(*metrics: QuestionMetric) -> Mapping[str, QuestionMetric]:
    return MappingProxyType({metric.name: metric for metric in metrics})


USAGE_METRICS = _by_name(
    QuestionMetric("userCount", "", "users"),
    QuestionMetric("sessionCount", "", "sessions"),
    QuestionMetric("channelCount", "", "channels"),
    # The English tables say `peakCurrent...`; the OpenAPI description and an English note, `peakConcurrent...`.
    QuestionMetric("peakConcurrentChannels", "", "most channels at one moment", ("peakCurrentChannels",)),
    QuestionMetric("peakConcurrentUsers", "", "most users at one moment", ("peakCurrentUsers",)),
    QuestionMetric("totalDuration", "min", "time of all users"),
    QuestionMetric("totalVideoDuration", "min", "time of all users with video"),
    QuestionMetric("totalAudioDuration", "min", "time of all users with audio only"),
)
"""Metrics of usage questions. Peaks are of the whole app and take no dimension; nothing here is for billing."""

QUALITY_METRICS = _by_name(
    QuestionMetric("joinSuccessRate", "ratio", "joins that succeeded", weighed_by="join attempts"),
    QuestionMetric("joinSuccessIn5sRate", "ratio", "joins that succeeded within 5 s", weighed_by="join attempts"),
    QuestionMetric("audioFreezeRate", "ratio", "audio time frozen for over 200 ms", weighed_by="audio min"),
    QuestionMetric("videoFreezeRate", "ratio", "video time frozen for over 600 ms", weighed_by="video min"),
    QuestionMetric("networkDelay", "ratio", "time with a delay over 400 ms", weighed_by="total min"),
)
"""Metrics of quality questions. For the Web video is frozen after 500 ms, and the console gives no audio freeze."""

CALL_METRICS = _by_name(
    QuestionMetric("audio_freeze_rate", "ratio", "audio time frozen"),
    QuestionMetric("video_freeze_rate", "ratio", "video time frozen"),
    QuestionMetric("user_count", "", "users"),
    QuestionMetric("audio_freeze_user_count", "", "users whose audio froze"),
    QuestionMetric("video_freeze_user_count", "", "users whose video froze"),
)
"""Metrics of the statistics of one call; the counts exist over time only."""

_ALL = MappingProxyType({**USAGE_METRICS, **QUALITY_METRICS, **CALL_METRICS})
_SPELT = MappingProxyType({name: metric for metric in _ALL.values() for name in (metric.name, *metric.also)})


def spelt(metrics: Mapping[str, QuestionMetric]) -> tuple[str, ...]:
    """Every name of these metrics in every spelling, the one to send first."""
    return tuple(name for metric in metrics.values() for name in (metric.name, *metric.also))


def question_metric(name: str) -> QuestionMetric | None:
    """The metric of this name in any of its spellings; None if no table has it."""
    return _SPELT.get(name)


def metric_spellings(name: str) -> tuple[str, ...]:
    """Every spelling of a metric, the one to send first; an unknown name is its own only one.

    An answer may carry either spelling of a peak, whichever was sent.

    Args:
        name: the metric in any of its spellings.
    """
    metric = _SPELT.get(name)
    return (metric.name, *metric.also) if metric else (name,)
