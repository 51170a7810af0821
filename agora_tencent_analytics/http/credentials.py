"""Fetches the credentials of one request: fixed ones, or those that an async callable gives."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import attrs

from agora_tencent_analytics.errors import AnalyticsError, BadInput
from agora_tencent_analytics.secret import Secret, Unpicklable, is_key, secret

C = TypeVar("C")
KEEP_S = 60.0
"""Keys older than this do not sign, seconds: who hands out tokens leaves them that long to live."""


class Fixed(Unpicklable, Generic[C]):
    """An async callable that always gives the same credentials; who knows it need not wait for them.

    Args:
        keys: the credentials.
        account: the name of the account that they are the keys to; None if it has another.
    """

    def __init__(self, keys: C, account: str | None = None) -> None:
        self.keys: C = keys
        self.account: str | None = account

    async def __call__(self) -> C:
        """The credentials."""
        return self.keys


def fixed_credentials(credentials: C, *, account: str | None = None) -> Callable[[], Awaitable[C]]:
    """An async callable that always gives these credentials.

    Args:
        credentials: what it gives.
        account: names the quota unless the provider's `account` does, say the first of a pair of keys. Ledgers are then
            sealed with the secrets in the credentials.
    """
    return Fixed(credentials, account)


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


def hidden_in(credentials: Any) -> Iterator[Secret[str] | str]:
    """The secrets of credentials: the text that they are, or what hides itself in them, or else all texts in them."""
    if isinstance(credentials, str | Secret):
        yield credentials
        return
    if isinstance(credentials, Mapping):
        parts = list(credentials.values())
    elif isinstance(credentials, list | tuple):
        parts = list(credentials)
    elif attrs.has(type(credentials)):
        parts = [getattr(credentials, field.name) for field in attrs.fields(type(credentials))]
    else:
        parts = list(getattr(credentials, "__dict__", {}).values())
    hidden = [part for part in parts if isinstance(part, Secret)]
    yield from hidden
    if not hidden:
        yield from (part for part in parts if isinstance(part, str))


def seal_key(credentials: Any) -> Secret[bytes]:
    """What ledgers are sealed with: nobody makes it who does not have these credentials, nor them out of it."""
    made = blake2b(digest_size=32, person=b"ledger")
    for value in hidden_in(credentials):  # no variable holds one in clear: crash reports list those of every frame
        made.update(blake2b((value.reveal() if isinstance(value, Secret) else value).encode()).digest())
    return Secret(made.digest())


class Called(Unpicklable):
    """An async callable of somebody's, without what it shows: a `partial` may hold a key to call with.

    Args:
        credentials: gives the credentials.

    Raises:
        BadInput: it cannot be called, or is a plain function.
    """

    def __init__(self, credentials: Callable[[], Awaitable[Any]] | None) -> None:
        if not callable(credentials):
            raise BadInput(f"credentials must be an async function, not {type(credentials).__name__}")
        called: Any = credentials
        while isinstance(called, partial):
            called = called.func
        plain = inspect.isfunction(called) or inspect.ismethod(called)
        if plain and not any(map(inspect.iscoroutinefunction, (called, inspect.unwrap(called)))):
            raise BadInput(f"credentials must be an async function (async def), not the plain one {called.__name__}")
        self._called: Callable[[], Any] = credentials

    async def __call__(self) -> Any:
        """What the callable gives.

        Raises:
            BadInput: it returns something that cannot be awaited, so it is not an async function after all.
        """
        given = self._called()
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
