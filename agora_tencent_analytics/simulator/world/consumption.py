"""What a simulated Tencent bills for: seconds by service and sort of stream.

The keys of each service are spelled as in the vendor's examples; the seconds are computed from who was there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.figures import seconds_of
from agora_tencent_analytics.simulator.world.sessions import Session

Service = Literal[
    "interaction",
    "recording-single",
    "recording-multi",
    "transcoding",
    "relay",
    "recording",
    "relay-transcoding",
    "ai",
    "acceleration",
    "moderation",
]

_SIZES = ("Audio", "SD", "HD", "FullHD", "2K", "4K")
SERVICES: Mapping[Service, tuple[str, ...]] = {
    "interaction": _SIZES,
    "recording-single": _SIZES,
    "recording-multi": _SIZES,
    "transcoding": ("Audio", *(f"{size}{codec}" for codec in ("H264", "H265") for size in _SIZES[1:])),
    "relay": ("Bandwidth",),
    "recording": ("Class1VideoTime", "Class2VideoTime", "Class3VideoTime", "AudioTime"),
    "relay-transcoding": ("AudioTime", "VideoTimeSd", "VideoTimeHd", "VideoTimeFhd"),
    # Of these three the vendor's examples show "Conversation", "Time", "Audio" and "Picture".
    "ai": ("Conversation", "Asr", "Translation", "Tts"),
    "acceleration": ("Time",),
    "moderation": ("Audio", "Picture"),
}
"""Each service with the keys of its usage, in the vendor's order."""

_ONE_IN: Mapping[str, int] = {"recording-multi": 5, "transcoding": 4, "relay": 6, "interaction": 1}
"""Of so many sessions one uses a service; of two where it is one of these below, and else of three."""
_ONE_IN_TWO = ("ai", "acceleration", "moderation")


def consume(stays: Sequence[Session], service: Service, start: int, end: int) -> dict[str, int]:
    """Seconds in `[start, end)` by key of the service, those of no use included.

    Args:
        stays: the sessions with a share in it.
        service: which service; only some sessions use those but `"interaction"`.
        start: first second, epoch seconds.
        end: first second after it.
    """
    keys = SERVICES[service]
    used, one_in = dict.fromkeys(keys, 0), _ONE_IN.get(service, 2 if service in _ONE_IN_TWO else 3)
    for stay in stays:
        if mix(stay.key, 81, one_in) % one_in == 0:
            used[keys[mix(stay.key, 82) % len(keys)]] += seconds_of(stay, start, end)
    return used
