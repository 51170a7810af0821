"""`Walk`: reads every page of every window of its questions, and gathers the evidence that it did.

The theory. A range is clipped to what the vendor can answer *now* (vendor time), covered by windows no
longer than its span, oldest first, and each window is read as `numbered.py` or `truncated.py` decides. One
that shows less than it holds is narrowed, or replaced by its halves. What is seen twice, because windows
touch or because one was read again, is yielded once. State changes only after a decoded page: a walk
that was interrupted by an error or a cancellation can be continued where it stood, and `page.cursor`
continues it in another process. Loops, no recursion, and no task of its own.

Holds the asking and the taking in of pages; which window is asked is `windows.py`. Holds no vendor's name
and no figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agora_tencent_analytics.context import asking, tell, terms, together
from agora_tencent_analytics.errors import WindowRefused
from agora_tencent_analytics.http.client import Caller
from agora_tencent_analytics.notices import Drift, GoingAway, Notice, PageRead, WindowSplit
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.decision import PageSigns, digest
from agora_tencent_analytics.paging.evidence import Evidence
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.question import Questions
from agora_tencent_analytics.paging.seen_ids import Seen
from agora_tencent_analytics.paging.truncated import moments
from agora_tencent_analytics.paging.windows import Reading, Windows
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.vendor import Reply

MOST_REQUESTS = 100_000
"""The request ceiling of one window, halves included: ten million rows. No account is so large, but a vendor may go on
and on. A walk has as many windows as its range is long, and no ceiling unless the caller sets one."""


class Walk:
    """The state of one walk. `next_page` changes it only after a page was decoded.

    Args:
        caller: asks single questions.
        questions: gives the questions, when told the time.
        cursor: where to go on.
        max_requests: the walk ends, incomplete, after so many pages; None: only a window that does not end ends it.
        max_wait: the longest wait for a quota slot, seconds; None waits as long as it takes.
        whole_questions: True if a question that the cursor has left in the middle is to be asked again as a whole.
    """

    def __init__(
        self,
        caller: Caller,
        questions: Questions,
        cursor: Cursor | None,
        max_requests: int | None,
        max_wait: float | None,
        *,
        whole_questions: bool,
    ) -> None:
        self._caller = caller
        self._max_requests = max_requests
        self._max_wait = max_wait
        self._told = Receipt()  # the cost that pages have told
        self._warned = False
        self._seen = Seen()
        self.evidence = Evidence(from_cursor=cursor is not None)
        self._windows = Windows(
            caller.identity,
            caller.quota.clock,
            questions,
            cursor,
            whole_questions=whole_questions,
            evidence=self.evidence,
            seen=self._seen,
        )

    @property
    def between_questions(self) -> bool:
        """True if the page just returned was the last of its question."""
        return self._windows.between_questions

    def window_cursor(self) -> str | None:
        """The cursor of what is left of the window being read, and of nothing after it; None between windows."""
        return self._windows.here(alone=True).text() if self._windows.reading else None

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read, and returns it."""
        return self._windows.skip(reason)

    async def next_page(self) -> Page[Any] | None:
        """The next page, or None at the end. After an error it may be called again, and goes on where it stood.

        Raises:
            NothingToAsk: no second of the range can be had now.
            BadInput: the cursor is of another question.
            AnalyticsError: what `Caller.ask` raises.
        """
        while not self.evidence.finished:
            reading = self._windows.take_up()
            if reading is None:
                self._finish("")
            elif self._max_requests is not None and self.evidence.asked >= self._max_requests:
                self._finish(f"the walk's ceiling of {self._max_requests} requests was reached")
            elif self._windows.asked >= MOST_REQUESTS:
                self._finish(f"the ceiling of {MOST_REQUESTS} requests for one window was reached at {reading.window}")
            else:
                try:
                    page = await self._read(reading)
                except WindowRefused as refused:
                    if not self._windows.begin_anew() and not self._gives_way(reading, refused):
                        raise
                else:
                    if page is not None:
                        return page
        return None

    async def _read(self, reading: Reading) -> Page[Any] | None:
        """The next page of a window; None if the clock that came with it says that another window is due."""
        window, number = reading.window, reading.reader.number
        with asking() as spent:
            try:
                reply, body = await self._caller.ask(
                    reading.question.row,
                    reading.question.limits,
                    window,
                    reading.question.params,
                    page=number,
                    size=reading.reader.size,
                    max_wait=self._max_wait,
                )
            finally:
                self.evidence.cost.add(spent)
        if self._windows.begin_anew():
            return None
        items = self._take_in(reading, reply)
        if reply.warning and not self._warned:
            self._warned = True
            row = reading.question.row
            self._tell(GoingAway(vendor=row.vendor, endpoint=row.name, message=reply.warning))
        cost, self._told = self.evidence.cost.since(self._told), self.evidence.cost.copy()
        return Page(
            items=items,
            sessions=reply.sessions,
            request_id=reply.request_id,
            body=body,
            cursor=self._windows.here().text(),
            window=window,
            number=number,
            total=reply.total,
            has_more=reply.has_more,
            extra=reply.extra,
            cost=cost,
        )

    def _take_in(self, reading: Reading, reply: Reply[Any]) -> Sequence[Any]:
        row, window, number = reading.question.row, reading.window, reading.reader.number
        at = moments(row, reply)
        marks = [digest(row_id) for row_id in reply.ids]
        news = self._seen.new(marks)
        items = reply.items
        if row.key:
            items = [item for item, new in zip(items, news, strict=True) if new]
        self.evidence.count(len(items), duplicates=len(reply.items) - len(items))
        if reading.question.trail is not None:
            reading.question.trail.saw(reply, window)
        signs = PageSigns(ids=marks, total=reply.total, has_more=reply.has_more, is_last=reply.is_last, at=at)
        step = reading.reader.feed(signs, fresh=sum(news))
        split = self._windows.go(reading, step, rows=len(marks))
        about: dict[str, Any] = {"vendor": row.vendor, "endpoint": row.name, "over": window}
        rows, fresh = len(reply.items), len(items)
        self._tell(PageRead(**about, number=number, rows=rows, fresh=fresh, total=reply.total, has_more=reply.has_more))
        if step.drift:
            self._tell(Drift(**about, reason=step.drift))
        if split:
            self._tell(WindowSplit(**about, reason=step.reason))
        return items

    def _gives_way(self, reading: Reading, refused: WindowRefused) -> bool:
        over, row = reading.window, reading.question.row
        way = self._windows.give_way(reading, refused)
        if way == "split":
            why = f"the vendor finds it {refused.kind}"
            self._tell(WindowSplit(vendor=row.vendor, endpoint=row.name, over=over, reason=why))
        return bool(way)

    def _tell(self, notice: Notice) -> None:
        tell(together(self._caller.hooks, terms().hooks), notice)

    def _finish(self, stopped: str) -> None:
        self.evidence.finished = True
        self.evidence.stopped = stopped
        self._seen.close()
