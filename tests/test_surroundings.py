"""What a service sets on a provider: its network, its headers, its credentials; and what a test sets for it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraCredentials,
    AgoraProvider,
    AiohttpTransport,
    BadInput,
    NotOffered,
    TencentProvider,
    TimeRange,
    scan,
)
from agora_tencent_analytics.http.credentials import Called
from agora_tencent_analytics.http.transport import USER_AGENT
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World
from tests.support.client_bench import GOOD, Bench
from tests.support.simulated_scans import WHOLE, Vendors
from tests.support.virtual_time import run

NOW = int(time.time())
WORLD = World(seed=3, calls=4, start=NOW - 8 * 3_600, end=NOW - 600)


@pytest.mark.parametrize("made", [SimulatedAgora, SimulatedTencent])
def test_a_provider_finds_a_simulated_vendor_by_its_variables(made: Any) -> None:
    async def scenario() -> int:
        async with made(WORLD, plan="unlimited") as server:
            kind = AgoraProvider if made is SimulatedAgora else TencentProvider
            async with kind.from_env(server.environ, store=":memory:") as provider:
                return (await provider.check()).requests

    assert 1 == asyncio.run(scenario())


@pytest.mark.parametrize("made", [SimulatedAgora, SimulatedTencent])
def test_a_simulated_vendor_makes_its_own_provider(made: Any) -> None:
    async def scenario() -> tuple[str, int]:
        async with made(WORLD, plan="unlimited") as server, server.provider(user_agent="mine/1") as provider:
            return provider.name, len(await provider.calls(TimeRange(WORLD.start, WORLD.end)))

    assert (made.vendor, len(list(WORLD.calls(made.vendor)))) == asyncio.run(scenario())


@pytest.mark.parametrize(("day", "where"), [(-40 * DAY, "after"), (40 * DAY, "before")])
def test_a_world_of_another_time_than_the_provider_s_is_warned_of(day: int, where: str) -> None:
    async def scenario() -> None:
        async with SimulatedAgora(WORLD, plan="premium", clock=lambda: time.time() + day) as server:
            with pytest.warns(UserWarning, match=f"the world lies {where} all that agora's plan 'premium' shows now"):
                server.provider()

    asyncio.run(scenario())


def test_a_provider_of_a_plan_that_offers_nothing_is_made_and_says_so_itself() -> None:
    async def scenario() -> None:
        async with SimulatedAgora(WORLD, plan="starter") as server, server.provider() as provider:
            with pytest.raises(NotOffered):
                provider.calls(TimeRange(WORLD.start, WORLD.end))

    asyncio.run(scenario())


def test_headers_and_the_suffix_of_the_user_agent_are_sent_beside_the_vendor_s() -> None:
    seen: list[dict[str, str]] = []

    async def scenario() -> None:
        async with SimulatedAgora(WORLD, plan="unlimited") as server:
            exchange = server._loopback._exchange

            async def listening(ask: Any) -> Any:
                seen.append({name.lower(): value for name, value in ask.headers.items()})
                return await exchange(ask)

            server._loopback._exchange = listening
            options: dict[str, Any] = {"headers": {"X-Gateway": "blue"}, "user_agent": "billing/1.4"}
            async with AgoraProvider.from_env(server.environ, store=":memory:", **options) as provider:
                await provider.check()

    asyncio.run(scenario())
    (headers,) = seen
    assert ("blue", f"{USER_AGENT} billing/1.4") == (headers["x-gateway"], headers["user-agent"])
    assert headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"X-A": "a\r\nX-B: b"}},
        {"headers": {"X-A": 1}},
        {"headers": [("X-A", "a")]},
        {"user_agent": "a\nb"},
        {"ssl": False},
        {"proxy": "socks5://here"},
        {"session": "x"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_cannot_be_sent_is_refused_when_the_provider_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        AgoraProvider(app_id="a", customer_id="c", customer_secret="s", plan="premium", store=":memory:", **wrong)


def test_options_of_the_transport_beside_a_transport_are_refused() -> None:
    with pytest.raises(BadInput, match="belong to the transport"):
        AgoraProvider(
            app_id="a",
            customer_id="c",
            customer_secret="s",
            plan="premium",
            store=":memory:",
            transport=AiohttpTransport(),
            ssl=ssl.create_default_context(),
        )


def test_a_callable_that_gives_its_keys_at_once_is_refused_before_a_slot() -> None:
    class Keys:
        def __call__(self) -> AgoraCredentials:
            return AgoraCredentials(customer_id="id", customer_secret="s3cr3t")

    bench = Bench(GOOD, keys=Called(Keys()))  # type: ignore[arg-type]
    refused = bench.fails(BadInput)
    assert "async function" in str(refused)
    assert (0, 0) == (bench.spent, len(bench.script.sent))


def test_aiohttp_is_there_when_the_provider_is_made() -> None:
    code = (
        "import sys\nfrom agora_tencent_analytics import AgoraProvider\n"
        "AgoraProvider(app_id='a', customer_id='c', customer_secret='s', plan='premium', store=':memory:')\n"
        "assert 'aiohttp' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_paginator_shows_what_it_asks() -> None:
    assert "<Paginator of call/lists, questions: 1>" == repr(Vendors().agora().calls(WHOLE))


# --- credentials --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "a key", ("id", "secret"), {"customer_id": "id"}])
@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_credentials_of_a_wrong_type_are_refused_before_a_slot_and_not_shown(vendor: str, given: Any) -> None:
    async def keys() -> Any:
        return given

    vendors = Vendors()
    provider = vendors.agora() if vendor == "agora" else vendors.tencent()
    provider._caller.credentials = keys

    async def scenario() -> BadInput:
        with pytest.raises(BadInput, match=f"credentials gave a {type(given).__name__}") as refused:
            await provider.check()
        return refused.value

    refused = run(scenario)
    assert (None, []) == (refused.__cause__, list(vendors.servers[0].arrivals))
    assert 0 == provider.receipt.attempts
    assert "secret" not in str(refused)


# --- no event loop of asyncio --------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["ask", "scan", "enter", "close", "simulator"])
def test_another_event_loop_than_asyncio_s_is_told_apart(what: str) -> None:
    agora = Vendors().agora()
    coroutine: Coroutine[Any, Any, Any] = {
        "ask": lambda: agora.calls(WHOLE).collect(),
        "scan": lambda: scan(agora, over=WHOLE).__aenter__(),
        "enter": agora.__aenter__,
        "close": agora.aclose,
        "simulator": SimulatedAgora(WORLD).__aenter__,
    }[what]()
    with pytest.raises(BadInput, match="under trio"):
        coroutine.send(None)


# --- the environment's proxy ---------------------------------------------------------------------------------


def test_trust_env_takes_the_proxy_that_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://there:3128")

    def proxies(**options: Any) -> Any:
        options |= {"app_id": "a", "customer_id": "c", "customer_secret": "s", "plan": "premium", "store": ":memory:"}
        transport: Any = AgoraProvider(**options)._caller.transport
        return transport._proxies and transport._proxies.named("https://api.agora.io").strip()

    assert proxies() is None
    assert "through the proxy there:3128 (named by the environment)" == proxies(trust_env=True)
    assert "through the proxy here:3128" == proxies(trust_env=True, proxy="http://here:3128")
