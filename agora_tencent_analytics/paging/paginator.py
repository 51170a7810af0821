"""`Paginator`: an async iterable over a walk: by record, by page or in batches, and afterwards a certificate.

Holds the ways to consume a walk; each iteration is a walk of its own. The walk itself, with its theory, is in
`walk.py`. Holds no task: between two steps of the consumer nothing runs, so nothing can be left behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from typing import Any, Generic, Self, TypeVar

from agora_tencent_analytics.context import check_seconds
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.http.client import Caller
from agora_tencent_analytics.paging.certificate import Certificate
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.question import Question, Questions
from agora_tencent_analytics.paging.walk import Filter, Held, Listing, Walk
from agora_tencent_analytics.timerange import TimeRange

T = TypeVar("T")


class Paginator(Generic[T]):
    """An async iterable of records that also gives pages, and afterwards a certificate.

    Each iteration is a new walk; `certificate` speaks of the last one.

    Args:
        caller: asks single questions.
        questions: gives the questions, when told the time.
        merge: makes the items of one whole question out of the items of its pages. None: pages' items as they are.
        cursor: where to go on: `.pages()` right after the page that gave it, items there too. Where a question's
            items are merged, they begin with the whole question of that page, unless the page was its last.
        max_requests: the walk ends, incomplete, after so many pages. None: as many as it takes.
        max_wait: the longest wait for a quota slot, seconds; None: what the terms of the provider say.
        held: items at hand, which need not be asked for and come first.
    """

    def __init__(
        self,
        caller: Caller,
        questions: Questions,
        *,
        merge: Callable[[Sequence[Any]], Sequence[T]] | None = None,
        cursor: str | None = None,
        max_requests: int | None = None,
        max_wait: float | None = None,
        held: Held | None = None,
    ) -> None:
        if max_requests is not None and (type(max_requests) is not int or max_requests < 1):
            raise BadInput(f"max_requests must be a whole number, at least 1, not {max_requests!r}")
        if max_wait is not None:
            check_seconds("max_wait", max_wait)
        at = Cursor.read(cursor) if cursor is not None else None
        self._listing = Listing(caller, questions, at, max_requests, max_wait, held)
        self._merge = None if merge is None else _giving_lists(merge)
        self._filters: list[Filter] = []
        self._walk: Walk | None = None

    def _new_walk(self, *, whole_questions: bool) -> Walk:
        self._walk = Walk(self._listing, self._filters, whole_questions=whole_questions)
        return self._walk

    def only(self, wanted: Callable[[Any], bool], needed: str = "", *, always: bool = False, least: int = 0) -> Self:
        """The same, without the items of pages that are not wanted: they are left out and counted.

        Args:
            wanted: says of an item, before anything is merged, whether it was asked for.
            needed: what was asked for, in words, if an answer without any of it says nothing: a walk that showed only
                others is incomplete. `""`: it may be that there is none.
            always: True if a walk that showed nothing at all is incomplete too.
            least: how many there are: a walk that showed fewer is incomplete.
        """
        self._filters.append(Filter(wanted, needed, always, least))
        return self

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(self.batches())

    def pages(self) -> Pages[T]:
        """The same walk, page by page, each with its body, request id and cursor."""
        return Pages(self._new_walk(whole_questions=False))

    def batches(self) -> Batches[T]:
        """The same records in the lists in which they become ready: one to a page, or one to a packet of sessions."""
        return Batches(self._new_walk(whole_questions=self._merge is not None), self._merge)

    def merged(self, items: Sequence[Any]) -> Sequence[T] | None:
        """The records that a walk of this listing would make of these items; None if some of them were not asked for.

        Args:
            items: pieces of records, as the pages gave them.
        """
        if not all(all(map(one.wanted, items)) for one in self._filters):
            return None
        return items if self._merge is None else self._merge(items)

    def questions(self, now: float) -> list[Question]:
        """What a walk begun at `now` (vendor epoch seconds) would ask, windows and pages aside; sends nothing.

        Args:
            now: the vendor's now, epoch seconds.
        """
        return list(self._listing.questions(now, now))

    async def peek(self, window: TimeRange, number: int) -> Sequence[T]:
        """One page of the first question, beside any walk: its records as they come, nothing left out.

        Args:
            window: as a page of this question names it.
            number: page number in the vendor's counting.

        Raises:
            AnalyticsError: what `Caller.ask` raises.
        """
        question = self.questions(self._listing.caller.quota.clock.now())[0]
        reply, _ = await self._listing.caller.ask(
            question.row,
            question.limits,
            window,
            question.params,
            page=number,
            size=question.size,
            max_wait=self._listing.max_wait,
        )
        return reply.items

    def __await__(self) -> Generator[Any, None, list[T]]:
        """`await provider.calls(over)` is `collect()`; awaiting again asks again, and a task wants `.collect()`."""
        return self.collect().__await__()

    def __repr__(self) -> str:
        """What it asks: names and ranges, no parameters."""
        asked = self.questions(self._listing.caller.quota.clock.now())
        names = ", ".join(dict.fromkeys(question.row.name for question in asked))
        return f"<Paginator of {names or 'nothing'}, questions: {len(asked)}>"

    async def collect(self) -> list[T]:
        """Everything in one list; for answers that fit in memory."""
        found: list[T] = []  # to write `list[T]()` takes ten times as long
        walk = self._new_walk(whole_questions=self._merge is not None)
        take = walk.next if self._merge is None else Batches(walk, self._merge).next
        while (batch := await take()) is not None:
            found.extend(batch)
        return found

    async def first(self) -> T | None:
        """The first record, or None if there is none; asks no further than needed."""
        async for item in self:
            return item
        return None

    @property
    def certificate(self) -> Certificate:
        """What the last walk read, and whether that is everything. Before any walk: nothing, and not finished."""
        return self._walk.evidence.certificate() if self._walk else Certificate(endpoint="", over=None)

    @property
    def verdict(self) -> Certificate:
        """The certificate without the fingerprints of rows, for callers that need only whether everything was read."""
        return self._walk.evidence.certificate(brief=True) if self._walk else self.certificate


def _giving_lists(merge: Callable[[Sequence[Any]], Sequence[T]]) -> Callable[[Sequence[Any]], Sequence[T]]:
    """What merges, held to giving a list: a generator may never end."""

    def merged(items: Sequence[Any]) -> Sequence[T]:
        if not isinstance(found := merge(items), list | tuple):
            raise TypeError(f"merge= gave its records as {type(found).__name__}, not as a list")
        return found

    return merged


class Pages(AsyncIterator[Page[T]]):
    """The pages of a walk. After an error, iteration may go on: with the same page again, or past its window."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    async def __anext__(self) -> Page[T]:
        items = await self._walk.next()
        if items is None:
            raise StopAsyncIteration
        return self._walk.page(items)

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read; the certificate will say so.

        Args:
            reason: why, in words.

        Returns:
            The window, or None if none was being read.
        """
        return self._walk.windows.skip(reason)

    @property
    def retry(self) -> str | None:
        """A cursor for the rest of the window being read alone, to be taken before `skip`; None between windows."""
        windows = self._walk.windows
        return windows.here(alone=True).text() if windows.reader else None


class Batches(AsyncIterator[Sequence[T]]):
    """The records of a walk in the lists in which they become ready. After an error, iteration may go on."""

    def __init__(self, walk: Walk, merge: Callable[[Sequence[Any]], Sequence[T]] | None) -> None:
        self._walk = walk
        self._merge = merge
        self._gathered: list[Any] = []

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read; see `Pages.skip`."""
        return self._walk.windows.skip(reason)

    async def __anext__(self) -> Sequence[T]:
        batch = await self.next()
        if batch is None:
            raise StopAsyncIteration
        return batch

    async def next(self) -> Sequence[T] | None:
        """The next of them; None at the end."""
        while True:
            items = await self._walk.next()
            if self._merge is None:
                return items
            self._gathered.extend(items or ())
            if items is None or self._walk.windows.between_questions:
                gathered, self._gathered = self._gathered, []
                if gathered:
                    return self._merge(gathered)
                if items is None:
                    return None


class _Items(AsyncIterator[T]):
    def __init__(self, batches: Batches[T]) -> None:
        self._batches = batches
        self._ready: deque[T] = deque()

    async def __anext__(self) -> T:
        while not self._ready:
            self._ready.extend(await anext(self._batches))
        return self._ready.popleft()
