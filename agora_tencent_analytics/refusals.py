"""What an answer without data means: a refusal, by its code or its status, or a body that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from agora_tencent_analytics.decoding.bulk import TooMuch
from agora_tencent_analytics.decoding.rawjson import read as read_json
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import (
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    Refusal,
    UnreadableReply,
    VendorFault,
)
from agora_tencent_analytics.message import Response

T = TypeVar("T")
_EXCERPT = 120
_BRIEF = 300
Made = type[Refusal] | tuple[type[Refusal], Mapping[str, Any]]
"""Which refusal a code or a status is, and what else is known of it: `(RateLimited, {"per": "day"})`."""
BY_STATUS: Mapping[int | str, Made] = {
    400: InvalidRequest,
    401: (NotAuthenticated, {"hint": "check the credentials"}),
    403: NotPermitted,
    404: NotFound,
    422: InvalidRequest,
}
"""What statuses mean, and codes that are spelt like them, unless a vendor says otherwise; see `of_status` too."""


def make(made: Made, **facts: Any) -> Refusal:
    """The refusal that an entry of the table stands for.

    Args:
        made: the entry.
        facts: what else is known of it.
    """
    kind, more = made if isinstance(made, tuple) else (made, {})
    return kind(**facts, **more)


def parse_object(row: Endpoint[Any], response: Response) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        UnreadableReply: it is not one.
    """
    body = parsed(row, response, read_json)
    if not isinstance(body, dict):
        raise unreadable(row, response, f"a JSON {type(body).__name__} where an object was expected")
    return body


def parsed(row: Endpoint[Any], response: Response, read: Callable[[bytes], T]) -> T:
    """What `read` makes of the body.

    Raises:
        UnreadableReply: it raised `ValueError`.
    """
    try:
        return read(response.body)
    except ValueError as error:
        why, too_large = str(error), isinstance(error, TooMuch)
    # Not inside the handler: the error must not lead back to frames that hold the body, and what it may repeat.
    raise unreadable(row, response, why, too_large=too_large)


def unreadable(
    row: Endpoint[Any], response: Response, why: str, *, request_id: str = "", **facts: bool
) -> UnreadableReply:
    """The error for a body that cannot be read, with a printable excerpt of it; see its attributes."""
    text = response.body[:_EXCERPT].decode("utf-8", "replace")
    excerpt = "".join(char if char.isprintable() else " " for char in text)
    return UnreadableReply(
        brief(why), endpoint=row.name, status=response.status, excerpt=excerpt, request_id=request_id, **facts
    )


def brief(said: str, most: int = _BRIEF) -> str:
    """What a vendor said, short enough for errors, which are logged, reported and kept."""
    return said if len(said) <= most else f"{said[:most]}... ({len(said)} characters)"


def of_status(status: int) -> Made:
    """Which refusal a status is, where no code says more."""
    if status == 429:
        return RateLimited, {"per": "unknown"}
    if status >= 500:
        return VendorFault, {"hint": "the vendor failed; it was asked again as often as the retry policy allows"}
    return BY_STATUS.get(status, Refusal)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After`, whether it is a number or a date (against the answer's own `Date`)."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        until = parsedate_to_datetime(value)
        since = parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    aware = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (until, since)]
    return max(0.0, (aware[0] - aware[1]).total_seconds())
