"""`simulate --count`: the way in which the served vendor counts is the one that was asked for."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import pytest

from agora_tencent_analytics import simulator
from agora_tencent_analytics.cli.arguments import parse
from agora_tencent_analytics.cli.commands import simulate
from agora_tencent_analytics.simulator import SimulatedAgora
from tests.support.simulator_requests import Hand, basic

FULL = 1_790_000_000.0
"""A full second."""


class Enough(Exception):
    """What was to be seen has been seen."""


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        ([], [1, 1, 1, 0, 1]),
        (["--count", "fixed"], [1, 1, 1, 0, 1]),
        (["--count", "sliding"], [1, 1, 1, 0, 0]),
        (["--count", "bucket"], [1, 1, 1, 1, 0]),
    ],
)
def test_three_a_second_are_counted_as_asked_for(
    words: list[str], passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand(FULL)

    class Watched(SimulatedAgora):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options, clock=hand, monotonic=hand, sleep=hand.sleep)

        async def __aenter__(self) -> Self:
            for hand.now in (FULL + 0.5, FULL + 0.5, FULL + 0.5, FULL + 0.9, FULL + 1.0):
                await self.answer("GET", "/beta/analytics/call/lists", basic(self))
            assert passed == [not arrival.refused for arrival in self.arrivals]
            raise Enough

    monkeypatch.setattr(simulator, "SimulatedAgora", Watched)
    options = parse(["simulate", "--vendor", "agora", "--port", "0", "--plan", "premium", *words])
    with pytest.raises(Enough):
        asyncio.run(simulate.run(options))
