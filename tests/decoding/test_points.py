"""Whatever a vendor writes in a list of points comes out as two tidy arrays, by each of the ways through."""

from __future__ import annotations

import itertools
import json
import math
import pickle
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agora_tencent_analytics.decoding import points
from agora_tencent_analytics.decoding.points import Glance, PointForm, glance, read_points
from agora_tencent_analytics.models.columns import Columns
from tests.support.in_turn import in_turn

PAIRS, OBJECTS = PointForm.PAIRS, PointForm.OBJECTS
AGORA_SAMPLE = b"[[1548670255, 215],[1548670257, 129],[1548670259, 121]]"
TENCENT_SAMPLE = b'[{"Time": 1590065779, "Value": 0}, {"Time": 1590065781, "Value": 0.5}]'

times: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 40),
    st.integers(1_548_670_255, 1_548_670_300),
    st.floats(0, 50),
    st.sampled_from(
        [None, True, "7", "x", "1.0e1", [], {}, -1, -0.5, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**80]
    ),
)
values: st.SearchStrategy[Any] = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([None, True, "12", "", [], [1], {}, 10**30, 10**80, 2**64]),
)
rows: st.SearchStrategy[Any] = st.one_of(
    st.tuples(times, values).map(list),
    st.tuples(times, values).map(list),
    st.lists(st.one_of(times, values), max_size=4),
    st.sampled_from([None, 5, "row", {}, {"Time": 1}]),
)
layouts = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 1}])


def as_objects(row: Any) -> Any:
    """A pair as Tencent would write it, keys in either order and one more beside them."""
    if not isinstance(row, list):
        return row
    named = dict(zip(("Time", "Value", "Other"), row, strict=False))
    return dict(reversed(named.items())) if len(row) % 2 else named


def naive(chunks: list[bytes], form: PointForm, scale: float = 1.0) -> tuple[list[int], list[float], int]:
    """The same by the plainest means: times, values and how many rows had no readable time, or one that was taken."""
    found: dict[int, float] = {}
    untimed = contradicted = 0
    when: Any
    what: Any
    for row in itertools.chain.from_iterable(json.loads(chunk) or [] for chunk in chunks):
        if form is PAIRS:
            when, what = ([*row, None, None][:2]) if isinstance(row, list) else (None, None)
        else:
            when, what = (row.get("Time"), row.get("Value")) if isinstance(row, dict) else (None, None)
        try:
            if isinstance(when, bool):
                raise TypeError
            second = math.floor(float(when)) if isinstance(when, str) else math.floor(when)
            array("q", [second])
        except (TypeError, ValueError, OverflowError):
            untimed += 1
            continue
        value = math.nan
        if isinstance(what, int | float) and not isinstance(what, bool) and math.isfinite(what):
            value = what * scale
        if second not in found or math.isnan(found[second]):
            found[second] = value
        elif not math.isnan(value) and value != found[second]:
            contradicted += 1
    order = sorted(found)
    return order, [float(found[second]) for second in order], untimed + contradicted


def same(expected: list[float], actual: array[float]) -> bool:
    return [repr(float(one)) for one in expected] == [repr(one) for one in actual]


def check(chunks: list[bytes], form: PointForm, scale: float = 1.0) -> Columns:
    columns = Columns(chunks, form, scale=scale)
    seconds, numbers, dropped = naive(chunks, form, scale)
    assert seconds == list(columns.times)
    assert same(numbers, columns.values), (numbers, columns.values)
    assert dropped + sum(map(math.isnan, numbers)) == columns.odd
    return columns


@settings(max_examples=4 * settings().max_examples)
@given(st.lists(st.lists(rows, max_size=8), max_size=3), layouts, st.sampled_from([1.0, 0.001]))
def test_any_rows_read_as_a_plain_reader_reads_them(content: list[list[Any]], layout: Any, scale: float) -> None:
    check([json.dumps(chunk, **layout).encode() for chunk in content], PAIRS, scale)
    objects = [[as_objects(row) for row in chunk] for chunk in content]
    check([json.dumps(chunk, **layout).encode() for chunk in objects], OBJECTS, scale)


@settings(max_examples=2 * settings().max_examples)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=30, unique=True),
    st.lists(st.lists(values, min_size=30, max_size=30), min_size=2, max_size=4),
    st.integers(0, 29),
    st.lists(times, min_size=2, max_size=4),
    layouts,
)
def test_series_that_share_their_times_read_alike_one_after_the_other(
    seconds: list[int], series: list[list[Any]], odd_place: int, odd_times: list[Any], layout: Any
) -> None:
    seconds.sort()
    for column in series:
        check([json.dumps([list(row) for row in zip(seconds, column, strict=False)], **layout).encode()], PAIRS)
        objects = [{"Time": second, "Value": value} for second, value in zip(seconds, column, strict=False)]
        check([json.dumps(objects, **layout).encode()], OBJECTS)
    for time in odd_times:  # the same but for one time: what was remembered of the others must not leak in
        changed = [time if place == odd_place else second for place, second in enumerate(seconds)]
        check([json.dumps([list(row) for row in zip(changed, series[0], strict=False)], **layout).encode()], PAIRS)
        objects = [{"Time": second, "Value": value} for second, value in zip(changed, series[0], strict=False)]
        check([json.dumps(objects, **layout).encode()], OBJECTS)


def test_a_row_too_long_and_one_too_short_do_not_make_up_for_each_other() -> None:
    check([b"[[1,10],[2,20],[3,30]]"], PAIRS)
    crooked = check([b"[[1,10],[2,20,3],[30]]"], PAIRS)
    assert [1, 2, 30] == list(crooked.times)
    assert 1 == crooked.odd
    shifted = check([b"[[1,10,2],[20,3,30]]"], PAIRS)
    assert [1, 20] == list(shifted.times)


def test_the_flat_way_is_taken_for_a_second_series_with_the_same_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "_clock", points._Clock(b"none", array("q")))
    first = Columns(b"[[5,1],[7,2.5]]", PAIRS)
    assert [1.0, 2.5] == list(first.values)
    monkeypatch.setattr(points, "_read_structs", lambda *_: pytest.fail("went through structs"))
    monkeypatch.setattr(points, "_read_leniently", lambda *_: pytest.fail("went the lenient way"))
    second = Columns(b"[[5,null],[7,4]]", PAIRS, scale=0.5)
    assert [5, 7] == list(second.times)
    assert math.isnan(second.values[0])
    assert 2.0 == second.values[1]
    assert first.times is not second.times


def test_times_that_floats_cannot_tell_apart_stay_apart() -> None:
    check([b"[[1,0],[9007199254740992,1]]"], PAIRS)
    assert 2**53 + 1 == check([b"[[1,0],[9007199254740993,1]]"], PAIRS).times[1]
    check([b"[[-9007199254740992,1],[1,0]]"], PAIRS)


def test_the_documented_samples_read() -> None:
    agora = Columns(AGORA_SAMPLE, PAIRS)
    assert array("q", [1548670255, 1548670257, 1548670259]) == agora.times
    assert array("d", [215, 129, 121]) == agora.values
    tencent = Columns(TENCENT_SAMPLE, OBJECTS, scale=0.001)
    assert array("q", [1590065779, 1590065781]) == tencent.times
    assert array("d", [0, 0.0005]) == tencent.values
    assert 0 == agora.odd == tencent.odd


@in_turn(
    ("text", "seconds", "odd"),
    [
        (b"null", [], 0),
        (b"[]", [], 0),
        (b" [ ] ", [], 0),
        (b"[[1.0e3,2],[1001.0,3]]", [1000, 1001], 0),
        (b'[["1.0e3",2],["nan",3],["",4]]', [1000], 2),
        (b"[[1,1e400],[2,-1e400]]", [1, 2], 2),
        (b"[[1e400,1],[2,1]]", [2], 1),
        (b"[[1,NaN],[2,Infinity]]", [1, 2], 2),
        (b"[[1," + b"9" * 5000 + b"]]", [1], 1),
        (b"[[" + b"9" * 5000 + b",1]]", [], 1),
        (b'[[1,"\xff\xfe"],[2,5]]', [1, 2], 1),
        (b"[[1],[],[2,3,4]]", [1, 2], 2),
        (b"[[1,-],[2,5]]", [2], 1),
        (b"[[1,nan],[2,05],[3,6],[4 5]]", [3], 3),
        (b"[[1,2],[3,4],[5", [1, 3], 1),
        (b"[[1,2],,[3,4]]", [1, 3], 1),
        (b"[[1,2]]]", [1], 1),
        (b"[[1," + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"],[2,x]]", [], 2),
        (b"[1,2]", [], 2),
        (b"{}", [], 1),
        (b"17", [], 1),
        (b"", [], 1),
        (b"<html>", [], 1),
        (b"[" * 100_000, [], 1),
    ],
)
def test_odd_text_is_counted_and_fails_nothing(text: bytes, seconds: list[int], odd: int) -> None:
    columns = Columns(text, PAIRS)
    assert seconds == list(columns.times)
    assert odd == columns.odd
    assert len(seconds) == len(columns.values)


def test_objects_that_are_no_json_cost_only_themselves() -> None:
    columns = Columns(b'[{"Time":1,"Value":2},{"Time":3,"Value":.5},{"Value":7,"Time":5},{"Time":', OBJECTS)
    assert [(1, 2.0), (5, 7.0)] == list(zip(columns.times, columns.values, strict=True))
    assert 1 == columns.odd


@pytest.mark.parametrize(
    ("text", "expected", "contradicted"),
    [
        (b"[[2,20],[1,10]]", [(1, 10.0), (2, 20.0)], 0),
        (b"[[1,10],[1,11],[2,20]]", [(1, 10.0), (2, 20.0)], 1),
        (b"[[1,10],[1,10.0],[1,null]]", [(1, 10.0)], 0),
        (b"[[1,null],[1,11],[1,12],[1,13]]", [(1, 11.0)], 2),
        (b'[[1,"x"],[1,11]]', [(1, 11.0)], 0),
        (b"[[1.2,10],[1.7,11]]", [(1, 10.0)], 1),
    ],
)
def test_points_are_sorted_and_of_one_time_the_first_number_is_kept_and_others_are_odd(
    text: bytes, expected: list[tuple[int, float]], contradicted: int
) -> None:
    columns = Columns(text, PAIRS)
    assert expected == list(zip(columns.times, columns.values, strict=True))
    assert (contradicted, contradicted) == (columns.contradicted, columns.odd)


def test_joined_columns_count_what_other_parts_contradict_and_no_copies() -> None:
    first, other = Columns(b"[[1000000001,1],[1000000002,2]]", PAIRS), b"[[1000000002,2],[1000000003,3],[1000000001,7]]"
    copied = Columns.join([first, Columns(b"[[1000000001,1],[1000000002,2]]", PAIRS)])
    assert copied is first
    joined = Columns.join([first, Columns(other, PAIRS)])
    assert ([1.0, 2.0, 3.0], 1, 1) == (list(joined.values), joined.contradicted, joined.odd)
    assert 1 == pickle.loads(pickle.dumps(joined)).contradicted
    halves = [joined.slice(0, 1000000002, counts=True), joined.slice(1000000002, 1 << 40)]
    assert [1, 0] == [half.contradicted for half in halves], "once, in whichever half"
    clipped = Columns([other, b"[[1000000003,4]]"], PAIRS, clip=(0, 1 << 40))
    assert 1 == clipped.contradicted


@given(st.lists(st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 9))), max_size=6)))
def test_joined_columns_equal_the_columns_of_all_chunks(windows: list[list[tuple[int, int | None]]]) -> None:
    chunks = [json.dumps(window).encode() for window in windows]
    joined = Columns.join([Columns(chunk, PAIRS) for chunk in chunks])
    assert not joined.is_read
    seconds, numbers, _ = naive(chunks, PAIRS)
    if len(windows) > 1:
        assert Columns(chunks, PAIRS).times == joined.times
    assert set(seconds) == set(joined.times)
    missing = {second for second, number in zip(seconds, numbers, strict=True) if math.isnan(number)}
    assert missing == {t for t, v in zip(joined.times, joined.values, strict=True) if math.isnan(v)}
    assert Columns.of(seconds, numbers) == joined


@given(data=st.data(), form=st.sampled_from(PointForm))
def test_a_glance_tells_what_decoding_does_of_points_in_order(data: st.DataObject, form: PointForm) -> None:
    times = sorted(data.draw(st.sets(st.integers(10**9, 2 * 10**9), min_size=1, max_size=9)))
    values = [data.draw(st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)) for _ in times]
    pairs = zip(times, values, strict=True)
    rows = [[at, what] if form is PointForm.PAIRS else {"Time": at, "Value": what} for at, what in pairs]
    chunk = msgspec.json.encode(rows)
    found = read_points(chunk, form, 1.0)
    assert Glance(found.times[0], found.times[-1], len(found.times), len(chunk)) == glance(chunk, form)


@pytest.mark.parametrize("form", PointForm)
@example(chunk=b"0000000001,")
@given(chunk=st.binary(max_size=40) | st.text('[]{}",:TimeValue 0123456789-.', max_size=60).map(str.encode))
def test_a_glance_at_anything_else_raises_nothing(form: PointForm, chunk: bytes) -> None:
    seen = glance(chunk, form)
    assert seen is None or (len(str(seen.first)) <= 10 and seen.rows >= 0)
