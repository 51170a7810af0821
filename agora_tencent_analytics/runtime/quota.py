"""The vendor's allowance: who may send the next request, and when.

Holds `Quota`, one per account in a process: the counters of the vendor, the clock of the vendor, and the store
that remembers both over restarts. Refuses to send anything, and to decide which endpoint draws on which rates:
those come from the plans, with each request for a slot.

**Theory.** The vendor counts arrivals, so no timing of sends is safe; a slot is therefore timed from its
*answer* (`limiter.py`, with the proof). A day is not a window but a calendar day in the vendor's UTC, an exact
count that is written down before the request is sent (`store.py`). Near midnight, where the two clocks may
disagree about the date, a request is charged to both days. Windows, days and the slot in the store are taken
all at once or not at all; what was never sent is given back; what was sent is spent, whatever became of it.

The pace (0.95 x period / L between sends, for rates of a second) spreads the requests over the window. It is
not what keeps the limit, and minute rates have none: two questions at once should not wait half a minute.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, Rate
from agora_tencent_analytics.runtime.clock import Clock, VendorClock
from agora_tencent_analytics.runtime.counter import Counter
from agora_tencent_analytics.runtime.slot import Slot, Waiting
from agora_tencent_analytics.runtime.store import QuotaStore, open_store

__all__ = ["Quota", "QuotaState", "Slot"]


@attrs.frozen(kw_only=True)
class QuotaState:
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
    """The least that one more request would wait from now on, seconds; the day aside."""
    waiting: int = 0
    """Requests of this process that wait for a slot."""
    granted: int = 0
    """Slots granted by this object."""
    refused: int = 0
    """Requests that the vendor refused for their rate or the day."""
    refunded: int = 0
    """Slots given back because nothing was sent."""
    waited_s: float = 0.0
    """Seconds that granted requests waited, together."""


class Quota:
    """What one account may ask of one vendor, shared by everything in this process that asks for it.

    May be used from several event loops and threads at once.

    Args:
        account: names the account, for example the customer id with the host. Only a digest of it is stored.
        store: where the day count and resting slots are kept: a path, `":memory:"`, a store of your own, or
            None for a file in the user's state directory. Where no file can be written, memory, with a warning.
        clock: the clocks of this machine; tests pass virtual ones.
        plan: the plan whose rates will be asked for; named in messages only.
        merge: groups of counters that the vendor counts as one, for example `(("call/lists", "call/metrics"),)`.
        strict: use N - 1 of the vendor's N (default), because vendors write "ensure that qps < N"; False uses N.
        cold_start: hold rates of a second for one period from now on (default), because what an earlier
            process has just sent is not known for certain.

    Raises:
        BadInput: a counter is in two groups of `merge`.
    """

    def __init__(
        self,
        account: str,
        *,
        store: str | Path | QuotaStore | None = None,
        clock: Clock | None = None,
        plan: str = "",
        merge: Sequence[Sequence[str]] = (),
        strict: bool = True,
        cold_start: bool = True,
    ) -> None:
        self.clock = VendorClock(clock)
        self.plan = plan
        self._where = store
        self._store: QuotaStore | None = None
        self._strict = strict
        self._account = _digest(account)
        self._owner = secrets.token_hex(8)
        self._cold_since = self.clock.clock.monotonic() if cold_start else None
        self._names = _joined(merge)
        self._counters: dict[str, Counter] = {}
        self._lock = threading.RLock()

    @property
    def store(self) -> QuotaStore:
        """Where days and slots are remembered; opened when first needed, so that making a quota does no I/O."""
        with self._lock:
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
        strict: bool = True,
        cold_start: bool = True,
    ) -> Quota:
        """The one quota of this account in this process; made on first use, forgotten when nobody holds it.

        The other arguments are those of `Quota`, and count only when it is made.

        Raises:
            BadInput: the account is in use with another plan: one of the two must be wrong.
        """
        with _registry_lock:
            known = _registry.get(_digest(account))
            if known is None:
                known = cls(
                    account, store=store, clock=clock, plan=plan, merge=merge, strict=strict, cold_start=cold_start
                )
                _registry[known._account] = known
            elif known.plan != plan:
                raise BadInput(
                    f"this account is in use with plan {known.plan!r} and cannot have plan {plan!r} as well; an "
                    "account has one plan, so give both providers the same, or name different accounts with account="
                )
            return known

    def __repr__(self) -> str:
        return f"<Quota plan={self.plan!r} counters={sorted(self._counters)}>"

    def slot(self, counter: str, rates: tuple[Rate, ...], *, max_wait: float | None = None) -> Waiting:
        """A slot for one request: `async with quota.slot("call/lists", rates) as slot`.

        Entering waits first come, first served. Inside, call `slot.sent()` just before the request is handed
        to the transport and `slot.answered()` when the headers of its answer arrive. Leaving the block settles
        the rest: refunded if not sent, answered now if sent.

        Args:
            counter: the vendor's counter that the request draws on.
            rates: all of them hold at once; empty grants without waiting.
            max_wait: the most to wait, in seconds: 0 takes a slot only if one is free now, None waits as long as
                it takes. Midnight is never waited for.

        Raises:
            DailyQuotaExhausted: (on entering) the day is spent; nothing was.
            WouldExceedQuota: (on entering) the wait is, or has become, longer than `max_wait`; nothing was spent.
            BadInput: `max_wait` is negative or not a number.
        """
        if max_wait is not None and not max_wait >= 0:
            raise BadInput(f"max_wait must be 0 or more seconds, or None, not {max_wait!r}")
        return Waiting(self._counter(counter, rates) if rates else None, max_wait)

    def state(self, counter: str, rates: tuple[Rate, ...]) -> QuotaState:
        """How a counter stands now, for reports; nothing is spent."""
        midnight = float((self.clock.now() // DAY + 1) * DAY)
        if not rates:
            return QuotaState(counter=counter, used_today=0, left_today=None, resets_at=midnight, next_free_s=0.0)
        found = self._counter(counter, rates)
        return QuotaState(
            counter=found.name,
            used_today=found.day.used(),
            left_today=found.day.left(),
            resets_at=midnight,
            next_free_s=found.next_free_s(),
            waiting=found.waiting,
            granted=found.granted,
            refused=found.refused_count,
            refunded=found.refunded,
            waited_s=found.waited_s,
        )

    def _counter(self, counter: str, rates: tuple[Rate, ...]) -> Counter:
        name = self._names.get(counter, counter)
        with self._lock:
            found = self._counters.get(name)
            if found is None:
                found = self._counters[name] = Counter(
                    name=name,
                    key=(self._account, name),
                    owner=self._owner,
                    clock=self.clock,
                    store=self.store,
                    strict=self._strict,
                )
        found.adopt(rates, cold_since=self._cold_since)
        return found


_registry: weakref.WeakValueDictionary[str, Quota] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()


def _digest(account: str) -> str:
    return hashlib.sha256(account.encode()).hexdigest()[:16]


def _joined(merge: Sequence[Sequence[str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for group in merge:
        for counter in group:
            if counter in names:
                raise BadInput(f"merge names the counter {counter!r} twice; list together what counts together, once")
            names[counter] = "+".join(sorted(group))
    return names
