"""What holds for every provider: bad input costs nothing, secrets stay inside, nothing binds before it is used."""

from __future__ import annotations

import asyncio
import copy
import pickle
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from agora_tencent_analytics import (
    AgoraCredentials,
    AgoraProvider,
    BadInput,
    Call,
    Last,
    NothingToAsk,
    NotOffered,
    Provider,
    Quota,
    Rate,
    Session,
    TencentCredentials,
    TencentProvider,
    TimeRange,
    WouldExceedQuota,
)
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_METRICS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World
from agora_tencent_analytics.tencent.endpoints import CALL_DETAIL_METRICS, ROOM_INFO, USER_INFO
from tests.support.in_turn import in_turn
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
END = NOW - HOUR
WORLD = World(seed=3, calls=14, start=END - 8 * HOUR, end=END)
WHOLE = TimeRange(WORLD.start, END)
VENDORS = ("agora", "tencent")
SECRET = "s3cr3t-that-must-not-show"
KEYS: Mapping[str, dict[str, Any]] = {
    "agora": {"app_id": "app1", "customer_id": "id1", "customer_secret": SECRET, "plan": "premium"},
    "tencent": {
        "sdk_app_id": 1_400_000_000,
        "secret_id": "id1",
        "secret_key": SECRET,
        "token": SECRET + "-token",
        "plan": "basic",
        "region": "ap-singapore",
    },
}
MADE: Mapping[str, Callable[..., Provider]] = {"agora": AgoraProvider, "tencent": TencentProvider}
LISTING = {"agora": CALL_LISTS_2024, "tencent": ROOM_INFO}


def make(vendor: str, **changes: Any) -> Any:
    """A provider that is never asked; None leaves an argument out."""
    given = {"store": ":memory:", **KEYS[vendor], **changes}
    return MADE[vendor](**{name: value for name, value in given.items() if value is not None})


def a_call(vendor: str = "agora", **changes: Any) -> Call:
    return Call(**{"vendor": vendor, "call_id": "c", "channel": "r", "created_ts": END - HOUR, "destroyed_ts": END,
                   **changes})  # fmt: skip


def a_session(vendor: str = "agora", **changes: Any) -> Session:
    known = {"vendor": vendor, "call_id": "c", "session_id": "s", "user_id": "u", "channel": "r", "join_ts": END - 60}
    return Session(**{**known, **changes})


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(2026, 9, 21), datetime(2026, 9, 22), "time zone"),
        (NOW * 1_000, NOW * 1_000 + 1, "milliseconds"),
        (NOW, NOW - 1, "empty"),
        (NOW, NOW, "empty"),
        ("2026-09-21", NOW, "datetime or epoch"),
    ],
)
def test_a_bad_range_cannot_even_be_made(start: Any, end: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        TimeRange(start, end)


BAD_ASKS: list[tuple[str, Callable[[Any], Any], type[Exception], str]] = [
    ("agora", lambda p: p.calls((1, 2)), BadInput, "TimeRange"),
    ("agora", lambda p: p.calls(3_600), BadInput, "TimeRange"),
    ("agora", lambda p: p.calls(WHOLE, page_size=0), BadInput, "1 to 100"),
    ("agora", lambda p: p.calls(WHOLE, page_size=101), BadInput, "1 to 100"),
    ("agora", lambda p: p.calls(WHOLE, page_size=True), BadInput, "1 to 100"),
    ("agora", lambda p: p.calls(WHOLE, channel=""), BadInput, "cname"),
    ("agora", lambda p: p.ask(CALL_LISTS_2024, WHOLE, cnam="x"), BadInput, "cname"),
    ("agora", lambda p: p.ask(CALL_LISTS_2024, WHOLE, appid="x"), BadInput, "appid"),
    ("agora", lambda p: p.ask(CALL_SESSIONS_2024, WHOLE), BadInput, "call_id"),
    ("agora", lambda p: p.ask(CALL_SESSIONS_2024, WHOLE, call_id="c", uids=[*"abcdefghijk"]), BadInput, "at most 10"),
    ("agora", lambda p: p.ask(CALL_SESSIONS_2024, WHOLE, call_id="c", uids=["1,2"]), BadInput, "comma"),
    ("agora", lambda p: p.ask(CALL_SESSIONS_2024, WHOLE, call_id="c", uids="12"), BadInput, "list"),
    ("agora", lambda p: p.ask(CALL_METRICS_2024, WHOLE, call_id="c"), BadInput, "sids"),
    ("agora", lambda p: p.ask(CALL_METRICS_2024, WHOLE, call_id="c", sids=["s"] * 21), BadInput, "at most 20"),
    ("agora", lambda p: p.ask(CALL_METRICS_2024, WHOLE, call_id="c", sids=["s"], page_size=5), BadInput, "no pages"),
    ("agora", lambda p: p.ask(ROOM_INFO, WHOLE), NotOffered, "tencent"),
    ("agora", lambda p: p.ask("call/lists", WHOLE), BadInput, "Endpoint"),
    ("agora", lambda p: p.sessions("call-id"), BadInput, "Call of agora"),
    ("agora", lambda p: p.sessions(a_call("tencent")), BadInput, "Call of agora"),
    ("agora", lambda p: p.metrics(a_call("tencent"), []), BadInput, "Call of agora"),
    ("agora", lambda p: p.sessions(a_call(), users="12"), BadInput, "list of user ids"),
    ("agora", lambda p: p.sessions(a_call(), users=["1", ""]), BadInput, "uids"),
    ("agora", lambda p: p.metrics(a_call(), [a_session(call_id="d")]), BadInput, "call c"),
    ("agora", lambda p: p.metrics(a_call(), ["s"]), BadInput, "do not belong to call c"),
    ("agora", lambda p: p.calls(WHOLE, cursor="garbage"), BadInput, "cursor"),
    ("agora", lambda p: p.ask(CALL_LISTS_2024, WHOLE, max_requests=0), BadInput, "max_requests"),
    ("tencent", lambda p: p.calls("today"), BadInput, "TimeRange"),
    ("tencent", lambda p: p.calls(WHOLE, page_size=0), BadInput, "1 to 100"),
    ("tencent", lambda p: p.calls(WHOLE, page_size=101), BadInput, "1 to 100"),
    ("tencent", lambda p: p.ask(CALL_DETAIL_METRICS, WHOLE, CommId="c"), BadInput, "DataType"),
    ("tencent", lambda p: p.ask(CALL_DETAIL_METRICS, WHOLE, CommId="c", DataType=["all"], UserIds=["u"] * 7),
     BadInput, "at most 6"),
    ("tencent", lambda p: p.ask(CALL_DETAIL_METRICS, WHOLE, CommId="c", DataType=["all"], page_size=7),
     BadInput, "1 to 6"),
    ("tencent", lambda p: p.ask(USER_INFO, WHOLE, CommId="c", UserIds=["u"] * 101), BadInput, "at most 100"),
    ("tencent", lambda p: p.ask(USER_INFO, WHOLE, CommId="c", UserIds=[]), BadInput, "empty list"),
    ("tencent", lambda p: p.ask(CALL_LISTS_2024, WHOLE), NotOffered, "agora"),
    ("tencent", lambda p: p.sessions(a_call("agora")), BadInput, "Call of tencent"),
    ("tencent", lambda p: p.metrics(a_call("tencent"), [a_session("tencent", call_id="d")]), BadInput, "call c"),
    ("tencent", lambda p: p.sessions(None), BadInput, "Call of tencent"),
]  # fmt: skip


@in_turn(("vendor", "ask", "kind", "said"), BAD_ASKS)
def test_a_bad_question_is_a_clear_error_at_once(
    vendor: str, ask: Callable[[Any], Any], kind: type[Exception], said: str
) -> None:
    stage = Stage(vendor, WORLD)
    with pytest.raises(kind, match=said):
        ask(stage.provider())
    assert [] == list(stage.server.arrivals)
    assert 0 == len(stage.transports[0].sent)


@pytest.mark.parametrize(("vendor", "plan"), [("agora", "starter"), ("tencent", "free")])
def test_a_plan_without_access_is_told_before_any_request(vendor: str, plan: str) -> None:
    stage = Stage(vendor, WORLD, plan=plan)
    call = a_call(vendor)
    provider = stage.provider()
    for ask, given in ((provider.calls, [WHOLE]), (provider.sessions, [call]), (provider.metrics, [call, []])):
        with pytest.raises(NotOffered, match=plan) as refused:
            ask(*given)
        assert plan == refused.value.plan
    assert [] == list(stage.server.arrivals)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("bad", [-1, float("nan")])
def test_a_senseless_patience_sends_nothing(vendor: str, bad: float) -> None:
    stage = Stage(vendor, WORLD)

    async def scenario() -> None:
        with pytest.raises(BadInput, match="max_wait"):
            await stage.provider().ask(LISTING[vendor], WHOLE, max_wait=bad).first()

    run(scenario)
    assert [] == list(stage.server.arrivals)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_range_without_answers_sends_nothing(vendor: str) -> None:
    stage = Stage(vendor, WORLD)
    call = a_call(vendor, created_ts=NOW - 60 * 86_400, destroyed_ts=NOW - 60 * 86_400 + 60)

    async def scenario() -> None:
        provider = stage.provider()
        for listing in (provider.calls(Last(seconds=1)), provider.sessions(call)):
            with pytest.raises(NothingToAsk):
                await listing.collect()

    run(scenario)
    assert [] == list(stage.server.arrivals)


@pytest.mark.parametrize("vendor", VENDORS)
def test_nobody_and_nothing_are_answered_without_a_request(vendor: str) -> None:
    stage = Stage(vendor, WORLD)
    call = a_call(vendor)

    async def scenario() -> list[Any]:
        provider = stage.provider()
        elsewhere = provider.sessions(call, over=TimeRange(END + 60, END + 70))
        return [
            await provider.sessions(call, users=[]).collect(),
            await provider.metrics(call, []).collect(),
            await elsewhere.collect(),
            elsewhere.certificate.complete,
        ]

    assert [[], [], [], True] == run(scenario)
    assert [] == list(stage.server.arrivals)


BAD_ARGUMENTS: list[tuple[str, dict[str, Any], str]] = [
    *(("agora", {"customer_id": bad}, "customer_id") for bad in (None, "", " ", "a b", "a:b", "a\n", "ä", 7)),
    *(("agora", {"customer_secret": bad}, "customer_secret") for bad in (None, "", " x", "x\r\ny", b"bytes")),
    *(("agora", {"app_id": bad}, "app_id") for bad in ("", "a b", "a/b", "a&b=c", 7)),
    *(("agora", {"plan": bad}, "plan") for bad in ("gold", "Premium", "", 1)),
    *(("agora", {"api": bad}, "api") for bad in ("2099", "")),
    *(("tencent", {"secret_id": bad}, "secret_id") for bad in (None, "", " ", "a b", "a\n", "ä", 7)),
    *(("tencent", {"secret_key": bad}, "secret_key") for bad in (None, "", " x", "x\ny")),
    *(("tencent", {"token": bad}, "token") for bad in ("", "a b", "a\n", 7)),
    *(("tencent", {"sdk_app_id": bad}, "sdk_app_id") for bad in ("", "abc", "1400 ", -1, 1.5, True, "١٤٠٠")),
    *(("tencent", {"region": bad}, "region") for bad in ("", "ap singapore", "ap-singapore\r\nX: y", "ap_x", 1)),
    *(("tencent", {"plan": bad}, "plan") for bad in ("gold", "standard", "")),
    *(
        (vendor, {"base_url": bad}, "base_url")
        for vendor in VENDORS
        for bad in (
            "",
            "api.agora.io",
            "http://api.agora.io",
            "ftp://x",
            "https://",
            "https://u:p@host",
            "https://host?x=1",
            "https://host#x",
            7,
        )
    ),
]


@in_turn(("vendor", "changes", "said"), BAD_ARGUMENTS)
def test_a_bad_argument_is_a_clear_error_that_shows_no_secret(vendor: str, changes: dict[str, Any], said: str) -> None:
    given = {"store": ":memory:", **KEYS[vendor], **changes}
    with pytest.raises(BadInput, match=said) as refused:
        MADE[vendor](**given)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("missing", ["plan", "app_id", "sdk_app_id", "region"])
def test_what_has_no_default_must_be_said(vendor: str, missing: str) -> None:
    if missing not in KEYS[vendor]:
        return
    with pytest.raises(TypeError, match=missing):
        make(vendor, **{missing: None})


async def _some_keys() -> Any:
    return None


@pytest.mark.parametrize("vendor", VENDORS)
def test_keys_are_given_in_one_way_only(vendor: str) -> None:
    with pytest.raises(BadInput, match="not both"):
        make(vendor, credentials=_some_keys, account="a")
    fixed = dict.fromkeys(("customer_id", "customer_secret", "secret_id", "secret_key", "token"))
    with pytest.raises(BadInput, match="account="):
        make(vendor, **fixed, credentials=_some_keys)
    with pytest.raises(BadInput, match="async function"):
        make(vendor, **fixed, credentials=object(), account="a")


# --- quota ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vendor", "other"), [("agora", "standard"), ("tencent", "advanced")])
def test_one_account_has_one_plan(vendor: str, other: str) -> None:
    first = make(vendor)
    with pytest.raises(ValueError, match="plan"):
        make(vendor, plan=other)
    assert first.shared_quota is make(vendor).shared_quota
    assert first.shared_quota is not make(vendor, plan=other, account="somebody else").shared_quota
    assert first.shared_quota is not make(vendor, plan=other, base_url="https://elsewhere.test").shared_quota


APP: Mapping[str, dict[str, Any]] = {"agora": {"app_id": "another1"}, "tencent": {"sdk_app_id": 1400000001}}
ROTATED: Mapping[str, dict[str, Any]] = {"agora": {"customer_id": "new"}, "tencent": {"secret_id": "new"}}


@pytest.mark.parametrize("vendor", VENDORS)
def test_apps_of_one_account_have_a_quota_each(vendor: str) -> None:
    async def scenario() -> None:
        store = MemoryStore()
        one, other = (make(vendor, **{"store": store, "account": "a", **app}) for app in ({}, APP[vendor]))
        assert one.shared_quota is not other.shared_quota
        counter, rates = LISTING[vendor].counter, (Rate(1, DAY),)
        async with one.shared_quota.slot(counter, rates) as slot:
            slot.sent()
        left = [(await of.shared_quota.state(counter, rates)).left_today for of in (one, other)]
        assert [0, 1] == left, "in the store as well"

    run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
def test_keys_that_changed_keep_the_quota_of_the_account_that_is_named(vendor: str) -> None:
    first = make(vendor, account="ours")
    assert first.shared_quota is make(vendor, account="ours", **ROTATED[vendor]).shared_quota
    keyless = dict.fromkeys(("customer_id", "customer_secret", "secret_id", "secret_key", "token"))
    assert first.shared_quota is make(vendor, account="ours", **keyless, credentials=_some_keys).shared_quota
    assert first.shared_quota is not make(vendor, **ROTATED[vendor]).shared_quota, "unnamed, the id is the name"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_plan_may_be_given_as_a_value(vendor: str) -> None:
    named = make(vendor, account="by name", plan="premium")
    given = make(vendor, account="by value", plan=named.plan)
    assert named.plan is given.plan
    half, row = make(vendor, account="half", plan=named.plan.share(0.5)), LISTING[vendor]
    assert named.limits(row).rates
    assert [rate.share(0.5) for rate in named.limits(row).rates] == list(half.limits(row).rates)
    (foreign,) = (make(other, account="foreign").plan for other in VENDORS if other != vendor)
    with pytest.raises(BadInput, match="plan of"):
        make(vendor, account="wrong", plan=foreign)


def test_both_vendors_may_have_an_account_of_the_same_name() -> None:
    assert make("agora", account="a").shared_quota is not make("tencent", account="a").shared_quota


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_quota_that_is_handed_in_is_used(vendor: str) -> None:
    quota = Quota("mine", store=":memory:")
    assert quota is make(vendor, quota=quota).shared_quota


def test_two_providers_on_one_quota_share_its_slots() -> None:
    stage = Stage("agora", WORLD, plan="standard")

    async def scenario() -> None:
        first = stage.provider()
        second = stage.provider(quota=first.shared_quota)
        await first.ask(CALL_LISTS_2024, WHOLE, max_wait=0, max_requests=1).collect()
        with pytest.raises(WouldExceedQuota):
            await second.ask(CALL_LISTS_2024, WHOLE, max_wait=0).collect()
        state = await second.quota_state(CALL_LISTS_2024)
        assert 1 == state.used_today
        assert state.next_free_s > 0.9

    run(scenario)
    assert 0 == stage.server.refused


# --- lifetime ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_provider_is_made_outside_of_any_loop_and_used_in_one(vendor: str) -> None:
    now = int(time.time())
    world = World(seed=3, calls=3, start=now - 2 * HOUR, end=now - 900)
    server: Any = (SimulatedAgora if vendor == "agora" else SimulatedTencent)(world, plan="unlimited")

    async def scenario(provider: Any) -> int:
        async with provider:
            found = await provider.calls(TimeRange(world.start, world.end)).collect()
        await provider.aclose()
        return len(found)

    async def served() -> int:
        async with server:
            known = {**server.credentials, "plan": "unlimited", "base_url": server.base_url, "store": ":memory:"}
            return await scenario(make(vendor, **{**known, "token": None}))

    assert [3, 3] == [asyncio.run(served()), asyncio.run(served())]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_session_that_was_brought_is_used_and_left_open(vendor: str) -> None:
    now = int(time.time())
    world = World(seed=3, calls=3, start=now - 2 * HOUR, end=now - 900)
    server: Any = (SimulatedAgora if vendor == "agora" else SimulatedTencent)(world, plan="unlimited")

    async def scenario() -> bool:
        async with server, aiohttp.ClientSession() as session:
            known = {**server.credentials, "plan": "unlimited", "base_url": server.base_url, "store": ":memory:"}
            async with make(vendor, **{**known, "token": None}, session=session) as provider:
                assert 3 == len(await provider.calls(TimeRange(world.start, world.end)).collect())
            return session.closed

    assert asyncio.run(scenario()) is False


def test_closing_twice_closes_the_transport_and_harms_nothing() -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> None:
        provider = stage.provider()
        await provider.aclose()
        await provider.aclose()

    run(scenario)
    assert 2 == stage.transports[0].closed


# --- secrets ----------------------------------------------------------------------------------------------


def pickled(value: Any) -> str:
    try:
        return repr(pickle.dumps(value))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        return repr(error)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_provider_shows_no_secret(vendor: str) -> None:
    provider = make(vendor)
    for text in (repr(provider), str(provider), f"{provider}", pickled(provider), repr(provider.shared_quota)):
        assert SECRET not in text
        assert "id1" not in text
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(provider)


@pytest.mark.parametrize(
    "keys",
    [
        AgoraCredentials(customer_id="id1", customer_secret=SECRET),
        TencentCredentials(secret_id="id1", secret_key=SECRET, token=SECRET),
    ],
)
def test_credentials_show_no_secret(keys: Any) -> None:
    for text in (repr(keys), str(keys), f"{keys}", pickled(keys)):
        assert SECRET not in text
        assert "id1" not in text


@pytest.mark.parametrize("vendor", VENDORS)
def test_requests_and_failures_show_no_secret(vendor: str) -> None:
    stage = Stage(vendor, WORLD)
    wrong: dict[str, Any] = {"customer_secret" if vendor == "agora" else "secret_key": SECRET}
    provider = stage.provider(**wrong)

    async def scenario() -> Exception:
        with pytest.raises(Exception, match="refused") as refused:
            await provider.calls(WHOLE).collect()
        return refused.value

    error = run(scenario)
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    request = stage.transports[0].sent[0]
    authorization = request.headers["Authorization"].rpartition("=" if vendor == "tencent" else " ")[2]
    for text in (told, repr(error), pickled(error), repr(copy.copy(error).args), repr(request)):
        assert SECRET not in text
        assert authorization not in text
    assert SECRET not in request.url
    assert 1 == stage.asked, "wrong keys are not tried again"


# --- environment ------------------------------------------------------------------------------------------

ENVIRONMENT = {
    "agora": {
        "AGORA_APP_ID": "app1",
        "AGORA_CUSTOMER_ID": "id1",
        "AGORA_CUSTOMER_SECRET": SECRET,
        "AGORA_PLAN": "premium",
    },
    "tencent": {
        "TRTC_SDK_APP_ID": "1400000000",
        "TENCENTCLOUD_SECRET_ID": "id1",
        "TENCENTCLOUD_SECRET_KEY": SECRET,
        "TENCENTCLOUD_REGION": "ap-singapore",
        "TRTC_PLAN": "basic",
    },
}


def from_env(vendor: str, environ: Mapping[str, str] | None, **options: Any) -> Any:
    made: Any = MADE[vendor]
    return made.from_env(environ, store=":memory:", **options)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_provider_comes_from_the_environment(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEYS[vendor]["plan"] == from_env(vendor, ENVIRONMENT[vendor]).plan.name
    for name, value in ENVIRONMENT[vendor].items():
        monkeypatch.setenv(name, value)
    url = {"agora": "AGORA_BASE_URL", "tencent": "TRTC_BASE_URL"}[vendor]
    monkeypatch.setenv(url, "https://elsewhere.test")
    assert "elsewhere.test" in repr(from_env(vendor, None))


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_empty_environment_is_not_the_process_environment(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT[vendor].items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match="environment"):
        from_env(vendor, {})


@pytest.mark.parametrize("vendor", VENDORS)
def test_all_missing_variables_are_named_and_no_value_is_shown(vendor: str) -> None:
    names = list(ENVIRONMENT[vendor])
    kept = {name: ENVIRONMENT[vendor][name] for name in names[2:3]} | {names[0]: ""}
    with pytest.raises(BadInput) as refused:
        from_env(vendor, kept)
    missing = [name for name in names if name != names[2]]
    assert [True] * len(missing) == [name in str(refused.value) for name in missing]
    assert names[2] not in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("vendor", VENDORS)
def test_arguments_go_before_variables(vendor: str) -> None:
    plan = {"agora": "enterprise", "tencent": "advanced"}[vendor]
    assert plan == from_env(vendor, ENVIRONMENT[vendor], plan=plan, account="other").plan.name


@pytest.mark.parametrize("vendor", VENDORS)
def test_keys_that_rotate_need_no_key_variables(vendor: str) -> None:
    kept = {name: value for name, value in ENVIRONMENT[vendor].items() if "ID" not in name or "APP" in name}
    assert from_env(vendor, kept, credentials=_some_keys, account="rotating").name == vendor


# --- the vendor's now -------------------------------------------------------------------------------------


def test_the_last_hours_are_the_vendors() -> None:
    stage = Stage("agora", WORLD, client_skew_s=600)

    async def scenario() -> tuple[float, Any]:
        provider = stage.provider()
        await provider.calls(Last(hours=6)).collect()
        listing = provider.calls(Last(hours=6))
        await listing.collect()
        return provider.now(), listing.certificate.over

    now, over = run(scenario)
    assert stage.server.now() == pytest.approx(now, abs=1.5)
    assert 6 * HOUR == over.seconds
    assert NOW == pytest.approx(over.end, abs=5)
