"""The transport over real loopback connections: one send is one arrival, and every failure is ours."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import pickle
import random
import socket
import traceback
import tracemalloc
import warnings
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from agora_tencent_analytics import (
    AnalyticsError,
    BadInput,
    ProviderClosed,
    Quota,
    Rate,
    Request,
    Response,
    Retry,
    Timeouts,
    TransportError,
    UnreadableReply,
)
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.http.client import Caller
from agora_tencent_analytics.http.hosts import Hosts
from agora_tencent_analytics.http.transport import USER_AGENT, AiohttpTransport
from agora_tencent_analytics.limits import DAY, Limits
from agora_tencent_analytics.timerange import TimeRange
from tests.support.in_turn import in_turn
from tests.support.scripted_server import Line, Scripted, answer, serving

T = TypeVar("T")
SECRET = "s3cr3t-that-must-not-show"
BASIC = AgoraCredentials(customer_id="id", customer_secret=SECRET).basic.reveal()
QUICK = Timeouts(connect_s=0.3, read_s=0.3, total_s=5)
Handler = Callable[["Line"], Awaitable[None]]


def get(url: str, **headers: str) -> Request:
    return Request(method="GET", url=url, headers={"Authorization": BASIC, **headers}, endpoint="call/lists")


class Send:
    """A transport, its sends, and how often the headers of an answer were announced."""

    def __init__(self, session: aiohttp.ClientSession | None = None, **options: Any) -> None:
        self.transport = AiohttpTransport(session, **options)
        self.announced = 0
        self.headers_in = asyncio.Event()

    def _answered(self) -> None:
        self.announced += 1
        self.headers_in.set()

    async def __call__(self, request: Request, timeouts: Timeouts = QUICK) -> Response:
        return await self.transport.send(request, timeouts=timeouts, answered=self._answered)

    async def fails(self, request: Request, timeouts: Timeouts = QUICK) -> TransportError:
        with pytest.raises(TransportError) as caught:
            await self(request, timeouts)
        return caught.value


def over(
    script: Callable[[Line, bytes], Awaitable[None]], use: Callable[[Scripted, Send], Coroutine[Any, Any, T]]
) -> T:
    """Runs `use` against a scripted server with a transport of its own; nothing may stay open."""

    async def scenario() -> T:
        async with serving(script) as server:
            send = Send()
            try:
                return await use(server, send)
            finally:
                await send.transport.aclose()

    result = asyncio.run(scenario())
    gc.collect()
    return result


def failing(script: Callable[[Line, bytes], Awaitable[None]], timeouts: Timeouts = QUICK) -> tuple[TransportError, int]:
    async def use(server: Scripted, send: Send) -> tuple[TransportError, int]:
        error = await send.fails(get(server.url + "/x"), timeouts)
        return error, len(server.requests)

    return over(script, use)


async def good(line: Line, request: bytes) -> None:
    await line.say(answer())


async def reset(line: Line, request: bytes) -> None:
    line.reset()


async def hang_up(line: Line, request: bytes) -> None:
    line.writer.close()


async def silence(line: Line, request: bytes) -> None:
    await asyncio.sleep(30)


async def only_first(line: Line, request: bytes) -> None:
    if line.number > 1:
        line.reset()
    else:
        await line.say(answer(b'{"code":200,"call_lists":[]}'))


# --- one send is one arrival ------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", [reset, hang_up])
def test_a_broken_fresh_connection_is_not_tried_again(breaks: Any) -> None:
    error, arrivals = failing(breaks)
    assert (1, "read", False) == (arrivals, error.phase, error.timed_out)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_broken_kept_alive_connection_is_not_tried_again(method: str) -> None:
    async def use(server: Scripted, send: Send) -> tuple[int, int]:
        request = Request(method=method, url=server.url + "/x", body=b"{}" if method == "POST" else b"", endpoint="e")
        await send(request)
        await send.fails(request)
        return len(server.requests), server.connections

    assert (2, 1) == over(only_first, use), "two arrivals for two sends, both on one connection"


def test_a_session_of_the_callers_does_not_try_again_either() -> None:
    async def use(server: Scripted, send: Send) -> tuple[int, bool]:
        async with aiohttp.ClientSession() as session:
            brought = Send(session)
            await brought(get(server.url + "/x"))
            await brought.fails(get(server.url + "/x"))
            await brought.transport.aclose()
            await brought.transport.aclose()
            return len(server.requests), session.closed

    assert (2, False) == over(only_first, use)


def test_slots_spent_are_arrivals_seen() -> None:
    rates = (Rate(1_000, DAY),)

    async def use(server: Scripted, send: Send) -> tuple[int, int]:
        async def keys() -> AgoraCredentials:
            return AgoraCredentials(customer_id="id", customer_secret=SECRET)

        quota = Quota("a", store=":memory:", cold_start=False)
        caller = Caller(
            vendor=AgoraVendor(),
            hosts=Hosts([server.url]),
            app_id="app",
            credentials=keys,
            quota=quota,
            transport=send.transport,
            retry=Retry(attempts=3, first_s=0.01),
            timeouts=QUICK,
        )
        limits = Limits(rates=rates, history_s=DAY, span_s=DAY, page_size=100)
        for _ in range(3):  # a fresh connection, then twice a kept one that breaks and a fresh one
            await caller.ask(CALL_LISTS_2024, limits, TimeRange(1, 2), {}, page=1, size=1)
        return len(server.requests), (await quota.state("call/lists", rates)).used_today

    assert (5, 5) == over(only_first, use)


def test_redirects_are_not_followed() -> None:
    async def elsewhere(line: Line, request: bytes) -> None:
        await line.say(answer(status="302 Found", headers="Location: /other\r\n"))

    async def use(server: Scripted, send: Send) -> tuple[int, int]:
        return (await send(get(server.url + "/x"))).status, len(server.requests)

    assert (302, 1) == over(elsewhere, use)


# --- what is on the wire ----------------------------------------------------------------------------------


def head_of(request: Request) -> bytes:
    async def use(server: Scripted, send: Send) -> bytes:
        at = Request(
            method=request.method,
            url=server.url + request.url,
            headers=request.headers,
            body=request.body,
            endpoint="e",
        )
        await send(at)
        return server.requests[0]

    return over(good, use)


@pytest.mark.parametrize(
    "query",
    [
        "a=%2F%2A%27%2B%20",
        "a=%2f%2a",
        "a=x+y&b=%2C&c=%3A%3B%40",
        "a=%25%7E~-_.",
        "a=%22d%22%2C%22e%22",
        "a=%E6%88%BF",
        "a=&&b",
        "a=(1)*'!'",
    ],
)
def test_the_url_is_sent_as_it_is_spelt(query: str) -> None:
    line = head_of(get(f"/beta/call?{query}")).split(b"\r\n")[0]
    assert f"GET /beta/call?{query} HTTP/1.1".encode() == line


@pytest.mark.parametrize("body", [b'{"a": 1}', b'{"a":"\xe6\x88\xbf"}', bytes(range(256)), b"x" * 200_000])
def test_the_body_is_sent_as_it_was_signed(body: bytes) -> None:
    sent = head_of(Request(method="POST", url="/", headers={"Content-Type": "application/json"}, body=body))
    head, _, told = sent.partition(b"\r\n\r\n")
    assert body == told
    assert [b"content-type: application/json"] == [
        one for one in head.lower().split(b"\r\n") if one.startswith(b"content-type")
    ]


def test_headers_are_the_requests_own_beside_the_user_agent() -> None:
    sent = head_of(get("/x", Accept="application/json")).split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = {line.split(b":")[0].lower(): line.split(b": ", 1)[1] for line in sent}
    assert USER_AGENT.encode() == names[b"user-agent"]
    assert BASIC.encode() == names[b"authorization"]
    assert {b"host", b"user-agent", b"authorization", b"accept", b"accept-encoding"} == set(names)


def test_cookies_are_neither_kept_nor_sent() -> None:
    async def sets_one(line: Line, request: bytes) -> None:
        await line.say(answer(headers="Set-Cookie: a=b\r\n"))

    async def use(server: Scripted, send: Send) -> list[bytes]:
        await send(get(server.url + "/x"))
        await send(get(server.url + "/x"))
        return server.requests

    assert b"cookie" not in over(sets_one, use)[1].lower()


# --- what comes back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "X-GZip"])
def test_an_answer_is_status_headers_and_decoded_body(coding: str) -> None:
    body = b'{"code":200}' * 1_000

    async def zipped(line: Line, request: bytes) -> None:
        await line.say(answer(gzip.compress(body), headers=f"Content-Encoding: {coding}\r\nX-ONE: 1\r\nX-One: 2\r\n"))

    async def use(server: Scripted, send: Send) -> tuple[Response, int]:
        return await send(get(server.url + "/x")), send.announced

    response, announced = over(zipped, use)
    assert (200, body, "2", 1) == (response.status, response.body, response.headers["x-one"], announced)


@pytest.mark.parametrize("status", ["404 Not Found", "429 Too Many Requests", "500 Oh", "503 No"])
def test_a_bad_status_is_an_answer_even_in_a_session_that_raises(status: str) -> None:
    async def refuse(line: Line, request: bytes) -> None:
        await line.say(answer(gzip.compress(b"why"), status=status, headers="Content-Encoding: gzip\r\n"))

    async def use(server: Scripted, send: Send) -> tuple[Response, Response]:
        async with aiohttp.ClientSession(raise_for_status=True, auto_decompress=False) as session:
            return await send(get(server.url + "/x")), await Send(session)(get(server.url + "/x"))

    for response in over(refuse, use):
        assert (int(status[:3]), b"why") == (response.status, response.body)


def test_the_headers_are_announced_before_the_body_has_come() -> None:
    async def slow_body(line: Line, request: bytes) -> None:
        await line.say(answer(b"", length=5))
        await asyncio.sleep(0.1)
        await line.say(b"12345")

    async def use(server: Scripted, send: Send) -> int:
        task = asyncio.ensure_future(send(get(server.url + "/x")))
        await asyncio.wait_for(send.headers_in.wait(), 5)
        early = not task.done()
        await task
        assert early
        return send.announced

    assert 1 == over(slow_body, use)


@pytest.mark.parametrize("given", [False, True], ids=["own session", "the caller's session"])
def test_headers_that_gateways_add_are_read(given: bool) -> None:
    async def script(line: Line, request: bytes) -> None:
        await line.say(answer(b"{}", headers=f"X-Trace: {'x' * 60_000}\r\n"))

    async def use(server: Scripted, send: Send) -> tuple[int, int]:
        if not given:
            return len((await send(get(server.url + "/x"))).headers["x-trace"]), len(server.requests)
        async with aiohttp.ClientSession() as session:
            sent = Send(session=session)
            return len((await sent(get(server.url + "/x"))).headers["x-trace"]), len(server.requests)

    assert (60_000, 1) == over(script, use)


# --- how much comes back ----------------------------------------------------------------------------------

MB = 2**20
GZIPPED = "Content-Encoding: gzip\r\n"


def bomb(size: int) -> bytes:
    """So many spaces, compressed; never all of them at once in memory."""
    packer = zlib.compressobj(level=9, wbits=31)
    return b"".join([*(packer.compress(b" " * MB) for _ in range(size // MB)), packer.flush()])


def too_large(body: bytes, most: int, *, headers: str = "") -> tuple[list[UnreadableReply], int, int]:
    """What comes of asking for this body three times, with the arrivals and the answers announced."""

    async def script(line: Line, request: bytes) -> None:
        await line.say(answer(body, headers=headers))

    async def use(server: Scripted, send: Send) -> tuple[list[UnreadableReply], int, int]:
        bounded = Send(most_body_bytes=most)
        errors = []
        for _ in range(3):
            with pytest.raises(UnreadableReply) as caught:
                await bounded(get(server.url + "/x"))
            errors.append(caught.value)
        await bounded.transport.aclose()
        return errors, len(server.requests), bounded.announced

    return over(script, use)


@pytest.mark.parametrize("size", [100_000, 768_000, 3 * MB, 20 * MB], ids=lambda size: f"{size:_}")
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_body_beyond_the_bound_is_unreadable_and_harms_no_later_request(size: int, coding: str) -> None:
    body = gzip.compress(b" " * size) if coding == "gzip" else b" " * size
    errors, arrivals, announced = too_large(body, 70_000, headers=GZIPPED if coding == "gzip" else "")
    assert (3, 3) == (arrivals, announced)
    for error in errors:
        assert ("call/lists", 200, "") == (error.endpoint, error.status, error.excerpt)
        assert "70000 bytes" in str(error)
        assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("size", [1, 65_536, 65_537, 3 * MB + 1])
def test_a_body_of_exactly_the_bound_is_read_and_one_byte_more_is_not(size: int, coding: str) -> None:
    body = bytes(number % 251 for number in range(size))

    async def script(line: Line, request: bytes) -> None:
        packed = gzip.compress(body) if coding == "gzip" else body
        await line.say(answer(packed, headers=GZIPPED if coding == "gzip" else ""))

    async def use(server: Scripted, send: Send) -> bytes:
        exact = Send(most_body_bytes=size)
        response = await exact(get(server.url + "/x"))
        await exact.transport.aclose()
        return response.body

    assert body == over(script, use)
    if size > 1:
        too_large(gzip.compress(body) if coding == "gzip" else body, size - 1, headers=GZIPPED * (coding == "gzip"))


def test_a_bomb_fills_no_more_memory_than_the_bound_and_a_piece() -> None:
    most, size = 8 * MB, 128 * MB
    body = bomb(size)

    async def script(line: Line, request: bytes) -> None:
        await line.say(answer(body, headers=GZIPPED))

    async def use(server: Scripted, send: Send) -> list[AnalyticsError]:
        bounded = Send(most_body_bytes=most)
        errors = []
        for _ in range(3):
            with pytest.raises((UnreadableReply, TransportError)) as caught:  # aiohttp 3.13 has a bound of its own
                await bounded(get(server.url + "/x"))
            errors.append(caught.value)
        await bounded.transport.aclose()
        return errors

    tracemalloc.start()
    try:
        errors = over(script, use)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 3 == len(errors)
    if tuple(map(int, aiohttp.__version__.split(".")[:2])) >= (3, 14):  # before, a piece is what one read unpacks to
        assert peak < most + 16 * MB


@pytest.mark.parametrize("most", [0, -1])
def test_a_bound_below_one_byte_is_refused(most: int) -> None:
    with pytest.raises(BadInput, match="most_body_bytes"):
        AiohttpTransport(most_body_bytes=most)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_body_whose_gzip_ends_too_early_is_what_came(kept: float) -> None:
    """No error: the vendor's reader finds half a JSON text. What is said to be its length did come."""
    body = random.Random(1).randbytes(300_000).hex().encode()
    packed = gzip.compress(body)

    async def script(line: Line, request: bytes) -> None:
        await line.say(answer(packed[: int(len(packed) * kept)], headers=GZIPPED))

    async def use(server: Scripted, send: Send) -> bytes:
        return (await send(get(server.url + "/x"))).body

    found = over(script, use)
    assert body.startswith(found)
    assert len(found) < len(body)


def test_a_connection_that_lay_idle_after_a_large_answer_fails_no_request() -> None:
    packed = gzip.compress(b" " * 3 * MB)

    async def script(line: Line, request: bytes) -> None:
        await line.say(answer(packed, headers=GZIPPED))

    async def use(server: Scripted, send: Send) -> tuple[list[int], int]:
        found = []
        for _ in range(3):
            found.append(len((await send(get(server.url + "/x"), Timeouts(read_s=0.1))).body))
            await asyncio.sleep(0.15)
        return found, len(server.requests)

    assert ([3 * MB] * 3, 3) == over(script, use)


# --- failures ---------------------------------------------------------------------------------------------


async def stall_in_body(line: Line, request: bytes) -> None:
    await line.say(answer(b"half", length=8))
    await asyncio.sleep(30)


async def drip(line: Line, request: bytes) -> None:
    await line.say(answer(b"", length=1_000))
    for _ in range(1_000):
        await line.say(b"x")
        await asyncio.sleep(0.05)


async def cut_body(line: Line, request: bytes) -> None:
    await line.say(answer(b"half", length=8))
    line.writer.close()


async def reset_body(line: Line, request: bytes) -> None:
    await line.say(answer(b"half", length=8))
    line.reset()


async def garbage(line: Line, request: bytes) -> None:
    await line.say(b"\x16\x03\x01 this is not HTTP\r\n\r\n")


async def bad_length(line: Line, request: bytes) -> None:
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}")


async def bad_gzip(line: Line, request: bytes) -> None:
    await line.say(answer(b"this is not gzip", headers="Content-Encoding: gzip\r\n"))


async def other_coding(line: Line, request: bytes) -> None:
    await line.say(answer(b"{}", headers="Content-Encoding: br\r\n"))


async def bad_deflate(line: Line, request: bytes) -> None:
    await line.say(answer(b"{}", headers="Content-Encoding: deflate\r\n"))


async def bad_check_sum(line: Line, request: bytes) -> None:
    await line.say(answer(gzip.compress(b"{}")[:-8] + b"\xff" * 8, headers="Content-Encoding: gzip\r\n"))


async def bad_chunks(line: Line, request: bytes) -> None:
    await line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")


async def cut_old_gzip(line: Line, request: bytes) -> None:
    await line.say(answer(gzip.compress(b"{}" * 100)[:-3], headers="Content-Encoding: x-gzip\r\n"))


BROKEN = [reset, hang_up, cut_body, reset_body, garbage, bad_length, bad_gzip, bad_chunks, cut_old_gzip]
BROKEN += [other_coding, bad_deflate, bad_check_sum]


@pytest.mark.parametrize("script", BROKEN)
def test_a_broken_answer_is_a_transport_error_of_the_reading(script: Any) -> None:
    error, arrivals = failing(script)
    assert ("read", False, "call/lists", 1) == (error.phase, error.timed_out, error.endpoint, arrivals)
    assert "127.0.0.1" in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("script", "phase"), [(silence, "read"), (stall_in_body, "read"), (drip, "total")], ids=["mute", "stall", "drip"]
)
def test_a_slow_answer_is_a_timeout_of_its_phase(script: Any, phase: str) -> None:
    error, _ = failing(script, Timeouts(connect_s=5, read_s=0.2, total_s=0.6))
    assert (phase, True) == (error.phase, error.timed_out)
    assert {"read": "0.2 s", "total": "0.6 s"}[phase] in str(error)


def test_more_body_than_announced_is_not_taken_for_the_next_answer() -> None:
    async def too_much(line: Line, request: bytes) -> None:
        await line.say(answer(b'{"a":1}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', length=7))

    async def use(server: Scripted, send: Send) -> list[bytes]:
        bodies = []
        for _ in range(2):
            try:
                bodies.append((await send(get(server.url + "/x"))).body)
            except TransportError:
                bodies.append(b"")
        return bodies

    assert b"evil" not in over(too_much, use)


def test_a_refused_connection_failed_to_connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def scenario() -> TransportError:
        send = Send()
        error = await send.fails(get(f"http://127.0.0.1:{port}/x"))
        await send.transport.aclose()
        return error

    error = asyncio.run(scenario())
    assert ("connect", False) == (error.phase, error.timed_out)


@pytest.mark.parametrize("host", ["a..b", ".test", "a" * 64 + ".test"])
def test_a_host_that_can_be_no_name_failed_to_connect(host: str) -> None:
    async def scenario() -> TransportError:
        send = Send()
        error = await send.fails(get(f"https://{host}/x"))
        await send.transport.aclose()
        return error

    error = asyncio.run(scenario())
    assert ("connect", False) == (error.phase, error.timed_out)


class _Stalling(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        await asyncio.sleep(30)
        raise OSError("no such host")

    async def close(self) -> None:
        pass


class _Unknown(_Stalling):
    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(None, "no such host")


async def _with_resolver(resolver: AbstractResolver) -> TransportError:
    connector = aiohttp.TCPConnector(resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session:
        return await Send(session).fails(get("http://agora.test/x"))


def test_a_name_lookup_that_stalls_is_a_timeout_of_the_connecting() -> None:
    error = asyncio.run(_with_resolver(_Stalling()))
    assert ("connect", True) == (error.phase, error.timed_out)
    assert "0.3 s" in str(error)


def test_an_unknown_name_failed_to_connect() -> None:
    error = asyncio.run(_with_resolver(_Unknown()))
    assert ("connect", False) == (error.phase, error.timed_out)


def test_a_proxy_that_refuses_is_told_from_the_vendor() -> None:
    async def refuse(line: Line, request: bytes) -> None:
        await line.say(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async def use(server: Scripted, send: Send) -> TransportError:
        proxy = server.url.replace("http://", "http://user:proxy-password@")
        async with aiohttp.ClientSession(proxy=proxy) as session:
            return await Send(session).fails(get("https://vendor.test/x"))

    error = over(refuse, use)
    assert ("connect", False) == (error.phase, error.timed_out)
    assert "no connection to vendor.test: the proxy refuses it with 407 (Proxy Authentication Required)" in str(error)
    assert "proxy-password" not in repr(vars(error)) + str(error)


def test_a_listener_that_takes_no_connection_is_a_timeout_of_the_connecting() -> None:
    async def scenario() -> TransportError:
        with contextlib.ExitStack() as opened:
            full = opened.enter_context(socket.socket())
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(4):  # nobody accepts: the queue is full after one or two
                waiting = opened.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            send = Send()
            error = await send.fails(get(f"http://127.0.0.1:{full.getsockname()[1]}/x"))
            await send.transport.aclose()
            return error

    error = asyncio.run(scenario())
    assert ("connect", True) == (error.phase, error.timed_out)


def test_a_server_without_tls_failed_to_connect() -> None:
    async def use(server: Scripted, send: Send) -> TransportError:
        return await send.fails(get(server.url.replace("http:", "https:") + "/x"))

    assert "connect" == over(garbage, use).phase


@pytest.mark.parametrize("script", [*BROKEN, silence])
def test_no_failure_holds_or_shows_a_secret(script: Any) -> None:
    error, _ = failing(script, Timeouts(read_s=0.1))
    assert error.__cause__ is None
    assert error.__context__ is None, "aiohttp's errors carry the request with its headers"
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    for text in (told, repr(error), str(error), repr(error.args), repr(vars(error)), repr(pickle.dumps(error))):
        assert SECRET not in text
        assert BASIC.removeprefix("Basic ") not in text


# --- lifetime ---------------------------------------------------------------------------------------------


def test_a_session_is_made_on_first_use_and_closed_once() -> None:
    async def use(server: Scripted, send: Send) -> tuple[bool, bool]:
        await send.transport.aclose()
        fresh = Send()
        await fresh(get(server.url + "/x"))
        ((own, _),) = fresh.transport._own.values()
        before = own.closed
        await fresh.transport.aclose()
        await fresh.transport.aclose()
        return before, own.closed

    assert (False, True) == over(good, use)


def test_a_session_of_the_callers_that_was_closed_sends_no_more() -> None:
    async def use(server: Scripted, send: Send) -> int:
        async with aiohttp.ClientSession() as session:
            brought = Send(session)
            before = brought.transport.closed
        assert (False, True) == (before, brought.transport.closed)
        with pytest.raises(ProviderClosed, match="session that it was given"):
            await brought(get(server.url + "/x"))
        return len(server.requests)

    assert 0 == over(good, use)


@in_turn("figure", ["connect_s", "read_s", "total_s", "deadline_s"])
@in_turn("nonsense", [0, -5, float("nan"), float("inf"), "1", True])
def test_timeouts_are_seconds(figure: str, nonsense: Any) -> None:
    with pytest.raises(BadInput, match=figure):
        Timeouts(**{figure: nonsense})


@pytest.mark.parametrize("brought", [False, True])
def test_what_is_closed_sends_no_more(brought: bool) -> None:
    async def use(server: Scripted, send: Send) -> int:
        async with aiohttp.ClientSession() as session:
            closed = Send(session if brought else None)
            await closed.transport.aclose()
            with pytest.raises(ProviderClosed, match="closed"):
                await closed(get(server.url + "/x"))
        return len(server.requests)

    assert 0 == over(good, use)


def test_a_session_with_credentials_of_its_own_is_refused() -> None:
    async def scenario() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp would rather have no such thing
            made = aiohttp.ClientSession(auth=aiohttp.BasicAuth("a", "b"))
        async with made as session:
            with pytest.raises(BadInput, match="auth"):
                AiohttpTransport(session)

    asyncio.run(scenario())


def test_a_cancelled_send_leaves_nothing_open() -> None:
    async def use(server: Scripted, send: Send) -> int:
        task = asyncio.ensure_future(send(get(server.url + "/x")))
        await asyncio.wait_for(server.arrived.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(server.requests)

    assert 1 == over(silence, use)


def test_a_real_web_server_is_read_in_parallel_over_kept_connections() -> None:
    async def scenario() -> tuple[int, int]:
        sizes = []

        async def handle(request: web.Request) -> web.Response:
            sizes.append(len(await request.read()))
            return web.json_response({"n": len(sizes)})

        app = web.Application()
        app.router.add_post("/", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        send = Send()
        try:
            url = site._server.sockets[0].getsockname()  # type: ignore[union-attr]
            asked = Request(method="POST", url=f"http://127.0.0.1:{url[1]}/", body=b"123", endpoint="e")
            answers = await asyncio.gather(*(send(asked) for _ in range(50)))
            return sum(one.status == 200 for one in answers), sum(sizes)
        finally:
            await send.transport.aclose()
            await runner.cleanup()

    assert (50, 150) == asyncio.run(scenario())
