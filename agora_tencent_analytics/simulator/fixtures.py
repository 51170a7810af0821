"""The fixtures of `pytest_plugin`, which pytest finds itself, under the name by which they can be imported."""

from __future__ import annotations

from agora_tencent_analytics.pytest_plugin import simulated_agora, simulated_tencent, simulated_world

__all__ = ["simulated_agora", "simulated_tencent", "simulated_world"]
