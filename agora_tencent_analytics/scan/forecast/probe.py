"""The probe: a few requests that tell how many calls there are, how long they are, and who was in some of them.

Of each window of the listing the first page is read and, if there are more, the last one and one between them, drawn by
a seed: the first and the last show the calls on the edges of the window, which are unlike the others. Where the vendor
states no total of the listing, the last page is found by doubling and halving the page number. Then the sessions of up
to so many calls: a third of them the largest by what the listing tells, the others drawn by the seed. Every request is
an ordinary one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import attrs

from agora_tencent_analytics.endpoint import Newest, NextPage, PageNumber
from agora_tencent_analytics.errors import counted
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.certificate import NothingToAsk
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.forecast.population import ListedCall, Part, PlannedScan, Population
from agora_tencent_analytics.scan.forecast.requests import row_of, windows
from agora_tencent_analytics.timerange import TimeRange

_MOST_PAGES = 1 << 14
_CHOSEN = 3
"""One in so many of the calls whose sessions are read is chosen for its size."""


@attrs.define
class Probe:
    """One probe of one provider.

    Args:
        provider: whom to ask.
        asked: what is to be read.
        seed: of what is drawn.
    """

    provider: Provider
    asked: PlannedScan
    seed: int
    _seen: list[ListedCall] = attrs.field(factory=list, init=False)
    _parts: list[Part] = attrs.field(factory=list, init=False)
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
            rows, seen = sum(self._listed.values()), sum(part.shown for part in self._parts)
            windows = counted(len(self._listed), "window")
            basis = f"a probe: {counted(rows, 'call')} on the listing of {windows}, {seen:,} seen"
        else:
            self._take(self.asked.over, listed, None, rows=len(listed))
            basis = f"{counted(len(listed), 'call')} listed already"
        drawn = self._draw(sample, dice)
        for at, chosen in drawn.items():
            sessions = await self._sessions(self._seen[at].call)
            self._seen[at] = attrs.evolve(self._seen[at], sessions=tuple(sessions), chosen=chosen)
        return Population(
            seen=self._seen,
            parts=self._parts,
            listed=self._listed,
            listing=listed is None,
            basis=f"{basis}, the sessions of {len(drawn)} read" if drawn or listed is not None else basis,
        )

    async def _list_all(self, dice: random.Random) -> None:
        listing = self.provider.calls(self.asked.over, channel=self.asked.channel)
        for question in listing.questions(self.provider.now()):
            before: TimeRange | None = None
            for window in windows(question, self.provider.now()):
                await self._list(question, window, before, dice)
                before = window

    async def _list(self, question: Question, window: TimeRange, before: TimeRange | None, dice: random.Random) -> None:
        listing = self.provider.calls(window, channel=self.asked.channel)
        try:
            following = listing.pages()
            page = await anext(following, None)
        except NothingToAsk:
            return
        if page is None:
            return
        first, rows = page.number, len(page.items)
        pages: dict[int, Sequence[Call]] = {first: page.items}
        last = first
        paging = question.row.paging
        if isinstance(paging, NextPage):
            if page.total is not None and page.total > rows:
                rows = page.total
            else:  # no page can be asked for but the next
                async for more in following:
                    pages[first] = [*pages[first], *more.items]
                rows = len(pages[first])
        elif isinstance(paging, PageNumber) and rows >= question.size:
            rows = await self._count(listing, page, question.size, pages)
            last = first + (rows - 1) // question.size
            between = range(first + 1, last)
            for number in (last, *([] if pages.keys() & set(between) or not between else [dice.choice(between)])):
                if number not in pages:
                    pages[number] = await listing.peek(page.window, number)
        elif isinstance(paging, Newest) and rows >= paging.most:
            oldest = min(call.created_ts for call in page.items)
            rows = round(rows * window.seconds / max(1, window.end - oldest))  # as if they were evenly spread
        self._listed[window] = rows
        edges = [call for number, calls in pages.items() if number in (first, last) for call in calls]
        middle = [call for number, calls in sorted(pages.items()) if first < number < last for call in calls]
        self._take(window, edges, before, rows=len(edges) if middle else rows)
        if middle:
            self._take(window, middle, before, rows=rows - len(edges))

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
        part = Part(window, len(calls), max(0, rows - len(calls)))
        self._parts.append(part)
        new = (call for call in calls if before is None or not row_of(call).reaches(before))
        self._seen += (ListedCall(call=call, part=part) for call in new)

    def _draw(self, sample: int, dice: random.Random) -> dict[int, bool]:
        """Which of the calls seen are read; True for those chosen by size."""
        only = self.asked.only
        wanted = [at for at, one in enumerate(self._seen) if only is None or only(one.call)]
        if len(wanted) <= sample:
            return dict.fromkeys(wanted, False)
        wanted.sort(key=lambda at: (-_size(self._seen[at].call, self.asked.over), at))
        chosen, left = wanted[: sample // _CHOSEN], wanted[sample // _CHOSEN :]
        return dict.fromkeys(chosen, True) | dict.fromkeys(dice.sample(left, sample - len(chosen)), False)

    async def _sessions(self, call: Call) -> list[Session]:
        try:
            return await self.provider.sessions(call, users=self.asked.users, over=self.asked.over).collect()
        except NothingToAsk:
            return []


def _size(call: Call, over: TimeRange) -> float:
    """How large a call is by what the listing tells: its users, if it tells them, and its length."""
    end = over.end if call.destroyed_ts is None else min(call.destroyed_ts, over.end)
    return max(1, call.accumulated_users or 1) * max(60, end - max(call.created_ts, over.start))
