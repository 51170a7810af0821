"""What can go wrong between a client and a simulated vendor, and what does.

A fault is a small value: those of the answer are in `answer.py`, of the connection in `connection.py`, of listings in
`listing.py` and of metrics in `metrics.py`. `When` says which requests a fault strikes; `Faults` counts and decides.
Several faults may strike one request; of those that end it the first in order does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable

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


@attrs.frozen(kw_only=True)
class Fault:
    """Something that goes wrong with some requests."""

    when: When = ALWAYS
    """Which requests it strikes; without any condition, all."""


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
