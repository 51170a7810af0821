"""What a scan yields: `CallRecord`, and the `Failure` of what could not be read."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from agora_tencent_analytics.errors import LONGEST_LINE, AnalyticsError, bounded
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.timerange import TimeRange

POINT_BYTES = 16
"""What a point costs in memory: an 8-byte time and an 8-byte value."""


@attrs.frozen(kw_only=True)
class Failure:
    """Something that a scan could not read."""

    vendor: str
    """Whose data it is."""
    step: Literal["calls", "sessions", "metrics"]
    """What was being read."""
    call_id: str = ""
    """Of which call; `""` for a listing of calls."""
    over: TimeRange | None = None
    """Which window was given up, where it is known."""
    error: AnalyticsError
    """What went wrong."""
    cursor: str | None = attrs.field(default=None, repr=False)
    """Of a listing: what `provider.calls(over, cursor=...)` takes to try this window again, or, where no window was
    given up, to go on. Opaque; None where it would begin anew."""

    def __str__(self) -> str:
        of = f" of call {bounded(self.call_id)}" if self.call_id else ""
        during = f" {self.over}" if self.over else ""
        return bounded(f"{self.vendor}: {self.step}{of}{during}: {self.error}", LONGEST_LINE)

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it: the window by its `start` and `end`, the error by its `kind` and its words."""
        return {
            "step": self.step,
            "call_id": self.call_id,
            "start": self.over.start if self.over else None,
            "end": self.over.end if self.over else None,
            "kind": type(self.error).__name__,
            "error": str(self.error),
            "cursor": self.cursor,
        }


@attrs.frozen(kw_only=True)
class CallRecord:
    """One call with what was asked about it, or one part of a very large call."""

    vendor: str
    """Whose call it is: the provider's name in the report."""
    call: Call
    """The call."""
    sessions: tuple[Session, ...] = ()
    """Its sessions, in order of joining; of a call in parts, those of this part."""
    series: tuple[MetricSeries, ...] = ()
    """Their metric series; none is empty."""
    failures: tuple[Failure, ...] = ()
    """What of this call could not be read."""
    part: int = 0
    """Counts from 0. A call of more than 100 sessions, or more than 32 MB of series, comes in several parts."""
    last: bool = True
    """True for the final part of a call, and for a call in one piece."""
    again: bool = False
    """True if an earlier record of this call was acknowledged, when it was still running or could not be read whole:
    this one replaces it. Only a scan with a ledger gives such records."""
    replaces_from_ts: int | None = None
    """Of a record that comes again: the first second, epoch, from which it replaces the earlier one, if the vendor has
    forgotten what lies before. None: it replaces all of it."""

    def __hash__(self) -> int:
        return hash((self.vendor, self.call, self.part))

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it, by the names of the fields."""
        return {
            **attrs.asdict(self, recurse=False),
            "call": attrs.asdict(self.call),
            "sessions": [attrs.asdict(session) for session in self.sessions],
            "series": [series.as_dict() for series in self.series],
            "failures": [failure.as_dict() for failure in self.failures],
        }

    @property
    def points(self) -> int:
        """Points of all series."""
        return sum(map(len, self.series))
