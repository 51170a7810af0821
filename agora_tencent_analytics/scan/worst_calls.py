"""`worst`: the worst calls of a scan, what a quality engineer looks at first.

Keeps a few figures of the worst calls only, whatever the number of calls. Worst means: the one whose worst user saw or
heard nothing move for the largest share of the stay; long calls and large ones are not worse for it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from math import isnan
from typing import Literal, get_args

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.scan.records import CallRecord

By = Literal["share", "seconds", "users", "loss", "rtt"]
"""What makes a call worse than another."""

_LOSS = frozenset(
    f"{medium}_{way}_loss" for medium in ("audio", "video") for way in ("uplink", "downlink", "end_to_end")
)
_RTT = frozenset({"rtt", "gateway_rtt"})
_FREEZE = {"audio_freeze_time": "audio_freeze_s", "video_freeze_time": "video_freeze_s"}
_LONGEST_S = 10**9


@attrs.define(kw_only=True)
class CallFigures:
    """One call in one line."""

    vendor: str
    call_id: str
    channel: str
    join_ts: int
    """When the first participant joined, epoch seconds."""
    sessions: int = 0
    stayed_s: int = 0
    """Length of its sessions, seconds, all together; of one that goes on, up to its newest point."""
    audio_freeze_s: float | None = None
    """Seconds of frozen audio, all sessions together. None: nobody measured it; so below."""
    video_freeze_s: float | None = None
    """Seconds of frozen video, all sessions together."""
    loss_percent: float | None = None
    """Mean loss of the worst series."""
    rtt_ms: float | None = None
    """Mean round trip of the worst series."""

    _stayed: dict[str, float] = attrs.field(factory=lambda: defaultdict(float), repr=False)
    _frozen: dict[str, float] = attrs.field(factory=lambda: defaultdict(float), repr=False)

    @property
    def worst_share(self) -> float | None:
        """The worst user's frozen share of the stay, 0 to 1: of audio or video, from whichever peer it was worse."""
        stays = ((self._frozen[user], stay) for user, stay in self._stayed.items() if user in self._frozen)
        return max((min(1.0, frozen / stay) for frozen, stay in stays if stay), default=None)

    @property
    def frozen_users(self) -> int:
        """Users for whom anything was frozen at any time."""
        return sum(frozen > 0 for frozen in self._frozen.values())

    def badness(self, by: By) -> tuple[float, ...]:
        """Greater is worse.

        Args:
            by: what counts first; the others decide between calls for which that is the same.
        """
        figures: dict[By, float] = {
            "share": self.worst_share or 0.0,
            "seconds": (self.audio_freeze_s or 0.0) + (self.video_freeze_s or 0.0),
            "users": self.frozen_users,
            "loss": self.loss_percent or 0.0,
            "rtt": self.rtt_ms or 0.0,
        }
        # Infinities of both signs have no sum, and what is not a number cannot be ordered.
        return tuple(0.0 if isnan(figure) else figure for figure in (figures.pop(by), *figures.values()))

    def take(self, record: CallRecord) -> None:
        """Adds a part of the call.

        Args:
            record: the call, or a part of it.
        """
        self.sessions += len(record.sessions)
        self.join_ts = min([self.join_ts, *(session.join_ts for session in record.sessions)])
        newest: dict[str, int] = {}
        frozen: dict[tuple[str, str, str], float] = defaultdict(float)
        for series in record.series:
            if series.times:
                newest[series.session_id] = max(series.times[-1], newest.get(series.session_id, 0))
            if series.metric in _FREEZE:
                known = [value for value in series.values if not isnan(value)]
                if known:
                    total = _FREEZE[series.metric]
                    setattr(self, total, (getattr(self, total) or 0.0) + sum(known) / 1000)
                    frozen[series.session_id, series.metric, series.peer_id] += sum(known) / 1000
            elif series.metric in _LOSS:
                self.loss_percent = _greater(self.loss_percent, series.mean())
            elif series.metric in _RTT:
                self.rtt_ms = _greater(self.rtt_ms, series.mean())
        worst: dict[str, float] = {}
        for (session_id, _, _), seconds in frozen.items():
            worst[session_id] = max(seconds, worst.get(session_id, 0.0))
        for session in record.sessions:
            ended = session.leave_ts is not None and session.leave_ts > session.join_ts
            end = session.leave_ts if ended else newest.get(session.session_id, session.leave_ts)
            stayed = max(0, end - session.join_ts) if end is not None else 0
            self.stayed_s += stayed
            user = session.user_id or session.session_id
            self._stayed[user] += min(stayed, _LONGEST_S)  # a vendor may write any number
            if session.session_id in worst:
                self._frozen[user] += worst[session.session_id]


def _greater(known: float | None, other: float | None) -> float | None:
    return max((value for value in (known, other) if value is not None), default=None)


class Worst:
    """Keeps the worst calls of records that come one by one.

    Args:
        most: how many.
        by: what makes one worse than another; see `worst`.

    Raises:
        BadInput: there is no such order, or number.
    """

    def __init__(self, most: int = 10, *, by: By = "share") -> None:
        if by not in get_args(By):
            raise BadInput(f"by must be one of {', '.join(get_args(By))}, not {by!r}")
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise BadInput(f"most must be a whole number from 1, not {most!r}")
        self._most = most
        self._by: By = by
        self._open: dict[tuple[str, str], CallFigures] = {}
        self._heap: list[tuple[tuple[float, ...], int, CallFigures]] = []
        self._places = count(0, -1)  # of calls that are as bad, the later is the smaller

    def take(self, record: CallRecord) -> None:
        """Takes a record in; a call counts once its last part is here."""
        call = record.call
        place = (record.vendor, call.call_id)
        figures = self._open.get(place)
        if figures is None:
            figures = self._open[place] = CallFigures(
                vendor=record.vendor,
                call_id=call.call_id,
                channel=call.channel,
                join_ts=min([session.join_ts for session in record.sessions], default=call.created_ts),
            )
        figures.take(record)
        if record.last:
            del self._open[place]
            heapq.heappush(self._heap, (figures.badness(self._by), next(self._places), figures))
            if len(self._heap) > self._most:
                heapq.heappop(self._heap)

    def listed(self) -> list[CallFigures]:
        """The worst calls, worst first."""
        return [figures for _, _, figures in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]


def worst(records: Iterable[CallRecord], *, by: By = "share", most: int = 10) -> list[CallFigures]:
    """The worst calls among records, worst first; of calls that are as bad, those that came first.

    Args:
        records: with series, of any scans; calls in parts with all their parts.
        by: what makes one worse than another: `"share"`, the worst user's frozen share of the stay; `"seconds"` of
            freeze, of all sessions together; `"users"` for whom anything froze; the mean `"loss"` or round trip
            (`"rtt"`) of the worst series.
        most: how many, from 1.

    Raises:
        BadInput: there is no such order, or number.
    """
    kept = Worst(most, by=by)
    for record in records:
        kept.take(record)
    return kept.listed()
