"""What has to outlive a process: how much of each UTC day is spent, and which slots still rest.

Holds the protocol (`QuotaStore`), the store that forgets (`MemoryStore`), and the choice between it and the
file (`open_store`; the file itself is in `sqlite_store.py`). Refuses to wait and to read a clock: every
instant is an argument.

A request is reserved *before* it is sent, in one atomic step over its days and its windows; it is given
back only if it was never handed to the transport. Days are vendor days, `floor(vendor epoch / 86400)`, never
"24 hours since the first request". Slots are timed by this machine's wall clock, which all processes on one
file share; the vendor's clock is an estimate that each of them refines for itself, and would move the slots.
"""

from __future__ import annotations

import enum
import os
import sqlite3
import sys
import threading
import warnings
from pathlib import Path
from typing import Protocol, runtime_checkable

import attrs

__all__ = [
    "IN_FLIGHT_AT_MOST_S",
    "STEP_TOLERATED_S",
    "Claim",
    "CounterKey",
    "MemoryStore",
    "Outcome",
    "QuotaNotPersisted",
    "QuotaStore",
    "default_path",
    "open_store",
]

IN_FLIGHT_AT_MOST_S = 120.0
"""A slot of another process that was not answered for this long belonged to a process that died."""
STEP_TOLERATED_S = 5.0
"""A slot answered further than this in the future was written before the wall clock was set back."""

_SLOTS_BEFORE_A_SWEEP = 64

CounterKey = tuple[str, str]
"""The account (as a digest, see `Quota`) and the name of the counter."""


class QuotaNotPersisted(UserWarning):
    """The day count cannot be written to a file, so it is forgotten when the process ends."""


class Outcome(enum.Enum):
    """What became of a reservation."""

    GRANTED = "granted"
    """Everything was reserved."""
    DAY_SPENT = "day spent"
    """Nothing was reserved: one of the days has no request left."""
    WINDOW_FULL = "window full"
    """Nothing was reserved: other processes' requests fill one of the windows."""


@attrs.frozen(kw_only=True)
class Claim:
    """A slot to be reserved together with its days, so that processes on one store share the windows."""

    owner: str
    """The process (more exactly: the `Quota`) that sends the request."""
    number: int
    """The slot, unique within its owner."""
    now: float
    """Wall epoch seconds."""
    windows: tuple[tuple[int, float], ...]
    """For each window: how many slots all *other* owners together must stay below, and how long a slot
    rests after its answer, in seconds."""

    @property
    def longest_rest_s(self) -> float:
        """Seconds after which no window remembers a slot."""
        return max((rest for _, rest in self.windows), default=0.0)


@runtime_checkable
class QuotaStore(Protocol):
    """Where the spent part of a quota is remembered. Every method is atomic and may be called from any thread."""

    def reserve(self, key: CounterKey, days: tuple[int, ...], limit: int, claim: Claim | None = None) -> Outcome:
        """Takes one request from each of `days`, and the slot if one is claimed: all of it or nothing.

        Args:
            key: account and counter.
            days: vendor days, `floor(vendor epoch / 86400)`; may be empty.
            limit: the most requests in a day, inclusive.
            claim: the slot to be taken, or None where no window is shared.
        """
        ...

    def refund(self, key: CounterKey, days: tuple[int, ...], claim: Claim | None = None) -> None:
        """Gives back what `reserve` took, for a request that was never sent."""
        ...

    def answered(self, key: CounterKey, claim: Claim, at: float) -> None:
        """Notes that the slot's request was answered at wall epoch second `at`: from then on the slot rests."""
        ...

    def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """Marks a vendor day as spent for every limit up to `limit`: the vendor said so. Refunds do not undo it."""
        ...

    def used(self, key: CounterKey, day: int) -> int:
        """Requests taken from a vendor day, or the limit it was marked spent at if that is more."""
        ...

    def load(self, key: CounterKey, owner: str, now: float, *, restart: bool) -> tuple[float, ...]:
        """When the slots of all other owners were answered, wall epoch seconds; `now` for those in flight.

        Args:
            key: account and counter.
            owner: who asks; its own slots are left out.
            now: wall epoch seconds.
            restart: True when the asker has just started. What is in flight then was most likely sent by a
                process that died, and is noted as answered now; should its owner live, it will correct that.
        """
        ...


@attrs.define
class _Day:
    used: int = 0
    spent_at: int = 0


@attrs.define
class _Slot:
    sent: float
    answered: float | None = None


class MemoryStore:
    """A store that forgets everything when the process ends, and shares nothing with other processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: dict[tuple[CounterKey, int], _Day] = {}
        self._slots: dict[CounterKey, dict[tuple[str, int], _Slot]] = {}

    def reserve(self, key: CounterKey, days: tuple[int, ...], limit: int, claim: Claim | None = None) -> Outcome:
        """See `QuotaStore.reserve`."""
        with self._lock:
            found = [self._days.setdefault((key, day), _Day()) for day in days]
            if any(day.used + 1 > limit or day.spent_at >= limit for day in found):
                return Outcome.DAY_SPENT
            if claim is not None:
                slots = self._slots.setdefault(key, {})
                self._forget(slots, claim)
                others = [slot for (owner, _), slot in slots.items() if owner != claim.owner]
                for room, rest_s in claim.windows:
                    if others and sum(_rests(slot, claim.now, rest_s) for slot in others) >= room:
                        return Outcome.WINDOW_FULL
                slots[claim.owner, claim.number] = _Slot(claim.now)
            for day in found:
                day.used += 1
            return Outcome.GRANTED

    def refund(self, key: CounterKey, days: tuple[int, ...], claim: Claim | None = None) -> None:
        """See `QuotaStore.refund`."""
        with self._lock:
            for day in days:
                found = self._days.get((key, day))
                if found is not None:
                    found.used = max(0, found.used - 1)
            if claim is not None:
                self._slots.get(key, {}).pop((claim.owner, claim.number), None)

    def answered(self, key: CounterKey, claim: Claim, at: float) -> None:
        """See `QuotaStore.answered`."""
        with self._lock:
            slot = self._slots.get(key, {}).get((claim.owner, claim.number))
            if slot is not None:
                slot.answered = at

    def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""
        with self._lock:
            found = self._days.setdefault((key, day), _Day())
            found.spent_at = max(found.spent_at, limit)

    def used(self, key: CounterKey, day: int) -> int:
        """See `QuotaStore.used`."""
        with self._lock:
            found = self._days.get((key, day), _Day())
            return max(found.used, found.spent_at)

    def load(self, key: CounterKey, owner: str, now: float, *, restart: bool) -> tuple[float, ...]:
        """See `QuotaStore.load`."""
        with self._lock:
            others = [slot for (whose, _), slot in self._slots.get(key, {}).items() if whose != owner]
            if restart:
                for slot in others:
                    slot.answered = now if slot.answered is None else slot.answered
            return tuple(
                now if slot.answered is None else slot.answered for slot in others if _rests(slot, now, float("inf"))
            )

    @staticmethod
    def _forget(slots: dict[tuple[str, int], _Slot], claim: Claim) -> None:
        # Slots that no window remembers any more, so that the table does not grow.
        if len(slots) >= _SLOTS_BEFORE_A_SWEEP:
            for name, slot in list(slots.items()):
                if not _rests(slot, claim.now, claim.longest_rest_s):
                    del slots[name]


def _rests(slot: _Slot, now: float, rest_s: float) -> bool:
    if slot.answered is None:
        return slot.sent > now - IN_FLIGHT_AT_MOST_S
    return now - rest_s < slot.answered <= now + STEP_TOLERATED_S


def default_path() -> Path:
    """The file in the user's state directory that quotas are kept in unless told otherwise.

    `$XDG_STATE_HOME` or `~/.local/state`; on Windows `%LOCALAPPDATA%`, on macOS `~/Library/Application Support`.
    """
    if sys.platform == "win32":
        state = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        state = Path.home() / "Library" / "Application Support"
    else:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "agora_tencent_analytics" / "quota.sqlite3"


def open_store(where: str | Path | QuotaStore | None = None) -> QuotaStore:
    """The store that `where` names; memory, with one `QuotaNotPersisted` warning, where no file can be written.

    Args:
        where: a store (returned as it is), the path of a file, `":memory:"`, or None for `default_path()`.
    """
    from agora_tencent_analytics.runtime.sqlite_store import SqliteStore

    if where == ":memory:":
        return MemoryStore()
    if where is not None and not isinstance(where, str | Path):
        return where
    path: Path | None = None
    try:
        path = default_path() if where is None else Path(where)
        return SqliteStore(path)
    except (OSError, RuntimeError, sqlite3.Error) as error:
        named = "the user's state directory" if path is None else path
        warnings.warn(
            f"the quota cannot be kept in {named} ({error}): how many requests of the UTC day are spent, and which "
            "slots of the minute still rest, is forgotten when this process ends and not shared with other "
            'processes. Name a file that can be written, or ":memory:" if this is intended.',
            QuotaNotPersisted,
            stacklevel=2,
        )
        return MemoryStore()
