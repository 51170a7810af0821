"""How soon a window that was refused is trusted again, and which windows a refusal slows."""

from __future__ import annotations

import pytest

from agora_tencent_analytics.limits import MINUTE, SECOND, Rate
from agora_tencent_analytics.quota.limiter import Bucket
from agora_tencent_analytics.quota.slowdown import Slowdown


@pytest.mark.parametrize("every_s", [1, 20, 60])
def test_a_step_is_taken_back_after_twenty_five_windows_however_many_requests_they_held(every_s: int) -> None:
    slowdown = Slowdown(10, float(MINUTE), paced=False)
    slowdown.refused(0.0, -1.0)
    assert 0.02 == slowdown.extra_margin
    now = 0.0
    while slowdown.extra_margin == 0.02:
        now += every_s
        slowdown.used(now)
    assert 25 * MINUTE == now


@pytest.mark.parametrize("named", [None, 3_600])
def test_a_refusal_for_no_window_that_is_known_slows_all_of_them(named: int | None) -> None:
    bucket = Bucket([Rate(10, SECOND), Rate(100, MINUTE)])
    bucket.refused(100.0, 99.0, period_s=named)
    assert [(1.0, 0.0), (1.0, 0.02)] == [
        (window.slowdown.pace_factor, window.slowdown.extra_margin) for window in bucket.windows
    ]


def test_a_refusal_for_a_window_that_is_known_slows_no_other() -> None:
    bucket = Bucket([Rate(10, SECOND), Rate(100, MINUTE)])
    bucket.refused(100.0, 99.0, period_s=MINUTE)
    assert [True, False] == [window.slowdown.at_rest for window in bucket.windows]
