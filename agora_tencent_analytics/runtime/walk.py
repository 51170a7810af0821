"""`Walk`: reads every page of every window of its questions, and gathers the evidence that it did.

The theory. A range is clipped to what the vendor can answer *now* (vendor time), covered by windows no
longer than its span, oldest first, and each window is read as `paging.py` or `narrowing.py` decides. One
that shows less than it holds is narrowed, or replaced by its halves. What is seen twice, because windows
touch or because one was read again, is yielded once. State changes only after a decoded page: a walk
that was interrupted by an error or a cancellation can be continued where it stood, and `page.cursor`
continues it in another process. Loops, no recursion, and no task of its own.

Holds no vendor's name and no figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from agora_tencent_analytics.clip import askable, clip, cover, give_way
from agora_tencent_analytics.errors import BadInput, WindowRefused
from agora_tencent_analytics.narrowing import Reader, left_over, moments, reader_of
from agora_tencent_analytics.page import Page
from agora_tencent_analytics.paging import PageSigns, Step, WindowReader, digest
from agora_tencent_analytics.runtime.caller import Caller
from agora_tencent_analytics.runtime.cursor import Cursor
from agora_tencent_analytics.runtime.evidence import Evidence
from agora_tencent_analytics.runtime.question import Question
from agora_tencent_analytics.runtime.seen import Seen
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.vendor import Reply

__all__ = ["MOST_REQUESTS", "Walk"]

RECENT_S = 600
"""A window that ends in the vendor's last ten minutes may still receive rows."""
MOST_REQUESTS = 10_000
"""The request ceiling of a walk, unless the caller sets another."""
_MOST_ADJUSTMENTS = 6


class Walk:
    """The state of one walk. `next_page` changes it only after a page was decoded.

    Args:
        caller: asks single questions.
        questions: gives the questions, when told the vendor's now.
        cursor: where to go on.
        max_requests: the walk ends, incomplete, after so many pages.
        max_wait: the longest wait for a quota slot, seconds; None waits as long as it takes.
    """

    def __init__(
        self,
        caller: Caller,
        questions: Callable[[float], Iterable[Question]],
        cursor: Cursor | None,
        max_requests: int,
        max_wait: float | None,
    ) -> None:
        self._caller = caller
        self._source = questions
        self._resume = cursor
        self._max_requests = max_requests
        self._max_wait = max_wait
        self._questions: Iterator[tuple[int, Question]] | None = None
        self._question: Question | None = None
        self._index = 0
        self._stack: list[tuple[TimeRange, int]] = []  # windows to come, the next one last, with barren levels
        self._window: TimeRange | None = None
        self._reader: Reader | None = None
        self._adjustments = 0  # of the present window
        self._seen = Seen()
        self.evidence = Evidence()

    @property
    def between_questions(self) -> bool:
        """True if the page just returned was the last of its question."""
        return self._reader is None and not self._stack

    async def next_page(self) -> Page[Any] | None:
        """The next page, or None at the end. After an error it may be called again, and goes on where it stood.

        Raises:
            NothingToAsk: no second of the range can be had now.
            BadInput: the cursor is of another question.
            AnalyticsError: what `Caller.ask` raises.
        """
        if self.evidence.finished or not self._take_up():
            return None
        while True:
            question, window, reader = self._question, self._window, self._reader
            if question is None or window is None or reader is None:
                return None
            if self.evidence.asked >= self._max_requests:
                self._finish(f"the walk's ceiling of {self._max_requests} requests was reached")
                return None
            number = reader.number
            try:
                reply, body = await self._caller.ask(
                    question.row,
                    question.limits,
                    window,
                    question.params,
                    page=number,
                    size=question.size,
                    max_wait=self._max_wait,
                )
            except WindowRefused as refused:
                if not self._adjust(refused):
                    raise
                if not self._take_up():
                    return None
                continue
            items = self._take_in(question, window, reader, reply)
            return Page(
                items=items,
                request_id=reply.request_id,
                body=body,
                cursor=self._here().text(),
                window=window,
                number=number,
                total=reply.total,
                has_more=reply.has_more,
            )

    def _now(self) -> float:
        return self._caller.quota.clock.now()

    # -- which window ---------------------------------------------------------------------------------------

    def _take_up(self) -> bool:
        """Makes sure that a window is being read; False when there is none left."""
        while self._reader is None:
            if self._stack:
                window, barren = self._stack.pop()
                self._begin(window, barren)
            elif not self._next_question():
                if self.evidence.only_clipped and self._resume is None:
                    raise self.evidence.nothing_to_ask()
                self._finish("")
                return False
        return True

    def _begin(self, window: TimeRange, barren: int) -> None:
        question = self._question
        assert question is not None
        limits, now = question.limits, self._now()
        if not askable(window, limits, now=now):
            # Time went by since the range was clipped, or the vendor's clock is known better than then.
            if (inside := self._clip(question, window, now)) is None:
                return
            window = inside
        recent = window.end > now - limits.lag_s - RECENT_S
        self._window = window
        self._reader = reader_of(question.row.paging, window, size=question.size, recent=recent, barren=barren)
        if not barren and not question.row.key:
            self._seen.close()  # rows that are not identified come again in every window; what counts is within it
        self._adjustments = self.evidence.window_duplicates = 0

    def _clip(self, question: Question, over: TimeRange, now: float) -> TimeRange | None:
        cut = clip(over, question.limits, now=now, endpoint=question.row.name, bounds=question.row.bounds)
        self.evidence.clip(cut.clipped)
        return cut.inside

    def _next_question(self) -> bool:
        now = self._now()
        if self._questions is None:
            questions = enumerate(self._source(now))
            if self._resume is not None:
                self._go_on_from(self._resume, questions)
                self._questions = questions
                return True
            self._questions = questions
        index, question = next(self._questions, (0, None))
        if question is None:
            return False
        self._index, self._question, self.evidence.endpoint = index, question, question.row.name
        pieces = []
        for over in question.over:
            self.evidence.reach(over)
            inside = self._clip(question, over, now)
            pieces += [inside] if inside else []
        windows = cover(pieces, question.limits, strict=question.row.bounds.strict)
        self._stack = [(window, 0) for window in windows][::-1]
        return True

    def _go_on_from(self, cursor: Cursor, questions: Iterator[tuple[int, Question]]) -> None:
        for index, question in questions:
            if index == cursor.question:
                if cursor.mark != question.mark(self._caller.app_id):
                    raise BadInput("this cursor belongs to another question; hand it back with the same arguments")
                self._index, self._question, self.evidence.endpoint = index, question, question.row.name
                self.evidence.over = cursor.over
                self._stack = [(window, barren) for window, barren in cursor.stack]
                if cursor.window is not None:
                    self._go_on_in(question, cursor.window, cursor)
                return
        raise BadInput("this cursor lies beyond the end of the question; hand it back with the same arguments")

    def _go_on_in(self, question: Question, window: TimeRange, cursor: Cursor) -> None:
        if cursor.ahead is not None and not askable(window, question.limits, now=self._now()):
            self._stack.append((TimeRange(window.start, cursor.ahead.end), cursor.barren))
            return
        self._begin(window, cursor.barren)
        reader = self._reader
        if isinstance(reader, WindowReader):
            # A window that had to be cut is another listing, and is read from its first page.
            if self._window == window:
                reader.resume(number=cursor.number, total=cursor.total, shown=cursor.shown)
        elif reader is not None and cursor.ahead is not None:
            reader.resume(cursor.ahead)
            self._seen.new(row for row, _ in cursor.ahead.known)

    # -- what a page changes ----------------------------------------------------------------------------------

    def _take_in(self, question: Question, window: TimeRange, reader: Reader, reply: Reply[Any]) -> Sequence[Any]:
        at = moments(question.row, reply)
        marks = [digest(row_id) for row_id in reply.ids]
        news = self._seen.new(marks)
        items = reply.items
        if question.row.key:
            items = [item for item, new in zip(items, news, strict=True) if new]
        self.evidence.count(len(items), duplicates=len(reply.items) - len(items))
        signs = PageSigns(ids=marks, total=reply.total, has_more=reply.has_more, is_last=reply.is_last, at=at)
        self._go(question, window, reader, reader.feed(signs, fresh=sum(news)))
        return items

    def _go(self, question: Question, window: TimeRange, reader: Reader, step: Step) -> None:
        if step.action == "page":
            return
        if step.action == "narrow" and not isinstance(reader, WindowReader):
            if step.over is not None:
                self.evidence.close(step.over, reader, complete=step.complete, reason=step.reason)
            self._window, self._adjustments = reader.window, 0
            if not askable(reader.window, question.limits, now=self._now()):
                self._stack.append((reader.rest, reader.barren))
                self._window = self._reader = None
            return
        halves = window.halves() if step.action == "split" else None
        if halves is not None:
            barren = reader.barren + 1  # reset to 0 by the first new row of the half
            self._stack += [(halves[1], barren), (halves[0], barren)]
        else:
            why = step.reason if step.action == "done" else f"{step.reason}, and a single second cannot be split"
            self.evidence.close(step.over or window, reader, complete=step.complete, reason=why)
        self._window = self._reader = None

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read, and returns it."""
        window, reader = self._window, self._reader
        if window is not None and reader is not None:
            self.evidence.close(window, reader, complete=False, reason=reason)
            self._stack += [(piece, reader.barren) for piece in left_over(reader, window)]
        self._window = self._reader = None
        return window

    def _adjust(self, refused: WindowRefused) -> bool:
        """Cuts or splits a window that the vendor does not answer for; False if that cannot help."""
        question, window, reader = self._question, self._window, self._reader
        assert question is not None
        assert window is not None
        assert reader is not None
        self._adjustments += 1
        if self._adjustments > _MOST_ADJUSTMENTS:
            return False
        if refused.kind in ("too_long", "too_much"):
            halves = window.halves()
            if halves is None:
                return False
            self.evidence.refused += 1
            self._stack += [(piece, reader.barren) for piece in left_over(reader, window)]
            self._stack += [(halves[1], reader.barren), (halves[0], reader.barren)]
            self._window = self._reader = None
            return True
        if refused.kind not in ("too_recent", "too_old"):
            return False
        self.evidence.refused += 1
        adjustments, recent = self._adjustments, refused.kind == "too_recent"
        row, now = question.row, self._now()
        cut = give_way(window, question.limits, now=now, times=adjustments, recent=recent, bounds=row.bounds)
        self.evidence.cut(window.minus(cut) if cut else (window,), reason="lag" if recent else "history")
        self._stack += [(piece, reader.barren) for piece in left_over(reader, window)]
        self._window = self._reader = None
        if cut is not None:
            # Another window is another listing: it is read from its first page.
            self._begin(cut, reader.barren)
            self._adjustments = adjustments
        return True

    # -- where the walk stands ---------------------------------------------------------------------------------

    def _here(self) -> Cursor:
        question, reader = self._question, self._reader
        assert question is not None
        mark = question.mark(self._caller.app_id)
        return Cursor.at(self._index, mark, self.evidence.over, self._stack, self._window, reader)

    def _finish(self, stopped: str) -> None:
        self.evidence.finished = True
        self.evidence.stopped = stopped
        self._seen.close()
