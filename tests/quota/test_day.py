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
    """A clock that is moved by hand, and a wall clock that may be set wrong by so many seconds."""

    def __init__(self, now: float) -> None:
        self.now, self.set_by = now, 0.0
        self.vendor = VendorClock(Clock(monotonic=lambda: self.now, wall=lambda: self.now + self.set_by))

    def hears(self, ahead_s: float) -> None:
        """Two answers, by which the vendor's clock is so far ahead of this machine's."""
        for _ in range(2):
            self.now += 1
            date = formatdate(self.now + self.set_by + ahead_s, usegmt=True)
            self.vendor.learn({"date": date}, self.now, self.now)


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
    hands.vendor.learn({"date": formatdate(MIDNIGHT - 3_600, usegmt=True)}, MIDNIGHT - 3_629, MIDNIGHT - 3_600)
    assert 30 == hands.vendor.uncertainty_s
    assert ((TODAY, TODAY + 1) if both else (TODAY,)) == day.to_charge()


def test_near_midnight_is_at_least_a_second_wide() -> None:
    hands = Hands(MIDNIGHT - 0.9)
    day = day_of(hands)
    for sent in (7_200.0, 3_600.5):
        hands.vendor.learn({"date": formatdate(MIDNIGHT - sent, usegmt=True)}, MIDNIGHT - sent, MIDNIGHT - sent)
    assert 1 > hands.vendor.uncertainty_s
    assert (TODAY, TODAY + 1) == day.to_charge()


# --- two clocks that name different days ------------------------------------------------------------------


@pytest.mark.parametrize("ahead_days", [-30, -1, 1, 30])
def test_both_days_are_charged_where_the_answers_name_another_than_this_machine(ahead_days: int) -> None:
    hands = Hands(MIDNIGHT - 3_600)
    day = day_of(hands)
    hands.hears(ahead_days * DAY)
    assert tuple(sorted((TODAY, TODAY + ahead_days))) == day.to_charge()


def test_headers_from_another_day_open_no_second_allowance() -> None:
    hands = Hands(MIDNIGHT - 3_600)
    day = day_of(hands)
    day.learn(day.to_charge(), (2,))
    hands.hears(30 * DAY)
    with pytest.raises(DailyQuotaExhausted):
        day.refuse_if_spent("normal", 2)


@pytest.mark.parametrize("ahead_s", [-8 * 3_600, 8 * 3_600])
def test_a_spent_day_is_over_when_neither_clock_shows_it(ahead_s: int) -> None:
    hands = Hands(MIDNIGHT - 3_600)
    day = day_of(hands)
    hands.hears(ahead_s)
    charged = day.to_charge()
    day.learn(charged, (2,) * len(charged))
    with pytest.raises(DailyQuotaExhausted) as caught:
        day.refuse_if_spent("normal", 2)
    hands.now += caught.value.resets_at - hands.vendor.now() - 5
    with pytest.raises(DailyQuotaExhausted):
        day.refuse_if_spent("normal", 2)
    hands.now += 10
    day.refuse_if_spent("normal", 2)


@pytest.mark.parametrize("ahead_days", [-30, -1, 1, 30])
def test_the_day_that_a_refusal_ends_is_the_one_that_the_vendors_answers_name(ahead_days: int) -> None:
    hands = Hands(MIDNIGHT - 3_600)
    day = day_of(hands)
    hands.hears(ahead_days * DAY)
    assert TODAY + ahead_days == day.mark_spent(day.to_charge())


def test_a_clock_that_is_set_while_an_answer_is_on_its_way_charges_its_new_day_too() -> None:
    hands = Hands(MIDNIGHT - 3_600)
    day = day_of(hands)
    hands.hears(0)
    charged = day.to_charge()
    hands.set_by = 86_400.0
    assert ((TODAY,), (TODAY + 1,)) == (charged, day.late(charged))
