"""Constructor arguments from environment variables, as both providers take them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import secret

_SECRETS = frozenset({"customer_secret", "secret_key", "token"})
_KEYS = _SECRETS | {"customer_id", "secret_id"}
_LISTS = frozenset({"base_url"})


def from_environment(
    environ: Mapping[str, str] | None,
    needed: Mapping[str, str],
    optional: Mapping[str, str],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of a provider; what `options` gives goes before what the environment says.

    Args:
        environ: the environment; None means this process's. An empty variable counts as missing. Of base URLs there
            may be several, with commas between.
        needed: variable by argument, for arguments that must be had.
        optional: variable by argument, for arguments that may be had.
        options: arguments given directly.

    Raises:
        BadInput: needed variables are missing; the message names all of them, and no value.
    """
    own_keys = "credentials" in options
    missing = [
        variable
        for argument, variable in needed.items()
        if argument not in options and not _value(environ, variable) and not (own_keys and argument in _KEYS)
    ]
    if missing:
        raise BadInput(f"set {', '.join(missing)} in the environment")
    found: dict[str, Any] = {
        argument: secret(_value(environ, variable)) if argument in _SECRETS else _value(environ, variable)
        for argument, variable in {**needed, **optional}.items()
        if _value(environ, variable) and not (own_keys and argument in _KEYS)
    }
    for argument in _LISTS & found.keys():
        several = [part.strip() for part in found[argument].split(",")]
        found[argument] = several if len(several) > 1 else several[0]
    return {**found, **options}


def _value(environ: Mapping[str, str] | None, variable: str) -> str:
    # The process's environment is no local variable of any frame: crash reports list those.
    return (os.environ if environ is None else environ).get(variable, "")
