"""One page of a listing, with what faults make of it.

This is the simulated vendors' own paging. Which rows there are, and how they are written, is decided by each vendor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

import attrs

from agora_tencent_analytics.simulator.faults.book import Strike
from agora_tencent_analytics.simulator.faults.listing import (
    ClampPage,
    Drift,
    DuplicatePage,
    EmptyPage,
    Lie,
    Reorder,
    Shuffle,
)

Row = TypeVar("Row")


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
