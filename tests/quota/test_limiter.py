"""The theorem of the limiter, and what happens when somebody breaks it."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.limits import DAY, MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.limiter import Bucket, Window, safe_limit
from tests.support.counting_servers import refusals

DELAYS = st.lists(st.floats(0, 3, allow_subnormal=False), min_size=1, max_size=12)
JITTER = [0.0, 0.4, 0.01, 0.9, 0.2, 0.05, 0.7]


class ClockFromSend(Bucket):
    """What every limiter that times sends does: the slot rests from the send on."""

    def take(self, now: float) -> None:
        super().take(now)
        super().answered(now)

    def answered(self, now: float) -> None:
        pass


def arrivals(bucket: Bucket, up: Sequence[float], down: Sequence[float], *, requests: int = 80) -> list[float]:
    """Where a backlogged client's requests land that are sent as soon as the bucket allows."""
    ways = zip(itertools.cycle(up), itertools.cycle([*down, 0.0]), strict=False)
    answers: list[float] = []
    landed: list[float] = []
    now = 5.0
    while len(landed) < requests:
        wait = bucket.wait(now)
        if wait > 0:
            leap = now + wait
            if answers and answers[0] <= leap:
                leap = heapq.heappop(answers)
                bucket.answered(leap)
            now = max(leap, math.nextafter(now, math.inf))
            continue
        bucket.take(now)
        there, back = next(ways)
        landed.append(now + there)
        heapq.heappush(answers, now + there + back)
    return landed


@given(limit=st.integers(1, 12), up=DELAYS, down=DELAYS)
def test_no_window_at_the_vendor_holds_more_than_the_limit_whatever_the_delays(
    limit: int, up: list[float], down: list[float]
) -> None:
    bucket = Bucket([Rate(limit, SECOND)])
    landed = sorted(arrivals(bucket, up, down))
    allowed = max(1, limit - 1)
    assert all(late - early >= 1 for early, late in zip(landed, landed[allowed:], strict=False))
    assert 0 == max(refusals(landed, limit, 1.0).values())


@given(limit=st.integers(1, 12), up=DELAYS, down=DELAYS)
def test_without_strictness_the_vendors_own_figure_is_kept(limit: int, up: list[float], down: list[float]) -> None:
    landed = sorted(arrivals(Bucket([Rate(limit, SECOND)], strict=False), up, down))
    assert all(late - early >= 1 for early, late in zip(landed, landed[limit:], strict=False))


@given(up=DELAYS, down=DELAYS)
def test_two_rates_hold_at_once(up: list[float], down: list[float]) -> None:
    landed = sorted(arrivals(Bucket([Rate(4, SECOND), Rate(11, MINUTE)]), up, down, requests=40))
    assert 0 == max(refusals(landed, 4, 1.0).values())
    assert 0 == max(refusals(landed, 11, 60.0).values())


@pytest.mark.parametrize("limit", [1, 3, 10, 20])
def test_a_clock_that_starts_at_the_send_is_refused(limit: int) -> None:
    landed = arrivals(ClockFromSend([Rate(limit, SECOND)]), JITTER, [0.0], requests=200)
    assert 0 < refusals(landed, limit, 1.0)["strict log"]
    assert 0 == max(refusals(arrivals(Bucket([Rate(limit, SECOND)]), JITTER, [0.0], requests=200), limit, 1.0).values())


@pytest.mark.parametrize(("limit", "strict", "used"), [(1, True, 1), (2, True, 1), (10, True, 9), (10, False, 10)])
def test_one_request_less_than_the_vendor_says_unless_it_says_one(limit: int, strict: bool, used: int) -> None:
    assert used == safe_limit(limit, strict=strict)
    assert used == Window(Rate(limit, SECOND), strict=strict).limit


@pytest.mark.parametrize(("period", "margin"), [(1, 0.040), (40, 0.040), (60, 0.060), (3600, 3.6)])
def test_a_slot_rests_for_the_period_and_a_margin_after_its_answer(period: int, margin: float) -> None:
    window = Window(Rate(1, period))
    window.take(100.0)
    window.answered(107.0)
    assert pytest.approx(7 + period + margin) == 7 + window.wait(107.0)
    assert 0 < window.wait(107.0 + period + margin - 0.001)
    assert 0 == window.wait(107.0 + period + margin + 1e-6)


def test_a_request_in_flight_keeps_its_slot_for_as_long_as_it_takes() -> None:
    window = Window(Rate(2, SECOND))
    window.take(0.0)
    assert 0 < window.wait(1_000.0)
    window.answered(1_000.0)
    assert pytest.approx(1.04) == window.wait(1_000.0)


def test_a_refunded_slot_is_free_at_once() -> None:
    bucket = Bucket([Rate(2, SECOND), Rate(2, MINUTE)])
    bucket.take(0.0)
    assert 0 < bucket.wait(0.0)
    bucket.refund()
    assert 0 == bucket.wait(0.0)
    assert 0 == bucket.in_flight


def test_the_wait_of_those_behind_counts_those_ahead() -> None:
    window = Window(Rate(3, SECOND))
    assert [0, 0, 1.04, 1.04, 2.08] == pytest.approx([window.wait(0.0, ahead=ahead) for ahead in range(5)])
    window.take(0.0)
    window.answered(0.5)
    assert [0, 1.04, 1.04] == pytest.approx([window.wait(0.5, ahead=ahead) for ahead in (0, 1, 2)])


def test_only_rates_of_a_second_are_paced() -> None:
    assert pytest.approx(0.95 / 9) == Bucket([Rate(10, SECOND), Rate(100, MINUTE)]).pace_s
    assert pytest.approx(0.95) == Bucket([Rate(1, SECOND)]).pace_s
    assert Bucket([Rate(10, MINUTE)]).pace_s is None
    assert Bucket().pace_s is None


def test_the_day_is_no_window_and_no_rates_are_no_limit() -> None:
    assert [] == Bucket([Rate(40, DAY)]).windows
    bucket = Bucket()
    for _ in range(10_000):
        assert 0 == bucket.wait(0.0)
        bucket.take(0.0)


def test_slots_of_other_processes_fill_the_window_too() -> None:
    window = Window(Rate(4, MINUTE))
    window.others([10.0, 30.0])
    assert 0 == window.wait(31.0)
    window.take(31.0)
    assert pytest.approx(10 + 60.06 - 31) == window.wait(31.0)
    assert 0 == window.wait(10 + 60.07)


def test_of_two_rates_over_one_period_the_smaller_holds_and_requests_in_flight_count() -> None:
    bucket = Bucket([Rate(10, SECOND)])
    bucket.take(0.0)
    bucket.add([Rate(2, SECOND), Rate(2, MINUTE), Rate(50, SECOND)])
    assert [1, 1] == [window.limit for window in bucket.windows]
    bucket.answered(0.0)
    assert pytest.approx(60.06) == bucket.wait(0.0)
    assert [0, 0] == [window.in_flight for window in bucket.windows]


def test_a_window_that_is_learnt_late_counts_what_was_answered_before() -> None:
    bucket = Bucket([Rate(100, SECOND)])
    for at in (0.0, 1.0, 2.0):
        bucket.take(at)
        bucket.answered(at + 10)
    bucket.add([Rate(5, MINUTE)])
    assert 0 == bucket.wait(13.0)
    bucket.take(13.0)
    assert pytest.approx(12 + 60.06 - 13) == bucket.wait(13.0)
    assert 0 == bucket.wait(12 + 60.07)


class LearntLate(Bucket):
    """Learns of the minute after so many requests."""

    def __init__(self, limit: int, after: int) -> None:
        super().__init__([Rate(9, SECOND)])
        self._limit, self._after = limit, after

    def take(self, now: float) -> None:
        super().take(now)
        self._after -= 1
        if not self._after:
            self.add([Rate(self._limit, MINUTE)])


@given(limit=st.integers(1, 12), up=DELAYS, down=DELAYS, after=st.integers(1, 20))
def test_from_the_request_on_before_which_a_rate_was_learnt_no_window_holds_more_than_the_limit(
    limit: int, up: list[float], down: list[float], after: int
) -> None:
    landed = arrivals(LearntLate(limit, after), up, down, requests=after + 2 * limit)
    late = set(landed[after:])
    for start in landed:
        window = [at for at in landed if start <= at < start + MINUTE]
        assert not late.intersection(window) or len(window) <= safe_limit(limit, strict=True)


def test_a_hold_is_never_shortened() -> None:
    bucket = Bucket([Rate(10, SECOND)])
    bucket.hold(50.0)
    bucket.hold(20.0)
    assert 40 == bucket.wait(10.0)


@pytest.mark.parametrize(
    ("period", "retry_after", "held"), [(1, None, 1.04), (60, None, 60.06), (None, None, 60.06), (1, 7.5, 7.5)]
)
def test_a_refusal_holds_the_bucket_for_the_window_it_names(
    period: int | None, retry_after: float | None, held: float
) -> None:
    bucket = Bucket([Rate(10, SECOND), Rate(100, MINUTE)])
    bucket.refused(100.0, 99.0, period_s=period, retry_after_s=retry_after)
    assert pytest.approx(held, rel=0.03) == bucket.wait(100.0)


@pytest.mark.parametrize(("period", "held"), [(1, 1), (60, 60), (None, 1)])
def test_a_refusal_for_a_window_nobody_documented_holds_for_it_all_the_same(period: int | None, held: int) -> None:
    bucket = Bucket([Rate(40, DAY)])
    bucket.refused(100.0, 99.0, period_s=period)
    assert held == bucket.wait(100.0)


def refuse(bucket: Bucket, times: int, *, start: float = 0.0) -> float:
    """That many episodes, a hundred seconds apart."""
    for episode in range(times):
        bucket.refused(start + 100.0 * episode + 1, start + 100.0 * episode + 0.5, period_s=SECOND)
    return start + 100.0 * times


def test_each_episode_slows_down_by_one_step() -> None:
    bucket = Bucket([Rate(10, SECOND)])
    (window,) = bucket.windows
    steps = [(window.slowdown.pace_factor, round(window.slowdown.extra_margin, 2), window.limit)]
    for episode in range(7):
        refuse(bucket, 1, start=episode * 100.0)
        steps.append((window.slowdown.pace_factor, round(window.slowdown.extra_margin, 2), window.limit))
    down = [(1, 0.02, 9), (1, 0.04, 9), (1, 0.08, 9), (1, 0.16, 9), (1, 0.16, 8), (1, 0.16, 7)]
    assert [(0.95, 0, 9), (1, 0, 9), *down] == steps


def test_refusals_of_requests_sent_before_the_last_step_belong_to_its_episode() -> None:
    bucket = Bucket([Rate(10, SECOND)])
    for late in range(5):
        bucket.refused(10.0 + late, 9.9, period_s=SECOND)
    assert 1.0 == bucket.windows[0].slowdown.pace_factor
    assert 0 == bucket.windows[0].slowdown.extra_margin


def test_the_last_request_is_never_given_up() -> None:
    bucket = Bucket([Rate(1, SECOND)])
    refuse(bucket, 40)
    assert 1 == bucket.windows[0].limit
    assert pytest.approx(2.04) == bucket.windows[0].rest_s


def use(bucket: Bucket, windows: int, *, start: float) -> float:
    now = start
    for _ in range(windows):
        now += 2.0
        bucket.take(now)
        bucket.answered(now)
    return now


def test_clean_windows_bring_everything_back_slowly() -> None:
    bucket = Bucket([Rate(10, SECOND)])
    (window,) = bucket.windows
    now = use(bucket, 25, start=refuse(bucket, 6))
    assert [0.16 * 0.8, 8] == pytest.approx([window.slowdown.extra_margin, window.limit])
    now = use(bucket, 25, start=now)
    assert [0.16 * 0.64, 9] == pytest.approx([window.slowdown.extra_margin, window.limit])
    assert pytest.approx(1.0 / 9) == window.pace_s
    use(bucket, 25 * 20, start=now)
    assert [0, 9] == [window.slowdown.extra_margin, window.limit]
    assert window.slowdown.at_rest
    assert pytest.approx(0.95 / 9) == window.pace_s


def test_a_refusal_starts_the_count_of_clean_windows_anew_and_idle_time_proves_nothing() -> None:
    bucket = Bucket([Rate(10, SECOND)])
    (window,) = bucket.windows
    now = use(bucket, 24, start=refuse(bucket, 2))
    refuse(bucket, 1, start=now + 10)
    use(bucket, 24, start=now + 1_000_000)
    assert 0.04 == window.slowdown.extra_margin


@pytest.mark.parametrize("build", [Bucket, ClockFromSend])
def test_the_model_of_the_client_does_send(build: Callable[[list[Rate]], Bucket]) -> None:
    assert 80 == len(arrivals(build([Rate(3, SECOND)]), [0.0], [0.0]))
