"""Limits of other shapes than our vendors have: several windows at once, of any length, and refusals naming them."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anyio
import msgspec
import pytest

from agora_tencent_analytics import Limits, Plan, Quota, Rate, RateLimited, Response
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.quota.store import LEASE_S
from agora_tencent_analytics.simulator.http.counting import FixedWindow, SlidingLog, TokenBucket
from tests.support.outside_vendor import OVER, OutsideProvider, PlainVendor, call_rows
from tests.support.virtual_time import VirtualClock, run

RATES = (Rate(20, 1), Rate(100, 5))
DAYS = (Rate(20, 1), Rate(31, DAY, rolling=True))
WAY_S = 0.01


class Busy(PlainVendor):
    """Says which window is full, by its length."""

    codes: ClassVar[Any] = {"five": (RateLimited, {"per": 5})}


def provider(answer: Any, rates: tuple[Rate, ...], clock: VirtualClock, **options: Any) -> OutsideProvider:
    made = OutsideProvider(answer, vendor=Busy(), clock=clock, **options)
    limits = Limits(rates=rates, history_s=30 * 86_400, span_s=7_200, page_size=100)
    made._plan = Plan(vendor="toy", name="p", rows={"any": limits}, source="https://toy.test", read_on="2026-11-01")
    return made


@pytest.mark.parametrize("how", [FixedWindow, SlidingLog, TokenBucket])
@pytest.mark.parametrize(
    ("rates", "allowed", "first", "last"),
    # What the rule allows is the least of L / (W + margin + round trip), and the pace of the second.
    [
        (RATES, min(19 / (1 + 0.04 + WAY_S), 99 / (5 + 0.04 + WAY_S), 19 / 0.95), 99, 599),
        (DAYS, 30 / (1.001 * DAY + WAY_S), 0, 120),
    ],
    ids=["seconds", "rolling day"],
)
def test_several_windows_at_once_are_kept_and_used(
    how: Any, rates: tuple[Rate, ...], allowed: float, first: int, last: int
) -> None:
    clock = VirtualClock()
    counters = [how(rate) for rate in rates]
    arrivals, refused = list[float](), list[float]()

    def answer(asked: Mapping[str, str]) -> Any:
        wall, monotonic = clock.clock.wall(), clock.clock.monotonic()
        arrivals.append(monotonic)
        if not all(counter.has_room(wall, monotonic) for counter in counters):
            refused.append(monotonic)
        for counter in counters:
            counter.count(wall, monotonic)
        return {"rows": call_rows([OVER.start]), "total": 1}

    asked = provider(answer, rates, clock)

    async def scenario() -> None:
        async def ask() -> None:
            while len(arrivals) <= last:
                await asked.calls(OVER).collect()

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(ask)

    run(scenario)
    assert [] == refused
    assert (last - first) / (arrivals[last] - arrivals[first]) >= 0.9 * allowed


def test_a_refusal_that_names_its_window_by_its_length_holds_that_window_and_no_longer_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, moments = VirtualClock(), list[float]()

    def answer(asked: Mapping[str, str]) -> Any:
        moments.append(clock.clock.monotonic())
        if len(moments) == 1:
            return Response(status=429, headers={}, body=b'{"code": "five", "message": "slow down"}')
        return {"rows": call_rows([OVER.start]), "total": 1}

    asked = provider(answer, (*RATES, Rate(1_000, 600)), clock)
    with caplog.at_level(logging.WARNING):
        run(asked.calls(OVER).collect)
    assert 5.0 <= moments[1] - moments[0] <= 6.0
    assert any("too many requests in 5 s" in record.getMessage() for record in caplog.records)


def test_a_rolling_day_is_any_24_hours_and_an_earlier_process_is_remembered(tmp_path: Path) -> None:
    clock, arrivals = VirtualClock(), list[float]()
    rates = (Rate(20, 1), Rate(31, DAY, rolling=True))

    def answer(asked: Mapping[str, str]) -> Any:
        arrivals.append(clock.clock.monotonic())
        return {"rows": call_rows([OVER.start]), "total": 1}

    async def some(count: int) -> None:
        # Another process: it knows what the file says.
        asked = provider(answer, rates, clock, quota=Quota("toy", store=tmp_path / "quota.db", clock=clock.clock))
        for _ in range(count):
            await asked.calls(OVER).collect()
        await asked.aclose()

    async def scenario() -> None:
        await some(20)
        await some(25)

    run(scenario)
    assert all(later - first >= DAY for first, later in zip(arrivals, arrivals[30:], strict=False))
    steps_s = DAY / 60 + LEASE_S
    assert DAY <= arrivals[30] - arrivals[0] <= 1.001 * DAY + steps_s + 60, "and all of the day is used"
    assert 45 == len(arrivals)


def test_a_refusal_that_names_no_window_does_not_hold_a_day() -> None:
    clock, moments = VirtualClock(), list[float]()

    def answer(asked: Mapping[str, str]) -> Any:
        moments.append(clock.clock.monotonic())
        if len(moments) == 1:
            return Response(status=429, headers={}, body=b"")
        return {"rows": call_rows([OVER.start]), "total": 1}

    run(provider(answer, (*RATES, Rate(1_000, DAY, rolling=True)), clock).calls(OVER).collect)
    assert 5.0 <= moments[1] - moments[0] <= 7.0


def test_such_a_refusal_survives_a_pickle() -> None:
    error = RateLimited(vendor="toy", code="five", message="slow down", per=5)
    assert 5 == pickle.loads(pickle.dumps(error)).per
    assert msgspec.structs.replace(Rate(100, 5), limit=1) == Rate(100, 5).share(0.01)
