"""Transports without sockets: into a simulated vendor, and along a script.

Both obey `Transport`, count what they were handed, and let virtual time pass on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

import anyio

from agora_tencent_analytics import AgoraProvider, Quota, Request, Response, TencentProvider, Timeouts, TransportError
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, SimulatedVendor, World
from tests.virtual_time import EPOCH, VirtualClock

__all__ = ["InProcess", "Script", "Stage", "json_response"]

AGORA_URL = "https://agora.test"
TENCENT_URL = "https://trtc.test"


class InProcess:
    """Hands requests to a simulated vendor, with a delay on the way there and on the way back.

    Args:
        server: who answers.
        up_s: seconds on the way there.
        down_s: seconds on the way back.
    """

    def __init__(self, server: SimulatedVendor, *, up_s: float = 0.01, down_s: float = 0.01) -> None:
        self.server = server
        self.sent: list[Request] = []
        self.closed = 0
        self._up_s, self._down_s = up_s, down_s

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        self.sent.append(request)
        await anyio.sleep(self._up_s)
        try:
            with anyio.fail_after(timeouts.total_s):
                status, headers, body = await self.server.answer(
                    request.method, request.url, request.headers, request.body
                )
        except (ConnectionResetError, TimeoutError) as error:
            failure = TransportError(
                str(error), endpoint=request.endpoint, phase="read", timed_out=isinstance(error, TimeoutError)
            )
        else:
            await anyio.sleep(self._down_s)
            answered()
            length = int(headers["Content-Length"])
            if len(body) == length:
                lower = {name.lower(): value for name, value in headers.items()}
                return Response(status=status, headers=lower, body=body)
            failure = TransportError("cut", endpoint=request.endpoint, phase="read", timed_out=False)
        raise failure

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

    def provider(self, **options: Any) -> Any:
        """A fresh provider with a quota of its own."""
        transport = InProcess(self.server)
        self.transports.append(transport)
        quota = Quota("test", store=":memory:", clock=self.clock.clock, plan=self.plan, cold_start=False)
        given = {
            **self.server.credentials,
            "plan": self.plan,
            "quota": quota,
            "transport": transport,
            **options,
        }
        if self.vendor == "agora":
            return AgoraProvider(**{"base_url": AGORA_URL, **given})
        return TencentProvider(**{"base_url": TENCENT_URL, "region": "ap-singapore", **given})

    @property
    def asked(self) -> int:
        """How many requests arrived."""
        return len(self.server.arrivals)
