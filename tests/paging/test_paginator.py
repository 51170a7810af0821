"""Walks over both simulated vendors, in virtual time: everything once, or a certificate that says why not."""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import msgspec
import pytest

from agora_tencent_analytics import (
    AgoraProvider,
    BadInput,
    InvalidRequest,
    Last,
    NothingToAsk,
    Page,
    Quota,
    Request,
    Response,
    Retry,
    Timeouts,
    TimeRange,
    TransportError,
    WindowRefused,
)
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.agora.plans import PLANS as AGORA_PLANS
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.paging import walk
from agora_tencent_analytics.paging.certificate import Certificate
from agora_tencent_analytics.paging.clip import CLOCKS_DIFFER_S
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.paging.seen_ids import Seen
from agora_tencent_analytics.simulator import (
    AnswerHtml,
    Drift,
    DuplicatePage,
    EmptyPage,
    Fail,
    Fault,
    Lie,
    Refuse,
    Reset,
    Truncate,
    When,
    World,
)
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from agora_tencent_analytics.tencent.plans import PLANS as TENCENT_PLANS
from tests.support.transports import Script, Stage, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

NOW = int(EPOCH)
END = NOW - HOUR
START = END - 8 * HOUR
WORLD = World(seed=3, calls=14, start=START, end=END)
WHOLE = TimeRange(START, END)
VENDORS = ("agora", "tencent")
LISTING = {"agora": CALL_LISTS_2024, "tencent": ROOM_INFO}
ACTION = {"agora": "call/lists", "tencent": "DescribeRoomInfo"}


def on_sale(vendor: str) -> list[tuple[str, str]]:
    plans = AGORA_PLANS if vendor == "agora" else TENCENT_PLANS
    return [(vendor, name) for name, plan in plans.items() if LISTING[vendor].limits in plan.rows]


PLANS = [*on_sale("agora"), *on_sale("tencent")]


def truth(vendor: Any, over: TimeRange = WHOLE, world: World = WORLD) -> list[str]:
    return sorted(call.call_id for call in world.calls(vendor) if call.overlaps(over.start, over.end))


def spans(stage: Stage) -> list[tuple[int, int]]:
    """The windows that were asked for, in order, each once."""
    names = ("start_ts", "end_ts") if stage.vendor == "agora" else ("StartTime", "EndTime")
    asked = [(int(arrival.facts[names[0]]), int(arrival.facts[names[1]])) for arrival in stage.server.arrivals]
    return list(dict.fromkeys(asked))


def walked(stage: Stage, over: Any = WHOLE, **options: Any) -> tuple[list[str], Any]:
    """Ids of the calls that a walk yields, and its certificate."""
    provider_options = {name: options.pop(name) for name in ("retry",) if name in options}

    async def scenario() -> tuple[list[str], Any]:
        listing = stage.provider(**provider_options).ask(LISTING[stage.vendor], over, **options)
        return [call.call_id async for call in listing], listing.certificate

    return run(scenario)


# --- everything once --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vendor", "plan"), PLANS)
def test_every_call_and_session_is_read_once_on_every_plan(vendor: Any, plan: str) -> None:
    stage = Stage(vendor, WORLD, plan=plan)

    async def scenario() -> tuple[list[str], list[str], bool]:
        async with stage.provider() as provider:
            calls = await provider.calls(WHOLE).collect()
            sessions, complete = [], True
            for call in calls:
                listing = provider.sessions(call)
                sessions += [session.session_id async for session in listing]
                complete &= listing.certificate.complete
            return [call.call_id for call in calls], sessions, complete

    calls, sessions, complete = run(scenario)
    assert truth(vendor) == sorted(calls)
    everyone = [stay.session_id for call in WORLD.calls(vendor) for stay in WORLD.sessions(call)]
    assert sorted(everyone) == sorted(sessions)
    assert complete
    assert 0 == stage.server.refused


@pytest.mark.parametrize(("vendor", "plan"), PLANS)
def test_a_long_range_is_asked_in_touching_windows_that_the_plan_allows(vendor: str, plan: str) -> None:
    stage = Stage(vendor, WORLD, plan=plan)
    row = LISTING[vendor]
    over = TimeRange(NOW - DAY + HOUR, NOW - 10 * 60)
    _, certificate = walked(stage, over)
    asked = spans(stage)
    most = stage.server.plan.rows[row.limits].span_s - (1 if row.bounds.strict else 0)
    assert (over.start, over.end) == (asked[0][0], asked[-1][1])
    assert all(before[1] == after[0] for before, after in itertools.pairwise(asked)), "oldest first, touching"
    assert max(end - start for start, end in asked) <= most
    assert -(-over.seconds // most) == len(asked)
    assert [(window.over.start, window.over.end) for window in certificate.windows] == asked
    assert certificate.complete
    assert over == certificate.over


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("size", [1, 3, 7, 14, 100])
def test_any_page_size_reads_the_same(vendor: str, size: int) -> None:
    stage = Stage(vendor, WORLD)
    ids, certificate = walked(stage, page_size=size)
    assert truth(vendor) == sorted(ids)
    assert certificate.complete
    assert len(ids) == certificate.unique
    assert stage.asked == certificate.requests
    # Where no sign tells, the end is proved by an empty page; it is looked behind, and asked for once more.
    assert stage.asked <= -(-14 // size) + (3 if vendor == "tencent" else 1)


@pytest.mark.parametrize("vendor", VENDORS)
def test_pages_hold_what_the_vendor_said(vendor: str) -> None:
    stage = Stage(vendor, WORLD)

    async def scenario() -> list[Page[Any]]:
        return [page async for page in stage.provider().calls(WHOLE, page_size=5).pages()]

    pages = run(scenario)
    base = 1 if vendor == "agora" else 0
    assert [base, base + 1, base + 2] == [page.number for page in pages]
    assert truth(vendor) == sorted(call.call_id for page in pages for call in page.items)
    for page in pages:
        assert page.request_id
        assert page.request_id.encode() in page.body
        assert page.items[0].call_id.encode() in page.body
        assert WHOLE == page.window


@pytest.mark.parametrize("vendor", VENDORS)
def test_first_asks_for_one_page_only(vendor: str) -> None:
    stage = Stage(vendor, WORLD)

    async def scenario() -> tuple[Any, bool]:
        listing = stage.provider().calls(WHOLE, page_size=2)
        return await listing.first(), listing.certificate.finished

    call, finished = run(scenario)
    assert call.call_id in truth(vendor)
    assert (1, False) == (stage.asked, finished)


@pytest.mark.parametrize("vendor", VENDORS)
def test_first_of_nothing_is_none_and_collect_is_empty(vendor: str) -> None:
    stage = Stage(vendor, WORLD)
    before = TimeRange(START - HOUR, START - 60)

    async def scenario() -> tuple[Any, list[Any]]:
        listing = stage.provider().calls(before)
        return await listing.first(), await listing.collect()

    assert (None, []) == run(scenario)


def test_each_iteration_is_a_walk_of_its_own() -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> tuple[list[Any], list[Any]]:
        listing = stage.provider().calls(WHOLE)
        return await listing.collect(), await listing.collect()

    first, second = run(scenario)
    assert first == second
    assert (14, 2) == (len(first), stage.asked)


def test_a_walk_that_was_never_begun_certifies_nothing() -> None:
    certificate = Stage("agora", WORLD).provider().calls(WHOLE).certificate
    assert (False, False, 0) == (certificate.finished, certificate.complete, certificate.requests)


def test_two_walks_of_one_paginator_do_not_disturb_each_other() -> None:
    stage = Stage("tencent", WORLD)

    async def scenario() -> list[str]:
        listing = stage.provider().calls(WHOLE, page_size=4)
        pairs = zip([call async for call in listing], [call async for call in listing], strict=True)
        return [one.call_id for one, other in pairs if one == other]

    assert truth("tencent") == sorted(run(scenario))


# --- cursors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("plan", "size"), [("unlimited", 3), ("unlimited", 14), ("small", 4)])
def test_a_walk_cut_after_any_page_goes_on_in_another_process(vendor: Any, plan: str, size: int) -> None:
    long = plan == "small"
    stage = Stage(vendor, WORLD, plan={"agora": "standard", "tencent": "basic"}[vendor] if long else plan)
    over = TimeRange(NOW - DAY + HOUR, END) if long else WHOLE

    async def scenario() -> None:
        whole = [page async for page in stage.provider().calls(over, page_size=size).pages()]
        for place, cut in enumerate(whole):
            rest = stage.provider().calls(over, page_size=size, cursor=cut.cursor)
            pages = [page async for page in rest.pages()]
            numbers = [(page.window, page.number) for page in whole[place + 1 :]]
            found = [(page.window, page.number) for page in pages]
            assert numbers == found[: len(numbers)]
            assert len(found) <= len(numbers) + 2, "an empty page may be looked behind once more"
            ids = [call.call_id for page in whole[: place + 1] + pages for call in page.items]
            assert truth(vendor, over) == sorted(set(ids))
            twice = [call_id for call_id, times in Counter(ids).items() if times > 1]
            for call_id in twice:
                call = WORLD.find_call(vendor, call_id)
                assert call is not None
                assert any(call.created_ts < seam < call.destroyed_ts for seam in (cut.window.start, cut.window.end)), (
                    "only what lies on a seam may come twice"
                )
            assert rest.certificate.complete
            assert over == rest.certificate.over

    run(scenario)


def test_a_cursor_that_says_that_nothing_is_left_is_seen_in_the_certificate() -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> tuple[Certificate, Certificate]:
        whole = stage.provider().calls(WHOLE, page_size=5)
        cut = await anext(whole.pages())
        nothing = msgspec.structs.replace(Cursor.read(cut.cursor), stack=(), window=None).text()
        edited = stage.provider().calls(WHOLE, page_size=5, cursor=nothing)
        assert [] == await edited.collect()
        return whole.certificate, edited.certificate

    whole, edited = run(scenario)
    assert (False, True) == (whole.from_cursor, edited.from_cursor)


def test_a_cursor_keeps_the_range_that_last_hours_meant_then() -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> tuple[Any, Any]:
        pages = stage.provider().calls(Last(hours=10), page_size=5).pages()
        first = await anext(pages)
        rest = stage.provider().calls(Last(hours=10), page_size=5, cursor=first.cursor)
        await rest.collect()
        return first.window, rest.certificate.over

    window, over = run(scenario)
    assert over is not None
    assert window.start == over.start


@pytest.mark.parametrize(
    "other",
    [
        {"cname": "class-1"},
        {"page_size": 6},
        {"app_id": "another0app"},
        {"account": "another customer of the same app"},
        {"row": CALL_SESSIONS_2024, "call_id": "x"},
    ],
)
def test_a_cursor_of_another_question_is_refused(other: dict[str, Any]) -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> int:
        cut = await anext(stage.provider().calls(WHOLE, page_size=5).pages())
        given = {"page_size": 5, **other}
        row = given.pop("row", CALL_LISTS_2024)
        whose = {name: given.pop(name) for name in ("app_id", "account") if name in given}
        strange = stage.provider(**whose).ask(row, WHOLE, cursor=cut.cursor, **given).pages()
        for _ in range(2):  # and it stays refused: nothing may make it look finished
            with pytest.raises(BadInput, match="cursor"):
                await anext(strange)
        return stage.asked

    assert 1 == run(scenario)


def test_a_cursor_beyond_the_questions_is_refused() -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> None:
        call = await stage.provider().calls(WHOLE).first()
        pages = stage.provider().sessions(call, users=[str(number) for number in range(11)]).pages()
        cursors = [page.cursor async for page in pages]
        shorter = stage.provider().ask(
            CALL_SESSIONS_2024, WHOLE, cursor=cursors[-1], call_id=call.call_id, uids=["10"], exclude_server_user=False
        )
        with pytest.raises(BadInput, match="cursor"):
            await shorter.collect()

    run(scenario)


def test_garbage_for_a_cursor_is_refused_before_anything_else() -> None:
    stage = Stage("agora", WORLD)
    with pytest.raises(BadInput, match="cursor"):
        stage.provider().calls(WHOLE, cursor="garbage")
    assert 0 == stage.asked


# --- clipping ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("over", [TimeRange(NOW + HOUR, NOW + 2 * HOUR), TimeRange(NOW - 90 * DAY, NOW - 80 * DAY)])
def test_what_cannot_be_had_is_refused_before_any_request(vendor: str, over: TimeRange) -> None:
    stage = Stage(vendor, WORLD)
    with pytest.raises(NothingToAsk) as refused:
        walked(stage, over)
    assert [over] == [piece.over for piece in refused.value.clipped]
    assert [] == list(stage.server.arrivals)
    assert 0 == len(stage.transports[0].sent)


@pytest.mark.parametrize(("vendor", "plan", "history_s"), [("agora", "standard", DAY), ("tencent", "basic", 7 * DAY)])
def test_what_is_clipped_is_reported(vendor: str, plan: str, history_s: int) -> None:
    stage = Stage(vendor, WORLD, plan=plan)
    over = TimeRange(NOW - history_s - HOUR, NOW + HOUR)
    ids, certificate = walked(stage, over)
    old, new = certificate.clipped
    assert ("history", over.start) == (old.reason, old.over.start)
    assert ("lag", over.end) == (new.reason, new.over.end)
    windows = [window.over for window in certificate.windows]
    assert (old.over.end, new.over.start) == (windows[0].start, windows[-1].end)
    assert truth(vendor) == sorted(ids)
    assert (True, False) == (certificate.finished, certificate.complete), "forgotten history makes it incomplete"
    assert "forgotten" in certificate.why


def test_data_that_the_lag_hides_leaves_a_listing_complete() -> None:
    stage = Stage("agora", WORLD, plan="premium")
    _, certificate = walked(stage, Last(hours=6))
    assert ["lag"] == [piece.reason for piece in certificate.clipped]
    assert certificate.complete


@pytest.mark.parametrize("skew_s", [-600.0, -90.0, 45.0, 300.0, 900.0])
@pytest.mark.parametrize("plan", ["standard", "enterprise"])
def test_a_clock_that_is_wrong_by_minutes_costs_one_refusal_and_is_reported(skew_s: float, plan: str) -> None:
    stage = Stage("agora", WORLD, plan=plan, client_skew_s=skew_s)
    history_s = stage.server.plan.rows["call/lists"].history_s
    over = TimeRange(NOW - history_s - HOUR, NOW + HOUR)
    ids, certificate = walked(stage, over)
    assert truth("agora") == sorted(ids)
    refusals = [arrival.code for arrival in stage.server.arrivals if arrival.code != "200"]
    assert len(refusals) <= 1
    read = [window.over for window in certificate.windows]
    clipped = [piece.over for piece in certificate.clipped]
    assert over.seconds == sum(piece.seconds for piece in read + clipped), "every second is read or reported, once"
    lag_s = stage.server.plan.rows["call/lists"].lag_s
    hidden = [piece for piece in certificate.clipped if piece.over.end > read[0].start]
    # By this machine's clock more should be shown than the lag hides.
    reasons = {"clock", "lag"} if skew_s > lag_s + CLOCKS_DIFFER_S else {"lag"}
    assert reasons == {piece.reason for piece in hidden}
    # A clock that is behind lets ask for what the vendor has forgotten meanwhile.
    gone = {"history", "clock"} if skew_s < -CLOCKS_DIFFER_S else {"history"}
    assert gone == {piece.reason for piece in certificate.clipped if piece not in hidden}
    assert certificate.finished


def test_a_walk_that_rests_for_hours_loses_only_what_was_forgotten() -> None:
    stage = Stage("agora", WORLD, plan="standard")
    over = TimeRange(NOW - DAY + 10 * 60, END)

    async def scenario() -> tuple[Any, list[str]]:
        listing = stage.provider().calls(over)
        pages = listing.pages()
        ids = [call.call_id for call in (await anext(pages)).items]
        await anyio.sleep(12 * HOUR)
        ids += [call.call_id async for page in pages for call in page.items]
        return listing.certificate, ids

    certificate, ids = run(scenario)
    assert ["history"] == [piece.reason for piece in certificate.clipped]
    assert 0 == sum(arrival.code != "200" for arrival in stage.server.arrivals), "no request is wasted to learn it"
    forgotten = certificate.clipped[0].over
    left = {call.call_id for call in WORLD.calls("agora") if call.destroyed_ts > forgotten.end}
    assert left <= set(ids)
    assert not certificate.complete


@pytest.mark.parametrize("kind", ["query duration limit error", "query time length limit error"])
def test_a_window_that_is_too_long_for_the_vendor_is_halved(kind: str) -> None:
    def long(arrival: Any) -> bool:
        return int(arrival.facts["end_ts"]) - int(arrival.facts["start_ts"]) > 3 * HOUR

    stage = Stage("agora", WORLD, faults=[Refuse(code=300, message=kind, when=When(predicate=long))])
    ids, certificate = walked(stage)
    assert truth("agora") == sorted(ids)
    assert certificate.complete
    assert (4, 7) == (len(certificate.windows), stage.asked)


def test_a_vendor_that_refuses_every_window_is_not_asked_down_to_the_last_second() -> None:
    stage = Stage("agora", WORLD, faults=[Refuse(code=300, message="query time length limit error")])
    with pytest.raises(WindowRefused):
        walked(stage)
    assert stage.asked <= 17


@pytest.mark.parametrize("message", ["query latency limit error", "query time range limit error"])
def test_a_vendor_that_calls_every_window_too_recent_or_too_old_is_given_up(message: str) -> None:
    stage = Stage("agora", WORLD, faults=[Refuse(code=300, message=message)])
    with pytest.raises(WindowRefused):
        walked(stage)
    assert stage.asked <= 7


# --- servers that lie -------------------------------------------------------------------------------------

LIES: list[tuple[str, list[Fault]]] = [
    ("total 0", [Lie(total=0)]),
    ("total 1", [Lie(total=1)]),
    ("total too large", [Lie(total=1_000)]),
    ("total short by one", [Lie(total_off_by=-1)]),
    ("total over by one", [Lie(total_off_by=1)]),
    ("total odd at times", [Lie(total_off_by=3, when=When(nth=(2, 5)))]),
    ("more for ever", [Lie(has_more=True)]),
    ("never more", [Lie(has_more=False)]),
    ("never more and short", [Lie(has_more=False, total_off_by=-2)]),
    ("empty first page", [EmptyPage(when=When(nth=(1,)))]),
    ("empty second page", [EmptyPage(when=When(nth=(2,)))]),
    ("empty second and third page", [EmptyPage(when=When(nth=(2, 3)))]),
    ("empty pages now and then", [EmptyPage(when=When(probability=0.3))]),
    ("a page twice", [DuplicatePage(when=When(nth=(3,)))]),
    ("every page twice", [DuplicatePage()]),
    ("drift", [Drift(rows=3)]),
    ("slow drift", [Drift(rows=2, every=3)]),
    ("drift and more for ever", [Drift(rows=3), Lie(has_more=True)]),
    ("everything", [Drift(rows=2), EmptyPage(when=When(nth=(4,))), DuplicatePage(when=When(nth=(6,)))]),
]


# What no client can know: the hidden rows appear only after the listing has been read, so no two answers differ.
UNDETECTABLE = {
    *((vendor, "slow drift", size) for vendor in VENDORS for size in (5, 100)),
    *(("agora", name, 100) for name in ("drift", "everything")),
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("size", [3, 5, 100])
@pytest.mark.parametrize(("name", "faults"), LIES, ids=[name for name, _ in LIES])
def test_whatever_a_listing_says_nothing_is_lost_in_silence(
    vendor: Any, size: int, name: str, faults: list[Fault]
) -> None:
    stage = Stage(vendor, WORLD, faults=faults)
    ids, certificate = walked(stage, page_size=size)
    assert len(ids) == len(set(ids)), "nothing twice"
    assert set(ids) <= set(truth(vendor))
    assert certificate.finished
    assert stage.asked <= 120, "a liar burns no day's quota"
    silent = truth(vendor) != sorted(ids) and certificate.complete
    assert silent == ((vendor, name, size) in UNDETECTABLE)
    assert certificate.complete or certificate.why


@pytest.mark.parametrize("size", [3, 5, 100])
def test_more_for_ever_is_searched_for_in_two_levels_of_halves(size: int) -> None:
    stage = Stage("agora", WORLD, faults=[Lie(has_more=True)])
    ids, certificate = walked(stage, page_size=size)
    assert truth("agora") == sorted(ids)
    assert not certificate.complete
    assert "halves brought nothing new" in certificate.why
    assert WHOLE.seconds // 4 == max(window.over.seconds for window in certificate.windows)


# --- the ceiling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_ceiling_ends_a_walk_and_its_cursor_goes_on(vendor: str) -> None:
    stage = Stage(vendor, WORLD)

    async def scenario() -> tuple[Any, list[str]]:
        row = LISTING[vendor]
        listing = stage.provider().ask(row, WHOLE, page_size=3, max_requests=2)
        pages = [page async for page in listing.pages()]
        rest = stage.provider().ask(row, WHOLE, page_size=3, cursor=pages[-1].cursor)
        items = [call for page in pages for call in page.items] + await rest.collect()
        return listing.certificate, [call.call_id for call in items]

    certificate, ids = run(scenario)
    assert (2, True, False) == (certificate.requests, certificate.finished, certificate.complete)
    assert "ceiling of 2" in certificate.why
    assert truth(vendor) == sorted(ids)


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_ceiling_is_set_on_a_walk_but_on_each_of_its_windows(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    over = TimeRange(END - 3 * DAY, END)
    world = World(seed=3, calls=40, start=over.start, end=over.end)

    def read() -> tuple[list[str], Any]:
        return walked(Stage(vendor, world), over, page_size=2)

    ids, certificate = read()
    assert truth(vendor, over, world) == sorted(ids)
    most = max(window.pages for window in certificate.windows)
    assert 3 <= len(certificate.windows), "several windows"
    monkeypatch.setattr(walk, "MOST_REQUESTS", most)
    again, whole = read()
    assert (ids, certificate.requests, True) == (again, whole.requests, whole.complete)
    monkeypatch.setattr(walk, "MOST_REQUESTS", most - 1)
    fewer, ended = read()
    assert (True, False) == (ended.finished, ended.complete)
    assert f"ceiling of {most - 1} requests for one window" in ended.why
    assert set(fewer) < set(ids)


def test_a_vendor_that_makes_up_rows_for_ever_is_left_alone_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_REQUESTS", 50)
    clock = VirtualClock()
    asked = 0

    class Endless(Script):
        async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
            nonlocal asked
            asked += 1
            begun = int(dict(parse_qsl(urlsplit(request.url).query))["start_ts"])
            rows = [{"call_id": f"{asked}-{row}", "created_ts": begun, "destroyed_ts": begun + 1} for row in range(100)]
            answered()
            return json_response(json.dumps({"code": 200, "call_lists": rows, "has_more": True}))

    async def scenario() -> Any:
        quota = Quota("test", store=":memory:", clock=clock.clock, plan="unlimited", cold_start=False)
        keys = {"app_id": "app", "customer_id": "id", "customer_secret": "secret", "plan": "unlimited"}
        agora = AgoraProvider(**keys, quota=quota, transport=Endless(clock, []))  # type: ignore[arg-type]
        listing = agora.calls(WHOLE)
        found = await listing.collect()
        return len(found), listing.certificate

    found, certificate = run(scenario)
    assert (5_000, 50) == (found, asked)
    assert "ceiling of 50 requests for one window" in certificate.why


@pytest.mark.parametrize("row", [1, None, "x", [], {}])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_that_gives_one_answer_for_ever_is_left_alone_soon(vendor: str, row: Any) -> None:
    clock = VirtualClock()
    answers = {"agora": {"code": 200, "call_lists": [row], "has_more": True}, "tencent": {}}
    answers["tencent"] = {"Response": {"RoomList": [row], "Total": 1, "RequestId": "r"}}
    script = Script(clock, [json_response(json.dumps(answers[vendor]))])
    stage = Stage(vendor, WORLD)

    async def scenario() -> Any:
        listing = stage.provider(transport=script, retry=ONCE).ask(LISTING[vendor], WHOLE)
        assert [] == await listing.collect()
        return listing.certificate

    certificate = run(scenario)
    assert (True, False) == (certificate.finished, certificate.complete)
    assert 300 > len(script.sent)


@pytest.mark.parametrize(
    ("bound", "bad"),
    [
        *(("max_requests", bad) for bad in (0, -1, "3", 1.5, True)),
        *(("max_wait", bad) for bad in (-1, float("nan"), "3", True)),
    ],
)
def test_a_bound_that_is_none_is_bad_input_at_once(bound: str, bad: Any) -> None:
    with pytest.raises(BadInput, match=bound):
        Stage("agora", WORLD).provider().ask(CALL_LISTS_2024, WHOLE, **{bound: bad})


# --- errors on the way ------------------------------------------------------------------------------------

ONCE = Retry(attempts=1)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("nth", [1, 2, 4])
@pytest.mark.parametrize("kind", [Fail, Reset, Truncate, AnswerHtml])
def test_after_an_error_the_same_iterator_goes_on_where_it_stood(vendor: str, nth: int, kind: Any) -> None:
    stage = Stage(vendor, WORLD, faults=[kind(when=When(nth=(nth,)))])

    async def scenario() -> tuple[int, list[str], Any]:
        listing = stage.provider(retry=ONCE).calls(WHOLE, page_size=4)
        items = aiter(listing)
        ids, errors = [], 0
        while True:
            try:
                ids.append((await anext(items)).call_id)
            except StopAsyncIteration:
                return errors, ids, listing.certificate
            except Exception:
                errors += 1

    errors, ids, certificate = run(scenario)
    assert 1 == errors
    assert truth(vendor) == sorted(ids)
    assert certificate.complete
    assert stage.asked == certificate.requests + 1


def test_a_cancelled_walk_goes_on_where_it_stood() -> None:
    stage = Stage("agora", WORLD)

    async def scenario() -> list[str]:
        items = aiter(stage.provider().calls(WHOLE, page_size=4))
        ids: list[str] = []
        for patience in itertools.cycle([0.001, 0.015, 1.0]):
            with anyio.move_on_after(patience):
                try:
                    while True:
                        ids.append((await anext(items)).call_id)
                except StopAsyncIteration:
                    return ids
        raise AssertionError

    assert truth("agora") == sorted(run(scenario))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_window_can_be_skipped_and_the_certificate_says_so(vendor: Any) -> None:
    plan = {"agora": "standard", "tencent": "unlimited"}[vendor]
    over = TimeRange(NOW - DAY + HOUR, END) if vendor == "agora" else TimeRange(NOW - 3 * DAY, END)
    bad = When(nth=(2,))
    code = 400 if vendor == "agora" else "InvalidParameter"
    stage = Stage(vendor, WORLD, plan=plan, faults=[Refuse(code=code, message="no", when=bad)])

    async def scenario() -> tuple[Any, Any, set[str]]:
        listing = stage.provider().calls(over)
        pages = listing.pages()
        assert pages.skip("nothing has begun") is None
        ids: set[str] = set()
        skipped = None
        while True:
            try:
                page = await anext(pages)
            except InvalidRequest as refused:
                skipped = pages.skip(str(refused))
                continue
            except StopAsyncIteration:
                return skipped, listing.certificate, ids
            ids |= {call.call_id for call in page.items}

    skipped, certificate, ids = run(scenario)
    assert skipped is not None
    assert [skipped] == [window.over for window in certificate.windows if not window.complete]
    assert (True, False) == (certificate.finished, certificate.complete)
    assert "no" in certificate.why
    rest = {one.call_id for one in WORLD.calls(vendor) for window in certificate.windows if window.complete
            and one.overlaps(window.over.start, window.over.end)}  # fmt: skip
    assert rest == ids


def test_skipping_the_only_window_of_a_clipped_range_ends_the_walk() -> None:
    stage = Stage("agora", WORLD, faults=[Refuse(code=400, message="no")])

    async def scenario() -> Any:
        listing = stage.provider().calls(Last(hours=6))
        pages = listing.pages()
        with pytest.raises(InvalidRequest):
            await anext(pages)
        assert pages.skip("refused") is not None
        assert [] == [page async for page in pages]
        return listing.certificate

    certificate = run(scenario)
    assert (True, False) == (certificate.finished, certificate.complete)


# --- memory -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files by /proc")
@pytest.mark.parametrize("ending", ["whole", "broken off", "failed"])
def test_what_was_seen_goes_to_a_file_that_is_never_left_open(monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(walk, "Seen", partial(Seen, in_memory=2))
    faults: list[Fault] = [Lie(has_more=True)]
    if ending == "failed":
        faults.append(Reset(when=When(nth=(4,))))
    stage = Stage("agora", WORLD, faults=faults)

    async def scenario() -> list[str]:
        provider = stage.provider(retry=ONCE)
        ids = []
        try:
            async for call in provider.calls(WHOLE, page_size=3):
                ids.append(call.call_id)
                if ending == "broken off" and len(ids) == 8:
                    break
        except TransportError:
            assert "failed" == ending
        return ids

    gc.collect()
    before = set(os.listdir("/proc/self/fd"))
    ids = run(scenario)
    gc.collect()
    assert before == set(os.listdir("/proc/self/fd"))
    assert len(ids) == len(set(ids))
    if ending == "whole":
        assert truth("agora") == sorted(ids)
