"""The quota in memory: forgotten when the process ends, and shared with no other process.

Holds `MemoryStore`. The file (`sqlite_store.py`) and Redis (`redis_store.py`) keep the same contract elsewhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from agora_tencent_analytics.quota.record import Account, Known, Record
from agora_tencent_analytics.quota.recorded_store import R, RecordedStore, Tables, write_slot
from agora_tencent_analytics.quota.store import LEASE_S, Claim, CounterKey

T = TypeVar("T")


class MemoryTables(msgspec.Struct):
    """What is written down, in dictionaries."""

    values: dict[CounterKey, Account | Record] = {}
    slots: dict[CounterKey, dict[str, dict[str, float]]] = {}
    """When each slot ends, by owner and claim."""

    def find(self, key: CounterKey, kind: type[R]) -> R | None:
        """See `Tables`."""
        found = self.values.get(key)
        return found if isinstance(found, kind) else None

    def keep(self, key: CounterKey, value: Account | Record) -> None:
        """See `Tables`."""
        self.values[key] = value

    def count_slots(self, key: CounterKey) -> int:
        """See `Tables`."""
        return sum(map(len, self.slots.get(key, {}).values()))

    def ends(self, key: CounterKey, owner: str, after: float) -> Iterable[float]:
        """See `Tables`."""
        theirs = (own for whose, own in self.slots.get(key, {}).items() if whose != owner)
        return (end for own in theirs for end in own.values() if end > after)

    def put_slot(self, key: CounterKey, slot: tuple[str, str], ends: float | None) -> int:
        """See `Tables`."""
        owner, name = slot
        own = self.slots.setdefault(key, {}).setdefault(owner, {})
        before = len(own)
        if ends is None:
            own.pop(name, None)
        else:
            own[name] = ends
        return len(own) - before

    def end_sooner(self, key: CounterKey, after: float, by_s: float) -> None:
        """See `Tables`."""
        for own in self.slots.get(key, {}).values():
            own.update({name: end - by_s for name, end in own.items() if end > after})

    def forget_slots(self, key: CounterKey, until: float) -> int:
        """See `Tables`."""
        owners = self.slots.get(key, {})
        over = [(owner, name) for owner, own in owners.items() for name, end in own.items() if end <= until]
        for owner, name in over:
            del owners[owner][name]
        self.slots[key] = {owner: own for owner, own in owners.items() if own}
        return len(over)


class MemoryStore(RecordedStore):
    """A store for one process: several quotas, loops and threads of it may share one.

    Args:
        lease_s: how long a slot is kept for a `Quota` that says nothing, seconds.
    """

    def __init__(self, *, lease_s: float = LEASE_S) -> None:
        super().__init__(lease_s=lease_s, gather_s=0.0)  # nobody is away
        self.tables: MemoryTables = MemoryTables()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "the quota in memory"

    async def _run(self, step: Callable[[Tables, str, float], T]) -> T:
        with self._lock:
            return step(self.tables, f"process {os.getpid()}", 0.0)

    def end(self, key: CounterKey, claim: Claim, at: float) -> None:
        """The same as `answered` for an ordinary answer, without a wait.

        Args:
            key: the counter.
            claim: what was granted.
            at: when its answer came, epoch seconds.
        """
        with self._lock:
            write_slot(self.tables, key, claim.slot, at)
        self._known.setdefault(key[0], Known()).active_at = at

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`; nothing is open."""
