"""Both simulated vendors without sockets, and providers for them, on one virtual clock.

The provider's transport hands each request to `SimulatedVendor.answer` as it would have been sent. Everything else
(quota, caller, walks, scan, the vendor's counting) is the real thing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import anyio

from agora_tencent_analytics import (
    AgoraProvider,
    CallRecord,
    Provider,
    Quota,
    Request,
    Response,
    TencentProvider,
    Timeouts,
    TimeRange,
    TransportError,
    scan,
)
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import Records, Report
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor, World
from tests.support.virtual_time import EPOCH, VirtualClock

__all__ = ["END", "START", "WHOLE", "InProcess", "Vendors", "exact", "read", "truth_of"]

END = int(EPOCH) - 600
START = END - 8 * HOUR
Way = Callable[[], float]
Found = dict[str, dict[str, dict[tuple[str, str], list[tuple[int, float | None]]]]]
WHOLE = TimeRange(START, END)


class InProcess:
    """A transport that needs no network.

    Args:
        server: who answers.
        there: seconds from here to the server, for each request anew.
        back: seconds from the server to here.
    """

    def __init__(self, server: SimulatedVendor, *, there: Way = lambda: 0.0, back: Way = lambda: 0.0) -> None:
        self.server = server
        self.there = there
        self.back = back
        self.in_flight = 0
        self.most_in_flight = 0
        self.closed = False

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await anyio.sleep(self.there())
            try:
                status, headers, body = await self.server.answer(
                    request.method, request.url, dict(request.headers), request.body
                )
            except ConnectionResetError:
                raise TransportError("reset", endpoint=request.endpoint, phase="read", timed_out=False) from None
            await anyio.sleep(self.back())
            answered()
            return Response(status=status, headers={k.lower(): v for k, v in headers.items()}, body=body)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        self.closed = True


METRICS = 3
"""Series of a session unless told otherwise: all that clients report (`None`) are ten times the work for a test."""


class Vendors:
    """Makes simulated vendors and providers that share a virtual clock."""

    def __init__(self, world: World | None = None, *, epoch: float = EPOCH, **of_world: Any) -> None:
        self.time = VirtualClock(epoch)
        some = {"seed": 5, "calls": 14, "start": START, "end": END, "metrics_per_session": METRICS}
        self.world = world or World(**{**some, **of_world})
        self.transports: list[InProcess] = []

    def _timing(self) -> dict[str, Any]:
        clock = self.time.clock
        return {"clock": clock.wall, "monotonic": clock.monotonic, "sleep": anyio.sleep}

    def agora(self, plan: Any = "unlimited", *, latency: tuple[float, float] = (0, 0), **options: Any) -> AgoraProvider:
        server = SimulatedAgora(self.world, plan=plan, **{**self._timing(), **options})
        provider = AgoraProvider(**dict[str, Any](server.credentials), **self._plumbing(server, plan, latency))
        _take_plan(provider, plan)
        return provider

    def tencent(
        self, plan: Any = "unlimited", *, latency: tuple[float, float] = (0, 0), **options: Any
    ) -> TencentProvider:
        server = SimulatedTencent(self.world, plan=plan, **{**self._timing(), **options})
        provider = TencentProvider(**server.credentials, region="ap-singapore", **self._plumbing(server, plan, latency))
        _take_plan(provider, plan)
        return provider

    def _plumbing(self, server: SimulatedVendor, plan: Any, latency: tuple[float, float]) -> dict[str, Any]:
        dice = random.Random(len(self.transports))
        transport = InProcess(server, there=lambda: dice.uniform(*latency) / 2, back=lambda: dice.uniform(*latency) / 2)
        self.transports.append(transport)
        name = plan if isinstance(plan, str) else "unlimited"
        quota = Quota(f"in process {id(transport)}", store=":memory:", clock=self.time.clock, plan=name)
        return {"plan": name, "quota": quota, "transport": transport}

    @property
    def servers(self) -> list[SimulatedVendor]:
        """The servers, in the order in which the providers were made."""
        return [transport.server for transport in self.transports]


def _take_plan(provider: Provider, plan: Any) -> None:
    if not isinstance(plan, str):
        provider._plan = plan  # a plan of the test's own; providers take plans by name


async def read(*providers: Provider, over: Any, **options: Any) -> tuple[list[CallRecord], Report]:
    """Every record of a scan, and its report, in which failures stay."""
    records: Records = scan(*providers, over=over, **{"on_error": "report", **options})
    async with records:
        found = [record async for record in records]
    return found, records.report


def exact(records: Sequence[CallRecord]) -> Found:
    """Calls, their sessions, their series, their points; a value that is not a number is None."""
    calls: Found = {}
    for record in records:
        sessions = calls.setdefault(record.call.call_id, {})
        for session in record.sessions:
            assert session.session_id not in sessions, "a session came twice"
            sessions[session.session_id] = {}
        for series in record.series:
            place = (series.vendor_metric, series.peer_id)
            assert place not in sessions[series.session_id], "a series came twice"
            values = [None if value != value else round(value, 9) for value in series.values]
            sessions[series.session_id][place] = list(zip(series.times, values, strict=True))
    return calls


def truth_of(
    world: World,
    vendor: Any,
    over: TimeRange,
    *,
    depth: str = "metrics",
    users: Sequence[str] | None = None,
    channel: str | None = None,
    call_ids: Sequence[str] | None = None,
) -> Found:
    """What a faultless reader finds, in the shape of `exact`, from the world itself."""
    start, end = over.start, over.end
    calls: Found = {}
    for call in world.calls(vendor):
        if not call.overlaps(start, end) or (channel is not None and call.channel != channel):
            continue
        if call_ids is not None and call.call_id not in call_ids:
            continue
        stays = [
            stay
            for stay in world.sessions(call)
            if stay.overlaps(start, end) and (users is None or stay.user_id in users)
        ]
        if users is not None and not stays:
            continue
        sessions = calls[call.call_id] = {}
        for stay in stays if depth != "calls" else ():
            sessions[stay.session_id] = found = {}
            for series in world.series(stay) if depth == "metrics" else ():
                points = [
                    (instant, None if value is None else round(value / series.metric.factor, 9))
                    for instant, value in world.points(stay, series, start, end)
                ]
                if points:
                    found[series.metric.name, series.peer_id] = points
    return calls
