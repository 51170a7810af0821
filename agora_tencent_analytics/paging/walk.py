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

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from agora_tencent_analytics.context import is_heard, tell
from agora_tencent_analytics.decoding.flaws import NO_FLAWS
from agora_tencent_analytics.endpoint import Endpoint, NextPage, PageNumber, Unpaged
from agora_tencent_analytics.errors import Refusal, WindowRefused, counted
from agora_tencent_analytics.http.client import Caller
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.notices import Drift, GoingAway, PageRead, WindowSplit
from agora_tencent_analytics.paging.certificate import UnreadableRow
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.decision import PageSigns, Reader, Step, unreadable_rows
from agora_tencent_analytics.paging.evidence import Evidence
from agora_tencent_analytics.paging.page import Page
from agora_tencent_analytics.paging.question import Question, Questions, points_in, reaches
from agora_tencent_analytics.paging.seen_ids import Beginnings, Digests, Seen
from agora_tencent_analytics.paging.truncated import moments
from agora_tencent_analytics.paging.windows import Windows
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Reply

MOST_REQUESTS = 100_000
"""The request ceiling of one window, halves included: ten million rows. No account is so large, but a vendor may go on
and on. A walk has as many windows as its range is long, and no ceiling unless the caller sets one."""
MOST_BARREN = 100
"""Requests for one window that may bring nothing new, and ten for each that did: reading a window again takes less."""
_BARREN_FOR_EACH = 10
_SLACK_S = 60
"""Seconds by which a vendor's clocks may differ: what begins later than that after the range was not asked for."""
_BEGUN = attrgetter("created_ts")
_ABOUT: Mapping[type, Callable[[Any], Any]] = {
    Call: attrgetter("channel", "created_ts"),
    Session: attrgetter("user_id", "join_ts"),
}
_LASTS: Mapping[type, Callable[[Any], tuple[int, int | None]]] = {
    Call: attrgetter("created_ts", "destroyed_ts"),
    Session: attrgetter("join_ts", "leave_ts"),
}


class Filter(msgspec.Struct):
    """What of a walk's items was asked for."""

    wanted: Callable[[Any], bool]
    needed: str
    """In words, if a walk that showed others, and none of it, is incomplete."""
    always: bool = False
    """True if it is incomplete also where it showed nothing at all."""
    least: int = 0
    """How many there are: a walk that showed fewer is incomplete."""


class Held(NamedTuple):
    """Items that are already known, and need no request."""

    items: Sequence[Any]
    over: TimeRange
    doubt: str = ""
    """What may be missing, in words."""


class Listing(msgspec.Struct):
    """What is listed, and how: the same for every walk."""

    caller: Caller
    """Asks single questions."""
    questions: Questions
    """Gives the questions, when told the time."""
    cursor: Cursor | None
    """Where to go on."""
    max_requests: int | None
    """The walk ends, incomplete, after so many pages; None: only a window has a ceiling."""
    max_wait: float | None
    """The longest wait for a quota slot, seconds; None waits as long as it takes."""
    held: Held | None
    """Items that are already known, which come first, as one page."""


class Walk:
    """The state of one walk. `next` changes it only after a page was decoded.

    Args:
        listing: what is listed, and how.
        filters: which items are given; the others are counted.
        whole_questions: True if a question that the cursor has left in the middle is to be asked again as a whole.
    """

    # What most walks never come to need stands in the class.
    _told = Receipt()  # the cost that pages have told
    _warned = False
    _beginnings: Beginnings | None = None
    last: tuple[TimeRange, int, Reply[Any], bytes]
    """Of the page that `next` gave last: window, number, answer and body."""
    _lost: Sequence[UnreadableRow] = ()
    _asked_again: tuple[TimeRange, int] | None = None

    def __init__(self, listing: Listing, filters: Sequence[Filter], *, whole_questions: bool) -> None:
        caller, cursor, held = listing.caller, listing.cursor, listing.held
        self._listing = listing
        self._filters = filters
        self._held = held if cursor is None else None  # a cursor lies behind them
        self._seen = Seen()
        before = (0, 0) if cursor is None else (cursor.found, cursor.strange)
        self.evidence: Evidence = Evidence(from_cursor=cursor is not None, before=before)
        self.windows: Windows = Windows(
            caller.identity,
            caller.quota.clock,
            listing.questions,
            cursor if held is None else None,
            whole_questions,
            self.evidence,
            self._seen,
        )
        """The window being read, and those that follow."""

    async def next(self) -> Sequence[Any] | None:
        """What the next page shows that was not seen before, or None at the end.

        After an error it may be called again, and goes on where it stood.

        Raises:
            NothingToAsk: no second of the range can be had now.
            BadInput: the cursor is of another question.
            AnalyticsError: what `Caller.ask` raises.
        """
        windows, evidence = self.windows, self.evidence
        if self._held is not None:
            return self._give_held(self._held)
        while not evidence.finished:
            taken_up = windows.take_up()
            if taken_up is None:
                self._finish("")
                break
            question, reader = taken_up
            if stopped := self._ceiling(reader.window):
                self._finish(stopped)
                break
            window, number = reader.window, reader.number
            try:
                reply, body = await self._listing.caller.ask(
                    question.row,
                    question.limits,
                    window,
                    question.params,
                    page=number,
                    size=reader.size,
                    token=reader.token,
                    max_wait=self._listing.max_wait,
                    spent=evidence.cost,
                )
            except Refusal as refused:
                if not self._gives_way(question, reader, refused):
                    raise
            else:
                # The clock that came with it may say that another window is due.
                if windows.begin_anew() or self._asks_again(question, reader, reply):
                    continue
                self.last = window, number, reply, body
                return self._take_in(question, reader)
        return None

    def _asks_again(self, question: Question, reader: Reader, reply: Reply[Any]) -> bool:
        """True if a page is to be asked for once more: by its rows it answers a question about another time."""
        if not self._is_of_another_time(question, reader, reply):
            return False
        place = reader.window, reader.number
        if self._asked_again != place:
            self._asked_again = place
            return True
        if not (reader.barren and question.row.model is Call):  # of a half: the whole window has shown them
            self.evidence.doubts[f"page {reader.number} of {reader.window} shows rows of another time"] = None
        return False

    def _is_of_another_time(self, question: Question, reader: Reader, reply: Reply[Any]) -> bool:
        """True if no session or point of a page lies in its window, or calls come again from windows that they were in.

        A call that no other window has shown was in this one, whatever its row says.
        """
        row, items, window = question.row, reply.items, reader.window
        if not (items and row.bounds.exact and row.bounds.end):
            return False
        if row.model is MetricSeries:
            return not any(map(_has_points, items)) and any(one.columns._astray for one in items)
        if row.model not in _LASTS or (_touches(window, items[0]) and _touches(window, items[-1])):
            return False
        if row.model is Session:
            return not any(map(partial(_touches, window), items))
        rows = Digests(reply.ids)
        return not reader.everything.known(rows) and self._seen.known(rows) == len(rows)

    def _ceiling(self, window: TimeRange) -> str:
        """Which ceiling of requests the walk has reached, in words; `""`: none."""
        asked, fruitful, most = self.evidence.asked, self.windows.fruitful, self._listing.max_requests
        if most is not None and asked >= most:
            return f"the walk's ceiling of {counted(most, 'request')} was reached"
        asked -= self.windows.asked_before
        if asked >= MOST_REQUESTS:
            return f"the ceiling of {MOST_REQUESTS} requests for one window was reached at {window}"
        if asked - fruitful >= MOST_BARREN + _BARREN_FOR_EACH * fruitful:
            spent = f"{asked - fruitful} of {counted(asked, 'request')} for one window"
            return f"{spent} brought nothing new, up to {window}"
        return ""

    def _give_held(self, held: Held) -> Sequence[Any]:
        self._held, self.last = None, (held.over, 0, Reply(items=held.items), b"")
        self.evidence.reach(held.over)
        if held.doubt:
            self.evidence.doubts[held.doubt] = None
        items = self._wanted(held.items)
        self.evidence.unique += len(items)
        return items

    def _inside(self, items: Sequence[Any], inside: Callable[[Any], bool]) -> Sequence[Any]:
        """Those of the items that the question is about; the others are counted."""
        kept = list(filter(inside, items))
        self.evidence.outside += len(items) - len(kept)
        return kept

    def _wanted(self, items: Sequence[Any]) -> Sequence[Any]:
        """Those of the items that were asked for; the others are counted."""
        for one in self._filters:
            before, items = len(items), list(filter(one.wanted, items))
            self.evidence.strange += before - len(items)
        return items

    def page(self, items: Sequence[Any]) -> Page[Any]:
        """The page whose items `next` gave last."""
        window, number, reply, body = self.last
        cost, self._told = self.evidence.cost.since(self._told), self.evidence.cost.copy()
        return Page(
            items=items,
            sessions=reply.sessions,
            request_id=reply.request_id,
            body=body,
            place=self.windows.here(),
            window=window,
            number=number,
            total=reply.total,
            has_more=reply.has_more,
            extra=reply.extra,
            lost=self._lost,
            cost=cost,
        )

    def _take_in(self, question: Question, reader: Reader) -> Sequence[Any]:
        window, number, reply, _ = self.last
        row, flaws, evidence = question.row, reply.flaws, self.evidence
        lost: list[UnreadableRow] = []
        at = [] if isinstance(row.paging, PageNumber | Unpaged) else moments(row, reply)
        rows = Digests(reply.ids)
        if flaws.rows:
            lost = unreadable_rows(flaws.rows, reply.ids, row.name, window, number)
            rows = Digests([*reply.ids, *(one.row_id for one in lost)])
        news = self._seen.update(rows)
        items, fresh = reply.items, sum(news)
        if row.key and fresh < len(news):
            self._doubt_namesakes(row.name, reply.ids, reply.items)
            if row.model is Call:
                self._doubt_beginnings(row.name, window, reply, news)
            items = [item for item, new in zip(items, news, strict=not lost) if new]
        if reply.sessions:
            self._doubt_namesakes(row.name, [one.session_id for one in reply.sessions], reply.sessions)
        self._lost = lost
        if flaws is not NO_FLAWS:
            unknown = news[len(reply.ids) :]
            # A row that says nothing is never news: it might be the same one over and over, and nothing would end.
            fresh -= sum(new and not one.says_something for one, new in zip(flaws.rows, unknown, strict=True))
            self._lost = [one for one, new in zip(lost, unknown, strict=True) if new]
            evidence.flawed(flaws, self._lost, window, number)
        duplicates = len(reply.items) - len(items)
        if question.wanted is not None:
            items = self._inside(items, question.wanted)
        if (part := question.part) is not None:
            items = self._inside(items, partial(reaches, over=part))
            if row.model is MetricSeries:
                items = [points_in(part, one) for one in items]
        elif row.model is Call and items and max(map(_BEGUN, items)) >= (end := question.over[-1].end + _SLACK_S):
            items = self._inside(items, lambda call: call.created_ts < end)
        items = self._wanted(items)
        evidence.requests += 1
        evidence.unique += len(items)
        evidence.duplicates += duplicates
        reader.duplicates += duplicates
        if question.trail is not None:
            question.trail.saw(reply, window)
        self.windows.fruitful += fresh > 0
        # A total can be held against rows that are counted, and against no others.
        total = reply.total if row.key or isinstance(row.paging, PageNumber | NextPage) else None
        signs = PageSigns(ids=rows, total=total, has_more=reply.has_more, is_last=reply.is_last, next=reply.next, at=at)
        step = reader.feed(signs, fresh=fresh)
        if row.key and row.model is Call and fresh and step.action == "page":
            self._beginnings = self._beginnings or Beginnings()
            self._beginnings.note(window, reply.ids, map(_BEGUN, reply.items))
        split = self.windows.go(question, reader, step)
        if step.drift or split or reply.warning or is_heard(self._listing.caller.hooks):
            self._tell(row, step, split=split, rows=len(reply.items) + len(lost), fresh=len(items))
        return items

    def _tell(self, row: Endpoint[Any], step: Step, *, split: bool, rows: int, fresh: int) -> None:
        (window, number, reply, _), hooks = self.last, self._listing.caller.hooks
        about: dict[str, Any] = {"vendor": row.vendor, "endpoint": row.name}
        if is_heard(hooks):
            signs: dict[str, Any] = {"rows": rows, "fresh": fresh, "total": reply.total, "has_more": reply.has_more}
            tell(hooks, PageRead(**about, over=window, number=number, **signs))
        if step.drift:
            tell(hooks, Drift(**about, over=window, reason=step.drift))
        if split:
            tell(hooks, WindowSplit(**about, over=window, reason=step.reason))
        if reply.warning and not self._warned:
            self._warned = True
            tell(hooks, GoingAway(**about, message=reply.warning))

    def _doubt_namesakes(self, name: str, ids: Sequence[str], items: Sequence[Any]) -> None:
        """Doubts ids that tell two calls, or two sessions, of one answer not apart: only the first of them is kept."""
        said: dict[str, Any] = {}
        for row_id, item in zip(ids, items, strict=False):
            about = _ABOUT[type(item)](item) if type(item) in _ABOUT else None
            if said.setdefault(row_id, about) != about:
                self._doubt_id(name, row_id)

    def _doubt_beginnings(self, name: str, window: TimeRange, reply: Reply[Any], news: Sequence[bool]) -> None:
        """Doubts the id of a call that another call had on an earlier page of the window."""
        earlier = self._beginnings
        for row_id, call, new in zip(reply.ids, reply.items, news, strict=False):
            if not new and earlier is not None and earlier.differs(window, row_id, call.created_ts):
                self._doubt_id(name, row_id)

    def _doubt_id(self, name: str, row_id: str) -> None:
        self.evidence.doubts[f"rows of {name} share the id {row_id!r} and are not about the same"] = None

    def _gives_way(self, question: Question, reader: Reader, refused: Refusal) -> bool:
        over, row = reader.window, question.row
        way = self.windows.give_way(question, reader, refused)
        if way == "split" and isinstance(refused, WindowRefused):
            why = f"the vendor finds it {refused.kind}"
            tell(self._listing.caller.hooks, WindowSplit(vendor=row.vendor, endpoint=row.name, over=over, reason=why))
        return bool(way)

    def _finish(self, stopped: str) -> None:
        self.evidence.finished = True
        self.evidence.stopped = stopped
        found, strange = self.evidence.came
        for one in self._filters:
            if found < one.least:
                said = f"{one.needed}: {counted(one.least, 'is', 'are')} counted, and {found} came"
                self.evidence.doubts[said] = None
            elif one.needed and (strange or one.always) and not found:
                came = f"{counted(strange, 'row')} came, but not {one.needed}"
                self.evidence.doubts[f"{came}; the vendor may spell it otherwise"] = None
        self._seen.close()


def _touches(window: TimeRange, item: Any) -> bool:
    """False if a call or session is outside the window by the word of its row; an end that cannot be says nothing."""
    begun, ended = _LASTS[type(item)](item)
    over_before = ended is not None and begun < ended < window.start - _SLACK_S
    return begun < window.end + _SLACK_S and not over_before


def _has_points(series: MetricSeries) -> bool:
    """True if a series has points of its window; they are decoded only if the ends of their text do not show it."""
    return series.columns._glance() is not None or len(series) > 0
