"""JSON opened one level at a time: what is inside stays text until somebody needs it.

The slow way into a reply whose quick way failed: a field of an unexpected type, an unknown key, a byte that
is not UTF-8, a bare NaN. Holds no vendor's field names.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that it cannot read."""

_KINDS = {"{": "an object", "[": "a list", '"': "a string", "t": "true", "f": "false", "n": "null"}
_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_list = msgspec.json.Decoder(list[msgspec.Raw] | None).decode


def sound(body: bytes) -> bytes:
    """The same reply as JSON that msgspec reads: bytes that are not UTF-8 replaced, a bare NaN or Infinity kept out.

    Raises:
        ValueError: it is not JSON at all.
    """
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode()
        return body
    except UNREADABLE as error:
        reason = str(error) or "nested too deeply"
    readable = body.decode("utf-8-sig", "replace")
    # Read the whole again as objects only where that can help: a cut reply of 15 MB must not cost that.
    if b"NaN" in body or b"Infinity" in body:
        try:
            # msgspec writes what is not finite as null, which is what it means here.
            return msgspec.json.encode(json.loads(readable, parse_int=_integer))
        except (ValueError, RecursionError, OverflowError):
            raise ValueError(f"not JSON: {reason}") from None
    try:
        msgspec.json.decode(readable, type=msgspec.Raw)
    except UNREADABLE:
        raise ValueError(f"not JSON: {reason}") from None
    return readable.encode()


def open_object(raw: bytes | msgspec.Raw | None, name: str) -> dict[str, msgspec.Raw]:
    """The fields of a JSON object, unread; none for null or what is absent.

    Raises:
        ValueError: it is something else; the message says what, and calls it `name`.
    """
    if raw is None:
        return {}
    try:
        return _object(raw) or {}
    except UNREADABLE:
        raise ValueError(f"{name} should be an object, not {_kind(raw)}") from None


def open_list(raw: bytes | msgspec.Raw | None, name: str) -> list[msgspec.Raw]:
    """The elements of a JSON list, unread; none for null or what is absent.

    Raises:
        ValueError: it is something else; the message says what, and calls it `name`.
    """
    if raw is None:
        return []
    try:
        return _list(raw) or []
    except UNREADABLE:
        raise ValueError(f"{name} should be a list, not {_kind(raw)}") from None


def plain(raw: msgspec.Raw | None) -> Any:
    """The value as Python objects; None for what is absent, the text itself where it cannot be read."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return bytes(raw).decode("utf-8", "replace")


def rest(fields: Mapping[str, msgspec.Raw], known: Collection[str]) -> dict[str, Any]:
    """The fields that are not `known`, read."""
    return {key: plain(raw) for key, raw in fields.items() if key not in known}


def text(value: Any) -> str:
    """A scalar as text: `""` for null, whole floats without their fraction, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)


def number(value: Any) -> int | None:
    """A whole number, also where it is spelt as text or float; None for anything else."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        return None
    return int(value)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)  # msgspec writes none beyond 64 bits


def _kind(raw: bytes | msgspec.Raw) -> str:
    begun = bytes(raw).lstrip()[:1].decode("latin-1")
    return _KINDS.get(begun, "a number")
