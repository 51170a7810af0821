"""Which days a request is charged to, what a refund gives back, and which day a refusal ends."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from agora_tencent_analytics.errors import DailyQuotaExhausted
from agora_tencent_analytics.limits import DAY, Rate
from agora_tencent_analytics.quota.clock import Clock, VendorClock
from agora_tencent_analytics.quota.day import Day

TODAY = 20_717
MIDNIGHT = float((TODAY + 1) * DAY)


class Hands:
    """A wall clock that is moved by hand."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.vendor = VendorClock(Clock(monotonic=lambda: self.now, wall=lambda: self.now))


def day_of(hands: Hands, *, limit: int = 3) -> Day:
    found = Day(name="lists", clock=hands.vendor, strict=True, reserve={})
    found.adopt([Rate(limit, DAY)])
    return found


def test_what_was_given_back_may_be_sent_again() -> None:
    day = day_of(Hands(MIDNIGHT - 3_600))
    charged = day.to_charge()
    assert (TODAY,) == charged
    day.learn(charged, (2,))
    with pytest.raises(DailyQuotaExhausted):
        day.refuse_if_spent("normal", 2)
    day.given_back(charged)
    day.refuse_if_spent("normal", 2)
    assert (1, (1,)) == (day.left_today(), day.seen(charged))


def test_what_was_never_used_cannot_be_given_back() -> None:
    day = day_of(Hands(MIDNIGHT - 3_600))
    day.given_back((TODAY,))
    day.learn((TODAY,), (0,))
    day.given_back((TODAY,))
    assert (0,) == day.seen((TODAY,))


def test_a_refusal_of_a_request_charged_to_two_days_ends_the_earlier_and_leaves_the_later() -> None:
    hands = Hands(MIDNIGHT - 0.5)
    day = day_of(hands)
    charged = day.to_charge()
    assert (TODAY, TODAY + 1) == charged
    assert TODAY == day.mark_spent(charged)
    with pytest.raises(DailyQuotaExhausted) as caught:
        day.refuse_if_spent("normal", 1)
    assert MIDNIGHT == caught.value.resets_at
    hands.now = MIDNIGHT + 10
    day.refuse_if_spent("normal", 1)


@pytest.mark.parametrize(("before_s", "both"), [(0.5, True), (2, True), (20, True), (29, True), (31, False)])
def test_near_midnight_is_as_wide_as_the_vendors_clock_is_uncertain(before_s: float, both: bool) -> None:
    hands = Hands(MIDNIGHT - before_s)
    day = day_of(hands)
    # An answer that took 29 seconds says no more than that the clocks agree to 30.
    hands.vendor.learn(formatdate(MIDNIGHT - 3_600, usegmt=True), MIDNIGHT - 3_629, MIDNIGHT - 3_600)
    assert 30 == hands.vendor.uncertainty_s
    assert ((TODAY, TODAY + 1) if both else (TODAY,)) == day.to_charge()


def test_near_midnight_is_at_least_a_second_wide() -> None:
    hands = Hands(MIDNIGHT - 0.9)
    day = day_of(hands)
    for sent in (7_200.0, 3_600.5):
        hands.vendor.learn(formatdate(MIDNIGHT - sent, usegmt=True), MIDNIGHT - sent, MIDNIGHT - sent)
    assert 1 > hands.vendor.uncertainty_s
    assert (TODAY, TODAY + 1) == day.to_charge()
