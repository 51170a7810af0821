"""Which seconds are asked for, and in how few windows."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.endpoint import Bounds
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import Limits
from agora_tencent_analytics.paging.clip import (
    CLOCKS_DIFFER_S,
    HISTORY_MARGIN_S,
    MARGIN_S,
    clip,
    cover,
    refused_at,
)
from agora_tencent_analytics.paging.evidence import Evidence
from agora_tencent_analytics.timerange import TimeRange

NOW = 1_000_000
ranges = st.builds(lambda start, length: TimeRange(start, start + length), st.integers(0, 60), st.integers(1, 30))


def limits(*, history: int = 86_400, span: int = 28_800, lag: int = 60) -> Limits:
    return Limits(history_s=history, span_s=span, lag_s=lag)


def bounds(strict: bool, **more: Any) -> Bounds:
    return Bounds(start="start", end="end", strict=strict, **more)


def seconds_of(*pieces: TimeRange) -> set[int]:
    return {second for piece in pieces for second in range(piece.start, piece.end)}


@given(
    st.builds(lambda start, length: TimeRange(start, start + length), st.integers(0, 900), st.integers(1, 600)),
    st.floats(0, 1_000),
    st.integers(1, 700),
    st.integers(0, 300),
)
def test_what_is_left_and_what_is_cut_are_the_range(over: TimeRange, now: float, history: int, lag: int) -> None:
    cut = clip(over, limits(history=history, lag=lag), now=now, endpoint="calls")
    pieces = [piece.over for piece in cut.clipped] + ([cut.inside] if cut.inside else [])
    assert seconds_of(over) == seconds_of(*pieces)
    assert over.seconds == sum(piece.seconds for piece in pieces)
    assert [piece.over for piece in cut.clipped] == sorted(piece.over for piece in cut.clipped)
    if cut.inside:
        # Strictly inside for Agora, with the margins: what its error-fix text demands.
        assert cut.inside.end <= now - lag - MARGIN_S
        assert cut.inside.start >= now - history + HISTORY_MARGIN_S


@pytest.mark.parametrize("now", [NOW, NOW + 0.9])
def test_a_range_inside_is_left_alone(now: float) -> None:
    over = TimeRange(NOW - 80_000, NOW - 62)
    cut = clip(over, limits(), now=now, endpoint="calls")
    assert (over, ()) == (cut.inside, cut.clipped)


def test_the_newest_seconds_are_cut_by_the_lag_and_a_margin() -> None:
    cut = clip(TimeRange(NOW - 100, NOW + 50), limits(), now=NOW, endpoint="calls")
    assert TimeRange(NOW - 100, NOW - 62) == cut.inside
    assert [(TimeRange(NOW - 62, NOW + 50), "lag", "calls")] == [
        (piece.over, piece.reason, piece.endpoint) for piece in cut.clipped
    ]


def test_the_oldest_seconds_are_cut_by_the_history_and_a_margin() -> None:
    cut = clip(TimeRange(NOW - 90_000, NOW - 80_000), limits(), now=NOW, endpoint="calls")
    edge = NOW - 86_400 + HISTORY_MARGIN_S
    assert TimeRange(edge, NOW - 80_000) == cut.inside
    assert [(TimeRange(NOW - 90_000, edge), "history")] == [(piece.over, piece.reason) for piece in cut.clipped]


def test_both_ends_may_be_cut_at_once() -> None:
    cut = clip(TimeRange(0, 2 * NOW), limits(), now=NOW, endpoint="calls")
    assert ["history", "lag"] == [piece.reason for piece in cut.clipped]
    assert cut.inside is not None


@pytest.mark.parametrize(
    ("over", "reason"),
    [(TimeRange(NOW + 10, NOW + 20), "not yet shown"), (TimeRange(10, 20), "already forgotten")],
)
def test_nothing_left_is_an_error_that_says_why(over: TimeRange, reason: str) -> None:
    cut, evidence = clip(over, limits(), now=NOW, endpoint="calls"), Evidence(over=over)
    assert cut.inside is None
    evidence.clip(cut.clipped)
    nothing = evidence.nothing_to_ask()
    assert reason in str(nothing)
    assert cut.clipped == nothing.clipped
    assert isinstance(nothing, BadInput)


def fewest(needed: set[int], span: int) -> int:
    """The fewest windows of `span` seconds that hold these seconds: dynamic programming over the seconds."""
    seconds = sorted(needed)
    best = [0]
    for upto in range(1, len(seconds) + 1):
        last = seconds[upto - 1]
        best.append(min(best[first] + 1 for first in range(upto) if last - seconds[first] < span))
    return best[-1]


@given(st.lists(ranges, max_size=6), st.integers(2, 40), st.booleans())
def test_windows_are_few_short_ordered_apart_and_enough(pieces: list[TimeRange], span: int, strict: bool) -> None:
    windows = list(cover(pieces, limits(span=span), bounds=bounds(strict)))
    longest = span - 1 if strict else span
    needed = seconds_of(*pieces)
    assert needed <= seconds_of(*windows)
    assert fewest(needed, longest) == len(windows)
    assert all(window.seconds <= longest for window in windows)
    assert all(one.end <= other.start for one, other in itertools.pairwise(windows))
    # No window asks for seconds at its edges that nobody needs.
    assert all(window.start in needed and window.end - 1 in needed for window in windows)


@pytest.mark.parametrize(("strict", "longest"), [(True, 28_799), (False, 28_800)])
def test_a_long_range_is_read_in_touching_windows_oldest_first(strict: bool, longest: int) -> None:
    windows = list(cover([TimeRange(0, 86_400)], limits(), bounds=bounds(strict)))
    assert longest == windows[0].seconds
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
    assert (0, 86_400) == (windows[0].start, windows[-1].end)


def test_windows_leave_out_what_no_piece_needs() -> None:
    pieces = [TimeRange(90_000, 90_010), TimeRange(0, 10), TimeRange(20, 30)]
    assert [TimeRange(0, 30), TimeRange(90_000, 90_010)] == list(cover(pieces, limits(), bounds=bounds(strict=True)))


@given(st.integers(0, 100), st.integers(1, 4 * 86_400), st.sampled_from([0, 8 * 3_600]))
def test_windows_of_one_day_end_where_the_vendors_day_does(first: int, length: int, zone_s: int) -> None:
    over = TimeRange(500_000 + first, 500_000 + first + length)
    windows = list(cover([over], limits(span=86_400), bounds=bounds(False, one_day=True, zone_s=zone_s)))
    assert (over.start, over.end) == (windows[0].start, windows[-1].end)
    assert all(one.end == other.start for one, other in itertools.pairwise(windows))
    days = [((window.start + zone_s) // 86_400, (window.end - 1 + zone_s) // 86_400) for window in windows]
    assert [(day, day) for day in range(days[0][0], days[-1][1] + 1)] == days


@given(st.integers(40, 400), st.booleans())
def test_no_window_is_too_short_to_be_answered(length: int, strict: bool) -> None:
    over = TimeRange(NOW, NOW + length)
    windows = list(cover([over], limits(span=100), bounds=bounds(strict, least_s=40)))
    assert (over.start, over.end) == (windows[0].start, windows[-1].end)
    assert all(one.end == other.start for one, other in itertools.pairwise(windows))
    assert all(40 <= window.seconds <= 100 - strict for window in windows)
    assert -(-length // (100 - strict)) == len(windows)


@given(st.integers(0, 200), st.integers(40, 200), st.integers(0, 200))
def test_what_is_too_short_after_clipping_is_clipped_too(first: int, length: int, lag: int) -> None:
    over = TimeRange(NOW - 300 + first, NOW - 300 + first + length)
    cut = clip(over, limits(lag=lag), now=NOW, endpoint="calls", bounds=bounds(True, least_s=40))
    assert cut.inside is None or cut.inside.seconds >= 40
    if cut.inside and cut.inside.start < over.start:
        assert over.start - cut.inside.start <= MARGIN_S
        return
    pieces = [piece.over for piece in cut.clipped] + ([cut.inside] if cut.inside else [])
    assert over.seconds == sum(piece.seconds for piece in pieces)
    assert seconds_of(over) == seconds_of(*pieces)


def test_no_pieces_need_no_window() -> None:
    assert [] == list(cover([], limits(), bounds=bounds(strict=False)))


# --- two clocks -------------------------------------------------------------------------------------------


def cut_by(over: TimeRange, *, ahead: int, lag: int = 60) -> list[tuple[TimeRange, str]]:
    """What is cut off where the vendor's clock is so far ahead of this machine's, which shows NOW."""
    cut = clip(over, limits(lag=lag), now=NOW + ahead, here=NOW, endpoint="calls")
    return [(piece.over, piece.reason) for piece in cut.clipped]


@pytest.mark.parametrize("behind", [0, 1, 60 + CLOCKS_DIFFER_S])
def test_what_the_lag_and_the_difference_of_clocks_explain_is_hidden_by_the_lag(behind: int) -> None:
    edge = NOW - behind - 62
    assert [(TimeRange(edge, NOW), "lag")] == cut_by(TimeRange(NOW - 3_600, NOW), ahead=-behind)


@pytest.mark.parametrize("behind", [61 + CLOCKS_DIFFER_S, 600, 86_400])
def test_what_more_a_clock_hides_of_the_newest_is_told_apart(behind: int) -> None:
    edge = NOW - behind - 62
    expected = [(TimeRange(edge, NOW - 62), "clock"), (TimeRange(NOW - 62, NOW + 9), "lag")]
    assert expected == cut_by(TimeRange(NOW - 100_000, NOW + 9), ahead=-behind)[-2:]


@pytest.mark.parametrize("ahead", [CLOCKS_DIFFER_S + 1, 600, 40_000])
def test_what_a_clock_calls_forgotten_alone_is_told_apart(ahead: int) -> None:
    oldest = NOW - 86_400 + HISTORY_MARGIN_S
    expected = [(TimeRange(NOW - 90_000, oldest), "history"), (TimeRange(oldest, oldest + ahead), "clock")]
    assert expected == cut_by(TimeRange(NOW - 90_000, NOW - 10_000), ahead=ahead)


def test_what_has_not_been_yet_by_any_clock_is_hidden_by_none() -> None:
    over = TimeRange(NOW - 3_600, NOW + 86_400)
    assert [(TimeRange(NOW - 62, over.end), "lag")] == cut_by(over, ahead=0)


@given(
    st.builds(
        lambda start, length: TimeRange(NOW + start, NOW + start + length), st.integers(-900, 900), st.integers(1, 900)
    ),
    st.integers(-900, 900),
    st.integers(0, 300),
)
def test_whatever_the_clocks_every_second_is_inside_or_cut_once(over: TimeRange, ahead: int, lag: int) -> None:
    cut = clip(over, limits(history=700, lag=lag), now=NOW + ahead, here=NOW, endpoint="calls")
    pieces = [piece.over for piece in cut.clipped] + ([cut.inside] if cut.inside else [])
    assert over.seconds == sum(piece.seconds for piece in pieces)
    assert seconds_of(over) == seconds_of(*pieces)


@pytest.mark.parametrize(
    ("window", "kind", "refused"),
    [
        (TimeRange(NOW - 200, NOW - 100), "too_recent", False),
        (TimeRange(NOW - 200, NOW - 59), "too_recent", True),
        (TimeRange(NOW - 86_000, NOW - 100), "too_old", False),
        (TimeRange(NOW - 86_401, NOW - 100), "too_old", True),
        (TimeRange(NOW - 86_401, NOW), "too_long", False),
    ],
)
def test_a_refusal_is_explained_by_a_clock_or_not(window: TimeRange, kind: str, refused: bool) -> None:
    assert refused == refused_at(NOW, window, limits(), kind)
