"""Times in epoch seconds, from whatever a vendor writes in their place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora_tencent_analytics.decoding.moments import seconds

THEN = 1_790_000_000


@pytest.mark.parametrize(
    "said", [THEN, str(THEN), float(THEN), THEN + 0.5, THEN * 1_000, str(THEN * 1_000), THEN * 10**6]
)
def test_seconds_are_read_in_any_unit_and_spelling(said: Any) -> None:
    assert THEN == seconds(said)


@given(
    st.datetimes(datetime(1974, 1, 1), datetime(2286, 1, 1)),
    st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
    st.sampled_from([1, 1_000, 10**6, 10**9]),
)
def test_a_date_and_a_number_of_any_unit_are_the_same_moment(when: datetime, zone: timezone, unit: int) -> None:
    there = when.replace(microsecond=0, tzinfo=zone)
    assert int(there.timestamp()) == seconds(there.isoformat())
    assert int(there.timestamp()) == seconds(int(there.timestamp()) * unit)
    utc = there.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert int(there.timestamp()) == seconds(utc)


@pytest.mark.parametrize("said", [0, -1, "0"])
def test_a_time_that_cannot_be_is_still_a_number(said: Any) -> None:
    assert int(said) == seconds(said)


@pytest.mark.parametrize(
    "said",
    [None, True, [], {}, "", "soon", "2026-09-21T14:13:20", float("nan"), float("inf"), 10**25, -(10**25), "9" * 5_000],
)
def test_what_is_no_time_is_an_error(said: Any) -> None:
    with pytest.raises((ValueError, TypeError, ArithmeticError)):
        seconds(said)
