"""Worlds that are told badly: each slip is on the wire, by seed, and the truth says what is left to read."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.simulator import SLIPS, SimulatedVendor, Truth, World
from agora_tencent_analytics.simulator.faults.slip import Place
from agora_tencent_analytics.simulator.faults.slipped_answers import ANSWERS
from agora_tencent_analytics.simulator.faults.slipped_rows import ROWS
from tests.simulator.world.test_world import VENDORS
from tests.support.simulator_requests import (
    END,
    NOW,
    START,
    Hand,
    agora,
    agora_query,
    basic,
    signed,
    small_world,
    tencent,
    tencent_payload,
)

Sent = tuple[int, dict[str, str], bytes]

ROW_PLACES = ("call", "session")
OF_ROWS = [
    (slip.name, vendor, place)
    for slip in SLIPS.values()
    for vendor in slip.vendors
    for place in slip.places
    if place in ROW_PLACES
]
OF_ANSWERS = [
    (slip.name, vendor, place)
    for slip in SLIPS.values()
    for vendor in slip.vendors
    for place in slip.places
    if place not in (*ROW_PLACES, "row")
]
OTHERS = [
    (slip.name, vendor, question)
    for slip in SLIPS.values()
    if "row" in slip.places
    for vendor, question in (("agora", "insight"), ("agora", "top"), ("tencent", "event"), ("tencent", "dashboard"))
]


def server_of(world: World, vendor: str, hand: Hand | None = None) -> Any:
    return agora(world, hand=hand) if vendor == "agora" else tencent(world, hand=hand)


def ask(server: SimulatedVendor, endpoint: str, **changes: object) -> Sent:
    """One whole answer, as it is on the wire."""
    if server.vendor == "agora":
        query = "&".join(f"{name}={value}" for name, value in agora_query(server, **changes).items())  # type: ignore[arg-type]
        return asyncio.run(server.answer("GET", f"/beta/analytics/{endpoint}?{query}", basic(server)))  # type: ignore[arg-type]
    body = json.dumps(tencent_payload(server, **changes)).encode()  # type: ignore[arg-type]
    return asyncio.run(server.answer("POST", "/", signed(server, endpoint, body), body))  # type: ignore[arg-type]


def listing(server: SimulatedVendor, place: str, **changes: object) -> Sent:
    """Calls of the whole world, or sessions of a call with many of them."""
    world = server.world
    if place == "call" and server.vendor == "agora":
        return ask(server, "call/lists", start_ts=START, end_ts=END, page_size=100, **changes)
    if place == "call":
        return ask(server, "DescribeRoomInfo", StartTime=START, EndTime=END, PageNumber=0, PageSize=100, **changes)
    call = crowd(world, server.vendor)
    if server.vendor == "agora":
        window = {"start_ts": call.created_ts, "end_ts": call.destroyed_ts, "call_id": call.call_id}
        return ask(server, "call/sessions", page_size=100, **window, **changes)
    over = {"StartTime": call.created_ts, "EndTime": call.destroyed_ts, "CommId": call.call_id}
    return ask(server, "DescribeUserInfo", PageNumber=0, PageSize=100, **over, **changes)


def metrics(server: SimulatedVendor) -> Sent:
    """Metrics of the first minutes of a call of two."""
    call = next(call for call in server.world.calls(server.vendor) if call.kind.name == "LONG")
    if server.vendor == "agora":
        sids = ",".join(stay.session_id for stay in server.world.sessions(call))
        window = {"start_ts": call.created_ts, "end_ts": call.created_ts + HOUR}
        return ask(server, "call/metrics", call_id=call.call_id, sids=sids, **window)
    over = {"StartTime": call.created_ts, "EndTime": call.created_ts + HOUR, "CommId": call.call_id}
    return ask(server, "DescribeCallDetailInfo", PageNumber=0, PageSize=6, DataType=["aBit", "rtt"], **over)


def crowd(world: World, vendor: Any) -> Any:
    return next(call for call in world.calls(vendor) if call.kind.name == "GROUP")


@cache
def told_politely(vendor: str, place: Place, now: float | None = None) -> bytes:
    return listing(server_of(small_world(), vendor, None if now is None else Hand(now)), place)[2]


def rows_of(body: bytes) -> list[Any]:
    said = json.loads(body)
    said = said.get("Response", said)
    return list(said.get("call_lists") or said.get("call_info") or said.get("RoomList") or said.get("UserList") or [])


def test_every_slip_has_a_writer_and_every_writer_a_slip() -> None:
    rows = {name for name, slip in SLIPS.items() if set(ROW_PLACES) & set(slip.places)}
    assert rows == set(ROWS)
    assert set(SLIPS) - rows == set(ANSWERS)


def test_there_are_slips_of_every_place_and_outcome() -> None:
    assert {"call", "session", "row", "listing", "metrics", "answer", "date", "vendor"} == {
        place for slip in SLIPS.values() for place in slip.places
    }
    assert {"read", "doubted", "lost"} == {slip.outcome for slip in SLIPS.values()}


# --- rows --------------------------------------------------------------------------------------------------

ENDS, BEGINS = r'"(?:destroyed_ts|DestroyTime|leave_ts|LeaveTs)":\s?', r'"(?:created_ts|CreateTime|join_ts|JoinTs)":\s?'
OVER, NAME = r'"(?:finished|IsFinished|Finished)":\s?', r'"(?:cname|RoomString|device_type|DeviceType)":\s?'
USER, RATIO = r'"(?:uid|UserId)":\s?', r'"(?:call_audio_freeze_rate|user_audio_freeze_rate|Score)":\s?'
ROW_ID = r'"(?:call_id|CommId|sid|UserId)":\s?'
UNKNOWN = r'"tags":\s?'

SPELT: Mapping[str, str] = {
    "zero_end": rf"{ENDS}0\b",
    "negative_end": rf"{ENDS}-1\b",
    "end_in_ms": rf"{ENDS}\d{{13}}\b",
    "far_end": rf"{ENDS}4102444800\b",
    "unfinished": rf"{OVER}false",
    "zero_leave": rf"{ENDS}0\b",
    "leave_in_ms": rf"{ENDS}\d{{13}}\b",
    "far_leave": rf"{ENDS}4102444800\b",
    "unfinished_stay": rf"{OVER}false",
    "odd_flag": rf'{OVER}("|1|null|\[)',
    "begin_in_ms": rf"{BEGINS}\d{{13}}\b",
    "begin_as_iso": rf'{BEGINS}"2026-09-2\dT[\d:]+Z"',
    "begin_as_text": rf'{BEGINS}"\d{{10}}"',
    "begin_as_float": rf"{BEGINS}\d{{10}}\.0\b",
    "zero_begin": rf"{BEGINS}0\b",
    "null_begin": rf"{BEGINS}null",
    "half_character": rf'{NAME}"[^"]*\\ud83d"',
    "gbk_name": rf'{NAME}"[^"]*\udcc8',
    "raw_byte": rf'{NAME}"[^"]*\udcff"',
    "odd_name": rf"{NAME}(7|\[|\{{|null)",
    "broken_user": rf'{USER}"[^"]*\\ud83d"',
    "null_user": rf"{USER}null",
    "other_user": rf'({USER}\d+[,}}].*"LeaveTs")|("uid":\s?"\d+")',
    "nan_ratio": rf"{RATIO}NaN",
    "infinite_ratio": rf"{RATIO}-?Infinity",
    "text_ratio": rf'{RATIO}"(12%)?"',
    "huge_integer": rf"{UNKNOWN}9{{5000}}\}}",
    "deep_field": rf"{UNKNOWN}\[{{5000}}\]{{5000}}",
    "long_field": rf'{UNKNOWN}"x{{100000}}"',
    "escaped_keys": r'\{"(\\u00[0-9a-f]{2})+":',
    "null_row": r"[\[,]\s?null[,\]]",
    "text_row": r'[\[,]\s?"\{\\"',
    "list_row": r'[\[,]\s?\[("|\d)',
    "bare_row": r"[\[,]\s?\{\}",
    "null_id": rf"{ROW_ID}null",
    "empty_id": rf'{ROW_ID}""',
}
"""How a slip that shows in one row is spelt; bytes that are not UTF-8 stand as surrogates."""


def ends_and_begins(row: Mapping[str, Any]) -> tuple[Any, Any]:
    end = next((row[name] for name in ("destroyed_ts", "DestroyTime", "leave_ts", "LeaveTs") if name in row), None)
    return end, next(row[name] for name in ("created_ts", "CreateTime", "join_ts", "JoinTs") if name in row)


def ids(rows: list[Any]) -> list[str]:
    names = ("call_id", "CommId", "sid")
    stay = "{UserId}@{JoinTs}"
    return [next((row[name] for name in names if name in row), "") or stay.format(**row) for row in rows]


def early(rows: list[Any]) -> bool:
    return any(end is not None and end < begin for end, begin in map(ends_and_begins, rows))


COMPARED: Mapping[str, Callable[[list[Any], list[Any]], bool]] = {
    "early_end": lambda rows, _: early(rows),
    "early_leave": lambda rows, _: early(rows),
    "instant_end": lambda rows, _: all(end == begin for end, begin in map(ends_and_begins, rows)),
    "instant_leave": lambda rows, _: all(end == begin for end, begin in map(ends_and_begins, rows)),
    "missing_end": lambda rows, _: all(end is None for end, _ in map(ends_and_begins, rows)),
    "missing_leave": lambda rows, _: all(end is None for end, _ in map(ends_and_begins, rows)),
    "outlasted": lambda rows, polite: all(
        one is not None and other is not None and one < other
        for (one, _), (other, _) in zip(map(ends_and_begins, rows), map(ends_and_begins, polite), strict=True)
    ),
    "twice": lambda rows, _: any(count == 2 for count in Counter(ids(rows)).values()),
    "twice_apart": lambda rows, _: (
        any(count == 2 for count in Counter(ids(rows)).values()) and len({json.dumps(row) for row in rows}) == len(rows)
    ),
    "late": lambda rows, polite: len(rows) < len(polite),
}
"""What tells the other slips of rows, from the rows and those of the same world told politely."""


@pytest.mark.parametrize(("name", "vendor", "place"), OF_ROWS)
def test_a_row_that_slips_is_so_on_the_wire(name: str, vendor: str, place: Place) -> None:
    late = name == "late" and place == "session"
    now = crowd(small_world(), vendor).destroyed_ts + 600.0 if late else None
    polite = told_politely(vendor, place, now)
    told = listing(server_of(small_world(impolite={name: 1.0}), vendor, Hand(now) if now else None), place)[2]
    assert polite != told
    if name == "key_twice":
        pairs = re.findall(r'"(\w+)":', told.decode())
        assert len(pairs) - len(rows_of(told)) == len(re.findall(r'"(\w+)":', polite.decode()))
    elif name in COMPARED:
        assert COMPARED[name](rows_of(told), rows_of(polite))
    else:
        assert re.search(SPELT[name], told.decode("utf-8", "surrogateescape"))
        assert not re.search(SPELT[name], polite.decode()) or "unfinished" in name  # one of the calls is running


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_row_that_comes_late_is_listed_from_its_second_on(vendor: Any) -> None:
    world, hand = small_world(impolite={"late": 1.0}), Hand()
    server = server_of(world, vendor, hand)
    calls = list(world.calls(vendor))
    for hand.now in (NOW, NOW + HOUR, NOW + 3 * HOUR):
        due = {call.call_id for call in calls if world.listed_from(vendor, call.index) <= hand.now}
        assert due == set(ids(rows_of(listing(server, "call")[2])))
    assert len(calls) == len(due)
    assert all(0 < world.listed_from(vendor, call.index) - call.destroyed_ts <= 2 * HOUR for call in calls)


def other_rows(server: SimulatedVendor, question: str) -> bytes:
    """An answer whose rows are neither calls nor sessions."""
    if question == "insight":
        over = {"startTs": END - 3 * DAY, "endTs": END - DAY, "aggregateGranularity": "1d", "metric": "userCount"}
        return reached(server, "insight/usage/by_time", **over)
    if question == "top":
        asked = {"ts": END - 60, "productType": "Native", "metric": "userCount", "dimension": "os"}
        return reached(server, "realtime/usage/dimension/top20", **asked)
    if question == "dashboard":
        over = {"StartTime": "2026-09-20", "EndTime": "2026-09-21", "SdkAppId": str(server.world.sdk_app_id)}
        return ask(server, "DescribeTRTCMarketScaleData", Period="h", **over)[2]
    call = crowd(server.world, "tencent")
    stay = server.world.sessions(call)[0]
    over = {"StartTime": call.created_ts, "EndTime": call.destroyed_ts, "CommId": call.call_id}
    return ask(server, "DescribeUserEvent", UserId=stay.user_id, RoomId=call.channel, **over)[2]


@cache
def other_rows_told_politely(vendor: str, question: str) -> bytes:
    return other_rows(server_of(small_world(), vendor), question)


def reached(server: Any, path: str, **query: Any) -> bytes:
    asked = urlencode({"appid": server.credentials["app_id"], **query})
    sent: Sent = asyncio.run(server.answer("GET", f"/beta/{path}?{asked}", basic(server)))
    return sent[2]


@pytest.mark.parametrize(("name", "vendor", "question"), OTHERS)
def test_any_other_row_that_slips_is_so_on_the_wire(name: str, vendor: str, question: str) -> None:
    polite = other_rows_told_politely(vendor, question).decode()
    told = other_rows(server_of(small_world(impolite={name: 1.0}), vendor), question).decode()
    assert re.search(SPELT[name], told)
    assert not re.search(SPELT[name], polite)


# --- answers -----------------------------------------------------------------------------------------------


LISTS = rb'"(call_info|call_lists|metrics|RoomList|UserList|Data)":'


def total(sent: Sent) -> int:
    found = re.search(rb'"(?:total_size|Total)":(-?\d+)', sent[2])
    assert found is not None
    return int(found[1])


def more(sent: Sent) -> bool:
    return b'"has_more":true' in sent[2]


def points(sent: Sent) -> list[Any]:
    """The points of the first series that is about somebody we know."""
    said = json.loads(sent[2].replace(b"1e400", b"1"))
    said = said.get("Response", said)
    if "metrics" in said:
        return next(list(one["data"][0]["kvs"]) for one in said["metrics"] if one["data"])
    return list(said["Data"][0]["Content"])


def series_count(sent: Sent) -> int:
    return len(re.findall(rb'"(?:mid|DataType)":', sent[2]))


def instants(sent: Sent) -> list[Any]:
    return [point["Time"] if isinstance(point, dict) else point[0] for point in points(sent)]


def dated(sent: Sent) -> str:
    return sent[1].get("Date", "")


ANSWERED: Mapping[str, Callable[[Sent, Sent], bool]] = {
    "zero_total": lambda told, polite: 0 == total(told) < total(polite),
    "wrong_total": lambda told, polite: 0 < abs(total(told) - total(polite)) <= 5,
    "more": lambda told, polite: more(told) and not more(polite),
    "no_more": lambda told, polite: not more(told) and more(polite),
    "empty_page": lambda told, polite: [] == rows_of(told[2]) != rows_of(polite[2]),
    "repeated_page": lambda told, polite: rows_of(told[2]) != rows_of(polite[2]),
    "other_window": lambda told, polite: (
        [] != rows_of(told[2]) and set(ids(rows_of(told[2]))).isdisjoint(ids(rows_of(polite[2])))
    ),
    "short_page": lambda told, polite: 0 < len(rows_of(told[2])) < len(rows_of(polite[2])),
    "shuffled_page": lambda told, polite: (
        ids(rows_of(told[2])) != ids(rows_of(polite[2]))
        and sorted(ids(rows_of(told[2]))) == sorted(ids(rows_of(polite[2])))
    ),
    "null_list": lambda told, _: bool(re.search(rb'"(call_info|call_lists|RoomList|UserList)":null', told[2])),
    "missing_list": lambda told, _: (
        not re.search(rb'"(call_info|call_lists|metrics|RoomList|UserList|Data)":', told[2])
    ),
    "points_in_ms": lambda told, polite: [1_000 * second for second in instants(polite)] == instants(told),
    "points_as_text": lambda told, polite: [str(second) for second in instants(polite)] == instants(told),
    "points_as_float": lambda told, _: all(isinstance(second, float) for second in instants(told)),
    "null_peer": lambda told, _: bool(re.search(rb'"(peer_uid|PeerId)":null', told[2])),
    "points_backwards": lambda told, polite: points(polite) == points(told)[::-1],
    "points_twice": lambda told, polite: [one for one in points(polite) for _ in range(2)] == points(told),
    "odd_points": lambda told, polite: points(told)[9:-9] == points(polite) and None in points(told),
    "wide_points": lambda told, polite: set(instants(polite)) < set(instants(told)),
    "split_series": lambda told, polite: series_count(told) == 2 * series_count(polite),
    "strangers": lambda told, polite: (
        series_count(told) == series_count(polite) + 1 and bool(re.search(rb"EEEEEEEE|nobody asked", told[2]))
    ),
    "byte_order_mark": lambda told, _: told[2].startswith(b"\xef\xbb\xbf{"),
    "blanks": lambda told, _: told[2].startswith(b"\r\n") and told[2].endswith(b"\n"),
    "x_gzip": lambda told, _: (
        "x-gzip" == told[1].get("Content-Encoding") and zlib.decompress(told[2], wbits=31).startswith(b"{")
    ),
    "long_header": lambda told, _: len(told[1].get("X-Trace", "")) == 9_000,
    "many_headers": lambda told, _: len(told[1]) > 120,
    "other_type": lambda told, _: "gbk" in told[1]["Content-Type"],
    "code_as_text": lambda told, _: told[2].startswith(b'{"code":"200"'),
    "no_code": lambda told, _: b'"code"' not in told[2],
    "code_twice": lambda told, _: 2 == told[2].count(b'"code":200'),
    "odd_message": lambda told, _: bool(re.search(rb'"message":(null|"null"|7|\{)', told[2])),
    "odd_request_id": lambda told, _: bool(re.search(rb'"[rR]equestId":(null|7|\{)', told[2])),
    "deep_answer": lambda told, _: bool(re.search(rb'"trace":\[{5000}\]{5000},', told[2])),
    "echo": lambda told, _: told[0] == 502 and b"authorization: " in told[2],
    "empty_answer": lambda told, _: b"" == told[2],
    "sign_in": lambda told, _: b"Please sign in" in told[2],
    "comment": lambda told, _: told[2].endswith(b"7 -->"),
    "hasty_limit": lambda told, _: b"qps limit error" in told[2] or b"RequestLimitExceeded" in told[2],
    "odd_refusal": lambda told, _: b"busy" in told[2],
    "no_date": lambda told, _: "" == dated(told),
    "never_dated": lambda told, _: "" == dated(told),
    "odd_date": lambda told, _: dated(told).startswith(("yesterday", "Thu, 32")),
    "date_of_1970": lambda told, _: "Thu, 01 Jan 1970 00:00:00 GMT" == dated(told),
    "old_date": lambda told, _: dated(told).startswith("Sun, 20 Sep 2026"),
    "always_old": lambda told, _: dated(told).startswith("Sun, 20 Sep 2026"),
    "always_ahead": lambda told, _: dated(told).startswith("Mon, 21 Sep 2026 22:2"),
    "far_date": lambda told, _: " 2030 " in dated(told),
    "date_elsewhere": lambda told, _: "Mon, 21 Sep 2026 22:20:00 +0800" == dated(told),
    "cached": lambda told, _: "259200" == told[1].get("Age") and "18 Sep 2026" in dated(told),
    "stopped_date": lambda told, _: "Mon, 21 Sep 2026 00:00:00 GMT" == dated(told),
    "alternating_date": lambda told, _: dated(told).startswith("Sun, 20 Sep 2026"),
}
"""What tells a slip, from the answer and the one to the same question in the same world told politely."""


OF_THEIR_OWN = ("repeated_page", "no_more", "alternating_date", "other_window")
"""What these slip in is another question than the others'."""


def question(server: SimulatedVendor, name: str, place: Place) -> Sent:
    if name == "alternating_date":
        listing(server, "call")
    if name == "other_window":
        early, late = sorted(server.world.calls(server.vendor), key=lambda call: call.created_ts)[::13]
        agora = server.vendor == "agora"
        names = ("start_ts", "end_ts") if agora else ("StartTime", "EndTime")
        pages: dict[str, Any] = {"page_no": 1, "page_size": 9} if agora else {"PageNumber": 0, "PageSize": 9}
        for call in (early, late):
            over = dict(zip(names, (call.created_ts, call.created_ts + 1), strict=True))
            sent = ask(server, "call/lists" if agora else "DescribeRoomInfo", **over, **pages)
        return sent
    if name in OF_THEIR_OWN[:2]:
        second = {"page_no": 1 if name == "no_more" else 2} if server.vendor == "agora" else {"PageNumber": 1}
        size = {"page_size": 5} if server.vendor == "agora" else {"PageSize": 5}
        if server.vendor == "agora":
            return ask(server, "call/lists", start_ts=START, end_ts=END, **second, **size)
        return ask(server, "DescribeRoomInfo", StartTime=START, EndTime=END, **second, **size)
    return metrics(server) if place == "metrics" else listing(server, "session")


@cache
def asked_politely(vendor: str, name: str, place: Place) -> Sent:
    return question(server_of(small_world(), vendor), name, place)


@pytest.mark.parametrize(("name", "vendor", "place"), OF_ANSWERS)
def test_an_answer_that_slips_is_so_on_the_wire(name: str, vendor: str, place: Place) -> None:
    polite = asked_politely(vendor, name if name in OF_THEIR_OWN else "", place)
    server = server_of(small_world(impolite={name: 1.0}), vendor)
    told = question(server, name, place)
    assert ANSWERED[name](told, polite)
    assert not ANSWERED[name](polite, polite)
    assert name in server.arrivals[-1].slips


@pytest.mark.parametrize("name", [slip.name for slip in SLIPS.values() if slip.once])
def test_what_slips_once_is_right_when_it_is_asked_again(name: str) -> None:
    server = server_of(small_world(impolite={name: 1.0}), "agora")
    place: Place = "listing"
    first, again = question(server, name, place), question(server, name, place)
    polite = question(server_of(small_world(), "agora"), name, place)
    assert rows_of(polite[2]) == rows_of(again[2])
    assert first[2] != again[2]


def test_a_refusal_slips_in_nothing_but_its_date() -> None:
    names = [name for name, slip in SLIPS.items() if "answer" in slip.places]
    world = small_world(impolite={**dict.fromkeys(names, 1 / len(names)), "date_of_1970": 1.0})
    server = server_of(world, "agora")
    told = ask(server, "call/lists", start_ts=END, end_ts=START)
    assert {"code": 400, "data": None}.items() <= json.loads(told[2]).items()
    assert "Thu, 01 Jan 1970 00:00:00 GMT" == dated(told)
    assert ("date_of_1970",) == server.arrivals[-1].slips


# --- by seed, and the truth --------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_same_seed_slips_in_the_same_way_and_another_in_another(vendor: str) -> None:
    def told(**facts: Any) -> list[Sent]:
        server = server_of(small_world(impolite=0.4, **facts), vendor)
        return [listing(server, "call"), listing(server, "session"), metrics(server)]

    assert told() == told()
    assert told() != told(seed=4)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_happens_is_the_same_however_it_is_told(vendor: Any) -> None:
    polite, impolite = small_world(), small_world(impolite=0.9)
    assert list(polite.calls(vendor)) == list(impolite.calls(vendor))
    assert [polite.sessions(call) for call in polite.calls(vendor)] == [
        impolite.sessions(call) for call in impolite.calls(vendor)
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_polite_world_is_told_as_ever(vendor: str) -> None:
    world = small_world(impolite=0.0)
    assert not world.impolite
    assert [] == list(world.slips("agora", START, END))
    for place in ROW_PLACES:
        assert listing(server_of(small_world(), vendor), place) == listing(server_of(world, vendor), place)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_share_is_the_share_of_rows_that_slip(vendor: Any) -> None:
    world = small_world(calls=400, impolite=0.25)
    places = Counter("session" if one.session_id else "call" for one in world.slips(vendor, START, END))
    assert 0.18 < places["call"] / 400 < 0.32
    sessions = sum(len(world.sessions(call)) for call in world.calls(vendor))
    assert 0.22 < places["session"] / sessions < 0.28


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_truth_counts_what_can_be_read_and_the_rows_that_cannot(vendor: Any) -> None:
    world = small_world(calls=30, impolite=0.5)
    slips = list(world.slips(vendor, START, END))
    lost = {(one.call_id, one.session_id) for one in slips if one.slip.outcome == "lost"}
    gone = {call_id for call_id, session_id in lost if not session_id}
    behind = {(call_id, session_id) for call_id, session_id in lost if session_id and call_id in gone}
    left = [one for one in slips if not one.session_id or one.call_id not in gone]
    calls = [call for call in world.calls(vendor) if call.call_id not in gone]
    stays = [stay for call in calls for stay in world.sessions(call) if (call.call_id, stay.session_id) not in lost]
    found = [list(world.points(stay, one)) for stay in stays for one in world.series(stay)]
    assert Truth(
        calls=len(calls),
        sessions=len(stays),
        series=sum(bool(points) for points in found),
        points=sum(map(len, found)),
        lost=len(lost - behind),
        doubted=sum(one.slip.outcome == "doubted" for one in left),
    ) == world.truth(vendor, START, END)
    assert {"read", "doubted", "lost"} == {one.slip.outcome for one in left}


@pytest.mark.parametrize(
    ("impolite", "wrong"),
    [
        (1.5, "from 0 to 1"),
        (-0.1, "from 0 to 1"),
        ({"zero_end": 0.6, "early_end": 0.6}, "all slips of one call together"),
        ({"rude": 0.1}, "no slip 'rude'; there are zero_end"),
    ],
)
def test_a_world_is_as_impolite_as_can_be_said(impolite: Any, wrong: str) -> None:
    with pytest.raises(BadInput, match=wrong):
        small_world(impolite=impolite)


def test_kinds_of_different_places_may_each_befall_everything() -> None:
    world = small_world(impolite={"zero_end": 1.0, "zero_leave": 1.0, "more": 1.0, "old_date": 1.0})
    assert world.impolite
