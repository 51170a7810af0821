"""One request and one answer inside a simulated vendor, as values.

What a vendor reads, what it notes of it, what it sends, and how; no sockets are involved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import attrs


@attrs.frozen
class Written:
    """JSON as text: points would cost more than all the rest of an answer if they were made into values first.

    Args:
        text: one whole value. A lone surrogate from U+DC80 to U+DCFF stands for a byte that is not UTF-8.
    """

    text: str


def write(members: Mapping[str, object]) -> bytes:
    """An object with these members, each a value or a `Written`."""
    whole = f"{{{','.join(f'{_text(name)}:{_text(value)}' for name, value in members.items())}}}"
    return whole.encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    return value.text if isinstance(value, Written) else json.dumps(value, separators=(",", ":"))


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

    @property
    def object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None if it is not one."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def read_ask(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Ask:
    """A request from an address (whole or from its path on) and headers in any case."""
    whole = not url.startswith("/")
    parts = urlsplit(url if whole else f"//host{url}")  # a path may begin with two slashes
    lower = {name.lower(): value for name, value in headers.items()}
    if whole and parts.netloc:
        lower.setdefault("host", parts.netloc)
    return Ask(method=method.upper(), path=parts.path or "/", query=parts.query, headers=lower, body=body)


@attrs.define(kw_only=True, eq=False)
class Arrival:
    """One request that reached a simulated vendor; completed when it is answered.

    No credential, signature or header is kept in it.
    """

    endpoint: str
    """Path (`"call/lists"`) or action (`"DescribeRoomInfo"`), `"?"` if it asks for neither."""
    at: float
    """When it was counted, the vendor's clock, epoch seconds."""
    monotonic: float
    """The same moment on the clock that never jumps, seconds."""
    facts: Mapping[str, Any]
    """What was asked: the query or the payload as it was read."""
    counted: bool = False
    """True if it took a place in the vendor's counters."""
    refused: bool = False
    """True if it was refused because a limit on requests was reached."""
    status: int = 0
    """HTTP status of the answer, 0 while there is none and if the connection was reset."""
    code: str = ""
    """The vendor's code in the body as text, `""` if it has none."""
    faults: tuple[str, ...] = ()
    """Names of the faults that struck it."""
    slips: tuple[str, ...] = ()
    """Names of the slips that the answer has because the world is impolite; those of its rows are not among them."""


class Refused(Exception):
    """The vendor refuses: its code, its message, the HTTP status."""

    def __init__(
        self, code: int | str, message: str, *, status: int = 200, body: Any = None, fault: object = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.body = body
        """What is sent instead of the vendor's envelope, or None for the envelope."""
        self.fault = fault
        """The fault that refuses, or None if the vendor does."""


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
    piece: int = 0
    """How many bytes of the body are sent at a time; 0 for all."""
    pause_s: float = 0.0
    """Seconds to wait before each piece of the body."""
    cut_at: int | None = None
    """After how many bytes of the body the connection ends, or None."""
    length: int | None = None
    """What `Content-Length` says, or None for the truth."""
    down_s: float = 0.0
    """For how many seconds the server listens no more; 0 if it goes on."""

    @property
    def stated_length(self) -> int:
        """What `Content-Length` says."""
        return len(self.body) if self.length is None else self.length

    @property
    def plain(self) -> bool:
        """True if the whole body is sent at once and as long as it is said to be."""
        return self.cut_at is None and self.length is None and not (self.stall_body_s or self.pause_s)

    def pieces(self) -> Iterator[tuple[float, bytes]]:
        """The body as it is sent: seconds to wait, and what comes then. A body of nothing has no pieces."""
        end = len(self.body[: self.cut_at])
        size, middle = self.piece or end, end // 2
        starts = sorted({*range(0, end, size), middle}) if end else []
        for start, beyond in pairwise([*starts, end]):
            stall = self.stall_body_s if start == middle else 0.0
            yield stall + (0.0 if start % size else self.pause_s), self.body[start:beyond]
