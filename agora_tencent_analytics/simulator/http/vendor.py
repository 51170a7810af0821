"""What both simulated vendors have in common: the life of a request.

A request is judged in the order a real gateway judges it: does the endpoint exist, who asks,
are there requests left, and only then what is asked. The network is a thin layer: `answer` does the same without a
socket, so that tests in virtual time and tests over real connections see one vendor.
"""

from __future__ import annotations

import asyncio
import math
import time
import warnings
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import attrs
from anyio.from_thread import start_blocking_portal

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import Limits, Plan, Rate, find_plan
from agora_tencent_analytics.simulator.faults.answer import spoil
from agora_tencent_analytics.simulator.faults.book import Ending, Fault, Faults, Strike
from agora_tencent_analytics.simulator.faults.connection import Delay
from agora_tencent_analytics.simulator.http.counting import Counting, Gate
from agora_tencent_analytics.simulator.http.exchange import Arrival, Ask, Refused, Reply, read_ask
from agora_tencent_analytics.simulator.http.server import Loopback
from agora_tencent_analytics.simulator.http.telling import AnswerSlips
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.world import World

_LONGEST_TICK_MS = 50
"""Clocks advance in steps: of 16 ms on some machines."""


class SimulatedVendor(ABC):
    """One simulated vendor; an asynchronous context in which it listens on `base_url`.

    Args:
        world: what it reports on.
        plan: name of a plan, or a plan of one's own.
        count: how requests are counted: `"fixed"`, `"sliding"` or `"bucket"`.
        count_refused: True if a request refused for its rate takes a place in the counters too.
        clock: epoch seconds, before the skew; None: `time.time` as it is now, frozen if a test has frozen it.
        monotonic: seconds of a clock that never jumps.
        skew_s: how many seconds the vendor's clock is ahead of `clock`.
        faults: what goes wrong from the start.
        seed: decides what the faults leave to chance.
        log_bound: the most arrivals to keep; None for all.
        host: address to listen on.
        port: port to listen on, 0 for any that is free.
        sleep: waits; for delays and stalls.
    """

    vendor: ClassVar[Vendor]
    """Whose interface it speaks."""

    _variables: ClassVar[Mapping[str, Any]]
    """The environment variables that its provider reads, by argument."""
    _credentials: dict[str, Any]
    _not_paid: tuple[int | str, str]
    """Code and message for what the plan does not include."""

    def __init__(
        self,
        world: World,
        *,
        plan: str | Plan,
        count: Counting = "fixed",
        count_refused: bool = False,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        skew_s: float = 0.0,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        log_bound: int | None = 100_000,
        host: str = "127.0.0.1",
        port: int = 0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.world = world
        self.plan: Plan = plan if isinstance(plan, Plan) else find_plan(self._plans(), plan, vendor=self.vendor)
        self.skew_s = skew_s
        self.arrivals: deque[Arrival] = deque(maxlen=log_bound)
        """The requests that arrived, oldest first; with `log_bound` the newest of them."""
        self.by_endpoint: Counter[str] = Counter()
        """How many requests arrived, by path or action."""
        self.refused: int = 0
        """How many of them exceeded a limit on requests."""
        self.peak_in_flight: int = 0
        """The most requests that were being answered at one time."""
        self._faults = Faults(faults, seed)
        self._slips = AnswerSlips(world, self.vendor) if world.impolite else None
        self._gates: dict[str, Gate] = {}
        self._count_refused = count_refused
        self._gate = partial(Gate, how=count, count_refused=count_refused)
        self._gate(())  # a wrong `count` is an error now and not at the first request
        self._clock = time.time if clock is None else clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._in_flight = 0
        self._crashes = 0
        self._down_until = -math.inf
        self._loopback = Loopback(self._exchange, host, port, self._wait)

    @property
    def base_url(self) -> str:
        """Where it listens.

        Raises:
            RuntimeError: it does not.
        """
        return self._loopback.url

    @property
    def credentials(self) -> Mapping[str, Any]:
        """The keywords that the vendor's provider needs, credentials and application."""
        return {**self._credentials}

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which `from_env` finds this server: `from_env(server.environ)`, or set each of them.

        A warning tells that a provider would find nothing, because the plan shows no second of the world now.

        Raises:
            RuntimeError: it does not listen.
        """
        now, start, end = self.now(), self.world.start, self.world.end
        shown_s = max((limits.history_s for limits in self.plan.rows.values()), default=math.inf)
        if not start < now < end + shown_s:
            warnings.warn(
                f"the world lies {'after' if start >= now else 'before'} all that {self.vendor}'s plan "
                f"{self.plan.name!r} shows now: nothing will be found; was it made before the clock was set?",
                stacklevel=3,
            )
        given = {**self.credentials, "plan": self.plan.name, "base_url": self.base_url}
        return {self._variables[name].name: str(value) for name, value in given.items()}

    def now(self) -> float:
        """The vendor's clock, epoch seconds."""
        return self._clock() + self.skew_s

    def inject(self, *faults: Fault) -> None:
        """Lets more go wrong from now on.

        Args:
            faults: what goes wrong.
        """
        self._faults.inject(*faults)

    def heal(self) -> None:
        """Lets nothing go wrong any more."""
        self._faults.heal()

    async def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """One request answered without a network: status, headers and body, not yet decoded.

        Where a fault has it so, the body is longer or shorter than its `Content-Length` says.

        Args:
            method: HTTP method.
            url: the whole address or its path and query, quoted as it would be sent.
            headers: as they would be sent.
            body: the exact bytes.

        Raises:
            ConnectionRefusedError: a fault took the server down; nothing arrived.
            ConnectionResetError: a fault reset the connection, or took the server down meanwhile.
        """
        if self._monotonic() < self._down_until:
            raise ConnectionRefusedError("the simulated vendor is down")
        crashes = self._crashes
        reply = await self._exchange(read_ask(method, url, headers, body))
        await self._wait(reply.stall_head_s)
        if reply.status:
            await self._wait(sum(pause for pause, _ in reply.pieces()))
        if reply.down_s:
            self._crashes += 1
            self._down_until = self._monotonic() + reply.down_s
        if not reply.status or crashes != self._crashes:
            raise ConnectionResetError("the simulated vendor reset the connection")
        length = {"Content-Length": str(reply.stated_length)}
        return reply.status, {**reply.headers, **length}, reply.body[: reply.cut_at]

    async def __aenter__(self) -> Self:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            said = "there is no event loop of asyncio here: under trio a simulated vendor runs in a thread of its own"
            raise BadInput(f"{said} (running_in_thread)") from None
        self._warn_if_frozen(loop)
        await self._loopback.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._loopback.close()

    @abstractmethod
    def _plans(self) -> Mapping[str, Plan]:
        """The vendor's plans by name."""

    @abstractmethod
    def _read(self, ask: Ask) -> tuple[str, Mapping[str, Any]]:
        """Name of the endpoint and what is asked of it; never fails."""

    @abstractmethod
    def _admit(self, ask: Ask, endpoint: str) -> Sequence[Rate]:
        """The rates of an endpoint, once it exists and the credentials are believed. Raises `Refused`."""

    def _limits(self, row: str) -> Limits:
        """What the plan allows on a row of the limits table. Raises `Refused`."""
        limits = self.plan.rows.get(row)
        if limits is None:
            raise Refused(*self._not_paid)
        return limits

    @abstractmethod
    def _throttled(self, rate: Rate, endpoint: str) -> Refused:
        """How the vendor says that a rate of an endpoint is used up."""

    @abstractmethod
    def _respond(self, ask: Ask, endpoint: str, strikes: Sequence[Strike]) -> bytes:
        """The body of the answer. Raises `Refused`."""

    @abstractmethod
    def _envelope(self, refused: Refused) -> bytes:
        """The body of a refusal."""

    def _warn_if_frozen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Says so if a clock stands still by which somebody would wait, as under libraries that freeze every clock."""
        waited_by = [loop.time]
        if any(limits.rates for limits in self.plan.rows.values()):
            waited_by.append(time.time)  # a client's slots rest by it
        before = [clock() for clock in waited_by]
        for _ in range(_LONGEST_TICK_MS):
            time.sleep(0.001)  # not the loop's sleep, which may not come back
            if all(clock() > then for clock, then in zip(waited_by, before, strict=True)):
                return
        warnings.warn(
            "time is frozen in this process, so whatever waits (for a slot, a pause, a timeout) waits forever; let it "
            "tick from another date on, with freezegun by freeze_time(..., tick=True, real_asyncio=True)",
            stacklevel=3,
        )

    async def _exchange(self, ask: Ask) -> Reply:
        endpoint, facts = self._read(ask)
        arrival = Arrival(endpoint=endpoint, at=self.now(), monotonic=self._monotonic(), facts=facts)
        strikes = self._faults.strike(arrival)
        arrival.faults = tuple(type(strike.fault).__name__ for strike in strikes)
        if self._slips is not None:
            strikes = (*strikes, *self._slips.strike(arrival, self._serial()))
        self._in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self._in_flight)
        try:
            delays = [strike.fault for strike in strikes if isinstance(strike.fault, Delay)]
            await self._wait(sum(self._faults.seconds(delay.before) for delay in delays))
            arrival.at, arrival.monotonic = self.now(), self._monotonic()
            self.arrivals.append(arrival)
            self.by_endpoint[arrival.endpoint] += 1
            reply = self._judge(ask, arrival, strikes)
            arrival.status, arrival.code = reply.status, reply.code
            await self._wait(sum(self._faults.seconds(delay.after) for delay in delays))
            return reply
        finally:
            self._in_flight -= 1

    def _judge(self, ask: Ask, arrival: Arrival, strikes: Sequence[Strike]) -> Reply:
        faults = [strike.fault for strike in strikes]
        try:
            self._strike_out(ask, faults, counted=False)
            self._let_pass(arrival, self._admit(ask, arrival.endpoint))
            self._strike_out(ask, faults, counted=True)
            body = self._respond(ask, arrival.endpoint, strikes)
            reply = Reply(body=body, code="200" if self.vendor == "agora" else "")
        except Refused as refused:
            body = self._envelope(refused) if refused.body is None else refused.body
            reply = Reply(status=refused.status, body=body, code=str(refused.code))
            strikes = [strike for strike in strikes if strike.befalls_all or strike.fault is refused.fault]
        except _Struck as struck:
            fault, reply = struck.args
            reply = attrs.evolve(reply, headers={"Content-Type": "text/html", **reply.headers})
            strikes = [strike for strike in strikes if strike.befalls_all or strike.fault is fault]
        arrival.slips = tuple(dict.fromkeys(strike.slip for strike in strikes if strike.slip))
        headers = {"Date": formatdate(self.now(), usegmt=True), "Content-Type": "application/json", **reply.headers}
        reply = attrs.evolve(reply, headers=headers)
        return spoil(reply, [strike.fault for strike in strikes], now=self.now())

    def _let_pass(self, arrival: Arrival, rates: Sequence[Rate]) -> None:
        gate = self._gates.get(arrival.endpoint) or self._gates.setdefault(arrival.endpoint, self._gate(rates))
        spent = gate.admit(arrival.at, arrival.monotonic)
        arrival.counted = spent is None or self._count_refused
        if spent is not None:
            arrival.refused = True
            self.refused += 1
            raise self._throttled(spent, arrival.endpoint)

    def _strike_out(self, ask: Ask, faults: Sequence[Fault], *, counted: bool) -> None:
        for fault in faults:
            if isinstance(fault, Ending) and fault.counted is counted:
                raise _Struck(fault, fault.reply(ask))

    def _serial(self) -> int:
        """How many requests have arrived."""
        return self.by_endpoint.total()

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)


class _Struck(Exception):
    """A fault that ends a request, and what is sent instead of the answer."""


Server = TypeVar("Server", bound=SimulatedVendor)


@contextmanager
def running_in_thread(server: Server) -> Iterator[Server]:
    """Serves in a thread with a loop of its own until the block is left.

    Args:
        server: a simulated vendor.

    Raises:
        OSError: the port cannot be listened on.
    """
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(server):
        yield server
