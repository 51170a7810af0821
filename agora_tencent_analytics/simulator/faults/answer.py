"""Faults of the answer: refusals, failures, bodies that are not answers, and headers that are not true.

Each is a value that knows what it makes of an answer, or what is sent instead of one.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from email.utils import formatdate

import attrs

from agora_tencent_analytics.simulator.faults.book import ALWAYS, Ending, Fault, When
from agora_tencent_analytics.simulator.http.exchange import Ask, Refused, Reply

_HTML = "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
_GZIP = 31
_PIECE = 1 << 20


@attrs.frozen(kw_only=True)
class Refuse(Ending):
    """The vendor says no, in its own envelope."""

    code: int | str
    """The vendor's code: a number for Agora, a name for Tencent."""
    message: str = ""
    """The vendor's message."""
    status: int = 200
    """HTTP status."""

    def reply(self, ask: Ask) -> Reply:
        """See `Ending.reply`."""
        raise Refused(self.code, self.message, status=self.status, fault=self)


@attrs.frozen(kw_only=True)
class Fail(Ending):
    """A gateway in front of the vendor answers with an HTTP error and a page of HTML."""

    status: int = 502
    """HTTP status."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers, `Retry-After` for example."""
    title: str = "502 Bad Gateway"
    """What the page says."""
    echo: bool = False
    """True if the page repeats the headers of the request, its credentials among them."""

    def reply(self, ask: Ask) -> Reply:
        """See `Ending.reply`."""
        page = _HTML.format(title=self.title)
        if self.echo:
            page += f"<pre>{''.join(f'{name}: {value}{chr(10)}' for name, value in ask.headers.items())}</pre>"
        return Reply(status=self.status, headers=dict(self.headers), body=page.encode())


@attrs.frozen(kw_only=True)
class AnswerHtml(Fail):
    """Something between answers HTTP 200 with a page of HTML: a login page, a proxy's apology."""

    status: int = 200
    title: str = "Please sign in"


@attrs.frozen(kw_only=True)
class AnswerJson(Ending):
    """HTTP 200 with JSON that is not what was asked for: a list where an object is due, or far too deep."""

    text: str
    """The whole body."""

    def reply(self, ask: Ask) -> Reply:
        """See `Ending.reply`."""
        return Reply(headers={"Content-Type": "application/json"}, body=self.text.encode())


@attrs.frozen(kw_only=True)
class Garble(Fault):
    """Every field of one name comes with another value."""

    field: str
    """The name."""
    value: str
    """JSON as text, also what is not quite JSON: `NaN`."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return attrs.evolve(reply, body=_garble(reply.body, self.field, self.value))


@attrs.frozen(kw_only=True)
class Compress(Fault):
    """The body comes compressed with gzip, and says so."""

    padding: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    """So many spaces follow the body before it is compressed: with hundreds of millions of them it is a bomb."""
    keep: float = attrs.field(default=1.0, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    """The share of the compressed bytes that is sent; `Content-Length` counts what is sent."""
    label: str = "gzip"
    """What `Content-Encoding` calls it; `"x-gzip"` is an old name of the same."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return _headed(attrs.evolve(reply, body=_compress(reply.body, self)), "Content-Encoding", self.label)


@attrs.frozen(kw_only=True)
class Replace(Fault):
    """Something in the body reads otherwise: a field has another name, or there is one more member."""

    text: str
    """What."""
    by: str
    """What stands there instead."""
    most: int = -1
    """In how many places, from the beginning of the body on; -1 for all."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return attrs.evolve(reply, body=reply.body.replace(self.text.encode(), self.by.encode(), self.most))


@attrs.frozen(kw_only=True)
class Wrap(Fault):
    """Something stands around the body."""

    before: bytes = b""
    """Bytes before it, a byte order mark for example."""
    after: bytes = b""
    """Bytes behind it."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return attrs.evolve(reply, body=self.before + reply.body + self.after)


@attrs.frozen(kw_only=True)
class SetHeader(Fault):
    """A header has another value, or is missing."""

    name: str
    """Its name."""
    value: str | None
    """What it says; None for no such header."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return _headed(reply, self.name, self.value)


@attrs.frozen(kw_only=True)
class WrongDate(Fault):
    """The `Date` header is wrong, though the vendor's clock is right."""

    seconds: float
    """How far it is ahead."""

    def spoil(self, reply: Reply, now: float) -> Reply:
        """See `Fault.spoil`."""
        return _headed(reply, "Date", formatdate(now + self.seconds, usegmt=True))


@attrs.frozen(kw_only=True)
class ExpireToken(Fault):
    """The STS token that was good so far is good no more, from this request on (Tencent only).

    The server's `credentials` hold the next one.
    """


def too_many_requests(retry_after_s: int | str | None, *, when: When = ALWAYS) -> Fail:
    """HTTP 429, as gateways answer it; not counted by the vendor.

    Args:
        retry_after_s: what `Retry-After` says: seconds, or any text (an HTTP date, nonsense); None for no such header.
        when: which requests.
    """
    headers = () if retry_after_s is None else (("Retry-After", str(retry_after_s)),)
    return Fail(status=429, headers=headers, title="429 Too Many Requests", counted=False, when=when)


def moved_to(url: str, *, status: int = 301, when: When = ALWAYS) -> Fail:
    """A redirect to another address; not counted by the vendor.

    Args:
        status: HTTP status.
        url: where to.
        when: when it happens.
    """
    return Fail(status=status, headers=(("Location", url),), title=f"{status} Moved", counted=False, when=when)


_STAGES: tuple[type, ...] = (Garble, Replace, Wrap, Compress)
"""Whatever the order in which faults were given: a body is garbled before it is compressed, and cut at last."""


def spoil(reply: Reply, faults: Iterable[Fault], *, now: float) -> Reply:
    """The answer as it is sent.

    Args:
        reply: the answer.
        faults: those that strike its request.
        now: the vendor's clock, epoch seconds.
    """
    for fault in sorted(faults, key=_stage):
        reply = fault.spoil(reply, now)
    return reply


def _stage(fault: Fault) -> int:
    return _STAGES.index(type(fault)) if isinstance(fault, _STAGES) else len(_STAGES)


def _headed(reply: Reply, name: str, value: str | None) -> Reply:
    others = {known: said for known, said in reply.headers.items() if known != name}
    return attrs.evolve(reply, headers=others if value is None else {**others, name: value})


def _garble(body: bytes, field: str, value: str) -> bytes:
    text, read = body.decode("utf-8", "surrogateescape"), json.JSONDecoder().raw_decode
    found, place = list[str](), 0
    for name in re.finditer(rf'"{re.escape(field)}"\s*:\s*', text):
        if name.start() < place:
            continue  # inside a value that is replaced already
        try:
            _, end = read(text, name.end())
        except (ValueError, RecursionError):
            continue  # garbled before, and no JSON any more
        found += [text[place : name.end()], value]
        place = end
    return "".join([*found, text[place:]]).encode("utf-8", "surrogateescape")


def _compress(body: bytes, how: Compress) -> bytes:
    gzip = zlib.compressobj(level=1, wbits=_GZIP)
    # Piece by piece: what bursts the client's memory must not burst the server's.
    padded = [gzip.compress(body)]
    padded += [gzip.compress(b" " * min(_PIECE, how.padding - done)) for done in range(0, how.padding, _PIECE)]
    whole = b"".join([*padded, gzip.flush()])
    return whole[: int(len(whole) * how.keep)]
