"""Which page comes next? The reading of one window, decided from every sign together.

`WindowReader` is told what each page showed and answers with the next `Step`, which `walk.py` takes. `Pass` is what one
reading has shown so far. An answer without pages (`UnpagedReader`) is the same with a single page.

No single sign can be trusted. Totals count the page, or are stale; `has_more` stays true forever, or is
false on a full page; pages come short, empty or twice; rows shift while pages are read. So:

* A page is followed by another while any sign says that there is more; a full page also while the total
  may be the page's own count, or rows came after `has_more` was false. A page with nothing but rows seen
  before ends the pages at once.
* A total that is the length of every page so far, on several pages, counts the page and is disregarded.
* An empty page ends the pages, unless the total promises more: two in a row end them in any case. Where no
  sign speaks of the whole listing, one behind a full page is looked behind, and asked for once more; so is an
  empty first page. A first page that is short and as long as any of the walk may have been cut by the vendor:
  the next page is asked for in that size. It costs a walk one request, and a long walk a few.
* Rows seen on two pages of one reading, rows behind an empty page, a total that moved, fewer rows than the
  total promised, or rows gone that the reading before had shown are *drift*: the window is read again from
  its first page, at most twice. So is one in which a page came short and others followed, or were promised.
  That one, and one with fewer rows than the total promised, in pages as short as those that came, since the
  vendor may have skipped what it cut off. If totals are unreliable by themselves, two readings that agree to
  the last sign settle it.
* Drift that stays, or pages that end while `has_more` is still true: the window is split in halves. A
  half that brings nothing new is barren; after two barren levels the splitting ends, since a lying
  `has_more` would otherwise burn a day's quota down to single seconds. A total that is documented as
  unreliable is no reason to split: if it promises more to the last, the window ends as incomplete.
* A reading of several pages with rows that reaches into the vendor's recent minutes, where rows still come,
  is confirmed by reading its first page again; one that was taken up in the middle, by reading it again.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from agora_tencent_analytics.endpoint import PageNumber, Unpaged
from agora_tencent_analytics.errors import counted
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.decision import PageSigns, Reader, Step
from agora_tencent_analytics.paging.seen_ids import Seen, digest, distinct

MOST_READINGS = 3
BARREN_LEVELS = 2
_ONWARD = Step(action="page")
_AGREED = Step(action="done", complete=True, reason="every sign agrees that the listing ended")
_SHORT = "a page came short, though it was not the last"
_WITHOUT_PAGES = Step(action="done", complete=True, reason="the answer has no pages")


class Pass(msgspec.Struct, kw_only=True):
    """One pass over the pages of a window."""

    ids: Seen
    slips: int = 0
    """Rows repeated within one page: the vendor's slip, counted as shown all the same."""
    earlier: Seen | None = None
    """The ids of the reading before."""
    returned: int = 0
    """How many of those this one has as well."""
    told_before: bytes | None = None
    """What `told` came to in the reading before."""
    told: bytes = b""
    """A digest of the rows and the total of every page, in order."""
    marks: set[bytes] = set()
    """A digest of the rows of each page."""
    filled: int = 0
    """Pages with rows."""
    first_page: Collection[bytes] | None = None
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
    """True once the page behind an empty one was asked for."""
    again: bool = False
    """True once an empty page was asked for again."""
    probing: bool = False
    """True while it is unclear whether the first page was cut short."""
    gap: bool = False
    """True if a page came short, and others followed or were promised."""
    drift: str = ""
    doubt: str = ""
    """What may be drift, or the vendor's habit."""


class UnpagedReader(Reader, kw_only=True):
    """Reads one window whose answer comes in one piece."""

    paging: Unpaged

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """See `Reader.feed`."""
        self._count(page, fresh)
        self.everything.update(page.ids)
        self.shown: int = len(page.ids)
        self.first_total: int | None = page.total
        self.total: int | None = page.total
        if page.is_last:
            return _WITHOUT_PAGES
        if page.has_more is True:
            return Step(action="done", reason="the vendor says that more exists, in an answer without pages")
        if self.paging.total in ("listing", "hint") and (page.total or 0) > self.shown:
            return Step(action="done", reason=f"the vendor counts {counted(page.total, 'row')}, and {self.shown} came")
        return _WITHOUT_PAGES


class WindowReader(Reader, kw_only=True):
    """Reads one window to its end, page by page."""

    paging: PageNumber
    readings: int = 1
    _pass: Pass | None = None
    _whole_size: int = 0
    """Rows to a page before the vendor cut pages short."""
    _liar: bool = False
    """True once rows came after the vendor had said that nothing more exists."""
    _noticed: str = ""
    _confirming: bool = False

    def __post_init__(self) -> None:
        self.number = self.paging.base
        self._whole_size = self.size

    @property
    def _now(self) -> Pass:
        """The present pass: made when something is asked of it, which a lone page hardly ever does."""
        if self._pass is None:
            self._pass = Pass(ids=self.everything)  # the same until there are several
        return self._pass

    def resume(self, cursor: Cursor) -> None:
        """See `Reader.resume`. If the rest drifts, the window is read again, and rows from before come again."""
        super().resume(cursor)
        shown, size, total, read = cursor.shown, cursor.size, cursor.total, cursor.number - self.paging.base
        behind = 0 < shown == (read - 1) * size
        self._pass = Pass(
            ids=self.everything,
            drift=cursor.drift,
            most_total=total,
            own_total=self.paging.total != "listing",
            longest=-(-shown // max(1, read)),  # at least so long
            full=shown >= read * size,
            behind=behind,
            empties=int(behind),
            probing=size < self._whole_size and read == 1,
        )

    @property
    def _owed(self) -> bool:
        """True if the vendor's total, whatever it counts, is more than was shown."""
        most = self._now.most_total
        return most is not None and most > self.shown

    @property
    def _owed_besides_slips(self) -> bool:
        """True if it is more than the different rows that were shown."""
        most = self._now.most_total
        return most is not None and most > self.shown - self._now.slips

    @property
    def _counted(self) -> bool:
        """True if there is a total of the whole listing that has not been proved too small."""
        most = self._now.most_total
        return self.paging.total == "listing" and most is not None and most >= self.shown - self._now.slips

    def _moved(self, page: PageSigns) -> bool:
        """True if this page's total is another than the last, and totals do not count the page."""
        return None not in (page.total, self.total) and page.total != self.total and not self._now.own_total

    def _says_nothing(self, page: PageSigns) -> bool:
        """True if nothing but its length says whether more follows, and it may have been cut."""
        return page.has_more is None and self.paging.total == "page" and len(page.ids) >= self.longest

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """See `Reader.feed`."""
        rows = len(page.ids)
        self.pages: int = self.pages + 1
        self.longest: int = max(self.longest, rows)
        self.barren: int = 0 if fresh else self.barren
        if self.paging.total == "none" and page.total is not None:
            page = msgspec.structs.replace(page, total=None)
        if self._ends_at_once(page, rows):
            return _AGREED
        if self.everything is not self._now.ids:
            self.everything.update(page.ids)
        self._noticed = ""
        step = self._confirm(page) if self._confirming else self._read(page, rows)
        now = self._now
        self.drift: str = now.drift or now.doubt or (_SHORT if now.gap and not self._counted else "")
        return msgspec.structs.replace(step, drift=self._noticed) if self._noticed else step

    def _ends_at_once(self, page: PageSigns, rows: int) -> bool:
        """True if this is a first page that is neither empty nor full, and nothing says that there is more.

        What follows would come to the same; for most windows this takes a third of the instructions.
        """
        total = page.total
        if self.pages > 1 or not 0 < rows < self.size or page.has_more or (total is not None and total > rows):
            return False
        if self.number != self.paging.base or self._says_nothing(page):
            return False
        self.first_total = self.total = total
        self.shown: int = self.shown + rows
        self.everything.update(page.ids)
        return True

    def _read(self, page: PageSigns, rows: int) -> Step:
        now, first = self._now, self.number == self.paging.base
        known = now.ids.known(page.ids) if now.ids.size else 0
        stale = 0 < rows == known
        mark = digest(b"".join(page.ids).hex()) if rows else b""
        repeated = stale and mark in now.marks
        now.own_total = now.own_total and page.total == rows
        self._notice_drift(page, rows, known, repeated=repeated)
        if rows and not first and not stale:
            now.gap = now.gap or not (now.full or now.probing)
            self._liar = self._liar or now.said_more is False
        now.told = digest(f"{now.told.hex()} {mark.hex()} {page.total}")
        self._take(page, rows, mark, first=first)
        number = None if stale or page.is_last else self._next(page, rows, first=first)
        if number is None:
            return self._ended(page, repeated=repeated)
        self.number = number
        return _ONWARD

    def _take(self, page: PageSigns, rows: int, mark: bytes, *, first: bool) -> None:
        """Takes in what a page shows by itself."""
        now = self._now
        if first:
            now.first_page, self.first_total = page.ids, page.total
        if rows:
            now.filled += 1
            now.marks.add(mark)
        # What a page has beyond its size, no counting of rows by pages has counted.
        before, slips = now.ids.size, min(rows, max(self.size, different := distinct(page.ids))) - different
        if now.earlier is None:
            now.ids.update(page.ids)
        else:
            earlier, news = now.earlier, now.ids.update(page.ids)
            now.returned += sum(new and row in earlier for row, new in zip(page.ids, news, strict=True))
        now.slips += slips
        self.shown += now.ids.size - before + slips
        now.longest = max(now.longest, rows)
        if page.total is not None:
            self.total = page.total
            now.most_total = max(page.total, now.most_total or 0)

    def _notice_drift(self, page: PageSigns, rows: int, known: int, *, repeated: bool) -> None:
        now = self._now
        if repeated:
            self._suspect("a page came twice")
        elif known:
            self._suspect("rows moved between pages")
        elif now.empties and rows:
            self._suspect("a page came empty, and rows followed")
        elif self.paging.total == "page" and page.total is not None and rows < page.total < self.shown + rows:
            # More than the page shows, and less than all that was shown: that can be no total but the page's own.
            self._suspect(f"the vendor counts {counted(page.total, 'row')} on a page, and {rows} came")
        elif self._moved(page):
            moved = f"the total moved from {self.total} to {page.total}"
            if self.paging.total == "listing":
                self._suspect(moved)
            elif self.paging.total == "hint":
                now.doubt = moved

    def _suspect(self, why: str) -> None:
        self._now.drift = self._noticed = why

    def _next(self, page: PageSigns, rows: int, *, first: bool) -> int | None:
        """The page to ask for; None if the pages end here."""
        now, onward = self._now, self.number + 1
        full, now.full = now.full, rows >= self.size
        promised, now.said_more = now.said_more, page.has_more
        now.empties = 0 if rows else now.empties + 1
        counted = self._counted
        if now.again or (now.probing and not rows):
            self.size = self._whole_size if now.probing else self.size
            return None
        now.probing = False
        if not rows:
            if self._owed:
                return onward if now.empties < 2 else None
            now.gap = now.gap or bool(promised and not (full or page.has_more or counted))
            if full and not counted and promised is not False:
                now.behind = True
                now.doubt = now.doubt or ("an empty page came where more was promised" if promised else "")
                return onward
            if now.behind and now.empties == 2:
                now.again = True
                return self.number - 1
            unsaid = page.has_more is None and (self.paging.total == "page" or page.total is None)
            now.again = first and unsaid
            return self.number if now.again else None
        if rows < self.size:
            if first and self._says_nothing(page):
                self.size: int = rows
                now.probing = True
                return onward
            return onward if self._owed or page.has_more is True or (now.gap and not counted) else None
        # A full page. Only a total of the whole listing that is reached ends it, unless it may be the page's own, the
        # other sign has been wrong, or it is reached only if it counts what came twice on a page.
        reached = counted and not (self._owed or page.total == rows or self._liar or self._owed_besides_slips)
        return onward if page.has_more is True or not reached else None

    def _ended(self, page: PageSigns, *, repeated: bool) -> Step:
        now = self._now
        short = f"the vendor counts {counted(now.most_total, 'row')}, and {self.shown} came" if self._owed else ""
        if page.is_last:
            short = ""
        elif not now.drift:
            if now.earlier is not None and now.returned < len(now.earlier):
                self._suspect("rows of the reading before were gone")
            elif short and self.paging.total == "listing":
                self._suspect(short)
        if now.gap and not self._counted:
            now.doubt = _SHORT
        why = now.drift
        if not why and now.doubt and not page.is_last and now.told != now.told_before:
            why = self._noticed = now.doubt
        if why:
            return self._again(page, why) if not repeated else self._split(why)
        if page.has_more is True and not page.is_last:
            return self._split("the pages ended while the vendor says that more exists")
        if short:
            return self._again(page) if self.readings < MOST_READINGS else Step(action="done", reason=short)
        if not now.filled and len(self.everything):
            return Step(action="done", reason="rows were shown, and none came when the window was read again")
        if self.recent and now.first_page is None and not page.is_last:
            return self._again(page)
        if self.recent and now.filled > 1:
            self._confirming = True
            self.number = self.paging.base
            return _ONWARD
        return _AGREED

    def _confirm(self, page: PageSigns) -> Step:
        self._confirming = False
        moved = self.paging.total != "page" and self._moved(page)
        if tuple(page.ids) == tuple(self._now.first_page or ()) and not moved:
            return Step(action="done", complete=True, reason="the first page, read again, had not changed")
        self._suspect("rows came while the pages were read")
        return self._again(page, self._now.drift)

    def _again(self, page: PageSigns, why: str = "") -> Step:
        """Has the window read again from its first page; split, if that was done often enough because of something."""
        if why and self.readings >= MOST_READINGS:
            return self._split(why)
        now = self._now
        if self.everything is now.ids:
            self.everything: Seen = now.ids.copy()
        self.everything.update(page.ids)
        if (now.gap or self._owed) and 0 < now.longest < self.size:
            self.size = now.longest
        self._pass = Pass(ids=Seen(), earlier=now.ids, told_before=now.told)
        self.readings += 1
        self.number, self.shown, self.first_total, self.total = self.paging.base, 0, None, None
        return _ONWARD

    def _split(self, why: str) -> Step:
        if self.barren >= BARREN_LEVELS:
            return Step(action="done", reason=f"{why}, and {BARREN_LEVELS} levels of halves brought nothing new")
        return Step(action="split", reason=why)
