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

import pytest

from agora_tencent_analytics.errors import BadInput, DailyQuotaExhausted, QuotaUnavailable, WouldExceedQuota
from agora_tencent_analytics.limits import DAY, MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.open_store import open_store
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.redis_link import ASK_AGAIN_S
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.slot import Waiting
from agora_tencent_analytics.quota.store import Claim, QuotaStore, Room
from tests.support.counting_servers import refusals
from tests.support.in_turn import in_turn
from tests.support.redis_server import RedisServer, needs_redis, redis_url

__all__ = ["redis_url"]

pytestmark = needs_redis

DAILY = (Rate(1_000_000, SECOND), Rate(100, DAY))
NOWHERE = "redis://:s3cret@127.0.0.1:1/0"
TODAY = 20_717

T = TypeVar("T")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, persistent=True) as running:
        yield running


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that loses its data when it dies."""
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def account() -> str:
    return secrets.token_hex(8)


def quota(store: str | QuotaStore, account: str = "account", *, cold_start: bool = False) -> Quota:
    return Quota(account, store=store, cold_start=cold_start)


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
        assert ("hold", (0,)) == (standing.why, standing.used)
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


def test_all_who_come_new_rest_after_its_clock_was_set_until_one_of_them_has_rested(
    redis_url: str, account: str
) -> None:
    room = Room(limit=9, free=9, period_s=1, rest_s=0.2)

    async def scenario() -> list[str | None]:
        told: list[str | None] = []
        after_s = 0.0
        stores = [RedisStore(redis_url, lease_s=0.06, timeout_s=0.5) for _ in range(4)]
        for number, ahead_s in ((0, 0), (1, 60), (2, 60), (1, 60), (3, 60)):
            if len(told) == 3:
                await asyncio.sleep(after_s)
            claim = a_claim(id=f"c{len(told)}", owner=f"o{number}", windows=(room,))
            state = await stores[number].reserve((account, "lists"), claim, time.time() + ahead_s)
            told.append(state.why)
            after_s = state.after_s
        for store in stores:
            await store.aclose()
        return told

    assert [None, "hold", "hold", None, None] == asyncio.run(scenario())


def test_slots_that_rest_no_more_do_not_pile_up(redis_url: str, account: str) -> None:
    async def scenario(store: RedisStore) -> int:
        from redis.asyncio import Redis

        await store.reserve((account, "lists"), a_claim(id="d"), 0)
        for number in range(50):
            await store.answered((account, "lists"), a_claim(id=f"{number}"), 0, ago_s=1_000 + number)
        await store.refund((account, "lists"), a_claim(id="d"))
        await store.reserve((account, "lists"), a_claim(), 0)
        await store.aclose()
        async with Redis.from_url(redis_url) as client:
            (ends,) = await client.keys(f"*{account}*:ends")
            return int(await client.zcard(ends))

    assert 1 + len("=") == asyncio.run(scenario(RedisStore(redis_url)))


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
        began = time.monotonic()
        abandoned = dead.slot("lists", rates)
        (await abandoned.__aenter__()).sent()
        assert isinstance(abandoned, Waiting)
        abandoned._counter.leases.end(abandoned._slot._grant.claim)  # the process dies here
        return after_slow, await ask(other, rates) - began

    after_slow, after_dead = finish(scenario(), live, dead, other)
    assert 1.5 + 1.04 <= after_slow < 1.5 + 1.04 + 1.5
    assert 0.3 + 1.04 <= after_dead < 0.3 + 1.04 + 1.5


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


def test_what_a_server_granted_could_not_say_and_lost_takes_nothing_off_the_day(server: RedisServer) -> None:
    mine, other = (quota(RedisStore(server.url, timeout_s=0.2, lease_s=0.06)) for _ in range(2))

    async def scenario() -> int:
        await ask(mine)
        await ask(other)
        server.signal(signal.SIGSTOP)
        with pytest.raises(QuotaUnavailable):
            await ask(mine)
        server.signal(signal.SIGCONT)
        from redis.asyncio import Redis

        async with Redis.from_url(server.url, decode_responses=True) as client:
            (lists,) = [key for key in await client.keys("*") if str(key).endswith(":lists")]
            await client.delete(lists)
        await asyncio.sleep(ASK_AGAIN_S + 0.1)
        await ask(other)
        await ask(mine)
        return await used(other)

    assert 4 <= finish(scenario(), mine, other) <= 5


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


# --- lost data ----------------------------------------------------------------------------------------------

A_MINUTE = (Rate(11, MINUTE), Rate(1_000, DAY))
GATHER_S = 0.1 + 1 + 0.2
"""Until all who live have told of themselves, with the options of `short`; the longest rest comes on top."""


def short(server: RedisServer) -> RedisStore:
    return RedisStore(server.url, lease_s=0.6, timeout_s=0.2)


async def sent_now(of: Quota, most: int) -> int:
    """How many of so many requests are granted without any wait."""
    for number in range(most):
        try:
            await ask(of, A_MINUTE, max_wait=0)
        except WouldExceedQuota:
            return number
    return most


async def forget_everything(url: str) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(url) as client:
        await client.flushall()


def test_a_server_that_lost_everything_is_told_what_was_used_and_holds_until_slots_are_known_again(
    server: RedisServer,
) -> None:
    one, two, new = (quota(short(server)) for _ in range(3))
    rates = (Rate(2, SECOND), Rate(100, DAY))

    async def scenario() -> tuple[float, int]:
        for of in (one, two, one, two):
            await ask(of, rates)
        await forget_everything(server.url)
        await used(one, rates)  # looking is not yet telling
        born = time.monotonic()
        slow = asyncio.create_task(ask(two, rates, for_s=0.1))
        await ask(one, rates)
        held = time.monotonic() - born
        await slow
        await ask(new, rates)
        return held, await used(new, rates)

    held, count = finish(scenario(), one, two, new)
    assert GATHER_S + 1.04 <= held + 0.02
    assert 7 == count


def test_whoever_comes_first_after_a_restart_that_lost_everything_a_minute_holds_no_more_than_its_limit(
    server: RedisServer,
) -> None:
    one, two = quota(short(server)), quota(short(server))
    new = quota(short(server), cold_start=True)

    async def scenario() -> list[int]:
        before = [await sent_now(one, 5), await sent_now(two, 4)]
        server.kill()
        server.persistent = False  # what it had written is not read again
        server.start()
        await asyncio.sleep(ASK_AGAIN_S + 0.1)
        return [*before, await sent_now(new, 10), await sent_now(one, 10), await sent_now(two, 10)]

    assert [5, 4, 0, 0, 0] == finish(scenario(), one, two, new)


def test_data_deleted_under_a_running_server_is_noticed_by_the_first_who_knew_it(server: RedisServer) -> None:
    one, two, new = (quota(short(server)) for _ in range(3))

    async def scenario() -> list[int]:
        before = [await sent_now(one, 5), await sent_now(two, 3)]
        await forget_everything(server.url)
        after = [await sent_now(of, most) for of, most in ((new, 1), (one, 9), (two, 9), (new, 9))]
        assert 9 == await used(new, A_MINUTE), "the day is mended from what was seen of it"
        with pytest.raises(WouldExceedQuota) as caught:
            await ask(new, A_MINUTE, max_wait=0)
        assert 58 < caught.value.retry_at - time.time() < GATHER_S + 60.06
        return [*before, *after]

    assert [5, 3, 1, 0, 0, 0] == finish(scenario(), one, two, new)


def test_a_loss_holds_once_from_the_birth_on_however_late_it_is_proved(server: RedisServer) -> None:
    one, new = quota(short(server)), quota(short(server))
    rates = (Rate(20, SECOND),)

    async def scenario() -> float:
        await ask(one, rates)
        await forget_everything(server.url)
        await ask(new, rates)
        await asyncio.sleep(GATHER_S + 1.04 - 0.3)
        began = time.monotonic()
        await ask(one, rates)
        return time.monotonic() - began

    assert 0.2 < finish(scenario(), one, new) < 0.3 + 0.3


def test_a_server_that_is_found_empty_rests_once_for_all_counters_at_once(
    forgetful: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    first, later = (quota(short(forgetful), cold_start=True) for _ in range(2))
    started = time.monotonic()

    async def scenario() -> tuple[float, float]:
        held = await ask(first, (Rate(20, SECOND), Rate(100, DAY))) - started
        began = time.monotonic()
        async with later.slot("a newborn", (Rate(20, SECOND),)):
            return held, time.monotonic() - began

    held, held_later = finish(scenario(), first, later)
    assert GATHER_S + 1.04 <= held < GATHER_S + 1.04 + 0.5
    assert held_later < 0.2
    said = [record.getMessage() for record in caplog.records]
    assert 1 == sum("what was sent earlier today" in one for one in said)


@pytest.mark.parametrize(("options", "sent"), [((), 10), (("--rename-command", "INFO", ""), 0)])
def test_a_server_with_an_append_only_file_holds_no_new_counter_if_it_says_that_it_has_one(
    tmp_path: Path, options: tuple[str, ...], sent: int
) -> None:
    with RedisServer(tmp_path, persistent=True, options=options) as server:
        of = quota(short(server))
        assert sent == finish(sent_now(of, 12), of)


# --- version 0.1 ---------------------------------------------------------------------------------------------


def test_days_of_version_0_1_are_kept_it_rests_once_and_old_clients_are_stopped(redis_url: str, account: str) -> None:
    async def scenario() -> None:
        from redis.asyncio import Redis
        from redis.exceptions import ResponseError

        stores = [RedisStore(redis_url, lease_s=0.6, timeout_s=0.2) for _ in range(2)]
        tag = f"agora-tencent-analytics:{{{account}:lists}}"
        async with Redis.from_url(redis_url) as client:
            await client.zadd(f"{tag}:slots", {"old claim": time.time()})
            await client.hset(f"{tag}:{TODAY}", mapping={"used": 5, "spent_at": 0})
            for store in stores:
                told = await store.reserve((account, "lists"), a_claim(), 0)
                assert ("hold", (5,)) == (told.why, told.used)
                assert 60 < told.after_s < 60 + GATHER_S
            with pytest.raises(ResponseError, match="WRONGTYPE"):
                await client.zscore(f"{tag}:slots", "old claim")
            keys = await client.keys(f"agora-tencent-analytics:{{{account}}}*")
            assert [-1] * 3 == [await client.ttl(key) for key in keys], "nothing expires"
        for store in stores:
            await store.aclose()

    asyncio.run(scenario())


def test_a_counter_of_version_0_1_rests_also_if_whoever_saw_it_first_dies_at_once(redis_url: str, account: str) -> None:
    async def scenario() -> None:
        from redis.asyncio import Redis

        first, second = [RedisStore(redis_url, lease_s=0.6, timeout_s=0.2) for _ in range(2)]
        assert (await first.reserve((account, "detail"), a_claim(), 0)).why is None, "the account is whole"
        async with Redis.from_url(redis_url) as client:
            await client.zadd(f"agora-tencent-analytics:{{{account}:lists}}:slots", {"old claim": time.time()})
        await first._hello((account, "lists"), a_claim())  # and dies
        assert "hold" == (await second.reserve((account, "lists"), a_claim(id="d"), 0)).why
        for store in (first, second):
            await store.aclose()

    asyncio.run(scenario())


# --- hung ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="stops a process as POSIX has it")
@pytest.mark.parametrize("unavailable", ["fail", "wait"])
def test_a_hung_server_is_waited_for_no_longer_than_the_timeout(server: RedisServer, unavailable: Any) -> None:
    of = quota(RedisStore(server.url, unavailable=unavailable, timeout_s=0.5))

    async def scenario() -> float:
        await ask(of)
        server.signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises((QuotaUnavailable, WouldExceedQuota), match=r"no answer in 0\.5 s|in the time allowed"):
            await ask(of, max_wait=0)
        took = time.monotonic() - began
        server.signal(signal.SIGCONT)
        return took

    assert finish(scenario(), of) < 0.5 + 0.3


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


@in_turn("scheme", ["redis", "rediss", "unix"])
@in_turn("password", ["pa/SECRET", "12/SECRET", "SEC#RET", "12#SECRET", "SEC?RET", "12?SECRET", "1/S@CRET"])
def test_a_password_that_would_be_misread_is_refused_and_none_of_it_told(scheme: str, password: str) -> None:
    with pytest.raises(BadInput, match=r"malformed.*%2F") as caught:
        RedisStore(f"{scheme}://user:{password}@host:6379/0")
    told = f"{caught.value}{caught.value.__context__}"
    for part in ("SEC", "CRET", "12", "RET@"):
        assert part not in told.replace("user:password@host:6379/0, and / ? # @", "")


@pytest.mark.parametrize(
    "url", ["redis://:s3cret@host:port/0", "redis://:s3cret", "redis://[s3cret/0", "s3cret", "https://:s3cret@host/0"]
)
def test_a_malformed_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadInput, match="malformed") as caught:
        RedisStore(url)
    assert "s3cret" not in f"{caught.value}{caught.value.__context__}"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:6380/1?password=s3cret", "redis://h:6380/1"),
        ("rediss://user:s3%2F3t@[::1]:6379", "rediss://[::1]:6379"),
        ("redis://:s@cret@h/0", "redis://h/0"),
        ("unix://:s3cret@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("redis://", "redis://"),
    ],
)
def test_a_store_shows_its_server_without_the_password(url: str, shown: str) -> None:
    assert f"<RedisStore {shown}>" == repr(RedisStore(url))


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
    with pytest.raises(AttributeError):
        a_claim().id = "another"  # type: ignore[misc]
