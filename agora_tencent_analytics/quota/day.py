"""The vendor's day of one counter: which days a request is charged to, and which are spent.

Holds what this process knows of the days; the exact count is in the store. It does not wait for midnight: a spent day
is an error that says when it ends. Its owner's lock guards it.

A request near midnight may be counted by the vendor on either side of it, so within the uncertainty of the
vendor's clock (at least one second) both days are charged, and a day in which only the answer was read is
charged too. That costs a few requests a day and never exceeds one. Where the vendor's answers and this machine's clock
name different days, each of them is charged: whoever writes `Date` headers opens no second allowance.

A share of each day may be reserved for a priority: the others are refused when only the reserve is left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from agora_tencent_analytics.context import PRIORITIES, Priority
from agora_tencent_analytics.errors import DailyQuotaExhausted
from agora_tencent_analytics.limits import DAY, HOUR, Rate
from agora_tencent_analytics.quota.clock import VendorClock
from agora_tencent_analytics.quota.limiter import safe_limit

_LEAST_MARGIN_S = 1.0
_ANY_NUMBER = 2**62


class Day:
    """The daily rate of a counter, if it has one, and what is known of the days around now.

    Args:
        name: the counter's name, for messages.
        clock: the vendor's clock.
        strict: use M - 1 of the vendor's M.
        reserve: shares of each day that only these priorities may use.
    """

    def __init__(self, *, name: str, clock: VendorClock, strict: bool, reserve: Mapping[Priority, float]) -> None:
        self.rate: Rate | None = None
        self._name, self._clock, self._strict, self._reserve = name, clock, strict, reserve
        self.limit: int = _ANY_NUMBER
        """The most requests in a day that the store may count."""
        self.reserved: Mapping[Priority, int] = {}
        """Requests of each day that only these priorities may use."""
        self._limits: dict[Priority, int] = dict.fromkeys(PRIORITIES, self.limit)
        self._spent: set[int] = set()
        self._used: dict[int, int] = {}
        self._most_used = 0
        """Of any of those days; a refund may have made it less since."""

    def adopt(self, rates: Iterable[Rate]) -> None:
        """Adds the daily rate among these, unless a smaller one is known."""
        for rate in rates:
            if rate.is_daily and (self.rate is None or rate.limit < self.rate.limit):
                self.rate = rate
                self.limit = safe_limit(rate.limit, strict=self._strict)
                self.reserved = {who: math.floor(self.limit * share) for who, share in self._reserve.items()}
                common = self.limit - sum(self.reserved.values())
                self._limits = {who: common + self.reserved.get(who, 0) for who in PRIORITIES}

    def limit_for(self, priority: Priority) -> int:
        """The most requests in a day after which one of this priority may still be sent, inclusive."""
        return self._limits[priority]

    def left(self, used: int) -> int | None:
        """Requests that may still be sent of a day when `used` have been; None if days are not counted."""
        return None if self.rate is None else max(0, self.limit - used)

    def left_today(self) -> int | None:
        """Requests that may still be sent in the vendor's current day, as far as is known."""
        used = [self._used[day] for day in self.today() if day in self._used]
        return self.left(used[0]) if used else None

    def today(self) -> tuple[int, ...]:
        """The vendor's current day, if days are counted."""
        return () if self.rate is None else (math.floor(self._clock.now() / DAY),)

    def to_charge(self) -> tuple[int, ...]:
        """The days that a request sent now is charged to, oldest first; none if days are not counted."""
        return () if self.rate is None else self._around_now()

    def late(self, charged: tuple[int, ...]) -> tuple[int, ...]:
        """The days to charge for an answer read now: those not charged before the send, except past days."""
        return tuple(day for day in self._around_now() if day > charged[0] and day not in charged) if charged else ()

    def seen(self, days: tuple[int, ...]) -> tuple[int, ...]:
        """What is known to be used, by day."""
        return tuple(self._used.get(day, 0) for day in days)

    def learn(self, days: tuple[int, ...], used: tuple[int, ...]) -> None:
        """Takes note of what the store says is used: never less than was known, should it have forgotten."""
        for day, count in zip(days, used, strict=False):
            self._used[day] = count = max(count, self._used.get(day, 0))
            self._most_used = max(self._most_used, count)
        if len(self._used) > len(days):
            self._used = {day: count for day, count in self._used.items() if day >= days[0]}
            self._most_used = max(self._used.values(), default=0)

    def given_back(self, days: tuple[int, ...]) -> None:
        """Records that one request of each of the days was refunded."""
        for day in days:
            if self._used.get(day):
                self._used[day] -= 1

    def mark_spent(self, charged: tuple[int, ...]) -> int:
        """Believes the vendor that the day is spent, and says which: the day that the refused request was sent in.

        Near midnight that is the earlier of two. If the vendor meant the later one, its next refusal says so; a
        wrong guess the other way would cost a whole day.
        """
        now = self._clock.now()
        # No request is on its way for an hour; the other days are those of a clock that is wrong.
        first, last = math.floor((now - HOUR) / DAY), math.floor((now + self._margin_s()) / DAY)
        day = min((day for day in charged if first <= day <= last), default=math.floor(now / DAY))
        self._spent.add(day)
        return day

    def refuse_if_spent(self, priority: Priority, granted: int) -> None:
        """Raises if the current vendor day is known to be spent for this priority.

        Args:
            priority: of the request.
            granted: requests granted so far; said instead of the limit if the vendor states none.

        Raises:
            DailyQuotaExhausted: it is.
        """
        most = self._limits[priority]
        if not self._spent and self._most_used < most:
            return
        today = self._around_now()
        self._spent = {day for day in self._spent if day >= today[0]}
        spent = [day for day in today if day in self._spent or self._used.get(day, 0) >= most]
        if not spent:
            return
        resets_at = max(self._ends_at(day) for day in spent)
        limit = granted if self.rate is None else self.rate.limit
        entirely = any(day in self._spent or self._used.get(day, 0) >= self.limit for day in spent)
        reserved = 0 if entirely else self.limit - most
        raise DailyQuotaExhausted(
            counter=self._name,
            limit=limit,
            resets_at=resets_at,
            reserved=reserved,
            retry_at=self._clock.here() + resets_at - self._clock.now(),
        )

    def _margin_s(self) -> float:
        return max(_LEAST_MARGIN_S, self._clock.uncertainty_s)

    def _ends_at(self, day: int) -> float:
        """When neither clock shows a day any more, in vendor time."""
        now, end, margin = self._clock.now(), (day + 1) * float(DAY), self._margin_s()
        behind_s = now - self._clock.here()
        if behind_s > margin:
            end += behind_s
        # Midnight may have passed by this clock, but perhaps not by the vendor's.
        return end if end > now else end + margin

    def _around_now(self) -> tuple[int, ...]:
        margin = self._margin_s()
        now, here = self._clock.now(), self._clock.here()
        earliest, latest = (now, here) if now < here else (here, now)
        first = int((earliest - margin) // DAY)
        if latest + margin < (first + 1) * DAY:
            return (first,)
        moments = {moment + off for moment in (now, here) for off in (-margin, margin)}
        return tuple(sorted({math.floor(moment / DAY) for moment in moments}))
