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

_ONE_IN: Mapping[Service, int] = {
    "interaction": 1,
    "recording-single": 3,
    "recording-multi": 5,
    "transcoding": 4,
    "relay": 6,
    "recording": 3,
    "relay-transcoding": 3,
    "ai": 2,
    "acceleration": 2,
    "moderation": 2,
}


def consume(stays: Sequence[Session], service: Service, start: int, end: int) -> dict[str, int]:
    """Seconds in `[start, end)` by key of the service, those of no use included.

    Args:
        stays: the sessions with a share in it.
        service: which service; only some sessions use those but `"interaction"`.
        start: first second, epoch seconds.
        end: first second after it.
    """
    keys = SERVICES[service]
    used = dict.fromkeys(keys, 0)
    for stay in stays:
        if mix(stay.key, 81, _ONE_IN[service]) % _ONE_IN[service] == 0:
            used[keys[mix(stay.key, 82) % len(keys)]] += seconds_of(stay, start, end)
    return used
