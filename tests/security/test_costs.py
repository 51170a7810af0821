"""What an answer may cost: its bytes, its ratio, its headers, its values, its rows; and the loop turns meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    AiohttpTransport,
    AnalyticsError,
    Call,
    Request,
    Response,
    Retry,
    Session,
    TencentProvider,
    Timeouts,
    TimeRange,
    TransportError,
    UnreadableReply,
    scan,
)
from agora_tencent_analytics.http.transport import MOST_BODY_BYTES
from agora_tencent_analytics.simulator import World
from benchmarks.hostile.bodies import CODINGS, MB, hostile, polite, unsound
from tests.support.scripted_server import Line, answer, serving
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Script, Stage, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

NOW = int(EPOCH)
VENDORS = ("agora", "tencent")
KEYS: dict[str, dict[str, Any]] = {
    "agora": {"app_id": "app1", "customer_id": "id7", "customer_secret": "a-secret-of-theirs"},
    "tencent": {"sdk_app_id": 14, "secret_id": "id7", "secret_key": "a-secret-of-theirs", "region": "ap-singapore"},
}
MADE: dict[str, Any] = {"agora": AgoraProvider, "tencent": TencentProvider}


def provider_of(vendor: str, **options: Any) -> Any:
    given = {**KEYS[vendor], "plan": "unlimited", "store": ":memory:", "retry": Retry(attempts=1), **options}
    return MADE[vendor](**given)


async def ask(provider: Any, kind: str) -> str:
    """The outcome of one question, in words."""
    now = int(provider.now())
    about: dict[str, Any] = {"vendor": provider.name, "call_id": "c", "channel": "r"}
    call = Call(**about, created_ts=now - 3600, destroyed_ts=now - 3000, finished=True)
    stay = Session(**about, session_id="s", user_id="u", join_ts=now - 3600, leave_ts=now - 3000)
    asking = {
        "calls": lambda: provider.calls(TimeRange(now - 3600, now - 600)),
        "sessions": lambda: provider.sessions(call),
        "metrics": lambda: provider.metrics(call, [stay]),
    }[kind]()
    try:
        async for page in asking.pages():
            return f"{len(page.items)} read"
    except UnreadableReply as error:
        return "too large" if error.too_large else "unreadable"
    return "nothing"


def outcome(vendor: str, kind: str, body: bytes) -> str:
    clock = VirtualClock()

    async def scenario() -> str:
        transport = Script(clock, [json_response(body)])
        return await ask(provider_of(vendor, transport=transport, base_url="https://x.test"), kind)

    return run(scenario)


@pytest.mark.parametrize("kind", ["calls", "sessions", "metrics"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_an_answer_that_would_become_too_much_is_said_to_be_too_large(vendor: str, kind: str) -> None:
    assert "too large" == outcome(vendor, kind, hostile(vendor, kind, "empty lists", 2 * MB))


@pytest.mark.parametrize("kind", ["calls", "sessions", "metrics"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_large_polite_answer_is_read(vendor: str, kind: str) -> None:
    number = int(outcome(vendor, kind, polite(vendor, kind, 2 * MB)).removesuffix(" read"))
    assert number > (10 if kind == "metrics" else 5_000)


@pytest.mark.parametrize(
    ("vendor", "made", "lost"),
    [("agora", polite, 0), ("tencent", polite, 0), ("tencent", unsound, 1)],
    ids=["agora", "tencent", "one bad row"],
)
def test_the_loop_turns_while_a_large_answer_is_read(
    vendor: str, made: Callable[[str, str, int], bytes], lost: int
) -> None:
    """However busy the machine is: the processor time that this process spends between two turns is bounded."""
    body = made(vendor, "calls", 5 * MB)
    longest = 0.0

    async def scenario() -> str:
        async def turn() -> None:
            nonlocal longest
            while True:
                before = time.process_time()
                await asyncio.sleep(0.001)
                longest = max(longest, time.process_time() - before)

        async def script(line: Line, request: bytes) -> None:
            await line.say(answer(body))

        async with serving(script) as server, provider_of(vendor, base_url=server.url) as provider:
            turning = asyncio.ensure_future(turn())
            found = await ask(provider, "calls")
            turning.cancel()
            return found

    assert f"{body.count(b'},{') + 1 - lost} read" == asyncio.run(scenario())
    assert longest < 0.2


# --- before it is read ----------------------------------------------------------------------------------------


async def sent(body: bytes, *, headers: str = "", most: int = MOST_BODY_BYTES, head: bytes = b"") -> Response:
    async def script(line: Line, request: bytes) -> None:
        await line.say(head or answer(body, headers=headers))

    async with serving(script) as server:
        transport = AiohttpTransport(most_body_bytes=most)
        try:
            request = Request(method="GET", url=server.url + "/x", endpoint="call/lists")
            return await transport.send(request, timeouts=Timeouts(total_s=20), answered=lambda: None)
        finally:
            await transport.aclose()


def test_no_more_than_32_mb_are_read_unless_more_are_asked_for() -> None:
    assert 32 * MB == MOST_BODY_BYTES
    with pytest.raises(UnreadableReply, match="33554432 bytes and was not read"):
        asyncio.run(sent(bytes(MOST_BODY_BYTES + 1)))
    assert MOST_BODY_BYTES + 1 == len(asyncio.run(sent(bytes(MOST_BODY_BYTES + 1), most=40 * MB)).body)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip"])
def test_a_body_that_is_hundreds_of_times_what_came_is_not_read_to_its_end(coding: str) -> None:
    packer = zlib.compressobj(9, wbits=15 if coding == "deflate" else 31)
    packed = packer.compress(b" " * (20 * MB)) + packer.flush()
    with pytest.raises(UnreadableReply, match="larger than 500 times what came") as caught:
        asyncio.run(sent(packed, headers=f"Content-Encoding: {coding}\r\n"))
    assert caught.value.too_large


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_no_polite_answer_shrinks_so_well(vendor: str, coding: str) -> None:
    body = polite(vendor, "metrics", 3 * MB).replace(str(random.Random(1).randrange(9)).encode(), b"0")
    packed = CODINGS[coding](body)
    assert body == asyncio.run(sent(packed, headers=f"Content-Encoding: {coding}\r\n")).body


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
        + b"".join(b"X-%06d: x\r\n" % at for at in range(400_000))
        + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
        + b"".join(b"X-%06d: x\r\n" % at for at in range(400_000))
        + b"\r\n",
    ],
    ids=["headers", "trailers"],
)
def test_hundreds_of_thousands_of_headers_cost_no_memory(head: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(AnalyticsError) as caught:
            asyncio.run(sent(b"", head=head))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(caught.value, TransportError | UnreadableReply)
    assert peak < 16 * MB


# --- what it buys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", ["calls", "sessions"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_calls_beyond_twice_the_page_that_was_asked_for_buy_no_details(vendor: str, depth: Any) -> None:
    world = World(calls=3, start=NOW - 7200, end=NOW - 3600)
    lists, name = {"agora": ("call_lists", "call_id"), "tencent": ("RoomList", "CommId")}[vendor]

    def flood(rows: Rows) -> None:
        if len(rows) < 1000:
            rows += [{**rows[0], name: f"1400000000_{number}"} for number in range(1000)]

    async def scenario() -> tuple[int, int, Any]:
        stage = Stage(vendor, world)
        async with stage.provider(transport=Spoilt(stage.server, {lists: flood})) as provider:
            records = 0
            async with scan(provider, over=TimeRange(NOW - 7200, NOW - 3600), depth=depth) as found:
                async for _ in found:
                    records += 1
            return records, stage.asked, found.report

    records, asked, report = run(scenario)
    assert not report.complete or depth == "calls"
    if depth == "calls":
        assert records > 1000
    else:
        assert asked < 2 * 100 + 50
        (told,) = [failure for failure in report.failures if failure.step == "calls"]
        assert "rows on a page of 100; about those beyond twice as many nothing more was asked" in str(told.error)


@pytest.mark.parametrize("vendor", VENDORS)
def test_sessions_beyond_twice_the_page_that_was_asked_for_buy_no_details(vendor: str) -> None:
    world = World(calls=1, start=NOW - 7200, end=NOW - 3600)
    lists, name = {"agora": ("call_info", "sid"), "tencent": ("UserList", "UserId")}[vendor]

    def flood(rows: Rows) -> None:
        if name in rows[0] and len(rows) < 1000:
            rows += [{**rows[0], name: f"{number:032d}"} for number in range(2000)]

    async def scenario() -> tuple[int, Any]:
        stage = Stage(vendor, world)
        async with stage.provider(transport=Spoilt(stage.server, {lists: flood})) as provider:
            async with scan(provider, over=TimeRange(NOW - 7200, NOW - 3600), depth="metrics") as found:
                async for _ in found:
                    pass
            return stage.asked, found.report

    asked, report = run(scenario)
    assert not report.complete
    assert any("nothing more was asked" in str(failure.error) for failure in report.failures)
    assert asked < 100
