"""This machine's clock is wrong, the vendor's right: all is read, or told, whatever the range and the step."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from agora_tencent_analytics import Last, TimeRange
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE
from agora_tencent_analytics.simulator import Fail, SetHeader, When, World
from tests.support.impolite_scans import NOW, Scene, judge, play
from tests.support.long_runs import by_turns
from tests.support.simulated_scans import Vendors, exact, read, truth_of
from tests.support.virtual_time import run

VENDORS = ("agora", "tencent")
RANGES = (TimeRange(NOW - 600 - 2 * HOUR, NOW - 600), Last(seconds=2 * HOUR + 600))


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


@pytest.mark.parametrize(
    ("vendor", "over", "step_s", "skew_s"),
    by_turns(3, VENDORS, RANGES, [-DAY, -HOUR, HOUR, DAY], [-10 * MINUTE, 0, 10 * MINUTE]),
)
def test_a_clock_that_is_set_in_the_middle_of_a_scan_hides_nothing_in_silence(
    vendor: str, over: TimeRange | Last, step_s: float, skew_s: float
) -> None:
    verdict = judge(play(scene(vendor, over=over, step_s=step_s, skew_s=skew_s)))
    assert ([], []) == (verdict.silent, verdict.invented)


def dated(second: float, **more: str) -> list[tuple[str, str]]:
    return [("Date", formatdate(second, usegmt=True)), *more.items()]


WRONG = {
    "1970": [SetHeader(name=name, value=value, when=When(nth=(1,))) for name, value in dated(0)],
    "1970 on a 502": [Fail(status=502, headers=tuple(dated(0)), when=When(nth=(1,)))],
    "a cache of three days": [
        SetHeader(name=name, value=value, when=When(nth=(1,))) for name, value in dated(NOW - 3 * DAY, Age=str(3 * DAY))
    ],
    "a stale cache without a mark": [
        SetHeader(name=name, value=value, when=When(nth=(1,))) for name, value in dated(NOW - 3 * DAY)
    ],
    "years ahead in the middle": [
        SetHeader(name=name, value=value, when=When(nth=(9,))) for name, value in dated(NOW + 1_000 * DAY)
    ],
}


@pytest.mark.parametrize(("vendor", "wrong", "hours"), by_turns(2, VENDORS, WRONG, [3, 90]))
def test_one_answer_with_a_wrong_date_hides_nothing(vendor: Any, wrong: str, hours: int) -> None:
    faults = WRONG[wrong]
    world = World(seed=8, calls=40, start=NOW - 90 * HOUR, end=NOW - 600, sessions_per_call=2)
    vendors = Vendors(world)

    async def scenario() -> tuple[Any, Any]:
        provider = vendors.agora("premium", faults=faults) if vendor == "agora" else vendors.tencent(faults=faults)
        return await read(provider, over=Last(hours=hours), depth="sessions")

    records, report = run(scenario)
    assert report.complete, str(report)
    whole = TimeRange(NOW - hours * HOUR, NOW - 600)
    assert truth_of(world, vendor, whole, depth="sessions") == exact(records)


@pytest.mark.parametrize(
    ("vendor", "depth", "slip"),
    by_turns(
        2,
        VENDORS,
        ["calls", "sessions", "metrics"],
        ["always_old", "always_ahead", "stopped_date", "alternating_date"],
    ),
)
def test_a_vendor_that_is_always_wrongly_dated_hides_nothing_in_silence(vendor: str, depth: str, slip: str) -> None:
    verdict = judge(play(scene(vendor, depth=depth, impolite={slip: 1.0})))
    assert ([], []) == (verdict.silent, verdict.invented)
