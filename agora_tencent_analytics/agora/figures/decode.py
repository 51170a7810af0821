"""Agora's answers about figures as records: figures over time, breakdowns by dimension, and diagnoses.

The vendor has one envelope and many insides: `data` may be a list, an object around a `list`, one object, or null; its
rows stand alone or in a `values` list for each user, carry the metric under its own name, in one of its spellings, or
as `value`, and name the dimension as they like. What was not asked for and nobody knows is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any

import msgspec

from agora_tencent_analytics.agora.figures.names import NEUTRAL, PERCENTAGES, metric_spellings
from agora_tencent_analytics.agora.reference_tables import (
    DIMENSIONS,
    GRANULARITIES,
    describe_experience,
    describe_factor,
)
from agora_tencent_analytics.decoding.flaws import Flaws
from agora_tencent_analytics.decoding.moments import YEAR_5138, seconds
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rawjson import UNREAD, beside, number, shallow, text
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.events import AbnormalExperience, Cause
from agora_tencent_analytics.models.figures import FIGURES, Breakdown, Figures
from agora_tencent_analytics.wire import Asked, read_rows

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
        raise TypeError(f"expected a list of rows, not {type(data).__name__}")
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


def _about(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """What a figure is about by its name, and by what was asked."""
    metric = NEUTRAL.get(name, "")
    return {
        "vendor": "agora",
        "metric": metric,
        "unit": FIGURES[metric].unit if metric else "",
        "product": params.get("productType", ""),
        "call_id": params.get("call_id", ""),
    }


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


_REALTIME_S = 20
_MOST_BESIDE = 500
"""The most fields besides the values of a user: far more than exist. Each figure made of the values keeps them."""
_BESIDE_A_POINT = frozenset({"ts", "uid", "dimension_value"})
_NOTHING: Row = {}


class _Gathered(msgspec.Struct):
    points: list[tuple[Any, float | None]] = []
    extra: Row = {}


def grid_of(row: Endpoint[Any]) -> int | None:
    """On multiples of how many seconds the buckets of an answer begin; None where the vendor does not say.

    Days begin on whole hours: the vendor's text has midnight of UTC, its samples that of UTC+8. Minutes of the retired
    live figures begin anywhere.
    """
    return _buckets(row)[0]


def _buckets(row: Endpoint[Any]) -> tuple[int | None, int | None]:
    """The grid of an answer's buckets, and their width, None where it is asked for or nobody says."""
    family, _, _ = row.path.removeprefix("/beta/").partition("/")
    return _BUCKETS.get((family, row.generation), _BUCKETS.get((family, ""), (None, None)))


_BUCKETS: Mapping[tuple[str, str], tuple[int | None, int | None]] = {
    ("realtime", ""): (_REALTIME_S, _REALTIME_S),
    ("live", ""): (1, MINUTE),
    ("insight", ""): (HOUR, None),
    ("insight", "2021-03"): (DAY, DAY),
}


def figures(row: Endpoint[Any], data: Any, asked: Asked) -> list[Figures]:
    """One `Figures` for each metric, part of a dimension and user in an answer.

    Buckets that begin at the window's end or later are set apart: hourly answers include the end. The bucket that
    the window begins in is kept if it is on a known grid: the vendor leaves it out of the window before.
    """
    params = asked.params
    names = asked_for(params)
    dimension = params.get("dimension", "")
    spelt = spellings(dimension)
    flaws = asked.flaws
    gathered: dict[tuple[str, str, str], _Gathered] = {}

    def gather(points: Sequence[Row], uid: Any = None, beside: Row = _NOTHING) -> list[Any]:
        for point in points:
            user, part = text(point.get("uid", uid)), part_of(point, spelt)
            stamp = stamp_of(point, flaws)
            found = measured(point, names)
            unread = point.pop(UNREAD, _NOTHING)
            if unread:
                flaws.odd(unread.keys() & (found.keys() | _BESIDE_A_POINT))
            unknown = {key: point[key] for key in point.keys() - found.keys() - _BESIDE_A_POINT - set(spelt)} | unread
            for key, value in found.items():
                name, ratio = names[0] if key == VALUE else key, ratio_of(row, value)
                if ratio is None and value is not None:
                    unknown[key] = value
                    flaws.odd((key,))
                into = gathered.setdefault((name, part, user), _Gathered())
                into.points.append((stamp, ratio))
                into.extra.update(beside)
                for odd, said in unknown.items():
                    into.extra.setdefault(odd, {})[text(point.get("ts"))] = shallow(said)
        return []

    def open_groups(groups: Sequence[Row]) -> list[Any]:
        gather([group for group in groups if "values" not in group])
        for group in groups:
            if "values" in group:
                if len(group) > _MOST_BESIDE:
                    raise ValueError(f"{len(group)} fields besides values")
                uid, beside = group.get("uid"), {key: shallow(group[key]) for key in group.keys() - {"values", "uid"}}
                flaws.each(rows_of(group["values"]), partial(gather, uid=uid, beside=beside))
        return []

    flaws.each(rows_of(data), open_groups)
    grid, width = _buckets(row)
    bucket = width or GRANULARITIES.get(params.get("aggregateGranularity", ""))
    first = asked.window.start - asked.window.start % grid if grid else 0
    return [
        Figures(
            **_about(name, params),
            vendor_metric=name,
            channel=params.get("cname", ""),
            dimension=dimension,
            dimension_value=part,
            user_id=user,
            bucket_s=bucket,
            columns=Columns(sent := msgspec.json.encode(those.points), PointForm.PAIRS, clip=(first, asked.window.end)),
            beyond=Columns(sent, PointForm.PAIRS, clip=(asked.window.end, math.inf)),
            extra=those.extra,
        )
        for (name, part, user), those in gathered.items()
    ]


_TOP_S = 20
_OF_AN_EXPERIENCE = frozenset({"user", "exp_id", "cname", "cause_tags", "ts"})
_BESIDE_A_PART = frozenset({"dimension_value", "bucket", "user_count", "refUsage", "windowStartTs", "windowEndTs"})


def breakdowns(row: Endpoint[Any], data: Any, asked: Asked) -> list[Breakdown]:
    """One `Breakdown` for each part of a dimension in an answer, or the only one of the whole app.

    Raises:
        KeyError: a row has neither a part nor the figure.
    """
    return read_rows(row, rows_of(data), asked, partial(_breakdowns, row, asked=asked))


def _breakdowns(row: Endpoint[Any], rows: Sequence[Row], asked: Asked) -> list[Breakdown]:
    params, window = asked.params, asked.window
    (name, *_) = asked_for(params)
    dimension = params.get("dimension", "")
    spelt = spellings(dimension)
    whole = window.end if row.bounds.end else window.start + _TOP_S
    made = []
    for part in rows:
        found = measured(part, [name], counts=False)
        key, of_part = next(iter(found)), part_of(part, (*spelt, "bucket"))
        if key not in part and not of_part:
            raise KeyError(key)
        users = "user_count" if "user_count" in part or key == "userCount" else "userCount"
        start, end = number(part.get("windowStartTs")), number(part.get("windowEndTs"))
        known = _BESIDE_A_PART | found.keys() | {*spelt, users}
        extra, value = beside(part, known), ratio_of(row, found[key])
        if value is None and found[key] is not None:
            extra[key] = shallow(found[key])
        asked.flaws.odd(extra.keys() & known)
        made.append(
            Breakdown(
                **_about(name, params),
                vendor_metric=name if key == VALUE else key,
                dimension=dimension or ("bucket" if "bucket" in part else ""),
                dimension_value=of_part,
                value=value,
                users=number(part.get(users)),
                reference=number_of(part.get("refUsage")),
                start=window.start if start is None else start,
                end=whole if end is None else end,
                extra=extra,
            )
        )
    return made


def experiences(row: Endpoint[Any], data: Any, asked: Asked) -> list[AbnormalExperience]:
    """Rows of `live/diagnosis`, worded by the vendor's last tables.

    Raises:
        KeyError, TypeError, ValueError: a row has no user, channel, kind or time.
    """
    return read_rows(row, rows_of(data), asked, partial(_experiences, asked=asked))


def _experiences(rows: Sequence[Row], asked: Asked) -> list[AbnormalExperience]:
    flaws, found = asked.flaws, []
    for row in rows:
        causes, odd = flaws.apart(row.get("cause_tags") or (), _causes)
        extra = beside(row, _OF_AN_EXPERIENCE) | ({"cause_tags": shallow(odd)} if odd else {})
        flaws.odd(extra.keys() & _OF_AN_EXPERIENCE)
        found.append(
            AbnormalExperience(
                vendor="agora",
                channel=_said(row, "cname"),
                user_id=_said(row, "user"),
                experience_id=_whole(row, "exp_id"),
                experience=describe_experience(_whole(row, "exp_id")),
                ts=stamp_of(row, flaws),
                causes=tuple(causes),
                extra=extra,
            )
        )
    return found


def _causes(tags: Sequence[Row]) -> list[Cause]:
    found = []
    for tag in tags:
        factor, peer = _whole(tag, "factor_id"), text(tag.get("host_user"))
        extra = beside(tag, ("factor_id", "host_user"))
        found.append(Cause(cause_id=factor, peer_id=peer, text=describe_factor(factor, peer), extra=extra))
    return found


def _said(row: Row, name: str) -> str:
    if row[name] is None:
        raise TypeError(f"{name} is null")
    return text(row[name])


def _whole(row: Row, name: str) -> int:
    found = number(row[name])
    if found is None:
        raise TypeError(f"{name} should be a whole number, not {row[name]!r}")
    return found


READ: Mapping[type, Callable[[Endpoint[Any], Any, Asked], list[Any]]] = {
    Figures: figures,
    Breakdown: breakdowns,
    AbnormalExperience: experiences,
}
"""How the data of an answer is read, by what it becomes."""
