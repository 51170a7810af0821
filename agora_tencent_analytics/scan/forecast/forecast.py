"""`Forecast`: what a scan will cost, whether that fits, and what would, as values and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

import attrs

from agora_tencent_analytics.errors import counted
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.timerange import TimeRange

Only = Callable[[Call], bool]
"""Which of the calls listed are wanted."""


@attrs.frozen(order=False)
class Interval:
    """A figure that is known within bounds; exact where the three agree."""

    least: float
    """It will hardly be less."""
    likely: float
    """The best guess."""
    most: float
    """It will hardly be more."""

    @classmethod
    def of(cls, figure: float) -> Interval:
        """A figure that is known.

        Args:
            figure: a number.
        """
        return cls(figure, figure, figure)

    @classmethod
    def highest(cls, some: Iterable[Interval]) -> Interval:
        """The highest of each end; 0 of none.

        Args:
            some: intervals, any number of them.
        """
        found = list(some) or [cls.of(0)]
        return cls(*(max(ends) for ends in zip(*map(attrs.astuple, found), strict=True)))

    def each(self, change: Callable[[float], float]) -> Interval:
        """The interval of what a growing function makes of the figure.

        Args:
            change: what is made of each end.
        """
        return Interval(change(self.least), change(self.likely), change(self.most))

    @property
    def exact(self) -> bool:
        """True if nothing is guessed."""
        return self.least == self.most

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.least + other.least, self.likely + other.likely, self.most + other.most)

    def __contains__(self, figure: float) -> bool:
        return self.least <= figure <= self.most

    def __str__(self) -> str:
        if self.exact:
            return f"{self.likely:,.0f}"
        return f"{self.likely:,.0f} ({self.least:,.0f} to {self.most:,.0f})"


@attrs.frozen(kw_only=True)
class _Figures:
    """What JSON can hold."""

    _beside: ClassVar[tuple[str, ...]] = ()

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON can hold them; a range is its `start` and `end`."""
        found: dict[str, Any] = {}
        for name in (*self._beside, *(field.name for field in attrs.fields(type(self)))):
            value = getattr(self, name)
            found |= attrs.asdict(value) if isinstance(value, TimeRange) else {name: _as_json(value)}
        return found


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _as_json(one) for name, one in value.items()}
    if isinstance(value, Interval):
        return attrs.asdict(value)
    if isinstance(value, _Figures):
        return value.as_dict()
    return str(value) if callable(value) else value


@attrs.frozen(kw_only=True)
class Loss(_Figures):
    """A part of the range that will not be read."""

    over: TimeRange
    """The part."""
    calls: int | None
    """About how many calls begin to be read in it; None where nothing is known of them."""
    reason: Literal["history", "quota", "budget"]
    """`"history"`: the vendor forgets it first; `"quota"`: the day is spent first; `"budget"`: the budget is."""

    def __str__(self) -> str:
        calls = "an unknown number of calls" if self.calls is None else f"about {counted(self.calls, 'call')}"
        why = {
            "history": "the vendor forgets them before they are read",
            "quota": "the day's requests are spent before",
            "budget": "the budget is spent before",
        }[self.reason]
        return f"{self.over}: {calls}: {why}"


@attrs.frozen(kw_only=True)
class Proposal(_Figures):
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

    def __str__(self) -> str:
        return f"{self.why}: {counted(self.calls, 'call')}, {counted(self.requests, 'request')}"


@attrs.frozen(kw_only=True)
class RowForecast(_Figures):
    """What one counter of a vendor has to bear."""

    _beside = ("days",)
    counter: str
    """The counter, as the quota names it."""
    endpoints: tuple[str, ...]
    """The endpoints that draw on it."""
    requests: Interval
    """Requests of the scan."""
    a_day: int | None
    """Requests that may be sent in a whole day; None if days are not counted."""
    left_today: int | None
    """Those left of the vendor's present UTC day, the probe already paid; this provider's part of them, if others of
    the plan share its quota."""
    resets_at: float
    """The vendor's next midnight UTC, epoch seconds."""
    seconds: Interval
    """How long it takes, a spent day waited for."""

    @property
    def days(self) -> Interval | None:
        """Whole days' worth of quota; None if days are not counted."""
        a_day = self.a_day
        return None if a_day is None else self.requests.each(lambda requests: requests / a_day)


@attrs.frozen(kw_only=True)
class VendorForecast(_Figures):
    """What a scan of one provider will cost."""

    _beside = ("fits",)
    plan: str
    """Name of the plan whose limits the forecast reckons with."""
    over: TimeRange
    """The range, in the vendor's time."""
    depth: Depth
    """How deep it is read."""
    calls: Interval
    """Calls in the range that are read."""
    rows: tuple[RowForecast, ...]
    """By counter of the vendor."""
    requests: Interval
    """All requests of the scan; what the probe cost is not among them."""
    seconds: Interval
    """How long it takes, a spent day waited for: counters are used side by side, so the slowest decides."""
    probed: int
    """Requests that were spent to find out."""
    basis: str
    """What the figures rest on, in words."""
    lost: tuple[Loss, ...]
    """What would not be read if it cost the most, oldest first."""
    proposals: tuple[Proposal, ...] = ()
    """What would fit. Empty if everything does, or nothing."""
    remarks: tuple[str, ...] = ()
    """What else there is to say."""

    @property
    def fits(self) -> bool:
        """True if all of it is read even if it costs the most."""
        return not self.lost

    @property
    def said(self) -> tuple[str, ...]:
        """What would be lost, what would fit, and what else there is to say, in words."""
        lost, fitting = (f"lost: {loss}" for loss in self.lost), (f"would fit: {one}" for one in self.proposals)
        return (*lost, *fitting, *self.remarks)


@attrs.frozen(kw_only=True)
class Forecast(_Figures):
    """What a scan will cost, by provider. Its text is for people."""

    _beside = ("fits", "requests", "seconds")
    vendors: Mapping[str, VendorForecast]
    """By the provider's name, as in the report of a scan."""

    @property
    def fits(self) -> bool:
        """True if everything is read even if it costs the most."""
        return all(vendor.fits for vendor in self.vendors.values())

    @property
    def verdict(self) -> str:
        """Whether it fits, in words."""
        return "fits" if self.fits else "DOES NOT FIT"

    @property
    def requests(self) -> Interval:
        """The requests of all providers."""
        return sum((vendor.requests for vendor in self.vendors.values()), Interval.of(0))

    @property
    def seconds(self) -> Interval:
        """How long it takes: providers are read side by side."""
        return Interval.highest(vendor.seconds for vendor in self.vendors.values())

    def __str__(self) -> str:
        lines = []
        for name, vendor in self.vendors.items():
            took = timedelta(seconds=round(vendor.seconds.likely))
            cost = f"{counted(vendor.calls, 'call')}, {counted(vendor.requests, 'request')}, {took}"
            lines.append(f"{name}: {cost}; {vendor.basis}")
            lines += [f"{name}: {row.counter}: {counted(row.requests, 'request')}" for row in vendor.rows]
            lines += [f"{name}: {line}" for line in vendor.said]
        return "\n".join([*lines, self.verdict])
