"""The floors of the house, read off the syntax tree of every file of the package.

0 words, 1 grammar, 2 dialects, 3 motion, 4 doors. A file imports from floors below and, without circles,
from its own. Dialects never wait and never see each other; motion never learns a vendor's name. The simulator shares
the vendors' tables with the client, and no code: a mistake of one of them shows in the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "agora_tencent_analytics"
ROOT = Path(__file__).parents[2] / PACKAGE

# The longest entry that begins a module's name (below the package) decides; "" is the package's own `__init__`.
FLOORS: dict[str, int] = {
    **dict.fromkeys(["_version", "errors", "limits", "message", "timerange", "models", "metrics", "events"], 0),
    **dict.fromkeys(["series", "columns", "points", "rawjson", "certificate", "page", "figures"], 0),
    **dict.fromkeys(["receipt", "notices", "secret"], 0),
    **dict.fromkeys(
        ["endpoint", "signs", "shown", "paging", "narrowing", "density", "clip", "stays", "retry", "vendor"], 1
    ),
    **dict.fromkeys(["structure", "shapes", "seen", "environment"], 1),
    **dict.fromkeys(["agora.*", "tencent.*"], 2),
    "runtime": 3,
    **dict.fromkeys(["", "agora", "tencent", "agora.provider", "tencent.provider"], 4),
    **dict.fromkeys(["access", "provider", "otel", "scan", "simulator", "cli", "__main__"], 4),
}
DIALECTS = ("agora", "tencent")
TOP_PURE = 2
SIMULATOR = "simulator"
SHARED_WITH_IT = frozenset({"errors", "limits", "agora.plans", "tencent.plans"})

CLOCKS_AND_LOOPS = frozenset({"time", "random", "secrets", "asyncio", "anyio", "aiohttp", "aiolimiter"})
IMPURE = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
        *("os.urandom", "uuid.uuid1", "uuid.uuid4"),
    }
)
WAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
PRIVATE_SWITCH = "_retry_connection"
ITS_ONLY_USER = "runtime.transport"


def module_names() -> frozenset[str]:
    """Every module below the package, dotted, `__init__` folded into its folder: `agora.codes`, `agora`, ``."""
    parts = (path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))
    return frozenset(".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts)


MODULES = sorted(module_names())


def file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split(".")) if module else ROOT
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(file_of(module).read_text(encoding="utf-8"))


def floor_of(module: str) -> int:
    if module in FLOORS:
        return FLOORS[module]
    folder, _, _ = module.partition(".")
    for entry in (f"{folder}.*" if folder != module else "", folder):
        if entry and entry in FLOORS:
            return FLOORS[entry]
    if folder.startswith("cli_"):
        return FLOORS["cli"]
    raise LookupError(f"{module} stands on no floor: give it one in FLOORS of tests/laws/test_floors.py")


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
    """Imports from a floor above."""
    own = floor_of(module)
    return [
        f"{module or PACKAGE} (floor {own}) imports {target or PACKAGE} (floor {floor_of(target)})"
        for target in imports(tree, modules, within=module)
        if floor_of(target) > own
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
    """Words that name a vendor; the package's own name is no vendor's."""
    own = (PACKAGE, PACKAGE.replace("_", "-"))
    found = []
    for word in words(tree):
        rest = word.lower()
        for name in own:
            rest = rest.replace(name, "")
        if any(vendor in rest for vendor in ("agora", "tencent", "trtc")):
            found.append(word)
    return found


def at_import_time(tree: ast.Module) -> ast.Module:
    """The tree without what runs later (function bodies) or never (`if TYPE_CHECKING`)."""

    class Pruned(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None: ...

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None: ...

        def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
            return node.orelse if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)

    return Pruned().visit(ast.parse(ast.unparse(tree)))  # type: ignore[no-any-return]  # a module in, a module out


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


@pytest.mark.parametrize("module", MODULES)
def test_a_module_stands_on_a_floor_and_imports_nothing_from_above(module: str) -> None:
    assert [] == climbs(module, tree_of(module), MODULES)


def stands_low(module: str) -> bool:
    try:
        return floor_of(module) <= TOP_PURE
    except LookupError:  # the test above says so; this list is made while tests are collected
        return False


@pytest.mark.parametrize("module", [module for module in MODULES if stands_low(module)])
def test_words_grammar_and_dialects_never_wait_nor_read_a_clock(module: str) -> None:
    assert [] == impurities(tree_of(module))


@pytest.mark.parametrize("module", [module for module in MODULES if _top(module) in DIALECTS])
def test_dialects_never_see_each_other(module: str) -> None:
    others = {*DIALECTS} - {_top(module)}
    assert [] == [seen for seen in imports(tree_of(module), MODULES, within=module) if _top(seen) in others]


@pytest.mark.parametrize("module", [module for module in MODULES if _top(module) == "runtime"])
def test_motion_never_learns_a_vendors_name(module: str) -> None:
    assert [] == vendor_words(tree_of(module))


def borrowed(module: str, tree: ast.AST, modules: Iterable[str]) -> list[str]:
    """What a module of the simulator takes from the client beyond the vendors' tables."""
    seen = imports(tree, modules, within=module)
    return [target or PACKAGE for target in seen if _top(target) != SIMULATOR and target not in SHARED_WITH_IT]


@pytest.mark.parametrize("module", [module for module in MODULES if _top(module) == SIMULATOR])
def test_the_simulator_shares_the_vendors_tables_with_the_client_and_no_code(module: str) -> None:
    assert [] == borrowed(module, tree_of(module), MODULES)


def test_nothing_imports_itself_by_a_detour() -> None:
    graph = {module: sorted({*imports(at_import_time(tree_of(module)), MODULES, within=module)}) for module in MODULES}
    assert [] == circle(graph)


def test_only_the_transport_touches_the_private_switch_of_aiohttp() -> None:
    users = [module for module in MODULES if PRIVATE_SWITCH in words(tree_of(module))]
    assert set(users) <= {ITS_ONLY_USER}


# The checker itself: each law must be able to fail.


def test_a_module_without_a_floor_is_told_to_take_one() -> None:
    with pytest.raises(LookupError, match=r"newcomer stands on no floor: give it one in FLOORS"):
        floor_of("newcomer")


@pytest.mark.parametrize(
    ("module", "floor"),
    [
        *[("errors", 0), ("vendor", 1), ("agora.codes", 2), ("tencent.sign", 2), ("runtime", 3), ("runtime.quota", 3)],
        *[("", 4), ("agora", 4), ("tencent.provider", 4), ("scan.ledger", 4), ("simulator", 4), ("cli_output", 4)],
    ],
)
def test_each_module_finds_its_floor(module: str, floor: int) -> None:
    assert floor == floor_of(module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("errors", "from agora_tencent_analytics.retry import delays"),
        ("errors", "from agora_tencent_analytics import retry"),
        ("errors", "from .retry import delays"),
        ("errors", "import agora_tencent_analytics.retry"),
        ("errors", "if TYPE_CHECKING:\n    from agora_tencent_analytics.retry import delays"),
        ("agora.codes", "def late():\n    from ..runtime import caller"),
        ("agora.codes", "from .provider import AgoraProvider"),
        ("runtime.caller", "from agora_tencent_analytics import Provider"),
    ],
)
def test_an_import_from_above_is_seen(module: str, source: str) -> None:
    known = {"errors", "retry", "runtime.caller", "agora.provider", "provider"}
    assert 1 == len(climbs(module, ast.parse(source), known))


def test_imports_from_below_and_from_the_own_floor_are_free() -> None:
    source = "import attrs\nfrom agora_tencent_analytics import errors, retry\nfrom .paging import Paging"
    assert [] == climbs("vendor", ast.parse(source), {"errors", "retry", "paging"})


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
        *["from agora_tencent_analytics.tencent.sign import sign", "from ..runtime.limiter import Bucket"],
        *["from agora_tencent_analytics import AgoraProvider", "import agora_tencent_analytics.points"],
        *["def late():\n    from agora_tencent_analytics import timerange", "from ..agora import endpoints"],
    ],
)
def test_code_of_the_client_in_the_simulator_is_seen(source: str) -> None:
    known = {*SHARED_WITH_IT, "tencent.sign", "runtime.limiter", "points", "timerange", "agora", "agora.endpoints"}
    assert 1 == len(borrowed("simulator.tc3", ast.parse(source), known))
    allowed = "from agora_tencent_analytics.agora import plans\nfrom .dice import mix\nfrom ..limits import DAY"
    assert [] == borrowed("simulator.tc3", ast.parse(allowed), {*known, "simulator.dice"})


def test_a_circle_is_found_and_a_diamond_is_none() -> None:
    assert ["b", "c", "b"] == circle({"a": ["b"], "b": ["c"], "c": ["b"]})
    assert [] == circle({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []})


def test_imports_of_functions_and_type_checkers_make_no_circle() -> None:
    source = "if TYPE_CHECKING:\n    from .b import B\nelse:\n    from .c import C\ndef f():\n    from .d import D\n"
    assert ["c"] == [*imports(at_import_time(ast.parse(source)), {"b", "c", "d"}, within="a")]
