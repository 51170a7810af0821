"""What one page showed, and what is to be done next: the words in which windows are read.

Holds `PageSigns` and `Step`. Decides nothing: that is `numbered.py`, where answers
come in pages, and `truncated.py`, where they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

from agora_tencent_analytics.decoding.flaws import LostRow
from agora_tencent_analytics.errors import UnreadableRow
from agora_tencent_analytics.paging.seen_ids import digest
from agora_tencent_analytics.refusals import brief
from agora_tencent_analytics.timerange import TimeRange


def unreadable_row(lost: LostRow, endpoint: str, window: TimeRange, page: int) -> UnreadableRow:
    """The error for a row that cannot be read.

    A row is known again by what it says. One that says nothing is another row wherever it stands.

    Args:
        lost: the row.
        endpoint: name of the question.
        window: that was asked.
        page: number of the page.
    """
    where = "" if lost.says_something else f"{window.start} {window.end} {page}"
    return UnreadableRow(
        endpoint=endpoint,
        over=window,
        page=page,
        place=lost.place,
        reason=brief(lost.reason),
        text=brief(lost.text),
        row_id=digest(f"{where}\0{lost.equal}\0{lost.text}").hex(),
    )


@attrs.frozen(kw_only=True)
class PageSigns:
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
    drift: str = ""
    """What this page showed to have changed while the window was read, in words; `""` if nothing."""
