"""A cursor survives its text, tells nobody what was asked, and takes no garbage."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.paging.cursor import Ahead, Cursor, fingerprint
from agora_tencent_analytics.timerange import TimeRange
from tests.support.in_turn import in_turn

COUNTS = st.integers(0, 10_000)
RANGES = st.tuples(st.integers(0, 2_000_000_000), st.integers(1, 10_000_000)).map(
    lambda pair: TimeRange(pair[0], pair[0] + pair[1])
)
FIGURES = st.floats(0, 1e6)


@st.composite
def ahead_of(draw: st.DrawFn, window: TimeRange) -> Ahead:
    """What a reader of a window without pages may know of the rows to come."""
    ends = sorted(draw(st.sets(st.integers(window.end, window.end + 10_000), min_size=1, max_size=6)))
    return Ahead(
        end=ends[-1],
        known=tuple(draw(st.lists(st.tuples(st.binary(min_size=16, max_size=16), COUNTS), max_size=5))),
        pieces=draw(st.sampled_from([(), tuple((end, draw(FIGURES)) for end in ends)])),
        near=(draw(FIGURES), draw(FIGURES)),
    )


PLAIN = st.builds(
    Cursor,
    question=COUNTS,
    mark=st.text(alphabet="0123456789abcdef", max_size=24),
    over=st.none() | RANGES,
    stack=st.lists(st.tuples(RANGES, COUNTS), max_size=5).map(tuple),
    window=st.none() | RANGES,
    number=COUNTS,
    size=COUNTS,
    total=st.none() | COUNTS,
    shown=COUNTS,
    barren=COUNTS,
    longest=COUNTS,
)
CURSORS = PLAIN | st.tuples(PLAIN, RANGES.flatmap(lambda window: st.tuples(st.just(window), ahead_of(window)))).map(
    lambda pair: msgspec.structs.replace(pair[0], window=pair[1][0], ahead=pair[1][1])
)


def spelt(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


@given(CURSORS)
def test_a_cursor_survives_its_text(cursor: Cursor) -> None:
    assert cursor == Cursor.read(cursor.text())


@given(CURSORS)
def test_the_text_needs_no_quoting_in_a_url(cursor: Cursor) -> None:
    assert cursor.text().replace("-", "").replace("_", "").isalnum()


GOOD = {
    "question": 0,
    "mark": "ab",
    "over": {"start": 1, "end": 2},
    "stack": [[{"start": 3, "end": 4}, 0]],
    "window": None,
    "number": 1,
    "size": 100,
    "total": None,
    "shown": 0,
    "barren": 0,
    "longest": 3,
}
SOON = {
    "end": 90,
    "known": [["AAAA", 12]],
    "pieces": [[30, 5.0], [90, 0.5]],
    "near": [1.0, 2.0],
    "promised": 9,
    "came": 1,
}
AHEAD = {**GOOD, "window": {"start": 10, "end": 20}, "ahead": SOON}


def good(**changed: object) -> str:
    return spelt([5, {**GOOD, **changed}])


def ahead(**changed: object) -> str:
    return spelt([5, {**AHEAD, "ahead": {**SOON, **changed}}])


def test_the_good_examples_of_this_file_are_good() -> None:
    assert TimeRange(1, 2) == Cursor.read(good()).over
    assert ((30, 5.0), (90, 0.5)) == getattr(Cursor.read(ahead()).ahead, "pieces", None)


@in_turn(
    "text",
    [
        *[
            "",
            "garbage",
            "äöü",
            "AAAA",
            spelt(None),
            spelt([]),
            spelt({}),
            spelt([5]),
            spelt([5, {}]),
            spelt([4, GOOD]),
        ],
        *[good(question=-1), good(question="zero"), good(mark=7), good(number=-1), good(size=-100), good(total=-1)],
        *[good(shown=-1), good(barren=1e400), good(longest=-3), good(over=[1, 2]), good(over={"start": 2, "end": 1})],
        *[good(over={"start": 1_790_000_000_000, "end": 1_790_000_001_000}), good(window="now"), good(stack=5)],
        *[good(stack=[[{"start": 3, "end": 4}]]), good(stack=[[{"start": 3, "end": 4}, -1]]), good(token=7)],
        *[spelt([5, {**AHEAD, "window": None}]), spelt([5, {**AHEAD, "ahead": []}]), ahead(end=15)],
        *[ahead(known=[["AAAA"]]), ahead(known=[["A", 12]]), ahead(pieces=[[10, 5.0], [90, 0.5]])],
        *[ahead(pieces=[[30, 5.0], [80, 0.5]]), ahead(pieces=[[90, 5.0], [30, 0.5]]), ahead(pieces=[[90, -5.0]])],
        *[ahead(near=[1.0]), ahead(near=[1.0, 1e400]), ahead(near=[-1.0, 0.0])],
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        b"bytes",
        7,
    ],
)
def test_garbage_is_bad_input_and_nothing_else(text: str) -> None:
    with pytest.raises(BadInput):
        Cursor.read(text)


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        Cursor.read(text)


@given(CURSORS, st.data())
def test_a_cut_cursor_is_bad_input(cursor: Cursor, data: st.DataObject) -> None:
    text = cursor.text()
    with pytest.raises(BadInput):
        Cursor.read(text[: data.draw(st.integers(0, len(text) - 2))])


def test_the_fingerprint_tells_questions_apart() -> None:
    marks = {
        fingerprint("call/lists", {}, 100),
        fingerprint("call/sessions", {}, 100),
        fingerprint("call/lists", {"cname": "a"}, 100),
        fingerprint("call/lists", {"cname": "b"}, 100),
        fingerprint("call/lists", {"uids": ["1", "2"]}, 100),
        fingerprint("call/lists", {"uids": ["12"]}, 100),
        fingerprint("call/lists", {}, 50),
    }
    assert 7 == len(marks)


def test_the_fingerprint_knows_no_order_of_parameters_and_names_none() -> None:
    first = fingerprint("row", {"channel": "secret-room", "uids": ["42"]}, 1)
    assert first == fingerprint("row", {"uids": ["42"], "channel": "secret-room"}, 1)
    assert "secret" not in first
