"""The quota on a file: one SQLite database, shared by all processes of one machine.

Holds `SqliteStore`, a `QuotaStore` in which every method is one transaction on the loop (about as long as a lock and
a dictionary take). A file that somebody else has locked is asked again after a sleep, so that it never blocks the loop.
The connection and the shape of the file are in `sqlite_file.py`. Refuses to hold an account's name: keys carry a
digest. Refuses network file systems no more than SQLite does, but it is no place for one.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import attrs

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.sqlite_file import SqliteFile, is_locked
from agora_tencent_analytics.quota.store import (
    LEASE_S,
    PACE_SLACK_S,
    SLOTS_KEPT_S,
    STEP_TOLERATED_S,
    Claim,
    CounterKey,
    Refused,
    Standing,
)

_PATIENCE_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.05
_DAYS_KEPT = 40

_TAKE_DAY = """
INSERT INTO days (account, counter, day, used) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET used = used + 1
"""
_GIVE_BACK_DAY = "UPDATE days SET used = max(0, used - 1) WHERE account = ? AND counter = ? AND day = ?"
_SPEND_DAY = """
INSERT INTO days (account, counter, day, spent_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET spent_at = max(spent_at, excluded.spent_at)
"""
_USED = "SELECT max(used, spent_at) FROM days WHERE account = ? AND counter = ? AND day = ?"
_FORGET_DAYS = "DELETE FROM days WHERE day < ?"
_PUT_SLOT = """
INSERT INTO slots (account, counter, owner, id, ends) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET ends = excluded.ends
"""
_DROP_SLOT = "DELETE FROM slots WHERE account = ? AND counter = ? AND owner = ? AND id = ?"
_OTHERS = "SELECT ends FROM slots WHERE account = ? AND counter = ? AND owner != ? AND ends > ? AND ends <= ?"
_FORGET_SLOTS = "DELETE FROM slots WHERE account = ? AND counter = ? AND ends <= ?"
_GRANTED = """
INSERT INTO counters (account, counter, granted_at) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET granted_at = excluded.granted_at
"""
_REFUSED = """
INSERT INTO counters (account, counter, held_until, refusals, refused_at, refused_sent_at, refused_period_s)
VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT DO UPDATE SET refusals = refusals + 1, held_until =
CASE WHEN refused_at > excluded.refused_at + ? THEN excluded.held_until ELSE max(held_until, excluded.held_until) END,
refused_at = excluded.refused_at, refused_sent_at = excluded.refused_sent_at,
refused_period_s = excluded.refused_period_s
"""
_COUNTER = """
SELECT granted_at, held_until, refusals, refused_at, refused_sent_at, refused_period_s FROM counters
WHERE account = ? AND counter = ?
"""
_NOTHING_YET = (0.0, 0.0, 0, 0.0, 0.0, None)

T = TypeVar("T")


class SqliteStore:
    """A quota store on a file that outlives the process and is shared by all processes that name it.

    Args:
        path: the file; it and its directory are made if missing, readable by their owner alone.
        lease_s: how long a slot is kept for a process that says nothing, seconds.

    Raises:
        OSError: the file or its directory cannot be made.
        sqlite3.Error: the file is no database, or one of a later version of this library.
    """

    def __init__(self, path: str | os.PathLike[str], *, lease_s: float = LEASE_S) -> None:
        self.path = Path(path)
        self.lease_s = lease_s
        self._file = SqliteFile(self.path)
        self._pruned_before = 0

    def close(self) -> None:
        """Closes the file. Idempotent; the store is of no use afterwards."""
        self._file.close()

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`: the file belongs to no loop, and closes when the store is forgotten."""

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> Standing:
        """See `QuotaStore.reserve`."""

        def step(file: sqlite3.Connection) -> Standing:
            granted_at, held_until, refused = _counter(file, key, now)
            used = _used(file, key, claim.days)
            standing = Standing(used=used, refused=refused)
            if any(count >= claim.day_limit for count in used):
                return attrs.evolve(standing, why="day")
            held = max(0.0, held_until - now)
            paced = granted_at + claim.pace_s - PACE_SLACK_S - now if claim.pace_s and granted_at <= now else 0.0
            others = self._others(file, key, claim.owner, now, claim.longest_rest_s)
            if held > 0 or paced > 0:
                return attrs.evolve(
                    standing, why="hold" if held > 0 else "pace", after_s=max(held, paced), others=others
                )
            for room in claim.windows:
                if room.free <= sum(age < room.rest_s for age in others):
                    return attrs.evolve(standing, why="window", others=others)
            self._take(file, key, claim, now)
            return attrs.evolve(standing, used=tuple(count + 1 for count in used))

        return await self._run(step)

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        """See `QuotaStore.answered`."""

        def step(file: sqlite3.Connection) -> None:
            for day in late_days:
                file.execute(_TAKE_DAY, (*key, day))
            if claim.windows:
                file.execute(_PUT_SLOT, (*key, claim.owner, claim.id, now - ago_s))
            else:
                file.execute(_DROP_SLOT, (*key, claim.owner, claim.id))

        await self._run(step)

    async def refund(self, key: CounterKey, claim: Claim) -> None:
        """See `QuotaStore.refund`."""

        def step(file: sqlite3.Connection) -> None:
            if file.execute(_DROP_SLOT, (*key, claim.owner, claim.id)).rowcount:
                for day in claim.days:
                    file.execute(_GIVE_BACK_DAY, (*key, day))

        await self._run(step)

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        """See `QuotaStore.renew`."""
        slot = (*key, claim.owner, claim.id, now + self.lease_s)
        await self._run(lambda file: file.execute(_PUT_SLOT, slot))

    async def refused(
        self, key: CounterKey, now: float, *, ago_s: float, hold_s: float, sent_ago_s: float, period_s: int | None
    ) -> None:
        """See `QuotaStore.refused`."""
        at = now - ago_s
        row = (*key, at + hold_s, at, at - sent_ago_s, period_s, STEP_TOLERATED_S + ago_s)
        await self._run(lambda file: file.execute(_REFUSED, row))

    async def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""
        await self._run(lambda file: file.execute(_SPEND_DAY, (*key, day, limit)))

    async def look(self, key: CounterKey, owner: str, days: tuple[int, ...], now: float) -> Standing:
        """See `QuotaStore.look`."""

        def step(file: sqlite3.Connection) -> Standing:
            _, held_until, refused = _counter(file, key, now)
            return Standing(
                after_s=max(0.0, held_until - now),
                used=_used(file, key, days),
                others=self._others(file, key, owner, now, SLOTS_KEPT_S),
                refused=refused,
            )

        return await self._run(step)

    def _others(
        self, file: sqlite3.Connection, key: CounterKey, owner: str, now: float, rest_s: float
    ) -> tuple[float, ...]:
        latest = now + self.lease_s + STEP_TOLERATED_S
        return tuple(max(0.0, now - end) for (end,) in file.execute(_OTHERS, (*key, owner, now - rest_s, latest)))

    def _take(self, file: sqlite3.Connection, key: CounterKey, claim: Claim, now: float) -> None:
        file.execute(_FORGET_SLOTS, (*key, now - max(claim.longest_rest_s, SLOTS_KEPT_S)))
        file.execute(_PUT_SLOT, (*key, claim.owner, claim.id, now + self.lease_s))
        file.execute(_GRANTED, (*key, now))
        for day in claim.days:
            file.execute(_TAKE_DAY, (*key, day))
        if claim.days and claim.days[0] > self._pruned_before:
            self._pruned_before = claim.days[0]
            file.execute(_FORGET_DAYS, (claim.days[0] - _DAYS_KEPT,))

    async def _run(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction, tried again while the file is locked.

        Raises:
            QuotaUnavailable: the file stays locked, or cannot be read or written.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                with self._file.transaction() as connection:
                    return step(connection)
            except (sqlite3.Error, OSError) as error:
                if not is_locked(error) or time.monotonic() > give_up_at:
                    raise QuotaUnavailable(
                        f"the quota file {self.path} cannot be used ({error}), so nothing was sent; see what holds or "
                        'forbids it, or pass another path as store= (":memory:" counts in this process alone)'
                    ) from error
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _used(file: sqlite3.Connection, key: CounterKey, days: tuple[int, ...]) -> tuple[int, ...]:
    found = [file.execute(_USED, (*key, day)).fetchone() for day in days]
    return tuple(0 if row is None else int(row[0]) for row in found)


def _counter(file: sqlite3.Connection, key: CounterKey, now: float) -> tuple[float, float, Refused | None]:
    row = file.execute(_COUNTER, key).fetchone() or _NOTHING_YET
    granted_at, held_until, refusals, refused_at, sent_at, period_s = row
    if not refusals:
        return granted_at, held_until, None
    if refused_at > now + STEP_TOLERATED_S:
        held_until = 0.0  # the refusal is from before the clock was set back
    ago_s, sent_ago_s = max(0.0, now - refused_at), max(0.0, now - sent_at)
    return granted_at, held_until, Refused(number=refusals, ago_s=ago_s, sent_ago_s=sent_ago_s, period_s=period_s)
