"""`TypedRows`: the quick way from a page to its records, for rows of the usual shape.

msgspec reads each row into a struct whose fields are those of the record, which takes them over. The struct insists on
what a row usually is: a text for a text, a whole number of seconds for a time, no field that the record does not know.
A page with anything odd in it is not read here, and goes the lenient way (`rows.py`), which gives the same records for
all that can be read here; the tests hold them to it. This way takes two bare parses of the page, the lenient one ten.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import attrs
import msgspec

from agora_tencent_analytics.decoding.bulk import (
    LARGE,
    TooMuch,
    check_bulk,
    check_records,
    read_portions,
    rows_apart,
)
from agora_tencent_analytics.decoding.moments import YEAR_5138
from agora_tencent_analytics.decoding.rawjson import UNREADABLE

P = TypeVar("P", bound=msgspec.Struct)
T = TypeVar("T")
CHOSEN = frozenset({"channel", "user_id", "creator_id"})
"""Attributes that hold what people choose, and so numbers as often as texts."""

_Id = Annotated[str, msgspec.Meta(min_length=1)]
_Number = Annotated[int, msgspec.Meta(gt=-(2**62), lt=2**62)]
_Time = Annotated[int, msgspec.Meta(gt=0, lt=YEAR_5138)]


class TypedRows:
    """Rows of one kind, as the vendor usually sends them.

    Args:
        model: the record's class.
        names: the vendor's spelling of its attributes where it differs.
        given: attributes that the rows do not carry; `make` is told them.
        id: the attribute by which the vendor tells rows apart.
        made: attributes that are made of others, each as a text in which these stand in braces.
        needed: attributes that every row must have, beside those without which there is no record.
        absent: attributes that the vendor never sends.
        unended: the attribute that means nothing while `finished` is false.
    """

    def __init__(
        self,
        model: type[Any],
        names: Mapping[str, str],
        *,
        given: Sequence[str],
        id: str,
        made: Mapping[str, str] | None = None,
        needed: Collection[str] = (),
        absent: Collection[str] = (),
        unended: str,
    ) -> None:
        if not _only_stores(model):
            raise TypeError(f"{model.__name__} does more than store what it is given")
        self.id: str = id
        self.needed: Collection[str] = needed
        self.unended: str = unended
        self._names = names
        hints, made = get_type_hints(model), made or {}
        fields: list[tuple[str, Any, Any]] = []
        values: dict[str, str] = {}
        for field in attrs.fields(model):
            name = field.name
            if name in given:
                values[name] = name
            elif name in made:
                fields.append((name, str, ""))  # what the lenient way has put there, or anybody, does not count
                values[name] = "f" + repr(made[name].replace("{", "{row."))
            elif name == "extra":
                values[name] = "{}"
            elif name in absent:
                values[name] = repr(field.default)
            else:
                required = field.default is attrs.NOTHING or name in (id, *needed)
                kind = _kind(name, hints[name], required=required)
                fields.append((name, kind, msgspec.NODEFAULT if required else field.default))
                values[name] = f"f'{{row.{name}}}'" if name in CHOSEN else f"row.{name}"  # a text as it is
        values[unended] += " if row.finished else None"
        self.row: type[msgspec.Struct] = msgspec.defstruct(
            model.__name__, fields, rename=dict(names), forbid_unknown_fields=True, kw_only=True, gc=False
        )
        """The struct that a row is read into."""
        # msgspec knows a struct; a list it would look through each time, which takes as long as to read three rows.
        self._rows: Any = msgspec.defstruct("Rows", [("rows", list[self.row])])  # type: ignore[name-defined]
        self._several = msgspec.json.Decoder(list[self.row]).decode  # type: ignore[name-defined]
        self.make: Callable[..., list[Any]] = _maker(model, given, values)
        """The records of rows that were read; called with the rows and what is given."""

    def spelt(self, attribute: str) -> str:
        """The vendor's name of an attribute.

        Args:
            attribute: of the record.
        """
        return self._names.get(attribute, attribute)

    def reader(self, envelope: type[P], payload: str, *, within: str = "") -> Callable[[bytes], P | None]:
        """Reads a page of such rows; gives None for what is anything else, or has anything odd in it.

        Args:
            envelope: what comes with the rows, and `rows`.
            payload: the vendor's name for the rows.
            within: the vendor's name for what all of that stands in, if it stands in something.
        """
        rows = ("rows", list[self.row], msgspec.field(name=payload))  # type: ignore[name-defined]
        page = msgspec.defstruct(payload, [rows], bases=(envelope,), kw_only=True)
        outer = ("page", page, msgspec.field(name=within))
        kind = msgspec.defstruct("Answer", [outer], forbid_unknown_fields=True) if within else page
        whole = msgspec.json.Decoder(kind).decode

        def read(body: bytes) -> P | None:
            try:
                found: Any = whole(body) if len(body) <= LARGE else read_large(body)
            except (TooMuch, *UNREADABLE):
                return None
            return found.page if within else found  # type: ignore[no-any-return]

        def read_large(body: bytes) -> Any:
            apart = rows_apart(body, b"[]")
            if apart is None or apart[0].count(b"[") > 1:  # what is cut out may not be the rows
                check_bulk(body)
                return whole(body)
            answer: Any = whole(apart[0])
            page, number = answer.page if within else answer, 0

            def several_more(text: bytes) -> list[Any]:
                nonlocal number
                found: list[Any] = self._several(text)
                number += len(found)
                check_records(number, len(body))
                return found

            page.rows = read_portions(body, apart[1], apart[2], several_more, UNREADABLE)
            return answer

        return read

    def parse(self, rows: bytes | msgspec.Raw) -> list[Any] | None:
        """A list of such rows, for `make`; None if it is anything else, or anything about it is odd."""
        try:
            return self._several(rows)
        except UNREADABLE:
            return None

    def read(self, rows: Sequence[Any], **given: Any) -> list[Any] | None:
        """The records of rows that are JSON objects; None if anything about them is odd."""
        try:
            return self.make(msgspec.convert({"rows": rows}, self._rows).rows, **given)
        except UNREADABLE:
            return None


def _kind(name: str, hint: Any, *, required: bool) -> Any:
    """What a row usually has where the record has this."""
    if hint is str:
        text: Any = _Id if required else str
        return _Number | text if name in CHOSEN else text
    if hint is int and name.endswith("_ts"):
        return _Time
    if isinstance(hint, UnionType):
        (bare,) = (kind for kind in get_args(hint) if kind is not type(None))
        return _kind(name, bare, required=required) | None
    return _Number if hint is int else hint


def _maker(model: type[Any], given: Sequence[str], values: Mapping[str, str]) -> Callable[..., list[Any]]:
    # What the record's `__init__` does and nothing more, written out: to be called with all attributes by their names
    # would cost it half as much again as the reading of the row.
    lines = [
        f"def make(rows, {', '.join(given)}):",
        "    found = []",
        "    for row in rows:",
        "        record = new(model)",
        "        own = record.__dict__",
        *(f"        own[{name!r}] = {value}" for name, value in values.items()),
        "        found.append(record)",
        "    return found",
    ]
    names: dict[str, Any] = {"model": model, "new": object.__new__}
    exec("\n".join(lines), names)
    make: Callable[..., list[Any]] = names["make"]
    return make


def _only_stores(model: type[Any]) -> bool:
    """Whether making a record does nothing but store what it is given, in its own dict."""
    hooks = ("__attrs_init__", "__attrs_pre_init__", "__attrs_post_init__", "__slots__")
    return not any(hasattr(model, hook) for hook in hooks) and not any(
        field.converter or field.validator or not field.init for field in attrs.fields(model)
    )
