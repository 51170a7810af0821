"""How the rows of an impolite world are written: calls and sessions that contradict themselves, or are not rows at all.

Holds one small function a slip, from the row as it should be to JSON as it is sent, and the repeating and holding back
of rows. Which row slips is decided in `world/impolite.py`.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs

from agora_tencent_analytics.limits import MINUTE
from agora_tencent_analytics.simulator.http.exchange import Written
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import Dice
from agora_tencent_analytics.simulator.world.sessions import Session
from agora_tencent_analytics.simulator.world.world import World

Row = dict[str, Any]
Item = TypeVar("Item", int, Session)

_DIGITS = 5_000
_LEVELS = 5_000
_LETTERS = 100_000
_HALF = "\ud83d"
_YEAR_2100 = 4_102_444_800


@attrs.frozen(kw_only=True)
class Shape:
    """The vendor's names of the fields that slips change."""

    row_id: str
    """The id of the row."""
    begins: str
    """Its first second."""
    ends: str
    """Its last second."""
    over: str
    """Whether it is over."""
    name: str
    """A text that a user or a program has chosen."""
    ratio: str
    """A rate; a field that the vendor does not have, if it has none."""
    user: str = ""
    """The user, `""` if the row is not about one."""


_NO_SHAPE = Shape(row_id="", begins="", ends="", over="", name="", ratio="")


@attrs.frozen(kw_only=True)
class Draft:
    """A row before a slip is applied."""

    row: Row
    """As a polite vendor would send it."""
    dice: Dice
    """What is left to chance."""
    again: bool
    """True if it is already on the page."""


def listed(world: World, vendor: Vendor, rows: Sequence[Item], size: int, now: float) -> Sequence[Item]:
    """The rows of a listing: without those that come late, and with those that come twice, both on one page.

    Args:
        world: what is reported on.
        vendor: by whom.
        rows: indices of calls, or sessions, in the order of the listing.
        size: rows on a page.
        now: the vendor's clock, epoch seconds.
    """
    if not world.impolite:
        return rows
    told: list[Item] = []
    for row in rows:
        if world.listed_from(vendor, row) > now:
            continue
        told.append(row)
        slip = world.slip(vendor, row)
        if slip is not None and slip.name in _REPEATED and len(told) % size:
            told.append(row)
    return told


def write_rows(
    world: World, vendor: Vendor, shape: Shape, rows: Iterable[Item], polite: Callable[[Item], Row]
) -> list[Any] | Written:
    """The rows of one page as they are sent.

    Args:
        world: what is reported on.
        vendor: by whom.
        shape: how it spells its rows.
        rows: indices of calls, or sessions.
        polite: makes the row as it should be.
    """
    if not world.impolite:
        return [polite(row) for row in rows]
    told, seen = list[str](), set[object]()
    for row in rows:
        sent, slip = polite(row), world.slip(vendor, row)
        if slip is not None:
            draft = Draft(row=sent, dice=world.dice_of(vendor, row), again=row in seen)
            told.append(_text(ROWS[slip.name](shape, draft)))
            seen.add(row)
        else:
            told.append(_text(sent))
    return Written(f"[{','.join(told)}]")


def _text(value: object) -> str:
    return value.text if isinstance(value, Written) else json.dumps(value)


def user_as_told(world: World, stay: Session) -> str:
    """The id of a user, as JSON, as the row of this stay spells it."""
    slip = world.slip(stay.vendor, stay)
    broken = slip is not None and slip.name == "broken_user"
    return json.dumps(f"{stay.user_id}{_HALF}" if broken else stay.user_id)


def slip_members(
    members: Mapping[str, object], world: World, vendor: Vendor, asked: Mapping[str, Any]
) -> Mapping[str, object]:
    """The members of an answer as they are sent: rows that no shape describes slip too.

    Args:
        members: what a polite vendor would send, with rows of calls and sessions as they are sent already.
        world: what is reported on.
        vendor: by whom.
        asked: the parameters of the question.
    """
    if not world.impolite:
        return members
    question, count = zlib.crc32(repr(sorted(asked.items())).encode()), itertools.count()

    def told(value: object) -> str:
        if isinstance(value, Mapping):
            return f"{{{','.join(f'{json.dumps(name)}:{told(inner)}' for name, inner in value.items())}}}"
        if isinstance(value, list):
            return f"[{','.join(row(one) if isinstance(one, dict) else told(one) for one in value)}]"
        return _text(value)

    def row(one: Row) -> str:
        subject = (question, next(count))
        slip = world.manners.slip("row", vendor, *subject)
        if slip is None:
            return told(one)
        draft = Draft(row=one, dice=world.manners.dice("row", vendor, *subject, 1), again=False)
        return told(ROWS[slip.name](_NO_SHAPE, draft))

    return {name: Written(told(value)) for name, value in members.items()}


# --- one function a slip -----------------------------------------------------------------------------------


def _ends_at(second: Callable[[Shape, Draft], object]) -> Callable[[Shape, Draft], object]:
    def write(shape: Shape, draft: Draft) -> Row:
        return {**draft.row, shape.ends: second(shape, draft)}

    return write


def _begins_at(said: Callable[[int], object]) -> Callable[[Shape, Draft], object]:
    def write(shape: Shape, draft: Draft) -> Row:
        return {**draft.row, shape.begins: said(draft.row[shape.begins])}

    return write


def _is(field: str, *values: object) -> Callable[[Shape, Draft], object]:
    """One field of the shape, with one of these values."""

    def write(shape: Shape, draft: Draft) -> Row:
        return {**draft.row, getattr(shape, field): values[draft.dice.below(len(values))]}

    return write


def _is_row(said: Callable[[Row], object]) -> Callable[[Shape, Draft], object]:
    return lambda _, draft: said(draft.row)


def _has(text: Callable[[], str]) -> Callable[[Shape, Draft], object]:
    """A field that no vendor documents, as JSON."""
    return lambda _, draft: Written(f'{json.dumps(draft.row)[:-1]},"tags":{text()}}}')


def _early(shape: Shape, draft: Draft) -> object:
    return draft.row[shape.begins] - 1 - draft.dice.below(2 * MINUTE)


def _outlasted(shape: Shape, draft: Draft) -> object:
    begins, ends = draft.row[shape.begins], draft.row[shape.ends]
    return begins + (ends - begins) * (1 + draft.dice.below(8)) // 10 if ends else ends


def _in_ms(shape: Shape, draft: Draft) -> object:
    ends = draft.row[shape.ends]
    return ends * 1_000 if ends else ends


def _no_end(shape: Shape, draft: Draft) -> Row:
    return {name: value for name, value in draft.row.items() if name != shape.ends}


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def _named(shape: Shape, draft: Draft, ending: str) -> Row:
    return {**draft.row, shape.name: f"{draft.row[shape.name]}{ending}"}


def _half_character(shape: Shape, draft: Draft) -> object:
    return _named(shape, draft, ("\ud83d", "\udc4d")[draft.dice.below(2)])


def _raw_byte(shape: Shape, draft: Draft) -> object:
    return Written(json.dumps(_named(shape, draft, "\udcff"), ensure_ascii=False))


def _gbk(shape: Shape, draft: Draft) -> object:
    text = json.dumps(_named(shape, draft, "\u4e09\u5e74\u4e8c\u73ed"), ensure_ascii=False)
    return Written(text.encode("gbk").decode("utf-8", "surrogateescape"))


def _broken_user(shape: Shape, draft: Draft) -> object:
    return {**draft.row, shape.user: f"{draft.row[shape.user]}{_HALF}"}


def _other_user(shape: Shape, draft: Draft) -> object:
    user = draft.row[shape.user]
    other = str(user) if isinstance(user, int) else int(user) if user.isdecimal() else user
    return {**draft.row, shape.user: other}


def _key_twice(shape: Shape, draft: Draft) -> object:
    field = (shape.row_id, shape.begins, shape.name)[draft.dice.below(3)]
    return Written(f'{json.dumps(draft.row)[:-1]},"{field}":{json.dumps(draft.row[field])}}}')


def _escaped(_: Shape, draft: Draft) -> object:
    def spell(text: str) -> str:
        return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'

    members = (
        f"{spell(name)}:{spell(value) if isinstance(value, str) else json.dumps(value)}"
        for name, value in draft.row.items()
    )
    return Written(f"{{{','.join(members)}}}")


def _twice_apart(shape: Shape, draft: Draft) -> object:
    if not draft.again:
        return draft.row
    begins, ends = draft.row[shape.begins], draft.row[shape.ends]
    return {**draft.row, shape.over: False, shape.ends: (begins + ends) // 2 if ends else ends}


_ROW = _is_row(lambda row: row)

ROWS: Mapping[str, Callable[[Shape, Draft], object]] = {
    "zero_end": _is("ends", 0),
    "negative_end": _is("ends", -1),
    "early_end": _ends_at(_early),
    "instant_end": _ends_at(lambda shape, draft: draft.row[shape.begins]),
    "missing_end": _no_end,
    "outlasted": _ends_at(_outlasted),
    "end_in_ms": _ends_at(_in_ms),
    "far_end": _is("ends", _YEAR_2100),
    "unfinished": _is("over", False),
    "zero_leave": _is("ends", 0),
    "early_leave": _ends_at(_early),
    "instant_leave": _ends_at(lambda shape, draft: draft.row[shape.begins]),
    "missing_leave": _no_end,
    "leave_in_ms": _ends_at(_in_ms),
    "far_leave": _is("ends", _YEAR_2100),
    "unfinished_stay": _is("over", False),
    "odd_flag": _is("over", "yes", 1, None, "true", []),
    "begin_in_ms": _begins_at(lambda second: second * 1_000),
    "begin_as_iso": _begins_at(_iso),
    "begin_as_text": _begins_at(str),
    "begin_as_float": _begins_at(float),
    "zero_begin": _is("begins", 0),
    "null_begin": _is("begins", None),
    "half_character": _half_character,
    "raw_byte": _raw_byte,
    "gbk_name": _gbk,
    "odd_name": _is("name", 7, [], {"zh": "x"}, None),
    "broken_user": _broken_user,
    "null_user": _is("user", None),
    "other_user": _other_user,
    "nan_ratio": _is("ratio", float("nan")),
    "infinite_ratio": _is("ratio", float("inf"), float("-inf")),
    "text_ratio": _is("ratio", "12%", ""),
    "huge_integer": _has(lambda: "9" * _DIGITS),
    "deep_field": _has(lambda: "[" * _LEVELS + "]" * _LEVELS),
    "long_field": _has(lambda: f'"{"x" * _LETTERS}"'),
    "key_twice": _key_twice,
    "escaped_keys": _escaped,
    "null_row": _is_row(lambda _: None),
    "text_row": _is_row(lambda row: json.dumps(row)),
    "list_row": _is_row(lambda row: list(row.values())),
    "bare_row": _is_row(lambda _: {}),
    "null_id": _is("row_id", None),
    "empty_id": _is("row_id", ""),
    "twice": _ROW,
    "twice_apart": _twice_apart,
    "late": _ROW,
}
"""What each slip of a row makes of it, by name."""

_REPEATED = ("twice", "twice_apart")
