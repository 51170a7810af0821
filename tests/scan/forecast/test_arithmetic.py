"""The arithmetic of forecasts: requests of a window, days and seconds of requests, intervals of a sample."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import Call, Limits, Rate, TimeRange
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.plans import PLANS
from agora_tencent_analytics.endpoint import Endpoint, NextPage
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.paging import seen_ids
from agora_tencent_analytics.paging.clip import cover
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.quota.limiter import Window
from agora_tencent_analytics.scan import FreezeFrom, Interval
from agora_tencent_analytics.scan.forecast.allowance import ROUND_TRIP_S, CounterAllowance, each_s
from agora_tencent_analytics.scan.forecast.estimate import Unit, estimate
from agora_tencent_analytics.scan.forecast.population import Part
from agora_tencent_analytics.scan.forecast.requests import Row, evenly, pages, price, windows
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO, USER_INFO
from agora_tencent_analytics.tencent.plans import PLANS as TENCENT_PLANS
from tests.support.long_runs import by_turns
from tests.support.virtual_time import EPOCH

NOW = EPOCH
LISTS = GENERATION_ENDPOINTS["2024"]["call/lists"]
OLD = TimeRange(int(NOW) - 10 * HOUR, int(NOW) - 4 * HOUR)
FRESH = TimeRange(int(NOW) - 2 * HOUR, int(NOW) - 60)


def asked(row: Endpoint[Any], over: TimeRange, *, size: int = 100, plan: str = "premium") -> Question:
    limits = (PLANS if row.vendor == "agora" else TENCENT_PLANS)[plan].limits(row.limits)
    return Question(row=row, limits=limits, over=(over,), params={}, size=size)


def listing_pages(question: Question, counts: Iterable[tuple[TimeRange, int]]) -> list[int]:
    """Requests for each window of a listing that holds so many rows, evenly spread."""
    return pages([(question, window, evenly(window, rows)) for window, rows in counts], NOW)


@given(st.integers(0, 900), st.integers(2, 100))
def test_a_listing_with_a_true_total_takes_its_rows_by_the_page(rows: int, size: int) -> None:
    pages = max(1, math.ceil(rows / size)) + (rows == size)  # a total that is the page's length may be the page's own
    assert [pages] == listing_pages(asked(LISTS, OLD, size=size), [(OLD, rows)])


def test_a_large_listing_is_counted_without_a_look_for_each_row_at_what_was_put_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up: list[bytes] = []
    part = seen_ids._part

    def noted(digest: bytes) -> int:
        looked_up.append(digest)
        return part(digest)

    monkeypatch.setattr(seen_ids, "IN_MEMORY", 500)
    monkeypatch.setattr(seen_ids, "_part", noted)
    rows = 5_000
    assert [50] == listing_pages(asked(LISTS, OLD), [(OLD, rows)])
    assert rows * 0.8 < len(looked_up) < rows * 1.1, "once when it is put by"


@given(st.integers(0, 900))
def test_a_listing_of_several_pages_in_the_recent_minutes_is_confirmed(rows: int) -> None:
    (old,) = listing_pages(asked(LISTS, OLD), [(OLD, rows)])
    (fresh,) = listing_pages(asked(LISTS, FRESH), [(FRESH, rows)])
    assert old + 1 == fresh if rows > 100 else old <= fresh <= old + 1


@given(st.lists(st.integers(0, 400), min_size=1, max_size=4))
def test_a_listing_without_a_total_takes_more_pages_but_not_many(counts: list[int]) -> None:
    pieces = list(OLD.split(-(-OLD.seconds // len(counts))))
    question = asked(ROOM_INFO, OLD, plan="basic")
    for rows, requests in zip(counts, listing_pages(question, zip(pieces, counts, strict=False)), strict=False):
        assert math.ceil(rows / 100) <= requests <= rows // 100 + 3


@given(st.lists(st.tuples(st.integers(0, 5 * HOUR), st.integers(1, HOUR)), max_size=60))
def test_every_window_is_asked_at_least_once_and_no_page_without_need(stays: list[tuple[int, int]]) -> None:
    rows = [
        Row(OLD.start + start, OLD.start + start + length, f"u{at}", f"s{at}")
        for at, (start, length) in enumerate(stays)
    ]
    question = asked(USER_INFO, OLD, plan="basic")
    found = list(windows(question, NOW))
    assert list(cover([OLD], question.limits, bounds=question.row.bounds)) == found
    assert len(found) == price([question], rows, NOW)["DescribeUserInfo"]


@pytest.mark.parametrize("generation", ["2021-03", "2021-07"])
@given(st.integers(0, 500))
def test_a_listing_of_the_newest_costs_what_its_theory_says(generation: str, rows: int) -> None:
    row = GENERATION_ENDPOINTS[generation]["call/lists"]
    most = row.paging.most  # type: ignore[union-attr]
    question = msgspec.structs.replace(asked(LISTS, OLD), row=row, size=0)
    assert [1 + max(0, rows - 1) // (most - 1)] == listing_pages(question, [(OLD, rows)])


def test_pages_that_the_vendor_cuts_as_it_likes_are_taken_for_one() -> None:
    row = msgspec.structs.replace(LISTS, paging=NextPage(send="token"))
    question = msgspec.structs.replace(asked(LISTS, OLD), row=row, size=0)
    assert [1] == listing_pages(question, [(OLD, 30)])


def test_a_window_that_the_vendor_cannot_answer_costs_nothing() -> None:
    gone = TimeRange(int(NOW) - 9 * DAY, int(NOW) - 8 * DAY)
    assert [] == list(windows(asked(LISTS, gone), NOW))
    assert 0 == price([asked(LISTS, gone)], [Row(gone.start, gone.end)], NOW).total()


def allowance(
    left: int | None, *, per_second: int = 3, a_day: int | None = 1_999, until_midnight_s: float = HOUR
) -> CounterAllowance:
    return CounterAllowance(
        counter="any",
        endpoints=("any",),
        each_s=each_s([Rate(per_second, 1)]),
        a_day=a_day,
        left_today=left,
        resets_at=NOW + until_midnight_s,
        now=NOW,
    )


def by_the_second(counter: CounterAllowance, requests: int) -> float:
    """The same, one request after the other."""
    at, left, midnight = counter.now, counter.left_today or 0, counter.resets_at
    for _ in range(requests):
        if left == 0 or at >= midnight:
            at, left, midnight = (
                max(at, midnight),
                counter.a_day or 0,
                midnight + (DAY if at >= midnight or not left else 0),
            )
        at, left = at + counter.each_s, left - 1
    return at - counter.now


@given(st.integers(0, 300), st.integers(0, 100), st.floats(1.0, 5_000.0))
def test_days_and_midnights_are_waited_for_as_one_by_one(requests: int, left: int, until_midnight_s: float) -> None:
    little = allowance(min(left, 59), a_day=59, until_midnight_s=until_midnight_s)
    took = little.takes_s(requests, waits=True)
    assert by_the_second(little, requests) == pytest.approx(took, abs=2 * little.each_s + 1e-6)


@given(st.integers(0, 5_000), st.integers(0, 1_999), st.floats(1.0, DAY))
def test_more_requests_never_take_less_time(requests: int, left: int, until_midnight_s: float) -> None:
    one = allowance(left, until_midnight_s=until_midnight_s)
    fewer, more = one.takes_s(requests, waits=True), one.takes_s(requests + 1, waits=True)
    assert fewer <= more + 1e-6 < math.inf


def test_a_spent_day_is_the_end_unless_it_is_waited_for() -> None:
    assert math.inf == allowance(100).takes_s(101, waits=False)
    assert allowance(100).takes_s(100, waits=False) == pytest.approx(100 * allowance(0).each_s)
    assert HOUR < allowance(100).takes_s(101, waits=True) < math.inf
    assert allowance(None, a_day=None).takes_s(1e6, waits=False) == pytest.approx(1e6 * each_s((Rate(3, 1),)))
    # Midnight comes before the day is spent, and brings another.
    assert allowance(100, until_midnight_s=10).takes_s(1_500, waits=False) < math.inf


@pytest.mark.parametrize("rates", [(Rate(1, 1),), (Rate(3, 1),), (Rate(20, 1),), (Rate(10, 60),), (Rate(1, 15),)])
def test_the_time_of_many_requests_is_that_of_the_limiter(rates: tuple[Rate, ...]) -> None:
    window, at, many, last = Window(rates[0]), 0.0, 400, -math.inf
    for _ in range(many):
        at = max(at, last + (window.pace_s or 0.0))
        at += window.wait(at)
        window.take(at)
        window.answered(at + ROUND_TRIP_S)
        last = at
    assert at == pytest.approx(many * each_s(rates), rel=0.05)


def test_a_rolling_day_is_waited_for_by_those_alone_who_find_it_full() -> None:
    rates = (Rate(3, 1), Rate(1_000, DAY, rolling=True))
    counter = attrs.evolve(allowance(None, a_day=None), each_s=each_s(rates), long=rates[1:])
    assert counter.takes_s(999, waits=True) == pytest.approx(999 * each_s(rates[:1]))
    assert [DAY, 2 * DAY] == [counter.takes_s(requests, waits=True) for requests in (1_000, 1_999)]


def test_without_rates_only_the_way_there_and_back_takes_time() -> None:
    assert 0 < each_s(()) < ROUND_TRIP_S


costs = st.lists(st.tuples(st.floats(1, 50), st.floats(0, 90)), min_size=1, max_size=40)
PART = Part(OLD)


@given(costs)
def test_what_was_read_in_full_is_known(pairs: list[tuple[float, float]]) -> None:
    found = estimate([Unit(size, cost, PART) for size, cost in pairs])
    assert found.exact
    assert found.likely == pytest.approx(sum(cost for _, cost in pairs), abs=0.5)


@given(costs, st.integers(0, 40), st.integers(0, 500))
def test_an_interval_holds_its_likely_figure_and_what_is_certain(
    pairs: list[tuple[float, float]], unread: int, unseen: int
) -> None:
    part = Part(OLD, len(pairs), unseen)
    units = [Unit(size, cost, part) for size, cost in pairs]
    units += [Unit(size, None, PART) for size, _ in pairs[:unread]]
    found = estimate(units, large=5.0)
    assert found.least <= found.likely <= found.most
    assert found.likely in found
    assert math.floor(sum(cost for _, cost in pairs)) <= found.least + 1


@given(st.integers(2, 30), st.integers(1, 400))
def test_the_more_is_read_the_narrower_the_interval(read: int, rest: int) -> None:
    units = [Unit(1.0, 1.0 + at % 3, PART) for at in range(read)]
    more = [*units, *(Unit(1.0, 1.0 + at % 3, PART) for at in range(read, 2 * read))]
    few, many = (estimate([*some, *[Unit(1.0, None, PART)] * rest], large=5.0) for some in (units, more))
    assert (many.most - many.least) / many.likely <= (few.most - few.least) / few.likely + 0.05


def test_a_call_dearer_than_all_others_speaks_for_itself() -> None:
    units = [Unit(1.0, 1.0, PART)] * 19 + [Unit(1.0, 30.0, PART)] + [Unit(1.0, None, PART)] * 100
    found = estimate(units, large=5.0)
    assert 149 <= found.likely <= 160
    assert 30 * 5 < found.most - found.likely


@pytest.mark.parametrize(("calls", "size_spread"), by_turns(2, [60, 300, 2_000], [0.0, 0.8]))
def test_the_interval_of_twenty_calls_drawn_from_skewed_costs_holds(calls: int, size_spread: float) -> None:
    dice = random.Random(calls)
    held = 0
    for _ in range(100):
        sizes = [max(1, round(dice.lognormvariate(0.5, size_spread))) for _ in range(calls)]
        real = [max(1, round(size * dice.lognormvariate(0, 0.5))) for size in sizes]
        drawn = set(dice.sample(range(calls), 20))
        units = [Unit(size, real[at] if at in drawn else None, PART) for at, size in enumerate(sizes)]
        held += sum(real) in estimate(units, large=17.0)
    assert 95 <= held


def test_intervals_add_up_end_by_end() -> None:
    both = Interval(1, 2, 3) + Interval.of(10)
    assert Interval(11, 12, 13) == both
    assert 13 in both
    assert "12 (11 to 13)" == str(both)
    assert "10" == str(Interval.of(10))
    assert Interval.of(0) == Interval.highest([])


def test_calls_are_chosen_by_the_worse_of_their_freeze_ratios() -> None:
    call = Call(vendor="agora", call_id="c", created_ts=0, audio_freeze_ratio=0.01, video_freeze_ratio=0.08)
    assert FreezeFrom(0.08)(call)
    assert not FreezeFrom(0.09)(call)
    assert not FreezeFrom(0.0)(attrs.evolve(call, audio_freeze_ratio=None, video_freeze_ratio=None))
    assert "8.00%" in str(FreezeFrom(0.08))


def test_limits_without_a_page_take_one_request() -> None:
    row = GENERATION_ENDPOINTS["2024"]["call/metrics"]
    limits = Limits(history_s=7 * DAY, span_s=3 * HOUR)
    question = Question(row=row, limits=limits, over=(OLD,), params={"sids": ["a"]}, size=0)
    assert 3 == price([question], [Row(OLD.start, OLD.end, "u", "a")], NOW)["call/metrics"]
