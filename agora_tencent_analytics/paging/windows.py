"""`Windows`: which window a walk reads now, and which comes next.

Holds the questions of a walk, the windows still to be read and the reader of the present one. It cuts ranges to what
the vendor can answer, follows what a reader decides, gives way to refusals, and knows where a cursor stands. It
sends nothing, and never sees a record: that is `walk.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import msgspec

from agora_tencent_analytics.endpoint import AnyOf, Newest, NextPage, PageNumber, Paging, Unpaged
from agora_tencent_analytics.errors import BadInput, Refusal, WindowRefused
from agora_tencent_analytics.paging.certificate import Clipped
from agora_tencent_analytics.paging.clip import CLOCKS_DIFFER_S, askable, clip, cover, give_way, hidden, newest, whole
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.decision import Reader, Step
from agora_tencent_analytics.paging.evidence import Evidence
from agora_tencent_analytics.paging.next_page import NextReader
from agora_tencent_analytics.paging.numbered import UnpagedReader, WindowReader
from agora_tencent_analytics.paging.question import Question, Questions
from agora_tencent_analytics.paging.seen_ids import Seen
from agora_tencent_analytics.paging.truncated import AnyOfReader, NewestReader
from agora_tencent_analytics.timerange import TimeRange

RECENT_S = 600
"""A window that ends in the vendor's last ten minutes may still receive rows."""
_MOST_ADJUSTMENTS = 6
_NOWHERE = Reader(window=TimeRange(0, 1), size=0)
"""What a cursor between two windows has in the place of a reader."""


class Times(Protocol):
    """Tells the time; see `VendorClock`."""

    def now(self) -> float:
        """Epoch seconds on the vendor's clock."""
        ...

    def here(self) -> float:
        """Epoch seconds on this machine's clock."""
        ...

    @property
    def lead(self) -> float:
        """How far the vendor's clock is ahead of one that nobody sets, seconds."""
        ...

    @property
    def claimed(self) -> float:
        """How much greater that would be if a header were right that nothing has borne out or denied yet, seconds."""
        ...


class Windows(msgspec.Struct, eq=False):
    """The windows of one walk. The state changes when a page is decoded, or a window refused or given up.

    Args:
        identity: whose questions they are; a cursor of another app or account is refused.
        clock: the vendor's.
        questions: gives the questions, when told the time.
        cursor: where to go on.
        whole_questions: True if a question that the cursor has left in the middle is to be asked again as a whole.
        evidence: is told what ended, and what could not be asked.
        seen: the rows that were yielded.
    """

    _identity: str
    _clock: Times
    _source: Questions
    _resume: Cursor | None
    _whole_questions: bool
    _evidence: Evidence
    _seen: Seen
    asked_before: int = 0
    """Requests before the present window was begun, its halves and pieces counted as one with it."""
    fruitful: int = 0
    """Requests about the present window that brought something new."""
    reader: Reader | None = None
    """Reads the present window."""
    _refusals: int = 0
    """How often the vendor refused it."""
    _questions: Iterator[tuple[int, Question]] | None = None
    _question: Question | None = None
    _index: int = 0
    _stack: list[tuple[TimeRange, int]] = []
    """Windows that follow, the next one last, each with its barren levels."""
    _pieces: list[tuple[TimeRange, int]] = []
    """What is left of the present one, in the same way: its halves, and what its reader meant to read."""
    _longest: int = 0
    _reached: int = 0
    """First second that the present question has not asked for."""
    _followed: bool = False
    """True once its trail, if it has one, led no further."""
    _asked_at: float = 0.0
    """The vendor's now when the questions were made."""
    _asked_lead: float = 0.0
    """The vendor's lead that it rested on."""
    _hidden: list[tuple[Clipped, float]] | None = []
    """What of the question could not be asked for, by which clock; None once that was looked at again."""
    _begun_anew: bool = False

    @property
    def between_questions(self) -> bool:
        """True if nothing of the present question is left to be read."""
        return self.reader is None and not self._stack and not self._pieces

    def take_up(self) -> tuple[Question, Reader] | None:
        """The question whose next window is to be read, and the reader of that; None when there is none left.

        Raises:
            NothingToAsk: no second of the range can be had now.
            BadInput: the cursor is of another question.
        """
        while True:
            question = self._question
            if question is not None and self.reader is not None:
                return question, self.reader
            if question is not None and self._pieces:
                self._begin(question, *self._pieces.pop())
            elif question is not None and (self._stack or self._led_on(question)):
                self.asked_before, self.fruitful = self._evidence.asked, 0
                self._begin(question, *self._stack.pop())
            elif not self._next_question():
                if self._evidence.only_clipped and self._resume is None:
                    raise self._evidence.nothing_to_ask()
                return None

    def _begin(self, question: Question, window: TimeRange, barren: int) -> None:
        limits, now = question.limits, self._clock.now()
        if question.row.bounds.start and not askable(window, limits, now=now):
            # Time went by since the range was clipped, or the vendor's clock is known better than then.
            if (inside := self._clip(question, window, now)) is None:
                return
            window = inside
        recent = window.end > now - limits.lag_s - RECENT_S
        paging, size = question.row.paging, question.size
        self.reader = reader_of(paging, window, size=size, recent=recent, barren=barren, longest=self._longest)
        self.reader.ranged = bool(question.row.bounds.start)
        self._refusals = 0
        if not barren and not question.row.key:
            self._seen.close()  # rows that are not identified come again in every window; what counts is within it

    def _clip(self, question: Question, over: TimeRange, now: float) -> TimeRange | None:
        limits, row = question.limits, question.row
        if whole(over, limits, now=now, bounds=row.bounds):
            return over
        here = self._clock.here()
        cut = clip(over, limits, now=now, here=here, endpoint=row.name, bounds=row.bounds)
        if not row.bounds.start:  # the vendor is not told the range, and shows what it has
            self._evidence.clip(piece for piece in cut.clipped if piece.reason == "history")
            return over
        if cut.clipped:
            self._evidence.clip(cut.clipped, here + cut.shown_in(limits, now, row.bounds))
            if self._hidden is not None:
                self._hidden += [(piece, self._clock.lead) for piece in cut.clipped if piece.reason != "history"]
        return cut.inside

    def _next_question(self) -> bool:
        now = self._clock.now()
        if self._questions is None:
            self._asked_at, self._asked_lead = now, self._clock.lead
            questions = enumerate(self._source(now, self._latest(now)))
            if self._resume is not None:
                self._go_on_from(self._resume, questions, now)
                self._questions = questions
                return True
            self._questions = questions
        if self._hidden and self._ask_what_was_hidden():
            return True
        index, question = next(self._questions, (0, None))
        if question is None:
            self._note_what_moved_away()
            return False
        self._ask(index, question, now)
        return True

    def _take(self, index: int, question: Question) -> None:
        self._index, self._question, self._evidence.endpoint = index, question, question.row.name
        self._followed = question.trail is None

    def _ask(self, index: int, question: Question, now: float) -> None:
        self._take(index, question)
        self._hidden = []
        pieces: list[TimeRange] = []
        for over in question.over:
            pieces += self._inside(question, over, now)
        trail = question.trail
        fill_to = min(trail.fill_to, newest(question.limits, now)) if trail is not None and trail.fill_to else 0
        windows = question.windows(pieces, fill_to=fill_to)
        self._stack = [(window, 0) for window in windows[::-1]]
        if trail is not None:
            self._reached = max([piece.end for piece in (*question.over, *windows)])

    def _inside(self, question: Question, over: TimeRange, now: float) -> list[TimeRange]:
        """Notes that this range is asked for; what of it can be: one range, or none."""
        self._evidence.reach(over)
        inside = self._clip(question, over, now)
        return [] if inside is None else [inside]

    def _led_on(self, question: Question) -> bool:
        """True if the answers show that more is to be asked: of it, the next window is put on the stack."""
        trail, stack = question.trail, self._stack
        if self._followed or trail is None:
            return False
        while not stack and (piece := trail.onward(self._reached)) is not None:
            window = cover([piece], question.limits, bounds=question.row.bounds)[0]
            self._reached = max(self._reached, window.end)
            stack += [(inside, 0) for inside in self._inside(question, window, self._clock.now())]
        if trail.doubt:
            self._evidence.doubts[trail.doubt] = None
        self._followed = not stack
        return bool(stack)

    # -- a clock that turns out to be another ----------------------------------------------------------------------

    def begin_anew(self) -> bool:
        """Makes the questions anew if the vendor's clock turns out to be another: once, and before a page is read."""
        moved_s = self._clock.lead - self._asked_lead
        may = self._resume is None and not self._begun_anew and not self._evidence.requests
        if not may or abs(moved_s) <= CLOCKS_DIFFER_S:
            return False
        self._begun_anew = True
        self._questions = self._question = self.reader = None
        self._stack, self._pieces = [], []
        self._evidence.begin_anew()
        return True

    def _ask_what_was_hidden(self) -> bool:
        """Asks for what could not be asked for, if the vendor's clock turns out to be another since; once."""
        question, hidden, self._hidden = self._question, self._hidden, None
        if hidden is None or question is None:
            return False
        limits, row, pieces = question.limits, question.row, list[TimeRange]()
        now, claim = self._clock.now(), self._clock.lead + self._clock.claimed
        here = self._latest(now)
        for piece, lead in hidden:
            if abs(claim - lead) > CLOCKS_DIFFER_S:
                cut = clip(piece.over, limits, now=now, here=here, endpoint=row.name, bounds=row.bounds)
                self._evidence.clipped.pop(piece, None)
                self._evidence.clip(cut.clipped)
                pieces += [cut.inside] if cut.inside else []
        self._stack = [(window, 0) for window in question.windows(pieces)[::-1]]
        return bool(self._stack)

    def _latest(self, now: float) -> float:
        """What the time is at most, by either clock or by the word of answers that nothing else has borne out."""
        clock = self._clock
        return max(now, clock.here(), now + clock.claimed)

    def _note_what_moved_away(self) -> None:
        """What the questions would have been about as well, had the vendor's clock been known when they were made."""
        moved_s = self._clock.lead + self._clock.claimed - self._asked_lead
        if self._resume is not None or abs(moved_s) <= CLOCKS_DIFFER_S:
            return
        then, now = self._asked_at, self._asked_at + moved_s
        asked = {question.mark(self._identity): question.over for question in self._source(then, then)}
        for question in self._source(now, now):
            missed = list(question.over)
            for over in asked.get(question.mark(self._identity), ()):
                missed = [rest for piece in missed for rest in piece.minus(over)]
            for piece in missed:
                if piece.seconds > question.limits.lag_s + CLOCKS_DIFFER_S:
                    self._evidence.clip([Clipped(over=piece, reason="clock", endpoint=question.row.name)])

    # -- cursors ------------------------------------------------------------------------------------------------

    def here(self, *, alone: bool = False) -> Cursor:
        """Where the walk stands; `alone`: with nothing to come after the window being read."""
        question, evidence, at = self._question, self._evidence, self.reader or _NOWHERE
        found, strange = evidence.came
        return Cursor(
            question=self._index,
            mark=question.mark(self._identity) if question is not None else "",
            over=evidence.over,
            stack=() if alone else (*self._stack, *self._pieces),
            window=at.window if self.reader else None,
            number=at.number,
            size=at.size,
            total=at.total,
            shown=at.shown,
            barren=at.barren,
            longest=self._longest,
            ahead=at.ahead,
            token=at.token,
            reached=self._reached,
            drift=at.drift,
            found=found,
            strange=strange,
            trail=question.trail.memory() if question is not None and question.trail is not None else "",
        )

    def _go_on_from(self, cursor: Cursor, questions: Iterator[tuple[int, Question]], now: float) -> None:
        question = next((question for index, question in questions if index == cursor.question), None)
        if question is None:
            raise BadInput("this cursor lies beyond the end of the question; hand it back with the same arguments")
        if cursor.mark != question.mark(self._identity):
            raise BadInput("this cursor belongs to another question; hand it back with the same arguments")
        self._evidence.over, self._longest = cursor.over, cursor.longest
        trail = question.trail
        forgot = trail is not None and not cursor.trail  # cursors of earlier releases did
        if cursor.inside and (forgot or self._whole_questions):
            self._ask(cursor.question, question, now)
            return
        self._take(cursor.question, question)
        self._followed = False
        self._stack = list(cursor.stack)
        ahead = [window for window, _ in cursor.stack] + ([cursor.window] if cursor.window else [])
        self._reached = max(cursor.reached, *(piece.end for piece in (*question.over, *ahead)))
        if trail is not None and not forgot:
            try:
                trail.recall(cursor.trail)
            except msgspec.MsgspecError:
                raise BadInput("this is not a cursor of this library (answers cannot have shown that)") from None
        if cursor.window is not None:
            self._go_on_in(question, cursor.window, cursor)

    def _go_on_in(self, question: Question, window: TimeRange, cursor: Cursor) -> None:
        ahead = cursor.ahead
        if ahead is not None and not askable(window, question.limits, now=self._clock.now()):
            self._pieces.append((TimeRange(window.start, ahead.end), cursor.barren))
            return
        self._begin(question, window, cursor.barren)
        # A window that had to be cut is another listing, and is read from its first page.
        if self.reader is not None and self.reader.window == window:
            self.reader.resume(cursor)
            self._seen.update([row for row, _ in ahead.known] if ahead is not None else ())

    # -- what a page or a refusal changes -------------------------------------------------------------------------

    def go(self, question: Question, reader: Reader, step: Step) -> bool:
        """Follows a reader's decision; True if the window was split."""
        self._longest = reader.longest
        self._followed = question.trail is None
        if step.action == "page":
            return False
        window, ranged, split, why = reader.window, bool(question.row.bounds.start), False, step.reason
        if step.action == "narrow":
            if step.over is not None:
                self._evidence.close(step.over, reader, complete=step.complete, reason=why)
                reader.begin_piece()
            self._refusals = 0
            if askable(window, question.limits, now=self._clock.now()):
                return False
            self._pieces.append((reader.rest, reader.barren))
        elif step.action == "split" and ranged and (halves := window.halves()) is not None:
            split, barren = True, reader.barren + 1  # reset to 0 by the first new row of the half
            self._pieces += [(halves[1], barren), (halves[0], barren)]
        else:
            if step.action == "split":
                whole = "a single second" if ranged else "a listing without a time range"
                why = f"{why}, and {whole} cannot be split"
            self._evidence.close(step.over or window, reader, complete=step.complete, reason=why)
        self.reader = None
        if self.between_questions:
            self._led_on(question)
        return split

    def skip(self, reason: str) -> TimeRange | None:
        """Gives up the window being read and returns it."""
        reader, self.reader = self.reader, None
        if reader is None:
            return None
        self._evidence.close(reader.window, reader, complete=False, reason=reason)
        self._pieces += _left_over(reader)
        return reader.window

    def give_way(self, question: Question, reader: Reader, refused: Refusal) -> str:
        """Asks anew, cuts the window or splits it because of a refusal; says which, `""` if nothing can help."""
        if isinstance(refused, WindowRefused):
            return "anew" if self.begin_anew() else self._cut_or_split(question, reader, refused)
        step = reader.refused(refused.code)
        if step is None:
            return ""
        self._evidence.refused += 1
        self.go(question, reader, step)
        return "anew"

    def _cut_or_split(self, question: Question, reader: Reader, refused: WindowRefused) -> str:
        window, bounds = reader.window, question.row.bounds
        times = self._refusals = self._refusals + 1
        if times > _MOST_ADJUSTMENTS or not bounds.start:
            return ""
        if refused.kind in ("too_long", "too_much"):
            halves = window.halves()
            if halves is None:
                return ""
            self._evidence.refused += 1
            self._pieces += [*_left_over(reader), (halves[1], reader.barren), (halves[0], reader.barren)]
            self.reader = None
            return "split"
        if refused.kind not in ("too_recent", "too_old"):
            return ""
        self._evidence.refused += 1
        now, recent = self._clock.now(), refused.kind == "too_recent"
        left = give_way(window, question.limits, now=now, times=times, recent=recent, bounds=bounds)
        here, name = self._clock.here(), question.row.name
        for piece in window.minus(left) if left else (window,):
            if recent:
                self._evidence.clip(hidden(piece, question.limits, now=now, here=here, endpoint=name))
            else:
                self._evidence.clip((Clipped(over=piece, reason="history", endpoint=name),))
        self._pieces += _left_over(reader)
        self.reader = None
        if left is not None:
            # Another window is another listing: it is read from its first page.
            self._begin(question, left, reader.barren)
            self._refusals = times
        return "cut"


def _left_over(reader: Reader) -> list[tuple[TimeRange, int]]:
    """What a reader meant to read after the window that it asks for."""
    return [(piece, reader.barren) for piece in reader.rest.minus(reader.window)]


_READERS: Mapping[type[Paging], Callable[..., Reader]] = {
    PageNumber: WindowReader,
    NextPage: NextReader,
    Unpaged: UnpagedReader,
    Newest: NewestReader,
    AnyOf: AnyOfReader,
}


def reader_of(paging: Paging, window: TimeRange, *, size: int, recent: bool, barren: int, longest: int = 0) -> Reader:
    """The reader of a window, by how its answer is cut into pages, or is not."""
    make = _READERS[type(paging)]
    return make(paging=paging, window=window, size=size, recent=recent, barren=barren, longest=longest)
