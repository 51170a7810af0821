"""What an attempt costs where no rate is asked for: no timer, no task, no thread, and no counter of the quota."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agora_tencent_analytics import Rate, Request, Response, Timeouts, fixed_credentials
from agora_tencent_analytics.agora.auth import AgoraCredentials
from tests.support.client_bench import GOOD, TEN, WINDOW, Bench
from tests.support.virtual_time import run

KEYS = AgoraCredentials(customer_id="id", customer_secret="s3cr3t-that-must-not-show")


class AnswersAtOnce:
    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        answered()
        return GOOD

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(("rates", "counters"), [((), "[]"), (TEN, "['call/lists']")], ids=["no rate", "rates"])
def test_where_no_rate_is_asked_for_the_loop_is_given_nothing_to_do(
    rates: tuple[Rate, ...], counters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(rates=rates, transport=AnswersAtOnce(), keys=fixed_credentials(KEYS))
    seen: list[str] = []

    def noted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def note(*given: Any, **more: Any) -> Any:
            seen.append(name)
            return original(*given, **more)

        return note

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        with monkeypatch.context() as patched:
            for name in (
                "call_soon",
                "call_later",
                "call_at",
                "call_soon_threadsafe",
                "create_task",
                "run_in_executor",
            ):
                patched.setattr(loop, name, noted(name, getattr(loop, name)))
            await bench.caller.ask(bench.row, bench.limits, WINDOW, {}, page=1, size=100)

    run(scenario)
    assert bool(rates) is ("call_later" in seen) is bool(seen)
    assert counters in repr(bench.quota)
