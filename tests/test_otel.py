"""OpenTelemetry: spans and metrics of asks, as an SDK with exporters in memory receives them."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from agora_tencent_analytics import (
    DailyQuotaExhausted,
    NotAuthenticated,
    Rate,
    RateLimited,
    Refusal,
    TransportError,
    UnreadableReply,
    log,
    notices,
)
from agora_tencent_analytics import otel as module
from agora_tencent_analytics.limits import DAY, MINUTE
from agora_tencent_analytics.notices import AskEnded, AskStarted, Attempt, Progress
from agora_tencent_analytics.otel import OpenTelemetry
from tests.support.client_bench import BAD_GATEWAY, GOOD, QPD, QPS, SECRET, Bench, broken
from tests.support.transports import json_response
from tests.support.virtual_time import run


class Backend:
    """An SDK that keeps what it is given."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.hook = OpenTelemetry(self.tracers, self.meters)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    @cached_property
    def collected(self) -> MetricsData:
        """Collected once: a gauge may be reported by the first collection after it was set, and by no other."""
        data = self.reader.get_metrics_data()
        assert data is not None
        return data

    def points(self, name: str) -> list[Any]:
        return [
            point
            for resource in self.collected.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == f"agora_tencent_analytics.{name}"
            for point in metric.data.data_points
        ]

    def outcomes(self) -> dict[str, float]:
        return {point.attributes["analytics.outcome"]: point.value for point in self.points("requests")}


def events(span: ReadableSpan) -> list[str]:
    return [event.name for event in span.events]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_an_ask_is_one_span_with_its_attempts_as_events() -> None:
    backend = Backend()
    bench = Bench(BAD_GATEWAY, GOOD, hooks=(backend.hook,))
    bench.asks()
    (span,) = backend.spans
    assert "call/lists" == span.name
    assert {
        "analytics.vendor": "agora",
        "analytics.endpoint": "call/lists",
        "analytics.requests": 2,
        "analytics.waited_s": 0.0,
        "http.request.method": "GET",
        "server.address": "host.test",
        "server.port": 443,
        "http.response.status_code": 200,
    } == attributes(span)
    assert StatusCode.UNSET is span.status.status_code
    assert ["slot granted", "attempt", "retry", "slot granted", "attempt"] == events(span)
    first = dict(span.events[1].attributes or {})
    keys = ("server.address", "http.response.status_code", "error.type", "analytics.code")
    assert ("host.test", 502, "VendorFault", "502") == tuple(first[key] for key in keys)


def test_no_code_and_no_request_id_steers_a_terminal() -> None:
    backend = Backend()
    bench = Bench(json_response('{"code":"\\u001b[2J","requestId":"\\u202er\\n"}'), hooks=(backend.hook,))
    bench.fails(Refusal)
    (span,) = backend.spans
    told = [value for event in span.events for value in (event.attributes or {}).values() if isinstance(value, str)]
    assert "\N{REPLACEMENT CHARACTER}[2J" in told
    assert all(value.isprintable() for value in told)


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (json_response('{"code":401,"message":"room-of-somebody"}'), NotAuthenticated, "refused"),
        (json_response("<html>room-of-somebody"), UnreadableReply, "unreadable"),
        (json_response("", status=429, retry_after="99"), RateLimited, "rate_limited"),
        (QPD, DailyQuotaExhausted, "rate_limited"),
        (broken(), Exception, "lost"),
    ],
)
def test_an_ask_that_is_given_up_is_an_error_without_the_vendors_prose(
    answer: Any, kind: type[Exception], outcome: str
) -> None:
    backend = Backend()
    bench = Bench(answer, hooks=(backend.hook,))
    error = bench.fails(kind, params={"cname": "room-of-somebody"})
    (span,) = backend.spans
    assert (StatusCode.ERROR, type(error).__name__) == (span.status.status_code, span.status.description)
    assert type(error).__name__ == attributes(span)["error.type"]
    assert {outcome: len(bench.script.sent)} == backend.outcomes()
    told = span.to_json()
    for hidden in ("room-of-somebody", SECRET, "<html>"):
        assert hidden not in told


def test_a_refusal_for_the_rate_and_a_long_wait_are_events() -> None:
    backend = Backend()
    bench = Bench(GOOD, QPS, GOOD, rates=(Rate(1, MINUTE),), hooks=(backend.hook,))

    async def scenario() -> None:
        await bench.ask()
        await bench.ask()

    run(scenario)
    said = events(backend.spans[1])
    assert ["long wait", "slot granted", "attempt", "refused", "retry", "slot granted", "attempt"] == said
    assert {"ok": 2, "rate_limited": 1} == backend.outcomes()


def test_a_cancelled_ask_ends_its_span_and_is_no_error() -> None:
    backend = Backend()
    bench = Bench(GOOD, hooks=(backend.hook,), script={"delay_s": 9.0})

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await bench.ask()

    run(scenario)
    (span,) = backend.spans
    assert (StatusCode.UNSET, "CancelledError") == (span.status.status_code, attributes(span)["error.type"])
    assert {"cancelled": 1} == backend.outcomes()
    assert 0 == len(backend.hook._open)


def test_asks_are_children_of_the_span_they_are_asked_in_and_do_not_mix() -> None:
    backend = Backend()
    bench = Bench(GOOD, hooks=(backend.hook,), script={"delay_s": 1.0})
    tracer = backend.tracers.get_tracer("mine")

    async def work(name: str) -> None:
        with tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            await bench.ask()

    async def scenario() -> None:
        await asyncio.gather(work("one"), work("two"))

    run(scenario)
    asks = [span for span in backend.spans if span.name == "call/lists"]
    outer = {span.context.span_id: span.name for span in backend.spans if span.name != "call/lists" and span.context}
    assert ["one", "two"] == sorted(outer[span.parent.span_id] for span in asks if span.parent)


def test_the_queue_and_the_day_are_measured() -> None:
    backend = Backend()
    bench = Bench(GOOD, rates=(Rate(1, 1), Rate(100, DAY)), hooks=(backend.hook,), script={"delay_s": 0.0})

    async def scenario() -> None:
        await asyncio.gather(*(bench.ask() for _ in range(3)))

    run(scenario)
    (waits,) = backend.points("quota.wait")
    assert (3, pytest.approx(bench.caller.receipts[0].waited_s)) == (waits.count, waits.sum)
    (left,) = backend.points("quota.left")
    assert (96, "call/lists") == (left.value, left.attributes["analytics.counter"])
    assert {"analytics.vendor", "analytics.endpoint"} <= set(left.attributes)
    assert {"ok": 3} == backend.outcomes()


def test_a_hook_may_stand_in_the_terms_of_a_block() -> None:
    backend = Backend()
    bench = Bench(GOOD)
    with bench.on(hooks=[backend.hook]):
        bench.asks()
    assert 1 == len(backend.spans)


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [("api.agora.io", "api.agora.io", 443), ("127.0.0.1:8021", "127.0.0.1", 8021), ("[::1]:8021", "::1", 8021)],
)
def test_address_and_port_are_told_apart(host: str, address: str, port: int) -> None:
    backend = Backend()
    backend.hook(AskStarted(vendor="v", endpoint="e", ask=1))
    backend.hook(Attempt(vendor="v", endpoint="e", ask=1, number=1, status=200, elapsed_s=0.1, host=host))
    backend.hook(AskEnded(vendor="v", endpoint="e", ask=1, requests=1, waited_s=0.0, elapsed_s=0.1))
    said = dict(backend.spans[0].events[0].attributes or {})
    assert (address, port) == (said["server.address"], said["server.port"])


def test_every_outcome_is_documented() -> None:
    errors: list[BaseException | None] = [
        None,
        RateLimited(vendor="v", code="c", message=""),
        NotAuthenticated(vendor="v", code="c", message=""),
        UnreadableReply("u", endpoint="e", status=200),
        TransportError("t", endpoint="e", phase="read", timed_out=False),
        asyncio.CancelledError(),
        ValueError(),
    ]
    backend = Backend()
    for error in errors:
        said = Attempt(vendor="v", endpoint="e", ask=1, number=1, status=None, elapsed_s=0.1, host="h", error=error)
        backend.hook(said)
    told = re.findall(
        r"[a-z_]+", (module.__doc__ or "").partition("`analytics.outcome`:")[2].partition("quota.left")[0]
    )
    assert len(errors) == len(backend.outcomes())
    assert backend.outcomes().keys() <= set(told)


def test_spans_that_nobody_ends_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_OPEN", 5)
    backend = Backend()
    for number in range(50):
        backend.hook(AskStarted(vendor="v", endpoint=f"e{number}", ask=number))
    assert 5 == len(backend.hook._open)
    assert [f"e{number}" for number in range(45)] == [span.name for span in backend.spans]


def test_notices_about_an_ask_that_it_never_saw_begin_or_about_a_scan_are_harmless() -> None:
    backend = Backend()
    backend.hook(Attempt(vendor="v", endpoint="e", ask=-1, number=1, status=200, elapsed_s=0.1, host="h"))
    backend.hook(AskEnded(vendor="v", endpoint="e", ask=-1, requests=1, waited_s=0.0, elapsed_s=0.1))
    backend.hook(Progress(vendor="v", calls=1, requests=1, failures=0, in_hand=0))
    assert ((), {"ok": 1}) == (backend.spans, backend.outcomes())


def test_without_an_sdk_it_costs_nothing_and_breaks_nothing() -> None:
    Bench(BAD_GATEWAY, GOOD, hooks=(OpenTelemetry(),)).asks()


def test_without_the_api_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import agora_tencent_analytics.otel as otel\n"
        "try: otel.OpenTelemetry()\n"
        "except ImportError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (ran.returncode, ran.stderr)
    assert "agora-tencent-analytics[otel]" in ran.stdout


def test_an_ask_for_which_nothing_was_sent_is_counted_by_its_reason() -> None:
    backend = Backend()
    bench = Bench(GOOD, rates=(Rate(2, DAY),), hooks=(backend.hook,))
    bench.asks()
    for _ in range(2):
        bench.fails(DailyQuotaExhausted)
    (point,) = backend.points("refused")
    assert (2, "DailyQuotaExhausted") == (point.value, point.attributes["analytics.reason"])


@pytest.mark.parametrize("instrumented", [False, True])
def test_requests_are_client_spans_and_a_histogram_unless_aiohttp_tells_it(
    instrumented: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = SimpleNamespace(is_instrumented_by_opentelemetry=instrumented)
    module: Any = SimpleNamespace(AioHttpClientInstrumentor=lambda: theirs)
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.aiohttp_client", module)
    backend = Backend()
    bench = Bench(BAD_GATEWAY, GOOD, hooks=(backend.hook,), script={"delay_s": 0.25})
    bench.asks()
    (span,) = backend.spans
    assert SpanKind.CLIENT == span.kind
    found: list[Any] = [
        point
        for resource in backend.collected.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "http.client.request.duration"
        for point in metric.data.data_points
    ]
    told = {(point.attributes["http.response.status_code"], point.attributes.get("error.type")) for point in found}
    assert (set() if instrumented else {(502, "VendorFault"), (200, None)}) == told
    assert all("GET" == point.attributes["http.request.method"] for point in found)
    assert all(0.25 == pytest.approx(point.sum, abs=0.01) for point in found)
    assert all(
        ("host.test", 443) == (point.attributes["server.address"], point.attributes["server.port"]) for point in found
    )
    assert all({0.1, 0.25, 0.5} < {*point.explicit_bounds} for point in found), "buckets of seconds"


def test_those_who_wait_and_what_is_left_are_told_with_every_collection() -> None:
    backend = Backend()
    bench = Bench(GOOD, rates=(Rate(1, MINUTE), Rate(100, DAY)), hooks=(backend.hook,))

    def told() -> tuple[int, list[int]]:
        backend.__dict__.pop("collected", None)
        return sum(point.value for point in backend.points("waiting")), [
            one.value for one in backend.points("quota.left")
        ]

    async def scenario() -> list[Any]:
        await bench.ask()
        asks = [asyncio.create_task(bench.ask()) for _ in range(3)]
        await asyncio.sleep(1)
        seen = [told(), told()]
        await asyncio.sleep(90)
        asks[-1].cancel()
        await asyncio.wait(asks)
        return [*seen, told(), told()]

    before, again, after, at_last = run(scenario)
    assert (3, [98]) == before == again
    assert (0, [96]) == after == at_last


def test_nothing_is_left_of_a_day_that_the_vendor_calls_spent() -> None:
    backend = Backend()
    bench = Bench(QPD, rates=(Rate(100, DAY),), hooks=(backend.hook,))
    bench.fails(DailyQuotaExhausted)
    assert [0] == [one.value for one in backend.points("quota.left")]


def test_one_page_names_all_that_an_operator_sees() -> None:
    page = (Path(__file__).parents[1] / "docs" / "watching.md").read_text("utf-8")
    named = {*re.findall(r"`([\w.]+)`", page)}
    told = re.findall(r"(?m)^    ((?:agora_tencent_analytics|http)\.[\w.]+)  ", module.__doc__ or "")
    assert len(told) == 6
    assert set() == {*notices.__all__, *told, *log._EVENTS.values()} - named
    assert set() == {f"analytics_{key}" for key in log.KEYS} - named
    spans = {"slot granted", "attempt", "retry", "refused", "long wait"}
    assert spans <= {*re.findall(r"`([a-z ]+)`", page)}
