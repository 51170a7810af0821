"""SECURITY.md names every dependency with the lower bound that it has, and a reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def required() -> dict[str, str]:
    """The least of the lower bounds of each dependency, extras of users included."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, for_working_on_it = said["project"], {"bench", *said["dependency-groups"]}
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name in extras.keys() - for_working_on_it for line in extras[name])]
    found = (re.match(r"([\w-]+)(?:\[.*\])?>=([\d.]+)", line) for line in lines if "agora-tencent" not in line)
    bounds = sorted((match[1], match[2]) for match in found if match)
    return dict(reversed(bounds))


def told() -> dict[str, tuple[str, str]]:
    rows = re.findall(r"(?m)^\| ([\w, -]+?)(?: \(`\w+`\))? \| ([\d.]+)[^|]* \| ([^|]+) \|$", SECURITY)
    return {name: (bound, why) for names, bound, why in rows for name in names.split(", ")}


def test_every_dependency_is_told_with_its_lower_bound_and_the_reason() -> None:
    assert required() == {name: bound for name, (bound, _) in told().items()}
    assert all(len(why) > 10 for _, why in told().values())


def test_the_manual_says_how_to_run_it_in_a_folder_of_somebody_elses() -> None:
    for document in ("SECURITY.md", "docs/command-line.md"):
        assert "`python -P -m agora_tencent_analytics`" in (ROOT / document).read_text(encoding="utf-8")


def test_no_dependency_is_without_a_lower_bound() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = tomllib.loads(text)["project"]["dependencies"]
    assert [] == [line for line in dependencies if ">=" not in line]
