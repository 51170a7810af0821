"""The worst calls of a scan: what a quality engineer looks at first.

Keeps a few figures of the worst calls only, whatever the number of calls. Worst means: most freeze time,
audio and video together; then most loss, then the longest round trip.
"""

from __future__ import annotations

import heapq
from itertools import count
from math import isnan

import attrs

from agora_tencent_analytics.scan import CallRecord

_LOSS = frozenset(
    f"{medium}_{way}_loss" for medium in ("audio", "video") for way in ("uplink", "downlink", "end_to_end")
)
_RTT = frozenset({"rtt", "gateway_rtt"})
_SHOWN = _LOSS | _RTT | {"audio_freeze_time", "video_freeze_time"}


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

    @property
    def badness(self) -> tuple[float, float, float]:
        """Greater is worse."""
        frozen_s = (self.audio_freeze_s or 0.0) + (self.video_freeze_s or 0.0)
        return frozen_s, self.loss_percent or 0.0, self.rtt_ms or 0.0

    def take(self, record: CallRecord) -> None:
        """Adds a part of the call."""
        self.sessions += len(record.sessions)
        self.join_ts = min([self.join_ts, *(session.join_ts for session in record.sessions)])
        newest: dict[str, int] = {}
        for series in record.series:
            if series.times:
                newest[series.session_id] = max(series.times[-1], newest.get(series.session_id, 0))
        for session in record.sessions:
            ended = session.leave_ts is not None and session.leave_ts > session.join_ts
            end = session.leave_ts if ended else newest.get(session.session_id, session.leave_ts)
            self.stayed_s += max(0, end - session.join_ts) if end is not None else 0
        for series in record.series:
            if series.metric not in _SHOWN:
                continue
            known = [value for value in series.values if not isnan(value)]
            if not known:
                continue
            if series.metric == "audio_freeze_time":
                self.audio_freeze_s = (self.audio_freeze_s or 0.0) + sum(known) / 1000
            elif series.metric == "video_freeze_time":
                self.video_freeze_s = (self.video_freeze_s or 0.0) + sum(known) / 1000
            elif series.metric in _LOSS:
                self.loss_percent = max(self.loss_percent or 0.0, sum(known) / len(known))
            else:
                self.rtt_ms = max(self.rtt_ms or 0.0, sum(known) / len(known))


class Worst:
    """Keeps the worst calls.

    Args:
        most: how many.
    """

    def __init__(self, most: int = 10) -> None:
        self._most = most
        self._open: dict[tuple[str, str], CallFigures] = {}
        self._heap: list[tuple[tuple[float, float, float], int, CallFigures]] = []
        self._order = count()

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
            heapq.heappush(self._heap, (figures.badness, next(self._order), figures))
            if len(self._heap) > self._most:
                heapq.heappop(self._heap)

    def listed(self) -> list[CallFigures]:
        """The worst calls, worst first."""
        return [figures for _, _, figures in sorted(self._heap, key=lambda entry: entry[0], reverse=True)]
