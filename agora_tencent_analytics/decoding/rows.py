"""From a vendor's rows to records: a lenient cattrs converter.

Holds the treatment of scalars, times, nulls and unknown fields. What a vendor calls each field is a table in its
package. Vendors send numbers as text, ids as numbers, null for empty lists, times in other units and new fields at any
time; none of that may cost a row. Only a field that a record cannot be without does, when it is missing, null or
unreadable.

Pages of calls and sessions whose rows are all of the usual shape are read without it, by `typed.py`; of other pages the
rows that are. Without that, a page with one odd row in a hundred would take 2.5 times as long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from math import isfinite
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args, get_type_hints

import attrs
import msgspec

from agora_tencent_analytics.decoding.flaws import MISREAD
from agora_tencent_analytics.decoding.moments import YEAR_5138, seconds
from agora_tencent_analytics.decoding.rawjson import UNREAD, shallow
from agora_tencent_analytics.decoding.typed import CHOSEN, TypedRows
from agora_tencent_analytics.errors import BadInput

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
Odd = Callable[[Iterable[str]], None]
"""Receives the vendor's names of the fields of a record that could not be read as sent."""
_GARBLED = (ValueError, TypeError, ArithmeticError)
_TIME = re.compile("(.*_)?ts")
_RUN = 6
"""Rows that are tried at once."""
_ODD_ROWS = 8
"""After so many rows of a page that are not of the usual shape the others are not tried: they will not be, either."""


def flag(value: Any, _: Any = None) -> bool:
    """True or false, also when sent as 0 and 1 or as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise TypeError(f"expected true or false, not {value!r}")


def says_no(value: Any) -> bool:
    """True for what `flag` reads as False."""
    try:
        return not flag(value)
    except TypeError:
        return False


def one_text(value: Any, _: Any = None) -> str:
    """Text; a number that came as a whole float has no fraction, since ids are compared as text."""
    if isinstance(value, list | dict):
        raise TypeError(f"expected text, not {type(value).__name__}")
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def texts(value: Any, _: Any = None) -> tuple[str, ...]:
    """A list of texts; one text is a list of one."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(map(one_text, value))


def real(value: Any, _: Any = None) -> float:
    """A real number: a text may also spell something that is not one."""
    found = float(value)
    if not isfinite(found):
        raise ValueError(f"expected a number, not {value!r}")
    return found


def whole(value: Any, _: Any = None) -> int:
    """A whole number of 64 bits: what has more counts nothing, and would cost a table all of its rows."""
    found = int(value)
    if not -(2**63) <= found < 2**63:
        raise ValueError(f"expected a number of 64 bits, not {value!r}")
    return found


class _Model(NamedTuple):
    build: Callable[[Any, Any], Any]
    needed: Mapping[str, str]  # the vendor's names of the fields that a row must have, with those of the attributes
    optional: Mapping[str, Any]  # of those that it may have, with their types
    known: frozenset[str]  # the vendor's names of both
    times: Mapping[str, str]  # the attributes that are epoch seconds, with the vendor's names


def when(key: str) -> Callable[[Mapping[str, Any]], int | None]:
    """For `Structure`: a time in epoch seconds, milliseconds or ISO 8601, under this key of the vendor's.

    Args:
        key: name of the field.
    """

    def read(row: Mapping[str, Any]) -> int | None:
        return None if row.get(key) is None else seconds(row[key])

    return read


class Structure:
    """Builds records from rows by one table of names.

    Args:
        names: for each record class, the vendor's spelling of its attributes where it differs; or a function that
            computes the attribute from the row, where it stands in other words, in several fields or deeper inside.

    Raises:
        BadInput: a class does not have one of these attributes.
    """

    def __init__(
        self, names: Mapping[type, Mapping[str, str | Callable[[Mapping[str, Any]], Any]]] | None = None
    ) -> None:
        self._names: dict[type, dict[str, str]] = {}
        self._computed: dict[type, list[tuple[str, Callable[[Mapping[str, Any]], Any]]]] = {}
        for model, spelt in (names or {}).items():
            if strange := spelt.keys() - attrs.fields_dict(model).keys():
                raise BadInput(f"a {model.__name__} does not have {min(strange)!r}")
            self._names[model] = {attribute: name for attribute, name in spelt.items() if isinstance(name, str)}
            self._computed[model] = [(attribute, how) for attribute, how in spelt.items() if not isinstance(how, str)]
        self._models: dict[type, _Model] = {}
        self.usual: UsualPages | None = None
        """How usual rows are read."""

    @cached_property
    def _converter(self) -> Converter:
        # Not before a row needs it: most pages are read without, and to import it takes as long as a small request.
        from cattrs import Converter

        converter = Converter(detailed_validation=False)
        converter.register_structure_hook(bool, flag)
        converter.register_structure_hook(str, one_text)
        converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], texts)
        converter.register_structure_hook(float, real)
        converter.register_structure_hook(int, whole)
        return converter

    def rows(self, rows: Sequence[Any], model: type[T], *, odd: Odd | None = None, **given: Any) -> list[T]:
        """The rows as records of `model`.

        A null counts as "not sent". A model's `extra` attribute keeps the fields that it does not know, and those
        that cannot be read where a record can be without them.

        Args:
            rows: JSON objects as the vendor sent them. Modified in place; do not reuse them.
            model: an attrs class.
            odd: is told, of each record, which fields could not be read as they were sent.
            given: attributes that the rows do not carry (the vendor's name, the call's id).

        Raises:
            ValueError, TypeError, KeyError, AttributeError: a row is not an object, or lacks or garbles a
                field that its record cannot be without.
        """
        if not rows:
            return []
        usual = None if self.usual is None else self.usual.rows_of(model)
        learnt = self._models.get(model) or self._learn(model)
        known = learnt.known - given.keys()
        found: list[T] = []
        odd_left = _ODD_ROWS
        for at in range(0, len(rows), _RUN):
            run = rows[at : at + _RUN]
            if isinstance(rows, list):
                rows[at : at + _RUN] = [None] * len(run)  # they beside their records would be much in a large answer
            alike = usual.read(run, **given) if usual is not None and odd_left else None
            if alike is not None:
                found += alike
                continue
            for row in run:
                if usual is not None:
                    self._even_out(row, usual, odd)
                if self._computed.get(model):
                    row |= self._compute(row, model, learnt, odd)
                strange = row.keys() - known
                extra = {name: shallow(row.pop(name)) for name in [*row] if name in strange} if strange else {}
                lone = usual.read([row], **given) if usual is not None and odd_left and UNREAD not in extra else None
                if lone is None:
                    odd_left = max(0, odd_left - 1)
                    row |= given
                    lone = [self._build(row, extra, model, learnt, odd)]
                elif extra:
                    lone[0].__dict__["extra"] = extra  # nobody has it yet
                found += lone
        return found

    def typed(self, model: type[Any], **usual: Any) -> TypedRows:
        """The rows of `model` as this vendor usually sends them.

        Args:
            model: an attrs class.
            usual: what `TypedRows` takes.
        """
        return TypedRows(model, self._names.get(model, {}), **usual)

    def pages(self, page: type[UsualPage], usual: Mapping[type, Mapping[str, Any]], *, within: str = "") -> UsualPages:
        """How pages of rows of the usual shape are read.

        Args:
            page: what comes with the rows, by the vendor's names.
            usual: what the rows of each model are like, as `TypedRows` takes it.
            within: the vendor's name for what all of that stands in, if it stands in something.
        """
        self.usual = UsualPages(self, page, usual, within)
        return self.usual

    def _even_out(self, row: dict[str, Any], usual: TypedRows, odd: Odd | None) -> None:
        """Does to an odd row what is done to usual ones: drops the end of what still lasts, and notes what is missing.

        Nothing, half a character, or what is neither text nor a number, is not an id: nobody could ask about it.

        Raises:
            TypeError, KeyError: it has no id.
        """
        name = usual.spelt(usual.id)
        if row[name] == "" or not isinstance(row[name], str | int) or name in row.get(UNREAD, ()):
            raise TypeError(f"{name!r} is empty, half a character or a {type(row[name]).__name__}")
        if says_no(row.get(usual.spelt("finished"))):
            row[usual.spelt(usual.unended)] = None
        lacking = [name for name in map(usual.spelt, usual.needed) if row.get(name) is None]
        if lacking and odd is not None:  # which costs the row no more than that
            odd(lacking)

    def _compute(self, row: Mapping[str, Any], model: type, learnt: _Model, odd: Odd | None) -> dict[str, Any]:
        """The attributes of a row that are computed; one that cannot be is missing, which is odd if it may be."""
        found = {}
        for attribute, how in self._computed[model]:
            try:
                found[attribute] = how(row)
            except MISREAD:
                if attribute in learnt.needed:
                    raise
                if odd is not None:
                    odd((attribute,))
        return found

    def _build(self, row: dict[str, Any], extra: dict[str, Any], model: type[T], learnt: _Model, odd: Odd | None) -> T:
        unread = extra.pop(UNREAD, {})
        if None in row.values():
            _drop_nulls(row, learnt.needed)
        for name in unread.keys() & learnt.needed.keys():
            # Where half a character is in what people choose, the rest of it still serves.
            if learnt.needed[name] not in CHOSEN:
                raise TypeError(f"{name!r} cannot be read as it was sent")
        try:
            made: T = learnt.build({**row, "extra": extra | unread}, model)
        except _GARBLED:
            self._set_garbled_aside(row, unread, learnt)
            made = learnt.build({**row, "extra": extra | unread}, model)
        if unread and odd is not None:
            odd(unread.keys() & learnt.known)
        for attribute, name in learnt.times.items():
            made = _in_seconds(made, attribute, name, odd)
        return made

    def _set_garbled_aside(self, row: dict[str, Any], unread: dict[str, Any], learnt: _Model) -> None:
        """Moves what cannot be read, and a record can be without, to what is unread; reads times that are odd."""
        for name in learnt.times.values() & row.keys():
            try:
                int(row[name])
            except _GARBLED:
                with suppress(*_GARBLED):
                    unread[name], row[name] = row[name], seconds(row[name])
        for name in learnt.optional.keys() & row.keys():
            try:
                self._converter.structure(row[name], learnt.optional[name])
            except _GARBLED:
                unread.setdefault(name, shallow(row.pop(name)))

    def _learn(self, model: type[Any]) -> _Model:
        from cattrs.gen import make_dict_structure_fn_from_attrs, override

        names = self._names.get(model, {})
        hints = get_type_hints(model)
        fields: dict[Any, Any] = {
            names.get(field.name, field.name): field.evolve(type=_bare(hints[field.name]))
            for field in attrs.fields(model)
        }
        spelt: dict[str, Any] = {field.name: override(rename=name) for name, field in fields.items()}
        needed = {name: field.name for name, field in fields.items() if field.default is attrs.NOTHING}
        optional = {name: field.type for name, field in fields.items() if name not in needed and field.name != "extra"}
        learnt = self._models[model] = _Model(
            make_dict_structure_fn_from_attrs(list(fields.values()), model, self._converter, **spelt),
            needed,
            optional,
            frozenset({*needed, *optional}),
            {field.name: name for name, field in fields.items() if field.type is int and _TIME.fullmatch(field.name)},
        )
        return learnt


class UsualPage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A page as a vendor usually sends it, its rows not yet records. A vendor's own says what it calls these."""

    total: int | None = None
    """As the vendor counts."""
    request_id: str | None = None
    """The vendor's id of the request."""
    rows: list[Any]
    """The rows, for `UsualPages.records`."""


class UsualPages:
    """Pages of calls or sessions as a vendor usually sends them; see `Structure.pages`."""

    def __init__(
        self, structure: Structure, page: type[UsualPage], usual: Mapping[type, Mapping[str, Any]], within: str
    ) -> None:
        self._structure, self._page, self._usual, self._within = structure, page, usual, within
        self._rows: dict[type, TypedRows] = {}
        self._readers: dict[tuple[type, str], Callable[[bytes], UsualPage | None]] = {}

    def rows_of(self, model: type[Any]) -> TypedRows | None:
        """The rows of a model; None if pages are of others."""
        rows = self._rows.get(model)
        if rows is None and model in self._usual:
            rows = self._rows[model] = self._structure.typed(model, **self._usual[model])
        return rows

    def read(self, model: type[Any], payload: str, body: bytes) -> UsualPage | None:
        """A page of these rows; None if it is of something else, or anything about it is odd."""
        read = self._readers.get((model, payload))
        if read is None:
            if (rows := self.rows_of(model)) is None:
                return None
            read = self._readers[model, payload] = rows.reader(self._page, payload, within=self._within)
        return read(body)

    def parse(self, model: type[Any], rows: bytes | msgspec.Raw) -> list[Any] | None:
        """A list of rows of this model, for `records`; None if it is of something else, or anything about it is odd."""
        typed = self.rows_of(model)
        return None if typed is None else typed.parse(rows)

    def records(self, model: type[Any], rows: Sequence[Any], **given: Any) -> list[Any]:
        """The records of the rows of a page, and what is given with them."""
        return self._rows[model].make(rows, **given)


def _drop_nulls(row: dict[str, Any], needed: Collection[str]) -> None:
    for name in [name for name, value in row.items() if value is None]:
        if name in needed:
            raise TypeError(f"{name!r} is null")
        del row[name]


def _in_seconds(record: Any, attribute: str, name: str, odd: Odd | None) -> Any:
    """The record with a time in seconds that came in something smaller, or without it; as sent, it is in `extra`."""
    sent = getattr(record, attribute)
    if sent is None or sent < YEAR_5138:
        return record
    try:
        meant: int | None = seconds(sent)
    except ValueError:
        if getattr(attrs.fields(type(record)), attribute).default is attrs.NOTHING:
            raise
        meant = None
    if odd is not None:
        odd((name,))
    return attrs.evolve(record, **{attribute: meant, "extra": {**record.extra, name: sent}})


def _bare(hint: Any) -> Any:
    """`int` of `int | None`: nulls never get as far as the converter."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] if isinstance(hint, UnionType) else []
    return kinds[0] if len(kinds) == 1 else hint
