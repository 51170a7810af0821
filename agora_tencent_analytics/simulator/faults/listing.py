"""Faults of a listing: totals and `has_more` that are not true, pages that are empty, short, repeated or moved.

Holds values, and what they make of a page. Which rows there are, and how they are written, is decided by each vendor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import attrs

from agora_tencent_analytics.simulator.faults.book import Fault, Strike

Row = TypeVar("Row")


@attrs.frozen(kw_only=True)
class Lie(Fault):
    """A listing tells a wrong total, or a wrong `has_more`."""

    total: int | None = None
    """What it says instead of the total."""
    total_off_by: int = 0
    """What it adds to the total."""
    has_more: bool | None = None
    """What it says instead (Agora only)."""

    def of(self, total: int) -> int:
        """What it says of a number of rows.

        Args:
            total: the true number.
        """
        return total + self.total_off_by if self.total is None else self.total


@attrs.frozen(kw_only=True)
class EmptyPage(Fault):
    """A page of a listing arrives empty, though it has rows and others follow."""


@attrs.frozen(kw_only=True)
class DuplicatePage(Fault):
    """A page of a listing repeats the rows of the page before it; the first page is never struck."""


@attrs.frozen(kw_only=True)
class OtherWindow(Fault):
    """A listing of calls is answered as if another window had been asked for: by a cache that takes them for one."""

    start: int
    """Where that begins, epoch seconds."""
    end: int
    """Where it ends, epoch seconds."""


@attrs.frozen(kw_only=True)
class ClampPage(Fault):
    """A page holds fewer rows than were asked for, without a word."""

    size: int = attrs.field(validator=attrs.validators.ge(1))
    """The most rows on a page."""
    skips: bool = False
    """False if the next page goes on where this one ended; True if it begins where a full one would have ended."""


@attrs.frozen(kw_only=True)
class Reorder(Fault):
    """The listing comes in the opposite order, and its rows stand on other pages."""


@attrs.frozen(kw_only=True)
class Shuffle(Fault):
    """The rows of a page come in no order; they stand on the page on which they belong."""


@attrs.frozen(kw_only=True)
class Drift(Fault):
    """New rows appear at the front of a listing while it is being read, and push the others back.

    Before the first listing `rows` of them are hidden; after each `every` listings one more is shown.
    """

    rows: int = 3
    """How many are hidden at first."""
    every: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    """After how many struck requests the next one appears."""


@attrs.frozen(kw_only=True)
class Page(Generic[Row]):
    """One page as it is sent."""

    rows: Sequence[Row]
    """Its rows."""
    total: int
    """How many rows the whole listing has, or is said to have."""
    has_more: bool
    """Whether rows follow, or are said to follow."""
    lie: Lie
    """What is said of numbers of rows, the truth as a rule; for vendors that count otherwise."""


def window_of(start: int, end: int, strikes: Iterable[Strike]) -> tuple[int, int]:
    """Which window is answered for.

    Args:
        start: of the one that was asked for, epoch seconds.
        end: of that.
        strikes: the faults that strike this request.
    """
    others = [strike.fault for strike in strikes if isinstance(strike.fault, OtherWindow)]
    return (others[0].start, others[0].end) if others else (start, end)


def turn_to(rows: Sequence[Row], page: int, size: int, strikes: Iterable[Strike]) -> Page[Row]:
    """The page with this number.

    Args:
        rows: the whole listing, newest first.
        page: number of the page, from 0.
        size: rows on a page.
        strikes: the faults that strike this request.
    """
    shown, lie, most, step, shuffled = page, Lie(), size, size, False
    for strike in strikes:
        match strike.fault:
            case Drift() as drift:
                rows = rows[max(0, drift.rows - strike.count // drift.every) :]
            case DuplicatePage():
                shown = max(0, page - 1)
            case EmptyPage():
                most = 0
            case ClampPage(skips=skips) as clamp:
                most = min(most, clamp.size)
                step = step if skips else min(step, clamp.size)
            case Reorder():
                rows = rows[::-1]
            case Shuffle():
                shuffled = True
            case Lie() as told:
                lie = told
            case _:
                pass
    ours = rows[shown * step : shown * step + most]
    if shuffled:
        ours = [*ours[1::2], *ours[::2][::-1]]
    more = (page + 1) * step < len(rows) if lie.has_more is None else lie.has_more
    return Page(rows=ours, total=lie.of(len(rows)), has_more=more, lie=lie)
