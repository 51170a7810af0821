"""What crosses the wire, as values: `Request` and `Response`.

Holds bytes and header pairs; knows no vendor and no socket. Neither value shows a secret in its repr:
header values and query values are named, not printed.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["Request", "Response"]


@attrs.frozen(kw_only=True, repr=False)
class Request:
    """One HTTP request, ready to send byte for byte."""

    method: str
    """`"GET"` or `"POST"`."""
    url: str
    """Already percent-encoded; the transport must not quote it again."""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    """Header values by name. Authentication adds its own to a copy, anew for each attempt."""
    body: bytes = b""
    """The exact bytes to send; what a signature covers."""
    endpoint: str = ""
    """Name of the endpoint, for messages."""

    def with_headers(self, extra: Mapping[str, str]) -> Request:
        """A copy with these headers added or replaced."""
        return attrs.evolve(self, headers={**self.headers, **extra})

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.headers))
        return f"<Request {self.method} {self.url.partition('?')[0]} headers=[{names}] body={len(self.body)} bytes>"


@attrs.frozen(kw_only=True, repr=False)
class Response:
    """One HTTP answer, read to its end."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Header values by lower-case name; of a repeated header the last."""
    body: bytes
    """The body after content decoding."""

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.headers.get('content-type', '?')} {len(self.body)} bytes>"
