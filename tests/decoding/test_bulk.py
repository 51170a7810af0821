from __future__ import annotations

import json
import pickle
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import Response, TimeRange
from agora_tencent_analytics.agora.replies import PAGES as AGORA_PAGES
from agora_tencent_analytics.agora.replies import SERIES as AGORA_SERIES
from agora_tencent_analytics.decoding.bulk import (
    LARGE,
    MOST_ROWS,
    TooMuch,
    check_bulk,
    check_records,
    check_rows,
    read_portions,
    rows_apart,
)
from agora_tencent_analytics.decoding.flaws import Flaws
from agora_tencent_analytics.decoding.rawjson import UNREAD, beside, plain, read, shallow, sound
from agora_tencent_analytics.decoding.rows import Structure, UsualPages
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from agora_tencent_analytics.tencent.replies import PAGES as TENCENT_PAGES
from agora_tencent_analytics.tencent.replies import SERIES as TENCENT_SERIES
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked, decoded
from benchmarks.hostile.bodies import MB, SHAPES, hostile, polite

VENDORS = ("agora", "tencent")
READERS: dict[str, UsualPages] = {"agora": AGORA_PAGES, "tencent": TENCENT_PAGES}
PAYLOADS = {"agora": "call_lists", "tencent": "RoomList"}
READ: dict[str, Callable[[bytes], Any]] = {"agora": AGORA_SERIES.read, "tencent": TENCENT_SERIES.read}


def peak_of(read: Callable[[bytes], Any], body: bytes) -> float:
    """How many times its own length a text took while it was read, or refused."""
    tracemalloc.start()
    try:
        with suppress(ValueError):
            read(body)
        return tracemalloc.get_traced_memory()[1] / len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("beside_the_rows", ["", ", beside"])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_no_listing_takes_more_than_a_few_times_its_length(shape: str, beside_the_rows: str) -> None:
    body = hostile("agora", "calls", shape + beside_the_rows, 3 * MB)
    assert peak_of(read, body) < 7


@pytest.mark.parametrize("beside_the_rows", ["", ", beside"])
@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("vendor", VENDORS)
def test_no_answer_of_series_takes_more_than_a_few_times_its_length(
    vendor: str, shape: str, beside_the_rows: str
) -> None:
    body = hostile(vendor, "metrics", shape + beside_the_rows, 3 * MB)
    assert peak_of(READ[vendor], body) < 7


@pytest.mark.parametrize("shape", ["empty lists", "small objects", "many keys", "short texts", "nested lists"])
def test_what_would_become_too_much_is_refused_before_anything_is_made_of_it(shape: str) -> None:
    body = hostile("agora", "calls", shape, 3 * MB)
    assert peak_of(read, body) < 0.1
    with pytest.raises(TooMuch, match=r"its 3,\d+,\d+ bytes hold about [\d,]+ values, .* ask for less at a time"):
        read(body)


@pytest.mark.parametrize("kind", ["calls", "sessions"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_large_polite_listing_is_read(vendor: str, kind: str) -> None:
    body = polite(vendor, kind, 4 * MB)
    assert msgspec.json.decode(body) == read(body)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_large_polite_answer_of_series_is_read_also_where_the_slow_way_is_taken(vendor: str) -> None:
    body = polite(vendor, "metrics", 4 * MB)
    quick = READ[vendor](body)
    assert len(quick.series) > 30
    odd = body.replace(b'"requestId":"r"', b'"requestId":"r","new":1').replace(
        b'"RequestId":"r"', b'"RequestId":"r","new":1'
    )
    slow = READ[vendor](odd)
    assert {"new": 1} == slow.extra
    assert quick.series == slow.series


# --- by portions --------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text('},{:["\\\\ab', max_size=6),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from("ab"), inside, max_size=3),
    max_leaves=6,
)
ROW_LISTS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=8)


@given(
    rows=ROW_LISTS, before=VALUES, after=VALUES, spelt=st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 1}])
)
@settings(max_examples=60)
def test_wherever_a_text_is_cut_the_same_is_read(rows: Any, before: Any, after: Any, spelt: dict[str, Any]) -> None:
    whole = {"before": before, "Response": {"RoomList": rows, "after": after}}
    body = json.dumps(whole, **spelt).encode()
    with pytest.MonkeyPatch.context() as patch:
        for module in ("bulk", "rawjson"):
            patch.setattr(f"agora_tencent_analytics.decoding.{module}.LARGE", 12)
        patch.setattr("agora_tencent_analytics.decoding.rawjson.check_bulk", lambda *_, **__: None)
        assert whole == read(body)


@pytest.mark.parametrize("spelt", ["compact", "with spaces"])
def test_no_portion_is_much_larger_than_half_a_megabyte(spelt: str) -> None:
    body, sizes = polite("agora", "calls", 3 * MB), list[int]()

    def note(text: bytes) -> list[Any]:
        sizes.append(len(text))
        return list(msgspec.json.decode(text))

    body = {"compact": body, "with spaces": json.dumps(json.loads(body)).encode()}[spelt]
    hollow, at, end = rows_apart(body, b"[]") or (b"", 0, 0)
    assert msgspec.json.decode(body)["call_lists"] == read_portions(body, at, end, note, (ValueError,))
    assert {"code": 200, "requestId": "r", "call_lists": []} == msgspec.json.decode(hollow)
    assert len(body) // (LARGE + 1000) < len(sizes) < 9
    assert LARGE < max(sizes) < LARGE + 1000


@pytest.mark.parametrize(("vendor", "payload"), [("agora", "call_lists"), ("tencent", "RoomList")])
def test_a_large_page_is_read_by_portions_into_the_same_rows(vendor: str, payload: str) -> None:
    body = polite(vendor, "calls", 2 * MB)
    quick = partial(READERS[vendor].read, Call, payload)
    page = quick(body)
    assert page is not None
    whole = msgspec.json.decode(body)
    assert len(page.rows) == len(whole.get("Response", whole)[payload]) > 5_000
    # As if it stood twice, or once more inside: then nobody can say which is meant.
    for odd in (b'"%b":[],' % payload.encode(), b'"x":[],'):
        assert quick(body.replace(b'"%b":[{' % payload.encode(), odd + b'"%b":[{' % payload.encode())) in (None, page)
    assert quick(body.replace(b'"%b":[{' % payload.encode(), b'"%b":[{"new":1},{' % payload.encode())) is None


@pytest.mark.parametrize("vendor", VENDORS)
def test_more_rows_than_there_is_room_for_are_not_made(vendor: str) -> None:
    body = hostile(vendor, "calls", "short rows", 9 * MB)
    assert READERS[vendor].read(Call, PAYLOADS[vendor], body) is None
    with pytest.raises(TooMuch):
        check_records(len(body) // 53, len(body))
    check_records(len(body) // 100, len(body))


@pytest.mark.parametrize("odd", [b":NaN,", b':"\\ud83d",', b':"\xff",'], ids=["NaN", "half a character", "no UTF-8"])
def test_a_large_listing_with_an_unsound_value_is_read_but_for_that(odd: bytes) -> None:
    body = polite("agora", "calls", 5 * MB)
    rows = msgspec.json.decode(body)["call_lists"]
    found = read(odd.join(body.rsplit(b":1732900000,", 1)))["call_lists"]
    assert rows[:-1] == found[:-1]
    assert "created_ts" in found[-1][UNREAD]


def test_rows_and_their_records_are_not_there_at_once() -> None:
    """Where one cannot be read, so that each is read by itself."""
    body = b'{"new":7},{'.join(polite("tencent", "calls", MB).rsplit(b"{", 1))
    row, of = ROOM_INFO, TencentVendor("ap-singapore")
    response = Response(status=200, headers={}, body=body)
    asked = Asked(window=TimeRange(0, 1), params={})

    def read_all(_: bytes) -> None:
        reply = decoded(of, row, response, of.unwrap(row, response), asked)
        assert 1 == len(reply.flaws.rows)

    assert peak_of(read_all, body) < 7


def test_a_bare_nan_among_many_points_makes_no_objects_of_them() -> None:
    body = polite("tencent", "metrics", 2 * MB)
    broken = body.replace(b'"Value":7}', b'"Value":NaN}', 3)
    assert broken != body
    assert len(TENCENT_SERIES.read(body).series) == len(TENCENT_SERIES.read(broken).series)
    assert body.replace(b'"Value":7}', b'"Value":null}', 3) == sound(broken)
    assert peak_of(TENCENT_SERIES.read, broken) < 7


@pytest.mark.parametrize(
    "odd",
    [b"\xff", b"\x81\\", "😀".encode() + b"\xff"],
    ids=["no UTF-8", "half a character of GBK", "wide and no UTF-8"],
)
def test_a_large_text_is_not_read_the_slow_way(odd: bytes) -> None:
    body = b'{"a":"' + odd * (6 * MB // len(odd)) + b'"}'
    with pytest.raises(ValueError, match="not JSON"):
        read(body)
    assert peak_of(read, body) < 6
    assert {"a"} <= read(b'{"a":"' + odd * 1000 + b'"}').keys()


def test_a_large_answer_of_series_without_utf_8_takes_no_more_either() -> None:
    assert peak_of(AGORA_SERIES.read, b'{"a":"' + b"\xff" * 6 * MB + b'"}') < 8


def test_a_small_text_is_not_weighed() -> None:
    check_bulk(b"[" + b"[]," * (LARGE // 3 - 3) + b"[]]")


def test_more_rows_than_any_page_has_are_refused() -> None:
    check_rows(MOST_ROWS)
    with pytest.raises(TooMuch, match="250,001 rows, and more than 250,000 are not read"):
        Flaws().each([{}] * (MOST_ROWS + 1), lambda rows: [])


def test_rows_that_cannot_be_read_are_lost_each_by_itself_as_far_as_pages_go() -> None:
    flaws = Flaws(by_row=True)
    assert [] == flaws.each([7] * 10_000, list)
    assert 10_000 == len(flaws.rows)
    with pytest.raises(TooMuch, match="more than 10,000 of its rows cannot be read"):
        flaws.each([7], list)


@pytest.mark.parametrize("vendor", VENDORS)
def test_more_series_than_any_answer_has_are_refused(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    each = {"agora": 1_250_000, "tencent": 2_500_000}[vendor]  # a session is an object too
    monkeypatch.setattr("agora_tencent_analytics.decoding.bulk._SERIES", each)
    one = {"agora": b'{"sid":"%d","data":[{"mid":1}]}', "tencent": b'{"UserId":"%d","DataType":"x"}'}[vendor]
    whole = {"agora": b'{"metrics":[%b]}', "tencent": b'{"Response":{"RequestId":"r","Data":[%b]}}'}[vendor]
    assert 3 == len(READ[vendor](whole % b",".join(one % number for number in range(3))).series)
    with pytest.raises(TooMuch):
        READ[vendor](whole % b",".join(one % number for number in range(4)))


# --- depth --------------------------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    value: Any = 7
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value["a"]
        depth += 1
    return depth


def test_what_is_nested_more_than_64_deep_is_text_there() -> None:
    assert nested(64) == shallow(nested(64))
    cut = shallow(nested(600))
    assert 64 == depth_of(cut)
    inside = cut
    for _ in range(64):
        inside = inside[0] if isinstance(inside, list) else inside["a"]
    assert nested(600 - 64) == msgspec.json.decode(inside)


def test_an_unknown_field_can_be_pickled_however_deep_it_is() -> None:
    deep = nested(600)
    row = {"id": "c", "new": deep, "created_ts": 1, "destroyed_ts": 2, "cname": "r", "finished": True}
    structure = Structure({Call: {"call_id": "id", "channel": "cname"}})
    for _ in range(2):  # of a shape that is new, and of one that was met
        (call,) = structure.rows([dict(row)], Call, vendor="agora")
        assert call == pickle.loads(pickle.dumps(call))
        assert 64 == depth_of(call.extra["new"])
    assert 64 == depth_of(beside({"new": deep}, ())["new"])
    assert 64 == depth_of(plain(msgspec.Raw(msgspec.json.encode(deep))))


def test_a_large_unknown_part_of_an_answer_of_series_stays_text() -> None:
    large = msgspec.json.encode(list(range(100_000)))
    assert large.decode() == plain(msgspec.Raw(large))
