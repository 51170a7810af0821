"""What the parameters of Agora's questions take: products, dimensions and granularities, by path where they differ.

Holds tables. The metrics that a question takes are in `question_metrics.py`, metric ids of call series (`mid`) in
`metrics.py`, the failures behind a code in `codes.py`, the plans' figures in `plans.py`.

Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14) and the vendor's OpenAPI
description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agora_tencent_analytics.limits import DAY, HOUR

__all__ = ["DIMENSIONS", "GRANULARITIES", "PRODUCT_TYPES"]

PRODUCT_TYPES: Mapping[str, str] = MappingProxyType(
    {"Native": "SDKs for Android, iOS, macOS and Windows", "WebRTC": "SDK for the Web"}
)
"""What `productType` takes. One request takes one: what is asked of all users is asked twice."""

_REALTIME = tuple(
    f"/beta/realtime/{of}/{by}" for of in ("usage", "quality") for by in ("by_time_20sec", "dimension/top20")
)

_PLACES = {"country": ("country",), "region": ("region",), "os": ("os",), "device": ("device",)}
_SHORT = {**_PLACES, "network": ("net",), "sdk_version": ("sdk",)}
_LONG = {**_PLACES, "network": ("network", "net"), "sdk_version": ("sdkVersion", "sdk")}

DIMENSIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "/beta/analytics/call/statistics": _SHORT,
        # Listed as `sdk`, spelt `sdkVersion` in the example beside the list.
        "/beta/insight/usage/aggregation": {**_SHORT, "sdk_version": ("sdk", "sdkVersion")},
        # The OpenAPI description and the English list disagree; only the latter has `channelSize`.
        "/beta/insight/quality/aggregation": {**_LONG, "channel_size": ("channelSize",)},
        **dict.fromkeys(_REALTIME, _SHORT),
    }
)
"""What `dimension` takes, by path and neutral name: the spellings on the vendor's pages, the likeliest first.
`channelSize` takes no `dimensionValues`: it is grouped by a scale of the vendor's. An answer has at most 20 parts, or
50 devices."""

GRANULARITIES: Mapping[str, int] = MappingProxyType({"1h": HOUR, "1d": DAY})
"""What `aggregateGranularity` takes, with its length in seconds. The plans promise minutes for quality, but no
page names the value. Days begin where the vendor says: its samples show midnight of UTC and of UTC+8."""
