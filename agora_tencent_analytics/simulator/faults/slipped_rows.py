"""The slips of rows: calls and sessions that contradict themselves, or are not rows at all.

Each slip is one row of a table, with a small function from the row as it should be to JSON as it is sent. Which row
slips is decided in `world/impolite.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs

from agora_tencent_analytics.limits import MINUTE
from agora_tencent_analytics.simulator.faults.slip import Outcome, Place, Slip, slip
from agora_tencent_analytics.simulator.http.exchange import Written
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import Dice

HALF_CHARACTER = "\ud83d"
"""One half of a surrogate pair."""

_LEVELS = 5_000
_YEAR_2100 = 4_102_444_800
_ODD_FLAGS: tuple[object, ...] = ("yes", 1, None, "true", [])

Row = dict[str, Any]


@attrs.frozen(kw_only=True)
class Shape:
    """The vendor's names of the fields that slips change, `""` for one that the row does not have."""

    row_id: str = ""
    """The id of the row."""
    begins: str = ""
    """Its first second."""
    ends: str = ""
    """Its last second."""
    over: str = ""
    """Whether it is over."""
    name: str = ""
    """A text that a user or a program has chosen."""
    ratio: str = ""
    """A rate; a field that the vendor does not have, if it has none."""
    user: str = ""
    """The user."""


@attrs.frozen
class Draft:
    """A row before a slip is applied."""

    shape: Shape
    """How its fields are spelt."""
    row: Row
    """As a polite vendor would send it."""
    dice: Dice
    """What is left to chance."""
    again: bool = False
    """True if it is already on the page."""

    def __getitem__(self, field: str) -> Any:
        """What it says in a field of the shape."""
        return self.row[getattr(self.shape, field)]

    def but(self, **changes: object) -> Row:
        """The row, with other values in these fields of the shape."""
        return {**self.row, **{getattr(self.shape, field): value for field, value in changes.items()}}

    def and_then(self, member: str) -> Written:
        """The row with one more member, as JSON."""
        return Written(f"{json.dumps(self.row)[:-1]},{member}}}")


Write = Callable[[Draft], object]


def _is(field: str, *values: object) -> Write:
    """The field of the shape has one of these values."""
    return lambda draft: draft.but(**{field: draft.dice.pick(values)})


def _has(text: str) -> Write:
    """The row has a field that no vendor documents, with this JSON."""
    return lambda draft: draft.and_then(f'"tags":{text}')


def _begins(said: Callable[[int], object]) -> Write:
    return lambda draft: draft.but(begins=said(draft["begins"]))


def _as_iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def _ends_early(draft: Draft) -> Row:
    return draft.but(ends=draft["begins"] - 1 - draft.dice.below(2 * MINUTE))


def _ends_at_once(draft: Draft) -> Row:
    return draft.but(ends=draft["begins"])


def _ends_in_ms(draft: Draft) -> Row:
    return draft.but(ends=draft["ends"] and draft["ends"] * 1_000)


def _has_no_end(draft: Draft) -> Row:
    return {name: value for name, value in draft.row.items() if name != draft.shape.ends}


def _ends_before_its_sessions(draft: Draft) -> Row:
    begins, ends = draft["begins"], draft["ends"]
    return draft.but(ends=ends and begins + (ends - begins) * (1 + draft.dice.below(8)) // 10)


def _named(draft: Draft, ending: str) -> Row:
    return draft.but(name=f"{draft['name']}{ending}")


def _half_character(draft: Draft) -> Row:
    return _named(draft, draft.dice.pick((HALF_CHARACTER, "\udc4d")))


def _raw_byte(draft: Draft) -> Written:
    return Written(json.dumps(_named(draft, "\udcff"), ensure_ascii=False))


def _in_gbk(draft: Draft) -> Written:
    text = json.dumps(_named(draft, "\u4e09\u5e74\u4e8c\u73ed"), ensure_ascii=False)
    return Written(text.encode("gbk").decode("utf-8", "surrogateescape"))


def _broken_user(draft: Draft) -> Row:
    return draft.but(user=f"{draft['user']}{HALF_CHARACTER}")


def _other_user(draft: Draft) -> Row:
    user = draft["user"]
    return draft.but(user=str(user) if isinstance(user, int) else int(user) if user.isdecimal() else user)


def _key_twice(draft: Draft) -> Written:
    field = draft.dice.pick((draft.shape.row_id, draft.shape.begins, draft.shape.name))
    return draft.and_then(f'"{field}":{json.dumps(draft.row[field])}')


def _escaped(draft: Draft) -> Written:
    def spell(value: object) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        return '"' + "".join(f"\\u{ord(letter):04x}" for letter in value) + '"'

    return Written(f"{{{','.join(f'{spell(name)}:{spell(value)}' for name, value in draft.row.items())}}}")


def _unended(draft: Draft) -> Row:
    begins, ends = draft["begins"], draft["ends"]
    return draft.but(over=False, ends=ends and (begins + ends) // 2) if draft.again else draft.row


def _as_it_is(draft: Draft) -> Row:
    return draft.row


_CALL: tuple[Place, ...] = ("call",)
_STAY: tuple[Place, ...] = ("session",)
_BOTH: tuple[Place, ...] = ("call", "session")
_ANY: tuple[Place, ...] = ("call", "session", "row")


def _row(
    name: str, places: tuple[Place, ...], said: str, write: Write, *, so: Outcome, by: Vendor | None = None
) -> tuple[Slip, Write]:
    return slip(name, said, *places, so=so, by=by), write


_read, _doubted, _lost = partial(_row, so="read"), partial(_row, so="doubted"), partial(_row, so="lost")


_TABLE = (
    # A life that contradicts itself.
    _read("zero_end", _CALL, "a call that is over ended at 0", _is("ends", 0)),
    _read("negative_end", _CALL, "it ended at -1", _is("ends", -1)),
    _read("early_end", _CALL, "it ended some seconds before it began", _ends_early),
    _read("instant_end", _CALL, "it ended in the second in which it began", _ends_at_once),
    _read("missing_end", _CALL, "it is over, and has no end", _has_no_end),
    _read("outlasted", _CALL, "it ended before its sessions did", _ends_before_its_sessions),
    _read("end_in_ms", _CALL, "it ended at a number of milliseconds", _ends_in_ms),
    _read("far_end", _CALL, "it ended in the year 2100", _is("ends", _YEAR_2100)),
    _read("unfinished", _CALL, "it is over, but said to be running still", _is("over", False)),
    _read("zero_leave", _STAY, "a session that is over ended at 0", _is("ends", 0)),
    _read("early_leave", _STAY, "it ended some seconds before it began", _ends_early),
    _doubted("instant_leave", _STAY, "it ended in the second in which it began", _ends_at_once),
    _read("missing_leave", _STAY, "it is over, and has no end", _has_no_end),
    _read("leave_in_ms", _STAY, "it ended at a number of milliseconds", _ends_in_ms),
    _read("far_leave", _STAY, "it ended in the year 2100", _is("ends", _YEAR_2100)),
    _read("unfinished_stay", _STAY, "it is over, but said to last still", _is("over", False)),
    _read(
        "odd_flag",
        _BOTH,
        "whether it is over is told by a word, a number or null",
        _is("over", *_ODD_FLAGS),
    ),
    # Beginnings that are not epoch seconds.
    _doubted("begin_in_ms", _BOTH, "it began at a number of milliseconds", _begins(lambda s: s * 1_000)),
    _doubted("begin_as_iso", _BOTH, "it began at an ISO 8601 date", _begins(_as_iso)),
    _doubted("begin_as_text", _BOTH, "the second in which it began stands in quotes", _begins(str)),
    _read("begin_as_float", _BOTH, "the second in which it began has a decimal point", _begins(float)),
    _doubted("zero_begin", _BOTH, "it began at 0", _is("begins", 0)),
    _doubted("null_begin", _BOTH, "it began at null", _is("begins", None)),
    # What users and programs choose.
    _read("half_character", _BOTH, "a name holds one half of a surrogate pair", _half_character),
    _read("raw_byte", _BOTH, "a name holds a byte that is not UTF-8", _raw_byte),
    _read("gbk_name", _BOTH, "a row is written in GBK", _in_gbk),
    _read("odd_name", _BOTH, "a name is a number, a list, an object or null", _is("name", 7, [], {"zh": "x"}, None)),
    _doubted("broken_user", _STAY, "a user's id holds one half of a surrogate pair", _broken_user, by="tencent"),
    _doubted("null_user", _STAY, "a user's id is null", _is("user", None)),
    _read("other_user", _STAY, "a user's id is text where a number is due, or the other way round", _other_user),
    # Numbers and bombs.
    _read("nan_ratio", _BOTH, "a rate is a bare NaN", _is("ratio", float("nan"))),
    _read("infinite_ratio", _BOTH, "a rate is a bare Infinity", _is("ratio", float("inf"), float("-inf"))),
    _read("text_ratio", _BOTH, "a rate is a text", _is("ratio", "12%", "")),
    _read("huge_integer", _ANY, "an unknown field holds an integer of 5,000 digits", _has("9" * 5_000)),
    _read("deep_field", _ANY, "an unknown field holds a list nested 5,000 deep", _has("[" * _LEVELS + "]" * _LEVELS)),
    _read("long_field", _ANY, "an unknown field holds a text of 100,000 characters", _has(f'"{"x" * 100_000}"')),
    _read("key_twice", _BOTH, "a row has one of its keys twice", _key_twice),
    _read("escaped_keys", _ANY, "every letter of a row is written as an escape", _escaped),
    # Rows that are not rows.
    _lost("null_row", _ANY, "a row is null", lambda _: None),
    _lost("text_row", _ANY, "a row is a text", lambda draft: json.dumps(draft.row)),
    _lost("list_row", _ANY, "a row is a list of its values", lambda draft: list(draft.row.values())),
    _lost("bare_row", _ANY, "a row is an object of nothing", lambda _: {}),
    _lost("null_id", _BOTH, "the id of a row is null", _is("row_id", None)),
    _lost("empty_id", _BOTH, "the id of a row is an empty text", _is("row_id", "")),
    # The same again, and late.
    _read("twice", _BOTH, "a row stands twice on its page, and the total counts it", _as_it_is),
    _read("twice_apart", _BOTH, "a row stands twice on its page, the second time as it was while it lasted", _unended),
    _doubted("late", _BOTH, "a row is listed only some while after it is over", _as_it_is),
)

SLIPS_OF_ROWS: tuple[Slip, ...] = tuple(slip for slip, _ in _TABLE)
"""Every kind of slip of a row."""
ROWS: Mapping[str, Write] = {slip.name: write for slip, write in _TABLE}
"""What each makes of a row, by name."""
REPEATED = ("twice", "twice_apart")
"""Those of a row that stands on its page twice."""
