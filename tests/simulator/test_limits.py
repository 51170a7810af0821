"""Which row of the limits table a simulated vendor counts a question on: the one that the client takes for it."""

from __future__ import annotations

import pytest

from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.simulator.agora.routes import ROUTES
from agora_tencent_analytics.simulator.tencent.server import _ACTIONS, _OFFLINE
from agora_tencent_analytics.tencent.endpoints import ENDPOINTS
from agora_tencent_analytics.tencent.plans import CALL_DETAIL_METRICS, CALL_DETAIL_METRICS_2021


@pytest.mark.parametrize("generation", GENERATION_ENDPOINTS)
def test_agora_limits_each_path_as_the_client_thinks(generation: str) -> None:
    rows = {row.path: row.limits for row in GENERATION_ENDPOINTS[generation].values()}
    routes = {route.path_of(name): route.row for name, route in ROUTES[generation].items()}
    assert rows == routes


def test_tencent_limits_each_action_as_the_client_thinks() -> None:
    expected = {
        row.action: row.limits
        for row in ENDPOINTS.values()
        if row.limits not in (CALL_DETAIL_METRICS, CALL_DETAIL_METRICS_2021)  # with metrics an action has another row
    }
    actions = {name: action.row for name, action in _ACTIONS.items()}
    assert actions == {name: limits for name, limits in expected.items() if name not in _OFFLINE}
