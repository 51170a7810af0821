"""What a question costs: requests, counted from its windows and from the rows in them, as plain arithmetic.

Holds no clock, no `await` and no chance: the vendor's now is an argument, and so is every row.

**The theory.** What an undisturbed walk asks is decided before its first answer, but for the number of pages. So the
questions are those that the walk itself is given (the same packets of sessions, the same stays), cut by the same `clip`
and covered by the same `cover`. And how many pages a window takes is known once it is known what they show: the rows
that reach into the window, dealt out by the page. They are shown to the very reader that decides in a walk
(`reader_of`), and what it asks for is counted. Thus the count is exact, whatever the rules of reading are.

What is assumed of the vendor: a row is in a window if it overlaps it, both half open; a total that counts a whole
listing does so, one that is a hint counts users, one of the page is its length; series come by user, whose stays are in
order of joining, and an answer that has shown every user asked for is the last. Refusals, drift and retries are not in
the price, and time stands still: a window that ceases to be recent while others are read is cheaper than that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from agora_tencent_analytics.endpoint import AnyOf, Newest, NextPage, PageNumber
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.clip import clip
from agora_tencent_analytics.paging.decision import PageSigns, Reader
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.paging.windows import RECENT_S, reader_of
from agora_tencent_analytics.timerange import TimeRange

Bill = Counter[str]
"""Requests by the name of the vendor's row. As an expectation they may be fractions."""

_TOO_MANY = 100_000
"""Pages of one window beyond which nobody counts."""


@attrs.frozen(slots=True)
class Row:
    """A row of a listing, as far as it matters for the number of pages."""

    start: int
    """When it began, epoch seconds."""
    end: float
    """When it ended; infinite while it lasts."""
    user: str = ""
    """The user of a session."""
    name: str = ""
    """Its id."""

    def reaches(self, window: TimeRange) -> bool:
        """True if some of it lies in the window; of a row without length, the moment itself."""
        return self.start < window.end and (self.end > window.start or self.end == self.start >= window.start)


def row_of(record: Call | Session) -> Row:
    """A call or a session as a row."""
    if isinstance(record, Call):
        end = math.inf if record.destroyed_ts is None else record.destroyed_ts
        return Row(record.created_ts, end, "", record.call_id)
    end = math.inf if record.leave_ts is None else record.leave_ts
    return Row(record.join_ts, end, record.user_id, record.session_id)


def windows(question: Question, now: float) -> list[TimeRange]:
    """The windows in which a walk begun at `now` (vendor epoch seconds) asks, oldest first."""
    limits, bounds = question.limits, question.row.bounds
    cut = (clip(piece, limits, now=now, endpoint="", bounds=bounds).inside for piece in question.over)
    return question.windows([piece for piece in cut if piece is not None])


def price(questions: Iterable[Question], rows: Iterable[Row], now: float) -> Bill:
    """Requests of one walk by the name of the vendor's row, to ask these questions about what holds these rows.

    Args:
        questions: what the walk is given.
        rows: calls for a listing of calls, the sessions of the call for a question about a call.
        now: vendor epoch seconds.
    """
    known = sorted(rows, key=lambda row: (row.start, row.user))
    cost: Bill = Counter()
    longest = 0
    for question in questions:
        concerned, wanted = _concerned(question, known)
        for window in windows(question, now):
            inside = [row for row in concerned if row.reaches(window)]
            requests, longest = _read(question, window, inside, wanted, now=now, longest=longest)
            cost[question.row.name] += requests
    return cost


def listing_pages(question: Question, counts: Iterable[tuple[TimeRange, int]], now: float) -> list[int]:
    """Requests of a walk by window, each of which holds so many rows, evenly spread.

    Args:
        question: what the walk is given.
        counts: its windows, oldest first, with the rows of each.
        now: vendor epoch seconds.
    """
    longest, found = 0, []
    for window, count in counts:
        begun = (window.start + window.seconds * number // count for number in range(count))
        rows = [Row(start, start + 1) for start in begun]
        requests, longest = _read(question, window, rows, frozenset(), now=now, longest=longest)
        found.append(requests)
    return found


def _read(
    question: Question, window: TimeRange, rows: list[Row], wanted: frozenset[str], *, now: float, longest: int
) -> tuple[int, int]:
    """Requests for one window, and the rows of the longest page that the walk has seen then."""
    recent = window.end > now - question.limits.lag_s - RECENT_S
    reader = reader_of(question.row.paging, window, size=question.size, recent=recent, barren=0, longest=longest)
    by_user = wanted if question.row.model is MetricSeries else frozenset[str]()
    ids = {id(row): number.to_bytes(16, "big") for number, row in enumerate(rows)}
    fresh = set(ids.values())
    for requests in range(1, _TOO_MANY):
        shown, signs = _page(question, reader, rows, ids, by_user)
        longest = max(longest, len(shown))
        step = reader.feed(signs, fresh=len(fresh.intersection(signs.ids)))
        fresh.difference_update(signs.ids)
        if step.action in ("done", "split"):
            return requests, longest
    return _TOO_MANY, longest


def _page(
    question: Question, reader: Reader, rows: list[Row], ids: dict[int, bytes], by_user: frozenset[str]
) -> tuple[Sequence[Row], PageSigns]:
    """What an honest vendor shows of these rows (oldest first) when the reader asks next."""
    paging = question.row.paging
    total: int | None = None
    more: bool | None = None
    is_last, onward = False, ""
    if isinstance(paging, PageNumber):
        at = (reader.number - paging.base) * reader.size
        shown: Sequence[Row] = rows[at : at + reader.size]
        if paging.total == "listing":
            total, more = len(rows), at + reader.size < len(rows)
        else:
            total = len(shown) if paging.total == "page" else len({row.user or row.name for row in rows})
        is_last = bool(by_user) and by_user.issubset(row.user for row in shown)
    elif isinstance(paging, NextPage):
        at = (reader.number - 1) * reader.size
        shown = rows[at : at + reader.size]
        total = len(rows) if paging.total == "listing" else None
        onward = str(reader.number) if at + reader.size < len(rows) or (paging.last and shown) else ""
    elif isinstance(paging, Newest | AnyOf):
        inside = [row for row in rows if row.reaches(reader.window)]
        more = len(inside) > paging.most
        step = max(1.0, len(inside) / paging.most) if isinstance(paging, AnyOf) else 1.0
        shown = [inside[-1 - int(number * step)] for number in range(min(len(inside), paging.most))]
    else:
        shown = rows
    signs = PageSigns(
        ids=[ids[id(row)] for row in shown],
        total=total,
        has_more=more,
        is_last=is_last,
        next=onward,
        at=[row.start for row in shown],
    )
    return shown, signs


def _concerned(question: Question, rows: list[Row]) -> tuple[list[Row], frozenset[str]]:
    """The rows that the question's lists of users or sessions name, and these users; all rows if it names none."""
    choices = {param.name for param in question.row.params if param.values}
    lists = [value for name, value in question.params.items() if isinstance(value, list) and name not in choices]
    named = {item for value in lists for item in _texts(value)}
    if not named:
        return rows, frozenset()
    concerned = [row for row in rows if row.user in named or row.name in named]
    return concerned, frozenset(row.user for row in rows if row.user in named)


def _texts(items: list[Any]) -> Iterator[str]:
    return (item for item in items if isinstance(item, str))
