"""`OpenTelemetry`: one span for each ask, and what the quota is doing, for any OpenTelemetry backend.

    provider = AgoraProvider.from_env(hooks=[OpenTelemetry()])

The hook turns notices into spans and metrics. It needs `opentelemetry-api` alone, which comes with the extra
`otel` and is imported when the hook is made. The SDK and the exporter are chosen by the application; nothing is told
that the notices do not: no payload, no credential, no parameter of a question.

Spans are named after the question and are children of whatever span is current. Their events are `attempt`,
`slot granted`, `retry`, `refused` and `long wait`. Attributes, of spans and events: `analytics.vendor`,
`analytics.endpoint`, `analytics.requests`, `analytics.waited_s`, `http.request.method`, `server.address`, `server.port`
and `http.response.status_code` (of the last attempt), `error.type`, and `analytics.` with a field of the notice.
An ask that was given up has the status ERROR; one that was cancelled has none.

Metrics, each by `analytics.vendor` and `analytics.endpoint`:

    agora_tencent_analytics.quota.wait   histogram, s         how long a request waited for its slot
    agora_tencent_analytics.requests     counter, {request}   requests sent, by `analytics.outcome`: ok, refused,
                                                              rate_limited, unreadable, lost, not_sent (there was no
                                                              connection), cancelled, or failed (any other error)
    http.client.request.duration         histogram, s         one attempt, by OpenTelemetry's own attributes: method,
                                                              server, status and error; off where aiohttp is
                                                              instrumented, which tells the same
    agora_tencent_analytics.refused      counter, {ask}       asks for which nothing was sent, by `analytics.reason`:
                                                              the class of the error (DailyQuotaExhausted, ...)
    agora_tencent_analytics.quota.left   gauge, {request}     left of the vendor's day, by `analytics.counter`, as last
                                                              known
    agora_tencent_analytics.waiting      up-down counter,     asks that wait now, for a slot, a pause or keys
                                         {ask}
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.errors import NotAsked, RateLimited, Refusal, TransportError, UnreadableReply, bounded
from agora_tencent_analytics.notices import (
    AskEnded,
    AskStarted,
    Attempt,
    DaySpent,
    LongWait,
    Notice,
    Refused,
    Retrying,
    SlotGranted,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider, Observation
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetry"]

_NAME = "agora_tencent_analytics"
_MOST_OPEN = 10_000
_DURATIONS = (
    (f"{_NAME}.quota.wait", "How long a request waited for a slot of the quota."),
    ("http.client.request.duration", "Duration of HTTP client requests."),
)
_COUNTERS = (
    (f"{_NAME}.requests", "{request}", "Requests sent, by what became of them."),
    (f"{_NAME}.refused", "{ask}", "Asks for which nothing was sent, by the reason."),
)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets of OpenTelemetry's convention; those of its SDK are for milliseconds."""
_HTTPS = 443
_EVENTS: Mapping[type[Notice], tuple[str, tuple[str, ...]]] = {
    SlotGranted: ("slot granted", ("waited_s",)),
    Attempt: ("attempt", ("number", "elapsed_s", "request_id")),
    Refused: ("refused", ("per", "code")),
    Retrying: ("retry", ("pause_s",)),
    LongWait: ("long wait", ("seconds", "reason")),
}
"""The events of spans, with the fields of the notice that they tell."""


class OpenTelemetry:
    """A hook that gives spans and metrics to OpenTelemetry; pass it in `hooks=`. May serve any number of providers.

    Args:
        tracer_provider: where spans go; None means the global one.
        meter_provider: where metrics go; None means the global one.

    Raises:
        ImportError: `opentelemetry-api` is not installed.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise ImportError(
                'OpenTelemetry needs opentelemetry-api; install "agora-tencent-analytics[otel]"'
            ) from error
        self._failed, self._kind = trace.StatusCode.ERROR, trace.SpanKind.CLIENT
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
        meter = metrics.get_meter(_NAME, __version__, meter_provider)
        self._wait, self._duration = (
            meter.create_histogram(name, "s", said, explicit_bucket_boundaries_advisory=_SECONDS)
            for name, said in _DURATIONS
        )
        self._requests, self._refused = (meter.create_counter(name, unit, said) for name, unit, said in _COUNTERS)
        self._waiting = meter.create_up_down_counter(
            f"{_NAME}.waiting", "{ask}", "Asks that wait for a slot of the quota, a pause or keys."
        )
        self._observed, self._left = metrics.Observation, dict[tuple[str, str, str], int]()
        # Observed, so that it is told with every collection, and not with the one after a change alone.
        meter.create_observable_gauge(
            f"{_NAME}.quota.left", [self._known_left], "{request}", "Requests left in the vendor's UTC day."
        )
        self._asleep: set[int] = set()
        self._open: OrderedDict[int, Span] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, notice: Notice) -> None:
        """Takes one notice; those that are not about an ask change nothing."""
        named = {"analytics.vendor": notice.vendor, "analytics.endpoint": notice.endpoint}
        match notice:
            case AskStarted():
                self._waits(notice.ask, named, now=True)
                self._begin(notice.ask, self._tracer.start_span(notice.endpoint, kind=self._kind, attributes=named))
            case SlotGranted():
                self._wait.record(notice.waited_s, named)
                if notice.left_today is not None:
                    self._left[notice.vendor, notice.endpoint, notice.counter] = notice.left_today
                self._waits(notice.ask, named, now=False)
            case Attempt():
                self._requests.add(1, {**named, "analytics.outcome": _outcome(notice.error)})
                if not _aiohttp_is_instrumented():
                    self._duration.record(notice.elapsed_s, _answered(notice) | _failed(notice.error))
            case DaySpent():
                self._left[notice.vendor, notice.endpoint, notice.counter] = 0
            case Retrying():
                self._waits(notice.ask, named, now=True)
            case AskEnded():
                self._waits(notice.ask, named, now=False)
                if isinstance(notice.error, NotAsked):
                    self._refused.add(1, {**named, "analytics.reason": type(notice.error).__name__})
                self._end(notice)
            case _:
                pass  # about pages, calls or a scan; or told in the span alone
        if isinstance(notice, SlotGranted | Attempt | Refused | Retrying | LongWait):
            self._event(notice)

    def _waits(self, ask: int, named: dict[str, str], *, now: bool) -> None:
        with self._lock:
            if (ask in self._asleep) is now:
                return
            self._asleep ^= {ask}
        self._waiting.add(1 if now else -1, named)

    def _known_left(self, _: object) -> Iterable[Observation]:
        names = ("analytics.vendor", "analytics.endpoint", "analytics.counter")
        return [self._observed(left, dict(zip(names, key, strict=True))) for key, left in list(self._left.items())]

    def _begin(self, ask: int, span: Span) -> None:
        with self._lock:
            self._open[ask] = span
            oldest = self._open.popitem(last=False)[1] if len(self._open) > _MOST_OPEN else None
        if oldest is not None:
            oldest.end()

    def _event(self, notice: SlotGranted | Attempt | Refused | Retrying | LongWait) -> None:
        span = self._open.get(notice.ask)
        if span is None:
            return
        name, fields = _EVENTS[type(notice)]
        said = _facts(notice, *fields)
        if isinstance(notice, Attempt):
            said |= _answered(notice)
            if isinstance(notice.error, Refusal):
                said["analytics.code"] = bounded(notice.error.code)
            span.set_attributes(_answered(notice))
        span.add_event(name, said)

    def _end(self, notice: AskEnded) -> None:
        with self._lock:
            span = self._open.pop(notice.ask, None)
        if span is None:
            return
        span.set_attributes(_facts(notice, "requests", "waited_s"))
        if isinstance(notice.error, Exception):
            span.set_status(self._failed, type(notice.error).__name__)
        span.end()


def _facts(notice: Notice, *fields: str) -> dict[str, Any]:
    """Fields of a notice as attributes, except for those that are empty; and what went wrong, if anything did."""
    known = {f"analytics.{name}": value for name in fields if (value := getattr(notice, name)) != ""}
    said = {name: bounded(value) if isinstance(value, str) else value for name, value in known.items()}
    return said | _failed(getattr(notice, "error", None))


def _failed(error: BaseException | None) -> dict[str, Any]:
    return {} if error is None else {"error.type": type(error).__name__}


def _answered(notice: Attempt) -> dict[str, Any]:
    """Who was asked, and how, and the status of the answer."""
    sent_to = urlsplit(f"//{notice.host}")
    known = {
        "http.request.method": notice.method,
        "server.address": sent_to.hostname or notice.host,
        "server.port": sent_to.port or _HTTPS,
    }
    return known if notice.status is None else known | {"http.response.status_code": notice.status}


def _outcome(error: BaseException | None) -> str:
    match error:
        case None:
            return "ok"
        case RateLimited():
            return "rate_limited"
        case Refusal():
            return "refused"
        case UnreadableReply():
            return "unreadable"
        case TransportError(left=False):
            return "not_sent"
        case TransportError():
            return "lost"
        case _:
            return "cancelled" if not isinstance(error, Exception) else "failed"


def _aiohttp_is_instrumented() -> bool:
    module = sys.modules.get("opentelemetry.instrumentation.aiohttp_client")
    return module is not None and bool(module.AioHttpClientInstrumentor().is_instrumented_by_opentelemetry)
