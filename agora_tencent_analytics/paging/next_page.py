"""Given what this page says is next, go on or end? The reading of one window whose pages are tokens or links.

No page can be asked for again but the first, so there is less to hold against the vendor, and less that can be done
about it:

* A page that names another is followed, also where it is short or empty. A token that was seen before, on a page that
  brought nothing new, is a loop. Where the token is the last row of the page, pages end with an empty one, or where a
  total of the whole listing is reached by a page that is not full.
* A total that moved, fewer rows than a total promised, a full last page after more rows than that, and rows that came
  into the vendor's recent minutes meanwhile (the first page is read once more to see) are drift: the window is read
  once more from its first page, and what that does not mend is incomplete. So is a `has_more` that stays true on the
  last page.
* A token that the vendor refuses costs the same: once more from the first page, and then the window ends.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from agora_tencent_analytics.endpoint import NextPage
from agora_tencent_analytics.errors import counted
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.decision import PageSigns, Reader, Step
from agora_tencent_analytics.paging.seen_ids import Seen, digest

_MOST_READINGS = 2
_LOOP = "the vendor names a next page that was read before, and it brings nothing new"
_MORE = "the pages ended while the vendor says that more exists"
_CAME = "rows came while the pages were read"
_FORGOTTEN = "the vendor refuses its own token again and again"
_ONWARD = Step(action="page")


class NextReader(Reader, kw_only=True):
    """Reads one window to its end, from page to page."""

    paging: NextPage
    number: int = 1
    readings: int = 1
    _now: Seen = msgspec.field(default_factory=Seen)
    _tokens: set[bytes] = msgspec.field(default_factory=set)
    _first_page: Collection[bytes] | None = None
    _confirming: bool = False

    def resume(self, cursor: Cursor) -> None:
        """See `Reader.resume`."""
        super().resume(cursor)
        self.token: str = cursor.token

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """See `Reader.feed`."""
        self._count(page, fresh)
        self.everything.update(page.ids)
        if self._confirming:
            return self._confirm(page)
        total = page.total if self.paging.total in ("listing", "hint") else None
        if self.number == 1:
            self._first_page, self.first_total = page.ids, total
        elif None not in (total, self.total) and total != self.total and self.paging.total == "listing":
            self.drift: str = f"the total moved from {self.total} to {total}"
        self.total = self.total if total is None else total
        news = sum(self._now.update(page.ids))
        self.shown: int = self.shown + news
        onward = self._next(page)
        if not onward:
            return self._ended(page)
        mark = digest(onward)
        if mark in self._tokens and not news:
            return Step(action="done", reason=_LOOP, drift=_LOOP)
        self._tokens.add(mark)
        self.token = onward
        self.number += 1
        return _ONWARD

    def refused(self, code: str) -> Step | None:
        """See `Reader.refused`."""
        known = self.token and code in map(str, self.paging.refused)
        return self._again(_FORGOTTEN) if known else None

    def _next(self, page: PageSigns) -> str:
        if page.is_last:
            return ""
        if not self.paging.last or not page.ids:
            return page.next
        reached = self.total is not None and self.shown >= self.total and len(page.ids) < self.size
        return "" if reached and page.has_more is not True else page.next

    def _ended(self, page: PageSigns) -> Step:
        if page.is_last:
            return Step(action="done", complete=True, reason="the vendor names no further page")
        if page.has_more is True:
            return Step(action="done", reason=_MORE)
        if self.total is not None and (self.total > self.shown or self._belied(page, self.total)):
            return self._again(f"the vendor counts {counted(self.total, 'row')}, and {self.shown} came")
        if self.drift:
            return self._again(self.drift)
        if self.recent and self.number > 1:
            if not self._first_page:  # it was read in another process
                return self._again(_CAME)
            self._confirming, self.number, self.token = True, 1, ""
            return _ONWARD
        return Step(action="done", complete=True, reason="the vendor names no further page")

    def _belied(self, page: PageSigns, total: int) -> bool:
        """True if more came than the vendor counts, and nothing else says that a full page is the last."""
        return self.paging.total == "listing" and total < self.shown and 0 < self.size <= len(page.ids)

    def _confirm(self, page: PageSigns) -> Step:
        self._confirming = False
        if tuple(page.ids) == tuple(self._first_page or ()):
            return Step(action="done", complete=True, reason="the first page, read again, had not changed")
        return self._again(_CAME)

    def _again(self, why: str) -> Step:
        if self.readings >= _MOST_READINGS:
            return Step(action="done", reason=why, drift=why)
        self.readings += 1
        self.number, self.token, self.shown, self.total, self.first_total = 1, "", 0, None, None
        self._now, self._first_page, self.drift = Seen(), None, ""
        self._tokens.clear()
        return Step(action="page", drift=why)
