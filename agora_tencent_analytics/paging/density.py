"""`Density`: how many rows the next seconds are expected to hold, learnt from samples and from finished neighbours.

The theory. A random sample of k rows cuts its window into k + 1 gaps, each of which holds the same share of
the rows on average, though any one of them may hold three times as much or a tenth of it. So a sample shows
*where* rows crowd, roughly, and not *how many* there are. What has been read to the end shows how many, but
only up to where it ends. The two are put together:

* The rate of finished neighbours, older ones counting half, is believed inside the band that the sample
  allows: at most three times that of its own gap, at least a fifth of it. Inside a steady stream the neighbours
  decide, at the edge of a burst the sample does. Where nothing is finished the sample alone decides.
* A second full answer within the first shows how much is hidden: the fewer of the rows known there come
  again, the more rows there are (capture and recapture). What was wrong with the window is taken to be wrong with
  those behind it as well.

Pure arithmetic; it sends nothing and decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from agora_tencent_analytics.timerange import TimeRange

Piece = tuple[int, float]
"""Where a piece ends, epoch seconds, and how many rows it is thought to hold; it begins where the last one ends."""

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

    def expected(self, end: int) -> float:
        """Rows thought to lie between `start` and `end`, by the samples alone."""
        spans = pairwise([self.start, *(until for until, _ in self.pieces)])
        held = zip(spans, self.pieces, strict=True)
        return sum(mass * max(0, min(b, end) - a) / (b - a) for (a, b), (_, mass) in held)

    def sampled(self, window: TimeRange, moments: Sequence[int], rows: float) -> None:
        """Takes in a full answer of a window that begins at `start`.

        Args:
            window: what was asked.
            moments: when its rows were; those outside the window are left out.
            rows: how many it is thought to hold.
        """
        believed = self.size / 2  # rows' worth of belief in the first estimate
        ratio = (believed + rows) / (believed + self.expected(window.end))
        rest = [(end, mass * ratio) for end, mass in self._after(window.end)]
        self.start = window.start
        self.pieces = _gaps([moment for moment in moments if moment in window], window, rows) + rest
        self.near = (0.0, 0.0)

    def finished(self, end: int, rows: int) -> None:
        """Takes in that the seconds up to `end` hold so many rows."""
        self.near = (self.near[0] / 2 + rows, self.near[1] / 2 + end - self.start)
        self.forget(end)

    def forget(self, end: int) -> None:
        """Moves the start to `end`, and learns nothing from it."""
        self.pieces = self._after(end)
        self.start = end

    def _after(self, end: int) -> list[Piece]:
        left, at = [], self.start
        for until, mass in self.pieces:
            if until > end:
                left.append((until, mass * (until - max(at, end)) / (until - at)))
            at = until
        return left

    def reach(self, rows: float) -> int:
        """Where the window that begins at `start` should end to hold about so many rows."""
        at, held = self.start, 0.0
        for (end, _), rate in zip(self.pieces, self._rates(), strict=True):
            if held + rate * (end - at) >= rows:
                return max(self.start + 1, round(at + (rows - held) / rate))
            held += rate * (end - at)
            at = end
        return self.pieces[-1][0]

    def total(self) -> float:
        """Rows thought to lie in all pieces, the neighbours' word included."""
        spans = pairwise([self.start, *(end for end, _ in self.pieces)])
        return sum(rate * (b - a) for rate, (a, b) in zip(self._rates(), spans, strict=True))

    def _rates(self) -> list[float]:
        """Rows a second of each piece."""
        spans = pairwise([self.start, *(end for end, _ in self.pieces)])
        own = [mass / (b - a) for (a, b), (_, mass) in zip(spans, self.pieces, strict=True)]
        rows, seconds = self.near
        return [min(max(rows / seconds, rate / _UNDER), _OVER * rate) for rate in own] if seconds else own
