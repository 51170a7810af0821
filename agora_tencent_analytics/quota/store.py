"""`QuotaStore`: the protocol for what outlives a process and is shared by all who use an account.

A store neither waits for a slot nor reads a clock: it answers "granted", or "not yet, because", and the queue in
front of it (`counter.py`) does the waiting. The stores are `memory_store.py` (one process), `sqlite_store.py` (one
machine) and `redis_store.py` (many).

**What a store keeps**, for each counter of each account: how much of each UTC day is used; when each slot ends;
when the last request was granted (the pace); until when everybody is held after a refusal, and how many refusals
there were. A claim is granted over all of them in one atomic step, before the request is sent, or not at all.

**When a slot ends.** A slot is known by one instant: its *end*. In flight it lies in the future, at the end of its
lease; with the answer it becomes the instant of the answer. A slot fills a window as long as its end is later than
now - rest. So a process that dies blocks its slots for one lease and one rest, never less: whatever it had sent has
arrived by then. A process that lives renews its leases (`slot.py`), so a slow answer never loses its slot. Writing
an answer late is safe: until then the slot counts as in flight.

**Whose clock.** Slots are timed by the clock of the store: the wall clock of the machine for memory and files, Redis
TIME for Redis. Each process counts its *own* slots by its monotonic clock (`limiter.py`), and tells the store how many
more each window takes; the store counts those of the others. So a stepped wall clock can only harm what processes know
of each other. Days are days of the vendor's clock, `floor(vendor epoch / 86400)`, never "24 hours since the first".
"""

from __future__ import annotations

import math
from typing import Literal, Protocol, runtime_checkable

import msgspec

__all__ = [
    "LEASE_S",
    "PACE_SLACK_S",
    "SLOTS_KEPT_S",
    "STEP_NOTICED_S",
    "STEP_TOLERATED_S",
    "Claim",
    "CounterKey",
    "CounterState",
    "LatestRefusal",
    "QuotaStore",
    "Room",
    "judge",
    "renewal_interval",
]

LEASE_S = 30.0
"""A slot that was neither answered nor renewed for this long, seconds, belonged to a process that died."""
STEP_NOTICED_S = 1.0
"""By so much more than the time on its way explains a clock differs from what it was if it was set."""
STEP_TOLERATED_S = 5.0
"""A slot that ends later than a lease and this from now was written before the clock was set back."""
PACE_SLACK_S = 0.002
"""The pace is kept by each process too; between processes it need not be exact, and must not cost a second question."""
_STEPS = 60
SLOTS_KEPT_S = 120.0
"""How long slots are kept after their end, seconds; longer if a rest is longer."""

CounterKey = tuple[str, str]
"""The account (as a digest, see `Quota`) and the name of the counter."""


def renewal_interval(lease_s: float) -> float:
    """How often the lease of an unanswered slot is renewed; a store that forgot knows them all after one interval.

    Args:
        lease_s: how long a slot is kept, seconds.
    """
    return min(lease_s / 6, 1.0)


class Room(msgspec.Struct, kw_only=True, frozen=True):
    """One window of the asker."""

    limit: int
    """The most slots in it, over all owners."""
    free: int
    """What this client's own slots leave of it: all other owners must hold fewer than this."""
    period_s: int
    rest_s: float
    """How long a slot fills the window after its answer, seconds."""

    @property
    def step_s(self) -> int:
        """A window of more than an hour is counted in steps of so many seconds."""
        return math.ceil(self.period_s / _STEPS)


class Claim(msgspec.Struct, kw_only=True, frozen=True):
    """One request that somebody wants to send."""

    id: str
    """Random. Where a reply can be lost in transit (Redis), the same claim gets the same reply and is charged once."""
    owner: str
    """The `Quota` that sends the request."""
    windows: tuple[Room, ...] = ()
    """Those of at most an hour, whose slots are known one by one."""
    long: tuple[Room, ...] = ()
    """Those of more than an hour, which are counted in steps by all owners together."""
    steps: tuple[int, ...] = ()
    """Once it is granted: the step of each of those that it is counted in."""
    pace_s: float = 0.0
    """Seconds to keep after the last grant to anybody; 0 keeps none."""
    days: tuple[int, ...] = ()
    """The vendor days it is charged to; empty where none is counted."""
    day_limit: int = 0
    """The most requests in a day, inclusive."""
    seen: tuple[int, ...] = ()
    """What this client has seen used of each of the days."""
    cold_start: bool = False
    """Hold it in a store that was found empty, because what an earlier process has just sent is not known."""
    steady: float | None = None
    """By how many seconds this client's wall clock is ahead of its monotonic clock: the same for all processes of one
    machine, unless somebody sets the wall clock."""
    ended: tuple[tuple[str, float], ...] = ()
    """Slots of the owner, with windows of at most an hour alone, whose requests were answered: the id of each, and how
    many seconds ago. Write them down whether or not the claim is granted; the same may be told again. Only a store that
    `takes_along` is told of them so, and the others by `answered`."""

    @property
    def slot(self) -> tuple[str, str]:
        """What its slot is known by: the owner, and the id."""
        return self.owner, self.id

    @property
    def longest_rest_s(self) -> float:
        """Seconds after which no window remembers a slot; those of more than an hour are too long to be waited out."""
        return max((room.rest_s for room in self.windows), default=0.0)


class LatestRefusal(msgspec.Struct, kw_only=True, frozen=True):
    """The last refusal for the rate that any process has met."""

    number: int
    """How many there were."""
    ago_s: float
    sent_ago_s: float
    """When its request was granted."""
    period_s: int | None
    """The window that the vendor named, or None."""


class CounterState(msgspec.Struct, kw_only=True, frozen=True):
    """How a counter stands; as the reply to a claim, whether it is granted."""

    why: Literal["day", "hold", "pace", "window", "store"] | None = None
    """None: granted. Else nothing was taken: the day is spent, a refusal holds everybody, somebody was granted just
    now, slots of others fill a window, or the store cannot be had and its user wants to wait for it."""
    after_s: float = 0.0
    """There is no point in asking again sooner than this, seconds; slots of others may make it longer."""
    used: tuple[int, ...] = ()
    """Requests charged to each of the claim's days, this one included if it is granted."""
    others: tuple[float, ...] = ()
    """Seconds since the slots of all other owners ended, 0 for those in flight; only if nothing was granted."""
    steps: tuple[int, ...] = ()
    """See `Claim`."""
    granted_as: str = ""
    """The id that the claim has from now on, if not its own."""
    refused: LatestRefusal | None = None
    lost_ago_s: float | None = None
    """How long ago the store was found empty or had lost data, seconds; None if it does not say."""
    alone: bool = False
    """True if this was decided without the store, which has heard nothing; so it is where `why` is `"store"`."""


def judge(
    claim: Claim,
    now: float,
    *,
    used: tuple[int, ...],
    others: tuple[float, ...],
    granted_at: float,
    held_s: float,
    refused: LatestRefusal | None,
    lost_ago_s: float | None = None,
) -> CounterState:
    """The decision of a store: whether a claim is granted. What it takes is still to be written down.

    Args:
        claim: the request.
        now: the store's clock, epoch seconds.
        used: what is used of each of the claim's days.
        others: see `CounterState`.
        granted_at: when anybody was granted last, epoch seconds.
        held_s: for how long everybody is held, seconds.
        refused: see `CounterState`.
        lost_ago_s: see `CounterState`.
    """
    # A grant that lies ahead is from before the clock was set back.
    paced_s = granted_at + claim.pace_s - PACE_SLACK_S - now if claim.pace_s and granted_at <= now else 0.0
    why: Literal["day", "hold", "pace", "window"]
    if used and max(used) >= claim.day_limit:
        why, held_s, paced_s = "day", 0.0, 0.0
    elif held_s > 0:
        why = "hold"
    elif paced_s > 0:
        why = "pace"
    elif any(
        room.free <= len(others) and room.free <= sum(age < room.rest_s for age in others) for room in claim.windows
    ):
        why = "window"
    else:
        return CounterState(used=tuple(count + 1 for count in used), refused=refused, lost_ago_s=lost_ago_s)
    after_s = max(0.0, held_s, paced_s)
    return CounterState(why=why, after_s=after_s, used=used, others=others, refused=refused, lost_ago_s=lost_ago_s)


@runtime_checkable
class QuotaStore(Protocol):
    """Keeps what of a quota is used. Every method is atomic, and may be called from any loop and thread.

    `now` is the wall clock of this machine, epoch seconds; stores with a clock of their own ignore it. All methods
    raise `QuotaUnavailable` if the store cannot be reached in a bounded time. One that sets `takes_along = True` hears
    of usual answers with the next claim of their owner (`Claim.ended`): one step for a slot, and not two.
    """

    lease_s: float
    """How long a slot is kept for a process that does not renew it, seconds."""

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
        """Takes the slot and one request from each of its days: all of it or nothing.

        Cancelled on the way, it has taken nothing, or gives it back, or leaves it spent.

        Args:
            key: the counter.
            claim: the slot that is wanted.
            now: this machine's epoch seconds.
        """
        ...

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        """Records that the claim's request was answered: its slot ended then.

        Args:
            key: account and counter.
            claim: what was granted; known to the store or not.
            now: wall clock, epoch seconds.
            ago_s: how long ago the answer came.
            late_days: days to be charged as well, because the answer was read in them.
        """
        ...

    async def refund(self, key: CounterKey, claim: Claim) -> None:
        """Gives back what `reserve` took, for a request that was never sent. Idempotent.

        Args:
            key: the counter.
            claim: a slot that was granted.
        """
        ...

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        """Leases the slot anew: its request is not answered yet.

        Args:
            key: the counter.
            claim: a slot that was granted.
            now: this machine's epoch seconds.
        """
        ...

    async def refused(
        self, key: CounterKey, now: float, *, ago_s: float, hold_s: float, sent_ago_s: float, period_s: int | None
    ) -> None:
        """Records a rate-limit refusal: nobody is granted anything for `hold_s` seconds after it.

        Args:
            key: account and counter.
            now: wall clock, epoch seconds.
            ago_s: how long ago the refusal was read.
            hold_s: seconds.
            sent_ago_s: how long before the refusal its request was granted.
            period_s: the window that the vendor named, or None.
        """
        ...

    async def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """Marks a vendor day as spent for every limit up to `limit`: the vendor said so. Refunds do not undo it.

        Args:
            key: the counter.
            day: number of the UTC day.
            limit: requests that the day has.
        """
        ...

    async def look(self, key: CounterKey, owner: str, days: tuple[int, ...], now: float) -> CounterState:
        """The state of the counter, for reports; takes nothing.

        Args:
            key: the counter.
            now: this machine's epoch seconds.
            days: numbers of UTC days.
            owner: who asks.
        """
        ...

    async def aclose(self) -> None:
        """Closes what is open on this event loop; the store can still be used, and opens it again."""
        ...
