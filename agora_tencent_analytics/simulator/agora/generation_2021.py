"""What a simulated Agora answered in March 2021, and no longer does: figures by minute, diagnoses, several metrics.

The retired `live` endpoints, and the first `insight/usage/by_time`. Rates are percent here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.simulator.agora.question import Question, bad
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.figures import RATES

SCALE = ("pcu", "pcc")
EXPERIENCE = ("joinSuccessRate", "joinSuccess5SecsRate", "videoFreezeRate", "audioFreezeRate")
"""What two of the `live` endpoints know; the third knows the shares of excellent transmission."""

_USAGE = ("userCount", "sessionCount", "channelCount")
_READY_S = 8 * HOUR  # "finishes calculating data for the previous day, closing at 08:00 UTC"
_MOST_MESSAGES = 10


def by_minute(asked: Question, *, known: Collection[str]) -> Mapping[str, object]:
    """Answers `live/scale/by_time`, `live/experience/by_time` and `live/net/by_time`, each of which knows others."""
    metrics = _metrics(asked, known)
    off = mix(asked.world.seed, 91) % MINUTE  # the vendor's minutes do not begin on the clock's
    first = -(-(asked.start - off) // MINUTE) * MINUTE + off
    return {"data": [_row(asked, metrics, minute, MINUTE) for minute in range(first, asked.end, MINUTE)]}


def diagnosis(asked: Question) -> Mapping[str, object]:
    """Answers `live/diagnosis`: any ten of the messages, the same ten whenever the same is asked."""
    found = asked.world.experiences("agora", asked.start, asked.end)
    messages = [
        {
            "user": one.user_id,
            "exp_id": one.kind_id,
            "cname": one.channel,
            "cause_tags": [{"factor_id": cause.cause_id, "host_user": cause.peer_id} for cause in one.causes],
            "ts": one.instant,
        }
        for one in asked.shuffled(found)[:_MOST_MESSAGES]
    ]
    return {"data": messages}


def usage_by_day(asked: Question) -> Mapping[str, object]:
    """Answers `insight/usage/by_time`: days of UTC, none if less than a day is asked for or the day is not ready."""
    metrics = _metrics(asked, _USAGE)
    if asked.end - asked.start < DAY:
        return {"data": []}
    days = range(-(-asked.start // DAY) * DAY, asked.end, DAY)
    return {"data": [_row(asked, metrics, day, DAY) for day in days if day + DAY + _READY_S <= asked.now]}


def _metrics(asked: Question, known: Collection[str]) -> list[str]:
    metrics: list[str] = asked.query["metric"].split(",")
    if not set(metrics) <= set(known) or len(set(metrics)) < len(metrics):
        raise bad("metric", "is invalid")
    return metrics


def _row(asked: Question, metrics: Sequence[str], bucket: int, seconds: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for metric in metrics:
        value = asked.world.figure("agora", metric, bucket, seconds) or 0
        row[metric] = round(100 * value, 2) if metric in RATES else value
    return {**row, "ts": bucket}
