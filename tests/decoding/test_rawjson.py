"""JSON that is not quite what it should be: each flaw costs the value that it stands in, and time by its length."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.decoding.bulk import LARGE
from agora_tencent_analytics.decoding.rawjson import UNREAD, number, plain, read, rest, sound, text

LEVELS = 50_000
DEEP = "[" * LEVELS + "]" * LEVELS
DEEP_KEPT: Any = json.loads(f"{'[' * 60}null{']' * 60}")
ENDLESS = "9" * 5_000
SHORTENED = f"{ENDLESS[:200]}... (5000 characters)"
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_what_is_sound_is_read_as_it_is(value: Any) -> None:
    assert msgspec.json.decode(body := msgspec.json.encode(value)) == read(body)
    assert body == sound(body)


FLAWS: dict[str, tuple[bytes, Any, str]] = {
    "half a character": (rb'"caf\ud83d"', "caf\ufffd", r'"caf\ud83d"'),
    "a byte that is no UTF-8": (b'"caf\xff"', "caf\ufffd", r'"caf\udcff"'),
    "a Chinese name in GBK": (b'"' + "中三".encode("gbk") + b'"', "\ufffd" * 4, r'"\udcd6\udcd0\udcc8\udcfd"'),
    "not a number": (b"NaN", None, "NaN"),
    "without bound": (b"-Infinity", None, "-Infinity"),
    "a real number beyond all": (b"1e999", None, "1e999"),
    "a whole number of 5,000 digits": (ENDLESS.encode(), None, SHORTENED),
    "nested 50,000 deep": (DEEP.encode(), DEEP_KEPT, f"{DEEP[:200]}... ({len(DEEP) - 120:d} characters)"),
}


@pytest.mark.parametrize(("sent", "kept", "told"), FLAWS.values(), ids=FLAWS)
def test_a_flaw_costs_its_value_and_its_text_is_kept(sent: bytes, kept: Any, told: str) -> None:
    body = b'{"code":200,"rows":[{"id":"a","odd":' + sent + b',"ts":7},{"id":"b"}]}'
    rows = [{"id": "a", "odd": kept, "ts": 7, UNREAD: {"odd": told}}, {"id": "b"}]
    assert {"code": 200, "rows": rows} == read(body)


def test_a_name_in_gbk_whose_second_byte_is_a_backslash_swallows_nothing() -> None:
    name = "乗俓".encode("gbk")
    assert b"\\" in name
    assert {"name": "\ufffd" * len(name), "id": 1} == {
        key: value for key, value in read(b'{"name":"' + name + b'","id":1}').items() if key != UNREAD
    }


@pytest.mark.parametrize("before", ["\ufeff", "\ufeff \r\n", " \t\n"])
def test_what_stands_around_a_body_is_passed_over(before: str) -> None:
    assert {"a": 1} == read(f'{before}{{"a":1}} \n'.encode())


@pytest.mark.parametrize(
    "body", [b"", b"null null", b"<html>", b'{"a":1', b'{"a":1}<!-- -->', b'{"a":[1}', DEEP[:-1].encode()]
)
def test_a_body_whose_frame_is_broken_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        read(body)


@pytest.mark.parametrize("bomb", ["[", '{"a":', "[[],", '"\\ud83d",'], ids=["lists", "objects", "siblings", "halves"])
def test_a_bomb_costs_time_by_its_length(bomb: str) -> None:
    def seconds(length: int) -> float:
        body = f'{{"bomb":{bomb * length}'.encode() if bomb[0] != '"' else f'{{"bomb":[{bomb * length}1]}}'.encode()
        began = time.process_time()
        with suppress(ValueError):
            read(body)
        return time.process_time() - began

    seconds(1_000)
    short = min(seconds(20_000) for _ in range(3))
    assert min(seconds(80_000) for _ in range(2)) < 12 * short + 0.05


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"a":1}', {"a": 1}),
        (
            f'{{"a":{ENDLESS},"b":2}}'.encode(),
            {"a": None, "b": 2, UNREAD: {"a": f"{ENDLESS[:200]}... (5000 characters)"}},
        ),
        (
            f'[{{"a":{ENDLESS}}},{{"b":2}}]'.encode(),
            [{"a": None, UNREAD: {"a": f"{ENDLESS[:200]}... (5000 characters)"}}, {"b": 2}],
        ),
        (ENDLESS.encode(), ENDLESS),
    ],
    ids=["sound", "object", "list", "number"],
)
def test_one_value_of_an_answer_is_read_as_far_as_it_can_be(raw: bytes, found: Any) -> None:
    assert found == plain(msgspec.Raw(raw))


def test_rows_are_read_however_large_they_are_and_anything_else_that_is_large_is_its_text() -> None:
    large = msgspec.json.encode([{"id": "x" * LARGE}])
    assert [{"id": "x" * LARGE}] == plain(msgspec.Raw(large), rows=True)
    assert large.decode() == plain(msgspec.Raw(large))


def test_the_rest_of_an_object_is_told_with_the_text_of_what_cannot_be_read() -> None:
    fields = {"id": msgspec.Raw(b"1"), "odd": msgspec.Raw(b"null"), UNREAD: msgspec.Raw(b'{"odd":"NaN","id":"x"}')}
    assert {"odd": "NaN"} == rest(fields, ("id",))


@pytest.mark.parametrize(
    ("value", "as_text", "as_number"),
    [
        (None, "", None),
        ("7", "7", 7),
        (7.0, "7", 7),
        (7.5, "7.5", None),
        (True, "true", None),
        ([1], "[1]", None),
        ("x", "x", None),
        (10**30, str(10**30), 10**30),
    ],
)
def test_scalars_are_told_as_text_and_as_whole_numbers(value: Any, as_text: str, as_number: int | None) -> None:
    assert (as_text, as_number) == (text(value), number(value))
