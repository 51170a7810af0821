"""What Agora's experience and factor ids mean, in words: `describe_experience`, `describe_factor`.

An id that no table has is described as unknown. Only
`/beta/live/diagnosis` ever answered with these ids, and the vendor retired it in 2021.

Source: the page "Agora Analytics RESTful API" (`en/Agora Platform/aa_api`) as of 2021-07, the last to print them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
"""Causes of a bad experience by `factor_id`. The gaps are the vendor's: 4 to 7, 18 to 20, 26 to 28."""

FACTORS_UNEXPLAINED = frozenset({18})
"""Factors that the vendor's own sample answers carry, though none of its tables has them."""


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
