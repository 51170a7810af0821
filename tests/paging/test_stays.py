"""Packing sessions, and the seconds that a packet of them needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.models.calls import Session
from agora_tencent_analytics.paging.stays import SLACK_S, in_order, packed, stays
from agora_tencent_analytics.timerange import TimeRange


def stay(join: int, leave: int | None, name: str = "s") -> Session:
    return Session(vendor="agora", call_id="c", session_id=name, user_id="1", join_ts=join, leave_ts=leave)


def test_sessions_come_by_joining_then_by_id() -> None:
    first, second, third = stay(10, 20, "b"), stay(20, 30, "a"), stay(20, 30, "b")
    assert [first, second, third] == in_order([third, first, second])


@given(st.lists(st.integers(), max_size=70), st.integers(1, 25))
def test_packets_are_full_but_the_last_and_keep_the_order(items: list[int], most: int) -> None:
    packets = list(packed(items, most))
    assert items == [item for packet in packets for item in packet]
    assert all(len(packet) == most for packet in packets[:-1])
    assert all(1 <= len(packet) <= most for packet in packets)


def test_a_stay_is_asked_for_with_slack_on_both_sides_and_its_last_second() -> None:
    assert (TimeRange(1_000 - SLACK_S, 2_001 + SLACK_S),) == stays([stay(1_000, 2_000)], TimeRange(0, 9_000))


def test_a_stay_is_cut_to_the_part_asked_for() -> None:
    assert (TimeRange(1_500, 1_600),) == stays([stay(1_000, 2_000)], TimeRange(1_500, 1_600))
    assert () == stays([stay(1_000, 2_000)], TimeRange(3_000, 4_000))


def test_an_unfinished_stay_lasts_to_the_end_of_the_part() -> None:
    assert (TimeRange(1_000 - SLACK_S, 9_000),) == stays([stay(1_000, None)], TimeRange(0, 9_000))


def test_an_unfinished_stay_that_begins_after_the_part_needs_nothing_of_it() -> None:
    assert () == stays([stay(10_000, None)], TimeRange(0, 9_000))


def test_a_stay_at_the_beginning_of_time_does_not_start_before_it() -> None:
    assert (TimeRange(0, 41),) == stays([stay(5, 10)], TimeRange(0, 9_000))


@given(st.integers(0, 500), st.integers(0, 500) | st.none(), st.integers(0, 400), st.integers(1, 200))
def test_every_second_of_a_stay_that_lies_in_the_part_is_covered(
    join: int, leave: int | None, start: int, length: int
) -> None:
    part = TimeRange(start, start + length)
    pieces = stays([stay(join, leave)], part)
    last = part.end - 1 if leave is None else leave
    needed = {second for second in range(join, last + 1) if second in part}
    assert needed <= {second for piece in pieces for second in range(piece.start, piece.end)}
    assert all(part.start <= piece.start < piece.end <= part.end for piece in pieces)
