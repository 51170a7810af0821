"""What a page showed (`PageSigns`), what is decided to do next (`Step`), and who decides it: the `Reader` of a window.

Readers are state machines without I/O. Their decisions are made in `numbered.py` and `next_page.py`, where answers come
in pages, and in `truncated.py`, where they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec

from agora_tencent_analytics.decoding.flaws import LostRow
from agora_tencent_analytics.paging.certificate import UnreadableRow
from agora_tencent_analytics.paging.cursor import Ahead, Cursor
from agora_tencent_analytics.paging.seen_ids import Seen, digest
from agora_tencent_analytics.refusals import brief
from agora_tencent_analytics.timerange import TimeRange


def unreadable_rows(
    lost: Iterable[LostRow], ids: Sequence[str], endpoint: str, window: TimeRange, page: int
) -> list[UnreadableRow]:
    """The errors for the rows of an answer that cannot be read.

    A row is known again by what it says, also in another window. One that says nothing is known by the row that can be
    read before it in the answer, and where there is none by its window and page.

    Args:
        lost: those rows, in order.
        ids: of the rows that can be read, in order; none if they are not identified.
        endpoint: name of the question.
        window: that was asked.
        page: number of the page.
    """
    found = list[UnreadableRow]()
    mute = Counter[str]()
    for at, one in enumerate(lost):
        where, equal = "", one.equal
        if not one.says_something:
            before = one.place - at
            where = ids[before - 1] if 0 < before <= len(ids) else f"{window.start} {window.end} {page}"
            mute[where] += 1
            equal = mute[where]
        found.append(
            UnreadableRow(
                endpoint=endpoint,
                over=window,
                page=page,
                place=one.place,
                reason=brief(one.reason),
                text=brief(one.text),
                row_id=digest(f"{where}\0{equal}\0{one.text}").hex(),
            )
        )
    return found


class PageSigns(msgspec.Struct, kw_only=True, frozen=True):
    """What one page showed."""

    ids: Collection[bytes]
    """Digests of its row ids, in order; those of rows that cannot be read follow."""
    total: int | None = None
    """The vendor's total, if it gave one."""
    has_more: bool | None = None
    """The vendor's word on whether more exists, if it gave one."""
    is_last: bool = False
    """True if the answer proves by itself that nothing can follow."""
    next: str = ""
    """The token for the next page, if it gave one."""
    at: Sequence[int] = ()
    """Moments of its rows that can be read, epoch seconds, where the row is read by them."""


class Step(msgspec.Struct, kw_only=True, frozen=True):
    """What to do next with a window."""

    action: Literal["page", "split", "narrow", "done"]
    """Ask for the reader's next page; split the window in halves; ask for the reader's new window; or stop here."""
    complete: bool = False
    """For `done` and `narrow`: every sign agrees that nothing is missing from what ended."""
    reason: str = ""
    """For all but `page`: why, in words."""
    over: TimeRange | None = None
    """For `done` and `narrow`: whose reading ended. None: that of the window (`done`), of nothing (`narrow`)."""
    drift: str = ""
    """What this page showed to have changed while the window was read, in words; `""` if nothing."""


class Reader(msgspec.Struct, kw_only=True):
    """Reads one window to its end. It is told what each answer showed, and says what to do; it sends nothing."""

    window: TimeRange
    """What is to be asked."""
    size: int
    """Rows to ask for to a page; 0 where there are no pages."""
    number: int = 0
    """The page to ask for, in the vendor's counting."""
    token: str = ""
    """What to ask for it by, where each page names the next; `""` for the first."""
    ranged: bool = True
    """False if the vendor takes no range: whatever is asked for, the answer is about everything."""
    recent: bool = False
    """True if rows may still come into this window."""
    barren: int = 0
    """How many levels of halves above this window, or answers in a row that left more to come, brought nothing new."""
    longest: int = 0
    """Rows of the longest page that the walk has seen."""
    shown: int = 0
    """Rows of the present reading."""
    pages: int = 0
    """Answers, readings again included."""
    first_total: int | None = None
    """The total on the first page of the present reading."""
    total: int | None = None
    """The last total of the present reading."""
    drift: str = ""
    """What has changed during the present reading, or may have, in words; `""`: nothing."""
    duplicates: int = 0
    """Rows that the walk had seen before."""
    everything: Seen = msgspec.field(default_factory=Seen)
    """Rows of all readings of the window."""

    @property
    def ahead(self) -> Ahead | None:
        """What is known of the rows that its next answers may show, where an answer has no pages."""
        return None

    @property
    def rest(self) -> TimeRange:
        """All that it has still to read."""
        return self.window

    def resume(self, cursor: Cursor) -> None:
        """Takes up a reading where a cursor left it; rows from before that are known by their count only."""
        self.number, self.size, self.shown = cursor.number, cursor.size, cursor.shown
        self.first_total = self.total = cursor.total
        self.drift = cursor.drift

    def feed(self, page: PageSigns, *, fresh: int) -> Step:
        """Takes a page in and says what is next.

        Args:
            page: what it showed.
            fresh: how many of its rows the whole walk had never seen.
        """
        raise NotImplementedError

    def refused(self, code: str) -> Step | None:
        """What to do now that the vendor refuses with this code; None if that does not depend on the reading."""
        return None

    def begin_piece(self) -> None:
        """Counts anew what is told of a window, for the next piece of it."""
        self.pages = self.duplicates = 0
        self.first_total, self.everything = None, Seen()

    def _count(self, page: PageSigns, fresh: int) -> None:
        """Takes in what counts for every reader."""
        self.pages += 1
        self.longest = max(self.longest, len(page.ids))
        if fresh:
            self.barren = 0
