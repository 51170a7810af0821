"""Tencent's limits: plan by action, every figure as the vendor prints it.

Holds the figures of the call-quality actions. The vendor's limits are a property of the action, its
look-back a property of the plan (7 or 14 days).
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.limits import DAY, HOUR, SECOND, Limits, Plan, Rate

__all__ = ["CALL_DETAIL", "CALL_DETAIL_2021", "CALL_DETAIL_METRICS", "PLANS", "ROOM_INFO", "USER_INFO"]

ROOM_INFO = "DescribeRoomInfo"
USER_INFO = "DescribeUserInfo"
CALL_DETAIL_METRICS = "DescribeCallDetailInfo with DataType"
CALL_DETAIL = "DescribeCallDetailInfo without DataType"
CALL_DETAIL_2021 = "DescribeCallDetail"

_SOURCE = "https://cloud.tencent.com/document/product/647/44050"
_READ_ON = "2026-08-21"
_NO_LAG = "no data delay is documented for the call-quality actions: lag 0"
_DAYS_INTL = "the look-back of the international editions is not documented: 7 and 14 days as on the mainland"

_SPAN_AND_PAGE = {
    ROOM_INFO: (24 * HOUR, 100),
    USER_INFO: (4 * HOUR, 100),
    CALL_DETAIL_METRICS: (1 * HOUR, 6),
    CALL_DETAIL: (4 * HOUR, 100),
    # The page of 2021 allows one hour always; with DataType or UserIds six users, else 100. Six is safe.
    CALL_DETAIL_2021: (1 * HOUR, 6),
}


def _plan(name: str, *, days: int, rates: tuple[Rate, ...] = (Rate(20, SECOND),), inferred: str = _NO_LAG) -> Plan:
    rows = {
        row: Limits(rates=rates, history_s=days * DAY, span_s=span_s, page_size=page_size, inferred=inferred)
        for row, (span_s, page_size) in _SPAN_AND_PAGE.items()
    }
    return Plan(vendor="tencent", name=name, rows=rows, source=_SOURCE, read_on=_READ_ON)


PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        # Mainland monitoring dashboard. Since 2024-04-01 the free edition may not call.
        Plan(vendor="tencent", name="free", rows={}, source=_SOURCE, read_on=_READ_ON),
        _plan("basic", days=7),
        _plan("advanced", days=14),
        # Mainland monthly packages.
        _plan("premium", days=7),
        _plan("flagship", days=14),
        # International editions.
        _plan("intl-standard", days=7, inferred=f"{_NO_LAG}; {_DAYS_INTL}"),
        _plan("intl-premium", days=14, inferred=f"{_NO_LAG}; {_DAYS_INTL}"),
        # No such plan is for sale: for simulators and tests, the highest plan without its rates.
        _plan("unlimited", days=14, rates=()),
    )
}
"""Tencent's plans by the name that `plan=` takes."""
