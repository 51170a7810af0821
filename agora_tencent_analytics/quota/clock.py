"""What time it is, here and at the vendor.

`Clock` holds the two clocks of this machine, `Witnesses` what answers have shown of the vendor's, as a pure state
machine, and `VendorClock` joins the two for everybody who asks what time it is.

**What an answer shows.** A `Date` header names a whole second, so an answer that was asked for at monotonic time s
and read at monotonic time r shows no more than that the lead (vendor minus monotonic) lies between Date - r and
Date + 1 - s. Such intervals are intersected: after some twenty answers the lead is known to about 0.2 s. They are told
on the monotonic clock, so that nobody who sets this machine's wall clock moves the vendor's.

**Who is believed.** One header is a rumour: it may come out of a cache, or from a gateway whose clock is wrong. The
prior is this machine's wall clock. What would move the clock by more than a second needs a second witness: an answer
of another second that was asked for after the first was heard and shows the same lead, so that between the two the
vendor's clock has advanced as the monotonic clock did. An answer that bears out what is believed refutes the rumour,
and against what answers have borne out a third witness is needed: half of the answers may come by a gateway whose clock
is wrong, in any order. The wall clock itself is a witness: an answer that agrees with it brings the clock back at once.
What a cache repeats advances by nothing, and what says that it comes from a cache is not heard at all. The vendor's own
refusal that only a wrong clock explains (a signature that has expired, a window that is too recent or too old by its
`Date`) needs no other witness.

**What is signed.** A signature that is good at another time than now is worth stealing. Further than an hour from this
machine's clock nothing is signed on the word of any number of headers, but only after the vendor has refused a
signature. Should it refuse one that was made at the very time it states, then its headers are wrong, and the clock of
this machine is believed from then on.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial

import msgspec

from agora_tencent_analytics.limits import DAY

KEPT_MARGIN_S = 60.0
"""How far beyond this machine's clock anything may be written down that outlives the process."""

SAME_TIME_S = 60.0
"""Seconds. A smaller correction of the clock cannot explain a rejected signature."""

_RESOLUTION_S = 1.0
_UNCERTAINTY_BEFORE_THE_FIRST_ANSWER_S = 1.0
_MOST_SIGNED_AHEAD_S = 3_600.0
_SIGNATURE_TOLERANCE_S = 300.0
_MOST_RUMOURS = 8
_CACHE_MARKS = frozenset(("age", "x-cache", "x-cache-status", "cf-cache-status", "cache-status", "warning"))

# It goes on while the machine sleeps: Linux and macOS have such a clock by these names, Windows' own is one.
_unsleeping = (
    partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    if hasattr(time, "clock_gettime")
    else time.monotonic
)


class Clock(msgspec.Struct, kw_only=True, frozen=True):
    """The two clocks of this machine; tests pass virtual ones."""

    monotonic: Callable[[], float] = _unsleeping
    """Seconds that never run backwards and go on while the machine sleeps, from an arbitrary start. Limits are timed
    with it."""
    wall: Callable[[], float] = msgspec.field(default_factory=lambda: time.time)
    """Epoch seconds, as right or wrong as this machine is set. By default `time.time` as it is when the clock is made,
    so that of a test that has set another date."""


Span = tuple[float, float]
"""Between which two leads, both included, an answer says that the vendor's lies. A lead is vendor minus monotonic."""


class _Rumour(msgspec.Struct, frozen=True):
    """What too few answers have said to be believed."""

    span: Span
    date: float
    heard: float
    witnesses: int = 1


class Witnesses(msgspec.Struct):
    """What the answers so far show of the vendor's lead over this machine's monotonic clock, seconds."""

    lead: float | None = None
    """What is believed: of all leads that the answers allow, the one nearest to what was believed before. None before
    the first answer: the wall clock's, whatever that is."""
    span: Span | None = None
    """Between which leads the answers leave it; None if they have not said."""
    vouched: float | None = None
    """The lead that a refusal of the vendor's explained, if one did."""
    borne_out: bool = False
    """True if good answers have shown what is believed."""
    disproved: bool = False
    """True if the vendor refused a signature made at the very time that its answers state."""
    rumours: list[_Rumour] = []
    """Answers against what is believed."""

    def hear(self, date: float, sent: float, answered: float, *, prior: float) -> None:
        """Takes in a good answer.

        Args:
            date: its `Date`, epoch seconds.
            sent: monotonic seconds just before it was asked for.
            answered: monotonic seconds just after its headers were read.
            prior: lead of this machine's wall clock over its monotonic clock.
        """
        low, high = said = _span(date, sent, answered)
        if self.lead is not None and self.span is not None and low <= self.lead <= high and not self.rumours:
            self.span = max(low, self.span[0]), min(high, self.span[1])  # as every polite answer does
            self.borne_out = True
        elif self._bears_out(said, prior):
            self.rumours = [rumour for rumour in self.rumours if _both(said, rumour.span)]
            self._believe(said if self.span is None else _both(said, self.span) or said, prior)
        elif abs(_nearest(prior, said) - prior) <= _RESOLUTION_S:
            self.lead, self.rumours = prior, []
            self._believe(said, prior)
        else:
            self._doubt(said, date, sent, answered, prior)

    def _doubt(self, said: Span, date: float, sent: float, answered: float, prior: float) -> None:
        """Takes in an answer against what is believed: another witness of a rumour, or the first."""
        for at, rumour in enumerate(self.rumours):
            both = _both(said, rumour.span)
            if both is not None:
                if date != rumour.date and sent >= rumour.heard:
                    self.rumours[at] = rumour = _Rumour(both, date, answered, rumour.witnesses + 1)
                if rumour.witnesses >= (3 if self.borne_out else 2) and not self.disproved:
                    self.rumours = []
                    self._believe(both, prior)
                return
        self.rumours = [*self.rumours[1 - _MOST_RUMOURS :], _Rumour(said, date, answered)]

    def claim(self, prior: float) -> float:
        """The lead that is believed, or a greater one that is rumoured while no answer has borne that out."""
        lead = prior if self.lead is None else self.lead
        rumoured = () if self.borne_out or self.disproved else self.rumours
        return max([lead, *(rumour.span[0] for rumour in rumoured)])

    def refused(self, date: float, sent: float, answered: float, *, prior: float) -> None:
        """Takes in a refusal that is explained if the vendor's clock shows what its `Date` says; see `hear`."""
        self.rumours = []
        self._believe(_span(date, sent, answered), prior)
        self.vouched, self.borne_out, self.disproved = self.lead, False, False

    def disprove(self) -> None:
        """The vendor has refused a signature that was made at the time its answers state, so they state a wrong one."""
        self.lead = self.span = self.vouched = None
        self.borne_out, self.disproved, self.rumours = False, True, []

    def _bears_out(self, said: Span, prior: float) -> bool:
        """True if an answer moves what is believed by no more than what a header leaves open."""
        believed = prior if self.lead is None else self.lead
        both = said if self.span is None else _both(said, self.span)
        return both is not None and abs(_nearest(believed, both) - believed) <= _RESOLUTION_S

    def _believe(self, span: Span, prior: float) -> None:
        self.span, self.lead = span, _nearest(prior if self.lead is None else self.lead, span)
        self.borne_out = True


class VendorClock:
    """The vendor's clock: this machine's, until its answers have shown otherwise.

    May be read and taught from several threads.

    Args:
        clock: the clocks of this machine.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = Clock() if clock is None else clock
        self._lock = threading.Lock()
        self._witnesses = Witnesses()

    def now(self) -> float:
        """Epoch seconds on the vendor's clock, right to `uncertainty_s`."""
        lead = self._witnesses.lead
        return self.clock.wall() if lead is None else self.clock.monotonic() + lead

    def here(self) -> float:
        """Epoch seconds on this machine's clock."""
        return self.clock.wall()

    def signing(self) -> float:
        """Epoch seconds to sign for: the vendor's now; this machine's if only headers say that they are far apart."""
        now, here = self.now(), self.clock.wall()
        if abs(now - here) <= _MOST_SIGNED_AHEAD_S:
            return now
        lead, vouched = self.lead, self._witnesses.vouched
        return here if vouched is None or abs(lead - vouched) > _SIGNATURE_TOLERANCE_S else now

    def next_midnight(self) -> float:
        """The vendor's next midnight UTC, epoch seconds."""
        return (math.floor(self.now() / DAY) + 1) * float(DAY)

    @property
    def lead(self) -> float:
        """The vendor's clock minus the monotonic one, seconds: it changes only with what is known."""
        lead = self._witnesses.lead
        return self.clock.wall() - self.clock.monotonic() if lead is None else lead

    @property
    def claimed(self) -> float:
        """How much greater the lead would be if the first header were right that says it is, seconds."""
        if not self._witnesses.rumours:  # as nearly always: what is read at once needs no lock
            return 0.0
        with self._lock:
            return self._witnesses.claim(lead := self.lead) - lead

    @property
    def borne_out(self) -> bool:
        """True once an answer has borne out what is believed."""
        return self._witnesses.lead is not None

    @property
    def offset(self) -> float:
        """The vendor's clock minus this machine's, seconds."""
        return self.now() - self.clock.wall()

    @property
    def uncertainty_s(self) -> float:
        """The most by which `now` can be wrong if the answers are right, in seconds; 1.0 before the first."""
        with self._lock:
            lead, span = self._witnesses.lead, self._witnesses.span
        if lead is None or span is None:
            return _UNCERTAINTY_BEFORE_THE_FIRST_ANSWER_S
        return max(span[1] - lead, lead - span[0])

    def learn(self, headers: Mapping[str, str], sent: float, answered: float) -> None:
        """Takes in a good answer; a `Date` that is missing, malformed or out of a cache teaches nothing.

        Args:
            headers: of the answer, names in lower case.
            sent: monotonic seconds just before the request was sent.
            answered: monotonic seconds just after the headers of its answer were read.
        """
        date, prior = date_of(headers), self.clock.wall() - self.clock.monotonic()
        with self._lock:
            if self._witnesses.lead is None:  # from the first answer on, nobody who sets the wall clock moves anything
                self._witnesses.lead = prior
            if date is not None:
                self._witnesses.hear(date, sent, answered, prior=prior)

    def vouched(self, date: float, sent: float, answered: float) -> None:
        """Takes in a refusal that is explained if the vendor's clock shows what its `Date` says; see `learn`."""
        prior = self.clock.wall() - self.clock.monotonic()
        with self._lock:
            self._witnesses.refused(date, sent, answered, prior=prior)

    def disproved(self) -> None:
        """Takes in the refusal of a signature that was made for the time its `Date` states.

        If it was made for this machine's time, it says nothing about the clocks.
        """
        if abs(self.offset) > SAME_TIME_S:
            with self._lock:
                self._witnesses.disprove()


def date_of(headers: Mapping[str, str]) -> float | None:
    """What an answer's `Date` says, epoch seconds; None if it is missing, malformed, or out of a cache."""
    said = headers.get("date")
    if not said or (not _CACHE_MARKS.isdisjoint(headers) and _from_cache(headers)):
        return None
    return _read_date(said)


@lru_cache(maxsize=64)  # all answers of a second have the same
def _read_date(said: str) -> float | None:
    try:
        date = parsedate_to_datetime(said)
        return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _from_cache(headers: Mapping[str, str]) -> bool:
    told = " ".join(headers.get(name, "") for name in _CACHE_MARKS - {"age"}).lower()
    return headers.get("age", "0").strip() != "0" or "hit" in told or "stale" in told


def _span(date: float, sent: float, answered: float) -> Span:
    return date - answered, date + _RESOLUTION_S - sent


def _both(one: Span, other: Span) -> Span | None:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def _nearest(lead: float, span: Span) -> float:
    return min(max(lead, span[0]), span[1])
