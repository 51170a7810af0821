"""A call too large for one record comes in parts; each session, with all its series, is in one of them."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import Call, Columns, MetricSeries, Session
from agora_tencent_analytics.models.columns import POINT_BYTES
from agora_tencent_analytics.scan import CallRecord, parts
from agora_tencent_analytics.scan.parts import Part, Parts, Seen
from tests.support.simulated_scans import WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import run

CALL = Call(vendor="agora", call_id="c", channel="room", created_ts=0)


def session(number: int) -> Session:
    return Session(
        vendor="agora", call_id="c", session_id=f"s{number:04}", user_id=f"u{number}", join_ts=number, leave_ts=9_999
    )


def series(number: int, points: int) -> MetricSeries:
    columns = Columns.of(array("q", range(points)), array("d", [1.0]) * points)
    return MetricSeries(
        vendor="agora",
        call_id="c",
        session_id=f"s{number:04}",
        user_id=f"u{number}",
        vendor_metric="20003",
        columns=columns,
    )


def series_of(number: int, points: int) -> Seen:
    return series(number, points), points, points * POINT_BYTES


def in_parts(points: list[int], packet: int, *, silent: int = 0) -> list[Part]:
    """A call whose sessions have so many points, in packets, and `silent` sessions without series."""
    made = Parts("agora", CALL)
    made.expect(session(number) for number in range(len(points) + silent))
    found: list[Part] = []
    for first in range(0, len(points), packet):
        numbers = range(first, min(first + packet, len(points)))
        found += made.add((), [series_of(number, points[number]) for number in numbers])
    found += made.finish()
    assert 0 == made.size, "all that was gathered is in parts"
    return found


def well_formed(records: list[CallRecord]) -> None:
    assert list(range(len(records))) == [record.part for record in records]
    assert [False] * (len(records) - 1) + [True] == [record.last for record in records]
    seen = [one.session_id for record in records for one in record.sessions]
    assert len(set(seen)) == len(seen), "no session is in two parts"
    for record in records:
        own = {one.session_id for one in record.sessions}
        assert {one.session_id for one in record.series} <= own, "a series is where its session is"


@given(
    points=st.lists(st.integers(1, 40), max_size=30),
    packet=st.integers(1, 20),
    most_sessions=st.integers(1, 12),
    most_points=st.integers(1, 60),
    silent=st.integers(0, 8),
)
def test_no_part_is_too_large_and_nothing_is_in_two(
    points: list[int], packet: int, most_sessions: int, most_points: int, silent: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "MOST_SESSIONS", most_sessions)
        patched.setattr(parts, "MOST_BYTES", most_points * POINT_BYTES)
        made = in_parts(points, packet, silent=silent)
    records = [part.record for part in made]
    well_formed(records)
    assert [(one.points, one.points * POINT_BYTES) for one in records] == [(one.points, one.size) for one in made]
    assert len(points) + silent == sum(len(record.sessions) for record in records)
    assert sum(points) == sum(record.points for record in records)
    for record in records:
        assert len(record.sessions) <= most_sessions
        assert record.points <= most_points or 1 == len(record.series), "only a single session may be larger"
    if len(points) + silent <= most_sessions and sum(points) <= most_points:
        assert 1 == len(records), "what fits into one record comes in one"


def test_what_no_part_holds_yet_is_counted() -> None:
    made = Parts("agora", CALL)
    made.expect([session(0)])
    assert [] == list(made.add((), [series_of(0, 9)]))
    assert 9 * POINT_BYTES == made.size


def test_a_call_without_sessions_is_one_record() -> None:
    records = [part.record for part in in_parts([], 20)]
    assert [(0, True, ())] == [(record.part, record.last, record.sessions) for record in records]


@pytest.mark.parametrize(("sessions", "expected"), [(100, [100]), (101, [100, 1]), (205, [100, 100, 5])])
def test_a_hundred_sessions_fill_a_part(sessions: int, expected: list[int]) -> None:
    assert expected == [len(part.record.sessions) for part in in_parts([1] * sessions, 20)]


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
@pytest.mark.parametrize("depth", ["sessions", "metrics"])
def test_a_crowd_arrives_in_parts_and_whole(vendor: str, depth: str) -> None:
    vendors = Vendors()

    async def scenario() -> list[CallRecord]:
        provider = vendors.agora() if vendor == "agora" else vendors.tencent()
        return (await read(provider, over=WHOLE, depth=depth))[0]

    records = run(scenario)
    crowds = {record.call.call_id for record in records if record.part}
    assert 1 == len(crowds)
    for call_id in {record.call.call_id for record in records}:
        of_call = [record for record in records if record.call.call_id == call_id]
        well_formed(of_call)
        assert (call_id in crowds) == (sum(len(record.sessions) for record in of_call) > 100)
        assert all(len(record.sessions) <= 100 for record in of_call)


def test_a_heavy_call_arrives_in_parts_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_BYTES", 64_000)
    vendors = Vendors(metrics_per_session=16)

    async def scenario() -> list[CallRecord]:
        return (await read(vendors.agora(), over=WHOLE))[0]

    records = run(scenario)
    for call_id in {record.call.call_id for record in records}:
        well_formed([record for record in records if record.call.call_id == call_id])
    for record in records:
        assert record.points * POINT_BYTES <= 64_000 or 1 == len({one.session_id for one in record.series})
    assert truth_of(vendors.world, "agora", WHOLE) == exact(records)
