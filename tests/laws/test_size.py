"""The size of the house: a module is as long as its idea, and named after what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "agora_tencent_analytics"
LONGEST = 450
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}

# Modules that may be longer, each with its reason.
LONGER: dict[str, str] = {"wire.py": "how a vendor is spoken to: one class, which authors read as a whole"}


def lengths(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): len(path.read_text("utf-8").splitlines()) for path in root.rglob("*.py")}


def too_long(found: Mapping[str, int], reasons: Mapping[str, str]) -> dict[str, int]:
    return {name: lines for name, lines in found.items() if lines > LONGEST and not reasons.get(name)}


def nameless(found: Mapping[str, int]) -> list[str]:
    return [name for name in found if NAMELESS & set(Path(name).with_suffix("").parts)]


def test_no_module_is_longer_than_450_lines_without_a_reason() -> None:
    assert {} == too_long(lengths(ROOT), LONGER)


def test_every_reason_for_a_long_module_is_still_needed() -> None:
    found = lengths(ROOT)
    assert [] == [name for name in LONGER if found.get(name, 0) <= LONGEST]


def test_every_file_is_named_after_what_it_holds() -> None:
    assert [] == nameless(lengths(ROOT))


# The checker itself: each law must be able to fail.


def test_a_long_module_is_seen_unless_there_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("x = 1\n" * (LONGEST + 1))
    (tmp_path / "short.py").write_text("x = 1\n" * LONGEST)
    found = lengths(tmp_path)
    assert {"long.py": LONGEST + 1} == too_long(found, {})
    assert {"long.py": LONGEST + 1} == too_long(found, {"long.py": ""})
    assert {} == too_long(found, {"long.py": "one table"})


@pytest.mark.parametrize("name", ["utils.py", "agora/helpers.py", "base/word.py", "http/manager.py"])
def test_a_name_that_says_nothing_is_seen(name: str) -> None:
    assert [name] == nameless({name: 1, "database.py": 1})
