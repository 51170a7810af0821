"""Walks about a call that were cut after any page go on elsewhere: nothing is lost, and nothing comes twice unsaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from agora_tencent_analytics import BadInput, Call, MetricSeries, Page, Session, TimeRange
from agora_tencent_analytics.limits import HOUR, MINUTE
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.simulator import World
from tests.support.spoilt_answers import Rows, Spoilt
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

VENDORS = ("agora", "tencent")
END = int(EPOCH) - HOUR
# Packets of sessions, windows of a packet, and on Tencent stays of one user in several packets' worth of pages.
LONG = {
    "agora": World(
        seed=2, calls=1, start=END - 8 * HOUR, end=END, call_seconds=7 * HOUR, sessions_per_call=25,
        metrics_per_session=2, points_per_series=40,
    ),
    "tencent": World(
        seed=2, calls=1, start=END - 8 * HOUR, end=END, call_seconds=3 * HOUR, sessions_per_call=15,
        metrics_per_session=2, points_per_series=40,
    ),
}  # fmt: skip
# Several pages of sessions in a window on Agora, and several windows on either.
CROWD = {
    vendor: World(seed=4, calls=1, start=END - 14 * HOUR, end=END, call_seconds=13 * HOUR, sessions_per_call=130)
    for vendor in VENDORS
}
Key = tuple[str, str, str]


async def about(stage: Stage) -> tuple[Call, list[Session]]:
    provider = stage.provider()
    call = await provider.calls(whole(stage.world)).first()
    assert call is not None
    return call, await provider.sessions(call).collect()


def whole(world: World) -> TimeRange:
    return TimeRange(world.start, world.end)


def session_ids(items: Iterable[Any]) -> list[str]:
    return [one.session_id for one in items]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("plan", ["unlimited", "small"])
def test_sessions_go_on_after_any_page(vendor: Any, plan: str) -> None:
    small = {"agora": "enterprise", "tencent": "basic"}[vendor]
    stage = Stage(vendor, CROWD[vendor], plan=small if plan == "small" else plan)
    stays = {stay.session_id: stay for call in stage.world.calls(vendor) for stay in stage.world.sessions(call)}

    async def scenario() -> int:
        call, _ = await about(stage)
        pages = [page async for page in stage.provider().sessions(call).pages()]
        for place, cut in enumerate(pages):
            before = [one for page in pages[: place + 1] for one in session_ids(page.items)]
            rest = stage.provider().sessions(call, cursor=cut.cursor)
            found = before + session_ids(await rest.collect())
            assert rest.certificate.complete
            assert set(stays) == set(found)
            for session_id, times in Counter(found).items():
                stay = stays[session_id]
                seams = [seam for seam in (cut.window.start, cut.window.end) if stay.join_ts < seam <= stay.leave_ts]
                assert times == 1 or seams, "only what reaches over the end of a window may come twice"
            again = [page async for page in stage.provider().sessions(call, cursor=cut.cursor).pages()]
            numbers = [(page.window, page.number) for page in pages[place + 1 :]]
            assert numbers == [(page.window, page.number) for page in again][: len(numbers)]
        return len(pages)

    assert run(scenario) >= 4


def series_of(all_series: Iterable[MetricSeries]) -> dict[Key, list[int]]:
    found: dict[Key, list[int]] = {}
    for series in all_series:
        key = (series.session_id, series.vendor_metric, series.peer_id)
        assert key not in found, "each series once"
        if len(series):
            found[key] = list(series.times)
    return found


def truth(stage: Stage, session_ids: Iterable[str]) -> dict[Key, list[int]]:
    wanted, world, found = set(session_ids), stage.world, {}
    for call in world.calls(stage.vendor):  # type: ignore[arg-type]  # a vendor's name
        for stay in world.sessions(call):
            for series in world.series(stay) if stay.session_id in wanted else ():
                times = [time for time, _ in world.points(stay, series)]
                if times:
                    found[stay.session_id, series.metric.name, series.peer_id] = times
    return found


def packets(stage: Stage) -> list[tuple[str, ...]]:
    """Whom each request for metrics was about, in order of arrival; users or sessions."""
    name = "sids" if stage.vendor == "agora" else "UserIds"
    asked = [arrival.facts[name] for arrival in stage.server.arrivals if name in arrival.facts]
    return [tuple(about.split(",")) if isinstance(about, str) else tuple(about) for about in asked]


@pytest.mark.parametrize("vendor", VENDORS)
def test_metrics_go_on_after_any_page_with_whole_series(vendor: Any) -> None:
    stage = Stage(vendor, LONG[vendor])

    async def scenario() -> int:
        call, sessions = await about(stage)
        assert truth(stage, session_ids(sessions)) == series_of(
            await stage.provider().metrics(call, sessions).collect()
        )
        before = len(packets(stage))
        pages = [page async for page in stage.provider().metrics(call, sessions).pages()]
        asked = packets(stage)[before:]
        assert len(pages) == len(asked)
        for place, cut in enumerate(pages):
            rest = stage.provider().metrics(call, sessions, cursor=cut.cursor)
            found = series_of(await rest.collect())
            ended = place + 1 == len(pages) or asked[place] != asked[place + 1]
            left = {one for packet in asked[place + (1 if ended else 0) :] for one in packet}
            owed = [
                one.session_id for one in sessions if (one.session_id if vendor == "agora" else one.user_id) in left
            ]
            assert truth(stage, owed) == found, "the packet that was cut comes whole, those before it do not"
            assert rest.certificate.complete
        return len(set(asked))

    assert run(scenario) >= 2


@pytest.mark.parametrize("vendor", VENDORS)
def test_pages_of_metrics_go_on_right_after_the_page(vendor: Any) -> None:
    stage = Stage(vendor, LONG[vendor])

    def told(pages: Iterable[Page[Any]]) -> list[Any]:
        return [(page.window, page.number, [list(one.times) for one in page.items]) for page in pages]

    async def scenario() -> None:
        call, sessions = await about(stage)
        pages = [page async for page in stage.provider().metrics(call, sessions).pages()]
        for place, cut in enumerate(pages):
            rest = stage.provider().metrics(call, sessions, cursor=cut.cursor).pages()
            assert told(pages[place + 1 :]) == told([page async for page in rest])

    run(scenario)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_cursor_of_other_sessions_is_refused_before_anything_is_sent(vendor: str) -> None:
    stage = Stage(vendor, LONG[vendor])

    async def scenario() -> None:
        call, sessions = await about(stage)
        cut = await anext(stage.provider().metrics(call, sessions).pages())
        asked = stage.asked
        for strange in (
            stage.provider().metrics(call, sessions[::3], cursor=cut.cursor),
            stage.provider().sessions(call, cursor=cut.cursor),
        ):
            with pytest.raises(BadInput, match="cursor"):
                await strange.collect()
        assert asked == stage.asked

    run(scenario)


def test_the_sessions_of_2021_go_on_after_any_page_and_keep_to_the_users_asked_for() -> None:
    stage = Stage("agora", LONG["agora"], api="2021-03")

    async def scenario() -> int:
        provider = stage.provider(api="2021-03")
        call = await provider.calls(whole(stage.world)).first()
        everybody = await provider.sessions(call).collect()
        users = list(dict.fromkeys(one.user_id for one in everybody))[::2]
        wanted = {one.session_id for one in everybody if one.user_id in users}
        pages = [page async for page in provider.sessions(call, users=users).pages()]
        for place, cut in enumerate(pages):
            before = [one for page in pages[: place + 1] for one in page.items if one.user_id in users]
            rest = await stage.provider(api="2021-03").sessions(call, users=users, cursor=cut.cursor).collect()
            assert wanted == set(session_ids([*before, *rest]))
        return len(pages)

    assert run(scenario) > 1


# -- what the answers before the cut have shown ---------------------------------------------------------------------


def outlasting(stage: Stage, cut_s: int) -> Spoilt:
    """A vendor whose call's row ends too early, as the sessions on its full pages show, and the last page does not."""
    tencent = stage.vendor == "tencent"
    destroyed, rows, join, leave = (
        ("DestroyTime", "UserList", "JoinTs", "LeaveTs")
        if tencent
        else ("destroyed_ts", "call_info", "join_ts", "leave_ts")
    )
    (call,) = stage.world.calls(stage.vendor)  # type: ignore[arg-type]  # a vendor's name
    end = call.destroyed_ts - cut_s

    def ended(found: Rows) -> None:
        found[0][destroyed] = end

    def left(found: Rows) -> None:
        if len(found) < 100:
            for row in found:
                if row[join] <= end:
                    row[leave] = min(row[leave], end)

    return Spoilt(stage.server, {"RoomList" if tencent else "call_lists": ended, rows: left})


@pytest.mark.parametrize("vendor", VENDORS)
def test_sessions_go_on_to_the_end_that_pages_before_the_cut_have_shown(vendor: Any) -> None:
    world = World(seed=4, calls=1, start=END - 14 * HOUR, end=END, call_seconds=5 * HOUR, sessions_per_call=150)
    stage = Stage(vendor, world)
    transport = outlasting(stage, 20 * MINUTE)
    everybody = {stay.session_id for call in world.calls(vendor) for stay in world.sessions(call)}

    async def scenario() -> int:
        provider = stage.provider(transport=transport)
        (call,) = await provider.calls(whole(world)).collect()
        pages = [page async for page in provider.sessions(call).pages()]
        assert everybody == {one for page in pages for one in session_ids(page.items)}
        for place, cut in enumerate(pages):
            before = {one for page in pages[: place + 1] for one in session_ids(page.items)}
            rest = provider.sessions(call, cursor=cut.cursor)
            again = [(page.window, page.number) async for page in rest.pages()]
            assert [(page.window, page.number) for page in pages[place + 1 :]] == again, (
                "no request more, and none less"
            )
            assert everybody == before | set(session_ids(await rest.collect()))
            assert rest.certificate.complete
        return len(pages)

    assert 3 <= run(scenario)


def changed(cursor: str, **fields: Any) -> str:
    return msgspec.structs.replace(Cursor.read(cursor), **fields).text()


def test_a_cursor_that_does_not_say_what_was_shown_has_the_question_asked_again_as_a_whole() -> None:
    stage = Stage("tencent", World(seed=4, calls=1, start=END - 14 * HOUR, end=END, sessions_per_call=150))

    async def scenario() -> None:
        provider = stage.provider(transport=outlasting(stage, 5 * MINUTE))
        (call,) = await provider.calls(whole(stage.world)).collect()
        pages = [page async for page in provider.sessions(call).pages()]
        older = changed(pages[0].cursor, trail="", reached=0)
        rest = await provider.sessions(call, cursor=older).collect()
        assert {one for page in pages for one in session_ids(page.items)} == set(session_ids(rest))
        for trail in ("{}", "[1]", "[" * 1000, '[1,2,3,"4"]'):
            with pytest.raises(BadInput, match="not a cursor"):
                await provider.sessions(call, cursor=changed(pages[0].cursor, trail=trail)).collect()

    run(scenario)


def test_series_of_2021_that_were_cut_go_on_where_others_took_a_place_before() -> None:
    world = World(
        seed=1, calls=1, start=END - 8 * HOUR, end=END, call_seconds=3 * HOUR, sessions_per_call=30,
        metrics_per_session=3,
    )  # fmt: skip
    stage = Stage("agora", world, api="2021-03")

    def points(pages: Iterable[Page[MetricSeries]]) -> set[tuple[str, str, int]]:
        items = [one for page in pages for one in page.items]
        return {(one.session_id, one.vendor_metric, at) for one in items for at in one.times}

    async def scenario() -> None:
        provider = stage.provider(api="2021-03")
        (call,) = await provider.calls(whole(world)).collect()
        sessions = sorted(await provider.sessions(call).collect(), key=lambda one: one.join_ts)[:5]
        walk = provider.metrics(call, sessions)
        pages = [page async for page in walk.pages()]
        assert len(pages) > len(walk.questions(END + HOUR)[0].over), "others were learnt of, and windows asked again"
        for place, cut in enumerate(pages):
            rest = provider.metrics(call, sessions, cursor=cut.cursor)
            after = [page async for page in rest.pages()]
            assert [page.window for page in pages[place + 1 :]] == [page.window for page in after]
            assert points(pages) == points([*pages[: place + 1], *after])
            assert walk.certificate.doubts == rest.certificate.doubts
            read = Cursor.read(cut.cursor)
            assert not [one for one in sessions if one.session_id in read.trail or one.user_id in read.trail]

    run(scenario)
