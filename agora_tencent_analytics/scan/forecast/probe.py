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
from contextlib import suppress

import attrs

from agora_tencent_analytics.endpoint import Newest, NextPage, PageNumber
from agora_tencent_analytics.errors import counted
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.paging.certificate import NothingToAsk
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.forecast.population import ListedCall, Part, Population
from agora_tencent_analytics.scan.forecast.requests import row_of, windows
from agora_tencent_analytics.scan.options import ScanOptions
from agora_tencent_analytics.timerange import TimeRange

_MOST_PAGES = 1 << 14
_CHOSEN = 3
"""One in so many of the calls whose sessions are read is chosen for its size."""


class Probe:
    """One probe of one provider.

    Args:
        provider: whom to ask.
        over: the range.
        options: what is to be read of it.
        seed: of what is drawn.
    """

    def __init__(self, provider: Provider, over: TimeRange, options: ScanOptions, seed: int) -> None:
        self._provider = provider.with_options(priority=options.priority, budget=options.budget)
        self._over = over
        self._options = options
        self._dice = random.Random(seed)
        self._seen: list[ListedCall] = []
        self._listed: dict[TimeRange, int] = {}

    async def population(self, sample: int) -> Population:
        """Asks, and says what is known then.

        Args:
            sample: the most calls whose sessions are read; 0 reads the listing only.

        Raises:
            AnalyticsError: a request failed.
        """
        if self._options.calls is None:
            shown = await self._list_all()
            rows, pieces = counted(sum(self._listed.values()), "call"), counted(len(self._listed), "window")
            basis = f"a probe: {rows} on the listing of {pieces}, {shown:,} seen"
        else:
            calls = [call for call in self._options.calls if call.vendor == self._provider.name]
            self._take(Part(self._over, len(calls)), calls, None)
            basis = f"{counted(len(calls), 'call')} listed already"
        drawn = self._draw(sample)
        for at, chosen in drawn.items():
            sessions = list[Session]()
            with suppress(NothingToAsk):
                asked = self._provider.sessions(self._seen[at].call, users=self._options.users, over=self._over)
                sessions = await asked.collect()
            self._seen[at] = attrs.evolve(self._seen[at], sessions=tuple(sessions), chosen=chosen)
        if drawn or self._options.calls is not None:
            basis += f", the sessions of {len(drawn)} read"
        probed = self._provider.receipt.requests
        return Population(seen=self._seen, listed=self._listed, basis=basis, probed=probed)

    async def _list_all(self) -> int:
        """Looks into every window; how many rows it has seen."""
        shown, now = 0, self._provider.now()
        for question in self._provider.calls(self._over, channel=self._options.channel).questions(now):
            found = windows(question, now)
            for before, window in zip([None, *found], found, strict=False):
                shown += await self._list(question, window, before)
        return shown

    async def _list(self, question: Question, window: TimeRange, before: TimeRange | None) -> int:
        """Looks into a window; how many rows it has seen."""
        listing = self._provider.calls(window, channel=self._options.channel)
        following, page = listing.pages(), None
        with suppress(NothingToAsk):
            page = await anext(following, None)
        if page is None:
            return 0
        paging, calls, unseen = question.row.paging, list(page.items), 0
        parts = [calls]
        if isinstance(paging, NextPage):
            unseen = max(0, (page.total or 0) - len(calls))
            if not unseen:  # no page can be asked for but the next
                calls += [call async for more in following for call in more.items]
        elif isinstance(paging, PageNumber) and len(calls) >= question.size:
            parts, rows = await self._sample(listing, page, question.size)
            unseen = max(0, rows - sum(map(len, parts)))
        elif isinstance(paging, Newest) and len(calls) >= paging.most:
            seconds = max(1, window.end - min(call.created_ts for call in calls))
            unseen = max(0, round(len(calls) * window.seconds / seconds) - len(calls))  # as if they were evenly spread
        shown = sum(map(len, parts))
        self._listed[window] = shown + unseen
        for part in parts:
            self._take(Part(window, len(part), unseen if part is parts[-1] else 0), part, before)
        return shown

    async def _sample(self, listing: Paginator[Call], page: Page[Call], size: int) -> tuple[list[list[Call]], int]:
        """Of a listing whose first page is full: calls at its edges, those of a page between, if any; and its rows."""
        first, shown = page.number, {call.call_id for call in page.items}
        pages: dict[int, Sequence[Call]] = {first: page.items}

        async def read(number: int) -> Sequence[Call]:
            if number not in pages:
                calls = await listing.peek(page.window, number)
                # The first page once again: the vendor takes no notice of the number.
                pages[number] = calls if any(call.call_id not in shown for call in calls) else ()
            return pages[number]

        if page.total is not None and page.total > size:
            rows = page.total
        else:
            low, high = first, first + 1
            while high - first < _MOST_PAGES and len(await read(high)) >= size:
                low, high = high, 2 * high - first
            while high - low > 1 and not await read(high):
                middle = (low + high) // 2
                low, high = (middle, high) if len(await read(middle)) >= size else (low, middle)
            rows = (high - first) * size + len(await read(high))
        last = first + (rows - 1) // size
        between = range(first + 1, last)
        edges = [*page.items, *(await read(last) if last > first else ())]
        if between and pages.keys().isdisjoint(between):
            await read(self._dice.choice(between))
        inner = [call for number in between for call in pages.get(number, ())]
        return [edges, inner] if inner else [edges], rows

    def _take(self, part: Part, calls: Sequence[Call], before: TimeRange | None) -> None:
        """Takes in a part of a window's listing; calls that an older window lists are its own."""
        new = (call for call in calls if before is None or not row_of(call).reaches(before))
        self._seen += (ListedCall(call=call, part=part) for call in new)

    def _draw(self, sample: int) -> dict[int, bool]:
        """Which of the calls seen are read; True for those chosen by size."""
        wanted = [at for at, one in enumerate(self._seen) if self._options.chosen([one.call])]
        if len(wanted) <= sample:
            return dict.fromkeys(wanted, False)
        wanted.sort(key=lambda at: (-_size(self._seen[at].call, self._over), at))
        chosen, left = wanted[: sample // _CHOSEN], wanted[sample // _CHOSEN :]
        return dict.fromkeys(chosen, True) | dict.fromkeys(self._dice.sample(left, sample - len(chosen)), False)


def _size(call: Call, over: TimeRange) -> float:
    """How large a call is by what the listing tells: its users, if it tells them, and its length."""
    end = over.end if call.destroyed_ts is None else min(call.destroyed_ts, over.end)
    return max(1, call.accumulated_users or 1) * max(60, end - max(call.created_ts, over.start))
