"""What arrived at a simulated vendor, to assert on.

No credential, signature or header is ever kept.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import attrs


@attrs.define(kw_only=True, eq=False)
class Arrival:
    """One request that reached a simulated vendor; completed when it is answered."""

    endpoint: str
    """Path (`"call/lists"`) or action (`"DescribeRoomInfo"`), `"?"` if it asks for neither."""
    at: float
    """When it was counted, the vendor's clock, epoch seconds."""
    monotonic: float
    """The same moment on the clock that never jumps, seconds."""
    facts: Mapping[str, Any]
    """What was asked: the query or the payload as it was read."""
    counted: bool = False
    """True if it took a place in the vendor's counters."""
    refused: bool = False
    """True if it was refused because a limit on requests was reached."""
    status: int = 0
    """HTTP status of the answer, 0 while there is none and if the connection was reset."""
    code: str = ""
    """The vendor's code in the body as text, `""` if it has none."""
    faults: tuple[str, ...] = ()
    """Names of the faults that struck it."""
    slips: tuple[str, ...] = ()
    """Names of the slips that the answer has because the world is impolite; those of its rows are not among them."""


class ArrivalLog:
    """The arrivals, oldest first, and how many there were.

    Args:
        bound: the most records to keep; older ones are dropped, the counts are not.
    """

    def __init__(self, bound: int | None) -> None:
        self.records: deque[Arrival] = deque(maxlen=bound)
        self.by_endpoint: Counter[str] = Counter()
        self.refused = 0
        """Requests that exceeded a limit on requests."""

    def add(self, arrival: Arrival) -> None:
        """Keeps one more."""
        self.records.append(arrival)
        self.by_endpoint[arrival.endpoint] += 1
