"""One request and one answer inside a simulated vendor, as values.

Holds what a vendor reads and what it sends, with the manner of sending. Knows no socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

__all__ = ["Ask", "Refused", "Reply", "read_ask"]


@attrs.frozen(kw_only=True)
class Ask:
    """One request as it arrived."""

    method: str
    """HTTP method."""
    path: str
    """Path of the address, still quoted."""
    query: str
    """Query of the address, still quoted, without the question mark."""
    headers: Mapping[str, str]
    """Values by lower-case name."""
    body: bytes
    """The exact bytes."""


def read_ask(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Ask:
    """A request from an address (whole or from its path on) and headers in any case."""
    parts = urlsplit(url)
    lower = {name.lower(): value for name, value in headers.items()}
    if parts.netloc:
        lower.setdefault("host", parts.netloc)
    return Ask(method=method.upper(), path=parts.path or "/", query=parts.query, headers=lower, body=body)


class Refused(Exception):
    """The vendor refuses: its code, its message, the HTTP status."""

    def __init__(self, code: int | str, message: str, *, status: int = 200, body: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.body = body
        """What is sent instead of the vendor's envelope, or None for the envelope."""


@attrs.frozen(kw_only=True)
class Reply:
    """One answer and the manner in which it is sent."""

    status: int = 200
    """HTTP status; 0 if the connection is reset instead."""
    code: str = ""
    """The vendor's code, for the log."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Headers by name."""
    body: bytes = b""
    """The whole body."""
    stall_head_s: float = 0.0
    """Seconds to wait before the headers."""
    stall_body_s: float = 0.0
    """Seconds to wait in the middle of the body."""
    cut_at: int | None = None
    """After how many bytes of the body the connection ends, or None."""
