"""What of an answer could not be read: rows are set aside one by one, in order, each with its place and its text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.decoding.flaws import NO_FLAWS, Flaws


def ids(rows: Sequence[Any]) -> list[int]:
    return [int(row["id"]) for row in rows]


rows_at_random = st.lists(
    st.fixed_dictionaries({"id": st.integers()})
    | st.fixed_dictionaries({"id": st.none() | st.just("x")})
    | st.none()
    | st.text(max_size=3)
    | st.lists(st.integers(), max_size=2)
    | st.just({}),
    max_size=12,
)


@given(rows_at_random)
def test_each_row_is_read_or_set_aside_at_its_place(rows: list[Any]) -> None:
    flaws = Flaws(by_row=True)
    good = [at for at, row in enumerate(rows) if isinstance(row, dict) and isinstance(row.get("id"), int)]
    assert [rows[at]["id"] for at in good] == flaws.each(rows[:], ids)
    bad = [at for at in range(len(rows)) if at not in good]
    assert [(at, json.dumps(rows[at])) for at in bad] == [(one.place, one.text) for one in flaws.rows]
    assert bool(bad) == bool(flaws.rows)


def test_rows_are_read_together_unless_by_row() -> None:
    calls = list[int]()

    def read(rows: Sequence[Any]) -> list[int]:
        calls.append(len(rows))
        return ids(rows)

    assert [1, 2] == Flaws().each([{"id": 1}, {"id": 2}], read)
    assert [1, 2] == Flaws(by_row=True).each([{"id": 1}, {"id": 2}], read)
    assert [2, 1, 1] == calls
    with pytest.raises(KeyError):
        Flaws().each([{"id": 1}, {}], read)


@pytest.mark.parametrize("rows", [None, {}, "rows", 7])
def test_what_is_no_list_of_rows_is_an_error_either_way(rows: Any) -> None:
    for flaws in (Flaws(), Flaws(by_row=True)):
        with pytest.raises(TypeError, match="expected a list of rows"):
            flaws.each(rows, ids)


def test_equal_rows_are_told_apart_by_their_number_and_empty_ones_say_nothing() -> None:
    flaws = Flaws(by_row=True)
    flaws.each([{}, {"id": None}, {}, {"name": "x"}, {"name": "x"}], ids)
    assert [(0, 0, False), (1, 0, False), (2, 1, False), (3, 0, True), (4, 1, True)] == [
        (one.place, one.equal, one.says_something) for one in flaws.rows
    ]


def test_a_row_is_told_as_it_came_though_its_reader_has_changed_it() -> None:
    def spoil(rows: Sequence[Any]) -> list[int]:
        rows[0].clear()
        raise ValueError("no id")

    flaws = Flaws(by_row=True)
    assert [] == flaws.each([{"id": 1}], spoil)
    assert [('{"id": 1}', "no id")] == [(one.text, one.reason) for one in flaws.rows]


def test_rows_inside_rows_count_in_their_place() -> None:
    flaws = Flaws(by_row=True)

    def groups(rows: Sequence[Any]) -> list[int]:
        return [one for row in rows for one in flaws.each(row["content"], ids)]

    content = [{"content": [{"id": 1}, {}, {"id": 2}]}, {"content": None}, {"content": [{"id": 3}]}]
    assert [1, 2, 3] == flaws.each(content, groups)
    assert [(1, "{}"), (3, '{"content": null}')] == [(one.place, one.text) for one in flaws.rows]


def test_a_row_too_deep_to_be_quoted_is_told_all_the_same() -> None:
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    flaws = Flaws(by_row=True)
    assert [2] == flaws.each([deep, {"id": 2}], ids)
    assert ["(nested too deeply)"] == [one.text for one in flaws.rows]


def test_what_stands_inside_a_row_that_can_be_without_it_is_left_out_of_it() -> None:
    assert ([1], [{}, {"id": "x"}]) == Flaws(by_row=True).apart([{"id": 1}, {}, {"id": "x"}], ids)
    with pytest.raises(KeyError):
        Flaws().apart([{"id": 1}, {}], ids)


def test_fields_are_counted_and_no_flaws_are_none() -> None:
    flaws = Flaws()
    flaws.odd(["name", "ratio"])
    flaws.odd(["name"])
    assert ({"name": 2, "ratio": 1}, {}) == (flaws.fields, NO_FLAWS.fields)
