"""The bound on bytes holds as far as it can, and never locks the scan up."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from anyio.streams.memory import MemoryObjectSendStream
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import Budget, scan
from agora_tencent_analytics.scan import stream
from agora_tencent_analytics.scan.memory_bound import ANSWER_COSTS, MemoryBound
from tests.support.simulated_scans import WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run

CALLS = st.lists(st.lists(st.integers(0, 400), max_size=5), min_size=1, max_size=25)


@settings(max_examples=2 * settings().max_examples)
@given(
    calls=CALLS,
    workers=st.integers(1, 6),
    bound=st.integers(1, 1_000),
    buffered=st.integers(0, 3),
    patience=st.sampled_from([0.0, 0.5, 5.0]),
)
def test_every_call_gets_through_whatever_its_size(
    calls: list[list[int]], workers: int, bound: int, buffered: int, patience: float
) -> None:
    """Batches larger than the bound, workers that wait for each other, a consumer that dawdles."""

    async def scenario() -> tuple[int, int, int]:
        memory = MemoryBound(bound)
        todo = list(enumerate(calls))
        send, receive = anyio.create_memory_object_stream[int](buffered)
        most = 0

        async def work(worker: int, out: MemoryObjectSendStream[int]) -> None:
            nonlocal most
            async with out:
                while todo:
                    _, batches = todo.pop(0)
                    memory.begin(worker)
                    gathered = 0
                    for size in batches:
                        await memory.leave(worker)
                        await anyio.sleep(0.1)
                        memory.came(worker, size)
                        memory.hold(size)
                        most = max(most, memory.held)
                        gathered += size
                    await out.send(gathered)
                    memory.end(worker)

        received = 0
        async with anyio.create_task_group() as group:
            for worker in range(workers):
                group.start_soon(work, worker, send.clone())
            send.close()
            async with receive:
                async for size in receive:
                    received += 1
                    await anyio.sleep(patience)
                    memory.release(size)
        return received, memory.held, most

    received, held, most = run(scenario)
    assert len(calls) == received
    assert 0 == held
    assert most <= sum(map(sum, calls))


def test_above_the_bound_only_the_oldest_goes_on() -> None:
    async def scenario() -> list[int]:
        memory = MemoryBound(100)
        went: list[int] = []

        async def ask(worker: int) -> None:
            await memory.leave(worker)
            went.append(worker)

        for worker in (1, 2, 3):
            memory.begin(worker)
        memory.hold(101)
        async with anyio.create_task_group() as group:
            for worker in (3, 2, 1):
                group.start_soon(ask, worker)
            await anyio.sleep(1)
            assert [1] == went
            memory.came(1, 10)
            memory.end(1)
            await anyio.sleep(1)
            assert [1, 2] == went
            memory.came(2, 0)
            for _ in range(200):  # what was expected is forgotten little by little
                memory.came(2, 0)
            memory.release(101)
            await anyio.sleep(1)
        return went

    assert [1, 2, 3] == run(scenario)


def test_leave_is_given_for_as_much_as_answers_are_large() -> None:
    """Three answers of 10 at once are 3 x 3 x 10 bytes: the fourth worker waits until one of them has come."""

    async def scenario() -> None:
        memory = MemoryBound(100)
        memory.begin(0)
        for _ in range(300):
            memory.came(0, 10)
        gone = []

        async def ask(worker: int) -> None:
            memory.begin(worker)
            await memory.leave(worker)
            gone.append(worker)

        async with anyio.create_task_group() as group:
            for worker in range(1, 6):
                group.start_soon(ask, worker)
            await anyio.sleep(1)
            assert 100 // (ANSWER_COSTS * 10) == len(gone)
            memory.came(gone[0], 10)
            await anyio.sleep(1)
            assert 100 // (ANSWER_COSTS * 10) + 1 == len(gone)
            group.cancel_scope.cancel()

    run(scenario)


@pytest.mark.parametrize("bound", [1, 50_000, 10**9])
def test_a_scan_gets_through_with_any_bound(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HELD_BYTES", bound)
    vendors = Vendors()

    async def scenario() -> None:
        records, report = await read(vendors.agora(latency=(0.01, 0.2)), over=WHOLE)
        assert report.complete
        assert truth_of(vendors.world, "agora", WHOLE) == exact(records)

    run(scenario)


def test_a_call_broken_off_by_a_spent_budget_holds_nothing_afterwards(tmp_path: Path) -> None:
    vendors = Vendors(calls=6, sessions_per_call=60)

    async def scenario() -> tuple[int, str]:
        records = scan(vendors.agora(), over=WHOLE, ledger=tmp_path / "ledger", budget=Budget(14))
        async with records:
            async for _ in records:
                pass
        return records._memory.held, records.report.vendors["agora"].stopped

    held, stopped = run(scenario)
    assert "the budget of 14 requests is spent" in stopped
    assert 0 == held
