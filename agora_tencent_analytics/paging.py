"""Given this page, which next? The reading of one window, decided from every sign together.

Holds `WindowReader`, a state machine without I/O: it is told what each page showed and answers with the
next `Step`. It knows no vendor and sends nothing; `runtime/paginator.py` does what it says.

No single sign can be trusted. Totals count the page, or are stale; `has_more` stays true for ever, or is
false on a full page; pages come short, empty or twice; rows shift while pages are read. So:

* A page is followed by another while any sign says that there is more; a full page also while the total
  may be the page's own count. An empty page ends the pages when nothing but `has_more` contradicts it, two
  empty pages end them in any case, and a page with nothing but rows seen before ends them at once.
* A total that is the length of every page so far, on several pages, counts the page and is disregarded.
* Rows seen on two pages of one reading, a total that moved, or fewer rows than the total promised are
  *drift*: the window is read again from its first page, at most twice.
* Drift that stays, or pages that end while `has_more` is still true: the window is split in halves. A
  half that brings nothing new is barren; after two barren levels the splitting ends, since a lying
  `has_more` would otherwise burn a day's quota down to single seconds. A total that is documented as
  unreliable is no reason to split: if it promises more to the last, the window ends as incomplete.
* A reading of several pages that reaches into the vendor's recent minutes, where rows still come, is
  confirmed by reading its first page again; one that was taken up in the middle, by reading it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import attrs

from agora_tencent_analytics.endpoint import PageNumber, Unpaged
from agora_tencent_analytics.timerange import TimeRange

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
    at: Sequence[int] = ()
    """Moments of its rows, epoch seconds, where the row is read by them."""


@attrs.frozen(kw_only=True)
class Step:
    """What to do next with a window."""

    action: Literal["page", "split", "narrow", "done"]
    """Ask for page `number`; split the window in halves; ask for the reader's new `window`; or stop here."""
    number: int = 0
    """Page number in the vendor's counting."""
    complete: bool = False
    """For `done` and `narrow`: every sign agrees that nothing is missing from what ended."""
    reason: str = ""
    """For all but `page`: why, in words."""
    over: TimeRange | None = None
    """For `done` and `narrow`: whose reading ended. None: that of the window (`done`), of nothing (`narrow`)."""


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
    _own_total: bool = attrs.field(default=True, init=False)
    """True while the total was the length of every page."""
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
        self._own_total = False

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
            return self._confirm(self.paging, page)
        return self._read(self.paging, page)

    def _read(self, paging: PageNumber, page: PageSigns) -> Step:
        mark = digest(b"".join(page.ids).hex()) if page.ids else b""
        repeated = bool(mark) and mark in self._prints
        stale = bool(page.ids) and self.ids.issuperset(page.ids)
        self._prints.add(mark)
        self._own_total = self._own_total and page.total == len(page.ids)
        if self._first_page is None and self.number == self._base:
            self._first_page = tuple(page.ids)
        self._notice_drift(paging, page, repeated=repeated)
        self.ids.update(page.ids)
        self.everything.update(page.ids)
        if page.total is not None:
            self.total = page.total
        self._pages_here += 1
        self._empties = 0 if page.ids else self._empties + 1
        if self._goes_on(paging, page, stale=stale):
            self.number += 1
            return Step(action="page", number=self.number)
        return self._ended(paging, page, repeated=repeated)

    def _notice_drift(self, paging: PageNumber, page: PageSigns, *, repeated: bool) -> None:
        if repeated:
            self._drift = "a page came twice"
        elif not self.ids.isdisjoint(page.ids):
            self._drift = "rows moved between pages"
        elif self._total_moved(paging, page):
            self._drift = f"the total moved from {self.total} to {page.total}"

    def _total_moved(self, paging: PageNumber, page: PageSigns) -> bool:
        known = paging.total == "listing" and None not in (page.total, self.total)
        return known and page.total != self.total and not self._own_total

    @property
    def _owed(self) -> bool:
        """True if the vendor's total, whatever it counts, is more than this reading has shown."""
        return self.total is not None and self.total > self.shown

    def _goes_on(self, paging: PageNumber, page: PageSigns, *, stale: bool) -> bool:
        if stale or page.is_last:
            return False
        owed = self._owed
        if not page.ids:
            return owed and self._empties < 2
        if len(page.ids) < self.size:
            return owed or page.has_more is True
        # A full page. Only a total of the whole listing that is reached ends it, unless it may be the page's own.
        own_count = page.total == len(page.ids)
        reached = paging.total == "listing" and self.total is not None and not owed and not own_count
        return page.has_more is True or not reached

    def _ended(self, paging: PageNumber, page: PageSigns, *, repeated: bool) -> Step:
        short = f"{self.shown} rows came where the vendor counts {self.total}" if self._owed else ""
        if page.is_last:
            short = ""
        elif short and paging.total == "listing":
            self._drift = self._drift or short
        if self._drift:
            if self.readings < MOST_READINGS and not repeated:
                return self._again()
            return self._split(self._drift)
        if page.has_more is True and not page.is_last:
            return self._split("the pages ended while the vendor says that more exists")
        if short:
            return self._again() if self.readings < MOST_READINGS else Step(action="done", reason=short)
        if self.recent and self._first_page is None and not page.is_last:
            return self._again()
        if self.recent and self._pages_here > 1:
            self._confirming = True
            self.number = self._base
            return Step(action="page", number=self._base)
        return Step(action="done", complete=True, reason="every sign agrees that the listing ended")

    def _confirm(self, paging: PageNumber, page: PageSigns) -> Step:
        self._confirming = False
        self.everything.update(page.ids)
        if tuple(page.ids) == self._first_page and not self._total_moved(paging, page):
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
        self._own_total = True
        self.ids.clear()
        self._prints.clear()
        return Step(action="page", number=self._base)

    def _split(self, why: str) -> Step:
        if self.barren >= BARREN_LEVELS:
            return Step(action="done", reason=f"{why}, and {BARREN_LEVELS} levels of halves brought nothing new")
        return Step(action="split", reason=why)
