"""`FreezeFrom`: only the calls that froze, by what the listing itself tells. A predicate for `only=`."""

from __future__ import annotations

import attrs

from agora_tencent_analytics.models.calls import Call


def freeze_ratio(call: Call) -> float | None:
    """The worse of the call's freeze ratios on the listing, 0 to 1; None where the vendor's listing has none."""
    known = [ratio for ratio in (call.audio_freeze_ratio, call.video_freeze_ratio) if ratio is not None]
    return max(known, default=None)


@attrs.frozen
class FreezeFrom:
    """True for calls whose audio or video was frozen for at least this share of the time.

    Agora's listing says so since 2023; calls of a listing without such figures are left out.

    Args:
        ratio: from 0 to 1.
    """

    ratio: float

    def __call__(self, call: Call) -> bool:
        """True if the call froze that much."""
        froze = freeze_ratio(call)
        return froze is not None and froze >= self.ratio

    def __str__(self) -> str:
        return f"frozen for at least {self.ratio:.2%} of the time"
