"""Attacks that never came through, and must not: TLS, endless answers, bombs of JSON, gzip and cursors."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from agora_tencent_analytics import (
    AgoraProvider,
    AiohttpTransport,
    AnalyticsError,
    BadInput,
    Request,
    Retry,
    Timeouts,
    TimeRange,
    TransportError,
    UnreadableReply,
)
from agora_tencent_analytics.decoding.rawjson import read
from tests.support.scripted_server import Line, answer, serving

SELF_SIGNED = Path(__file__).parents[1] / "faults" / "self_signed.pem"
QUICK = Timeouts(connect_s=2, read_s=0.5, total_s=1.5)


def send(
    script: Callable[[Line, bytes], Any], *, host: str = "127.0.0.1", session: Any = None, **options: Any
) -> tuple[AnalyticsError, int]:
    """How a request ended, and how many arrived."""

    async def scenario() -> tuple[AnalyticsError, int]:
        async with serving(script, **options) as server:
            url = server.url.replace("127.0.0.1", host) + "/x"
            if options:
                url = url.replace("http:", "https:")
            given = session() if session else None
            transport = AiohttpTransport(given)
            try:
                request = Request(method="GET", url=url, headers={"Authorization": "secret"}, endpoint="x")
                with pytest.raises(AnalyticsError) as caught:
                    await transport.send(request, timeouts=QUICK, answered=lambda: None)
                return caught.value, len(server.requests)
            finally:
                await transport.aclose()
                if given is not None:
                    await given.close()

    return asyncio.run(scenario())


async def good(line: Line, request: bytes) -> None:
    await line.say(answer())


def certified(newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    if newest is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
    return context


class Here(AbstractResolver):
    """Finds every name on this machine."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


def trusting() -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=str(SELF_SIGNED))
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, resolver=Here()))


@pytest.mark.parametrize(
    ("options", "session", "host"),
    [
        (certified, None, "127.0.0.1"),
        (certified, trusting, "elsewhere.test"),
        (lambda: certified(ssl.TLSVersion.TLSv1_1), trusting, "127.0.0.1"),
        (lambda: certified(ssl.TLSVersion.TLSv1), trusting, "127.0.0.1"),
    ],
    ids=["nobody's certificate", "another host's", "TLS 1.1", "TLS 1.0"],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_no_request_goes_where_tls_does_not_hold(options: Any, session: Any, host: str) -> None:
    error, arrived = send(good, host=host, session=session, ssl=options())
    assert isinstance(error, TransportError)
    assert ("connect", False, 0) == (error.phase, error.left, arrived)
    assert ("CERTIFICATE_VERIFY_FAILED" in str(error)) == (options is certified)


def test_it_goes_where_tls_holds() -> None:
    async def scenario() -> int:
        async with serving(good, ssl=certified(ssl.TLSVersion.TLSv1_2)) as server, trusting() as session:
            request = Request(method="GET", url=server.url.replace("http:", "https:") + "/x")
            response = await AiohttpTransport(session).send(request, timeouts=QUICK, answered=lambda: None)
            return response.status

    assert 200 == asyncio.run(scenario())


# --- without end ----------------------------------------------------------------------------------------------


async def endless_chunks(line: Line, request: bytes) -> None:
    await line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await line.say(b"1\r\n[\r\n")
        await asyncio.sleep(0.05)


async def endless_head(line: Line, request: bytes) -> None:
    await line.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await line.say(b"X-More: x\r\n")
        await asyncio.sleep(0.05)


async def endless_interim(line: Line, request: bytes) -> None:
    while True:
        await line.say(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.05)


async def empty_chunks(line: Line, request: bytes) -> None:
    await line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await line.say(b"1;" + b"x" * 4000 + b"\r\n \r\n")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("script", [endless_chunks, endless_head, endless_interim, empty_chunks])
def test_an_answer_without_end_ends_in_time(script: Any) -> None:
    began = time.monotonic()
    error, _ = send(script)
    assert time.monotonic() - began < 5
    assert isinstance(error, TransportError | UnreadableReply)


# --- bombs ----------------------------------------------------------------------------------------------------

BOMBS = {
    "lists in lists": b"[" * 10**6,
    "lists in lists, closed": b"[" * 10**6 + b"]" * 10**6,
    "objects in objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "a number of a million digits": b'{"a":' + b"9" * 10**6 + b"}",
    "an exponent of a million digits": b'{"a":1e' + b"9" * 10**6 + b"}",
    "a text of twenty megabytes": b'{"a":"' + b"x" * (20 << 20) + b'"}',
    "half a million backslashes": b'{"a":"' + b"\\" * 500_001 + b'"}',
    "half characters": b'{"a":"' + b"\\ud800" * 30_000 + b'"}',
    "no UTF-8": b'{"a":"' + b"\xff" * 200_000 + b'"}',
    "nothing but commas": b"[" + b"," * 10**6,
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_of_json_is_read_or_refused_in_time(what: str) -> None:
    began = time.perf_counter()
    try:
        found = read(BOMBS[what])
    except ValueError:
        found = {"a": None}
    assert time.perf_counter() - began < 3
    assert {"a"} <= set(found)


def test_gzip_in_gzip_is_opened_once() -> None:
    inner = gzip.compress(b" " * 10**7)

    async def script(line: Line, request: bytes) -> None:
        await line.say(answer(gzip.compress(inner), headers="Content-Encoding: gzip, gzip\r\n"))

    async def scenario() -> None:
        async with serving(script) as server:
            provider = AgoraProvider(
                app_id="a",
                customer_id="c",
                customer_secret="s" * 12,
                plan="unlimited",
                store=":memory:",
                base_url=server.url,
                retry=Retry(attempts=1),
            )
            async with provider:
                now = int(provider.now())
                with pytest.raises(AnalyticsError):
                    await provider.calls(TimeRange(now - 3600, now - 1800)).collect()

    asyncio.run(scenario())


CURSORS = {
    "deep": base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    "long": "A" * 10**6,
    "many windows": base64.urlsafe_b64encode(
        b'{"v":4,"q":[0,"m"],"o":null,"s":[' + b"[1,2,0]," * 10**5 + b'[1,2,0]],"w":null,"p":[1,1,null,0,0,0]}'
    ).decode(),
    "empty lists": base64.urlsafe_b64encode(b'{"v":4,"x":[' + b"[]," * 10**6 + b"[]]}").decode(),
    "huge numbers": base64.urlsafe_b64encode(
        b'{"v":4,"q":[0,"m"],"o":null,"s":[],"w":null,"p":[' + b"9" * 5000 + b",1,null,0,0,0]}"
    ).decode(),
    "not a text of it": "\ud800\x00",
}


@pytest.mark.parametrize("what", CURSORS)
def test_a_bomb_of_a_cursor_is_refused_before_a_request(what: str) -> None:
    provider = AgoraProvider(app_id="a", customer_id="c", customer_secret="s" * 12, plan="unlimited", store=":memory:")
    began = time.perf_counter()

    async def scenario() -> None:
        async with provider:
            now = int(provider.now())
            with pytest.raises(BadInput):
                await provider.calls(TimeRange(now - 3600, now - 1800), cursor=CURSORS[what]).collect()

    asyncio.run(scenario())
    assert time.perf_counter() - began < 3
    assert 0 == provider.receipt.requests
