"""The usage of rooms: comma-separated text inside JSON, and its header decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import Response, TimeRange
from agora_tencent_analytics.decoding.flaws import Flaws
from agora_tencent_analytics.tencent.endpoints import ROOM_USAGE
from agora_tencent_analytics.tencent.usage import RoomUsage, read_room_usage
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked

START = 1672934400  # 2023-01-06T00:00+08:00
WINDOW = TimeRange(START, START + 36_000)
SECONDS = {"Audio": 1.0, "SD": 2.0, "hd": 3.0, "FullHD": 4.0, "2K": 5.0, "4K": 6.0}


def test_the_printed_answer_decodes() -> None:
    # As the vendor's page prints it, the lower-case `hd` included.
    data = "RoomId,Audio,SD,hd,FullHD,2K,4K\ntest_room,1,2,3,4,5,6\n"
    vendor = TencentVendor("ap-guangzhou")
    body = json.dumps({"Response": {"RequestId": "68fccf1c", "Data": data, "New": 1}}).encode()
    inside = vendor.unwrap(ROOM_USAGE, Response(status=200, headers={}, body=body))
    # What was sent is whole minutes, so the window that the answer is about is, too.
    asked = Asked(window=TimeRange(START + 7, START + 35_950), params={})
    reply = vendor.decode(ROOM_USAGE, inside, asked)
    expected = RoomUsage(vendor="tencent", channel="test_room", start=START, end=START + 35_960 + 40, seconds=SECONDS)
    assert ([expected], [], "68fccf1c", {"New": 1}) == (reply.items, reply.ids, reply.request_id, reply.extra)


@pytest.mark.parametrize("nothing", [None, "", "\n", "RoomId,Audio\n", "\ufeffRoomId,Audio\r\n"], ids=repr)
def test_no_rooms_is_an_empty_list(nothing: str | None) -> None:
    assert [] == read_room_usage(nothing, WINDOW)


def test_columns_are_found_by_name() -> None:
    (room,) = read_room_usage("4K, RoomId ,New\r\n7,r,0.5\r\n", WINDOW)
    assert ("r", {"4K": 7.0, "New": 0.5}, {}) == (room.channel, room.seconds, room.extra)
    assert (WINDOW.start, WINDOW.end) == (room.start, room.end)


def test_cells_that_are_no_number_are_kept_aside() -> None:
    text = "RoomId,Audio,SD\na,,2\nb,many,3\nc,1\nd,1,2,3,x\n"
    empty, odd, short, long = read_room_usage(text, WINDOW)
    assert ({"SD": 2.0}, {"Audio": ""}) == (empty.seconds, empty.extra)
    assert ({"SD": 3.0}, {"Audio": "many"}) == (odd.seconds, odd.extra)
    assert ({"Audio": 1.0}, {}) == (short.seconds, short.extra)
    assert ({"Audio": 1.0, "SD": 2.0}, {"": ("3", "x")}) == (long.seconds, long.extra)


@pytest.mark.parametrize("text", ["Audio,SD\n1,2\n", "roomid,Audio\nr,1\n", "<html>"], ids=repr)
def test_a_text_without_rooms_is_unreadable(text: str) -> None:
    with pytest.raises(ValueError, match="no column 'RoomId'"):
        read_room_usage(text, WINDOW)


def test_a_text_that_cannot_be_parsed_is_unreadable() -> None:
    with pytest.raises(ValueError, match="not comma-separated text"):
        read_room_usage("RoomId,Audio\n" + "x" * 200_000 + ",1\n", WINDOW)


@pytest.mark.parametrize("data", [{"a": 1}, [["RoomId"]], 7], ids=str)
def test_what_is_no_text_is_unreadable(data: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        read_room_usage(data, WINDOW)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda name: name.strip()
)


@given(st.lists(NAMES, max_size=5))
def test_room_names_may_hold_commas_and_quotes(names: list[str]) -> None:
    lines = ["RoomId,Audio", *('"' + name.replace('"', '""') + '",1' for name in names)]
    assert names == [room.channel for room in read_room_usage("\n".join(lines), WINDOW)]


def test_a_row_without_its_room_costs_itself() -> None:
    flaws = Flaws(by_row=True)
    (room,) = read_room_usage("RoomId,Audio\n,1\nr,2\n", WINDOW, flaws)
    assert ("r", ["no RoomId"]) == (room.channel, [lost.reason for lost in flaws.rows])
