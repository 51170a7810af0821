"""What the `Date` headers of answers teach about the vendor's clock."""

from __future__ import annotations

import math
from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.quota.clock import Clock, VendorClock

NOW = 1_790_000_000.0


def header(vendor_time: float) -> str:
    return formatdate(math.floor(vendor_time), usegmt=True)


def vendor_clock(wall: float = NOW) -> VendorClock:
    return VendorClock(Clock(monotonic=lambda: 0.0, wall=lambda: wall))


def test_before_the_first_answer_the_vendors_clock_is_ours_give_or_take_a_second() -> None:
    clock = vendor_clock()
    assert (NOW, 0.0, 1.0) == (clock.now(), clock.offset, clock.uncertainty_s)


def test_the_clocks_of_this_machine_are_the_default() -> None:
    clock = VendorClock()
    assert clock.clock.monotonic() <= clock.clock.monotonic()
    assert 1_600_000_000 < clock.now()


@given(
    offset=st.floats(-5_000, 5_000),
    answers=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2), st.floats(0.01, 30)), min_size=1, max_size=40),
)
def test_the_true_offset_is_always_within_the_uncertainty(
    offset: float, answers: list[tuple[float, float, float]]
) -> None:
    clock, now, widths = vendor_clock(), NOW, []
    for up, down, pause in answers:
        now += pause
        clock.learn(header(now + up + offset), now, now + up + down)
        widths.append(clock.uncertainty_s)
        assert abs(offset - clock.offset) <= clock.uncertainty_s + 1e-6
        now += up + down
    if abs(offset) > 10:
        assert widths == sorted(widths, reverse=True)


def test_many_answers_narrow_the_offset() -> None:
    clock, now = vendor_clock(), NOW
    for _ in range(100):
        now += 0.7131
        clock.learn(header(now + 0.05 + 12.3), now, now + 0.1)
    assert pytest.approx(12.3, abs=0.15) == clock.offset
    assert clock.uncertainty_s < 0.2


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_stepped_clock_is_learnt_afresh(step: float) -> None:
    clock = vendor_clock()
    clock.learn(header(NOW + 0.5), NOW, NOW + 0.1)
    clock.learn(header(NOW + step), NOW, NOW + 0.1)
    assert pytest.approx(step, abs=1.1) == clock.offset


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "Sat, 99 Nov 2026 00:00:00 GMT", "1790000000", "Mon, 21 Sep 20226666 14:13:20 GMT"]
)
def test_a_header_that_cannot_be_read_teaches_nothing(date: str | None) -> None:
    clock = vendor_clock()
    clock.learn(date, NOW, NOW + 1)
    assert (0.0, 1.0) == (clock.offset, clock.uncertainty_s)


def test_an_answer_read_before_it_was_asked_for_teaches_nothing() -> None:
    clock = vendor_clock()
    clock.learn(header(NOW), NOW, NOW - 3600)
    assert 1.0 == clock.uncertainty_s


def test_a_date_without_a_zone_is_utc() -> None:
    from datetime import UTC, datetime

    text = format_datetime(datetime.fromtimestamp(NOW + 100, UTC)).replace("+0000", "-0000")
    clock = vendor_clock()
    clock.learn(text, NOW, NOW + 0.1)
    assert pytest.approx(100, abs=1.1) == clock.offset
