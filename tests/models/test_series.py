"""Columns: whatever a vendor writes in a list of points is read once, late, and shared."""

from __future__ import annotations

import gc
import json
import math
import pickle
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.decoding.points import PointForm
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.series import MetricSeries

PAIRS, OBJECTS = PointForm.PAIRS, PointForm.OBJECTS
AGORA_SAMPLE = b"[[1548670255, 215],[1548670257, 129],[1548670259, 121]]"


@given(st.lists(st.integers(0, 50)), st.integers(-5, 55), st.integers(-5, 55))
def test_a_clip_is_half_open_and_counts_what_it_drops(seconds: list[int], start: int, end: int) -> None:
    text = json.dumps([[second, second / 4] for second in seconds]).encode()
    clipped = Columns(text, PAIRS, clip=(start, end))
    inside = sorted({second for second in seconds if start <= second < end})
    assert inside == list(clipped.times)
    assert [second / 4 for second in inside] == list(clipped.values)
    assert len(set(seconds)) - len(inside) == clipped.outside
    view = Columns(text, PAIRS).slice(start, end)
    assert clipped == view
    assert 0 == view.outside


def test_joining_windows_in_any_order_sums_their_counts() -> None:
    early = Columns(b'[[1,1],["?",1],[9,9]]', PAIRS, clip=(0, 5))
    late = Columns(b"[[4,4],[6,null]]", PAIRS, clip=(5, 10))
    joined = Columns.join([late, early])
    assert [1, 6] == list(joined.times)
    assert 2 == joined.odd
    assert 2 == joined.outside
    assert 0 == len(Columns.join([]))


def test_an_overlap_keeps_the_point_of_the_part_named_first() -> None:
    late, early = Columns(b"[[2,22],[3,33]]", PAIRS), Columns(b"[[1,1],[2,2]]", PAIRS)
    assert [1.0, 22.0, 33.0] == list(Columns.join([late, early]).values)
    assert [1.0, 2.0, 33.0] == list(Columns.join([early, late]).values)


def test_slices_of_one_user_share_the_work_and_double_nothing() -> None:
    whole = Columns(b'[{"Time":1,"Value":1},{"Time":5,"Value":null},{"Time":"?"},{"Time":9,"Value":9}]', OBJECTS)
    stays = [whole.slice(0, 5), whole.slice(5, 9)]
    assert [False] == [whole.is_read]
    assert [[1], [5]] == [list(stay.times) for stay in stays]
    assert [True] == [whole.is_read]
    assert [0, 1] == [stay.odd for stay in stays]
    assert 2 == whole.odd
    assert 1 == len(whole) - sum(map(len, stays))
    assert 0 == len(whole.slice(7, 3))


def test_a_clip_that_ends_before_it_starts_is_empty() -> None:
    columns = Columns(b"[[1,1],[2,2],[3,3]]", PAIRS, clip=(3, 1))
    assert 0 == len(columns)
    assert 3 == columns.outside


class Body(bytes):
    """Bytes whose end of life can be observed through what refers to them."""


def test_nothing_is_read_before_it_is_asked_for_and_the_text_is_dropped_after() -> None:
    text = b"[[1,1],[2,2]]" + b" " * 4096
    columns = Columns(text, PAIRS)
    assert any(text is held for held in reachable(columns))
    assert 2 == len(columns)
    assert not any(isinstance(held, bytes) for held in reachable(columns))


@pytest.mark.parametrize("view", [msgspec.Raw, memoryview, bytearray, Body])
def test_a_view_of_a_larger_buffer_is_copied(view: Any) -> None:
    chunk = view(b"[[1,1],[2,2]]")
    columns = Columns([chunk], PAIRS)
    assert all(type(held) is not view for held in reachable(columns))
    assert 2 == len(columns)


def test_a_joined_series_lets_go_of_its_parts_and_a_slice_of_its_parent() -> None:
    parts = [Columns(b"[[1,1]]", PAIRS), Columns(b"[[2,2]]", PAIRS)]
    joined = Columns.join(parts)
    view = joined.slice(2, 3)
    assert any(held is joined for held in reachable(view))
    assert 1 == len(view)
    assert not any(held is joined for held in reachable(view))
    assert not any(held is parts[0] for held in reachable(joined))


def reachable(root: object) -> list[object]:
    """Everything that `root` keeps alive, classes and modules aside."""
    found: dict[int, object] = {}
    queue = [root]
    while queue:
        one = queue.pop()
        # The collector does not know what a struct holds that is kept out of its sight.
        holds = msgspec.structs.astuple(one) if isinstance(one, msgspec.Struct) else gc.get_referents(one)
        for held in holds:
            if id(held) not in found and not isinstance(held, type):
                found[id(held)] = held
                queue.append(held)
    return list(found.values())


def test_a_point_read_keeps_sixteen_bytes() -> None:
    columns = Columns(json.dumps([[second, 1.5] for second in range(1000)]).encode(), PAIRS)
    held = sum(len(one) * one.itemsize for one in (columns.times, columns.values))
    assert 16_000 == held
    assert memoryview(columns.times).format == "q"
    assert memoryview(columns.values).format == "d"


def test_columns_compare_by_content_with_nan_equal_to_nan() -> None:
    read, again = Columns(b"[[1,null],[2,0]]", PAIRS), Columns(b'[{"Time":1},{"Value":-0.0,"Time":2}]', OBJECTS)
    assert read == again
    assert read != Columns(b"[[1,null],[2,1]]", PAIRS)
    assert read != Columns(b"[[1,null],[3,0]]", PAIRS)
    assert read != "columns"
    with pytest.raises(TypeError):
        hash(read)


def test_columns_survive_pickle_with_their_counts() -> None:
    columns = Columns(b"[[1,null],[2,0.25],[9,9],[true,1]]", PAIRS, clip=(0, 5))
    revived = pickle.loads(pickle.dumps(columns))
    assert columns == revived
    assert (2, 1) == (revived.odd, revived.outside)


def test_a_repr_shows_no_data_and_reads_none() -> None:
    columns = Columns(AGORA_SAMPLE, PAIRS)
    assert "<Columns not read yet>" == repr(columns)
    assert not columns.is_read
    len(columns)
    assert "<Columns of 3 points>" == repr(columns)


def test_columns_of_numbers_at_hand_are_tidied_and_must_match() -> None:
    columns = Columns.of([3, 1, 1], [0.3, math.nan, 0.1])
    assert [(1, 0.1), (3, 0.3)] == list(zip(columns.times, columns.values, strict=True))
    with pytest.raises(ValueError, match="2 times but 1 values"):
        Columns.of([1, 2], [1.0])


def test_two_infinities_are_not_odd() -> None:
    assert 0 == Columns.of([1, 2], [math.inf, -math.inf]).odd


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5), st.floats(0, 1))
def test_a_figure_of_any_values_is_a_number_and_of_finite_ones_within_them(values: list[float], q: float) -> None:
    columns = Columns.of(range(len(values)), values)
    series = MetricSeries(
        vendor="v", call_id="c", session_id="s", user_id="7", metric="m", vendor_metric="m", unit="", columns=columns
    )
    slack = 1e-9 * max(map(abs, values))
    for figure in (series.mean(), series.quantile(q)):
        assert isinstance(figure, float)
        if all(map(math.isfinite, values)):
            assert min(values) - slack <= figure <= max(values) + slack


def test_a_metric_series_shows_its_columns() -> None:
    series = MetricSeries(
        vendor="agora",
        call_id="c",
        session_id="s",
        user_id="7",
        metric="audio_send_bitrate",
        vendor_metric="20003",
        unit="kbps",
        columns=Columns(AGORA_SAMPLE, PAIRS),
    )
    assert "columns" not in repr(series)
    assert not series.columns.is_read
    assert 3 == len(series)
    assert [215.0, 129.0, 121.0] == list(series.values)
    assert 1548670255 == series.times[0]
    assert 0 == series.odd
    assert "" == series.peer_id
    assert series == pickle.loads(pickle.dumps(series))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        series.unit = "bps"  # type: ignore[misc]


@given(
    times=st.lists(st.integers(0, 20), max_size=8, unique=True).map(sorted),
    edges=st.lists(st.integers(-1, 22), max_size=6, unique=True).map(sorted),
)
def test_what_lies_in_one_of_some_spans_and_in_none_of_them_is_all(times: list[int], edges: list[int]) -> None:
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    whole = Columns(json.dumps([[time, time / 2] for time in times]).encode(), PointForm.PAIRS)
    left = [time for time in times if not any(start <= time < end for start, end in spans)]
    found = [time for time in times if time not in left]
    for columns, due in ((whole.without(spans), left), (whole.within(spans), found)):
        assert (due, [time / 2 for time in due]) == (list(columns.times), list(columns.values))
    assert times == list(whole.times)
