"""What a process may send while the shared store cannot be reached, if its user has said so: a fixed share.

Holds `Fallback`. It keeps a window of its own of the size L x share, so that the processes together keep L as long as
their shares add up to one at most; where less than one request is left of a window, the window is stretched. It gives
no more of a day than this share of what was left of it when the store was last heard, and nothing for one window at
first: what the others have sent just before is not known.

When the store is back it is told (`Away`) what was granted and given back here, as the tally of a *life* of its own
(`record.py`): told again, it counts once, and what is granted meanwhile is told next. Then it holds everybody until all
others who served themselves are back; whoever did goes on with its share, and tells each grant at once. A claim that is
served here may have been granted by the store too, whose reply was lost, and is given back there; so the one served
here has another id from then on.
"""

from __future__ import annotations

import math
import os
import secrets
import threading
import time
from collections.abc import Iterable

import attrs
import msgspec

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.limits import AtOnce, Rate
from agora_tencent_analytics.quota.limiter import Bucket
from agora_tencent_analytics.quota.record import Day
from agora_tencent_analytics.quota.store import Claim, CounterKey, CounterState


@attrs.frozen(kw_only=True)
class Away:
    """What the store has to be told first when it is back."""

    days: dict[int, Day]
    """All that was granted and given back so far."""
    in_flight: tuple[Claim, ...]
    longest_rest_s: float
    over: int
    """So many ended without the store."""
    first: bool
    """The store has not been told of this share before, or does not know slots that ended without it since."""


@attrs.define
class _Share:
    bucket: Bucket
    longest_rest_s: float
    claims: dict[str, Claim] = attrs.field(factory=dict)
    """In flight."""
    known: set[str] = attrs.field(factory=set)
    """Those of them that the store knows of, which is told what becomes of them."""
    over: set[str] = attrs.field(factory=set)
    """Those that ended without it: an answer may be told again."""
    over_told: int = 0
    life: str = attrs.field(factory=lambda: secrets.token_hex(8))
    days: dict[int, Day] = attrs.field(factory=dict)
    told: dict[int, Day] | None = None
    """What the store knows of those; None if it was never told."""
    allowed: dict[int, int] = attrs.field(factory=dict)

    def charge(self, days: Iterable[int], *, granted: int = 1, back: int = 0) -> None:
        for day in days:
            # By process: what both count after a fork would count once.
            self.days.setdefault(day, Day()).charge(f"{self.life} {os.getpid()}", granted, back)


class Fallback:
    """The shares of all counters that are served without the store.

    Args:
        share: of each window and day.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._shares: dict[CounterKey, _Share] = {}
        self._lock = threading.Lock()

    def covers(self, claim: Claim) -> bool:
        """True if there is a share: of windows of more than an hour nobody but the store knows what is left."""
        return not claim.long and all(room.period_s or room.limit * self.share >= 1 for room in claim.windows)

    def reserve(self, key: CounterKey, claim: Claim) -> CounterState:
        """Grants out of the share, or says how long to wait.

        Raises:
            QuotaUnavailable: the share of the day is used up.
        """
        with self._lock:
            now = time.monotonic()
            found = self._shares.get(key)
            if found is None:
                rates = [
                    (Rate(room.limit, room.period_s) if room.period_s else AtOnce(room.limit)).share(self.share)
                    for room in claim.windows
                ]
                found = self._shares[key] = _Share(Bucket(rates, strict=False), claim.longest_rest_s)
                found.bucket.hold(now + claim.longest_rest_s)
            for day, seen in zip(claim.days, claim.seen, strict=True):
                allowed = found.allowed.setdefault(day, math.floor((claim.day_limit - seen) * self.share))
                if found.days.setdefault(day, Day()).used >= allowed:
                    raise QuotaUnavailable(
                        f"the quota store cannot be reached, and this process has used its share ({self.share:g}) of "
                        f"what was left of the day for {key[1]}, so nothing was sent"
                    )
            wait = found.bucket.expected_wait(now)
            if wait > 0:
                return CounterState(why="store", after_s=wait, used=claim.seen)
            found.bucket.take(now)
            served = msgspec.structs.replace(claim, id=f"{claim.id}~")
            found.claims[served.id] = served
            found.charge(claim.days)
            # What is owed is not what was seen at the store.
            return CounterState(used=claim.seen, alone=True, granted_as=served.id)

    def ended(self, key: CounterKey, name: str, *, ago_s: float | None = None, late_days: tuple[int, ...] = ()) -> bool:
        """True if the claim was granted here, is over by now, and the store need not be told.

        Args:
            key: its counter.
            name: its id.
            ago_s: how long ago it was answered, seconds; None if it was never sent.
            late_days: days to be charged as well.
        """
        with self._lock:
            found = self._shares.get(key)
            claim = None if found is None else found.claims.pop(name, None)
            if found is None or claim is None:
                return found is not None and name in found.over
            if ago_s is None:
                found.bucket.refund()
            else:
                found.bucket.answered(time.monotonic() - ago_s)
            if name in found.known:
                found.known.remove(name)
                return False
            found.charge(late_days)
            if ago_s is None:
                found.charge(claim.days, granted=0, back=1)
            else:
                found.over.add(name)
            return True

    def away(self, key: CounterKey) -> Away | None:
        """What the store has to be told; None if it knows all that was served without it."""
        with self._lock:
            found = self._shares.get(key)
            if found is None or (found.told == found.days and found.known.issuperset(found.claims)):
                return None
            return Away(
                days={date: Day(dict(day.lives)) for date, day in found.days.items()},
                in_flight=tuple(found.claims.values()),
                longest_rest_s=found.longest_rest_s,
                over=len(found.over),
                first=found.told is None or len(found.over) > found.over_told,
            )

    def told(self, key: CounterKey, away: Away) -> None:
        """The store knows of all that."""
        with self._lock:
            if found := self._shares.get(key):
                names = {claim.id for claim in away.in_flight}
                found.told, found.known = away.days, names.intersection(found.claims)
                found.over_told = away.over + len(names & found.over)

    def counters(self) -> list[CounterKey]:
        """Those that have a share now."""
        with self._lock:
            return list(self._shares)

    def serves(self, key: CounterKey) -> bool:
        """True if the share still applies."""
        with self._lock:
            return key in self._shares

    def end(self, key: CounterKey) -> None:
        """The store, which knows all, grants again: the share is over."""
        with self._lock:
            self._shares.pop(key, None)
