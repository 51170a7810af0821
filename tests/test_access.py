"""What every provider has besides its questions: hosts that stand in for each other, hooks, its quota in numbers."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

from agora_tencent_analytics import AgoraProvider, BadInput, Budget, BudgetSpent, TimeRange, TransportError
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.notices import AskEnded, Attempt, Notice
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World
from tests.support.in_turn import in_turn
from tests.support.transports import Script, Stage, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run
from tests.test_provider import ENVIRONMENT as FULL
from tests.test_provider import KEYS, MADE, VENDORS, WHOLE, WORLD, from_env, make

FIRST, SECOND = "https://first.test", "https://second.test"
URL = {"agora": "AGORA_BASE_URL", "tencent": "TRTC_BASE_URL"}
EMPTY = {
    "agora": json_response('{"code":200,"call_lists":[],"total_size":0,"has_more":false}'),
    "tencent": json_response('{"Response":{"Total":0,"RoomList":[],"RequestId":"r"}}'),
}

# --- hosts ------------------------------------------------------------------------------------------------


def hosts_of(provider: Any) -> str:
    return repr(provider).partition("host=")[2].rstrip(">")


@pytest.mark.parametrize("vendor", VENDORS)
def test_one_host_is_asked_unless_several_are_named(vendor: str) -> None:
    assert "," not in hosts_of(make(vendor))
    assert "'first.test'" == hosts_of(make(vendor, base_url=FIRST))
    assert "'first.test, second.test'" == hosts_of(make(vendor, base_url=[FIRST, SECOND]))
    assert "'first.test'" == hosts_of(make(vendor, base_url=(FIRST, FIRST + "/"))), "each once"


@in_turn("vendor", VENDORS)
@in_turn(
    "bad", [[], (), [FIRST, "http://second.test"], [FIRST, ""], [FIRST, 7], [[FIRST]], {FIRST}, f"{FIRST},{SECOND}"]
)
def test_every_host_must_be_fit_for_credentials(vendor: str, bad: Any) -> None:
    with pytest.raises(BadInput, match="base_url"):
        make(vendor, base_url=bad)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_environment_may_name_several_hosts(vendor: str) -> None:
    several = from_env(vendor, {**FULL[vendor], URL[vendor]: f"{FIRST}, {SECOND}"}, account="several")
    assert "'first.test, second.test'" == hosts_of(several)
    for bad in (f"{FIRST},", f"{FIRST},http://second.test", ","):
        with pytest.raises(BadInput, match="base_url"):
            from_env(vendor, {**FULL[vendor], URL[vendor]: bad})


@pytest.mark.parametrize("vendor", VENDORS)
def test_further_hosts_draw_on_the_quota_of_the_first(vendor: str) -> None:
    one = make(vendor, base_url=FIRST)
    assert one.shared_quota is make(vendor, base_url=[FIRST, SECOND]).shared_quota
    assert one.shared_quota is not make(vendor, base_url=[SECOND, FIRST]).shared_quota


@pytest.mark.parametrize("vendor", VENDORS)
def test_credentials_go_to_the_hosts_that_were_named_and_to_no_other(vendor: str) -> None:
    clock = VirtualClock()
    lost = TransportError("no", endpoint="e", phase="connect", timed_out=False)
    script = Script(clock, [lost, lost, lost, EMPTY[vendor]])
    over = TimeRange(int(time.time()) - 2 * HOUR, int(time.time()) - HOUR)

    async def scenario() -> None:
        await (
            make(vendor, base_url=[FIRST, SECOND], plan="unlimited", transport=script, account="x")
            .calls(over)
            .collect()
        )

    run(scenario)
    assert [FIRST, SECOND, FIRST, SECOND] == ["/".join(request.url.split("/")[:3]) for request in script.sent[:4]]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_host_that_is_down_costs_an_attempt_and_no_answer(vendor: str) -> None:
    now = int(time.time())
    world = World(seed=3, calls=3, start=now - 2 * HOUR, end=now - 900)
    server: Any = (SimulatedAgora if vendor == "agora" else SimulatedTencent)(world, plan="unlimited")
    heard: list[Notice] = []

    async def scenario() -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with server:
            known = {**server.credentials, "plan": "unlimited", "token": None, "hooks": [heard.append]}
            async with make(vendor, **known, base_url=[nobody, server.base_url]) as provider:
                return len(await provider.calls(TimeRange(world.start, world.end)).collect())

    assert 3 == asyncio.run(scenario())
    attempts = [notice for notice in heard if isinstance(notice, Attempt)]
    assert isinstance(attempts[0].error, TransportError)
    assert {None} == {notice.error for notice in attempts[1:]}, "signed for the host that answered"


# --- hooks and budgets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_hooks_of_a_provider_hear_its_asks(vendor: str) -> None:
    stage, heard = Stage(vendor, WORLD), list[Notice]()

    async def scenario() -> None:
        await stage.provider(hooks=[heard.append]).calls(WHOLE).collect()
        await stage.provider().calls(WHOLE).collect()

    run(scenario)
    ended = [notice for notice in heard if isinstance(notice, AskEnded)]
    assert stage.asked == 2 * len(ended) > 0
    assert {vendor} == {notice.vendor for notice in heard}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_hook_must_be_a_plain_function(vendor: str) -> None:
    for bad in (print, ["print"], [asyncio.sleep]):
        with pytest.raises(BadInput, match="hook"):
            make(vendor, hooks=bad)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_budget_ends_a_walk_over_many_pages(vendor: str) -> None:
    stage, budget = Stage(vendor, WORLD), Budget(2)

    async def scenario() -> None:
        view = stage.provider().with_options(budget=budget)
        with pytest.raises(BudgetSpent):
            await view.calls(WHOLE, page_size=2).collect()
        assert 2 == view.receipt.requests

    run(scenario)
    assert (2, 2) == (stage.asked, budget.spent)


# --- the quota in numbers ---------------------------------------------------------------------------------


def quota_of(provider: Any) -> Any:
    async def scenario() -> Any:
        return await provider.quota()

    return run(scenario)


@pytest.mark.parametrize("api", GENERATION_ENDPOINTS)
def test_agora_counts_every_question_of_its_generation(api: str) -> None:
    states = quota_of(make("agora", api=api, plan="enterprise", account=api))
    counters = [row.counter for row in GENERATION_ENDPOINTS[api].values()]
    assert list(dict.fromkeys(counters)) == [state.counter for state in states]
    assert all(state.left_today for state in states)


def test_tencent_counts_its_neutral_questions() -> None:
    states = quota_of(make("tencent"))
    assert len({state.counter for state in states}) == len(states) >= 5
    assert "DescribeRoomInfo" == states[0].counter


def test_what_the_plan_does_not_offer_has_no_quota() -> None:
    assert () == quota_of(make("agora", plan="starter", account="none"))
    free = make("tencent", plan="free", account="none")
    offered = [row.counter for row in free.endpoints if row.limits in free.plan.rows]
    assert offered == [state.counter for state in quota_of(free)]
    assert "DescribeRoomInfo" not in offered


def test_counters_that_count_together_are_one() -> None:
    states = quota_of(make("agora", merge=(("call/lists", "call/metrics"),), account="together"))
    names = [state.counter for state in states]
    assert 1 == names.count("call/lists+call/metrics")
    assert not {"call/lists", "call/metrics"} & set(names)


def test_what_was_asked_today_shows() -> None:
    stage = Stage("agora", WORLD, plan="standard")

    async def scenario() -> None:
        provider = stage.provider()
        before = {state.counter: state for state in await provider.quota()}
        await provider.calls(WHOLE).collect()
        after = {state.counter: state for state in await provider.quota()}
        assert provider.receipt.requests == after["call/lists"].used_today
        left = before["call/lists"].left_today
        assert left is not None
        assert left - provider.receipt.requests == after["call/lists"].left_today
        assert provider.receipt.left_today == {"call/lists": after["call/lists"].left_today}
        assert (EPOCH // DAY + 1) * DAY == after["call/lists"].resets_at
        others = [name for name in before if name != "call/lists"]
        assert [before[name].used_today for name in others] == [after[name].used_today for name in others]

    run(scenario)


def test_a_reserve_is_handed_to_the_quota() -> None:
    provider = make("agora", reserve={"interactive": 0.25}, account="reserved")
    assert {"interactive": 0.25} == provider.shared_quota.reserve
    with pytest.raises(BadInput, match="reserve"):
        make("agora", reserve={"interactive": 2.0}, account="too much")


def test_a_provider_may_have_a_part_of_a_plan() -> None:
    whole = AgoraProvider(**KEYS["agora"], store=":memory:", account="whole")
    part = MADE["agora"](**{**KEYS["agora"], "plan": whole.plan.share(0.5)}, store=":memory:", account="part")
    (all_of_it, *_), (half, *_) = quota_of(whole), quota_of(part)
    assert half.left_today is not None
    assert all_of_it.left_today is not None
    assert half.left_today + 1 == (all_of_it.left_today + 1) // 2
