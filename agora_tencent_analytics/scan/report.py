"""What a scan did and what it could not do, in all and by vendor: `Report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs

from agora_tencent_analytics.errors import AnalyticsError, IncompleteScan, printable
from agora_tencent_analytics.scan.records import Failure
from agora_tencent_analytics.scan.vendor_report import VendorReport


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
        """The failures of all vendors, the first thousand of each."""
        return [failure for vendor in self.vendors.values() for failure in vendor.failures]

    def raise_if_incomplete(self) -> None:
        """Returns if everything that the vendors could answer was read.

        Raises:
            IncompleteScan: it was not; the group has the failures, and what else speaks against completeness.
        """
        if not self.complete:
            doubts = self._doubts() or ([] if self.finished else ["the iteration did not come to its end"])
            first = next(iter([*map(str, self.failures), *doubts]), "")
            raise self.incomplete(f"the scan is incomplete: {first}", doubts)

    def incomplete(self, message: str, doubts: Sequence[str] = ()) -> IncompleteScan:
        """The error that this scan is incomplete, made of its failures and of doubts in words."""
        errors = [*(failure.error for failure in self.failures), *map(AnalyticsError, doubts)]
        return IncompleteScan(message, errors, failures=self.failures, report=self)

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
        lines += [*map(str, self.failures), *self._doubts()]
        return "\n".join([*map(printable, lines), "complete" if self.complete else "INCOMPLETE"])

    def _doubts(self) -> list[str]:
        """What speaks against completeness besides the failures, in words."""
        return [
            f"{name}: {doubt}"
            for name, vendor in self.vendors.items()
            for doubt in [
                *vendor.doubts,
                vendor.stopped,
                *(f"{gap}: already forgotten" for gap in vendor.gaps),
                *(str(piece) for piece in vendor.clipped if piece.reason == "clock"),
            ]
            if doubt
        ]


def _total(vendors: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums of numbers, concatenations of lists, the longest time, the next midnight."""
    total: dict[str, Any] = {}
    for name, first in VendorReport().as_dict().items():
        values = [vendor[name] for vendor in vendors]
        if isinstance(first, bool):
            total[name] = all(values)
        elif name == "elapsed_s":
            total[name] = max(values, default=0.0)
        elif name in ("start", "resets_at"):
            total[name] = min((value for value in values if value is not None), default=None)
        elif name == "end":
            total[name] = max((value for value in values if value is not None), default=None)
        elif name == "left_today":
            total[name] = {counter: left for value in values for counter, left in value.items()}
        elif isinstance(first, str):
            total[name] = "; ".join(value for value in values if value)
        elif isinstance(first, list):
            total[name] = [item for value in values for item in value]
        elif isinstance(first, dict):
            total[name] = dict(sum((Counter(value) for value in values), Counter()))
        else:
            total[name] = sum(values)
    return total
