"""Text and bytes that nothing shows by accident: `Secret` and `SecretBytes`.

Most leaks are reprs: a log that prints a dict of headers, a crash report that lists the local variables of every
frame. A secret here is an ordinary `str` or `bytes` to whoever uses it, and `'***'` to whoever merely looks. What is
computed from one (a slice, a concatenation, an f-string) is ordinary again: wrap it anew where it is kept.
"""

from __future__ import annotations

from typing import Any, NoReturn, overload

REDACTED = "***"
"""What stands in the place of a secret."""


class _Hidden:
    """Hides its value from repr, pickle and copy."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{REDACTED}'"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled or copied: it must not end up where pickles do")


class Secret(_Hidden, str):
    """A text whose repr hides it."""

    __slots__ = ()


class SecretBytes(_Hidden, bytes):
    """Bytes whose repr hides them."""

    __slots__ = ()


@overload
def secret(value: str) -> str: ...
@overload
def secret(value: None) -> None: ...
def secret(value: Any) -> Any:
    """The value hidden, if it is text or bytes; anything else as it is, for a validator to refuse."""
    if isinstance(value, str):
        return Secret(value)
    return SecretBytes(value) if isinstance(value, bytes) else value
