"""What docstrings promise: every parameter is described, and every exception is expected by a test.

The second law is read off the tests: an exception that a public function or class documents under `Raises` must be
expected (`pytest.raises`, or a helper of the tests that expects one) in a test that calls it by name. An exception of a
subclass counts, since that is what is raised where the docstring names a family.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from tests.laws.public_api import MODULES, PACKAGE

TESTS = Path(__file__).parents[1]


def public() -> Iterator[tuple[str, Any, type | None]]:
    """Every public function, class and method, with its dotted name and the class that it stands in."""
    seen = set[int]()
    for name in MODULES:
        module = import_module(f"{PACKAGE}.{name}".rstrip("."))
        for one in module.__all__:
            value = getattr(module, one)
            if id(value) in seen or not getattr(value, "__module__", "").startswith(PACKAGE):
                continue
            seen.add(id(value))
            if inspect.isclass(value):
                yield one, value, None
                for member, inner in vars(value).items():
                    bare = inner.__func__ if isinstance(inner, classmethod | staticmethod) else inner
                    if inspect.isfunction(bare) and not member.startswith("_"):
                        yield f"{one}.{member}", bare, value
            elif inspect.isroutine(value):
                yield one, value, None


PUBLIC = {name: (value, owner) for name, value, owner in public()}


def said(name: str) -> str:
    """The docstring of a public name; of an override without one, its base's."""
    value, owner = PUBLIC[name]
    return inspect.getdoc(getattr(owner, name.rpartition(".")[2]) if owner else value) or ""


def section(doc: str, head: str) -> str:
    """What stands under a heading of Google's, down to the next."""
    found = re.search(rf"^{head}:\n((?:    .*\n|\n)+)", doc + "\n", re.M)
    return textwrap.dedent(found[1]) if found else ""


def entries(doc: str, head: str) -> set[str]:
    names = re.findall(r"^([\w*`][\w*, `]*):", section(doc, head), re.M)
    return {one.strip("*` ") for names_ in names for one in names_.split(",")}


def is_protocol(value: type) -> bool:
    return bool(getattr(value, "_is_protocol", False))


def parameters(value: Any) -> set[str]:
    if inspect.isclass(value) and (attrs.has(value) or "__init__" not in vars(value) or is_protocol(value)):
        return set()  # fields have a docstring each
    kinds = inspect.signature(value).parameters.values()
    return {one.name for one in kinds if one.name not in ("self", "cls") and not one.name.startswith("_")}


def described(name: str) -> set[str]:
    """Parameters that a docstring describes, those that it points at, and for a class those of its bases."""
    value, _ = PUBLIC[name]
    docs = [said(name), *([inspect.getdoc(base) or "" for base in value.__mro__[1:]] if inspect.isclass(value) else [])]
    pointed = re.findall(r"(?i)(?:see|as of|as in|those of|what) `([\w.]+)`", docs[0])
    docs += [said(one) for one in pointed if one in PUBLIC]
    return {one for doc in docs for head in ("Args", "Attributes") for one in entries(doc, head)}


def test_every_parameter_is_described() -> None:
    missing = {name: parameters(value) - described(name) for name, (value, _) in PUBLIC.items()}
    assert {} == {name: bare for name, bare in missing.items() if bare}


# --- exceptions -------------------------------------------------------------------------------------------


def expected_with(tree: ast.Module) -> dict[str, set[str]]:
    """The words that stand in each test together with an exception that it names, by exception.

    A table at the top of a file belongs to the tests that name it.
    """
    found: dict[str, set[str]] = defaultdict(set)
    tables = {
        target.id: node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            here = words(node)
            here |= {word for table in here & tables.keys() for word in words(tables[table])}
            for error in here & ERRORS.keys():
                found[error] |= here
    return found


def words(node: ast.AST) -> set[str]:
    """Every name and attribute below, and every word of a text: tests ask by `getattr` too."""
    found = set[str]()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            found |= {*re.findall(r"\w+", one.value)}
    return found


ERRORS = {
    name: kind
    for name in import_module(PACKAGE).__all__
    if isinstance(kind := getattr(import_module(PACKAGE), name), type) and issubclass(kind, Exception)
} | {kind.__name__: kind for kind in (ValueError, TypeError, RuntimeError, ImportError, LookupError)}


def met() -> dict[str, set[str]]:
    """With which words each exception stands in the tests, its subclasses counted."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__):
            for error, here in expected_with(ast.parse(path.read_text("utf-8"))).items():
                for kind in ERRORS[error].__mro__:
                    found[kind.__name__] |= here
    return found


PROMISED = [(name, error) for name in PUBLIC for error in sorted(entries(said(name), "Raises") & ERRORS.keys())]


def test_every_documented_exception_is_met_in_a_test() -> None:
    with_what = met()
    assert len(PROMISED) > 100
    assert [] == [(name, error) for name, error in PROMISED if name.rpartition(".")[2] not in with_what[error]]


# The checker itself: each law must be able to fail.


def test_a_parameter_is_described_under_its_heading_alone() -> None:
    doc = "With `one` and `two`.\n\nArgs:\n    one: the first,\n        two: of them.\n\nRaises:\n    BadInput: no."
    assert ({"one"}, {"BadInput"}) == (entries(doc, "Args"), entries(doc, "Raises"))


def test_an_exception_is_met_in_the_test_that_calls_what_raises_it_and_in_no_other() -> None:
    source = "TABLE = [first]\ndef test_one():\n    with raises(BadInput): TABLE\ndef test_two():\n    second()\n"
    met_here = expected_with(ast.parse(source))["BadInput"]
    assert (True, False) == ("first" in met_here, "second" in met_here)
