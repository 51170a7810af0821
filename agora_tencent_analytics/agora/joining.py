"""Ranges cut to whole buckets, and what neighbouring windows gave joined: pure.

The theory of the seams. Agora's buckets have stamps and full values whatever the window, so a range is a set of stamps:
those in `[start, end)`. Answers by the hour include the window's end, real-time ones leave out the bucket that the end
falls in and include the one that the start falls in. Windows that touch therefore show every stamp at least once, and
what two of them show is kept once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.timerange import TimeRange


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


def join_figures(pieces: Iterable[Figures], *, provisional_from: int | None) -> list[Figures]:
    """One `Figures` of the pieces that neighbouring windows gave; of buckets in two of them the first is kept.

    Args:
        pieces: figures of one question, oldest window first.
        provisional_from: from when on values may change, epoch seconds; None: nowhere.
    """
    whole: dict[tuple[str, ...], list[Figures]] = {}
    for piece in pieces:
        name = piece.metric or piece.vendor_metric  # a peak may be spelt in two ways
        key = (name, piece.product, piece.channel, piece.dimension, piece.dimension_value, piece.user_id)
        whole.setdefault(key, []).append(piece)
    return [
        attrs.evolve(
            same[0],
            columns=Columns.join([piece.columns for piece in same]),
            beyond=same[-1].beyond,
            extra=_joined([piece.extra for piece in same]),
            provisional_from=provisional_from,
        )
        for same in whole.values()
    ]


def _joined(extras: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for extra in extras:
        for name, value in extra.items():
            had = joined.get(name)
            joined[name] = {**had, **value} if isinstance(had, dict) and isinstance(value, dict) else value
    return joined
