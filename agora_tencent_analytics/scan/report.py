"""What a scan did and what it could not do, in all and by vendor: `Report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from itertools import chain
from typing import Any, Self

import attrs
import msgspec

from agora_tencent_analytics.decoding.points import Glance
from agora_tencent_analytics.errors import LONGEST_LINE, AnalyticsError, bounded, counted
from agora_tencent_analytics.paging.certificate import Certificate, Clipped, ClippedFor
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.scan.records import Failure
from agora_tencent_analytics.timerange import TimeRange, merge

GIVEN_UP = "given up: "
"""How the reason of a window begins whose failure the report has already."""

_MOST_DOUBTS = 100
MOST_FAILURES = 1_000
"""Failures kept as values; those beyond are only counted."""


class VendorReport(msgspec.Struct, kw_only=True):
    """The figures of one provider. They grow while the scan runs."""

    over: TimeRange | None = None
    """The range that is read, as it was resolved; with a ledger, all that its scans were asked for."""
    calls: int = 0
    """Calls read."""
    sessions: int = 0
    """Sessions read."""
    series: int = 0
    """Metric series read that hold at least one point."""
    points: int = 0
    """Points read; of series whose columns nobody has looked at, as many as the vendor sent."""
    already: int = 0
    """Calls that earlier scans on the same ledger have settled; they are not among `calls`."""
    cost: Receipt = msgspec.field(default_factory=Receipt)
    """What was spent on it."""
    duplicates_dropped: int = 0
    """Rows that came more than once and were yielded once."""
    strange_dropped: int = 0
    """Rows that were not asked for: of another channel, call or user, or of another vendor."""
    odd_values: int = 0
    """Values that were null or no number, and are NaN, and points that were dropped because of an unreadable time or of
    another value of their time, in columns that somebody has looked at."""
    points_outside: int = 0
    """Points that belong to no stay of their user, in columns that somebody has looked at."""
    failures: list[Failure] = []
    """What could not be read; the first thousand."""
    failures_by_kind: Counter[str] = msgspec.field(default_factory=Counter)
    """How many failures there were, by the name of their error's class."""
    doubts: list[str] = []
    """What speaks against completeness, in words; the first hundred."""
    stopped: str = ""
    """Why reading ended before its end, in words; `""` if it did not."""
    elapsed_s: float = 0.0
    """Seconds from the start of the scan to the end of this provider's part."""
    finished: bool = False
    """False until this provider's part came to its end: a part that was broken off is not complete."""
    _hidden: dict[tuple[str, ClippedFor], tuple[TimeRange, ...]] = {}

    @property
    def requests(self) -> int:
        """Attempts sent, retries included."""
        return self.cost.requests

    @property
    def limit_errors(self) -> int:
        """Attempts that the vendor refused for the rate or for the day."""
        return self.cost.limit_errors

    @property
    def retries(self) -> int:
        """Attempts beyond the first of their question."""
        return self.cost.retries

    @property
    def clipped(self) -> list[Clipped]:
        """What of the range the vendor could not answer, with the reason; see `ClippedFor`."""
        return [
            Clipped(over=piece, reason=reason, endpoint=endpoint)
            for (endpoint, reason), pieces in self._hidden.items()
            for piece in pieces
        ]

    @property
    def gaps(self) -> tuple[TimeRange, ...]:
        """What of the range the vendor had already forgotten, whatever the question."""
        return merge(piece for (_, reason), pieces in self._hidden.items() if reason == "history" for piece in pieces)

    @property
    def complete(self) -> bool:
        """True if everything in the range that the vendor could answer was read."""
        failed = self.failures or self.failures_by_kind
        missed = any(reason != "lag" for _, reason in self._hidden)
        return self.finished and not (failed or self.doubts or self.stopped or missed)

    def _looked_at(self, seen: Glance | None, spare: Iterable[Sized], points: int, odd: int) -> None:
        """Notes what decoding the columns of a series has shown.

        Args:
            seen: by what its points were counted before; None: they were not.
            spare: columns of points that belong to no stay.
            points: how many there are.
            odd: how many of them are odd.
        """
        outside = sum(map(len, spare))
        self.points += points - seen.rows if seen else 0
        self.odd_values += odd
        self.points_outside += outside

    def fail(self, failure: Failure) -> None:
        """Notes what could not be read.

        Args:
            failure: what could not be read.
        """
        self.failures_by_kind[type(failure.error).__name__] += 1
        if len(self.failures) < MOST_FAILURES:
            self.failures.append(failure)

    def take(self, certificate: Certificate) -> None:
        """Takes in what a walk has to say, except for what it could not ask: see `hide`.

        Args:
            certificate: of a walk that ended.
        """
        self.count(certificate)
        self.doubt(doubts_of(certificate))

    def count(self, certificate: Certificate) -> None:
        """Notes what a walk has dropped.

        Args:
            certificate: of a walk that ended.
        """
        self.duplicates_dropped += certificate.duplicates
        self.strange_dropped += certificate.strange

    def doubt(self, doubts: Iterable[str]) -> None:
        """Notes what speaks against completeness, each once; beyond a hundred, nothing more.

        Args:
            doubts: in words.
        """
        for doubt in doubts:
            if len(self.doubts) < _MOST_DOUBTS and doubt not in self.doubts:
                self.doubts.append(doubt)

    def hide(self, pieces: Iterable[Clipped]) -> None:
        """Notes pieces of the range that could not be asked.

        Args:
            pieces: what was cut away.
        """
        for piece in pieces:
            place = (piece.endpoint, piece.reason)
            self._hidden[place] = merge((*self._hidden.get(place, ()), piece.over))

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON can hold them."""
        counts = ("calls", "sessions", "series", "points", "already", "requests", "limit_errors", "retries")
        dropped = ("duplicates_dropped", "strange_dropped", "odd_values", "points_outside")
        return {
            "complete": self.complete,
            "start": self.over.start if self.over else None,
            "end": self.over.end if self.over else None,
            **{name: getattr(self, name) for name in counts},
            "waited_s": round(self.cost.waited_s, 3),
            "left_today": dict(self.cost.left_today),
            "resets_at": self.cost.resets_at,
            **{name: getattr(self, name) for name in dropped},
            "failures": [failure.to_dict() for failure in self.failures],
            "failures_by_kind": dict(self.failures_by_kind),
            "clipped": [
                {"endpoint": piece.endpoint, "reason": piece.reason, **attrs.asdict(piece.over)}
                for piece in self.clipped
            ],
            "gaps": [attrs.asdict(gap) for gap in self.gaps],
            "doubts": list(self.doubts),
            "stopped": self.stopped,
            "elapsed_s": round(self.elapsed_s, 3),
        }


def doubts_of(certificate: Certificate) -> list[str]:
    """What a walk's certificate says against completeness, failures aside: those are told as such."""
    doubts = [
        f"{certificate.endpoint} {window.over}: {window.reason}"
        for window in certificate.windows
        if not window.complete and not window.reason.startswith(GIVEN_UP)
    ]
    doubts += [f"{certificate.endpoint}: {doubt}" for doubt in certificate.doubts]
    if certificate.stopped:
        during = f" {certificate.over}" if certificate.over else ""
        doubts.append(f"{certificate.endpoint}{during}: {certificate.stopped}")
    return doubts


class Report(msgspec.Struct, kw_only=True):
    """What a scan did. Complete once the iteration has ended."""

    vendors: dict[str, VendorReport] = {}
    """Figures by the provider's name."""
    finished: bool = False
    """False until the iteration came to its end."""

    @property
    def complete(self) -> bool:
        """True if everything in the range that every vendor could answer was read."""
        return self.finished and all(vendor.complete for vendor in self.vendors.values())

    @property
    def stopped(self) -> str:
        """Whose reading ended before its end, and why, in words; `""` if nobody's did."""
        return "; ".join(f"{name}: {vendor.stopped}" for name, vendor in self.vendors.items() if vendor.stopped)

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
        """The error that this scan is incomplete, made of its failures and of doubts in words.

        Args:
            message: what happened.
            doubts: what speaks against completeness besides the failures, in words.
        """
        errors = [failure.error for failure in self.failures]
        for doubt in doubts:
            said = AnalyticsError(doubt)
            # What ended a provider is a failure too: the same may be asked again when that may.
            why = next((error for error in errors if str(error) in doubt), said)
            said.retryable, said.retry_at = why.retryable, why.retry_at
            errors.append(said)
        return IncompleteScan(message, errors, failures=self.failures, report=self)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it: `complete`, `total` and `vendors`, by name."""
        vendors = {name: vendor.as_dict() for name, vendor in self.vendors.items()}
        total = _total(list(vendors.values())) | {"complete": self.complete}
        return {"complete": self.complete, "total": total, "vendors": vendors}

    def __str__(self) -> str:
        lines = [
            f"{name}: {counted(vendor.calls, 'call')}, {counted(vendor.sessions, 'session')}, "
            f"{vendor.series:,} series, {counted(vendor.points, 'point')}; {counted(vendor.requests, 'request')}, "
            f"{counted(vendor.limit_errors, 'limit error')}, {counted(vendor.retries, 'retry', 'retries')}"
            for name, vendor in self.vendors.items()
        ]
        lines += [*map(str, self.failures), *self._doubts()]
        said = [bounded(line, LONGEST_LINE) for line in lines]
        return "\n".join([*said, "complete" if self.complete else "INCOMPLETE"])

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


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


_IN_ALL: Mapping[str, Callable[[list[Any]], Any]] = {
    "complete": all,
    "start": lambda values: min(_known(values), default=None),
    "end": lambda values: max(_known(values), default=None),
    "resets_at": lambda values: min(_known(values), default=None),
    "left_today": lambda values: dict(chain.from_iterable(value.items() for value in values)),
    "failures_by_kind": lambda values: dict(sum(map(Counter, values), Counter())),
    "stopped": lambda values: "; ".join(filter(None, values)),
    "elapsed_s": lambda values: max(values, default=0.0),
    **dict.fromkeys(("failures", "clipped", "gaps", "doubts"), lambda values: [*chain.from_iterable(values)]),
}
"""What is true of all providers, of what is true of each; figures that are not here are added up."""


def _total(vendors: list[dict[str, Any]]) -> dict[str, Any]:
    names = VendorReport().as_dict()
    return {name: _IN_ALL.get(name, sum)([vendor[name] for vendor in vendors]) for name in names}


class IncompleteScan(AnalyticsError, ExceptionGroup[AnalyticsError]):
    """A scan with `on_error="raise"` met something that it could not read; a group of what went wrong.

    `except*` and `split` sort it by the kinds of error inside; each part keeps its failures and the report. It is
    retryable if all of them are, at the latest of their times.

    Args:
        message: what happened.
        exceptions: the errors, at least one.
        failures: what could not be read, as values, each with one of the errors.
        report: the scan's report, as far as the scan came; None: one that says nothing.
    """

    def __new__(cls, message: str, exceptions: Sequence[AnalyticsError], **_: Any) -> Self:
        """A group of at least one error."""
        return super().__new__(cls, message, exceptions)

    def __init__(
        self,
        message: str,
        exceptions: Sequence[AnalyticsError],
        *,
        failures: Sequence[Failure] = (),
        report: Report | None = None,
    ) -> None:
        ExceptionGroup.__init__(self, message, exceptions)
        self.failures: tuple[Failure, ...] = tuple(failures)
        self.report: Report = Report() if report is None else report
        self.retryable: bool = all(error.retryable for error in exceptions)
        times = [error.retry_at for error in exceptions if error.retry_at is not None]
        self.retry_at: float | None = max(times, default=None) if self.retryable else None

    def derive(self, excs: Sequence[Any], /) -> Any:
        """The same about some of the errors; `split`, `subgroup` and `except*` make their parts of it.

        Args:
            excs: those of its errors that the part has.
        """
        kept = {id(error) for error in excs}
        failures = [failure for failure in self.failures if id(failure.error) in kept]
        return IncompleteScan(self.message, excs, failures=failures, report=self.report)
