"""Whatever a store forgets, no vendor sees more than its limit, and the day is at least what the living have sent."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import random
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.memory_store import MemoryTables
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.recorded_store import RecordedStore, Tables
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.sqlite_file import SqliteFile
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import LEASE_S, renewal_interval
from tests.support.long_runs import first
from tests.support.losses import play
from tests.support.redis_server import needs_redis, redis_url
from tests.support.virtual_time import VirtualClock, run

__all__ = ["redis_url"]

T = TypeVar("T")

FEW, MANY = 12, 300
FEW_ON_REAL_CLOCKS = 6
AT_ONCE = 40


class SharedMemory(RecordedStore):
    """One process's view of memory that several share."""

    def __init__(self, of: MemoryOfAFork) -> None:
        super().__init__(gather_s=renewal_interval(LEASE_S))
        self._of = of

    async def _run(self, step: Callable[[Tables, str, float], T]) -> T:
        return step(self._of.tables, self._of.identity, 0.0)

    async def aclose(self) -> None:
        """Nothing is open."""


class MemoryOfAFork:
    """Dictionaries that may become those of a moment ago, as a forked process has them."""

    account, remote = "account", False

    def __init__(self) -> None:
        self.tables, self.identity = MemoryTables(), "1"

    def client(self) -> SharedMemory:
        return SharedMemory(self)

    async def snapshot(self) -> MemoryTables:
        return copy.deepcopy(self.tables)

    async def lose_all(self) -> None:
        self.tables = MemoryTables()

    async def lose_some(self, dice: random.Random) -> None:
        rows: list[tuple[dict[Any, Any], Any]] = [(self.tables.accounts, name) for name in self.tables.accounts]
        rows += [(self.tables.records, key) for key in self.tables.records]
        rows += [(own, name) for owners in self.tables.slots.values() for own in owners.values() for name in own]
        for table, name in dice.sample(rows, dice.randint(1, len(rows))):
            del table[name]

    async def go_back(self, state: MemoryTables, *, elsewhere: bool) -> None:
        self.tables = state
        self.identity += "+" * elsewhere

    async def aclose(self) -> None:
        """Nothing is open."""


class LossyFile:
    """A file that is deleted, replaced by an older copy, or loses rows."""

    account, remote = "account", False

    def __init__(self, folder: Path) -> None:
        self._path, self._copies = folder / "quota.sqlite3", 0
        SqliteStore(self._path)

    def client(self) -> SqliteStore:
        return SqliteStore(self._path)

    async def snapshot(self) -> tuple[Path, dict[str, list[Any]]]:
        self._copies += 1
        older = self._path.with_name(f"copy {self._copies}")
        file = SqliteFile.at(self._path)
        with file.transaction() as rows:
            found = {table: rows.execute(f"SELECT * FROM {table}").fetchall() for table in ("records", "slots")}
        assert file._open is not None
        file._open.connection.execute("VACUUM INTO ?", (str(older),))
        return older, found

    async def lose_all(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._path}{suffix}")

    async def lose_some(self, dice: random.Random) -> None:
        with SqliteFile.at(self._path).transaction() as rows:
            found = [("records", row) for row in rows.execute("SELECT account, counter, '' FROM records")]
            found += [("slots", row) for row in rows.execute("SELECT account, counter, id FROM slots")]
            for table, (account, counter, name) in dice.sample(found, dice.randint(1, len(found))):
                more = "AND id = ?" if table == "slots" else "AND ? = ''"
                rows.execute(f"DELETE FROM {table} WHERE account = ? AND counter = ? {more}", (account, counter, name))

    async def go_back(self, state: tuple[Path, dict[str, list[Any]]], *, elsewhere: bool) -> None:
        older, found = state
        if elsewhere:
            os.replace(older, self._path)
            return
        with SqliteFile.at(self._path).transaction() as rows:
            for table, of_then in found.items():
                rows.execute(f"DELETE FROM {table}")
                if of_then:
                    rows.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(of_then[0]))})", of_then)

    async def aclose(self) -> None:
        """Whoever has it open closes it."""


class LossyRedis:
    """The keys of one account on a server that others use too."""

    LEASE_S, TIMEOUT_S, remote = 0.6, 0.3, True

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis

        self.account, self._url = secrets.token_hex(8), url
        self._tag = f"agora-tencent-analytics:{{{Quota(self.account)._account}}}"
        self._redis = Redis.from_url(url)

    def client(self) -> RedisStore:
        return RedisStore(self._url, lease_s=self.LEASE_S, timeout_s=self.TIMEOUT_S, unavailable="wait")

    async def snapshot(self) -> dict[Any, Any]:
        names = await self._redis.keys(f"{self._tag.replace('[', '?')}*")
        async with self._redis.pipeline(transaction=True) as asked:
            for name in names:
                asked.dump(name)
            return dict(zip(names, await asked.execute(), strict=True))

    async def lose_all(self) -> None:
        await self._redis.delete(*await self.snapshot())

    async def lose_some(self, dice: random.Random) -> None:
        names = sorted(await self.snapshot())
        await self._redis.delete(*dice.sample(names, dice.randint(1, len(names))))

    async def go_back(self, state: dict[Any, Any], *, elsewhere: bool) -> None:
        now = await self.snapshot()
        async with self._redis.pipeline(transaction=True) as asked:
            asked.delete(*now)
            for name, value in state.items():
                asked.restore(name, 0, value)
            if elsewhere:
                asked.hset(self._tag, "server", "another")
            await asked.execute()

    async def aclose(self) -> None:
        await self._redis.aclose()


def play_in_memory(seed: int) -> None:
    gather_s = renewal_interval(LEASE_S)

    async def scenario() -> None:
        outcome = await play(MemoryOfAFork(), seed, VirtualClock().clock, gather_s=gather_s)
        outcome.check(gather_s=gather_s)

    run(scenario)


def play_on_a_file(seed: int, folder: Path) -> None:
    gather_s = renewal_interval(LEASE_S)

    async def scenario() -> None:
        outcome = await play(LossyFile(folder), seed, VirtualClock().clock, gather_s=gather_s)
        outcome.check(gather_s=gather_s)

    run(scenario)


def play_on_redis(seeds: range, url: str) -> None:
    gather_s = renewal_interval(LossyRedis.LEASE_S) + 1 + LossyRedis.TIMEOUT_S
    places = asyncio.Semaphore(AT_ONCE)

    async def one(seed: int) -> None:
        async with places:
            lossy = LossyRedis(url)
            try:
                outcome = await play(lossy, seed, Clock(), gather_s=gather_s)
            finally:
                await lossy.aclose()
            outcome.check(gather_s=gather_s)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            for seed in seeds:
                group.create_task(one(seed))

    asyncio.run(scenario())


@pytest.mark.parametrize("seed", range(FEW))
def test_memory_that_forgets_is_noticed(seed: int) -> None:
    play_in_memory(seed)


@pytest.mark.parametrize("seed", first(3, range(FEW)))
def test_a_file_that_forgets_is_noticed(seed: int, tmp_path: Path) -> None:
    play_on_a_file(seed, tmp_path)


@pytest.mark.long
@needs_redis
def test_a_redis_that_forgets_is_noticed(redis_url: str) -> None:
    play_on_redis(range(FEW_ON_REAL_CLOCKS), redis_url)


@pytest.mark.proof
def test_three_hundred_losses_of_memory_are_noticed() -> None:
    for seed in range(MANY):
        play_in_memory(seed)


@pytest.mark.proof
def test_three_hundred_losses_of_a_file_are_noticed(tmp_path: Path) -> None:
    for seed in range(MANY):
        (tmp_path / str(seed)).mkdir()
        play_on_a_file(seed, tmp_path / str(seed))


@needs_redis
@pytest.mark.proof
def test_three_hundred_losses_of_redis_are_noticed(redis_url: str) -> None:
    play_on_redis(range(MANY), redis_url)
