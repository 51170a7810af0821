"""The leases of slots whose requests are not answered yet: renewed, so that a slow answer never loses its slot.

Holds `Leases`, those of one counter on one event loop. One timer serves them all, and none runs while nothing is under
way.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.store import Claim, CounterKey, QuotaStore, renewal_interval

_log = logging.getLogger("agora_tencent_analytics")


class _Lease(msgspec.Struct):
    claim: Claim
    asked_at: float
    """When it was granted, or asked to be renewed, last; monotonic seconds."""
    leased_at: float
    renewing: asyncio.Task[None] | None = None
    is_told: bool = False
    """True once it was logged that it has run out."""


class Leases:
    """Renews each lease within `renewal_interval`, until it ends; one that is younger than half of that has time.

    It never raises: a store that cannot be reached is asked again at the next, and should a lease run out, that is said
    once.

    Args:
        key: the counter whose slots they are.
        store: where they are kept.
        clock: of this machine.
    """

    def __init__(self, key: CounterKey, store: QuotaStore, clock: Clock) -> None:
        self._key, self._store, self._clock = key, store, clock
        self._tick_s = renewal_interval(store.lease_s) / 2
        self._leases: dict[str, _Lease] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, claim: Claim, now: float) -> None:
        """Keeps the slot of a claim that was granted at `now`, monotonic seconds."""
        self._leases[claim.id] = _Lease(claim, now, now)
        self._arm()

    def end(self, claim: Claim) -> asyncio.Task[None] | None:
        """Keeps it no longer. The renewal under way, if one is: no answer may be told before it is over."""
        lease = self._leases.pop(claim.id, None)
        return None if lease is None else lease.renewing

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        for lease in self._leases.values():
            if lease.renewing is None and now - lease.asked_at > 0.9 * self._tick_s:
                lease.asked_at = now
                lease.renewing = asyncio.get_running_loop().create_task(self._renew(lease))
        if self._leases:
            self._arm()

    async def _renew(self, lease: _Lease) -> None:
        try:
            await self._store.renew(self._key, lease.claim, self._clock.wall())
            lease.leased_at = self._clock.monotonic()
        except QuotaUnavailable as error:
            if not lease.is_told and self._clock.monotonic() - lease.leased_at > self._store.lease_s:
                lease.is_told = True
                _log.warning("%s: the slot of an unanswered request is given up: %s", self._key[1], error)
        finally:
            lease.renewing = None
