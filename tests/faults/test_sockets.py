"""The same table over real loopback connections: what the network does to an answer, alone and two at a time.

Faults of fields and of listings are not repeated here: they are in the body before it meets the network. Every case has
a server of its own, and many run side by side, since most of them wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from agora_tencent_analytics import AgoraProvider, AnalyticsError, Quota, Retry, TencentProvider, Timeouts, TimeRange
from agora_tencent_analytics.http.transport import AiohttpTransport
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.simulator import (
    Fault,
    SimulatedAgora,
    SimulatedTencent,
    SimulatedVendor,
    moved_to,
)
from agora_tencent_analytics.tencent.sign import TencentCredentials
from tests.faults.test_table import END, HONEST, PLANS, START, TOKEN, WORLD, truth
from tests.support.fault_table import (
    CLOCKS,
    CODING,
    CONNECTION,
    MOST_BODY_BYTES,
    NO_ANSWER,
    REFUSALS,
    Row,
    Seen,
    rule_broken,
)
from tests.support.steady_time import run, steady
from tests.support.virtual_time import EPOCH

TIMEOUTS = Timeouts(connect_s=2, read_s=0.5, total_s=1.5)
PATIENT = Retry(attempts=7, first_s=0.05, most_s=0.2)
"""As often as two faults in one ask may need."""
SIDE_BY_SIDE = 96
LIMIT_S = 10.0
"""For one of these, beside all the others; of time that stands still while the machine is busy with something else."""
SELF_SIGNED = Path(__file__).with_name("self_signed.pem")


def wall() -> float:
    """Now, in the world of the table."""
    return EPOCH + steady()


def server_of(vendor: str, faults: Iterable[Fault]) -> SimulatedVendor:
    options: dict[str, Any] = {"plan": PLANS[vendor], "clock": wall, "monotonic": steady, "faults": faults}
    return SimulatedAgora(WORLD, **options) if vendor == "agora" else SimulatedTencent(WORLD, token=TOKEN, **options)


def provider_of(server: SimulatedVendor, *, fixed_keys: bool = False, **options: Any) -> Any:
    quota = Quota(
        "t", store=":memory:", clock=Clock(wall=wall, monotonic=steady), plan=PLANS[server.vendor], cold_start=False
    )
    given: dict[str, Any] = {"plan": PLANS[server.vendor], "quota": quota, "timeouts": TIMEOUTS, "retry": PATIENT}
    given |= {**server.credentials, **options}
    if server.vendor == "agora":
        return AgoraProvider(**given)

    async def keys() -> TencentCredentials:
        known = server.credentials
        return TencentCredentials(**{name: known[name] for name in ("secret_id", "secret_key", "token")})

    if not fixed_keys:
        given |= {"credentials": keys, "account": "a", "secret_id": None, "secret_key": None, "token": None}
    return TencentProvider(**given, region="ap-singapore")


async def listed(server: SimulatedVendor, provider: Any) -> Seen:
    """Reads all calls."""
    found: list[str] = []
    error = None
    listing = provider.calls(TimeRange(START, END), page_size=2)
    try:
        async for call in listing:
            found.append(call.call_id)
    except Exception as raised:
        error = raised
    arrivals = len(server.arrivals)
    return Seen(
        found=found,
        error=error,
        certificate=listing.certificate,
        requests=provider.receipt.requests,
        unheard=provider.receipt.requests - arrivals,
        arrivals=arrivals,
        throttled=server.refused,
        tasks=0,
    )


async def judged(vendor: str, rows: Sequence[Row], faults: Sequence[Fault]) -> list[str]:
    retry = PATIENT if len(rows) > 1 else msgspec.structs.replace(PATIENT, attempts=4)
    async with server_of(vendor, faults) as server:
        transport = AiohttpTransport(most_body_bytes=MOST_BODY_BYTES)
        fixed = any(row.fixed_keys for row in rows)
        options: dict[str, Any] = {"transport": transport, "base_url": server.base_url, "retry": retry}
        async with provider_of(server, fixed_keys=fixed, **options) as provider:
            seen = await listed(server, provider)
        may_miss = any("dies" in row.name for row in rows)
        wrong = rule_broken(seen, rows, vendor, truth=truth(vendor), honest=HONEST)
        return wrong + ([] if may_miss or not seen.unheard else [f"{seen.unheard} did not arrive"])


def side_by_side(cases: dict[str, Callable[[], Awaitable[list[str]]]]) -> dict[str, list[str]]:
    """The cases that went wrong, each with what is wrong about it. Nothing may stay open, and nobody may wait long."""
    before = len(os.listdir("/dev/fd"))
    wrong: dict[str, list[str]] = {}

    async def whole() -> None:
        places = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(name: str) -> None:
            async with places:
                try:
                    async with asyncio.timeout(LIMIT_S):
                        found = await cases[name]()
                except TimeoutError:
                    found = [f"not at its end after {LIMIT_S} seconds"]
            if found:
                wrong[name] = found

        await asyncio.gather(*map(one, cases))
        for _ in range(10):
            await asyncio.sleep(0)  # what ends has a few turns for it
        if len(asyncio.all_tasks()) > 1:
            wrong["tasks left"] = [repr(task) for task in asyncio.all_tasks()]

    run(whole())
    gc.collect()
    if (left := len(os.listdir("/dev/fd")) - before) > 0:
        wrong["files left"] = [str(left)]
    return wrong


def test_whoever_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.LIMIT_S", 0.1)

    async def waits() -> list[str]:
        await asyncio.Event().wait()
        return []

    assert {"waits": ["not at its end after 0.1 seconds"]} == side_by_side({"waits": waits})


def case(vendor: str, rows: Sequence[Row], faults: Sequence[Fault]) -> Callable[[], Awaitable[list[str]]]:
    return lambda: judged(vendor, rows, faults)


def test_a_fault_alone_comes_to_what_the_table_says() -> None:
    rows = [*CONNECTION, *CODING, *NO_ANSWER, *REFUSALS, *CLOCKS]
    cases = {
        f"{vendor}: {row.name}": case(vendor, [row], [row.fault(vendor, 1)])
        for row in rows
        for vendor in PLANS
        if vendor in row.make
    }
    assert {} == side_by_side(cases)


def test_two_faults_come_to_what_the_rule_says() -> None:
    rows = [row for row in [*CONNECTION, *CODING] if row.strikes]
    cases = {}
    for number, (one, other) in enumerate(itertools.combinations(rows, 2)):
        vendor = "agora" if number % 2 else "tencent"
        together = number % 4 < 2
        faults = [one.fault(vendor, 1), other.fault(vendor, 1 if together else 1 + one.strikes)]
        name = f"{vendor}: {one.name} {'with' if together else 'before'} {other.name}"
        cases[name] = case(vendor, [one, other], faults)
    assert {} == side_by_side(cases)


# --- ways that do not reach the vendor: nothing arrives, so no other fault can meet them ---------------------


class Nowhere(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(-2, "Name or service not known")

    async def close(self) -> None:
        pass


async def fails(vendor: str, base_url: str, **options: Any) -> tuple[AnalyticsError, int]:
    """What a listing raises there, and after how many attempts."""
    server = server_of(vendor, ())
    async with provider_of(server, base_url=base_url, retry=Retry(attempts=2, first_s=0.01), **options) as provider:
        with pytest.raises(AnalyticsError) as caught:
            await provider.calls(TimeRange(START, END)).collect()
        return caught.value, provider.receipt.attempts


def not_connected(failure: tuple[AnalyticsError, int]) -> None:
    error, attempts = failure
    assert ("TransportError", "connect", False, False, 2) == (
        type(error).__name__,
        getattr(error, "phase", None),
        getattr(error, "timed_out", None),
        getattr(error, "left", None),
        attempts,
    )
    assert error.__cause__ is error.__context__ is None, "foreign errors carry the request with its headers"


@pytest.mark.parametrize("vendor", PLANS)
def test_a_port_where_nobody_listens_is_a_failure_to_connect(vendor: str) -> None:
    async def scenario() -> None:
        async with server_of(vendor, ()) as gone:
            base_url = gone.base_url
        not_connected(await fails(vendor, base_url))

    run(scenario())


@pytest.mark.parametrize("vendor", PLANS)
def test_a_name_that_does_not_resolve_is_a_failure_to_connect(vendor: str) -> None:
    async def scenario() -> None:
        connector = aiohttp.TCPConnector(resolver=Nowhere())
        async with aiohttp.ClientSession(connector=connector) as session:
            not_connected(await fails(vendor, "https://nowhere.test", session=session))

    run(scenario())


@pytest.mark.parametrize("vendor", PLANS)
def test_tls_to_a_plain_port_is_a_failure_to_connect(vendor: str) -> None:
    async def scenario() -> int:
        async with server_of(vendor, ()) as server:
            not_connected(await fails(vendor, server.base_url.replace("http:", "https:")))
            return len(server.arrivals)

    assert 0 == run(scenario())


@contextlib.asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port, and what was said to it, connection by connection."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"")
        with contextlib.suppress(OSError):
            heard[-1] = await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("vendor", PLANS)
def test_a_certificate_that_nobody_vouches_for_is_a_failure_to_connect(vendor: str) -> None:
    async def scenario() -> list[bytes]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(SELF_SIGNED)
        async with listening(ssl=context) as (port, heard):
            not_connected(await fails(vendor, f"https://localhost:{port}"))
            trusting = ssl.create_default_context(cafile=str(SELF_SIGNED))
            connector = aiohttp.TCPConnector(ssl=trusting)
            async with aiohttp.ClientSession(connector=connector) as session:
                error, _ = await fails(vendor, f"https://localhost:{port}", session=session)
            assert "read" == getattr(error, "phase", None), "the certificate is good for whoever trusts it"
            return heard

    heard = run(scenario())
    assert 2 == len(heard), "only the two requests of the session that trusts it"
    assert all(b"HTTP/1.1" in said for said in heard)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("vendor", PLANS)
def test_another_host_hears_nothing_of_a_redirect(vendor: str, status: int) -> None:
    async def scenario() -> tuple[int, list[bytes]]:
        async with listening() as (port, heard):
            moved = moved_to(f"http://127.0.0.1:{port}/", status=status)
            async with server_of(vendor, [moved]) as server:
                error, requests = await fails(vendor, server.base_url)
                assert ("UnreadableReply", status) == (type(error).__name__, getattr(error, "status", None))
                assert requests == len(server.arrivals)
                return requests, heard

    assert (2, []) == run(scenario())


# --- a second host --------------------------------------------------------------------------------------------


async def judged_with_a_second_host(vendor: str, faults: Sequence[Fault], first: str = "") -> list[str]:
    """Everything is read though the first host always fails, and the hosts together saw what was sent."""
    async with server_of(vendor, faults) as broken, server_of(vendor, ()) as sound:
        hosts = [first or broken.base_url, sound.base_url]
        async with provider_of(sound, base_url=hosts) as provider:
            seen = await listed(sound, provider)
            attempts = provider.receipt.attempts
        arrivals = len(broken.arrivals) + seen.arrivals
    checks = {
        repr(seen.error): seen.error is None,
        seen.certificate.why: seen.certificate.complete and sorted(seen.found) == sorted(truth(vendor)),
        f"{seen.arrivals} arrivals at the second host": seen.arrivals == HONEST,
        f"{arrivals} arrivals of {seen.requests} requests": arrivals == seen.requests,
        f"{attempts} attempts": attempts == HONEST + 1,
    }
    return [what for what, right in checks.items() if not right]


def test_a_second_host_takes_over_from_one_that_fails() -> None:
    rows = [row for row in CONNECTION if not row.strikes]
    assert len(rows) > 3

    def second(vendor: str, faults: Sequence[Fault], first: str = "") -> Callable[[], Awaitable[list[str]]]:
        return lambda: judged_with_a_second_host(vendor, faults, first)

    cases = {f"{vendor}: {row.name}": second(vendor, [row.fault(vendor, 1)]) for row in rows for vendor in PLANS}
    cases |= {f"{vendor}: nobody listens": second(vendor, (), "http://127.0.0.1:9") for vendor in PLANS}
    assert {} == side_by_side(cases)
