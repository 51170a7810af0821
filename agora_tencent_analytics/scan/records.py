"""What a scan yields: `CallRecord`, and the `Failure` of what could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs
import msgspec

from agora_tencent_analytics.errors import LONGEST_LINE, AnalyticsError, bounded, counted
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.timerange import TimeRange


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
    error: AnalyticsError = attrs.field(eq=lambda error: msgspec.json.encode(error_facts(error)))
    """What went wrong; compared by its class, its text and its facts."""
    cursor: str | None = attrs.field(default=None, repr=False)
    """Of a listing: what `provider.calls(over, cursor=...)` takes to try this window again, or, where no window was
    given up, to go on. Opaque; None where it would begin anew."""

    def __str__(self) -> str:
        of = f" of call {bounded(self.call_id)}" if self.call_id else ""
        during = f" {self.over}" if self.over else ""
        return bounded(f"{self.vendor}: {self.step}{of}{during}: {self.error}", LONGEST_LINE)

    def to_dict(self) -> dict[str, object]:
        """What it holds, as JSON can hold it: the error as `kind`, `error`, `code` and its other `facts`."""
        return {
            "vendor": self.vendor,
            "step": self.step,
            "call_id": self.call_id,
            "start": self.over.start if self.over else None,
            "end": self.over.end if self.over else None,
            "cursor": self.cursor,
            **error_facts(self.error),
        }


def error_facts(error: AnalyticsError) -> dict[str, object]:
    """An error as JSON can hold it."""
    facts = msgspec.to_builtins(vars(error), enc_hook=_as_text)
    code = {"code": facts.pop("code")} if "code" in facts else {}
    return {"kind": type(error).__name__, "error": str(error), **code, "facts": facts}


def _as_text(value: object) -> object:
    return {"start": value.start, "end": value.end} if isinstance(value, TimeRange) else str(value)


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

    def __repr__(self) -> str:
        """With counts, and without users: records stand in logs."""
        sessions, failures = counted(len(self.sessions), "session"), counted(len(self.failures), "failure")
        counts = f"{sessions}, {len(self.series)} series, {failures}"
        part = "" if self.last and not self.part else f", part {self.part}"
        return f"<CallRecord {self.vendor} {self.call.call_id}: {counts}{part}>"

    @property
    def points(self) -> int:
        """Points of all series."""
        return sum(map(len, self.series))

    def find(
        self, metric: str, *, session_id: str | None = None, peer_id: str | None = None
    ) -> tuple[MetricSeries, ...]:
        """The series of a metric.

        Args:
            metric: its neutral name, or the vendor's own id.
            session_id: only of this session.
            peer_id: only of what came from this peer; `""` for the user's own stream.
        """
        return tuple(
            series
            for series in self.series
            if metric in (series.metric, series.vendor_metric)
            and session_id in (None, series.session_id)
            and peer_id in (None, series.peer_id)
        )

    def head(self) -> dict[str, object]:
        """What it holds beside its sessions and their series, as JSON can hold it; see `to_dict`."""
        call = self.call.to_dict()
        of_call = {} if call.pop("vendor") == self.vendor else {"call_vendor": self.call.vendor}
        places: dict[str, int] = {}
        for session in self.sessions:  # a vendor may tell of one twice: its series stand with the first
            places.setdefault(session.session_id, len(places))
        order = [places.get(series.session_id, len(places)) for series in self.series]
        by_session = sorted(range(len(order)), key=order.__getitem__)
        return {
            "vendor": self.vendor,
            **call,
            **of_call,
            "part": self.part,
            "last": self.last,
            **({"again": True} if self.again else {}),
            **({} if self.replaces_from_ts is None else {"replaces_from_ts": self.replaces_from_ts}),
            # Series stand with their sessions; where that is another order, it is told.
            **({} if by_session == [*range(len(order))] else {"series_order": by_session}),
            "failures": [failure.to_dict() for failure in self.failures],
        }

    def by_session(self) -> Iterator[tuple[Session | None, list[MetricSeries]]]:
        """Its sessions in their order, each with its series; then, with None, series of no session that is here."""
        found: dict[str, list[MetricSeries]] = {}
        for series in self.series:
            found.setdefault(series.session_id, []).append(series)
        for session in self.sessions:
            yield session, found.pop(session.session_id, [])
        if found:
            here = {session.session_id for session in self.sessions}
            yield None, [series for series in self.series if series.session_id not in here]

    def to_dict(self) -> dict[str, object]:
        """All that it holds, as JSON can hold it: a line of `--out`; `read_records` makes it a record again.

        Fields of the call, `part`, `last`, `failures`, and `sessions`, each with its `series`.
        """
        parts = [(session, [series_dict(one, session) for one in series]) for session, series in self.by_session()]
        sessions = [session_dict(session) | {"series": series} for session, series in parts if session is not None]
        stray = [one for session, series in parts if session is None for one in series]
        return self.head() | {"sessions": sessions} | ({"series": stray} if stray else {})


def session_dict(session: Session) -> dict[str, object]:
    """A session inside its record: without what the record says."""
    return {name: value for name, value in session.to_dict().items() if name not in ("vendor", "call_id")}


def series_dict(series: MetricSeries, session: Session | None) -> dict[str, object]:
    """A series inside its session: without what that says, and what it does not have."""
    whole = series.to_dict()
    for name in ("vendor", "call_id"):
        del whole[name]
    if session is not None:
        del whole["session_id"]
        if session.user_id == series.user_id:
            del whole["user_id"]
    return {name: value for name, value in whole.items() if value or name not in ("extra", "spare")}
