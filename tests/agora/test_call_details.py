"""Series of March 2021, whose answers hold the ten users of a window who joined last, in windows chosen by that."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics import Certificate, MetricSeries, Page, Session, TimeRange
from agora_tencent_analytics.agora.call_details import MOST_WINDOWS, choose_windows
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.plans import GENERATIONS
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.simulator import Session as Stay
from agora_tencent_analytics.simulator import World
from agora_tencent_analytics.timerange import merge
from tests.support.long_runs import by_turns
from tests.support.spoilt_answers import Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

NOW = int(EPOCH)
ROW = GENERATION_ENDPOINTS["2021-03"]["call/details with metrics"]
LIMITS = GENERATIONS["2021-03"]["premium"].limits(ROW.limits)


def world_of(users: int, seconds: int, seed: int = 1) -> World:
    return World(
        seed=seed,
        calls=1,
        start=NOW - 9 * HOUR,
        end=NOW - 2 * HOUR,
        sessions_per_call=users,
        call_seconds=seconds,
        metrics_per_session=3,
    )


def read(
    world: World, keep: int | None = None, **options: Any
) -> tuple[list[Session], list[MetricSeries], int, Certificate]:
    """The series of the call's sessions, or of the few that joined first, with the requests that they cost."""
    stage = Stage("agora", world, api="2021-03")

    async def scenario() -> tuple[list[Session], list[MetricSeries], int, Certificate]:
        provider = stage.provider(api="2021-03")
        (call,) = await provider.calls(TimeRange(world.start, world.end)).collect()
        sessions = await provider.sessions(call).collect()
        kept = sorted(sessions, key=lambda one: one.join_ts)[:keep]
        before = stage.asked
        listing = provider.metrics(call, kept, **options)
        return kept, await listing.collect(), stage.asked - before, listing.certificate

    return run(scenario)


def could_be_had(world: World, sessions: Sequence[Session]) -> set[tuple[str, str, int]]:
    """The points that a window of their own second would show."""
    (call,) = world.calls("agora")
    stays = sorted(world.sessions(call), key=lambda one: (-one.join_ts, one.session_id))
    wanted = {one.session_id for one in sessions}

    def shown(stay: Stay, second: int) -> bool:
        return stay in [one for one in stays if one.overlaps(second, second + 1)][:10]

    return {
        (stay.session_id, series.metric.name, at)
        for stay in stays
        if stay.session_id in wanted
        for series in world.series(stay)
        if int(series.metric.name) <= 20020
        for at, _ in world.points(stay, series)
        if shown(stay, at)
    }


def read_points(series: Sequence[MetricSeries]) -> set[tuple[str, str, int]]:
    return {(one.session_id, one.vendor_metric, at) for one in series for at in one.times}


@pytest.mark.parametrize(("seconds", "users"), by_turns(3, [10 * MINUTE, HOUR, 4 * HOUR], [11, 20, 30]))
def test_of_a_call_of_more_than_ten_nearly_all_that_can_be_had_is_read(users: int, seconds: int) -> None:
    world = world_of(users, seconds)
    sessions, series, requests, certificate = read(world)
    had, found = could_be_had(world, sessions), read_points(series)
    assert len(found & had) >= 0.95 * len(had)
    assert requests <= 20, "of 40 that would be acceptable"
    (call,) = world.calls("agora")
    points = sum(
        1
        for stay in world.sessions(call)
        for one in world.series(stay)
        if int(one.metric.name) <= 20020
        for _ in world.points(stay, one)
    )
    assert certificate.complete == (points == len(found))
    if not certificate.complete:
        assert "shows the 10 users of its window who joined last" in certificate.why
        assert "has more" not in certificate.why
        assert "more exists" not in certificate.why


@pytest.mark.parametrize("users", [1, 9, 10])
def test_a_call_of_ten_costs_a_request_for_each_span(users: int) -> None:
    for seconds, requests in ((HOUR, 1), (4 * HOUR, 2)):
        world = world_of(users, seconds)
        sessions, series, spent, certificate = read(world)
        assert (requests, True) == (spent, certificate.complete)
        assert could_be_had(world, sessions) == read_points(series)


@pytest.mark.parametrize("keep", [1, 3, 12])
def test_whoever_else_takes_a_place_is_learnt_from_the_answers(keep: int) -> None:
    world = world_of(27, HOUR)
    sessions, series, requests, certificate = read(world, keep=keep)
    had, found = could_be_had(world, sessions), read_points(series)
    assert {one.session_id for one in sessions} >= {one.session_id for one in series}
    assert len(found & had) >= 0.9 * len(had)
    assert requests <= MOST_WINDOWS + 1
    assert not certificate.complete


def test_only_the_part_asked_for_is_cut_into_windows() -> None:
    world = world_of(27, HOUR)
    (call,) = world.calls("agora")
    over = TimeRange(call.created_ts + 1000, call.created_ts + 1900)
    sessions, series, _, certificate = read(world, over=over)
    found = read_points(series)
    had = {point for point in could_be_had(world, sessions) if point[2] in over}
    assert found
    assert all(at in over for _, _, at in found)
    assert len(found) >= 0.9 * len(had)
    assert certificate.over is not None
    assert certificate.over.start >= over.start


def test_a_page_of_series_has_its_sessions_beside_them() -> None:
    world = world_of(12, HOUR)
    stage = Stage("agora", world, api="2021-03")

    async def scenario() -> tuple[list[Session], list[Page[Any]]]:
        provider = stage.provider(api="2021-03")
        (call,) = await provider.calls(TimeRange(world.start, world.end)).collect()
        sessions = await provider.sessions(call).collect()
        return sessions, [page async for page in provider.metrics(call, sessions).pages()]

    sessions, pages = run(scenario)
    by_id = {one.session_id: one for one in sessions}
    for page in pages:
        assert 0 < len(page.sessions) <= 10
        assert [by_id[one.session_id] for one in page.sessions] == list(page.sessions)
        assert {one.session_id for one in page.items} <= {one.session_id for one in page.sessions}


@pytest.mark.parametrize("users", [4, 27])
def test_series_without_their_sessions_beside_them_are_known_by_their_own_ids(users: int) -> None:
    world = world_of(users, HOUR)
    stage = Stage("agora", world, api="2021-03")
    spoil: dict[str, Any] = {}

    async def scenario() -> tuple[list[MetricSeries], Certificate]:
        provider = stage.provider(api="2021-03", transport=Spoilt(stage.server, spoil))
        (call,) = await provider.calls(TimeRange(world.start, world.end)).collect()
        sessions = await provider.sessions(call).collect()
        spoil["call_info"] = list.clear
        listing = provider.metrics(call, sessions)
        return await listing.collect(), listing.certificate

    series, certificate = run(scenario)
    polite_sessions, polite, _, expected = read(world)
    assert read_points(polite) == read_points(series)
    assert (expected.complete, expected.doubts) == (certificate.complete, certificate.doubts)
    assert (users <= 10) == certificate.complete
    assert users == len(polite_sessions)


# -- the choice, without a vendor ---------------------------------------------------------------------------

stays_of_many = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 20_000)).map(
        lambda one: TimeRange(1_000_000 + one[0], 1_000_000 + one[0] + one[1])
    ),
    min_size=1,
    max_size=30,
).map(lambda found: {f"s{number}": stay for number, stay in enumerate(found)})


def seconds_shown(windows: Sequence[TimeRange], known: dict[str, TimeRange]) -> int:
    """Session seconds that these windows show, told the long way."""
    total = 0
    for window in windows:
        there = sorted((name for name, stay in known.items() if stay.overlap(window)), key=_latest(known))
        total += sum(both.seconds for name in there[:10] if (both := known[name].overlap(window)))
    return total


def _latest(known: dict[str, TimeRange]) -> Any:
    return lambda name: (-known[name].start, name)


@given(stays_of_many)
def test_windows_cover_every_stay_within_the_span_and_show_nearly_all_that_can_be_shown(
    known: dict[str, TimeRange],
) -> None:
    pieces = merge(known.values())
    windows = choose_windows(pieces, known, known, LIMITS, ROW.bounds, most=MOST_WINDOWS)
    assert all(any(piece.overlap(one) == piece for one in merge(windows)) for piece in pieces)
    assert sorted(windows) == windows
    assert sum(window.seconds for window in merge(windows)) == sum(window.seconds for window in windows), "none overlap"
    assert all(window.seconds < LIMITS.span_s for window in windows)
    assert len(windows) <= MOST_WINDOWS
    moments = sorted({moment for stay in known.values() for moment in (stay.start, stay.end)})
    every = [TimeRange(start, end) for start, end in pairwise(moments)]
    assert seconds_shown(windows, known) >= 0.98 * seconds_shown(every, known)


def test_nothing_is_given_up_where_everything_can_be_had() -> None:
    known = {f"s{number}": TimeRange(1000 + 100 * number, 1000 + 100 * number + 900) for number in range(30)}
    windows = choose_windows(merge(known.values()), known, known, LIMITS, ROW.bounds, most=MOST_WINDOWS)
    assert sum(stay.seconds for stay in known.values()) == seconds_shown(windows, known)
    assert len(windows) < 15


def test_windows_are_never_more_than_asked_for_unless_spans_make_them_so() -> None:
    known = {f"s{number}": TimeRange(1000 + 7 * number, 1500 + 11 * number) for number in range(200)}
    for most in (1, 5, 24):
        assert most >= len(choose_windows(merge(known.values()), known, known, LIMITS, ROW.bounds, most=most))
