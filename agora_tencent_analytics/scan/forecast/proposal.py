"""`Loss` and `Proposal`: what of a scan will not be read, and what would fit in its place. Values only."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from agora_tencent_analytics.scan.forecast.interval import Interval
from agora_tencent_analytics.scan.forecast.population import Only
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.timerange import TimeRange


@attrs.frozen(kw_only=True)
class Loss:
    """A part of the range that will not be read."""

    over: TimeRange
    """The part."""
    calls: int | None
    """About how many calls begin to be read in it; None where nothing is known of them."""
    reason: Literal["history", "quota", "budget"]
    """`"history"`: the vendor forgets it first; `"quota"`: the day is spent first; `"budget"`: the budget is."""

    def as_dict(self) -> dict[str, Any]:
        """The loss as JSON can hold it."""
        return {"start": self.over.start, "end": self.over.end, "calls": self.calls, "reason": self.reason}

    def __str__(self) -> str:
        calls = "an unknown number of calls" if self.calls is None else f"about {self.calls:,} calls"
        why = {
            "history": "the vendor forgets them before they are read",
            "quota": "the day's requests are spent before",
            "budget": "the budget is spent before",
        }[self.reason]
        return f"{self.over}: {calls}: {why}"


@attrs.frozen(kw_only=True)
class Proposal:
    """A smaller scan that fits. `scan(provider, **proposal.arguments)` follows it."""

    over: TimeRange
    """The range."""
    depth: Depth
    """The depth."""
    channel: str | None = None
    """Only this channel."""
    only: Only | None = None
    """Only these of the calls listed."""
    requests: Interval
    """What it costs."""
    calls: Interval
    """The calls that are read."""
    why: str
    """What it gives up, in words."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What to hand to `scan` or `scan.forecast` in place of what was asked for; `users` stay as they were."""
        named = {"channel": self.channel, "only": self.only}
        return {"over": self.over, "depth": self.depth, **{name: one for name, one in named.items() if one is not None}}

    def as_dict(self) -> dict[str, Any]:
        """The proposal as JSON can hold it."""
        return {
            "start": self.over.start,
            "end": self.over.end,
            "depth": self.depth,
            "channel": self.channel,
            "only": None if self.only is None else str(self.only),
            "calls": self.calls.rounded(),
            "requests": self.requests.rounded(),
            "why": self.why,
        }

    def __str__(self) -> str:
        return f"{self.why}: {self.calls} calls, {self.requests} requests"
