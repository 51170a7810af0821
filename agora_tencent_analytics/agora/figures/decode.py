"""Agora's figures over time as records: `Figures`, from every shape that its answers have.

Rows stand alone or in a `values` list for each user. What was not asked for and nobody knows is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import msgspec

from agora_tencent_analytics.agora.figures.answer_rows import (
    VALUE,
    Row,
    asked_for,
    measured,
    part_of,
    ratio_of,
    rows_of,
    spellings,
    stamp_of,
    unit_of,
)
from agora_tencent_analytics.agora.figures.names import NEUTRAL
from agora_tencent_analytics.agora.reference_tables import GRANULARITIES
from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.decoding.rawjson import UNREAD, text
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.wire import Asked

_REALTIME_S = 20
_MOST_BESIDE = 500
"""The most fields besides the values of a user: far more than exist. Each figure made of the values keeps them."""
_BESIDE_A_POINT = frozenset({"ts", "uid", "dimension_value"})
_NOTHING: Row = {}


@attrs.define
class _Gathered:
    points: list[tuple[Any, float | None]] = attrs.field(factory=list)
    extra: Row = attrs.field(factory=dict)


def grid_of(row: Endpoint[Any]) -> int | None:
    """On multiples of how many seconds the buckets of an answer begin; None where the vendor does not say.

    Days begin on whole hours: the vendor's text has midnight of UTC, its samples that of UTC+8. Minutes of the retired
    live figures begin anywhere.
    """
    if row.path.startswith("/beta/realtime/"):
        return _REALTIME_S
    if row.path.startswith("/beta/insight/"):
        return DAY if row.generation == "2021-03" else HOUR
    return 1 if row.path.startswith("/beta/live/") else None


def _bucket(row: Endpoint[Any], params: Mapping[str, Any]) -> int | None:
    if row.path.startswith("/beta/realtime/"):
        return _REALTIME_S
    if row.path.startswith("/beta/live/"):
        return MINUTE
    if row.path.startswith("/beta/insight/") and row.generation == "2021-03":
        return DAY
    return GRANULARITIES.get(params.get("aggregateGranularity", ""))


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
                    into.extra.setdefault(odd, {})[text(point.get("ts"))] = said
        return []

    def open_groups(groups: Sequence[Row]) -> list[Any]:
        gather([group for group in groups if "values" not in group])
        for group in groups:
            if "values" in group:
                if len(group) > _MOST_BESIDE:
                    raise ValueError(f"{len(group)} fields besides values")
                uid, beside = group.get("uid"), {key: group[key] for key in group.keys() - {"values", "uid"}}
                flaws.each(rows_of(group["values"]), partial(gather, uid=uid, beside=beside))
        return []

    flaws.each(rows_of(data), open_groups)
    bucket, grid = _bucket(row, params), grid_of(row)
    first = asked.window.start - asked.window.start % grid if grid else 0
    return [
        Figures(
            vendor="agora",
            metric=NEUTRAL.get(name, ""),
            vendor_metric=name,
            unit=unit_of(name),
            product=params.get("productType", ""),
            call_id=params.get("call_id", ""),
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
