"""Rows bend where vendors do, and break only where a record cannot be without a field."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.decoding.rows import Structure, says_no
from agora_tencent_analytics.models.calls import Call, Session
from tests.support.in_turn import in_turn

ROW: dict[str, Any] = {"id": "c1", "cname": "room", "created_ts": 10}
NAMES: Mapping[type, Mapping[str, str]] = {Call: {"call_id": "id", "channel": "cname", "peak_users": "pcu"}}
TABLE = Structure(NAMES)
ORDER = [field.name for field in attrs.fields(Call)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MAY_RAISE = (ValueError, TypeError, KeyError, AttributeError)


def call(**changes: Any) -> Call:
    (made,) = TABLE.rows([{**ROW, **changes}], Call, vendor="acme")
    return made


def test_a_row_becomes_a_record_by_the_table_of_names() -> None:
    expected = Call(vendor="acme", call_id="c1", channel="room", created_ts=10, peak_users=3)
    assert expected == call(pcu=3)


def test_unknown_fields_are_kept_as_sent() -> None:
    assert {"new": [1, None], "peak_users": 7} == call(new=[1, None], peak_users=7).extra


def test_fields_called_like_ours_do_not_take_their_place() -> None:
    made = call(vendor="evil", extra={"a": 1}, call_id="other", channel="other")
    assert ("acme", "c1", "room") == (made.vendor, made.call_id, made.channel)
    assert {"vendor": "evil", "extra": {"a": 1}, "call_id": "other", "channel": "other"} == made.extra


@in_turn(
    ("changes", "attribute", "expected"),
    [
        ({"id": 630985881}, "call_id", "630985881"),
        ({"cname": 15056678066620}, "channel", "15056678066620"),
        ({"cname": 5.0}, "channel", "5"),
        ({"cname": 5.5}, "channel", "5.5"),
        ({"cname": float("inf")}, "channel", "inf"),
        ({"created_ts": "1547448383"}, "created_ts", 1547448383),
        ({"created_ts": 1547448383.0}, "created_ts", 1547448383),
        ({"pcu": "12"}, "peak_users", 12),
        ({"audio_freeze_ratio": "0.064762"}, "audio_freeze_ratio", 0.064762),
        ({"audio_freeze_ratio": 1}, "audio_freeze_ratio", 1.0),
        ({"finished": 0}, "finished", False),
        ({"finished": 1}, "finished", True),
        ({"finished": "False"}, "finished", False),
        ({"finished": "FALSE"}, "finished", False),
        ({"finished": "true"}, "finished", True),
        ({"finished": None}, "finished", True),
        ({"pcu": None}, "peak_users", None),
        ({"cname": None}, "channel", ""),
    ],
)
def test_a_field_of_another_kind_is_read(changes: dict[str, Any], attribute: str, expected: object) -> None:
    found = getattr(call(**changes), attribute)
    assert expected == found
    assert type(expected) is type(found)
    assert {} == call(**changes).extra


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pcu", "many"),
        ("pcu", []),
        ("pcu", 2**63),
        ("pcu", -(10**30)),
        ("pcu", 1e300),
        ("audio_freeze_ratio", {"share": 1}),
        ("finished", "perhaps"),
        ("finished", 0.5),
        ("destroyed_ts", "now"),
        ("destroyed_ts", float("inf")),
    ],
)
def test_an_unreadable_field_that_a_record_can_be_without_is_set_aside(name: str, value: Any) -> None:
    made = call(**{name: value, "new": 1})
    assert {name: value, "new": 1} == made.extra
    assert Call(vendor="acme", call_id="c1", channel="room", created_ts=10) == attrs.evolve(made, extra={})


def test_one_garbled_row_leaves_the_others_alone() -> None:
    rows = [{**ROW, "pcu": 1}, {**ROW, "id": "c2", "pcu": "many"}, {**ROW, "id": "c3", "pcu": 3}]
    found = TABLE.rows(rows, Call, vendor="acme")
    assert [("c1", 1), ("c2", None), ("c3", 3)] == [(made.call_id, made.peak_users) for made in found]
    assert [{}, {"pcu": "many"}, {}] == [dict(made.extra) for made in found]


@in_turn("value", [False, True, 0, 1, "false", "FALSE", "true", "perhaps", 0.0, None, [], {}])
def test_no_is_what_a_flag_reads_as_false(value: Any) -> None:
    assert says_no(value) == (call(finished=value).finished is False)


@pytest.mark.parametrize("missing", ["id", "created_ts"])
def test_a_field_that_a_record_cannot_be_without_costs_the_row(missing: str) -> None:
    row = {name: value for name, value in ROW.items() if name != missing}
    with pytest.raises(KeyError):
        TABLE.rows([row], Call, vendor="acme")
    with pytest.raises(TypeError, match=missing):
        TABLE.rows([{**ROW, missing: None}], Call, vendor="acme")


@pytest.mark.parametrize("value", ["", "soon", [], {}, -(10**30)])
def test_an_unreadable_moment_costs_the_row(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        call(created_ts=value)


@pytest.mark.parametrize("row", [None, 1, "call", [], [1], True])
def test_a_row_that_is_no_object_is_an_error(row: object) -> None:
    with pytest.raises(MAY_RAISE):
        TABLE.rows([row], Call, vendor="acme")


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["SPEAKER", "SCREEN_SHARER"], ("SPEAKER", "SCREEN_SHARER")),
        ("Cloud Recording", ("Cloud Recording",)),
        ("Interative Live Streaming(ILS)", ("Interative Live Streaming(ILS)",)),
        ("", ()),
        ([], ()),
        (None, ()),
        ([1, "x"], ("1", "x")),
        (7, ()),
    ],
)
def test_roles_are_an_open_list(roles: object, expected: tuple[str, ...]) -> None:
    row = {"session_id": "s", "user_id": 1, "join_ts": 1, "roles": roles, "network": "6G", "platform": "BeOS"}
    (made,) = Structure().rows([row], Session, vendor="acme", call_id="c")
    assert (expected, "6G", "BeOS", "1") == (made.roles, made.network, made.platform, made.user_id)


def test_what_cannot_be_read_and_is_nested_deeply_is_kept_as_text() -> None:
    deep = json.loads("[" * 300 + "]" * 300)
    (made,) = TABLE.rows([{**ROW, "pcu": deep}], Call, vendor="acme")
    within = json.dumps(made.extra["pcu"])
    assert 64 == within.split('"')[0].count("[")


def test_a_record_made_of_a_row_is_like_any_other() -> None:
    made, again = TABLE.rows([{**ROW, "pcu": 3}, {**ROW, "pcu": 3}], Call, vendor="acme")
    expected = Call(vendor="acme", call_id="c1", channel="room", created_ts=10, peak_users=3)
    assert Call is type(made)
    assert (expected, repr(expected), list(vars(expected))) == (made, repr(made), sorted(vars(made), key=ORDER.index))
    assert made == pickle.loads(pickle.dumps(made)) == copy.deepcopy(made)
    assert attrs.asdict(expected) == attrs.asdict(made)
    assert 4 == attrs.evolve(made, peak_users=4).peak_users
    assert made.extra is not again.extra
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made.channel = "other"  # type: ignore[misc]


@attrs.frozen(kw_only=True, slots=False)
class Checked:
    """A model that checks what it is given."""

    size: int = attrs.field(validator=attrs.validators.lt(5))


def one_more(size: int) -> int:
    return size + 1


@attrs.frozen(kw_only=True, slots=False)
class Converted:
    """A model that changes what it is given."""

    size: int = attrs.field(converter=one_more)


@attrs.frozen(kw_only=True, slots=False)
class Completed:
    """A model that adds to what it is given."""

    size: int
    double: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "double", 2 * self.size)


@attrs.frozen(slots=False)
class Own:
    """A model with an `__init__` of its own."""

    size: int

    def __init__(self, size: int) -> None:
        self.__attrs_init__(size=-size)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        (Converted, "4", {"size": 5}),
        (Completed, 4, {"size": 4, "double": 8}),
        (Own, 4, {"size": -4}),
        (Checked, 4, {"size": 4}),
    ],
)
def test_a_model_that_does_more_than_store_does_it(model: type[Any], size: Any, expected: dict[str, int]) -> None:
    for _ in range(2):
        (made,) = Structure().rows([{"size": size}], model)
        assert expected == vars(made)
    with pytest.raises(ValueError, match="must be < 5"):
        Structure().rows([{"size": 5}], Checked)


@attrs.frozen(kw_only=True)
class Plain:
    """A model without `extra`."""

    name: str
    size: int = 0


def test_a_model_without_extra_drops_what_it_does_not_know() -> None:
    assert [Plain(name="a", size=2)] == Structure().rows([{"name": "a", "size": "2", "new": 1}], Plain)


@given(st.dictionaries(st.sampled_from(["id", "cname", "created_ts", "pcu", "finished", "extra", "vendor", "x"]), JSON))
def test_any_object_becomes_a_record_or_one_of_four_errors(row: Mapping[str, Any]) -> None:
    try:
        (made,) = TABLE.rows([json.loads(json.dumps(row))], Call, vendor="acme")
    except (*MAY_RAISE, ArithmeticError):
        return
    kinds = (type(made.call_id), type(made.created_ts), type(made.finished), type(made.channel))
    assert (str, int, bool, str) == kinds
    assert "acme" == made.vendor
