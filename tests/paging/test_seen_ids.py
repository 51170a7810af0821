"""What was yielded is remembered, in memory and then in a file."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.paging.seen_ids import Seen, digest, fingerprint


@given(ids=st.lists(st.text(max_size=3)), bound=st.integers(0, 5))
def test_an_id_is_new_exactly_once_wherever_it_is_kept(ids: list[str], bound: int) -> None:
    seen = Seen(in_memory=bound)
    expected = [one not in ids[:place] for place, one in enumerate(ids)]
    assert expected == seen.update([digest(one) for one in ids])
    seen.close()


def test_an_id_twice_on_one_page_is_new_once() -> None:
    seen = Seen()
    assert [True, False] == seen.update([digest("a"), digest("a")])


def test_memory_holds_no_more_than_its_bound() -> None:
    seen = Seen(in_memory=10)
    assert [True] * 500 == seen.update([digest(str(number)) for number in range(500)])
    assert [False] * 500 == seen.update([digest(str(number)) for number in range(500)])
    assert len(seen._memory) <= 10
    seen.close()


@given(
    batches=st.lists(st.lists(st.text(max_size=2), max_size=6)),
    asked=st.lists(st.text(max_size=2), max_size=4),
    bound=st.integers(0, 5),
)
def test_it_is_the_set_that_python_would_keep_wherever_it_is_kept(
    batches: list[list[str]], asked: list[str], bound: int
) -> None:
    seen, expected = Seen(in_memory=bound), set[bytes]()
    for batch in batches:
        marks = [digest(one) for one in batch]
        seen.update(marks)
        expected.update(marks)
    wanted = [digest(one) for one in asked]
    assert [one in expected for one in wanted] == [one in seen for one in wanted]
    assert sum(one in expected for one in wanted) == seen.known(wanted)
    assert (len(expected), fingerprint(expected)) == (len(seen), seen.fingerprint)
    seen.close()
    assert (0, fingerprint([])) == (len(seen), seen.fingerprint)


def test_closing_twice_is_harmless_and_forgets() -> None:
    seen = Seen(in_memory=1)
    seen.update([digest("a"), digest("b")])
    seen.close()
    seen.close()
    assert [True] == seen.update([digest("a")])


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files by /proc")
def test_what_was_never_closed_leaves_no_file_behind() -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    abandoned = [Seen(in_memory=1_000) for _ in range(5)]
    for place in range(5):
        abandoned[place].update([digest(str(number)) for number in range(1_200)])
    abandoned[0].update([digest(str(number)) for number in range(20_000)])
    del abandoned
    gc.collect()
    assert before == len(os.listdir("/proc/self/fd"))


def test_an_id_that_is_new_hardly_ever_costs_a_look_at_the_file_however_many_there_are() -> None:
    seen = Seen(in_memory=500)
    seen.update([digest(str(number)) for number in range(1_000)])
    asked: list[str] = []
    assert seen._file is not None
    seen._file.set_trace_callback(asked.append)
    looks = []
    for first in range(1_000, 21_000, 5_000):
        assert [True] * 5_000 == seen.update([digest(str(number)) for number in range(first, first + 5_000)])
        looks.append(sum(statement.startswith("SELECT") for statement in asked))
        asked.clear()
    assert max(looks) <= 5
    seen.close()
