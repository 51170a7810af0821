from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.in_turn import in_turn

SEEN: list[tuple[int, str]] = []


@in_turn(("number", "word"), [(1, "a"), (2, "b")])
def test_each_row_has_its_turn_beside_fixtures(tmp_path: Path, number: int, word: str) -> None:
    assert tmp_path.exists()
    SEEN.append((number, word))


def test_all_of_them_had_it() -> None:
    test_each_row_has_its_turn_beside_fixtures(tmp_path=Path())
    assert [(1, "a"), (2, "b")] == SEEN[-2:]


def test_the_row_that_fails_is_named() -> None:
    @in_turn("number", [1, 2, 3])
    def is_odd(number: int) -> None:
        assert number % 2

    with pytest.raises(AssertionError) as caught:
        is_odd()
    assert ["with {'number': 2}"] == caught.value.__notes__
