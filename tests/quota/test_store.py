"""The stores keep one contract; the file keeps it over processes, Redis over machines."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable, WouldExceedQuota
from agora_tencent_analytics.limits import Rate
from agora_tencent_analytics.quota import sqlite_store
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.open_store import QuotaNotPersisted, default_path, open_store
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import (
    LEASE_S,
    Claim,
    CounterKey,
    CounterState,
    QuotaStore,
    Room,
    renewal_interval,
)
from tests.support.redis_server import redis_url

__all__ = ["redis_url"]

TODAY = 20_717
NOW = 1_790_000_000.0
KEY = ("account", "call/lists")


@pytest.fixture
def key() -> CounterKey:
    return secrets.token_hex(8), "call/lists"


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> QuotaStore:
    if request.param == "redis":
        return RedisStore(request.getfixturevalue("redis_url"))
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "quota.sqlite3")


@pytest.fixture(params=["memory", "file"])
def timed(request: pytest.FixtureRequest, tmp_path: Path) -> QuotaStore:
    """The stores that are told what time it is."""
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "quota.sqlite3")


def finish(store: QuotaStore, scenario: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            await scenario()
        finally:
            await store.aclose()

    asyncio.run(whole())


def claim(
    owner: str = "me",
    *,
    free: int = 2,
    rest_s: float = 60.0,
    days: tuple[int, ...] = (),
    limit: int = 9,
    pace_s: float = 0.0,
    windows: bool = True,
) -> Claim:
    return Claim(
        id=secrets.token_hex(8),
        owner=owner,
        windows=(Room(limit=9, free=free, period_s=60, rest_s=rest_s),) if windows else (),
        pace_s=pace_s,
        days=days,
        day_limit=limit,
        seen=(0,) * len(days),
    )


async def why(store: QuotaStore, key: CounterKey, asked: Claim, now: float = NOW) -> str | None:
    return (await store.reserve(key, asked, now)).why


async def used(store: QuotaStore, key: CounterKey, *days: int) -> list[int]:
    return list((await store.look(key, "", days, NOW)).used)


# --- the contract of all three ------------------------------------------------------------------------------


def test_a_day_holds_exactly_its_limit_and_says_what_is_used(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        answers = [await store.reserve(key, claim(days=(TODAY,), limit=3), NOW) for _ in range(5)]
        assert [None] * 3 + ["day"] * 2 == [answer.why for answer in answers]
        assert [(1,), (2,), (3,), (3,), (3,)] == [answer.used for answer in answers]
        assert [3] == await used(store, key, TODAY)
        for elsewhere, day in ((key, TODAY + 1), (("other", key[1]), TODAY), ((key[0], "other"), TODAY)):
            assert await why(store, elsewhere, claim(days=(day,), limit=3)) is None

    finish(store, scenario)


def test_two_days_are_taken_together_or_not_at_all(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        await store.reserve(key, claim(days=(TODAY + 1,), limit=1), NOW)
        assert "day" == await why(store, key, claim(days=(TODAY, TODAY + 1), limit=1))
        assert [0, 1] == await used(store, key, TODAY, TODAY + 1)

    finish(store, scenario)


def test_a_refund_gives_one_request_back_once(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        mine = claim(days=(TODAY,), limit=2)
        await store.reserve(key, mine, NOW)
        await store.reserve(key, claim(days=(TODAY,), limit=2), NOW)
        await store.refund(key, mine)
        await store.refund(key, mine)
        assert [1] == await used(store, key, TODAY)
        assert [None, "day"] == [await why(store, key, claim(days=(TODAY,), limit=2)) for _ in range(2)]

    finish(store, scenario)


def test_a_day_marked_spent_stays_spent_after_refunds_but_not_for_a_larger_plan(
    store: QuotaStore, key: CounterKey
) -> None:
    async def scenario() -> None:
        mine = claim(days=(TODAY,), limit=10)
        await store.reserve(key, mine, NOW)
        await store.spend(key, TODAY, 10)
        await store.refund(key, mine)
        assert "day" == await why(store, key, claim(days=(TODAY,), limit=10))
        assert [10] == await used(store, key, TODAY)
        assert await why(store, key, claim(days=(TODAY,), limit=11)) is None
        await store.spend(key, TODAY + 1, 10)
        assert "day" == await why(store, key, claim(days=(TODAY + 1,), limit=10))

    finish(store, scenario)


def test_slots_of_others_fill_the_room_and_own_slots_do_not(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        for _ in range(4):
            assert await why(store, key, claim()) is None
        full = await store.reserve(key, claim("you", days=(TODAY,)), NOW)
        assert ("window", (0.0,) * 4, (0,)) == (full.why, full.others, full.used)
        assert await why(store, key, claim("you", free=5)) is None

    finish(store, scenario)


def test_a_refunded_slot_is_gone_and_an_unknown_one_that_was_answered_is_noted(
    store: QuotaStore, key: CounterKey
) -> None:
    async def scenario() -> None:
        mine = claim()
        await store.reserve(key, mine, NOW)
        await store.refund(key, mine)
        assert () == (await store.look(key, "you", (), NOW)).others
        await store.answered(key, mine, NOW, ago_s=20)
        assert pytest.approx((20,), abs=0.5) == (await store.look(key, "you", (), NOW)).others

    finish(store, scenario)


def test_an_answer_read_in_a_later_day_is_charged_to_it(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        mine = claim(days=(TODAY,), windows=False)
        await store.reserve(key, mine, NOW)
        await store.answered(key, mine, NOW, ago_s=0, late_days=(TODAY + 1,))
        assert [1, 1] == await used(store, key, TODAY, TODAY + 1)
        assert () == (await store.look(key, "you", (), NOW)).others

    finish(store, scenario)


def test_a_grant_to_anybody_paces_everybody(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        assert await why(store, key, claim(pace_s=30)) is None
        paced = await store.reserve(key, claim("you", pace_s=30), NOW)
        assert "pace" == paced.why
        assert pytest.approx(30, abs=0.5) == paced.after_s
        assert await why(store, key, claim("you")) is None

    finish(store, scenario)


def test_a_refusal_of_anybody_holds_everybody_and_is_told_with_its_age(store: QuotaStore, key: CounterKey) -> None:
    async def scenario() -> None:
        assert await why(store, key, claim()) is None
        await store.refused(key, NOW, ago_s=10, hold_s=60, sent_ago_s=2, period_s=60)
        held = await store.reserve(key, claim("you"), NOW)
        assert "hold" == held.why
        assert pytest.approx(50, abs=0.5) == held.after_s
        assert held.refused is not None
        assert (1, 60) == (held.refused.number, held.refused.period_s)
        assert pytest.approx([10, 12], abs=0.5) == [held.refused.ago_s, held.refused.sent_ago_s]
        await store.refused(key, NOW, ago_s=0, hold_s=1, sent_ago_s=0, period_s=None)
        state = await store.look(key, "you", (), NOW)
        assert pytest.approx(50, abs=0.5) == state.after_s
        assert state.refused is not None
        assert (2, None) == (state.refused.number, state.refused.period_s)

    finish(store, scenario)


def test_threads_racing_for_a_day_take_exactly_the_limit(store: QuotaStore, key: CounterKey) -> None:
    granted: list[int] = []

    async def take() -> None:
        asked = [claim(days=(TODAY,), limit=200, windows=False) for _ in range(80)]
        granted.append(sum([await why(store, key, one) is None for one in asked]))
        await store.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(take(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 200 == sum(granted)


# --- leases -------------------------------------------------------------------------------------------------


def alone(step: Awaitable[CounterState]) -> CounterState:
    async def whole() -> CounterState:
        return await step

    return asyncio.run(whole())


def test_a_slot_rests_from_its_answer_on(timed: QuotaStore) -> None:
    async def scenario() -> None:
        mine = claim()
        await timed.reserve(KEY, mine, NOW)
        await timed.answered(KEY, mine, NOW + 40, ago_s=10)
        assert "window" == await why(timed, KEY, claim("you", free=1), NOW + 89)
        assert await why(timed, KEY, claim("you", free=1), NOW + 91) is None

    finish(timed, scenario)


def test_the_slot_of_a_process_that_died_rests_from_the_end_of_its_lease_on(timed: QuotaStore) -> None:
    async def scenario() -> None:
        await timed.reserve(KEY, claim("dead"), NOW)
        assert "window" == await why(timed, KEY, claim("you", free=1), NOW + LEASE_S + 59)
        assert await why(timed, KEY, claim("you", free=1), NOW + LEASE_S + 61) is None

    finish(timed, scenario)


def test_a_lease_that_is_renewed_does_not_end(timed: QuotaStore) -> None:
    async def scenario() -> None:
        mine = claim()
        await timed.reserve(KEY, mine, NOW)
        for turn in range(1, 20):
            await timed.renew(KEY, mine, NOW + turn * LEASE_S / 2)
        assert "window" == await why(timed, KEY, claim("you", free=1), NOW + 10 * LEASE_S)

    finish(timed, scenario)


@pytest.mark.parametrize("back_s", [6, 120, 3_600])
def test_a_clock_that_was_set_back_is_noticed_and_costs_one_rest(timed: QuotaStore, back_s: int) -> None:
    async def scenario() -> None:
        old = claim("old")
        await timed.reserve(KEY, old, NOW + back_s)
        told = await timed.reserve(KEY, claim("you", free=1, pace_s=1), NOW)
        assert "hold" == told.why
        assert 60 <= told.after_s <= 60 + renewal_interval(LEASE_S)
        assert await why(timed, KEY, claim("you", free=2, pace_s=1), NOW + told.after_s) is None

    finish(timed, scenario)


def test_what_was_answered_before_its_clock_was_set_back_is_not_in_flight(timed: QuotaStore) -> None:
    async def scenario() -> None:
        answered, dead = claim("old"), claim("dead")
        for one in (answered, dead):
            await timed.reserve(KEY, one, NOW + 20)
        await timed.answered(KEY, answered, NOW + 20, ago_s=0)
        rest_s = (await timed.reserve(KEY, claim("you"), NOW)).after_s
        assert [None, "window"] == [await why(timed, KEY, claim("you", free=free), NOW + rest_s) for free in (2, 1)]

    finish(timed, scenario)


def test_a_clock_that_was_set_ahead_is_noticed_by_the_clock_that_cannot_be_set(timed: QuotaStore) -> None:
    def at(wall: float, monotonic: float) -> tuple[Claim, float]:
        return msgspec.structs.replace(claim("you", free=1), steady=wall - monotonic), wall

    async def scenario() -> None:
        assert (await timed.reserve(KEY, *at(NOW, 1_000))).why is None
        later = msgspec.structs.replace(at(NOW + 9, 1_009)[0], owner="me")
        assert "window" == (await timed.reserve(KEY, later, NOW + 9)).why
        assert "hold" == (await timed.reserve(KEY, *at(NOW + 100, 1_010))).why

    finish(timed, scenario)


def test_a_hold_is_never_longer_than_it_was_set_for_though_the_clock_is_set_back(timed: QuotaStore) -> None:
    async def scenario() -> None:
        assert await why(timed, KEY, claim(rest_s=1), NOW + 3_600) is None
        await timed.refused(KEY, NOW + 3_600, ago_s=0, hold_s=60, sent_ago_s=2, period_s=60)
        assert 60 == (await timed.look(KEY, "you", (), NOW)).after_s
        told = await timed.reserve(KEY, claim("you", rest_s=1), NOW)
        assert ("hold", 60) == (told.why, told.after_s)
        assert told.refused is not None
        assert (0, 0) == (told.refused.ago_s, told.refused.sent_ago_s)
        assert await why(timed, KEY, claim("you", rest_s=1), NOW + 61) is None
        await timed.refused(KEY, NOW + 61, ago_s=1, hold_s=5, sent_ago_s=0, period_s=60)
        assert pytest.approx(4) == (await timed.reserve(KEY, claim("you", rest_s=1), NOW + 61)).after_s

    finish(timed, scenario)


def test_a_hold_outlasts_a_clock_that_is_set_back_a_little(timed: QuotaStore) -> None:
    async def scenario() -> None:
        assert await why(timed, KEY, claim()) is None
        await timed.refused(KEY, NOW + 1, ago_s=0, hold_s=60, sent_ago_s=0, period_s=60)
        assert "hold" == await why(timed, KEY, claim("you"))

    finish(timed, scenario)


def test_slots_of_quotas_that_are_gone_do_not_pile_up_either() -> None:
    store = MemoryStore()

    async def scenario() -> None:
        for number in range(500):
            one = claim(f"owner {number}")
            await store.reserve(KEY, one, NOW + 100.0 * number)
            await store.answered(KEY, one, NOW + 100.0 * number, ago_s=0)

    finish(store, scenario)
    assert len(store.tables.slots[KEY]) < 70


def test_slots_do_not_pile_up(timed: QuotaStore) -> None:
    async def scenario() -> None:
        for number in range(500):
            one = claim()
            await timed.reserve(KEY, one, NOW + 100.0 * number)
            await timed.answered(KEY, one, NOW + 100.0 * number, ago_s=0)
        if isinstance(timed, MemoryStore):
            assert 70 > len(timed.tables.slots[KEY]["me"])
        assert 70 > len((await timed.look(KEY, "you", (), NOW + 50_000)).others)

    finish(timed, scenario)


# --- the file -----------------------------------------------------------------------------------------------


RACER = """
import asyncio, secrets, sys
from agora_tencent_analytics.quota.open_store import open_store
from agora_tencent_analytics.quota.store import Claim

async def main():
    store, granted = open_store(sys.argv[1]), 0
    for _ in range(120):
        claim = Claim(id=secrets.token_hex(8), owner=sys.argv[2], days=(1,), day_limit=300, seen=(0,))
        granted += (await store.reserve(("account", "counter"), claim, 0)).why is None
    await store.aclose()
    print(granted)

asyncio.run(main())
"""


@pytest.fixture(params=["file", "redis"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.getfixturevalue("redis_url") if request.param == "redis" else str(tmp_path / "new" / "quota.sqlite3")


def test_processes_racing_for_a_day_take_exactly_the_limit(shared: str) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, shared, f"{number}"], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    granted = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert 300 == sum(granted)


def test_the_file_outlives_the_store(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    first = SqliteStore(path)
    alone(first.reserve(KEY, claim(days=(TODAY,)), NOW))
    first.close()
    first.close()
    state = alone(SqliteStore(path).look(KEY, "new", (TODAY,), NOW + 5))
    assert ((1,), (0.0,)) == (state.used, state.others)


def test_a_store_that_is_forgotten_closes_its_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    alone(store.reserve(KEY, claim(days=(TODAY,)), NOW))
    assert (tmp_path / "quota.sqlite3-wal").exists()
    del store
    gc.collect()
    assert not (tmp_path / "quota.sqlite3-wal").exists()


def test_old_days_are_pruned(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    for day in (TODAY - 100, TODAY - 1, TODAY):
        alone(store.reserve(KEY, claim(days=(day,)), NOW))
    assert (0, 1, 1) == alone(store.look(KEY, "", (TODAY - 100, TODAY - 1, TODAY), NOW)).used


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        alone(SqliteStore(tmp_path / "state" / "quota.sqlite3").reserve(KEY, claim(days=(TODAY,)), NOW))
    finally:
        os.umask(before)
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "state").iterdir()}
    assert 0o700 == stat.S_IMODE((tmp_path / "state").stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_opens_the_file_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    alone(store.reserve(KEY, claim(days=(TODAY,)), NOW))
    child = os.fork()
    if not child:
        os._exit(0 if alone(store.reserve(KEY, claim(days=(TODAY,)), NOW)).why is None else 1)
    assert 0 == os.waitpid(child, 0)[1]
    assert (2,) == alone(store.look(KEY, "", (TODAY,), NOW)).used


def test_an_error_inside_a_step_takes_nothing_and_leaves_the_store_usable(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    broken = msgspec.structs.replace(claim(days=(TODAY,)), id=None)  # the column may not be empty
    with pytest.raises(QuotaUnavailable, match="NOT NULL"):
        alone(store.reserve(KEY, broken, NOW))
    assert (0,) == alone(store.look(KEY, "", (TODAY,), NOW)).used


def test_a_file_that_was_deleted_under_its_users_is_made_anew_and_shared_again(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    first, second = SqliteStore(path), SqliteStore(path)
    alone(first.reserve(KEY, claim(days=(TODAY,)), NOW))
    for file in list(tmp_path.iterdir()):
        file.unlink()
    assert (1,) == alone(second.reserve(KEY, claim(days=(TODAY,)), NOW)).used
    assert (2,) == alone(first.reserve(KEY, claim(days=(TODAY,)), NOW)).used
    assert path.is_file()


def test_a_file_that_is_spoilt_while_it_is_used_is_an_error_of_the_quota(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    store = SqliteStore(path)
    alone(store.reserve(KEY, claim(), NOW))
    for file in list(tmp_path.iterdir()):
        file.unlink()
    path.write_bytes(b"this is not a database, and never was one" * 100)
    with pytest.raises(QuotaUnavailable, match="not a database"):
        alone(store.reserve(KEY, claim(), NOW))


def test_while_the_file_is_locked_the_loop_turns_and_the_request_goes_through_in_the_end(tmp_path: Path) -> None:
    store, turns = SqliteStore(tmp_path / "quota.sqlite3"), 0

    async def scenario() -> str | None:
        nonlocal turns
        with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(store.reserve(KEY, claim(), NOW))
            for _ in range(20):
                await asyncio.sleep(0.005)
                turns += 1
            assert not waiting.done()
            other.execute("ROLLBACK")
            return (await waiting).why

    assert asyncio.run(scenario()) is None
    assert 20 == turns


def test_a_locked_file_is_waited_for_no_longer_than_the_caller_wants(tmp_path: Path) -> None:
    of = Quota("account", store=tmp_path / "quota.sqlite3", cold_start=False)
    assert isinstance(of.store, SqliteStore)

    async def scenario() -> None:
        async with of.slot("lists", (Rate(10, 60),), max_wait=0.1):
            pytest.fail("the file is locked")

    with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(WouldExceedQuota):
            asyncio.run(scenario())
        other.execute("ROLLBACK")
    assert time.monotonic() - began < 2


def test_a_file_that_stays_locked_is_an_error_and_what_is_spent_stays_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "_PATIENCE_S", 0.01)
    store, mine = SqliteStore(tmp_path / "quota.sqlite3"), claim(days=(TODAY,))
    alone(store.reserve(KEY, mine, NOW))
    with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for step in (store.reserve(KEY, claim(), NOW), store.refund(KEY, mine)):
            with pytest.raises(QuotaUnavailable, match="locked"):
                alone(step)  # type: ignore[arg-type]
        other.execute("ROLLBACK")
    assert (1,) == alone(store.look(KEY, "", (TODAY,), NOW)).used


def test_a_new_file_that_somebody_holds_is_opened_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "_PATIENCE_S", 0.01)
    with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store = open_store(tmp_path / "quota.sqlite3")
        with pytest.raises(QuotaUnavailable, match="locked"):
            alone(store.reserve(KEY, claim(), NOW))
        other.execute("ROLLBACK")
    assert alone(store.reserve(KEY, claim(), NOW)).why is None


class SlowStore(MemoryStore):
    """Answers over a network."""

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
        await asyncio.sleep(0.01)
        return await super().reserve(key, claim, now)


def test_who_does_not_want_to_wait_for_a_slot_waits_for_the_stores_answer(tmp_path: Path) -> None:
    of = Quota("account", store=SlowStore(), cold_start=False)

    async def scenario() -> None:
        async with of.slot("lists", (Rate(1, 60),), max_wait=0):
            pass

    asyncio.run(scenario())
    assert 1 == asyncio.run(of.state("lists", (Rate(1, 60),))).granted


def test_a_file_that_is_locked_for_a_moment_does_not_refuse_who_cannot_wait(tmp_path: Path) -> None:
    of = Quota("account", store=tmp_path / "quota.sqlite3", cold_start=False)
    assert isinstance(of.store, SqliteStore)

    async def scenario() -> None:
        with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.02, other.execute, "ROLLBACK")
            async with of.slot("lists", (Rate(10, 60),), max_wait=0):
                pass

    asyncio.run(scenario())


def test_a_store_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="not int"):
        open_store(5)  # type: ignore[arg-type]


# --- which store --------------------------------------------------------------------------------------------


def test_where_no_file_can_be_written_there_is_one_warning_and_memory(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    path.mkdir()
    with pytest.warns(QuotaNotPersisted, match=r"forgotten when this process ends and not shared") as caught:
        store = open_store(path)
    assert 1 == len(caught)
    assert __file__ == caught[0].filename
    assert isinstance(store, MemoryStore)


def test_a_directory_that_cannot_be_made_is_a_warning_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "file")
    with pytest.warns(QuotaNotPersisted):
        assert isinstance(open_store(), MemoryStore)


def test_what_is_asked_for_is_opened_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    own = MemoryStore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(open_store(":memory:"), MemoryStore)
        assert isinstance(open_store(str(tmp_path / "a.sqlite3")), SqliteStore)
        assert isinstance(open_store(tmp_path / "b.sqlite3"), SqliteStore)
        assert isinstance(open_store(), SqliteStore)
        assert own is open_store(own)
    assert default_path().is_file()
    assert tmp_path in default_path().parents


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:a-password@h/x",
        "Redis://u:a-password@h/0",
        "file:///a-password",
        "rediss://u:a-password@[::1/0",
        "redis://u:a-password@\u2100/0",
        '"postgres://u:a-password@h/x"',
        " 'file:///a-password' ",
        "redis:/u:a-password@h/0",
        "redis:u:a-password@h",
        "redis:a-password@h",
        "u:a-password@h:6379",
        "u:a-password@h",
        Path("redis://u:a-password@h/0"),
        "\u201credis://u:a-password@h\u201d",
        "\ufeffredis://h/?password=a-password",
        "url=redis://u:a-password@h",
        "redis-cli -u redis://u:a-pass/word@h",
        "redis%3A//u:a-password@h",
        "redis:\\\\u:a-password@h",
        "//u:a-password@h:6379",
        "h:6379,password=a-password,ssl=True",
        "rediss://u:a-password@h?ssl_cert_reqs=a-password",
    ],
)
def test_a_url_that_names_no_store_is_refused_without_its_password(
    url: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as refused:
        open_store(url)
    assert "a-password" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("server", ["localhost:6379", "127.0.0.1:6379", "redis.internal:6379/0", '"localhost:6379"'])
def test_an_address_without_a_scheme_is_no_file(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="redis://host:6379"):
        open_store(server)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [
        ("~/quota.sqlite3", "quota.sqlite3"),
        (Path("~/quota.sqlite3"), "quota.sqlite3"),
        ('"~/quota.sqlite3"', "quota.sqlite3"),
        (" ./a@b.sqlite3\n", "a@b.sqlite3"),
        ("of 12:30/quota", "of 12:30/quota"),
    ],
)
def test_a_path_is_meant_as_a_shell_would_read_it(
    spelt: str | Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    store = open_store(spelt)
    assert isinstance(store, SqliteStore)
    assert (tmp_path / expected).is_file()


@pytest.mark.parametrize("spelt", ['"redis://me:pw@127.0.0.1:1/0"', " redis://127.0.0.1:1", "'rediss://127.0.0.1:1'\n"])
def test_a_redis_is_one_in_quotes_and_behind_a_blank_as_well(
    spelt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("redis", reason="redis-py is not installed")
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_store(spelt), RedisStore)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", "home/.local/state/agora_tencent_analytics/quota.sqlite3"),
        ("darwin", "home/Library/Application Support/agora_tencent_analytics/quota.sqlite3"),
        ("win32", "home/AppData/Local/agora_tencent_analytics/quota.sqlite3"),
    ],
)
def test_each_system_has_its_state_directory(platform: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert Path(expected) == default_path()
