"""What crosses the wire, as values: `Request` and `Response`.

Bytes and header pairs, of no vendor and without sockets. Their reprs show by an allow list: the values of
`SHOWN_HEADERS`, and of the headers and parameters that a vendor declares (`Vendor.shown`), which identify nobody and
grant nothing. Of everything else only the name is shown, so that what a vendor adds tomorrow is hidden until somebody
has thought about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from agora_tencent_analytics.secret import REDACTED, Secret

__all__ = ["SHOWN_HEADERS", "Request", "Response"]

SHOWN_HEADERS = frozenset(
    {
        *("accept", "content-encoding", "content-length", "content-type", "date"),
        *("retry-after", "user-agent", "x-request-id"),
    }
)
"""Headers whose values may be shown, in lower case."""
_LONGEST = 80


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """One HTTP request, ready to send byte for byte."""

    method: str
    """`"GET"` or `"POST"`."""
    url: str
    """Already percent-encoded; the transport must not quote it again."""
    headers: Mapping[str, str] = {}
    """Header values by name."""
    secrets: Mapping[str, Secret[str]] = {}
    """Headers whose values are never shown. Authentication adds its own to a copy, anew for each attempt; a transport
    finds them among the others, as text."""
    body: bytes = b""
    """The exact bytes to send; what a signature covers."""
    endpoint: str = ""
    """Name of the endpoint, for messages."""
    shown: frozenset[str] = frozenset()
    """Further headers, in lower case, and parameters of the query whose values may be shown."""

    def with_headers(self, extra: Mapping[str, str | Secret[str]]) -> Request:
        """A copy with these headers added or replaced; a `Secret` stays one.

        Args:
            extra: headers by name; they replace those of the same name.
        """
        plain, hidden = dict(self.headers), dict(self.secrets)
        for name, value in extra.items():
            if isinstance(value, Secret):
                hidden[name] = value
            else:
                plain[name] = value
        return replace(self, headers=plain, secrets=hidden)

    def revealed(self) -> Request:
        """A copy with every header as text, for the transport; its repr hides the secret ones all the same."""
        headers = dict(self.headers)
        for name, value in self.secrets.items():
            headers[name] = value.reveal()
        return replace(self, headers=headers, secrets={})

    def __repr__(self) -> str:
        shown = _pairs({**self.headers, **dict.fromkeys(self.secrets, REDACTED)}, SHOWN_HEADERS | self.shown)
        return f"<Request {self.method} {_url(self.url, self.shown)} headers={shown} body={len(self.body)} bytes>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method), ("endpoint", self.endpoint)]


class Response(msgspec.Struct, kw_only=True, frozen=True):
    """One HTTP answer, read to its end."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Header values by lower-case name; of a repeated header the last."""
    body: bytes
    """The body after content decoding."""

    def __repr__(self) -> str:
        return f"<Response {self.status} headers={_pairs(self.headers)} body={len(self.body)} bytes>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("status", self.status)]


def _pairs(headers: Mapping[str, str], shown: frozenset[str] = SHOWN_HEADERS) -> str:
    said = (f"{name!r}: {_value(headers[name]) if name.lower() in shown else REDACTED}" for name in sorted(headers))
    return f"{{{', '.join(said)}}}"


def _value(value: str) -> str:
    """A value in quotes, shortened and escaped: the server chose it, and it may reach a terminal."""
    return REDACTED if value is REDACTED else repr(value[:_LONGEST])


def _url(url: str, known: frozenset[str]) -> str:
    """The address without user, fragment and what the allow list does not name; never raises."""
    address, _, query = url.partition("#")[0].partition("?")
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    said = "&".join(f"{name}={value[:_LONGEST] if name in known else REDACTED}" for name, _, value in pairs)
    shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}{'?' if said else ''}{said}"
    return repr(shown)[1:-1]
