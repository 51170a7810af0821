"""What a neutral question about figures becomes in Agora's words: pure, for every generation.

Chooses rows and parameters, or says why there are none; and cuts ranges to whole buckets.

The theory of the seams. Agora's buckets have stamps and full values whatever the window, so a range is a set of stamps:
those in `[start, end)`. Answers by the hour include the window's end, real-time ones leave out the bucket that the end
falls in and include the one that the start falls in. Windows that touch therefore show every stamp at least once, and
what two of them show is kept once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agora_tencent_analytics.agora.figures.names import metrics_taken
from agora_tencent_analytics.agora.reference_tables import PRODUCT_TYPES
from agora_tencent_analytics.context import listed
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.limits import DAY, Limits
from agora_tencent_analytics.models.figures import FIGURES, Figures, join_figures
from agora_tencent_analytics.timerange import TimeRange

Params = dict[str, Any]
Asking = tuple[Endpoint[Any], list[Params]]
"""One row and the parameters of each question to it."""

_ROWS_OF: Mapping[str, tuple[str, ...]] = {
    "usage": ("insight/usage/by_time",),
    "quality": ("insight/quality/by_time",),
    "realtime_usage": ("realtime/usage/by_time_20sec", "live/scale/by_time"),
    "realtime_quality": ("realtime/quality/by_time_20sec", "live/experience/by_time", "live/net/by_time"),
}
_EVERY = {"day": "1d", "hour": "1h"}
_RECOMPUTED_S = 2 * DAY
"""How far back the vendor computes its figures anew."""


def ask_figures(
    rows: Mapping[str, Endpoint[Any]],
    question: str,
    metrics: Sequence[str],
    *,
    every: str | None = None,
    channel: str | None = None,
    product: str | None = None,
) -> list[Asking]:
    """Which rows to ask for some figures, with which parameters: one metric and product at a time, where they must.

    Args:
        rows: the questions of one generation, by name.
        question: `usage`, `quality`, `realtime_usage` or `realtime_quality`.
        metrics: names in `FIGURES`.
        every: `day` or `hour`; None where buckets have one width.
        channel: only in this channel; None: in all.
        product: only of this product; None: of all, one by one.

    Raises:
        NotOffered: the generation has no such question, metric, width, channel or product.
        BadInput: a name that nobody knows.
    """
    found = [rows[name] for name in _ROWS_OF[question] if name in rows]
    if not found:
        raise NotOffered(f"this generation of Agora's API does not answer {question!r}", endpoint=question)
    metrics = listed("metrics", metrics, "names")
    if not metrics or not all(isinstance(metric, str) for metric in metrics):
        raise BadInput(f"metrics must be a non-empty list of names, not {metrics!r}")
    if every is not None and every not in list(_EVERY):
        raise BadInput(f"every must be one of {', '.join(_EVERY)}, not {every!r}")
    if product is not None and product not in list(PRODUCT_TYPES):
        raise BadInput(f"product must be one of {', '.join(PRODUCT_TYPES)}, not {product!r}")
    by_row: dict[str, list[str]] = {}
    for metric in dict.fromkeys(metrics):
        row = _taking(found, metric, question)
        by_row.setdefault(row.name, []).append(metrics_taken(row)[metric])
    return [
        (rows[name], _params(rows[name], names, every=every, channel=channel, product=product))
        for name, names in by_row.items()
    ]


def those_had(rows: Mapping[str, Endpoint[Any]], question: str, metrics: Sequence[str]) -> list[str]:
    """The metrics among these that a generation has; all of them if it has none, so that the refusal names them."""
    found = [rows[name] for name in _ROWS_OF[question] if name in rows]
    return [metric for metric in metrics if any(metric in metrics_taken(row) for row in found)] or list(metrics)


def whole_buckets(over: TimeRange, grid: int, limits: Limits) -> TimeRange | None:
    """The range from the first bucket that begins in `over` to the end of the last one; None if none begins there.

    Buckets belong to the range in which they begin, so that neighbouring ranges share none. The last second or two are
    left off where they would cost one more request and hold the beginning of no bucket.

    Args:
        over: what is asked for.
        grid: buckets begin on multiples of it.
        limits: gives the span of one request, which a window stays below.
    """
    start, end = (-(-edge // grid) * grid for edge in (over.start, over.end))
    if start >= end:
        return None
    span = max(1, limits.span_s - 1)
    windows = -(-(end - grid + 1 - start) // span)
    return TimeRange(start, min(end, start + windows * span))


def whole(question: str, pieces: Iterable[Figures], now: float) -> list[Figures]:
    """The figures of a question, of the pieces that neighbouring windows gave.

    Args:
        question: its name.
        pieces: oldest window first.
        now: the vendor's epoch seconds.
    """
    return join_figures(pieces, provisional_from=None if question.startswith("realtime") else int(now) - _RECOMPUTED_S)


def _taking(rows: Sequence[Endpoint[Any]], metric: str, question: str) -> Endpoint[Any]:
    for row in rows:
        if metric in metrics_taken(row):
            return row
    if metric not in FIGURES:
        raise BadInput(f"unknown metric {metric!r}; FIGURES has {', '.join(FIGURES)}")
    taken = ", ".join(name for row in rows for name in metrics_taken(row))
    raise NotOffered(
        f"this generation of Agora's API has no {metric!r} in {question!r}, but {taken}", endpoint=rows[0].name
    )


def _params(
    row: Endpoint[Any], names: list[str], *, every: str | None, channel: str | None, product: str | None
) -> list[Params]:
    takes = {param.name: param for param in row.params}
    common: Params = {}
    if every is not None:
        widths = takes["aggregateGranularity"].values if "aggregateGranularity" in takes else ("1d",)
        if _EVERY[every] not in widths:
            raise NotOffered(f"{row.name} counted by day only until 2022; ask every='day'", endpoint=row.name)
        if "aggregateGranularity" in takes:
            common["aggregateGranularity"] = _EVERY[every]
    if channel is not None:
        if "cname" not in takes:
            raise NotOffered(f"{row.name} is about the whole app, not about single channels", endpoint=row.name)
        common["cname"] = channel
    products: Iterable[Params] = [{}]
    if "productType" in takes:
        products = [{"productType": name} for name in (PRODUCT_TYPES if product is None else [product])]
    elif product is not None:
        raise NotOffered(f"{row.name} does not tell products apart", endpoint=row.name)
    asked = [names] if takes["metric"].kind == "list" else names
    return [{"metric": metric, **common, **one} for metric in asked for one in products]
