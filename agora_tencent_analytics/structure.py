"""From a vendor's rows to records: a cattrs converter that bends where vendors do.

Holds the scalar rules and the treatment of unknown fields. What a vendor calls each field is a table in
its dialect. Vendors send numbers as text, ids as numbers, null for empty lists and new fields at any time;
none of that may cost a row. Only a missing or unreadable field that identifies a row does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

__all__ = ["Structure"]

T = TypeVar("T")


def text(value: Any, _: Any = None) -> str:
    """Text; null is empty, a number is its digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"text was due, not {type(value).__name__}")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def whole(value: Any, _: Any = None) -> int:
    """A whole number, also when sent as `1.0` or `"1"`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"a whole number was due, not {type(value).__name__}")
    return int(value)


def real(value: Any, _: Any = None) -> float:
    """A number, also when sent as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"a number was due, not {type(value).__name__}")
    return float(value)


def flag(value: Any, _: Any = None) -> bool:
    """True or false, also when sent as 0 and 1 or as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise TypeError(f"true or false was due, not {value!r}")


def _maybe(scalar: Any) -> Any:
    return lambda value, _: None if value is None else scalar(value)


def _texts(value: Any, _: Any) -> tuple[str, ...]:
    """A list of texts; null is empty, one text is a list of one."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else tuple(text(item) for item in value)


class Structure:
    """Builds records from rows by one table of names.

    Args:
        names: for each record class, the vendor's spelling of its attributes where it differs.
    """

    def __init__(self, names: Mapping[type, Mapping[str, str]] | None = None) -> None:
        self._converter = cattrs.Converter(detailed_validation=False)
        self._names = dict(names or {})
        self._known: dict[type, frozenset[str]] = {}
        for kind, hook in ((str, text), (int, whole), (float, real), (bool, flag)):
            self._converter.register_structure_hook(kind, hook)
            self._converter.register_structure_hook(kind | None, _maybe(hook))
        self._converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _texts)

    def rows(self, rows: Sequence[Any], model: type[T], **given: Any) -> list[T]:
        """The rows as records of `model`.

        Args:
            rows: JSON objects as the vendor sent them.
            model: an attrs class. If it has an `extra` attribute, fields it does not know are kept there.
            given: attributes that the rows do not carry (the vendor's name, the call's id).

        Raises:
            ValueError, TypeError, KeyError: a row is not an object, or lacks or garbles a field that it must have.
        """
        known = self._known.get(model) or self._learn(model)
        structure = self._converter.structure
        built = []
        for row in rows:
            extra = {name: value for name, value in row.items() if name not in known or name in given}
            built.append(structure({**row, **given, "extra": extra}, model))
        return built

    def _learn(self, model: type[Any]) -> frozenset[str]:
        names = self._names.get(model, {})
        fields = attrs.fields(model)
        # A null stands for "not sent": the attribute's own default is better than None where None is not allowed.
        hook = make_dict_structure_fn(
            model,
            self._converter,
            _cattrs_use_linecache=False,
            **{field.name: override(rename=names.get(field.name, field.name)) for field in fields},
        )
        lenient = {
            names.get(field.name, field.name)
            for field in fields
            if field.default is not attrs.NOTHING and field.name != "extra"
        }

        def build(row: Mapping[str, Any], _: Any) -> Any:
            if None in row.values():
                row = {name: value for name, value in row.items() if value is not None or name not in lenient}
            return hook(row, model)

        self._converter.register_structure_hook(model, build)
        self._known[model] = frozenset(names.get(field.name, field.name) for field in fields if field.name != "extra")
        return self._known[model]
