"""The vendor's quota: who may send the next request, and when.

Holds `Quota`, one per account in a process: the counters of the vendor, the clock of the vendor, and the store that
remembers both over restarts. It sends nothing, and does not decide which endpoint draws on which rates: those come
from the plans, with each request for a slot.

**Theory.** The vendor counts arrivals, so no timing of sends is safe; a slot is therefore timed from its
*answer* (`limiter.py`, with the proof). A day is not a window but a calendar day in the vendor's UTC, an exact
count that is written down before the request is sent (`store.py`). Near midnight, where the two clocks may
disagree about the date, a request is charged to both days (`day.py`). Windows, days and the slot in the store are taken
all at once or not at all; what was never sent is given back; what was sent is spent, whatever became of it.

The pace (0.95 x period / L between sends, for rates of a second) spreads the requests over the window. It is
not what keeps the limit, and minute rates have none: two questions at once should not wait half a minute.

**Loops and forks.** An event loop is to the store what a process is: an owner. So each loop has counters of its own,
which no other thread touches, and the store holds the loops of one process together like the processes of one machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from agora_tencent_analytics.context import PRIORITIES, Priority
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import Rate
from agora_tencent_analytics.quota.clock import Clock, VendorClock
from agora_tencent_analytics.quota.counter import Counter, Totals
from agora_tencent_analytics.quota.open_store import check_store, open_store
from agora_tencent_analytics.quota.queue import Bounds
from agora_tencent_analytics.quota.slot import Free, Waiting
from agora_tencent_analytics.quota.store import QuotaStore


class QuotaState(msgspec.Struct, kw_only=True, frozen=True):
    """How one counter stands at this moment."""

    counter: str
    """Name of the counter; merged counters are joined by `+`."""
    used_today: int
    """Requests charged to the vendor's current UTC day, by all who share the store; 0 if no day is counted."""
    left_today: int | None
    """Requests that may still be sent in it, or None if the day is unlimited."""
    resets_at: float
    """The vendor's next midnight UTC, epoch seconds."""
    next_free_s: float
    """The least that one more request of normal priority would wait from now on, seconds; the day aside."""
    reserved: Mapping[Priority, int] = {}
    """Requests of each day that only these priorities may use; the others are refused when no more than that is
    left."""
    waiting: int = 0
    """Requests of this process that wait for a slot."""
    granted: int = 0
    """Slots granted by this object."""
    refused: int = 0
    """Requests that the vendor refused, for the rate or the day."""
    refunded: int = 0
    """Slots given back because nothing was sent."""
    waited_s: float = 0.0
    """Seconds that granted requests waited in total."""


class Quota:
    """What one account may ask of one vendor, shared by everything in this process that asks for it.

    May be used from several event loops, one after the other or at once in several threads. In a child that `os.fork`
    makes it begins anew: the child counts as another process, so a store in memory does not hold the two together.

    Args:
        account: any name. Quotas of one name count together wherever they have one store; a provider that is given no
            quota names its own after account, app and host. Only a digest of it is stored.
        store: where the day count and resting slots are kept: a path (shared by the processes of one machine), the
            URL of a Redis (shared by many machines), `":memory:"`, a `QuotaStore` of your own, or None for a file in
            the user's state directory. Where no file can be written, memory, with a warning.
        clock: the clocks of this machine; tests pass virtual ones.
        plan: the plan whose rates will be asked for; named in messages only.
        merge: groups of counters that the vendor counts as one, for example `(("call/lists", "call/metrics"),)`.
        reserve: shares of each UTC day that only these priorities may use, for example `{"interactive": 0.1}`. The
            others get `DailyQuotaExhausted` when no more than that is left.
        strict: use N - 1 of the vendor's N (default), because vendors write "ensure that qps < N"; False uses N.
        cold_start: where the store is found empty, hold every window once (default), because what an earlier process
            has just sent is not known; False if you know that nothing was.

    Raises:
        BadInput: a counter is in two groups of `merge`, or `reserve` is not a share of priorities.
    """

    def __init__(
        self,
        account: str,
        *,
        store: str | Path | QuotaStore | None = None,
        clock: Clock | None = None,
        plan: str = "",
        merge: Sequence[Sequence[str]] = (),
        reserve: Mapping[Priority, float] | None = None,
        strict: bool = True,
        cold_start: bool = True,
    ) -> None:
        check_store(store)
        if not isinstance(account, str) or not account:
            raise BadInput(f"account must be a non-empty text, not {account!r}")
        self.clock: VendorClock = VendorClock(clock)
        self.plan = plan
        self.reserve: dict[Priority, float] = _checked({} if reserve is None else reserve)
        self._where = store
        self._store: QuotaStore | None = None
        self._strict = strict
        self._cold_start = cold_start
        self._account = _digest(account)
        self._names = _joined(merge)
        self._free = Free(self.clock)
        self._begin()

    def _begin(self) -> None:
        """What belongs to one process: what its loops have in flight, and who waits."""
        self._pid = os.getpid()
        self._counters: dict[asyncio.AbstractEventLoop | None, dict[str, Counter]] = {}
        self._past: dict[str, Totals] = {}
        """Of loops that are closed, by counter."""
        self._lock = threading.RLock()

    def _lock_of_this_process(self) -> threading.RLock:
        if self._pid != os.getpid():
            # After a fork, the slots of its parent would pass for the child's own, and nobody would count them.
            self._begin()
        return self._lock

    @property
    def store(self) -> QuotaStore:
        """Where days and slots are remembered; opened when first needed, so that making a quota does no I/O."""
        with self._lock_of_this_process():
            if self._store is None:
                self._store = open_store(self._where)
            return self._store

    @classmethod
    def shared(
        cls,
        account: str,
        *,
        plan: str,
        store: str | Path | QuotaStore | None = None,
        clock: Clock | None = None,
        merge: Sequence[Sequence[str]] = (),
        reserve: Mapping[Priority, float] | None = None,
        strict: bool | None = None,
        cold_start: bool = True,
    ) -> Quota:
        """The one quota of this account in this process; made on first use, forgotten when nobody holds it.

        The other arguments are those of `Quota`. They count when it is made; later ones may be left out, but must
        not contradict, except for `clock` and `cold_start`.

        Raises:
            BadInput: the account is in use with another plan, store, merge, reserve or strict: one of the two must be
                wrong.
        """
        with _registry_lock:
            known = _registry.get(_digest(account))
            if known is None:
                known = cls(
                    account,
                    store=store,
                    clock=clock,
                    plan=plan,
                    merge=merge,
                    reserve=reserve,
                    strict=strict is not False,
                    cold_start=cold_start,
                )
                _registry[known._account] = known
                return known
            if known.plan != plan:
                raise BadInput(
                    f"this account is in use with plan {known.plan!r} and cannot have plan {plan!r} as well; an "
                    "account has one plan, so give both providers the same, or name different accounts with account="
                )
            for name, given, used in (
                ("store", None if store is None else _named(store), _named(known._where)),
                ("merge", _joined(merge) or None, known._names),
                ("reserve", reserve or None, known.reserve),
                ("strict", strict, known._strict),
            ):
                if given is not None and given != used:
                    raise BadInput(
                        f"this account is in use with another {name}= in this process; an account has one quota, so "
                        f"give the same {name}= everywhere, or only where it is used first"
                    )
            return known

    async def aclose(self) -> None:
        """Closes what the store has open on this event loop; the quota can still be used, and opens it again."""
        for counter in list(self._counters.get(_running_loop(), {}).values()):
            if counter.outbox is not None:
                await counter.outbox.empty()
        if self._store is not None:
            await self._store.aclose()

    def __repr__(self) -> str:
        return f"<Quota plan={self.plan!r} counters={sorted({*self._past}.union(*self._counters.values()))}>"

    def slot(
        self,
        counter: str,
        rates: tuple[Rate, ...],
        *,
        max_wait: float | None = None,
        priority: Priority = "normal",
        within_s: float | None = None,
        queues: bool = False,
    ) -> Waiting | Free:
        """A slot for one request: `async with quota.slot("call/lists", rates) as slot`, on the event loop that waits.

        Entering waits by priority, then first come, first served. Inside, call `slot.sent()` just before the
        request is handed to the transport and `slot.answered()` when the headers of its answer arrive. Leaving the
        block settles the rest: refunded if not sent, answered now if sent.

        Args:
            counter: the vendor's counter that the request draws on.
            rates: all of them hold at once; empty grants without waiting.
            max_wait: the most to wait, in seconds: 0 takes a slot only if one is free now, None waits as long as
                it takes. Midnight is never waited for.
            priority: who goes first when several wait: `"interactive"` overtakes `"normal"`, and that `"backfill"`.
                Of ten grants in a row at least one goes to whoever has waited longest, if it was overtaken.
            within_s: the same as `max_wait`; both hold.
            queues: True if the bounds are those of the head of the queue: those ahead of it do not count, and
                `max_wait` begins when it has become the head.

        Raises:
            DailyQuotaExhausted: (on entering) the day is spent; nothing was.
            WouldExceedQuota: (on entering) the wait is, or has become, longer than `max_wait`; nothing was spent.
            QuotaUnavailable: (on entering) the store cannot be had, so nothing may be sent.
            BadInput: `max_wait` is negative or not a number, or there is no such priority.
        """
        if max_wait is not None and not (isinstance(max_wait, int | float) and max_wait >= 0):
            raise BadInput(f"max_wait must be 0 or more seconds, or None, not {max_wait!r}")
        if priority not in PRIORITIES:
            raise BadInput(f"priority must be one of {', '.join(PRIORITIES)}, not {priority!r}")
        if not rates:
            return self._free
        asyncio.get_running_loop()  # raises where there is none, and nobody could wait
        return Waiting(self._counter(counter, rates), Bounds(max_wait, priority, within_s, queues))

    def refuse_if_spent(self, counter: str, rates: tuple[Rate, ...], priority: Priority = "normal") -> None:
        """Raises at once, by what is known here, if a slot would be refused for the day; spends nothing.

        Args:
            counter: the vendor's counter.
            rates: its rates.
            priority: the priority that would be asked with.

        Raises:
            DailyQuotaExhausted: it would.
        """
        if rates:
            self._counter(counter, rates).refuse_if_spent(priority)

    async def state(self, counter: str, rates: tuple[Rate, ...]) -> QuotaState:
        """The state of a counter now, for reports; spends nothing.

        Args:
            counter: the vendor's counter.
            rates: its rates.

        Raises:
            QuotaUnavailable: the store cannot be had.
        """
        midnight = self.clock.next_midnight()
        if not rates:
            return QuotaState(counter=counter, used_today=0, left_today=None, resets_at=midnight, next_free_s=0.0)
        found = self._counter(counter, rates)
        used = sum((await found.look()).used)
        with self._lock_of_this_process():
            everywhere = [of_loop[found.name] for of_loop in self._counters.values() if found.name in of_loop]
            totals = Totals()
            for part in (self._past.get(found.name, Totals()), *(counter.totals for counter in everywhere)):
                totals.add(part)
        return QuotaState(
            counter=found.name,
            used_today=used,
            left_today=found.day.left(used),
            resets_at=midnight,
            next_free_s=found.next_free_s(),
            reserved=found.day.reserved,
            waiting=sum(counter.waiting for counter in everywhere),
            **msgspec.structs.asdict(totals),
        )

    def _counter(self, counter: str, rates: tuple[Rate, ...]) -> Counter:
        """The counter of the running event loop."""
        name = self._names.get(counter, counter)
        with self._lock_of_this_process():
            of_loop = self._of_loop(_running_loop())
            found = of_loop.get(name)
            if found is None:
                found = of_loop[name] = Counter(
                    name=name,
                    key=(self._account, name),
                    owner=os.urandom(8).hex(),
                    clock=self.clock,
                    store=self.store,
                    strict=self._strict,
                    reserve=self.reserve,
                    cold_start=self._cold_start,
                )
        found.adopt(rates)
        return found

    def _of_loop(self, loop: asyncio.AbstractEventLoop | None) -> dict[str, Counter]:
        found = self._counters.get(loop)
        if found is None:
            for over in [other for other in self._counters if other is not None and other.is_closed()]:
                for name, counter in self._counters.pop(over).items():
                    self._past.setdefault(name, Totals()).add(counter.totals)
            found = self._counters[loop] = {}
        return found


_registry: weakref.WeakValueDictionary[str, Quota] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None  # whoever only looks may do so from anywhere


def _digest(account: str) -> str:
    return hashlib.sha256(account.encode()).hexdigest()[:16]


def _joined(merge: Sequence[Sequence[str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    groups: Sequence[Any] = merge if isinstance(merge, list | tuple) else [merge]
    for group in groups:
        if not isinstance(group, list | tuple) or not all(isinstance(counter, str) for counter in group):
            raise BadInput(f"merge is made of groups of counters, like [['a', 'b']], and {group!r} is not a group")
        for counter in group:
            if counter in names:
                raise BadInput(f"merge names the counter {counter!r} twice; list together what counts together, once")
            names[counter] = "+".join(sorted(group))
    return names


def _named(store: str | Path | QuotaStore | None) -> object:
    return str(store) if isinstance(store, str | Path) else store


def _checked(reserve: Mapping[Priority, float]) -> dict[Priority, float]:
    shares = dict(reserve) if isinstance(reserve, Mapping) else {}
    if (
        not isinstance(reserve, Mapping)
        or not set(shares) <= set(PRIORITIES)
        or not all(isinstance(share, int | float) and share > 0 for share in shares.values())
        or sum(shares.values()) >= 1
    ):
        raise BadInput(
            f"reserve must give shares of the day, together less than 1, to some of {', '.join(PRIORITIES)}, "
            f"not {reserve!r}"
        )
    return shares
