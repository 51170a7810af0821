"""The vendor's side of a contract: answers handed over without a network, or on loopback, and counted by its limits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate

import anyio
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from anyio.from_thread import start_blocking_portal

from agora_tencent_analytics.http.timeouts import Timeouts
from agora_tencent_analytics.limits import Rate
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.quota.clock import Clock

Answer = Callable[[Request, float], Response]
"""What the vendor says to a request that arrives at this moment, epoch seconds."""
_WAY_S = 0.02


class InProcess:
    """A `Transport` into a function; time passes on the way.

    Args:
        answer: what the vendor says.
        clock: tells the time.
    """

    def __init__(self, answer: Answer, clock: Clock) -> None:
        self.sent: list[Request] = []
        self.refused: int = 0
        self.clock: Clock = clock
        self.rates: Mapping[str, tuple[str, tuple[Rate, ...]]] = {}
        """By the name of an endpoint, its counter and what that is allowed: what is too many is refused."""
        self._answer = answer
        self._arrivals: dict[str, list[float]] = {}
        self._busy = Counter[str]()

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        """See `Transport.send`."""
        self.sent.append(request)
        # Ways differ, so that requests arrive in another order than they were sent.
        await anyio.sleep(_WAY_S * (1 + len(self.sent) % 3))
        counter, rates = self.rates.get(request.endpoint, ("", ()))
        self._busy[counter] += 1
        try:
            response = self._limited(counter, rates) or self._answer(request, self.clock.wall())
            await anyio.sleep(_WAY_S)
        finally:
            self._busy[counter] -= 1
        answered()
        headers = {name.lower(): value for name, value in response.headers.items()}  # as every transport does
        return Response(status=response.status, headers=headers, body=response.body)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _limited(self, counter: str, rates: Iterable[Rate]) -> Response | None:
        """A refusal, if this one is too many in a fixed window or in a sliding one, on its day, or at once."""
        now, arrivals = self.clock.wall(), self._arrivals.setdefault(counter, [])
        arrivals.append(now)
        if any((_most(arrivals, rate, now) if rate.period_s else self._busy[counter]) > rate.limit for rate in rates):
            self.refused += 1
            return Response(status=429, headers={}, body=b"{}")
        return None


def _most(arrivals: Iterable[float], rate: Rate, now: float) -> int:
    """So many arrived in the present window, fixed or sliding."""
    fixed = sum(at // rate.period_s == now // rate.period_s for at in arrivals)
    return fixed if rate.is_daily else max(fixed, sum(at > now - rate.period_s for at in arrivals))


def shifted(now: float) -> Clock:
    """The clocks of this machine, of which that on the wall shows `now` at this moment, epoch seconds."""
    ahead = now - time.time()
    return Clock(wall=lambda: time.time() + ahead)


@contextmanager
def on_loopback(answer: Answer, clock: Clock | None = None) -> Iterator[str]:
    """A server on a free port of this machine, in a thread of its own; gives its base URL.

    Args:
        answer: what it says to each request.
        clock: tells it the time; None: this machine's.
    """
    told = clock or Clock()

    async def handle(request: web.BaseRequest) -> web.Response:
        body, headers = await request.read(), dict(request.headers)
        said = answer(Request(method=request.method, url=str(request.url), headers=headers, body=body), told.wall())
        date = formatdate(told.wall(), usegmt=True)
        return web.Response(status=said.status, headers={"Date": date, **said.headers}, body=said.body)

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(RawTestServer(handle)) as server:
        yield str(server.make_url("")).rstrip("/")
