"""Transports without sockets: into a simulated vendor, and along a script.

Both obey `Transport`, count what they were handed, and let virtual time pass on the way.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

import anyio

from agora_tencent_analytics import (
    AgoraProvider,
    Quota,
    Request,
    Response,
    TencentProvider,
    Timeouts,
    TransportError,
    UnreadableReply,
)
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor, World
from tests.support.virtual_time import EPOCH, VirtualClock

__all__ = ["InProcess", "Script", "Stage", "json_response"]

AGORA_URL = "https://agora.test"
TENCENT_URL = "https://trtc.test"


class InProcess:
    """Hands requests to a simulated vendor, with a delay on the way there and on the way back.

    Args:
        server: who answers.
        up_s: seconds on the way there.
        down_s: seconds on the way back.
        most_body_bytes: the largest body that is taken, after decompression.
    """

    def __init__(
        self, server: SimulatedVendor, *, up_s: float = 0.01, down_s: float = 0.01, most_body_bytes: int = 2**28
    ) -> None:
        self.server = server
        self.sent: list[Request] = []
        self.closed = 0
        self._up_s, self._down_s = up_s, down_s
        self._most_body_bytes = most_body_bytes

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        self.sent.append(request)
        await anyio.sleep(self._up_s)
        try:
            with anyio.fail_after(timeouts.total_s):
                status, headers, body = await self.server.answer(
                    request.method, request.url, request.headers, request.body
                )
        except (ConnectionError, TimeoutError) as error:
            failure = self._failure(request, error)
        else:
            await anyio.sleep(self._down_s)
            answered()
            lower = {name.lower(): value for name, value in headers.items()}
            length = int(lower["content-length"])
            if len(body) >= length:
                return Response(status=status, headers=lower, body=self._decoded(request, status, lower, body[:length]))
            failure = self._failure(request, EOFError("cut"))
        raise failure

    def _failure(self, request: Request, error: Exception) -> TransportError:
        refused, timed_out = isinstance(error, ConnectionRefusedError), isinstance(error, TimeoutError)
        return TransportError(
            str(error),
            endpoint=request.endpoint,
            phase="connect" if refused else "total" if timed_out else "read",
            timed_out=timed_out,
            left=not refused,
        )

    def _decoded(self, request: Request, status: int, headers: dict[str, str], body: bytes) -> bytes:
        coding = headers.get("content-encoding", "identity")
        if coding in ("gzip", "x-gzip"):
            try:
                body = zlib.decompressobj(wbits=31).decompress(body, self._most_body_bytes + 1)
            except zlib.error as error:
                raise self._failure(request, error) from None
        elif coding == "br":
            raise self._failure(request, ValueError("no Brotli here"))
        if len(body) > self._most_body_bytes:
            raise UnreadableReply("too large", endpoint=request.endpoint, status=status)
        return body

    async def aclose(self) -> None:
        self.closed += 1


class Script:
    """Answers along a list: responses are returned, exceptions raised, the last one for ever.

    Args:
        clock: dates the answers.
        steps: what to do.
        delay_s: seconds before the headers of each answer.
        body_s: seconds from the headers to the end of the body.
        skew_s: seconds that the vendor's clock is ahead.
    """

    def __init__(
        self,
        clock: VirtualClock,
        steps: Iterable[Response | Exception],
        *,
        delay_s: float = 0.05,
        body_s: float = 0.0,
        skew_s: float = 0.0,
    ) -> None:
        self.sent: list[Request] = []
        self.sent_at: list[float] = []
        self.timeouts: list[Timeouts] = []
        self.closed = 0
        self._clock = clock
        self._steps = list(steps)
        self._delay_s, self._body_s, self._skew_s = delay_s, body_s, skew_s

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        step = self._steps[min(len(self.sent), len(self._steps) - 1)]
        self.sent.append(request)
        self.sent_at.append(self._clock.clock.monotonic())
        self.timeouts.append(timeouts)
        await anyio.sleep(self._delay_s)
        if isinstance(step, Exception):
            raise step
        date = formatdate(self._clock.clock.wall() + self._skew_s, usegmt=True)
        answered()
        await anyio.sleep(self._body_s)
        return Response(status=step.status, headers={"date": date, **step.headers}, body=step.body)

    async def aclose(self) -> None:
        self.closed += 1


def json_response(body: bytes | str, *, status: int = 200, **headers: str) -> Response:
    """An answer; header names with underscores for hyphens."""
    spelt = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=spelt, body=body.encode() if isinstance(body, str) else body)


class Stage:
    """A world, a virtual clock, a simulated vendor, and as many providers on it as a test wants.

    Args:
        vendor: `"agora"` or `"tencent"`.
        world: what happened; it should end a little before the clock's start.
        plan: the plan of both sides.
        client_skew_s: seconds that this machine's wall clock is ahead of the vendor's.
        server: further options of the simulated vendor.
    """

    def __init__(
        self, vendor: str, world: World, *, plan: str = "unlimited", client_skew_s: float = 0.0, **server: Any
    ) -> None:
        self.vendor, self.world, self.plan = vendor, world, plan
        self.clock = VirtualClock(EPOCH + client_skew_s)
        clocks = {"clock": self.clock.clock.wall, "monotonic": self.clock.clock.monotonic}
        made = SimulatedAgora if vendor == "agora" else SimulatedTencent
        self.server: SimulatedVendor = made(
            world, plan=plan, skew_s=-client_skew_s, **{**clocks, "sleep": anyio.sleep, **server}
        )
        self.transports: list[InProcess] = []

    def provider(self, *, most_body_bytes: int = 2**28, **options: Any) -> Any:
        """A fresh provider with a quota of its own."""
        transport = InProcess(self.server, most_body_bytes=most_body_bytes)
        self.transports.append(transport)
        quota = Quota("test", store=":memory:", clock=self.clock.clock, plan=self.plan, cold_start=False)
        given: dict[str, Any] = {
            **self.server.credentials,
            "plan": self.plan,
            "quota": quota,
            "transport": transport,
            **options,
        }
        if self.vendor == "agora":
            given.setdefault("base_url", AGORA_URL)
            return AgoraProvider(**given)
        given.setdefault("base_url", TENCENT_URL)
        given.setdefault("region", "ap-singapore")
        return TencentProvider(**given)

    @property
    def asked(self) -> int:
        """How many requests arrived."""
        return len(self.server.arrivals)
