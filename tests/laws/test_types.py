"""What users read has a type: `Any` stands for the vendor's own JSON, and for nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module

from tests.laws.public_api import MODULES, PACKAGE
from tests.support.in_turn import in_turn

# JSON objects as the vendor sent them or is to get them, and what is the same for a row of any model.
JSON = re.compile(r"(Mapping|dict)\[str, Any\]|(Endpoint|Reply)\[Any\]")
# A parsed body, before anybody knows of what; exception groups are split by the language.
OTHERS = {"Vendor.unwrap", "IncompleteScan.derive", "secret"}


def untyped(name: str, value: object) -> Iterator[str]:
    """What of a public class or function is read as `Any`: fields, properties, what methods return."""
    if inspect.isfunction(value):
        told = {name: inspect.unwrap(value).__annotations__.get("return", "")}
    elif inspect.isclass(value) and value.__module__.startswith((PACKAGE, "snippet")):
        told = {f"{name}.{field}": kind for field, kind in getattr(value, "__annotations__", {}).items()}
        for member, inner in vars(value).items():
            bare = inner.fget if isinstance(inner, property) else getattr(inner, "__func__", inner)
            if inspect.isfunction(bare):
                told[f"{name}.{member}"] = inspect.unwrap(bare).__annotations__.get("return", "")
    else:
        return
    for one, kind in told.items():
        public = not one.rpartition(".")[2].startswith("_")
        if public and one not in OTHERS and re.search(r"\bAny\b", JSON.sub("", str(kind))):
            yield f"{one}: {kind}"


@in_turn("module", MODULES)
def test_nothing_public_is_read_as_any(module: str) -> None:
    home = import_module(f"{PACKAGE}.{module}".rstrip("."))
    assert [] == [said for name in home.__all__ for said in untyped(name, getattr(home, name))]


# The checker itself: each law must be able to fail.


def test_what_is_read_as_any_is_seen() -> None:
    source = """
class Thing:
    body: Any
    rows: Mapping[str, Any]
    def method(self) -> list[Any]: ...
    def _private(self) -> Any: ...
"""
    scope: dict[str, type] = {}
    exec(f"from __future__ import annotations\n{source}", {"__name__": "snippet"}, scope)
    assert ["Thing.body: Any", "Thing.method: list[Any]"] == sorted(untyped("Thing", scope["Thing"]))
