"""A row that cannot be read costs itself: its neighbours are read, it is told once, and no request is spent on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import Call, Certificate, TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.simulator import World
from tests.support.raw_rows import CALL, NOW, SESSION, Raw, RawRows, raw
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import run

END = NOW - 2 * HOUR
START = END - 6 * HOUR
OVER = TimeRange(START, END)
DEEP = "[" * 5_000 + "]" * 5_000
every_vendor = pytest.mark.parametrize("vendor", ["agora", "tencent"])
Row = dict[str, Any]

SPELT = {
    "agora": ("call_id", "created_ts", "cname", "call_audio_freeze_rate", "sid", "join_ts", "uid"),
    "tencent": ("CommId", "CreateTime", "RoomString", "Rate", "UserId", "JoinTs", "UserId"),
}


@attrs.frozen
class Read:
    ids: list[str]
    requests: int
    certificate: Certificate

    @property
    def lost(self) -> list[tuple[int, int]]:
        """Page and place of each row that cannot be read."""
        return [(one.page, one.place) for one in self.certificate.lost]


def listed(
    vendor: str, rows: Sequence[Raw], *, over: TimeRange = OVER, plan: str = "unlimited", **options: Any
) -> Read:
    """The calls of a vendor that sends these rows."""
    transport = RawRows(vendor, calls=rows, before=options.pop("before", b""))

    async def scenario() -> Read:
        async with transport.provider(plan=plan) as provider:
            listing = provider.calls(over, **options)
            ids = [call.call_id for call in await listing.collect()]
            return Read(ids, len(transport.asked), listing.certificate)

    return run(scenario)


def sessions_of(vendor: str, rows: Sequence[Raw]) -> Read:
    transport = RawRows(vendor, sessions=rows)
    call = Call(vendor=vendor, call_id="call", channel="room", created_ts=START, destroyed_ts=END - 1)

    async def scenario() -> Read:
        async with transport.provider() as provider:
            listing = provider.sessions(call)
            ids = [session.session_id for session in await listing.collect()]
            return Read(ids, len(transport.asked), listing.certificate)

    return run(scenario)


# --- the inputs of which each hid 450 calls --------------------------------------------------------------------


def has(place: int, said: Any) -> Callable[[str, Row], Any]:
    """One of the fields in `SPELT`, with another value."""
    return lambda vendor, row: {
        **row,
        SPELT[vendor][place]: said(row[SPELT[vendor][place]]) if callable(said) else said,
    }


def written(end: str) -> Callable[[str, Row], Any]:
    """A field that no page lists, as JSON."""
    return lambda vendor, row: f'{json.dumps(row)[:-1]},"tags":{end}}}'.encode()


def named(name: bytes) -> Callable[[str, Row], Any]:
    return lambda vendor, row: json.dumps({**row, SPELT[vendor][2]: "NAME"}).encode().replace(b"NAME", name)


WHOLE: dict[str, Callable[[str, Row], Any]] = {
    "a name with half a character": has(2, "\ud83d"),
    "a byte that is no UTF-8 in a name": named(b"caf\xff"),
    "a name in GBK": named("三年二班".encode("gbk")),
    "a rate that is NaN": has(3, float("nan")),
    "a rate that is a text": has(3, "12%"),
    "an integer of 5,000 digits": written("9" * 5_000),
    "a list nested 5,000 deep": written(DEEP),
    "a text of 100,000 characters": written(json.dumps("x" * 100_000)),
    "a beginning in milliseconds": has(1, lambda second: second * 1_000),
    "a beginning in quotes": has(1, str),
    "a beginning of ISO 8601": has(1, "2026-09-21T10:00:00Z"),
}
"""What is read all the same."""
LOST: dict[str, Callable[[str, Row], Any]] = {
    "a beginning of null": has(1, None),
    "a beginning that is no time": has(1, "soon"),
    "no beginning": lambda vendor, row: {name: value for name, value in row.items() if name != SPELT[vendor][1]},
    "an id of null": has(0, None),
    "an empty id": has(0, ""),
    "an id that is a list": has(0, ["x"]),
    "null for a row": lambda vendor, row: None,
    "a text for a row": lambda vendor, row: json.dumps(row),
    "a list for a row": lambda vendor, row: list(row.values()),
    "an object of nothing": lambda vendor, row: {},
}
"""What costs its row."""


def polite(vendor: str, count: int, *, starts: Callable[[int], int] = lambda number: START + 40 * number) -> list[Row]:
    return [CALL[vendor](number, starts(number)) for number in range(count)]


@every_vendor
@pytest.mark.parametrize("flaw", WHOLE.values(), ids=WHOLE)
def test_of_450_calls_all_are_read_though_one_has(vendor: str, flaw: Callable[[str, Row], Any]) -> None:
    rows = polite(vendor, 450)
    usual = listed(vendor, [raw(row) for row in rows])
    found = listed(vendor, [raw(flaw(vendor, row) if at == 237 else row) for at, row in enumerate(rows)])
    assert [f"call{number}" for number in range(450)] == usual.ids == found.ids
    assert (usual.requests, []) == (found.requests, found.lost)


@every_vendor
@pytest.mark.parametrize("flaw", LOST.values(), ids=LOST)
def test_of_450_calls_449_are_read_and_one_is_told_that_has(vendor: str, flaw: Callable[[str, Row], Any]) -> None:
    rows = polite(vendor, 450)
    usual = listed(vendor, [raw(row) for row in rows])
    found = listed(vendor, [raw(flaw(vendor, row) if at == 237 else row) for at, row in enumerate(rows)])
    assert [f"call{number}" for number in range(450) if number != 237] == found.ids
    assert (usual.requests, [(3 if vendor == "agora" else 2, 37)]) == (found.requests, found.lost)
    assert not found.certificate.complete
    assert "1 of the rows cannot be read" in found.certificate.why


@every_vendor
@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n \t"], ids=["byte order mark", "blanks"])
def test_what_stands_before_a_body_costs_nothing(vendor: str, before: bytes) -> None:
    found = listed(vendor, [raw(row) for row in polite(vendor, 450)], before=before)
    assert (450, True) == (len(found.ids), found.certificate.complete)


@every_vendor
@pytest.mark.parametrize(
    ("place", "said", "whose", "left"),
    [(5, None, "both", 149), (5, "soon", "both", 149), (4, None, "both", 149), (6, None, "agora", 150)],
    ids=["a null for the moment of joining", "a moment that is none", "a null for the id", "a null for the user"],
)
def test_of_150_sessions_one_bad_row_costs_itself(vendor: str, place: int, said: Any, whose: str, left: int) -> None:
    if whose not in (vendor, "both"):
        left = 149  # a stay of Tencent's is known by its user
    rows = [SESSION[vendor](number, START + number) for number in range(150)]
    usual = sessions_of(vendor, [raw(row) for row in rows])
    found = sessions_of(
        vendor, [raw(has(place, said)(vendor, row) if at == 77 else row) for at, row in enumerate(rows)]
    )
    assert (150, left) == (len(usual.ids), len(found.ids))
    assert (usual.requests, 150 - left) == (found.requests, len(found.lost))
    assert not found.certificate.complete


@every_vendor
def test_a_body_whose_frame_is_broken_is_no_answer(vendor: str) -> None:
    rows = [raw(row) for row in polite(vendor, 3)]
    with pytest.raises(Exception, match="not JSON") as caught:
        listed(vendor, [*rows, Raw(b'{"call_id":"x"')])
    assert "UnreadableReply" == type(caught.value).__name__


# --- any rows, in any order, on any pages ------------------------------------------------------------------------

FLAWS = {**WHOLE, **LOST}
SOUND = "sound"
kinds = st.sampled_from([*[SOUND] * 8, *FLAWS])


@st.composite
def spoilt(draw: st.DrawFn) -> list[tuple[int, str]]:
    """Rows by number and flaw; some stand twice on their page."""
    rows: list[tuple[int, str]] = []
    for number in range(draw(st.integers(0, 34))):
        one = number, draw(kinds)
        rows += [one, one] if draw(st.integers(0, 9)) == 0 and len(rows) % 10 < 9 else [one]
    return rows


@every_vendor
@settings(max_examples=60)
@given(rows=spoilt(), size=st.sampled_from([10, 20, 100]))
def test_every_good_neighbour_is_read_nothing_twice_and_each_lost_row_told_once(
    vendor: str, rows: list[tuple[int, str]], size: int
) -> None:
    def sent(number: int, flaw: str) -> Raw:
        row = CALL[vendor](number, START + 40 * number)
        return raw(row if flaw == SOUND else FLAWS[flaw](vendor, row))

    found = listed(vendor, [sent(number, flaw) for number, flaw in rows], page_size=size)
    assert list(dict.fromkeys(f"call{number}" for number, flaw in rows if flaw not in LOST)) == found.ids
    # Rows that say nothing are told by their place: whether they are the same again, nobody knows.
    places = {(at // size + (vendor == "agora"), at % size): flaw for at, (_, flaw) in enumerate(rows) if flaw in LOST}
    assert set(found.lost) <= places.keys()
    assert len(found.lost) == len(set(found.lost))
    assert len({number for number, flaw in rows if flaw in LOST}) <= len(found.lost) <= len(places)
    usual = listed(vendor, [sent(number, SOUND) for number, _ in rows], page_size=size)
    pages = [rows[first : first + size] for first in range(0, len(rows), size)]
    nothing = sum(all(flaw in LOST for _, flaw in page) for page in pages)  # such an answer is asked for once more
    assert usual.requests <= found.requests <= usual.requests + nothing


@every_vendor
def test_lost_rows_of_several_windows_are_told_with_their_own_and_once_where_windows_touch(vendor: str) -> None:
    plan = {"agora": "standard", "tencent": "basic"}[vendor]
    over = TimeRange(END - {"agora": 20, "tencent": 60}[vendor] * HOUR, END)
    step, rows, lost = over.seconds // 60, list[Raw](), {3, 4, 30, 31, 58}
    for number in range(60):
        start = over.start + step * number
        row = CALL[vendor](number, start, step + 100)  # each reaches into the next: those at an edge are in two windows
        row = {**row, SPELT[vendor][1]: None} if number in lost else row
        rows.append(raw(row, start, start + step + 100))
    found = listed(vendor, rows, over=over, plan=plan)
    assert len(found.certificate.windows) >= 3
    assert [f"call{number}" for number in range(60) if number not in lost] == found.ids
    assert 5 == found.certificate.rows_lost
    for one, number in zip(found.certificate.lost, sorted(lost), strict=True):
        assert f'"call{number}"' in one.text
        assert any(one.over == window.over for window in found.certificate.windows)
        assert one.over.overlap(TimeRange(over.start + step * number, over.start + step * (number + 1) + 101))


@every_vendor
def test_a_page_tells_its_own_lost_rows(vendor: str) -> None:
    rows = [raw(None if number in (4, 107) else CALL[vendor](number, START + number)) for number in range(150)]
    transport = RawRows(vendor, calls=rows)

    async def scenario() -> list[list[int]]:
        async with transport.provider() as provider:
            return [[one.place for one in page.lost] async for page in provider.calls(OVER).pages()]

    assert [[4], [7]] == run(scenario)[:2]


# --- what stands twice -------------------------------------------------------------------------------------------


@every_vendor
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_call_that_stands_twice_costs_no_request_and_no_doubt(vendor: str, at: int) -> None:
    rows = [raw(row) for row in polite(vendor, 5)]
    usual, found = listed(vendor, rows), listed(vendor, [*rows[:at], rows[at], *rows[at:]])
    assert ([f"call{number}" for number in range(5)], usual.requests) == (found.ids, found.requests)
    assert ({"agora": 1, "tencent": 2}[vendor], True, 1) == (
        found.requests,
        found.certificate.complete,
        found.certificate.duplicates,
    )


@every_vendor
def test_a_session_that_stands_twice_in_each_of_ten_calls_costs_no_request_and_no_doubt(vendor: str) -> None:
    calls = [raw(row) for row in polite(vendor, 10, starts=lambda number: START + 600 * number)]

    def stays(number: int) -> list[Raw]:
        start = START + 600 * number
        rows = [raw(SESSION[vendor](10 * number + one, start, 50), start, start + 60) for one in range(4)]
        return [rows[0], *rows]

    transport = RawRows(vendor, calls=calls, sessions=[row for number in range(10) for row in stays(number)])

    async def scenario() -> tuple[int, Any]:
        async with (
            transport.provider() as provider,
            scan(provider, over=OVER, depth="sessions") as records,
        ):
            return sum([len(record.sessions) async for record in records]), records.report

    sessions, report = run(scenario)
    assert (40, True) == (sessions, report.complete), str(report)
    # The calls (of Tencent's a second page, since its total counts the page), and the sessions of each.
    assert {"agora": 11, "tencent": 12}[vendor] == len(transport.asked)


@pytest.mark.parametrize("change", ["nothing", "end", "beginning"])
@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_a_call_with_the_id_of_another_on_an_earlier_page_is_doubted(vendor: Any, change: str) -> None:
    """The first of the two is kept. One that comes again, and has ended meanwhile, is the same call."""
    world = World(calls=250, start=NOW - 6 * HOUR, end=NOW - 2 * HOUR)
    rows, name, created, destroyed = (
        ("call_lists", "call_id", "created_ts", "destroyed_ts")
        if vendor == "agora"
        else ("RoomList", "CommId", "CreateTime", "DestroyTime")
    )
    stage, first, other = Stage(vendor, world), dict[str, Any](), ""

    def spoil(found: Rows) -> None:
        nonlocal other
        if not first:
            first.update(found[7])
        elif not other and len(found) < 100:
            other = found[3][name]
        for row in found:
            if row[name] == other:
                row |= {name: first[name], created: first[created], destroyed: first[destroyed]}
                row[{"end": destroyed}.get(change, created)] += change != "nothing"

    async def scenario() -> tuple[int, Any]:
        walk = stage.provider(transport=Spoilt(stage.server, {rows: spoil})).calls(TimeRange(world.start, world.end))
        return len(await walk.collect()), walk.certificate

    calls, certificate = run(scenario)
    assert 249 == calls
    shared = f"share the id {first[name]!r} and are not about the same"
    assert (change == "beginning") == any(shared in doubt for doubt in certificate.doubts)
