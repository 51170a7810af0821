"""The rows inside Agora's envelope: how they come, what they call a metric and a part of a dimension.

The vendor has one envelope and many insides: `data` may be a list, an object around a `list`, one object, or null; its
rows carry the metric under its own name, in one of its spellings, or as `value`, and name the dimension as they like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from agora_tencent_analytics.agora.figures.names import NEUTRAL, PERCENTAGES, metric_spellings
from agora_tencent_analytics.agora.reference_tables import DIMENSIONS
from agora_tencent_analytics.decoding.flaws import Flaws
from agora_tencent_analytics.decoding.moments import YEAR_5138, seconds
from agora_tencent_analytics.decoding.rawjson import text
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.models.figures import FIGURES

VALUE = "value"
"""How statistics of a call spell any metric."""

Row = dict[str, Any]


def rows_of(data: Any) -> Sequence[Row]:
    """The rows of `data`, whatever they are wrapped in.

    Raises:
        TypeError: it is not a list.
    """
    if isinstance(data, dict):
        data = data.get("list", [data] if data else None)
    if data is None:
        return []
    if not isinstance(data, list):
        raise TypeError(f"a list of rows was due, not {type(data).__name__}")
    return data


def asked_for(params: Mapping[str, Any]) -> list[str]:
    """The metrics that were asked for, one or several."""
    metric = params.get("metric", "")
    return list(metric) if isinstance(metric, list | tuple) else [metric]


def measured(row: Row, names: Sequence[str], *, counts: bool = True) -> Row:
    """The row's metrics by their names there: those asked for, None where missing, and with `counts` others we know."""
    found = {}
    for name in names:
        key = next((key for key in (name, *metric_spellings(name), VALUE) if key in row), name)
        found[key] = row.get(key)
    if counts:
        found |= {key: value for key, value in row.items() if key in NEUTRAL}
    return found


def spellings(dimension: str) -> Sequence[str]:
    """How an answer may name the dimension: as asked, or as it is spelt at any other path."""
    same = {
        name
        for known in DIMENSIONS.values()
        for neutral, names in known.items()
        if dimension in (neutral, *names)
        for name in names
    }
    return (dimension, *sorted(same - {dimension})) if dimension else ()


def part_of(row: Row, spelt: Sequence[str]) -> str:
    """Which part of a dimension the row is about; `""` if none of the spellings is in it."""
    return next((text(row[key]) for key in (*spelt, "dimension_value") if key in row), "")


def unit_of(name: str) -> str:
    """Unit of a metric by the vendor's name; `""` for one that is not in `FIGURES`."""
    metric = NEUTRAL.get(name)
    return FIGURES[metric].unit if metric else ""


def ratio_of(row: Endpoint[Any], value: Any) -> float | None:
    """The value as a number, and a percentage as a ratio where the question answers in percent."""
    found = number_of(value)
    return found / 100 if found is not None and row.path in PERCENTAGES else found


def stamp_of(row: Row, flaws: Flaws) -> int:
    """When a row was, epoch seconds.

    Raises:
        ValueError, TypeError, ArithmeticError: nobody knows.
    """
    sent = row.get("ts")
    if type(sent) is int and sent < YEAR_5138:
        return sent
    found, said = seconds(sent), number_of(sent)
    if said is None or said >= YEAR_5138:
        flaws.odd(("ts",))
    return found


def number_of(value: Any) -> float | None:
    """A finite number, also where it is sent as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None
