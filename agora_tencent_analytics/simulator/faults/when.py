"""Which requests a fault strikes, as a value.

Holds `When` and the spans of time that faults are told in. Counting the strikes is the book's part (`book.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import attrs

from agora_tencent_analytics.simulator.http.log import Arrival

Span = float | tuple[float, float]
"""Seconds: a constant, or a random number between two bounds."""


@attrs.frozen(kw_only=True)
class When:
    """Which requests a fault strikes: those that meet every condition given here. Without any, all."""

    endpoint: str = ""
    """Only this path or action; `""` for any."""
    predicate: Callable[[Arrival], bool] | None = None
    """Only arrivals for which this is true."""
    nth: Collection[int] = ()
    """Only these, counted from 1 among the requests that meet the conditions above; empty for any."""
    probability: float = attrs.field(default=1.0, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    """Only this share of them, chosen by the server's seed."""
    times: int | None = None
    """Only so often; None for ever."""


ALWAYS = When()
"""Every request."""
