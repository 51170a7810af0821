"""`Work`: what one provider's part of a scan still has to list and to read.

Here it is that of a scan without a ledger, which remembers nothing: everything, from the beginning, or calls that were
listed already. That of a ledger is in `scan/ledger/work.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import attrs
import msgspec

from agora_tencent_analytics.errors import AnalyticsError
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.paging.certificate import Clipped, UnreadableRow
from agora_tencent_analytics.paging.clip import CLOCKS_DIFFER_S
from agora_tencent_analytics.paging.question import Over, resolve
from agora_tencent_analytics.quota.clock import VendorClock
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
    """Everything, from the beginning; or calls that were listed already.

    Args:
        asked: the range asked for; None: all of each call listed already.
        clock: the vendor's.
        listed: calls that were listed already: nothing is to be listed, and every one of them is to be read.
    """

    kept = False
    """True if what is acknowledged outlives the scan."""
    already = 0
    """Calls that earlier scans on the same ledger have settled."""
    doubts: Sequence[str] = ()
    """What speaks against completeness before anything is read, in words."""
    hidden: Sequence[Clipped] = ()
    """What earlier scans could not ask, and no report has told yet."""

    def __init__(self, asked: Over | None, clock: VendorClock, listed: Sequence[Call] | None = None) -> None:
        self._clock = clock
        self._resolved_at, self._lead = clock.now(), clock.lead
        self._listed, self._whole = listed, asked is None
        self._asked = lives(listed or (), self._resolved_at) if asked is None else asked
        self.over: TimeRange = resolve(self._asked, self._resolved_at)
        """The range, in vendor time."""

    @property
    def within(self) -> TimeRange | None:
        """The part of each call that is read; None: all of it."""
        return None if self._whole else self.over

    def as_listed(self, call: Call) -> Call:
        """The call without an end before the range, or a beginning after it, if the vendor has listed it there.

        One that begins in the very second in which the range ends is listed where ends are included: none of it is to
        be read.
        """
        if self._listed is not None:
            return call
        if call.destroyed_ts is not None and call.destroyed_ts < self.over.start:
            return attrs.evolve(call, destroyed_ts=None)
        return attrs.evolve(call, created_ts=0) if call.created_ts > self.over.end else call

    def begin_anew(self) -> bool:
        """Resolves the range again, before any of it was read, if the vendor's clock turns out to be another.

        Returns:
            False if that changes nothing.
        """
        now, lead = self._clock.now(), self._clock.lead
        if abs(lead - self._lead) <= CLOCKS_DIFFER_S or not self._resolve_anew(now, self._clock.here()):
            return False
        self._resolved_at, self._lead = now, lead
        return True

    def _resolve_anew(self, now: float, here: float) -> bool:
        before, self.over = self.over, resolve(self._asked, now)
        return self.over != before

    def missed(self) -> tuple[TimeRange, ...]:
        """What would be in the range as well, had the vendor's clock been known when it was resolved."""
        moved_s = self._clock.lead + self._clock.claimed - self._lead
        return self._missed(self._resolved_at + moved_s) if abs(moved_s) > CLOCKS_DIFFER_S else ()

    def _missed(self, now: float) -> tuple[TimeRange, ...]:
        return resolve(self._asked, now).minus(self.over)

    def pending_ranges(self) -> Sequence[PendingRange]:
        """The ranges to be listed, oldest first."""
        return (PendingRange(self.over),) if self._listed is None else ()

    def pending(self) -> Iterator[PendingCall]:
        """Calls that were listed before, and are still to be read."""
        return map(PendingCall, self._listed or ())

    def vanished(self) -> Iterator[PendingCall]:
        """Calls that ran when they were read and that no listing shows any more; asked when everything is listed."""
        return iter(())

    def known(self, call_ids: Iterable[str]) -> dict[str, bool]:
        """Those of the calls that an earlier scan has listed; True for one that still ran when it was read."""
        return {}

    def page(self, span: PendingRange, calls: Sequence[Call], cursor: str) -> Sequence[PendingCall]:
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

    def acknowledge(self, record: CallRecord) -> None:
        """The consumer has dealt with a record; with the last one of a call, the call is settled."""

    def remember(self, doubts: Sequence[str], hidden: Iterable[Clipped]) -> None:
        """Keeps what the report says against completeness for the scans that go on from here."""

    def finish(self) -> None:
        """Everything was listed and read."""


def lives(calls: Sequence[Call], now: float) -> TimeRange:
    """From the beginning of the first call to the end of the last, which is now for one that is running."""
    latest = math.floor(now)
    begun = [min(call.created_ts, latest) for call in calls]
    ended = [latest if call.destroyed_ts is None else min(call.destroyed_ts, latest) for call in calls]
    start = max(0, min(begun, default=latest))
    return TimeRange(start, max(start, *ended, 0) + 1)
