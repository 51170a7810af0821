"""What `pyproject.toml` says twice, it says alike, and what it builds holds what the tests need."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[Any]] = PROJECT["dependency-groups"]


def of_extra(name: str) -> set[str]:
    """What an extra installs, those of the extras that it names included."""
    wanted = set()
    for one in EXTRAS[name]:
        inner = re.fullmatch(r"agora-tencent-analytics\[(.+)\]", one)
        wanted |= set().union(*map(of_extra, inner[1].split(","))) if inner else {one}
    return wanted


def of_group(name: str) -> set[str]:
    """What a dependency group installs, those that it includes too."""
    wanted = set()
    for one in GROUPS[name]:
        wanted |= {one} if isinstance(one, str) else of_group(one["include-group"])
    return wanted


@pytest.mark.parametrize("name", ["test", "limits", "docs", "examples", "lint"])
def test_a_group_installs_what_the_extra_of_its_name_does(name: str) -> None:
    assert of_extra(name) == of_group(name)


def test_the_lock_of_continuous_integration_names_no_index_and_has_a_hash_for_everything() -> None:
    lock = (ROOT / "requirements" / "ci.txt").read_text(encoding="utf-8")
    pins = re.findall(r"(?m)^([a-z][\w.-]*)(?:\[.*?\])?==[^\\]+\\\n +--hash=sha256:[0-9a-f]{64}", lock)
    assert len(re.findall(r"(?m)^[a-z]", lock)) == len(pins)
    assert not re.search("://|--(extra-)?index", lock)
    wanted = {
        re.split(r"[\[<>=;! ]", one)[0].lower()
        for name in ("test", "docs", "examples", "lint")
        for one in of_extra(name)
    }
    wanted |= {re.split(r"[\[<>=;! ]", one)[0].lower() for one in PROJECT["project"]["dependencies"]}
    assert set() == wanted - set(pins)


def test_the_readme_says_what_each_extra_for_users_is_for() -> None:
    for_work = {*GROUPS, "bench"}
    told = re.findall(r"(?m)^\| `(\w+)` \| (\S+) \|", (ROOT / "README.md").read_text(encoding="utf-8"))
    brought = {name: re.split("[>=]", ",".join(of_extra(name)))[0] for name in EXTRAS.keys() - for_work}
    assert brought == dict(told)


def test_every_folder_that_the_tests_read_is_in_the_source_distribution() -> None:
    included = set(PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    needed = {"agora_tencent_analytics", "benchmarks", "docs", "examples", "tests", "requirements", "mkdocs.yml"}
    assert set() == {f"/{name}" for name in needed} - included
