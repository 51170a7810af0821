"""From a failure to a delay, or to none: which failures are asked again, how often and after how long.

Pure: chance is an argument. The waiting is done by `client.py`. A refusal for the rate is not
waited for here: the quota holds the whole bucket, so the next attempt waits for its slot. Whether there is another
token to try is not known here either: `client.py` raises if there is none.
"""

from __future__ import annotations

import math

import msgspec

from agora_tencent_analytics.errors import (
    AnalyticsError,
    BadInput,
    NotAuthenticated,
    RateLimited,
    TransportError,
    UnreadableReply,
    VendorFault,
)


class Retry(msgspec.Struct, kw_only=True, frozen=True):
    """How patient one ask is. Every attempt takes a quota slot of its own and is signed anew.

    Raises:
        BadInput: a figure is not a number, or out of its bounds.
    """

    attempts: int = 4
    """The most attempts of one ask, the first included."""
    first_s: float = 0.5
    """Seconds before the second attempt; doubled for each further one."""
    most_s: float = 8.0
    """The longest pause between attempts, seconds."""
    max_retry_after_s: float = 60.0
    """How long a `Retry-After` is obeyed, seconds. If the vendor asks for more, its refusal is raised."""

    def __post_init__(self) -> None:
        attempts = self.attempts
        if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
            raise BadInput(f"attempts must be a whole number, at least 1, not {attempts!r}")
        for name in ("first_s", "most_s", "max_retry_after_s"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
                raise BadInput(f"{name} must be a number of seconds, at least 0, not {seconds!r}")

    def delay(self, failures: list[AnalyticsError], *, jitter: float, clock_moved: bool = False) -> float | None:
        """Seconds to wait before asking again, or None if the last failure is final.

        Args:
            failures: every failure of this ask so far, oldest first; at least one.
            jitter: a number from 0 to 1; the pause is between half and all of its nominal length.
            clock_moved: True if the vendor's clock is known otherwise than when the last attempt was signed.
        """
        last = failures[-1]
        if len(failures) >= self.attempts:
            return None
        match last:
            case RateLimited(per="day"):
                return None
            case RateLimited():
                asked = last.retry_after_s or 0.0
                return asked if asked <= self.max_retry_after_s else None
            case NotAuthenticated(cause="clock" | "token" as cause):
                before = any(
                    isinstance(failure, NotAuthenticated) and failure.cause == cause for failure in failures[:-1]
                )
                news = cause == "clock" and clock_moved
                return None if before and not news else 0.0
            case UnreadableReply(in_rows=True) | UnreadableReply(too_large=True) if any(
                isinstance(failure, UnreadableReply) and (failure.in_rows or failure.too_large)
                for failure in failures[:-1]
            ):
                return None  # it was not a slip: asking a third time would waste the day's requests
            case TransportError() | VendorFault() | UnreadableReply():
                doubled = 2.0 ** min(len(failures) - 1, 100)  # beyond that a float overflows
                nominal = min(self.most_s, self.first_s * doubled)
                return nominal * (0.5 + 0.5 * jitter)
            case _:
                return None
