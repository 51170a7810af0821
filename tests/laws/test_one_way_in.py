"""Our two vendors are written like anybody's: with the names of `vendor` and of the package, and no others.

Their codecs may use `decoding`. So what our providers can do, a provider from outside can do.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import agora_tencent_analytics as package
from agora_tencent_analytics import vendor

ROOT = Path(package.__path__[0])
PUBLIC = {*package.__all__, *vendor.__all__}
FILES = [f"{who}/{name}.py" for who in ("agora", "tencent") for name in ("provider", "endpoints", "plans", "variables")]


def borrowed(source: str, who: str) -> Iterator[str]:
    """What a file of a vendor's takes from the package that nobody outside has."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if module.startswith(package.__name__) and not module.startswith(f"{package.__name__}.{who}"):
            assert isinstance(node, ast.ImportFrom)
            yield from (alias.name for alias in node.names if alias.name not in PUBLIC and alias.name != who)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else ""
        if name.startswith("_") and not name.startswith("__") and name not in own:
            yield f".{name}"


@pytest.mark.parametrize("file", FILES)
def test_a_vendor_of_ours_uses_no_name_that_an_outsider_lacks(file: str) -> None:
    assert [] == list(borrowed((ROOT / file).read_text(encoding="utf-8"), file.partition("/")[0]))


def test_every_name_of_vendor_exists_once_and_in_order() -> None:
    assert [] == [name for name in vendor.__all__ if not hasattr(vendor, name)]
    assert sorted(set(vendor.__all__), key=lambda name: (not name.isupper(), not name[0].isupper(), name)) == (
        vendor.__all__
    )


def test_the_tutorial_that_opens_vendor_runs() -> None:
    _, _, shown = (vendor.__doc__ or "").partition("::\n\n")
    code = textwrap.dedent(re.split(r"\n(?=\S)", shown)[0])
    names = {name: getattr(vendor, name) for name in vendor.__all__}
    exec(compile(code, "vendor", "exec"), names)
    provider = names["AcmeProvider"].from_env({"ACME_TOKEN": "t-1"})
    assert "acme" == provider.name
    assert ["rooms"] == [question.row.name for question in provider.calls(vendor.Last(hours=1)).questions(2e9)]


def test_what_nobody_outside_has_is_seen() -> None:
    source = (
        "from agora_tencent_analytics.paging.walk import Walk\nfrom agora_tencent_analytics.agora import plans\n"
        "class P:\n    def _mine(self): ...\n    def f(self):\n        self._mine()\n        self._caller.ask()\n"
    )
    assert ["Walk", "._caller"] == list(borrowed(source, "agora"))
