"""What a generation or a plan of Agora's API lacks is refused before any request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agora_tencent_analytics import BadInput, Last, NotOffered
from agora_tencent_analytics.agora.endpoints import ENDPOINTS, GENERATION_ENDPOINTS
from agora_tencent_analytics.limits import DAY
from agora_tencent_analytics.simulator import World
from tests.support.in_turn import in_turn
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH

GENERATIONS = tuple(GENERATION_ENDPOINTS)
END = int(EPOCH)
WORLD = World(seed=5, calls=6, start=END - DAY, end=END)


def stage_of(api: str) -> Stage:
    return Stage("agora", WORLD, plan="enterprise", api=api)


def test_an_unknown_generation_is_bad_input() -> None:
    with pytest.raises(BadInput, match="api must be one of 2024, 2022, 2021-07, 2021-03"):
        stage_of("2024").provider(api="2023")


@pytest.mark.parametrize("api", GENERATIONS)
def test_a_row_of_another_generation_is_not_offered(api: str) -> None:
    stage = stage_of("2024")
    provider = stage.provider(api=api)
    for generation, rows in GENERATION_ENDPOINTS.items():
        for row in rows.values():
            if generation == api:
                assert provider.limits(row).span_s
            else:
                with pytest.raises(NotOffered, match=generation):
                    provider.ask(row, Last(hours=1))
    assert 0 == stage.asked


@in_turn(
    ("api", "plan", "question", "options"),
    [
        ("2024", "enterprise", "abnormal_experiences", {}),
        ("2022", "enterprise", "abnormal_experiences", {}),
        ("2021-07", "enterprise", "abnormal_experiences", {}),
        ("2021-07", "enterprise", "realtime_usage", {}),
        ("2021-07", "enterprise", "realtime_quality", {}),
        ("2021-03", "enterprise", "quality", {}),
        ("2021-03", "enterprise", "realtime_quality", {"metrics": ["network_delay"]}),
        ("2024", "standard", "usage", {}),
        ("2024", "standard", "realtime_quality", {}),
        ("2024", "starter", "calls", {}),
        ("2022", "enterprise", "usage", {"every": "hour"}),
        ("2024", "enterprise", "usage", {"metrics": ["join_success"]}),
        ("2021-03", "enterprise", "realtime_usage", {"channel": "room"}),
    ],
)
def test_what_cannot_be_had_is_refused_before_any_request(
    api: str, plan: str, question: str, options: dict[str, Any]
) -> None:
    stage = Stage("agora", WORLD, plan=plan, api=api)
    with pytest.raises(NotOffered):
        getattr(stage.provider(api=api), question)(Last(hours=1), **options)
    assert 0 == stage.asked


@in_turn("question", ["usage", "quality", "realtime_usage", "realtime_quality"])
@in_turn("options", [{"metrics": ["fun"]}, {"metrics": []}, {"metrics": "users"}])
def test_names_that_nobody_knows_are_refused_before_any_request(question: str, options: dict[str, Any]) -> None:
    stage = stage_of("2024")
    with pytest.raises(BadInput):
        getattr(stage.provider(), question)(Last(hours=1), **options)
    assert 0 == stage.asked


def test_a_row_of_ones_own_is_asked_whatever_it_calls_its_generation() -> None:
    row = msgspec.structs.replace(ENDPOINTS["call/lists"], generation="beta")
    stage = stage_of("2024")
    assert stage.provider().limits(row).page_size
