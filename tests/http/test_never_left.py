"""Never left, never charged: what certainly did not leave this machine costs nothing; all else is charged.

Over real loopback connections, with servers that break off after no byte, one byte and all bytes of the request, in
and after TLS, with and without a proxy between.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from agora_tencent_analytics import (
    AnalyticsError,
    Budget,
    ProviderClosed,
    Quota,
    Rate,
    Receipt,
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
from agora_tencent_analytics.http.transport import AiohttpTransport
from agora_tencent_analytics.limits import DAY, MINUTE, Limits
from agora_tencent_analytics.quota.store import QuotaStore
from agora_tencent_analytics.timerange import TimeRange
from tests.support.redis_server import redis_url
from tests.support.scripted_server import Line, answer, serving

__all__ = ["redis_url"]

RATES = (Rate(1_000, MINUTE), Rate(1_000, DAY))
ATTEMPTS = 2
KEYS = AgoraCredentials(customer_id="id", customer_secret="vendor-secret")
SELF_SIGNED = Path(__file__).parents[1] / "faults" / "self_signed.pem"
QUICK = Timeouts(connect_s=0.5, read_s=0.5, total_s=5)
GOOD = b'{"code":200,"call_lists":[],"total_size":0,"has_more":false}'


@attrs.frozen(kw_only=True)
class Cost:
    """What one question cost, and how it ended."""

    error: AnalyticsError | None
    used: int
    """Of the day."""
    left: int
    """Of the window: what the counter would grant at once."""
    receipt: Receipt
    budget: Budget


async def ask(
    url: str,
    *,
    attempts: int = ATTEMPTS,
    session: aiohttp.ClientSession | None = None,
    store: str | Path | QuotaStore = ":memory:",
    timeouts: Timeouts = QUICK,
    most_body_bytes: int = 2**20,
) -> Cost:
    """Asks once, in at most so many attempts."""

    async def keys() -> AgoraCredentials:
        return KEYS

    quota = Quota(secrets.token_hex(8), store=store, cold_start=False)
    transport = AiohttpTransport(session, most_body_bytes=most_body_bytes)
    caller = Caller(
        vendor=AgoraVendor(),
        hosts=Hosts([url]),
        app_id="app",
        credentials=keys,
        quota=quota,
        transport=transport,
        retry=Retry(attempts=attempts, first_s=0.01),
        timeouts=timeouts,
    )
    limits, budget, error = Limits(rates=RATES, history_s=DAY, span_s=DAY, page_size=100), Budget(9), None
    caller.budgets = (budget,)
    try:
        await caller.ask(CALL_LISTS_2024, limits, TimeRange(1, 2), {}, page=1, size=1)
    except AnalyticsError as raised:
        error = raised
    state = await quota.state("call/lists", RATES)
    room = quota._counter("call/lists", RATES).bucket.windows[0].room(quota.clock.clock.monotonic())
    await transport.aclose()
    await quota.aclose()
    return Cost(error=error, used=state.used_today, left=room, receipt=caller.receipts[0], budget=budget)


def costs_nothing(cost: Cost) -> None:
    assert isinstance(cost.error, TransportError)
    assert ("connect", False) == (cost.error.phase, cost.error.left)
    assert (0, 999) == (cost.used, cost.left), "of the day, of the window"
    assert (ATTEMPTS, 0) == (cost.receipt.attempts, cost.receipt.requests)
    assert 0 == cost.budget.spent
    assert cost.receipt.left_today in ({}, {"call/lists": 999})


def is_charged(cost: Cost) -> None:
    assert isinstance(cost.error, TransportError)
    assert cost.error.left
    assert (ATTEMPTS, 999 - ATTEMPTS) == (cost.used, cost.left)
    assert (ATTEMPTS, ATTEMPTS) == (cost.receipt.attempts, cost.receipt.requests)
    assert ATTEMPTS == cost.budget.spent


# --- where nothing can have left ---------------------------------------------------------------------------


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def certificate() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(SELF_SIGNED)
    return context


def trusting(**options: Any) -> aiohttp.ClientSession:
    """A session that trusts our certificate."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(SELF_SIGNED)))
    return aiohttp.ClientSession(connector=connector, **options)


async def good(line: Line, request: bytes) -> None:
    await line.say(answer(GOOD))


class Unknown(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(-2, "Name or service not known")

    async def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any], **options: Any
) -> AsyncIterator[int]:
    """A port where somebody talks to each connection."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def refused(store: Any) -> Cost:
    return await ask(f"http://127.0.0.1:{unused_port()}", store=store)


async def no_name(store: Any) -> Cost:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Unknown())) as session:
        return await ask("https://nowhere.test", session=session, store=store)


async def bad_certificate(store: Any) -> Cost:
    async with serving(good, ssl=certificate()) as server:
        cost = await ask(server.url, store=store)
        assert [] == server.requests
        return cost


async def impossible_name(store: Any) -> Cost:
    return await ask("https://a..b", store=store)


async def nobody_accepts(store: Any) -> Cost:
    with contextlib.ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody accepts: the queue is full after one or two
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        return await ask(f"http://127.0.0.1:{full.getsockname()[1]}", store=store)


async def breaks_off_in_tls(store: Any) -> Cost:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with listening(talk) as port:
        return await ask(f"https://127.0.0.1:{port}", store=store)


async def no_proxy(store: Any) -> Cost:
    async with aiohttp.ClientSession(proxy=f"http://127.0.0.1:{unused_port()}") as session:
        return await ask("http://vendor.test", session=session, store=store)


async def proxy_refuses(store: Any) -> Cost:
    async def refuse(line: Line, request: bytes) -> None:
        await line.say(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    async with serving(refuse) as proxy, aiohttp.ClientSession(proxy=proxy.url) as session:
        return await ask("https://vendor.test", session=session, store=store)


async def bad_certificate_behind_a_proxy(store: Any) -> Cost:
    async with (
        serving(good, ssl=certificate()) as server,
        tunnel() as proxy,
        aiohttp.ClientSession(proxy=proxy) as session,
    ):
        return await ask(server.url, session=session, store=store)


async def no_place_in_the_connector(store: Any) -> Cost:
    async def dawdle(line: Line, request: bytes) -> None:
        await asyncio.sleep(5)

    async with serving(dawdle) as server, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        other = asyncio.ensure_future(session.get(server.url))
        await server.arrived.wait()
        cost = await ask(server.url, session=session, store=store)
        other.cancel()
        return cost


async def a_hook_of_the_session_fails(store: Any) -> Cost:
    async def fail(*_: Any) -> None:
        raise ValueError("not today")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(fail)
    async with serving(good) as server, aiohttp.ClientSession(trace_configs=[tracing]) as session:
        return await ask(server.url, session=session, store=store)


NEVER_LEFT = [
    refused,
    no_name,
    bad_certificate,
    impossible_name,
    nobody_accepts,
    breaks_off_in_tls,
    no_proxy,
    proxy_refuses,
    bad_certificate_behind_a_proxy,
    no_place_in_the_connector,
    a_hook_of_the_session_fails,
]


@pytest.mark.parametrize("failure", NEVER_LEFT)
def test_what_certainly_did_not_leave_is_not_charged(failure: Any) -> None:
    costs_nothing(asyncio.run(failure(":memory:")))


@pytest.mark.parametrize("failure", [refused, no_name, bad_certificate])
@pytest.mark.parametrize("kept", ["file", "redis"])
def test_nor_is_it_in_any_other_store(failure: Any, kept: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store = tmp_path / "quota.sqlite3" if kept == "file" else request.getfixturevalue("redis_url")
    costs_nothing(asyncio.run(failure(store)))


# --- where it may have left ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "through a proxy"])
@pytest.mark.parametrize("read", [0, 1, -1], ids=["no byte", "one byte", "all bytes"])
def test_what_was_handed_to_a_connection_is_charged_however_much_of_it_arrived(
    read: int, proxied: bool, tls: bool
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await (reader.readuntil(b"\r\n\r\n") if read < 0 else reader.readexactly(read))
        writer.transport.abort()

    async def scenario() -> Cost:
        async with contextlib.AsyncExitStack() as opened:
            port = await opened.enter_async_context(listening(talk, ssl=certificate() if tls else None))
            proxy = await opened.enter_async_context(tunnel()) if proxied else None
            session = await opened.enter_async_context(trusting(proxy=proxy))
            return await ask(f"{'https' if tls else 'http'}://127.0.0.1:{port}", session=session)

    is_charged(asyncio.run(scenario()))


def test_a_kept_connection_that_broke_is_charged() -> None:
    async def only_first(line: Line, request: bytes) -> None:
        if line.number > 1:
            line.reset()
        else:
            await line.say(answer(GOOD))

    async def scenario() -> Cost:
        async with serving(only_first) as server, aiohttp.ClientSession() as session:
            assert 1 == (await ask(server.url, session=session)).used
            return await ask(server.url, session=session)

    cost = asyncio.run(scenario())
    assert (None, 2, 2) == (cost.error, cost.used, cost.receipt.requests), "it, and the fresh one that was answered"


def test_what_is_not_known_is_charged_a_proxy_that_breaks_off_and_the_time_limit_of_the_whole() -> None:
    async def hang_up(line: Line, request: bytes) -> None:
        line.writer.close()

    async def silence(line: Line, request: bytes) -> None:
        await asyncio.sleep(5)

    async def scenario() -> tuple[Cost, Cost]:
        async with serving(hang_up) as proxy, aiohttp.ClientSession(proxy=proxy.url) as session:
            broken_off = await ask("https://vendor.test", session=session)
        async with serving(silence) as server:
            return broken_off, await ask(server.url, timeouts=Timeouts(connect_s=5, read_s=5, total_s=0.2))

    for cost in asyncio.run(scenario()):
        is_charged(cost)


# --- a session of the caller's ------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["default", "machine 127.0.0.1"])
def test_a_netrc_file_of_the_users_does_not_take_the_place_of_the_vendors_credentials(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"{entry} login somebody password of-the-user\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def scenario() -> tuple[Cost, bytes]:
        async with serving(good) as server, aiohttp.ClientSession(trust_env=True) as session:
            return await ask(server.url, session=session), server.requests[0]

    cost, sent = asyncio.run(scenario())
    assert (None, 1) == (cost.error, cost.used)
    expected = KEYS.basic.reveal().encode()
    assert [b"authorization: " + expected.lower()] == [
        line for line in sent.lower().split(b"\r\n") if line.startswith(b"authorization")
    ]


def test_headers_of_the_session_do_not_take_the_place_of_signed_ones_and_its_middlewares_run() -> None:
    ran = []

    async def count(request: aiohttp.ClientRequest, handler: Any) -> Any:
        ran.append(request.method)
        request.headers["Authorization"] = "Basic nonsense"
        return await handler(request)

    async def scenario() -> bytes:
        headers = {"Authorization": "Basic other", "X-Team": "quality"}
        async with serving(good) as server, aiohttp.ClientSession(headers=headers, middlewares=[count]) as session:
            assert (await ask(server.url, session=session)).error is None
            return server.requests[0]

    sent = asyncio.run(scenario())
    assert ["GET"] == ran
    assert b"X-Team: quality" in sent
    assert KEYS.basic.reveal().encode() in sent
    assert b"nonsense" not in sent
    assert b"other" not in sent


def test_a_session_of_another_loop_is_refused_and_nothing_is_charged() -> None:
    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def scenario(session: aiohttp.ClientSession) -> None:
        cost = await ask("http://127.0.0.1:9", session=session)
        assert isinstance(cost.error, ProviderClosed)
        assert "belongs to another event loop" in str(cost.error)
        assert (0, 0) == (cost.used, cost.receipt.attempts)

    with asyncio.Runner() as first, asyncio.Runner() as second:
        session = first.run(make())
        second.run(scenario(session))
        first.run(session.close())


# --- what cannot be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        answer(GOOD, headers=f"X: {'x' * 100_000}\r\n"),
        b"HTTP/1.1 200 " + b"y" * 9_000 + b"\r\n\r\n",
        answer(b" " * 2_000),
        answer(gzip.compress(b" " * 2_000), headers="Content-Encoding: gzip\r\n"),
        answer(gzip.compress(b" " * 2_000), headers="Content-Encoding: x-gzip\r\n"),
    ],
    ids=["header", "status line", "body", "unpacked body", "unpacked body of the old name"],
)
def test_an_answer_that_is_too_large_is_fetched_once_more_and_no_more(said: bytes) -> None:
    async def script(line: Line, request: bytes) -> None:
        await line.say(said)

    async def scenario() -> Cost:
        async with serving(script) as server:
            return await ask(server.url, attempts=4, most_body_bytes=1_000)

    cost = asyncio.run(scenario())
    assert isinstance(cost.error, UnreadableReply)
    assert (True, 2, 2) == (cost.error.too_large, cost.used, cost.receipt.attempts)


# --- a proxy ---------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def tunnel() -> AsyncIterator[str]:
    """The address of a proxy that connects to where it is told, or passes on what it is sent."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    writer.write(data)
                    await writer.drain()
        finally:  # also where the loop ends first
            writer.transport.abort()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        verb, where, _ = head.split(b" ", 2)
        host, _, port = where.removeprefix(b"http://").split(b"/")[0].partition(b":")
        there, back = await asyncio.open_connection(host.decode(), int(port))
        if verb == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            back.write(head)
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    async with listening(talk) as port:
        yield f"http://127.0.0.1:{port}"
