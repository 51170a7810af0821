"""What a page showed (`PageSigns`), and what the reader of its window decides to do next (`Step`).

The decisions are made in `numbered.py`, where answers come in pages, and in `truncated.py`, where they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from agora_tencent_analytics.decoding.flaws import LostRow
from agora_tencent_analytics.paging.certificate import UnreadableRow
from agora_tencent_analytics.paging.seen_ids import digest
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

    ids: Sequence[bytes]
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
    """Ask for page `number`; split the window in halves; ask for the reader's new `window`; or stop here."""
    number: int = 0
    """Page number in the vendor's counting."""
    complete: bool = False
    """For `done` and `narrow`: every sign agrees that nothing is missing from what ended."""
    reason: str = ""
    """For all but `page`: why, in words."""
    over: TimeRange | None = None
    """For `done` and `narrow`: whose reading ended. None: that of the window (`done`), of nothing (`narrow`)."""
    drift: str = ""
    """What this page showed to have changed while the window was read, in words; `""` if nothing."""
