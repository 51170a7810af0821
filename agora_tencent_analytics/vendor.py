"""`Vendor`: the few ways in which vendors differ, and what they have in common on the wire.

A vendor says how a request is built, authenticated and judged, and how an answer is decoded. All of it
is pure: instants and credentials are arguments, nothing waits. `Vendor` has the ordinary way for each
where there is one, so a plain REST vendor overrides `authenticate` and `unwrap` and little else.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from operator import attrgetter
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

import attrs
import msgspec

from agora_tencent_analytics.decoding.bulk import TooMuch
from agora_tencent_analytics.decoding.flaws import MISREAD, NO_FLAWS, Flaws
from agora_tencent_analytics.decoding.rawjson import read as read_json
from agora_tencent_analytics.decoding.rows import Structure
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput, RateLimited, Refusal, UnreadableReply, VendorFault
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.models.calls import Session
from agora_tencent_analytics.timerange import TimeRange

__all__ = ["Asked", "Reply", "Vendor", "check_base_url"]

T = TypeVar("T")
_EXCERPT = 120
_BRIEF = 300
_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_LOOPBACK_6 = IPv6Address("::1")
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


@attrs.frozen(kw_only=True)
class Asked:
    """What was asked: the context in which an answer is decoded."""

    window: TimeRange
    """The window that was asked for."""
    params: Mapping[str, Any]
    """The row's parameters, as checked."""
    flaws: Flaws = attrs.field(factory=Flaws, eq=False, repr=False)
    """Is told, while the answer is decoded, what of it cannot be read."""


@attrs.frozen(kw_only=True)
class Reply(Generic[T]):
    """One decoded answer."""

    items: Sequence[T]
    """The rows as records."""
    sessions: Sequence[Session] = ()
    """Sessions that stand beside the rows: whom an answer with series is about, where the vendor says so."""
    ids: Sequence[str] = ()
    """Ids of the rows that the vendor counts on a page, in order. Where the row has a `key`: one for each item, or none
    to have them made from it."""
    total: int | None = None
    """The vendor's total."""
    has_more: bool | None = None
    """The vendor's word on whether more exists."""
    is_last: bool = False
    """True if the answer proves that no page can follow."""
    request_id: str = ""
    """The vendor's id of the request."""
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    """Unknown fields beside the rows."""
    warning: str = ""
    """What the vendor says against the question itself: that it is about to go away."""
    flaws: Flaws = attrs.field(default=NO_FLAWS, repr=False)
    """What of the answer could not be read. Its lost rows count on the page as others do."""


class Vendor(ABC):
    """How one vendor is spoken to. Stateless: one object serves any number of providers."""

    name: str
    """What stands in records and errors."""
    structure: Structure
    """How this vendor's rows become records."""

    def request(self, row: Endpoint[Any], base_url: str, wire: Mapping[str, Any]) -> Request:
        """The unsigned request: parameters in the query of a GET, as a JSON object in the body of a POST."""
        url = base_url.rstrip("/") + row.path
        if row.method == "GET":
            headers = {"Accept": "application/json"}
            return Request(method="GET", url=f"{url}?{_query(wire)}", headers=headers, endpoint=row.name)
        if row.app_in_query:
            url += "?" + _query({row.app.name: wire[row.app.name]})
            wire = {name: value for name, value in wire.items() if name != row.app.name}
        return Request(
            method="POST",
            url=url,
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            body=msgspec.json.encode(wire),
            endpoint=row.name,
        )

    @abstractmethod
    def authenticate(self, request: Request, row: Endpoint[Any], credentials: Any, *, now: float) -> Request:
        """A copy of the request that the vendor will accept at `now` (vendor epoch seconds)."""

    @abstractmethod
    def unwrap(self, row: Endpoint[Any], response: Response) -> Any:
        """The body of a good answer, parsed.

        Raises:
            Refusal: the vendor said no, judged from status and body.
            UnreadableReply: the body is not an answer.
        """

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        """The rows of a good answer as records: `body[row.payload]`, structured into `row.model`.

        An answer of which this fails is decoded once more, from a fresh body and `asked.flaws.by_row`: what goes
        through `read_rows` then costs itself alone.

        Raises:
            ValueError, TypeError, KeyError: the rows are not what the row describes.
        """

        def read(rows: Sequence[Any]) -> list[Any]:
            return self.structure.rows(rows, row.model, odd=asked.flaws.odd, vendor=self.name)

        items = read_rows(row, payload_of(row, body), asked, read)
        return Reply(items=items, ids=row_ids(row, items))


def payload_of(row: Endpoint[Any], body: Mapping[str, Any]) -> Any:
    """What an answer has in the place of its rows; an empty list for null.

    Raises:
        ValueError: that place is missing. An answer without it may be about anything.
    """
    if row.payload not in body:
        raise ValueError(f"no {row.payload!r} in the answer")
    found = body[row.payload]
    return [] if found is None else found


def read_rows(row: Endpoint[Any], rows: Any, asked: Asked, read: Callable[[Sequence[Any]], list[T]]) -> list[T]:
    """The records of an answer's rows. Where that fails, those of the rows that can be read; see `Flaws.each`.

    Args:
        row: what was asked.
        rows: as the vendor sent them. They are taken over.
        asked: is told which could not be read.
        read: makes records of rows.
    """

    def read_one(rows: Sequence[Any]) -> list[T]:
        items = read(rows)
        row_ids(row, items)
        return items

    return asked.flaws.each(rows, read_one if asked.flaws.by_row else read)


def decoded(
    vendor: Vendor,
    row: Endpoint[Any],
    response: Response,
    body: Any,
    asked: Asked,
    *,
    clean: Callable[[Response], Response] = lambda response: response,
) -> Reply[Any]:
    """A good answer as the walk takes it: its rows as records, each with its id, and what could not be read.

    Args:
        vendor: whose answer it is.
        row: what was asked.
        response: the answer.
        body: what `Vendor.unwrap` made of it. It is taken over.
        asked: the question.
        clean: strikes the secrets out of an answer, before anything of it is quoted.

    Raises:
        UnreadableReply: the answer is not what the row describes, bad rows aside.
    """
    try:
        return _decoded(vendor, row, body, Asked(window=asked.window, params=asked.params))
    except MISREAD as error:
        too_much = str(error) if isinstance(error, TooMuch) else ""
        response = clean(response)
    if too_much:
        raise unreadable(row, response, too_much, too_large=True)
    # Not inside the handler: what is raised here must not lead back to frames that hold the answer as it came.
    body = vendor.unwrap(row, response)
    try:
        return _decoded(vendor, row, body, Asked(window=asked.window, params=asked.params, flaws=Flaws(by_row=True)))
    except MISREAD as error:
        raise unreadable(row, response, f"{type(error).__name__}: {error}", in_rows=True) from None


def _decoded(vendor: Vendor, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
    reply = identified(row, vendor.decode(row, body, asked))
    return attrs.evolve(reply, flaws=asked.flaws) if asked.flaws else reply


def row_ids(row: Endpoint[Any], items: Sequence[Any]) -> list[str]:
    """The identity of each record, from the attributes that the row names; none where it names none.

    Raises:
        ValueError: a record has no identity, and would be taken for any other that has none.
    """
    if not row.key:
        return []
    found = map(attrgetter(*row.key), items)
    ids = list(map(str, found)) if len(row.key) == 1 else ["\x00".join(map(str, parts)) for parts in found]
    if "" in ids:
        raise ValueError(f"a row with an empty {row.key[0]}")
    return ids


def identified(row: Endpoint[Any], reply: Reply[Any]) -> Reply[Any]:
    """The reply with an id for each of its items, if the row says what tells them apart.

    Raises:
        ValueError: it has another number of ids than of items; or a record has no identity.
    """
    if not row.key or len(reply.ids) == len(reply.items):
        return reply
    if reply.ids:
        raise ValueError(
            f"Vendor.decode gave {len(reply.ids)} ids for {len(reply.items)} items; give one for each, or none to have "
            "them made from the key of the row"
        )
    return attrs.evolve(reply, ids=row_ids(row, reply.items))


def _query(wire: Mapping[str, Any]) -> str:
    pairs = []
    for name, value in wire.items():
        text = value if isinstance(value, str) else _text(value)
        # Names, numbers and most ids are sent as they are; to find that out by `quote` takes ten times as long.
        pairs.append(f"{_name(name)}={text if _UNRESERVED(text) else quote(text, safe='')}")
    return "&".join(pairs)


_name = lru_cache(maxsize=256)(partial(quote, safe=""))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def parse_object(row: Endpoint[Any], response: Response) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        UnreadableReply: it is none.
    """
    body = parsed(row, response, read_json)
    if not isinstance(body, dict):
        raise unreadable(row, response, f"a JSON {type(body).__name__} where an object was due")
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
    row: Endpoint[Any],
    response: Response,
    why: str,
    *,
    request_id: str = "",
    in_rows: bool = False,
    too_large: bool = False,
) -> UnreadableReply:
    """The error for a body that cannot be read, with a printable excerpt of it; see its attributes."""
    text = response.body[:_EXCERPT].decode("utf-8", "replace")
    excerpt = "".join(char if char.isprintable() else " " for char in text)
    return UnreadableReply(
        brief(why),
        endpoint=row.name,
        status=response.status,
        excerpt=excerpt,
        request_id=request_id,
        in_rows=in_rows,
        too_large=too_large,
    )


def brief(said: str, most: int = _BRIEF) -> str:
    """What a vendor said, short enough for errors: they are logged, reported and kept, and may quote a whole body."""
    return said if len(said) <= most else f"{said[:most]}... ({len(said)} characters)"


def judge_status(
    vendor: str, row: Endpoint[Any], response: Response, *, told: Callable[[], Refusal | None] | None = None
) -> Refusal | UnreadableReply | None:
    """What a status says that is not an answer: 429 and 5xx are refusals, 3xx is unreadable; others are not judged.

    Args:
        vendor: whose answer it is.
        row: the question.
        response: the answer.
        told: the refusal that the body spells, if it spells one. If its code is known, it says more than the status.
    """
    status = response.status
    if status != 429 and not 300 <= status < 400 and status < 500:
        return None
    if 300 <= status < 400:
        return unreadable(row, response, "a redirect, which is not followed: credentials stay with their host")
    said = told() if told else None
    if said is not None and type(said) is not Refusal:
        if isinstance(said, RateLimited) and said.retry_after_s is None:
            said.retry_after_s = _retry_after(response.headers)
        return said
    facts: dict[str, Any] = {
        "vendor": vendor,
        "code": said.code if said else str(status),
        "message": (said.message if said else "") or "(no message)",
        "request_id": said.request_id if said else "",
        "endpoint": row.name,
        "status": status,
    }
    if status == 429:
        return RateLimited(per="unknown", retry_after_s=_retry_after(response.headers), **facts)
    return VendorFault(hint="the vendor failed; it was asked again as often as the retry policy allows", **facts)


def _retry_after(headers: Mapping[str, str]) -> float | None:
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


def check_base_url(base_url: Any) -> str:
    """A base URL that credentials may be sent to: HTTPS, or plain HTTP to this machine.

    Raises:
        BadInput: anything else.
    """
    bad = BadInput("base_url must look like https://host[:port], without user, query, fragment or spaces")
    if not isinstance(base_url, str) or not (base_url.isascii() and base_url.isprintable()):
        raise bad
    # A bare "?" or "#" leaves no trace in the parts, yet would swallow the path; a backslash is a slash to some.
    if any(sign in base_url for sign in ' ?#@\\"<>^`{|}'):
        raise bad
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise bad from None
    if not host or not (_HOST_NAME.fullmatch(host) or _address(host)):
        raise bad
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(host)):
        raise BadInput(f"base_url must use https (plain http goes to this machine only), not {parts.scheme}://{host}")
    return base_url.rstrip("/")


def _is_local(host: str) -> bool:
    """127.0.0.0/8, ::1 and the name `localhost`, however the Python at hand widens what it calls loopback."""
    address = _address(host)
    if isinstance(address, IPv4Address):
        return address.is_loopback
    return host == "localhost" if address is None else address == _LOOPBACK_6


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
