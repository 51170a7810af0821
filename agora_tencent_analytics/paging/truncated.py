"""Given an answer without pages, which window next? The reading of windows that show less than they hold.

Some questions have no pages. The vendor gives the newest N rows of a window, or any N of them, and whoever
wants the others must ask for less. Two readers do.

**Newest N.** A full answer is complete down to its oldest second, so the next window ends one second after
it; what overlaps is dropped by id. An answer that is not full ends the walk.

* Of rows that cannot be read, or that were at 0, nobody knows when they were. The next window ends above the oldest row
  of which that is known, since whatever is newer is in the answer; where that does not advance, the window is split.
* If that second alone fills an answer, no window can show the rest of it: the second is named as incomplete
  and the walk goes on below it.
* A row that began before the window is there because the vendor matches by overlap. Then only the first
  second of the window is still asked; if that is full too, it is named.
* Where the vendor takes no range, a full answer is everything only if a total, or `has_more`, says so; nothing more can
  be asked for.
* `has_more` on an answer that is not full is followed like a full one. Three answers in a row that bring
  nothing new end it, since the sign may be a lie and would burn a day's quota.

Cost: n rows take about n / (N - m) requests, where m rows share a second.

**Any N.** An answer that is not full is the whole window, a full one is a random sample. The window is then
read oldest first in pieces that are each expected to hold 0.7 N rows, so few of them overflow and few are
nearly empty; how that is expected is below. What a full piece leaves over is read with what
follows it. A full second is named as incomplete. Full answers in a row with rows from outside the window and
nothing new end it: the vendor takes no notice of the window. Cost: about 1.6 n / N requests for N = 100, 2.0 for 20 and
2.4 for 10; plain halving takes 3 and more.

**What is expected** (`Density`). A random sample of k rows cuts its window into k + 1 gaps, each of which holds the
same share of the rows on average, though any one of them may hold three times as much or a tenth of it. So a sample
shows *where* rows crowd, roughly, and not *how many* there are. What has been read to the end shows how many, but only
up to where it ends. The two are put together:

* The rate of finished neighbours, older ones counting half, is believed inside the band that the sample
  allows: at most three times its own gap, at least a fifth of the gaps around it. Inside a steady stream
  the neighbours decide, at the edge of a burst the sample does. Where nothing is finished the sample alone decides.
* How many rows a gap stands for is set right as windows are finished.
* A second full answer within the first shows how much is hidden: the fewer of the rows known there come
  again, the more rows there are (capture and recapture).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise, starmap
from operator import attrgetter, le
from typing import Any

import msgspec

from agora_tencent_analytics.endpoint import AnyOf, Endpoint, Newest, Total
from agora_tencent_analytics.errors import UnreadableReply, counted
from agora_tencent_analytics.paging.cursor import Ahead, Cursor, Piece
from agora_tencent_analytics.paging.decision import PageSigns, Reader, Step
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Reply

_MOST_BARREN = {Newest: 3, AnyOf: 6}
"""So many answers in a row that are full, or say that more exists, and bring nothing new, end the reading."""
_FILL, _WHOLE, _AT_MOST = 0.7, 0.85, 0.6
"""Shares of an answer: to aim at; up to which the rest is asked at once. Share of a full window to ask next."""
_FIRST_GUESS = 1.5
"""Answers' worth of rows in the first window that was full."""

_CROWDED = "more happened in this second than an answer holds"
_LIES = "the vendor says that more exists, and its answers bring nothing new"
_STUCK = "answers are full, and bring nothing new"
_NOT_AGAIN = "rows that were shown before did not come again, in an answer that is not full"
_FULL = "the answer was full; it is complete down to its oldest second"
_SHOWS_NOTHING = "the vendor says that more exists, and shows nothing"
_NO_RANGE = "the answer was full, and the vendor takes no range by which to ask for the others"
_UNREAD = "the oldest row of a full answer cannot be read"
_WHOLE_ANSWER = "the answer was not full"
_UNORDERED = "the rows of a full answer are not in the order that the row declares, so they may not be the newest"

_OVER, _UNDER = 3.0, 5.0


def hidden(known: int, again: int, *, size: int, guess: float) -> float:
    """How many rows a window holds that gave a full answer.

    Args:
        known: rows of the window that were known before.
        again: how many of them the answer held.
        size: rows of the answer.
        guess: what was thought before, as strong as one known row.
    """
    return max((known + 1) * size / (again + size / guess), 1.05 * size)


def _gaps(moments: Sequence[int], window: TimeRange, mass: float) -> list[Piece]:
    """The window cut at the sampled moments; a second that was sampled twice becomes a piece of its own."""
    share = mass / (len(moments) + 1)
    found: list[Piece] = []
    at = window.start
    for moment, rows in sorted(Counter(moments).items()):
        if rows > 1 and moment > at:
            found.append((moment, share))
            rows -= 1
        found.append((moment + 1, rows * share))
        at = moment + 1
    if at < window.end:
        return [*found, (window.end, share)]
    found[-1] = (at, found[-1][1] + share)
    return found


class Density(msgspec.Struct, kw_only=True):
    """What is thought of the seconds from `start` on; empty until the first sample."""

    size: int
    """The most rows of an answer."""
    start: int
    """Where the first piece begins: everything before is settled."""
    pieces: list[Piece] = []
    near: tuple[float, float] = (0.0, 0.0)
    """Rows and seconds of finished neighbours, older ones counting half."""
    tally: tuple[float, float] = (0.0, 0.0)
    """Rows found in finished windows, and rows that the pieces had promised there."""

    @property
    def _scale(self) -> float:
        believed = self.size / 2  # rows' worth of belief in the first estimate
        return (believed + self.tally[0]) / (believed + self.tally[1])

    def expected(self, end: int) -> float:
        """Rows thought to lie between `start` and `end`, by the samples alone."""
        return self._scale * self._promised(end)

    def _spans(self) -> Iterator[tuple[int, int, float]]:
        """Each piece: where it begins and ends, and how many rows it is thought to hold by itself."""
        at = self.start
        for end, mass in self.pieces:
            yield at, end, mass
            at = end

    def _promised(self, end: int) -> float:
        return sum(mass * max(0, min(b, end) - a) / (b - a) for a, b, mass in self._spans())

    def sampled(self, window: TimeRange, moments: Sequence[int], rows: float) -> None:
        """Takes in a full answer of a window that begins at `start`.

        Args:
            window: what was asked.
            moments: when its rows were; those outside the window are left out.
            rows: how many it is thought to hold.
        """
        rest = self._after(window.end)
        if not self.tally[1]:
            # Nothing is finished: what is wrong with this window is wrong with those behind it as well.
            believed = self.size / 2
            ratio = (believed + rows) / (believed + self.expected(window.end))
            rest = [(end, mass * ratio) for end, mass in rest]
        self.start = window.start
        inside = [moment for moment in moments if moment in window]
        self.pieces = _gaps(inside, window, rows / self._scale) + rest
        self.near = (0.0, 0.0)

    def finished(self, end: int, rows: int) -> None:
        """Takes in that the seconds up to `end` hold so many rows."""
        if self.pieces:
            self.tally = (self.tally[0] + rows, self.tally[1] + self._promised(end))
        self.near = (self.near[0] / 2 + rows, self.near[1] / 2 + end - self.start)
        self.forget(end)

    def forget(self, end: int) -> None:
        """Moves the start to `end`, and learns nothing from it."""
        self.pieces = self._after(end)
        self.start = end

    def _after(self, end: int) -> list[Piece]:
        return [(b, mass * (b - max(a, end)) / (b - a)) for a, b, mass in self._spans() if b > end]

    def reach(self, rows: float) -> int:
        """Where the window that begins at `start` should end to hold about so many rows."""
        held = 0.0
        for (at, end, _), rate in zip(self._spans(), self._rates(), strict=True):
            if held + rate * (end - at) >= rows:
                return max(self.start + 1, round(at + (rows - held) / rate))
            held += rate * (end - at)
        return self.pieces[-1][0]

    def total(self) -> float:
        """Rows thought to lie in all pieces, the neighbours' word included."""
        return sum(rate * (b - a) for rate, (a, b, _) in zip(self._rates(), self._spans(), strict=True))

    def _rates(self) -> list[float]:
        """Rows a second of each piece."""
        edges, scale = [self.start, *(end for end, _ in self.pieces)], self._scale
        own = [scale * mass / (b - a) for a, b, mass in self._spans()]
        rows, seconds = self.near
        if not seconds:
            return own
        held, last = [0.0, *accumulate(mass for _, mass in self.pieces)], len(own)
        rates = []
        for at, rate in enumerate(own):
            low, high = max(0, at - 1), min(last, at + 2)
            around = scale * (held[high] - held[low]) / (edges[high] - edges[low])
            rates.append(min(max(rows / seconds, around / _UNDER), _OVER * rate))
        return rates


class _Reader(Reader, kw_only=True):
    size: int = 0
    known: dict[bytes, int] = msgspec.field(default_factory=dict)
    """Moments of the rows that later answers may show again."""
    promised: int | None = None
    """Rows that the vendor counts in the whole window: the total of the first answer."""
    came: int = 0
    """Rows of the whole window that came, each once."""
    _latest: int = 0
    """How many of them the last answer showed."""
    _again: bool = False
    _proven: bool = False
    """True if the last answer proves by itself that nothing can follow."""

    def resume(self, cursor: Cursor) -> None:
        """See `Reader.resume`."""
        if (ahead := cursor.ahead) is not None:
            self.known, self.promised, self.came = dict(ahead.known), ahead.promised, ahead.came

    @property
    def ahead(self) -> Ahead:
        """See `Reader.ahead`."""
        known = tuple(self.known.items())
        return Ahead(end=self.rest.end, known=known, promised=self.promised, came=self.came)

    def _take_in(self, page: PageSigns, fresh: int, counts: Total) -> None:
        if not self.pages:
            self.first_total: int | None = page.total
        self._count(page, fresh)
        self._proven = page.is_last
        self.total: int | None = page.total
        if self.promised is None and counts in ("listing", "hint"):
            self.promised = page.total
        self._latest = sum(row not in self.known for row in page.ids) if self.known else len(page.ids)
        self.came += self._latest
        self.everything.update(page.ids)

    def _lacks(self, page: PageSigns) -> str:
        """What to do where no row shown before comes again in what should be all of the window: "page", then "done"."""
        due = {row for row, at in self.known.items() if at in self.window}
        if not due or page.is_last or not due.isdisjoint(page.ids):
            return ""
        if self._again:
            return "done"
        self._again = True
        self.came -= self._latest  # they come again
        return "page"

    def _close(self, start: int, reason: str, *, complete: bool, then: TimeRange | None) -> Step:
        """Closes the asked window from `start` on."""
        over = TimeRange(start, self.window.end)
        if then is None:
            if complete and not self._proven and self.promised is not None and self.promised > self.came:
                complete, reason = False, f"the vendor counts {counted(self.promised, 'row')}, and {self.came} came"
            return Step(action="done", over=over, complete=complete, reason=reason)
        self.window = then
        return Step(action="narrow", over=over, complete=complete, reason=reason)


class NewestReader(_Reader, kw_only=True):
    """Reads one window of a newest-N question to its end, newest first. `window` is all that is left."""

    paging: Newest

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """See `Reader.feed`."""
        self._take_in(page, fresh, self.paging.total)
        start, end = self.window.start, self.window.end
        full = len(page.ids) >= (self.size or self.paging.most)
        if page.is_last or not (full or page.has_more is True):
            if (lacks := self._lacks(page)) == "page":
                return Step(action="page", drift=_NOT_AGAIN)
            return self._close(start, _NOT_AGAIN if lacks else _WHOLE_ANSWER, complete=not lacks, then=None)
        if not self.ranged:
            counted_all = self.promised is not None and self.promised <= self.came and page.has_more is not True
            whole = page.has_more is False or counted_all
            return self._close(start, _WHOLE_ANSWER if whole else _NO_RANGE, complete=whole, then=None)
        self.barren: int = self.barren + (not fresh)
        if self.barren >= _MOST_BARREN[Newest]:
            return self._close(start, _LIES if page.has_more else _STUCK, complete=False, then=None)
        moments = [(row, at) for row, at in zip(page.ids, page.at, strict=False) if at > 0]
        unread = len(page.ids) - len(moments)
        if not moments:
            return Step(action="split", reason=_UNREAD if unread else _SHOWS_NOTHING)
        # Rows of which nobody knows when they were may be older; what is newer than this one is there in any case.
        oldest = min(at for _, at in moments)
        below = max(oldest, start) + 1
        if unread and below >= end > start + 1:
            return Step(action="split", reason=_UNREAD)
        # Where ends are included, those of the second after the next window come with it.
        self.known: dict[bytes, int] = {row: at for row, at in moments if at <= below}
        if below < end:
            why = _FULL if full else "the vendor says that more exists; this is complete down to its oldest second"
            if not self._ordered(page.at):
                return self._close(below, _UNORDERED, complete=False, then=TimeRange(start, below))
            return self._close(below, why, complete=True, then=TimeRange(start, below))
        if oldest < start:
            why = "more rows reach into this second, the window's first, from before it than an answer holds"
            return self._close(start, why, complete=False, then=None)
        then = TimeRange(start, end - 1) if start < end - 1 else None
        return self._close(end - 1, _CROWDED, complete=False, then=then)

    def _ordered(self, at: Sequence[int]) -> bool:
        """False if the rows stand otherwise than declared; those without a possible time are not evidence."""
        usable = [when for when in at if when > 0]
        if self.paging.order == "newest":
            usable.reverse()
        return self.paging.order == "none" or all(starmap(le, pairwise(usable)))


class AnyOfReader(_Reader, kw_only=True):
    """Reads one window of an any-N question to its end, oldest first. `window` is the piece asked now."""

    paging: AnyOf
    end: int = 0
    """Where the reading is to end."""
    density: Density = msgspec.field(default_factory=lambda: Density(size=0, start=0))

    def __post_init__(self) -> None:
        self.end = self.window.end
        self.density = Density(size=self.paging.most, start=self.window.start)

    def resume(self, cursor: Cursor) -> None:
        """See `Reader.resume`."""
        super().resume(cursor)
        if (ahead := cursor.ahead) is not None:
            self.end, density = ahead.end, self.density
            density.pieces, density.near, density.tally = list(ahead.pieces), ahead.near, ahead.tally

    @property
    def ahead(self) -> Ahead:
        """See `Reader.ahead`."""
        density = self.density
        pieces = tuple((end, round(mass, 2)) for end, mass in density.pieces)
        return msgspec.structs.replace(super().ahead, pieces=pieces, near=density.near, tally=density.tally)

    @property
    def rest(self) -> TimeRange:
        """See `Reader.rest`."""
        return TimeRange(self.window.start, self.end)

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """See `Reader.feed`."""
        self._take_in(page, fresh, self.paging.total)
        window, most = self.window, self.paging.most
        if page.is_last or len(page.ids) < most:
            if (lacks := self._lacks(page)) == "page":
                return Step(action="page", drift=_NOT_AGAIN)
            doubt = page.has_more is True and not page.is_last
            self.known.update((row, at) for row, at in zip(page.ids, page.at, strict=False) if at >= window.end)
            self.density.finished(window.end, len(page.ids))
            why = "the vendor says that more exists, in an answer that is not full" if doubt else _WHOLE_ANSWER
            return self._next(_NOT_AGAIN if lacks else why, complete=not doubt and not lacks)
        # Known rows of the window itself are expected while closing in on a crowded second.
        astray = not page.at or any(at not in window for at in page.at)
        self.barren: int = self.barren + (astray and not fresh)
        if self.barren >= _MOST_BARREN[AnyOf]:
            self.window: TimeRange = self.rest
            return self._close(window.start, _LIES if page.has_more else _STUCK, complete=False, then=None)
        before = sum(at in window for at in self.known.values())
        again = sum(row in self.known for row in page.ids)
        self.known.update(zip(page.ids, page.at, strict=False))
        if window.seconds == 1:
            self.density.forget(window.end)
            return self._next(_CROWDED, complete=False)
        guess = max(self.density.expected(window.end), _FIRST_GUESS * most)
        rows = hidden(before, again, size=most, guess=guess)
        self.density.sampled(window, page.at, rows)
        end = self.density.reach(min(_FILL * most, _AT_MOST * rows))
        self.window = TimeRange(window.start, min(end, window.end - 1))
        return Step(action="narrow", reason="the answer was full")

    def _next(self, reason: str, *, complete: bool) -> Step:
        start, then = self.window.end, None
        self.known: dict[bytes, int] = {row: at for row, at in self.known.items() if at >= start}
        if start < self.end:
            end = self.end
            if self.density.pieces and self.density.total() > _WHOLE * self.paging.most:
                end = min(end, self.density.reach(_FILL * self.paging.most))
            then = TimeRange(start, end)
        return self._close(self.window.start, reason, complete=complete, then=then)


def moments(row: Endpoint[Any], reply: Reply[Any]) -> list[int]:
    """When each record of an answer was, where windows are narrowed by that; nothing elsewhere.

    Raises:
        UnreadableReply: a record has no moment.
    """
    if not row.key or not isinstance(row.paging, Newest | AnyOf) or not row.paging.at:
        return []
    try:
        return [math.floor(when) for when in map(attrgetter(row.paging.at), reply.items)]
    except (TypeError, ValueError, ArithmeticError) as error:
        why = f"a row without its moment ({error})"
        raise UnreadableReply(why, endpoint=row.name, status=200, request_id=reply.request_id) from None
