"""From a failure to a delay: a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.errors import (
    AnalyticsError,
    BadInput,
    DailyQuotaExhausted,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotOffered,
    NotPermitted,
    RateLimited,
    Refusal,
    TransportError,
    UnreadableReply,
    VendorFault,
    WindowRefused,
    WouldExceedQuota,
)
from agora_tencent_analytics.http.retry import Retry
from tests.support.in_turn import in_turn

SAID: dict[str, Any] = {"vendor": "agora", "code": "1", "message": "no"}
CUT = TransportError("cut", endpoint="calls", phase="read", timed_out=False)
TIMED_OUT = TransportError("late", endpoint="calls", phase="total", timed_out=True)
GARBLED = UnreadableReply("html", endpoint="calls", status=200)
MISREAD = UnreadableReply("KeyError: 'call_id'", endpoint="calls", status=200, in_rows=True)
TOO_LARGE = UnreadableReply("too large", endpoint="calls", status=200, too_large=True)
CLOCK = NotAuthenticated(cause="clock", **SAID)
TOKEN = NotAuthenticated(cause="token", **SAID)

FINAL: list[AnalyticsError] = [
    Refusal(**SAID),
    NotAuthenticated(**SAID),
    NotPermitted(**SAID),
    InvalidRequest(**SAID),
    NotFound(**SAID),
    WindowRefused(kind="too_long", **SAID),
    RateLimited(per="day", **SAID),
    RateLimited(per="day", retry_after_s=1.0, **SAID),
    RateLimited(per="unknown", retry_after_s=60.1, **SAID),
    BadInput("wrong"),
    NotOffered("no", endpoint="calls"),
    WouldExceedQuota("full", retry_at=1.0),
    DailyQuotaExhausted(counter="calls", limit=1, resets_at=1.0),
    AnalyticsError("unknown"),
]


@in_turn("failure", FINAL)
def test_what_asking_again_cannot_mend_is_final(failure: AnalyticsError) -> None:
    assert Retry().delay([failure], jitter=0.5) is None


@pytest.mark.parametrize("stubborn", [MISREAD, TOO_LARGE], ids=["rows that make no sense", "too large"])
def test_what_probably_comes_again_is_asked_for_once_more(stubborn: AnalyticsError) -> None:
    retry = Retry()
    assert 0.5 == retry.delay([stubborn], jitter=1.0)
    assert 1.0 == retry.delay([GARBLED, stubborn], jitter=1.0)
    assert retry.delay([MISREAD, stubborn], jitter=1.0) is None
    assert retry.delay([TOO_LARGE, CUT, stubborn], jitter=1.0) is None
    assert 1.0 == retry.delay([stubborn, GARBLED], jitter=1.0)


@pytest.mark.parametrize("failure", [CUT, TIMED_OUT, GARBLED, VendorFault(**SAID)], ids=repr)
def test_a_passing_failure_is_asked_again_after_doubling_pauses(failure: AnalyticsError) -> None:
    retry = Retry(attempts=8)
    pauses = [retry.delay([failure] * count, jitter=1.0) for count in range(1, 9)]
    assert [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, None] == pauses


@given(st.floats(0, 1), st.integers(1, 9), st.floats(0, 10), st.floats(0, 20))
def test_jitter_keeps_a_pause_between_half_and_all(jitter: float, failures: int, first: float, most: float) -> None:
    pause = Retry(attempts=10, first_s=first, most_s=most).delay([CUT] * failures, jitter=jitter)
    nominal = min(most, first * 2 ** (failures - 1))
    assert pause is not None
    assert nominal / 2 <= pause <= nominal


def test_a_very_patient_policy_does_not_overflow() -> None:
    assert 8.0 == Retry(attempts=10_000).delay([CUT] * 5_000, jitter=1.0)


def test_a_second_refusal_for_the_clock_is_final_unless_the_clock_is_known_better_by_then() -> None:
    retry = Retry(attempts=4)
    assert 0.0 == retry.delay([CLOCK], jitter=1.0)
    assert retry.delay([CLOCK, CLOCK], jitter=1.0) is None
    assert 0.0 == retry.delay([CLOCK, CLOCK], jitter=1.0, clock_moved=True)
    assert retry.delay([TOKEN, TOKEN], jitter=1.0, clock_moved=True) is None
    assert retry.delay([CLOCK] * 4, jitter=1.0, clock_moved=True) is None


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_the_last_attempt_is_final(attempts: int) -> None:
    retry = Retry(attempts=attempts)
    assert retry.delay([CUT] * attempts, jitter=0.0) is None
    assert retry.delay([RateLimited(per="second", **SAID)] * attempts, jitter=0.0) is None


@in_turn("per", ["second", "minute", "unknown"])
@in_turn(("asked", "pause"), [(None, 0.0), (0.0, 0.0), (2.5, 2.5), (60.0, 60.0)])
def test_a_rate_refusal_waits_only_as_long_as_the_vendor_asked(per: Any, asked: float | None, pause: float) -> None:
    failure = RateLimited(per=per, retry_after_s=asked, **SAID)
    assert pause == Retry().delay([failure], jitter=0.5)


def test_how_long_a_vendor_is_obeyed_is_the_callers_choice() -> None:
    failure = RateLimited(per="unknown", retry_after_s=15.0, **SAID)
    assert Retry(max_retry_after_s=14.9).delay([failure], jitter=0.5) is None
    assert 15.0 == Retry(max_retry_after_s=15.0).delay([failure], jitter=0.5)


@pytest.mark.parametrize("failure", [CLOCK, TOKEN], ids=["clock", "token"])
def test_a_wrong_clock_or_an_old_token_is_mended_once(failure: NotAuthenticated) -> None:
    retry = Retry()
    assert 0.0 == retry.delay([failure], jitter=1.0)
    assert 0.0 == retry.delay([CUT, failure], jitter=1.0)
    assert retry.delay([failure, failure], jitter=1.0) is None
    assert retry.delay([failure, CUT, failure], jitter=1.0) is None


def test_clock_and_token_are_mended_once_each() -> None:
    assert 0.0 == Retry().delay([CLOCK, TOKEN], jitter=1.0)


@pytest.mark.parametrize(
    "figures",
    [
        *({"attempts": 0}, {"attempts": 2.5}, {"attempts": "4"}, {"attempts": True}, {"first_s": -1}, {"first_s": "1"}),
        *({"most_s": -0.1}, {"most_s": float("nan")}, {"max_retry_after_s": -1}, {"max_retry_after_s": float("inf")}),
    ],
    ids=str,
)
def test_a_figure_that_is_not_a_number_or_out_of_bounds_is_refused(figures: dict[str, Any]) -> None:
    (name,) = figures
    with pytest.raises(BadInput, match=f"{name} must be a .*number"):
        Retry(**figures)
