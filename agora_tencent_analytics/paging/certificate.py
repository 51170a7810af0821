"""Why we believe that a listing is complete, as values: `Clipped`, `UnreadableRow`, `WindowRead`, `Certificate`.

The evidence is gathered by `evidence.py` from the decisions of `numbered.py` and `truncated.py`.

A certificate speaks of what the vendor showed. What no client can detect from that is listed in the README, under
"What no client can detect", with how often it happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from agora_tencent_analytics.errors import AnalyticsError, BadInput
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange

ClippedFor = Literal["lag", "history", "clock"]
"""`"lag"`: too new, ask again later. `"history"`: the vendor has forgotten it. `"clock"`: more than the plan's limits
explain, because the clocks of this machine and of the vendor disagree, or the vendor calls it too recent."""

_WHY: Mapping[ClippedFor, str] = {
    "lag": "not yet shown by the vendor",
    "history": "already forgotten by the vendor",
    "clock": "{seconds:,} s were not asked for, because this machine's clock and the vendor's disagree, or the "
    "vendor's limits are tighter than those of its plan",
}


class Clipped(msgspec.Struct, kw_only=True, frozen=True):
    """A piece of the range asked for that the vendor cannot answer now."""

    over: TimeRange
    """The piece."""
    reason: ClippedFor
    """Why not."""
    endpoint: str
    """The question that could not be asked there."""

    def __str__(self) -> str:
        return f"{self.endpoint} {self.over}: {_WHY[self.reason].format(seconds=self.over.seconds)}"


class NothingToAsk(BadInput):
    """No second of the range can be had now: all of it is forgotten, hidden by the vendor's lag, or to come.

    What the lag hides can be asked for at `retry_at`.

    Attributes:
        clipped: the pieces that were cut away, each with its reason.
    """

    def __init__(self, message: str, *, clipped: Sequence[Clipped] = (), retry_at: float | None = None) -> None:
        super().__init__(message)
        self.clipped: tuple[Clipped, ...] = tuple(clipped)
        self.endpoint: str = self.clipped[0].endpoint if self.clipped else ""
        self.retryable: bool = retry_at is not None
        self.retry_at: float | None = retry_at


class UnreadableRow(AnalyticsError):
    """One row of an answer lacks what a record cannot be without: its id, or a time. Its neighbours were read.

    Attributes:
        over: the window that was asked.
        page: page number in the vendor's counting.
        place: the row's place among those of the answer, from 0.
        reason: what is wrong with it, in words.
        text: the row as JSON, cut to its first characters.
        row_id: 32 hexadecimal digits that stand for the whole row: the same where it comes again.
    """

    def __init__(
        self, *, endpoint: str, over: TimeRange, page: int, place: int, reason: str, text: str, row_id: str
    ) -> None:
        super().__init__(f"row {place} on page {page} of {endpoint} {over} cannot be read: {reason}; it is {text}")
        self.endpoint = endpoint
        self.over = over
        self.page = page
        self.place = place
        self.reason = reason
        self.text = text
        self.row_id = row_id


class WindowRead(msgspec.Struct, kw_only=True, frozen=True):
    """How the reading of one window ended."""

    over: TimeRange
    """The window."""
    pages: int
    """Pages read, readings again included."""
    first_total: int | None = None
    """The vendor's own total on the first page, whatever it counts; of the last reading, if there were several."""
    total: int | None
    """The same on the last page that had one."""
    unique: int
    """Different rows that the window showed; after a cursor, that it showed since."""
    fingerprint: bytes = bytes(16)
    """16 bytes that stand for the ids of these rows, in whatever order they came: two readings of a window that show
    the same rows have the same. Zeros where rows are not identified."""
    duplicates: int
    """Rows of the window that the walk had seen before."""
    complete: bool
    """True if every sign agrees that nothing is missing."""
    reason: str
    """Why the reading stopped, in words."""


class Certificate(msgspec.Struct, kw_only=True, frozen=True):
    """What a walk read, and why it is, or is not, believed to be everything."""

    endpoint: str
    """Name of the question."""
    over: TimeRange | None
    """The range asked for, resolved to vendor time."""
    windows: tuple[WindowRead, ...] = ()
    """Every window whose reading ended, in that order; one that was split or narrowed is replaced by its pieces."""
    clipped: tuple[Clipped, ...] = ()
    """What of the range could not be asked."""
    doubts: tuple[str, ...] = ()
    """Where the vendor's rows contradict each other, or cannot be true, and more may be hidden because of it."""
    lost: tuple[UnreadableRow, ...] = ()
    """Rows that cannot be read, each once; the first hundred."""
    rows_lost: int = 0
    """How many there are."""
    requests: int = 0
    """Pages that were answered."""
    cost: Receipt = msgspec.field(default_factory=Receipt)
    """What the walk spent, with retries and with what was refused."""
    unique: int = 0
    """Different rows yielded."""
    duplicates: int = 0
    """Rows dropped because the walk had yielded them before."""
    strange: int = 0
    """Rows left out because they were not asked for: of another channel, call or user, or of another vendor."""
    from_cursor: bool = False
    """True if the walk went on from a cursor: whether what the cursor leaves out was read, nothing here can say."""
    finished: bool = False
    """True once the walk came to its end; False after a break, an error or a cancellation."""
    stopped: str = ""
    """Why the walk ended before its end, in words; `""` if it did not."""

    @property
    def complete(self) -> bool:
        """True if all of the range that the vendor can answer was read; what its lag alone hides does not count."""
        return self.finished and not self.why

    @property
    def why(self) -> str:
        """Everything that speaks against completeness, in words; `""` if nothing does."""
        doubts = [self.stopped] if self.stopped else []
        doubts += [f"{window.over}: {window.reason}" for window in self.windows if not window.complete]
        doubts += [str(piece) for piece in self.clipped if piece.reason != "lag"]
        doubts += self.doubts
        if self.rows_lost:
            doubts.append(f"{self.rows_lost} of the rows cannot be read, the first: {self.lost[0]}")
        return "; ".join(doubts)
