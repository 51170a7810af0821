"""An answer that a cache gives once more, to another question: it is asked for again, or said to be doubtful."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agora_tencent_analytics import CallRecord, Request, Response, Timeouts, TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import Report
from agora_tencent_analytics.simulator import World
from tests.support.in_turn import in_turn
from tests.support.transports import InProcess, Stage
from tests.support.virtual_time import EPOCH, run

END = int(EPOCH) - HOUR
OVER = TimeRange(END - 40 * HOUR, END)
WORLD = World(seed=5, calls=24, start=OVER.start, end=OVER.end, call_seconds=600, sessions_per_call=2)
LISTS = {"agora": "call_lists", "tencent": "RoomList"}
SESSIONS = {"agora": "call_info", "tencent": "UserList"}
SERIES = {"agora": "metrics", "tencent": "Data"}
LONG = World(
    seed=5, calls=1, start=OVER.start, end=OVER.end, call_seconds=20 * HOUR, sessions_per_call=2, metrics_per_session=1
)
every_vendor = pytest.mark.parametrize("vendor", LISTS)


class Cache(InProcess):
    """Answers with the first of the answers that held some rows of a kind, in place of the next so many that do."""

    def __init__(self, stage: Stage, rows: str, times: int) -> None:
        super().__init__(stage.server)
        self.rows, self.times = rows, times
        self.kept: Response | None = None

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        response = await super().send(request, timeouts=timeouts, answered=answered)
        body: Mapping[str, Any] = json.loads(response.body)
        if not body.get("Response", body).get(self.rows):
            return response
        if self.kept is None:
            self.kept = response
        elif self.times:
            self.times -= 1
            return self.kept
        return response


def read(vendor: str, rows: str, times: int, depth: Any, *, world: World = WORLD) -> tuple[list[CallRecord], Report]:
    async def scenario() -> tuple[list[CallRecord], Report]:
        stage = Stage(vendor, world)
        async with (
            stage.provider(transport=Cache(stage, rows, times)) as provider,
            scan(provider, over=OVER, depth=depth, workers=1) as records,
        ):
            return [record async for record in records], records.report

    return run(scenario)


@every_vendor
@in_turn(("times", "complete"), [(1, True), (100, False)])
def test_a_listing_that_another_window_has_shown_is_asked_for_once_more(
    vendor: str, times: int, complete: bool
) -> None:
    records, report = read(vendor, LISTS[vendor], times, "calls")
    assert complete == report.complete
    assert complete == (len(records) == 24)
    if not complete:
        assert "shows rows of another time" in str(report.vendors[vendor].doubts)


@every_vendor
@in_turn(("times", "complete"), [(1, True), (100, False)])
def test_sessions_of_a_call_at_another_time_are_asked_for_once_more(vendor: str, times: int, complete: bool) -> None:
    records, report = read(vendor, SESSIONS[vendor], times, "sessions")
    assert complete == report.complete
    inside = [one.call.created_ts <= stay.join_ts for one in records for stay in one.sessions]
    assert complete == all(inside)
    if not complete:
        assert "shows rows of another time" in str(report.vendors[vendor].doubts)


@every_vendor
@in_turn(("times", "complete"), [(1, True), (100, False)])
def test_points_of_another_window_are_asked_for_once_more(vendor: str, times: int, complete: bool) -> None:
    _, whole = read(vendor, SERIES[vendor], 0, "metrics", world=LONG)
    _, report = read(vendor, SERIES[vendor], times, "metrics", world=LONG)
    assert complete == report.complete
    assert complete == (report.vendors[vendor].points == whole.vendors[vendor].points)
    if not complete:
        assert "shows rows of another time" in str(report.vendors[vendor].doubts)


class LateCache(InProcess):
    """Answers with the first answer of all in the place of one later on."""

    def __init__(self, stage: Stage, place: int) -> None:
        super().__init__(stage.server)
        self.place = place
        self.kept: list[Response] = []

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        self.kept.append(await super().send(request, timeouts=timeouts, answered=answered))
        return self.kept[0 if len(self.kept) == self.place else -1]


@every_vendor
def test_any_page_of_a_listing_may_come_from_another_window_once(vendor: str) -> None:
    def listed(place: int) -> tuple[int, bool, int]:
        async def scenario() -> tuple[int, bool, int]:
            stage = Stage(vendor, WORLD)
            transport = LateCache(stage, place)
            async with stage.provider(transport=transport) as provider:
                listing = provider.calls(OVER, page_size=2)
                return len(await listing.collect()), listing.certificate.complete, len(transport.kept)

        return run(scenario)

    usual = listed(0)
    assert (24, True) == usual[:2]
    for place in range(2, usual[2] + 1):
        assert (24, True) == listed(place)[:2], f"answer {place} was another's"
