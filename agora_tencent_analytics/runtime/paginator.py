"""`Paginator`: walks every page of every window of a question, and certifies what it read.

The theory. A range is clipped to what the vendor can answer *now* (vendor time), covered by windows no
longer than its span, oldest first, and each window is read page by page as `paging.py` decides. A window
that shows less than it holds is replaced by its halves. What is seen twice, because neighbouring windows
touch or because a window was read again, is yielded once. State changes only after a decoded page: a walk
that was interrupted by an error or a cancellation can be continued where it stood, and `page.cursor`
continues it in another process. Loops, no recursion, and no task of its own: between two steps of the
consumer nothing runs, so nothing can be left behind.

Holds no vendor's name and no figures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from agora_tencent_analytics.certificate import Certificate, Clipped, WindowRead
from agora_tencent_analytics.clip import clip, cover
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput, NothingToAsk, WindowRefused
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.page import Page
from agora_tencent_analytics.paging import PageSigns, Step, WindowReader, digest
from agora_tencent_analytics.runtime.caller import Caller
from agora_tencent_analytics.runtime.cursor import Cursor, fingerprint
from agora_tencent_analytics.runtime.seen import Seen
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.vendor import Reply

__all__ = ["Batches", "Pages", "Paginator", "Question"]

T = TypeVar("T")

RECENT_S = 600
"""A window that ends in the vendor's last ten minutes may still receive rows."""
MOST_REQUESTS = 10_000
"""The request ceiling of a walk, unless the caller sets another."""
_MOST_ADJUSTMENTS = 6


@attrs.frozen(kw_only=True)
class Question:
    """One thing to ask over some range; a walk asks one or several."""

    row: Endpoint[Any]
    limits: Limits
    over: tuple[TimeRange, ...]
    params: Mapping[str, Any]
    size: int


class Paginator(Generic[T]):
    """An async iterable of records that also gives pages, and afterwards a certificate.

    Each iteration is a new walk; `certificate` speaks of the last one.

    Args:
        caller: asks single questions.
        questions: gives the questions, when told the vendor's now.
        merge: makes the items of one whole question out of the items of its pages. None: pages' items as they are.
        cursor: where to go on.
        max_requests: the walk ends, incomplete, after so many pages.
        max_wait: the longest wait for a quota slot, seconds; None waits as long as it takes.
    """

    def __init__(
        self,
        caller: Caller,
        questions: Callable[[float], Iterable[Question]],
        *,
        merge: Callable[[Sequence[Any]], Sequence[T]] | None = None,
        cursor: str | None = None,
        max_requests: int | None = None,
        max_wait: float | None = None,
    ) -> None:
        if max_requests is not None and max_requests < 1:
            raise BadInput(f"max_requests must be at least 1, not {max_requests}")
        self._caller = caller
        self._questions = questions
        self._merge = merge
        self._cursor = Cursor.read(cursor) if cursor is not None else None
        self._max_requests = max_requests or MOST_REQUESTS
        self._max_wait = max_wait
        self._walk: _Walk | None = None

    def _new_walk(self) -> _Walk:
        self._walk = _Walk(self._caller, self._questions, self._cursor, self._max_requests, self._max_wait)
        return self._walk

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(Batches(self._new_walk(), self._merge))

    def pages(self) -> Pages:
        """The same walk, page by page, each with its body, request id and cursor."""
        return Pages(self._new_walk())

    def batches(self) -> Batches[T]:
        """The same records in the lists in which they become ready: one to a page, or one to a packet of sessions."""
        return Batches(self._new_walk(), self._merge)

    async def collect(self) -> list[T]:
        """Everything in one list; for answers that fit in memory."""
        return [item async for item in self]

    async def first(self) -> T | None:
        """The first record, or None if there is none; asks no further than needed."""
        async for item in self:
            return item
        return None

    @property
    def certificate(self) -> Certificate:
        """What the last walk read, and whether that is everything. Before any walk: nothing, and not finished."""
        return self._walk.certificate() if self._walk else Certificate(endpoint="", over=None)


class Pages(AsyncIterator[Page[Any]]):
    """The pages of a walk. After an error, iteration may go on: with the same page again, or past its window."""

    def __init__(self, walk: _Walk) -> None:
        self._walk = walk

    async def __anext__(self) -> Page[Any]:
        page = await self._walk.next_page()
        if page is None:
            raise StopAsyncIteration
        return page

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read; the certificate will say so.

        Args:
            reason: why, in words.

        Returns:
            The window, or None if none was being read.
        """
        return self._walk.skip(reason)


class Batches(AsyncIterator[Sequence[T]]):
    """The records of a walk in the lists in which they become ready. After an error, iteration may go on."""

    def __init__(self, walk: _Walk, merge: Callable[[Sequence[Any]], Sequence[T]] | None) -> None:
        self._walk = walk
        self._merge = merge
        self._gathered: list[Any] = []

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read; see `Pages.skip`."""
        return self._walk.skip(reason)

    async def __anext__(self) -> Sequence[T]:
        while True:
            page = await self._walk.next_page()
            if self._merge is None:
                if page is None:
                    raise StopAsyncIteration
                return page.items
            self._gathered.extend(page.items if page else ())
            if page is None or self._walk.between_questions:
                gathered, self._gathered = self._gathered, []
                if gathered:
                    return self._merge(gathered)
                if page is None:
                    raise StopAsyncIteration


class _Items(AsyncIterator[T]):
    def __init__(self, batches: Batches[T]) -> None:
        self._batches = batches
        self._ready: deque[T] = deque()

    async def __anext__(self) -> T:
        while not self._ready:
            self._ready.extend(await anext(self._batches))
        return self._ready.popleft()


class _Walk:
    """The state of one walk. `next_page` changes it only after a page was decoded."""

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
        self._over: TimeRange | None = None
        self._stack: list[tuple[TimeRange, int]] = []  # windows to come, the next one last, with barren levels
        self._window: TimeRange | None = None
        self._reader: WindowReader | None = None
        self._adjustments = 0
        self._window_duplicates = 0
        self._seen = Seen()
        self._read: list[WindowRead] = []
        self._clipped: list[Clipped] = []
        self._requests = self._unique = self._duplicates = 0
        self._finished = False
        self._stopped = ""
        self._endpoint = ""

    @property
    def between_questions(self) -> bool:
        """True if the page just returned was the last of its question."""
        return self._reader is None and not self._stack

    def certificate(self) -> Certificate:
        return Certificate(
            endpoint=self._endpoint,
            over=self._over,
            windows=tuple(self._read),
            clipped=tuple(self._clipped),
            requests=self._requests,
            unique=self._unique,
            duplicates=self._duplicates,
            finished=self._finished,
            stopped=self._stopped,
        )

    async def next_page(self) -> Page[Any] | None:
        if self._finished or not self._take_up():
            return None
        while True:
            question, window, reader = self._question, self._window, self._reader
            if question is None or window is None or reader is None:
                return None
            if self._requests >= self._max_requests:
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
                if not self._requests and self._clipped and self._resume is None:
                    raise NothingToAsk(
                        f"nothing of {self._over} can be asked now ({'; '.join(map(str, self._clipped))}); ask for a "
                        "range inside the plan's history, or wait until the vendor shows its newest data",
                        clipped=self._clipped,
                    )
                self._finish("")
                return False
        return True

    def _begin(self, window: TimeRange, barren: int) -> None:
        question = self._question
        assert question is not None
        recent = window.end > self._now() - question.limits.lag_s - RECENT_S
        self._window = window
        self._reader = WindowReader(paging=question.row.paging, size=question.size, recent=recent, barren=barren)
        self._adjustments = self._window_duplicates = 0

    def _next_question(self) -> bool:
        now = self._now()
        if self._questions is None:
            self._questions = enumerate(self._source(now))
            if self._resume is not None:
                return self._go_on_from(self._resume)
        index, question = next(self._questions, (0, None))
        if question is None:
            return False
        self._index, self._question, self._endpoint = index, question, question.row.name
        pieces = []
        for over in question.over:
            self._over = self._over.hull(over) if self._over else over
            cut = clip(over, question.limits, now=now, endpoint=question.row.name)
            self._clipped.extend(cut.clipped)
            pieces += [cut.inside] if cut.inside else []
        windows = cover(pieces, question.limits, strict=question.row.bounds.strict)
        self._stack = [(window, 0) for window in windows][::-1]
        return True

    def _go_on_from(self, cursor: Cursor) -> bool:
        assert self._questions is not None
        for index, question in self._questions:
            if index == cursor.question:
                if cursor.mark != fingerprint(question.row.name, question.params, question.size):
                    raise BadInput("this cursor belongs to another question; hand it back with the same arguments")
                self._index, self._question, self._endpoint = index, question, question.row.name
                self._over = cursor.over
                self._stack = [(window, barren) for window, barren in cursor.stack]
                if cursor.window is not None:
                    self._begin(cursor.window, cursor.barren)
                    assert self._reader is not None
                    self._reader.resume(number=cursor.number, total=cursor.total, shown=cursor.shown)
                return True
        raise BadInput("this cursor lies beyond the end of the question; hand it back with the same arguments")

    # -- what a page changes ----------------------------------------------------------------------------------

    def _take_in(self, question: Question, window: TimeRange, reader: WindowReader, reply: Reply[Any]) -> Sequence[Any]:
        self._requests += 1
        marks = [digest(row_id) for row_id in reply.ids]
        items = reply.items
        fresh = len(items)
        if question.row.key:
            news = self._seen.new(marks)
            items = [item for item, new in zip(items, news, strict=True) if new]
            fresh = len(items)
            self._duplicates += len(news) - fresh
            self._window_duplicates += len(news) - fresh
        self._unique += fresh
        signs = PageSigns(ids=marks, total=reply.total, has_more=reply.has_more, is_last=reply.is_last)
        self._go(window, reader, reader.feed(signs, fresh=fresh))
        return items

    def _go(self, window: TimeRange, reader: WindowReader, step: Step) -> None:
        if step.action == "page":
            return
        halves = window.halves() if step.action == "split" else None
        if halves is not None:
            barren = reader.barren + 1  # reset to 0 by the first new row of the half
            self._stack += [(halves[1], barren), (halves[0], barren)]
        else:
            why = step.reason if step.action == "done" else f"{step.reason}, and a single second cannot be split"
            self._close(window, reader, complete=step.complete, reason=why)
        self._window = self._reader = None

    def _close(self, window: TimeRange, reader: WindowReader, *, complete: bool, reason: str) -> None:
        self._read.append(
            WindowRead(
                over=window,
                pages=reader.pages,
                total=reader.total,
                unique=len(reader.everything),
                duplicates=self._window_duplicates,
                complete=complete,
                reason=reason,
            )
        )

    def skip(self, reason: str) -> TimeRange | None:
        window, reader = self._window, self._reader
        if window is not None and reader is not None:
            self._close(window, reader, complete=False, reason=reason)
        self._window = self._reader = None
        return window

    def _adjust(self, refused: WindowRefused) -> bool:
        """Cuts or splits a window that the vendor does not answer for; False if that cannot help."""
        question, window, reader = self._question, self._window, self._reader
        assert question is not None
        assert window is not None
        assert reader is not None
        self._adjustments += 1
        if self._adjustments > _MOST_ADJUSTMENTS or reader.pages:
            return False
        if refused.kind in ("too_long", "too_much"):
            halves = window.halves()
            if halves is None:
                return False
            self._stack += [(halves[1], reader.barren), (halves[0], reader.barren)]
            self._window = self._reader = None
            return True
        if refused.kind not in ("too_recent", "too_old"):
            return False
        # The clock learnt from the refusal may explain it; if not, give way a little more each time.
        step = 5 * 2**self._adjustments
        recent = refused.kind == "too_recent"
        cut = clip(window, question.limits, now=self._now(), endpoint=question.row.name).inside
        if cut == window:
            start, end = (window.start, window.end - step) if recent else (window.start + step, window.end)
            cut = TimeRange(start, end) if start < end else None
        for piece in window.minus(cut) if cut else (window,):
            self._clipped.append(Clipped(over=piece, reason="lag" if recent else "history", endpoint=question.row.name))
        if cut is None:
            self._window = self._reader = None
        else:
            self._window = cut
        return True

    # -- where the walk stands ---------------------------------------------------------------------------------

    def _here(self) -> Cursor:
        question, reader = self._question, self._reader
        assert question is not None
        return Cursor(
            question=self._index,
            mark=fingerprint(question.row.name, question.params, question.size),
            over=self._over,
            stack=tuple(self._stack),
            window=self._window,
            number=reader.number if reader else 0,
            total=reader.total if reader else None,
            shown=reader.shown if reader else 0,
            barren=reader.barren if reader else 0,
        )

    def _finish(self, stopped: str) -> None:
        self._finished = True
        self._stopped = stopped
        self._seen.close()
