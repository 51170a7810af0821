"""What a scan did and what it could not do: `Report`, in all and by vendor."""

from __future__ import annotations

from typing import Any

import attrs

from agora_tencent_analytics.certificate import Certificate, Clipped
from agora_tencent_analytics.scan.records import Failure
from agora_tencent_analytics.timerange import TimeRange, merge

__all__ = ["GIVEN_UP", "Report", "VendorReport"]

GIVEN_UP = "given up: "
"""How the reason of a window begins whose failure the report has already."""

_MOST_DOUBTS = 100


@attrs.define(kw_only=True)
class VendorReport:
    """The figures of one provider. They grow while the scan runs."""

    calls: int = 0
    """Calls read."""
    sessions: int = 0
    """Sessions read."""
    series: int = 0
    """Metric series read that hold at least one point."""
    points: int = 0
    """Points read."""
    requests: int = 0
    """Attempts sent, retries included."""
    limit_errors: int = 0
    """Attempts that the vendor refused for the rate or for the day."""
    retries: int = 0
    """Attempts beyond the first of their question."""
    duplicates_dropped: int = 0
    """Rows that came more than once and were yielded once."""
    odd_values: int = 0
    """Values that were null or no number, and are NaN."""
    points_outside: int = 0
    """Points that belong to no stay of their user."""
    failures: list[Failure] = attrs.field(factory=list)
    """What could not be read."""
    doubts: list[str] = attrs.field(factory=list)
    """What speaks against completeness, in words; the first hundred."""
    stopped: str = ""
    """Why reading ended before its end, in words; `""` if it did not."""
    elapsed_s: float = 0.0
    """Seconds from the start of the scan to the end of this provider's part."""
    finished: bool = False
    """False until this provider's part came to its end: a part that was broken off is not complete."""
    _hidden: dict[tuple[str, str], tuple[TimeRange, ...]] = attrs.field(factory=dict, repr=False)

    @property
    def clipped(self) -> list[Clipped]:
        """What of the range the vendor could not answer: too new (`lag`) or forgotten (`history`)."""
        return [
            Clipped(over=piece, reason=reason, endpoint=endpoint)  # type: ignore[arg-type]  # a key made from Clipped
            for (endpoint, reason), pieces in self._hidden.items()
            for piece in pieces
        ]

    @property
    def complete(self) -> bool:
        """True if everything in the range that the vendor could answer was read."""
        forgotten = any(reason == "history" for _, reason in self._hidden)
        return self.finished and not (self.failures or self.doubts or self.stopped or forgotten)

    def take(self, certificate: Certificate) -> None:
        """Takes in what a walk has to say."""
        self.duplicates_dropped += certificate.duplicates
        self.hide(certificate.clipped)
        doubts = [
            f"{certificate.endpoint} {window.over}: {window.reason}"
            for window in certificate.windows
            if not window.complete and not window.reason.startswith(GIVEN_UP)
        ]
        if certificate.stopped:
            doubts.append(f"{certificate.endpoint}: {certificate.stopped}")
        self.doubts.extend(doubts[: _MOST_DOUBTS - len(self.doubts)] if len(self.doubts) < _MOST_DOUBTS else ())

    def hide(self, pieces: tuple[Clipped, ...]) -> None:
        """Notes pieces of the range that could not be asked."""
        for piece in pieces:
            place = (piece.endpoint, piece.reason)
            self._hidden[place] = merge((*self._hidden.get(place, ()), piece.over))

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON can hold them."""
        return {
            "complete": self.complete,
            "calls": self.calls,
            "sessions": self.sessions,
            "series": self.series,
            "points": self.points,
            "requests": self.requests,
            "limit_errors": self.limit_errors,
            "retries": self.retries,
            "duplicates_dropped": self.duplicates_dropped,
            "odd_values": self.odd_values,
            "points_outside": self.points_outside,
            "failures": [
                {
                    "step": failure.step,
                    "call_id": failure.call_id,
                    "start": failure.over.start if failure.over else None,
                    "end": failure.over.end if failure.over else None,
                    "kind": type(failure.error).__name__,
                    "error": str(failure.error),
                }
                for failure in self.failures
            ],
            "clipped": [
                {"endpoint": piece.endpoint, "reason": piece.reason, "start": piece.over.start, "end": piece.over.end}
                for piece in self.clipped
            ],
            "doubts": list(self.doubts),
            "stopped": self.stopped,
            "elapsed_s": round(self.elapsed_s, 3),
        }


@attrs.define(kw_only=True)
class Report:
    """What a scan did. Complete once the iteration has ended."""

    vendors: dict[str, VendorReport] = attrs.field(factory=dict)
    """Figures by the provider's name."""
    finished: bool = False
    """False until the iteration came to its end."""

    @property
    def complete(self) -> bool:
        """True if everything in the range that every vendor could answer was read."""
        return self.finished and all(vendor.complete for vendor in self.vendors.values())

    @property
    def failures(self) -> list[Failure]:
        """The failures of all vendors."""
        return [failure for vendor in self.vendors.values() for failure in vendor.failures]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it: `complete`, `total` and `vendors`, by name."""
        vendors = {name: vendor.as_dict() for name, vendor in self.vendors.items()}
        total = _total(list(vendors.values())) | {"complete": self.complete}
        return {"complete": self.complete, "total": total, "vendors": vendors}

    def __str__(self) -> str:
        lines = [
            f"{name}: {vendor.calls} calls, {vendor.sessions} sessions, {vendor.series} series, "
            f"{vendor.points} points; "
            f"{vendor.requests} requests, {vendor.limit_errors} limit errors, {vendor.retries} retries"
            for name, vendor in self.vendors.items()
        ]
        lines += [str(failure) for failure in self.failures]
        lines += [
            f"{name}: {doubt}"
            for name, vendor in self.vendors.items()
            for doubt in [*vendor.doubts, vendor.stopped]
            if doubt
        ]
        return "\n".join([*lines, "complete" if self.complete else "INCOMPLETE"])


def _total(vendors: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums of numbers, concatenations of lists, the longest time."""
    total: dict[str, Any] = {}
    for name, first in VendorReport().as_dict().items():
        values = [vendor[name] for vendor in vendors]
        if isinstance(first, bool):
            total[name] = all(values)
        elif name == "elapsed_s":
            total[name] = max(values, default=0.0)
        elif isinstance(first, str):
            total[name] = "; ".join(value for value in values if value)
        elif isinstance(first, list):
            total[name] = [item for value in values for item in value]
        else:
            total[name] = sum(values)
    return total
