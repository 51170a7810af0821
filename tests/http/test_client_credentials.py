"""Credentials: when they are called for, what their failure costs, and what becomes of a token that expires."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraCredentials,
    BadInput,
    Budget,
    NotAuthenticated,
    Rate,
    TencentCredentials,
    TencentProvider,
    Timeouts,
    TransportError,
    VendorFault,
    WouldExceedQuota,
)
from agora_tencent_analytics.limits import MINUTE, SECOND
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.timerange import Last
from tests.support.client_bench import BAD_GATEWAY, GOOD, ROOMS, SECRET, TRC, Bench
from tests.support.transports import Script, json_response
from tests.support.virtual_time import VirtualClock, run

EXPIRED = json_response(TRC % "AuthFailure.TokenFailure")
Keys = Callable[[], Awaitable[Any]]


def tokens(*given: str) -> tuple[Keys, list[str]]:
    """A callable that gives these tokens, the last one for ever, and the list of those it gave."""
    gave: list[str] = []

    async def keys() -> TencentCredentials:
        gave.append(given[min(len(gave), len(given) - 1)])
        return TencentCredentials(secret_id="id", secret_key=SECRET, token=gave[-1])

    return keys, gave


def tencent(*steps: Any, keys: Keys, **options: Any) -> Bench:
    return Bench(*steps, vendor=TencentVendor("ap-singapore"), keys=keys, **options)


def sent_tokens(bench: Bench) -> list[str]:
    return [request.headers["X-TC-Token"] for request in bench.script.sent]


# --- a token that expires ---------------------------------------------------------------------------------


def test_an_expired_token_is_worth_one_more_attempt_with_another() -> None:
    keys, gave = tokens("old", "new")
    bench = tencent(EXPIRED, ROOMS, keys=keys)
    bench.asks()
    assert (["old", "new"], ["old", "new"]) == (sent_tokens(bench), gave)


def test_the_same_token_again_is_not_worth_a_request() -> None:
    keys, gave = tokens("old", "old")
    bench = tencent(EXPIRED, ROOMS, keys=keys)
    budget = Budget(1)
    with bench.on(budget=budget):
        assert "token" == bench.fails(NotAuthenticated).cause, "and not that the budget is spent"
    assert (["old"], ["old", "old"], 1) == (sent_tokens(bench), gave, bench.spent)


def test_tokens_that_go_on_expiring_are_tried_twice() -> None:
    keys, gave = tokens("one", "two", "three")
    bench = tencent(EXPIRED, keys=keys)
    bench.fails(NotAuthenticated)
    assert ["one", "two"] == gave == sent_tokens(bench)


def test_keys_that_are_fixed_are_not_tried_again() -> None:
    clock = VirtualClock()
    script = Script(clock, [EXPIRED, ROOMS])
    provider = TencentProvider(
        sdk_app_id=1_400_000_000,
        secret_id="id",
        secret_key=SECRET,
        token="expired",
        plan="unlimited",
        region="ap-singapore",
        store=":memory:",
        account="fixed keys",
        transport=script,
    )

    async def scenario() -> None:
        with pytest.raises(NotAuthenticated):
            await provider.calls(Last(hours=1)).collect()

    run(scenario)
    assert 1 == len(script.sent)


def test_an_expiry_after_another_failure_is_mended_too() -> None:
    keys, gave = tokens("old", "old", "new")
    bench = tencent(BAD_GATEWAY, EXPIRED, ROOMS, keys=keys)
    bench.asks()
    assert ["old", "old", "new"] == gave == sent_tokens(bench)


# --- a callable that raises -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mine",
    [
        LookupError("the vault is shut"),
        TimeoutError("the vault is slow"),
        BadInput("the vault holds nonsense"),
        TransportError("the vault is down", endpoint="vault", phase="connect", timed_out=False),
        WouldExceedQuota("the vault has a quota", retry_at=0.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_callable_raises_passes_as_it_is_and_costs_nothing(mine: Exception) -> None:
    calls = 0

    async def keys() -> Any:
        nonlocal calls
        calls += 1
        raise mine

    bench, budget = Bench(GOOD, keys=keys), Budget(5)
    with bench.on(budget=budget) as receipt:
        assert mine is bench.fails(type(mine))
    assert (1, 0, 0, 0, 0) == (calls, bench.spent, budget.spent, receipt.requests, len(bench.script.sent))


def test_what_it_raises_between_two_attempts_costs_what_was_sent() -> None:
    gave = 0

    async def keys() -> AgoraCredentials:
        nonlocal gave
        gave += 1
        if gave > 1:
            raise LookupError("the vault is shut by now")
        return AgoraCredentials(customer_id="id", customer_secret=SECRET)

    bench, budget = Bench(BAD_GATEWAY, GOOD, keys=keys), Budget(5)
    with bench.on(budget=budget):
        bench.fails(LookupError)
    assert (1, 1, 1) == (bench.spent, budget.spent, len(bench.script.sent))


@pytest.mark.parametrize("mine", [LookupError("shut"), BadInput("odd"), VendorFault(vendor="v", code="1", message="")])
def test_what_it_raises_while_the_slot_is_held_gives_the_slot_back(mine: Exception) -> None:
    gave = 0

    async def keys() -> AgoraCredentials:
        nonlocal gave
        gave += 1
        if gave == 3:
            raise mine
        return AgoraCredentials(customer_id="id", customer_secret=SECRET)

    bench, budget = Bench(GOOD, keys=keys, rates=(Rate(1, 2 * MINUTE), Rate(100, 86_400))), Budget(5)

    async def scenario() -> None:
        await bench.ask()
        with bench.on(budget=budget), pytest.raises(type(mine)) as raised:
            await bench.ask()  # two minutes later its keys are too old
        assert mine is raised.value
        assert (1, 0) == (bench.spent, budget.spent)
        await bench.ask()

    run(scenario)
    assert 2 == len(bench.script.sent)


# --- a callable that takes its time -----------------------------------------------------------------------


async def never() -> Any:
    await asyncio.get_running_loop().create_future()


def test_a_callable_that_hangs_is_bounded_by_the_deadline() -> None:
    bench, budget = Bench(GOOD, keys=never, timeouts=Timeouts(deadline_s=10)), Budget(5)

    async def scenario() -> float:
        began = bench.clock.clock.monotonic()
        with bench.on(budget=budget), pytest.raises(WouldExceedQuota, match="deadline"):
            await bench.ask()
        return bench.clock.clock.monotonic() - began

    assert 10 == pytest.approx(run(scenario), abs=0.01)
    assert (0, 0, 0) == (bench.spent, budget.spent, len(bench.script.sent))


def test_a_callable_that_hangs_between_two_attempts_leaves_the_failure_to_tell() -> None:
    gave = 0

    async def keys() -> Any:
        nonlocal gave
        gave += 1
        return await never() if gave > 1 else AgoraCredentials(customer_id="id", customer_secret=SECRET)

    bench = Bench(BAD_GATEWAY, GOOD, keys=keys, timeouts=Timeouts(deadline_s=10))
    bench.fails(VendorFault)
    assert 1 == len(bench.script.sent)


def test_a_callable_that_takes_its_time_holds_no_slot() -> None:
    slow = True

    async def keys() -> AgoraCredentials:
        nonlocal slow
        if slow:
            slow = False
            await asyncio.sleep(50)
        return AgoraCredentials(customer_id="id", customer_secret=SECRET)

    bench = Bench(GOOD, keys=keys, rates=(Rate(1, SECOND),))

    async def scenario() -> None:
        first = asyncio.create_task(bench.ask())
        await asyncio.sleep(1)
        await asyncio.wait_for(bench.ask(), 3)
        assert not first.done()
        await first

    run(scenario)
    assert 2 == len(bench.script.sent)


def test_keys_that_grew_old_in_the_queue_are_asked_for_anew_before_they_sign() -> None:
    keys, gave = tokens("one", "two", "three")
    bench = tencent(ROOMS, keys=keys, rates=(Rate(1, 2 * MINUTE),))

    async def scenario() -> None:
        await asyncio.gather(bench.ask(), bench.ask())

    run(scenario)
    assert ["one", "three"] == sent_tokens(bench)
    assert 3 == len(gave)


def test_keys_are_called_for_once_an_attempt_where_the_queue_is_short() -> None:
    keys, gave = tokens("one", "two")
    bench = tencent(ROOMS, keys=keys, rates=(Rate(1, 30),))

    async def scenario() -> None:
        await asyncio.gather(bench.ask(), bench.ask())

    run(scenario)
    assert ["one", "two"] == gave == sent_tokens(bench)


def test_every_attempt_is_signed_at_the_moment_it_is_sent() -> None:
    keys, _ = tokens("one")
    bench = tencent(ROOMS, keys=keys, rates=(Rate(1, 50),))

    async def scenario() -> None:
        await asyncio.gather(bench.ask(), bench.ask())

    run(scenario)
    first, second = (int(request.headers["X-TC-Timestamp"]) for request in bench.script.sent)
    assert 50 <= second - first <= 51
