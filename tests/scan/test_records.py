"""Records as data: compared by value, printed briefly, as dicts, JSON lines and Arrow tables, and back."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc
from itertools import permutations
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import BadInput, Call, CallRecord, Columns, MetricSeries, Session, TimeRange, scan
from agora_tencent_analytics.errors import (
    AnalyticsError,
    NotPermitted,
    RateLimited,
    TransportError,
    WindowRefused,
)
from agora_tencent_analytics.paging.certificate import Clipped, NothingToAsk, UnreadableRow
from agora_tencent_analytics.scan import Failure, read_records, to_arrow, worst, write_records
from agora_tencent_analytics.simulator import Refuse, When
from tests.support.simulated_scans import WHOLE, Vendors, read
from tests.support.virtual_time import run

NAN, INF = float("nan"), float("inf")
OVER = TimeRange(100, 200)
SAID: dict[str, Any] = {"vendor": "agora", "code": "300", "message": "no\x1b", "endpoint": "call/lists"}
ERRORS: list[AnalyticsError] = [
    NotPermitted(**SAID),
    RateLimited(**SAID, per="minute", retry_after_s=3.5),
    WindowRefused(**SAID, kind="too_recent"),
    TransportError("cut", endpoint="call/lists", phase="read", timed_out=False),
    NothingToAsk("all of it is forgotten", clipped=[Clipped(over=OVER, reason="history", endpoint="call/lists")]),
    UnreadableRow(endpoint="call/lists", over=OVER, page=1, place=3, reason="no id", text="{}", row_id="0" * 32),
]


def series(session_id: str = "s", values: Any = (1.0, NAN), **fields: Any) -> MetricSeries:
    columns = Columns.of(range(100, 100 + len(values)), values, untimed=2, outside=1)
    about = {
        "vendor": "agora",
        "call_id": "c",
        "session_id": session_id,
        "user_id": "u-1",
        "metric": "rtt",
        "unit": "ms",
    }
    return MetricSeries(**{**about, "vendor_metric": "20003", "columns": columns, **fields})


def full() -> CallRecord:
    call = Call(
        vendor="agora",
        call_id="c",
        channel="room\x1b[31m",
        created_ts=90,
        peak_users=3,
        extra={"new": [1, {"a": None}]},
    )
    about: dict[str, Any] = {"vendor": "agora", "call_id": "c", "join_ts": 95, "client_ip": "10.0.0.9"}
    sessions = [
        Session(session_id="s", user_id="u-1", roles=("Host",), extra={"x": "é😀"}, **about),
        Session(session_id="t", user_id="u-2", leave_ts=99, **about),
    ]
    spare = Columns.of([7], [NAN])
    several = (
        series("t", user_id="u-2", peer_id="p"),
        series(),
        series(user_id="another", spare=(spare,), extra={"y": 1}),
        series("nowhere"),
    )
    failures = tuple(
        Failure(vendor="agora-2", step="metrics", call_id="c", over=OVER, error=error, cursor="abc") for error in ERRORS
    )
    return CallRecord(
        vendor="agora-2",
        call=call,
        sessions=tuple(sessions),
        series=several,
        failures=failures,
        part=2,
        last=False,
        again=True,
        replaces_from_ts=50,
    )


def test_a_line_is_read_back_equal_with_all_that_a_record_holds() -> None:
    (line,) = write_records([full()])
    assert b"\x1b" not in line
    (again,) = read_records([line])
    assert full() == again
    assert [attrs.asdict(one, recurse=False) for one in full().sessions] == [
        attrs.asdict(one, recurse=False) for one in again.sessions
    ]
    assert [(one.odd, one.columns.outside, one.outside) for one in full().series] == [
        (one.odd, one.columns.outside, one.outside) for one in again.series
    ]
    for mine, theirs in zip(full().failures, again.failures, strict=True):
        assert (type(mine.error), str(mine.error)) == (type(theirs.error), str(theirs.error))
        assert vars(mine.error) == vars(theirs.error)
        assert (mine.over, mine.cursor) == (theirs.over, theirs.cursor)
    assert [line] == list(write_records([again]))


@pytest.mark.parametrize("values", [[INF, -INF, 1.0], [INF], [NAN, -INF], [1e308, 1e308, -1e308, 5e-324]], ids=str)
def test_what_is_not_finite_survives_a_line_and_is_json_in_it(values: list[float]) -> None:
    record = attrs.evolve(full(), series=(series(values=values),))
    (line,) = write_records([record])
    assert json.loads(line) == json.loads(json.dumps(record.to_dict(), allow_nan=False))
    assert [record] == list(read_records([line]))


def test_a_session_that_a_vendor_tells_of_twice_keeps_the_order_of_the_series() -> None:
    whole = full()
    twice = attrs.evolve(whole, sessions=(*whole.sessions, attrs.evolve(whole.sessions[0], join_ts=96)))
    for order in (whole.series, whole.series[::-1]):
        record = attrs.evolve(twice, series=order)
        assert [record] == list(read_records(write_records([record])))


def test_a_line_is_what_to_dict_says() -> None:
    (line,) = write_records([full()])
    said = json.loads(line)
    assert said == json.loads(json.dumps(full().to_dict(), allow_nan=False))
    head = ["vendor", "call_id", "channel", "created_ts", "destroyed_ts", "finished"]
    assert head == list(said)[: len(head)]
    assert ("room\x1b[31m", 3, {"new": [1, {"a": None}]}) == (said["channel"], said["peak_users"], said["extra"])
    assert ("300", "NotPermitted", 100, 200) == tuple(
        said["failures"][0][name] for name in ("code", "kind", "start", "end")
    )
    assert [100, 101] == said["sessions"][0]["series"][0]["times"]
    assert [1.0, None] == said["sessions"][0]["series"][0]["values"]
    assert ("u-1", "10.0.0.9", ["Host"]) == tuple(
        said["sessions"][0][name] for name in ("user_id", "client_ip", "roles")
    )


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_what_a_scan_reads_survives_a_file(vendor: str, tmp_path: Path) -> None:
    vendors = Vendors()
    call = vendors.world.call_at(vendor, 4)  # type: ignore[arg-type]
    of = "call_id" if vendor == "agora" else "CommId"
    about = When(nth=range(9, 99), predicate=lambda arrival: arrival.facts.get(of) == call.call_id)
    faults = [Refuse(code=400 if vendor == "agora" else "InvalidParameter", message="no", when=about)]

    async def scenario() -> list[CallRecord]:
        provider = vendors.agora(faults=faults) if vendor == "agora" else vendors.tencent(faults=faults)
        return (await read(provider, over=WHOLE))[0]

    records = run(scenario)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"".join(write_records(records)))
    assert records == list(read_records(path))
    with path.open() as lines:
        assert records == list(read_records(lines))


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b'{"vendor":"agora","call_id":1}'])
def test_what_is_not_a_record_is_told_by_its_line(line: bytes) -> None:
    (good,) = write_records([full()])
    with pytest.raises(BadInput, match="line 2 is not a record"):
        list(read_records([good, line]))


@pytest.mark.parametrize("inside", [b"[],", b"{},", b'{"a":1},', b'"",'])
def test_a_line_that_would_become_too_much_is_told_and_not_read(inside: bytes) -> None:
    (line,) = write_records([full()])
    bomb = line.replace(b'"new":', b'"x":[' + inside * (3_000_000 // len(inside)) + b'0],"new":')
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=r"line 2 is not a record of a scan .TooMuch: its 3,0"):
            list(read_records([line, bomb]))
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_long_call_of_millions_of_points_is_read() -> None:
    columns = Columns.of(range(1_732_900_000, 1_732_907_200), [0.0] * 7_200)
    record = attrs.evolve(full(), series=tuple(series(vendor_metric=str(n), columns=columns) for n in range(180)))
    assert [record] == list(read_records(write_records([record])))


def test_a_call_of_many_series_of_short_figures_is_read() -> None:
    columns = Columns.of(range(1_732_900_000, 1_732_900_000 + 90), [0, NAN, 1] * 30)
    record = attrs.evolve(full(), series=tuple(series(vendor_metric=str(n), columns=columns) for n in range(2_000)))
    assert [record] == list(read_records(write_records([record])))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_records_compare_by_value_and_hash_by_key(again: Any) -> None:
    twin = again(full())
    assert full() == twin
    assert 1 == len({full(), twin})
    assert [hash(one) for one in full().series] == [hash(one) for one in twin.series]
    assert full() != attrs.evolve(twin, series=(*twin.series[:1], series(values=(1.0, 2.0)), *twin.series[2:]))
    assert full() != attrs.evolve(twin, failures=twin.failures[1:])
    assert series(spare=(Columns.of([1], [2.0]),)) != series()


def test_a_repr_is_short_and_names_nobody() -> None:
    record = full()
    told = repr(record) + repr(record.sessions) + repr(record.series)
    assert "<CallRecord agora-2 c: 2 sessions, 4 series, 6 failures, part 2>" == repr(record)
    assert "<MetricSeries rtt of agora call c, 2 points>" == repr(record.series[0])
    assert not [secret for secret in ("u-1", "u-2", "10.0.0.9", "another") if secret in told]


# --- figures of a series ------------------------------------------------------------------------------------


def test_figures_of_a_series_are_of_its_numbers_alone() -> None:
    one = series(values=(4.0, NAN, 1.0, 2.0))
    assert (7 / 3, 2.0, 1.0, 4.0) == (one.mean(), one.quantile(0.5), one.quantile(0), one.quantile(1))
    assert 3.8 == pytest.approx(one.quantile(0.95))
    assert (1 / 3, 0.0, 1.0) == (one.share_above(2.0), one.share_above(4.0), one.share_above(-1))
    empty = series(values=(NAN,))
    assert (None, None, None) == (empty.mean(), empty.quantile(0.5), empty.share_above(0))
    with pytest.raises(BadInput, match="0 to 1"):
        one.quantile(95)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_lies_between_its_neighbours(values: list[float], q: float) -> None:
    found, known = series(values=values).quantile(q), sorted(values)
    below = known[int(q * (len(known) - 1))]
    above = known[min(int(q * (len(known) - 1)) + 1, len(known) - 1)]
    assert found is not None
    assert below - 1e-6 <= found <= above + 1e-6


@pytest.mark.parametrize("values", [[1.0, INF], [-INF, 1.0], [-INF, INF]], ids=str)
def test_the_least_and_the_greatest_are_quantiles_though_one_is_infinite(values: list[float]) -> None:
    assert values == [series(values=values).quantile(q) for q in (0, 1)]


def test_series_are_found_by_metric_session_and_peer() -> None:
    record = full()
    assert record.series == record.find("rtt") == record.find("20003")
    assert () == record.find("app_cpu")
    assert record.series[1:3] == record.find("rtt", session_id="s")
    assert record.series[:1] == record.find("rtt", peer_id="p")
    assert record.series[1:] == record.find("rtt", peer_id="")


# --- the worst ----------------------------------------------------------------------------------------------


def call_of(call_id: str, stays: dict[str, tuple[int, list[tuple[str, str, float]]]], **series_of: float) -> CallRecord:
    """A call in which each user stayed so long, and had so many seconds of freeze by metric and peer."""
    about: dict[str, Any] = {"vendor": "agora", "call_id": call_id}
    sessions, found = [], []
    for user, (seconds, frozen) in stays.items():
        sessions.append(Session(session_id=f"{user}-s", user_id=user, join_ts=0, leave_ts=seconds, **about))
        ids = {"session_id": f"{user}-s", "user_id": user, "vendor_metric": "v", **about}
        for metric, peer, amount in frozen:
            found.append(MetricSeries(metric=metric, peer_id=peer, columns=Columns.of([1], [1000 * amount]), **ids))
        for metric, value in series_of.items():
            found.append(MetricSeries(metric=metric, columns=Columns.of([1, 2], [value, NAN]), **ids))
    call = Call(vendor="agora", call_id=call_id, created_ts=0)
    return CallRecord(vendor="agora", call=call, sessions=tuple(sessions), series=tuple(found))


AUDIO, VIDEO = "audio_freeze_time", "video_freeze_time"
CALLS = [
    call_of("long", {"a": (10_000, [(AUDIO, "x", 500), (VIDEO, "x", 400)]), "b": (10_000, [(VIDEO, "x", 100)])}),
    call_of("short", {"a": (100, [(AUDIO, "x", 30), (AUDIO, "y", 30), (VIDEO, "x", 10)]), "b": (100, [])}, rtt=90),
    call_of("many", {user: (1_000, [(AUDIO, "x", 10)]) for user in "abcd"}, audio_uplink_loss=7),
]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("share", ["short", "long", "many"]),
        ("seconds", ["long", "short", "many"]),
        ("users", ["many", "long", "short"]),
        ("loss", ["many", "short", "long"]),
        ("rtt", ["short", "long", "many"]),
    ],
)
def test_the_worst_call_is_the_one_whose_worst_user_lost_most_of_the_stay(by: Any, expected: list[str]) -> None:
    assert expected == [figures.call_id for figures in worst(CALLS, by=by)]
    assert expected[:2] == [figures.call_id for figures in worst(iter(CALLS), by=by, most=2)]


def test_of_two_peers_and_two_media_the_worse_makes_the_share() -> None:
    (first, *_) = worst(CALLS)
    assert (0.3, 1, 60.0, 10.0) == (first.worst_share, first.frozen_users, first.audio_freeze_s, first.video_freeze_s)
    (unknown,) = worst([call_of("c", {"a": (100, [])}, rtt=9)])
    assert (None, 0) == (unknown.worst_share, unknown.frozen_users), "nobody measured it"


@pytest.mark.parametrize("by", ["share", "seconds", "users", "loss", "rtt"])
def test_of_calls_that_are_as_bad_the_first_come_first(by: Any) -> None:
    calls = [call_of(f"c{place}", {"a": (100, [(AUDIO, "x", place == 7)])}) for place in range(20)]
    assert ["c7", "c0", "c1", "c2", "c3"] == [figures.call_id for figures in worst(calls, by=by, most=5)]


@pytest.mark.parametrize("by", ["rtt", "loss"])
def test_a_call_whose_figure_is_no_number_hides_none_that_is_worse(by: Any) -> None:
    metric = {"rtt": "rtt", "loss": "audio_uplink_loss"}[by]
    calls = [call_of(str(value), {"a": (100, [])}, **{metric: value}) for value in (1, 500, 300, 400)]
    odd = attrs.evolve(calls[0].series[0], call_id="odd", columns=Columns.of([1, 2], [INF, -INF]))
    calls.append(attrs.evolve(calls[0], call=attrs.evolve(calls[0].call, call_id="odd"), series=(odd,)))
    for order in permutations(calls):
        assert ["500", "400"] == [figures.call_id for figures in worst(order, by=by, most=2)]


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3", None])
def test_a_number_of_worst_calls_that_is_none_is_refused(most: Any) -> None:
    with pytest.raises(BadInput, match="most must be a whole number from 1"):
        worst([], most=most)


def test_an_order_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadInput, match="share, seconds, users, loss, rtt"):
        worst([], by="badness")  # type: ignore[arg-type]


# --- Arrow --------------------------------------------------------------------------------------------------


def test_points_become_rows_of_a_table_with_units_and_sources() -> None:
    pytest.importorskip("pyarrow")
    table = to_arrow([full()], "points")
    assert (8, 10) == (table.num_rows, table.num_columns)
    rows = table.to_pylist()
    assert {
        "vendor": "agora-2",
        "call_id": "c",
        "session_id": "t",
        "user_id": "u-2",
        "peer_id": "p",
        "metric": "rtt",
        "vendor_metric": "20003",
        "unit": "ms",
        "time": 100,
        "value": 1.0,
    } == rows[0]
    assert [1.0, None] * 4 == [row["value"] for row in rows]
    assert {b"unit": b"s since 1970-01-01 UTC", b"source": b"MetricSeries.times"} == table.schema.field("time").metadata
    assert "dictionary" in str(table.schema.field("metric").type)


@pytest.mark.parametrize(("level", "rows"), [("calls", 1), ("sessions", 4), ("series", 8), ("points", 16)])
def test_every_level_has_a_row_for_each_of_its_things(level: Any, rows: int) -> None:
    pytest.importorskip("pyarrow")
    parts = [full(), attrs.evolve(full(), last=True)]
    assert rows == to_arrow(parts, level).num_rows
    empty = to_arrow([], level)
    assert (0, to_arrow(parts, level).schema) == (empty.num_rows, empty.schema)


def test_series_have_lists_and_calls_and_sessions_their_fields() -> None:
    pytest.importorskip("pyarrow")
    record = attrs.evolve(full(), last=True)
    (first, *_) = to_arrow([record], "series").to_pylist()
    assert ([100, 101], [1.0, None]) == (first["times"], first["values"])
    (call,) = to_arrow([record], "calls").to_pylist()
    assert ("agora-2", "c", 90, None, 3) == tuple(
        call[name] for name in ("vendor", "call_id", "created_ts", "destroyed_ts", "peak_users")
    )
    (_, left) = to_arrow([record], "sessions").to_pylist()
    assert ("t", 99, True) == (left["session_id"], left["leave_ts"], left["finished"])


def test_a_level_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadInput, match="calls, sessions, series, points"):
        to_arrow([], "rows")  # type: ignore[arg-type]
    assert callable(scan)
