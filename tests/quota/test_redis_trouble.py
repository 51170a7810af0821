"""Trouble with a Redis is told by its cause, and connections recover; real servers, all tries at once."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable, WouldExceedQuota
from agora_tencent_analytics.quota import redis_link
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.redis_store import RedisStore
from tests.support.redis_server import free_port
from tests.support.redis_tries import (
    DAILY,
    GATHER_S,
    SHORT,
    Try,
    keys_of,
    on_each_server,
    play,
    redis_of,
    say,
    told_of,
)


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
    assert 1 == told_of(server.port, level=logging.ERROR) == told_of(server.port, "user and password", logging.ERROR)


async def without_the_right_to_ask_for_info_it_works_after_one_rest(of: Try) -> None:
    server = await of.server(persistent=True)
    allowed = [word for word in ACL if word != "+info"]
    await allow(server.port, allowed)
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
    await allow(server.port, allowed)
    with pytest.raises(QuotaUnavailable, match=r"ACL SETUSER"):
        async with of.quota(server.url.replace("//", "//quota:word@")).slot("lists", (of.rate,)):
            pass


async def a_command_that_is_renamed_is_named(of: Try) -> None:
    for command in ("EVALSHA", "TIME"):
        server = await of.server("--rename-command", command, "", persistent=True)
        with pytest.raises(QuotaUnavailable, match="no command is renamed"):
            async with of.quota(server.url).slot("lists", (of.rate,)):
                pass


async def a_key_that_something_else_has_written_is_named_once(of: Try) -> None:
    server = await of.server(persistent=True)
    served = of.quota(server.url)
    async with served.slot("lists", (of.rate, DAILY)):
        pass
    (key,) = await keys_of(server.port, ":lists")
    for spoilt in (("HSET", key, "granted_at", "a text"), ("SET", key, "a text")):
        await say(server.port, *spoilt)
        with pytest.raises(QuotaUnavailable, match="something else has written"):
            async with of.quota(server.url).slot("lists", (of.rate, DAILY)):
                pass
        for _ in range(3):
            with pytest.raises(WouldExceedQuota):
                async with served.slot("lists", (of.rate, DAILY), max_wait=0):
                    pass
            await asyncio.sleep(1.1)
    assert 2 == told_of(server.port, level=logging.ERROR) == told_of(server.port, "has written", logging.ERROR)


async def a_server_that_may_not_write_for_a_while_is_told_of_once(of: Try) -> None:
    server = await of.server(persistent=True)
    quota = of.quota(server.url)
    async with quota.slot("lists", (of.rate, DAILY)):
        pass
    before = told_of(server.port, level=logging.WARNING)
    await say(server.port, "CONFIG", "SET", "min-replicas-to-write", "1")
    for _ in range(3):
        with pytest.raises(WouldExceedQuota):
            async with quota.slot("lists", (of.rate, DAILY), max_wait=0):
                pass
        await asyncio.sleep(1.1)
    assert 1 == told_of(server.port, level=logging.WARNING) - before == told_of(server.port, "Not enough good replicas")


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
    assert 0 == told_of(server.port, "written down")


async def a_server_that_loses_is_refused_or_warned_of(of: Try) -> None:
    evicting = await of.server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lfu")
    with pytest.raises(QuotaUnavailable, match=r"allkeys-lfu.*noeviction.*accept_eviction"):
        async with of.quota(evicting.url).slot("lists", (of.rate,)):
            pass
    async with of.quota(evicting.url, accept_eviction=True).slot("lists", (of.rate,)):
        pass
    assert 1 == told_of(evicting.port, "when it stops, what was sent", logging.WARNING)
    await say(evicting.port, "BGSAVE")
    await until(lambda: say(evicting.port, "INFO", "persistence"), "'rdb_last_bgsave_time_sec': [0-9]")
    async with of.quota(evicting.url, accept_eviction=True).slot("lists", (of.rate,)):
        pass
    assert 1 == told_of(evicting.port, "append-only file", logging.WARNING)
    assert 1 == told_of(evicting.port, "since its last dump")
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
    served = of.quota(one.url)
    async with served.slot("lists", (of.rate,)):
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
    slot = await say(one.port, "CLUSTER", "KEYSLOT", f"{{{served._account}}}")
    await say(one.port, "FLUSHALL")
    await say(one.port, "CLUSTER", "SETSLOT", slot, "NODE", await say(two.port, "CLUSTER", "MYID"))
    for _ in range(
        50
    ):  # whoever was served by it waits, as was chosen, and says why; the servers may have to agree first
        with pytest.raises(WouldExceedQuota):
            async with served.slot("lists", (of.rate,), max_wait=0):
                pass
        if told_of(one.port, "MovedError", logging.ERROR):
            break
        await asyncio.sleep(0.1)
    assert (
        1 == told_of(one.port, "MovedError", logging.ERROR) == told_of(one.port, "name a single server", logging.ERROR)
    )


async def tls_is_told_from_what_is_not(of: Try) -> None:
    key, certificate, port = of.folder / "key", of.folder / "certificate", free_port()
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    words = [*made.split(), "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)
    files = "--tls-key-file", str(key), "--tls-cert-file", str(certificate), "--tls-ca-cert-file", str(certificate)
    server = await of.server("--tls-port", str(port), "--tls-auth-clients", "no", *files, persistent=True)
    secured = f"rediss://127.0.0.1:{port}/0"
    async with of.quota(f"{secured}?ssl_ca_certs={certificate}", unavailable="fail").slot("lists", (of.rate,)):
        pass
    for url, told in (
        (secured, "ssl_ca_certs=FILE"),
        (secured.replace("rediss", "redis"), "a port that speaks TLS"),
        (server.url.replace("redis", "rediss"), "does not speak TLS"),
    ):
        with pytest.raises(QuotaUnavailable, match=told):
            async with of.quota(url, unavailable="fail").slot("lists", (of.rate,)):
                pass


async def a_proxy_that_closes_on_unknown_commands_is_named(of: Try) -> None:
    front = await of.proxy(of.shared, closes_on=b"EVALSHA")
    with pytest.raises(QuotaUnavailable, match="a proxy that does not know EVALSHA"):
        async with of.quota(front.url, unavailable="fail").slot("lists", (of.rate,)):
            pass


async def each_protocol_will_do_and_answers_may_be_text(of: Try) -> None:
    for options in ("protocol=2", "protocol=3", "decode_responses=true"):
        async with of.quota(f"{of.shared.url}?{options}", unavailable="fail").slot("lists", (of.rate, DAILY)) as slot:
            slot.sent()
    assert 3 == (await of.quota(f"{of.shared.url}?protocol=3").state("lists", (of.rate, DAILY))).used_today


async def until(ask: Callable[[], Awaitable[Any]], text: str) -> None:
    give_up_at = time.monotonic() + 20
    while not re.search(text, str(told := await ask())):
        assert time.monotonic() < give_up_at, told
        await asyncio.sleep(0.1)


ACL = redis_link._ACL.partition("* ")[2].split()


async def allow(port: int, words: Sequence[str]) -> None:
    """Makes a user of these rights."""
    await say(port, "ACL", "SETUSER", "quota", "on", ">word", "resetkeys", "~agora-tencent-analytics:*", *words)


OF_TROUBLE = [
    idle_connections_are_dropped_in_silence,
    a_round_trip_takes_half_a_second,
    a_wrong_password_is_told_at_once,
    a_password_that_is_changed_later_is_an_error_in_the_log_and_waited_for,
    without_the_right_to_ask_for_info_it_works_after_one_rest,
    with_the_rights_that_are_documented_it_works_at_once,
    a_right_that_is_missing_is_named,
    a_command_that_is_renamed_is_named,
    a_key_that_something_else_has_written_is_named_once,
    a_server_that_may_not_write_for_a_while_is_told_of_once,
    memory_that_is_full_does_not_stop_the_count,
    a_server_that_loses_is_refused_or_warned_of,
    a_cluster_is_refused_and_one_server_of_its_own_is_not,
    a_proxy_that_closes_on_unknown_commands_is_named,
    each_protocol_will_do_and_answers_may_be_text,
]


@on_each_server
def test_trouble_is_told_by_its_cause_and_connections_recover(binary: str, tmp_path: Path) -> None:
    play(OF_TROUBLE, tmp_path, SHORT, binary)


@pytest.mark.long
@on_each_server
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which makes a certificate, is not installed")
def test_a_port_that_speaks_tls_is_told_from_one_that_does_not(binary: str, tmp_path: Path) -> None:
    play([tls_is_told_from_what_is_not], tmp_path, SHORT, binary)


@pytest.mark.parametrize(
    ("url", "named"), [("redis://h/0?foo=bar", "foo"), ("redis://h/0?ssl_cert_reqs=none", "ssl_cert_reqs")]
)
def test_an_option_that_the_url_cannot_have_is_named(url: str, named: str) -> None:
    pytest.importorskip("redis", reason="redis-py is not installed")
    with pytest.raises(BadInput, match=rf"option {named}\b"):
        RedisStore(url)
