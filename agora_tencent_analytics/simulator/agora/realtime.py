"""How a simulated Agora answers Real-time Monitoring: windows of 20 seconds, and the top of a dimension.

Answers `realtime/*/by_time_20sec`, with its three shapes, and `realtime/*/dimension/top20`, whose `data` is an object
where all others have a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agora_tencent_analytics.simulator.agora.insight import PRODUCTS, QUALITY, is_told, rows_of, told, top
from agora_tencent_analytics.simulator.agora.question import MOMENT_S, Question, bad, ids, one_of
from agora_tencent_analytics.simulator.agora.statistics import DIMENSIONS
from agora_tencent_analytics.simulator.world.attendance import Chosen
from agora_tencent_analytics.simulator.world.figures import compute
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.traits import by_trait

_SCALE = ("userCount", "channelCount")
_MOST_UIDS = 10
_QUOTED = re.compile(r'"[^"]*"(?:,"[^"]*")*')


def usage_by_20_seconds(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/usage/by_time_20sec`."""
    return {"data": _flat(asked, one_of(asked.query, "metric", _SCALE))}


def quality_by_20_seconds(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/quality/by_time_20sec`; `uids` count only together with `cname`."""
    metric = one_of(asked.query, "metric", QUALITY)
    uids = ids(asked.query, "uids", most=_MOST_UIDS)
    if not uids or not asked.query.get("cname"):
        return {"data": _flat(asked, metric)}
    product = one_of(asked.query, "productType", PRODUCTS)
    users = []
    for uid in sorted(uids):
        if not (uid.isascii() and uid.isdecimal()):
            raise bad("uids", "is not a list of numbers")
        chosen = Chosen(channel=asked.query["cname"], user_id=uid, product=product)
        there = [bucket for bucket in _windows(asked) if _stays(asked, bucket, chosen)]
        if there:
            values = [{"ts": row["ts"], metric: row[metric]} for row in rows_of(asked, metric, there, MOMENT_S, chosen)]
            users.append({"uid": int(uid), "values": values})
    return {"data": users}


def usage_top(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/usage/dimension/top20`."""
    metric = one_of(asked.query, "metric", ("userCount",))
    return _top(asked, (metric,), metric)


def quality_top(asked: Question) -> Mapping[str, object]:
    """Answers `realtime/quality/dimension/top20`."""
    metric = one_of(asked.query, "metric", QUALITY)
    extra = one_of(asked.query, "extraMetrics", ("userCount",), "")
    return _top(asked, (metric, extra) if extra else (metric,), metric)


def _flat(asked: Question, metric: str) -> list[dict[str, Any]]:
    product = one_of(asked.query, "productType", PRODUCTS)
    chosen = Chosen(channel=asked.query.get("cname"), product=product)
    wanted = _values(asked.query)
    if "dimension" not in asked.query:
        return rows_of(asked, metric, _windows(asked), MOMENT_S, chosen)
    dimension = one_of(asked.query, "dimension", DIMENSIONS)
    rows = []
    for bucket in _windows(asked):
        groups = by_trait(_stays(asked, bucket, chosen), dimension)
        figures = {
            value: compute(stays, metric, bucket, bucket + MOMENT_S)
            for value, stays in groups.items()
            if wanted is None or value in wanted
        }
        found = [
            {metric: told(asked, figure), "ts": bucket, dimension: value}
            for value, figure in figures.items()
            if is_told(asked, figure)
        ]
        rows += top(found, dimension, metric)
    return rows


def _top(asked: Question, metrics: Sequence[str], ranked_by: str) -> Mapping[str, object]:
    product = one_of(asked.query, "productType", PRODUCTS)
    dimension = one_of(asked.query, "dimension", DIMENSIONS)
    rows = [
        {dimension: value, **{name: told(asked, compute(stays, name, asked.start, asked.end)) for name in metrics}}
        for value, stays in by_trait(_stays(asked, asked.start, Chosen(product=product)), dimension).items()
    ]
    return {"data": {"list": top(rows, dimension, ranked_by)}}


def _windows(asked: Question) -> range:
    return range(asked.start // MOMENT_S * MOMENT_S, asked.end // MOMENT_S * MOMENT_S, MOMENT_S)


def _stays(asked: Question, bucket: int, chosen: Chosen) -> list[Session]:
    return asked.world.stays("agora", bucket, bucket + MOMENT_S, chosen)


def _values(query: Mapping[str, str]) -> frozenset[str] | None:
    if "dimensionValues" not in query:
        return None
    if "dimension" not in query:
        raise bad("dimensionValues", "needs a dimension")
    text = query["dimensionValues"]
    if _QUOTED.fullmatch(text) is None:
        raise bad("dimensionValues", "is not a list of strings in double quotes")
    return frozenset(re.findall(r'"([^"]*)"', text))
