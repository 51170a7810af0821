"""`/worst` of examples/service.py on a virtual clock: all of the worst calls, or the time to come back."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
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
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
def service(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("service", Path(__file__).parents[2] / "examples" / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WITHIN_S", WITHIN_S)
    monkeypatch.setattr(module, "time", SimpleNamespace(time=vendors.time.clock.wall))
    return module


@attrs.frozen
class Answer:
    """How one asker fared."""

    status: int
    body: Any
    took_s: float
    retry_after: int | None


class Askers:
    """People in front of `/worst`."""

    def __init__(self, service: Any, vendors: Vendors, agora: AgoraProvider) -> None:
        self.service, self.agora, self.clock = service, agora, vendors.time.clock
        self.request = SimpleNamespace(
            app=SimpleNamespace(state=SimpleNamespace(agora=agora, in_turn=service.InTurn()))
        )
        self.looks = 0
        reserve = agora.shared_quota.store.reserve

        async def counting(*args: Any) -> Any:
            self.looks += 1
            return await reserve(*args)

        agora.shared_quota.store.reserve = counting  # type: ignore[method-assign,assignment]

    async def ask(self, hours: float) -> Answer:
        began = self.clock.monotonic()
        try:
            status, body, after = 200, await self.service.worst_calls(self.request, hours=hours), None
        except AnalyticsError as error:
            answer = await self.service.unanswered(self.request, error)
            status, body, after = answer.status_code, answer.body, answer.headers.get("Retry-After")
        took_s = round(self.clock.monotonic() - began, 6)
        return Answer(status, body, took_s, None if after is None else int(after))

    async def ask_at_once(self, hours: Sequence[float]) -> list[Answer]:
        return list(await asyncio.gather(*map(self.ask, hours)))


def _busy(vendors: Vendors) -> AgoraProvider:
    return vendors.agora(slow(Rate(20, SECOND), Rate(9_999, DAY)), latency=(0.05, 0.05))


def test_fifty_who_ask_the_same_share_what_one_costs(service: Any, vendors: Vendors) -> None:
    async def scenario() -> tuple[list[Answer], list[Answer], int, int]:
        askers = Askers(service, vendors, _busy(vendors))
        await askers.agora.check()
        await asyncio.sleep(5)
        before = askers.looks
        alone = await askers.ask_at_once([9])
        cost = askers.looks - before
        await asyncio.sleep(5)
        before = askers.looks
        return alone, await askers.ask_at_once([9] * 50), cost, askers.looks - before

    (alone,), together, cost, shared = run(scenario)
    assert 200 == alone.status
    assert alone.body
    assert {200} == {answer.status for answer in together}
    assert all(answer.took_s <= WITHIN_S and answer.body == alone.body for answer in together)
    assert cost == shared


@pytest.mark.parametrize(("calls", "served_by_experience"), [(14, 1), (2, 9)])
def test_of_fifty_questions_those_that_cannot_be_answered_in_time_are_refused_in_no_time_and_unspent(
    calls: int, served_by_experience: int, vendors: Vendors, service: Any
) -> None:
    vendors.world = Vendors(calls=calls).world

    async def scenario() -> list[tuple[list[Answer], int, int]]:
        askers, sent = Askers(service, vendors, _busy(vendors)), vendors.servers[0].arrivals
        await askers.agora.check()
        rounds = []
        for _ in range(2):  # before the service knows what a scan takes, and then
            await asyncio.sleep(5)
            looks, arrived = askers.looks, len(sent)
            answers = await askers.ask_at_once([9 + number / 100 for number in range(50)])
            rounds.append((answers, askers.looks - looks, len(sent) - arrived))
        return rounds

    first, second = run(scenario)
    for answers, looks, sent in (first, second):
        served = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status == 503]
        assert 50 == len(served) + len(refused)
        assert all(answer.took_s <= WITHIN_S and answer.body for answer in served)
        assert {0.0} == {answer.took_s for answer in refused}, "refusals take no time"
        assert all(answer.retry_after is not None and 1 <= answer.retry_after <= 3 for answer in refused)
        # What was sent is what those who were served needed; whoever was refused did not even look at the store.
        assert looks == sent == len(served) * first[2]
    assert [1, served_by_experience] == [sum(one.status == 200 for one in answers) for answers, _, _ in (first, second)]
    assert 0 == vendors.servers[0].refused


def test_a_refused_key_is_no_empty_list(service: Any, vendors: Vendors) -> None:
    async def scenario() -> Answer:
        return await Askers(service, vendors, vendors.agora(faults=[Refuse(code=401, message="no")])).ask(9)

    answer = run(scenario)
    assert (502, None) == (answer.status, answer.retry_after)


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_a_wrong_question_is_the_fault_of_who_asks_it(service: Any, vendors: Vendors, hours: float) -> None:
    async def scenario() -> Answer:
        return await Askers(service, vendors, vendors.agora()).ask(hours)

    answer = run(scenario)
    assert (400, None) == (answer.status, answer.retry_after)
    assert not vendors.servers[0].arrivals
