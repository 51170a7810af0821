"""Constructor arguments from environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.environment import EnvironmentVariable, from_environment, unset
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import Secret
from tests.support.in_turn import in_turn

VARIABLES = {
    "app_id": EnvironmentVariable("APP", kind="app"),
    "customer_id": EnvironmentVariable("ID", kind="key"),
    "customer_secret": EnvironmentVariable("SECRET", kind="secret"),
    "token": EnvironmentVariable("TOKEN", kind="secret", required=False),
    "plan": EnvironmentVariable("PLAN"),
    "base_url": EnvironmentVariable("URL", required=False, several=True),
}
FULL = {"APP": "a", "ID": "i", "SECRET": "HUSH", "PLAN": "premium"}


def read(environ: Any, **options: Any) -> dict[str, Any]:
    return from_environment(VARIABLES, environ, options)


def test_required_and_optional_variables_become_arguments() -> None:
    expected = {"app_id": "a", "customer_id": "i", "customer_secret": Secret("HUSH"), "plan": "premium"}
    assert expected == read(FULL)
    assert {**expected, "base_url": "https://x"} == read({**FULL, "URL": "https://x", "OTHER": "1"})


def test_of_some_there_may_be_several_with_commas_between() -> None:
    assert ["https://x", "https://y"] == read({**FULL, "URL": "https://x, https://y"})["base_url"]
    assert "a,b" == read({**FULL, "APP": "a,b"})["app_id"]


def test_an_empty_variable_is_missing() -> None:
    assert "base_url" not in read({**FULL, "URL": ""})
    with pytest.raises(BadInput, match="APP"):
        read({**FULL, "APP": ""})


def test_options_go_before_the_environment() -> None:
    found = read({**FULL, "PLAN": "standard"}, plan="enterprise", retry="patient")
    assert ("enterprise", "patient") == (found["plan"], found["retry"])


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["SECRET"], "SECRET is not set (the other three are)"),
        (["APP", "ID"], "APP and ID are not set (the other two are)"),
        (["APP", "ID", "PLAN"], "APP, ID and PLAN are not set (the other one is)"),
        (["APP", "ID", "SECRET", "PLAN"], "APP, ID, SECRET and PLAN are not set in the environment"),
    ],
)
def test_all_missing_variables_are_named_and_no_value(missing: list[str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read({name: value for name, value in FULL.items() if name not in missing})
    assert said == str(caught.value)


def test_what_is_given_directly_is_not_missed() -> None:
    with pytest.raises(BadInput) as caught:
        read({"APP": "a", "ID": "i"}, plan="premium")
    assert "SECRET is not set (the other two are)" == str(caught.value)
    assert "" == unset(list(VARIABLES.values())[:3], FULL)


def test_own_credentials_need_and_take_no_keys() -> None:
    async def credentials() -> None: ...

    found = read({**FULL, "TOKEN": "T"}, credentials=credentials)
    assert {"app_id": "a", "plan": "premium", "credentials": credentials} == found
    with pytest.raises(BadInput) as caught:
        read({"APP": "a"}, credentials=credentials)
    assert "PLAN is not set (the other one is)" == str(caught.value)


@pytest.mark.parametrize("environ", ["APP=a", ["APP"], 5])
def test_the_environment_is_a_mapping(environ: object) -> None:
    with pytest.raises(BadInput, match="environ must be a mapping"):
        read(environ)


@pytest.mark.parametrize("around", ['"{}"', "'{}'", " {} ", "{}\n", '"{}"\r\n', '" {} "'])
def test_what_files_of_variables_leave_around_a_value_is_taken_off(around: str) -> None:
    environ = {name: around.format(value) for name, value in {**FULL, "URL": "https://x"}.items()}
    assert {**read(FULL), "base_url": "https://x"} == read(environ)
    several = {**FULL, "URL": f"{around.format('https://x')},{around.format('https://y')}"}
    assert ["https://x", "https://y"] == read(several)["base_url"]


@in_turn("bad", ["HU SH", "HU\nSH", "HUSH\x00", "HÜSH", 'HUSH "HUSH'])
@in_turn("name", ["APP", "ID", "SECRET", "TOKEN", "URL"])
def test_what_cannot_stand_in_a_variable_is_refused_by_its_name_and_not_shown(name: str, bad: str) -> None:
    with pytest.raises(BadInput, match=rf"^{name} holds a blank, a line break or another character") as caught:
        read({**FULL, name: bad})
    assert "SH" not in str(caught.value)


def test_a_setting_may_hold_blanks_and_no_line_break() -> None:
    assert "a plan of ours" == read({**FULL, "PLAN": "a plan of ours"})["plan"]
    with pytest.raises(BadInput, match=r"^PLAN holds"):
        read({**FULL, "PLAN": "a plan\nof ours"})
