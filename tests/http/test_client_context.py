"""An ask on its terms: what it costs, what it may cost, whom it tells, and how long it waits in silence."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import (
    Budget,
    BudgetSpent,
    DailyQuotaExhausted,
    Rate,
    RateLimited,
    Receipt,
    Retry,
    VendorFault,
    WouldExceedQuota,
)
from agora_tencent_analytics.limits import DAY, MINUTE, SECOND
from agora_tencent_analytics.notices import (
    AskEnded,
    AskStarted,
    Attempt,
    LongWait,
    Notice,
    Refused,
    Retrying,
    SlotGranted,
)
from tests.support.client_bench import BAD_GATEWAY, GOOD, QPD, QPS, Bench, broken
from tests.support.transports import json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

N = TypeVar("N", bound=Notice)
MIDNIGHT = (EPOCH // DAY + 1) * DAY


def of(kind: type[N], heard: list[Notice]) -> list[N]:
    return [notice for notice in heard if isinstance(notice, kind)]


# --- receipts ---------------------------------------------------------------------------------------------


def test_a_receipt_tells_what_was_asked_inside_and_nothing_else() -> None:
    bench = Bench(GOOD, BAD_GATEWAY, GOOD)

    async def scenario() -> tuple[Receipt, Receipt]:
        with bench.on() as outer:
            await bench.ask()
            with bench.on() as inner:
                await bench.ask()
        await bench.ask()
        return outer, inner

    outer, inner = run(scenario)
    assert (3, 2, 4) == (outer.requests, inner.requests, bench.caller.receipts[0].requests)
    assert (1, 1, 1) == (outer.retries, inner.retries, bench.caller.receipts[0].retries)
    assert {"call/lists": 999 - 3} == inner.left_today
    assert {"call/lists": 999 - 4} == bench.caller.receipts[0].left_today, "999, because vendors write 'less than 1000'"
    assert MIDNIGHT == inner.resets_at


def test_a_receipt_adds_up_the_waits_for_slots() -> None:
    bench = Bench(GOOD, rates=(Rate(1, SECOND),), script={"delay_s": 0.0})

    async def scenario() -> Receipt:
        with bench.on() as receipt:
            await asyncio.gather(*(bench.ask() for _ in range(4)))
        return receipt

    receipt = run(scenario)
    began = bench.script.sent_at[0]
    assert sum(at - began for at in bench.script.sent_at) == pytest.approx(receipt.waited_s, abs=1e-6)
    assert receipt.waited_s == bench.caller.receipts[0].waited_s >= 6.0
    assert ({}, None) == (receipt.left_today, receipt.resets_at), "no day is counted"


def test_a_receipt_counts_refusals_for_the_rate() -> None:
    bench = Bench(QPS, GOOD)
    with bench.on() as receipt:
        bench.asks()
    assert (2, 1, 1) == (receipt.requests, receipt.retries, receipt.limit_errors)


def test_a_day_that_is_spent_leaves_nothing_on_the_receipt() -> None:
    bench = Bench(QPD)
    with bench.on() as receipt:
        bench.fails(DailyQuotaExhausted)
    assert ({"call/lists": 0}, MIDNIGHT, 1) == (receipt.left_today, receipt.resets_at, receipt.limit_errors)


# --- budgets ----------------------------------------------------------------------------------------------


def test_a_budget_is_spent_by_retries_too_and_never_exceeded() -> None:
    bench, budget = Bench(BAD_GATEWAY, retry=Retry(attempts=9)), Budget(3)
    with bench.on(budget=budget):
        spent = bench.fails(BudgetSpent)
    assert (3, 3, 0, 3) == (spent.requests, budget.spent, budget.left, len(bench.script.sent))
    assert isinstance(spent.__cause__, VendorFault), "the failure that was to be repeated"


def test_a_budget_that_is_used_up_is_told_before_the_pause() -> None:
    bench = Bench(BAD_GATEWAY, retry=Retry(first_s=8), script={"delay_s": 0.0})

    async def scenario() -> float:
        began = bench.clock.clock.monotonic()
        with bench.on(budget=Budget(1)), pytest.raises(BudgetSpent):
            await bench.ask()
        return bench.clock.clock.monotonic() - began

    assert run(scenario) < 1


@pytest.mark.parametrize("budget", [None, 1], ids=["without a budget", "with one that is used up"])
def test_a_day_that_the_vendor_calls_spent_is_told_as_such_and_prepares_no_other_attempt(budget: int | None) -> None:
    bench, heard = Bench(QPD), list[Notice]()
    with bench.on(budget=None if budget is None else Budget(budget), hooks=[heard.append]):
        spent = bench.fails(DailyQuotaExhausted)
    assert isinstance(spent.__cause__, RateLimited)
    assert [] == of(Retrying, heard)
    assert (1, 1) == (bench.keys, len(bench.script.sent))


def test_an_empty_budget_sends_nothing_and_touches_no_quota() -> None:
    bench = Bench(GOOD)
    with bench.on(budget=Budget(0)):
        bench.fails(BudgetSpent)
    assert (0, 0) == (bench.spent, len(bench.script.sent))


def test_of_several_budgets_the_smallest_ends_it_and_the_others_lose_nothing() -> None:
    bench, large, small = Bench(GOOD), Budget(9), Budget(2)

    async def scenario() -> None:
        with bench.on(budget=large), bench.on(budget=small):
            for _ in range(2):
                await bench.ask()
            with pytest.raises(BudgetSpent):
                await bench.ask()

    run(scenario)
    assert (2, 2, 2) == (large.spent, small.spent, len(bench.script.sent))


@pytest.mark.parametrize("rates", [(Rate(2, DAY),), (Rate(1, MINUTE),)], ids=["day", "minute"])
def test_what_the_quota_refuses_is_not_taken_from_the_budget(rates: tuple[Rate, ...]) -> None:
    bench, budget = Bench(GOOD, rates=rates), Budget(9)

    async def scenario() -> None:
        with bench.on(budget=budget, max_wait=0):
            await bench.ask()
            with pytest.raises((DailyQuotaExhausted, WouldExceedQuota)):
                await bench.ask()

    run(scenario)
    assert 1 == budget.spent == len(bench.script.sent)


@given(
    size=st.integers(0, 12),
    asks=st.integers(1, 12),
    failing=st.sets(st.integers(0, 30)),
    cancelled=st.dictionaries(st.integers(0, 11), st.floats(0, 6)),
)
def test_however_many_ask_fail_and_leave_the_budget_is_what_was_sent(
    size: int, asks: int, failing: set[int], cancelled: dict[int, float]
) -> None:
    steps = [broken() if number in failing else GOOD for number in range(31)]
    bench, budget = Bench(*steps, rates=(Rate(3, SECOND), Rate(500, DAY)), script={"body_s": 0.2}), Budget(size)

    async def scenario() -> None:
        with bench.on(budget=budget):
            tasks = [asyncio.create_task(bench.ask()) for _ in range(asks)]
        for number, at in cancelled.items():
            if number < asks:
                asyncio.get_running_loop().call_later(at, tasks[number].cancel)
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()

    run(scenario)
    assert len(bench.script.sent) == budget.spent == bench.spent <= size


# --- patience and priority --------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "terms"), [(0, 90), (None, 0), (0, None)])
def test_what_a_question_is_told_beats_what_the_view_is_told(own: float | None, terms: float | None) -> None:
    bench = Bench(GOOD, rates=(Rate(1, MINUTE),))

    async def scenario() -> None:
        await bench.ask()
        with bench.on(max_wait=terms), pytest.raises(WouldExceedQuota):
            await bench.ask(max_wait=own)

    run(scenario)
    assert 1 == len(bench.script.sent)


def test_the_quota_is_told_the_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, told = Bench(GOOD), list[str]()
    slot = bench.quota.slot

    def listening(*args: Any, priority: Any = "normal", **options: Any) -> Any:
        told.append(priority)
        return slot(*args, priority=priority, **options)

    monkeypatch.setattr(bench.quota, "slot", listening)

    async def scenario() -> None:
        await bench.ask()
        with bench.on(priority="interactive"):
            await bench.ask()

    run(scenario)
    assert ["normal", "interactive"] == told


# --- notices ----------------------------------------------------------------------------------------------


def test_hooks_hear_an_ask_from_its_start_to_its_end() -> None:
    mine: list[Notice] = []
    theirs: list[Notice] = []
    bench = Bench(BAD_GATEWAY, GOOD, hooks=(theirs.append,))
    with bench.on(hooks=[mine.append]):
        bench.asks()
    assert mine == theirs
    kinds = [AskStarted, SlotGranted, Attempt, Retrying, SlotGranted, Attempt, AskEnded]
    assert kinds == [type(notice) for notice in mine]
    assert {("agora", "call/lists")} == {(notice.vendor, notice.endpoint) for notice in mine}
    first, second = of(Attempt, mine)
    assert (1, 502, "host.test", VendorFault) == (first.number, first.status, first.host, type(first.error))
    assert (2, 200, "host.test", None) == (second.number, second.status, second.host, second.error)
    assert 0.05 == pytest.approx(second.elapsed_s, abs=0.001)
    (retrying,) = of(Retrying, mine)
    assert (0.5, first.error) == (retrying.pause_s, retrying.error)
    (ended,) = of(AskEnded, mine)
    assert (2, None) == (ended.requests, ended.error)
    assert 0.6 == pytest.approx(ended.elapsed_s, abs=0.01)
    assert [998, 997] == [granted.left_today for granted in of(SlotGranted, mine)]


def test_a_hook_that_is_the_providers_and_the_contexts_hears_once() -> None:
    heard: list[Notice] = []
    bench = Bench(GOOD, hooks=(heard.append,))
    with bench.on(hooks=[heard.append]):
        bench.asks()
    assert [AskStarted, SlotGranted, Attempt, AskEnded] == [type(notice) for notice in heard]


def test_each_ask_has_a_number_of_its_own() -> None:
    heard: list[Notice] = []
    one, two = Bench(GOOD, hooks=(heard.append,)), Bench(GOOD, hooks=(heard.append,))
    one.asks()
    two.asks()
    first, second = of(AskStarted, heard)
    assert first.ask != second.ask
    assert {first.ask, second.ask} == {notice.ask for notice in heard}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "per", "code"),
    [(QPS, "second", "300"), (QPD, "day", "300"), (json_response("", status=429), "unknown", "429")],
)
def test_a_refusal_for_the_rate_is_told(answer: Any, per: str, code: str) -> None:
    heard: list[Notice] = []
    bench = Bench(answer, GOOD, hooks=(heard.append,))

    async def scenario() -> None:
        with pytest.raises(DailyQuotaExhausted) if per == "day" else nullcontext():
            await bench.ask()

    run(scenario)
    assert [(per, code)] == [(notice.per, notice.code) for notice in of(Refused, heard)]
    assert isinstance(of(Attempt, heard)[0].error, RateLimited)


def test_an_ask_that_is_given_up_or_cancelled_ends_too() -> None:
    heard: list[Notice] = []
    bench = Bench(GOOD, hooks=(heard.append,), script={"delay_s": 5.0})

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await bench.ask()

    run(scenario)
    (attempt,), (ended,) = of(Attempt, heard), of(AskEnded, heard)
    assert (None, asyncio.CancelledError) == (attempt.status, type(attempt.error))
    assert (1, asyncio.CancelledError) == (ended.requests, type(ended.error))
    assert 1.0 == pytest.approx(attempt.elapsed_s, abs=0.01)


def test_notices_hold_no_parameter_and_no_secret() -> None:
    heard: list[Notice] = []
    bench = Bench(BAD_GATEWAY, GOOD, hooks=(heard.append,))
    bench.asks(params={"cname": "room-of-somebody"})
    assert "room-of-somebody" in bench.script.sent[0].url
    assert "room-of-somebody" not in repr(heard)


def test_a_hook_that_fails_harms_no_ask() -> None:
    def deaf(notice: Notice) -> None:
        raise LookupError

    Bench(BAD_GATEWAY, GOOD, hooks=(deaf,)).asks()


# --- long waits -------------------------------------------------------------------------------------------


def long_waits(bench: Bench, heard: list[Notice], asks: int = 1, **terms: Any) -> list[LongWait]:
    """After one ask that found its slot at once, so many more at once."""

    async def scenario() -> None:
        await bench.ask()
        heard.clear()
        with bench.on(**terms):
            await asyncio.gather(*(bench.ask() for _ in range(asks)), return_exceptions=True)

    run(scenario)
    return of(LongWait, heard)


def test_a_long_wait_is_told_once_and_at_once() -> None:
    heard: list[Notice] = []
    times: list[float] = []
    bench = Bench(GOOD, rates=(Rate(1, MINUTE),), script={"delay_s": 0.0})

    def hook(notice: Notice) -> None:
        heard.append(notice)
        times.append(bench.clock.clock.wall())

    bench.caller.hooks = (hook,)
    (told,) = long_waits(bench, heard)
    at = times[-len(heard) :][heard.index(told)]
    assert 60 == pytest.approx(told.seconds, abs=0.2)
    assert at + told.seconds == pytest.approx(told.until, abs=0.001)
    assert EPOCH == pytest.approx(at, abs=0.1), "when the wait begins, not when it has lasted"
    assert told.seconds == pytest.approx(of(AskEnded, heard)[0].waited_s, abs=0.001), "and it is what it took"
    assert "call/lists" in told.reason


def test_a_short_wait_is_not_told() -> None:
    heard: list[Notice] = []
    bench = Bench(GOOD, rates=(Rate(1, 4),), hooks=(heard.append,))
    assert [] == long_waits(bench, heard)


def test_who_waits_behind_others_is_told_of_the_whole_wait() -> None:
    heard: list[Notice] = []
    bench = Bench(GOOD, rates=(Rate(1, SECOND),), hooks=(heard.append,), script={"delay_s": 0.0})
    told = long_waits(bench, heard, asks=8)
    assert [5.2, 6.2, 7.3, 8.3] == pytest.approx([one.seconds for one in told], abs=0.1), "the four before wait less"


@pytest.mark.parametrize("terms", [{"max_wait": 0}, {"max_wait": 30}])
def test_who_is_not_let_wait_is_told_nothing(terms: dict[str, Any]) -> None:
    heard: list[Notice] = []
    bench = Bench(GOOD, rates=(Rate(1, MINUTE),), hooks=(heard.append,))
    assert [] == long_waits(bench, heard, **terms)
    assert isinstance(of(AskEnded, heard)[0].error, WouldExceedQuota)


def test_a_wait_that_grows_long_is_told_when_it_has() -> None:
    heard: list[Notice] = []
    bench = Bench(
        GOOD, json_response("", status=429, retry_after="40"), GOOD, rates=(Rate(2, SECOND),), hooks=(heard.append,)
    )

    async def scenario() -> None:
        await bench.ask()
        heard.clear()
        await asyncio.gather(bench.ask(), bench.ask())  # the second waits for a second, then the bucket is held

    run(scenario)
    refused, queued = sorted(of(LongWait, heard), key=lambda one: "RateLimited" not in one.reason)
    assert 40 == pytest.approx(refused.seconds, abs=0.1)
    assert 5 < queued.seconds <= 41.5
    assert queued.until == pytest.approx(refused.until, abs=2)


def test_a_long_pause_is_told_and_the_same_ask_tells_no_second_time() -> None:
    heard: list[Notice] = []
    late = json_response("", status=429, retry_after="20")
    bench = Bench(late, late, GOOD, hooks=(heard.append,))
    bench.asks()
    (told,) = of(LongWait, heard)
    assert 20 == pytest.approx(told.seconds, abs=0.1)
    assert "RateLimited" in told.reason


def test_the_priority_is_told_with_the_wait() -> None:
    heard: list[Notice] = []
    bench = Bench(GOOD, rates=(Rate(1, MINUTE),), hooks=(heard.append,))
    assert ["backfill"] == [one.priority for one in long_waits(bench, heard, priority="backfill")]


def test_no_timer_stays_behind() -> None:
    bench = Bench(GOOD, clock=VirtualClock())

    async def scenario() -> int:
        for _ in range(3):
            await bench.ask()
        await asyncio.sleep(1)  # the quota's own, one for all that is asked, ends by itself
        loop: Any = asyncio.get_running_loop()
        return sum(not timer.cancelled() for timer in loop._scheduled)

    assert 0 == run(scenario)
