"""Constructor arguments from environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.environment import from_environment
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import Secret

NEEDED = {"app_id": "APP", "customer_id": "ID", "customer_secret": "SECRET", "plan": "PLAN"}
OPTIONAL = {"base_url": "URL", "token": "TOKEN"}
FULL = {"APP": "a", "ID": "i", "SECRET": "HUSH", "PLAN": "premium"}


def read(environ: dict[str, str], **options: Any) -> dict[str, Any]:
    return from_environment(environ, NEEDED, OPTIONAL, options)


def test_needed_and_optional_variables_become_arguments() -> None:
    expected = {"app_id": "a", "customer_id": "i", "customer_secret": Secret("HUSH"), "plan": "premium"}
    assert expected == read(FULL)
    assert {**expected, "base_url": "https://x"} == read({**FULL, "URL": "https://x", "OTHER": "1"})


def test_an_empty_variable_is_missing() -> None:
    assert "base_url" not in read({**FULL, "URL": ""})
    with pytest.raises(BadInput, match="APP"):
        read({**FULL, "APP": ""})


def test_options_go_before_the_environment() -> None:
    found = read({**FULL, "PLAN": "standard"}, plan="enterprise", retry="patient")
    assert ("enterprise", "patient") == (found["plan"], found["retry"])


def test_all_missing_variables_are_named_and_no_value() -> None:
    with pytest.raises(BadInput) as caught:
        read({"SECRET": "HUSH"})
    assert "set APP, ID, PLAN in the environment" == str(caught.value)


def test_own_credentials_need_and_take_no_keys() -> None:
    async def credentials() -> None: ...

    found = read({**FULL, "TOKEN": "T"}, credentials=credentials)
    assert {"app_id": "a", "plan": "premium", "credentials": credentials} == found
    with pytest.raises(BadInput, match="set PLAN in"):
        read({"APP": "a"}, credentials=credentials)
