"""A call that one walk shows whole is the same call as by two walks, and costs less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import AgoraProvider, Provider, TencentProvider, TimeRange
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.scan.whole_call import WholeCall, list_the_others, whole_call
from agora_tencent_analytics.simulator import World
from agora_tencent_analytics.simulator.world.impolite import SLIPS
from tests.support.long_runs import by_turns
from tests.support.simulated_scans import END, WHOLE, Vendors, read
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import run

OF_ROWS = [name for name, slip in SLIPS.items() if slip.places[0] in ("call", "session")]
"""Ways in which rows are told wrong, whatever is asked and however often."""
KINDS = ("tencent", "agora of March 2021")


def scanned(kind: str, vendors: Vendors, **options: Any) -> tuple[list[CallRecord], Report, int]:
    async def scenario() -> tuple[list[CallRecord], Report]:
        if kind == "tencent":
            provider: Provider = vendors.tencent()
        else:
            provider = vendors.agora(api="2021-03")
        return await read(provider, over=WHOLE, **options)

    records, report = run(scenario)
    return sorted(records, key=lambda record: record.call.call_id), report, len(vendors.servers[-1].arrivals)


def apart(kind: str, vendors: Vendors, **options: Any) -> tuple[list[CallRecord], Report, int]:
    """As before: sessions are listed, and then their series asked for."""
    with pytest.MonkeyPatch.context() as patch:
        for provider in (AgoraProvider, TencentProvider):
            patch.setattr(provider, "sessions_with_metrics", lambda self, call, over=None: None)
        return scanned(kind, vendors, **options)


def told(records: list[CallRecord]) -> list[Any]:
    """All that records say, but how often a row that cannot be read was met, and the points that fit no stay."""
    return [
        (record.call, record.sessions, bool(record.failures), sorted(map(series_of, record.series)), record.part)
        for record in records
    ]


def series_of(series: Any) -> Any:
    facts = (series.session_id, series.user_id, series.vendor_metric, series.peer_id, series.unit)
    return (*facts, list(series.times), list(map(repr, series.values)), series.odd)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    sessions=st.sampled_from([1, 2, 4, 7, 30]),
    seconds=st.sampled_from([300, 1_800, 3_500, 9_000]),
    slips=st.just([]) | st.lists(st.sampled_from(OF_ROWS), min_size=1, max_size=3),
)
def test_a_call_read_as_a_whole_is_what_two_walks_show(
    kind: str, seed: int, sessions: int, seconds: int, slips: list[str]
) -> None:
    facts: dict[str, Any] = {"seed": seed, "calls": 4, "sessions_per_call": sessions, "call_seconds": seconds}
    facts |= {
        "points_per_series": 4,
        "metrics_per_session": 3,
        "impolite": dict.fromkeys(slips, 0.3),
        "end": END - 2 * HOUR,
    }
    whole, of_whole, _ = scanned(kind, Vendors(**facts))
    two, of_two, _ = apart(kind, Vendors(**facts))
    assert told(two) == told(whole)
    assert of_two.complete == of_whole.complete


@pytest.mark.parametrize(("seed", "slip"), by_turns(3, range(3), OF_ROWS))
def test_a_call_whose_rows_are_told_wrong_is_read_the_same_in_both_ways(seed: int, slip: str) -> None:
    facts: dict[str, Any] = {"seed": seed, "calls": 3, "sessions_per_call": 7, "call_seconds": 600}
    facts |= {"points_per_series": 2, "metrics_per_session": 1, "impolite": {slip: 0.9}, "end": END - 2 * HOUR}
    whole, of_whole, _ = scanned("tencent", Vendors(**facts))
    two, of_two, _ = apart("tencent", Vendors(**facts))
    assert told(two) == told(whole)
    assert of_two.complete == of_whole.complete


@pytest.mark.parametrize(("rows", "requests"), [(1, 1), (2, 1), (5, 1), (6, 2), (7, 2), (11, 2), (12, 3), (40, 7)])
def test_a_call_of_one_hour_costs_as_many_requests_as_its_stays_fill_pages(rows: int, requests: int) -> None:
    facts: dict[str, Any] = {"calls": 5, "sessions_per_call": rows, "call_seconds": 1_200, "points_per_series": 1}
    vendors = Vendors(**facts, end=END - 2 * HOUR, metrics_per_session=1)
    records, report, sent = scanned("tencent", vendors)
    assert report.complete
    assert [rows] * 5 == [len(record.sessions) for record in records]
    listing = 2
    assert 5 * requests + listing == sent


def test_a_call_that_is_larger_costs_no_more_than_by_two_walks() -> None:
    facts: dict[str, Any] = {"calls": 2, "sessions_per_call": 120, "call_seconds": 1_200, "points_per_series": 1}
    spent = [way("tencent", Vendors(**facts, end=END - 2 * HOUR, metrics_per_session=1))[2] for way in (apart, scanned)]
    assert spent[1] <= spent[0]


def test_users_asked_for_by_name_are_asked_for_by_name() -> None:
    vendors = Vendors(calls=3, sessions_per_call=3, end=END - 2 * HOUR)
    records, _, _ = scanned("tencent", vendors)
    user = records[0].sessions[0].user_id
    found, _, _ = scanned("tencent", vendors, users=[user])
    assert {user} == {session.user_id for record in found for session in record.sessions}
    assert {user} == {series.user_id for record in found for series in record.series}


def test_users_who_come_back_are_listed_once_their_stays_have_cost_what_the_listing_does() -> None:
    vendors = Vendors(calls=1, end=END - 2 * HOUR, call_seconds=1_200)

    async def scenario() -> WholeCall | None:
        provider = vendors.tencent()
        (call,) = await provider.calls(WHOLE).collect()
        return whole_call(provider, call, None, provider.now())

    way = run(scenario)
    assert way is not None
    most = 2 * way.question.size
    listed = [list_the_others(way, 6, rows, users=50, total=150) for rows in (50, 49 + most, 50 + most)]
    assert [False, False, True] == listed


@pytest.mark.parametrize("sessions", [9, 14])
def test_of_a_user_who_comes_back_each_page_may_show_the_series_of_its_own_stay(sessions: int) -> None:
    world = World(
        seed=0, calls=1, start=END - 6 * HOUR, end=END - 2 * HOUR, call_seconds=3_000, sessions_per_call=sessions,
        metrics_per_session=2, points_per_series=30,
    )  # fmt: skip

    def of_the_page(whole: Rows) -> None:
        """Only points from stays that stand on the same page."""
        for series in whole[0].get("Data") or ():
            own = [(row["JoinTs"], row["LeaveTs"]) for row in whole[0]["UserList"] if row["UserId"] == series["UserId"]]
            series["Content"] = [
                point for point in series["Content"] if any(join <= point["Time"] <= leave for join, leave in own)
            ]

    def points(spoil: dict[str, Any]) -> tuple[int, int, bool]:
        stage = Stage("tencent", world)

        async def scenario() -> tuple[int, int, bool]:
            async with stage.provider(transport=Spoilt(stage.server, spoil)) as provider:
                records, report = await read(provider, over=TimeRange(world.start, world.end))
                return sum(record.points for record in records), stage.asked, report.complete

        return run(scenario)

    polite = points({})
    assert (sessions * 2 * 30, True) == (polite[0], polite[2])
    assert polite == points({"": of_the_page})
