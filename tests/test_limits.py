"""The table of limits as data."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.errors import BadInput, NotOffered
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE, SECOND, Limits, Plan, Rate, find_plan

ROW = Limits(history_s=DAY, span_s=HOUR)
PLAN = Plan(vendor="acme", name="gold", rows={"calls": ROW}, source="https://acme.example/limits", read_on="2026-01-01")
EMPTY = Plan(vendor="acme", name="free", rows={}, source="https://acme.example/limits", read_on="2026-01-01")


def test_the_units_are_seconds() -> None:
    assert (1, 60, 3_600, 86_400) == (SECOND, MINUTE, HOUR, DAY)


def test_only_a_rate_of_a_day_is_counted_by_the_calendar() -> None:
    assert [False, False, True, False] == [Rate(1, period).is_daily for period in (SECOND, MINUTE, DAY, 2 * DAY)]


@pytest.mark.parametrize(("limit", "period"), [(0, 1), (-1, 1), (1, 0), (1, -60)])
def test_a_rate_of_nothing_is_refused(limit: int, period: int) -> None:
    with pytest.raises(ValueError, match=">= 1"):
        Rate(limit, period)


def test_a_row_of_the_plan_has_its_limits() -> None:
    assert ROW == PLAN.limits("calls")


def test_a_missing_row_is_not_offered_and_says_where_to_look() -> None:
    with pytest.raises(
        NotOffered, match=r"calls by day is not offered on the acme plan 'gold'.*acme\.example"
    ) as caught:
        PLAN.limits("usage", endpoint="calls by day")
    assert ("calls by day", "gold") == (caught.value.endpoint, caught.value.plan)


def test_a_plan_without_rows_has_no_access() -> None:
    with pytest.raises(NotOffered, match="no API access"):
        EMPTY.limits("calls")


@pytest.mark.parametrize(
    ("rate", "part", "expected"),
    [
        (Rate(10, SECOND), 0.5, Rate(5, SECOND)),
        (Rate(9, SECOND), 0.5, Rate(4, SECOND)),
        (Rate(10, SECOND), 1, Rate(10, SECOND)),
        (Rate(1, SECOND), 0.5, Rate(1, 2)),
        (Rate(3, MINUTE), 0.1, Rate(1, 200)),
        (Rate(40, DAY), 0.3, Rate(12, DAY)),
        (Rate(1, DAY), 0.3, Rate(1, DAY)),
    ],
)
def test_a_share_of_a_rate_is_rounded_down_and_its_window_stretched_below_one(
    rate: Rate, part: float, expected: Rate
) -> None:
    assert expected == rate.share(part)


@given(limit=st.integers(1, 100), period=st.integers(1, 100), part=st.floats(0.01, 1))
def test_a_share_never_gives_more_than_its_part(limit: int, period: int, part: float) -> None:
    shared = Rate(limit, period).share(part)
    assert shared.limit / shared.period_s <= limit / period * part * (1 + 1e-9)


def test_a_share_of_a_plan_shares_every_rate_and_says_so() -> None:
    row = msgspec.structs.replace(ROW, rates=(Rate(10, SECOND), Rate(1_000, DAY)))
    shared = msgspec.structs.replace(PLAN, rows={"calls": row}).share(0.5)
    assert msgspec.structs.replace(row, rates=(Rate(5, SECOND), Rate(500, DAY))) == shared.limits("calls")
    assert "gold x 0.5" == shared.name


@pytest.mark.parametrize("part", [0, -0.5, 1.01, float("nan")])
def test_a_share_is_a_part(part: float) -> None:
    with pytest.raises(BadInput, match="share must be"):
        Rate(10, SECOND).share(part)


def test_a_plan_may_be_given_itself_but_not_another_vendors() -> None:
    assert PLAN.share(0.5) == find_plan({}, PLAN.share(0.5), vendor="acme")
    with pytest.raises(BadInput, match="plan of acme"):
        find_plan({"gold": PLAN}, PLAN, vendor="other")


@pytest.mark.parametrize("name", ["silver", "", None, 3, ["gold"]])
def test_an_unknown_plan_is_refused_with_the_known_ones(name: object) -> None:
    with pytest.raises(BadInput, match="gold, iron"):
        find_plan({"iron": EMPTY, "gold": PLAN}, name, vendor="acme")  # type: ignore[arg-type]


def test_a_known_plan_is_found_by_its_exact_name() -> None:
    assert PLAN is find_plan({"gold": PLAN}, "gold", vendor="acme")
