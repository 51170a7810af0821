"""One timer for all attempts on the connections of a session: each is ended by its own limits, and by no other's."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from agora_tencent_analytics import Request, Timeouts, TransportError
from agora_tencent_analytics.http.transport import AiohttpTransport
from agora_tencent_analytics.http.watch import WatchedConnector
from tests.support.scripted_server import Line, answer, serving


class _Slow(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        await asyncio.sleep(1.0)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def drops(line: Line, request: bytes) -> None:
    """An answer in sixteen drops, a tenth of a second between two of them; silence where that is asked for."""
    if b"/silence" in request:
        return
    await line.say(answer(length=16, body=b""))
    for _ in range(16):
        await asyncio.sleep(0.1)
        await line.say(b"1")


async def send(transport: AiohttpTransport, url: str, **limits: float) -> str:
    """What became of it, and whether the loop was left without a cancellation."""
    try:
        answered = await transport.send(
            Request(method="GET", url=url, endpoint="calls"), timeouts=Timeouts(**limits), answered=lambda: None
        )
    except TransportError as error:
        task = asyncio.current_task()
        assert task is not None
        assert 0 == task.cancelling()
        return f"{error.phase} {error.timed_out}"
    return answered.body.decode()


def test_each_attempt_is_ended_by_its_own_limits() -> None:
    async def scenario() -> tuple[str, ...]:
        transport = AiohttpTransport()
        async with serving(drops) as server:
            found = await asyncio.gather(
                send(transport, server.url + "/silence", read_s=5, total_s=0.5),
                send(transport, server.url + "/silence", read_s=0.3, total_s=5),
                send(transport, server.url + "/drops", read_s=1.2, total_s=9),
                send(transport, server.url + "/drops", read_s=5, total_s=0.4),
                send(transport, server.url + "/drops", read_s=9, total_s=9),
            )
            await transport.aclose()
        return found

    assert ("total True", "read True", "1" * 16, "total True", "1" * 16) == tuple(asyncio.run(scenario()))


def test_who_makes_a_connection_waits_for_no_answer_yet() -> None:
    async def scenario() -> tuple[str, ...]:
        transport = AiohttpTransport()
        transport._connector = partial(WatchedConnector, resolver=_Slow())  # type: ignore[assignment]
        async with serving(drops) as server:
            there = server.url.replace("127.0.0.1", "vendor.test")
            found = await asyncio.gather(
                send(transport, there + "/drops", read_s=0.8, total_s=9),
                send(transport, there + "/silence", read_s=0.8, total_s=9),
                send(transport, there + "/silence", read_s=5, total_s=0.2),
            )
            await transport.aclose()
        return found

    assert ("1" * 16, "read True", "total True") == tuple(asyncio.run(scenario()))


def test_what_came_while_the_loop_stood_still_is_no_silence() -> None:
    async def answers_and_stalls(line: Line, _: bytes) -> None:
        await line.say(answer(b"here"))
        time.sleep(0.6)  # noqa: ASYNC251  # to stand still is the point

    async def scenario() -> str:
        transport = AiohttpTransport()
        async with serving(answers_and_stalls) as server:
            found = await send(transport, server.url + "/x", read_s=0.3, total_s=9)
            await transport.aclose()
        return found

    assert "here" == asyncio.run(scenario())


def test_a_cancellation_from_outside_stays_one() -> None:
    async def scenario() -> bool:
        transport = AiohttpTransport()
        async with serving(drops) as server:
            sending = asyncio.create_task(send(transport, server.url + "/silence", read_s=0.3, total_s=5))
            asyncio.get_running_loop().call_later(0.1, sending.cancel)
            await asyncio.wait([sending])
            await transport.aclose()
        return sending.cancelled()

    assert asyncio.run(scenario())


def test_a_task_that_ended_with_an_error_is_freed_without_the_collector() -> None:
    async def scenario() -> object:
        transport = AiohttpTransport()
        async with serving(drops) as server:
            request = Request(method="GET", url=server.url + "/silence", endpoint="calls")
            sending = asyncio.create_task(
                transport.send(request, timeouts=Timeouts(total_s=0.2), answered=lambda: None)
            )
            await asyncio.wait([sending])
            assert isinstance(sending.exception(), TransportError)
            kept = weakref.ref(sending)
            del sending
            await asyncio.sleep(0.05)
            await transport.aclose()
        return kept()

    gc.disable()
    try:
        assert asyncio.run(scenario()) is None
    finally:
        gc.enable()


def test_a_closed_transport_leaves_no_timer_behind() -> None:
    async def scenario() -> list[str]:
        transport, loop = AiohttpTransport(), asyncio.get_running_loop()
        async with serving(drops) as server:
            await send(transport, server.url + "/drops", read_s=60, total_s=90)
            await transport.aclose()
        return [str(timer) for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    assert [] == asyncio.run(scenario())
