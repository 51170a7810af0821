"""`Work`: what one provider's part of a scan still has to list and to read.

Here it is that of a scan without a ledger: everything, from the beginning, or calls that were listed already. That of a
ledger is in `scan/ledger/work.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import attrs
import msgspec

from agora_tencent_analytics.errors import AnalyticsError
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.certificate import Clipped, UnreadableRow
from agora_tencent_analytics.paging.question import Over, resolve
from agora_tencent_analytics.scan.records import CallRecord
from agora_tencent_analytics.timerange import TimeRange


class PendingCall(msgspec.Struct, frozen=True):
    """A call that is to be read."""

    call: Call
    again: bool = False
    """True if a record of it was acknowledged before, and this one replaces it."""
    sound: bool = False
    """True if that record held all that the vendor had shown by then."""


class PendingRange(msgspec.Struct, frozen=True):
    """A piece of the range whose calls are to be listed."""

    over: TimeRange
    number: int = 0
    """What the ledger knows it by."""
    cursor: str | None = None
    """Where its listing goes on; None at its beginning."""
    settled: bool = False
    """True if it is too old to receive rows any more: its cursors stay good, and it is listed once."""


class Work:
    """Everything, from the beginning.

    Args:
        asked: the range asked for.
        now: the vendor's now, epoch seconds.
    """

    kept = False
    """True if what is acknowledged outlives the scan."""
    already = 0
    """Calls that earlier scans on the same ledger have settled."""
    note = ""
    """The note that an earlier scan left."""
    doubts: Sequence[str] = ()
    """What speaks against completeness before anything is read, in words."""

    def __init__(self, asked: Over, now: float) -> None:
        self._asked = asked
        self.over: TimeRange = resolve(asked, now)
        """The range, in vendor time."""

    @property
    def within(self) -> TimeRange | None:
        """The part of each call that is read; None: all of it."""
        return self.over

    def as_listed(self, call: Call) -> Call:
        """The call without an end before the range, or a beginning after it: the vendor has listed it there."""
        if call.destroyed_ts is not None and call.destroyed_ts < self.over.start:
            return attrs.evolve(call, destroyed_ts=None)
        return attrs.evolve(call, created_ts=0) if call.created_ts >= self.over.end else call

    def begin_anew(self, now: float, here: float) -> bool:
        """Resolves the range again, before any of it was read; False if that changes nothing.

        Args:
            now: the vendor's now as it is known since the last time, epoch seconds.
            here: epoch seconds on this machine's clock.
        """
        before, self.over = self.over, resolve(self._asked, now)
        return self.over != before

    def missed(self, now: float) -> tuple[TimeRange, ...]:
        """What would be in the range as well if the vendor's now had been this when the range was resolved."""
        return resolve(self._asked, now).minus(self.over)

    def pending_ranges(self) -> Sequence[PendingRange]:
        """The ranges to be listed, oldest first."""
        return (PendingRange(self.over),)

    def pending(self) -> Iterator[PendingCall]:
        """Calls that were listed by an earlier scan and are still to be read."""
        return iter(())

    def vanished(self) -> Iterator[PendingCall]:
        """Calls that ran when they were read and that no listing shows any more; asked when everything is listed."""
        return iter(())

    def known(self, call_ids: Iterable[str]) -> set[str]:
        """Those of the calls that an earlier scan has listed."""
        return set()

    def running(self, call_ids: Iterable[str]) -> set[str]:
        """Those of the calls that still ran when an earlier scan read them."""
        return set()

    def page(self, span: PendingRange, calls: Iterable[Call], cursor: str) -> Sequence[PendingCall]:
        """Takes in a page of a listing; those of its calls that are to be read."""
        return [PendingCall(call) for call in calls]

    def untold(self) -> Iterable[UnreadableRow]:
        """Rows of a listing that could not be read by an earlier scan, which did not come to its report."""
        return ()

    def lost(self, rows: Sequence[UnreadableRow]) -> Sequence[UnreadableRow]:
        """Takes in rows of a listing that cannot be read; those of them that no scan has told yet."""
        return rows

    def told(self, errors: Iterable[AnalyticsError]) -> None:
        """The consumer was told of these failures before everything was read."""

    def was_told(self, row: UnreadableRow) -> bool:
        """True if an earlier scan ended with the consumer being told of this row: it need not end another."""
        return False

    def rewind(self, span: PendingRange) -> PendingRange:
        """The same span without its cursor, which turned out to be unusable."""
        return msgspec.structs.replace(span, cursor=None)

    def give_up(self, span: PendingRange, window: TimeRange, cursor: str | None) -> None:
        """A window of a listing could not be read."""

    def listed(self, span: PendingRange, clipped: Iterable[Clipped]) -> None:
        """The listing of a span came to its end."""

    def gaps(self, clipped: Iterable[Clipped]) -> tuple[Clipped, ...]:
        """Of what could not be listed, what an earlier scan has not read either."""
        return tuple(clipped)

    def lacks(self, call: Call, *, failed: bool, early: bool) -> None:
        """What a reading of a call did not have, now at its end.

        Args:
            call: the call; its last record is about to be handed over.
            failed: something of it could not be read.
            early: the vendor's lag still hides some of it.
        """

    def settle(self, call: Call) -> None:
        """A call is read and has nothing to be handed over."""

    def acknowledge(self, record: CallRecord) -> None:
        """The consumer has dealt with a record; with the last one of a call, the call is settled."""

    def remember(self, note: str) -> None:
        """Keeps a note for the scans that go on from here, in place of the one before."""

    def finish(self) -> None:
        """Everything was listed and read."""


class ListedWork(Work):
    """Calls that were listed already: nothing is to be listed, and every one of them is to be read.

    Args:
        calls: the calls.
        asked: the range that is read of them; None: all of each.
        now: the vendor's now, epoch seconds.
    """

    def __init__(self, calls: Sequence[Call], asked: Over | None, now: float) -> None:
        super().__init__(asked or lives(calls, now), now)
        self._calls, self._whole = calls, asked is None

    @property
    def within(self) -> TimeRange | None:
        """See `Work.within`."""
        return None if self._whole else self.over

    def as_listed(self, call: Call) -> Call:
        """The call as it was given: nobody has listed it in the range."""
        return call

    def pending_ranges(self) -> Sequence[PendingRange]:
        """See `Work.pending_ranges`."""
        return ()

    def pending(self) -> Iterator[PendingCall]:
        """See `Work.pending`."""
        return map(PendingCall, self._calls)


def note_of(doubts: Sequence[str], gaps: Iterable[tuple[str, int, int]] = ()) -> str:
    """What a scan leaves for the report of the next: doubts, and gaps by endpoint, from and to."""
    return msgspec.json.encode((doubts, [*gaps])).decode()


def lives(calls: Sequence[Call], now: float) -> TimeRange:
    """From the beginning of the first call to the end of the last, which is now for one that is running."""
    latest = math.floor(now)
    begun = [min(call.created_ts, latest) for call in calls]
    ended = [latest if call.destroyed_ts is None else min(call.destroyed_ts, latest) for call in calls]
    start = max(0, min(begun, default=latest))
    return TimeRange(start, max(start, *ended, 0) + 1)
