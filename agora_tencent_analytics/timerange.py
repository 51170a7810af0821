"""Time as the whole library means it: half-open ranges of whole UTC seconds.

`TimeRange`, `Last` and the arithmetic on them (clip, split, halve, merge, complement). No clock is read here: `Last`
becomes a range only when it is given the vendor's now.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, SupportsIndex

import attrs

from agora_tencent_analytics.errors import BadInput

__all__ = ["Last", "TimeRange", "epoch_seconds", "merge"]

_FIRST_MILLISECOND_STAMP = 100_000_000_000  # in seconds: the year 5138
Instant = datetime | float | SupportsIndex
"""A moment: an aware datetime, or epoch seconds as any whole number (those of numpy too) or as a float."""


def epoch_seconds(value: Instant, *, name: str = "time") -> float:
    """An aware datetime or a number of epoch seconds, as epoch seconds.

    Raises:
        BadInput: a naive datetime, a timestamp in milliseconds, a negative or unreal number, another type.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None or value.utcoffset() is None:
            raise BadInput(
                f"{name}={value.isoformat()} has no time zone; pass an aware datetime, "
                "for example datetime(..., tzinfo=UTC), or epoch seconds"
            )
        value = value.timestamp()
    number = _number(value)
    if number is None:
        raise BadInput(f"{name} must be an aware datetime or epoch seconds, not {type(value).__name__}")
    value = number
    if not 0 <= value < math.inf:  # not math.isfinite, which overflows on huge integers
        raise BadInput(f"{name}={_figure(value)} is not a moment; pass epoch seconds since 1970-01-01 UTC")
    if value >= _FIRST_MILLISECOND_STAMP:
        raise BadInput(f"{name}={_figure(value)} looks like milliseconds; both vendors take seconds, so divide by 1000")
    return value


@attrs.frozen(init=False, order=True, slots=False)
class TimeRange:
    """The seconds from `start` up to, but not including, `end`.

    Fractions widen the range to whole seconds: `start` is rounded down, `end` up.

    Args:
        start: first second inside; an aware datetime or epoch seconds.
        end: first second outside; an aware datetime or epoch seconds.

    Raises:
        BadInput: naive datetime, milliseconds, or an end that is not after the start.
    """

    start: int
    """First second inside, epoch seconds."""
    end: int
    """First second outside, epoch seconds."""

    def __init__(self, start: Instant, end: Instant) -> None:
        if type(start) is int and type(end) is int and 0 <= start < end < _FIRST_MILLISECOND_STAMP:
            own = self.__dict__  # as walks make them, in three quarters of the instructions of `__attrs_init__`
            own["start"], own["end"] = start, end
            return
        first = math.floor(epoch_seconds(start, name="start"))
        beyond = math.ceil(epoch_seconds(end, name="end"))
        if beyond <= first:
            raise BadInput(
                f"the range is empty: end ({_text(beyond)}) is not after start ({_text(first)}); "
                "a TimeRange includes its start and excludes its end"
            )
        self.__attrs_init__(first, beyond)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def seconds(self) -> int:
        """Length of the range in seconds, at least 1."""
        return self.end - self.start

    def __contains__(self, instant: float) -> bool:
        return self.start <= instant < self.end

    def __str__(self) -> str:
        return f"[{_text(self.start)}, {_text(self.end)})"

    def overlap(self, other: TimeRange) -> TimeRange | None:
        """The seconds in both, or None if there are none.

        Args:
            other: another range.
        """
        start, end = max(self.start, other.start), min(self.end, other.end)
        return TimeRange(start, end) if start < end else None

    def hull(self, other: TimeRange) -> TimeRange:
        """The shortest range that holds both.

        Args:
            other: another range.
        """
        return TimeRange(min(self.start, other.start), max(self.end, other.end))

    def split(self, span_s: int) -> Iterator[TimeRange]:
        """Touching pieces of at most `span_s` seconds, oldest first; together exactly this range.

        Args:
            span_s: the longest piece, seconds.

        Raises:
            BadInput: `span_s` is less than a second.
        """
        if span_s < 1:
            raise BadInput(f"a range cannot be split into pieces of {span_s} s")
        for start in range(self.start, self.end, span_s):
            yield TimeRange(start, min(start + span_s, self.end))

    def halves(self) -> tuple[TimeRange, TimeRange] | None:
        """Two touching halves, or None for a single second."""
        if self.seconds < 2:
            return None
        middle = self.start + self.seconds // 2
        return TimeRange(self.start, middle), TimeRange(middle, self.end)

    def minus(self, other: TimeRange) -> tuple[TimeRange, ...]:
        """What of this range lies outside `other`: nothing, one piece or two, oldest first.

        Args:
            other: another range.
        """
        inside = self.overlap(other)
        if inside is None:
            return (self,)
        pieces = ((self.start, inside.start), (inside.end, self.end))
        return tuple(TimeRange(start, end) for start, end in pieces if start < end)


@attrs.frozen(init=False)
class Last:
    """The last hours, minutes or days before the vendor's now. A value: the provider resolves it.

    Args:
        days: any non-negative number of days.
        hours: any non-negative number of hours.
        minutes: any non-negative number of minutes.
        seconds: any non-negative number of seconds.

    Raises:
        BadInput: a length is not a number or is negative, or their sum is not positive.
    """

    seconds: float
    """Length in seconds."""

    def __init__(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        total: float = 0
        given = (("days", days, 86_400), ("hours", hours, 3_600), ("minutes", minutes, 60), ("seconds", seconds, 1))
        for name, length, unit_s in given:
            number = _number(length)
            if number is None or not 0 <= number < _FIRST_MILLISECOND_STAMP:
                raise BadInput(f"Last({name}=...) takes a number that is neither negative nor endless")
            total += number * unit_s
        if total <= 0:
            raise BadInput("Last() needs a positive length, for example Last(hours=6)")
        self.__attrs_init__(total)  # pyright: ignore[reportAttributeAccessIssue]

    def before(self, now: float) -> TimeRange:
        """The range that ends at `now` (epoch seconds, excluded).

        Args:
            now: epoch seconds, the end of the range.
        """
        end = math.floor(now)
        return TimeRange(max(0, end - self.seconds), end)


def merge(ranges: Iterable[TimeRange]) -> tuple[TimeRange, ...]:
    """The same seconds as few ranges: sorted, touching and overlapping ones joined."""
    joined: list[TimeRange] = []
    for piece in sorted(ranges):
        if joined and piece.start <= joined[-1].end:
            joined[-1] = joined[-1].hull(piece)
        else:
            joined.append(piece)
    return tuple(joined)


def _number(value: Any) -> float | None:
    """A number as Python has them; None for anything else, which True is too."""
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else value
    try:
        return operator.index(value)
    except TypeError:
        return None


def _figure(value: float) -> str:
    return "a huge number" if 1e15 <= abs(value) < math.inf else f"{value:.15g}"


def _text(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
