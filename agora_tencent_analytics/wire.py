"""`Vendor`: the few ways in which vendors differ, and what they have in common on the wire.

A vendor says how a request is built, authenticated and judged, and how an answer is decoded. All of it
is pure: instants and credentials are arguments, nothing waits. `Vendor` has the ordinary way for each
where there is one, so a plain REST vendor overrides `authenticate` and `unwrap` and little else.
"""

from __future__ import annotations

import re
from abc import ABC
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec
from msgspec.structs import replace

from agora_tencent_analytics.decoding.bulk import TooMuch
from agora_tencent_analytics.decoding.flaws import MISREAD, NO_FLAWS, Flaws
from agora_tencent_analytics.decoding.rawjson import number, shallow, text
from agora_tencent_analytics.decoding.rawjson import read as read_json
from agora_tencent_analytics.decoding.rows import Structure, UsualPage, UsualPages, says_no
from agora_tencent_analytics.decoding.series import Points, join_series, read_series, row_names
from agora_tencent_analytics.decoding.unread import SeriesReader
from agora_tencent_analytics.endpoint import IN_PATH, Endpoint, NextPage, Unpaged, spell
from agora_tencent_analytics.errors import BadInput, RateLimited, Refusal, UnreadableReply, counted
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.refusals import (
    Made,
    brief,
    make,
    of_status,
    parse_object,
    parsed,
    retry_after,
    unreadable,
)
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.timerange import TimeRange

__all__ = ["Asked", "Reply", "Vendor"]

T = TypeVar("T")
_NEXT_LINK = re.compile(r"<([^<>]*)>[^<>]*;\s*rel=\"?(?:[^\"<>;]*\s)?next(?![\w-])", re.IGNORECASE).search
_SCHEMES = {"bearer": ("Authorization", "Bearer "), "basic": ("Authorization", "Basic ")}
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~=&-]*").fullmatch


class Asked(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked: the context in which an answer is decoded."""

    window: TimeRange
    """The window that was asked for."""
    params: Mapping[str, Any]
    """The row's parameters, as checked."""
    flaws: Flaws = msgspec.field(default_factory=Flaws)
    """Is told, while the answer is decoded, what of it cannot be read."""


class Reply(msgspec.Struct, Generic[T], kw_only=True, frozen=True):
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
    next: str = ""
    """The token for the next page, or the link to it; see `NextPage`."""
    request_id: str = ""
    """The vendor's id of the request."""
    extra: Mapping[str, Any] = {}
    """Unknown fields beside the rows."""
    warning: str = ""
    """What the vendor says against the question itself: that it is about to go away."""
    flaws: Flaws = msgspec.field(default_factory=lambda: NO_FLAWS)
    """What of the answer could not be read. Its lost rows count on the page as others do."""


class Vendor(ABC):
    """How one vendor is spoken to. Stateless: one object serves any number of providers.

    A plain REST vendor says a few names; each method may be replaced where the vendor has another way.
    """

    name: str
    """What stands in records and errors: lower-case letters, digits and hyphens."""
    structure: Structure
    """How this vendor's rows become records."""
    authentication: str = ""
    """How requests carry the credentials: `"bearer"`; `"basic"`, of which the credentials are a pair; or else the name
    of the header that holds them."""
    codes: ClassVar[Mapping[int | str, Made]] = {}
    """Which refusal each code of the vendor's is, or each HTTP status; the usual statuses are known. A code goes before
    its status, and one that is unknown is a plain `Refusal`."""
    code_key: str = "code"
    """Key of the code in an answer, with dots to reach inside. An answer of status 200 with a code that is not in
    `good_codes` is a refusal."""
    good_codes: ClassVar[Collection[int | str]] = (0, 200, "0", "200", "ok", "OK", "success")
    """Codes of good answers; an answer without a code is good too."""
    message_key: str = "message"
    """Key of the vendor's words to a code."""
    request_id_key: str = ""
    """Key of the vendor's id of the request."""
    shown: ClassVar[frozenset[str]] = frozenset()
    """Headers (in lower case) and parameters of a query whose values logs may show, such as times and pages. Of any
    other the name alone is shown; what names an app, a channel, a call or a user does not belong here."""

    _good_statuses: ClassVar[Collection[int]] = range(200, 300)
    _within: ClassVar[str] = ""  # key of what all of an answer stands in
    _usual: ClassVar[UsualPages | None] = None  # reads pages of the usual shape
    _series: ClassVar[SeriesReader | None] = None  # reads answers of series whose points stay text

    def request(self, row: Endpoint[Any], base_url: str, wire: Mapping[str, Any]) -> Request:
        """The unsigned request: parameters in the query of a GET, as a JSON object in the body of a POST.

        Args:
            row: the question.
            base_url: the host.
            wire: parameters as they are spelt.
        """
        path = row.path
        if "{" in path:
            placed = IN_PATH.findall(path)
            path = IN_PATH.sub(lambda name: quote(_text(wire[name[1]]), safe=""), path)
            if not {".", ".."}.isdisjoint(path.split("/")):
                raise BadInput(f"{row.name} has an app in its path that would change it: '.' or '..'")
            wire = {name: value for name, value in wire.items() if name not in placed}
        headers, query, body = {"Accept": "application/json"}, wire, b""
        if row.method == "POST":
            headers["Content-Type"] = "application/json"
            query = {row.app.name: wire[row.app.name]} if row.app_in_query else {}
            body = msgspec.json.encode({name: wire[name] for name in wire if name not in query} if query else wire)
        url = f"{base_url.rstrip('/')}{path}{'?' if query else ''}{_query(query)}"
        return Request(method=row.method, url=url, headers=headers, body=body, endpoint=row.name, shown=self.shown)

    def authenticate(self, request: Request, row: Endpoint[Any], credentials: Any, *, now: float) -> Request:
        """A copy of the request that the vendor will accept at `now` (vendor epoch seconds).

        Args:
            request: without credentials.
            row: the question.
            credentials: what the provider was given.
            now: the vendor's epoch seconds.
        """
        if not self.authentication:
            raise BadInput(f"{type(self).__name__} needs an `authentication`, or an authenticate() of its own")
        # No local variable holds what is revealed: crash reports list those of every frame.
        name, scheme = _SCHEMES.get(self.authentication, (self.authentication, ""))
        reveal = _pair if self.authentication == "basic" else _revealed
        return request.with_headers({name: Secret(f"{scheme}{reveal(credentials)}")})

    def unwrap(self, row: Endpoint[Any], response: Response) -> Any:
        """The body of a good answer, parsed; a page of the usual shape, or an answer of series, with its rows typed.

        Args:
            row: the question.
            response: status, headers and body.

        Raises:
            Refusal: the vendor said no, judged from status and body by `codes`.
            UnreadableReply: the body is not an answer.
        """
        if response.status in self._good_statuses:
            if self._series is not None and row.model is MetricSeries:
                answer = parsed(row, response, self._series.read)
                told = answer.told()
                self._judge(row, response, {self._within: told} if self._within else told)
                return answer
            if (
                self._usual is not None
                and (page := self._usual.read(row.model, row.payload, response.body)) is not None
            ):
                return page
            body = parsed(row, response, read_json)
            if not isinstance(body, dict if row.payload else list):
                due = "an object" if row.payload else "a list"
                raise unreadable(row, response, f"a JSON {type(body).__name__} where {due} was expected")
            self._judge(row, response, body)
            return found(body, self._within) if self._within else body
        raise self._failure(row, response)

    def _failure(self, row: Endpoint[Any], response: Response) -> Refusal | UnreadableReply:
        """What an answer is whose status is not that of a good one."""
        if 300 <= response.status < 400:
            return unreadable(row, response, "a redirect, which is not followed: credentials stay with their host")
        try:
            body = parse_object(row, response)
        except UnreadableReply:
            body = {}
        return self._refusal(row, response, body)

    def _judge(self, row: Endpoint[Any], response: Response, body: Any) -> None:
        code = found(body, self.code_key)
        outer, _, _ = self.code_key.rpartition(".")
        told = found(body, outer)  # where an object with the code was due, in other words
        bad = code not in (None, "", False) and code not in self.good_codes
        if bad or (told and not isinstance(told, dict)) or response.status in self.codes:
            raise self._refusal(row, response, body)

    def _refusal(self, row: Endpoint[Any], response: Response, body: Any) -> Refusal:
        """The refusal that an answer is, by its code or else by its status."""
        status, code, message = response.status, found(body, self.code_key), text(found(body, self.message_key))
        told = code not in (None, "") and code not in self.good_codes
        made = (self._meant(row, code, message) if told else None) or self.codes.get(status)
        if made is None or (made is Refusal and (status == 429 or status >= 500)):
            made = of_status(status)  # which says more than a code that nobody knows
        said = make(
            made,
            vendor=self.name,
            code=brief(str(shallow(code) if told else status)),
            message=brief(message) or "(no message)",
            request_id=brief(text(found(body, self.request_id_key))),
            endpoint=row.name,
            status=status,
        )
        if isinstance(said, RateLimited) and said.retry_after_s is None:
            said.retry_after_s = retry_after(response.headers)
        return said

    def _meant(self, row: Endpoint[Any], code: Any, message: str) -> Made | None:
        """Which refusal a code of the vendor's is; None if the status says more than a code that nobody knows."""
        names = (code, str(code)) if isinstance(code, str | int) else ()
        return next((self.codes[name] for name in names if name in self.codes), None)

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        """The rows of a good answer as records: `body[row.payload]`, structured into `row.model`.

        An answer of which this fails is decoded once more, from a fresh body and `asked.flaws.by_row`: what goes
        through `read_rows` then costs itself alone.

        Args:
            row: the question.
            body: what `unwrap` gave.
            asked: what was asked.

        Raises:
            ValueError, TypeError, KeyError: the rows are not what the row describes.
        """
        given = {name: asked.params[param] for name, param in row.given.items() if param in asked.params}
        if isinstance(body, UsualPage) and self._usual is not None:
            items = self._usual.records(row.model, body.rows, vendor=self.name, **given)
            return Reply(
                items=items,
                ids=row_ids(row, items),
                total=count_of(body.total),
                has_more=getattr(body, "has_more", None),  # not every vendor says so
                request_id=body.request_id or "",
            )
        rows = payload_of(row, body)
        if row.points is not None:
            return self._points(row, row.points, body, rows, asked, given.get("call_id", ""))
        if row.model is MetricSeries:
            raise TypeError(f"{row.name} does not say with `points` how its series stand in the rows")

        def read(rows: Sequence[Any]) -> list[Any]:
            inner = [one.pop(row.sessions_key, None) for one in rows] if row.sessions_key else []
            found = self.structure.rows(rows, row.model, odd=asked.flaws.odd, vendor=self.name, **given)
            if inner:
                found = [self._holding(row, call, held, asked) for call, held in zip(found, inner, strict=True)]
            return found

        return self.reply(row, body, read_rows(row, rows, asked, read))

    def _points(
        self, row: Endpoint[Any], points: Points, body: Any, rows: Any, asked: Asked, call_id: str
    ) -> Reply[Any]:
        names = list[str]()

        def read(rows: Sequence[Any]) -> list[MetricSeries]:
            series = read_series(rows, points, vendor=self.name, call_id=call_id, odd=asked.flaws.odd)
            names.extend(row_names(rows, points))
            return series

        items = join_series(asked.flaws.each(rows, read))
        if names and not items:
            asked.flaws.doubts.append(
                f"{counted(len(names), 'row')} of {row.name} came, without a metric of its `points`"
            )
        return replace(self.reply(row, body, items), ids=names)

    def _holding(self, row: Endpoint[Any], call: Call, rows: Any, asked: Asked) -> Call:
        """The call with the sessions that its row holds, if every one of them can be read and none is missing."""

        def read(rows: Sequence[Any]) -> list[Session]:
            return self.structure.rows(rows, Session, odd=asked.flaws.odd, vendor=self.name, call_id=call.call_id)

        if not isinstance(rows, list):
            return call
        found, odd = asked.flaws.apart(rows, read)
        sessions = list(dict.fromkeys(found))  # a row may stand there twice
        due = getattr(call, row.sessions_count) if row.sessions_count else None
        missing = len({one.session_id for one in sessions}) < max(len(sessions), due or 0)
        return call if odd or missing else call.holding(sessions)

    def reply(self, row: Endpoint[Any], body: Any, items: Sequence[Any]) -> Reply[Any]:
        """An answer with these records, and with what the body says beside them where the row tells it stands.

        Args:
            row: the question.
            body: what `unwrap` gave.
            items: the records.
        """
        total, more, onward = (found(body, key) for key in (row.total_key, row.more_key, row.next_key))
        return Reply(
            items=items,
            ids=row_ids(row, items),
            total=count_of(total),
            has_more=None if more is None else not says_no(more),
            next="" if onward is False else text(onward),
            request_id=text(found(body, self.request_id_key)),
        )


def cleaned(
    row: Endpoint[Any], reply: Reply[Any], app_id: Any, asked: Asked, clean: Callable[[str], str]
) -> Reply[Any]:
    """The reply without the secrets that it repeats in its words, and of a link those parameters that we do not send.

    Args:
        row: the question.
        reply: warns, or names a next page.
        app_id: the app.
        asked: what was asked.
        clean: strikes out secrets; a parameter of a link that held one is not kept.
    """
    reply = replace(reply, warning=clean(reply.warning))
    if not reply.next or not isinstance(row.paging, NextPage) or row.paging.send:
        return reply
    sent = spell(row, app_id, asked.window, asked.params, page=0, size=0)
    pairs = [(name, value) for name, value in parse_qsl(urlsplit(reply.next).query) if name not in sent]
    # Of a link to the first page nothing is left: that is a loop, which the walk must see.
    return replace(reply, next=urlencode([(name, value) for name, value in pairs if clean(value) == value]) or "?")


def found(body: Any, key: str) -> Any:
    """What stands in an answer at this place, dots reaching inside; None if there is nothing, or no place."""
    for part in key.split(".") if key else ():
        body = body.get(part) if isinstance(body, dict) else None
    return body if key else None


def count_of(told: Any) -> int | None:
    """A number of rows; one below zero tells nothing."""
    rows = number(told)
    return None if rows is None or rows < 0 else rows


def payload_of(row: Endpoint[Any], body: Any) -> Any:
    """What an answer has in the place of its rows; an empty list for null.

    Raises:
        ValueError: that place is missing. An answer without it may be about anything.
    """
    outer, _, key = row.payload.rpartition(".")
    holder = found(body, outer) if outer else body
    if not key:
        return holder
    if not isinstance(holder, dict) or key not in holder:
        raise ValueError(f"no {row.payload!r} in the answer")
    rows = holder[key]
    return [] if rows is None else rows


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
    if asked.flaws:  # of an attempt before this one
        asked = Asked(window=asked.window, params=asked.params)
    try:
        return _decoded(vendor, row, response, body, asked)
    except MISREAD as error:
        too_much = str(error) if isinstance(error, TooMuch) else ""
        response = clean(response)
    if too_much:
        raise unreadable(row, response, too_much, too_large=True)
    # Not inside the handler: what is raised here must not lead back to frames that hold the answer as it came.
    body = None  # one at a time
    body = vendor.unwrap(row, response)
    asked = Asked(window=asked.window, params=asked.params, flaws=Flaws(by_row=True))
    try:
        return _decoded(vendor, row, response, body, asked)
    except MISREAD as error:
        why = str(error) if isinstance(error, TooMuch) else f"{type(error).__name__}: {error}"
        raise unreadable(row, response, why, in_rows=True) from None


def _decoded(vendor: Vendor, row: Endpoint[Any], response: Response, body: Any, asked: Asked) -> Reply[Any]:
    reply = vendor.decode(row, body, asked)
    if not isinstance(body, UsualPage):  # of which every row is known to be what it should be
        _check_items(row, reply.items)
    reply, flaws = identified(row, reply), asked.flaws
    named = reply.ids or flaws.rows or row.model is MetricSeries or isinstance(row.paging, Unpaged)
    if reply.items and not named:  # a page that comes again would not be known
        raise ValueError(f"{row.name} has pages, and its rows no ids: name their `key`")
    if isinstance(row.paging, NextPage) and row.paging.header:
        link = _NEXT_LINK(response.headers.get("link", ""))
        reply = replace(reply, next=link[1] if link else "")
    if isinstance(row.paging, NextPage) and row.paging.last:
        reply = replace(reply, next=reply.ids[-1] if reply.ids else "")
    if row.model is MetricSeries and not all(map(_VENDOR_METRIC, reply.items)):
        flaws.doubts.append("a series in the answer does not say which metric it is, and may be taken for another")
    return replace(reply, flaws=flaws) if flaws.rows or flaws.fields or flaws.doubts else reply


def _check_items(row: Endpoint[Any], items: Sequence[Any]) -> None:
    """Nothing, if what a vendor's `decode` gave is what the row describes.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(items, (list, tuple)):
        raise TypeError(f"Vendor.decode gave its items as {type(items).__name__}, not as a list")
    for kind in set(map(type, items)):
        if kind is not row.model and not issubclass(kind, row.model):
            raise TypeError(f"Vendor.decode gave {kind.__name__}, where {row.model.__name__} was due")
    for name, value, due in _MUST_BE.get(row.model, ()):
        if not due.issuperset(map(type, map(value, items))):
            raise TypeError(f"{name} must be {next(iter(due)).__name__}, and Vendor.decode gave something else")


_TEXTS = {str}
_VENDOR_METRIC = attrgetter("vendor_metric")
_MUST_BE: Mapping[type, Sequence[tuple[str, Callable[[Any], Any], frozenset[type]]]] = {
    Call: [(name, attrgetter(name), frozenset((kind,))) for name, kind in (("call_id", str), ("created_ts", int))],
    Session: [(name, attrgetter(name), frozenset((kind,))) for name, kind in (("session_id", str), ("join_ts", int))],
}


def row_ids(row: Endpoint[Any], items: Sequence[Any]) -> list[str]:
    """The identity of each record, from the attributes that the row names; none where it names none.

    Raises:
        ValueError: a record has no identity, and would be taken for any other that has none.
    """
    if not row.key:
        return []
    found = map(_attributes(*row.key), items)
    ids = list(map(str, found)) if len(row.key) == 1 else ["\x00".join(map(str, parts)) for parts in found]
    if "" in ids:
        raise ValueError(f"a row with an empty {row.key[0]}")
    return ids


def identified(row: Endpoint[Any], reply: Reply[Any]) -> Reply[Any]:
    """The reply with an id for each of its items, if the row says what tells them apart.

    Raises:
        ValueError: it has another number of ids than of items; or a record has no identity.
    """
    kinds = set(map(type, reply.ids))
    if kinds != _TEXTS and not all(issubclass(kind, str) for kind in kinds):
        raise TypeError("Vendor.decode gave ids that are not texts")
    if not row.key or len(reply.ids) == len(reply.items):
        return reply
    if reply.ids:
        raise ValueError(
            f"Vendor.decode gave {len(reply.ids)} ids for {len(reply.items)} items; give one for each, or none to have "
            "them made from the key of the row"
        )
    return replace(reply, ids=row_ids(row, reply.items))


def _query(wire: Mapping[str, Any]) -> str:
    # Names, numbers and most ids are sent as they are; to find that out by `quote` takes ten times as long.
    plain = "&".join([f"{name}={_flag(value) if type(value) is bool else value}" for name, value in wire.items()])
    if _UNRESERVED(plain) and plain.count("=") == len(wire) == plain.count("&") + 1:
        return plain
    return "&".join([f"{_name(name)}={quote(_text(value), safe='')}" for name, value in wire.items()])


_name = lru_cache(maxsize=256)(partial(quote, safe=""))
_attributes = lru_cache(maxsize=64)(attrgetter)


def _revealed(credentials: Any) -> str:
    return str(credentials.reveal() if isinstance(credentials, Secret) else credentials)


def _pair(credentials: Any) -> str:
    return b64encode(":".join(map(_revealed, credentials)).encode()).decode()


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _flag(value)
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
