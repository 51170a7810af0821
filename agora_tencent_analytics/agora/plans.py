"""Agora's tables of limits: plan by row and generation, every figure as the vendor prints it.

What a figure means for a request (strict bounds, margins, waiting) is decided
elsewhere. `PLANS` is the table of today (2024, unchanged in September 2026); older generations of the API
have tables of their own in `GENERATIONS`.

The vendor prints one row for `call/sessions` and `call/metrics` together. They are read here as sharing the
*figures* of that row, not one counter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, HOUR, MINUTE, SECOND, Limits, Plan, Rate, find_plan

__all__ = [
    "CALL_DETAIL",
    "CALL_LISTS",
    "GENERATIONS",
    "INSIGHT_QUALITY",
    "INSIGHT_USAGE",
    "LIVE",
    "PLANS",
    "QUALITY_AGGREGATION",
    "REALTIME",
    "REALTIME_TOP",
    "USAGE_AGGREGATION",
    "Generation",
    "PlanName",
    "find",
]

PlanName = Literal["starter", "standard", "premium", "enterprise", "unlimited"]
"""The names that `plan=` takes."""
Generation = Literal["2024", "2022", "2021-07", "2021-03"]
"""The generations of the API that `api=` takes."""

CALL_LISTS = "call/lists"
CALL_DETAIL = "call/sessions, call/metrics"
INSIGHT_USAGE = "insight/usage/by_time"
INSIGHT_QUALITY = "insight/quality/by_time"
USAGE_AGGREGATION = "insight/usage/aggregation"
QUALITY_AGGREGATION = "insight/quality/aggregation"
REALTIME = "realtime/by_time_20sec"
REALTIME_TOP = "realtime/dimension/top20"
LIVE = "live"

_PAGE_SIZE = 100  # "The default is 20 and the maximum is 100."
_PAGE_SIZE_2021 = 20  # "The default is a maximum of 20 user sessions on each page."
_TOP_WINDOW_S = 20

_Rows = Mapping[str, Limits]


def _rates(per_second: int, per_day: int) -> tuple[Rate, ...]:
    return Rate(per_second, SECOND), Rate(per_day, DAY)


def _per_minute(per_minute: int, per_day: int) -> tuple[Rate, ...]:
    return Rate(per_minute, MINUTE), Rate(per_day, DAY)


def _calls(
    rates: tuple[Rate, ...], *, days: int, span: int, lag_s: int, page_size: int = _PAGE_SIZE, inferred: str = ""
) -> Limits:
    return Limits(
        rates=rates, history_s=days * DAY, span_s=span * HOUR, lag_s=lag_s, page_size=page_size, inferred=inferred
    )


def _insight(rates: tuple[Rate, ...], *, days: int, span: int, lag: int, inferred: str = "") -> Limits:
    return Limits(rates=rates, history_s=days * DAY, span_s=span * DAY, lag_s=lag * HOUR, inferred=inferred)


_NO_SPAN = "no span is printed for this row: as long as the data reaches back"
_NO_MINUTES = "buckets of a minute are promised, but no page says how to ask for them: days and hours only"


def _insight_rows(rates: tuple[Rate, ...], *, days: int, span: int, usage_lag: int, quality_lag: int) -> _Rows:
    return {
        INSIGHT_USAGE: _insight(rates, days=days, span=span, lag=usage_lag),
        INSIGHT_QUALITY: _insight(rates, days=days, span=span, lag=quality_lag, inferred=_NO_MINUTES),
        USAGE_AGGREGATION: _insight(rates, days=days, span=days, lag=usage_lag, inferred=_NO_SPAN),
        QUALITY_AGGREGATION: _insight(rates, days=days, span=days, lag=quality_lag, inferred=_NO_SPAN),
    }


def _realtime(rates: tuple[Rate, ...], *, minutes: int, lag_s: int) -> Limits:
    return Limits(rates=rates, history_s=minutes * MINUTE, span_s=minutes * MINUTE, lag_s=lag_s)


def _realtime_rows(rates: tuple[Rate, ...], *, minutes: int, lag_s: int) -> _Rows:
    return {
        REALTIME: _realtime(rates, minutes=minutes, lag_s=lag_s),
        REALTIME_TOP: Limits(
            rates=rates,
            history_s=minutes * MINUTE,
            span_s=_TOP_WINDOW_S,
            lag_s=lag_s,
            inferred="limits of this question are on the Chinese page only; one answer covers 20 s from `ts`",
        ),
    }


# The page of today (read 2026-09-14).
_STANDARD: _Rows = {
    CALL_LISTS: _calls(_rates(1, 1_000), days=1, span=8, lag_s=60),
    CALL_DETAIL: _calls(_rates(1, 1_000), days=1, span=1, lag_s=300),
}
_PREMIUM: _Rows = {
    CALL_LISTS: _calls(_rates(3, 2_000), days=7, span=16, lag_s=20),
    CALL_DETAIL: _calls(_rates(3, 2_000), days=7, span=3, lag_s=150),
    **_insight_rows(_per_minute(3, 40), days=14, span=3, usage_lag=12, quality_lag=6),
    **_realtime_rows(_per_minute(3, 480), minutes=40, lag_s=40),
}
_ENTERPRISE: _Rows = {
    CALL_LISTS: _calls(_rates(10, 10_000), days=15, span=24, lag_s=20),
    CALL_DETAIL: _calls(_rates(10, 10_000), days=15, span=6, lag_s=100),
    **_insight_rows(_per_minute(10, 60), days=30, span=7, usage_lag=6, quality_lag=6),
    **_realtime_rows(_per_minute(10, 1_440), minutes=60, lag_s=20),
}

# The page of 2022 (read 2022-10-11): no aggregation, no top 20; of the delays of calls only Standard's is on it.
_LAGS_LOST = "the delays of Premium and Enterprise are missing on the page of 2022: as printed later"
_STANDARD_2022: _Rows = {
    CALL_LISTS: _calls(_rates(1, 1_000), days=3, span=8, lag_s=60),
    CALL_DETAIL: _calls(_rates(1, 1_000), days=1, span=1, lag_s=300),
}
_PREMIUM_2022: _Rows = {
    CALL_LISTS: _calls(_rates(3, 2_000), days=7, span=16, lag_s=20, inferred=_LAGS_LOST),
    CALL_DETAIL: _calls(_rates(3, 2_000), days=7, span=3, lag_s=150, inferred=_LAGS_LOST),
    INSIGHT_USAGE: _insight(_per_minute(3, 40), days=14, span=3, lag=12),
    INSIGHT_QUALITY: _insight(_per_minute(3, 40), days=14, span=3, lag=6, inferred=_NO_MINUTES),
    REALTIME: _realtime(_per_minute(3, 480), minutes=40, lag_s=40),
}
_ENTERPRISE_2022: _Rows = {
    CALL_LISTS: _calls(_rates(10, 10_000), days=15, span=24, lag_s=20, inferred=_LAGS_LOST),
    CALL_DETAIL: _calls(_rates(10, 10_000), days=15, span=6, lag_s=100, inferred=_LAGS_LOST),
    INSIGHT_USAGE: _insight(_per_minute(10, 60), days=30, span=7, lag=6),
    INSIGHT_QUALITY: _insight(_per_minute(10, 60), days=30, span=7, lag=6, inferred=_NO_MINUTES),
    REALTIME: _realtime(_per_minute(10, 1_440), minutes=60, lag_s=20),
}

# The page of July 2021 (read 2021-07-22): everybody had the same limits.
_ROWS_2021_07: _Rows = {
    CALL_LISTS: _calls(_rates(1, 1_000), days=3, span=8, lag_s=60),
    CALL_DETAIL: _calls(_rates(1, 1_000), days=1, span=1, lag_s=300, page_size=_PAGE_SIZE_2021),
    INSIGHT_USAGE: _insight(_per_minute(1, 10), days=3, span=1, lag=24),
    INSIGHT_QUALITY: _insight(_per_minute(1, 10), days=3, span=1, lag=12),
}
# The page of March 2021 (read 2021-03-11).
_ROWS_2021_03: _Rows = {
    CALL_LISTS: _calls(_rates(3, 1_000), days=3, span=72, lag_s=20, inferred=_NO_SPAN),
    CALL_DETAIL: _calls(_rates(1, 1_000), days=3, span=3, lag_s=150),
    INSIGHT_USAGE: _insight(_per_minute(1, 10), days=7, span=7, lag=0, inferred=f"{_NO_SPAN}; ready at 08:00 UTC"),
    LIVE: Limits(
        rates=_rates(1, 1_000),
        history_s=HOUR,
        span_s=HOUR,
        lag_s=120,
        inferred="the delay is printed as 60 s to 120 s; no span is printed: the hour that the data reaches back",
    ),
}


def _table(source: str, read_on: str, rows: Mapping[str, _Rows]) -> Mapping[str, Plan]:
    highest = rows["enterprise"]
    table = {
        "starter": {},  # no API
        **rows,
        # No such plan is for sale: for simulators and tests, the highest plan without its rates.
        "unlimited": {name: replace(limits, rates=()) for name, limits in highest.items()},
    }
    return {
        name: Plan(vendor="agora", name=name, rows=dict(limits), source=source, read_on=read_on)
        for name, limits in table.items()
    }


def _flat(rows: _Rows) -> Mapping[str, _Rows]:
    """Before 2022 the plans of today were not for sale, and everybody had the same limits."""
    return dict.fromkeys(("standard", "premium", "enterprise"), rows)


_PAGE = "https://docs.agora.io/en/agora-analytics/reference/api"
_OLD_PAGE = "https://docs.agora.io/en/Agora%20Platform/aa_api?platform=All%20Platforms"

PLANS: Mapping[str, Plan] = _table(
    _PAGE, "2026-09-14", {"standard": _STANDARD, "premium": _PREMIUM, "enterprise": _ENTERPRISE}
)
"""Agora's plans of today by the name that `plan=` takes."""

GENERATIONS: Mapping[str, Mapping[str, Plan]] = {
    "2024": PLANS,
    "2022": _table(
        _PAGE,
        "2022-10-11",
        {"standard": _STANDARD_2022, "premium": _PREMIUM_2022, "enterprise": _ENTERPRISE_2022},
    ),
    "2021-07": _table(_OLD_PAGE, "2021-07-22", _flat(_ROWS_2021_07)),
    "2021-03": _table(_OLD_PAGE, "2021-03-11", _flat(_ROWS_2021_03)),
}
"""The plans of each generation of the API."""


def find(name: str | Plan, *, api: str = "2024") -> Plan:
    """The plan of this name, say from a configuration; a `Plan` of this vendor as it is.

    Args:
        name: one of `PlanName`.
        api: the generation of the API whose figures count, one of `Generation`.

    Raises:
        BadInput: there is no such plan or generation; the message lists those there are.
    """
    if not isinstance(api, str) or api not in GENERATIONS:
        raise BadInput(f"api must be one of {', '.join(GENERATIONS)}, not {api!r}")
    return find_plan(GENERATIONS[api], name, vendor="agora")
