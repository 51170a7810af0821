"""Which windows of `call/details` show most of a call: its answers hold the ten users of a window who joined last.

The theory. At any second the vendor can show no more than the ten present who joined last; a window shows the ten who
joined last of all who were in it at any time. So the shorter the window, the more it shows, and between two moments at
which somebody joins or leaves nothing is left to be gained: these pieces are the best that can be had. Neighbours among
them are joined again as long as that loses nothing, and then, cheapest first, until they are few enough. Who was there
is known from the sessions at hand; whoever else took a place in an answer is learnt from it, and the window asked again
in pieces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from agora_tencent_analytics.endpoint import Bounds, Endpoint, Unpaged, check_params
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.clip import cover
from agora_tencent_analytics.paging.question import Question, Questions
from agora_tencent_analytics.paging.stays import StayTrail, alias, bounds_of, in_text, life_of, stays, trail_of_stays
from agora_tencent_analytics.timerange import TimeRange, merge
from agora_tencent_analytics.wire import Reply

SHOWN = 10
"""The most users of an answer."""
MOST_WINDOWS = 24
"""Windows that a call is cut into, unless the span of the plan makes them more."""
MOST_AGAIN = 8
"""Windows, at least, that are asked again where answers held somebody unknown."""
_EDGE_S = 2
"""Seconds of a session that nobody misses: whether its last one belongs to it is the vendor's to say."""
_MAY_BE_LOST = 0.02
"""Share of what can be had that is given up for fewer windows, where not everything can be had."""

Stays = Mapping[str, TimeRange]
_Bounds = tuple[int, int]
_Memory = tuple[str, int, dict[str, _Bounds], list[_Bounds], list[_Bounds], dict[str, list[_Bounds]]]


def details_questions(
    row: Endpoint[MetricSeries],
    limits: Limits,
    call: Call,
    sessions: Sequence[Session],
    over: TimeRange | None,
    params: Mapping[str, Any],
) -> Questions:
    """One question about the series of these sessions, in windows that show most of them.

    Args:
        row: `call/details` with metrics.
        limits: its figures on the plan.
        call: the call.
        sessions: of the call, as many of it as are known.
        over: only what lies in it; None: the whole call.
        params: of the row.

    Raises:
        BadInput: a parameter is wrong.
    """
    checked = check_params(row, params)

    def questions(now: float, latest: float) -> Iterable[Question]:
        here = int(latest)
        life = life_of(call, sessions, here)
        pieces = stays(sessions, life, over)
        if not pieces:
            return
        until = here + 1 if over is None else min(over.end, here + 1)
        beyond = trail_of_stays(call, sessions, life, now=here, until=until)
        if beyond is not None:
            # Who has no end is looked for as long as the call lasts, or else for as long as one window may be.
            for one in beyond.sessions:
                start = one.join_ts if over is None else max(one.join_ts, over.start)
                end = min(until, beyond.ended or one.join_ts + limits.span_s)
                pieces += (TimeRange(start, end),) if start < end else ()
        known = {one.session_id: _presence(one, life) for one in sessions}
        windows = choose_windows(pieces, known, known, limits, row.bounds, most=MOST_WINDOWS)
        trail = _DetailsTrail(
            call_id=call.call_id,
            limits=limits,
            bounds=row.bounds,
            wanted=frozenset(known),
            known=known,
            life=life,
            beyond=beyond,
            left=max(MOST_AGAIN, MOST_WINDOWS - len(windows)),
        )
        # Its answers are as full as they may be, and still all that there is: the trail says what they leave out.
        in_one_piece = msgspec.structs.replace(row, paging=Unpaged())
        yield Question(
            row=in_one_piece, limits=limits, over=tuple(windows), params=checked, size=0, apart=True, trail=trail
        )

    return questions


def choose_windows(
    pieces: Sequence[TimeRange], known: Stays, wanted: Collection[str], limits: Limits, bounds: Bounds, *, most: int
) -> list[TimeRange]:
    """Windows, oldest first, that cover the pieces and show as much of the wanted sessions as so few can.

    Args:
        pieces: what is to be covered.
        known: when each session was there, by id.
        wanted: ids of those whose seconds count.
        limits: gives the span of one window.
        bounds: whether a window may be as long as the span.
        most: the most windows, unless spans and gaps make them more.
    """
    whole = list(cover(pieces, limits, bounds=bounds))
    if len(known) <= SHOWN:
        return whole
    latest = _latest_first(known)
    cut = list(_at_every_moment(whole, known))
    ends = {window.end for window in whole}
    # What is lost if a window is joined with the next; None: it must not be.
    joints: list[int | None] = [None if window.end in ends else 0 for window in cut]
    shown = [_shown_s(window, latest, wanted) for window in cut]
    for at, joint in enumerate(joints):
        if joint is not None:
            joints[at] = _lost(cut, shown, at, latest, wanted)
    best = sum(shown)
    everything = sum(_seconds(merge(whole), known[name]) for name in wanted)
    while (least := min((joint for joint in joints if joint is not None), default=None)) is not None:
        lost = best - sum(shown) + least
        worth_it = best < everything and lost <= _MAY_BE_LOST * best
        if least and len(cut) <= max(most, len(whole)) and not worth_it:
            break
        at = joints.index(least)
        cut[at : at + 2] = [cut[at].hull(cut[at + 1])]
        shown[at : at + 2] = [shown[at] + shown[at + 1] - least]
        del joints[at]
        for near in (at - 1, at):
            if near >= 0 and joints[near] is not None:
                joints[near] = _lost(cut, shown, near, latest, wanted)
    return cut


class _DetailsTrail(msgspec.Struct, kw_only=True):
    """Asks again, in pieces, where somebody unknown took a place; and says at last how much was out of reach."""

    call_id: str
    limits: Limits
    bounds: Bounds
    wanted: frozenset[str]
    known: dict[str, TimeRange]
    life: TimeRange
    beyond: StayTrail | None
    left: int
    """Windows that may still be asked again."""
    fill_to: int = 0
    doubt: str = ""
    _owed: list[TimeRange] = []
    """Windows in which somebody unknown took a place."""
    _asked: list[TimeRange] = []
    _shown: dict[str, list[TimeRange]] = {}

    def saw(self, reply: Reply[Any], window: TimeRange) -> None:
        """See `Trail.saw`."""
        if self.beyond is not None:
            self.beyond.saw(reply, window)
        self._asked.append(window)
        names = {*reply.ids, *(series.session_id for series in reply.items)}
        for name in names & self.wanted:
            self._shown.setdefault(name, []).append(window)
        others = {
            alias(self.call_id, one.session_id): one for one in reply.sessions if one.session_id not in self.wanted
        }
        strangers = {name: _presence(one, self.life) for name, one in others.items() if name not in self.known}
        self.known.update(strangers)
        if strangers and len(names) >= SHOWN:
            self._owed.append(window)

    def onward(self, reached: int) -> TimeRange | None:
        """See `Trail.onward`."""
        piece = self._next_owed()
        if piece is None and self.beyond is not None:
            piece = self.beyond.onward(reached)
        if piece is None:
            doubts = [self.beyond.doubt if self.beyond is not None else "", self._out_of_reach()]
            self.doubt = "; ".join(filter(None, doubts))
        return piece

    def memory(self) -> str:
        """See `Trail.memory`."""
        beyond = "" if self.beyond is None else self.beyond.memory()
        strangers = {name: (stay.start, stay.end) for name, stay in self.known.items() if name not in self.wanted}
        shown = {alias(self.call_id, name): bounds_of(windows) for name, windows in self._shown.items()}
        return in_text((beyond, self.left, strangers, bounds_of(self._owed), bounds_of(self._asked), shown))

    def recall(self, memory: str) -> None:
        """See `Trail.recall`."""
        beyond, self.left, strangers, owed, asked, shown = msgspec.json.decode(memory, type=_Memory)
        if self.beyond is not None and beyond:
            self.beyond.recall(beyond)
        self.known.update((name, TimeRange(*stay)) for name, stay in strangers.items())
        self._owed, self._asked = [TimeRange(*one) for one in owed], [TimeRange(*one) for one in asked]
        had = {name: shown.get(alias(self.call_id, name), ()) for name in self.wanted}
        self._shown = {name: [TimeRange(*one) for one in windows] for name, windows in had.items() if windows}

    def _next_owed(self) -> TimeRange | None:
        """The next window to be asked again, by what is known of the others now; None if none is worth it."""
        if not self._owed or not self.left:
            return None
        owed, latest = merge(self._owed), _latest_first(self.known)
        unseen = {
            name
            for name in self.wanted
            if _seconds(owed, self.known[name]) > _seconds(merge(self._shown.get(name, ())), self.known[name])
        }
        windows = choose_windows(owed, self.known, unseen, self.limits, self.bounds, most=self.left)
        worth = [window for window in windows if window not in self._asked and _shown_s(window, latest, unseen)]
        self._owed = worth[1:]
        self.left -= 1
        return worth[0] if worth else None

    def _out_of_reach(self) -> str:
        asked, latest = merge(self._asked), _latest_first(self.known)
        total = sum(_seconds(asked, self.known[name]) for name in self.wanted)
        seen = sum(_seconds(merge(found), self.known[name]) for name, found in self._shown.items())
        if total - seen <= _EDGE_S * len(self.wanted):
            return ""
        best = max(seen, sum(_shown_s(piece, latest, self.wanted) for piece in _at_every_moment(asked, self.known)))
        parts = ((total - best, "could be had by no window"), (best - seen, "by more windows only"))
        told = " and ".join(f"{100 * part / total:.1f} % {why}" for part, why in parts if part)
        shown = f"an answer shows the {SHOWN} users of its window who joined last"
        of = f"the time of the sessions of call {self.call_id} in {asked[0].hull(asked[-1])}"
        return f"{shown}: of {of}, {told}"


def _presence(session: Session, life: TimeRange) -> TimeRange:
    """When a session was there, as far as its row says."""
    if session.leave_ts is None or session.leave_ts >= life.end:
        return TimeRange(session.join_ts, max(session.join_ts + 1, life.end))
    return TimeRange(session.join_ts, max(session.join_ts, session.leave_ts) + 1)


def _latest_first(known: Stays) -> list[tuple[str, TimeRange]]:
    return sorted(known.items(), key=lambda one: (-one[1].start, one[0]))


def _shown_s(window: TimeRange, latest: Sequence[tuple[str, TimeRange]], wanted: Collection[str]) -> int:
    """Seconds of the wanted sessions that a window shows."""
    seconds, places = 0, SHOWN
    for name, stay in latest:
        both = min(stay.end, window.end) - max(stay.start, window.start)
        if both > 0:
            seconds += both if name in wanted else 0
            places -= 1
            if not places:
                break
    return seconds


def _lost(
    cut: Sequence[TimeRange],
    shown: Sequence[int],
    at: int,
    latest: Sequence[tuple[str, TimeRange]],
    wanted: Collection[str],
) -> int:
    """Seconds that are lost if a window is joined with the next."""
    return shown[at] + shown[at + 1] - _shown_s(cut[at].hull(cut[at + 1]), latest, wanted)


def _at_every_moment(windows: Iterable[TimeRange], known: Stays) -> Iterator[TimeRange]:
    """The windows cut wherever somebody joins or leaves."""
    moments = {moment for stay in known.values() for moment in (stay.start, stay.end)}
    for window in windows:
        inside = sorted(moment for moment in moments if window.start < moment < window.end)
        for start, end in pairwise((window.start, *inside, window.end)):
            yield TimeRange(start, end)


def _seconds(ranges: Iterable[TimeRange], stay: TimeRange) -> int:
    return sum(max(0, min(stay.end, one.end) - max(stay.start, one.start)) for one in ranges)
