"""The public names: each once, each documented, and nothing optional imported before it is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import agora_tencent_analytics as package
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import SimulatedAgora, World, running_in_thread
from tests.support.long_runs import by_turns

OPTIONAL = ("rich", "redis", "pyarrow", "opentelemetry")
WITHOUT_PROSE = {"__version__"}

NAMES: list[str] = list(getattr(package, "__all__", []))
MODULES = [
    package.__name__,
    *sorted(info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")),
]


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest; the order that ruff's RUF022 keeps everywhere else."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def is_sentence(doc: str | None) -> bool:
    """True if the first line begins and ends as a sentence does."""
    first = (doc or "").strip().partition("\n")[0]
    return bool(first) and first[-1] in ".?!:" and not first[0].islower()


def prose_under(name: str, source: str) -> str | None:
    """The string that stands right under the assignment of a constant; it is how constants are documented."""
    body = ast.parse(source).body
    for statement, below in pairwise(body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            prose = below.value if isinstance(below, ast.Expr) else None
            if isinstance(prose, ast.Constant) and isinstance(prose.value, str):
                return prose.value
    return None


def prose_of(name: str) -> str | None:
    """What a public name says of itself: its docstring, or for a constant the string under it."""
    thing = getattr(package, name)
    if inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing):
        return inspect.getdoc(thing)
    files = Path(package.__path__[0]).rglob("*.py")
    return next((prose for file in files if (prose := prose_under(name, file.read_text(encoding="utf-8")))), None)


def undocumented(module: types.ModuleType) -> Iterator[str]:
    """Public classes, functions and methods of this module that have no docstring, own or inherited."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) and not inspect.getdoc(thing):
            yield name
        elif inspect.isclass(thing):
            # Not `getdoc`: a class does not mean what its base means.
            if not thing.__doc__:
                yield name
            for member, value in vars(thing).items():
                inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
                method = inspect.isfunction(inner) or isinstance(inner, property)
                if method and not member.startswith("_") and not inspect.getdoc(getattr(thing, member)):
                    yield f"{name}.{member}"


def test_each_public_name_is_listed_once_and_in_order() -> None:
    assert len(NAMES) > 1, "nothing is exported"
    assert sorted(set(NAMES), key=order) == NAMES


def test_every_public_name_exists_and_says_what_it_is() -> None:
    assert [] == [name for name in NAMES if not hasattr(package, name)]
    said = {name: prose_of(name) for name in NAMES if name not in WITHOUT_PROSE}
    assert {} == {name: prose for name, prose in said.items() if not is_sentence(prose)}


def test_no_thing_has_two_public_names() -> None:
    names: dict[int, list[str]] = {}
    for name in NAMES:
        names.setdefault(id(getattr(package, name)), []).append(name)
    assert [] == [same for same in names.values() if len(same) > 1]


def test_checkers_and_the_running_program_find_every_public_name_in_the_same_module() -> None:
    tree = ast.parse(Path(inspect.getfile(package)).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    checked = {
        alias.name: node.module.removeprefix(f"{package.__name__}.")
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert checked == package._HOME
    assert set(NAMES) == {*checked, "__version__"}


def loaded_by(code: str) -> set[str]:
    """The package's own modules that a fresh process has imported after this code, from `-W error` on in silence."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        cwd=Path(package.__path__[0]).parent,
        timeout=60,
        check=False,
    )
    assert (0, "") == (ran.returncode, ran.stderr)
    return set(ran.stdout.split())


def test_nobody_pays_for_what_is_not_used() -> None:
    inside = f"{package.__name__}."
    bare = loaded_by(f"import {package.__name__}")
    assert {f"{inside}_version"} == {name for name in bare if name.startswith(inside)}
    agora = loaded_by(f"from {package.__name__} import AgoraProvider")
    assert f"{inside}agora.provider" in agora
    strange = {f"{inside}{folder}" for folder in ("tencent", "simulator", "scan", "cli")}
    assert set() == {name for name in agora if name in strange}


READING = """
import asyncio, json, os, sys
from agora_tencent_analytics import AgoraProvider, TimeRange, scan
async def main():
    told = json.loads(os.environ["TOLD"])
    async with AgoraProvider(**told["keys"], plan="unlimited", base_url=told["url"], store=":memory:") as agora:
        before = set(sys.modules)
        async with scan(agora, over=TimeRange(*told["over"])) as records:
            found = [record async for record in records]
        later = sorted(set(sys.modules) - before)
        assert found and all(record.series for record in found)
        unasked = ("agora_tencent_analytics", "cattrs", "aiolimiter")
        print(*(name for name in later if name.partition(".")[0] in unasked))
asyncio.run(main())
"""


def test_a_provider_that_was_entered_imports_no_more_of_the_package_nor_what_nothing_asked_for() -> None:
    end = int(time.time()) - HOUR
    world = World(calls=3, start=end - HOUR, end=end, call_seconds=600)
    with running_in_thread(SimulatedAgora(world, plan="unlimited")) as server:
        told = {"keys": dict(server.credentials), "url": server.base_url, "over": [world.start, world.end]}
        ran = subprocess.run(
            [sys.executable, "-c", READING],
            capture_output=True,
            text=True,
            env={**os.environ, "TOLD": json.dumps(told), "PYTHONPATH": str(Path(package.__path__[0]).parent)},
            timeout=60,
            check=False,
        )
    assert ("\n", "") == (ran.stdout, ran.stderr)


def test_help_costs_argparse_alone() -> None:
    code = "import contextlib, io, sys\nsys.argv = ['prog', '--help']\n"
    code += f"from {package.__name__}.__main__ import main\n"
    code += "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n    main()"
    loaded = loaded_by(code)
    assert set() == loaded & {"asyncio", "attrs", "aiohttp", "anyio", "msgspec"}


SCANS = [
    "from {package} import scan",
    "import {package}.scan",
    "from {package}.scan import scan",
    "from {package}.scan.report import Report",
    "from {package} import Since",
    "import {package}.cli",
]


@pytest.mark.parametrize(
    ("first", "then"), by_turns(4, SCANS, ["", "import {package}.scan\nfrom {package}.scan import Report"])
)
def test_scan_can_be_called_whatever_was_imported_before_it(first: str, then: str) -> None:
    code = f"{first}\n{then}\nimport {{package}} as p\nfrom {{package}} import scan\nassert callable(scan)\n"
    code += "assert callable(p.scan) and callable(scan.forecast)\nfrom {package}.scan import scan as same\n"
    code += "assert same is scan is p.scan"
    loaded_by(code.replace("{package}", package.__name__))


def test_every_module_opens_with_a_docstring_and_documents_what_is_public() -> None:
    modules = {name: importlib.import_module(name) for name in MODULES}
    assert {} == {name: module.__doc__ for name, module in modules.items() if not is_sentence(module.__doc__)}
    assert {} == {name: bare for name, module in modules.items() if (bare := list(undocumented(module)))}


def test_the_walk_over_the_modules_misses_no_file() -> None:
    root = Path(package.__path__[0])
    dotted = {
        ".".join([package.__name__, *path.relative_to(root).with_suffix("").parts]) for path in root.rglob("*.py")
    }
    assert {name.removesuffix(".__init__") for name in dotted} == set(MODULES)


def test_importing_every_public_name_imports_nothing_optional() -> None:
    assert set() == loaded_by(f"from {package.__name__} import *") & set(OPTIONAL)


# The checker itself: each law must be able to fail.


@pytest.mark.parametrize("doc", [None, "", "lower case.", "No full stop", "Broken over\ntwo lines."])
def test_what_is_no_sentence_is_seen(doc: str | None) -> None:
    assert not is_sentence(doc)


def test_a_constant_is_documented_by_the_string_under_it_and_by_nothing_else() -> None:
    assert "All." == prose_under("ALL", "ALL: int = 1\n'All.'\nNONE = 2\n# None.\n")
    assert None is prose_under("NONE", "ALL: int = 1\n'All.'\nNONE = 2\n# None.\nx = 1\n")


def test_what_has_no_docstring_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
class Bare:
    def method(self): ...
    @property
    def fact(self): ...
    @classmethod
    def made(cls): ...
    def _private(self): ...
class Said:
    "It is."
    def method(self):
        "It does."
class Child(Said):
    "It is, too."
    def method(self): ...
def function(): ...
def _private(): ...
"""
    module = types.ModuleType("snippet")
    monkeypatch.setitem(sys.modules, "snippet", module)  # where `inspect` looks for the class of a method
    exec(compile(ast.parse(source), "snippet", "exec"), vars(module))
    assert ["Bare", "Bare.fact", "Bare.made", "Bare.method", "function"] == sorted(undocumented(module))
