"""Tencent's limits, figure by figure."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import NotOffered
from agora_tencent_analytics.limits import Rate
from agora_tencent_analytics.tencent.endpoints import (
    CALL_DETAIL,
    CALL_DETAIL_2021,
    CALL_DETAIL_METRICS,
    CALL_DETAIL_METRICS_2021,
    CALL_DETAIL_OF_USERS_2021,
    ROOM_INFO,
    USER_INFO,
)
from agora_tencent_analytics.tencent.plans import PLANS
from tests.support.in_turn import in_turn

DAYS = {"basic": 7, "premium": 7, "intl-standard": 7, "advanced": 14, "flagship": 14, "intl-premium": 14}
SPAN_H_AND_PAGE: list[tuple[Endpoint[Any], int, int]] = [
    (ROOM_INFO, 24, 100),
    (USER_INFO, 4, 100),
    (CALL_DETAIL_METRICS, 1, 6),
    (CALL_DETAIL, 4, 100),
]
OF_2021: list[tuple[Endpoint[Any], int]] = [
    (CALL_DETAIL_METRICS_2021, 6),
    (CALL_DETAIL_2021, 100),
    (CALL_DETAIL_OF_USERS_2021, 6),
]


@in_turn("plan", DAYS)
@in_turn(("row", "hours", "page"), SPAN_H_AND_PAGE)
def test_a_plan_has_the_vendors_figures(plan: str, row: Endpoint[Any], hours: int, page: int) -> None:
    limits = PLANS[plan].limits(row.limits)
    assert (Rate(20, 1),) == limits.rates
    assert (DAYS[plan] * 86_400, hours * 3_600, 0, page) == (
        limits.history_s,
        limits.span_s,
        limits.lag_s,
        limits.page_size,
    )
    assert "no data delay is documented" in limits.inferred
    assert plan.startswith("intl") == ("international" in limits.inferred)


@pytest.mark.parametrize(("row", "page"), OF_2021, ids=lambda value: getattr(value, "name", None))
def test_the_call_detail_of_2021_has_the_figures_of_its_own_page_whatever_the_plan_of_today(
    row: Endpoint[Any], page: int
) -> None:
    for plan in ("free", *DAYS):
        limits = PLANS[plan].limits(row.limits)
        assert ((Rate(20, 1),), 14 * 86_400, 3_600, 0, page) == (
            *(limits.rates, limits.history_s, limits.span_s, limits.lag_s, limits.page_size),
        )
        assert "the page of 2021 names no plan" in limits.inferred


@pytest.mark.parametrize(
    ("plan", "row", "words"),
    [
        ("basic", "DescribeUserInfo", "no rate is printed"),
        ("basic", "DescribeUserInfo", "more than 6"),
        ("flagship", "DescribeCallDetailInfo without DataType", "further down 1 hour"),
        ("intl-standard", "DescribeTRTCRealTime*", "1 hour for premium"),
        ("intl-premium", "DescribeTRTCRealTime*", "1 hour for premium"),
        ("intl-standard", "DescribeTRTCMarket*", "intl-premium alone"),
        ("intl-premium", "DescribeTRTCMarket*", "intl-premium alone"),
        ("free", "Describe*Usage of services", "no rate is printed"),
    ],
)
def test_where_the_pages_are_silent_or_disagree_the_limits_say_what_was_chosen(plan: str, row: str, words: str) -> None:
    assert words in PLANS[plan].limits(row).inferred


@pytest.mark.parametrize("row", [row for row, *_ in SPAN_H_AND_PAGE], ids=lambda row: row.name)
def test_the_free_plan_offers_none_of_it(row: Endpoint[Any]) -> None:
    with pytest.raises(NotOffered, match="on the tencent plan 'free'"):
        PLANS["free"].limits(row.limits, endpoint=row.name)


def test_the_plans_are_those_for_sale_and_the_one_for_tests() -> None:
    assert {"free", "unlimited", *DAYS} == set(PLANS)
    assert () == PLANS["unlimited"].limits(ROOM_INFO.limits).rates
    assert PLANS["flagship"].rows.keys() <= PLANS["unlimited"].rows.keys()


def test_both_rows_of_an_action_spend_the_same_counter() -> None:
    assert CALL_DETAIL.counter == CALL_DETAIL_METRICS.counter == CALL_DETAIL.action
    others = {row.counter for row in (ROOM_INFO, USER_INFO, CALL_DETAIL_2021)}
    assert 3 == len(others - {CALL_DETAIL.counter})
