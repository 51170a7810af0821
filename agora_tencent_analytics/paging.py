"""Given this page, which next? The reading of one window, decided from every sign together.

Holds `WindowReader`, a state machine without I/O: it is told what each page showed and answers with the
next `Step`. It knows no vendor and sends nothing; `runtime/paginator.py` does what it says.

No single sign can be trusted. Totals count the page, or are stale; `has_more` stays true for ever, or is
false on a full page; pages come short, empty or twice; rows shift while pages are read. So:

* A page is followed by another while any sign says that there is more. An empty page ends the pages when
  nothing but `has_more` contradicts it, two empty pages end them in any case, and a page seen before ends
  them at once.
* Rows seen on two pages of one reading, a total that moved, or fewer rows than the total promised are
  *drift*: the window is read again from its first page, at most twice.
* Drift that stays, or pages that end while `has_more` is still true: the window is split in halves. A
  half that brings nothing new is barren; after two barren levels the splitting ends, since a lying
  `has_more` would otherwise burn a day's quota down to single seconds.
* A reading of several pages that reaches into the vendor's recent minutes, where rows still come, is
  confirmed by reading its first page again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import attrs

from agora_tencent_analytics.endpoint import PageNumber, Unpaged

__all__ = ["PageSigns", "Step", "WindowReader", "digest"]

MOST_READINGS = 3
BARREN_LEVELS = 2


def digest(row_id: str) -> bytes:
    """16 bytes that stand for a row id."""
    return blake2b(row_id.encode(), digest_size=16).digest()


@attrs.frozen(kw_only=True)
class PageSigns:
    """What one page showed."""

    ids: Sequence[bytes]
    """Digests of its row ids, in order."""
    total: int | None = None
    """The vendor's total, if it gave one."""
    has_more: bool | None = None
    """The vendor's word on whether more exists, if it gave one."""
    is_last: bool = False
    """True if the answer proves by itself that nothing can follow."""


@attrs.frozen(kw_only=True)
class Step:
    """What to do next with a window."""

    action: Literal["page", "split", "done"]
    """Ask for page `number`; split the window in halves; or stop here."""
    number: int = 0
    """Page number in the vendor's counting."""
    complete: bool = False
    """For `done`: every sign agrees that nothing is missing."""
    reason: str = ""
    """For `done` and `split`: why, in words."""


@attrs.define(kw_only=True)
class WindowReader:
    """Reads one window to its end. Feed it each page; it answers what to do."""

    paging: PageNumber | Unpaged
    size: int
    """Rows asked for to a page."""
    recent: bool = False
    """True if rows may still come into this window."""
    barren: int = 0
    """How many levels of halves above this window brought nothing new."""
    number: int = attrs.field(init=False)
    """The page being asked for."""
    pages: int = attrs.field(default=0, init=False)
    """Pages fed, readings again included."""
    readings: int = attrs.field(default=1, init=False)
    total: int | None = attrs.field(default=None, init=False)
    ids: set[bytes] = attrs.field(factory=set, init=False)
    """Rows of the present reading."""
    everything: set[bytes] = attrs.field(factory=set, init=False)
    """Rows of all readings of the window."""
    _first_page: tuple[bytes, ...] | None = attrs.field(default=None, init=False)
    _prints: set[bytes] = attrs.field(factory=set, init=False)
    _empties: int = attrs.field(default=0, init=False)
    _pages_here: int = attrs.field(default=0, init=False)
    _drift: str = attrs.field(default="", init=False)
    _shown_before: int = attrs.field(default=0, init=False)
    _confirming: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.number = self._base

    @property
    def _base(self) -> int:
        return self.paging.base if isinstance(self.paging, PageNumber) else 0

    def resume(self, *, number: int, total: int | None, shown: int) -> None:
        """Takes up a reading at page `number`, after `shown` rows that are known by their count only.

        If the rest of the reading drifts, the window is read again, and rows from before the cursor come again.
        """
        self.number = number
        self.total = total
        self._shown_before = shown

    @property
    def shown(self) -> int:
        """Different rows of the present reading."""
        return self._shown_before + len(self.ids)

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """Takes a page in and says what is next.

        Args:
            page: what it showed.
            fresh: how many of its rows the whole walk had never seen.
        """
        self.pages += 1
        if fresh:
            self.barren = 0
        if isinstance(self.paging, Unpaged):
            self.everything.update(page.ids)
            return Step(action="done", complete=True, reason="the answer has no pages")
        if self._confirming:
            return self._confirm(page)
        return self._read(self.paging, page)

    def _read(self, paging: PageNumber, page: PageSigns) -> Step:
        mark = digest(b"".join(page.ids).hex()) if page.ids else b""
        repeated = bool(mark) and mark in self._prints
        self._prints.add(mark)
        if self._first_page is None and self.number == self._base:
            self._first_page = tuple(page.ids)
        self._notice_drift(paging, page, repeated=repeated)
        self.ids.update(page.ids)
        self.everything.update(page.ids)
        if page.total is not None:
            self.total = page.total
        self._pages_here += 1
        self._empties = 0 if page.ids else self._empties + 1
        if self._goes_on(paging, page, repeated=repeated):
            self.number += 1
            return Step(action="page", number=self.number)
        return self._ended(paging, page, repeated=repeated)

    def _notice_drift(self, paging: PageNumber, page: PageSigns, *, repeated: bool) -> None:
        if repeated:
            self._drift = "a page came twice"
        elif not self.ids.isdisjoint(page.ids):
            self._drift = "rows moved between pages"
        elif paging.total == "listing" and None not in (page.total, self.total) and page.total != self.total:
            self._drift = f"the total moved from {self.total} to {page.total}"

    def _owed(self, paging: PageNumber) -> bool:
        """True if the vendor's total promises more rows than this reading has shown."""
        return paging.total != "page" and self.total is not None and self.total > self.shown

    def _goes_on(self, paging: PageNumber, page: PageSigns, *, repeated: bool) -> bool:
        if repeated or page.is_last:
            return False
        owed = self._owed(paging)
        if not page.ids:
            return owed and self._empties < 2
        if len(page.ids) < self.size:
            return owed or page.has_more is True
        # A full page. Only a total of the whole listing that is reached ends it, unless it may be the page's own.
        own_count = page.total == len(page.ids) and page.has_more is None
        reached = paging.total == "listing" and self.total is not None and not owed and not own_count
        return page.has_more is True or not reached

    def _ended(self, paging: PageNumber, page: PageSigns, *, repeated: bool) -> Step:
        short = paging.total == "listing" and self._owed(paging) and not page.is_last
        if short and not self._drift:
            self._drift = f"{self.shown} rows came where the vendor counts {self.total}"
        if self._drift:
            if self.readings < MOST_READINGS and not repeated:
                return self._again()
            return self._split(self._drift)
        if page.has_more is True and not page.is_last:
            return self._split("the pages ended while the vendor says that more exists")
        if self.recent and self._pages_here > 1 and self._first_page is not None:
            self._confirming = True
            self.number = self._base
            return Step(action="page", number=self._base)
        return Step(action="done", complete=True, reason="every sign agrees that the listing ended")

    def _confirm(self, page: PageSigns) -> Step:
        self._confirming = False
        self.everything.update(page.ids)
        if tuple(page.ids) == self._first_page:
            return Step(action="done", complete=True, reason="the first page, read again, had not changed")
        self._drift = "rows came while the pages were read"
        return self._again() if self.readings < MOST_READINGS else self._split(self._drift)

    def _again(self) -> Step:
        self.readings += 1
        self.number = self._base
        self.total = None
        self._first_page = None
        self._drift = ""
        self._empties = self._pages_here = self._shown_before = 0
        self.ids.clear()
        self._prints.clear()
        return Step(action="page", number=self._base)

    def _split(self, why: str) -> Step:
        if self.barren >= BARREN_LEVELS:
            return Step(action="done", reason=f"{why}, and {BARREN_LEVELS} levels of halves brought nothing new")
        return Step(action="split", reason=why)
