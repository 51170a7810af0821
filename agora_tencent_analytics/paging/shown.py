"""What one reading of a window has shown so far, from its first page on.

Holds `Shown`: rows, totals and what was odd about them. What follows from that is decided in `numbered.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from agora_tencent_analytics.endpoint import PageNumber
from agora_tencent_analytics.paging.decision import PageSigns, digest, distinct
from agora_tencent_analytics.paging.seen_ids import Seen


@attrs.define(kw_only=True)
class Shown:
    """One pass over the pages of a window."""

    ids: Seen = attrs.field(factory=Seen)
    slips: int = 0
    """Rows that stood on a page which had them already: the vendor's slip, and shown all the same."""
    earlier: Seen | None = None
    """The ids of the reading before."""
    returned: int = 0
    """How many of those this one has as well."""
    before: int = 0
    """Rows that were shown before a cursor, known by their count only."""
    filled: int = 0
    """Pages with rows."""
    first_page: Sequence[bytes] | None = None
    first_total: int | None = None
    """The total on the first page."""
    total: int | None = None
    """The last total."""
    most_total: int | None = None
    own_total: bool = True
    """True while the total was the length of every page."""
    longest: int = 0
    """Rows of the longest page."""
    full: bool = False
    """True if the page before this one was full."""
    said_more: bool | None = None
    """What the page before this one said of that."""
    empties: int = 0
    """Empty pages in a row."""
    behind: bool = False
    """True once an empty page was looked behind."""
    again: bool = False
    """True once it was asked for again."""
    probing: bool = False
    """True while it is in question whether the first page was cut."""
    gap: bool = False
    """True if a page came short, and others followed or were promised."""
    drift: str = ""
    doubt: str = ""
    """What may be drift, or the vendor's habit."""
    _told: bytes = b""
    _marks: set[bytes] = attrs.field(factory=set)
    _unmarked: PageSigns | None = None

    @property
    def told(self) -> bytes:
        """A digest of the rows and the total of every page, in order."""
        self._mark()
        return self._told

    @property
    def rows(self) -> int:
        """Rows, of each page as many as it had."""
        return self.before + self.ids.size + self.slips

    @property
    def owed(self) -> bool:
        """True if the vendor's total, whatever it counts, is more than was shown."""
        return self.most_total is not None and self.most_total > self.rows

    def counted(self, paging: PageNumber) -> bool:
        """True if there is a total of the whole listing that has not been proved too small."""
        return paging.total == "listing" and self.most_total is not None and self.most_total >= self.rows - self.slips

    def moved(self, page: PageSigns) -> bool:
        """True if this page's total is another than the last, and totals do not count the page."""
        return None not in (page.total, self.total) and page.total != self.total and not self.own_total

    def repeated(self, page: PageSigns) -> bool:
        """True if an earlier page showed the same rows in the same order."""
        self._mark()
        return _mark(page) in self._marks

    @property
    def gone(self) -> bool:
        """True if rows of the reading before have not come again."""
        return self.earlier is not None and self.returned < len(self.earlier)

    def take(self, page: PageSigns, *, first: bool) -> None:
        """Takes in what a page shows by itself.

        Args:
            page: what it showed.
            first: True if it is the first page.
        """
        if first:
            self.first_page, self.first_total = page.ids, page.total
        self._mark()
        self._unmarked = page
        self.filled += bool(page.ids)
        self.slips += len(page.ids) - distinct(page.ids)
        if self.earlier is None:
            self.ids.update(page.ids)
        else:
            news = self.ids.new(page.ids)
            self.returned += sum(new and row in self.earlier for row, new in zip(page.ids, news, strict=True))
        self.longest = max(self.longest, len(page.ids))
        if page.total is not None:
            self.total = page.total
            self.most_total = max(page.total, self.most_total or 0)

    def _mark(self) -> None:
        """Makes the digest of the last page, which nobody needs of a lone one."""
        page, self._unmarked = self._unmarked, None
        if page is not None:
            mark = _mark(page)
            self._told = digest(f"{self._told.hex()} {mark.hex()} {page.total}")
            if mark:
                self._marks.add(mark)


def _mark(page: PageSigns) -> bytes:
    return digest(b"".join(page.ids).hex()) if page.ids else b""
