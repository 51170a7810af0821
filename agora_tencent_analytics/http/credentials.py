"""Fetches the credentials of one request: fixed ones, or those that an async callable gives."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar
from weakref import WeakSet

from agora_tencent_analytics.errors import AnalyticsError, BadInput
from agora_tencent_analytics.secret import Secret, is_key, secret

C = TypeVar("C")
_at_once: WeakSet[object] = WeakSet()


def fixed_credentials(credentials: C) -> Callable[[], Awaitable[C]]:
    """An async callable that always gives these credentials.

    Args:
        credentials: what it gives.
    """

    async def give() -> C:
        return credentials

    _at_once.add(give)
    return give


def come_at_once(credentials: object) -> bool:
    """True if the callable never waits, so that nothing need bound it."""
    return credentials in _at_once


def hidden(keys: str | Secret[str] | Sequence[str | Secret[str]]) -> Secret[str] | tuple[str | Secret[str], ...]:
    """Keys that nothing shows by accident: a text, or several texts, the first of them a name.

    Raises:
        BadInput: one of them is empty, or holds what cannot stand in a key.
    """
    parts = [keys] if isinstance(keys, str | Secret) else [*keys]
    if not parts or not all(map(is_key, parts)):
        raise BadInput("keys must be non-empty printable text without spaces, each of them; copy them from the vendor")
    if isinstance(keys, str | Secret):
        return secret(keys)
    return (parts[0], *map(secret, parts[1:]))


def account_of(keys: Secret[str] | tuple[str | Secret[str], ...]) -> str:
    """A name for the quota of these keys that does not show them."""
    name = keys[0] if isinstance(keys, tuple) else keys
    if isinstance(name, str):
        return name
    return blake2b(name.reveal().encode(), digest_size=16).hexdigest()


def check_async(credentials: Any) -> None:
    """Nothing, if this can be called and may give something to await.

    Raises:
        BadInput: it cannot be called, or is a plain function.
    """
    if not callable(credentials):
        raise BadInput(f"credentials must be an async function, not {type(credentials).__name__}")
    called = credentials
    while isinstance(called, partial):
        called = called.func
    plain = inspect.isfunction(called) or inspect.ismethod(called)
    if plain and not any(map(inspect.iscoroutinefunction, (called, inspect.unwrap(called)))):
        raise BadInput(f"credentials must be an async function (async def), not the plain one {called.__name__}")


async def called_for(credentials: Callable[[], Any]) -> Any:
    """What the callable gives.

    Raises:
        BadInput: it returns something that cannot be awaited, so it is not an async function after all.
    """
    given = credentials()
    if not inspect.isawaitable(given):
        kind = type(given).__name__
        del given  # it may be the keys, and crash reports list local variables
        raise BadInput(f"credentials must be an async function (async def); this one gave a {kind} at once")
    return await given


def check_kind(keys: object, use: Callable[[Any], object]) -> None:
    """Nothing, if a request can be authenticated with what a callable gave.

    Args:
        keys: what it gave.
        use: authenticates a request with it.

    Raises:
        BadInput: it cannot: these are not the vendor's credentials.
    """
    try:
        use(keys)
    except AnalyticsError:
        raise
    except Exception:
        kind = type(keys).__name__
    else:
        return
    finally:
        del keys  # crash reports list local variables
    raise BadInput(f"credentials gave a {kind}, with which no request of this vendor's can be authenticated")
