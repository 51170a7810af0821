"""Epoch seconds, from whatever a vendor writes for a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

YEAR_5138 = 10**11
"""Seconds since 1970 stay below it, and milliseconds have been above it since 1973."""


def seconds(value: Any) -> int:
    """A time in epoch seconds, though it came in milliseconds or smaller, or as a date of ISO 8601 with its zone.

    Raises:
        ValueError, TypeError, ArithmeticError: it is not a time.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"expected a time, not {value!r}")
    try:
        found = int(value)
    except ValueError:
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError(f"a date without a time zone: {value!r}") from None
        found = int(moment.timestamp())
    for unit in (1, 10**3, 10**6, 10**9):
        if abs(found) < YEAR_5138 * unit:
            return found // unit
    raise ValueError(f"not a time: {value!r}")
