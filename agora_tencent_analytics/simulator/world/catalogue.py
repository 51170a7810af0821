"""Which metrics each simulated vendor reports, in which direction, and what their values look like.

The simulator has its own lists of metric ids, on purpose: if they were the client's, a metric missing there would be
missing here too, and nobody would notice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, cast

import attrs

from agora_tencent_analytics.simulator.world.dice import Dice

Shape = Literal[
    "cpu", "audio_rate", "video_rate", "low_rate", "fps", "freeze", "loss", "rtt", "width", "height", "energy", "delay"
]

VALUES = 512
"""How many values a series has before it repeats."""

_NULL_EVERY = 101


@attrs.frozen
class Metric:
    """One metric as its vendor names it."""

    name: str
    """The vendor's id as text: `"20003"`, `"aBit"`."""
    shape: Shape
    """What its values look like."""
    remote: bool = False
    """True if it is about a remote user's stream, and so has a peer."""
    factor: int = 1
    """What a rate is multiplied with: Agora reports kbit/s, Tencent bit/s."""


def _metrics(table: str) -> tuple[Metric, ...]:
    """Metrics from words like `aBit:audio_rate`; `<` is before those of a remote stream, `*` after a rate in bit/s."""
    rows = (word.removeprefix("<").removesuffix("*").split(":") for word in table.split())
    return tuple(
        Metric(name, cast(Shape, shape), word.startswith("<"), 1_000 if word.endswith("*") else 1)
        for word, (name, shape) in zip(table.split(), rows, strict=True)
    )


AGORA = _metrics("""
    20001:cpu 20002:cpu 20003:audio_rate 20007:fps 20008:fps 20015:loss 20017:loss 20021:delay 20022:rtt
    20024:video_rate 20025:energy 20026:energy 20027:width 20028:height <20004:audio_rate <20005:freeze
    <20009:video_rate <20010:fps <20011:freeze <20016:loss <20018:loss <20019:width <20020:height 20039:cpu
""")
"""What a native Agora client reports."""
AGORA_DUAL_STREAM = _metrics("""
    20006:low_rate 20023:fps 20034:width 20035:height 20040:cpu <20030:low_rate <20031:fps <20032:width
    <20033:height
""")
"""What one that sends two video streams reports besides."""
AGORA_WEB = _metrics("""
    20037:loss 20038:loss <20036:loss
""")
"""What a browser reports besides, and no native client does."""
TENCENT = _metrics("""
    appCpu:cpu sysCpu:cpu aBit:audio_rate* bigvBit:video_rate* bigvCapFps:fps bigvEncFps:fps aLoss:loss
    bigvLoss:loss bigvWidth:width bigvHeight:height aCapEnergy:energy aPlayEnergy:energy rtt:rtt <aBit:audio_rate*
    <bigvBit:video_rate* <bigvDecFps:fps <aBlock:freeze <bigvBlock:freeze <aLoss:loss <bigvLoss:loss
    <bigvWidth:width <bigvHeight:height <bigvRecFps:fps
""")
"""What a TRTC client reports: 17 names, six of them for both directions."""
TENCENT_2021 = frozenset(
    metric.name for metric in TENCENT if metric.name not in ("aCapEnergy", "aPlayEnergy", "rtt", "bigvRecFps")
)
"""The 13 names that the retired action knows."""

# Lowest and highest value by quality: good, fair, bad.
_BOUNDS: dict[Shape, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "cpu": ((4, 30), (20, 60), (55, 99)),
    "audio_rate": ((24, 64), (18, 48), (4, 30)),
    "video_rate": ((600, 1_500), (300, 900), (40, 320)),
    "low_rate": ((60, 140), (40, 100), (10, 60)),
    "fps": ((14, 30), (10, 24), (2, 12)),
    "rtt": ((18, 80), (90, 240), (300, 950)),
    "energy": ((-48, -8), (-52, -10), (-60, -20)),
    "delay": ((0, 6), (2, 20), (15, 120)),
    "loss": ((0, 1), (1, 6), (8, 35)),
    "freeze": ((200, 300), (200, 700), (400, 1_900)),
}
_STILL_EVERY = {"freeze": (40, 9, 3), "loss": (3, 2, 1)}  # how rare the values that are not 0 are, by quality
_FRACTIONS = ("cpu", "loss", "energy")
_SIZES = {"width": (1_280, 640, 320), "height": (720, 480, 240)}


@lru_cache(maxsize=256)
def values(metric: Metric, level: int) -> tuple[int | float | None, ...]:
    """The `VALUES` values that a series of this metric takes in turn: whole numbers, fractions, now and then None.

    Args:
        metric: the metric.
        level: the quality: 0 good, 1 fair, 2 bad.
    """
    return tuple(_value(metric, level, place) for place in range(VALUES))


def _value(metric: Metric, level: int, place: int) -> int | float | None:
    if place % _NULL_EVERY == _NULL_EVERY - 1:
        return None
    dice = Dice(level, place, *metric.shape.encode())
    sizes = _SIZES.get(metric.shape)
    if sizes is not None:
        return sizes[level] if place % 64 else sizes[2]
    rare = _STILL_EVERY.get(metric.shape)
    if rare is not None and not dice.one_in(rare[level]):
        return 0
    low, high = _BOUNDS[metric.shape][level]
    value = low + (high - low) * dice.unit()
    if metric.shape in _FRACTIONS and dice.below(4):
        return round(value, 1 + dice.below(2))
    return round(value) * metric.factor
