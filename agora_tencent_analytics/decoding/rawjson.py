"""JSON that is not quite what it should be: opened one level at a time, or read as far as it can be.

The slow way into a reply whose quick way failed: a field of an unexpected type, an unknown key, half a character, a
byte that is not UTF-8, a bare NaN, a number of thousands of digits, lists in lists without end. Each costs the value
that it stands in, and time by its length. A large text is weighed first (`bulk.py`). Holds no vendor's field names.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from agora_tencent_analytics.decoding.bulk import LARGE, check_bulk, read_portions, rows_apart

T = TypeVar("T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that it cannot read."""
UNREAD = "(unread)"
"""A key that `read` adds to an object: the text of each of its values that cannot be read as it stands, by name. In
the place of such a value is null; in the place of a text, what can be shown of it."""

_KINDS = {"{": "an object", "[": "a list", '"': "a string", "t": "true", "f": "false", "n": "null"}
_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_list = msgspec.json.Decoder(list[msgspec.Raw] | None).decode

_DEEPEST = 64
_MOST_DIGITS = 19  # of an integer that 64 bits may hold
_LONGEST = 200
_MOST_DOUBTS = 100
_LONGEST_UNKNOWN = 1 << 20
_MOST_SLOWLY = 1 << 22
"""A text of more bytes is not read the slow way, which takes a second for ten MB, and fifteen times their memory."""
_ROWS_APART = "-614889782588491: the rows"
_ROWS = b'"%b"' % _ROWS_APART.encode()
"""Stands for rows while they are read."""
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][}{]', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")
_NO_NUMBER = re.compile(rb"(?<=[:,[ ])-?(?:NaN|Infinity)(?=[],} ])")
_SWALLOWED = re.compile(r"([\udc81-\udcfe])\\")
_DEEP = "\udfff"  # begins the text that stands for what is nested too deeply: half a character, as no text has it


class _Odd:
    """Stands for a value that cannot be read, with its text."""

    __slots__ = ("raw",)

    def __init__(self, raw: str) -> None:
        self.raw = _cut(raw)


def read(body: bytes) -> Any:
    """A JSON text as Python objects; what cannot be read of it is null, and named under `UNREAD` in its object.

    Raises:
        ValueError: it is not JSON, values aside, or would become too much.
    """
    if len(body) > LARGE:
        check_bulk(body)
        with suppress(ValueError):
            return _by_portions(body)
    return _read(body)


def _by_portions(body: bytes) -> Any:
    """The same, its rows a portion at a time.

    Raises:
        ValueError: there seem to be no rows, or they cannot be read.
    """
    apart = rows_apart(body, _ROWS)
    if apart is None or apart[0].count(_ROWS) > 1:
        raise ValueError("there are no rows")
    found = _read(apart[0])
    rows = read_portions(body, apart[1], apart[2], _read, (ValueError,))
    if not _fill(found, rows):
        raise ValueError("what stands in the place of rows is lost")
    return found


def _fill(value: Any, rows: list[Any]) -> bool:
    """Puts the rows into their place; True if there is one."""
    if not isinstance(value, dict):
        return False
    for name, inside in value.items():
        if inside == _ROWS_APART:
            value[name] = rows
            return True
        if _fill(inside, rows):
            return True
    return False


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except UNREADABLE as error:
        reason = str(error) or "nested too deeply"
    if len(body) > _MOST_SLOWLY:
        raise ValueError(f"not JSON: {reason}") from None
    check_bulk(body, slowly=True)
    for readable in _decoded(body):
        try:
            return _settled(_parse(readable))[0]
        except RecursionError:
            try:
                return _settled(_parse(_shallow(readable)))[0]
            except (ValueError, RecursionError):
                continue
        except ValueError:
            continue
    raise ValueError(f"not JSON: {reason}") from None


def sound(body: bytes) -> bytes:
    """The same reply as JSON that msgspec reads to the last value; see `read`.

    Raises:
        ValueError: it is not JSON, values aside, or would become too much.
    """
    check_bulk(body, points=True)
    for same in _alike(body):
        try:
            msgspec.json.decode(same, type=msgspec.Raw)
            if same is body:
                same.decode()
        except UNREADABLE:
            continue
        return same
    return msgspec.json.encode(read(body))


def _alike(body: bytes) -> Iterator[bytes]:
    yield body
    text = body.decode("utf-8-sig", "replace").encode()
    yield text
    if len(text) > LARGE and (b"NaN" in text or b"Infinity" in text):  # which must not make objects of all points
        yield _NO_NUMBER.sub(b"null", text)


def _decoded(body: bytes) -> Iterator[str]:
    """The body as text, bytes that are no UTF-8 as halves of characters."""
    readable = body.decode("utf-8-sig", "surrogateescape")
    yield readable
    # The second byte of a Chinese character in GBK may be that of a backslash, and is then none.
    if _SWALLOWED.search(readable):
        yield _SWALLOWED.sub("\\1\udc5c", readable)


def _parse(readable: str) -> Any:
    return json.loads(readable, parse_int=_integer, parse_float=_real, parse_constant=_Odd, strict=False)


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= _MOST_DIGITS else _Odd(digits)


def _real(digits: str) -> Any:
    found = float(digits)
    return found if math.isfinite(found) else _Odd(digits)


def _shallow(readable: str) -> str:
    """The text with what is nested too deeply replaced by a text."""
    kept, done, depth, began = list[str](), 0, 0, 0
    for token in _TOKEN.finditer(readable):
        sign = token[0]
        if sign in "[{":
            depth += 1
            if depth == _DEEPEST:
                began = token.start()
        elif sign in "]}":
            if depth == _DEEPEST:
                kept += [readable[done:began], json.dumps(_DEEP + _cut(readable[began : token.end()]))]
                done = token.end()
            depth -= 1
    return "".join([*kept, readable[done:]])


def _settled(value: Any, depth: int = 0) -> tuple[Any, str | None]:
    """The value without what cannot be read; and the text of that, unless an object inside has it already."""
    if isinstance(value, str):
        return _whole(value) if _HALF.search(value) else (value, None)
    if isinstance(value, _Odd):
        return None, value.raw
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, list):
        elements = [_settled(element, depth + 1) for element in value]
        return [element for element, _ in elements], next((raw for _, raw in elements if raw is not None), None)
    if isinstance(value, dict):
        found, unread = {}, {}
        for key, member in value.items():
            name = _HALF.sub("\ufffd", key)
            found[name], raw = _settled(member, depth + 1)
            if raw is not None:
                unread[name] = raw
        return ({**found, UNREAD: unread} if unread else found), None
    return value, None


def _whole(value: str) -> tuple[str | None, str]:
    if value.startswith(_DEEP):
        return None, value.removeprefix(_DEEP)
    return _HALF.sub("\ufffd", value), _cut(json.dumps(value))


def _cut(raw: str) -> str:
    return raw if len(raw) <= _LONGEST else f"{raw[:_LONGEST]}... ({len(raw)} characters)"


def open_object(raw: bytes | msgspec.Raw | None, name: str) -> dict[str, msgspec.Raw]:
    """The fields of a JSON object, unread; none for null or what is absent.

    Raises:
        ValueError: it is something else; the message says what, and calls it `name`.
    """
    return _opened(raw, name, _object, "an object") or {}


def open_list(raw: bytes | msgspec.Raw | None, name: str, doubts: list[str] | None = None) -> list[msgspec.Raw]:
    """The elements of a JSON list, unread; none for null or what is absent.

    Args:
        raw: the list.
        name: what the messages call it.
        doubts: is told where it is something else, which has no elements then; None: that is an error.

    Raises:
        ValueError: it is something else; the message says what.
    """
    if doubts is not None and raw is not None and (kind := _kind(raw)) not in ("a list", "null"):
        doubts.append(f"{name} should be a list, not {kind}")
        return []
    return _opened(raw, name, _list, "a list") or []


def _opened(raw: bytes | msgspec.Raw | None, name: str, decode: Callable[[Any], T], due: str) -> T | None:
    if raw is None:
        return None
    check_bulk(raw if isinstance(raw, bytes) else memoryview(raw), points=True)
    try:
        return decode(raw)
    except UNREADABLE:
        raise ValueError(f"{name} should be {due}, not {_kind(raw)}") from None


def open_objects(raw: bytes | msgspec.Raw | None, name: str, doubts: list[str]) -> Iterator[dict[str, msgspec.Raw]]:
    """The objects in a JSON list, opened; what else is in it is left out, and told.

    Args:
        raw: the list.
        name: what the messages call it.
        doubts: is told what was left out, the first hundred times.

    Raises:
        ValueError: it is not a list.
    """
    for at, element in enumerate(open_list(raw, name)):
        kind = _kind(element)
        if kind == "an object":
            yield open_object(element, name)
        elif len(doubts) < _MOST_DOUBTS:
            doubts.append(f"{name}[{at}] is {kind}, where an object was expected")


def plain(raw: msgspec.Raw | None, *, rows: bool = False) -> Any:
    """The value as Python objects; None for what is absent. Of what cannot be read, as `read` has it, or the text.

    Args:
        raw: the value.
        rows: True for what becomes records. Anything else that is large is its text too, as far as a megabyte goes.

    Raises:
        ValueError: it is of rows, and would become too much.
    """
    if raw is None:
        return None
    if rows:
        check_bulk(memoryview(raw))
    elif (size := memoryview(raw).nbytes) > LARGE // 4:
        cut = f"... ({size:,} bytes)" if size > _LONGEST_UNKNOWN else ""
        return str(memoryview(raw)[:_LONGEST_UNKNOWN], "utf-8", "replace") + cut
    try:
        return shallow(msgspec.json.decode(raw))
    except UNREADABLE:
        with suppress(ValueError):
            if isinstance(found := read(bytes(raw)), dict | list):
                return found
        return bytes(raw).decode("utf-8", "replace")


def shallow(value: Any, room: int = _DEEPEST) -> Any:
    """The value, with the text in the place of what is nested too deeply to be copied, pickled or shown.

    Args:
        value: of JSON.
        room: levels that are left as they are.
    """
    if not _is_deep(value, room):
        return value
    if not room:
        try:
            return msgspec.json.encode(value).decode()
        except RecursionError:
            return "(nested too deeply)"
    if isinstance(value, list):
        return [shallow(inside, room - 1) for inside in value]
    return {name: shallow(inside, room - 1) for name, inside in value.items()}


def _is_deep(value: Any, room: int) -> bool:
    if not isinstance(value, list | dict) or not value:
        return False
    inside = value if isinstance(value, list) else value.values()
    return not room or any(_is_deep(one, room - 1) for one in inside)


def rest(fields: Mapping[str, msgspec.Raw], known: Collection[str]) -> dict[str, Any]:
    """The fields that are not `known`, read."""
    found = {key: plain(raw) for key, raw in fields.items() if key not in known}
    unread = found.pop(UNREAD, {})
    return found | {name: raw for name, raw in unread.items() if name not in known}


def beside(fields: Mapping[str, Any], known: Collection[str], payload: str | None = None) -> dict[str, Any]:
    """The fields of an object that are not `known`, nor its payload, and the text of those that could not be read."""
    found = {name: shallow(value) for name, value in fields.items() if name not in known and name != payload}
    return {**found, **found.pop(UNREAD)} if UNREAD in found else found


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


def _kind(raw: bytes | msgspec.Raw) -> str:
    begun = bytes(memoryview(raw)[:16]).lstrip()[:1].decode("latin-1")
    return _KINDS.get(begun, "a number")
