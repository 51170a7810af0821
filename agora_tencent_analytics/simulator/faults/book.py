"""The book of faults: what can go wrong between a client and a vendor, and what does.

Holds the strikes of the faults that a simulated vendor was given. The faults are small values, in
`answer.py`, `connection.py` and `listing.py`; which requests they strike is `when.py`.
Several faults may strike one request; of those that end it the first in order does.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import attrs

from agora_tencent_analytics.simulator.faults.answer import (
    AnswerHtml,
    AnswerJson,
    Compress,
    ExpireToken,
    Fail,
    Garble,
    Mislabel,
    Refuse,
    Replace,
    SetHeader,
    Wrap,
    WrongDate,
)
from agora_tencent_analytics.simulator.faults.connection import (
    Crash,
    Delay,
    Drip,
    Reset,
    Stall,
    Truncate,
    WrongLength,
)
from agora_tencent_analytics.simulator.faults.listing import (
    ClampPage,
    Drift,
    DuplicatePage,
    EmptyPage,
    Lie,
    Reorder,
    Shuffle,
)
from agora_tencent_analytics.simulator.faults.metrics import Retell, Strangers, Widen
from agora_tencent_analytics.simulator.faults.when import Span, When
from agora_tencent_analytics.simulator.http.log import Arrival

AnswerFault = Refuse | Fail | AnswerHtml | AnswerJson | Garble | Compress | Mislabel | WrongDate | ExpireToken
BodyFault = Replace | Wrap | SetHeader
ConnectionFault = Reset | Crash | Stall | Drip | Truncate | WrongLength | Delay
ListingFault = Lie | EmptyPage | DuplicatePage | ClampPage | Reorder | Shuffle | Drift
MetricsFault = Retell | Widen | Strangers
Fault = AnswerFault | BodyFault | ConnectionFault | ListingFault | MetricsFault


@attrs.frozen
class Strike:
    """A fault that strikes a request."""

    fault: Fault
    """The fault."""
    count: int
    """How many requests it has struck before this one."""
    slip: str = ""
    """The slip of an impolite world that it makes, `""` if it was given to the server."""
    befalls_all: bool = True
    """False if it changes good answers only."""


class Faults:
    """The faults of one server, and how often each has struck.

    Args:
        faults: the faults, in the order in which they are tried.
        seed: decides what is left to chance.
    """

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._random = random.Random(seed)
        self._entries: list[list[int]] = []
        self._faults: list[Fault] = []
        self.inject(*faults)

    def inject(self, *faults: Fault) -> None:
        """Adds faults behind those there are."""
        self._faults.extend(faults)
        self._entries.extend([0, 0] for _ in faults)

    def heal(self) -> None:
        """Removes every fault."""
        self._faults.clear()
        self._entries.clear()

    def strike(self, arrival: Arrival) -> tuple[Strike, ...]:
        """The faults that strike this request."""
        return tuple(
            Strike(fault, tally[1] - 1)
            for fault, tally in zip(self._faults, self._entries, strict=True)
            if self._strikes(fault.when, tally, arrival)
        )

    def seconds(self, span: Span) -> float:
        """A length of time: the constant, or one chosen between the two bounds."""
        return self._random.uniform(*span) if isinstance(span, tuple) else span

    def _strikes(self, when: When, tally: list[int], arrival: Arrival) -> bool:
        if when.endpoint not in ("", arrival.endpoint) or (when.predicate is not None and not when.predicate(arrival)):
            return False
        tally[0] += 1
        if when.nth and tally[0] not in when.nth:
            return False
        if when.times is not None and tally[1] >= when.times:
            return False
        if when.probability < 1 and self._random.random() >= when.probability:
            return False
        tally[1] += 1
        return True
