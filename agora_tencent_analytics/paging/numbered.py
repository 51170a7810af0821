"""Which page comes next? The reading of one window, decided from every sign together.

`WindowReader` is a state machine without I/O: it is told what each page showed and answers with the next `Step`, which
`walk.py` takes. `Pass` is what one reading has shown so far.

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

from collections.abc import Sequence

import msgspec

from agora_tencent_analytics.endpoint import PageNumber, Unpaged
from agora_tencent_analytics.errors import counted
from agora_tencent_analytics.paging.decision import PageSigns, Step
from agora_tencent_analytics.paging.seen_ids import Seen, digest, distinct

MOST_READINGS = 3
BARREN_LEVELS = 2
_AGREED = Step(action="done", complete=True, reason="every sign agrees that the listing ended")
_SHORT = "a page came short, though it was not the last"
_WITHOUT_PAGES = Step(action="done", complete=True, reason="the answer has no pages")


def _says_nothing(paging: PageNumber, page: PageSigns) -> bool:
    """True if nothing but its length says whether more follows."""
    return page.has_more is None and paging.total == "page"


class Pass(msgspec.Struct, kw_only=True):
    """One pass over the pages of a window."""

    ids: Seen = msgspec.field(default_factory=Seen)
    slips: int = 0
    """Rows repeated within one page: the vendor's slip, counted as shown all the same."""
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
    _told: bytes = b""
    _marks: set[bytes] = set()
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

    def take(self, page: PageSigns, rows: int, *, first: bool) -> None:
        """Takes in what a page shows by itself.

        Args:
            page: what it showed.
            rows: how many rows that was.
            first: True if it is the first page.
        """
        if first:
            self.first_page, self.first_total = page.ids, page.total
        if self._unmarked is not None:
            self._mark()
        self._unmarked = page
        self.filled += rows > 0
        self.slips += rows - distinct(page.ids)
        if self.earlier is None:
            self.ids.update(page.ids)
        else:
            news = self.ids.new(page.ids)
            self.returned += sum(new and row in self.earlier for row, new in zip(page.ids, news, strict=True))
        self.longest = max(self.longest, rows)
        if page.total is not None:
            self.total = page.total
            self.most_total = max(page.total, self.most_total or 0)

    def _mark(self) -> None:
        """Makes the digest of the last page; a lone page needs none."""
        page, self._unmarked = self._unmarked, None
        if page is not None:
            mark = _mark(page)
            self._told = digest(f"{self._told.hex()} {mark.hex()} {page.total}")
            if mark:
                self._marks.add(mark)


class WindowReader(msgspec.Struct, kw_only=True):
    """Reads one window to its end. Feed it each page; it answers what to do."""

    paging: PageNumber | Unpaged
    size: int
    """Rows to ask for to a page; fewer once the vendor has cut pages short."""
    recent: bool = False
    """True if rows may still come into this window."""
    barren: int = 0
    """How many levels of halves above this window brought nothing new."""
    longest: int = 0
    """Rows of the longest page that the walk has seen."""
    number: int = 0
    """The page being asked for."""
    pages: int = 0
    """Pages fed, readings again included."""
    readings: int = 1
    _all: Seen | None = None
    """Rows of all readings of the window, once there are several."""
    _now: Pass = msgspec.field(default_factory=Pass)
    _before: Pass | None = None
    _whole_size: int = 0
    _liar: bool = False
    """True once rows came after the vendor had said that nothing more exists."""
    _noticed: str = ""
    _confirming: bool = False

    def __post_init__(self) -> None:
        self.number = self._base
        self._whole_size = self.size

    @property
    def _base(self) -> int:
        return self.paging.base if isinstance(self.paging, PageNumber) else 0

    def resume(self, *, number: int, size: int, total: int | None, shown: int, drift: str = "") -> None:
        """Takes up a reading at page `number`, after `shown` rows that are known by their count only.

        If the rest of the reading drifts, the window is read again, and rows from before the cursor come again.
        """
        self.number, self.size = number, size
        behind = 0 < shown == (number - self._base - 1) * size
        self._now = Pass(
            before=shown,
            drift=drift,
            first_total=total,
            total=total,
            most_total=total,
            own_total=isinstance(self.paging, PageNumber) and self.paging.total != "listing",
            longest=-(-shown // max(1, number - self._base)),  # at least so long
            full=shown >= (number - self._base) * size,
            behind=behind,
            empties=int(behind),
            probing=size < self._whole_size and number == self._base + 1,
        )

    @property
    def everything(self) -> Seen:
        """Rows of all readings of the window."""
        return self._now.ids if self._all is None else self._all

    @property
    def shown(self) -> int:
        """Rows of the present reading."""
        return self._now.rows

    @property
    def drift(self) -> str:
        """What the present reading has shown to have changed, or perhaps, in words; `""`: nothing."""
        now, paging = self._now, self.paging
        short = now.gap and isinstance(paging, PageNumber) and not now.counted(paging)
        return now.drift or now.doubt or (_SHORT if short else "")

    @property
    def first_total(self) -> int | None:
        """The total on the first page of the present reading."""
        return self._now.first_total

    @property
    def total(self) -> int | None:
        """The last total of the present reading."""
        return self._now.total

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """Takes a page in and says what is next.

        Args:
            page: what it showed.
            fresh: how many of its rows the whole walk had never seen.
        """
        rows = len(page.ids)
        self.pages += 1
        if self._ends_at_once(page, rows):
            self.barren = 0 if fresh else self.barren
            return _AGREED
        if self._all is not None:
            self._all.update(page.ids)
        if fresh:
            self.barren = 0
        if isinstance(self.paging, Unpaged):
            self._now.take(page, rows, first=True)
            if page.has_more is True and not page.is_last:
                return Step(action="done", reason="the vendor says that more exists, in an answer without pages")
            if self.paging.total in ("listing", "hint") and self._now.owed and not page.is_last:
                return Step(
                    action="done", reason=f"the vendor counts {counted(page.total, 'row')}, and {self.shown} came"
                )
            return _WITHOUT_PAGES
        if self.paging.total == "none":
            page = msgspec.structs.replace(page, total=None)
        self._noticed = ""
        step = self._confirm(self.paging, page) if self._confirming else self._read(self.paging, page, rows)
        self.longest = max(self.longest, rows)
        return msgspec.structs.replace(step, drift=self._noticed) if self._noticed else step

    def _ends_at_once(self, page: PageSigns, rows: int) -> bool:
        """True if this is a first page that is neither empty nor full, and nothing says that there is more.

        What follows would come to the same; for most windows this takes a third of the instructions.
        """
        paging, total, more = self.paging, page.total, page.has_more
        if self.pages > 1 or not 0 < rows < self.size or not isinstance(paging, PageNumber) or more:
            return False
        total = None if paging.total == "none" else total
        if self.number != paging.base or (total is not None and total > rows):
            return False
        if _says_nothing(paging, page) and rows >= self.longest:  # it may have been cut
            return False
        now = self._now
        now.first_total = now.total = now.most_total = total
        now.slips = rows - distinct(page.ids)
        now.ids.update(page.ids)
        self.longest = max(self.longest, rows)
        return True

    def _read(self, paging: PageNumber, page: PageSigns, rows: int) -> Step:
        now, first = self._now, self.number == paging.base
        stale = rows > 0 and now.ids.size > 0 and now.ids.issuperset(page.ids)
        repeated = stale and now.repeated(page)
        now.own_total = now.own_total and page.total == rows
        self._notice_drift(paging, page, rows, repeated=repeated)
        if rows and not first and not stale:
            now.gap = now.gap or not (now.full or now.probing)
            self._liar = self._liar or now.said_more is False
        now.take(page, rows, first=first)
        number = None if stale or page.is_last else self._next(paging, page, rows, first=first)
        if number is None:
            return self._ended(paging, page, repeated=repeated)
        self.number = number
        return Step(action="page", number=number)

    def _notice_drift(self, paging: PageNumber, page: PageSigns, rows: int, *, repeated: bool) -> None:
        now = self._now
        if repeated:
            self._suspect("a page came twice")
        elif now.ids.size and not now.ids.isdisjoint(page.ids):
            self._suspect("rows moved between pages")
        elif now.empties and rows:
            self._suspect("a page came empty, and rows followed")
        elif now.total is not None and now.moved(page):
            moved = f"the total moved from {self.total} to {page.total}"
            if paging.total == "listing":
                self._suspect(moved)
            elif paging.total == "hint":
                now.doubt = moved

    def _suspect(self, why: str) -> None:
        self._now.drift = self._noticed = why

    def _next(self, paging: PageNumber, page: PageSigns, rows: int, *, first: bool) -> int | None:
        """The page to ask for; None if the pages end here."""
        now, onward = self._now, self.number + 1
        full = now.full
        promised, now.said_more = now.said_more, page.has_more
        now.full = rows >= self.size
        now.empties = 0 if rows else now.empties + 1
        counted = now.counted(paging)
        if now.again or (now.probing and not rows):
            self.size = self._whole_size if now.probing else self.size
            return None
        now.probing = False
        if not rows:
            if now.owed:
                return onward if now.empties < 2 else None
            now.gap = now.gap or bool(promised and not (full or page.has_more or counted))
            if full and not counted and promised is not False:
                now.behind = True
                now.doubt = now.doubt or ("an empty page came where more was promised" if promised else "")
                return onward
            if now.behind and now.empties == 2:
                now.again = True
                return self.number - 1
            unsaid = page.has_more is None and (paging.total == "page" or page.total is None)
            now.again = first and unsaid
            return self.number if now.again else None
        if rows < self.size:
            if first and _says_nothing(paging, page) and rows >= self.longest:
                self.size, now.probing = rows, True
                return onward
            return onward if now.owed or page.has_more is True or (now.gap and not counted) else None
        # A full page. Only a total of the whole listing that is reached ends it, unless it may be the page's own,
        # or the other sign has been wrong.
        reached = counted and not (now.owed or page.total == rows or self._liar)
        return onward if page.has_more is True or not reached else None

    def _ended(self, paging: PageNumber, page: PageSigns, *, repeated: bool) -> Step:
        now = self._now
        short = f"the vendor counts {counted(now.most_total, 'row')}, and {self.shown} came" if now.owed else ""
        if page.is_last:
            short = ""
        elif not now.drift:
            if now.gone:
                self._suspect("rows of the reading before were gone")
            elif short and paging.total == "listing":
                self._suspect(short)
        if now.gap and not now.counted(paging):
            now.doubt = _SHORT
        why = now.drift
        if not why and now.doubt and not page.is_last and (self._before is None or now.told != self._before.told):
            why = self._noticed = now.doubt
        if why:
            return self._again(page) if self.readings < MOST_READINGS and not repeated else self._split(why)
        if page.has_more is True and not page.is_last:
            return self._split("the pages ended while the vendor says that more exists")
        if short:
            return self._again(page) if self.readings < MOST_READINGS else Step(action="done", reason=short)
        if not now.filled and self._all is not None and len(self._all):
            return Step(action="done", reason="rows were shown, and none came when the window was read again")
        if self.recent and now.first_page is None and not page.is_last:
            return self._again(page)
        if self.recent and now.filled > 1:
            self._confirming = True
            self.number = self._base
            return Step(action="page", number=self._base)
        return _AGREED

    def _confirm(self, paging: PageNumber, page: PageSigns) -> Step:
        self._confirming = False
        moved = paging.total != "page" and self._now.moved(page)
        if tuple(page.ids) == tuple(self._now.first_page or ()) and not moved:
            return Step(action="done", complete=True, reason="the first page, read again, had not changed")
        self._suspect("rows came while the pages were read")
        return self._again(page) if self.readings < MOST_READINGS else self._split(self._now.drift)

    def _again(self, page: PageSigns) -> Step:
        now = self._now
        self._all = self._all or now.ids.copy()
        self._all.update(page.ids)
        if (now.gap or now.owed) and 0 < now.longest < self.size:
            self.size = now.longest
        self._before, self._now = now, Pass(earlier=now.ids)
        self.readings += 1
        self.number = self._base
        return Step(action="page", number=self._base)

    def _split(self, why: str) -> Step:
        if self.barren >= BARREN_LEVELS:
            return Step(action="done", reason=f"{why}, and {BARREN_LEVELS} levels of halves brought nothing new")
        return Step(action="split", reason=why)


def _mark(page: PageSigns) -> bytes:
    return digest(b"".join(page.ids).hex()) if page.ids else b""
