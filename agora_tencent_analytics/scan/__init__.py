"""Fan-out over the calls of one or several providers: `scan`, what it will cost, its records and its report."""

from __future__ import annotations

from agora_tencent_analytics.scan.filters import FreezeFrom
from agora_tencent_analytics.scan.forecast.forecast import Forecast, RowForecast, VendorForecast
from agora_tencent_analytics.scan.forecast.interval import Interval
from agora_tencent_analytics.scan.forecast.proposal import Loss, Proposal
from agora_tencent_analytics.scan.forecast.run import plan
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.records import CallRecord, Failure
from agora_tencent_analytics.scan.report import Report
from agora_tencent_analytics.scan.run import scan as run
from agora_tencent_analytics.scan.since import Since
from agora_tencent_analytics.scan.stream import Records
from agora_tencent_analytics.scan.vendor_report import VendorReport

__all__ = [
    "CallRecord",
    "Failure",
    "Forecast",
    "FreezeFrom",
    "Interval",
    "Ledger",
    "Loss",
    "Proposal",
    "Records",
    "Report",
    "RowForecast",
    "Since",
    "VendorForecast",
    "VendorReport",
    "scan",
]


class _Scan:
    """`scan(*providers, over=...)` reads every call of a range; `await scan.plan(...)` tells what that will cost."""

    __call__ = staticmethod(run)
    plan = staticmethod(plan)

    def __repr__(self) -> str:
        return "<scan>"


scan = _Scan()
"""Reads every call of a range from all providers at once; `await scan.plan(...)` tells what that will cost."""
