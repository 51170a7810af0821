"""`Secret`, a value that nothing shows by accident, and `redacted`, which removes such values from a server's text.

Most leaks are reprs: a log that prints a dict of headers, a crash report that lists the local variables of every
frame, or the first eighty characters of each. A secret here is neither text nor bytes, so whoever formats, slices,
joins or encodes it gets `***` or an error; it is revealed by name, where it is signed with or sent.

The rest are echoes: a gateway that repeats the request in its error page. What it says is searched for the secrets that
were sent before it becomes part of an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Generic, NoReturn, TypeVar, overload

from agora_tencent_analytics.errors import BadInput

T = TypeVar("T", str, bytes)

REDACTED = "***"
"""What stands in the place of a secret."""

SHORTEST = 8
"""A secret of fewer characters cannot be told from other text."""
_PREFIX = 12
"""So many characters of the beginning of a secret are struck out too: the other side may have cut it."""
_LARGE = 1 << 20
"""Beyond so many characters of a text a secret is searched for as it is, and in no other spelling."""
_BREAK = r"(?:=?\s|\\[rn]|<[^<>]{1,8}>){0,4}"
"""What may stand between two characters where long lines are broken."""


class Secret(Generic[T]):
    """Text or bytes that only `reveal` gives out.

    Args:
        value: what is to be hidden.
    """

    __slots__ = ("_value",)
    __iter__: None = None  # a sequence it is not, although it can be sliced

    def __init__(self, value: T) -> None:
        self._value: T = value

    def reveal(self) -> T:
        """The value. It is ordinary from here on: whoever keeps it in a variable shows it in crash reports."""
        return self._value

    def __repr__(self) -> str:
        return f"'{REDACTED}'"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __getitem__(self, part: slice) -> Secret[T]:
        """Itself, so that slicing for display cuts nothing out of the secret."""
        if not isinstance(part, slice):
            raise TypeError("a secret has no parts")
        return self

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is not pickled or copied: it must not end up where pickles do")


class Unpicklable:
    """Holds a secret, and so is neither pickled nor copied."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled or copied: a secret must not end up where pickles do")


@overload
def secret(value: str | Secret[str]) -> Secret[str]: ...
@overload
def secret(value: None) -> None: ...
def secret(value: Any) -> Any:
    """The value hidden, if it is text or bytes; anything else as it is, for a validator to refuse.

    Args:
        value: what may be a secret.
    """
    if isinstance(value, str):
        return Secret(value)
    return Secret(value) if isinstance(value, bytes) else value


def is_key(value: object) -> bool:
    """True for what may be the key to an account, hidden or not: printable ASCII without spaces, and some of it."""
    text = value.reveal() if isinstance(value, Secret) else value
    return isinstance(text, str) and bool(text) and text.isascii() and text.isprintable() and " " not in text


def key_validator(place: str) -> Callable[[Any, Any, Any], None]:
    """A validator of attrs for what must be a key.

    Args:
        place: where the user copies it from; the message says so.
    """

    def check(instance: Any, attribute: Any, value: object) -> None:
        if not is_key(value):
            raise BadInput(
                f"{attribute.name} must be non-empty printable text without spaces; copy it from the {place}"
            )

    return check


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without any of these secrets, however they are spelled in it.

    Found are a secret as a whole, and the first twelve and more of its characters; as they are, with each character
    percent-encoded, escaped as in JSON, or written as in HTML.

    Args:
        text: what the other side says, not cut yet.
        secrets: each as it was sent, or kept; one that is shorter than eight characters is passed over.
    """
    for value in sorted(set(secrets), key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = _without(text, value)
    return text


def _without(text: str, value: str) -> str:
    head = value[:_PREFIX]
    searched = text[:_LARGE]
    if head in text or any(sign in searched for sign in "\\%&"):
        rest = text[_LARGE:]
        text = _struck("".join(map(_spelled, head)), value, searched) + _struck(re.escape(head), value, rest)
    return text


def _struck(head: str, value: str, text: str) -> str:
    """The text without the value wherever this pattern of its beginning is found."""
    pattern, kept, end = re.compile(head), [], 0
    while found := pattern.search(text, end):
        kept += [text[end : found.start()], REDACTED]
        end = found.end()
        for char in value[_PREFIX:]:
            further = _one(char).match(text, end)
            if further is None:
                break
            end = further.end()
    return "".join([*kept, text[end:]])


def _spelled(char: str) -> str:
    """How a character may stand in a text, as a pattern; bounded, so that no text takes long to search."""
    code = f"{ord(char):02x}"
    digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    ways = [
        rf"\\{{1,8}}(?:u0{{0,4}}|x){digits}",
        rf"%(?:25){{0,4}}{digits}",
        f"&#(?:0{{0,6}}{ord(char)}|[xX]0{{0,6}}{digits});",
    ]
    from html.entities import codepoint2name  # when the first secret is looked for: the table is large

    if ord(char) in codepoint2name:
        ways.append(f"&{codepoint2name[ord(char)]};")
    ways.append(rf"\\{{0,8}}{re.escape(char)}")  # the last: it may be how another spelling begins
    return f"(?:{'|'.join(ways)})"


@lru_cache(maxsize=128)
def _one(char: str) -> re.Pattern[str]:
    return re.compile(_BREAK + _spelled(char))
