"""Whatever a store forgets, no vendor sees more than its limit, and the day is at least what the living have sent."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agora_tencent_analytics.quota.memory_store import MemoryTables
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.quota.recorded_store import RecordedStore, Tables
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.sqlite_file import SqliteFile
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import LEASE_S, renewal_interval
from agora_tencent_analytics.testing import StoreContract
from tests.support.redis_server import needs_redis, redis_url

__all__ = ["redis_url"]

T = TypeVar("T")

MANY = range(300)


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

    account = "account"

    def __init__(self) -> None:
        self.tables, self.identity = MemoryTables(), "1"

    def client(self) -> SharedMemory:
        return SharedMemory(self)

    async def snapshot(self) -> MemoryTables:
        return copy.deepcopy(self.tables)

    async def lose_all(self) -> None:
        self.tables = MemoryTables()

    async def lose_some(self, dice: random.Random) -> None:
        rows: list[tuple[dict[Any, Any], Any]] = [(self.tables.values, key) for key in self.tables.values]
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

    account = "account"

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

    LEASE_S, TIMEOUT_S = 0.6, 1.0

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


class TestMemory(StoreContract):
    def lossy(self) -> MemoryOfAFork:
        return MemoryOfAFork()


class TestFile(StoreContract):
    seeds = range(3)

    @pytest.fixture(autouse=True)
    def in_a_folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.folders = tmp_path_factory

    def lossy(self) -> LossyFile:
        return LossyFile(self.folders.mktemp("lossy"))


@pytest.mark.long
class TestMoreOfAFile(TestFile):
    seeds = range(3, 12)


@pytest.mark.long
@needs_redis
class TestRedis(StoreContract):
    seeds, virtual = range(6), False
    gather_s = renewal_interval(LossyRedis.LEASE_S) + 1 + LossyRedis.TIMEOUT_S

    @pytest.fixture(autouse=True)
    def on_a_server(self, redis_url: str) -> None:
        self.url = redis_url

    def lossy(self) -> LossyRedis:
        return LossyRedis(self.url)


@pytest.mark.proof
class TestMemoryAtLength(TestMemory):
    seeds = MANY


@pytest.mark.proof
class TestFileAtLength(TestFile):
    seeds = MANY


@needs_redis
@pytest.mark.proof
class TestRedisAtLength(TestRedis):
    seeds = MANY
