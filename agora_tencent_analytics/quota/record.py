"""What a store keeps of an account, and how one that forgot is noticed: the description that every store obeys.

Holds `Account`, `Record` (of one counter) and `Known` (of a client) as values, and `meet`, which looks for a loss. The
steps of the stores in memory and on a file are built on it (`recorded_store.py`); `redis_store.lua` says the same on
the server.

**What is written down.** An account has a *birth*, a random id that changes with every loss that was noticed; the
*identity* of the server or file that it lies in; the list of its counters; and the instant from which it rests. A
counter has a *mark*, the birth under which it was used last; a *number* that only grows, with each grant; and the
count of its slots. What a client knows beside it: the birth, the identity, the number, and the days.

**A loss** is all that does not agree: an account without a birth where a client or a counter knows of one; another
identity (a restart, a replica, a copy); a counter that is listed and not there, or has another mark; slots that are
fewer than counted; a number that is lower than a client knows; a clock that went back behind the last grant, or was
set. An older state that differs in nothing of all that, and is opened by newcomers alone, cannot be told from the
present.

**Then** the account is born anew and rests: for one gathering, in which all who live renew their slots, and for one
rest, after which no window remembers what was answered before. An account that was found empty rests likewise, for
what an earlier process may have sent: that is the cold start, and there is no other. It covers windows up to an hour.
A counter that was never used before does not rest in an account that is whole.

**The day** is counted by *lives*, the time under one birth: so many granted, so many given back, each a number that
only grows. Whoever knows more of a life than the store tells it so, and the greater of the two is right. So each adds
what is missing and no more, however many losses there were and in whichever order they are told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from agora_tencent_analytics.log import extra
from agora_tencent_analytics.quota.store import STEP_NOTICED_S, STEP_TOLERATED_S, Claim, LatestRefusal, Room

DAYS_KEPT = 7
_DRIFT_S = 0.1
"""Clocks may come apart slowly, by so much before that is written down; one that was set does so at once."""

_log = logging.getLogger("agora_tencent_analytics")


Count = Annotated[int, msgspec.Meta(ge=0)]
"""What only grows, from 0."""


class Account(msgspec.Struct):
    """What a store says of itself, to all who use one account."""

    birth: str
    identity: str
    """Of the server or file that this was written in."""
    rests_from: float
    """When data may have been lost last, by the store's clock."""
    lost: bool
    """True if it was used before; False if it was found empty."""
    steady: float | None = None
    """By how many seconds the wall clock is ahead of the machine's monotonic clock; None if unknown."""
    counters: list[str] = []
    """Those used since the birth."""

    def rests_s(self, now: float, claim: Claim, gather_s: float) -> float:
        """For how long this claim is held."""
        if not (self.lost or claim.cold_start):
            return 0.0
        return max(0.0, self.rests_from + gather_s + claim.longest_rest_s - now)


class Day(msgspec.Struct, array_like=True):
    """What is charged to one day."""

    lives: dict[str, tuple[Count, Count]] = {}
    """Requests granted and given back, by birth."""
    spent_at: Count = 0
    """The vendor called it spent for every limit up to this one."""

    @property
    def used(self) -> int:
        """Requests that count."""
        return max(self.spent_at, sum(granted - back for granted, back in self.lives.values()))

    def charge(self, life: str, granted: int = 1, back: int = 0) -> None:
        """Counts requests granted and given back under one birth."""
        before = self.lives.get(life, (0, 0))
        self.lives[life] = (before[0] + granted, before[1] + back)

    def merge(self, other: Day) -> None:
        """Adds what only the other knows."""
        self.spent_at = max(self.spent_at, other.spent_at)
        for life, (granted, back) in other.lives.items():
            before = self.lives.get(life, (0, 0))
            self.lives[life] = (max(before[0], granted), max(before[1], back))


class Record(msgspec.Struct):
    """One counter."""

    mark: str = ""
    """The birth under which it was used last."""
    number: Count = 0
    """Of grants since that birth."""
    slots: int = 0
    longest_rest_s: float = 0.0
    granted_at: float = 0.0
    held_until: float = 0.0
    hold_s: float = 0.0
    """For how long everybody is held, as it was recorded."""
    refusals: int = 0
    refused_at: float = 0.0
    refused_sent_at: float = 0.0
    refused_period_s: int | None = None
    days: dict[int, Day] = {}
    steps: dict[int, dict[int, int]] = {}
    """Requests in each step of each window of more than an hour, by its period."""

    def full_s(self, rooms: Iterable[Room], now: float) -> float:
        """For how long one of these windows is full; forgets the steps that are over."""
        longest = 0.0
        for room in rooms:
            kept = self.steps[room.period_s] = {
                step: count
                for step, count in self.steps.get(room.period_s, {}).items()
                if (step + 1) * room.step_s + room.rest_s > now
            }
            if sum(kept.values()) >= room.limit:
                longest = max(longest, (min(kept) + 1) * room.step_s + room.rest_s - now)
        return longest

    def count(self, rooms: Sequence[Room], at: float) -> tuple[int, ...]:
        """Counts a request that arrives no later than that; see `Claim.steps`."""
        steps = tuple(int(at // room.step_s) for room in rooms)
        for room, step in zip(rooms, steps, strict=True):
            counts = self.steps.setdefault(room.period_s, {})
            counts[step] = counts.get(step, 0) + 1
        return steps

    def held_s(self, now: float) -> float:
        """For how long a refusal holds everybody: no longer than it was to, whatever the clock does."""
        return max(0.0, min(self.held_until - now, self.hold_s))

    def hold(self, now: float, seconds: float) -> None:
        """Holds everybody at least for so long from now."""
        self.hold_s = max(self.held_s(now), seconds)
        self.held_until = now + self.hold_s

    def refused(self, now: float) -> LatestRefusal | None:
        """The last refusal."""
        if not self.refusals:
            return None
        # Less than 0 if the clock was set back since.
        ago_s, sent_ago_s = max(0.0, now - self.refused_at), max(0.0, now - self.refused_sent_at)
        return LatestRefusal(number=self.refusals, ago_s=ago_s, sent_ago_s=sent_ago_s, period_s=self.refused_period_s)

    def day(self, day: int) -> Day:
        """That day, begun if need be."""
        return self.days.setdefault(day, Day())

    def adopt(self, birth: str, now: float, slots: int) -> None:
        """Goes on under another birth."""
        self.mark, self.number, self.slots = birth, 0, slots
        self.held_until = now + self.held_s(now)
        self.granted_at, self.refused_at = min(self.granted_at, now), min(self.refused_at, now)


class Known(msgspec.Struct):
    """What one client knows of an account."""

    birth: str = ""
    identity: str = ""
    active_at: float = float("-inf")
    """When it was granted something, or answered, last."""
    numbers: dict[str, int] = {}
    """The highest that was seen under that birth, by counter."""
    days: dict[str, dict[int, Day]] = {}
    """By counter: never less than what the store has said at any time."""
    heard: int = 0
    """How often something was learnt."""

    def learn(
        self,
        birth: str,
        identity: str,
        counter: str,
        number: int,
        days: Sequence[tuple[int, Day]] = (),
        *,
        asked_as: str,
    ) -> None:
        """Takes note of what a store says, once it has been told all that was known before.

        Args:
            birth: of the account.
            identity: of the store.
            counter: the one that was asked for.
            number: of it.
            days: of it.
            asked_as: the birth that was known when it was asked.
        """
        if birth != self.birth:
            # Two answers that overtook each other: what the later knows may not have been told.
            self.birth, self.numbers = birth if self.birth == asked_as else "?", {}
        self.identity = identity
        self.numbers[counter] = max(number, self.numbers.get(counter, 0))
        self.hear(counter, days)

    def hear(self, counter: str, days: Sequence[tuple[int, Day]]) -> None:
        """Takes note of what a store knows of days."""
        self.heard += 1
        known = self.days.setdefault(counter, {})
        for date, day in days:
            known.setdefault(date, Day()).merge(day)
        if days:
            forget_days(known, days[0][0])


def forget_days(days: dict[int, Day], charged: int) -> None:
    """Forgets the days that are long over when this one is charged."""
    if len(days) > 2:  # more than midnight needs
        for day in [day for day in days if day <= charged - DAYS_KEPT]:
            del days[day]


def meet(
    account: Account | None,
    record: Record | None,
    *,
    counter: str,
    known: Known,
    claim: Claim,
    now: float,
    identity: str,
    slots: int,
) -> tuple[Account, str | None]:
    """The account as it is from now on, and what was found wrong with it, in words; None if it is whole.

    Args:
        account: what the store says of itself; None if nothing.
        record: of the counter; None if there is none.
        counter: its name.
        known: what the asker knows.
        claim: what it asks; its id becomes the new birth.
        now: by the store's clock.
        identity: of the server or file.
        slots: so many the store has.
    """
    listed = account is not None and counter in account.counters
    if account is None:
        found_empty = record is None and not slots and not known.birth
        why = "it is empty" if found_empty else "it does not know this account any more"
    elif account.identity != identity:
        why = "it is another one, a copy, or started anew"
    elif listed and record is None:
        why = "it has lost a counter"
    elif record is not None and listed != (record.mark == account.birth):
        why = "what it says of a counter is not of its time"
    elif slots != (0 if record is None else record.slots):
        why = "it has lost slots"
    elif known.birth == account.birth and known.numbers.get(counter, 0) > (0 if record is None else record.number):
        why = "it is as it was some time ago"
    elif record is not None and max(record.granted_at, record.refused_at) > now + STEP_TOLERATED_S:
        why = "its clock was set back"
    elif (
        account.steady is not None and claim.steady is not None and abs(account.steady - claim.steady) > STEP_NOTICED_S
    ):
        why = "its clock was set"
    else:
        if known.birth not in ("", account.birth):
            account.lost = True
            if known.identity != identity:  # elsewhere it may have been granted what nobody knows of here
                account.rests_from = max(account.rests_from, min(known.active_at, now))
        elif record is not None and not listed:
            account.lost = True
        if account.steady is not None and claim.steady is not None and abs(account.steady - claim.steady) > _DRIFT_S:
            account.steady = claim.steady
        return account, None
    lost = why != "it is empty"
    return Account(birth=claim.id, identity=identity, rests_from=now, lost=lost, steady=claim.steady, counters=[]), why


def tell_of_loss(counter: str, store: str, why: str, *, lost: bool, shared: bool = False) -> None:
    """Says once what is not known any more."""
    level, key = logging.WARNING, "quota_forgotten"
    said = (
        f"has forgotten what was sent ({why}); nothing is granted until everybody has told it what is under way, and "
        "all who live add to the day what they know of it"
    )
    if not lost:
        level, key = logging.WARNING if shared else logging.DEBUG, "quota_empty"  # what is not shared is always new
        said = (
            "is empty: what was sent earlier today, and in windows of more than an hour, is not known and not counted"
        )
    _log.log(level, "%s: %s %s", counter, store, said, extra=extra(key, counter=counter))
