"""The layers of the house, read off the syntax tree of every file of the package.

A module imports from layers below and, without circles, from its own. Vendor packages never import each other; what
sends and waits holds no vendor's name; a module is pure (no `await`, no clock, no randomness) unless it is listed. The
simulator shares the vendors' tables with the client, and no code: a mistake of one of them shows in the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.support.in_turn import in_turn

PACKAGE = "agora_tencent_analytics"
ROOT = Path(__file__).parents[2] / PACKAGE

# From the bottom up. The longest entry that is the module (below the package) or a folder around it decides; "" is the
# package's own `__init__`.
LAYERS: dict[str, tuple[str, ...]] = {
    "values": (
        *["models", "decoding", "endpoint", "wire", "refusals", "limits", "timerange", "errors"],
        *["message", "secret", "receipt", "notices", "log", "context", "environment", "_version"],
    ),
    "vendors' tables and codecs, and what decides about pages": ("agora", "tencent", "paging", "http.retry"),
    "I/O": ("http", "quota", "storage", "paging.walk", "paging.paginator"),
    "provider": ("provider", "protocol", "vendor", "access", "agora.provider", "tencent.provider", "otel"),
    "scan": ("scan",),
    "what is made of scans": ("", "pytest_plugin", "simulator", "testing", "archive", "live", "page"),
    "command line": ("cli", "__main__"),
}
# What waits, reads a clock or draws a random number; what is False is pure again.
WAITS: dict[str, bool] = {
    **dict.fromkeys(["paging.walk", "paging.paginator", "access", "provider", "pytest_plugin"], True),
    **dict.fromkeys(["http", "quota", "scan", "simulator", "testing", "archive", "live", "page", "cli"], True),
    **dict.fromkeys(["http.retry", "http.hosts", "quota.limiter", "quota.day", "quota.slowdown"], False),
    **dict.fromkeys(["scan.ledger", "simulator.world"], False),
    **dict.fromkeys(["storage.sqlite"], True),
}
VENDORS = ("agora", "tencent")
OF_NO_VENDOR = ("http", "quota", "paging", "models", "decoding", "context", "log", "scan")
ROOT_MODULES = 20
SIMULATOR = "simulator"
SHARED_WITH_IT = frozenset(
    {
        *("errors", "limits", "pytest_plugin"),
        *("agora.plans", "agora.variables", "tencent.plans", "tencent.variables"),
        *("agora.provider", "tencent.provider"),  # handed out by `server.provider()`; nothing in it asks them
    }
)

CLOCKS_AND_LOOPS = frozenset({"time", "random", "secrets", "asyncio", "anyio", "aiohttp", "aiolimiter"})
IMPURE = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
        *("os.urandom", "uuid.uuid1", "uuid.uuid4"),
    }
)
WAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
PRIVATE_SWITCH = "_retry_connection"
ITS_ONLY_USER = "http.transport"


def module_names() -> frozenset[str]:
    """Every module below the package, dotted, `__init__` folded into its folder: `agora.codes`, `agora`, ``."""
    parts = (path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))
    return frozenset(".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts)


MODULES = sorted(module_names())


def file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split(".")) if module else ROOT
    return path / "__init__.py" if not module or (path / "__init__.py").exists() else path.with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(file_of(module).read_text(encoding="utf-8"))


def longest(module: str, entries: Iterable[str]) -> str | None:
    """The longest of these entries that is the module or a folder around it."""
    found = [entry for entry in entries if entry == module or (entry and module.startswith(f"{entry}."))]
    return max(found, key=len, default=None)


def layer_of(module: str) -> int:
    """Number of the layer, from 0 at the bottom."""
    entries = {entry: number for number, layer in enumerate(LAYERS.values()) for entry in layer}
    found = longest(module, entries)
    if found is None:
        raise LookupError(f"{module} is in no layer: give it one in LAYERS of tests/laws/test_layers.py")
    return entries[found]


def may_wait(module: str) -> bool:
    return WAITS.get(longest(module, WAITS) or "-", False)


def imports(tree: ast.AST, modules: Iterable[str], *, within: str = "") -> Iterator[str]:
    """The package's own modules that this tree imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (_below(alias.name) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, within)
            if _is_ours(source):
                for alias in node.names:
                    whole = _below(f"{source}.{alias.name}")
                    yield whole if whole in modules else _below(source)


def _is_ours(dotted: str) -> bool:
    return dotted == PACKAGE or dotted.startswith(f"{PACKAGE}.")


def _below(dotted: str) -> str:
    return dotted.removeprefix(PACKAGE).removeprefix(".")


def _absolute(node: ast.ImportFrom, within: str) -> str:
    if not node.level:
        return node.module or ""
    folder = f"{PACKAGE}.{within}".split(".")[: -node.level]
    return ".".join([*folder, *(node.module or "").split(".")]).strip(".")


def climbs(module: str, tree: ast.AST, modules: Iterable[str]) -> list[str]:
    """Imports from a layer above."""
    names = [*LAYERS]
    own = layer_of(module)
    return [
        f"{module or PACKAGE} ({names[own]}) imports {target or PACKAGE} ({names[layer_of(target)]})"
        for target in imports(tree, modules, within=module)
        if layer_of(target) > own
    ]


def impurities(tree: ast.AST) -> list[str]:
    """What reads a clock, draws a random number or waits."""
    found: list[str] = []
    meaning: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"imports {alias.name}" for alias in node.names if _top(alias.name) in CLOCKS_AND_LOOPS]
            meaning |= {alias.asname or _top(alias.name): alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if _top(node.module) in CLOCKS_AND_LOOPS:
                found.append(f"imports {node.module}")
            meaning |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, WAITING) or (isinstance(node, ast.comprehension) and node.is_async):
            found.append(f"waits ({type(node).__name__}, line {getattr(node, 'lineno', '?')})")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, *rest = ast.unparse(node).split(".")
            dotted = ".".join([meaning.get(first, ""), *rest])
            if dotted in IMPURE:
                found.append(f"uses {dotted} (line {node.lineno})")
    return found


def _top(dotted: str) -> str:
    return dotted.partition(".")[0]


def words(tree: ast.AST) -> Iterator[str]:
    """Every name and string in the code; docstrings (bare strings) and comments are prose, not code."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str | bytes) and id(node) not in prose:
                yield str(node.value)
            continue
        for _, value in ast.iter_fields(node):
            texts = value if isinstance(value, list) else [value]
            yield from (text for text in texts if isinstance(text, str))


def vendor_words(tree: ast.AST) -> list[str]:
    """Words that name a vendor; the package's own name is not a vendor's."""
    own = (PACKAGE, PACKAGE.replace("_", "-"))
    found = []
    for word in words(tree):
        rest = word.lower()
        for name in own:
            rest = rest.replace(name, "")
        if any(vendor in rest for vendor in ("agora", "tencent", "trtc")):
            found.append(word)
    return found


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle of imports, first name repeated at the end; empty if there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module not in done:
            for target in graph.get(module, ()):
                if found := walk(target, [*path, module]):
                    return found
            done.add(module)
        return []

    return next((found for module in graph if (found := walk(module, []))), [])


def test_every_module_is_in_a_layer_and_imports_nothing_from_above() -> None:
    assert [] == [found for module in MODULES for found in climbs(module, tree_of(module), MODULES)]


def test_every_module_is_pure_unless_it_is_listed() -> None:
    pure = [module for module in MODULES if not may_wait(module)]
    assert {} == {module: found for module in pure if (found := impurities(tree_of(module)))}


@pytest.mark.parametrize("entry", [entry for entry, waits in WAITS.items() if waits])
def test_what_is_listed_as_waiting_waits(entry: str) -> None:
    inside = [module for module in MODULES if longest(module, [entry]) and may_wait(module)]
    assert not inside or any(impurities(tree_of(module)) for module in inside)


def test_vendor_packages_never_import_each_other() -> None:
    assert [] == [
        f"{module} imports {seen}"
        for module in MODULES
        if _top(module) in VENDORS
        for seen in imports(tree_of(module), MODULES, within=module)
        if _top(seen) in {*VENDORS} - {_top(module)}
    ]


def test_what_serves_every_vendor_holds_no_vendors_name() -> None:
    serving = [module for module in MODULES if longest(module, OF_NO_VENDOR)]
    assert {} == {module: found for module in serving if (found := vendor_words(tree_of(module)))}


def test_the_root_holds_few_modules() -> None:
    assert len([path for path in ROOT.glob("*.py") if not path.name.startswith("__")]) <= ROOT_MODULES


def borrowed(module: str, tree: ast.AST, modules: Iterable[str]) -> list[str]:
    """What a module of the simulator takes from the client beyond the vendors' tables."""
    seen = imports(tree, modules, within=module)
    return [target or PACKAGE for target in seen if _top(target) != SIMULATOR and target not in SHARED_WITH_IT]


def test_the_simulator_shares_the_vendors_tables_with_the_client_and_no_code() -> None:
    simulator = [module for module in MODULES if _top(module) == SIMULATOR]
    assert {} == {module: found for module in simulator if (found := borrowed(module, tree_of(module), MODULES))}


def test_nothing_imports_itself_by_a_detour_not_even_for_a_type() -> None:
    assert [] == circle({module: sorted({*imports(tree_of(module), MODULES, within=module)}) for module in MODULES})


def test_only_the_transport_touches_the_private_switch_of_aiohttp() -> None:
    named = [module for module in MODULES if PRIVATE_SWITCH in file_of(module).read_text(encoding="utf-8")]
    assert {module for module in named if PRIVATE_SWITCH in words(tree_of(module))} <= {ITS_ONLY_USER}


# The checker itself: each law must be able to fail.


def test_a_module_without_a_layer_is_told_to_take_one() -> None:
    with pytest.raises(LookupError, match=r"newcomer is in no layer: give it one in LAYERS"):
        layer_of("newcomer")


@in_turn(
    ("module", "layer"),
    [
        *[("errors", 0), ("models.calls", 0), ("agora.codes", 1), ("tencent.sign", 1), ("paging.clip", 1)],
        *[("paging.walk", 2), ("http", 2), ("quota.store", 2), ("http.retry", 1), ("tencent.provider", 3)],
        *[("scan.ledger.file", 4), ("", 5), ("simulator", 5), ("cli.commands.scan", 6)],
    ],
)
def test_each_module_finds_its_layer(module: str, layer: int) -> None:
    assert layer == layer_of(module)


def test_a_folder_that_waits_may_hold_what_is_pure() -> None:
    pure = ("errors", "http.retry", "quota.limiter", "scan.ledger.file", "paging.clip", "clip")
    waiting = ("http.client", "quota", "paging.walk")
    assert [False] * len(pure) + [True] * len(waiting) == [*map(may_wait, (*pure, *waiting))]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("errors", "from agora_tencent_analytics.http.retry import delays"),
        ("errors", "from agora_tencent_analytics.http import retry"),
        ("errors", "from .http.retry import delays"),
        ("errors", "import agora_tencent_analytics.http.retry"),
        ("errors", "if TYPE_CHECKING:\n    from agora_tencent_analytics.http.retry import delays"),
        ("agora.codes", "def late():\n    from ..http import client"),
        ("agora.codes", "from .provider import AgoraProvider"),
        ("http.client", "from agora_tencent_analytics import Provider"),
    ],
)
def test_an_import_from_above_is_seen(module: str, source: str) -> None:
    known = {"errors", "http.retry", "http.client", "agora.provider", "provider"}
    assert 1 == len(climbs(module, ast.parse(source), known))


def test_imports_from_below_and_from_the_own_layer_are_free() -> None:
    source = "import attrs\nfrom agora_tencent_analytics import errors, limits\nfrom .endpoint import Paging"
    assert [] == climbs("vendor", ast.parse(source), {"errors", "limits", "endpoint"})


@pytest.mark.parametrize(
    "source",
    [
        *["import time", "from random import choice", "import asyncio.events", "from anyio.abc import TaskGroup"],
        *["async def wait(): ...", "def f():\n    return [x async for x in y]"],
        *["from datetime import datetime as d\nd.now()", "import datetime\nwhen = datetime.datetime.utcnow"],
        *["from datetime import date\ndate.today()", "import os\nos.urandom(8)", "from uuid import uuid4\nuuid4()"],
    ],
)
def test_what_waits_or_reads_a_clock_is_seen(source: str) -> None:
    assert [] != impurities(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)", "class A:\n    now = 1\nA.now", "x.time()"],
)
def test_arithmetic_on_given_instants_is_pure(source: str) -> None:
    assert [] == impurities(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        *["host = 'api.agora.io'", "def ask_tencent(): ...", "x.agora_limit", "f(Agora=1)", "from a import AgoraCodes"],
        *["match vendor:\n    case 'tencent': ...", "header = b'X-TC-TRTC'", "f'{x} agora'", "def f(agora): ..."],
    ],
)
def test_a_vendors_name_in_code_is_seen(source: str) -> None:
    assert [] != vendor_words(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "'''Agora counts.'''\nlimit = 1  # Tencent counts too",
        "from agora_tencent_analytics.errors import Refusal",
        "agent = 'agora-tencent-analytics/1'",
    ],
)
def test_prose_and_the_packages_own_name_are_no_vendors_name(source: str) -> None:
    assert [] == vendor_words(ast.parse(source))


@pytest.mark.parametrize("source", ["s.{} = False", "setattr(s, '{}', False)", "{} = True", "f({}=False)"])
def test_the_private_switch_is_seen_however_it_is_spelt(source: str) -> None:
    assert PRIVATE_SWITCH in words(ast.parse(source.format(PRIVATE_SWITCH)))


@pytest.mark.parametrize(
    "source",
    [
        *["from agora_tencent_analytics.tencent.sign import sign", "from ...quota.limiter import Bucket"],
        *["from agora_tencent_analytics import AgoraProvider", "import agora_tencent_analytics.decoding.points"],
        *["def late():\n    from agora_tencent_analytics import timerange", "from ...agora import endpoints"],
    ],
)
def test_code_of_the_client_in_the_simulator_is_seen(source: str) -> None:
    own = {"tencent.sign", "quota.limiter", "decoding.points", "timerange", "agora", "agora.endpoints"}
    known = {*SHARED_WITH_IT, *own}
    assert 1 == len(borrowed("simulator.tencent.tc3", ast.parse(source), known))
    allowed = "from agora_tencent_analytics.agora import plans\nfrom ..world.dice import mix\nfrom ...limits import DAY"
    assert [] == borrowed("simulator.tencent.tc3", ast.parse(allowed), {*known, "simulator.world.dice"})


def test_a_circle_is_found_and_a_diamond_is_none() -> None:
    assert ["b", "c", "b"] == circle({"a": ["b"], "b": ["c"], "c": ["b"]})
    assert [] == circle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []})
