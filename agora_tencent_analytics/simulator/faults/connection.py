"""Faults of the connection: resets, crashes, and answers that are late, slow, cut or of the wrong length.

Holds values. The waiting and the cutting is done by `simulator/http/server.py` over sockets, and by
`simulator/http/vendor.py` without.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.simulator.faults.book import Fault, Span


@attrs.frozen(kw_only=True)
class Reset(Fault):
    """The connection is reset instead of an answer."""

    counted: bool = True
    """True if the request has taken its place in the counters before."""


@attrs.frozen(kw_only=True)
class Crash(Fault):
    """The server dies with every connection it has, and listens again on the same port later.

    While it is down, connections are refused and nothing arrives.
    """

    down_s: float = attrs.field(validator=attrs.validators.gt(0))
    """Seconds until it listens again; `math.inf` for never."""
    counted: bool = True
    """True if the request has taken its place in the counters before."""


@attrs.frozen(kw_only=True)
class Stall(Fault):
    """The answer stops for a while, before its headers or in the middle of its body."""

    seconds: float
    """For how long."""
    in_body: bool = False
    """True for the middle of the body, False for before the headers."""


@attrs.frozen(kw_only=True)
class Drip(Fault):
    """The body comes in small pieces, with a pause before each."""

    size: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    """Bytes in a piece."""
    every_s: float = 0.01
    """Length of a pause, seconds."""


@attrs.frozen(kw_only=True)
class Truncate(Fault):
    """The connection ends before the body does."""

    keep: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.lt(1)])
    """The share of the body that still arrives."""


@attrs.frozen(kw_only=True)
class WrongLength(Fault):
    """`Content-Length` is not the length of the body; the connection stays open."""

    off_by: int
    """What is added to the true length: above 0 the rest never comes, below 0 more comes than is said."""


@attrs.frozen(kw_only=True)
class Delay(Fault):
    """The way takes time: constant seconds, or a random number of them between two bounds."""

    before: Span = 0.0
    """On the way to the vendor, before the request is counted."""
    after: Span = 0.0
    """On the way back."""
