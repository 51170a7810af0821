"""Rows bend where vendors do, and break only where a record cannot be without a field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.structure import Structure

ROW: dict[str, Any] = {"id": "c1", "cname": "room", "created_ts": 10}
TABLE = Structure({Call: {"call_id": "id", "channel": "cname", "peak_users": "pcu"}})
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


@pytest.mark.parametrize(
    ("changes", "attribute", "expected"),
    [
        ({"id": 630985881}, "call_id", "630985881"),
        ({"cname": 15056678066620}, "channel", "15056678066620"),
        ({"created_ts": "1547448383"}, "created_ts", 1547448383),
        ({"created_ts": 1547448383.0}, "created_ts", 1547448383),
        ({"pcu": "12"}, "peak_users", 12),
        ({"audio_freeze_ratio": "0.064762"}, "audio_freeze_ratio", 0.064762),
        ({"audio_freeze_ratio": 1}, "audio_freeze_ratio", 1.0),
        ({"finished": 0}, "finished", False),
        ({"finished": 1}, "finished", True),
        ({"finished": "False"}, "finished", False),
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


@pytest.mark.parametrize("missing", ["id", "created_ts"])
def test_a_field_that_a_record_cannot_be_without_costs_the_row(missing: str) -> None:
    row = {name: value for name, value in ROW.items() if name != missing}
    with pytest.raises(KeyError):
        TABLE.rows([row], Call, vendor="acme")
    with pytest.raises(TypeError, match=missing):
        TABLE.rows([{**ROW, missing: None}], Call, vendor="acme")


@pytest.mark.parametrize("value", ["", "soon", [], {}])
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
