"""A process that goes on without the store keeps to its share, and what it sent is charged once, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.limits import DAY, SECOND, Rate
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.record import Day
from agora_tencent_analytics.quota.redis_fallback import Away, Fallback
from agora_tencent_analytics.quota.redis_link import ASK_AGAIN_S
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.store import Claim, Room
from tests.quota.test_redis_store import NOWHERE, ask, finish, quota, used
from tests.support.counting_servers import refusals
from tests.support.redis_server import RedisServer, needs_redis

pytestmark = needs_redis

KEY = ("account", "lists")
TODAY = 20_717
PLENTY = (Rate(1_000_000, SECOND), Rate(1_000, DAY))
DAY_ALONE = (Rate(1_000, DAY),)
AGAIN_S = ASK_AGAIN_S + 0.1
"""After so long a server that could not be reached is asked again."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, persistent=True) as running:
        yield running


async def used_at_last(of: Quota, rates: tuple[Rate, ...]) -> int:
    """What was used; on a busy machine a server that has just begun may not answer in a third of a second."""
    for _ in range(20):
        with contextlib.suppress(QuotaUnavailable):
            return await used(of, rates)
        await asyncio.sleep(AGAIN_S)
    return await used(of, rates)


def sharing(server: RedisServer) -> RedisStore:
    return RedisStore(server.url, fallback_share=0.5, lease_s=0.6, timeout_s=0.3)


def test_a_stated_share_is_served_without_the_server_and_charged_when_it_is_back(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    of = quota(RedisStore(server.url, fallback_share=0.25, lease_s=0.6))
    rates = (Rate(20, SECOND), Rate(101, DAY))

    async def scenario() -> tuple[list[float], int]:
        for _ in range(10):
            await ask(of, rates)
        await asyncio.sleep(0.1)  # the last answer is told
        server.kill()
        arrived = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(4.5):
                while True:
                    arrived.append(await ask(of, rates))
        server.start()
        await asyncio.sleep(1.1)
        await ask(of, rates)
        return arrived, await used_at_last(of, rates)

    arrived, count = finish(scenario(), of)
    allowed = 19 * 25 // 100
    assert 2 * allowed <= len(arrived) <= 4 * allowed
    assert 0 == refusals(arrived, allowed, 1.0)["log"], "never more than the share"
    assert 10 + len(arrived) + 1 == count
    assert not [record for record in caplog.records if "could not be recorded" in record.getMessage()]


def test_a_share_of_less_than_one_request_stretches_the_window() -> None:
    of = quota(RedisStore(NOWHERE, fallback_share=0.5))
    rates = (Rate(1, SECOND), Rate(100, DAY))

    async def scenario() -> float:
        first = await ask(of, rates)
        return await ask(of, rates) - first

    assert 2.0 <= finish(scenario(), of) < 3.5


def test_answers_to_what_was_served_without_the_server_are_not_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    of = quota(RedisStore(NOWHERE, fallback_share=0.5))

    async def scenario() -> None:
        for _ in range(20):
            await ask(of, PLENTY)
        await asyncio.sleep(0.1)

    finish(scenario(), of)
    assert 1 == len([record for record in caplog.records if record.levelno >= logging.WARNING]), caplog.text


def test_a_share_of_the_day_is_not_exceeded() -> None:
    of = quota(RedisStore(NOWHERE, fallback_share=0.25))
    rates = (Rate(1_000_000, SECOND), Rate(13, DAY))

    async def scenario() -> None:
        for _ in range(3):
            await ask(of, rates)
        with pytest.raises(QuotaUnavailable, match=r"its share \(0.25\)"):
            await ask(of, rates)

    finish(scenario(), of)


# --- back -----------------------------------------------------------------------------------------------------


def test_what_was_granted_is_charged_once_though_those_who_tell_it_are_cancelled(server: RedisServer) -> None:
    of, sent = quota(sharing(server)), 0

    async def one() -> None:
        nonlocal sent
        async with of.slot("lists", PLENTY) as slot:
            slot.sent()
            sent += 1

    async def scenario() -> int:
        await one()
        server.kill()
        for _ in range(5):
            await one()
        server.start()
        await asyncio.sleep(AGAIN_S)
        for turn in range(12):
            impatient = asyncio.create_task(one())
            await asyncio.sleep(0.0005 * turn)
            impatient.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await impatient
        await one()
        return await used_at_last(of, PLENTY)

    count = finish(scenario(), of)
    assert 1 + 5 + 1 <= sent == count


def test_what_was_granted_is_charged_once_though_the_reply_is_lost_and_more_is_granted(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sharing(server)
    of = quota(store)
    run, lost = store._link.run, 0

    async def losing(keys: list[str], *words: str) -> Any:
        nonlocal lost
        reply = await run(keys, *words)
        if words[0] == "back" and lost < 2:
            lost += 1
            raise QuotaUnavailable("the reply is lost")
        return reply

    monkeypatch.setattr(store._link, "run", losing)

    async def scenario() -> int:
        await ask(of, DAY_ALONE)
        server.kill()
        for _ in range(3):
            await ask(of, DAY_ALONE)
        server.start()
        await asyncio.sleep(AGAIN_S)
        for _ in range(4):
            await ask(of, DAY_ALONE)
        return await used_at_last(of, DAY_ALONE)

    assert 1 + 3 + 4 == finish(scenario(), of)
    assert 2 == lost


@pytest.mark.parametrize(
    ("rates", "first_back", "sent"),
    [(PLENTY, "lists", False), (PLENTY, "detail", True), (DAY_ALONE, "lists", True), (DAY_ALONE, "detail", True)],
)
def test_a_request_in_flight_when_the_server_comes_back_costs_what_it_sent(
    server: RedisServer, rates: tuple[Rate, ...], first_back: str, sent: bool
) -> None:
    of = quota(sharing(server))

    async def scenario() -> int:
        for counter in ("lists", "detail"):
            async with of.slot(counter, rates) as slot:
                slot.sent()
        server.kill()
        async with of.slot("lists", rates) as slot:
            server.start()
            await asyncio.sleep(AGAIN_S)
            async with of.slot(first_back, rates) as other:
                other.sent()
            if sent:
                slot.sent()
        await ask(of, rates)
        return await used_at_last(of, rates)

    assert 1 + sent + (first_back == "lists") + 1 == finish(scenario(), of)


def test_coming_back_holds_everybody_until_all_others_who_served_themselves_are_back(server: RedisServer) -> None:
    away, other = quota(sharing(server)), quota(sharing(server))
    rates = (Rate(20, SECOND),)

    async def scenario() -> float:
        await ask(away, rates)
        await ask(other, rates)
        server.kill()
        await ask(away, rates)
        server.start()
        await asyncio.sleep(AGAIN_S)
        back = time.monotonic()
        late = asyncio.create_task(ask(away, rates))
        await asyncio.sleep(0.05)
        held = await ask(other, rates) - back
        await late
        return held

    assert 0.1 + ASK_AGAIN_S + 0.3 + 1.04 <= finish(scenario(), away, other) + 0.01


@pytest.mark.skipif(os.name != "posix", reason="stops a process as POSIX has it")
def test_the_share_is_served_until_the_server_grants_again_and_each_of_its_grants_is_known_there(
    server: RedisServer,
) -> None:
    away, other = quota(sharing(server)), quota(RedisStore(server.url, lease_s=0.6, timeout_s=0.3, unavailable="wait"))
    rates, began = (Rate(20, SECOND), Rate(1_000, DAY)), time.monotonic()
    served: list[float] = []

    async def again(of: Quota, arrived: list[float], after_s: float = 0.0) -> None:
        await asyncio.sleep(after_s)
        while time.monotonic() < began + 7:  # long enough for a busy machine to send what it may
            arrived.append(await ask(of, rates))

    async def outage() -> float:
        await asyncio.sleep(0.5)
        server.signal(signal.SIGSTOP)
        await asyncio.sleep(2)
        server.signal(signal.SIGCONT)
        return time.monotonic()

    async def scenario() -> tuple[float, list[float], int]:
        others: list[float] = []
        back, *_ = await asyncio.gather(outage(), again(away, served), again(other, others, 0.5 + 2 + AGAIN_S))
        return back, others, await used_at_last(other, rates)

    back, others, count = finish(scenario(), away, other)
    held_s = 0.1 + ASK_AGAIN_S + 0.3 + 1.04
    assert 6 <= sum(back + 0.5 < at < back + held_s for at in served)
    assert not [at for at in others if at < back + held_s]
    assert 10 <= sum(at > back + held_s + 0.5 for at in served + others), "in full again"
    assert len(served) + len(others) == count
    assert 0 == max(refusals(served + others, 20, 1.0).values())


@pytest.mark.skipif(os.name != "posix", reason="stops a process as POSIX has it")
def test_what_the_server_was_told_of_a_share_and_forgot_at_once_is_told_again(server: RedisServer) -> None:
    from redis.asyncio import Redis

    of = quota(sharing(server))

    async def scenario() -> int:
        await ask(of, DAY_ALONE)
        server.signal(signal.SIGSTOP)
        for _ in range(5):
            await ask(of, DAY_ALONE)
        server.signal(signal.SIGCONT)
        await asyncio.sleep(AGAIN_S)
        await ask(of, DAY_ALONE)  # the server, which gathers, is told of it by itself
        async with Redis.from_url(server.url) as redis:
            await redis.flushall()
        await ask(of, DAY_ALONE)
        return await used_at_last(of, DAY_ALONE)

    assert 8 == finish(scenario(), of)


@pytest.mark.skipif(os.name != "posix", reason="stops a process as POSIX has it")
def test_whoever_is_closed_tells_what_it_was_served_if_the_server_is_back(server: RedisServer) -> None:
    of, other = quota(sharing(server)), quota(RedisStore(server.url, lease_s=0.6))

    async def scenario() -> int:
        await ask(of, DAY_ALONE)
        server.signal(signal.SIGSTOP)
        for _ in range(5):
            await ask(of, DAY_ALONE)
        await of.aclose()
        server.signal(signal.SIGCONT)
        await asyncio.sleep(AGAIN_S)
        before = await used_at_last(other, DAY_ALONE)
        await of.aclose()
        await of.aclose()
        return await used_at_last(other, DAY_ALONE) - before

    assert 5 == finish(scenario(), of, other)


# --- the messages -----------------------------------------------------------------------------------------------


def a_claim(*days: int) -> Claim:
    room = Room(limit=100, free=100, period_s=1, rest_s=0.0)
    return Claim(id=secrets.token_hex(8), owner="me", windows=(room,), days=days, day_limit=100, seen=(0,) * len(days))


def serve(share: Fallback, *days: int) -> Claim:
    """What was granted out of the share, under the id that it has from then on."""
    claim = a_claim(*days)
    while (state := share.reserve(KEY, claim)).why is not None:
        time.sleep(0.001)
    return msgspec.structs.replace(claim, id=state.granted_as)


def told(away: Away) -> dict[int, list[tuple[int, int]]]:
    return {date: list(day.lives.values()) for date, day in away.days.items()}


def test_the_store_is_told_all_that_was_served_until_it_knows_all() -> None:
    share = Fallback(0.5)
    one, two = serve(share, TODAY), serve(share, TODAY)
    assert share.ended(KEY, one.id, ago_s=0.0)
    first = share.away(KEY)
    assert first is not None
    three = serve(share, TODAY)
    assert share.ended(KEY, two.id, ago_s=0.0, late_days=(TODAY + 1,))
    assert ({TODAY: [(2, 0)]}, True) == (told(first), first.first)
    share.told(KEY, first)
    second = share.away(KEY)
    assert second is not None
    assert ({TODAY: [(3, 0)], TODAY + 1: [(1, 0)]}, False) == (told(second), second.first)
    assert [three] == list(second.in_flight)
    share.told(KEY, first)
    assert share.away(KEY) == second, "an old message ends nothing"
    share.told(KEY, second)
    assert share.away(KEY) is None
    assert not share.ended(KEY, three.id, ago_s=0.0), "the store is told of it"


def test_a_store_that_was_away_once_more_waits_once_more_for_what_ended_without_it() -> None:
    share = Fallback(0.5)

    def come_back() -> bool:
        away = share.away(KEY)
        assert away is not None
        share.told(KEY, away)
        return away.first

    one, two = serve(share, TODAY), serve(share, TODAY)
    assert share.ended(KEY, one.id, ago_s=0.0)
    assert come_back()
    three = serve(share, TODAY)
    assert not share.ended(KEY, two.id, ago_s=0.0), "the store is told of it"
    assert not come_back()
    assert not share.ended(KEY, three.id, ago_s=0.0), "the store is told of it"
    four = serve(share, TODAY)
    assert share.ended(KEY, four.id, ago_s=0.0)
    assert come_back()


def test_what_is_given_back_while_the_store_is_told_is_told_next() -> None:
    share = Fallback(0.5)
    one = serve(share, TODAY)
    first = share.away(KEY)
    assert first is not None
    assert share.ended(KEY, one.id)
    share.told(KEY, first)
    second = share.away(KEY)
    assert second is not None
    assert ({TODAY: [(1, 1)]}, ()) == (told(second), second.in_flight)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_what_a_fork_and_its_parent_are_served_counts_twice() -> None:
    share = Fallback(0.5)
    serve(share, TODAY)
    heard, tells = os.pipe()
    if not (child := os.fork()):
        serve(share, TODAY)
        os.write(tells, msgspec.json.encode(share.away(KEY).days[TODAY]))  # type: ignore[union-attr]
        os._exit(0)
    serve(share, TODAY)
    serve(share, TODAY)
    os.waitpid(child, 0)
    away = share.away(KEY)
    assert away is not None
    away.days[TODAY].merge(msgspec.json.decode(os.read(heard, 1_000), type=Day))
    assert 1 + 1 + 2 == away.days[TODAY].used


def test_a_claim_that_is_served_here_has_another_id_than_one_that_the_store_may_have_granted() -> None:
    share, claim = Fallback(0.5), a_claim(TODAY)
    while (state := share.reserve(KEY, claim)).why is not None:
        time.sleep(0.001)
    assert state.granted_as not in ("", claim.id)
    assert not share.ended(KEY, claim.id, ago_s=0.0)
    assert share.ended(KEY, state.granted_as, ago_s=0.0)
