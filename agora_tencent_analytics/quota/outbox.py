"""Answers that the store has yet to hear of: the next claim takes them along, as TCP delays an acknowledgement.

Holds `Outbox`, that of one counter on one event loop. Most requests are followed by another soon, so a slot costs the
store one step and not two, and whoever has an answer does not wait for the store. If none follows, the store is told
after a moment. Until then the slots count as in flight, which is safe (see `store.py`); at worst, others see them come
free so much later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

import anyio

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.store import Claim, CounterKey, QuotaStore

_TOLD_WITHIN_S = 0.05
"""Seconds: what a rate of 20 a second keeps between two requests."""
_RECORDED_WITHIN_S = 5.0

_log = logging.getLogger("agora_tencent_analytics")


class Outbox:
    """Tells the store of answers, unless a claim takes them along first.

    Args:
        key: the counter.
        store: it; one that takes answers along.
        clock: of this machine.
    """

    def __init__(self, key: CounterKey, store: QuotaStore, clock: Clock) -> None:
        self._key, self._store, self._clock = key, store, clock
        self._end_at_hand: Callable[[CounterKey, Claim, float], None] | None = getattr(store, "end", None)
        self._answers: dict[str, tuple[Claim, float]] = {}
        """By the id of the claim: when its answer came, monotonic seconds."""
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self._on_loop: AsyncGenerator[None, None] | None = None

    def put(self, claim: Claim, at: float) -> None:
        """Takes in that a claim's request was answered at `at`, monotonic seconds."""
        if self._end_at_hand is not None:  # in memory, which costs less than to remember it
            self._end_at_hand(self._key, claim, self._clock.wall() - self._clock.monotonic() + at)
            return
        self._answers[claim.id] = claim, at
        self._arm()
        if self._on_loop is None:
            self._on_loop = self._until_the_loop_ends()
            with contextlib.suppress(StopIteration):
                self._on_loop.__anext__().send(None)

    def send_along(self, now: float) -> tuple[tuple[str, float], ...]:
        """What the claim takes along (`Claim.ended`) that is made `now`; `sent` says what became of it."""
        self._disarm()
        return tuple([(name, now - at) for name, (_, at) in self._answers.items()])

    def sent(self, claim: Claim, *, heard: bool) -> None:
        """Records whether the store has heard what a claim took along; what it has not is told in a moment."""
        if heard:
            for name, _ in claim.ended:
                self._answers.pop(name, None)
        self._arm()

    async def empty(self) -> None:
        """Tells of what is left now."""
        self._disarm()
        self._begin()
        if self._telling is not None:
            await self._telling

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        # `asyncio.run` closes what generators are open before it closes the loop: nobody need call `aclose` for this.
        try:
            yield
        finally:
            if self._answers:
                await self.empty()
                await self._store.aclose()

    def _arm(self) -> None:
        if self._answers and self._timer is None and self._telling is None:
            self._timer = asyncio.get_running_loop().call_later(_TOLD_WITHIN_S, self._begin)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        self._timer = None
        if self._answers and self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_all())

    async def _tell_all(self) -> None:
        try:
            while self._answers:
                claim, at = next(iter(self._answers.values()))
                ago_s = self._clock.monotonic() - at
                await recorded(self._store.answered(self._key, claim, self._clock.wall(), ago_s=ago_s))
                self._answers.pop(claim.id, None)
        finally:
            self._telling = None


async def recorded(step: Awaitable[None]) -> None:
    """Tells the store what became of a request, if it can be told in a bounded time."""
    try:
        with anyio.fail_after(_RECORDED_WITHIN_S):
            await step
    except (QuotaUnavailable, TimeoutError) as unavailable:
        # Safe: what was to be given back stays spent, and the slot in flight for the rest of its lease.
        _log.warning("the outcome of a request could not be recorded: %s", unavailable)
