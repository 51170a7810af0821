"""The steps of the stores that are written in Python, on tables that each keeps in its own way.

Holds `RecordedStore`, a `QuotaStore` but for where things lie (`memory_store.py`, `sqlite_store.py`), and `Tables`,
which it finds them in. What is written down and how a loss is noticed is in `record.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import msgspec

from agora_tencent_analytics.quota.record import Account, Day, Known, Record, forget_days, meet, tell_of_loss
from agora_tencent_analytics.quota.store import LEASE_S, STEP_TOLERATED_S, Claim, CounterKey, CounterState, judge

_GRANTS_TO_A_SWEEP = 64
OF_THE_ACCOUNT = ""
"""The counter that the account's own record has."""

R = TypeVar("R", Account, Record)
T = TypeVar("T")


class Tables(Protocol):
    """Reads and writes what the steps need."""

    def find(self, key: CounterKey, kind: type[R]) -> R | None:
        """What is written down of a counter; of the account under `OF_THE_ACCOUNT`."""

    def keep(self, key: CounterKey, value: Account | Record) -> None:
        """Writes that."""

    def count_slots(self, key: CounterKey) -> int:
        """How many there are."""
        ...

    def ends(self, key: CounterKey, owner: str, after: float) -> Iterable[float]:
        """When the slots of all other owners end, of those that end after that."""
        ...

    def put_slot(self, key: CounterKey, slot: tuple[str, str], ends: float | None) -> int:
        """Writes when it ends, or removes it if that is None; how many more there are now."""
        ...

    def end_sooner(self, key: CounterKey, after: float, by_s: float) -> None:
        """Has all that end after that end so much sooner."""

    def forget_slots(self, key: CounterKey, until: float) -> int:
        """Removes those that ended by then; returns how many."""
        ...


class RecordedStore(ABC):
    """The steps of a store, on tables that somebody keeps.

    Args:
        lease_s: how long a slot is kept for a process that says nothing, seconds.
        gather_s: until then all who live have told a store that forgot of their slots, seconds.
    """

    takes_along = True

    def __init__(self, *, lease_s: float = LEASE_S, gather_s: float) -> None:
        self._gather_s = gather_s
        self.lease_s: float = lease_s
        self._known: dict[str, Known] = {}

    @abstractmethod
    async def _run(self, step: Callable[[Tables, str, float], T]) -> T:
        """What the step returns, all of which is done or nothing.

        Args:
            step: is given the tables, the identity of where they lie, and for how many seconds it was waited for.
        """

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
        """See `QuotaStore.reserve`."""
        known = self._known.setdefault(key[0], Known())
        if claim.ended:
            known.active_at = now

        def step(
            tables: Tables, identity: str, waited_s: float
        ) -> tuple[CounterState, Account, Record, str | None, str]:
            at, asked_as = now + waited_s, known.birth
            for name, ago_s in claim.ended:
                write_slot(tables, key, (claim.owner, name), at - ago_s)
            account, record, why = self._meet(tables, key, claim, known, at, identity)
            days, rest_s = [record.day(day) for day in claim.days], claim.longest_rest_s
            state = judge(
                claim,
                at,
                used=tuple([day.used for day in days]),
                others=self._others(tables, key, claim.owner, at, rest_s),
                granted_at=record.granted_at,
                held_s=max(
                    record.held_s(at),
                    account.rests_s(at, claim, self._gather_s),
                    record.full_s(claim.long, at) if claim.long else 0.0,
                ),
                refused=record.refused(at),
                lost_ago_s=at - account.rests_from,
            )
            if state.why is None:
                if claim.long:  # should its sender die, it has arrived by the end of its lease
                    state = msgspec.structs.replace(state, steps=record.count(claim.long, at + self.lease_s))
                self._take(tables, key, claim, record, days, at)
            return state, account, record, why, asked_as

        state, account, record, why, asked_as = await self._run(step)
        if state.why is None:
            known.active_at = now
        days = [(day, record.days[day]) for day in claim.days]
        known.learn(account.birth, account.identity, key[1], record.number, days, asked_as=asked_as)
        if why is not None:
            tell_of_loss(key[1], repr(self), why, lost=account.lost)
        return state

    def _meet(
        self, tables: Tables, key: CounterKey, claim: Claim, known: Known, now: float, identity: str
    ) -> tuple[Account, Record, str | None]:
        of_all, slots = (key[0], OF_THE_ACCOUNT), tables.count_slots(key)
        found, record = tables.find(of_all, Account), tables.find(key, Record)
        before = None if found is None else (found.lost, found.rests_from, found.steady)
        account, why = meet(
            found, record, counter=key[1], known=known, claim=claim, now=now, identity=identity, slots=slots
        )
        if record is None:
            record = Record()
        if is_new := key[1] not in account.counters:
            account.counters.append(key[1])
            if (ahead_s := max(record.granted_at, record.refused_at) - now) > 0:
                # The clock was set back by so much at least: what was answered before that is not in flight.
                tables.end_sooner(key, now, ahead_s)
            record.adopt(account.birth, now, slots)
            tables.keep(key, record)
        if is_new or account is not found or before != (account.lost, account.rests_from, account.steady):
            tables.keep(of_all, account)
        if known.birth not in ("", account.birth):
            for counter, days in known.days.items():
                at = (key[0], counter)
                mended = record if at == key else tables.find(at, Record) or Record(slots=tables.count_slots(at))
                for day, tally in days.items():
                    mended.day(day).merge(tally)
                tables.keep(at, mended)
        return account, record, why

    def _take(self, tables: Tables, key: CounterKey, claim: Claim, record: Record, days: list[Day], now: float) -> None:
        record.number += 1
        record.granted_at = now
        record.longest_rest_s = max(record.longest_rest_s, claim.longest_rest_s)
        for day in days:
            day.charge(record.mark)
        if claim.days:
            forget_days(record.days, claim.days[0])
        record.slots += tables.put_slot(key, claim.slot, now + self.lease_s)
        if record.number % _GRANTS_TO_A_SWEEP == 0:
            record.slots -= tables.forget_slots(key, now - record.longest_rest_s - STEP_TOLERATED_S)
        tables.keep(key, record)

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        """See `QuotaStore.answered`."""

        def step(tables: Tables, _: str, waited_s: float) -> None:
            at = now + waited_s - ago_s
            write_slot(tables, key, claim.slot, at if claim.windows else None)
            late = [room for room, step in zip(claim.long, claim.steps, strict=False) if at // room.step_s > step]
            if late_days or late:
                record = tables.find(key, Record) or Record()
                record.count(late, at)
                for day in late_days:
                    record.day(day).charge(record.mark)
                tables.keep(key, record)

        await self._run(step)
        self._known.setdefault(key[0], Known()).active_at = now

    async def refund(self, key: CounterKey, claim: Claim) -> None:
        """See `QuotaStore.refund`."""

        def step(tables: Tables, _: str, __: float) -> None:
            if tables.put_slot(key, claim.slot, None):
                record = tables.find(key, Record) or Record(slots=1)
                record.slots -= 1
                for day in claim.days:
                    record.day(day).charge(record.mark, granted=0, back=1)
                for room, step in zip(claim.long, claim.steps, strict=False):
                    if record.steps.get(room.period_s, {}).get(step):
                        record.steps[room.period_s][step] -= 1
                tables.keep(key, record)

        await self._run(step)

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        """See `QuotaStore.renew`."""

        def step(tables: Tables, _: str, waited_s: float) -> None:
            write_slot(tables, key, claim.slot, now + waited_s + self.lease_s)

        await self._run(step)

    async def refused(
        self, key: CounterKey, now: float, *, ago_s: float, hold_s: float, sent_ago_s: float, period_s: int | None
    ) -> None:
        """See `QuotaStore.refused`."""

        def step(tables: Tables, _: str, waited_s: float) -> None:
            record = tables.find(key, Record) or Record()
            at = now + waited_s - ago_s
            record.hold(now + waited_s, hold_s - ago_s)
            record.refusals += 1
            record.refused_at, record.refused_sent_at, record.refused_period_s = at, at - sent_ago_s, period_s
            tables.keep(key, record)

        await self._run(step)

    async def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""

        def step(tables: Tables, _: str, __: float) -> None:
            record = tables.find(key, Record) or Record()
            record.day(day).merge(Day({}, limit))
            tables.keep(key, record)

        await self._run(step)

    async def look(self, key: CounterKey, owner: str, days: tuple[int, ...], now: float) -> CounterState:
        """See `QuotaStore.look`."""

        def step(tables: Tables, _: str, __: float) -> CounterState:
            account = tables.find((key[0], OF_THE_ACCOUNT), Account)
            record = tables.find(key, Record) or Record()
            rests_s = 0.0
            if account is not None and account.lost:
                rests_s = account.rests_from + self._gather_s + record.longest_rest_s - now
            return CounterState(
                after_s=max(record.held_s(now), rests_s),
                used=tuple(record.days[day].used if day in record.days else 0 for day in days),
                others=self._others(tables, key, owner, now, record.longest_rest_s),
                refused=record.refused(now),
            )

        return await self._run(step)

    def _others(self, tables: Tables, key: CounterKey, owner: str, now: float, rest_s: float) -> tuple[float, ...]:
        latest = now + self.lease_s + STEP_TOLERATED_S
        return tuple(max(0.0, now - end) for end in tables.ends(key, owner, now - rest_s) if end <= latest)


def write_slot(tables: Tables, key: CounterKey, slot: tuple[str, str], ends: float | None) -> None:
    """Writes when a slot ends, or that there is none if that is None, and counts it."""
    if more := tables.put_slot(key, slot, ends):
        record = tables.find(key, Record) or Record()
        record.slots += more
        tables.keep(key, record)
