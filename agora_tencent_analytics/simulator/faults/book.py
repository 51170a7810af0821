"""What can go wrong between a client and a simulated vendor, and what does.

A fault is a small value: those of the answer are in `answer.py`, of the connection in `connection.py`, of listings in
`listing.py` and of metrics in `metrics.py`. `When` says which requests a fault strikes; `Faults` counts and decides.
Several faults may strike one request; of those that end it the first in order does.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable

import attrs

from agora_tencent_analytics.simulator.http.exchange import Arrival, Ask, Reply

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

    def spoil(self, reply: Reply, now: float) -> Reply:
        """What it makes of an answer that is ready to be sent.

        Args:
            reply: the answer.
            now: the vendor's clock, epoch seconds.
        """
        return reply


@attrs.frozen(kw_only=True)
class Ending(Fault):
    """A fault that ends a request before the vendor has an answer."""

    counted: bool = True
    """True if the request has taken its place in the counters before."""

    @abstractmethod
    def reply(self, ask: Ask) -> Reply:
        """What is sent instead of the answer. Raises `Refused`.

        Args:
            ask: the request.
        """


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
        self._tallies: list[_Tally] = []
        self.inject(*faults)

    def inject(self, *faults: Fault) -> None:
        """Adds faults behind those there are."""
        self._tallies.extend(map(_Tally, faults))

    def heal(self) -> None:
        """Removes every fault."""
        self._tallies.clear()

    def strike(self, arrival: Arrival) -> tuple[Strike, ...]:
        """The faults that strike this request."""
        return tuple(Strike(one.fault, one.struck - 1) for one in self._tallies if self._strikes(one, arrival))

    def seconds(self, span: Span) -> float:
        """A length of time: the constant, or one chosen between the two bounds."""
        return self._random.uniform(*span) if isinstance(span, tuple) else span

    def _strikes(self, one: _Tally, arrival: Arrival) -> bool:
        when = one.fault.when
        if when.endpoint not in ("", arrival.endpoint) or (when.predicate is not None and not when.predicate(arrival)):
            return False
        one.met += 1
        if when.nth and one.met not in when.nth:
            return False
        if when.times is not None and one.struck >= when.times:
            return False
        if when.probability < 1 and self._random.random() >= when.probability:
            return False
        one.struck += 1
        return True


@attrs.define
class _Tally:
    fault: Fault
    met: int = 0
    """How many requests met its conditions."""
    struck: int = 0
    """How many of them it has struck."""
