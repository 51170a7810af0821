"""A scan inside an async generator of the user's, left at any point: nobody else's task feels it, and nothing stays."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from agora_tencent_analytics import CallRecord, Provider, scan
from tests.support.simulated_scans import WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run


class Boom(Exception):
    pass


async def records_of(provider: Provider, **options: Any) -> AsyncGenerator[CallRecord, None]:
    """What a user writes in an afternoon."""
    async with scan(provider, over=WHOLE, **options) as records:
        async for record in records:
            yield record


async def nothing_stayed(vendors: Vendors, provider: Provider) -> None:
    """No task, request or slot of the scan is left, and the provider reads on."""
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert 0 == vendors.transports[0].in_flight
    states = await provider.quota()
    assert {0} == {state.waiting for state in states}
    assert provider.receipt.requests == sum(state.granted - state.refunded for state in states)
    again, report = await read(provider, over=WHOLE, depth="sessions")
    assert truth_of(vendors.world, provider.name, WHOLE, depth="sessions") == exact(again)
    assert report.complete


@asynccontextmanager
async def overheard() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop is told of errors that reached nobody, from finalisers among others."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    yield told
    gc.collect()
    await asyncio.sleep(1)
    assert [] == told


async def collected() -> None:
    """Lets the collector find a generator, and the loop close it."""
    gc.collect()
    await asyncio.sleep(1)


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_break_is_felt_by_nobody_else(vendor: str, after: int) -> None:
    vendors = Vendors()

    async def scenario() -> None:
        made, plan = (vendors.agora, "enterprise") if vendor == "agora" else (vendors.tencent, "advanced")
        provider = made(plan, latency=(0.02, 0.5))
        async with overheard():
            number = 0
            async for _ in records_of(provider):
                number += 1
                if number == after:
                    break
            await collected()
            await asyncio.sleep(30)  # whoever had left was cancelled here
            await nothing_stayed(vendors, provider)

    run(scenario)


def test_an_exception_in_the_loop_leaves_as_it_came() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(0.02, 0.5))
        async with overheard():

            async def consume() -> None:
                async for _ in records_of(agora):
                    raise Boom

            with pytest.raises(Boom):
                await consume()
            await collected()
            await nothing_stayed(vendors, agora)

    run(scenario)


def test_another_task_may_close_the_generator() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(0.02, 0.5))
        async with overheard():
            found = records_of(agora)
            await anext(found)
            await asyncio.create_task(found.aclose())
            await asyncio.sleep(30)
            await nothing_stayed(vendors, agora)

    run(scenario)


def test_each_record_may_be_taken_by_another_task() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(0.02, 0.5))
        async with overheard():
            found, taken = records_of(agora, depth="sessions"), []

            async def one() -> CallRecord | None:
                return await anext(found, None)

            while (record := await asyncio.create_task(one())) is not None:
                taken.append(record)
            assert truth_of(vendors.world, "agora", WHOLE, depth="sessions") == exact(taken)
            await nothing_stayed(vendors, agora)

    run(scenario)


def test_a_task_that_is_cancelled_while_it_waits_for_a_record_takes_the_scan_with_it_and_nothing_else() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(5.0, 5.0))

        async def consume() -> None:
            async for _ in records_of(agora):
                pass

        ended = []
        async with overheard(), anyio.create_task_group() as neighbours:

            async def neighbour() -> None:
                await asyncio.sleep(60)
                ended.append(True)

            neighbours.start_soon(neighbour)
            with anyio.move_on_after(8) as scope:
                await consume()
            assert scope.cancelled_caught
            await collected()
        assert [True] == ended
        await nothing_stayed(vendors, agora)

    run(scenario)


def test_a_generator_that_nobody_closes_is_closed_with_its_loop() -> None:
    vendors = Vendors()
    told: list[Any] = []
    kept: list[Any] = []

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(0.02, 0.5))
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        kept.append(records_of(agora))
        await anext(kept[0])

    run(scenario)
    kept.clear()
    gc.collect()
    assert [] == told
    assert 0 == vendors.transports[0].in_flight


def test_two_scans_left_in_the_wrong_order_do_not_disturb_each_other() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora("enterprise", latency=(0.02, 0.5))
        async with overheard():
            first, second = records_of(agora, depth="sessions"), records_of(agora, depth="sessions")
            await anext(first)
            taken = [await anext(second)]
            await first.aclose()  # it was entered first: scopes nest, scans need not
            taken += [record async for record in second]
            assert truth_of(vendors.world, "agora", WHOLE, depth="sessions") == exact(taken)
            await nothing_stayed(vendors, agora)

    run(scenario)


def test_a_failure_of_the_scans_own_reaches_whoever_takes_the_next_record() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        async def sealed() -> object:
            raise LookupError("the vault is sealed")

        agora = vendors.agora()
        agora._caller.credentials = sealed
        async with overheard():
            with pytest.raises(LookupError, match="the vault is sealed"):
                async for _ in records_of(agora):
                    pass
            async with scan(agora, over=WHOLE) as records:
                with pytest.raises(LookupError):
                    await anext(records)
            with pytest.raises(LookupError):  # nobody was told yet
                async with scan(agora, over=WHOLE):
                    await asyncio.sleep(5)
        assert {asyncio.current_task()} == asyncio.all_tasks()

    run(scenario)
