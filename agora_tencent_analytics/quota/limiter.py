"""When the next request may be sent: windows whose slots rest from their *answer* on.

This is the decision alone, as plain arithmetic: no `await`, no clock, no lock. Every instant is an argument, in seconds
on the monotonic clock. Queues and threads are in `counter.py`, days in `day.py`, files in the stores.

**The trouble.** A vendor counts the requests that *arrive* within W seconds. A client knows when it sent
them. Between the two lies the way there, which differs from request to request, so sends that are evenly
spaced arrive in bunches, and however the sends are timed some bunch is too large.

**The rule.** Let a request be granted at time t only if fewer than L of those granted before it are still
unanswered or were answered later than t - W. *Answered* is the moment at which the headers of the answer,
or an exception, reached the client.

**The theorem.** No half-open window of W seconds on the vendor's side holds more than L arrivals, whatever
the delays, their order, or where the window starts.

*Proof.* Take any L + 1 requests, and of these the one granted last, at t. It cannot arrive before it is
sent, nor be sent before it is granted: it arrives at or after t. The other L were granted before it, and the
rule says that fewer than L of them were unanswered or answered later than t - W. So one of them was answered
at or before t - W, and had arrived before that. Its arrival and the last one's lie W or more apart, and no
half-open window of length W holds both. Hence none holds all L + 1, for any choice of them. QED.

Fixed windows at any offset, sliding logs and token buckets that hold L and refill L per W are all such
windows. Only differences on one monotonic clock enter. Skew of +-e between the vendor's own nodes is
covered by a margin of 2e on W. The rule is also necessary: break it, and some admissible pattern of delays
puts L + 1 requests into one window. What it does not cover: another client on the same account, and copies
of a request made by a proxy.

**Its price.** A slot is out for W + margin + one round trip, so the throughput is L / (W + margin + RTT).
L is N - 1, because vendors write "ensure that qps < N"; margin is the larger of 40 ms and 0.1 % of W.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable

from agora_tencent_analytics.limits import HOUR, SECOND, Rate
from agora_tencent_analytics.quota.slowdown import Slowdown

_LEAST_MARGIN_S = 0.040
_MARGIN_AT_ONCE_S = 0.020
_MARGIN_OF_PERIOD = 0.001


def safe_limit(limit: int, *, strict: bool) -> int:
    """How many requests of a vendor's N to use: N - 1 when "fewer than N" is taken at its word, but 1 of 1."""
    return max(1, limit - 1) if strict else limit


def usable(rate: Rate, *, strict: bool) -> int:
    """L of a rate; requests under way at the same time are used whole: nobody writes "fewer than" of those."""
    return safe_limit(rate.limit, strict=strict and rate.period_s > 0)


class Window:
    """One rate: at most `limit` requests in any `rate.period_s` seconds on the vendor's side.

    Args:
        rate: the vendor's figures.
        strict: use N - 1 of the vendor's N (default); False uses N.
        in_flight: requests that were granted before this window was known and are not answered yet.
        answered: a time for each of those that are, no earlier than its answer.
    """

    def __init__(self, rate: Rate, *, strict: bool = True, in_flight: int = 0, answered: Iterable[float] = ()) -> None:
        self.rate = rate
        self.in_flight: int = in_flight
        self.slowdown: Slowdown = Slowdown(usable(rate, strict=strict), rate.period_s, paced=rate.period_s == SECOND)
        self._answered = list(answered)
        self._of_others: list[float] = []
        self.adjust()

    def adjust(self) -> None:
        """Takes over what was slowed down, or is not any more."""
        period_s, slowdown = self.rate.period_s, self.slowdown
        least_s = _LEAST_MARGIN_S if period_s else _MARGIN_AT_ONCE_S
        self.limit: int = slowdown.limit
        """L: requests per window for now."""
        self.rest_s: float = period_s * (1 + slowdown.extra_margin) + max(least_s, _MARGIN_OF_PERIOD * period_s)
        """Seconds from the answer until the slot may be used again: period and margin."""
        self.pace_s: float | None = slowdown.pace_factor * period_s / self.limit if period_s == SECOND else None
        """Seconds to keep between two sends; None for all but rates of a second."""

    def room(self, now: float) -> int:
        """How many requests may be granted at `now`, as far as this client's own requests go."""
        self._forget(now)
        return self.limit - self.in_flight - len(self._answered)

    def wait(self, now: float, *, ahead: int = 0) -> float:
        """Seconds from `now` until a request may be granted, at the earliest; 0 if it may be now.

        Args:
            now: monotonic seconds.
            ahead: how many other requests are to be granted before it.
        """
        self._forget(now)
        rest = self.rest_s
        answered = self._answered
        if self._of_others:
            answered = sorted(answered + self._of_others)
        must_return = self.in_flight + len(answered) + ahead - self.limit + 1
        if must_return <= 0:
            return 0.0
        # Slots return in turns of `limit`: none returns twice within one rest.
        turns, place = divmod(must_return - 1, self.limit)
        first = answered[place] + rest - now if place < len(answered) else rest
        return first + turns * rest

    def take(self, now: float) -> None:
        """Takes a slot at `now`; `wait(now)` must have been 0."""
        self.in_flight += 1
        if not self.slowdown.at_rest:
            self.slowdown.used(now)
            self.adjust()

    def answered(self, now: float) -> None:
        """Records that a granted request was answered, or failed, at `now`."""
        self.in_flight -= 1
        insort(self._answered, now)

    def refund(self) -> None:
        """Gives back the slot of a request that was never sent."""
        self.in_flight -= 1

    def others(self, answered: Iterable[float]) -> None:
        """Replaces what is known of requests sent by other processes (or by this one before a restart).

        Args:
            answered: when each was answered, monotonic seconds of this process.
        """
        self._of_others = sorted(answered)

    def _forget(self, now: float) -> None:
        over = now - self.rest_s
        for times in (self._answered, self._of_others):
            if times and times[0] <= over:
                del times[: bisect_right(times, over)]


class Bucket:
    """All windows of one counter: a request is granted by all of them or by none.

    The UTC day is not among them: it is counted, not slid (see `day.py`).

    Args:
        rates: the vendor's figures; daily rates are passed over.
        strict: use N - 1 of each N (default); False uses N.
    """

    def __init__(self, rates: Iterable[Rate] = (), *, strict: bool = True) -> None:
        self.strict = strict
        self.windows: list[Window] = []
        self.in_flight: int = 0
        self.held_until: float = float("-inf")
        self.at_once: bool = False
        """True if the number of requests under way at the same time is limited."""
        self._paced: Window | None = None
        self._last_take = self._last_answer = float("-inf")
        self._answers = 0
        self.add(rates)

    def add(self, rates: Iterable[Rate]) -> None:
        """Adds these rates; of two rates over the same period the smaller holds."""
        for rate in rates:
            if rate.is_daily:
                continue
            known = next((window for window in self.windows if window.rate.period_s == rate.period_s), None)
            if known is None:
                # When each was answered is forgotten: no later than the last.
                answered = [self._last_answer] * min(self._answers, rate.limit)
                window = Window(rate, strict=self.strict, in_flight=self.in_flight, answered=answered)
                self.windows.append(window)
                self.at_once |= not rate.period_s
                self._paced = window if window.pace_s else self._paced
            elif rate.limit < known.rate.limit:
                known.rate = rate
                known.slowdown.most = usable(rate, strict=self.strict)
                known.adjust()

    @property
    def pace_s(self) -> float | None:
        """Seconds to keep between two sends, or None if no rate asks for a pace."""
        return None if self._paced is None else self._paced.pace_s

    def wait(self, now: float, *, ahead: int = 0) -> float:
        """Seconds from `now` until all windows and holds allow a request, pace aside; 0 if they do now.

        Args:
            now: monotonic seconds.
            ahead: how many other requests are to be granted before it.
        """
        longest = max(0.0, self.held_until - now)
        for window in self.windows:
            longest = max(longest, window.wait(now, ahead=ahead))
        return longest

    def expected_wait(self, now: float, *, ahead: int = 0) -> float:
        """The least that a request waits from `now` on, in seconds, the pace included."""
        return max(self.wait(now, ahead=ahead), self.paced(now) + ahead * (self.pace_s or 0.0))

    def paced(self, now: float) -> float:
        """Seconds from `now` until the pace allows a request, whatever the windows say."""
        return max(0.0, self._last_take + (self.pace_s or 0.0) - now)

    def take(self, now: float) -> None:
        """Takes a slot at `now`; `wait(now)` must have been 0."""
        self.in_flight += 1
        self._last_take = now
        for window in self.windows:
            window.take(now)

    def answered(self, now: float) -> None:
        """Records that a granted request was answered, or failed, at `now`."""
        self.in_flight -= 1
        self._answers += 1
        self._last_answer = max(self._last_answer, now)
        for window in self.windows:
            window.answered(now)

    def refund(self) -> None:
        """Gives back the slot of a request that was never sent."""
        self.in_flight -= 1
        for window in self.windows:
            window.refund()

    def others(self, answered: Iterable[float]) -> None:
        """Replaces what is known of requests sent by other processes; monotonic seconds of this process."""
        known = sorted(answered)
        for window in self.windows:
            window.others(known)

    def hold(self, until: float) -> None:
        """Grants nothing before `until`, monotonic seconds; never shortens an earlier hold."""
        self.held_until = max(self.held_until, until)

    def refused(self, now: float, sent: float, *, period_s: int | None, retry_after_s: float | None = None) -> None:
        """The vendor refused a request: hold the bucket for one window, then go on more slowly.

        Args:
            now: when the refusal was read, monotonic seconds.
            sent: when the refused request was granted, monotonic seconds.
            period_s: the window that the vendor named, seconds; None if it named none.
            retry_after_s: seconds that the vendor asked to wait, which may lengthen the hold.
        """
        named = [window for window in self.windows if window.rate.period_s == period_s]
        for window in named or self.windows:
            window.slowdown.refused(now, sent)
            window.adjust()
        if named or period_s is not None:
            hold_s = max((window.rest_s for window in named), default=float(period_s or SECOND))
        else:
            # That a window of a day is full would be said; to wait it out on a guess would be pointless.
            hold_s = max((one.rest_s for one in self.windows if one.rate.period_s <= HOUR), default=float(SECOND))
        self.hold(now + max(hold_s, retry_after_s or 0.0))
