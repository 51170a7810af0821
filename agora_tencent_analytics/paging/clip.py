"""Which seconds of a range a vendor will answer for, and in which windows they are asked.

The vendor's now is an argument; spans, history and lag come from the plan.

Agora wants `end < now - lag`, `start > now - history` and `end - start < span`, all strict; Tencent's
spans are inclusive. Both are read in *vendor* time, which is known to about a second, so a margin is
kept on the two edges that move.

What the lag hides leaves a result complete, and what the vendor has forgotten is not looked for again, so a wrong clock
must not hide more under either name. What could be asked for by this machine's clock, but not by the vendor's, is
reported as hidden by a clock once it is longer than the lag plus what two clocks may differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from agora_tencent_analytics.endpoint import EXACT, Bounds, whole_units
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.paging.certificate import Clipped, ClippedFor
from agora_tencent_analytics.timerange import TimeRange, merge

MARGIN_S = 2
"""Seconds kept from the moving edges: one for the resolution of the `Date` header, one for the way there."""
CLOCKS_DIFFER_S = 10
"""Seconds that this machine's clock and the vendor's may differ before one of them is called wrong."""
HISTORY_MARGIN_S = 60
"""Seconds kept from the edge of history, which moves on while the request waits for its slot."""


class Clip(msgspec.Struct, kw_only=True, frozen=True):
    """What is left of a range, and what was cut away."""

    inside: TimeRange | None
    """The seconds that can be asked for, or None."""
    clipped: tuple[Clipped, ...]
    """What was cut away, oldest first."""

    def shown_in(self, limits: Limits, now: float, bounds: Bounds) -> float:
        """Seconds until the vendor answers for some of what its lag hides; infinite if it hides nothing."""
        first = min((piece.over.start for piece in self.clipped if piece.reason == "lag"), default=math.inf)
        return first + max(1, bounds.least_s) - newest(limits, now)


def clip(
    over: TimeRange,
    limits: Limits,
    *,
    now: float,
    here: float | None = None,
    endpoint: str,
    bounds: Bounds | None = None,
) -> Clip:
    """Cuts a range to what the vendor can answer at `now` (vendor epoch seconds).

    Args:
        over: the range.
        limits: the row's figures on the plan.
        now: vendor epoch seconds.
        here: epoch seconds on this machine's clock; None: the same.
        endpoint: name of the question, for what is cut away.
        bounds: how the row spells time. Where it takes whole days or minutes, none is cut in two.
    """
    here = now if here is None else here
    oldest, beyond = _oldest(limits, now, bounds), newest(limits, now)
    cut: list[Clipped] = []
    start, end = over.start, over.end
    if start < oldest:
        kept = oldest if now - here <= CLOCKS_DIFFER_S else max(start, _oldest(limits, here, bounds))
        kept, gone = min(end, kept), min(end, oldest)
        cut += _pieces(endpoint, (start, kept, "history"), (kept, gone, "clock"))
        start = oldest
    if end > beyond:
        if (first := max(start, beyond)) < end:
            cut += hidden(TimeRange(first, end), limits, now=now, here=here, endpoint=endpoint)
        end = beyond
    if not cut:
        return Clip(inside=over, clipped=())
    least_s = bounds.least_s if bounds is not None else 0
    if least_s - MARGIN_S <= end - start < least_s and end - least_s >= oldest:
        start = end - least_s  # no more than the margin was cut off: the vendor answers for as much before
    elif start < end < start + least_s:  # too little is left to be answered
        cut.append(Clipped(over=TimeRange(start, end), reason=cut[-1].reason, endpoint=endpoint))
        cut.sort(key=lambda piece: piece.over)
        start = end
    return Clip(inside=TimeRange(start, end) if start < end else None, clipped=tuple(cut))


def whole(over: TimeRange, limits: Limits, *, now: float, bounds: Bounds) -> bool:
    """True if `clip` would surely cut nothing off: a quicker word for the usual range."""
    inside = over.end <= newest(limits, now) and over.start > now - limits.history_s + HISTORY_MARGIN_S + 1
    return inside and bounds.form in EXACT


def newest(limits: Limits, now: float) -> int:
    """First second that the vendor does not show yet at `now` (vendor epoch seconds), a margin kept."""
    return math.floor(now - limits.lag_s) - MARGIN_S


def _oldest(limits: Limits, now: float, bounds: Bounds | None) -> int:
    """First second that the vendor still answers for at `now`, a margin kept."""
    oldest = math.ceil(now - limits.history_s) + HISTORY_MARGIN_S
    if bounds is None or bounds.exact or oldest <= 0:
        return oldest
    return whole_units(bounds, TimeRange(oldest - 1, oldest)).end


def hidden(over: TimeRange, limits: Limits, *, now: float, here: float, endpoint: str) -> tuple[Clipped, ...]:
    """A piece that is too recent to be asked for: in two if a clock hides more of it than the lag explains.

    The lag explains no more than its own length, and nothing that lies ahead of the vendor's now.

    Args:
        over: the piece.
        limits: the row's figures on the plan.
        now: vendor epoch seconds.
        here: epoch seconds on this machine's clock, by which the beginning of the piece may be old enough.
        endpoint: name of the question.
    """
    due = max(over.start, min(over.end, newest(limits, here)))
    if due - over.start <= limits.lag_s + CLOCKS_DIFFER_S and due <= now + CLOCKS_DIFFER_S:
        due = over.start
    return _pieces(endpoint, (over.start, due, "clock"), (due, over.end, "lag"))


def _pieces(endpoint: str, *pieces: tuple[int, int, ClippedFor]) -> tuple[Clipped, ...]:
    """Those of the pieces that hold a second."""
    return tuple(
        Clipped(over=TimeRange(start, end), reason=reason, endpoint=endpoint)
        for start, end, reason in pieces
        if start < end
    )


def askable(window: TimeRange, limits: Limits, *, now: float) -> bool:
    """True if the vendor answers for all of the window at `now`, a margin left aside."""
    return window.start > now - limits.history_s and window.end < now - limits.lag_s


def refused_at(now: float, window: TimeRange, limits: Limits, kind: str) -> bool:
    """True if a window is too recent, or too old, for a vendor whose clock shows `now`, give or take a second."""
    return (kind == "too_recent" and window.end >= now - limits.lag_s - 1) or (
        kind == "too_old" and window.start <= now - limits.history_s + 1
    )


def give_way(
    window: TimeRange, limits: Limits, *, now: float, times: int, recent: bool, bounds: Bounds | None = None
) -> TimeRange | None:
    """What is left of a window that the vendor refused as too recent, or as too old; None if nothing is.

    The clock learnt from the refusal may explain it; if not, each refusal gives way to twice as many seconds.

    Args:
        window: what was refused.
        limits: the row's figures on the plan.
        now: vendor epoch seconds, as known after the refusal.
        times: how often the vendor refused, from 1.
        recent: True if it refused the end, False if the start.
        bounds: how the row spells time.
    """
    cut = clip(window, limits, now=now, endpoint="", bounds=bounds).inside
    if cut != window:
        return cut
    step = 5 * 2**times
    start, end = (window.start, window.end - step) if recent else (window.start + step, window.end)
    return TimeRange(start, end) if start < end else None


def cover(pieces: Sequence[TimeRange], limits: Limits, *, bounds: Bounds, fill_to: int = 0) -> list[TimeRange]:
    """As few windows as possible, oldest first (the oldest data expires first), that cover all pieces.

    Windows touch where a piece is longer than one of them, and leave out what no piece needs.

    Args:
        pieces: what is to be covered, in any order.
        limits: gives the span that one request may cover, seconds.
        bounds: whether a window may be as long as the span, may reach over the end of a day, and how short it may be.
        fill_to: up to here windows are as long as they may be, epoch seconds: that costs no request.
    """
    span = max(1, limits.span_s - 1 if bounds.strict else limits.span_s)
    if len(pieces) == 1 and fill_to - pieces[0].start <= pieces[0].seconds <= span and not bounds.one_day:
        return [pieces[0]]
    needed = merge(pieces)
    windows: list[TimeRange] = []
    at, start = 0, 0
    while at < len(needed):
        start = max(start, needed[at].start)
        limit = start + span
        if bounds.one_day:
            by_days = msgspec.structs.replace(bounds, form="day")
            limit = min(limit, whole_units(by_days, TimeRange(start, start + 1)).end)
        end = limit
        while at < len(needed) and needed[at].start < limit:
            end = min(needed[at].end, limit)
            if needed[at].end > limit:
                break
            at += 1
        end = max(end, min(limit, fill_to))
        if windows and windows[-1].end == start and 0 < end - start < bounds.least_s:
            start = end - bounds.least_s
            windows[-1] = TimeRange(windows[-1].start, start)
        windows.append(TimeRange(start, end))
        start = end
    return windows
