"""Every row of both vendors, on every plan, asked of the simulator through the real quota, caller and walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import attrs
import pytest

from agora_tencent_analytics import (
    AbnormalExperience,
    Certificate,
    Endpoint,
    Figures,
    MetricSeries,
    NotFound,
    NotOffered,
    Paginator,
    Plan,
    TimeRange,
)
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.plans import GENERATIONS
from agora_tencent_analytics.simulator import Burst, Call, World
from agora_tencent_analytics.tencent.endpoints import ENDPOINTS
from agora_tencent_analytics.tencent.plans import PLANS
from tests.support.long_runs import by_turns
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

HOUR, DAY = 3600, 86_400
NOW = int(EPOCH)
WORLD = World(seed=3, calls=14, start=NOW - 6 * HOUR, end=NOW - 400, experiences_per_hour=30)
CALLED_OFF = {"DescribeCallDetail"}
"""Retired actions that the simulator still answers, unless it is told not to."""

AGORA = [
    case
    for generation, rows in GENERATION_ENDPOINTS.items()
    for case in by_turns(2, [generation], rows.values(), GENERATIONS[generation].values())
]
TENCENT = by_turns(3, ENDPOINTS.values(), PLANS.values())


def name_of(value: Any) -> str:
    *facts, row = value if isinstance(value, tuple) else (value,)
    return " ".join((*facts, str(getattr(row, "name", row))))


def offered(row: Endpoint[Any], plan: Plan) -> bool:
    return row.limits in plan.rows


def busiest(vendor: Literal["agora", "tencent"]) -> Call:
    return max(WORLD.calls(vendor), key=lambda one: len(WORLD.sessions(one)))


def agora_over(row: Endpoint[Any], plan: Plan) -> TimeRange:
    """A range that the row can answer on the plan, and in which the world has something to say."""
    limits = plan.rows[row.limits]
    newest = min(WORLD.end, NOW - limits.lag_s - 10)
    if any(param.name == "call_id" for param in row.params):
        return TimeRange(busiest("agora").created_ts, newest)
    if limits.history_s <= HOUR:  # real time: only the newest minutes are known
        return TimeRange(newest - min(1500, 2 * limits.span_s), newest)
    if row.name.startswith("insight/"):
        return TimeRange(newest - 2 * DAY, newest)
    return TimeRange(newest - 2 * HOUR, newest)


def agora_params(row: Endpoint[Any]) -> dict[str, Any]:
    call = busiest("agora")
    stays = WORLD.sessions(call)
    known: dict[str, Any] = {
        "call_id": call.call_id,
        "sids": [stay.session_id for stay in stays[:3]],
        "productType": "Native",
        "aggregateGranularity": "1d",
        "dimension": "network" if row.name == "insight/quality/aggregation" else "net",
    }
    given = {param.name: known[param.name] for param in row.params if param.required and param.name in known}
    for param in row.params:
        if param.name == "metric" and param.required:
            given["metric"] = [agora_metric(row)] if param.kind == "list" else agora_metric(row)
    if row.name in ("insight/quality/aggregation", "realtime/usage/dimension/top20"):
        given |= {"productType": "Native"}
    return given


def agora_metric(row: Endpoint[Any]) -> str:
    if row.name.startswith("call/"):
        return "audio_freeze_rate"
    if row.name.startswith("live/"):
        return {"scale": "pcu", "experience": "joinSuccessRate", "net": "audioUpstreamExcellentTransRate"}[
            row.name.split("/")[1]
        ]
    return "userCount" if "usage" in row.name else "joinSuccessRate"


async def collected(asking: Paginator[Any]) -> list[Any]:
    return await asking.collect()


@pytest.mark.parametrize(("generation", "row", "plan"), AGORA, ids=name_of)
def test_agora_answers_every_row_on_each_plan_that_offers_it_and_else_nothing_is_sent(
    generation: str, row: Endpoint[Any], plan: Plan
) -> None:
    stage = Stage("agora", WORLD, plan=plan.name, api=generation)

    async def ask() -> None:
        async with stage.provider(api=generation) as agora:
            if not offered(row, plan):
                with pytest.raises(NotOffered):
                    agora.ask(row, TimeRange(WORLD.start, WORLD.end), **agora_params(row))
                assert 0 == stage.asked
                return
            asking = agora.ask(row, agora_over(row, plan), max_requests=12, **agora_params(row))
            items = await collected(asking)
            assert items
            assert all(isinstance(item, row.model) for item in items)
            assert 0 == stage.server.refused
            assert 1 <= stage.asked
            assert {row.path.removeprefix("/beta/").removeprefix("analytics/")} == {
                arrival.endpoint for arrival in stage.server.arrivals
            }

    run(ask)


def tencent_params(row: Endpoint[Any]) -> dict[str, Any]:
    call = busiest("tencent")
    stay = WORLD.sessions(call)[0]
    known: dict[str, Any] = {
        "CommId": call.call_id,
        "UserId": stay.user_id,
        "UserIds": [stay.user_id],
        "RoomId": call.channel,
        "DataType": ["all"],
        "Period": "h",
        "MixType": "multi",
        "AuType": ["conversation", "asr"],
        "Type": "audio",
        "Business": 1,
    }
    given = {param.name: known[param.name] for param in row.params if param.required}
    if "DataType" in given:
        given |= {"UserIds": [stay.user_id]}
    return given


def tencent_over(row: Endpoint[Any], plan: Plan) -> TimeRange:
    if row.bounds.form != "seconds":
        return TimeRange(WORLD.end - HOUR, WORLD.end)
    if row.limits == "DescribeTRTCRealTime*":
        return TimeRange(NOW - 1800, NOW - 600)
    if row.limits == "DescribeScaleInfo":
        return TimeRange(NOW - 3 * DAY, NOW - 600)
    return TimeRange(WORLD.end - 2 * HOUR, WORLD.end)


@pytest.mark.parametrize(("row", "plan"), TENCENT, ids=name_of)
def test_tencent_answers_every_row_on_each_plan_that_offers_it_and_else_nothing_is_sent(
    row: Endpoint[Any], plan: Plan
) -> None:
    stage = Stage("tencent", WORLD, plan=plan.name)

    async def ask() -> None:
        async with stage.provider() as tencent:
            if not offered(row, plan):
                with pytest.raises(NotOffered):
                    tencent.ask(row, TimeRange(WORLD.start, WORLD.end), **tencent_params(row))
                assert 0 == stage.asked
                return
            asking = tencent.ask(row, tencent_over(row, plan), max_requests=40, **tencent_params(row))
            if row.retired and row.action not in CALLED_OFF:
                with pytest.raises(NotFound, match=row.retired):
                    await collected(asking)
                return
            items = await collected(asking)
            assert items
            assert all(isinstance(item, row.model) for item in items)
            assert 0 == stage.server.refused
            assert {row.action} == {arrival.endpoint for arrival in stage.server.arrivals}

    run(ask)


def windows(over: TimeRange, span_s: int) -> int:
    return -(-over.seconds // span_s)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("generation", "most"), [("2021-03", 10), ("2021-07", 100)])
def test_a_burst_of_a_thousand_calls_is_listed_whole_from_the_newest_few(generation: str, most: int, seed: int) -> None:
    world = World(
        seed=seed,
        calls=12,
        start=NOW - 12 * HOUR,
        end=NOW - 400,
        sessions_per_call=1,
        points_per_series=0,
        call_burst=Burst(count=1000, start=NOW - 6 * HOUR),
    )
    row = GENERATION_ENDPOINTS[generation]["call/lists"]
    over = TimeRange(world.start, world.end)
    stage = Stage("agora", world, api=generation)

    async def listing() -> None:
        async with stage.provider(api=generation) as agora:
            asking = agora.ask(row, over)
            listed = {call.call_id for call in await asking.collect()}
            assert {call.call_id for call in world.calls("agora")} == listed
            assert asking.certificate.complete, asking.certificate.why
            span_s = GENERATIONS[generation]["unlimited"].rows[row.limits].span_s - 1
            assert stage.asked <= 1.2 * len(listed) / most + windows(over, span_s)

    run(listing)


ANY: Mapping[str, tuple[str, Endpoint[Any], Mapping[str, Any], int]] = {
    "agora": ("agora", GENERATION_ENDPOINTS["2021-03"]["live/diagnosis"], {"api": "2021-03"}, 10),
    "tencent": ("tencent", ENDPOINTS["DescribeUnusualEvent"], {}, 20),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("vendor", ANY)
def test_a_burst_of_a_thousand_bad_moments_is_listed_whole_from_any_few(vendor: str, seed: int) -> None:
    name, row, options, most = ANY[vendor]
    hours = 1 if vendor == "agora" else 8
    start = NOW - (50 * 60 if vendor == "agora" else hours * HOUR)
    burst = Burst(
        count=1000, start=start + (0 if vendor == "agora" else 3 * HOUR), seconds=2400 if hours == 1 else HOUR
    )
    world = World(seed=seed, calls=30, start=NOW - 12 * HOUR, end=NOW - 300, experience_burst=burst)
    over = TimeRange(start, NOW - 300)
    stage = Stage(name, world, **options)

    async def listing() -> None:
        async with stage.provider(**options) as provider:
            asking = provider.ask(row, over)
            moments = await asking.collect()
            happened = world.experiences(name, over.start, over.end)  # type: ignore[arg-type]  # a literal above
            missing = Counter(one.instant for one in happened) - Counter(int(one.ts) for one in moments)
            doubts = [window for window in asking.certificate.windows if not window.complete]
            # More in one second than an answer holds cannot be had, and is named; all the rest is there.
            assert all(1 == window.over.seconds and "this second" in window.reason for window in doubts)
            assert set(missing) <= {window.over.start for window in doubts}
            span_s = HOUR - 1 if vendor == "agora" else HOUR
            assert stage.asked <= 3 * len(happened) / most + windows(over, span_s)

    run(listing)


# --- rows that cannot be read, of every question ----------------------------------------------------------------

READ = ("huge_integer", "escaped_keys")
LOST = ("null_row", "bare_row")
EVERY = [
    *(("agora", generation, row) for generation, rows in GENERATION_ENDPOINTS.items() for row in rows.values()),
    *(("tencent", "", row) for row in ENDPOINTS.values() if not row.retired or row.action in CALLED_OFF),
]
SLIPPED: dict[str, World] = {
    name: World(seed=3, calls=14, start=WORLD.start, end=WORLD.end, experiences_per_hour=30, impolite={name: 0.4})
    for name in (*READ, *LOST)
}


def answered(vendor: str, generation: str, row: Endpoint[Any], world: World) -> tuple[list[Any], Certificate]:
    """What the question brings, without what the library does not know of it; and why that is all."""
    api: dict[str, Any] = {"api": generation} if generation else {}
    plan = GENERATIONS[generation]["unlimited"] if generation else PLANS["unlimited"]
    params = agora_params(row) if vendor == "agora" else tencent_params(row)
    over = agora_over(row, plan) if vendor == "agora" else tencent_over(row, plan)
    stage = Stage(vendor, world, **api)

    async def ask() -> tuple[list[Any], Certificate]:
        async with stage.provider(**api) as provider:
            asking = provider.ask(row, over, max_requests=60, **params)
            return await collected(asking), asking.certificate

    items, certificate = run(ask)
    return [without_extra(item) for item in items if getattr(item, "vendor_metric", "") != "tags"], certificate


@cache
def answered_politely(vendor: str, generation: str, row: Endpoint[Any]) -> list[Any]:
    return answered(vendor, generation, row, WORLD)[0]


def without_extra(item: Any) -> Any:
    """A record, and those inside it, without the fields that the library does not know."""
    if hasattr(item, "causes"):
        item = attrs.evolve(item, causes=tuple(map(without_extra, item.causes)))
    return attrs.evolve(item, extra={}) if hasattr(item, "extra") else item


@pytest.mark.parametrize(("question", "slip"), by_turns(2, EVERY, READ), ids=name_of)
def test_rows_of_any_question_that_hold_more_than_is_known_are_read_whole(
    question: tuple[str, str, Endpoint[Any]], slip: str
) -> None:
    vendor, generation, row = question
    polite = answered_politely(vendor, generation, row)
    items, certificate = answered(vendor, generation, row, SLIPPED[slip])
    assert polite == items
    assert [] == list(certificate.lost)


@pytest.mark.parametrize(("question", "slip"), by_turns(2, EVERY, LOST), ids=name_of)
def test_rows_of_any_question_that_are_none_cost_themselves_and_are_told(
    question: tuple[str, str, Endpoint[Any]], slip: str
) -> None:
    vendor, generation, row = question
    polite = answered_politely(vendor, generation, row)
    items, certificate = answered(vendor, generation, row, SLIPPED[slip])
    assert items == polite or not certificate.complete
    if row.model not in (AbnormalExperience, Figures, MetricSeries):  # those are made of several rows
        assert all(item in polite for item in items)
    if row.model not in (Figures, MetricSeries):
        assert len(items) + certificate.rows_lost >= len(polite)
