"""This machine's clock is wrong, the vendor's right: all is read, or told, whatever the range and the step."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics import Last, TimeRange
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from tests.support.impolite_scans import NOW, Scene, judge, play


def scene(vendor: Any, **terms: Any) -> Scene:
    start, end = NOW - 600 - 2 * HOUR, NOW - 600
    facts = {"seed": 5, "calls": 14, "start": start, "end": end, "metrics_per_session": 1, "points_per_series": 6}
    return Scene(
        **{"vendor": vendor, "facts": facts, "impolite": {}, "over": TimeRange(start, end), "depth": "metrics", **terms}
    )


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_a_range_that_lies_ahead_of_a_slow_clock_is_not_said_to_be_read(vendor: str) -> None:
    played = play(scene(vendor, skew_s=-5 * HOUR))
    assert (0, []) == (played.requests, played.records)
    assert not played.report.complete
    assert {"clock"} <= {piece.reason for piece in played.known.clipped}


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize("over", [TimeRange(NOW - 600 - 2 * HOUR, NOW - 600), Last(seconds=2 * HOUR + 600)])
@pytest.mark.parametrize("step_s", [-DAY, -HOUR, HOUR, DAY])
@pytest.mark.parametrize("skew_s", [-10 * MINUTE, 0, 10 * MINUTE])
def test_a_clock_that_is_set_in_the_middle_of_a_scan_hides_nothing_in_silence(
    vendor: str, over: TimeRange | Last, step_s: float, skew_s: float
) -> None:
    verdict = judge(play(scene(vendor, over=over, step_s=step_s, skew_s=skew_s)))
    assert ([], []) == (verdict.silent, verdict.invented)
