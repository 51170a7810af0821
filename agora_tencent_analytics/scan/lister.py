"""`Lister`: lists the calls of one provider, and hands on those that are to be read, page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

import msgspec

from agora_tencent_analytics.errors import AnalyticsError, BadInput, CallNotFound, UnreadableReply
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.certificate import Clipped, NothingToAsk
from agora_tencent_analytics.paging.clip import CLOCKS_DIFFER_S
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.paginator import Pages, Paginator
from agora_tencent_analytics.scan.job import Job
from agora_tencent_analytics.scan.records import Failure
from agora_tencent_analytics.scan.report import GIVEN_UP
from agora_tencent_analytics.scan.work import PendingCall, PendingRange
from agora_tencent_analytics.timerange import TimeRange

T = TypeVar("T")
_A_BATCH = 100
"""How many calls of an earlier listing are handed on together: as many as a page has."""


def as_many_as_asked(
    listing: Paginator[T], rows: Sequence[T], now: float
) -> tuple[Sequence[T], UnreadableReply | None]:
    """The rows of a page about which more may be asked: who shows far more than a page has may show any number.

    Args:
        listing: whose page it is.
        rows: what the page shows.
        now: the vendor's now, epoch seconds.

    Returns:
        At most twice as many as were asked for, and what is wrong if the page shows more.
    """
    question = next(iter(listing.questions(now))) if len(rows) > _A_BATCH else None
    if question is None or not question.size or len(rows) <= 2 * question.size:
        return rows, None
    why = f"{len(rows):,} rows on a page of {question.size}; about those beyond twice as many nothing more was asked"
    return rows[: 2 * question.size], UnreadableReply(why, endpoint=question.row.name, status=200, in_rows=True)


class Lister:
    """Lists what the job's work says, oldest first, and what an earlier scan has left over before that.

    Args:
        job: whose calls.
        take: takes calls that are to be read, and returns when more are wanted.
    """

    def __init__(self, job: Job, take: Callable[[Sequence[PendingCall]], Awaitable[None]]) -> None:
        self._job = job
        self._work = job.work
        self._requested = job.requested
        self._take = take
        self._may_begin_anew = True
        ids = job.options.call_ids
        known = self._work.known(ids or ())
        self._missing = None if ids is None else {call_id for call_id in ids if known.get(call_id, True)}
        self._requested.found(known)

    async def run(self) -> None:
        """Lists to the end, or until the job is stopped or every call asked for is found."""
        for lost in self._work.untold():
            await self._fail(lost, lost.over)
        await self._hand_all(self._work.pending())
        everything = await self._list_all()
        nowhere = self._requested.listed(everything=everything or self._found_all)
        if nowhere:
            said = f"no call {', '.join(nowhere)} is listed in {self._work.over}"
            error = CallNotFound(said, call_ids=nowhere, requests=self._job.report.requests)
            if len(nowhere) == len(self._job.options.call_ids or ()):
                self._job.ended_by = error
            await self._fail(error)

    async def _list_all(self) -> bool:
        """Lists every span; True if all came to an end."""
        everything, self._job.report.over = True, self._work.over
        for span in self._work.pending_ranges():
            if self._found_all or self._job.stopped:
                return self._found_all
            try:
                ended = await self._list(span)
            except BadInput:  # the cursor is another version's, or another page size's
                if span.cursor is None:
                    raise
                ended = await self._list(msgspec.structs.replace(span, cursor=None))
            if ended is None:
                return await self._list_all()
            everything = ended and everything
        if everything:
            await self._hand_all(self._work.vanished())
        return everything

    def note_what_was_missed(self) -> None:
        """Notes what might have been listed as well, had the vendor's clock been known from the beginning."""
        provider, hidden = self._job.provider, self._job.report.clipped
        # What was too recent to be asked for, if no answer has borne out the clock that says so.
        unproven = () if provider.shared_quota.clock.borne_out else [one for one in hidden if one.reason == "lag"]
        for question in self._calls(PendingRange(self._work.over)).questions(provider.now()):
            name = question.row.name
            for piece in (*self._work.missed(), *(one.over for one in unproven if one.endpoint == name)):
                if piece.seconds > question.limits.lag_s + CLOCKS_DIFFER_S:
                    self._job.note((), [Clipped(over=piece, reason="clock", endpoint=name)])

    def _begins_anew(self) -> bool:
        """True if the first answer shows that the range was resolved by a wrong clock, and it is resolved again."""
        may, self._may_begin_anew = self._may_begin_anew, False
        return may and self._work.begin_anew()

    @property
    def _found_all(self) -> bool:
        return self._missing is not None and not self._missing

    async def _fail(self, error: AnalyticsError, over: TimeRange | None = None, cursor: str | None = None) -> None:
        await self._job.fail(Failure(vendor=self._job.name, step="calls", over=over, error=error, cursor=cursor))

    def _requested_of(self, calls: Sequence[Call]) -> Sequence[Call]:
        """Those of the calls listed that were asked for, which are found now; all, where no calls were asked for."""
        if self._missing is None:
            return calls
        found = [call for call in calls if call.call_id in self._missing]
        self._missing.difference_update([call.call_id for call in found])
        self._requested.found([call.call_id for call in found])
        return found

    async def _hand_all(self, pending: Iterable[PendingCall]) -> None:
        rest, again = iter(pending), self._sessions_stand_in_rows()
        while batch := list(islice(rest, _A_BATCH)):
            await self._hand(await self._read_again(batch) if again else batch)

    def _sessions_stand_in_rows(self) -> bool:
        listing = self._calls(PendingRange(self._work.over)).questions(self._job.provider.now())
        reads = self._work.kept and self._job.options.depth != "calls"
        return reads and any(question.row.sessions_key for question in listing)

    async def _read_again(self, batch: Sequence[PendingCall]) -> Sequence[PendingCall]:
        """Calls of an earlier scan with the sessions in their rows, which enter no ledger, where a page shows them.

        The others are asked about one by one: so many pages, and no more, may be cheaper.
        """
        begun = [one.call.created_ts for one in batch]
        missing, found = {one.call.call_id for one in batch}, dict[str, Call]()
        listing = self._calls(PendingRange(TimeRange(max(0, min(begun)), max(begun) + 1)))
        pages = listing.pages()
        for _ in batch:
            try:
                page = None if self._job.stopped or not missing else await self._job.next(partial(anext, pages, None))
            except AnalyticsError:
                break  # whoever asks about a call says so
            if page is None:
                break
            found |= {call.call_id: call for call in page.items if call.held_sessions is not None}
            missing -= found.keys()
        said = listing.verdict  # not which windows it came through: whoever is not found is asked about
        self._job.note([f"{said.endpoint}: {doubt}" for doubt in said.doubts])
        return [msgspec.structs.replace(one, call=found.get(one.call.call_id, one.call)) for one in batch]

    async def _hand(self, pending: Sequence[PendingCall]) -> None:
        if pending:
            self._may_begin_anew = False
            if not self._job.stopped:
                await self._take(pending)

    def _calls(self, span: PendingRange) -> Paginator[Call]:
        return self._job.provider.calls(span.over, channel=self._job.options.channel, cursor=span.cursor)

    async def _list(self, span: PendingRange) -> bool | None:
        """Lists a span; True if that came to an end, None if the range turned out to be another.

        Raises:
            BadInput: the span cannot be listed from its cursor on.
        """
        listing = self._calls(span)
        pages, rest = listing.pages(), span.cursor
        left = Cursor.read(rest) if rest is not None else None  # where an earlier scan stood
        while not self._job.stopped:
            try:
                page = await self._job.next(partial(anext, pages, None))
            except NothingToAsk as nothing:
                if self._begins_anew():
                    return None
                self._job.note((), self._work.gaps(nothing.clipped))
                self._work.listed(span, nothing.clipped)
                return True
            except AnalyticsError as refused:
                if isinstance(refused, BadInput) and span.cursor is not None:
                    raise
                if not await self._give_up(span, refused, pages, rest):
                    break
                continue
            if self._begins_anew():
                return None
            if page is None:
                self._job.doubt(listing.verdict)  # before the span: who is killed between them lists it again
                self._work.listed(span, listing.verdict.clipped)
                break
            if left is not None and (page.window != left.window or page.number < left.number):
                left = None  # the window is at its end, or is read again already
            if left is not None and self._shown_before(page):
                self._job.doubt(listing.verdict)
                return await self._list(msgspec.structs.replace(span, cursor=left.before_window.text()))
            rest = page.cursor
            for lost in self._work.lost(page.lost):
                await self._fail(lost, lost.over)
            wanted: Sequence[Call] = page.items
            if self._job.options.depth != "calls":
                wanted, strange = as_many_as_asked(listing, wanted, self._job.provider.now())
                if strange is not None:
                    self._work.give_up(span, page.window, None)
                    await self._fail(strange, page.window)
            if self._work.kept:  # before the cursor: who is killed between them reads the page again
                self._job.doubt(listing.verdict)
            pending = self._work.page(span, self._job.options.chosen(self._requested_of(wanted)), page.cursor)
            self._job.progress()
            await self._hand(pending)
            if self._found_all:
                break
        self._job.doubt(listing.verdict)
        self._job.report.count(listing.verdict)
        return listing.verdict.finished or self._found_all

    def _shown_before(self, page: Page[Call]) -> bool:
        """True if a page shows calls that stood on a page before the one where an earlier scan left the window.

        A cursor knows only how many rows it has behind it, and calls that took the place of others would be missed.
        """
        over = page.window
        inside = (one for one in page.items if over.start < one.created_ts <= (one.destroyed_ts or over.end) < over.end)
        return bool(self._work.known(one.call_id for one in inside))

    async def _give_up(self, span: PendingRange, refused: AnalyticsError, pages: Pages[Call], rest: str | None) -> bool:
        """Leaves out the window being read; False if that does not help, and the rest must wait for another scan."""
        window, cursor = None, rest
        if not self._job.is_hopeless(refused):
            cursor = pages.retry
            window = pages.skip(GIVEN_UP + str(refused))
        if window is not None:
            self._work.give_up(span, window, cursor)
        await self._fail(refused, window, cursor)
        return window is not None
