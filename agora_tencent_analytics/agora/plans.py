"""Agora's table of limits: plan by row, every figure as the vendor prints it.

Holds the figures of 2024 (the newest pages, unchanged in September 2026). What a figure means for a
request (strict bounds, margins, waiting) is decided elsewhere.

The vendor prints one row for `call/sessions` and `call/metrics` together. They are read here as sharing
the *figures* of that row, not one counter.
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.limits import DAY, HOUR, SECOND, Limits, Plan, Rate

__all__ = ["CALL_DETAIL", "CALL_LISTS", "PLANS"]

CALL_LISTS = "call/lists"
CALL_DETAIL = "call/sessions, call/metrics"

_SOURCE = "https://docs.agora.io/en/agora-analytics/reference/api"
_READ_ON = "2026-09-14"
_PAGE_SIZE = 100  # "The default is 20 and the maximum is 100."


def _plan(name: str, per_second: int, per_day: int, lists: Limits, detail: Limits) -> Plan:
    rates = (Rate(per_second, SECOND), Rate(per_day, DAY))
    return _named(name, {CALL_LISTS: _with(lists, rates), CALL_DETAIL: _with(detail, rates)})


def _with(figures: Limits, rates: tuple[Rate, ...]) -> Limits:
    return Limits(
        rates=rates,
        history_s=figures.history_s,
        span_s=figures.span_s,
        lag_s=figures.lag_s,
        page_size=_PAGE_SIZE,
    )


def _named(name: str, rows: Mapping[str, Limits]) -> Plan:
    return Plan(vendor="agora", name=name, rows=rows, source=_SOURCE, read_on=_READ_ON)


_ENTERPRISE_LISTS = Limits(history_s=15 * DAY, span_s=24 * HOUR, lag_s=20)
_ENTERPRISE_DETAIL = Limits(history_s=15 * DAY, span_s=6 * HOUR, lag_s=100)

PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        _named("starter", {}),
        _plan(
            "standard",
            1,
            1_000,
            Limits(history_s=1 * DAY, span_s=8 * HOUR, lag_s=60),
            Limits(history_s=1 * DAY, span_s=1 * HOUR, lag_s=300),
        ),
        _plan(
            "premium",
            3,
            2_000,
            Limits(history_s=7 * DAY, span_s=16 * HOUR, lag_s=20),
            Limits(history_s=7 * DAY, span_s=3 * HOUR, lag_s=150),
        ),
        _plan("enterprise", 10, 10_000, _ENTERPRISE_LISTS, _ENTERPRISE_DETAIL),
        # No such plan is for sale: for simulators and tests, the highest plan without its rates.
        _named("unlimited", {CALL_LISTS: _with(_ENTERPRISE_LISTS, ()), CALL_DETAIL: _with(_ENTERPRISE_DETAIL, ())}),
    )
}
"""Agora's plans by the name that `plan=` takes."""
