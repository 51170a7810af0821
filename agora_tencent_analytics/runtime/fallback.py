"""What a process may send while the shared store cannot be reached, if its user has said so: a fixed share.

Holds `Fallback`. It keeps a window of its own of the size L x share, so that the processes together keep L as long as
their shares add up to one at most; where less than one request is left of a window, the window is stretched. Refuses to
give more of a day than this share of what was left of it when the store was last heard, and refuses everything for one
window at first: what the others have sent just before is not known.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter

import attrs

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.limits import Rate
from agora_tencent_analytics.runtime.limiter import Bucket
from agora_tencent_analytics.runtime.store import Claim, CounterKey, Standing

__all__ = ["Fallback"]


@attrs.define
class _Share:
    bucket: Bucket
    claims: set[str] = attrs.field(factory=set)
    owed: Counter[int] = attrs.field(factory=Counter)
    """Requests granted here, by day, that the store does not know of."""
    allowed: dict[int, int] = attrs.field(factory=dict)
    longest_rest_s: float = 0.0


class Fallback:
    """The shares of all counters that are served without the store.

    Args:
        share: of each window and day.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._shares: dict[CounterKey, _Share] = {}
        self._lock = threading.Lock()

    def reserve(self, key: CounterKey, claim: Claim) -> Standing:
        """Grants out of the share, or says how long to wait.

        Raises:
            QuotaUnavailable: the share of the day is used up.
        """
        with self._lock:
            now = time.monotonic()
            found = self._shares.get(key)
            if found is None:
                rates = [Rate(room.limit, room.period_s).share(self.share) for room in claim.windows]
                found = self._shares[key] = _Share(Bucket(rates, strict=False), longest_rest_s=claim.longest_rest_s)
                found.bucket.hold(now + claim.longest_rest_s)
            for day, seen in zip(claim.days, claim.seen, strict=True):
                allowed = found.allowed.setdefault(day, math.floor((claim.day_limit - seen) * self.share))
                if found.owed[day] >= allowed:
                    raise QuotaUnavailable(
                        f"the quota store cannot be reached, and this process has used its share ({self.share:g}) of "
                        f"what was left of the day for {key[1]}, so nothing was sent"
                    )
            wait = found.bucket.expected_wait(now)
            if wait > 0:
                return Standing(why="store", after_s=wait, used=claim.seen)
            found.bucket.take(now)
            found.claims.add(claim.id)
            found.owed.update(claim.days)
            return Standing(used=claim.seen)  # what is owed is not what was seen at the store

    def answered(self, key: CounterKey, claim: Claim, late_days: tuple[int, ...], ago_s: float) -> bool:
        """True if the claim was granted here, and is now answered."""
        with self._lock:
            found = self._shares.get(key)
            if found is None or claim.id not in found.claims:
                return False
            found.claims.discard(claim.id)
            found.bucket.answered(time.monotonic() - ago_s)
            found.owed.update(late_days)
            return True

    def refund(self, key: CounterKey, claim: Claim) -> bool:
        """True if the claim was granted here, and is now given back."""
        with self._lock:
            found = self._shares.get(key)
            if found is None or claim.id not in found.claims:
                return False
            found.claims.discard(claim.id)
            found.bucket.refund()
            found.owed.subtract(claim.days)
            return True

    def away(self, key: CounterKey) -> tuple[dict[int, int], float] | None:
        """What the store has to be told first when it is back: requests by day, and the longest rest; or None."""
        with self._lock:
            found = self._shares.get(key)
            return None if found is None else ({day: n for day, n in found.owed.items() if n > 0}, found.longest_rest_s)

    def back(self, key: CounterKey) -> None:
        """The store knows: the share is over."""
        with self._lock:
            self._shares.pop(key, None)
