"""What holds for every test: which ones wait on real clocks, and how hypothesis behaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REALTIME = Path(__file__).parent / "realtime"

# No deadline and no check of speed: a busy machine is not a wrong answer. Derandomised in CI: one commit, one verdict.
settings.register_profile(
    "suite", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(REALTIME):
            item.add_marker(pytest.mark.realtime)
