"""Faults of the answer: refusals, failures, bodies that are not answers, and headers that are not true.

Holds values. What they make of an answer is written in `apply.py`, where they end a request in
`simulator/http/vendor.py`.
"""

from __future__ import annotations

import attrs

from agora_tencent_analytics.simulator.faults.book import ALWAYS, Fault, When

_HTML = "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"


@attrs.frozen(kw_only=True)
class Refuse(Fault):
    """The vendor says no, in its own envelope."""

    code: int | str
    """The vendor's code: a number for Agora, a name for Tencent."""
    message: str = ""
    """The vendor's message."""
    status: int = 200
    """HTTP status."""
    counted: bool = True
    """True if the request has taken its place in the counters before."""


@attrs.frozen(kw_only=True)
class Fail(Fault):
    """A gateway in front of the vendor answers with an HTTP error and a page of HTML."""

    status: int = 502
    """HTTP status."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers, `Retry-After` for example."""
    title: str = "502 Bad Gateway"
    """What the page says."""
    counted: bool = True
    """True if the request has taken its place in the counters before."""
    echo: bool = False
    """True if the page repeats the headers of the request, its credentials among them."""

    @property
    def body(self) -> bytes:
        """The page, without what it repeats."""
        return _HTML.format(title=self.title).encode()


@attrs.frozen(kw_only=True)
class AnswerHtml(Fault):
    """Something between answers HTTP 200 with a page of HTML: a login page, a proxy's apology."""

    title: str = "Please sign in"
    """What the page says."""

    @property
    def body(self) -> bytes:
        """The page."""
        return _HTML.format(title=self.title).encode()


@attrs.frozen(kw_only=True)
class AnswerJson(Fault):
    """HTTP 200 with JSON that is not what was asked for: a list where an object is due, or far too deep."""

    text: str
    """The whole body."""


@attrs.frozen(kw_only=True)
class Garble(Fault):
    """Every field of one name comes with another value."""

    field: str
    """The name."""
    value: str
    """JSON as text, also what is not quite JSON: `NaN`."""


@attrs.frozen(kw_only=True)
class Compress(Fault):
    """The body comes compressed with gzip, and says so."""

    padding: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    """So many spaces follow the body before it is compressed: with hundreds of millions of them it is a bomb."""
    keep: float = attrs.field(default=1.0, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    """The share of the compressed bytes that is sent; `Content-Length` counts what is sent."""
    label: str = "gzip"
    """What `Content-Encoding` calls it; `"x-gzip"` is an old name of the same."""


@attrs.frozen(kw_only=True)
class Replace(Fault):
    """Something in the body reads otherwise: a field has another name, or there is one more member."""

    text: str
    """What."""
    by: str
    """What stands there instead."""
    most: int = -1
    """In how many places, from the beginning of the body on; -1 for all."""


@attrs.frozen(kw_only=True)
class Wrap(Fault):
    """Something stands around the body."""

    before: bytes = b""
    """Bytes before it, a byte order mark for example."""
    after: bytes = b""
    """Bytes behind it."""


@attrs.frozen(kw_only=True)
class SetHeader(Fault):
    """A header has another value, or is missing."""

    name: str
    """Its name."""
    value: str | None
    """What it says; None for no such header."""


@attrs.frozen(kw_only=True)
class Mislabel(Fault):
    """`Content-Encoding` names a coding that the body does not have."""

    encoding: str = "gzip"
    """What it says."""


@attrs.frozen(kw_only=True)
class WrongDate(Fault):
    """The `Date` header is wrong, though the vendor's clock is right."""

    seconds: float
    """How far it is ahead."""


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
