"""Batches pass a queue in order; who puts them in waits while too much waits, and nobody waits for ever."""

from __future__ import annotations

import anyio
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.scan.batch_queue import BatchQueue
from tests.support.virtual_time import run


@given(
    batches=st.lists(st.lists(st.integers(), max_size=7), max_size=7),
    bound=st.integers(0, 9),
    takers=st.integers(1, 4),
    patience=st.sampled_from([0.0, 0.3]),
)
def test_every_item_comes_through_once_and_in_order(
    batches: list[list[int]], bound: int, takers: int, patience: float
) -> None:
    async def scenario() -> list[int]:
        queue, found = BatchQueue[int](bound), list[int]()

        async def take() -> None:
            while (item := await queue.take()) is not None:
                found.append(item)
                await anyio.sleep(patience)

        async with anyio.create_task_group() as group:
            for _ in range(takers):
                group.start_soon(take)
            for batch in batches:
                await queue.put(batch)
            queue.close()
        return found

    assert [item for batch in batches for item in batch] == run(scenario)


def test_who_puts_a_batch_in_goes_on_when_no_more_than_the_bound_waits() -> None:
    async def scenario() -> list[int]:
        queue, put, counts = BatchQueue[int](2), list[int](), list[int]()

        async def fill() -> None:
            for number in range(3):
                await queue.put([number] * 4)
                put.append(number)

        async with anyio.create_task_group() as group:
            group.start_soon(fill)
            for _ in range(7):
                await anyio.sleep(1)
                counts.append(len(put))
                await queue.take()
            group.cancel_scope.cancel()
        return counts

    assert [0, 0, 1, 1, 1, 1, 2] == run(scenario)


def test_many_that_wait_to_put_are_all_let_go() -> None:
    async def scenario() -> int:
        queue, done = BatchQueue[int](1), list[int]()

        async def fill(number: int) -> None:
            for _ in range(5):
                await queue.put([number])
            done.append(number)

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(fill, number)
            for _ in range(20):
                await anyio.sleep(1)
                await queue.take()
        return len(done)

    assert 4 == run(scenario)
