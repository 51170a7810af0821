"""Constructor arguments from environment variables: which ones a provider declares, and how they are read."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import is_key, secret


class EnvironmentVariable(NamedTuple):
    """An environment variable that holds an argument of a provider's constructor."""

    name: str
    """Name of the variable."""
    kind: Literal["app", "key", "secret", "setting"] = "setting"
    """The app whose data it is; a part of the credentials, or a secret one, which are not read where `credentials=` is
    given; or any other argument."""
    required: bool = True
    """False if the argument has a default."""
    several: bool = False
    """True if it may hold several values, with commas between."""


def from_environment(
    variables: Mapping[str, EnvironmentVariable], environ: Mapping[str, str] | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a provider; `options` take precedence over the environment.

    Args:
        variables: what is read, by argument.
        environ: the environment; None means this process's. An empty variable counts as missing.
        options: arguments given directly.

    Raises:
        BadInput: required variables are missing; the message names all of them, and no value.
    """
    if environ is not None and not isinstance(environ, Mapping):
        raise BadInput(f"environ must be a mapping of text to text, not {type(environ).__name__}")
    own_keys = options.get("credentials") is not None
    wanted = {
        argument: variable
        for argument, variable in variables.items()
        if argument not in options and not (own_keys and variable.kind in ("key", "secret"))
    }
    missing = unset([variable for variable in wanted.values() if variable.required], environ)
    if missing:
        raise BadInput(missing)
    found = {
        argument: _argument(environ, variable) for argument, variable in wanted.items() if _text(environ, variable)
    }
    return {**found, **options}


def unset(variables: Collection[EnvironmentVariable], environ: Mapping[str, str] | None = None) -> str:
    """Which of these variables are not set, in words that reveal no value; `""` if all are."""
    lacking = [variable.name for variable in variables if not _text(environ, variable)]
    if not lacking:
        return ""
    *most, last = lacking
    names = f"{', '.join(most)} and {last}" if most else last
    are = "are" if most else "is"
    match len(variables) - len(lacking):
        case 0:
            return f"{names} {are} not set in the environment"
        case 1:
            return f"{names} {are} not set (the other one is)"
        case others:
            return f"{names} {are} not set (the other {_NUMBERS.get(others, others)} are)"


_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}


def _argument(environ: Mapping[str, str] | None, variable: EnvironmentVariable) -> Any:
    if variable.kind == "secret":
        hidden = secret(_text(environ, variable))
        _check(variable, is_key(hidden))
        return hidden
    text = _text(environ, variable)
    if not variable.several:
        _check(variable, text.isprintable() if variable.kind == "setting" else is_key(text))
        return text
    first, *more = map(unquoted, text.split(","))
    _check(variable, all(is_key(part) for part in (first, *more) if part))
    return [first, *more] if more else first


def _check(variable: EnvironmentVariable, fits: bool) -> None:
    if not fits:
        raise BadInput(f"{variable.name} holds a blank, a line break or another character that cannot stand in it")


def _text(environ: Mapping[str, str] | None, variable: EnvironmentVariable) -> str:
    # The process's environment is not a local variable of any frame: crash reports list those.
    return unquoted((os.environ if environ is None else environ).get(variable.name, ""))


def unquoted(value: str) -> str:
    """A value without what `.env` files leave around it: blanks, line breaks, and a pair of quotes."""
    value = value.strip()
    for quote in "\"'":
        if len(value) > 1 and value[0] == value[-1] == quote and quote not in value[1:-1]:
            return value[1:-1].strip()
    return value
