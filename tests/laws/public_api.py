"""The public names, with their parameters and members, as text: so that a change of them shows in the diff.

`python tests/laws/public_api.py` prints it; `--write` puts it into `public_api.txt`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

PACKAGE = "agora_tencent_analytics"
TEXT = Path(__file__).with_name("public_api.txt")
MODULES = (
    *("", "scan", "simulator", "simulator.fixtures", "notices", "otel", "vendor", "endpoint", "message", "quota.store"),
    *("agora.plans", "tencent.plans"),
)
"""What the contract names, but for the rows of both vendors: those are in docs/questions.md."""


def api() -> str:
    """The text, a line for each name."""
    return "\n".join(line for module in MODULES for line in _module(f"{PACKAGE}.{module}".rstrip("."))) + "\n"


def _module(name: str) -> Iterator[str]:
    module = import_module(name)
    yield name
    for one in sorted(module.__all__):
        value = getattr(module, one)
        if inspect.isclass(value) and value.__module__.startswith(PACKAGE):
            yield f"    class {one}{_bases(value)}{_parameters(value)}"
            # What a class shares with a module above it is written there.
            if name == PACKAGE or one not in import_module(PACKAGE).__all__:
                yield from (f"        {member}" for member in _members(value))
        elif inspect.isroutine(value):
            yield f"    def {one}{_parameters(value)}"
        else:
            yield f"    {one}"


def _bases(kind: type) -> str:
    names = [base.__name__ for base in _public(kind) if base.__module__.startswith(PACKAGE)]
    return f" <{', '.join(names)}>" if names else ""


def _public(kind: type) -> Iterator[type]:
    """Its bases, and in the place of private ones theirs."""
    for base in kind.__bases__:
        yield from _public(base) if base.__name__.startswith("_") else (base,)


def _parameters(value: Any) -> str:
    if inspect.isclass(value) and issubclass(value, Enum):
        return ""  # each Python says something else, and nobody makes one
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):  # as of a class of an extension
        return ""
    spelt, bare = [], False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not bare:
            spelt.append("*")
        bare = bare or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        star = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        optional = "=" if one.default is not one.empty else ""
        if one.name not in ("self", "cls"):
            spelt.append(f"{star}{one.name}{optional}")
    return f"({', '.join(spelt)})"


def _members(kind: type) -> Iterator[str]:
    """Fields, properties and methods that a class adds to those of its public bases."""
    bases = [base for base in kind.__mro__[1:] if not base.__name__.startswith("_")]
    own = [one for one in kind.__mro__ if one not in bases]
    fields = {name for one in own for name in (*getattr(one, "__annotations__", ()), *vars(one))}
    fields |= {one.name for one in getattr(kind, "__attrs_attrs__", ())}
    inherited = {name for base in bases if base is not object for name in dir(base)}
    inherited |= {one.name for base in bases for one in getattr(base, "__attrs_attrs__", ())}
    for name in sorted(fields - inherited):
        if name.startswith("_"):
            continue
        value = inspect.getattr_static(kind, name, None)
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        yield f"{name}{_parameters(function)}" if inspect.isfunction(function) else name


if __name__ == "__main__":
    if "--write" in sys.argv:
        TEXT.write_text(api(), encoding="utf-8")
    else:
        print(api(), end="")
