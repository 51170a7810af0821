"""Records go into sets and are keys of dicts: equal ones are one, whatever the vendor sent besides."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Call, CallRecord, Session
from agora_tencent_analytics.models.columns import Columns
from agora_tencent_analytics.models.events import AbnormalExperience, Cause, Event
from agora_tencent_analytics.models.figures import Breakdown, Figures
from agora_tencent_analytics.models.series import MetricSeries

EXTRA = {"a": ["list"], "and": {"a": "dict"}}
OF_CALL: dict[str, Any] = {"vendor": "agora", "call_id": "c", "extra": EXTRA}


def call() -> Call:
    return Call(created_ts=1, **OF_CALL)


def session() -> Session:
    return Session(session_id="s", user_id="u", join_ts=1, roles=("Host",), **OF_CALL)


def series() -> MetricSeries:
    return MetricSeries(session_id="s", user_id="u", vendor_metric="20003", columns=Columns.of((1,), (2.0,)), **OF_CALL)


MADE: list[Any] = [
    call,
    session,
    series,
    lambda: CallRecord(vendor="agora", call=call(), sessions=(session(),), series=(series(),)),
    lambda: Event(user_id="u", event_id=1, time_ms=1_000, **OF_CALL),
    lambda: AbnormalExperience(
        vendor="agora", channel="r", user_id="u", experience_id=1, ts=1, causes=(Cause(cause_id=1, extra=EXTRA),)
    ),
    lambda: Figures(vendor="agora", metric="users", vendor_metric="userCount", columns=Columns.of((1,), (2.0,))),
    lambda: Breakdown(vendor="agora", metric="", vendor_metric="x", value=1.0, start=1, end=2, extra=EXTRA),
]


@pytest.mark.parametrize("make", MADE, ids=lambda make: type(make()).__name__)
def test_equal_records_are_one_in_a_set(make: Any) -> None:
    first, second = make(), make()
    assert first == second
    assert 1 == len({first, second})
    other = attrs.evolve(first, vendor="tencent")
    assert 2 == len({first, other})
    assert {first: "found"}[second] == "found"


def test_a_record_that_says_more_is_another_and_still_found_by_its_key() -> None:
    ended = attrs.evolve(call(), destroyed_ts=5)
    assert (2, hash(call())) == (len({call(), ended}), hash(ended))
