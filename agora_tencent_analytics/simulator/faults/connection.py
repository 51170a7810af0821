"""Faults of the connection: resets, crashes, and answers that are late, slow, cut or of the wrong length.

Each is a value that knows what it makes of an answer. The waiting and the cutting is done by
`simulator/http/server.py` over sockets, and by `simulator/http/vendor.py` without.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.simulator.faults.book import Ending, Fault, Span
from agora_tencent_analytics.simulator.http.exchange import Ask, Reply


@attrs.frozen(kw_only=True)
class Reset(Ending):
    """The connection is reset instead of an answer."""

    def reply(self, ask: Ask) -> Reply:
        """See `Ending.reply`."""
        return Reply(status=0)


@attrs.frozen(kw_only=True)
class Crash(Ending):
    """The server dies with every connection it has, and listens again on the same port later.

    While it is down, connections are refused and nothing arrives.
    """

    down_s: float = attrs.field(validator=attrs.validators.gt(0))
    """Seconds until it listens again; `math.inf` for never."""

    def reply(self, ask: Ask) -> Reply:
        """See `Ending.reply`."""
        return Reply(status=0, down_s=self.down_s)


@attrs.frozen(kw_only=True)
class Stall(Fault):
    """The answer stops for a while, before its headers or in the middle of its body."""

    seconds: float
    """For how long."""
    in_body: bool = False
    """True for the middle of the body, False for before the headers."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        if self.in_body:
            return attrs.evolve(reply, stall_body_s=reply.stall_body_s + self.seconds)
        return attrs.evolve(reply, stall_head_s=reply.stall_head_s + self.seconds)


@attrs.frozen(kw_only=True)
class Drip(Fault):
    """The body comes in small pieces, with a pause before each."""

    size: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    """Bytes in a piece."""
    every_s: float = 0.01
    """Length of a pause, seconds."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return attrs.evolve(reply, piece=self.size, pause_s=self.every_s)


@attrs.frozen(kw_only=True)
class Truncate(Fault):
    """The connection ends before the body does."""

    keep: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.lt(1)])
    """The share of the body that still arrives."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return attrs.evolve(reply, cut_at=int(len(reply.body) * self.keep))


@attrs.frozen(kw_only=True)
class WrongLength(Fault):
    """`Content-Length` is not the length of the body; the connection stays open."""

    off_by: int
    """What is added to the true length: above 0 the rest never comes, below 0 more comes than is said."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return attrs.evolve(reply, length=max(0, len(reply.body) + self.off_by))


@attrs.frozen(kw_only=True)
class Delay(Fault):
    """The way takes time: constant seconds, or a random number of them between two bounds."""

    before: Span = 0.0
    """On the way to the vendor, before the request is counted."""
    after: Span = 0.0
    """On the way back."""
