"""However a scan is left, nothing of it stays behind, and the provider still works."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from agora_tencent_analytics import AgoraProvider, TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import CallRecord, Records, stream
from agora_tencent_analytics.simulator import SimulatedAgora, World, running_in_thread
from tests.support.simulated_scans import WHOLE, InProcess, Vendors, exact, read, truth_of
from tests.support.virtual_time import run


class Boom(Exception):
    pass


async def leave(records: Records, how: str, after: int) -> None:
    if how == "at once":
        async with records:
            pass
        return
    if how == "not iterated":
        async with records:
            await anyio.sleep(2)
        return
    if how == "generator":

        async def inside() -> AsyncGenerator[CallRecord, None]:
            async with records:
                async for record in records:
                    yield record

        found = inside()
        for _ in range(after):
            await anext(found)
        await asyncio.create_task(found.aclose())
        return
    async with records:
        number = 0
        async for _ in records:
            number += 1
            if number == after:
                if how == "break":
                    break
                if how == "return":
                    return
                if how == "exception":
                    raise Boom
                if how == "cancelled":
                    await anyio.sleep_forever()


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(
    "how", ["break", "return", "exception", "cancelled", "timed out", "not iterated", "at once", "generator"]
)
def test_no_task_no_slot_and_no_request_stays_behind(how: str, after: int) -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(0.02, 0.5))
        records = scan(agora, over=WHOLE)
        if how == "exception":
            with pytest.raises(Boom):
                await leave(records, how, after)
        elif how == "cancelled":
            task = asyncio.create_task(leave(records, how, after))
            await asyncio.sleep(5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "timed out":
            with anyio.move_on_after(1.7) as scope:
                await leave(records, how, after)
            assert scope.cancelled_caught
        else:
            await leave(records, how, after)
        assert {asyncio.current_task()} == asyncio.all_tasks()
        transport, server = vendors.transports[0], vendors.servers[0]
        assert 0 == transport.in_flight
        states = await agora.quota()
        assert {0} == {state.waiting for state in states}
        spent = sum(state.granted - state.refunded for state in states)
        assert agora.receipt.requests == spent, "every slot was used or given back"
        assert agora.receipt.requests >= len(server.arrivals)
        assert not records.report.complete
        again, report = await read(agora, over=WHOLE, depth="sessions")
        assert truth_of(vendors.world, "agora", WHOLE, depth="sessions") == exact(again)
        assert report.complete
        assert 0 == server.refused, "what was cancelled in flight is still counted"

    run(scenario)


def test_an_exception_group_of_the_caller_leaves_as_it_came() -> None:
    vendors = Vendors()
    mine = ExceptionGroup("mine", [Boom()])

    async def scenario() -> None:
        async with scan(vendors.agora(), over=WHOLE) as records:
            await anext(records)
            raise mine

    with pytest.raises(ExceptionGroup) as caught:
        run(scenario)
    assert mine is caught.value


def test_a_bug_in_a_worker_reaches_the_caller_as_it_is() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        async def keys() -> object:
            raise LookupError("the vault is sealed")

        agora = vendors.agora()
        agora._caller.credentials = keys
        async with scan(agora, over=WHOLE) as records:
            async for _ in records:
                pass

    with pytest.raises(LookupError, match="the vault is sealed"):
        run(scenario)


def test_what_several_workers_meet_at_once_reaches_the_caller_as_one() -> None:
    vendors = Vendors()

    async def scenario() -> int:
        agora, asked = vendors.agora(), 0
        keys = agora._caller.credentials

        async def rotating() -> Any:
            nonlocal asked
            asked += 1
            if asked > 5:
                await anyio.lowlevel.checkpoint()
                raise LookupError(f"the vault is shut ({asked})")
            return await keys()

        agora._caller.credentials = rotating
        with pytest.raises(LookupError, match="the vault is shut"):
            await read(agora, over=WHOLE)
        return asked

    assert run(scenario) > 6, "more than one of them called for keys"


def test_a_scan_is_entered_once_and_iterated_inside() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        records = scan(vendors.agora(), over=WHOLE, depth="calls")
        with pytest.raises(RuntimeError, match="inside its own block"):
            await anext(records)
        async with records:
            first = [record async for record in records]
            assert [] == [record async for record in records], "a second iteration finds nothing more"
        assert 14 == len(first)
        assert [] == [record async for record in records]
        assert records.report.complete
        with pytest.raises(RuntimeError, match="entered once"):
            await records.__aenter__()
        broken = scan(vendors.agora(), over=WHOLE, depth="calls")
        async with broken:
            await anext(broken)
        with pytest.raises(RuntimeError, match="inside its own block"):
            await anext(broken)

    run(scenario)


def test_an_iteration_may_be_taken_up_again_after_a_break() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        async with scan(vendors.agora(), over=WHOLE, depth="sessions") as records:
            found = []
            async for record in records:
                found.append(record)
                break
            found += [record async for record in records]
        assert truth_of(vendors.world, "agora", WHOLE, depth="sessions") == exact(found)
        assert records.report.complete

    run(scenario)


@pytest.mark.parametrize("how", ["break", "exception", "cancelled", "generator"])
def test_no_connection_stays_behind(how: str) -> None:
    end = int(time.time()) - 600
    world = World(calls=14, start=end - 2 * HOUR, end=end)

    async def scenario() -> None:
        with running_in_thread(SimulatedAgora(world, plan="unlimited")) as server:
            keys: dict[str, Any] = dict(server.credentials)
            async with AgoraProvider(**keys, plan="unlimited", base_url=server.base_url, store=":memory:") as agora:
                over = TimeRange(world.start, world.end)
                records = scan(agora, over=over)
                if how == "exception":
                    with pytest.raises(Boom):
                        await leave(records, how, 1)
                elif how == "cancelled":
                    task = asyncio.create_task(leave(records, how, 1))
                    await asyncio.sleep(0.3)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                else:
                    await leave(records, how, 1)
                assert {asyncio.current_task()} == asyncio.all_tasks()
                found, _ = await read(agora, over=over, depth="sessions")
                assert truth_of(world, "agora", over, depth="sessions") == exact(found)
            runner = server._loopback._runner
            assert runner is not None
            assert runner.server is not None
            with anyio.fail_after(3):
                while runner.server.connections:  # noqa: ASYNC110 - the server runs in another thread
                    await anyio.sleep(0.01)
        gc.collect()  # a socket that nobody closed is a ResourceWarning, and that an error

    asyncio.run(scenario())


def test_a_slow_consumer_holds_the_scan_back() -> None:
    vendors = Vendors(calls=100, sessions_per_call=2, points_per_series=20, call_seconds=900)

    async def scenario() -> None:
        agora = vendors.agora()
        async with scan(agora, over=WHOLE, workers=2) as records:
            await anext(records)
            await anyio.sleep(60)
            begun = {
                arrival.facts["call_id"]
                for arrival in vendors.servers[0].arrivals
                if arrival.endpoint == "call/sessions"
            }
            assert len(begun) <= 1 + 2 + stream.BUFFERED_RECORDS
            rest = [record async for record in records]
        assert 99 == len(rest)

    run(scenario)


def test_a_slow_consumer_holds_a_listing_back() -> None:
    """Of a scan that reads nothing but the listing: a page in hand, a page that waits, and what may wait beside it."""
    vendors = Vendors(calls=1_000, sessions_per_call=2, points_per_series=0)

    async def scenario() -> tuple[int, int]:
        agora = vendors.agora()
        async with scan(agora, over=WHOLE, depth="calls") as records:
            taken = 0
            for _ in range(250):
                await anext(records)
                taken += 1
            await anyio.sleep(60)
            pages = len(vendors.servers[0].arrivals)
            rest = [record async for record in records]
        return 100 * pages - taken, taken + len(rest)

    ahead, calls = run(scenario)
    assert 1_000 == calls
    assert ahead <= 100 + stream.BUFFERED_RECORDS


def test_a_transport_is_not_closed_by_a_scan() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        await read(vendors.agora(), over=WHOLE, depth="calls")
        transport: InProcess = vendors.transports[0]
        assert not transport.closed

    run(scenario)
