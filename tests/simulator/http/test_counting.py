from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, MINUTE, Limits, Plan, Rate
from agora_tencent_analytics.simulator import Gate
from agora_tencent_analytics.simulator.http.counting import Counting
from tests.support.simulator_requests import Hand, agora, code_of, now_get, now_post, tencent

MIDNIGHT = 1_790_035_200.0


def passed(gate: Gate, *arrivals: float) -> list[bool]:
    return [gate.admit(MIDNIGHT + at, 50 + at) is None for at in arrivals]


@pytest.mark.parametrize(
    ("how", "arrivals", "expected"),
    [
        ("fixed", (0.9, 0.95, 0.99, 1.0, 1.1, 1.999, 2.0), (1, 1, 0, 1, 1, 0, 1)),
        ("sliding", (0.5, 0.75, 1.25, 1.4921875, 1.5, 1.625, 1.75), (1, 1, 0, 0, 1, 0, 1)),
        ("bucket", (0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25), (1, 1, 0, 1, 0, 1, 0)),
    ],
)
def test_two_a_second_to_the_boundary(how: Counting, arrivals: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert [bool(one) for one in expected] == passed(Gate([Rate(2, 1)], how), *arrivals)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("fixed", (1, 0, 0, 1)), ("sliding", (1, 0, 0, 0)), ("bucket", (1, 0, 0, 0))],
)
def test_refused_requests_may_count_as_well(how: Counting, expected: tuple[int, ...]) -> None:
    gate = Gate([Rate(1, 1)], how, count_refused=True)
    assert [bool(one) for one in expected] == passed(gate, 0.2, 0.5, 0.9, 1.4)


@pytest.mark.parametrize(("count_refused", "expected"), [(False, [1, 0, 1]), (True, [1, 0, 0])])
def test_a_vendor_counts_what_it_refuses_if_told_to(count_refused: bool, expected: list[int]) -> None:
    rows = dict.fromkeys(["call/lists", "DescribeRoomInfo"], Limits(rates=(Rate(1, 1),), history_s=DAY, span_s=DAY))
    plan = Plan(vendor="any", name="slow", rows=rows, source="", read_on="")
    hand = Hand()
    options: dict[str, Any] = {"hand": hand, "plan": plan, "count": "sliding", "count_refused": count_refused}
    one, other = agora(**options), tencent(**options)
    passed = []
    for _ in range(3):
        passed.append((now_get(one, "call/lists")["code"] == 200, not code_of(now_post(other, "DescribeRoomInfo"))))
        hand.now += 0.6
    assert [(bool(one), bool(one)) for one in expected] == passed
    for server in (one, other):
        assert [count_refused or bool(one) for one in expected] == [arrival.counted for arrival in server.arrivals]


def test_a_bucket_holds_no_more_than_its_rate_and_owes_nothing() -> None:
    gate = Gate([Rate(2, 1)], "bucket", count_refused=True)
    assert [True, True, False, False, True, False] == passed(gate, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5)
    assert [True, True, False] == passed(gate, 60.0, 60.0, 60.0)


def test_minutes_are_windows_of_utc_minutes_when_fixed() -> None:
    gate = Gate([Rate(1, MINUTE)], "fixed")
    assert [True, False, True] == passed(gate, 59.0, 59.9, 60.0)


@pytest.mark.parametrize("how", ["fixed", "sliding", "bucket"])
def test_the_day_ends_at_midnight_however_seconds_are_counted(how: Counting) -> None:
    gate = Gate([Rate(10, 1), Rate(2, DAY)], how)
    assert [True, True, False, True] == passed(gate, -9.0, -5.0, -0.001, 0.0)


def test_the_gate_names_the_rate_that_is_spent() -> None:
    rates = (Rate(2, 1), Rate(3, DAY))
    gate = Gate(rates, "fixed")
    answers = [gate.admit(MIDNIGHT + at, at) for at in (0.0, 0.1, 0.2, 1.0, 1.1)]
    assert [None, None, rates[0], None, rates[1]] == answers


def test_a_refusal_by_one_rate_costs_no_other() -> None:
    gate = Gate([Rate(1, 1), Rate(3, DAY)], "fixed")
    assert [True, False, False, True, True, False] == passed(gate, 0.0, 0.1, 0.2, 1.0, 2.0, 3.0)


def test_without_rates_everything_passes() -> None:
    assert all(passed(Gate((), "sliding"), *[0.0] * 1_000))


def test_an_unknown_way_of_counting_is_refused() -> None:
    with pytest.raises(BadInput, match="leaky"):
        Gate((), "leaky")  # type: ignore[arg-type]


@given(
    gaps=st.lists(st.integers(0, 700), min_size=1, max_size=60),
    limit=st.integers(1, 5),
    how=st.sampled_from(["fixed", "sliding", "bucket"]),
)
def test_no_window_holds_more_than_its_way_of_counting_allows(gaps: list[int], limit: int, how: Counting) -> None:
    gate, now, admitted, free = Gate([Rate(limit, 1)], how), 0, list[int](), list[tuple[int, bool]]()
    for gap in gaps:
        now += gap
        free.append((now, gate.admit(MIDNIGHT + now / 1_000, now / 1_000) is None))
        if free[-1][1]:
            admitted.append(now)
    if how == "fixed":
        seconds = {at // 1_000 for at in admitted}
        assert all(sum(at // 1_000 == second for at in admitted) <= limit for second in seconds)
        refused = [at for at, let in free if not let]
        assert all(sum(one // 1_000 == at // 1_000 for one in admitted) == limit for at in refused)
    elif how == "sliding":
        assert all(sum(0 <= at - first < 1_000 for at in admitted) <= limit for first in admitted)
        refused = [at for at, let in free if not let]
        assert all(sum(0 <= at - one < 1_000 for one in admitted) == limit for at in refused)
    else:
        for place, first in enumerate(admitted):
            for count, last in enumerate(admitted[place:], 1):
                assert count <= limit + (last - first) * limit / 1_000 + 1e-6
