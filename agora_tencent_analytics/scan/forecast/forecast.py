"""`Forecast`: what a scan will cost, whether that fits, and what would, as values and in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import attrs

from agora_tencent_analytics.scan.forecast.interval import Interval
from agora_tencent_analytics.scan.forecast.proposal import Loss, Proposal
from agora_tencent_analytics.scan.options import Depth
from agora_tencent_analytics.timerange import TimeRange


@attrs.frozen(kw_only=True)
class RowForecast:
    """What one counter of a vendor has to bear."""

    counter: str
    """The counter, as the quota names it."""
    endpoints: tuple[str, ...]
    """The questions that draw on it."""
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

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON can hold them."""
        return {
            "counter": self.counter,
            "endpoints": list(self.endpoints),
            "requests": self.requests.rounded(),
            "a_day": self.a_day,
            "left_today": self.left_today,
            "resets_at": self.resets_at,
            "days": attrs.asdict(self.days) if self.days else None,
            "seconds": attrs.asdict(self.seconds),
        }


@attrs.frozen(kw_only=True)
class VendorForecast:
    """What a scan of one provider will cost."""

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

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON can hold them."""
        return {
            "fits": self.fits,
            "plan": self.plan,
            "start": self.over.start,
            "end": self.over.end,
            "depth": self.depth,
            "basis": self.basis,
            "probed": self.probed,
            "calls": self.calls.rounded(),
            "requests": self.requests.rounded(),
            "seconds": attrs.asdict(self.seconds),
            "rows": [row.as_dict() for row in self.rows],
            "lost": [loss.as_dict() for loss in self.lost],
            "proposals": [proposal.as_dict() for proposal in self.proposals],
            "remarks": list(self.remarks),
        }


@attrs.frozen(kw_only=True)
class Forecast:
    """What a scan will cost, by provider. Its text is for people."""

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

    def as_dict(self) -> dict[str, Any]:
        """The forecast as JSON can hold it: `fits`, `requests`, `seconds` and `vendors`, by name."""
        return {
            "fits": self.fits,
            "requests": self.requests.rounded(),
            "seconds": attrs.asdict(self.seconds),
            "vendors": {name: vendor.as_dict() for name, vendor in self.vendors.items()},
        }

    def __str__(self) -> str:
        lines = []
        for name, vendor in self.vendors.items():
            took = timedelta(seconds=round(vendor.seconds.likely))
            lines.append(f"{name}: {vendor.calls} calls, {vendor.requests} requests, {took}; {vendor.basis}")
            lines += [f"{name}: {row.counter}: {row.requests} requests" for row in vendor.rows]
            lines += [f"{name}: {line}" for line in vendor.said]
        return "\n".join([*lines, self.verdict])
