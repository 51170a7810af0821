from __future__ import annotations

import asyncio
import socket
import time

import pytest

from tests.support.steady_time import AT_WORK_S, run, steady


def test_what_the_machine_takes_away_counts_for_little_and_a_wait_counts_whole() -> None:
    async def scenario() -> tuple[float, float]:
        before = steady()
        time.sleep(0.5)  # noqa: ASYNC251 - a process that gets no turn
        await asyncio.sleep(0)
        busy = steady() - before
        await asyncio.sleep(0.2)
        return busy, steady() - before - busy

    busy, waited = run(scenario())
    assert busy < 3 * AT_WORK_S
    assert waited == pytest.approx(0.2, abs=3 * AT_WORK_S)


def test_whoever_waits_for_a_socket_is_timed_out() -> None:
    async def scenario() -> None:
        here, there = socket.socketpair()
        with here, there:
            reader, writer = await asyncio.open_connection(sock=here)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reader.read(1)
            writer.close()
            await writer.wait_closed()

    run(scenario())
