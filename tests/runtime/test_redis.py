"""The quota in a real Redis: cancelled, killed, restarted, forgotten; on real clocks, for seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import secrets
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest

from agora_tencent_analytics.errors import BadInput, DailyQuotaExhausted, QuotaUnavailable, WouldExceedQuota
from agora_tencent_analytics.limits import DAY, MINUTE, SECOND, Rate
from agora_tencent_analytics.runtime.open_store import open_store
from agora_tencent_analytics.runtime.quota import Quota
from agora_tencent_analytics.runtime.redis_link import ASK_AGAIN_S
from agora_tencent_analytics.runtime.redis_store import RedisStore
from agora_tencent_analytics.runtime.store import Claim, QuotaStore, Room
from tests.runtime.counting_servers import refusals
from tests.runtime.redis_server import RedisServer, needs_redis, redis_url

__all__ = ["redis_url"]

pytestmark = needs_redis

DAILY = (Rate(1_000_000, SECOND), Rate(100, DAY))
NOWHERE = "redis://:s3cret@127.0.0.1:1/0"
TODAY = 20_717

T = TypeVar("T")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def account() -> str:
    return secrets.token_hex(8)


def quota(store: str | QuotaStore, account: str = "account") -> Quota:
    return Quota(account, store=store, cold_start=False)


def finish(scenario: Coroutine[Any, Any, T], *quotas: Quota) -> T:
    async def whole() -> T:
        try:
            return await scenario
        finally:
            for of in quotas:
                await of.aclose()

    return asyncio.run(whole())


async def ask(of: Quota, rates: tuple[Rate, ...] = DAILY, *, for_s: float = 0.0, **options: Any) -> float:
    async with of.slot("lists", rates, **options) as slot:
        slot.sent()
        await asyncio.sleep(for_s / 2)
        arrived = time.monotonic()
        await asyncio.sleep(for_s / 2)
    return arrived


async def used(of: Quota, rates: tuple[Rate, ...] = DAILY) -> int:
    return (await of.state("lists", rates)).used_today


# --- granted once -------------------------------------------------------------------------------------------


def a_claim(**facts: Any) -> Claim:
    room = Room(limit=9, free=9, period_s=60, rest_s=60)
    return Claim(
        **{"id": "c", "owner": "me", "windows": (room,), "days": (TODAY,), "day_limit": 9, "seen": (0,), **facts}
    )


def test_a_claim_that_the_network_repeats_is_granted_once(redis_url: str, account: str) -> None:
    async def scenario(store: RedisStore) -> None:
        key, mine = (account, "lists"), a_claim()
        assert [(1,), (1,)] == [(await store.reserve(key, mine, 0)).used for _ in range(2)]
        assert (2,) == (await store.reserve(key, a_claim(id="d"), 0)).used
        await store.aclose()

    asyncio.run(scenario(RedisStore(redis_url)))


def test_a_claim_that_was_given_back_before_it_came_through_is_not_granted(redis_url: str, account: str) -> None:
    async def scenario(store: RedisStore) -> None:
        key, mine = (account, "lists"), a_claim()
        await store.refund(key, mine)
        standing = await store.reserve(key, mine, 0)
        assert ("void", (0,)) == (standing.why, standing.used)
        assert () == (await store.look(key, "you", (), 0)).others
        await store.aclose()

    asyncio.run(scenario(RedisStore(redis_url)))


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_cancellations_leaks_no_request_and_no_slot(redis_url: str, account: str, seed: int) -> None:
    of, other, dice = quota(redis_url, account), quota(redis_url, account), random.Random(seed)
    rates, sent = (Rate(1_000_000, SECOND), Rate(100_000, DAY)), 0

    async def one(patience: float | None) -> None:
        nonlocal sent
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience), of.slot("lists", rates) as slot:
                await asyncio.sleep(dice.choice([0, 0.001]))
                slot.sent()
                sent += 1
                await asyncio.sleep(dice.choice([0, 0.002]))

    async def scenario() -> None:
        for _ in range(12):
            tasks = [asyncio.create_task(one(dice.expovariate(300))) for _ in range(15)]
            patient = [asyncio.create_task(one(None)) for _ in range(10)]
            await asyncio.sleep(0.02 * dice.random())
            for task in patient[:8]:
                task.cancel()
            await asyncio.gather(*tasks, *patient, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert 0 < sent < 300
        assert sent == await used(other, rates)
        key = (of._account, "lists")
        ended = (await other.store.look(key, "nobody", (), 0)).others
        assert all(age > 0.05 for age in ended), "nothing is in flight"

    finish(scenario(), of, other)


def test_a_server_that_forgot_the_script_is_given_it_again(redis_url: str, account: str) -> None:
    of = quota(redis_url, account)

    async def scenario() -> int:
        from redis.asyncio import Redis

        await ask(of)
        async with Redis.from_url(redis_url) as client:
            await client.script_flush()
        await ask(of)
        return await used(of)

    assert 2 == finish(scenario(), of)


# --- shared -------------------------------------------------------------------------------------------------


def test_quotas_of_many_machines_share_the_windows_and_use_them(redis_url: str, account: str) -> None:
    quotas = [quota(redis_url, account) for _ in range(3)]
    rates, dice = (Rate(20, SECOND),), random.Random(7)

    async def scenario() -> list[float]:
        asks = [ask(of, rates, for_s=dice.expovariate(20)) for of in quotas for _ in range(14)]
        return await asyncio.gather(*asks)

    arrived = finish(scenario(), *quotas)
    assert 0 == max(refusals(arrived, 20, 1.0).values())
    assert max(arrived) - min(arrived) < 42 / 19 * 1.6


def test_one_quota_serves_several_loops_in_several_threads(redis_url: str, account: str) -> None:
    of, arrived = quota(redis_url, account), []

    async def many() -> None:
        arrived.extend(await asyncio.gather(*(ask(of, (Rate(40, SECOND), Rate(1_000, DAY))) for _ in range(15))))
        await of.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert 45 == len(arrived) == finish(used(of, (Rate(40, SECOND), Rate(1_000, DAY))), of)
    assert 0 == max(refusals(arrived, 40, 1.0).values())


def test_a_slow_answer_of_a_live_process_keeps_its_slot_and_a_dead_process_loses_it(
    redis_url: str, account: str
) -> None:
    live, dead, other = (quota(RedisStore(redis_url, lease_s=0.3), account) for _ in range(3))
    rates = (Rate(1, SECOND),)

    async def scenario() -> tuple[float, float]:
        began = time.monotonic()
        slow = asyncio.create_task(ask(live, rates, for_s=1.5))
        await asyncio.sleep(0.05)
        after_slow = await ask(other, rates) - began
        await slow
        abandoned = dead.slot("lists", rates)
        (await abandoned.__aenter__()).sent()
        assert abandoned._renewal is not None
        await abandoned._renewal.stop()  # the process dies here
        began = time.monotonic()
        return after_slow, await ask(other, rates) - began

    after_slow, after_dead = finish(scenario(), live, dead, other)
    assert 1.5 + 1.04 <= after_slow < 1.5 + 1.04 + 1.5
    assert 0.3 + 1.04 <= after_dead + 0.01 < 0.3 + 1.04 + 1.5


def test_a_spent_day_and_a_refusal_are_known_to_all(redis_url: str, account: str) -> None:
    one, two = quota(redis_url, account), quota(redis_url, account)

    async def scenario() -> None:
        async with one.slot("lists", (Rate(2, MINUTE),)) as slot:
            slot.sent()
            slot.refused("second", 5.0)
        with pytest.raises(WouldExceedQuota) as caught:
            await ask(two, (Rate(2, MINUTE),), max_wait=1)
        assert caught.value.retry_at > time.time() + 4
        async with one.slot("detail", DAILY) as slot:
            slot.sent()
            slot.refused("day")
        with pytest.raises(DailyQuotaExhausted):
            async with two.slot("detail", DAILY):
                pass

    finish(scenario(), one, two)


def test_a_restarted_process_knows_what_is_spent_of_the_minute_and_of_the_day(redis_url: str, account: str) -> None:
    before, after = quota(redis_url, account), quota(redis_url, account)
    rates = (Rate(3, MINUTE), Rate(100, DAY))

    async def scenario() -> None:
        await asyncio.gather(ask(before, rates), ask(before, rates))
        with pytest.raises(WouldExceedQuota) as caught:
            await ask(after, rates, max_wait=1)
        assert 58 < caught.value.retry_at - time.time() < 60.1
        state = await after.state("lists", rates)
        assert (2, 97) == (state.used_today, state.left_today)
        assert 58 < state.next_free_s < 60.1

    finish(scenario(), before, after)


# --- unreachable --------------------------------------------------------------------------------------------


def test_while_the_server_cannot_be_reached_nothing_is_sent_and_no_password_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    of = quota(NOWHERE)
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(QuotaUnavailable, match="nothing was sent") as caught:
                await ask(of)
            assert "s3cret" not in repr(caught.value) + repr(of.store) + repr(caught.value.__context__)
        assert time.monotonic() - began < 1, "a server that does not answer is left alone for a while"
        with pytest.raises(QuotaUnavailable):
            await of.state("lists", DAILY)

    finish(scenario(), of)
    assert "s3cret" not in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="stops a process as POSIX has it")
def test_what_a_server_granted_and_could_not_say_is_given_back_when_it_answers_again(
    server: RedisServer, account: str
) -> None:
    store = RedisStore(server.url, timeout_s=0.2)
    mine = quota(store, account)

    async def scenario() -> list[int]:
        await ask(mine)
        server.signal(signal.SIGSTOP)
        with pytest.raises(QuotaUnavailable):
            await ask(mine)
        server.signal(signal.SIGCONT)
        await asyncio.sleep(ASK_AGAIN_S + 0.1)
        after_the_outage = await used(mine)
        await ask(mine)
        return [after_the_outage, await used(mine)]

    assert [2, 2] == finish(scenario(), mine), "granted behind its back, and given back before the next"


def test_a_killed_server_is_an_error_and_a_restarted_one_goes_on_where_it_was(tmp_path: Path) -> None:
    with RedisServer(tmp_path, persistent=True) as server:
        of = quota(server.url)

        async def scenario() -> None:
            for _ in range(5):
                await ask(of)
            with contextlib.suppress(QuotaUnavailable):
                async with of.slot("lists", DAILY) as slot:
                    slot.sent()
                    server.kill()
            with pytest.raises(QuotaUnavailable):
                await ask(of)
            server.start()
            await asyncio.sleep(1.1)
            await ask(of)
            assert 7 == await used(of)

        finish(scenario(), of)


def test_a_server_that_lost_everything_is_told_what_was_used_and_holds_until_slots_are_known_again(
    server: RedisServer,
) -> None:
    one, two, new = (quota(RedisStore(server.url, lease_s=0.6)) for _ in range(3))
    rates = (Rate(2, SECOND), Rate(100, DAY))

    async def scenario() -> tuple[float, int]:
        for of in (one, two, one, two):
            await ask(of, rates)
        server.kill()
        with pytest.raises(QuotaUnavailable):
            await ask(one, rates)
        server.start()
        await asyncio.sleep(1.1)
        await used(one, rates)  # looking is not yet telling
        back = time.monotonic()
        slow = asyncio.create_task(ask(two, rates, for_s=0.1))
        await ask(one, rates)
        held = time.monotonic() - back
        await slow
        await ask(new, rates)
        return held, await used(new, rates)

    held, count = finish(scenario(), one, two, new)
    assert 0.1 + 1 + 1.04 <= held + 0.02
    assert 7 == count


def test_waiting_for_the_server_obeys_the_callers_patience_and_ends_when_it_is_back(server: RedisServer) -> None:
    of = quota(RedisStore(server.url, unavailable="wait", lease_s=0.6))

    async def scenario() -> None:
        await ask(of)
        server.kill()
        with pytest.raises(WouldExceedQuota):
            await ask(of, max_wait=0.5)
        waiting = asyncio.create_task(ask(of))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        server.start()
        async with asyncio.timeout(10):
            await waiting
        assert 2 == await used(of)

    finish(scenario(), of)


def test_a_stated_share_is_served_without_the_server_and_charged_when_it_is_back(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    of = quota(RedisStore(server.url, fallback_share=0.25, lease_s=0.6))
    rates = (Rate(20, SECOND), Rate(101, DAY))

    async def scenario() -> tuple[list[float], int]:
        for _ in range(10):
            await ask(of, rates)
        server.kill()
        arrived = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(4.5):
                while True:
                    arrived.append(await ask(of, rates))
        server.start()
        await asyncio.sleep(1.1)
        await ask(of, rates)
        return arrived, await used(of, rates)

    arrived, count = finish(scenario(), of)
    allowed = 19 * 25 // 100
    assert 2 * allowed <= len(arrived) <= 4 * allowed
    assert 0 == refusals(arrived, allowed, 1.0)["log"], "never more than the share"
    assert 10 + len(arrived) + 1 == count
    assert not [record for record in caplog.records if "could not be written" in record.getMessage()]


def test_a_share_of_less_than_one_request_stretches_the_window() -> None:
    of = quota(RedisStore(NOWHERE, fallback_share=0.5))
    rates = (Rate(1, SECOND), Rate(100, DAY))

    async def scenario() -> float:
        first = await ask(of, rates)
        return await ask(of, rates) - first

    assert 2.0 <= finish(scenario(), of) < 3.5


def test_a_share_of_the_day_is_not_exceeded() -> None:
    of = quota(RedisStore(NOWHERE, fallback_share=0.25))
    rates = (Rate(1_000_000, SECOND), Rate(13, DAY))

    async def scenario() -> None:
        for _ in range(3):
            await ask(of, rates)
        with pytest.raises(QuotaUnavailable, match=r"its share \(0.25\)"):
            await ask(of, rates)

    finish(scenario(), of)


# --- options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        *[({"fallback_share": share}, "fallback_share") for share in (0, 0.6, 1, -1)],
        ({"fallback_share": 0.2, "unavailable": "wait"}, "fallback_share"),
        *[({"unavailable": "hope"}, "unavailable"), ({"lease_s": 0}, "lease_s"), ({"timeout_s": -1}, "timeout_s")],
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        RedisStore(NOWHERE, **options)


def test_a_malformed_url_is_refused_without_repeating_it() -> None:
    with pytest.raises(BadInput, match="malformed") as caught:
        open_store("redis://:s3cret@host:port/0")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://h:6380/1", "unix:///run/redis.sock"])
def test_a_url_names_a_redis(url: str) -> None:
    assert isinstance(open_store(url), RedisStore)


def test_without_redis_py_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(BadInput, match=r"pip install \"agora-tencent-analytics\[redis\]\""):
        RedisStore(NOWHERE)


def test_nothing_of_redis_is_imported_before_it_is_used() -> None:
    import subprocess

    code = "import sys, agora_tencent_analytics; print('redis' in sys.modules)"
    assert "False" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()


def test_the_values_that_cross_the_protocol_are_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        a_claim().id = "another"  # type: ignore[misc]
