"""How a simulated Agora answers statistics of one call: by dimension, by degree of freezing, by minute.

Answers `call/statistics`, `call/freeze/bucket` and `call/statistics/time`, as of 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agora_tencent_analytics.limits import MINUTE
from agora_tencent_analytics.simulator.agora.calls import sessions_of
from agora_tencent_analytics.simulator.agora.question import Question, one_of
from agora_tencent_analytics.simulator.world.figures import compute, stay_rate
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.traits import by_trait

DIMENSIONS = ("country", "region", "net", "sdk", "os", "device")
"""What statistics and real-time figures can be broken down by."""

_RATES = {"audio_freeze_rate": "audioFreezeRate", "video_freeze_rate": "videoFreezeRate"}
_FROZEN = {"audio_freeze_user_count": "audioFreezeRate", "video_freeze_user_count": "videoFreezeRate"}
_BUCKETS = (("[0%,3%)", 0.03), ("[3%,5%)", 0.05), ("[5%,10%)", 0.10), ("[10%,100%)", 1.01))
_FREEZES_FROM = 0.01


def by_dimension(asked: Question) -> Mapping[str, object]:
    """Answers `call/statistics`."""
    metric = _RATES[one_of(asked.query, "metric", tuple(_RATES))]
    dimension = one_of(asked.query, "dimension", DIMENSIONS)
    rows = [
        {"dimension_value": value, "user_count": _users(stays), "value": _rate(asked, stays, metric)}
        for value, stays in by_trait(_stays(asked), dimension).items()
    ]
    return {"data": asked.shuffled(rows)}


def freeze_buckets(asked: Question) -> Mapping[str, object]:
    """Answers `call/freeze/bucket`: users by how much of their time was frozen, unsorted, no bucket empty."""
    metric = _RATES[one_of(asked.query, "metric", tuple(_RATES))]
    users: dict[str, set[str]] = {}
    for stay in _stays(asked):
        bucket = next(name for name, below in _BUCKETS if stay_rate(stay, metric) < below)
        users.setdefault(bucket, set()).add(stay.user_id)
    rows = [{"bucket": bucket, "user_count": len(found)} for bucket, found in users.items()]
    return {"data": asked.shuffled(rows)}


def by_minute(asked: Question) -> Mapping[str, object]:
    """Answers `call/statistics/time`: a value a minute, unsorted."""
    metric = one_of(asked.query, "metric", (*_RATES, "user_count", *_FROZEN))
    rows = []
    for minute in range(asked.start // MINUTE * MINUTE, asked.end, MINUTE):
        there = [stay for stay in _stays(asked) if stay.overlaps(minute, minute + MINUTE)]
        if there:
            rows.append({"ts": minute, "value": _value(there, metric, minute)})
    return {"data": asked.shuffled(rows)}


def _stays(asked: Question) -> list[Session]:
    return [stay for stay in sessions_of(asked) if not stay.server and stay.overlaps(asked.start, asked.end)]


def _value(stays: Sequence[Session], metric: str, minute: int) -> int | float | None:
    if metric == "user_count":
        return _users(stays)
    if metric in _FROZEN:
        return _users([stay for stay in stays if stay_rate(stay, _FROZEN[metric]) >= _FREEZES_FROM])
    return compute(stays, _RATES[metric], minute, minute + MINUTE) or 0


def _users(stays: Sequence[Session]) -> int:
    return len({stay.user_id for stay in stays})


def _rate(asked: Question, stays: Sequence[Session], metric: str) -> float:
    return compute(stays, metric, asked.start, asked.end) or 0
