"""What time it is, here and at the vendor.

Holds the two clocks of this machine as one value (`Clock`) and the vendor's clock as an offset learnt from
the `Date` headers of its answers (`VendorClock`). Refuses to wait for anything, and to step the offset on
guesswork: a header that cannot be read teaches nothing.

A `Date` header names a whole second, so an answer that was asked for at local time s and read at local time
r proves only that the offset (vendor minus local) lies in [Date - r, Date + 1 - s]. Several answers prove
all of their intervals at once, so the intervals are intersected: after some twenty answers the offset is
known to about 0.2 s. Should the intersection be empty, one of the clocks was stepped (or has drifted apart),
and the newest answer starts afresh.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

import attrs

from agora_tencent_analytics.limits import DAY

_RESOLUTION_S = 1.0
_UNCERTAINTY_BEFORE_THE_FIRST_ANSWER_S = 1.0


@attrs.frozen(kw_only=True)
class Clock:
    """The two clocks of this machine; tests pass virtual ones."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never run backwards, from an arbitrary start. Limits are timed with it."""
    wall: Callable[[], float] = time.time
    """Epoch seconds, as right or wrong as this machine is set."""


class VendorClock:
    """The vendor's clock: this machine's wall clock plus an offset learnt from its answers.

    Until the first answer the offset is 0. May be read and taught from several threads.

    Args:
        clock: the clocks of this machine.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = Clock() if clock is None else clock
        self._lock = threading.Lock()
        self._bounds: tuple[float, float] | None = None

    def now(self) -> float:
        """Epoch seconds on the vendor's clock, right to `uncertainty_s`."""
        return self.clock.wall() + self.offset

    def next_midnight(self) -> float:
        """The vendor's next midnight UTC, epoch seconds."""
        return (math.floor(self.now() / DAY) + 1) * float(DAY)

    def learn(self, date_header: str | None, sent_wall: float, answered_wall: float) -> None:
        """Narrows the offset by one answer; a header that is missing or malformed is ignored.

        Args:
            date_header: the answer's `Date` header, as received.
            sent_wall: `Clock.wall()` just before the request was sent, epoch seconds.
            answered_wall: `Clock.wall()` just after the headers of its answer were read, epoch seconds.
        """
        date = _epoch_seconds(date_header)
        if date is None:
            return
        low, high = date - answered_wall, date + _RESOLUTION_S - sent_wall
        if not low <= high:
            return  # this machine's clock was stepped back while the answer was on its way
        with self._lock:
            if self._bounds is not None:
                both = max(low, self._bounds[0]), min(high, self._bounds[1])
                if both[0] <= both[1]:
                    low, high = both
            self._bounds = low, high

    @property
    def offset(self) -> float:
        """Vendor minus local, seconds: of all offsets that the answers allow, the one nearest to 0."""
        bounds = self._bounds
        return 0.0 if bounds is None else min(max(0.0, bounds[0]), bounds[1])

    @property
    def uncertainty_s(self) -> float:
        """The most by which `offset` can be wrong, in seconds; 1.0 before the first answer."""
        bounds = self._bounds
        if bounds is None:
            return _UNCERTAINTY_BEFORE_THE_FIRST_ANSWER_S
        nearest = min(max(0.0, bounds[0]), bounds[1])
        return max(bounds[1] - nearest, nearest - bounds[0])


def _epoch_seconds(date_header: str | None) -> float | None:
    if not date_header:
        return None
    try:
        date = parsedate_to_datetime(date_header)
        return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
