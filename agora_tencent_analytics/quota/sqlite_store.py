"""The quota on a file: one SQLite database, shared by all processes of one machine.

Holds `SqliteStore`, a `QuotaStore` in which every method is one transaction on the loop (about as long as a lock and
a dictionary take). A file that somebody else has locked is asked again after a sleep, so that it never blocks the
loop. The connection and the shape of the file are in `sqlite_file.py`. Keys carry a digest, not an account's name.
Like SQLite itself, it is not for network file systems.

**Lost data.** A file may be deleted, replaced by an older copy, or lose its log while it is in use. A counter is born
with a random id and counts its grants; whoever has met it and finds another id, or fewer grants, knows of a loss. Then
nobody is granted anything until all who live have told the file of their slots in flight (they renew them) and what was
answered before rests no more; and each adds to the day what it has seen of it and the file does not know.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import anyio
import attrs

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.quota.sqlite_file import SqliteFile, may_pass
from agora_tencent_analytics.quota.store import (
    LEASE_S,
    SLOTS_KEPT_S,
    STEP_TOLERATED_S,
    Claim,
    CounterKey,
    Refused,
    Standing,
    judge,
    renewal_interval,
)

_PATIENCE_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.05
_DAYS_KEPT = 40
_GRANTS_TO_A_SWEEP = 64

_TAKE_DAY = """
INSERT INTO days (account, counter, day, used) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET used = used + 1
"""
_GIVE_BACK_DAY = "UPDATE days SET used = max(0, used - 1) WHERE account = ? AND counter = ? AND day = ?"
_SPEND_DAY = """
INSERT INTO days (account, counter, day, spent_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET spent_at = max(spent_at, excluded.spent_at)
"""
_KEEP_DAYS_AS_MENDED = "UPDATE days SET mended = used WHERE account = ? AND counter = ?"
_MEND_DAY = """
INSERT INTO days (account, counter, day, used, mended) VALUES (?, ?, ?, ?4, ?4)
ON CONFLICT DO UPDATE SET used = used + max(0, excluded.mended - mended), mended = max(mended, excluded.mended)
"""
_USED = "SELECT used, spent_at FROM days WHERE account = ? AND counter = ? AND day = ?"
_FORGET_DAYS = "DELETE FROM days WHERE day < ?"
_PUT_SLOT = """
INSERT INTO slots (account, counter, owner, id, ends) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET ends = excluded.ends
"""
_DROP_SLOT = "DELETE FROM slots WHERE account = ? AND counter = ? AND owner = ? AND id = ?"
_OTHERS = "SELECT ends FROM slots WHERE account = ? AND counter = ? AND ends > ? AND owner != ?"
_FORGET_SLOTS = "DELETE FROM slots WHERE account = ? AND counter = ? AND ends <= ?"
_COUNTER = """
SELECT born_at, lost_at, grants, granted_at, held_until, refusals, refused_at, refused_sent_at, refused_period_s, born
FROM counters WHERE account = ? AND counter = ?
"""
_KNOWN = """
INSERT INTO counters (account, counter, born, born_at, lost_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET born = excluded.born, born_at = excluded.born_at, lost_at = excluded.lost_at
"""
_GRANTED = "UPDATE counters SET granted_at = ?, grants = grants + 1 WHERE account = ? AND counter = ?"
_REFUSED = """
INSERT INTO counters (account, counter, held_until, refusals, refused_at, refused_sent_at, refused_period_s)
VALUES (?, ?, ?, 1, ?, ?, ?)
ON CONFLICT DO UPDATE SET refusals = refusals + 1, held_until =
CASE WHEN refused_at > excluded.refused_at + ? THEN excluded.held_until ELSE max(held_until, excluded.held_until) END,
refused_at = excluded.refused_at, refused_sent_at = excluded.refused_sent_at,
refused_period_s = excluded.refused_period_s
"""

T = TypeVar("T")


@attrs.define(kw_only=True)
class _Counter:
    """One row of the counters."""

    born_at: float = 0.0
    lost_at: float = 0.0
    grants: int = 0
    granted_at: float = 0.0
    held_until: float = 0.0
    refusals: int = 0
    refused_at: float = 0.0
    refused_sent_at: float = 0.0
    refused_period_s: int | None = None
    born: str = ""

    def held_s(self, now: float, gather_s: float = 0.0) -> float:
        """For how long everybody is held; what is from before the clock was set back holds nobody."""
        until = 0.0 if self.refused_at > now + STEP_TOLERATED_S else self.held_until
        if 0 < self.lost_at <= now + STEP_TOLERATED_S:
            until = max(until, self.lost_at + gather_s)
        return max(0.0, until - now)

    def refused(self, now: float) -> Refused | None:
        return Refused.seen_from(now, self.refusals, self.refused_at, self.refused_sent_at, self.refused_period_s)


_NUMBERS = [field.name for field in attrs.fields(_Counter) if field.name != "born"]


@attrs.frozen
class _Met:
    """What this process has seen of a counter."""

    born: str
    grants: int
    used: dict[int, int]
    """By day."""


class SqliteStore:
    """A quota store on a file that outlives the process and is shared by all processes that name it.

    Stores of one file in one process share its connection.

    Args:
        path: the file; it and its directories are made if missing, for their owner alone.
        lease_s: how long a slot is kept for a process that says nothing, seconds.

    Raises:
        OSError: nothing can be written there.
        QuotaUnavailable: the file is not a quota, damaged, or written by a later version of this library.
    """

    def __init__(self, path: str | os.PathLike[str], *, lease_s: float = LEASE_S) -> None:
        self.path = Path(path)
        self.lease_s = lease_s
        self._file: SqliteFile | None = SqliteFile.at(path)
        self._met: dict[CounterKey, _Met] = {}
        self._pruned_before = 0

    def close(self) -> None:
        """Lets go of the file, which the last in this process closes. Idempotent; the store is of no use afterwards."""
        self._file = None

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`: the file belongs to no loop, and closes when the store is forgotten."""

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> Standing:
        """See `QuotaStore.reserve`."""

        def step(file: sqlite3.Connection) -> tuple[Standing, _Met]:
            counter = self._meet(file, key, claim, now)
            standing = judge(
                claim,
                now,
                used=_used(file, key, claim.days),
                others=self._others(file, key, claim.owner, now, claim.longest_rest_s),
                granted_at=counter.granted_at,
                held_s=counter.held_s(now, renewal_interval(self.lease_s) + claim.longest_rest_s),
                refused=counter.refused(now),
            )
            if standing.why is None:
                counter.grants += 1
                self._take(file, key, claim, now, sweeps=counter.grants % _GRANTS_TO_A_SWEEP == 0)
            used = dict(zip(claim.days, standing.used, strict=True))
            return standing, _Met(counter.born, counter.grants, used)

        standing, self._met[key] = await self._run(step)
        return standing

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
            counter = _counter(file, key)
            return Standing(
                after_s=counter.held_s(now),
                used=_used(file, key, days),
                others=self._others(file, key, owner, now, SLOTS_KEPT_S),
                refused=counter.refused(now),
            )

        return await self._run(step)

    def _meet(self, file: sqlite3.Connection, key: CounterKey, claim: Claim, now: float) -> _Counter:
        """The counter as it is; born, if it is new, and mended, if this process knows more of it."""
        counter, met = _counter(file, key), self._met.get(key)
        rolled_back = met is not None and met.born == counter.born and met.grants > counter.grants
        if not counter.born or rolled_back:
            counter.born, counter.born_at = claim.id, now
        elif met is None or met.born == counter.born:
            return counter
        if met is not None:
            counter.lost_at = max(counter.lost_at, counter.born_at)
            if rolled_back:
                file.execute(_KEEP_DAYS_AS_MENDED, key)
            for day, used in met.used.items():
                file.execute(_MEND_DAY, (*key, day, used))
        file.execute(_KNOWN, (*key, counter.born, counter.born_at, counter.lost_at))
        return counter

    def _others(
        self, file: sqlite3.Connection, key: CounterKey, owner: str, now: float, rest_s: float
    ) -> tuple[float, ...]:
        latest = now + self.lease_s + STEP_TOLERATED_S
        found = file.execute(_OTHERS, (*key, now - rest_s, owner))
        return tuple(max(0.0, now - end) for end in _numbers([end for (end,) in found]) if end <= latest)

    def _take(self, file: sqlite3.Connection, key: CounterKey, claim: Claim, now: float, *, sweeps: bool) -> None:
        for day in claim.days:
            file.execute(_TAKE_DAY, (*key, day))
        file.execute(_PUT_SLOT, (*key, claim.owner, claim.id, now + self.lease_s))
        file.execute(_GRANTED, (now, *key))
        if sweeps:
            file.execute(_FORGET_SLOTS, (*key, now - max(claim.longest_rest_s, SLOTS_KEPT_S)))
        if claim.days and claim.days[0] > self._pruned_before:
            self._pruned_before = claim.days[0]
            file.execute(_FORGET_DAYS, (claim.days[0] - _DAYS_KEPT,))

    async def _run(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction, tried again while that may help.

        Raises:
            QuotaUnavailable: the file stays locked, or cannot be read or written.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        pause_s = _FIRST_PAUSE_S
        while True:
            if self._file is None:
                raise QuotaUnavailable(f"the store of the quota file {self.path} is closed; make a new one")
            try:
                with self._file.transaction() as connection:
                    return step(connection)
            except (sqlite3.Error, OSError) as error:
                if not may_pass(error) or time.monotonic() > give_up_at:
                    raise QuotaUnavailable(
                        f"the quota file {self.path} cannot be used ({error}), so nothing was sent; see what holds or "
                        'forbids it, or pass another path as store= (":memory:" counts in this process alone)'
                    ) from error
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _counter(file: sqlite3.Connection, key: CounterKey) -> _Counter:
    row = file.execute(_COUNTER, key).fetchone()
    if row is None:
        return _Counter()
    *numbers, born = row
    return _Counter(**dict(zip(_NUMBERS, _numbers(numbers), strict=True)), born=born)


def _used(file: sqlite3.Connection, key: CounterKey, days: tuple[int, ...]) -> tuple[int, ...]:
    found = [file.execute(_USED, (*key, day)).fetchone() for day in days]
    return tuple(0 if row is None else max(_numbers(row)) for row in found)


def _numbers(values: Sequence[Any]) -> Sequence[Any]:
    """The values, if they are what the columns are for; SQLite keeps a text in a column of numbers."""
    for value in values:
        if isinstance(value, str | bytes):
            raise sqlite3.DataError(f"{value!r:.40} stands in it where a number must be")
    return values
