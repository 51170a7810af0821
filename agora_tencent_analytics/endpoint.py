"""`Endpoint`: one row of a vendor's table of questions, and how a row is spelt on the wire.

A row is a value. It says what the vendor calls things and what it allows; it holds no code, and a new
question is one more row. The figures that a plan changes (rates, history, span, page size) are in the
plan's `Limits`, under the name in `Endpoint.limits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec

from agora_tencent_analytics.decoding.series import Points
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, MINUTE, Limits, check_positive
from agora_tencent_analytics.models.calls import unsigned
from agora_tencent_analytics.timerange import TimeRange

__all__ = [
    "AnyOf",
    "Bounds",
    "Endpoint",
    "Newest",
    "NextPage",
    "PageNumber",
    "Param",
    "Unpaged",
]

R = TypeVar("R")
Total = Literal["listing", "hint", "page", "none"]
"""What a vendor's total counts: the whole listing; something that may be too small; the page only; nothing at all."""


class Param(msgspec.Struct, kw_only=True, frozen=True):
    """One parameter, spelt as the vendor's page spells it."""

    name: str
    """The vendor's own spelling."""
    kind: Literal["text", "integer", "flag", "list", "objects"] = "text"
    """What it takes. A `list` is a list of texts, `objects` a list of JSON objects."""
    required: bool = False
    """True if the vendor refuses a request without it."""
    most: int | None = None
    """The most items of a list."""
    quoted: bool = False
    """True if a list's items travel in double quotes when they are in a query."""
    needs: str = ""
    """Another parameter without which the vendor disregards this one."""
    values: tuple[str | int, ...] = ()
    """What the vendor's page lists for it, or for the items of a list; anything else is refused. Empty: anything."""
    unsigned: bool = False
    """True if a list's items are unsigned 32-bit numbers; see `unsigned`."""


class Bounds(msgspec.Struct, kw_only=True, frozen=True):
    """How the vendor spells a time range."""

    start: str = ""
    """Name of the parameter for the start; `""` if the vendor takes no range at all."""
    end: str = ""
    """Name of the parameter for the end; `""` where the vendor takes the start alone."""
    strict: bool = False
    """True if `end - start` must be less than the span, False if it may equal it."""
    form: Literal["seconds", "milliseconds", "iso", "day", "minute", "midnight"] = "seconds"
    """Epoch seconds or milliseconds; ISO 8601 in UTC (`2026-11-29T18:00:00Z`); `YYYY-MM-DD`, the last day included;
    `YYYY-MM-DD HH:MM`; or `YYYY-MM-DD HH:MM:SS` at midnight, since whole days are asked for."""
    zone_s: int = 0
    """Where days begin, for the forms with dates: seconds east of UTC."""
    one_day: bool = False
    """True if a request must not reach over the end of a day."""
    least_s: int = 0
    """A range of fewer seconds gets an empty answer, whatever happened in it: it is not sent."""

    @property
    def exact(self) -> bool:
        """True if a range may begin and end in any second."""
        return self.form in EXACT


EXACT = ("seconds", "milliseconds", "iso")


class PageNumber(msgspec.Struct, kw_only=True, frozen=True):
    """Pages asked for by number, or by how many rows stand before them."""

    number: str
    """Name of the parameter for the page number, or for the offset."""
    size: str
    """Name of the parameter for the page size. Both are always sent."""
    base: Literal[0, 1]
    """Number of the first page."""
    total: Total
    """What the vendor's total counts."""
    as_text: bool = False
    """True if number and size travel as text."""
    offset: bool = False
    """True if the parameter takes the number of rows before the page; its base is 0 then."""


class NextPage(msgspec.Struct, kw_only=True, frozen=True):
    """Pages asked for by what the page before said: a token, a link, or its last row.

    The token stands in cursors and ledgers, so that another process goes on. One that comes again, on a page that
    brought nothing new, is a loop, and ends the window as incomplete.
    """

    send: str = ""
    """Name of the parameter that takes the token. `""` if a link comes: of its query those parameters are sent that the
    question does not have itself; its host and its path are disregarded."""
    size: str = ""
    """Name of the parameter for the page size; `""` where none is sent."""
    header: bool = False
    """True if the link stands in the header `Link` of an answer, as the one that is `rel="next"`."""
    last: bool = False
    """True if the token is the id of the page's last row, which is in no other place: pages end with an empty one, or
    where the total is reached."""
    total: Total = "listing"
    """What the vendor's total counts, if it gives one."""
    refused: tuple[str | int, ...] = ()
    """The vendor's codes for a token that it no longer knows: the window is read again from its first page, once."""


class Unpaged(msgspec.Struct, kw_only=True, frozen=True):
    """The whole answer in one piece. One that says that more exists makes its window incomplete."""

    total: Total = "listing"
    """What the vendor's total counts, if it gives one."""


class Newest(msgspec.Struct, kw_only=True, frozen=True):
    """No pages: the answer is the newest rows of the window. The rest is read by ending the next window there."""

    most: int
    """The most rows of an answer."""
    at: str
    """Attribute of the model by which rows are new or old, in epoch seconds."""
    size: str = ""
    """Name of the parameter that takes `most`; `""` where none is sent."""
    order: Literal["newest", "oldest", "none"] = "newest"
    """Which of the rows of an answer comes first; `"none"` if they come in any order. An answer that is ordered
    otherwise may not be the newest rows: its window is incomplete."""
    total: Total = "listing"
    """What the vendor's total counts, if it gives one."""

    def __post_init__(self) -> None:
        check_positive(most=self.most)


class AnyOf(msgspec.Struct, kw_only=True, frozen=True):
    """No pages: the answer is a random sample of the window. Only a window that holds fewer rows is read whole."""

    most: int
    """The most rows of an answer."""
    at: str
    """Attribute of the model that says when a row was, in epoch seconds; `""` if none does."""
    total: Total = "listing"
    """What the vendor's total counts, if it gives one."""

    def __post_init__(self) -> None:
        check_positive(most=self.most)


Paging = PageNumber | NextPage | Unpaged | Newest | AnyOf
IN_PATH = re.compile(r"{(\w+)}")
_NO_APP = Param(name="")


class Endpoint(msgspec.Struct, Generic[R], kw_only=True, frozen=True, dict=True):
    """One question as the vendor limits it."""

    name: str
    """The library's name of the row, unique within the vendor: it stands in errors and reports."""
    vendor: str
    """Whose question it is."""
    generation: str = ""
    """Generation of the API that has it."""
    model: type[R]
    """What one row of the answer becomes."""
    path: str
    """Path of the URL. A parameter may stand in it in braces: `/rooms/{room_id}/people`."""
    method: Literal["GET", "POST"] = "GET"
    """GET: parameters in the query. POST: parameters as a JSON object."""
    action: str = ""
    """The vendor's action name, where questions are told apart by it (Tencent)."""
    app_in_query: bool = False
    """True if a POST carries the app in the query and not in its body."""
    payload: str
    """Key of the rows in the answer, with dots to reach inside; `""` if the answer is the list of them."""
    key: tuple[str, ...] = ()
    """Attributes of the model that identify a row. Empty: rows are not identified, nothing is de-duplicated."""
    app: Param = _NO_APP
    """The parameter that names the app; the provider fills it in. Its name is `""` where none is sent."""
    bounds: Bounds
    """How the time range is spelt. `Bounds()` if the vendor takes none: everything is one window, which is not cut, and
    what lies outside of the range is left out and counted."""
    params: tuple[Param, ...] = ()
    """Every other parameter."""
    fixed: Mapping[str, Any] = {}
    """Parameters that are sent with each request, and their values."""
    given: Mapping[str, str] = {}
    """Attributes of the model that the answer leaves out, by the parameter that asked for them."""
    paging: Paging
    """How the answer is cut into pages."""
    total_key: str = ""
    """Key of the total in the answer, with dots to reach inside; `""` if there is none. What it counts, the paging
    says."""
    more_key: str = ""
    """Key of the vendor's word on whether more exists."""
    next_key: str = ""
    """Key of the token for, or the link to, the next page."""
    sessions_key: str = ""
    """Key, in the row of a call, of the rows of its sessions: they are read from there, without a request. `""` if it
    has none."""
    sessions_count: str = ""
    """Attribute of the call that counts its sessions, if one does: where fewer are held, they are asked for, and where
    fewer come, they are not all."""
    points: Points | None = None
    """How points stand in the rows, where the model is `MetricSeries`."""
    limits: str = ""
    """Row of the plan's table that it draws on; by default its own name."""
    counter: str = ""
    """Which quota counter it spends; rows that the vendor counts together share it. By default its own name."""
    source: str
    """Address of the page it was read from."""
    read_on: str
    """Day the page was read, `YYYY-MM-DD`."""
    retired: str = ""
    """If the vendor has withdrawn it: what replaces it."""

    def __post_init__(self) -> None:
        """Refuses a row that cannot be asked, or whose answers could not be held against each other."""
        for field in ("limits", "counter"):
            msgspec.structs.force_setattr(self, field, getattr(self, field) or self.name)
        paging, known = self.paging, {self.app.name, *self.fixed, *(param.name for param in self.params)}
        for name in (*IN_PATH.findall(self.path), *self.given.values()):
            if name not in known:
                raise BadInput(f"{self.name} has no parameter {name!r}, which stands in its path or in `given`")
        if isinstance(paging, PageNumber) and paging.offset and paging.base:
            raise BadInput(f"{self.name}: {paging.number!r} counts rows, and none is before the first page: base=0")
        at = paging.at if isinstance(paging, Newest) or (isinstance(paging, AnyOf) and paging.at) else None
        known_at = any(at in getattr(kind, "__annotations__", ()) for kind in self.model.__mro__)
        if at is not None and not (self.key and known_at):
            raise BadInput(f"{self.name} needs a `key`, and a {self.model.__name__} to have {at!r}")

    def __hash__(self) -> int:
        return hash((self.vendor, self.generation, self.name))  # `fixed`, `given` and `points` hold mappings

    @cached_property
    def _by_name(self) -> dict[str, Param]:
        return {param.name: param for param in self.params}

    @cached_property
    def _needed(self) -> list[str]:
        return [param.name for param in self.params if param.required or f"{{{param.name}}}" in self.path]


def check_params(row: Endpoint[Any], params: Mapping[str, Any], *, unlisted: bool = False) -> dict[str, Any]:
    """The parameters that are set, checked against the row.

    None means not set; a tuple or set counts as a list.

    Args:
        row: the question.
        params: what is asked with.
        unlisted: True lets values pass that the vendor's page does not list.

    Raises:
        BadInput: an unknown, missing, mistyped, empty, unlisted or over-long parameter.
    """
    given: dict[str, Any] = {}
    known = row._by_name
    for name, value in params.items():
        if (param := known.get(name)) is None:
            raise BadInput(f"{row.name} has no parameter {name!r}; it takes {', '.join(known) or 'none'}")
        if value is None:
            continue
        given[name] = value = _checked(row, param, value)
        if param.values and not unlisted:
            _check_listed(row, param, value)
        if param.needs and params.get(param.needs) is None:
            raise BadInput(f"{row.name} takes {name!r} only together with {param.needs!r}")
        if value in (".", "..") and f"{{{name}}}" in row.path:
            raise BadInput(f"{row.name} takes {name!r} as a part of its path, which {value!r} would change")
    for name in row._needed:
        if name not in given:
            raise BadInput(f"{row.name} needs the parameter {name!r}")
    return given


def _checked(row: Endpoint[Any], param: Param, value: Any) -> Any:
    if type(value) is bool and param.kind == "flag":
        return value
    where = f"{row.name}: {param.name}"
    match param.kind:
        case "list":
            if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
                raise BadInput(f"{where} takes a list of texts, not {type(value).__name__}")
            items = [_text(where, item) for item in value]
            if param.unsigned:
                items = list(dict.fromkeys(map(unsigned, items)))
            if not items:
                raise BadInput(f"{where} is an empty list; leave it out to ask for all")
            if param.most is not None and len(items) > param.most:
                raise BadInput(f"{where} takes at most {param.most} items in a request, not {len(items)}")
            if row.method == "GET" and any("," in item for item in items):
                raise BadInput(f"{where}: an item with a comma cannot be sent, the vendor separates items by commas")
            return items
        case "objects":
            if not isinstance(value, list | tuple) or not value or not all(isinstance(item, Mapping) for item in value):
                raise BadInput(f"{where} takes a non-empty list of objects, not {value!r}")
            return [dict(item) for item in value]
        case "flag":
            if not isinstance(value, bool):
                raise BadInput(f"{where} takes True or False, not {value!r}")
            return value
        case "integer":
            if isinstance(value, bool) or not isinstance(value, int):
                raise BadInput(f"{where} takes a whole number, not {value!r}")
            return value
        case _:
            return _text(where, value)


def _check_listed(row: Endpoint[Any], param: Param, value: Any) -> None:
    for item in value if param.kind == "list" else [value]:
        if item not in param.values:
            where, listed = f"{row.name}: {param.name}", ", ".join(map(str, param.values))
            raise BadInput(f"{where} takes {listed}, not {item!r}; unlisted=True sends it all the same")


def _text(where: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{where} takes a non-empty text, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{where} takes text that can be sent, not {value!r} with half a character in it") from None
    return value


def page_size(row: Endpoint[Any], limits: Limits, wanted: int | None) -> int:
    """The page size to ask for: `wanted`, or the most that the plan allows; 0 where there are no pages.

    Args:
        row: the question.
        limits: its figures.
        wanted: what was asked for; None for the most.

    Raises:
        BadInput: `wanted` is not between 1 and the vendor's most, or the row has no pages.
    """
    paging = row.paging
    if not (isinstance(paging, PageNumber) or (isinstance(paging, NextPage | Newest) and paging.size)):
        if wanted is not None:
            raise BadInput(f"{row.name} has no pages, so no page_size")
        return 0
    most = paging.most if isinstance(paging, Newest) else limits.page_size
    if not most:
        raise BadInput(f"{row.name} has pages, and its `Limits` in the plan have no page_size")
    if wanted is None:
        return most
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 1 <= wanted <= most:
        raise BadInput(f"{row.name}: page_size must be a whole number from 1 to {most}, not {wanted!r}")
    return wanted


def spell(
    row: Endpoint[Any],
    app_id: Any,
    window: TimeRange,
    params: Mapping[str, Any],
    *,
    page: int,
    size: int,
    token: str = "",
) -> dict[str, Any]:
    """The wire parameters of one request, in the vendor's spelling and order; never a null among them.

    Args:
        row: the question.
        app_id: the app, as the row's `app` parameter takes it.
        window: `[start, end)`; the vendor is told both edges.
        params: checked by `check_params`.
        page: page number in the vendor's counting.
        size: rows to a page.
        token: where the pages are asked for by what the one before said: that; `""` for the first.
    """
    bounds = row.bounds
    wire: dict[str, Any] = {row.app.name: str(app_id) if row.app.kind == "text" else app_id} if row.app.name else {}
    if bounds.start:
        start, end = (window.start, window.end) if bounds.form == "seconds" else _spell_window(bounds, window)
        wire[bounds.start] = start
        if bounds.end:
            wire[bounds.end] = end
    wire |= params
    if row.fixed:
        wire |= row.fixed
    if row.method == "GET":
        for name in params:
            if row._by_name[name].quoted:
                wire[name] = [f'"{item}"' for item in wire[name]]
    paging = row.paging
    if isinstance(paging, PageNumber):
        as_text = str if paging.as_text else int
        wire[paging.number] = as_text(page * size if paging.offset else page)
        wire[paging.size] = as_text(size)
    elif isinstance(paging, NextPage | Newest) and paging.size:
        wire[paging.size] = size
    if token and isinstance(paging, NextPage):
        wire |= {paging.send: token} if paging.send else dict(parse_qsl(token))
    return wire


def _spell_window(bounds: Bounds, window: TimeRange) -> tuple[int, int] | tuple[str, str]:
    if bounds.form == "milliseconds":
        return window.start * 1_000, window.end * 1_000
    if bounds.form == "iso":
        first, last = (datetime.fromtimestamp(edge, UTC) for edge in (window.start, window.end))
        return f"{first:%Y-%m-%dT%H:%M:%SZ}", f"{last:%Y-%m-%dT%H:%M:%SZ}"
    zone = timezone(timedelta(seconds=bounds.zone_s))
    whole = whole_units(bounds, window)
    end = whole.end - 1 if bounds.form == "day" else whole.end
    written = {"day": "%Y-%m-%d", "minute": "%Y-%m-%d %H:%M", "midnight": "%Y-%m-%d %H:%M:%S"}[bounds.form]
    start, until = (datetime.fromtimestamp(edge, zone).strftime(written) for edge in (whole.start, end))
    return start, until


def whole_units(bounds: Bounds, over: TimeRange) -> TimeRange:
    """The range widened to the units in which the vendor takes it: whole days of its zone, whole minutes.

    Args:
        over: a range.
        bounds: how the row spells its bounds.
    """
    if bounds.exact:
        return over
    unit = MINUTE if bounds.form == "minute" else DAY
    start = (over.start + bounds.zone_s) // unit * unit - bounds.zone_s
    end = -(-(over.end + bounds.zone_s) // unit) * unit - bounds.zone_s
    return TimeRange(max(0, start), end)
