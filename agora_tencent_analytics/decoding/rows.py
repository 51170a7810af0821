"""From a vendor's rows to records: a cattrs converter that bends where vendors do.

Holds the treatment of scalars, nulls and unknown fields. What a vendor calls each field is a table in its
package. Vendors send numbers as text, ids as numbers, null for empty lists and new fields at any time; none
of that may cost a row. Only a field that a record cannot be without does, when it is missing, null or
unreadable.

Pages are read by the hundred rows, so a field that comes as what it is costs no Python call, whole numbers and numbers
are made by `int` and `float` themselves, and `shapes.py` leaves out what need not be asked of every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn_from_attrs, override

from agora_tencent_analytics.decoding.shapes import Shapes

T = TypeVar("T")
_GARBLED = (ValueError, TypeError, ArithmeticError)


def flag(value: Any, _: Any = None) -> bool:
    """True or false, also when sent as 0 and 1 or as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise TypeError(f"true or false was due, not {value!r}")


def says_no(value: Any) -> bool:
    """True for what `flag` reads as False."""
    try:
        return not flag(value)
    except TypeError:
        return False


def one_text(value: Any, _: Any = None) -> str:
    """Text; a number that came as a whole float has no fraction, since ids are compared as text."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def texts(value: Any, _: Any = None) -> tuple[str, ...]:
    """A list of texts; one text is a list of one."""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(map(one_text, value))


class _Model(NamedTuple):
    build: Callable[[Any, Any], Any]
    shapes: Shapes
    needed: tuple[str, ...]  # the vendor's names of the fields that a row must have
    optional: Mapping[str, Any]  # of those that it may have, with their types


class Structure:
    """Builds records from rows by one table of names.

    Args:
        names: for each record class, the vendor's spelling of its attributes where it differs.
    """

    def __init__(self, names: Mapping[type, Mapping[str, str]] | None = None) -> None:
        self._converter = cattrs.Converter(detailed_validation=False)
        self._converter.register_structure_hook(bool, flag)
        self._converter.register_structure_hook(str, one_text)
        self._converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], texts)
        self._names = dict(names or {})
        self._models: dict[type, _Model] = {}

    def rows(self, rows: Sequence[Any], model: type[T], **given: Any) -> list[T]:
        """The rows as records of `model`.

        A null counts as "not sent". A model's `extra` attribute keeps the fields that it does not know, and those
        that cannot be read where a record can be without them.

        Args:
            rows: JSON objects as the vendor sent them. They are taken over: do not use them afterwards.
            model: an attrs class.
            given: attributes that the rows do not carry (the vendor's name, the call's id).

        Raises:
            ValueError, TypeError, KeyError, AttributeError: a row is not an object, or lacks or garbles a
                field that its record cannot be without.
        """
        learnt = self._models.get(model) or self._learn(model)
        met = learnt.shapes.met(given)
        found: list[T] = []
        seen, fill, unknown = list[object](), None, tuple[str, ...]()
        for row in rows:
            signs = [*row, *map(type, row.values())]
            if signs != seen:
                seen, key = signs, tuple(signs)
                fill, unknown = met.get(key) or learnt.shapes.learn(key, row, given)
            if unknown:
                row["extra"] = {name: row.pop(name) for name in unknown}
            row |= given
            if fill is None:
                found.append(self._build(row, model, learnt))
                continue
            try:
                record = fill(row)
            except _GARBLED:
                found.append(self._build(row, model, learnt))
            else:
                record.__class__ = model
                found.append(record)
        return found

    def _build(self, row: dict[str, Any], model: type[T], learnt: _Model) -> T:
        if None in row.values():
            _drop_nulls(row, learnt.needed)
        try:
            made: T = learnt.build(row, model)
        except _GARBLED:
            self._set_garbled_aside(row, learnt.optional)
            made = learnt.build(row, model)
        return made

    def _set_garbled_aside(self, row: dict[str, Any], optional: Mapping[str, Any]) -> None:
        for name in optional.keys() & row.keys():
            try:
                self._converter.structure(row[name], optional[name])
            except _GARBLED:
                row.setdefault("extra", {})[name] = row.pop(name)

    def _learn(self, model: type[Any]) -> _Model:
        names = self._names.get(model, {})
        hints = get_type_hints(model)
        fields = {
            names.get(field.name, field.name): field.evolve(type=_bare(hints[field.name]))
            for field in attrs.fields(model)
        }
        spelt: dict[str, Any] = {field.name: override(rename=name) for name, field in fields.items()}
        learnt = self._models[model] = _Model(
            make_dict_structure_fn_from_attrs(list(fields.values()), model, self._converter, **spelt),
            Shapes(model, fields, self._converter),
            tuple(name for name, field in fields.items() if field.default is attrs.NOTHING),
            {
                name: field.type
                for name, field in fields.items()
                if field.default is not attrs.NOTHING and field.name != "extra"
            },
        )
        return learnt


def _drop_nulls(row: dict[str, Any], needed: Sequence[str]) -> None:
    for name in [name for name, value in row.items() if value is None]:
        if name in needed:
            raise TypeError(f"{name!r} is null")
        del row[name]


def _bare(hint: Any) -> Any:
    """`int` of `int | None`: nulls never get as far as the converter."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] if isinstance(hint, UnionType) else []
    return kinds[0] if len(kinds) == 1 else hint
