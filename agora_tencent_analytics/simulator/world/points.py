"""What a simulated session reports: its series, when they have points, and the points as numbers or as JSON.

The arithmetic of the cadences finds any window of a series without making the rest, and points are written straight
into the vendors' JSON. Nothing here is kept: a point exists while it is being sent.

A series takes the values of its metric's table in turn, from a place of its own. The instants are shared by the
series of a session, so their text is made once a session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

import attrs

from agora_tencent_analytics.simulator.world.catalogue import (
    AGORA,
    AGORA_DUAL_STREAM,
    AGORA_WEB,
    TENCENT,
    VALUES,
    Metric,
    values,
)
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.sessions import Session

_IRREGULAR = (0, 4, 6, 12)
_IRREGULAR_S = 18
_REGULAR_S = 2
_LATE = frozenset(("fps", "video_rate", "low_rate", "width", "height"))
_CPU = frozenset(("20001", "20002", "20039"))


@attrs.frozen(kw_only=True)
class Series:
    """One metric of one session, about itself or about one remote user."""

    metric: Metric
    """The metric."""
    peer_id: str
    """The remote user whose stream it measures, `""` for the session's own."""
    phase: int
    """Where in its metric's table of values it begins."""
    late_s: int
    """How many seconds after the others its points fall."""


@attrs.frozen
class Style:
    """How a vendor writes a point: what stands before the instant, between it and the value, and after it."""

    before: str
    between: str
    after: str


def make_series(session: Session, limit: int | None) -> tuple[Series, ...]:
    """The series of a session: those about itself first, then by peer.

    Args:
        session: the session.
        limit: at most that many, or None for as many as such a client reports.
    """
    metrics = TENCENT if session.vendor == "tencent" else _agora_metrics(session)
    own = [(metric, "") for metric in metrics if not metric.remote]
    remote = [(metric, peer) for place, peer in enumerate(session.peers) for metric in metrics if metric.remote]
    if limit is None and session.key % 4 != 0:
        remote = [(metric, peer) for metric, peer in remote if peer == session.peers[0]]
    return tuple(
        Series(
            metric=metric,
            peer_id=peer,
            phase=mix(session.key, place) % VALUES,
            late_s=1 if metric.shape in _LATE else 0,
        )
        for place, (metric, peer) in enumerate((own + remote)[:limit])
    )


def _agora_metrics(session: Session) -> tuple[Metric, ...]:
    if session.platform == "Web":
        return (*(metric for metric in AGORA if metric.name not in _CPU), *AGORA_WEB)
    return AGORA + AGORA_DUAL_STREAM if session.key % 8 == 0 else AGORA


class Cadence:
    """When the series of a session have their points: in ever the same rhythm from join to leave.

    Args:
        session: the session.
        late_s: seconds after its beat.
        count: exactly that many points, evenly over the stay (or one a second if that is fewer); None for the
            vendor's own rhythm.
    """

    __slots__ = ("_count", "_first", "_irregular", "_seconds", "leave_ts")

    def __init__(self, session: Session, late_s: int, count: int | None) -> None:
        self.leave_ts: int = session.leave_ts
        self._seconds = session.leave_ts - session.join_ts
        self._count = None if count is None else min(count, self._seconds)
        self._first = session.join_ts + (1 + late_s if count is None else 0)
        self._irregular = session.vendor == "agora"

    def place(self, instant: int) -> int:
        """How many points lie before this instant, the end of the stay at the latest."""
        gone = min(instant, self.leave_ts) - self._first
        if gone <= 0 or self._count == 0:
            return 0
        if self._count is not None:
            return -(-gone * self._count // self._seconds)
        if not self._irregular:
            return -(-gone // _REGULAR_S)
        rounds, rest = divmod(gone, _IRREGULAR_S)
        return rounds * len(_IRREGULAR) + sum(beat < rest for beat in _IRREGULAR)

    def times(self, first: int, beyond: int) -> list[int]:
        """The instants of the points from number `first` up to, but not including, `beyond`."""
        numbers = range(first, beyond)
        if self._count is not None:
            return [self._first + number * self._seconds // self._count for number in numbers]
        if not self._irregular:
            return [self._first + number * _REGULAR_S for number in numbers]
        return [self._first + (number >> 2) * _IRREGULAR_S + _IRREGULAR[number & 3] for number in numbers]

    def window(self, start: int, end: int) -> tuple[int, int]:
        """Numbers of the points in `[start, end)`: the first, and the one after the last."""
        first = self.place(start)
        return first, max(first, self.place(end))


def series_points(
    session: Session, series: Series, start: int, end: int, count: int | None
) -> Iterator[tuple[int, int | float | None]]:
    """The points of a series in `[start, end)`, oldest first."""
    cadence = Cadence(session, series.late_s, count)
    first, beyond = cadence.window(start, end)
    table = values(series.metric, session.level)
    for number, instant in enumerate(cadence.times(first, beyond), first):
        yield instant, table[(series.phase + number) % VALUES]


def count_points(session: Session, chosen: Sequence[Series], start: int, end: int, count: int | None) -> list[int]:
    """How many points each series has in `[start, end)`; without those that have none."""
    numbers = []
    for late_s in (0, 1):
        first, beyond = Cadence(session, late_s, count).window(start, end)
        numbers.append(beyond - first)
    return [numbers[series.late_s] for series in chosen if numbers[series.late_s]]


def write_points(
    session: Session, chosen: Sequence[Series], start: int, end: int, count: int | None, style: Style
) -> Iterator[tuple[Series, str]]:
    """Each series that has points in `[start, end)`, with these points in a vendor's JSON, separated by commas."""
    rhythms: dict[int, tuple[int, list[str]]] = {}
    for series in chosen:
        rhythm = rhythms.get(series.late_s)
        if rhythm is None:
            cadence = Cadence(session, series.late_s, count)
            first, beyond = cadence.window(start, end)
            heads = [f"{style.before}{instant}{style.between}" for instant in cadence.times(first, beyond)]
            rhythm = rhythms[series.late_s] = first, heads
        first, heads = rhythm
        if not heads:
            continue
        tails = _tails(series.metric, session.level, style.after)
        begin = (series.phase + first) % VALUES
        turns = (begin + len(heads)) // VALUES + 1
        text = "".join(chain.from_iterable(zip(heads, (tails * turns)[begin:], strict=False)))
        yield series, text[:-1]


@lru_cache(maxsize=256)
def _tails(metric: Metric, level: int, after: str) -> tuple[str, ...]:
    return tuple(f"{'null' if value is None else repr(value)}{after}," for value in values(metric, level))
