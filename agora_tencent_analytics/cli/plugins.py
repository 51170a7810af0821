"""Providers that other distributions bring, found by their entry points and loaded when one is named."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from agora_tencent_analytics.errors import BadInput, printable
from agora_tencent_analytics.provider import Provider

GROUP = "agora_tencent_analytics.providers"
"""The group of entry points that the command line looks in; the name of one is what `--vendor` takes."""


def plugin(name: str, built_in: Iterable[str]) -> tuple[type[Provider], str]:
    """The provider of that name, and which distribution it is from, in words.

    Args:
        name: what `--vendor` says.
        built_in: the names that are taken.

    Raises:
        BadInput: there is none of that name, there are two, or it cannot be loaded.
    """
    known = entry_points(group=GROUP)
    found = [one for one in known if one.name == name]
    if not found:
        names = sorted({*built_in, *(one.name for one in known)})
        raise BadInput(f"no vendor is called {name!r} here; there are {', '.join(names)}")
    if len(found) > 1:
        raise BadInput(f"two plug-ins call themselves {name!r}: {' and '.join(map(_whence, found))}; uninstall one")
    (only,) = found
    try:
        provider = only.load()
    except (Exception, SystemExit) as error:  # whatever a module of somebody else's may do
        raise BadInput(f"{_whence(only)} cannot be loaded: {type(error).__name__}: {printable(error)}") from None
    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        raise BadInput(f"{_whence(only)} is not a Provider: {only.value}")
    return provider, _whence(only)


def _whence(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
