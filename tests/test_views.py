"""`provider.with_options`: terms for one piece of work, over one connection and quota; and what closing does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    AnalyticsError,
    BadInput,
    Budget,
    BudgetSpent,
    Call,
    NotAuthenticated,
    NothingToAsk,
    Paginator,
    ProviderClosed,
    Rate,
    Retry,
    Timeouts,
    TimeRange,
    WouldExceedQuota,
    scan,
)
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE, SECOND, Limits, Plan
from agora_tencent_analytics.simulator import Fail, When
from tests.support.client_bench import BAD_GATEWAY, GOOD, Bench
from tests.support.simulated_scans import WHOLE, Vendors, exact, truth_of
from tests.support.virtual_time import run


def slow(*rates: Rate) -> Plan:
    figures: dict[str, Any] = {"rates": rates, "history_s": 15 * DAY, "page_size": 100}
    rows = {
        CALL_LISTS: Limits(span_s=24 * HOUR, lag_s=20, **figures),
        CALL_DETAIL: Limits(span_s=6 * HOUR, lag_s=100, **figures),
    }
    return Plan(vendor="agora", name="slow", rows=rows, source="", read_on="")


# --- a view -----------------------------------------------------------------------------------------------


def test_a_view_counts_for_itself_and_in_its_parent() -> None:
    vendors = Vendors()

    async def scenario() -> list[int]:
        agora = vendors.agora()
        outer = agora.with_options()
        inner = outer.with_options(priority="interactive")
        for asked in (agora, outer, inner):
            await asked.calls(WHOLE).collect()
        return [one.receipt.requests for one in (agora, outer, inner)]

    assert [3, 2, 1] == run(scenario)


def test_a_view_has_the_provider_s_name_plan_quota_and_hooks_and_its_own_besides() -> None:
    vendors, mine, theirs = Vendors(), list[Any](), list[Any]()
    agora = vendors.agora()
    view = agora.with_options(hooks=[mine.append], retry=Retry(attempts=1), timeouts=Timeouts(total_s=1))
    again = view.with_options(hooks=[theirs.append, mine.append])
    assert type(agora) is type(view)
    assert (agora.name, agora.plan, agora.identity) == (view.name, view.plan, view.identity)
    assert agora.shared_quota is view.shared_quota
    assert ((), (mine.append,), (mine.append, theirs.append)) == (agora.hooks, view.hooks, again.hooks)
    assert [4, 1, 1] == [one._caller.retry.attempts for one in (agora, view, again)]


def test_what_is_not_given_stays_and_what_is_given_takes_its_place() -> None:
    agora, outer, inner = Vendors().agora(), Budget(9), Budget(3)

    async def scenario() -> list[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = agora.with_options(priority="backfill", max_wait=5, within_s=10, budget=outer)
        await asyncio.sleep(5)
        others = first.with_options(), first.with_options(max_wait=7, within_s=20, budget=inner)
        callers = [view._caller for view in (agora, first, *others, first.with_options(within_s=2))]
        return [(one.priority, one.max_wait, one.until and round(one.until - began, 3), one.budgets) for one in callers]

    assert [
        (None, None, None, ()),
        ("backfill", 5, 10, (outer,)),
        ("backfill", 5, 10, (outer,)),
        ("backfill", 7, 10, (outer, inner)),  # of two ends the earlier
        ("backfill", 5, 7, (outer,)),
    ] == run(scenario)


def test_the_same_budget_twice_is_taken_once() -> None:
    budget = Budget(1)
    assert (budget,) == Vendors().agora().with_options(budget=budget).with_options(budget=budget)._caller.budgets


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"retry": 5}, "retry must be a Retry"),
        ({"timeouts": 3}, "timeouts must be a Timeouts"),
        ({"priority": "urgent"}, "interactive, normal, backfill"),
        ({"priority": ""}, "priority must be"),
        ({"budget": 2}, "budget must be a Budget"),
        ({"hooks": print}, "list of functions"),
        ({"max_wait": -1}, "max_wait"),
        ({"max_wait": float("nan")}, "max_wait"),
        ({"max_wait": "1"}, "max_wait"),
        ({"max_wait": True}, "max_wait"),
        ({"within_s": -1}, "within_s"),
        ({"within_s": "soon"}, "within_s"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Vendors().agora().with_options(**wrong)


class Remembering(AgoraProvider):
    """A provider of somebody's own that keeps a question for later."""

    @cached_property
    def listing(self) -> Callable[[], Paginator[Call]]:
        return lambda: self.calls(WHOLE)


def test_what_a_view_keeps_does_not_become_the_provider_s() -> None:
    vendors = Vendors()

    async def scenario() -> int:
        plain = vendors.agora()
        agora = Remembering(
            app_id="app",
            customer_id="i",
            customer_secret="s",
            plan="unlimited",
            quota=plain.shared_quota,
            transport=vendors.transports[0],
        )
        view = agora.with_options(budget=Budget(0))
        with pytest.raises(BudgetSpent):
            await view.listing()
        with pytest.raises(NotAuthenticated):  # it is sent, if only by these keys
            await agora.listing()
        return agora.receipt.requests

    assert 1 == run(scenario)


def test_closing_a_view_closes_nothing() -> None:
    vendors = Vendors()

    async def scenario() -> int:
        agora = vendors.agora()
        async with agora.with_options() as view:
            await view.calls(WHOLE).collect()
        await view.aclose()
        return len(await agora.calls(WHOLE).collect())

    assert 14 == run(scenario)


def test_what_is_asked_in_a_generator_that_is_left_leaks_into_nothing() -> None:
    vendors = Vendors()

    async def scenario() -> int:
        agora = vendors.agora()

        async def ids() -> AsyncIterator[str]:
            async for call in agora.with_options(budget=Budget(1)).calls(WHOLE, page_size=5):
                yield call.call_id

        numbers = ids()
        await anext(numbers)
        return len(await agora.calls(WHOLE, page_size=5).collect())

    assert 14 == run(scenario)


def test_fifty_at_once_are_refused_in_no_time_with_the_time_and_nothing_is_sent_that_cannot_finish() -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[Any], float, int]:
        agora = vendors.agora(slow(Rate(2, SECOND), Rate(9_999, DAY)), latency=(0.05, 0.05))
        await agora.calls(WHOLE).collect()
        await asyncio.sleep(5)
        clock, before = vendors.time.clock, len(vendors.servers[0].arrivals)
        looked, reserve = 0, agora.shared_quota.store.reserve

        async def counting(*args: Any) -> Any:
            nonlocal looked
            looked += 1
            return await reserve(*args)

        agora.shared_quota.store.reserve = counting  # type: ignore[method-assign,assignment]
        began = clock.monotonic()

        async def worst() -> Any:
            try:
                found = await agora.with_options(within_s=2).calls(WHOLE).collect()
                return len(found), clock.monotonic() - began
            except WouldExceedQuota as refused:
                return refused.wait_s(clock.wall()), clock.monotonic() - began, type(refused)

        answers = await asyncio.gather(*(worst() for _ in range(50)))
        return answers, before, looked

    answers, before, looked = run(scenario)
    served = [answer for answer in answers if len(answer) == 2]
    refused = [answer for answer in answers if len(answer) == 3]
    assert {14} == {found for found, _ in served}
    assert 1 <= len(served) == looked == len(vendors.servers[0].arrivals) - before
    assert all(took <= 2 for _, took in served)
    assert {0.0} == {round(took, 6) for _, took, _ in refused}, "refusals take no time"
    assert all(wait > 1.9 - 0.05 for wait, _, _ in refused)
    assert vendors.servers[0].refused == 0


# --- the time that a view leaves --------------------------------------------------------------------------


def test_all_that_is_asked_through_a_view_ends_in_its_time() -> None:
    bench = Bench(GOOD, rates=(Rate(1, SECOND),), script={"delay_s": 0.3})

    async def scenario() -> list[Any]:
        await bench.ask()
        await asyncio.sleep(3)
        ended = list[Any]()
        with bench.on(within_s=2.0):
            began = bench.clock.clock.monotonic()
            for _ in range(4):
                try:
                    await bench.ask()
                except WouldExceedQuota as refused:
                    ended.append((refused.retry_at or 0) - bench.clock.clock.wall())
                ended.append(bench.clock.clock.monotonic() - began)
        return ended

    first, second, wait, third, _, fourth = run(scenario)
    assert 0.3 == pytest.approx(first, abs=0.01)
    assert 1.65 == pytest.approx(second, abs=0.05)
    assert second == third == fourth, "refused at once"
    assert 1.04 == pytest.approx(wait, abs=0.05)


def test_no_attempt_begins_with_less_left_than_the_fastest_recent_answer_took() -> None:
    bench = Bench(GOOD, script={"delay_s": 0.5})

    async def scenario() -> list[Any]:
        await bench.ask()
        with bench.on(within_s=0.4), pytest.raises(WouldExceedQuota):
            await bench.ask()
        with bench.on(within_s=0.7):
            await bench.ask()
        return [len(bench.script.sent), bench.state().granted - bench.state().refunded]

    assert [2, 2] == run(scenario)


def test_an_attempt_may_take_no_longer_than_the_view_has_left() -> None:
    bench = Bench(GOOD)

    async def scenario() -> None:
        with bench.on(within_s=2.0):
            await asyncio.sleep(0.5)
            await bench.ask()

    run(scenario)
    (timeouts,) = bench.script.timeouts
    assert 1.5 == pytest.approx(timeouts.total_s)


def test_of_a_question_and_its_view_the_question_decides_how_long_a_slot_is_waited_for() -> None:
    vendors = Vendors()

    async def scenario() -> float:
        agora = vendors.agora(slow(Rate(2, MINUTE)))
        view = agora.with_options(max_wait=0)
        await agora.calls(WHOLE).collect()  # waits for the rest at birth
        first = vendors.time.clock.wall()
        with pytest.raises(WouldExceedQuota):
            await view.calls(WHOLE).collect()
        await view.ask(CALL_LISTS_2024, WHOLE, max_wait=100).collect()
        return vendors.time.clock.wall() - first

    assert run(scenario) >= 60


# --- a scan through a view --------------------------------------------------------------------------------


def test_in_a_scan_the_longest_wait_is_that_of_the_head_of_the_queue() -> None:
    vendors = Vendors()

    async def scenario() -> Any:
        agora = vendors.agora(slow(Rate(2, SECOND), Rate(9_999, DAY)))
        async with scan(agora.with_options(max_wait=1.5), over=WHOLE, depth="sessions") as records:
            return [record async for record in records], records.report

    found, report = run(scenario)
    assert truth_of(vendors.world, "agora", WHOLE, depth="sessions") == exact(found)
    assert report.complete


def test_a_scan_through_a_view_ends_in_its_time_and_says_so() -> None:
    vendors = Vendors()

    async def scenario() -> Any:
        agora = vendors.agora(slow(Rate(2, SECOND), Rate(9_999, DAY)))
        await asyncio.sleep(3)
        began = vendors.time.clock.monotonic()
        async with scan(agora.with_options(within_s=5), over=WHOLE, depth="sessions") as records:
            found = [record async for record in records]
        return found, records.report, vendors.time.clock.monotonic() - began

    found, report, took = run(scenario)
    assert took <= 5
    assert "WouldExceedQuota" in report.vendors["agora"].failures_by_kind
    assert "time allowed" in report.vendors["agora"].stopped
    assert 1 <= sum(not record.failures for record in found) < 14


def test_a_wait_that_is_too_long_before_the_first_answer_is_raised_as_itself() -> None:
    vendors = Vendors()

    async def scenario() -> None:
        agora = vendors.agora(slow(Rate(2, MINUTE)))
        await agora.calls(WHOLE).collect()
        async with scan(agora.with_options(max_wait=5), over=WHOLE) as records:
            with pytest.raises(WouldExceedQuota) as refused:
                await anext(records)
        assert 55 <= (refused.value.wait_s(vendors.time.clock.wall()) or 0) <= 65

    run(scenario)


@pytest.mark.parametrize(
    ("of_view", "of_scan", "asked"),
    [(None, None, "backfill"), ("interactive", None, "interactive"), ("interactive", "normal", "normal")],
)
def test_an_argument_beats_the_view_and_the_view_the_default(of_view: Any, of_scan: Any, asked: str) -> None:
    vendors, told = Vendors(), set[str]()

    async def scenario() -> None:
        agora = vendors.agora()
        slot = agora.shared_quota.slot

        def listening(*args: Any, **options: Any) -> Any:
            told.add(options["priority"])
            return slot(*args, **options)

        agora.shared_quota.slot = listening  # type: ignore[method-assign]
        view = agora.with_options(priority=of_view)
        async with scan(view, over=WHOLE, depth="calls", priority=of_scan) as records:
            assert 14 == len([record async for record in records])

    run(scenario)
    assert {asked} == told


def test_the_budget_of_a_view_bounds_a_scan() -> None:
    vendors, budget = Vendors(), Budget(4)

    async def scenario() -> Any:
        async with scan(vendors.agora().with_options(budget=budget), over=WHOLE, depth="sessions") as records:
            async for _ in records:
                pass
        return records.report

    assert "the budget" in run(scenario).vendors["agora"].stopped
    assert 4 == budget.spent == len(vendors.servers[0].arrivals)


# --- closing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["slot", "pause", "keys", "answer"])
def test_closing_wakes_whoever_waits_at_once(what: str) -> None:
    vendors = Vendors()

    async def never() -> Any:
        await asyncio.get_running_loop().create_future()

    async def scenario() -> tuple[float, list[Any], int]:
        faults = [Fail(status=503, when=When(nth=range(2, 99)))] if what == "pause" else []
        agora = vendors.agora(slow(Rate(2 if what == "slot" else 50, MINUTE)), faults=faults)
        await agora.calls(WHOLE).collect()
        if what == "keys":
            agora._caller.credentials = never
        elif what == "answer":
            vendors.transports[0].back = lambda: 9.0
        view = agora.with_options(priority="interactive", retry=Retry(first_s=8))
        waiting = [asyncio.create_task(one.calls(WHOLE).collect()) for one in (view, agora, view)]
        await asyncio.sleep(0.1)
        began = vendors.time.clock.monotonic()
        await agora.aclose()
        met = await asyncio.gather(*waiting, return_exceptions=True)
        state = (await agora.quota())[0]
        took = round(vendors.time.clock.monotonic() - began, 6)
        return took, [(type(one), task.cancelling()) for one, task in zip(met, waiting, strict=True)], state.waiting

    took, met, waiting = run(scenario)
    assert (0, [(ProviderClosed, 0)] * 3, 0) == (took, met, waiting)


def test_whoever_was_cancelled_as_well_stays_cancelled() -> None:
    vendors = Vendors()

    async def scenario() -> bool:
        agora = vendors.agora(slow(Rate(2, MINUTE)))
        await agora.calls(WHOLE).collect()
        waiting = asyncio.create_task(agora.calls(WHOLE).collect())
        await asyncio.sleep(0.1)
        waiting.cancel()
        await agora.aclose()
        await asyncio.wait([waiting])
        return waiting.cancelled()

    assert run(scenario)


def test_a_quota_that_others_share_goes_on_when_one_of_them_is_closed() -> None:
    bench, other = Bench(GOOD, rates=(Rate(1, MINUTE),)), Bench(GOOD, rates=(Rate(1, MINUTE),))
    other.caller.quota = bench.caller.quota

    async def scenario() -> list[Any]:
        await bench.ask()
        waiting = [asyncio.create_task(one.ask()) for one in (bench, other)]
        await asyncio.sleep(1)
        bench.caller.connection.close()
        return [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)]

    assert [ProviderClosed, tuple] == run(scenario)


@pytest.mark.parametrize("ask", ["calls", "view", "paginator"])
def test_a_closed_provider_is_asked_in_vain_and_open_again_when_it_is_entered(ask: str) -> None:
    vendors = Vendors()
    agora = vendors.agora()
    before = agora.with_options()
    listing = agora.calls(WHOLE)
    asked = {"calls": lambda: agora.calls(WHOLE).collect(), "view": lambda: before.calls(WHOLE).collect()}

    async def in_vain() -> None:
        await agora.aclose()
        with pytest.raises(ProviderClosed, match="closed"):
            await asked.get(ask, listing.collect)()

    async def again() -> int:
        vendors.transports[0].closed = False  # a transport of the test's own, which knows no way back
        async with agora:
            return len(await asked.get(ask, listing.collect)())

    run(in_vain)
    assert 14 == run(again), "and in another loop"


def test_a_failure_on_the_way_is_the_cause_of_what_closing_raises() -> None:
    bench = Bench(BAD_GATEWAY, retry=Retry(first_s=8))

    async def scenario() -> BaseException | None:
        waiting = asyncio.create_task(bench.ask())
        await asyncio.sleep(2)
        bench.caller.connection.close()
        with pytest.raises(ProviderClosed) as closed:
            await waiting
        return closed.value.__cause__

    assert "502" in str(run(scenario))


# --- what errors say --------------------------------------------------------------------------------------


def test_an_error_says_what_was_asked_and_when_to_ask_again() -> None:
    bench = Bench(BAD_GATEWAY, retry=Retry(attempts=1))
    failed: AnalyticsError = bench.fails(AnalyticsError)
    assert ("call/lists", "call/lists", True) == (failed.endpoint, failed.counter, failed.retryable)
    assert failed.retry_at is not None
    assert 8.0 == pytest.approx(failed.wait_s(bench.clock.clock.wall()))
    assert 0.0 == failed.wait_s(failed.retry_at + 1)


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize("ahead_s", [120, 3_000])
def test_a_range_that_the_vendor_does_not_show_yet_says_when_it_will(vendor: str, ahead_s: int) -> None:
    vendors = Vendors()

    async def scenario() -> None:
        provider = vendors.agora("premium") if vendor == "agora" else vendors.tencent("advanced")
        now = int(vendors.time.clock.wall())
        over, row = TimeRange(now + ahead_s - 10, now + ahead_s + 600), provider.endpoints[0]
        with pytest.raises(NothingToAsk) as early:
            await provider.calls(over)
        assert early.value.retryable
        assert row.name == early.value.endpoint
        await asyncio.sleep((early.value.wait_s(vendors.time.clock.wall()) or 0) - 2)
        with pytest.raises(NothingToAsk):
            await provider.calls(over)
        await asyncio.sleep(2)
        await provider.calls(over)
        with pytest.raises(NothingToAsk) as late:
            await provider.calls(TimeRange(now - 10**7, now - 10**7 + 60))
        assert (False, None, row.name) == (late.value.retryable, late.value.retry_at, late.value.endpoint)

    run(scenario)
