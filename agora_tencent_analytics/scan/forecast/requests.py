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
from collections.abc import Iterable, Sequence

import attrs

from agora_tencent_analytics.endpoint import NextPage
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.clip import clip
from agora_tencent_analytics.paging.decision import PageSigns, Reader
from agora_tencent_analytics.paging.numbered import WindowReader
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.paging.truncated import AnyOfReader, NewestReader
from agora_tencent_analytics.paging.windows import RECENT_S, reader_of
from agora_tencent_analytics.timerange import TimeRange

Bill = Counter[str]
"""Requests by the name of the vendor's row. As an expectation they may be fractions."""

_TOO_MANY = 100_000
"""Pages of one window beyond which nobody counts."""
_SPREAD = int.from_bytes(bytes.fromhex("9e3779b97f4a7c15f39cc0605cedc835"))
"""Odd, so that no two places become one id; all the bits differ, as in digests: what was seen is found by them."""


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
    asked = list[tuple[Question, TimeRange, list[Row]]]()
    for question in questions:
        named = _named(question)
        concerned = [row for row in known if not named or row.user in named or row.name in named]
        for window in windows(question, now):
            asked.append((question, window, [row for row in concerned if row.reaches(window)]))
    cost: Bill = Counter()
    for (question, *_), requests in zip(asked, pages(asked, now), strict=True):
        cost[question.row.name] += requests
    return cost


def evenly(window: TimeRange, count: int) -> list[Row]:
    """So many rows of a second each, evenly spread over a window."""
    begun = (window.start + window.seconds * number // count for number in range(count))
    return [Row(start, start + 1) for start in begun]


def pages(asked: Iterable[tuple[Question, TimeRange, Sequence[Row]]], now: float) -> list[int]:
    """Requests of one walk for each of its windows.

    Args:
        asked: each window, with the question that it is of, and the rows in it, oldest first.
        now: vendor epoch seconds.
    """
    longest, found = 0, list[int]()
    for question, window, rows in asked:
        recent = window.end > now - question.limits.lag_s - RECENT_S
        reader = reader_of(question.row.paging, window, size=question.size, recent=recent, barren=0, longest=longest)
        # An answer with series says of itself that it is the last, once it has shown every user that was named.
        named = _named(question) if question.row.model is MetricSeries else set[str]()
        first, fresh = reader.number, set(range(len(rows)))
        requests, ended = 0, False
        while not ended and requests < _TOO_MANY:
            requests += 1
            shown, signs = _page(question, reader, rows, first, named)
            longest = max(longest, len(shown))
            ended = reader.feed(signs, fresh=len(fresh.intersection(shown))).action in ("done", "split")
            fresh.difference_update(shown)
        found.append(requests)
    return found


def _page(
    question: Question, reader: Reader, rows: Sequence[Row], first: int, named: set[str]
) -> tuple[Sequence[int], PageSigns]:
    """What an honest vendor shows of these rows when the reader asks next: their places, and the signs.

    Args:
        question: what is asked.
        reader: who asks.
        rows: what is in the window, oldest first.
        first: number of the first page.
        named: the users that prove an answer to be the last.
    """
    paging, is_last = question.row.paging, False
    shown: Sequence[int] = range(len(rows))
    if isinstance(reader, NewestReader | AnyOfReader):
        inside = [place for place in shown if rows[place].reaches(reader.window)]
        most = reader.paging.most
        step = max(1.0, len(inside) / most) if isinstance(reader, AnyOfReader) else 1.0
        shown = [inside[-1 - int(number * step)] for number in range(min(len(inside), most))]
        rest = len(inside) - most
    else:
        size = reader.size or len(rows)
        end = (reader.number - first + 1) * size
        shown, rest = shown[end - size : end], len(rows) - end
        proven = bool(named) and named.issubset(rows[place].user for place in shown)
        is_last = proven and isinstance(reader, WindowReader)
    total: int | None = None
    if paging.total == "listing":
        total = len(rows)
    elif paging.total == "page":
        total = len(shown)
    elif paging.total == "hint":
        total = len({row.user or row.name for row in rows})
    onward = rest > 0 or (isinstance(paging, NextPage) and paging.last and bool(shown))
    signs = PageSigns(
        ids=[(place * _SPREAD % (1 << 128)).to_bytes(16) for place in shown],
        total=total,
        has_more=rest > 0 if paging.total == "listing" else None,
        is_last=is_last,
        next=str(reader.number) if onward else "",
        at=[rows[place].start for place in shown],
    )
    return shown, signs


def _named(question: Question) -> set[str]:
    """The users or sessions that the question's lists name; none if it asks about all."""
    lists = (param.name for param in question.row.params if param.kind == "list" and not param.values)
    return {item for name in lists for item in question.params.get(name) or ()}
