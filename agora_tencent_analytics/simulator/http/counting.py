"""How a simulated vendor counts requests: fixed windows, a sliding log, a token bucket, and the UTC day.

The counters, and the gate in front of an endpoint, share nothing with the client's limiter. There are three ways of
counting, because no vendor says which is theirs, and a client has to be right under each.

* `fixed`: windows aligned to UTC, `N` requests in each; the next window starts empty.
* `sliding`: no window of `period` seconds, wherever it begins, holds more than `N`; a request is forgotten exactly one
  period after it arrived.
* `bucket`: a bucket of `N` tokens, full at first, refilled evenly with `N` a period.

The UTC day is a fixed window under each of them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Literal

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import Rate

Counting = Literal["fixed", "sliding", "bucket"]


class FixedWindow:
    """`limit` requests in each window of `period_s` seconds, aligned to multiples of it in UTC."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._window = -1
        self._used = 0

    def has_room(self, wall: float, monotonic: float) -> bool:
        """True if one more request fits into the window that `wall` lies in."""
        return math.floor(wall / self._rate.period_s) != self._window or self._used < self._rate.limit

    def count(self, wall: float, monotonic: float) -> None:
        """Counts one request."""
        window = math.floor(wall / self._rate.period_s)
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1


class SlidingLog:
    """`limit` requests in any window of `period_s` seconds."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._latest: deque[float] = deque(maxlen=rate.limit)

    def has_room(self, wall: float, monotonic: float) -> bool:
        """True if the N-th latest request arrived at least one period ago."""
        return len(self._latest) < self._rate.limit or self._latest[0] + self._rate.period_s <= monotonic

    def count(self, wall: float, monotonic: float) -> None:
        """Counts one request."""
        self._latest.append(monotonic)


class TokenBucket:
    """`limit` tokens at most, refilled evenly with `limit` in `period_s` seconds; a request takes one."""

    _ENOUGH = 1 - 1e-9  # a full token after rounding

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tokens = float(rate.limit)
        self._filled_at: float | None = None

    def has_room(self, wall: float, monotonic: float) -> bool:
        """True if a whole token is there."""
        self._fill(monotonic)
        return self._tokens >= self._ENOUGH

    def count(self, wall: float, monotonic: float) -> None:
        """Takes one token, or what there is."""
        self._fill(monotonic)
        self._tokens = max(0.0, self._tokens - 1)

    def _fill(self, monotonic: float) -> None:
        if self._filled_at is not None:
            gained = (monotonic - self._filled_at) * self._rate.limit / self._rate.period_s
            self._tokens = min(float(self._rate.limit), self._tokens + gained)
        self._filled_at = monotonic


_WAYS: Mapping[Counting, type[FixedWindow | SlidingLog | TokenBucket]] = {
    "fixed": FixedWindow,
    "sliding": SlidingLog,
    "bucket": TokenBucket,
}


class Gate:
    """All rates of one endpoint: a request passes if every one of them has room.

    Args:
        rates: the rates; none of them lets everything through.
        how: how all but the daily rate are counted.
        count_refused: True if a refused request takes its place in every counter like any other.

    Raises:
        BadInput: there is no such way of counting.
    """

    def __init__(self, rates: Iterable[Rate], how: Counting, *, count_refused: bool = False) -> None:
        if how not in _WAYS:
            raise BadInput(f"a simulated vendor counts fixed, sliding or by bucket, not {how!r}")
        self._counters = [(rate, _WAYS["fixed" if rate.is_daily else how](rate)) for rate in rates]
        self._count_refused = count_refused

    def admit(self, wall: float, monotonic: float) -> Rate | None:
        """Counts one arrival: None if it may pass, else the first rate that is used up.

        Args:
            wall: the vendor's clock, epoch seconds.
            monotonic: seconds of a clock that never jumps.
        """
        spent = next((rate for rate, counter in self._counters if not counter.has_room(wall, monotonic)), None)
        if spent is None or self._count_refused:
            for _, counter in self._counters:
                counter.count(wall, monotonic)
        return spent
