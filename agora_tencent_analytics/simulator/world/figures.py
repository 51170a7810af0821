"""Usage and quality in one figure per stretch of time, computed from who was there.

The simulator has its own formulas, plain on purpose: counts are counted, rates are means of seeded rates of the
sessions, weighed by their time. A rate without anything to measure is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.sessions import Session

_SALTS = {"audioFreezeRate": 31, "videoFreezeRate": 32, "networkDelay": 33}
EXCELLENT = {
    "videoUpstreamExcellentTransRate": 34,
    "audioUpstreamExcellentTransRate": 35,
    "videoEnd2EndExcellentTransRate": 36,
    "audioEnd2EndExcellentTransRate": 37,
}
_JOINS = ("joinSuccessRate", "joinSuccessIn5sRate", "joinSuccess5SecsRate")
RATES = frozenset((*_SALTS, *EXCELLENT, *_JOINS))
"""The figures that are rates, from 0 to 1; the others are counts or minutes."""

_BY_LEVEL = ((0.0, 0.004), (0.01, 0.04), (0.1, 0.3))
_FAILS_ONE_IN = 12
_SLOW_ONE_IN = 8
_AUDIO_ONLY_ONE_IN = 4


def compute(stays: Sequence[Session], metric: str, start: int, end: int) -> int | float | None:
    """One figure over `[start, end)`.

    Args:
        stays: the sessions with a share in it.
        metric: as a vendor spells it: `userCount`, `peakCurrentUsers`, `totalDuration`, `videoFreezeRate`, ...
        start: first second, epoch seconds.
        end: first second after it.
    """
    counted = _COUNTED.get(metric)
    if counted is not None:
        return counted(stays, start, end)
    if metric in _JOINS:
        joined = [stay for stay in stays if start <= stay.join_ts < end]
        if not joined:
            return None
        done = joined if metric == "joinSuccessRate" else [stay for stay in joined if mix(stay.key, 39) % _SLOW_ONE_IN]
        return round(len(done) / _attempts(joined), 6)
    weights = [(stay, seconds_of(stay, start, end)) for stay in stays]
    if metric == "videoFreezeRate" or metric.startswith("video"):
        weights = [(stay, seconds) for stay, seconds in weights if not _audio_only(stay)]
    total = sum(seconds for _, seconds in weights)
    if not total:
        return None
    return round(sum(stay_rate(stay, metric) * seconds for stay, seconds in weights) / total, 6)


def weigh(stays: Sequence[Session], metric: str, start: int, end: int) -> int:
    """What a rate was measured on over `[start, end)`: attempts to join, or minutes."""
    if metric in _JOINS:
        return _attempts([stay for stay in stays if start <= stay.join_ts < end])
    if metric == "videoFreezeRate":
        stays = [stay for stay in stays if not _audio_only(stay)]
    return _minutes(stays, start, end)


def stay_rate(stay: Session, metric: str) -> float:
    """The rate of one session, from 0 to 1."""
    if metric in EXCELLENT:
        return round(1 - _seeded_rate(stay, EXCELLENT[metric]) / 2, 6)
    return _seeded_rate(stay, _SALTS[metric])


def _seeded_rate(stay: Session, salt: int) -> float:
    low, wide = _BY_LEVEL[stay.level]
    return round(low + wide * (mix(stay.key, salt) % 10_000) / 10_000, 6)


def seconds_of(stay: Session, start: int, end: int) -> int:
    """How many seconds of the stay lie in `[start, end)`."""
    return max(0, min(stay.leave_ts, end) - max(stay.join_ts, start))


def peak(spans: Sequence[tuple[int, int]]) -> int:
    """How many of these half-open spans overlap where most of them do."""
    steps = sorted([(first, 1) for first, _ in spans] + [(last, -1) for _, last in spans])
    present = highest = 0
    for _, step in steps:
        present += step
        highest = max(highest, present)
    return highest


def _attempts(joined: Sequence[Session]) -> int:
    return len(joined) + sum(mix(stay.key, 38) % _FAILS_ONE_IN == 0 for stay in joined)


def _audio_only(stay: Session) -> bool:
    return mix(stay.key, 61) % _AUDIO_ONLY_ONE_IN == 0


def _minutes(stays: Sequence[Session], start: int, end: int) -> int:
    return round(sum(seconds_of(stay, start, end) for stay in stays) / 60)


def _users(stays: Sequence[Session], start: int, end: int) -> int:
    return len({(stay.channel, stay.user_id) for stay in stays})


def _joined(stays: Sequence[Session], start: int, end: int) -> int:
    return sum(start <= stay.join_ts < end for stay in stays)


def _calls(stays: Sequence[Session], start: int, end: int) -> int:
    return len({stay.call_id for stay in stays})


def _peak_users(stays: Sequence[Session], start: int, end: int) -> int:
    return peak([(max(stay.join_ts, start), min(stay.leave_ts, end)) for stay in stays])


def _peak_calls(stays: Sequence[Session], start: int, end: int) -> int:
    spans: dict[str, tuple[int, int]] = {}
    for stay in stays:
        first, last = spans.get(stay.call_id, (end, start))
        spans[stay.call_id] = min(first, max(stay.join_ts, start)), max(last, min(stay.leave_ts, end))
    return peak(list(spans.values()))


def _video(stays: Sequence[Session], start: int, end: int) -> int:
    return _minutes([stay for stay in stays if not _audio_only(stay)], start, end)


def _audio(stays: Sequence[Session], start: int, end: int) -> int:
    return _minutes([stay for stay in stays if _audio_only(stay)], start, end)


_COUNTED: Mapping[str, Callable[[Sequence[Session], int, int], int]] = {
    **dict.fromkeys(("userCount", "pcu", "UserNumber"), _users),
    **dict.fromkeys(("sessionCount", "UserCount"), _joined),
    **dict.fromkeys(("channelCount", "roomCount", "pcc", "RoomNumbers"), _calls),
    **dict.fromkeys(("peakCurrentUsers", "peakConcurrentUsers"), _peak_users),
    **dict.fromkeys(("peakCurrentChannels", "peakConcurrentChannels"), _peak_calls),
    "totalVideoDuration": _video,
    "totalAudioDuration": _audio,
    "totalDuration": lambda stays, start, end: _video(stays, start, end) + _audio(stays, start, end),
}
