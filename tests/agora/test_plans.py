"""Agora's table of limits, figure by figure."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.agora.endpoints import (
    CALL_LISTS_2024,
    CALL_METRICS_2024,
    CALL_SESSIONS_2024,
    GENERATION_ENDPOINTS,
)
from agora_tencent_analytics.agora.plans import GENERATIONS, PLANS
from agora_tencent_analytics.endpoint import Endpoint, PageNumber
from agora_tencent_analytics.errors import NotOffered
from agora_tencent_analytics.limits import Rate

# a second, a day, history in days, span in hours, lag in seconds
LISTS = {
    "standard": (1, 1_000, 1, 8, 60),
    "premium": (3, 2_000, 7, 16, 20),
    "enterprise": (10, 10_000, 15, 24, 20),
}
DETAIL = {
    "standard": (1, 1_000, 1, 1, 300),
    "premium": (3, 2_000, 7, 3, 150),
    "enterprise": (10, 10_000, 15, 6, 100),
}


ROWS: list[Endpoint[Any]] = [CALL_LISTS_2024, CALL_SESSIONS_2024, CALL_METRICS_2024]


@pytest.mark.parametrize("plan", LISTS)
@pytest.mark.parametrize(
    ("row", "figures"),
    [(CALL_LISTS_2024, LISTS), (CALL_SESSIONS_2024, DETAIL), (CALL_METRICS_2024, DETAIL)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_plan_has_the_vendors_figures(
    plan: str, row: Endpoint[Any], figures: dict[str, tuple[int, int, int, int, int]]
) -> None:
    a_second, a_day, days, hours, lag = figures[plan]
    limits = PLANS[plan].limits(row.limits)
    assert (Rate(a_second, 1), Rate(a_day, 86_400)) == limits.rates
    assert (days * 86_400, hours * 3_600, lag, 100) == (
        limits.history_s,
        limits.span_s,
        limits.lag_s,
        limits.page_size,
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_starter_plan_offers_nothing(row: Endpoint[Any]) -> None:
    with pytest.raises(NotOffered, match="no API access"):
        PLANS["starter"].limits(row.limits, endpoint=row.name)


def test_the_unlimited_plan_is_the_highest_without_its_rates() -> None:
    for name, limits in PLANS["unlimited"].rows.items():
        highest = PLANS["enterprise"].rows[name]
        assert () == limits.rates
        assert (highest.history_s, highest.span_s, highest.lag_s, highest.page_size) == (
            limits.history_s,
            limits.span_s,
            limits.lag_s,
            limits.page_size,
        )


def test_the_plans_are_those_for_sale_and_the_one_for_tests() -> None:
    assert {"starter", "standard", "premium", "enterprise", "unlimited"} == set(PLANS)
    assert {("agora", name) for name in PLANS} == {(plan.vendor, plan.name) for plan in PLANS.values()}


def test_rows_that_share_a_line_of_the_table_do_not_share_a_counter() -> None:
    assert 3 == len({row.counter for row in ROWS})


SECOND, MINUTE, HOUR, DAY = 1, 60, 3_600, 86_400

# requests a period, that period, a day; history, span and lag in seconds; spans that no page prints are the history;
# and rows to a page, where there are pages
Figures = tuple[int, ...]
INSIGHT_PREMIUM, INSIGHT_ENTERPRISE = (3, MINUTE, 40, 14 * DAY), (10, MINUTE, 60, 30 * DAY)
REALTIME_PREMIUM = (3, MINUTE, 480, 40 * MINUTE, 40 * MINUTE, 40)
REALTIME_ENTERPRISE = (10, MINUTE, 1_440, 60 * MINUTE, 60 * MINUTE, 20)
TOP_PREMIUM = (3, MINUTE, 480, 40 * MINUTE, 20, 40)
TOP_ENTERPRISE = (10, MINUTE, 1_440, 60 * MINUTE, 20, 20)
APP: dict[str, tuple[Figures, Figures]] = {
    "insight/usage/by_time": (
        (*INSIGHT_PREMIUM, 3 * DAY, 12 * HOUR),
        (*INSIGHT_ENTERPRISE, 7 * DAY, 6 * HOUR),
    ),
    "insight/quality/by_time": (
        (*INSIGHT_PREMIUM, 3 * DAY, 6 * HOUR),
        (*INSIGHT_ENTERPRISE, 7 * DAY, 6 * HOUR),
    ),
    "insight/usage/aggregation": (
        (*INSIGHT_PREMIUM, 14 * DAY, 12 * HOUR),
        (*INSIGHT_ENTERPRISE, 30 * DAY, 6 * HOUR),
    ),
    "insight/quality/aggregation": (
        (*INSIGHT_PREMIUM, 14 * DAY, 6 * HOUR),
        (*INSIGHT_ENTERPRISE, 30 * DAY, 6 * HOUR),
    ),
    "realtime/usage/by_time_20sec": (REALTIME_PREMIUM, REALTIME_ENTERPRISE),
    "realtime/quality/by_time_20sec": (REALTIME_PREMIUM, REALTIME_ENTERPRISE),
    "realtime/usage/dimension/top20": (TOP_PREMIUM, TOP_ENTERPRISE),
    "realtime/quality/dimension/top20": (TOP_PREMIUM, TOP_ENTERPRISE),
}
STATISTICS = ("call/statistics", "call/freeze/bucket", "call/statistics/time")
LIVE = (1, SECOND, 1_000, HOUR, HOUR, 120)
BEFORE_PLANS: dict[str, dict[str, Figures]] = {
    "2021-07": {
        "call/lists": (1, SECOND, 1_000, 3 * DAY, 8 * HOUR, 60),
        "call/sessions": (1, SECOND, 1_000, DAY, HOUR, 300, 20),
        "call/metrics": (1, SECOND, 1_000, DAY, HOUR, 300),
        "insight/usage/by_time": (1, MINUTE, 10, 3 * DAY, DAY, 24 * HOUR),
        "insight/quality/by_time": (1, MINUTE, 10, 3 * DAY, DAY, 12 * HOUR),
    },
    "2021-03": {
        "call/lists": (3, SECOND, 1_000, 3 * DAY, 3 * DAY, 20),
        "call/details": (1, SECOND, 1_000, 3 * DAY, 3 * HOUR, 150),
        "call/details with metrics": (1, SECOND, 1_000, 3 * DAY, 3 * HOUR, 150),
        "insight/usage/by_time": (1, MINUTE, 10, 7 * DAY, 7 * DAY, 0),
        "live/scale/by_time": LIVE,
        "live/experience/by_time": LIVE,
        "live/net/by_time": LIVE,
        "live/diagnosis": LIVE,
    },
}


def figures_of(generation: str, name: str, plan: str) -> Figures | None:
    row = GENERATION_ENDPOINTS[generation][name]
    try:
        limits = GENERATIONS[generation][plan].limits(row.limits)
    except NotOffered:
        return None
    frequent, daily = limits.rates
    assert DAY == daily.period_s
    page = (limits.page_size,) if isinstance(row.paging, PageNumber) else ()
    return (frequent.limit, frequent.period_s, daily.limit, limits.history_s, limits.span_s, limits.lag_s, *page)


@pytest.mark.parametrize("generation", ["2024", "2022"])
def test_questions_about_the_app_have_the_vendors_figures(generation: str) -> None:
    asked = [name for name in GENERATION_ENDPOINTS[generation] if not name.startswith("call/")]
    assert {8: set(APP), 4: {name for name in APP if "by_time" in name}}[len(asked)] == set(asked)
    for name in asked:
        assert (None, *APP[name]) == tuple(
            figures_of(generation, name, plan) for plan in ("standard", "premium", "enterprise")
        ), name


@pytest.mark.parametrize("plan", DETAIL)
def test_statistics_of_a_call_are_limited_like_its_sessions(plan: str) -> None:
    sessions = figures_of("2024", "call/sessions", plan)
    assert sessions is not None
    *sessions_but_their_page, page = sessions
    assert 100 == page
    assert [tuple(sessions_but_their_page)] * 3 == [figures_of("2024", name, plan) for name in STATISTICS]


@pytest.mark.parametrize("plan", LISTS)
def test_in_2022_calls_were_kept_for_three_days_on_standard_and_else_as_today(plan: str) -> None:
    a_second, a_day, days, hours, lag = LISTS[plan]
    kept = 3 if plan == "standard" else days
    assert (a_second, SECOND, a_day, kept * DAY, hours * HOUR, lag, 100) == figures_of("2022", "call/lists", plan)
    for name in ("call/sessions", "call/metrics"):
        assert figures_of("2024", name, plan) == figures_of("2022", name, plan)


def test_no_generation_has_the_figures_of_another_by_reference() -> None:
    """Each table is written out, so that a change of one page's figures leaves those of the other pages."""
    generations: dict[int, set[str]] = {}
    for generation, plans in GENERATIONS.items():
        for limits in (limits for plan in plans.values() for limits in plan.rows.values()):
            generations.setdefault(id(limits), set()).add(generation)
    assert [] == [those for those in generations.values() if len(those) > 1]


@pytest.mark.parametrize("generation", BEFORE_PLANS)
def test_in_2021_everybody_had_the_same_limits(generation: str) -> None:
    assert set(BEFORE_PLANS[generation]) == set(GENERATION_ENDPOINTS[generation])
    for name, figures in BEFORE_PLANS[generation].items():
        for plan in ("standard", "premium", "enterprise"):
            assert figures == figures_of(generation, name, plan), name
