"""Shapes: rows of one page look alike, so what has to be asked of a row is asked once for all rows of its shape.

The shape of a row is the names and the kinds of its values, in order. It settles which fields are there, which are
null, which are unknown and which need a conversion. For each shape cattrs writes a function that asks none of that
again. What is left is mostly the frozen record's `__init__`, which takes keywords and goes round the record's own
lock. So cattrs fills a double: an ordinary class with the same attributes that takes them by position, and the double
becomes the record by a change of its class. That is right only where making a record does nothing but store what it
is given, and possible only without slots; rows of other models are built the ordinary way.

Holds no treatment of values: how texts, numbers and flags are read is in `rows.py`, as is the ordinary way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn_from_attrs, override

from agora_tencent_analytics.decoding.rawjson import UNREAD

_MOST = 32  # shapes of one model: a few, unless a vendor's rows are a muddle; each costs some milliseconds to learn
Signs = tuple[object, ...]
_HOOKS = ("__attrs_init__", "__attrs_pre_init__", "__attrs_post_init__")


class Shape(NamedTuple):
    """What holds for all rows with the same names and kinds of values, in the same order."""

    fill: Callable[[Mapping[str, Any]], Any] | None
    """A row, with what is given beside it, as the double of its record; None if it must go the ordinary way."""
    unknown: tuple[str, ...]
    """Names of the row that its record does not know."""
    nested: tuple[str, ...]
    """Those of them that are lists or objects."""


class Shapes:
    """The shapes met in rows of one model.

    Args:
        model: an attrs class.
        fields: its attributes by the vendor's names, their types bare.
        converter: has a hook for each type but `float`: no text comes here that should be one.
    """

    def __init__(
        self, model: type[Any], fields: Mapping[str, attrs.Attribute[Any]], converter: cattrs.Converter
    ) -> None:
        self._model = model
        self._fields = fields
        self._converter = converter
        self._known = {name for name, field in fields.items() if field.name != "extra"}
        self._met: dict[object, dict[Signs, Shape]] = {}
        self._room = _MOST if _only_stores(model, fields.values()) else 0

    def met(self, given: Mapping[str, Any]) -> dict[Signs, Shape]:
        """The shapes learnt so far, of rows with the same attributes given beside them, by their signs.

        Args:
            given: attributes that the rows do not carry.
        """
        return self._met.setdefault((*given, *map(type, given.values())), {})

    def learn(self, signs: Signs, row: Mapping[str, Any], given: Mapping[str, Any]) -> Shape:
        """The shape of this row, kept while there is room.

        Args:
            signs: names and kinds of the row, in order.
            row: a JSON object whose shape has not been met.
            given: attributes that the rows do not carry.
        """
        unknown = tuple(name for name in row if name not in self._known or name in given)
        nested = tuple(name for name in unknown if isinstance(row[name], list | dict))
        if self._room <= 0 or UNREAD in row:
            return Shape(None, unknown, nested)
        self._room -= 1
        shape = Shape(self._fill({**row, **given}, with_extra=bool(unknown)), unknown, nested)
        self.met(given)[signs] = shape
        return shape

    def _fill(self, row: Mapping[str, Any], *, with_extra: bool) -> Callable[[Mapping[str, Any]], Any] | None:
        present: dict[str, attrs.Attribute[Any]] = {}
        for name, field in self._fields.items():
            if field.name == "extra":
                if with_extra:
                    present["extra"] = _as_it_is(field)
            elif type(row.get(name)) is str and field.type is float:
                return None
            elif row.get(name) is not None:
                present[name] = _as_it_is(field) if type(row[name]) is field.type else field
            elif field.default is attrs.NOTHING:
                return None
        spelt: dict[str, Any] = {field.name: override(rename=name) for name, field in present.items()}
        taken = [field.evolve(default=attrs.NOTHING, kw_only=False) for field in present.values()]
        fill: Callable[[Mapping[str, Any]], Any] = make_dict_structure_fn_from_attrs(
            taken,
            _double(self._model, self._fields.values(), {field.name for field in taken}),
            self._converter,
            _cattrs_prefer_attrib_converters=True,
            **spelt,
        )
        return fill


def _as_it_is(field: attrs.Attribute[Any]) -> attrs.Attribute[Any]:
    # What the class itself is said to convert, cattrs hands over as it is; and the double converts nothing.
    return field.evolve(converter=field.type)


def _only_stores(model: type[Any], fields: Iterable[attrs.Attribute[Any]]) -> bool:
    """Whether making a record does nothing but store what it is given, and a double can become one."""
    if any(hasattr(model, hook) for hook in _HOOKS):
        return False
    if any(field.converter or field.validator or not field.init for field in fields):
        return False
    try:
        _double(model, fields, set())().__class__ = model
    except TypeError:
        return False
    return True


def _double(model: type[Any], fields: Iterable[attrs.Attribute[Any]], taken: set[str]) -> type[Any]:
    """A class with the attributes of `model`: it takes those named, in their order, and has the others by default."""
    own = {field.name: attrs.field() for field in fields if field.name in taken}
    for field in fields:
        if field.name not in taken:
            default = None if field.default is attrs.NOTHING else field.default
            own[field.name] = attrs.field(default=default, init=False)
    return attrs.make_class(model.__name__, own, slots=False, eq=False, repr=False)
