"""`KeptWork`: what one provider's part of a scan has to do, as its ledger remembers it.

The rules. A page of a listing is written down, its calls and the cursor after it, before anybody reads them; a
call is settled when its last record is acknowledged. So whatever is killed, every call is either not listed yet,
or pending, or settled. A listing is split where the vendor's data stops being settled: the older part is listed
once, and goes on from its cursor; the newer part is listed anew by every scan. A call is pending again if something
of it failed, if the vendor's lag still hid some of it, and if it was still running inside the range.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from agora_tencent_analytics.errors import AnalyticsError, LedgerUnusable
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.certificate import Clipped, UnreadableRow
from agora_tencent_analytics.paging.question import Over, resolve
from agora_tencent_analytics.quota.clock import KEPT_MARGIN_S, VendorClock
from agora_tencent_analytics.scan.ledger.rows import LaneState, Rows, State
from agora_tencent_analytics.scan.options import Since, first_of
from agora_tencent_analytics.scan.records import CallRecord
from agora_tencent_analytics.scan.work import PendingCall, PendingRange, Work
from agora_tencent_analytics.timerange import TimeRange, merge

SETTLED_S = 1_800
"""Data older than this before the vendor's now no longer changes: past every stated lag, and ten minutes for rows
that come late."""
_LOST = (
    "the ledger had lost its latest acknowledgements (its log, the file -wal next to it, was gone or damaged): calls "
    "that were dealt with come again, and say so"
)
_UNSEALED = (
    "the ledger does not bear the seal of a scan with these keys: somebody has changed it, the keys are others now, or "
    "an earlier version left it. All is listed again, and only the calls that it says were dealt with are left out"
)


class KeptWork(Work):
    """One lane of a ledger, opened for one scan.

    Args:
        rows: the lane, with its calls.
        over: the range asked for; it counts when the lane is new, or goes on.
        clock: the vendor's.
        history_s: how far back the vendor's data reaches, seconds.
    """

    kept = True

    def __init__(self, rows: Rows, over: Over | Since, clock: VendorClock, history_s: float) -> None:
        super().__init__(first_of(over), clock)
        self._rows = rows
        self._goes_on = isinstance(over, Since)
        self._look_back_s = over.look_back_s if isinstance(over, Since) else 0
        self._history_s = history_s
        self._unsound: set[str] = set()
        self._early: set[str] = set()
        self._before = rows.standing()
        self._goes_back_to, self._note = math.inf, ""
        self._ahead: list[str] = []
        with rows.transaction():
            if not rows.sound:
                if self._before is not None and self._goes_on:
                    self._goes_back_to = max(self._before.first, math.floor(self._resolved_at - history_s))
                self._before = None
                if rows.distrust():
                    self._note = _note_of([_UNSEALED])
            self._begin(self._resolved_at, clock.here())
        lost = [_LOST] if rows.new_losses(self._now) else []
        if lost:
            rows.doubt_pending()
        told, hidden = _read_note(self._standing.note)
        self.hidden: Sequence[Clipped] = hidden
        self.doubts: Sequence[str] = (*self._ahead, *lost, *told)
        self._lost_before = rows.lost_before
        self.already: int = rows.count((State.SETTLED, State.RUNNING))

    def _begin(self, now: float, here: float) -> None:
        """Takes up the lane where it stands, or begins it."""
        # What an answer says of the time does not outlive the process, except for a margin beyond this machine's clock.
        kept = min(now, here + KEPT_MARGIN_S)
        self._now = math.floor(kept)
        first = resolve(self._asked, kept)
        # A new lane has everything before it; another goes on to now, or has its range.
        start = math.floor(min(first.start, self._goes_back_to))
        known = self._not_ahead(self._before or LaneState(start, start, 0, self._note), first, here)
        goes_on = self._goes_on or bool(self._ahead)
        until = max(known.until, self._now) if goes_on else known.until if self._before else first.end
        news = [TimeRange(known.until, until)] if known.until < until else []
        left = self._rows.pending_ranges()
        anew = [(piece, number) for piece, number, cursor in left if cursor is None or piece.end > until]
        to_list = [TimeRange(piece.start, min(piece.end, until)) for piece, _ in anew if piece.start < until] + news
        if self._goes_on and (news or self._ahead):
            to_list.append(TimeRange(max(known.first, known.until - self._look_back_s), until))
        self._fresh = merge([piece for piece, _, _ in left] + news)
        self._standing = LaneState(known.first, until, known.run + 1, known.note)
        with self._rows.transaction():
            self._rows.stand(self._standing)
            for _, number in anew:
                self._rows.drop_range(number)
            for piece in merge(to_list):
                for part in _cut(piece, self._now - SETTLED_S):
                    self._rows.add_range(part)
            self._prune()
        # What lies beyond is listed by this scan, and by the next one again.
        self._beyond = TimeRange(until, math.floor(now)) if self._goes_on and until < math.floor(now) else None
        self.over: TimeRange = TimeRange(known.first, until if self._beyond is None else self._beyond.end)

    def _not_ahead(self, known: LaneState, first: TimeRange, here: float) -> LaneState:
        """How the lane stands; as if reading had ended now if it says that it ended later than now."""
        ahead_s = known.until - math.floor(here + KEPT_MARGIN_S)
        if isinstance(self._asked, TimeRange) or self._before is None or ahead_s <= 0:
            return known
        self._ahead = [
            f"the ledger says that reading has come {ahead_s:,} s further than this machine's clock: it is read as if "
            "it had come to now, and calls of before now may be missing"
        ]
        if known.first >= self._now:
            return known._replace(first=first.start, until=first.start)
        return known._replace(until=self._now)

    def _resolve_anew(self, now: float, here: float) -> bool:
        if self._before is not None:  # a lane that earlier scans have begun stays as it is
            return False
        with self._rows.transaction():
            self._rows.forget()
        self._begin(now, here)
        return True

    def _missed(self, now: float) -> tuple[TimeRange, ...]:
        if self._goes_on:
            return (TimeRange(self.over.end, math.floor(now)),) if math.floor(now) > self.over.end else ()
        return super()._missed(now) if self._before is None else ()

    def _prune(self) -> None:
        """Forgets settled calls that no listing can show any more."""
        oldest = self._now - self._history_s
        if self._goes_on:
            oldest = max(oldest, min((over.start for over, _, _ in self._rows.pending_ranges()), default=self._now))
        self._rows.prune(oldest - DAY)

    # -- what is left -------------------------------------------------------------------------------------------

    def pending_ranges(self) -> Sequence[PendingRange]:
        """See `Work.pending_ranges`."""
        settled = self._now - SETTLED_S
        kept = [
            PendingRange(over, number=number, cursor=cursor, settled=cursor is not None or over.end <= settled)
            for over, number, cursor in self._rows.pending_ranges()
        ]
        return kept if self._beyond is None else [*kept, PendingRange(self._beyond)]

    def pending(self) -> Iterator[PendingCall]:
        """See `Work.pending`."""
        states = (State.PENDING, State.AGAIN, State.EARLY, State.ONCE_MORE)
        for call, state in self._rows.left(states, up_to=self._standing.run - 1):
            yield PendingCall(call, again=state is not State.PENDING, sound=state in (State.EARLY, State.ONCE_MORE))

    def vanished(self) -> Iterator[PendingCall]:
        """See `Work.vanished`."""
        run = self._standing.run
        self._rows.change(State.RUNNING, State.ONCE_MORE, run=run)
        for call, _ in self._rows.left((State.ONCE_MORE,), since=run, up_to=run):
            yield PendingCall(call, again=True, sound=True)

    def known(self, call_ids: Iterable[str]) -> dict[str, bool]:
        """See `Work.known`."""
        return {call_id: state is State.RUNNING for call_id, (state, _) in self._rows.states(call_ids).items()}

    def gaps(self, clipped: Iterable[Clipped]) -> tuple[Clipped, ...]:
        """See `Work.gaps`: what was only looked back at is not a gap. What is too recent no scan has read yet."""
        found: list[Clipped] = []
        for piece in clipped:
            fresh = [piece.over.overlap(one) for one in self._fresh] if piece.reason == "history" else [piece.over]
            found += [msgspec.structs.replace(piece, over=over) for over in fresh if over is not None]
        return tuple(found)

    # -- what is done -------------------------------------------------------------------------------------------

    def page(self, span: PendingRange, calls: Sequence[Call], cursor: str) -> Sequence[PendingCall]:
        """See `Work.page`."""
        pending = []
        with self._rows.transaction():
            known = self._rows.states([call.call_id for call in calls])
            for call in calls:
                state, run = known.get(call.call_id, (None, 0))
                if state is None:
                    again = call.created_ts < self._lost_before
                    self._put(call, State.AGAIN if again else State.PENDING)
                    pending.append(PendingCall(call, again=again))
                elif state is State.RUNNING and run < self._standing.run:
                    self._put(call, State.AGAIN)
                    pending.append(PendingCall(call, again=True, sound=True))
                known[call.call_id] = State.PENDING, self._standing.run  # a page may show it twice
            if span.settled:
                self._rows.set_cursor(span.number, cursor)
        return pending

    def untold(self) -> Iterator[UnreadableRow]:
        """See `Work.untold`."""
        return self._rows.lost_rows(up_to=self._standing.run - 1)

    def lost(self, rows: Sequence[UnreadableRow]) -> Sequence[UnreadableRow]:
        """See `Work.lost`: each is told by the scan that finds it, and again only if that did not come to its end."""
        known = self._rows.states([row.row_id for row in rows])
        news = [row for row in rows if row.row_id not in known]
        with self._rows.transaction():
            for row in news:
                self._rows.put_lost(row, run=self._standing.run)
        return news

    def told(self, errors: Iterable[AnalyticsError]) -> None:
        """See `Work.told`."""
        with self._rows.transaction():
            for error in errors:
                if isinstance(error, UnreadableRow):
                    if self._rows.state(error.row_id) is None:  # of a call: what listings lose was written down
                        self._rows.put_lost(error, run=self._standing.run)
                    self._rows.tell(error.row_id)

    def was_told(self, row: UnreadableRow) -> bool:
        """See `Work.was_told`."""
        return self._rows.state(row.row_id) is State.TOLD

    def give_up(self, span: PendingRange, window: TimeRange, cursor: str | None) -> None:
        """See `Work.give_up`: the next scan tries it again."""
        if self._beyond is not None and window.overlap(self._beyond):
            return  # it lists that in any case
        self._rows.add_range(window, cursor if span.settled else None)

    def listed(self, span: PendingRange, clipped: Iterable[Clipped]) -> None:
        """See `Work.listed`. What was hidden or may still change is listed again by the next scan."""
        if not span.settled:
            return
        hidden = [piece.over.start for piece in clipped if piece.reason != "history"]
        with self._rows.transaction():
            self._rows.drop_range(span.number)
            if hidden and min(hidden) < span.over.end:
                self._rows.add_range(TimeRange(max(span.over.start, min(hidden)), span.over.end))

    def lacks(self, call: Call, *, failed: bool, early: bool) -> None:
        """See `Work.lacks`: it will be read again by the next scan."""
        self._unsound |= {call.call_id} if failed else set()
        self._early |= {call.call_id} if early else set()

    def acknowledge(self, record: CallRecord) -> None:
        """See `Work.acknowledge`. A call with only some of its parts dealt with comes again, whole, and says so."""
        if record.last:
            self._put(record.call, self._outcome(record.call))
        elif self._rows.state(record.call.call_id) in (None, State.PENDING):
            self._put(record.call, State.AGAIN)

    def _outcome(self, call: Call) -> State:
        # Both stay as they are: a record may be acknowledged twice, by hand and by asking for the next.
        early = call.call_id in self._early
        if call.call_id in self._unsound:
            return State.AGAIN
        if self._rows.state(call.call_id) in (State.ONCE_MORE, State.SETTLED):
            return State.SETTLED
        if call.finished:
            return State.EARLY if early else State.SETTLED
        # A range of the past may be read to its end while a call goes on beyond it.
        return State.RUNNING if self._goes_on or early or self.over.end > self._now else State.SETTLED

    def remember(self, doubts: Sequence[str], hidden: Iterable[Clipped]) -> None:
        """See `Work.remember`."""
        self._keep(_note_of(doubts, hidden))

    def finish(self) -> None:
        """See `Work.finish`: a job that goes on has told everything, and begins a new report next time."""
        self._rows.change(State.LOST, State.TOLD, run=self._standing.run + 1)
        if self._goes_on:
            self._keep("")

    def _keep(self, note: str) -> None:
        if note != self._standing.note:
            self._standing = self._standing._replace(note=note)
            self._rows.stand(self._standing)

    def _put(self, call: Call, state: State) -> None:
        ended = self._now if call.destroyed_ts is None else max(call.created_ts, call.destroyed_ts)
        self._rows.put(call, state, run=self._standing.run, ended=ended)


def _cut(piece: TimeRange, at: int) -> Iterable[TimeRange]:
    """The piece in two, before and after an instant; in one if a part would not be worth a request of its own."""
    if piece.start + SETTLED_S <= at < piece.end:
        return TimeRange(piece.start, at), TimeRange(at, piece.end)
    return (piece,)


def _note_of(doubts: Sequence[str], hidden: Iterable[Clipped] = ()) -> str:
    """What a scan leaves for the report of the next: doubts, and what the vendor had forgotten."""
    gaps = [(piece.endpoint, piece.over.start, piece.over.end) for piece in hidden if piece.reason == "history"]
    return msgspec.json.encode((doubts, gaps)).decode()


def _read_note(note: str) -> tuple[list[str], list[Clipped]]:
    if not note:
        return [], []
    try:
        doubts, gaps = msgspec.json.decode(note, type=tuple[list[str], list[tuple[str, int, int]]])
        pieces = [Clipped(over=TimeRange(*over), reason="history", endpoint=endpoint) for endpoint, *over in gaps]
    except (msgspec.MsgspecError, ValueError):
        raise LedgerUnusable("the note that the ledger holds cannot be one: name another file") from None
    return doubts, pieces
