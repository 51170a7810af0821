"""Where a simulated user is, and with which device: the values that figures can be broken down by.

These are the dimensions of both vendors' breakdowns; their values depend on the session alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.sessions import Session

_ELSEWHERE = (
    *("Argentina", "Australia", "Brazil", "Canada", "Chile", "Colombia", "Egypt", "France", "Germany"),
    *("Indonesia", "Italy", "Japan", "Kenya", "Malaysia", "Mexico", "Nigeria", "Philippines", "Poland"),
    *("Singapore", "South Korea", "Spain", "Thailand", "Turkey", "United Kingdom", "Vietnam"),
)
REGIONS: dict[str, tuple[str, ...]] = {
    "China": ("Beijing", "Guangdong", "Shanghai", "Sichuan", "Zhejiang"),
    "India": ("Delhi", "Karnataka", "Maharashtra"),
    "United States": ("California", "New York", "Texas"),
    **{country: (f"North of {country}", f"South of {country}") for country in _ELSEWHERE},
}
"""The countries there are, and the regions of each; more than any ranking shows."""

_COUNTRIES = tuple(REGIONS)
_LARGE = 3  # the first of them have half of the users
_MODELS = 16


def trait(stay: Session, dimension: str) -> str:
    """The value that a session has in a dimension: `country`, `region`, `net`, `sdk`, `os` or `device`."""
    if dimension == "net":
        return stay.network or "Unknown"
    if dimension == "sdk":
        return stay.sdk_version
    if dimension == "os":
        return stay.platform
    if dimension == "device":
        return f"{stay.device}, model {mix(stay.key, 73) % _MODELS}"
    nearby = mix(stay.key, 70) % 2 == 0
    country = _COUNTRIES[mix(stay.key, 71) % (_LARGE if nearby else len(_COUNTRIES))]
    return country if dimension == "country" else REGIONS[country][mix(stay.key, 72) % len(REGIONS[country])]


def by_trait(stays: Iterable[Session], dimension: str) -> dict[str, list[Session]]:
    """The sessions by their value in a dimension."""
    groups: dict[str, list[Session]] = {}
    for stay in stays:
        groups.setdefault(trait(stay, dimension), []).append(stay)
    return groups
