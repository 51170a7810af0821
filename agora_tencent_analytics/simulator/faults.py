"""What can go wrong between a client and a vendor, as small values given to a simulated vendor.

Holds the faults, when they strike (`When`) and the book that decides it. Carrying them out is the server's part.
Several faults may strike one request; of those that end it the first in order does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable

import attrs

from agora_tencent_analytics.simulator.log import Arrival

__all__ = [
    "AnswerHtml",
    "Delay",
    "Drift",
    "DuplicatePage",
    "EmptyPage",
    "Fail",
    "Fault",
    "Faults",
    "Lie",
    "Refuse",
    "Reset",
    "Stall",
    "Strike",
    "Truncate",
    "When",
    "too_many_requests",
]

_HTML = "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
Span = float | tuple[float, float]


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


_ALWAYS = When()


@attrs.frozen(kw_only=True)
class Refuse:
    """The vendor says no, in its own envelope."""

    code: int | str
    """The vendor's code: a number for Agora, a name for Tencent."""
    message: str = ""
    """The vendor's message."""
    status: int = 200
    """HTTP status."""
    counted: bool = True
    """True if the request has taken its place in the counters before."""
    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class Fail:
    """A gateway in front of the vendor answers with an HTTP error and a page of HTML."""

    status: int = 502
    """HTTP status."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers, `Retry-After` for example."""
    title: str = "502 Bad Gateway"
    """What the page says."""
    counted: bool = True
    """True if the request has taken its place in the counters before."""
    when: When = _ALWAYS

    @property
    def body(self) -> bytes:
        """The page."""
        return _HTML.format(title=self.title).encode()


@attrs.frozen(kw_only=True)
class AnswerHtml:
    """Something between answers HTTP 200 with a page of HTML: a login page, a proxy's apology."""

    title: str = "Please sign in"
    """What the page says."""
    when: When = _ALWAYS

    @property
    def body(self) -> bytes:
        """The page."""
        return _HTML.format(title=self.title).encode()


@attrs.frozen(kw_only=True)
class Reset:
    """The connection is reset instead of an answer."""

    counted: bool = True
    """True if the request has taken its place in the counters before."""
    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class Stall:
    """The answer stops for a while, before its headers or in the middle of its body."""

    seconds: float
    """For how long."""
    in_body: bool = False
    """True for the middle of the body, False for before the headers."""
    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class Truncate:
    """The connection ends before the body does."""

    keep: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.lt(1)])
    """The share of the body that still arrives."""
    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class Delay:
    """The way takes time: constant seconds, or a random number of them between two bounds."""

    before: Span = 0.0
    """On the way to the vendor, before the request is counted."""
    after: Span = 0.0
    """On the way back."""
    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class Lie:
    """A listing tells a wrong total, or a wrong `has_more`."""

    total: int | None = None
    """What it says instead of the total."""
    total_off_by: int = 0
    """What it adds to the total."""
    has_more: bool | None = None
    """What it says instead (Agora only)."""
    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class EmptyPage:
    """A page of a listing arrives empty, though it has rows and others follow."""

    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class DuplicatePage:
    """A page of a listing repeats the rows of the page before it; the first page is never struck."""

    when: When = _ALWAYS


@attrs.frozen(kw_only=True)
class Drift:
    """New rows appear at the front of a listing while it is being read, and push the others back.

    Before the first listing `rows` of them are hidden; after each `every` listings one more is shown.
    """

    rows: int = 3
    """How many are hidden at first."""
    every: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    """After how many struck requests the next one appears."""
    when: When = _ALWAYS


Fault = Refuse | Fail | AnswerHtml | Reset | Stall | Truncate | Delay | Lie | EmptyPage | DuplicatePage | Drift


def too_many_requests(retry_after_s: int, *, when: When = _ALWAYS) -> Fail:
    """HTTP 429 with `Retry-After`, as gateways answer it; not counted by the vendor."""
    headers = (("Retry-After", str(retry_after_s)),)
    return Fail(status=429, headers=headers, title="429 Too Many Requests", counted=False, when=when)


@attrs.frozen
class Strike:
    """A fault that strikes a request."""

    fault: Fault
    """The fault."""
    count: int
    """How many requests it has struck before this one."""


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
