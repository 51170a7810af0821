"""`Evidence`: what a walk records on its way; its certificate is made of it.

These are counts, windows and reasons. What happens next is decided in `walk.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from agora_tencent_analytics.decoding.flaws import Flaws
from agora_tencent_analytics.paging.certificate import Certificate, Clipped, NothingToAsk, UnreadableRow, WindowRead
from agora_tencent_analytics.paging.decision import Reader
from agora_tencent_analytics.paging.seen_ids import Seen
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange

_MOST_LOST = 100


class Evidence(msgspec.Struct):
    """The notes of one walk."""

    endpoint: str = ""
    """Name of the question being asked."""
    over: TimeRange | None = None
    """The range asked for, as far as it is known."""
    windows: list[WindowRead] = []
    """Windows whose reading ended."""
    clipped: dict[Clipped, None] = {}
    """What could not be asked, each piece once and in order."""
    shown_at: float = math.inf
    """When the vendor will show some of that, epoch seconds on this machine's clock."""
    doubts: dict[str, None] = {}
    """Where the vendor's rows contradict each other and may hide more, each once and in order."""
    lost: list[UnreadableRow] = []
    """Rows that cannot be read, the first hundred."""
    rows_lost: int = 0
    """How many there are."""
    unread: set[str] = set()
    """Fields that could not be read as they were sent, of any row, by the vendor's names."""
    requests: int = 0
    """Pages that were answered."""
    refused: int = 0
    """Requests whose window was refused, and then cut or halved."""
    unique: int = 0
    """Rows yielded."""
    duplicates: int = 0
    """Rows dropped because they had been yielded before."""
    strange: int = 0
    """Rows left out because they were not asked for: of another channel, call, user or vendor."""
    outside: int = 0
    """Rows left out because the vendor, or the question, could not be told the range, or the sessions."""
    before: tuple[int, int] = (0, 0)
    """Rows yielded, and rows left out, before the cursor that the walk went on from."""
    cost: Receipt = msgspec.field(default_factory=Receipt)
    """What was spent."""
    from_cursor: bool = False
    """True if the walk went on from a cursor."""
    finished: bool = False
    """True once the walk came to its end."""
    stopped: str = ""
    """Why it ended early, in words."""
    _rows: Seen | None = None

    @property
    def asked(self) -> int:
        """Requests that the walk's ceiling counts."""
        return self.requests + self.refused

    @property
    def came(self) -> tuple[int, int]:
        """Rows yielded, and rows left out, with those before the cursor."""
        return self.before[0] + self.unique, self.before[1] + self.strange

    @property
    def only_clipped(self) -> bool:
        """True if something was clipped and nothing was read or given up."""
        return bool(self.clipped) and not self.requests and not self.windows

    def nothing_to_ask(self) -> NothingToAsk:
        """The error for a walk that has nothing left after clipping."""
        return NothingToAsk(
            f"nothing of {self.over} can be asked now ({'; '.join(map(str, self.clipped))}); ask for a range inside "
            "the plan's history, or wait until the vendor shows its newest data",
            clipped=tuple(self.clipped),
            retry_at=self.shown_at if self.shown_at < math.inf else None,
        )

    def reach(self, over: TimeRange) -> None:
        """Notes that this range was asked for too."""
        self.over = self.over.hull(over) if self.over else over

    def clip(self, pieces: Iterable[Clipped], shown_at: float = math.inf) -> None:
        """Notes what cannot be asked, and when some of it can."""
        self.shown_at = min(self.shown_at, shown_at)
        self.clipped.update(dict.fromkeys(pieces))

    def begin_anew(self) -> None:
        """Forgets the range and what of it could not be asked; what was spent stays."""
        self.over, self.shown_at = None, math.inf
        self.clipped.clear()

    def flawed(self, flaws: Flaws, lost: Sequence[UnreadableRow], window: TimeRange, page: int) -> None:
        """Notes what of a page could not be read.

        Args:
            flaws: of the page.
            lost: its rows that had not been told before.
            window: whose page it is.
            page: its number.
        """
        self.rows_lost += len(lost)
        self.lost += lost[: max(0, _MOST_LOST - len(self.lost))]
        for name in flaws.fields.keys() - self.unread:
            self.unread.add(name)
            rows = flaws.fields[name]
            more = f" (so in {rows} records there)" if rows > 1 else ""
            self.doubts[f"{name!r} cannot be read as it was sent, first on page {page} of {window}{more}"] = None
        self.doubts.update(dict.fromkeys(f"{doubt} (page {page} of {window})" for doubt in flaws.doubts))

    def close(self, over: TimeRange, reader: Reader, *, complete: bool, reason: str) -> None:
        """Notes that the reading of a window ended, or of a piece of one."""
        self._look_at_rows()
        self.windows.append(
            WindowRead(
                over=over,
                pages=reader.pages,
                first_total=reader.first_total,
                total=reader.total,
                unique=len(reader.everything),
                duplicates=reader.duplicates,
                complete=complete,
                reason=reason,
            )
        )
        self._rows = reader.everything
        if reader.pages > 1:
            self._look_at_rows()

    def _look_at_rows(self) -> None:
        """Makes the fingerprint of the window that ended last: of a lone page, only when somebody asks for it."""
        rows, self._rows = self._rows, None
        if rows is not None:
            self.windows[-1] = msgspec.structs.replace(self.windows[-1], fingerprint=rows.fingerprint)

    def certificate(self, *, brief: bool = False) -> Certificate:
        """The notes as a value.

        Args:
            brief: True leaves out the fingerprints of rows and the copy of the receipt, most of what it takes.
        """
        if not brief:
            self._look_at_rows()
        return Certificate(
            endpoint=self.endpoint,
            over=self.over,
            windows=tuple(self.windows),
            clipped=tuple(self.clipped),
            doubts=tuple(self.doubts),
            lost=tuple(self.lost),
            rows_lost=self.rows_lost,
            requests=self.requests,
            cost=self.cost if brief else self.cost.copy(),
            unique=self.unique,
            duplicates=self.duplicates,
            strange=self.strange + self.outside,
            from_cursor=self.from_cursor,
            finished=self.finished,
            stopped=self.stopped,
        )
