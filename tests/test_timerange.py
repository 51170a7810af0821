"""Ranges: what they refuse, and the algebra they keep."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.timerange import Last, TimeRange, epoch_seconds, merge
from tests.support.in_turn import in_turn

MOST = 4_000_000_000
starts = st.integers(0, 200)
ranges = st.builds(lambda start, length: TimeRange(start, start + length), starts, st.integers(1, 60))


def seconds_of(*pieces: TimeRange | None) -> set[int]:
    return {second for piece in pieces if piece for second in range(piece.start, piece.end)}


class Nowhere(tzinfo):
    def utcoffset(self, _: datetime | None) -> None:
        return None

    def dst(self, _: datetime | None) -> None:
        return None

    def tzname(self, _: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (datetime(2026, 9, 14), "no time zone"),
        (datetime(2026, 9, 14, tzinfo=Nowhere()), "no time zone"),
        (1_700_000_000_123, "milliseconds"),
        (1_700_000_000_123.0, "milliseconds"),
        (True, "not bool"),
        (None, "not NoneType"),
        ("2026-09-14", "not str"),
        (datetime(2026, 9, 14, tzinfo=UTC).date(), "not date"),
        (1j, "not complex"),
        (math.nan, "not a moment"),
        (math.inf, "not a moment"),
        (-math.inf, "not a moment"),
        (-1, "not a moment"),
        (-0.001, "not a moment"),
        (10**400, "milliseconds"),
        (-(10**400), "not a moment"),
        pytest.param(10**5_000, "milliseconds", id="digits"),
        (datetime(1969, 12, 31, tzinfo=UTC), "not a moment"),
    ],
)
@pytest.mark.parametrize("edge", ["start", "end"])
def test_what_is_no_moment_is_refused_by_name(value: Any, told: str, edge: str) -> None:
    edges: dict[str, Any] = {"start": 10, "end": 20, edge: value}
    with pytest.raises(BadInput, match=told) as caught:
        TimeRange(**edges)
    assert edge in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("start", "end"), [(20, 10), (10, 10), (10.2, 10.0)])
def test_a_range_that_does_not_go_forward_is_refused(start: float, end: float) -> None:
    with pytest.raises(BadInput, match="end"):
        TimeRange(start, math.floor(end) if end < start else end)


def test_fractions_widen_to_whole_seconds() -> None:
    assert TimeRange(10, 13) == TimeRange(10.9, 12.1)
    assert TimeRange(10, 11) == TimeRange(10.2, 10.3)
    assert TimeRange(10, 12) == TimeRange(10.0, 12.0)


def test_datetimes_of_any_zone_are_the_same_moment() -> None:
    shanghai = timezone(timedelta(hours=8))
    expected = TimeRange(1_625_097_600, 1_625_184_000)
    assert expected == TimeRange(datetime(2021, 7, 1, 8, tzinfo=shanghai), datetime(2021, 7, 2, tzinfo=UTC))


@given(st.integers(0, MOST), st.integers(0, 999_999))
def test_a_datetime_widens_as_its_number_does(second: int, micros: int) -> None:
    instant = datetime.fromtimestamp(second, UTC).replace(microsecond=micros)
    found = TimeRange(instant, instant + timedelta(seconds=1))
    assert (second, second + 1 + (micros > 0)) == (found.start, found.end)


def test_epoch_seconds_keeps_numbers_as_they_are() -> None:
    assert 1_550_024_508 == epoch_seconds(1_550_024_508)
    assert 1.5 == epoch_seconds(1.5)


class Whole:
    """A whole number as numpy and pandas have them: no `int`, but as good as one."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


def test_whole_numbers_of_other_libraries_are_epoch_seconds() -> None:
    over = TimeRange(Whole(1_625_097_600), Whole(1_625_184_000))
    assert TimeRange(1_625_097_600, 1_625_184_000) == over
    assert (int, int) == (type(over.start), type(over.end))
    length = Last(hours=Whole(3))  # type: ignore[arg-type]
    assert (10_800, int) == (length.seconds, type(length.seconds))


@pytest.mark.parametrize("value", [Whole(-1), Whole(1_625_097_600_000)])
def test_whole_numbers_of_other_libraries_are_checked_as_ours_are(value: Any) -> None:
    with pytest.raises(BadInput):
        epoch_seconds(value)


@given(ranges, ranges)
def test_overlap_and_minus_part_a_range_in_two(one: TimeRange, other: TimeRange) -> None:
    inside, outside = one.overlap(other), one.minus(other)
    assert seconds_of(one) & seconds_of(other) == seconds_of(inside)
    assert seconds_of(one) - seconds_of(other) == seconds_of(*outside)
    assert one.seconds == sum(piece.seconds for piece in (*outside, *((inside,) if inside else ())))
    assert list(outside) == sorted(outside)
    assert inside == other.overlap(one)


@given(ranges, ranges)
def test_the_hull_is_the_shortest_range_around_both(one: TimeRange, other: TimeRange) -> None:
    hull = one.hull(other)
    both = seconds_of(one, other)
    assert (min(both), max(both) + 1) == (hull.start, hull.end)


@given(ranges, st.integers(1, 70))
def test_pieces_touch_and_together_are_the_range(over: TimeRange, span: int) -> None:
    pieces = list(over.split(span))
    assert (over.start, over.end) == (pieces[0].start, pieces[-1].end)
    assert [piece.end for piece in pieces[:-1]] == [piece.start for piece in pieces[1:]]
    assert math.ceil(over.seconds / span) == len(pieces)
    assert max(piece.seconds for piece in pieces) <= span


@pytest.mark.parametrize("span", [0, -1])
def test_pieces_of_no_length_are_refused(span: int) -> None:
    with pytest.raises(BadInput, match="pieces"):
        list(TimeRange(0, 10).split(span))


@given(ranges)
def test_halves_touch_in_the_middle(over: TimeRange) -> None:
    halves = over.halves()
    if over.seconds == 1:
        assert halves is None
    else:
        assert halves is not None
        left, right = halves
        assert (over.start, left.end, over.end) == (left.start, right.start, right.end)
        assert right.seconds - left.seconds in (0, 1)


@given(st.lists(ranges, max_size=8))
def test_merging_keeps_the_seconds_in_the_fewest_ranges(pieces: list[TimeRange]) -> None:
    merged = merge(pieces)
    assert seconds_of(*pieces) == seconds_of(*merged)
    assert all(one.end < other.start for one, other in itertools.pairwise(merged))


@given(ranges, st.floats(0, 300))
def test_a_moment_is_inside_up_to_the_end(over: TimeRange, moment: float) -> None:
    assert (over.start <= moment < over.end) == (moment in over)


def test_a_range_shows_itself_in_utc_and_survives_pickle_and_copy() -> None:
    over = TimeRange(1_625_097_600, 1_625_184_000)
    assert "[2021-07-01T00:00:00Z, 2021-07-02T00:00:00Z)" == str(over)
    assert over == pickle.loads(pickle.dumps(over)) == copy.deepcopy(over)
    assert 1 == len({over, copy.copy(over)})


def test_the_last_hours_end_at_the_vendors_now() -> None:
    assert TimeRange(100_000 - 6 * 3_600, 100_000) == Last(hours=6).before(100_000.9)
    assert TimeRange(0, 50) == Last(days=1).before(50)
    assert TimeRange(98, 100) == Last(seconds=1.5).before(100)
    assert 86_400 + 3_600 + 60 + 1 == Last(days=1, hours=1, minutes=1, seconds=1).seconds


@in_turn("name", ["days", "hours", "minutes", "seconds"])
@in_turn("value", [-1, math.nan, math.inf, True, "6", None, 10**400])
def test_a_length_that_is_none_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name):
        Last(**{"hours": 1, name: value})


def test_no_length_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="positive length"):
        Last()
