"""What the words and numbers of Agora's questions and answers mean.

Holds codes, product types, dimensions, granularities, and the experiences and factors of `live/diagnosis`, which the
vendor retired in 2021: the page "Agora Analytics RESTful API" (`en/Agora Platform/aa_api`) as of 2021-07 was the last
to print them. An unknown id is worded as such. Metric ids of call series (`mid`) are in `metrics.py`, the names of
figures in `figures/names.py`, the failures behind a code in `codes.py`, the plans' figures in `plans.py`.

Source: https://docs.agora.io/en/agora-analytics/reference/api (read 2026-09-14) and the vendor's OpenAPI
description of the same endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agora_tencent_analytics.limits import DAY, HOUR

STATUS_CODES: Mapping[int, str] = MappingProxyType(
    {
        200: "Answered",
        300: "Refused by a limit, a window or the plan; its message says which",  # `codes.MESSAGES_300` has them
        400: "Parameters not valid",
        401: "Not authenticated",
        403: "Credentials wrong for what was asked",
        404: "No such question",
        # The vendor answers so to malformed questions too: milliseconds where seconds are due, for one.
        500: "Unknown error",
    }
)
"""The codes of an answer's body; with 300 the HTTP status is 200."""


def describe_status(code: int) -> str:
    """Says what a `code` means; an unknown one is worded as such."""
    return STATUS_CODES.get(code, f"Unknown code {code}")


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
        # Listed as `sdk`, spelt `sdkVersion` in the example next to the list.
        "/beta/insight/usage/aggregation": {**_SHORT, "sdk_version": ("sdk", "sdkVersion")},
        # The OpenAPI description and the English list disagree; only the latter has `channelSize`.
        "/beta/insight/quality/aggregation": {**_LONG, "channel_size": ("channelSize",)},
        **dict.fromkeys(_REALTIME, _SHORT),
    }
)
"""What `dimension` takes, by path and neutral name: the spellings on the vendor's pages, the likeliest first.
`channelSize` takes no `dimensionValues`: it is grouped by a scale of the vendor's."""

GRANULARITIES: Mapping[str, int] = MappingProxyType({"1h": HOUR, "1d": DAY})
"""What `aggregateGranularity` takes, with its length in seconds. The plans promise minutes for quality, but no
page names the value. Days begin where the vendor says: its samples show midnight of UTC and of UTC+8."""

EXPERIENCES: Mapping[int, str] = MappingProxyType({4: "Video froze", 5: "Audio froze", 6: "Joining took long"})
"""Kinds of bad experience by `exp_id`."""

FACTORS: Mapping[int, str] = MappingProxyType(
    {
        1: "User id in use twice",
        2: "Banned by the administrator",
        3: "No connection",
        8: "Video delayed on the way down",
        9: "Audio delayed on the way down",
        10: "CPU load was high",
        11: "Device was busy",
        12: "User stopped sending audio",
        13: "User stopped sending video",
        14: "User switched the audio module off",
        15: "User switched the video module off",
        16: "Remote user stopped receiving this user's audio",
        17: "Remote user stopped receiving this user's video",
        21: "Video packets lost on the way up",
        22: "Audio packets lost on the way up",
        23: "Video packets lost on the way down",
        24: "Audio packets lost on the way down",
        25: "App is built with Electron",
        29: "Wi-Fi or hotspot signal was weak",
        30: "Banned from the channel",
        31: "Join refused: app id not valid",
        32: "Join refused: channel name not valid",
        33: "Join refused: token not valid",
        34: "Join refused: token expired",
        35: "Join intercepted",
        36: "Join timed out",
        37: "Reconnected after the network was lost",
        38: "Reconnected through a new proxy",
        39: "Reconnected with a new token",
        40: "Reconnected from a new IP address",
        41: "Reconnected after the network timed out",
        42: "Video delayed on the way up",
        43: "Audio delayed on the way up",
        44: "Video jittered on the way up",
        45: "Audio jittered on the way up",
        46: "Video jittered on the way down",
        47: "Audio jittered on the way down",
    }
)
"""Causes of a bad experience by `factor_id`. The gaps are the vendor's: 4 to 7, 18 to 20, 26 to 28;
its own sample answers carry 18."""


def describe_experience(exp_id: int) -> str:
    """Says what kind of bad experience it was; an unknown id is worded as such."""
    return EXPERIENCES.get(exp_id, f"Unknown experience {exp_id}")


def describe_factor(factor_id: int, host_user: str = "") -> str:
    """Says what may have caused a bad experience, and on which remote user's side.

    Args:
        factor_id: the vendor's `factor_id`; an unknown one is worded as such.
        host_user: the remote user's id; empty: it happened on the user's own side.
    """
    text = FACTORS.get(factor_id, f"Unknown factor {factor_id}")
    return f"{text} (remote user {host_user})" if host_user else text
