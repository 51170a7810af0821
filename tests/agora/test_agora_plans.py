"""Agora's table of limits, figure by figure."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, CALL_METRICS_2024, CALL_SESSIONS_2024
from agora_tencent_analytics.agora.plans import PLANS
from agora_tencent_analytics.endpoint import Endpoint
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
