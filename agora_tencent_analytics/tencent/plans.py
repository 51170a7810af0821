"""Tencent's limits: plan by action, every figure as the vendor prints it.

The vendor's spans and rates are a property of the action; its look-back, and which actions may be called at
all, a property of the plan. Where the vendor's pages are silent, or contradict each other, `inferred` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from agora_tencent_analytics.limits import DAY, HOUR, SECOND, Limits, Plan, Rate, find_plan

__all__ = [
    "CALL_DETAIL",
    "CALL_DETAIL_2021",
    "CALL_DETAIL_METRICS",
    "CALL_DETAIL_METRICS_2021",
    "MARKET",
    "PLANS",
    "REALTIME",
    "ROOM_INFO",
    "ROOM_USAGE",
    "SCALE_INFO",
    "UNUSUAL_EVENT",
    "USAGE",
    "USAGE_OF_SERVICES",
    "USER_EVENT",
    "USER_INFO",
    "PlanName",
    "find",
]

PlanName = Literal["free", "basic", "advanced", "premium", "flagship", "intl-standard", "intl-premium", "unlimited"]
"""The names that `plan=` takes."""

ROOM_INFO = "DescribeRoomInfo"
USER_INFO = "DescribeUserInfo"
CALL_DETAIL_METRICS = "DescribeCallDetailInfo with DataType"
CALL_DETAIL = "DescribeCallDetailInfo without DataType"
CALL_DETAIL_METRICS_2021 = "DescribeCallDetail with DataType"
CALL_DETAIL_2021 = "DescribeCallDetail without DataType"
USER_EVENT = "DescribeUserEvent"
UNUSUAL_EVENT = "DescribeUnusualEvent"
SCALE_INFO = "DescribeScaleInfo"
REALTIME = "DescribeTRTCRealTime*"
MARKET = "DescribeTRTCMarket*"
USAGE = "Describe*Usage"
USAGE_OF_SERVICES = "Describe*Usage of services"
ROOM_USAGE = "DescribeTrtcRoomUsage"

_SOURCE = "https://cloud.tencent.com/document/product/647/44050"
_READ_ON = "2026-08-21"
_TWENTY_A_SECOND = (Rate(20, SECOND),)
_NO_LAG = "no data delay is documented for this action: lag 0"
_NO_PLAN = "the mainland page names no plan for this action: offered on all, as far back as the action reaches"
_OF_2021 = f"{_NO_LAG}; the page of 2021 names no plan: offered on all, as far back as it says"
_DAYS_INTL = "the look-back of the international editions is not documented: as on the mainland"

_OF_USERS = (
    "no rate is printed for this action: 20 a second, as for its neighbours; "
    "100 user ids are printed, and an error about more than 6: 100"
)
_FOUR_HOURS = "the mainland page allows 4 hours, as those of the other editions do, and further down 1 hour: 4 hours"

_CALL_QUALITY = {
    ROOM_INFO: (24 * HOUR, 100, ""),
    USER_INFO: (4 * HOUR, 100, _OF_USERS),
    CALL_DETAIL_METRICS: (1 * HOUR, 6, ""),
    CALL_DETAIL: (4 * HOUR, 100, _FOUR_HOURS),
}


def _call_quality(days: int, inferred: str = _NO_LAG) -> dict[str, Limits]:
    return {
        row: Limits(
            rates=_TWENTY_A_SECOND,
            history_s=days * DAY,
            span_s=span_s,
            page_size=page_size,
            inferred=f"{inferred}; {own}" if own else inferred,
        )
        for row, (span_s, page_size, own) in _CALL_QUALITY.items()
    }


def _one_piece(history_s: int, span_s: int, inferred: str, *, rate: Rate = _TWENTY_A_SECOND[0]) -> Limits:
    return Limits(rates=(rate,), history_s=history_s, span_s=span_s, inferred=inferred)


def _dashboard(
    realtime_hours: int, market_days: int, realtime: str = _NO_LAG, market: str = _NO_LAG
) -> dict[str, Limits]:
    return {
        REALTIME: _one_piece(realtime_hours * HOUR, realtime_hours * HOUR, realtime),
        MARKET: _one_piece(market_days * DAY, market_days * DAY, market),
    }


_UNGATED: Mapping[str, Limits] = {
    USER_EVENT: _one_piece(14 * DAY, 14 * DAY, f"no span is documented; {_NO_PLAN}"),
    UNUSUAL_EVENT: _one_piece(14 * DAY, 1 * HOUR, _NO_PLAN),
    # The page of 2021-10-27: one hour always; with DataType or UserIds six users, with neither 100.
    CALL_DETAIL_METRICS_2021: replace(_one_piece(14 * DAY, 1 * HOUR, _OF_2021), page_size=6),
    CALL_DETAIL_2021: replace(_one_piece(14 * DAY, 1 * HOUR, _OF_2021), page_size=100),
    SCALE_INFO: _one_piece(14 * DAY, 14 * DAY, f"no rate and no span are documented; {_NO_PLAN}"),
    USAGE: _one_piece(366 * DAY, 31 * DAY, f"no look-back is documented: a year; {_NO_PLAN}", rate=Rate(5, SECOND)),
    USAGE_OF_SERVICES: _one_piece(
        366 * DAY,
        31 * DAY,
        f"no rate is printed: as for the usage next to it; no look-back is documented: a year; {_NO_PLAN}",
        rate=Rate(5, SECOND),
    ),
    ROOM_USAGE: _one_piece(
        90 * DAY, 24 * HOUR, f"'the last 3 months' are read as 90 days; {_NO_PLAN}", rate=Rate(1, 15)
    ),
}


def _plan(name: str, *rows: Mapping[str, Limits]) -> Plan:
    merged = {row: limits for table in (_UNGATED, *rows) for row, limits in table.items()}
    return Plan(vendor="tencent", name=name, rows=merged, source=_SOURCE, read_on=_READ_ON)


_ADVANCED = _plan("advanced", _call_quality(14), _dashboard(12, 60))
_MONTHLY = "the monthly packages open the real-time actions on request; their look-back is not documented"
_INTL = f"{_NO_LAG}; {_DAYS_INTL}"
_INTL_MARKET = f"{_NO_LAG}; 30 days are printed for the quality figures of intl-premium alone"
_INTL_LIVE = f"{_NO_LAG}; one page prints 1 hour for premium, another 3 for standard and 12 for premium: the latter"

PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        # Mainland monitoring dashboard. Since 2024-04-01 the free edition may not list or inspect calls.
        _plan("free"),
        _plan("basic", _call_quality(7), _dashboard(3, 30)),
        _ADVANCED,
        # Mainland monthly packages.
        _plan("premium", _call_quality(7), {REALTIME: _one_piece(3 * HOUR, 3 * HOUR, _MONTHLY)}),
        _plan("flagship", _call_quality(14), {REALTIME: _one_piece(12 * HOUR, 12 * HOUR, _MONTHLY)}),
        # International editions.
        _plan("intl-standard", _call_quality(7, _INTL), _dashboard(3, 30, _INTL_LIVE, _INTL_MARKET)),
        _plan("intl-premium", _call_quality(14, _INTL), _dashboard(12, 30, _INTL_LIVE, _INTL_MARKET)),
        # No such plan is for sale: for simulators and tests, the highest plan without its rates.
        replace(_ADVANCED, name="unlimited", rows={row: replace(one, rates=()) for row, one in _ADVANCED.rows.items()}),
    )
}
"""Tencent's plans by the name that `plan=` takes."""


def find(name: str | Plan) -> Plan:
    """The plan of this name, say from a configuration; a `Plan` of this vendor as it is.

    Args:
        name: one of `PlanName`.

    Raises:
        BadInput: there is none; the message lists those there are.
    """
    return find_plan(PLANS, name, vendor="tencent")
