"""While a request is unanswered, its slot must not run out: the lease is renewed, slot by slot.

Holds `Renewal`. Nothing runs for a request that is answered within the first interval; after that one task does,
until the request is settled. It never raises: a store that cannot be reached now is asked again at the next interval,
and should the lease run out meanwhile, that is said once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.store import Claim, CounterKey, QuotaStore, renewal_interval

_log = logging.getLogger("agora_tencent_analytics")


class Renewal:
    """Keeps one slot leased, on the running loop, until it is stopped.

    Args:
        store: where the slot is.
        key: its counter.
        claim: what it was granted for.
        clock: the clocks of this machine.
    """

    def __init__(self, store: QuotaStore, key: CounterKey, claim: Claim, clock: Clock) -> None:
        self._store, self._key, self._claim, self._clock = store, key, claim, clock
        self._every_s = renewal_interval(store.lease_s)
        self._leased_at = clock.monotonic()
        self._task: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._every_s, self._begin)

    async def stop(self) -> None:
        """Lets the lease be; returns when nothing is under way any more, so that no renewal follows the answer."""
        self._timer.cancel()
        self._stopped.set()
        if self._task is not None:
            await self._task

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._keep())

    async def _keep(self) -> None:
        told = False
        while not self._stopped.is_set():
            try:
                await self._store.renew(self._key, self._claim, self._clock.wall())
                self._leased_at = self._clock.monotonic()
            except QuotaUnavailable as error:
                if not told and self._clock.monotonic() - self._leased_at > self._store.lease_s:
                    told = True
                    _log.warning("%s: the slot of an unanswered request is given up, because %s", self._key[1], error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._stopped.wait()
