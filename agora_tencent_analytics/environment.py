"""Constructor arguments from environment variables, as both providers take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agora_tencent_analytics.errors import BadInput

__all__ = ["from_environment"]


def from_environment(
    environ: Mapping[str, str], needed: Mapping[str, str], optional: Mapping[str, str], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a provider; what `options` gives goes before what the environment says.

    Args:
        environ: the environment. An empty variable counts as missing.
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
        if argument not in options
        and not environ.get(variable)
        and not (own_keys and argument not in ("plan",) and _is_key(argument))
    ]
    if missing:
        raise BadInput(f"set {', '.join(missing)} in the environment")
    found = {
        argument: environ[variable]
        for argument, variable in {**needed, **optional}.items()
        if environ.get(variable) and not (own_keys and _is_key(argument))
    }
    return {**found, **options}


def _is_key(argument: str) -> bool:
    return argument in ("customer_id", "customer_secret", "secret_id", "secret_key", "token")
