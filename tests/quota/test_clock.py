"""What answers teach about the vendor's clock, and how many of them it takes."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.quota.clock import Clock, VendorClock, date_of
from tests.support.in_turn import in_turn

NOW = 1_790_000_000.0
YEAR = 365 * DAY
Marks = Mapping[str, str]
"""Headers beside the `Date`, or in its place."""
NONE: Marks = {}


class Machine:
    """The clocks of a machine, and what time it really is at the vendor's.

    Args:
        ahead_s: seconds that the vendor's clock is ahead of this machine's.
    """

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.passed, self.set_by, self.ahead_s = 0.0, 0.0, ahead_s
        self.vendor = VendorClock(Clock(monotonic=lambda: 500 + self.passed, wall=self.wall))

    def wall(self) -> float:
        return NOW + self.passed + self.set_by

    def truth(self) -> float:
        return NOW + self.passed + self.ahead_s

    @property
    def error_s(self) -> float:
        return self.vendor.now() - self.truth()

    def hears(
        self, date: float | None = None, *, after_s: float = 1.0, trip_s: float = 0.1, marks: Marks = NONE
    ) -> None:
        """An answer, after a while; dated by the vendor unless told otherwise."""
        self.passed += after_s
        sent = self.vendor.clock.monotonic()
        self.passed += trip_s / 2
        dated = {"date": header(self.truth() if date is None else date)}
        self.passed += trip_s / 2
        self.vendor.learn({**dated, **marks}, sent, self.vendor.clock.monotonic())


def header(instant: float) -> str:
    return formatdate(math.floor(instant), usegmt=True)


# --- the prior --------------------------------------------------------------------------------------------


def test_before_the_first_answer_the_vendors_clock_is_ours_give_or_take_a_second() -> None:
    clock = Machine().vendor
    assert (NOW, NOW, NOW, 0.0, 1.0) == (
        clock.now(),
        clock.here(),
        clock.signing(),
        clock.offset,
        clock.uncertainty_s,
    )


def test_the_clocks_of_this_machine_are_the_default() -> None:
    clock = VendorClock()
    assert clock.clock.monotonic() <= clock.clock.monotonic()
    assert 1_600_000_000 < clock.now()


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux alone has a clock of this name")
def test_time_passes_while_the_machine_sleeps() -> None:
    assert pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5) == VendorClock().clock.monotonic()


# --- one witness ------------------------------------------------------------------------------------------

LIES = {
    "1970": 0.0,
    "three days old": NOW - 3 * DAY,
    "an hour ahead": NOW + HOUR,
    "a month ahead": NOW + 30 * DAY,
    "ten years ahead": NOW + 10 * YEAR,
    "a few seconds ahead": NOW + 5,
}


@in_turn("date", LIES.values())
@in_turn("before", [0, 1, 5])
def test_one_header_moves_nothing(date: float, before: int) -> None:
    machine = Machine()
    for _ in range(before):
        machine.hears()
    machine.hears(date)
    assert 0 == pytest.approx(machine.error_s, abs=1)
    machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)


@pytest.mark.parametrize("date", LIES.values(), ids=LIES.keys())
def test_one_header_moves_nothing_however_often_a_cache_repeats_it(date: float) -> None:
    machine = Machine()
    machine.hears()
    for _ in range(20):
        machine.hears(date, after_s=3)
        assert 0 == pytest.approx(machine.error_s, abs=1)


def test_answers_of_one_second_are_one_witness() -> None:
    machine = Machine(ahead_s=HOUR + 0.2)
    for _ in range(7):
        machine.hears(after_s=0.0, trip_s=0.1)
    assert -HOUR == pytest.approx(machine.error_s, abs=1)
    machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)


def test_a_header_that_is_borne_out_by_none_of_its_neighbours_stays_a_rumour() -> None:
    machine = Machine()
    for turn in range(30):
        machine.hears(None if turn % 2 else machine.truth() - DAY)
        assert 0 == pytest.approx(machine.error_s, abs=1)


CACHED: list[Marks] = [
    {"age": "259200"},
    {"age": "1"},
    {"age": "long"},
    {"x-cache": "HIT"},
    {"x-cache": "Hit from cloudfront"},
    {"cf-cache-status": "STALE"},
    {"cache-status": "ExampleCache; hit; ttl=376"},
    {"warning": '110 - "Response is Stale"'},
]


@pytest.mark.parametrize("marks", CACHED, ids=str)
def test_what_says_that_it_comes_from_a_cache_is_no_witness(marks: Marks) -> None:
    machine = Machine()
    for _ in range(4):
        machine.hears(machine.truth() - DAY, marks=marks)
    assert (0.0, 1.0) == (machine.vendor.offset, machine.vendor.uncertainty_s)


@pytest.mark.parametrize("marks", [{"age": "0"}, {"x-cache": "Miss from cloudfront"}, {"cf-cache-status": "DYNAMIC"}])
def test_a_cache_that_says_that_it_passed_an_answer_on_is_none(marks: Marks) -> None:
    machine = Machine(ahead_s=HOUR)
    machine.hears(marks=marks)
    machine.hears(marks=marks)
    assert 0 == pytest.approx(machine.error_s, abs=1)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Sat, 99 Nov 2026 00:00:00 GMT", "1790000000", "Mon, 21 Sep 20226666 14:13:20 GMT"]
)
def test_a_header_that_cannot_be_read_teaches_nothing(date: str) -> None:
    machine = Machine()
    machine.vendor.learn({"date": date}, 500.0, 501.0)
    machine.vendor.learn({}, 501.0, 502.0)
    assert (0.0, 1.0) == (machine.vendor.offset, machine.vendor.uncertainty_s)


def test_a_date_without_a_zone_is_utc() -> None:
    text = format_datetime(datetime.fromtimestamp(NOW, UTC)).replace("+0000", "-0000")
    assert NOW == date_of({"date": text})


# --- two witnesses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead_s", [-10 * YEAR, -DAY, -HOUR, -3.0, 3.0, HOUR, DAY, 30 * DAY])
def test_two_answers_that_advance_as_time_does_are_believed(ahead_s: float) -> None:
    machine = Machine(ahead_s=ahead_s)
    machine.hears()
    assert (0.0, 1.0) == (machine.vendor.offset, machine.vendor.uncertainty_s)
    machine.hears(after_s=40)
    assert 0 == pytest.approx(machine.error_s, abs=1)
    assert machine.vendor.uncertainty_s <= 1.2


@pytest.mark.parametrize("step_s", [-3_600.0, 3_600.0])
def test_a_vendor_whose_clock_is_set_is_followed(step_s: float) -> None:
    machine = Machine()
    for _ in range(5):
        machine.hears()
    machine.ahead_s += step_s
    for _ in range(2):
        machine.hears()
        assert -step_s == pytest.approx(machine.error_s, abs=1)
    machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)


@pytest.mark.parametrize("step_s", [-DAY, -3_600.0, 3_600.0, DAY])
def test_whoever_sets_this_machines_clock_moves_the_vendors_not_at_all(step_s: float) -> None:
    machine = Machine()
    machine.hears()
    machine.set_by = step_s
    assert 0 == pytest.approx(machine.error_s, abs=1e-6)
    assert -step_s == pytest.approx(machine.vendor.offset)
    for _ in range(3):
        machine.hears()
        assert 0 == pytest.approx(machine.error_s, abs=1e-6)


@pytest.mark.parametrize("step_s", [-DAY, DAY])
def test_nor_where_no_answer_has_a_date(step_s: float) -> None:
    machine = Machine()
    machine.hears(marks={"date": ""})
    machine.set_by = step_s
    machine.hears(marks={"date": ""})
    assert 0 == pytest.approx(machine.error_s, abs=1e-6)


def test_a_slow_answer_that_bears_out_everything_hides_no_shift() -> None:
    machine = Machine(ahead_s=20)
    machine.hears()
    machine.hears(trip_s=60)
    machine.hears()
    machine.hears(trip_s=60)
    machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)


def test_many_answers_narrow_the_offset() -> None:
    machine = Machine(ahead_s=12.3)
    for _ in range(100):
        machine.hears(after_s=0.7131)
    assert pytest.approx(12.3, abs=0.15) == machine.vendor.offset
    assert machine.vendor.uncertainty_s < 0.2


@given(
    ahead_s=st.floats(-5_000, 5_000),
    answers=st.lists(st.tuples(st.floats(0, 2), st.floats(1, 30)), min_size=2, max_size=40),
)
def test_the_true_offset_is_always_within_the_uncertainty(ahead_s: float, answers: list[tuple[float, float]]) -> None:
    machine = Machine(ahead_s=ahead_s)
    for trip_s, pause_s in answers:
        machine.hears(after_s=pause_s, trip_s=trip_s)
        if machine.vendor.offset or abs(ahead_s) <= 1:
            assert abs(machine.error_s) <= machine.vendor.uncertainty_s + 1e-6
    assert machine.vendor.offset or abs(ahead_s) <= 3


def test_a_gateway_that_lies_by_turns_hides_no_wrong_clock_of_this_machine() -> None:
    machine = Machine(ahead_s=8 * HOUR)
    machine.hears()
    machine.hears(0.0)
    machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)
    for turn in range(9):
        machine.hears(None if turn % 2 else 0.0)
        assert 0 == pytest.approx(machine.error_s, abs=1)


def test_an_answer_that_agrees_with_this_machine_brings_the_clock_back() -> None:
    machine = Machine()
    machine.hears()
    for _ in range(3):
        machine.hears(machine.truth() - DAY)
    assert -DAY == pytest.approx(machine.error_s, abs=1)
    machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)


def test_a_second_witness_is_asked_after_the_first_was_heard() -> None:
    """Of many questions at once, half go by a gateway whose clock is wrong; their answers come in any order."""
    machine = Machine()
    machine.hears()
    sent = machine.vendor.clock.monotonic()
    machine.passed += 3
    for age_s in (2, 1, 0.0):
        date = header(machine.truth() - DAY - age_s)
        machine.vendor.learn({"date": date}, sent, machine.vendor.clock.monotonic())
    assert 0 == pytest.approx(machine.error_s, abs=1)


# --- refusals ---------------------------------------------------------------------------------------------


def refused(machine: Machine, date: float) -> None:
    sent = machine.vendor.clock.monotonic()
    machine.passed += 0.1
    machine.vendor.vouched(date, sent, machine.vendor.clock.monotonic())


@pytest.mark.parametrize("ahead_s", [-DAY, 900.0, 30 * DAY])
def test_a_refusal_that_the_clock_explains_needs_no_second_witness(ahead_s: float) -> None:
    machine = Machine(ahead_s=ahead_s)
    refused(machine, math.floor(machine.truth()))
    assert 0 == pytest.approx(machine.error_s, abs=1)
    assert machine.vendor.now() == machine.vendor.signing()


@pytest.mark.parametrize("ahead_s", [-3_500.0, 3_500.0])
def test_two_witnesses_may_move_a_signature_by_an_hour(ahead_s: float) -> None:
    machine = Machine(ahead_s=ahead_s)
    machine.hears()
    machine.hears()
    assert machine.vendor.now() == machine.vendor.signing()


@pytest.mark.parametrize("ahead_s", [-10 * YEAR, -DAY, 3_700.0, 30 * DAY, 10 * YEAR])
def test_no_number_of_headers_moves_a_signature_further(ahead_s: float) -> None:
    machine = Machine(ahead_s=ahead_s)
    for _ in range(50):
        machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)
    assert machine.wall() == machine.vendor.signing()


def test_a_refusal_vouches_for_the_time_that_it_named_and_no_other() -> None:
    machine = Machine(ahead_s=DAY)
    refused(machine, math.floor(machine.truth()))
    for _ in range(10):
        machine.hears()
    assert machine.vendor.now() == machine.vendor.signing()
    machine.ahead_s = 30 * DAY
    for _ in range(10):
        machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)
    assert machine.wall() == machine.vendor.signing()


def test_headers_by_which_a_signature_was_refused_are_believed_no_more() -> None:
    machine = Machine()
    for _ in range(5):
        machine.hears(machine.truth() + 3_000)
    assert pytest.approx(3_000, abs=2) == machine.vendor.offset
    machine.vendor.disproved()
    for _ in range(5):
        machine.hears(machine.truth() + 3_000)
    assert (0.0, machine.wall()) == (machine.vendor.offset, machine.vendor.signing())


def test_a_signature_that_was_refused_at_this_machines_time_says_nothing_of_its_clock() -> None:
    machine = Machine()
    machine.hears()
    machine.vendor.disproved()
    machine.ahead_s = HOUR
    for _ in range(3):
        machine.hears()
    assert 0 == pytest.approx(machine.error_s, abs=1)


# --- a true clock, spoilt -----------------------------------------------------------------------------------


def spoilt(dice: Random, machine: Machine, old: float) -> tuple[float | None, Marks]:
    """A `Date` that is wrong, one way or another, and what else the answer says."""
    return dice.choice(
        [
            (old, {}),
            (old, {"age": "77"}),
            (0.0, {}),
            (machine.truth() - DAY, {}),
            (machine.truth() + dice.uniform(2, 40 * DAY), {}),
            (None, {"date": "no date"}),
            (None, {"date": ""}),
        ]
    )


def play(dice: Random) -> list[str]:
    """What a clock does against the rule among answers that are spoilt at times, and steps of either clock."""
    machine = Machine(ahead_s=dice.choice([0.0, 0.0, dice.uniform(-2 * DAY, 2 * DAY)]))
    old, share = machine.truth() - dice.uniform(10, 3 * DAY), dice.choice([0.1, 0.3, 0.6])
    heard: list[tuple[int, float, float]] = []
    in_a_row: set[int] = set()
    wrong = []
    for turn in range(120):
        if dice.random() < 0.02:
            machine.ahead_s += dice.choice([-1, 1]) * dice.uniform(5, DAY)
            in_a_row = set()
        if dice.random() < 0.05:
            machine.set_by += dice.choice([-1, 1]) * dice.uniform(5, DAY)
        before, trip_s = machine.vendor.lead, dice.uniform(0.01, 0.5)
        date, marks = (None, NONE) if dice.random() >= share else spoilt(dice, machine, old)
        machine.hears(date, after_s=dice.uniform(0, 4), trip_s=trip_s, marks=marks)
        said = math.floor(machine.truth() - trip_s / 2) if date is None else math.floor(date)
        at = machine.vendor.clock.monotonic()
        if not marks:
            heard.append((said, said - at, said + 1 - (at - trip_s)))
            in_a_row = {*in_a_row, said} if date is None else set()
        lead, prior = machine.vendor.lead, machine.wall() - at
        witnesses = {date for date, low, high in heard if low - 1e-6 <= lead <= high + 1e-6}
        witnesses |= {-1} if abs(lead - prior) <= 1 + 1e-6 else set()  # the wall clock
        if abs(lead - before) > 1 + 1e-6 and len(witnesses) < 2:
            wrong.append(f"answer {turn} moved it by {lead - before} s on the word of {witnesses}")
        if len(in_a_row) > 2 and abs(machine.error_s) > 1.5:
            wrong.append(f"{in_a_row} were right in a row, and after answer {turn} it is {machine.error_s} s off")
    return wrong


def test_a_true_clock_that_is_spoilt_at_times_is_followed_and_no_other() -> None:
    """Nothing but two witnesses moves it by more than a second, the wall clock being one; three in a row always do."""
    assert {} == {seed: wrong for seed in range(400) if (wrong := play(Random(seed)))}
