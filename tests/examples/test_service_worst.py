"""`/worst` of examples/service.py on a virtual clock: all of the worst calls, or the time to come back."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agora_tencent_analytics import AgoraProvider, AnalyticsError, Rate
from agora_tencent_analytics.limits import DAY, SECOND
from agora_tencent_analytics.simulator import Refuse
from tests.support.simulated_scans import Vendors
from tests.support.virtual_time import run
from tests.test_views import slow

pytest.importorskip("fastapi", reason="fastapi comes with the extra `examples`")
pytest.importorskip("uvicorn", reason="uvicorn comes with the extra `examples`")
WITHIN_S = 2.0


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("service", Path(__file__).parents[2] / "examples" / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WITHIN_S", WITHIN_S)
    return module


async def get(service: Any, vendors: Vendors, agora: AgoraProvider) -> tuple[int, str, Any, float]:
    """Status, `Retry-After`, what came, and how long it took."""
    request = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(agora=agora)))
    began = vendors.time.clock.monotonic()
    try:
        status, after, told = 200, "", await service.worst_calls(request, hours=9)
    except AnalyticsError as error:
        answer = await service.unanswered(request, error)
        status, after, told = answer.status_code, answer.headers.get("Retry-After", ""), answer.body
    return status, after, told, vendors.time.clock.monotonic() - began


@pytest.mark.parametrize("askers", [1, 50])
def test_worst_is_told_in_time_or_when_to_come_back(askers: int, service: Any) -> None:
    vendors = Vendors()

    async def scenario() -> list[Any]:
        agora = vendors.agora(slow(Rate(20, SECOND), Rate(9_999, DAY)), latency=(0.05, 0.05))
        await agora.check()
        await asyncio.sleep(5)
        return list(await asyncio.gather(*(get(service, vendors, agora) for _ in range(askers))))

    answers = run(scenario)
    assert ({200} if askers == 1 else {200, 503}) >= {status for status, _, _, _ in answers}
    assert all(took <= WITHIN_S for _, _, _, took in answers)
    assert all(told if status == 200 else int(after) >= 1 for status, after, told, _ in answers)
    assert 0 == vendors.servers[0].refused


def test_a_refused_key_is_no_empty_list(service: Any) -> None:
    vendors = Vendors()

    async def scenario() -> Any:
        return await get(service, vendors, vendors.agora(faults=[Refuse(code=401, message="no")]))

    assert 502 == run(scenario)[0]
