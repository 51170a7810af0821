"""What the words and numbers of Agora's questions and answers mean: the way to all reference tables.

Holds codes, product types, dimensions, granularities and buckets, and passes on the tables of `factors.py` and
`figures/names.py`. An unknown id is worded as such, an unknown name comes back as it went in. Metric ids of call series
(`mid`) are in `metrics.py`, the failures behind a code in `codes.py`, the plans' figures in `plans.py`. Tables by
endpoint are keyed by its path.

Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14) and the vendor's OpenAPI
description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from agora_tencent_analytics.agora.codes import MESSAGES_300
from agora_tencent_analytics.agora.factors import (
    EXPERIENCES,
    FACTORS,
    FACTORS_UNEXPLAINED,
    describe_experience,
    describe_factor,
)
from agora_tencent_analytics.agora.figures.names import (
    CALL_METRICS,
    QUALITY_METRICS,
    USAGE_METRICS,
    QuestionMetric,
    metric_spellings,
    question_metric,
)
from agora_tencent_analytics.limits import DAY, HOUR

__all__ = [
    "CALL_METRICS",
    "DIMENSIONS",
    "EXPERIENCES",
    "FACTORS",
    "FACTORS_UNEXPLAINED",
    "FREEZE_BUCKETS",
    "GRANULARITIES",
    "PRODUCT_TYPES",
    "PRODUCT_TYPE_REQUIRED",
    "QUALITY_METRICS",
    "STATUS_CODES",
    "TOP_DEVICES",
    "TOP_VALUES",
    "USAGE_METRICS",
    "QuestionMetric",
    "StatusCode",
    "describe_experience",
    "describe_factor",
    "describe_status",
    "dimension_spellings",
    "freeze_bounds",
    "metric_spellings",
    "question_metric",
]


@attrs.frozen
class StatusCode:
    """One value of `code` in an answer.

    Args:
        code: the number in the body; with 300 the HTTP status is 200.
        text: what it says.
        messages: parts of the `message` that tell its meanings apart; `codes.py` says which failure each is.
    """

    code: int
    text: str
    messages: tuple[str, ...] = ()


STATUS_CODES: Mapping[int, StatusCode] = MappingProxyType(
    {
        row.code: row
        for row in (
            StatusCode(200, "Answered"),
            StatusCode(300, "Refused by a limit, a window or the plan; its message says which", tuple(MESSAGES_300)),
            StatusCode(400, "Parameters not valid"),
            StatusCode(401, "Not authenticated"),
            StatusCode(403, "Credentials wrong for what was asked"),
            StatusCode(404, "No such question"),
            # The vendor answers so to malformed questions too: milliseconds where seconds are due, for one.
            StatusCode(500, "Unknown error"),
        )
    }
)
"""The codes of an answer's body."""


def describe_status(code: int) -> str:
    """Says what a `code` means; an unknown one is worded as such."""
    row = STATUS_CODES.get(code)
    return row.text if row else f"Unknown code {code}"


PRODUCT_TYPES: Mapping[str, str] = MappingProxyType(
    {"Native": "SDKs for Android, iOS, macOS and Windows", "WebRTC": "SDK for the Web"}
)
"""What `productType` takes. One request takes one: what is asked of all users is asked twice."""

_REALTIME = tuple(
    f"/beta/realtime/{of}/{by}" for of in ("usage", "quality") for by in ("by_time_20sec", "dimension/top20")
)

PRODUCT_TYPE_REQUIRED: frozenset[str] = frozenset(
    {"/beta/insight/quality/by_time", "/beta/insight/quality/aggregation", *_REALTIME}
)
"""Paths that require `productType`; usage over hours and days knows none. The English page leaves it out of
aggregated quality, where the OpenAPI description requires it."""

_PLACES = {"country": ("country",), "region": ("region",), "os": ("os",), "device": ("device",)}
_SHORT = {**_PLACES, "network": ("net",), "sdk_version": ("sdk",)}
_LONG = {**_PLACES, "network": ("network", "net"), "sdk_version": ("sdkVersion", "sdk")}

DIMENSIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "/beta/analytics/call/statistics": _SHORT,
        # Listed as `sdk`, spelt `sdkVersion` in the example next to the list.
        "/beta/insight/usage/aggregation": {**_SHORT, "sdk_version": ("sdk", "sdkVersion")},
        # The OpenAPI description and the English list disagree; only the latter has `channelSize`.
        "/beta/insight/quality/aggregation": {**_LONG, "channel_size": ("channelSize",)},
        **dict.fromkeys(_REALTIME, _SHORT),
    }
)
"""What `dimension` takes, by path and neutral name: the spellings on the vendor's pages, the likeliest first.
`channelSize` takes no `dimensionValues`: it is grouped by a scale of the vendor's."""

TOP_VALUES = 20
"""The most values of a dimension that an answer holds, except devices."""
TOP_DEVICES = 50
"""The most devices that an answer holds."""


def dimension_spellings(path: str, dimension: str) -> tuple[str, ...]:
    """The vendor's spellings of a dimension at an endpoint, the likeliest first.

    Args:
        path: the endpoint's path.
        dimension: the neutral name or one of the vendor's spellings; an unknown one is its own only spelling.
    """
    known = DIMENSIONS.get(path, {})
    found = known.get(dimension) or next((spelt for spelt in known.values() if dimension in spelt), None)
    return found or (dimension,)


GRANULARITIES: Mapping[str, int] = MappingProxyType({"1h": HOUR, "1d": DAY})
"""What `aggregateGranularity` takes, with its length in seconds. The plans promise minutes for quality, but no
page names the value. Days begin where the vendor says: its samples show midnight of UTC and of UTC+8."""

FREEZE_BUCKETS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"[0%,3%)": (0.0, 0.03), "[3%,5%)": (0.03, 0.05), "[5%,10%)": (0.05, 0.1), "[10%,100%)": (0.1, 1.0)}
)
"""The `bucket`s of freezes in a call: from (inclusive) and to (exclusive), ratios 0 to 1. Answers are unsorted and
leave empty buckets out."""


def freeze_bounds(bucket: str) -> tuple[float, float] | None:
    """From (inclusive) and to (exclusive) of a freeze bucket, ratios 0 to 1; None for an unknown one."""
    return FREEZE_BUCKETS.get(bucket.replace(" ", ""))
