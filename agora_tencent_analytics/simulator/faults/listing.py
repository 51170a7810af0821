"""Faults of a listing: totals and `has_more` that are not true, pages that are empty, short, repeated or moved.

Holds values. What they make of a page is written in `simulator/http/listing.py`.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.simulator.faults.book import Fault


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
