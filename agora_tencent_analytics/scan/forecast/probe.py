"""The probe: a few requests that tell how many calls there are, how long they are, and who was in some of them.

Of each window of the listing the first page is read and, if there are more, the last one and one between them, drawn by
a seed: the first and the last show the calls on the edges of the window, which are unlike the others. If the last one
has only calls that an older window lists as well, so is the one before it. Where the vendor
states no total of the listing, the last page is found by doubling and halving the page number. Then the sessions of up
to so many calls: a third of them the largest by what the listing tells, the others drawn by the seed, each with the
weight of the calls that it stands for. Every request is an ordinary one.

Asks only. What follows from it is `cost.py`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import attrs

from agora_tencent_analytics.endpoint import Newest
from agora_tencent_analytics.errors import NothingToAsk
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.forecast.population import Only, Population, Seen, Stratum
from agora_tencent_analytics.scan.forecast.requests import row_of, windows
from agora_tencent_analytics.timerange import TimeRange

_MOST_PAGES = 1 << 14
_LAST_PAGES = 3
"""Pages that are read from the end of a listing, while they have only calls that an older window lists as well."""
_CHOSEN = 3
"""One in so many of the calls whose sessions are read is chosen for its size."""


@attrs.define
class Probe:
    """One probe of one provider.

    Args:
        provider: whom to ask.
        over: the range.
        channel: only this channel.
        users: only sessions of these users.
        only: which calls are wanted.
        seed: of what is drawn.
    """

    provider: Provider
    over: TimeRange
    channel: str | None
    users: Sequence[str] | None
    only: Only | None
    seed: int
    _seen: list[Seen] = attrs.field(factory=list, init=False)
    _strata: list[Stratum] = attrs.field(factory=list, init=False)
    _listed: dict[TimeRange, int] = attrs.field(factory=dict, init=False)

    async def population(self, sample: int, listed: Sequence[Call] | None = None) -> Population:
        """Asks, and says what is known then.

        Args:
            sample: the most calls whose sessions are read; 0 reads the listing only.
            listed: the calls, if they were listed already.

        Raises:
            AnalyticsError: a request failed.
        """
        dice = random.Random(self.seed)
        if listed is None:
            await self._list_all(dice)
        else:
            self._take(self.over, listed, None, rows=len(listed))
        drawn = self._draw(sample, dice)
        for at, chosen in drawn.items():
            call = self._seen[at].call
            found = await self._sessions(call)
            self._seen[at] = attrs.evolve(self._seen[at], sessions=tuple(found), chosen=chosen)
        return Population(
            seen=tuple(self._seen),
            strata=tuple(self._strata),
            listed=self._listed,
            listing=listed is None,
            basis=self._basis(len(drawn), listed),
        )

    async def _list_all(self, dice: random.Random) -> None:
        for question in self.provider.calls(self.over, channel=self.channel).questions(self.provider.now()):
            before: TimeRange | None = None
            for window in windows(question, self.provider.now()):
                await self._list(question, window, before, dice)
                before = window

    def _basis(self, read: int, listed: Sequence[Call] | None) -> str:
        if listed is not None:
            return f"{len(listed):,} calls listed already, the sessions of {read} read"
        rows, seen = sum(self._listed.values()), sum(part.shown for part in self._strata)
        words = f"a probe: {rows:,} calls on the listing of {len(self._listed)} windows, {seen:,} seen"
        return f"{words}, the sessions of {read} read" if read else words

    # -- the listing --------------------------------------------------------------------------------------------

    async def _list(self, question: Question, window: TimeRange, before: TimeRange | None, dice: random.Random) -> None:
        listing = self.provider.calls(window, channel=self.channel)
        try:
            page = await anext(listing.pages(), None)
        except NothingToAsk:
            return
        if page is None:
            return
        pages: dict[int, Sequence[Call]] = {page.number: page.items}
        rows, last, end = len(page.items), page.number, page.number
        if question.size and rows >= question.size:
            rows = await self._count(listing, page, question.size, pages)
            last = page.number + (rows - 1) // question.size
            end = await self._read_end(listing, page, last, before, pages)
            between = range(page.number + 1, end)
            drawn = [] if any(number in between for number in pages) or not between else [dice.choice(between)]
            for number in drawn:
                pages[number] = await listing.peek(page.window, number)
        elif isinstance(question.row.paging, Newest) and rows >= question.row.paging.most:
            oldest = min(call.created_ts for call in page.items)
            rows = round(rows * window.seconds / max(1, window.end - oldest))  # as if they were evenly spread
        self._listed[window] = rows
        ends = [call for number in sorted(pages) if number == page.number or number >= end for call in pages[number]]
        between_calls = [call for number in sorted(pages) if page.number < number < end for call in pages[number]]
        self._take(window, ends, before, rows=len(ends) if between_calls else rows)
        if between_calls:
            self._take(window, between_calls, before, rows=rows - len(ends))

    async def _read_end(
        self,
        listing: Paginator[Call],
        page: Page[Call],
        last: int,
        before: TimeRange | None,
        pages: dict[int, Sequence[Call]],
    ) -> int:
        """Reads the last pages, down to one with calls that the older window does not list; gives its number."""
        for number in range(last, max(page.number, last - _LAST_PAGES), -1):
            if number not in pages:
                pages[number] = await listing.peek(page.window, number)
            if before is None or not all(row_of(call).reaches(before) for call in pages[number]):
                return number
        return max(page.number, last - _LAST_PAGES) + 1

    async def _count(
        self, listing: Paginator[Call], page: Page[Call], size: int, pages: dict[int, Sequence[Call]]
    ) -> int:
        """How many rows a listing has whose first page is full; what had to be read for that is added to `pages`."""
        if page.total is not None and page.total > size:
            return page.total

        first = {call.call_id for call in page.items}

        async def full(number: int) -> bool:
            calls = await listing.peek(page.window, page.number + number)
            # The first page once again: the vendor takes no notice of the number.
            pages[page.number + number] = calls if any(call.call_id not in first for call in calls) else ()
            return len(pages[page.number + number]) >= size

        low, high = 0, 1
        while high < _MOST_PAGES and await full(high):
            low, high = high, high * 2
        pages.setdefault(page.number + high, ())
        while high - low > 1 and not pages[page.number + high]:
            middle = (low + high) // 2
            low, high = (middle, high) if await full(middle) else (low, middle)
        return high * size + len(pages[page.number + high])

    def _take(self, window: TimeRange, calls: Sequence[Call], before: TimeRange | None, *, rows: int) -> None:
        """Takes in a part of a window's listing, of so many rows; calls that an older window lists are its own."""
        stratum = len(self._strata)
        self._strata.append(Stratum(window=window, shown=len(calls), unseen=max(0, rows - len(calls))))
        for call in calls:
            if before is None or not row_of(call).reaches(before):
                self._seen.append(Seen(call=call, stratum=stratum))

    # -- the calls ----------------------------------------------------------------------------------------------

    def _draw(self, sample: int, dice: random.Random) -> dict[int, bool]:
        """Which of the calls seen are read; True for those chosen by size."""
        wanted = [at for at, one in enumerate(self._seen) if self.only is None or self.only(one.call)]
        if len(wanted) <= sample:
            return dict.fromkeys(wanted, False)
        by_size = sorted(wanted, key=lambda at: (-_size(self._seen[at].call, self.over), at))
        drawn = dict.fromkeys(by_size[: sample // _CHOSEN], True)
        left = [at for at in wanted if at not in drawn]
        # Drawn with the weight of what a call stands for: the greatest of these keys are a sample without replacement.
        keys = {at: dice.random() ** (1 / self._stands(at)) for at in left}
        drawn |= dict.fromkeys(sorted(left, key=lambda at: -keys[at])[: sample - len(drawn)], False)
        return drawn

    def _stands(self, at: int) -> float:
        stratum = self._strata[self._seen[at].stratum]
        return 1 + stratum.unseen / stratum.shown

    async def _sessions(self, call: Call) -> list[Session]:
        try:
            return await self.provider.sessions(call, users=self.users, over=self.over).collect()
        except NothingToAsk:
            return []


def _size(call: Call, over: TimeRange) -> float:
    """How large a call is by what the listing tells: its users, if it tells them, and its length."""
    end = over.end if call.destroyed_ts is None else min(call.destroyed_ts, over.end)
    return max(1, call.accumulated_users or 1) * max(60, end - max(call.created_ts, over.start))
