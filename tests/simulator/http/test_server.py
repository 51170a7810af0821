from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from typing import Any

import aiohttp
import pytest

from agora_tencent_analytics.simulator import (
    Delay,
    Fault,
    Reset,
    SimulatedAgora,
    SimulatedTencent,
    Stall,
    Truncate,
    running_in_thread,
)
from agora_tencent_analytics.simulator.fixtures import simulated_agora, simulated_tencent, simulated_world
from agora_tencent_analytics.simulator.http.server import MOST_BODY_BYTES
from tests.support.simulator_requests import (
    END,
    NOW,
    START,
    agora,
    agora_query,
    basic,
    signed,
    small_world,
    tencent,
    tencent_payload,
)

WORLD = small_world()
__all__ = ["simulated_agora", "simulated_tencent", "simulated_world"]


async def listed(server: SimulatedAgora, **timing: Any) -> dict[str, Any]:
    url = f"{server.base_url}/beta/analytics/call/lists"
    query = {name: str(value) for name, value in agora_query(server, start_ts=START, end_ts=END).items()}
    async with (
        aiohttp.ClientSession(**timing) as session,
        session.get(url, params=query, headers=basic(server)) as response,
    ):
        assert "application/json" == response.headers["Content-Type"]
        return dict(await response.json())


def over_the_wire(*faults: Fault, **timing: Any) -> dict[str, Any]:
    async def scenario() -> dict[str, Any]:
        async with SimulatedAgora(WORLD, plan="unlimited", clock=lambda: NOW, faults=faults) as server:
            return await listed(server, **timing)

    return asyncio.run(scenario())


def test_the_wire_carries_what_answer_gives() -> None:
    async def scenario() -> None:
        async with SimulatedAgora(WORLD, plan="unlimited", clock=lambda: NOW) as server:
            url = f"/beta/analytics/call/lists?appid={server.credentials['app_id']}&start_ts={START}&end_ts={END}"
            status, headers, body = await server.answer("GET", url, basic(server))
            async with (
                aiohttp.ClientSession() as session,
                session.get(server.base_url + url, headers=basic(server)) as response,
            ):
                sent = json.loads(await response.read())
            del sent["requestId"]
            expected = json.loads(body)
            del expected["requestId"]
            assert (status, headers["Date"], expected) == (response.status, response.headers["Date"], sent)

    asyncio.run(scenario())


def test_tencent_verifies_the_bytes_that_crossed_the_wire() -> None:
    async def scenario() -> None:
        async with (
            SimulatedTencent(WORLD, plan="unlimited", clock=lambda: NOW) as server,
            aiohttp.ClientSession() as session,
        ):
            body = json.dumps(tencent_payload(server, RoomId="é")).encode()
            host = {"Host": server.base_url.removeprefix("http://")}
            headers = signed(server, "DescribeRoomInfo", body, more=host)
            for sent, expected in ((body, None), (body + b" ", "AuthFailure.SignatureFailure")):
                async with session.post(server.base_url + "/", data=sent, headers=headers) as response:
                    answer = (await response.json())["Response"]
                assert expected == answer.get("Error", {}).get("Code")

    asyncio.run(scenario())


def test_a_reset_is_a_reset() -> None:
    with pytest.raises(aiohttp.ClientOSError, match="reset"):
        over_the_wire(Reset())


def test_a_truncated_body_ends_early() -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        over_the_wire(Truncate())


@pytest.mark.parametrize("in_body", [True, False])
def test_a_stall_outlasts_a_timeout_and_the_server_still_stops_at_once(in_body: bool) -> None:
    with pytest.raises(TimeoutError):
        over_the_wire(Stall(seconds=3_600, in_body=in_body), timeout=aiohttp.ClientTimeout(total=0.2))


@pytest.mark.parametrize("in_body", [True, False])
def test_after_a_short_stall_everything_arrives(in_body: bool) -> None:
    assert 14 == over_the_wire(Stall(seconds=0.01, in_body=in_body))["total_size"]


def test_many_servers_leave_no_task_and_no_port_behind() -> None:
    async def scenario() -> list[int]:
        before = asyncio.all_tasks()
        servers = [kind(WORLD) for kind in (SimulatedAgora, SimulatedTencent) for _ in range(5)]
        for server in servers:
            await server.__aenter__()
        ports = [int(server.base_url.rpartition(":")[2]) for server in servers]
        assert len(ports) == len(set(ports))
        for server in servers:
            await server.__aexit__(None, None, None)
        await asyncio.sleep(0)
        assert before == asyncio.all_tasks()
        return ports

    for port in asyncio.run(scenario()):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_it_listens_only_inside_its_block() -> None:
    server = agora(WORLD)
    with pytest.raises(RuntimeError, match="async with"):
        _ = server.base_url


def test_the_peak_of_requests_at_one_time_is_seen() -> None:
    async def scenario() -> int:
        async with SimulatedAgora(WORLD, plan="unlimited", clock=lambda: NOW, faults=[Delay(after=0.3)]) as server:
            await asyncio.gather(*(listed(server) for _ in range(5)))
            await listed(server)
            return server.peak_in_flight

    assert 5 == asyncio.run(scenario())


def test_a_thread_serves_who_has_no_loop() -> None:
    before = threading.active_count()
    with running_in_thread(agora(WORLD)) as server:
        assert 14 == asyncio.run(listed(server))["total_size"]
    assert before == threading.active_count()
    with pytest.raises(RuntimeError):
        _ = server.base_url


def test_a_port_in_use_is_told_to_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), running_in_thread(tencent(WORLD, port=port)):
            pass


def test_the_fixtures_serve(simulated_agora: SimulatedAgora, simulated_tencent: SimulatedTencent) -> None:
    assert simulated_agora.world is simulated_tencent.world
    world = simulated_agora.world

    async def scenario() -> dict[str, Any]:
        url = f"{simulated_agora.base_url}/beta/analytics/call/lists"
        query = f"start_ts={world.start}&end_ts={world.end}&appid={simulated_agora.credentials['app_id']}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}?{query}", headers=basic(simulated_agora)) as response,
        ):
            return dict(await response.json())

    assert 12 == asyncio.run(scenario())["total_size"]
    assert simulated_tencent.base_url.startswith("http://127.0.0.1:")


def test_a_body_of_more_than_a_megabyte_is_not_read() -> None:
    async def scenario() -> tuple[list[int], int]:
        async with SimulatedTencent(WORLD, plan="unlimited", clock=lambda: NOW) as server:
            statuses = []
            for size in (MOST_BODY_BYTES, MOST_BODY_BYTES + 1):
                async with (
                    aiohttp.ClientSession() as session,
                    session.post(server.base_url + "/", data=io.BytesIO(b"x" * size)) as response,
                ):
                    statuses.append(response.status)
            return statuses, len(server.arrivals)

    assert ([200, 413], 1) == asyncio.run(scenario())


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)])
def test_listening_where_others_can_ask_is_warned_of(host: str, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with SimulatedAgora(WORLD, plan="unlimited", host=host):
            pass

    asyncio.run(scenario())
    assert warned == ("where other machines can reach it" in caplog.text)


@pytest.mark.parametrize(("host", "warned"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)])
@pytest.mark.parametrize("made", [SimulatedAgora, SimulatedTencent])
def test_it_warns_where_other_machines_can_reach_it(
    made: Any, host: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with running_in_thread(made(WORLD, host=host, clock=lambda: NOW)):
        pass
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    words = f"a simulated vendor listens on {host}, where other machines can reach it"
    assert [warned] * warned == [words in message for message in told]
